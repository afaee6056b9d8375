/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is measured of a tile, written once and compiled for each instruction set: the including file defines MEASURE,
 * the name of the table that it exports. Lanes of partial sums make it vectors without changing a result.
 */
#include <stdint.h>
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
typedef int32_t bits __attribute__((vector_size(4 * LANES)));

/* The columns from d on, zeros behind the first n. */
static inline void load_lanes(const float *d, int n, lanes *v)
{
    *v = (lanes){ 0 };
    if (n >= LANES)
        memcpy(v, d, sizeof *v);
    else
        memcpy(v, d, (size_t)n * sizeof *d);
}

static struct fovi_added measure_added(const struct fovi_measure_delta *t)
{
    int rows = t->height, width = t->width, is_sound = 1;
    lanes sums = { 0 }, squares = { 0 }, largest = { 0 };
    double sum = 0.0, square = 0.0, n = (double)rows * width;
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < width; x += LANES) {
            lanes v;
            load_lanes(t->data + y * t->stride + x, width - x, &v);
            lanes size = (lanes)((bits)v & INT32_MAX);
            sums += v;
            squares += v * v;
            bits more = size > largest;
            largest = (lanes)((more & (bits)size) | (~more & (bits)largest));
        }
    }
    for (int k = 0; k < LANES; k++) {
        sum += (double)sums[k];
        square += (double)squares[k];
        is_sound &= largest[k] <= FOVI_MEASURE_LARGEST;
    }
    struct fovi_added added = { sum / n, square / n, 1, 1 };
    if (!is_sound || !(square - square == 0.0))
        find_fault(t, &added);
    return added;
}

static struct fovi_tile_detail measure_detail(const struct fovi_measure_luma *l)
{
    float sums[FOVI_MEASURE_COLUMNS] = { 0 }, sums_inside[FOVI_MEASURE_COLUMNS] = { 0 };
    double inside = 0.0, around = 0.0;
    for (int y = 0; y < l->n_rows; y++) {
        const float *above = l->rows[y], *row = l->rows[y + 1], *below = l->rows[y + 2];
        float is_inside = y >= l->y0 && y < l->y1 ? 1.0f : 0.0f;
        for (int x = 0; x < l->n_columns; x++) {
            float v = 4.0f * row[x] - row[x - 1] - row[x + 1] - above[x] - below[x];
            sums[x] += v * v;
            sums_inside[x] += is_inside * (v * v);
        }
    }
    for (int x = 0; x < l->n_columns; x++) {
        around += (double)sums[x];
        inside += x >= l->x0 && x < l->x1 ? (double)sums_inside[x] : 0.0;
    }
    return (struct fovi_tile_detail){ inside / ((double)(l->x1 - l->x0) * (l->y1 - l->y0)),
                                      around / ((double)l->n_columns * l->n_rows) };
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

static float mean_square(const struct fovi_measure_delta *t)
{
    int rows = t->height, width = t->width;
    lanes squares = { 0 };
    float sum = 0.0f;
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < width; x += LANES) {
            lanes v;
            load_lanes(t->data + y * t->stride + x, width - x, &v);
            squares += v * v;
        }
    }
    for (int k = 0; k < LANES; k++)
        sum += squares[k];
    return sum / (float)(rows * width);
}

const struct fovi_measure_dsp MEASURE = { measure_added, measure_detail, is_constant, mean_square };
