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

/* What goes into the choice and is owned by it. */
struct choice {
    const struct fovea_map *map;
    struct fovi_route_problem problem;
    int rung[FOVI_ROUTE_MAX_LEVELS]; /* of each level */
    const struct fovi_route_model *model[FOVI_ROUTE_MAX_LEVELS];
    struct fovi_route_halo *halo[FOVI_ROUTE_MAX_LEVELS];
    double *gain;     /* of all levels, one after the other */
    double *residual; /* of each row of tiles, with the last level everywhere */
};

static void free_choice(fovea_context *ctx, struct choice *c)
{
    for (int k = 0; k < c->problem.n_levels; k++)
        fovi_route_halo_free(ctx, c->halo[k]);
    fovi_free(ctx, c->residual);
    fovi_free(ctx, c->gain);
}

/* Predictions for a row of tiles: gains with the margin, none below that of the level before, and what remains. */
static void predict_row(void *arg, int y, int worker)
{
    (void)worker;
    struct choice *c = arg;
    const struct fovi_route_halo *h = c->problem.level[1].halo;
    int n_x = h->n_x, top = c->problem.n_levels - 1;
    size_t n = (size_t)n_x * (size_t)h->n_y;
    c->residual[y] = 0.0;
    for (int x = 0; x < n_x; x++) {
        size_t t = (size_t)y * (size_t)n_x + (size_t)x;
        double z[FOVI_ROUTE_N_Z], area = h->area[fovi_route_shape(h, x, y)], least = 0.0, residual;
        int is_flat = fovi_route_is_flat(&c->map->tiles[t]);
        fovi_route_z(&c->map->tiles[t], z);
        for (int k = 1; k <= top; k++) {
            double g;
            fovi_route_predict_z(c->model[k], z, &g, k == top ? &residual : NULL);
            g *= is_flat ? 0.0 : area * c->model[k]->margin;
            least = g > least ? g : least;
            c->gain[(size_t)k * n + t] = least;
        }
        c->residual[y] += residual * area;
    }
}

static int add_level(fovea_context *ctx, const struct fovi_route_params *p, int rung, int is_top, struct choice *c)
{
    const struct fovi_route_model *model = is_top && p->model ? p->model : fovi_route_model_builtin(rung, p->scale);
    const struct fovea_map *map = c->map;
    int k = c->problem.n_levels;
    if (!model)
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "no routing coefficients for %s at scale %d",
                         fovi_route_ladder[rung].name, p->scale);
    FOVI_TRY(fovi_route_halo_create(ctx, &fovi_route_ladder[rung], p->scale, !(p->bf16 >> rung & 1u), map->width,
                                    map->height, &c->halo[k]));
    c->rung[k] = rung;
    c->model[k] = model;
    c->problem.level[k] = (struct fovi_route_level){ c->halo[k],
                                                     c->gain +
                                                         (size_t)k * (size_t)map->n_tiles_x * (size_t)map->n_tiles_y,
                                                     p->ns_per_px[rung], p->budget_ns_per_px[rung], p->edge[rung] };
    c->problem.n_levels++;
    return FOVEA_OK;
}

static int prepare(fovea_context *ctx, const struct fovea_map *map, const struct fovi_route_params *p, int top,
                   struct choice *c)
{
    size_t n = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y;
    *c = (struct choice){
        .map = map,
        .problem = { .n_levels = 1, .max_loss_db = p->max_loss_db, .budget_ns = p->budget_ms * 1e6 * p->n_threads }
    };
    c->problem.level[0].ns = p->ns_per_px[FOVI_ROUTE_FILTER];
    c->problem.level[0].budget_ns = p->budget_ns_per_px[FOVI_ROUTE_FILTER];
    c->gain = fovi_alloc(ctx, n * FOVI_ROUTE_MAX_LEVELS, sizeof *c->gain);
    c->residual = c->gain ? fovi_alloc(ctx, (size_t)map->n_tiles_y, sizeof *c->residual) : NULL;
    if (!c->residual)
        return fovi_alloc_error(ctx);
    for (int rung = 1; rung <= top; rung++)
        if (p->allow >> rung & 1u)
            FOVI_TRY(add_level(ctx, p, rung, rung == top, c));
    fovi_parallel(ctx, predict_row, c, map->n_tiles_y);
    for (int y = 0; y < map->n_tiles_y; y++)
        c->problem.residual += c->residual[y];
    return FOVEA_OK;
}

static void fill_result(const struct choice *c, const struct fovi_route_params *p, const uint8_t *level,
                        struct fovi_route_result *result)
{
    const struct fovi_route_problem *problem = &c->problem;
    const struct fovi_route_halo *h = problem->level[1].halo;
    const struct fovi_route_model *model = c->model[problem->n_levels - 1];
    double full = 0.0, px = 0.0, work = 0.0, to_ms = 1e-6 / p->n_threads;
    for (int y = 0; y < h->n_y; y++) {
        for (int x = 0; x < h->n_x; x++) {
            full += h->area[fovi_route_shape(h, x, y)];
        }
    }
    for (int k = 1; k < problem->n_levels; k++) {
        double level_px = fovi_route_halo_px(problem->level[k].halo, level, (uint8_t)k);
        px += level_px;
        work += level_px * fovi_route_macs(c->rung[k], p->scale);
    }
    result->network_px = (int64_t)(px + 0.5);
    result->saved_share = 1.0 - work / (full * fovi_route_macs(result->top, p->scale));
    result->predicted_ms = fovi_route_cost_ns(problem, level) * to_ms;
    result->predicted_loss_db = fovi_route_loss_db(problem, level);
    result->residual = problem->residual / full;
    result->bound_db = result->predicted_loss_db * model->bound[fovi_route_kind(model, result->residual)];
}

/* Decide between the filter and the networks up to the rung in result->top. path serves as the choice, then as the
 * answer. */
static int decide_between(fovea_context *ctx, const struct fovea_map *map, const struct fovi_route_params *p,
                          uint8_t *path, struct fovi_route_result *result)
{
    struct choice c;
    int code = prepare(ctx, map, p, result->top, &c);
    if (!code)
        code = fovi_route_select(ctx, &c.problem, path);
    if (!code) {
        size_t n = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y;
        fill_result(&c, p, path, result);
        for (size_t t = 0; t < n; t++)
            path[t] = (uint8_t)fovi_route_ladder[c.rung[path[t]]].path;
    }
    free_choice(ctx, &c);
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
    result->network_px = result->top == FOVI_ROUTE_FILTER ? 0 : px;
    result->predicted_ms = (double)px * p->budget_ns_per_px[result->top] * 1e-6 / p->n_threads;
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
    return decide_between(ctx, map, p, path, result);
}
