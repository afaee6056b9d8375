/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode vivid in a plan: which stages it takes, which tiles get detail, what it costs.
 */
#include "pipeline/detail.h"
#include "pipeline/plan.h"
#include "route/route_math.h"

/* Weights of the steps of each of the two projections: what they leave below Nyquist is under a thousandth. Two where a
 * step corrects all frequencies alike; close to a ratio of one first the plain levels, which must go altogether, then
 * the Chebyshev iteration on 0.24..1.02 (plan.c). */
enum { MAX_PROJECTIONS = 4 };
static const float sharp_weights[] = { 1.0f, 1.0f }, blunt_weights[MAX_PROJECTIONS] = { 1.0f, 1.03f, 1.59f, 3.42f };

/* (mean |grad|)^2 over mean |grad|^2 of a tile: lone edges and letters lie low, texture high (pi/4 for Gaussian noise).
 * Below the first there is no detail, above the second all of it. */
#define LINE_ART 0.35
#define TEXTURE 0.60

static int is_vivid(const fovea_plan *plan)
{
    int enlarges = plan->out_width >= plan->in_width && plan->out_height >= plan->in_height;
    return plan->params.mode == FOVEA_MODE_VIVID && plan->n_chain > 0 && enlarges && plan->params.strength > 0.0;
}

int fovi_vivid_check(const fovea_plan *plan)
{
    const struct fovea_upscale_params *p = &plan->params;
    if (!(p->detail_cost_db >= 0.0 && p->detail_cost_db <= 3.0))
        return fovi_fail(plan->run.ctx, FOVEA_E_ARG, "detail_cost_db %g is not in 0..3", p->detail_cost_db);
    if (p->mode == FOVEA_MODE_VIVID && plan->run.n_color != 1 && plan->run.n_color != 3)
        return fovi_fail(plan->run.ctx, FOVEA_E_UNSUPPORTED, "mode vivid is for grey and RGB, not for %d channels",
                         plan->run.n_color);
    return FOVEA_OK;
}

/* How much of a tile's structure is texture, 0..1. */
static double texture_share(const struct fovi_error_tile *tile)
{
    double z[FOVI_ROUTE_N_Z];
    fovi_error_z(tile, 0.0, z);
    double ratio = fovi_route_exp(z[FOVI_ERROR_N_FEATURES - 1] - z[0]), t = (ratio - LINE_ART) / (TEXTURE - LINE_ART);
    t = t > 0.0 ? t < 1.0 ? t : 1.0 : 0.0;
    return t * t * (3.0 - 2.0 * t);
}

static struct fovi_detail_tile ask(void *user, size_t tile)
{
    const fovea_plan *plan = user;
    const struct fovi_step *step = &plan->step[0];
    enum fovea_path path = (enum fovea_path)step->path[tile];
    int is_spared = path == FOVEA_PATH_CLASSIC || path == FOVEA_PATH_FALLBACK || step->likeness[tile];
    return (struct fovi_detail_tile){ .lost = (double)fovi_figures_expect(plan, tile),
                                      .share = is_spared ? 0.0 : texture_share(&plan->features[tile]),
                                      .slope = fovi_detail_slope(path, step->scale) };
}

static double tile_height(const fovea_plan *plan)
{
    return (double)FOVEA_TILE * plan->out_height / plan->in_height;
}

double fovi_vivid_reach(const fovea_plan *plan)
{
    return is_vivid(plan) ? 2.0 * MAX_PROJECTIONS * 9.0 + 3.0 * FOVEA_TILE : 0.0;
}

int fovi_vivid_rows(const fovea_plan *plan, int rows_in_use)
{
    return is_vivid(plan) ? (2 * MAX_PROJECTIONS + 1) * rows_in_use + (int)(3.0 * tile_height(plan)) + plan->run.piece
                          : 0;
}

static int append(fovea_plan *plan, int code, struct fovi_stage *stage)
{
    if (!code)
        plan->stage[plan->n_stages++] = stage;
    return code;
}

/* Make the part of the last stage's rows that the reduction does not see. */
static int add_projection(fovea_plan *plan, struct fovi_stage *zero)
{
    struct fovi_project_params params = { 0 };
    struct fovi_stage *next;
    int is_sharp = fovi_project_is_sharp((double)plan->out_width / plan->in_width,
                                         (double)plan->out_height / plan->in_height);
    params.n_whole = params.n_steps = params.n_sharp = is_sharp ? (int)(sizeof sharp_weights / sizeof *sharp_weights)
                                                                : MAX_PROJECTIONS;
    for (int i = 0; i < params.n_steps; i++)
        params.weight[i] = is_sharp ? sharp_weights[i] : blunt_weights[i];
    int code = fovi_project_create(&plan->run, plan->stage[plan->n_stages - 1], zero, &params, &next);
    return append(plan, code, next);
}

int fovi_vivid_add(fovea_plan *plan, int rows_in_use)
{
    struct fovi_run *run = &plan->run;
    struct fovi_stage *result = plan->stage[plan->n_stages - 1], *zero, *next;
    if (!is_vivid(plan))
        return FOVEA_OK;
    const struct fovi_detail_params params = {
        .x = { plan->step[0].n_tiles_x, plan->in_part.x / FOVEA_TILE, result->frame.x,
               (double)FOVEA_TILE * plan->out_width / plan->in_width },
        .y = { plan->step[0].n_tiles_y, plan->in_part.y / FOVEA_TILE, result->frame.y, tile_height(plan) },
        .cost = fovi_route_exp(plan->params.detail_cost_db / 10.0 * FOVI_LN10) - 1.0,
        .ask = ask,
        .user = plan,
        .source = plan->detail_source,
        .added = plan->detail_squares
    };
    int hold = (int)(3.0 * tile_height(plan)) + 2 * run->piece;
    int code = fovi_zero_create(run, &plan->in_part, &zero);
    FOVI_TRY(append(plan, code, zero));
    code = fovi_luma_create(run, result, MAX_PROJECTIONS * rows_in_use + hold, &next);
    FOVI_TRY(append(plan, code, next));
    FOVI_TRY(add_projection(plan, zero));
    code = fovi_gain_create(run, plan->stage[plan->n_stages - 1], &params, (MAX_PROJECTIONS + 1) * rows_in_use, &next);
    FOVI_TRY(append(plan, code, next));
    FOVI_TRY(add_projection(plan, zero));
    code = fovi_sum_create(run, result, plan->stage[plan->n_stages - 1], &params, rows_in_use, &next);
    return append(plan, code, next);
}
