/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The benchmark's exact bicubic reduction: MATLAB's imresize on uint8, rounded and clipped after each of its two
 * passes, vertical first, all sums in double.
 */
#include <math.h>
#include <string.h>

#include "base/context.h"
#include "fovea/resample.h"

/* Weights of one axis: output o is the sum over k of weight[o * n_taps + k] * in[index[o * n_taps + k]]. */
struct taps {
    int n_out, n_taps;
    int *index;
    double *weight;
};

/* The powers first, as in the original: exact ties between two grey levels hang on the last bit of a weight. */
static double cubic(double x)
{
    x = fabs(x);
    double x2 = x * x, x3 = x2 * x;
    if (x <= 1.0)
        return 1.5 * x3 - 2.5 * x2 + 1.0;
    return x <= 2.0 ? -0.5 * x3 + 2.5 * x2 - 4.0 * x + 2.0 : 0.0;
}

/* Symmetric reflection of a 0-based index, the edge pixel repeated, any number of times. */
static int reflect(long i, int n)
{
    long m = i % (2L * n);
    if (m < 0)
        m += 2L * n;
    return (int)(m < n ? m : 2L * n - 1 - m);
}

static void taps_free(fovea_context *ctx, struct taps *t)
{
    fovi_free(ctx, t->index);
    fovi_free(ctx, t->weight);
}

static int taps_init(fovea_context *ctx, struct taps *t, int n_in, double scale)
{
    double shrink = scale < 1.0 ? scale : 1.0;
    double width = 4.0 / shrink;
    t->n_out = (int)ceil(n_in * scale);
    t->n_taps = (int)ceil(width) + 2;
    t->index = fovi_alloc(ctx, (size_t)t->n_out * (size_t)t->n_taps, sizeof *t->index);
    t->weight = fovi_alloc(ctx, (size_t)t->n_out * (size_t)t->n_taps, sizeof *t->weight);
    if (!t->index || !t->weight)
        return fovi_alloc_error(ctx);
    for (int o = 0; o < t->n_out; o++) {
        double u = (o + 1) / scale + 0.5 * (1.0 - 1.0 / scale); /* 1-based, as in the rules */
        long left = (long)floor(u - width / 2.0);
        double *w = t->weight + (ptrdiff_t)o * t->n_taps, sum = 0.0;
        for (int k = 0; k < t->n_taps; k++) {
            w[k] = shrink * cubic(shrink * (u - (double)(left + k)));
            sum += w[k];
            t->index[(ptrdiff_t)o * t->n_taps + k] = reflect(left + k - 1, n_in);
        }
        for (int k = 0; k < t->n_taps; k++)
            w[k] /= sum;
    }
    return FOVEA_OK;
}

static uint8_t round_to_u8(double v)
{
    v = floor(v + 0.5); /* half away from zero: negative values are clipped anyway */
    return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v);
}

struct pass {
    const struct taps *taps;
    const struct fovea_image *in;
    uint8_t *out;
    ptrdiff_t out_stride;
    ptrdiff_t width; /* of a row in samples (vertical) or output pixels (horizontal) */
    double *scratch; /* a row of sums for each worker */
};

/* One output row of the vertical pass; every tap adds a whole row. */
static void vertical_job(void *arg, int o, int worker)
{
    const struct pass *p = arg;
    double *sum = p->scratch + (ptrdiff_t)worker * p->width;
    const int *index = p->taps->index + (ptrdiff_t)o * p->taps->n_taps;
    const double *weight = p->taps->weight + (ptrdiff_t)o * p->taps->n_taps;
    memset(sum, 0, (size_t)p->width * sizeof *sum);
    for (int k = 0; k < p->taps->n_taps; k++) {
        const uint8_t *row = (const uint8_t *)p->in->data + index[k] * p->in->stride_bytes;
        double w = weight[k];
        if (w != 0.0)
            for (ptrdiff_t x = 0; x < p->width; x++)
                sum[x] += w * row[x];
    }
    uint8_t *out = p->out + o * p->out_stride;
    for (ptrdiff_t x = 0; x < p->width; x++)
        out[x] = round_to_u8(sum[x]);
}

static void horizontal_job(void *arg, int y, int worker)
{
    (void)worker;
    const struct pass *p = arg;
    int n_channels = p->in->format.n_channels, n_taps = p->taps->n_taps;
    const uint8_t *row = (const uint8_t *)p->in->data + y * p->in->stride_bytes;
    uint8_t *out = p->out + y * p->out_stride;
    for (int o = 0; o < p->taps->n_out; o++) {
        const int *index = p->taps->index + (ptrdiff_t)o * n_taps;
        const double *weight = p->taps->weight + (ptrdiff_t)o * n_taps;
        for (int c = 0; c < n_channels; c++) {
            double sum = 0.0;
            for (int k = 0; k < n_taps; k++)
                sum += weight[k] * row[(ptrdiff_t)index[k] * n_channels + c];
            out[(ptrdiff_t)o * n_channels + c] = round_to_u8(sum);
        }
    }
}

static int resize_u8(fovea_context *ctx, const struct fovea_image *in, const struct taps *tx, const struct taps *ty,
                     struct fovea_image *out)
{
    size_t row_bytes = (size_t)in->width * (size_t)in->format.n_channels;
    uint8_t *middle = fovi_alloc(ctx, (size_t)ty->n_out, row_bytes);
    double *scratch = fovi_alloc(ctx, row_bytes * (size_t)fovea_context_threads(ctx), sizeof *scratch);
    int code = middle && scratch ? FOVEA_OK : fovi_alloc_error(ctx);
    if (!code) {
        struct pass vertical = { ty, in, middle, (ptrdiff_t)row_bytes, (ptrdiff_t)row_bytes, scratch };
        fovi_parallel(ctx, vertical_job, &vertical, ty->n_out);
        struct fovea_image mid = { in->width, ty->n_out, in->format, middle, (ptrdiff_t)row_bytes };
        struct pass horizontal = { tx, &mid, out->data, out->stride_bytes, tx->n_out, NULL };
        fovi_parallel(ctx, horizontal_job, &horizontal, ty->n_out);
    }
    fovi_free(ctx, scratch);
    fovi_free(ctx, middle);
    return code;
}

int fovea_imresize(fovea_context *ctx, const struct fovea_image *in, double divisor, struct fovea_image *out)
{
    if (in->format.sample != FOVEA_SAMPLE_U8 || out->format.sample != FOVEA_SAMPLE_U8 ||
        in->format.n_channels != out->format.n_channels || in->format.n_channels < 1)
        return fovi_fail(ctx, FOVEA_E_ARG, "imresize works on 8-bit pictures with equal numbers of channels");
    if (!(divisor > 0.0) || !(divisor <= 1024.0) || in->width < 1 || in->height < 1)
        return fovi_fail(ctx, FOVEA_E_ARG, "imresize: divisor %g of a %dx%d picture is out of range", divisor,
                         in->width, in->height);
    double scale = 1.0 / divisor;
    if (ceil(in->width * scale) != out->width || ceil(in->height * scale) != out->height)
        return fovi_fail(ctx, FOVEA_E_ARG, "imresize: the output must be %.0fx%.0f, not %dx%d", ceil(in->width * scale),
                         ceil(in->height * scale), out->width, out->height);
    struct taps tx = { 0 }, ty = { 0 };
    int code = taps_init(ctx, &tx, in->width, scale);
    if (!code)
        code = taps_init(ctx, &ty, in->height, scale);
    if (!code)
        code = resize_u8(ctx, in, &tx, &ty, out);
    taps_free(ctx, &tx);
    taps_free(ctx, &ty);
    return code;
}
