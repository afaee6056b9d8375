/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The expected error of a tile from features and from what its maker added.
 */
#include "route/error.h"

#include "route/error_table.h"
#include "route/route_math.h"

#define LOWEST (-5.0)
#define STEPS 2048.0

static const enum fovea_feature used[FOVI_ERROR_N_FEATURES] = {
    FOVEA_FEATURE_GRADIENT,        FOVEA_FEATURE_HIGH_FREQUENCY, FOVEA_FEATURE_SELF_CONSISTENCY,
    FOVEA_FEATURE_HALF_RESOLUTION, FOVEA_FEATURE_MEAN_GRADIENT,
};

void fovi_error_pack(const struct fovea_tile_features *tile, struct fovi_error_tile *out)
{
    for (int i = 0; i < FOVI_ERROR_N_FEATURES; i++) {
        double step = (fovi_route_log((double)tile->value[used[i]] + 1e-2) - LOWEST) * STEPS + 0.5;
        out->z[i] = (uint16_t)(step < 65535.0 ? step : 65535.0);
    }
}

void fovi_error_z(const struct fovi_error_tile *tile, double added, double z[FOVI_ROUTE_N_Z])
{
    for (int i = 0; i < FOVI_ERROR_N_FEATURES; i++)
        z[i] = (double)tile->z[i] / STEPS + LOWEST;
    z[FOVI_ROUTE_N_Z - 1] = fovi_route_log(added + 1e-2);
}

double fovi_error_predict(const struct fovi_error_model *model, const struct fovi_error_tile *tile, double added)
{
    double z[FOVI_ROUTE_N_Z], terms[FOVI_ROUTE_N_TERMS], sum = 0.0;
    fovi_error_z(tile, added, z);
    fovi_route_draw_in(model->mean, model->whiten, model->radius, z);
    fovi_route_terms(z, terms);
    for (int i = 0; i < FOVI_ROUTE_N_TERMS; i++)
        sum += model->w[i] * terms[i];
    sum = sum > -30.0 ? sum : -30.0;
    return fovi_route_exp(sum < 30.0 ? sum : 30.0);
}

/* The network that a later one falls behind: tables are in the order of the ladder. */
const struct fovi_error_model *fovi_error_model_builtin(enum fovea_path path, int scale)
{
    const struct fovi_error_table *table = fovi_error_table(scale);
    const struct fovi_error_model *found = &table->model[table->n - 1];
    if (path == FOVEA_PATH_FALLBACK)
        path = FOVEA_PATH_CLASSIC;
    for (int i = 0; i < table->n; i++)
        if (table->model[i].path == path)
            found = &table->model[i];
    return found;
}
