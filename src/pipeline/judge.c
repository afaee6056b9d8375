/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gate: what filter or network add to a tile must be numbers, not more than a picture can hold, leave the mean
 * where it is, and have about the energy that the input's detail there lets expect, neither far more nor none at all.
 * Where there is nothing to refine nothing is added, so that plain grey, black and white stay exact.
 */
#include <math.h>

#include "pipeline/stage.h"

#define LARGEST 255.0f

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

#define LANES 16

/* Input pixels around the tile whose detail counts as well: what is added reaches across the tile's edge. */
#define MARGIN 2

/* Sums over what is added, the same for any instruction set: partial sums in fixed order. */
struct added {
    double mean, energy; /* mean and mean square */
    int is_finite, is_in_range;
};

/* Why a sum was not finite, or the largest out of range. */
static void find_fault(const struct fovi_judged_tile *t, struct added *added)
{
    for (int y = 0; y < t->height * t->scale; y++) {
        const float *d = t->delta + y * t->stride;
        for (int x = 0; x < t->width * t->scale; x++) {
            added->is_in_range &= d[x] <= LARGEST && d[x] >= -LARGEST; /* false for NaN */
            added->is_finite &= d[x] - d[x] == 0.0f;
        }
    }
}

static struct added measure_added(const struct fovi_judged_tile *t)
{
    int rows = t->height * t->scale, width = t->width * t->scale;
    float sums[LANES] = { 0 }, squares[LANES] = { 0 }, largest[LANES] = { 0 };
    double sum = 0.0, square = 0.0, n = (double)rows * width;
    int is_sound = 1;
    for (int y = 0; y < rows; y++) {
        const float *d = t->delta + y * t->stride;
        for (int x = 0; x < width; x += LANES)
            for (int k = 0; k < (width - x < LANES ? width - x : LANES); k++) {
                float v = d[x + k], size = v < 0.0f ? -v : v;
                sums[k] += v;
                squares[k] += v * v;
                largest[k] = size > largest[k] ? size : largest[k];
            }
    }
    for (int k = 0; k < LANES; k++) {
        sum += (double)sums[k];
        square += (double)squares[k];
        is_sound &= largest[k] <= LARGEST;
    }
    struct added added = { sum / n, square / n, 1, 1 };
    if (!is_sound || !(square - square == 0.0))
        find_fault(t, &added);
    return added;
}

/* Mean square of the Laplacian of luma: in the tile, and with what surrounds it. */
struct detail {
    double inside, around;
};

static struct detail measure_detail(const struct fovi_window *luma, const struct fovi_judged_tile *t)
{
    int x0 = t->x - MARGIN > 0 ? t->x - MARGIN : 0, y0 = t->y - MARGIN > 0 ? t->y - MARGIN : 0;
    int x1 = t->x + t->width + MARGIN < luma->width ? t->x + t->width + MARGIN : luma->width;
    int y1 = t->y + t->height + MARGIN < luma->height ? t->y + t->height + MARGIN : luma->height;
    float sums[FOVEA_TILE + 2 * MARGIN] = { 0 }, sums_inside[FOVEA_TILE + 2 * MARGIN] = { 0 }; /* of columns */
    double inside = 0.0, around = 0.0;
    for (int y = y0; y < y1; y++) {
        const float *above = fovi_window_row_clamped(luma, 0, y - 1) + x0;
        const float *below = fovi_window_row_clamped(luma, 0, y + 1) + x0, *row = fovi_window_row(luma, 0, y) + x0;
        float is_inside = y >= t->y && y < t->y + t->height ? 1.0f : 0.0f;
        for (int x = 0; x < x1 - x0; x++) { /* beyond both ends the edge pixel is repeated */
            float v = 4.0f * row[x] - row[x - 1] - row[x + 1] - above[x] - below[x];
            sums[x] += v * v;
            sums_inside[x] += is_inside * (v * v);
        }
    }
    for (int x = x0; x < x1; x++) {
        around += (double)sums[x - x0];
        inside += x >= t->x && x < t->x + t->width ? (double)sums_inside[x - x0] : 0.0;
    }
    return (struct detail){ inside / ((double)t->width * t->height), around / ((double)(x1 - x0) * (y1 - y0)) };
}

/* Whether all input pixels get the same: what is added does not change from one to its neighbours. */
static int is_constant(const struct fovi_judged_tile *t, float least)
{
    int rows = t->height * t->scale, width = t->width * t->scale, s = t->scale;
    for (int y = 0; y < rows; y++) {
        const float *d = t->delta + y * t->stride, *up = y >= s ? d - s * t->stride : d;
        for (int x = 0; x < width; x++) {
            float across = x >= s ? d[x] - d[x - s] : 0.0f, down = d[x] - up[x];
            if (across > least || across < -least || down > least || down < -least)
                return 0;
        }
    }
    return 1;
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

enum fovea_cause fovi_judge_tile(const struct fovi_window *luma, const struct fovi_judged_tile *tile, int is_strict)
{
    const struct limits *limits = is_strict ? &strict : &usual;
    struct added added = measure_added(tile);
    if (!added.is_finite)
        return FOVEA_CAUSE_NOT_FINITE;
    if (!added.is_in_range)
        return FOVEA_CAUSE_RANGE;
    struct detail detail = measure_detail(luma, tile);
    if (fabs(added.mean) > limits->mean_least + limits->mean * sqrt(detail.around))
        return FOVEA_CAUSE_DRIFT;
    if (added.energy > limits->energy_least + limits->energy * detail.around)
        return FOVEA_CAUSE_ENERGY;
    int is_large = tile->width >= SIDE_LEAST && tile->height >= SIDE_LEAST;
    if (is_large && detail.inside > DETAIL_LEAST && is_constant(tile, 1e-3f * (float)sqrt(detail.inside)))
        return FOVEA_CAUSE_NOTHING;
    return FOVEA_CAUSE_NONE;
}

const char *fovea_cause_name(enum fovea_cause cause)
{
    static const char *const names[FOVEA_N_CAUSES] = { "none", "not_finite", "range", "drift", "energy", "nothing" };
    return (unsigned)cause < FOVEA_N_CAUSES ? names[cause] : "";
}
