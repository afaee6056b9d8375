/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a map to paths: predict, select, report.
 */
#include "route/halo.h"

static int check_params(fovea_context *ctx, const struct fovi_route_params *p)
{
    if (p->scale < 2 || p->scale > 4)
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "no routing at scale %d", p->scale);
    if (!(p->allow & ((1u << FOVI_ROUTE_N_RUNGS) - 1)))
        return fovi_fail(ctx, FOVEA_E_ARG, "routing with no method allowed");
    if (!(p->max_loss_db >= 0.0) || !(p->budget_ms >= 0.0) || p->n_threads < 1)
        return fovi_fail(ctx, FOVEA_E_ARG, "routing: loss %g dB, budget %g ms, %d threads", p->max_loss_db,
                         p->budget_ms, p->n_threads);
    return FOVEA_OK;
}

/* Sum the predictions of the tiles: gain[t] with the margin, the residual of the picture. */
static void predict_all(const struct fovea_map *map, const struct fovi_route_model *model,
                        const struct fovi_route_halo *halo, double *gain, double *residual)
{
    const struct fovea_tile_features *tile = map->tiles;
    *residual = 0.0;
    for (int y = 0; y < map->n_tiles_y; y++) {
        for (int x = 0; x < map->n_tiles_x; x++, tile++, gain++) {
            double area = halo->area[fovi_route_shape(halo, x, y)], g, r;
            fovi_route_predict(model, tile, &g, &r);
            *gain = g * area * model->margin;
            *residual += r * area;
        }
    }
}

static void fill_result(const struct fovi_route_problem *problem, const struct fovi_route_params *p, const uint8_t *on,
                        struct fovi_route_result *result)
{
    double px = fovi_route_halo_px(problem->halo, on), full = 0.0;
    const struct fovi_route_halo *h = problem->halo;
    for (int y = 0; y < h->n_y; y++)
        for (int x = 0; x < h->n_x; x++)
            full += h->area[fovi_route_shape(h, x, y)];
    result->network_px = (int64_t)(px + 0.5);
    result->full_network_px = (int64_t)(full + 0.5);
    result->saved_share = 1.0 - px / full;
    result->predicted_ms = fovi_route_cost_ns(problem, on) * 1e-6 / p->n_threads;
}

/* Decide between the filter and the rung in result->top. path serves as the choice, then as the answer. */
static int decide_between(fovea_context *ctx, const struct fovea_map *map, const struct fovi_route_params *p,
                          const struct fovi_route_halo *halo, uint8_t *path, struct fovi_route_result *result)
{
    const struct fovi_route_model *model = p->model ? p->model : fovi_route_model_builtin(result->top, p->scale);
    if (!model)
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "no routing coefficients for %s at scale %d",
                         fovi_route_ladder[result->top].name, p->scale);
    size_t n = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y;
    double *gain = fovi_alloc(ctx, n, sizeof *gain);
    if (!gain)
        return fovi_alloc_error(ctx);
    struct fovi_route_problem problem = {
        .halo = halo,
        .gain = gain,
        .max_loss_db = p->max_loss_db,
        .budget_ns = p->budget_ms * 1e6 * p->n_threads,
        .network_ns = fovi_route_cost(result->top, p->scale, FOVEA_CPU_AVX2),
        .filter_ns = fovi_route_cost(FOVI_ROUTE_FILTER, p->scale, FOVEA_CPU_AVX2),
        .budget_network_ns = p->ns_per_px[result->top],
        .budget_filter_ns = p->ns_per_px[FOVI_ROUTE_FILTER],
    };
    predict_all(map, model, halo, gain, &problem.residual);
    int code = fovi_route_select(ctx, &problem, path);
    if (!code) {
        fill_result(&problem, p, path, result);
        result->predicted_loss_db = fovi_route_loss_db(&problem, path);
        for (size_t t = 0; t < n; t++)
            path[t] = (uint8_t)fovi_route_ladder[path[t] ? result->top : FOVI_ROUTE_FILTER].path;
    }
    fovi_free(ctx, gain);
    return code;
}

/* One method is allowed: there is nothing to decide. */
static void take_everywhere(const struct fovea_map *map, const struct fovi_route_params *p, uint8_t *path,
                            struct fovi_route_result *result)
{
    int64_t px = (int64_t)map->width * map->height;
    size_t n = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y;
    for (size_t t = 0; t < n; t++)
        path[t] = (uint8_t)fovi_route_ladder[result->top].path;
    result->network_px = result->full_network_px = result->top == FOVI_ROUTE_FILTER ? 0 : px;
    result->predicted_ms = (double)px * p->ns_per_px[result->top] * 1e-6 / p->n_threads;
}

int fovi_route_decide(fovea_context *ctx, const struct fovea_map *map, const struct fovi_route_params *p, uint8_t *path,
                      struct fovi_route_result *result)
{
    FOVI_TRY(check_params(ctx, p));
    *result = (struct fovi_route_result){ 0 };
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++)
        if (p->allow >> rung & 1u)
            result->top = rung;
    if (result->top == FOVI_ROUTE_FILTER || !(p->allow & 1u << FOVI_ROUTE_FILTER)) {
        take_everywhere(map, p, path, result);
        return FOVEA_OK;
    }
    struct fovi_route_halo *halo = NULL;
    FOVI_TRY(fovi_route_halo_create(ctx, &fovi_route_ladder[result->top], p->scale, map->width, map->height, &halo));
    int code = decide_between(ctx, map, p, halo, path, result);
    fovi_route_halo_free(ctx, halo);
    return code;
}
