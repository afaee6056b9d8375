/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A tile's gain and remaining error from its features: quadratic ridge regressions on log features with a log link.
 * The labels are energies of a network's correction, which for networks near the conditional mean equal its gain in
 * squared error (orthogonality), so only one constant needs ground truth.
 */
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

/* The terms of z, clamped to what the model has seen. */
static void clamped_terms(const struct fovi_route_model *model, const double z[FOVI_ROUTE_N_Z],
                          double terms[FOVI_ROUTE_N_TERMS])
{
    double clamped[FOVI_ROUTE_N_Z];
    for (int i = 0; i < FOVI_ROUTE_N_Z; i++) {
        clamped[i] = z[i] > model->z_low[i] ? z[i] : model->z_low[i];
        clamped[i] = clamped[i] < model->z_high[i] ? clamped[i] : model->z_high[i];
    }
    fovi_route_terms(clamped, terms);
}

void fovi_route_predict_z(const struct fovi_route_model *model, const double z[FOVI_ROUTE_N_Z], double *gain,
                          double *residual)
{
    double terms[FOVI_ROUTE_N_TERMS];
    clamped_terms(model, z, terms);
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
