/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is measured of a tile, written once and compiled for each instruction set: the including file defines MEASURE,
 * the name of the table that it exports. Lanes of partial sums make it vectors without changing a result.
 */
#include <string.h>

#include "pipeline/measure_dsp.h"

#define LANES 16

/* Why a sum was not finite, or the largest out of range. */
static void find_fault(const struct fovi_measure_delta *t, struct fovi_added *added)
{
    for (int y = 0; y < t->height; y++) {
        const float *d = t->data + y * t->stride;
        for (int x = 0; x < t->width; x++) {
            added->is_in_range &= d[x] <= FOVI_MEASURE_LARGEST && d[x] >= -FOVI_MEASURE_LARGEST; /* false for NaN */
            added->is_finite &= d[x] - d[x] == 0.0f;
        }
    }
}

/* Lane k has the columns x with x % LANES = k. */
typedef float lanes __attribute__((vector_size(4 * LANES)));

/* A lane's squares cannot sum up to so little if one of its values is out of range or no number. */
#define SOUND_SQUARES (FOVI_MEASURE_LARGEST * FOVI_MEASURE_LARGEST)

static struct fovi_added measure_added(const struct fovi_measure_delta *t)
{
    int rows = t->height, width = t->width, is_sound = 1;
    lanes sums = { 0 }, squares = { 0 };
    double sum = 0.0, square = 0.0, n = (double)rows * width;
    for (int y = 0; y < rows; y++) {
        const float *d = t->data + y * t->stride;
        int x = 0;
        for (lanes v; x + LANES <= width; x += LANES) {
            memcpy(&v, d + x, sizeof v);
            sums += v;
            squares += v * v;
        }
        for (; x < width; x++) {
            sums[x % LANES] += d[x];
            squares[x % LANES] += d[x] * d[x];
        }
    }
    for (int k = 0; k < LANES; k++) {
        sum += (double)sums[k];
        square += (double)squares[k];
        is_sound &= squares[k] <= SOUND_SQUARES;
    }
    struct fovi_added added = { sum / n, square / n, 1, 1 };
    if (!is_sound)
        find_fault(t, &added);
    return added;
}

/* Sums over rows of the squares of the Laplacian, by column. */
struct columns {
    float all[FOVI_MEASURE_COLUMNS], inside[FOVI_MEASURE_COLUMNS];
};

/* LANES columns from x on. */
static void sum_lanes(const struct fovi_measure_luma *l, int x, struct columns *sums)
{
    lanes all = { 0 }, inside = { 0 };
    for (int y = 0; y < l->n_rows; y++) {
        lanes above, left, here, right, below;
        memcpy(&above, l->rows[y] + x, sizeof above);
        memcpy(&left, l->rows[y + 1] + x - 1, sizeof left);
        memcpy(&here, l->rows[y + 1] + x, sizeof here);
        memcpy(&right, l->rows[y + 1] + x + 1, sizeof right);
        memcpy(&below, l->rows[y + 2] + x, sizeof below);
        lanes v = 4.0f * here - left - right - above - below;
        all += v * v;
        if (y >= l->y0 && y < l->y1)
            inside += v * v;
    }
    memcpy(sums->all + x, &all, sizeof all);
    memcpy(sums->inside + x, &inside, sizeof inside);
}

static void sum_column(const struct fovi_measure_luma *l, int x, struct columns *sums)
{
    float all = 0.0f, inside = 0.0f;
    for (int y = 0; y < l->n_rows; y++) {
        const float *row = l->rows[y + 1] + x;
        float v = 4.0f * row[0] - row[-1] - row[1] - l->rows[y][x] - l->rows[y + 2][x];
        all += v * v;
        if (y >= l->y0 && y < l->y1)
            inside += v * v;
    }
    sums->all[x] = all;
    sums->inside[x] = inside;
}

static struct fovi_tile_detail measure_detail(const struct fovi_measure_luma *l)
{
    struct columns sums;
    double inside = 0.0, around = 0.0;
    int n = l->n_columns;
    if (n < LANES)
        for (int x = 0; x < n; x++)
            sum_column(l, x, &sums);
    else
        for (int x = 0; x < n; x += LANES) /* the last ones overlap */
            sum_lanes(l, x + LANES <= n ? x : n - LANES, &sums);
    for (int x = 0; x < n; x++)
        around += (double)sums.all[x];
    for (int x = l->x0; x < l->x1; x++)
        inside += (double)sums.inside[x];
    return (struct fovi_tile_detail){ inside / ((double)(l->x1 - l->x0) * (l->y1 - l->y0)),
                                      around / ((double)n * l->n_rows) };
}

static int is_constant(const struct fovi_measure_delta *t, float least)
{
    int rows = t->height, width = t->width, s = t->scale;
    for (int y = 0; y < rows; y++) {
        const float *d = t->data + y * t->stride, *up = y >= s ? d - s * t->stride : d;
        for (int x = 0; x < width; x++) {
            float across = x >= s ? d[x] - d[x - s] : 0.0f, down = d[x] - up[x];
            if (across > least || across < -least || down > least || down < -least)
                return 0;
        }
    }
    return 1;
}

const struct fovi_measure_dsp MEASURE = { measure_added, measure_detail, is_constant };
