/* SPDX-License-Identifier: BSD-2-Clause
 *
 * GMSD (Xue, Zhang, Mou, Bovik 2014): planes halved by the mean of 2x2, Prewitt gradients, the similarity of their
 * magnitudes at each place, and the standard deviation of that over the picture. Beyond the picture all is 0, as in the
 * authors' program. Strips of rows in parallel, their sums added in order.
 */
#include "metrics/gmsd.h"

#include <math.h>

#include "metrics/gradient.h"

/* Rows of a strip, of the half size. */
enum { STRIP = 32, N_RING = 3 };

/* Sums of what the similarity lacks to 1, so that a small deviation is no difference of large numbers. */
struct sums {
    double lack, square;
};

struct work {
    const struct fovi_pair *pair;
    int width, height; /* half size, rounded up */
    float *memory; /* for each thread: a ring of half rows and a row of gradients for each picture, two whole rows */
    size_t memory_size, ring_pitch;
    struct sums *strips;
};

/* The parts of a worker's memory. */
static float *ring_row(const struct work *w, int worker, int i, int y)
{
    return w->memory + (size_t)worker * w->memory_size + (size_t)(i * N_RING + (y + N_RING) % N_RING) * w->ring_pitch;
}

static float *gradient_row(const struct work *w, int worker, int i)
{
    return w->memory + (size_t)worker * w->memory_size + (size_t)(2 * N_RING + i) * w->ring_pitch;
}

static float *whole_row(const struct work *w, int worker, int k)
{
    return w->memory + (size_t)worker * w->memory_size + (size_t)(2 * N_RING + 2) * w->ring_pitch +
           (size_t)k * fovi_pair_row_size(w->pair);
}

/* Half row y of picture i with a zero before and behind it; zeros above and below the picture. */
static void make_row(const struct work *w, int worker, int i, int y)
{
    float *out = ring_row(w, worker, i, y);
    for (int x = 0; x < w->width + 2; x++)
        out[x] = 0.0f;
    if (y < 0 || y >= w->height)
        return;
    int n_rows = 2 * y + 1 < w->pair->height ? 2 : 1, n = w->pair->width / 2;
    for (int k = 0; k < n_rows; k++) {
        float *memory = whole_row(w, worker, k);
        fovi_pair_load(w->pair, i, 2 * y + k, memory);
        const float *luma = fovi_pair_plane(w->pair, memory, w->pair->n_channels);
        for (int x = 0; x < n; x++)
            out[x + 1] += (luma[2 * x] + luma[2 * x + 1]) * 0.25f;
        if (w->pair->width % 2)
            out[n + 1] += luma[2 * n] * 0.25f;
    }
}

static void sum_row(const struct work *w, const float *a, const float *b, struct sums *out)
{
    double lack = 0.0, square = 0.0;
    for (int x = 0; x < w->width; x++) {
        double p = (double)a[x], q = (double)b[x], d = p - q, lacks = d * d / (p * p + q * q + 170.0);
        lack += lacks;
        square += lacks * lacks;
    }
    out->lack += lack;
    out->square += square;
}

static void sum_strip(void *arg, int index, int worker)
{
    const struct work *w = arg;
    int begin = index * STRIP, end = begin + STRIP < w->height ? begin + STRIP : w->height;
    for (int y = begin - 1; y <= end; y++) {
        for (int i = 0; i < 2; i++)
            make_row(w, worker, i, y);
        if (y <= begin)
            continue;
        for (int i = 0; i < 2; i++)
            fovi_gradient_prewitt(ring_row(w, worker, i, y - 2), ring_row(w, worker, i, y - 1),
                                  ring_row(w, worker, i, y), w->width, gradient_row(w, worker, i));
        sum_row(w, gradient_row(w, worker, 0), gradient_row(w, worker, 1), &w->strips[index]);
    }
}

static double deviation(const struct work *w, int n_strips)
{
    struct sums total = { 0.0, 0.0 };
    for (int i = 0; i < n_strips; i++) {
        total.lack += w->strips[i].lack;
        total.square += w->strips[i].square;
    }
    double n = (double)w->width * (double)w->height, mean = total.lack / n, variance = total.square / n - mean * mean;
    return variance < 0.0 ? 0.0 : sqrt(variance);
}

int fovi_gmsd(fovea_context *ctx, const struct fovi_pair *pair, double *out)
{
    struct work work = { .pair = pair, .width = (pair->width + 1) / 2, .height = (pair->height + 1) / 2 };
    int n_strips = (work.height + STRIP - 1) / STRIP;
    *out = (double)NAN;
    work.ring_pitch = (size_t)work.width + 2;
    work.memory_size = (2 * N_RING + 2) * work.ring_pitch + 2 * fovi_pair_row_size(pair);
    work.memory = fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), work.memory_size * sizeof *work.memory);
    if (!work.memory)
        return fovi_alloc_error(ctx);
    work.strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *work.strips);
    int code = work.strips ? FOVEA_OK : fovi_alloc_error(ctx);
    if (code == FOVEA_OK) {
        fovi_parallel(ctx, sum_strip, &work, n_strips);
        *out = deviation(&work, n_strips);
    }
    fovi_free(ctx, work.memory);
    fovi_free(ctx, work.strips);
    return code;
}
