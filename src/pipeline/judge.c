/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gate: what filter or network add to a tile must be numbers, not more than a picture can hold, leave the mean
 * where it is, and have about the energy that the input's detail there lets expect, neither far more nor none at all.
 * Where there is nothing to refine nothing is added, so that plain grey, black and white stay exact.
 */
#include <math.h>

#include "pipeline/measure_dsp.h"
#include "pipeline/stage.h"

/* Levels that count as one: less than a quarter of the smallest step of 16 bits, more than what a first enlargement's
 * rounding leaves of a plain grey. */
#define ONE_LEVEL 0x1p-10f

int fovi_judge_is_flat(const struct fovi_window *luma, int x0, int x1, int y0, int y1)
{
    x0 = x0 > 0 ? x0 : 0;
    y0 = y0 > 0 ? y0 : 0;
    x1 = x1 < luma->width ? x1 : luma->width;
    y1 = y1 < luma->height ? y1 : luma->height;
    float level = fovi_window_row(luma, 0, y0)[x0];
    for (int y = y0; y < y1; y++) {
        const float *row = fovi_window_row(luma, 0, y);
        for (int x = x0; x < x1; x++)
            if (!(row[x] - level <= ONE_LEVEL && level - row[x] <= ONE_LEVEL))
                return 0;
    }
    return 1;
}

/* ---- what is measured of a tile ---- */

/* Input pixels around the tile whose detail counts as well: what is added reaches across the tile's edge. */
#define MARGIN 2

static struct fovi_measure_delta view_delta(const struct fovi_judged_tile *t)
{
    return (struct fovi_measure_delta){ t->delta, t->stride, t->width * t->scale, t->height * t->scale, t->scale };
}

static struct fovi_tile_detail measure_detail(const struct fovi_measure_dsp *dsp, const struct fovi_window *luma,
                                              const struct fovi_judged_tile *t)
{
    const float *rows[FOVEA_TILE + 2 * MARGIN + 2];
    int x0 = t->x - MARGIN > 0 ? t->x - MARGIN : 0, y0 = t->y - MARGIN > 0 ? t->y - MARGIN : 0;
    int x1 = t->x + t->width + MARGIN < luma->width ? t->x + t->width + MARGIN : luma->width;
    int y1 = t->y + t->height + MARGIN < luma->height ? t->y + t->height + MARGIN : luma->height;
    for (int y = y0 - 1; y <= y1; y++) /* beyond all sides the edge pixel is repeated */
        rows[y - y0 + 1] = fovi_window_row_clamped(luma, 0, y) + x0;
    return dsp->detail(&(struct fovi_measure_luma){ rows, y1 - y0, x1 - x0, t->x - x0, t->x - x0 + t->width, t->y - y0,
                                                    t->y - y0 + t->height });
}

float fovi_judge_mean_square(const struct fovi_measure_dsp *dsp, const struct fovi_judged_tile *tile)
{
    struct fovi_measure_delta delta = view_delta(tile);
    return (float)dsp->added(&delta).energy;
}

/* ---- the verdict ---- */

/* The most that may be added, by the detail around the tile: several times what the built-in methods ever added to some
 * hundred thousand tiles of photographs and drawings (docs/how-it-works.md). */
static const struct limits {
    double energy, energy_least, mean, mean_least;
} usual = { 2.0, 4.0, 0.5, 3.0 }, strict = { 0.25, 1.0, 0.2, 1.0 };

/* A tile with less detail than this may well get nothing, and of a smaller one nothing can be said. */
#define DETAIL_LEAST 4.0
#define SIDE_LEAST 4

enum fovea_cause fovi_judge_tile(const struct fovi_measure_dsp *dsp, const struct fovi_window *luma,
                                 const struct fovi_judged_tile *tile, int is_strict, float *mean_square)
{
    const struct limits *limits = is_strict ? &strict : &usual;
    struct fovi_measure_delta delta = view_delta(tile);
    struct fovi_added added = dsp->added(&delta);
    *mean_square = (float)added.energy;
    if (!added.is_finite)
        return FOVEA_CAUSE_NOT_FINITE;
    if (!added.is_in_range)
        return FOVEA_CAUSE_RANGE;
    struct fovi_tile_detail detail = measure_detail(dsp, luma, tile);
    if (fabs(added.mean) > limits->mean_least + limits->mean * sqrt(detail.around))
        return FOVEA_CAUSE_DRIFT;
    if (added.energy > limits->energy_least + limits->energy * detail.around)
        return FOVEA_CAUSE_ENERGY;
    int is_large = tile->width >= SIDE_LEAST && tile->height >= SIDE_LEAST;
    if (is_large && detail.inside > DETAIL_LEAST && dsp->is_constant(&delta, 1e-3f * (float)sqrt(detail.inside)))
        return FOVEA_CAUSE_NOTHING;
    return FOVEA_CAUSE_NONE;
}

const char *fovea_cause_name(enum fovea_cause cause)
{
    static const char *const names[FOVEA_N_CAUSES] = { "none", "not_finite", "range", "drift", "energy", "nothing" };
    return (unsigned)cause < FOVEA_N_CAUSES ? names[cause] : "";
}
