/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter's table of coefficients, and the sweep: products of gradients are kept for the five rows that the
 * smoothing needs, with the interval that was made, so that a row is differentiated once.
 */
#include "filter/filter.h"

#include <string.h>

#include "image/window.h"

#define N_TAPS (FOVI_FILTER_TAPS * FOVI_FILTER_TAPS)
#define N_KEPT 5
#define HALF_TURN FOVI_FILTER_DIRECTIONS

int fovi_filter_turn(int g, int n, int position)
{
    int y = position / n, x = position % n;
    if (g & 4) {
        int t = y;
        y = x;
        x = t;
    }
    x = g & 1 ? n - 1 - x : x;
    y = g & 2 ? n - 1 - y : y;
    return y * n + x;
}

/* Direction d of n covers the angles d .. d+1 where HALF_TURN makes 180 degrees. Swapping the axes maps the angle a to
 * 90 degrees - a, turning x to 180 - a, turning y to -a. */
static int turn_direction(int g, int d, int n)
{
    if (g & 4)
        d = HALF_TURN / 2 - 1 - d;
    if (g & 1)
        d = HALF_TURN - 1 - d;
    if (g & 2)
        d = -1 - d;
    return ((d % n) + n) % n;
}

int fovi_filter_turn_class(int g, int class_number)
{
    int cell = class_number / FOVI_FILTER_CELL * FOVI_FILTER_CELL, place = class_number % FOVI_FILTER_CELL;
    if (place < HALF_TURN)
        return cell + turn_direction(g, place, HALF_TURN);
    int first = HALF_TURN + (place - HALF_TURN) / (2 * HALF_TURN) * (2 * HALF_TURN);
    return cell + first + turn_direction(g, place - first, 2 * HALF_TURN);
}

int fovi_filter_stored_class(int i)
{
    static const int place[6] = { 0, 1, HALF_TURN, HALF_TURN + 1, 3 * HALF_TURN, 3 * HALF_TURN + 1 };
    return i / 6 * FOVI_FILTER_CELL + place[i % 6];
}

size_t fovi_filter_coef_floats(int scale)
{
    return (size_t)FOVI_FILTER_CLASSES * FOVI_FILTER_TAPS * FOVI_FILTER_LANES * (size_t)(scale * scale);
}

/* One class's filter from a stored one by symmetry g. The centre gets what is lacking to 1. */
static void expand_class(const float *stored, int scale, int g, float *coef)
{
    int n_out = scale * scale;
    for (int o = 0; o < n_out; o++) {
        int to = fovi_filter_turn(g, scale, o);
        float centre = 1.0f;
        for (int t = 0; t < N_TAPS; t++) {
            int at = fovi_filter_turn(g, FOVI_FILTER_TAPS, t);
            coef[(at / FOVI_FILTER_TAPS * n_out + to) * FOVI_FILTER_LANES + at % FOVI_FILTER_TAPS] =
                stored[t * n_out + o];
            if (t != N_TAPS / 2)
                centre -= stored[t * n_out + o];
        }
        coef[(FOVI_FILTER_RADIUS * n_out + to) * FOVI_FILTER_LANES + FOVI_FILTER_RADIUS] = centre;
    }
}

void fovi_filter_expand(const float *stored, int scale, float *coef)
{
    size_t n_stored = (size_t)(N_TAPS * scale * scale), n_class = fovi_filter_coef_floats(scale) / FOVI_FILTER_CLASSES;
    memset(coef, 0, fovi_filter_coef_floats(scale) * sizeof *coef);
    for (int i = 0; i < FOVI_FILTER_STORED; i++) {
        /* downwards, so that where several symmetries lead to one class the simplest counts */
        for (int g = 7; g >= 0; g--) {
            int class_number = fovi_filter_turn_class(g, fovi_filter_stored_class(i));
            expand_class(stored + (size_t)i * n_stored, scale, g, coef + (size_t)class_number * n_class);
        }
    }
}

/* Products of one row. */
struct kept_row {
    int is_valid, y, x0, x1;
    float *products[FOVI_FILTER_PRODUCTS];
};

struct fovi_filter_run {
    const struct fovi_filter *filter;
    const struct fovi_filter_dsp *dsp;
    struct kept_row kept[N_KEPT];
    float *smoothed[FOVI_FILTER_PRODUCTS];
    int32_t *classes;
    float *memory;
};

int fovi_filter_run_create(fovea_context *ctx, const struct fovi_filter *filter, int width,
                           struct fovi_filter_run **out)
{
    enum { N_ROWS = FOVI_FILTER_PRODUCTS * (N_KEPT + 1) };
    *out = NULL;
    size_t stride = ((size_t)width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    struct fovi_filter_run *run = fovi_alloc(ctx, 1, sizeof *run);
    float *memory = run ? fovi_alloc(ctx, stride, N_ROWS * sizeof *memory) : NULL;
    int32_t *classes = memory ? fovi_alloc(ctx, stride, sizeof *classes) : NULL;
    if (!classes) {
        fovi_free(ctx, memory);
        fovi_free(ctx, run);
        return fovi_alloc_error(ctx);
    }
    *run = (struct fovi_filter_run){ .filter = filter, .classes = classes, .memory = memory };
    run->dsp = fovi_filter_dsp_get(fovea_context_cpu(ctx));
    float *next = memory + FOVI_WINDOW_PAD;
    for (int p = 0; p < FOVI_FILTER_PRODUCTS; p++, next += stride) {
        run->smoothed[p] = next;
        for (int k = 0; k < N_KEPT; k++)
            run->kept[k].products[p] = next += stride;
    }
    *out = run;
    return FOVEA_OK;
}

void fovi_filter_run_free(fovea_context *ctx, struct fovi_filter_run **run)
{
    if (!run || !*run)
        return;
    fovi_free(ctx, (*run)->classes);
    fovi_free(ctx, (*run)->memory);
    fovi_free(ctx, *run);
    *run = NULL;
}

void fovi_filter_run_reset(struct fovi_filter_run *run)
{
    for (int k = 0; k < N_KEPT; k++)
        run->kept[k].is_valid = 0;
}

/* The products of row y, which may lie outside the picture, at least over x0..x1-1. rows: y-1, y, y+1. */
static struct kept_row *keep_row(struct fovi_filter_run *run, int y, const float *const *rows, int x0, int x1)
{
    struct kept_row *k = &run->kept[((y % N_KEPT) + N_KEPT) % N_KEPT];
    if (!k->is_valid || k->y != y || k->x0 > x0 || k->x1 < x1) {
        run->dsp->products(rows, x0, x1, k->products);
        k->is_valid = 1;
        k->y = y;
        k->x0 = x0;
        k->x1 = x1;
    }
    return k;
}

void fovi_filter_classes(struct fovi_filter_run *run, int y, const float *const rows[FOVI_FILTER_TAPS], int x0, int x1,
                         int32_t *classes)
{
    const float *products[FOVI_FILTER_PRODUCTS][N_KEPT];
    for (int i = 0; i < N_KEPT; i++) {
        const struct kept_row *k = keep_row(run, y - 2 + i, rows + i, x0 - 2, x1 + 2);
        for (int p = 0; p < FOVI_FILTER_PRODUCTS; p++)
            products[p][i] = k->products[p];
    }
    for (int p = 0; p < FOVI_FILTER_PRODUCTS; p++)
        run->dsp->smooth(products[p], x0 - 2, x1 + 2, run->smoothed[p]);
    const float *const smoothed[3] = { run->smoothed[0], run->smoothed[1], run->smoothed[2] };
    run->dsp->classify(rows + 2, smoothed, x0, x1, classes);
}

void fovi_filter_row(struct fovi_filter_run *run, int y, const float *const rows[FOVI_FILTER_TAPS], int x0, int x1,
                     float *const *out)
{
    if (x0 >= x1)
        return;
    fovi_filter_classes(run, y, rows, x0, x1, run->classes);
    run->dsp->apply[run->filter->scale - 2](rows, run->filter->coef, run->classes, x0, x1, out);
}
