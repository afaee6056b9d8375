/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Normal equations of the hashed filter. Samples of a class are collected and multiplied 64 at a time in float, the
 * batches are summed in double; regularised systems are solved by Cholesky's method.
 */
#include "filter_fit.h"

#include <math.h>
#include <string.h>

#include "image/window.h"
#include "pictures.h"

#define SIDE FOVI_FILTER_TAPS
#define N_TAPS (SIDE * SIDE)
#define N_STORED FOVI_FILTER_STORED
#define BATCH 64
#define MAX_COLUMNS 72
#define RIDGE 1e3
#define SHARE 1e-4

int filter_stats_init(fovea_context *ctx, int scale, struct filter_stats *stats)
{
    *stats = (struct filter_stats){ .scale = scale, .n_columns = (N_TAPS + scale * scale + 7) / 8 * 8 };
    size_t columns = (size_t)stats->n_columns;
    stats->sums = fovi_alloc(ctx, N_STORED * N_TAPS * columns, sizeof *stats->sums);
    stats->n_samples = fovi_alloc(ctx, N_STORED, sizeof *stats->n_samples);
    stats->batch = fovi_alloc(ctx, N_STORED * BATCH * columns, sizeof *stats->batch);
    stats->n_batch = fovi_alloc(ctx, N_STORED, sizeof *stats->n_batch);
    return stats->sums && stats->n_samples && stats->batch && stats->n_batch ? FOVEA_OK : fovi_alloc_error(ctx);
}

void filter_stats_free(fovea_context *ctx, struct filter_stats *stats)
{
    fovi_free(ctx, stats->sums);
    fovi_free(ctx, stats->n_samples);
    fovi_free(ctx, stats->batch);
    fovi_free(ctx, stats->n_batch);
    *stats = (struct filter_stats){ 0 };
}

static void sum_batch(struct filter_stats *stats, int stored)
{
    const int n_columns = stats->n_columns, n = stats->n_batch[stored];
    const float *batch = stats->batch + (ptrdiff_t)stored * BATCH * n_columns;
    double *sums = stats->sums + (ptrdiff_t)stored * N_TAPS * n_columns;
    for (int t = 0; t < N_TAPS; t++) {
        float row[MAX_COLUMNS] = { 0 };
        const int first = t / 8 * 8;
        for (int i = 0; i < n; i++) {
            const float *sample = batch + i * n_columns, v = sample[t];
            for (int c = first; c < n_columns; c++)
                row[c] += v * sample[c];
        }
        for (int c = t; c < n_columns; c++)
            sums[t * n_columns + c] += (double)row[c];
    }
    stats->n_samples[stored] += n;
    stats->n_batch[stored] = 0;
}

void filter_stats_flush(struct filter_stats *stats)
{
    for (int i = 0; i < N_STORED; i++)
        sum_batch(stats, i);
}

void filter_stats_merge(struct filter_stats *to, const struct filter_stats *from)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)N_STORED * N_TAPS * to->n_columns; i++)
        to->sums[i] += from->sums[i];
    for (int i = 0; i < N_STORED; i++)
        to->n_samples[i] += from->n_samples[i];
}

/* Where a sample's values come from, for each class. */
struct turns {
    int stored[FOVI_FILTER_CLASSES], symmetry[FOVI_FILTER_CLASSES];
    ptrdiff_t tap[8][N_TAPS], target[8][16]; /* offsets from the window's centre, and from the first target */
};

static void make_turns(struct turns *turns, int scale, ptrdiff_t lr_stride, ptrdiff_t hr_stride)
{
    for (int i = 0; i < N_STORED; i++) {
        for (int g = 7; g >= 0; g--) {
            int class_number = fovi_filter_turn_class(g, fovi_filter_stored_class(i));
            turns->stored[class_number] = i;
            turns->symmetry[class_number] = g;
        }
    }
    for (int g = 0; g < 8; g++) {
        for (int t = 0; t < N_TAPS; t++) {
            int at = fovi_filter_turn(g, SIDE, t);
            turns->tap[g][t] = (at / SIDE - SIDE / 2) * lr_stride + at % SIDE - SIDE / 2;
        }
        for (int o = 0; o < scale * scale; o++) {
            int at = fovi_filter_turn(g, scale, o);
            turns->target[g][o] = at / scale * hr_stride + at % scale;
        }
    }
}

static void add_sample(struct filter_stats *stats, const struct turns *turns, int class_number, const float *lr,
                       const float *hr)
{
    int stored = turns->stored[class_number], g = turns->symmetry[class_number];
    float *sample = stats->batch + ((ptrdiff_t)stored * BATCH + stats->n_batch[stored]) * stats->n_columns;
    for (int t = 0; t < N_TAPS; t++)
        sample[t] = lr[turns->tap[g][t]] - lr[0];
    for (int o = 0; o < stats->scale * stats->scale; o++)
        sample[N_TAPS + o] = hr[turns->target[g][o]] - lr[0];
    if (++stats->n_batch[stored] == BATCH)
        sum_batch(stats, stored);
}

/* A plane as a window whose rows have their edge pixels repeated. */
static int pad_plane(fovea_context *ctx, const float *lr, int width, int height, struct fovi_window *w)
{
    FOVI_TRY(fovi_window_init(ctx, w, width, height, 1, height));
    for (int y = 0; y < height; y++) {
        float *row = fovi_window_row(w, 0, y);
        memcpy(row, lr + (ptrdiff_t)y * width, (size_t)width * sizeof *row);
        for (int i = 1; i <= FOVI_WINDOW_PAD; i++) {
            row[-i] = row[0];
            row[width - 1 + i] = row[width - 1];
        }
    }
    return FOVEA_OK;
}

static void window_rows(const struct fovi_window *w, int y, const float *rows[SIDE])
{
    for (int i = 0; i < SIDE; i++)
        rows[i] = fovi_window_row_clamped(w, 0, y - SIDE / 2 + i);
}

int filter_stats_add(fovea_context *ctx, struct filter_stats *stats, const float *lr, int width, int height,
                     const float *hr)
{
    const struct fovi_filter filter = { .scale = stats->scale };
    struct fovi_filter_run *run = NULL;
    struct fovi_window w = { 0 };
    struct turns turns;
    const ptrdiff_t hr_stride = (ptrdiff_t)width * stats->scale;
    make_turns(&turns, stats->scale, width, hr_stride);
    int code = fovi_filter_run_create(ctx, &filter, width, &run);
    int32_t *classes = code ? NULL : fovi_alloc(ctx, (size_t)width + FOVI_FILTER_OVERREAD, sizeof *classes);
    if (!code)
        code = classes ? pad_plane(ctx, lr, width, height, &w) : fovi_alloc_error(ctx);
    for (int y = SIDE / 2; !code && y < height - SIDE / 2; y++) {
        const float *rows[SIDE];
        window_rows(&w, y, rows);
        fovi_filter_classes(run, y, rows, 0, width, classes);
        for (int x = SIDE / 2; x < width - SIDE / 2; x++)
            add_sample(stats, &turns, classes[x], lr + (ptrdiff_t)y * width + x,
                       hr + (y * hr_stride + x) * stats->scale);
    }
    fovi_window_free(ctx, &w);
    fovi_free(ctx, classes);
    fovi_filter_run_free(ctx, &run);
    return code;
}

int filter_apply_plane(fovea_context *ctx, const struct fovi_filter *filter, const float *lr, int width, int height,
                       float *out)
{
    struct fovi_filter_run *run;
    struct fovi_window w = { 0 };
    ptrdiff_t n_row = (ptrdiff_t)width * filter->scale, n_rows = n_row * filter->scale;
    FOVI_TRY(train_enlarge(ctx, lr, width, height, filter->scale, out));
    FOVI_TRY(fovi_filter_run_create(ctx, filter, width, &run));
    float *added = fovi_alloc(ctx, (size_t)n_rows, sizeof *added);
    int code = added ? pad_plane(ctx, lr, width, height, &w) : fovi_alloc_error(ctx);
    for (int y = 0; !code && y < height; y++) {
        const float *rows[SIDE];
        float *added_rows[4];
        window_rows(&w, y, rows);
        for (int i = 0; i < filter->scale; i++)
            added_rows[i] = added + i * n_row;
        fovi_filter_row(run, y, rows, 0, width, added_rows);
        for (ptrdiff_t i = 0; i < n_rows; i++)
            out[y * n_rows + i] += added[i];
    }
    fovi_free(ctx, added);
    fovi_window_free(ctx, &w);
    fovi_filter_run_free(ctx, &run);
    return code;
}

/* A system: a is N_TAPS x N_TAPS, b is N_TAPS x n_out. */
struct system {
    double a[N_TAPS * N_TAPS], b[N_TAPS * 16];
};

/* Add one class's sums, turned by g. */
static void add_turned(const struct filter_stats *stats, int stored, int g, struct system *to)
{
    const int n_out = stats->scale * stats->scale;
    const double *sums = stats->sums + (ptrdiff_t)stored * N_TAPS * stats->n_columns;
    for (int t = 0; t < N_TAPS; t++) {
        int row = fovi_filter_turn(g, SIDE, t);
        for (int u = 0; u < N_TAPS; u++) {
            double v = t <= u ? sums[t * stats->n_columns + u] : sums[u * stats->n_columns + t];
            to->a[row * N_TAPS + fovi_filter_turn(g, SIDE, u)] += v;
        }
        for (int o = 0; o < n_out; o++)
            to->b[row * n_out + fovi_filter_turn(g, stats->scale, o)] += sums[t * stats->n_columns + N_TAPS + o];
    }
}

/* Cholesky's factors in place of a. */
static void factorise(double *a)
{
    for (int j = 0; j < N_TAPS; j++) {
        for (int i = j; i < N_TAPS; i++) {
            double sum = a[i * N_TAPS + j];
            for (int k = 0; k < j; k++)
                sum -= a[i * N_TAPS + k] * a[j * N_TAPS + k];
            a[i * N_TAPS + j] = i == j ? sqrt(sum) : sum / a[j * N_TAPS + j];
        }
    }
}

/* b becomes the solution; a must be positive definite. */
static void solve_system(struct system *s, int n_out)
{
    factorise(s->a);
    for (int o = 0; o < n_out; o++) {
        for (int i = 0; i < N_TAPS; i++) {
            double sum = s->b[i * n_out + o];
            for (int k = 0; k < i; k++)
                sum -= s->a[i * N_TAPS + k] * s->b[k * n_out + o];
            s->b[i * n_out + o] = sum / s->a[i * N_TAPS + i];
        }
        for (int i = N_TAPS - 1; i >= 0; i--) {
            double sum = s->b[i * n_out + o];
            for (int k = i + 1; k < N_TAPS; k++)
                sum -= s->a[k * N_TAPS + i] * s->b[k * n_out + o];
            s->b[i * n_out + o] = sum / s->a[i * N_TAPS + i];
        }
    }
}

/* r = RIDGE I + SHARE A_all, and r.b = r.a times the filter that is best for all samples. */
static void make_prior(const struct filter_stats *stats, struct system *all, struct system *r)
{
    const int n_out = stats->scale * stats->scale;
    memset(all, 0, sizeof *all);
    memset(r, 0, sizeof *r);
    for (int i = 0; i < N_STORED; i++)
        for (int g = 0; g < 8; g++)
            add_turned(stats, i, g, all);
    for (int i = 0; i < N_TAPS * N_TAPS; i++)
        r->a[i] = SHARE * all->a[i];
    for (int t = 0; t < N_TAPS; t++) {
        all->a[t * N_TAPS + t] += RIDGE;
        r->a[t * N_TAPS + t] += RIDGE;
    }
    solve_system(all, n_out);
    for (int t = 0; t < N_TAPS; t++)
        for (int o = 0; o < n_out; o++)
            for (int k = 0; k < N_TAPS; k++)
                r->b[t * n_out + o] += r->a[t * N_TAPS + k] * all->b[k * n_out + o];
}

int filter_solve(fovea_context *ctx, const struct filter_stats *stats, float *stored)
{
    const int n_out = stats->scale * stats->scale;
    struct system *s = fovi_alloc(ctx, 2, sizeof *s), *prior = s + 1;
    if (!s)
        return fovi_alloc_error(ctx);
    make_prior(stats, s, prior);
    for (int i = 0; i < N_STORED; i++) {
        int class_number = fovi_filter_stored_class(i);
        *s = *prior;
        /* a class that is its own image has its samples in every position that gives it again */
        for (int g = 0; g < 8; g++)
            if (fovi_filter_turn_class(g, class_number) == class_number)
                add_turned(stats, i, g, s);
        solve_system(s, n_out);
        for (int k = 0; k < N_TAPS * n_out; k++)
            stored[(ptrdiff_t)i * N_TAPS * n_out + k] = (float)s->b[k];
    }
    fovi_free(ctx, s);
    return FOVEA_OK;
}
