/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which part of each stage's picture a crop of the result depends on.
 *
 * Every stage makes a pixel from those within a fixed reach, by weights that are cut out of those of the whole picture,
 * and whatever goes in blocks (tiles, groups of rows, lanes) starts at a multiple of 16. So a part that goes beyond the
 * crop by the sum of the reaches gives the crop the bytes that the whole picture has there; what lies nearer to the
 * part's edge is not what the whole picture has, and is cut off.
 */
#include <math.h>

#include "pipeline/plan.h"

/* How far transparent pixels look for visible ones, and alpha's faint ones for their neighbours. */
#define ALPHA_REACH 32

int fovi_frame_axes(fovea_context *ctx, enum fovea_kernel kernel, const struct fovi_frame *from,
                    const struct fovi_frame *to, struct fovi_axis *ax, struct fovi_axis *ay)
{
    const struct fovi_axis_part px = { from->x, from->width, to->x, to->width };
    const struct fovi_axis_part py = { from->y, from->height, to->y, to->height };
    FOVI_TRY(fovi_axis_init(ctx, ax, kernel, from->full_width, to->full_width));
    FOVI_TRY(fovi_axis_init(ctx, ay, kernel, from->full_height, to->full_height));
    FOVI_TRY(fovi_axis_cut(ctx, ax, &px));
    return fovi_axis_cut(ctx, ay, &py);
}

/* Input pixels around a pixel that the enlargements look at: a tile is judged as a whole and with what surrounds it. */
static double chain_reach(const fovea_plan *plan)
{
    double reach = 0.0, ratio = 1.0;
    for (int i = 0; i < plan->n_chain; i++) {
        reach += (FOVEA_TILE + 2 * fovi_step_radius(plan, &plan->step[i])) / ratio;
        ratio *= plan->step[i].scale;
    }
    return reach;
}

struct interval {
    int first, end;
};

/* Along one axis: the part of the result and the part of the input for outputs crop_first .. crop_end - 1. */
static void choose_axis(const fovea_plan *plan, int in, int out, struct interval crop, struct interval *from,
                        struct interval *to)
{
    double ratio = (double)out / in, shrink = ratio < 1.0 ? 1.0 / ratio : 1.0;
    /* A step of back-projection: two input pixels each for reduction and enlargement, three for what sharpens the
     * correction, and what rounding adds; and where samples were moved is known by blocks. */
    double behind = 9.0 * plan->consistency.n_steps + 2.0 * FOVEA_TILE + fovi_vivid_reach(plan);
    behind = behind * (ratio > 1.0 ? ratio : 1.0) + FOVI_CUT_COLUMNS;
    double reach = 8.0 * shrink + FOVEA_TILE + chain_reach(plan) + (plan->run.format.has_alpha ? ALPHA_REACH : 0);
    int64_t chain = 1;
    for (int i = 0; i < plan->n_chain; i++)
        chain *= plan->chain[i];
    double first = crop.first - behind, end = crop.end + behind;
    to->first = first > 0.0 ? (int)first / FOVI_CUT_COLUMNS * FOVI_CUT_COLUMNS : 0;
    to->end = end < out ? (int)end + 1 : out;
    double in_first = floor(to->first / ratio - reach), in_end = ceil(to->end / ratio + reach);
    from->first = in_first > 0.0 ? (int)in_first / FOVEA_TILE * FOVEA_TILE : 0;
    from->end = in_end < in ? ((int)in_end + FOVEA_TILE - 1) / FOVEA_TILE * FOVEA_TILE : in;
    from->end = from->end < in ? from->end : in;
    if (chain * in == out) { /* nothing comes between the enlargements and the result */
        to->first = (int)(from->first * chain);
        to->end = (int)(from->end * chain);
    }
}

int fovi_plan_choose_parts(fovea_plan *plan)
{
    const struct fovea_upscale_params *p = &plan->params;
    int w = plan->out_width, h = plan->out_height;
    plan->in_part = fovi_frame_whole(plan->in_width, plan->in_height);
    plan->out_part = plan->crop = fovi_frame_whole(w, h);
    if (!p->crop_x && !p->crop_y && !p->crop_width && !p->crop_height)
        return FOVEA_OK;
    if (p->crop_x < 0 || p->crop_y < 0 || p->crop_width < 1 || p->crop_height < 1 || p->crop_width > w - p->crop_x ||
        p->crop_height > h - p->crop_y)
        return fovi_fail(plan->run.ctx, FOVEA_E_ARG, "the crop %d,%d,%d,%d does not lie in the result of %dx%d pixels",
                         p->crop_x, p->crop_y, p->crop_width, p->crop_height, w, h);
    struct interval from, to;
    choose_axis(plan, plan->in_width, w, (struct interval){ p->crop_x, p->crop_x + p->crop_width }, &from, &to);
    plan->in_part.x = from.first;
    plan->in_part.width = from.end - from.first;
    plan->out_part.x = to.first;
    plan->out_part.width = to.end - to.first;
    choose_axis(plan, plan->in_height, h, (struct interval){ p->crop_y, p->crop_y + p->crop_height }, &from, &to);
    plan->in_part.y = from.first;
    plan->in_part.height = from.end - from.first;
    plan->out_part.y = to.first;
    plan->out_part.height = to.end - to.first;
    plan->crop = (struct fovi_frame){ w, h, p->crop_x, p->crop_y, p->crop_width, p->crop_height };
    plan->is_cropped = 1;
    return FOVEA_OK;
}
