/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is known of each tile after a run: how much was added to the base, and the error that is expected all the same.
 */
#include <math.h>
#include <string.h>

#include "pipeline/detail.h"
#include "pipeline/plan.h"

static size_t count_tiles(const fovea_plan *plan)
{
    return plan->n_chain ? (size_t)plan->step[0].n_tiles_x * (size_t)plan->step[0].n_tiles_y : 0;
}

int fovi_figures_create(fovea_plan *plan)
{
    size_t n = count_tiles(plan);
    fovea_context *ctx = plan->run.ctx;
    if (n == 0)
        return FOVEA_OK;
    plan->added = fovi_alloc(ctx, n, sizeof *plan->added);
    if (!plan->added)
        return fovi_alloc_error(ctx);
    if (!fovi_plan_decides(plan) && !plan->params.expects_error)
        return FOVEA_OK;
    if (plan->params.mode == FOVEA_MODE_VIVID) {
        plan->detail_squares = fovi_alloc(ctx, n, sizeof *plan->detail_squares);
        plan->detail = plan->detail_squares ? fovi_alloc(ctx, n, sizeof *plan->detail) : NULL;
        plan->detail_source = plan->detail ? fovi_alloc(ctx, n, sizeof *plan->detail_source) : NULL;
        if (!plan->detail_source)
            return fovi_alloc_error(ctx);
    }
    plan->features = fovi_alloc(ctx, n, sizeof *plan->features);
    return plan->features ? FOVEA_OK : fovi_alloc_error(ctx);
}

void fovi_figures_free(fovea_plan *plan)
{
    fovi_free(plan->run.ctx, plan->features);
    fovi_free(plan->run.ctx, plan->added);
    fovi_free(plan->run.ctx, plan->detail_squares);
    fovi_free(plan->run.ctx, plan->detail);
    fovi_free(plan->run.ctx, plan->detail_source);
}

void fovi_figures_reset(fovea_plan *plan)
{
    plan->is_analyzed = 0;
    plan->expected = NULL;
    if (plan->added)
        memset(plan->added, 0, count_tiles(plan) * sizeof *plan->added);
}

void fovi_figures_analyzed(fovea_plan *plan, const struct fovea_map *map)
{
    const struct fovi_step *s = &plan->step[0];
    int x0 = plan->in_part.x / FOVEA_TILE, y0 = plan->in_part.y / FOVEA_TILE;
    for (int y = 0; y < s->n_tiles_y; y++)
        for (int x = 0; x < s->n_tiles_x; x++)
            fovi_error_pack(&map->tiles[(ptrdiff_t)(y0 + y) * map->n_tiles_x + x0 + x],
                            &plan->features[(ptrdiff_t)y * s->n_tiles_x + x]);
    plan->is_analyzed = 1;
}

/* What the strength leaves out of a correction adds to the error as a whole: for a maker near the conditional mean the
 * correction and the error that remains are orthogonal. */
float fovi_figures_expect(const fovea_plan *plan, size_t tile)
{
    const struct fovi_step *step = &plan->step[0];
    const struct fovi_error_model *model = fovi_error_model_builtin((enum fovea_path)step->path[tile], step->scale);
    double added = (double)plan->added[tile], left_out = 1.0 - plan->params.strength;
    return (float)(fovi_error_predict(model, &plan->features[tile], added) + left_out * left_out * added);
}

/* Input pixels of a tile: those at the right and bottom edge are smaller. */
static double tile_area(const fovea_plan *plan, int x, int y)
{
    int width = plan->step[0].width - x * FOVEA_TILE, height = plan->step[0].height - y * FOVEA_TILE;
    return (double)(width < FOVEA_TILE ? width : FOVEA_TILE) * (double)(height < FOVEA_TILE ? height : FOVEA_TILE);
}

/* One row of tiles: mean squares become what is shown. */
static void finish_job(void *arg, int index, int worker)
{
    (void)worker;
    fovea_plan *plan = arg;
    const struct fovi_step *step = &plan->step[0];
    size_t n = (size_t)step->n_tiles_x, first = n * (size_t)index;
    double to_px = (double)plan->out_width * plan->out_height / ((double)plan->in_width * plan->in_height);
    for (size_t t = first; t < first + n; t++) {
        float detail = 0.0f, rise = 0.0f;
        if (plan->detail)
            detail = (float)(plan->detail_squares[t] / (to_px * tile_area(plan, (int)(t - first), index)));
        if (plan->detail) {
            plan->detail[t] = sqrtf(detail);
            rise = fovi_detail_price(detail, plan->detail_source[t],
                                     fovi_detail_slope((enum fovea_path)step->path[t], step->scale));
            plan->detail_source[t] = sqrtf(rise);
        }
        if (plan->is_analyzed) {
            float expected = sqrtf(fovi_figures_expect(plan, t) + rise);
            memcpy(&plan->features[t], &expected, sizeof expected);
        }
        plan->added[t] = (float)plan->params.strength * sqrtf(plan->added[t]);
    }
}

void fovi_figures_finish(fovea_plan *plan)
{
    if (!plan->n_chain)
        return;
    fovi_parallel(plan->run.ctx, finish_job, plan, plan->step[0].n_tiles_y);
    char *bytes = (char *)plan->features; /* the errors lie where the features were, and now move together */
    for (size_t t = 0; plan->is_analyzed && t < count_tiles(plan); t++)
        memmove(bytes + t * sizeof *plan->expected, bytes + t * sizeof *plan->features, sizeof *plan->expected);
    plan->expected = plan->is_analyzed ? (float *)(void *)bytes : NULL;
}

/* RMS over the picture. */
static double total_rms(const fovea_plan *plan, const float *figure)
{
    const struct fovi_step *s = &plan->step[0];
    double sum = 0.0;
    for (int y = 0; y < s->n_tiles_y; y++)
        for (int x = 0; x < s->n_tiles_x; x++) {
            double v = (double)figure[(size_t)y * (size_t)s->n_tiles_x + (size_t)x];
            sum += tile_area(plan, x, y) * v * v;
        }
    return sqrt(sum / ((double)s->width * s->height));
}

void fovi_figures_report(const fovea_plan *plan, struct fovea_report *report)
{
    if (!plan->n_chain)
        return;
    report->added_rms = total_rms(plan, plan->added);
    report->expected_error_rms = plan->is_analyzed ? total_rms(plan, plan->expected) : 0.0;
    if (!plan->detail)
        return;
    report->detail_rms = total_rms(plan, plan->detail);
    double error = report->expected_error_rms, rise = total_rms(plan, plan->detail_source);
    if (error > rise)
        report->detail_cost_db = 20.0 * log10(error) - 10.0 * log10(error * error - rise * rise);
}

void fovea_plan_tile_figures(const fovea_plan *plan, struct fovea_tile_figures *out)
{
    *out = (struct fovea_tile_figures){ 0 };
    if (plan->n_chain)
        *out = (struct fovea_tile_figures){ plan->step[0].n_tiles_x,
                                            plan->step[0].n_tiles_y,
                                            plan->added,
                                            plan->expected,
                                            plan->detail,
                                            plan->meter ? fovi_meter_tiles(plan->meter) : NULL };
}
