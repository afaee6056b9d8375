/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is known of each tile after a run: how much was added to the base, and the error that is expected all the same.
 */
#include <math.h>
#include <string.h>

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
    if (plan->params.method != FOVEA_METHOD_AUTO && !plan->params.expects_error)
        return FOVEA_OK;
    plan->features = fovi_alloc(ctx, n, sizeof *plan->features);
    plan->expected = plan->features ? fovi_alloc(ctx, n, sizeof *plan->expected) : NULL;
    return plan->expected ? FOVEA_OK : fovi_alloc_error(ctx);
}

void fovi_figures_free(fovea_plan *plan)
{
    fovi_free(plan->run.ctx, plan->features);
    fovi_free(plan->run.ctx, plan->added);
    fovi_free(plan->run.ctx, plan->expected);
}

void fovi_figures_reset(fovea_plan *plan)
{
    plan->is_analyzed = 0;
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

/* One row of tiles: mean squares become what is shown. */
static void finish_job(void *arg, int index, int worker)
{
    (void)worker;
    fovea_plan *plan = arg;
    size_t n = (size_t)plan->step[0].n_tiles_x, first = n * (size_t)index;
    for (size_t t = first; t < first + n; t++) {
        if (plan->is_analyzed)
            plan->expected[t] = sqrtf(fovi_figures_expect(plan, t));
        plan->added[t] = (float)plan->params.strength * sqrtf(plan->added[t]);
    }
}

void fovi_figures_finish(fovea_plan *plan)
{
    if (plan->n_chain)
        fovi_parallel(plan->run.ctx, finish_job, plan, plan->step[0].n_tiles_y);
}

/* RMS over the picture: tiles at its right and bottom edge are smaller. */
static double total_rms(const fovea_plan *plan, const float *figure)
{
    const struct fovi_step *s = &plan->step[0];
    double sum = 0.0;
    for (int y = 0; y < s->n_tiles_y; y++)
        for (int x = 0; x < s->n_tiles_x; x++) {
            int width = s->width - x * FOVEA_TILE, height = s->height - y * FOVEA_TILE;
            double area = (double)(width < FOVEA_TILE ? width : FOVEA_TILE) *
                          (double)(height < FOVEA_TILE ? height : FOVEA_TILE);
            double v = (double)figure[(size_t)y * (size_t)s->n_tiles_x + (size_t)x];
            sum += area * v * v;
        }
    return sqrt(sum / ((double)s->width * s->height));
}

void fovi_figures_report(const fovea_plan *plan, struct fovea_report *report)
{
    if (!plan->n_chain)
        return;
    report->added_rms = total_rms(plan, plan->added);
    report->expected_error_rms = plan->is_analyzed ? total_rms(plan, plan->expected) : 0.0;
}

void fovea_plan_tile_figures(const fovea_plan *plan, struct fovea_tile_figures *out)
{
    *out = (struct fovea_tile_figures){ 0 };
    if (plan->n_chain)
        *out = (struct fovea_tile_figures){ plan->step[0].n_tiles_x, plan->step[0].n_tiles_y, plan->added,
                                            plan->is_analyzed ? plan->expected : NULL };
}
