/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter's table of coefficients, and the sweep: products of gradients are kept for the five rows that the
 * smoothing needs, with the interval that was made, so that a row is differentiated once.
 */
#include "filter/filter.h"

#include <math.h>
#include <string.h>

#include "fovea/resample.h"
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

size_t fovi_filter_coef_count(int scale)
{
    return (size_t)FOVI_FILTER_CLASSES * FOVI_FILTER_TAPS * FOVI_FILTER_LANES * (size_t)FOVI_FILTER_COLUMNS(scale);
}

/* The bicubic enlargement as a filter: [tap][scale * scale]. */
static void make_bicubic(int scale, double *base)
{
    for (int i = 0; i < N_TAPS * scale * scale; i++) {
        int t = i / (scale * scale), o = i % (scale * scale);
        double y = t / FOVI_FILTER_TAPS - FOVI_FILTER_RADIUS - ((o / scale + 0.5) / scale - 0.5);
        double x = t % FOVI_FILTER_TAPS - FOVI_FILTER_RADIUS - ((o % scale + 0.5) / scale - 0.5);
        base[i] = fovea_kernel_value(FOVEA_KERNEL_BICUBIC, y) * fovea_kernel_value(FOVEA_KERNEL_BICUBIC, x);
    }
}

/* How finely weights can be kept, as powers of 2. */
enum { MOST_BITS = 15, LEAST_BITS = 4 };

/* Bits behind the point at which neither a coefficient nor the sum of a filter's products overflows: the sum of
 * |coefficients| (rounded: up to one more for each tap) must stay under 2^16, for levels are under 2^15. -1: none. */
static int choose_bits(const float *stored, const double *base, int scale)
{
    int n_out = scale * scale, bits = MOST_BITS;
    for (int i = 0; i < FOVI_FILTER_STORED * n_out; i++) {
        const float *w = stored + (ptrdiff_t)(i / n_out) * N_TAPS * n_out + i % n_out;
        double sum = 0.0, magnitude = 0.0, most = 0.0;
        for (int t = 0; t < N_TAPS; t++) {
            double v = t == N_TAPS / 2 ? 0.0 : (double)w[(ptrdiff_t)t * n_out] - base[t * n_out + i % n_out];
            sum += v;
            magnitude += fabs(v);
            most = fabs(v) > most ? fabs(v) : most;
        }
        most = fabs(sum) > most ? fabs(sum) : most;
        while (bits >= LEAST_BITS &&
               !(ldexp(most, bits) + N_TAPS < 0x1p15 && ldexp(magnitude + fabs(sum), bits) + 2 * N_TAPS < 0x1p16))
            bits--;
    }
    return bits < LEAST_BITS ? -1 : bits;
}

/* One class's filter from a stored one by symmetry g. The centre gets what is lacking to 0. */
static void expand_class(const float *stored, const double *base, int scale, int g, int bits, int16_t *coef)
{
    int n_out = scale * scale, n_columns = FOVI_FILTER_COLUMNS(scale);
    for (int o = 0; o < n_out; o++) {
        int to = fovi_filter_turn(g, scale, o), centre = 0;
        for (int t = 0; t < N_TAPS; t++) {
            if (t == N_TAPS / 2)
                continue;
            int at = fovi_filter_turn(g, FOVI_FILTER_TAPS, t),
                w = (int)lrint(ldexp((double)stored[t * n_out + o] - base[t * n_out + o], bits));
            coef[(at / FOVI_FILTER_TAPS * n_columns + to) * FOVI_FILTER_LANES + at % FOVI_FILTER_TAPS] = (int16_t)w;
            centre -= w;
        }
        coef[(FOVI_FILTER_RADIUS * n_columns + to) * FOVI_FILTER_LANES + FOVI_FILTER_RADIUS] = (int16_t)centre;
    }
}

float fovi_filter_expand(const float *stored, int scale, int16_t *coef)
{
    size_t n_stored = (size_t)(N_TAPS * scale * scale), n_class = fovi_filter_coef_count(scale) / FOVI_FILTER_CLASSES;
    double base[N_TAPS * 4 * 4];
    make_bicubic(scale, base);
    int bits = choose_bits(stored, base, scale);
    memset(coef, 0, fovi_filter_coef_count(scale) * sizeof *coef);
    for (int i = 0; i < FOVI_FILTER_STORED && bits >= 0; i++) {
        /* downwards, so that where several symmetries lead to one class the simplest counts */
        for (int g = 7; g >= 0; g--) {
            int class_number = fovi_filter_turn_class(g, fovi_filter_stored_class(i));
            expand_class(stored + (size_t)i * n_stored, base, scale, g, bits, coef + (size_t)class_number * n_class);
        }
    }
    return bits < 0 ? 0.0f : (float)ldexp(1.0 / (double)FILTER_STEPS, -bits);
}

/* A row whose columns x0..x1-1 were made. */
struct kept {
    int is_valid, y, x0, x1;
};

struct fovi_filter_run {
    const struct fovi_filter *filter;
    const struct fovi_filter_dsp *dsp;
    struct kept product_row[N_KEPT], level_row[FOVI_FILTER_TAPS];
    float *products[N_KEPT][FOVI_FILTER_PRODUCTS];
    float *smoothed[FOVI_FILTER_PRODUCTS];
    int16_t *levels[FOVI_FILTER_TAPS];
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
    int16_t *levels = memory ? fovi_alloc(ctx, stride, FOVI_FILTER_TAPS * sizeof *levels) : NULL;
    int32_t *classes = levels ? fovi_alloc(ctx, stride, sizeof *classes) : NULL;
    if (!classes) {
        fovi_free(ctx, levels);
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
            run->products[k][p] = next += stride;
    }
    for (int k = 0; k < FOVI_FILTER_TAPS; k++)
        run->levels[k] = levels + FOVI_WINDOW_PAD + stride * (size_t)k;
    *out = run;
    return FOVEA_OK;
}

void fovi_filter_run_free(fovea_context *ctx, struct fovi_filter_run **run)
{
    if (!run || !*run)
        return;
    fovi_free(ctx, (*run)->classes);
    fovi_free(ctx, (*run)->levels[0] - FOVI_WINDOW_PAD);
    fovi_free(ctx, (*run)->memory);
    fovi_free(ctx, *run);
    *run = NULL;
}

void fovi_filter_run_reset(struct fovi_filter_run *run)
{
    memset(run->product_row, 0, sizeof run->product_row);
    memset(run->level_row, 0, sizeof run->level_row);
}

/* Whether columns x0..x1-1 of row y, which may lie outside the picture, must be made; they count as made then. slot: of
 * n, where the row belongs. */
static int must_make(struct kept *rows, int n, int y, int x0, int x1, int *slot)
{
    *slot = ((y % n) + n) % n;
    struct kept *k = &rows[*slot];
    if (k->is_valid && k->y == y && k->x0 <= x0 && k->x1 >= x1)
        return 0;
    *k = (struct kept){ 1, y, x0, x1 };
    return 1;
}

void fovi_filter_classes(struct fovi_filter_run *run, int y, const float *const rows[FOVI_FILTER_TAPS], int x0, int x1,
                         int32_t *classes)
{
    const float *products[FOVI_FILTER_PRODUCTS][N_KEPT];
    for (int i = 0; i < N_KEPT; i++) {
        int slot;
        if (must_make(run->product_row, N_KEPT, y - 2 + i, x0 - 2, x1 + 2, &slot))
            run->dsp->products(rows + i, x0 - 2, x1 + 2, run->products[slot]);
        for (int p = 0; p < FOVI_FILTER_PRODUCTS; p++)
            products[p][i] = run->products[slot][p];
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
    const int16_t *levels[FOVI_FILTER_TAPS];
    const int reach = FOVI_FILTER_RADIUS;
    for (int i = 0; i < FOVI_FILTER_TAPS; i++) {
        int slot;
        if (must_make(run->level_row, FOVI_FILTER_TAPS, y - reach + i, x0 - reach, x1 + reach, &slot))
            run->dsp->levels(rows[i], x0 - reach, x1 + reach, run->levels[slot]);
        levels[i] = run->levels[slot];
    }
    fovi_filter_classes(run, y, rows, x0, x1, run->classes);
    run->dsp->apply[run->filter->scale - 2](levels, run->filter->coef, run->filter->unit, run->classes, x0, x1, out);
}
