/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ERGAS (Wald 2000, the relative dimensionless global error) and SAM (Yuhas, Goetz, Boardman 1992, the spectral angle)
 * over the colour channels. Strips of rows in parallel, their sums added in order.
 */
#include "metrics/bands.h"

#include <math.h>

#include "metrics/psnr.h"

enum { STRIP = 64 };

static const double pi = 3.14159265358979323846;

struct sums {
    double sse[FOVEA_MAX_CHANNELS], level[FOVEA_MAX_CHANNELS]; /* level: of the reference */
    double angle;
    int64_t n_angles;
};

struct work {
    const struct fovi_pair *pair;
    struct sums *strips;
    float *rows; /* for each thread: a row of each picture */
    size_t rows_size;
    double *products; /* for each thread: rows of a.a, b.b and a.b */
};

/* Angles of a row from its three products; the sine by Lagrange's identity, which is exactly 0 for equal vectors. */
static void sum_angles(const double *aa, const double *bb, const double *ab, int width, struct sums *out)
{
    for (int x = 0; x < width; x++) {
        double sine = aa[x] * bb[x] - ab[x] * ab[x];
        if (aa[x] == 0.0 || bb[x] == 0.0)
            continue;
        out->angle += atan2(sine < 0.0 ? 0.0 : sqrt(sine), ab[x]);
        out->n_angles++;
    }
}

static void multiply_row(const float *a, const float *b, int width, double *restrict aa, double *restrict bb,
                         double *restrict ab)
{
    for (int x = 0; x < width; x++) {
        double p = (double)a[x], q = (double)b[x];
        aa[x] += p * p;
        bb[x] += q * q;
        ab[x] += p * q;
    }
}

static void sum_strip(void *arg, int index, int worker)
{
    const struct work *w = arg;
    const struct fovi_pair *pair = w->pair;
    struct sums *out = &w->strips[index];
    float *a = w->rows + (size_t)worker * w->rows_size, *b = a + fovi_pair_row_size(pair);
    size_t width = (size_t)pair->width;
    double *aa = w->products + (size_t)worker * 3 * width, *bb = aa + width, *ab = bb + width;
    int end = (index + 1) * STRIP < pair->height ? (index + 1) * STRIP : pair->height;
    for (int y = index * STRIP; y < end; y++) {
        fovi_pair_load(pair, 0, y, a);
        fovi_pair_load(pair, 1, y, b);
        for (size_t x = 0; x < 3 * width; x++)
            aa[x] = 0.0;
        for (int k = 0; k < pair->n_color; k++) {
            const float *p = fovi_pair_plane(pair, a, k), *q = fovi_pair_plane(pair, b, k);
            double level = 0.0;
            out->sse[k] += fovi_psnr_row(p, q, pair->width);
            for (size_t x = 0; x < width; x++)
                level += (double)p[x];
            out->level[k] += level;
            multiply_row(p, q, pair->width, aa, bb, ab);
        }
        if (pair->n_color > 1)
            sum_angles(aa, bb, ab, pair->width, out);
    }
}

static void finish(const struct work *w, int n_strips, double ratio, double *ergas, double *sam)
{
    struct sums total = { .n_angles = 0 };
    double n_px = (double)w->pair->width * (double)w->pair->height, sum = 0.0;
    for (int k = 0; k < w->pair->n_color; k++) {
        for (int i = 0; i < n_strips; i++) {
            total.sse[k] += w->strips[i].sse[k];
            total.level[k] += w->strips[i].level[k];
        }
        double mse = total.sse[k] / n_px, mean = total.level[k] / n_px;
        if (mse != 0.0)
            sum += mse / (mean * mean);
    }
    for (int i = 0; i < n_strips; i++) {
        total.angle += w->strips[i].angle;
        total.n_angles += w->strips[i].n_angles;
    }
    *ergas = 100.0 * ratio * sqrt(sum / w->pair->n_color);
    *sam = total.n_angles ? total.angle / (double)total.n_angles * (180.0 / pi) : (double)NAN;
}

int fovi_bands(fovea_context *ctx, const struct fovi_pair *pair, double ratio, double *ergas, double *sam)
{
    struct work work = { .pair = pair, .rows_size = 2 * fovi_pair_row_size(pair) };
    size_t n_threads = (size_t)fovea_context_threads(ctx);
    int n_strips = (pair->height + STRIP - 1) / STRIP, code = FOVEA_OK;
    *ergas = *sam = (double)NAN;
    work.strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *work.strips);
    if (work.strips)
        work.rows = fovi_alloc(ctx, n_threads, work.rows_size * sizeof *work.rows);
    if (work.rows)
        work.products = fovi_alloc(ctx, n_threads, 3 * (size_t)pair->width * sizeof *work.products);
    if (work.products) {
        fovi_parallel(ctx, sum_strip, &work, n_strips);
        finish(&work, n_strips, ratio, ergas, sam);
    } else {
        code = fovi_alloc_error(ctx);
    }
    fovi_free(ctx, work.products);
    fovi_free(ctx, work.rows);
    fovi_free(ctx, work.strips);
    return code;
}
