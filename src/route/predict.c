/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A tile's gain and remaining error from its features: quadratic ridge regressions on log features with a log link.
 * The labels are energies of a network's correction, which for networks near the conditional mean equal its gain in
 * squared error (orthogonality), so only one constant needs ground truth.
 */
#include <string.h>

#include "route/route.h"
#include "route/route_math.h"

/* MEAN_GRADIENT beside GRADIENT tells lone clean edges, which a network restores best, from texture and noise. */
static const enum fovea_feature used[FOVI_ROUTE_N_Z] = {
    FOVEA_FEATURE_GRADIENT,        FOVEA_FEATURE_HIGH_FREQUENCY, FOVEA_FEATURE_SELF_CONSISTENCY,
    FOVEA_FEATURE_HALF_RESOLUTION, FOVEA_FEATURE_DCT_HIGH,       FOVEA_FEATURE_MEAN_GRADIENT,
};

void fovi_route_z(const struct fovea_tile_features *tile, double z[FOVI_ROUTE_N_Z])
{
    for (int i = 0; i < FOVI_ROUTE_N_Z; i++)
        z[i] = fovi_route_log((double)tile->value[used[i]] + 1e-2);
}

void fovi_route_terms(const double z[FOVI_ROUTE_N_Z], double terms[FOVI_ROUTE_N_TERMS])
{
    int n = 0;
    terms[n++] = 1.0;
    for (int i = 0; i < FOVI_ROUTE_N_Z; i++)
        terms[n++] = z[i];
    for (int i = 0; i < FOVI_ROUTE_N_Z; i++)
        for (int j = i; j < FOVI_ROUTE_N_Z; j++)
            terms[n++] = z[i] * z[j];
}

/* exp(w . terms), kept where the sums of a picture stay finite and above zero. */
static double link(const double *w, const double *terms)
{
    double sum = 0.0;
    for (int i = 0; i < FOVI_ROUTE_N_TERMS; i++)
        sum += w[i] * terms[i];
    sum = sum > -30.0 ? sum : -30.0;
    return fovi_route_exp(sum < 30.0 ? sum : 30.0);
}

double fovi_route_distance(const double mean[FOVI_ROUTE_N_Z], const double whiten[FOVI_ROUTE_N_WHITEN],
                           const double z[FOVI_ROUTE_N_Z])
{
    double sum = 0.0;
    for (int i = 0; i < FOVI_ROUTE_N_Z; i++) {
        double u = 0.0;
        for (int k = 0; k <= i; k++)
            u += *whiten++ * (z[k] - mean[k]);
        sum += u * u;
    }
    return sqrt(sum);
}

void fovi_route_draw_in(const double mean[FOVI_ROUTE_N_Z], const double whiten[FOVI_ROUTE_N_WHITEN], double radius,
                        double z[FOVI_ROUTE_N_Z])
{
    double distance = fovi_route_distance(mean, whiten, z);
    for (int i = 0; i < FOVI_ROUTE_N_Z && distance > radius; i++)
        z[i] = mean[i] + (z[i] - mean[i]) * radius / distance;
}

void fovi_route_predict_z(const struct fovi_route_model *model, const double z[FOVI_ROUTE_N_Z], double *gain,
                          double *residual)
{
    double near[FOVI_ROUTE_N_Z], terms[FOVI_ROUTE_N_TERMS];
    memcpy(near, z, sizeof near);
    fovi_route_draw_in(model->mean, model->whiten, model->radius, near);
    fovi_route_terms(near, terms);
    if (gain)
        *gain = link(model->gain, terms);
    if (residual)
        *residual = link(model->residual, terms);
}

int fovi_route_is_flat(const struct fovea_tile_features *tile)
{
    return !(tile->value[FOVEA_FEATURE_GRADIENT] > 0.0f);
}

void fovi_route_predict(const struct fovi_route_model *model, const struct fovea_tile_features *tile, double *gain,
                        double *residual)
{
    double z[FOVI_ROUTE_N_Z];
    fovi_route_z(tile, z);
    fovi_route_predict_z(model, z, gain, residual);
    if (fovi_route_is_flat(tile))
        *gain = 0.0;
}

int fovi_route_kind(const struct fovi_route_model *model, double residual)
{
    int kind = 0;
    while (kind < FOVI_ROUTE_N_KINDS - 1 && residual >= model->split[kind])
        kind++;
    return kind;
}
