/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MS-SSIM (Wang, Simoncelli, Bovik 2003): contrast and structure at five scales, luminance at the coarsest, each to the
 * power of its weight. From scale to scale the planes are halved by the mean of 2x2; where a side is odd, its first row
 * or column counts twice. The finest scale is read from the pictures, so only planes of half their size are held.
 */
#include "metrics/msssim.h"

#include <math.h>

#include "metrics/ssim.h"

enum { N_SCALES = 5, STRIP = 64, OVERLAP = FOVI_SSIM_WINDOW - 1, MIN_SIDE = OVERLAP * (1 << (N_SCALES - 1)) + 1 };

static const double scale_weights[N_SCALES] = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };

/* The pictures at one scale. */
struct scale {
    int width, height;
    const struct fovi_pair *pair; /* the finest scale */
    float *planes[2];             /* the others */
};

/* From one scale to the next, or along one. */
struct work {
    const struct scale *scale, *next;
    float *rows; /* for each thread: 4 rows with all their channels at the finest scale */
    size_t rows_size;
    double *ssim; /* for each thread */
    size_t ssim_size;
    struct fovi_ssim_sums *strips;
};

/* Luma of row y of picture i; slot 0..3 of the worker's memory if it must be made. */
static const float *get_row(const struct work *w, int i, int y, int worker, int slot)
{
    const struct scale *s = w->scale;
    if (!s->pair)
        return s->planes[i] + (size_t)y * (size_t)s->width;
    float *memory = w->rows + (size_t)worker * w->rows_size + (size_t)slot * fovi_pair_row_size(s->pair);
    fovi_pair_load(s->pair, i, y, memory);
    return fovi_pair_plane(s->pair, memory, s->pair->n_channels);
}

static void sum_strip(void *arg, int index, int worker)
{
    const struct work *w = arg;
    struct fovi_ssim ssim;
    fovi_ssim_begin(&ssim, w->scale->width, w->ssim + (size_t)worker * w->ssim_size);
    int begin = index * STRIP, end = begin + STRIP + OVERLAP;
    w->strips[index] = (struct fovi_ssim_sums){ 0.0, 0.0 };
    for (int y = begin; y < end && y < w->scale->height; y++)
        fovi_ssim_push(&ssim, get_row(w, 0, y, worker, 0), get_row(w, 1, y, worker, 1), &w->strips[index]);
}

/* A row of the next scale from the two rows that it covers, equal at the top of an odd height. */
static void halve_row(const float *top, const float *bottom, int width, float *out)
{
    int odd = width % 2, n = (width + 1) / 2;
    if (odd)
        out[0] = (top[0] + bottom[0]) * 0.5f;
    for (int x = odd; x < n; x++) {
        int left = 2 * x - odd;
        out[x] = ((top[left] + top[left + 1]) + (bottom[left] + bottom[left + 1])) * 0.25f;
    }
}

static void halve_rows(void *arg, int index, int worker)
{
    const struct work *w = arg;
    int end = index * STRIP + STRIP < w->next->height ? index * STRIP + STRIP : w->next->height;
    for (int y = index * STRIP; y < end; y++) {
        int bottom = 2 * y + 1 - w->scale->height % 2, top = bottom > 0 ? bottom - 1 : 0;
        for (int i = 0; i < 2; i++)
            halve_row(get_row(w, i, top, worker, 2), get_row(w, i, bottom, worker, 3), w->scale->width,
                      w->next->planes[i] + (size_t)y * (size_t)w->next->width);
    }
}

/* Mean over all windows of one scale: SSIM at the last, else contrast and structure. */
static double mean(fovea_context *ctx, struct work *w, int is_last)
{
    int n_strips = (w->scale->height - OVERLAP + STRIP - 1) / STRIP;
    double sum = 0.0;
    fovi_parallel(ctx, sum_strip, w, n_strips);
    for (int i = 0; i < n_strips; i++)
        sum += is_last ? w->strips[i].ssim : w->strips[i].contrast;
    return sum / (double)((int64_t)(w->scale->width - OVERLAP) * (w->scale->height - OVERLAP));
}

static double combine(fovea_context *ctx, struct work *w, const struct scale *scales)
{
    double product = 1.0;
    for (int s = 0; s < N_SCALES; s++) {
        w->scale = &scales[s];
        double value = mean(ctx, w, s == N_SCALES - 1);
        /* What is dissimilar has no power; NaN stays. */
        product *= value < 0.0 ? 0.0 : pow(value, scale_weights[s]);
        if (s == N_SCALES - 1)
            break;
        w->next = &scales[s + 1];
        fovi_parallel(ctx, halve_rows, w, (w->next->height + STRIP - 1) / STRIP);
    }
    return product;
}

static int allocate(fovea_context *ctx, struct work *w, const struct fovi_pair *pair, struct scale *scales)
{
    size_t n_threads = (size_t)fovea_context_threads(ctx);
    for (int s = 1; s < N_SCALES; s++)
        for (int i = 0; i < 2; i++) {
            scales[s].width = (scales[s - 1].width + 1) / 2;
            scales[s].height = (scales[s - 1].height + 1) / 2;
            scales[s].planes[i] = fovi_alloc(ctx, (size_t)scales[s].height, (size_t)scales[s].width * sizeof(float));
            if (!scales[s].planes[i])
                return fovi_alloc_error(ctx);
        }
    w->rows_size = 4 * fovi_pair_row_size(pair);
    w->rows = fovi_alloc(ctx, n_threads, w->rows_size * sizeof *w->rows);
    if (!w->rows)
        return fovi_alloc_error(ctx);
    w->ssim_size = fovi_ssim_memory(pair->width);
    w->ssim = fovi_alloc(ctx, n_threads, w->ssim_size * sizeof *w->ssim);
    if (!w->ssim)
        return fovi_alloc_error(ctx);
    w->strips = fovi_alloc(ctx, (size_t)(pair->height + STRIP - 1) / STRIP, sizeof *w->strips);
    return w->strips ? FOVEA_OK : fovi_alloc_error(ctx);
}

int fovi_msssim(fovea_context *ctx, const struct fovi_pair *pair, double *out)
{
    *out = (double)NAN;
    if (pair->width < MIN_SIDE || pair->height < MIN_SIDE)
        return FOVEA_OK;
    struct work work = { 0 };
    struct scale scales[N_SCALES] = { { pair->width, pair->height, pair, { NULL, NULL } } };
    int code = allocate(ctx, &work, pair, scales);
    if (code == FOVEA_OK)
        *out = combine(ctx, &work, scales);
    for (int s = 1; s < N_SCALES; s++)
        for (int i = 0; i < 2; i++)
            fovi_free(ctx, scales[s].planes[i]);
    fovi_free(ctx, work.rows);
    fovi_free(ctx, work.ssim);
    fovi_free(ctx, work.strips);
    return code;
}
