/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The shift between two pictures by phase correlation (Kuglin and Hines 1975): the cross power spectrum without its
 * magnitudes is that of a point at the shift. First whole pictures, reduced to MIDDLE pixels by means of blocks, then
 * parts of their middle at full size. High frequencies, where blurred pictures hold nothing but noise, count less.
 */
#include <math.h>

#include "base/context.h"
#include "fovea/metrics.h"
#include "image/convert.h"
#include "metrics/pair.h"
#include "xform/fft.h"

enum { MIDDLE = 512 };

static const double pi = 3.14159265358979323846;

/* A part of a picture's luma, reduced by means of blocks. */
struct part {
    struct fovi_pair pair; /* of the picture with itself: only the first is read */
    int x0, y0, block;     /* in pixels; edge of a block */
    int width, height;     /* in blocks */
    float *luma;           /* less its mean */
    double power;          /* sum of squares of luma */
};

struct work {
    fovea_context *ctx;
    struct part parts[2];
    float *rows; /* for each thread: a row with all its planes */
    size_t rows_size;
    int width, height; /* of the transforms */
    struct fovi_complex *spectra[2];
    int current; /* the part at hand */
};

/* ---- luma of a part ---- */

static void load_row(void *arg, int index, int worker)
{
    const struct work *w = arg;
    const struct part *p = &w->parts[w->current];
    float *memory = w->rows + (size_t)worker * w->rows_size, *out = p->luma + (size_t)index * (size_t)p->width;
    float scale = 1.0f / ((float)p->block * (float)p->block);
    for (int x = 0; x < p->width; x++)
        out[x] = 0.0f;
    for (int k = 0; k < p->block; k++) {
        fovi_pair_load(&p->pair, 0, p->y0 + index * p->block + k, memory);
        const float *luma = fovi_pair_plane(&p->pair, memory, p->pair.n_channels) + p->x0;
        for (int x = 0; x < p->width; x++)
            for (int i = 0; i < p->block; i++)
                out[x] += luma[(size_t)x * (size_t)p->block + (size_t)i];
    }
    for (int x = 0; x < p->width; x++)
        out[x] *= scale;
}

static void load_part(struct work *w, int which)
{
    struct part *p = &w->parts[which];
    size_t n = (size_t)p->width * (size_t)p->height;
    double sum = 0.0;
    w->current = which;
    fovi_parallel(w->ctx, load_row, w, p->height);
    for (size_t i = 0; i < n; i++)
        sum += (double)p->luma[i];
    p->power = 0.0;
    for (size_t i = 0; i < n; i++) {
        p->luma[i] -= (float)(sum / (double)n);
        p->power += (double)p->luma[i] * (double)p->luma[i];
    }
}

/* ---- transforms ---- */

static double hann(int i, int n)
{
    return 0.5 - 0.5 * cos(2.0 * pi * (i + 0.5) / n);
}

/* The part under a window, zeros beyond it. */
static void fill_part(void *arg, int y, struct fovi_complex *out)
{
    const struct work *w = arg;
    const struct part *p = &w->parts[w->current];
    for (int x = 0; x < w->width; x++)
        out[x] = (struct fovi_complex){ 0.0f, 0.0f };
    if (y >= p->height)
        return;
    double down = hann(y, p->height);
    for (int x = 0; x < p->width; x++)
        out[x].re = (float)((double)p->luma[(size_t)y * (size_t)p->width + (size_t)x] * down * hann(x, p->width));
}

/* Gauss at the distance of index k of n from frequency 0, sigma 1/8 of a cycle a pixel. */
static double weight(int k, int n)
{
    double f = (double)(2 * k > n ? k - n : k) / n * 8.0;
    return exp(-0.5 * f * f);
}

static void fill_cross(void *arg, int y, struct fovi_complex *out)
{
    const struct work *w = arg;
    const struct fovi_complex *a = w->spectra[0] + (size_t)y * (size_t)w->width;
    const struct fovi_complex *b = w->spectra[1] + (size_t)y * (size_t)w->width;
    double down = weight(y, w->height);
    for (int x = 0; x < w->width; x++) {
        double re = (double)a[x].re * (double)b[x].re + (double)a[x].im * (double)b[x].im;
        double im = (double)a[x].im * (double)b[x].re - (double)a[x].re * (double)b[x].im;
        double size = sqrt(re * re + im * im), scale = size > 0.0 ? down * weight(x, w->width) / size : 0.0;
        out[x] = (struct fovi_complex){ (float)(re * scale), (float)(im * scale) };
    }
}

/* Where the highest sample of the first spectrum's real part lies, as a shift. */
static void find_peak(const struct work *w, int *dx, int *dy)
{
    size_t n = (size_t)w->width * (size_t)w->height, best = 0;
    for (size_t i = 1; i < n; i++)
        if (w->spectra[0][i].re > w->spectra[0][best].re)
            best = i;
    *dx = (int)(best % (size_t)w->width);
    *dy = (int)(best / (size_t)w->width);
    *dx -= 2 * *dx > w->width ? w->width : 0;
    *dy -= 2 * *dy > w->height ? w->height : 0;
}

static int transform(struct work *w, int *dx, int *dy)
{
    struct fovi_fft2 forward = { 0 }, inverse = { 0 };
    int code = fovi_fft2_init(w->ctx, &forward, w->width, w->height, 0);
    if (code == FOVEA_OK)
        code = fovi_fft2_init(w->ctx, &inverse, w->width, w->height, 1);
    if (code == FOVEA_OK) {
        for (w->current = 0; w->current < 2; w->current++)
            fovi_fft2_run(w->ctx, &forward, fill_part, w, w->spectra[w->current]);
        /* A row is made from the spectra before it is written to. */
        fovi_fft2_run(w->ctx, &inverse, fill_cross, w, w->spectra[0]);
        find_peak(w, dx, dy);
    }
    fovi_fft2_free(w->ctx, &forward);
    fovi_fft2_free(w->ctx, &inverse);
    return code;
}

/* Shift of the second part against the first, in blocks. is_apart: it may be as large as the parts. */
static int correlate(struct work *w, int is_apart, int *dx, int *dy)
{
    const struct part *a = &w->parts[0], *b = &w->parts[1];
    int wide = a->width > b->width ? a->width : b->width, high = a->height > b->height ? a->height : b->height;
    w->width = fovi_fft_fast_size(is_apart ? a->width + b->width : wide);
    w->height = fovi_fft_fast_size(is_apart ? a->height + b->height : high);
    int code = FOVEA_OK;
    for (int i = 0; i < 2; i++)
        w->spectra[i] = fovi_alloc(w->ctx, (size_t)w->height, (size_t)w->width * sizeof *w->spectra[i]);
    if (w->spectra[0] && w->spectra[1])
        code = transform(w, dx, dy);
    else
        code = fovi_alloc_error(w->ctx);
    for (int i = 0; i < 2; i++) {
        fovi_free(w->ctx, w->spectra[i]);
        w->spectra[i] = NULL;
    }
    return code;
}

/* ---- the two passes ---- */

/* Take the memory of both parts and load them. */
static int load_parts(struct work *w)
{
    for (int i = 0; i < 2; i++) {
        struct part *p = &w->parts[i];
        fovi_free(w->ctx, p->luma);
        p->luma = fovi_alloc(w->ctx, (size_t)p->height, (size_t)p->width * sizeof *p->luma);
        if (!p->luma)
            return fovi_alloc_error(w->ctx);
        load_part(w, i);
    }
    return FOVEA_OK;
}

/* The middle of what both pictures show under a shift; 0 if they do not overlap. */
static int place_middle(struct work *w, const struct fovea_shift *shift)
{
    struct part *a = &w->parts[0], *b = &w->parts[1];
    int d[2] = { shift->dx, shift->dy }, at[2], size[2];
    int side_a[2] = { a->pair.width, a->pair.height }, side_b[2] = { b->pair.width, b->pair.height };
    for (int i = 0; i < 2; i++) {
        int begin = d[i] > 0 ? d[i] : 0, end = side_b[i] + d[i] < side_a[i] ? side_b[i] + d[i] : side_a[i];
        if (end <= begin)
            return 0;
        size[i] = end - begin < MIDDLE ? end - begin : MIDDLE;
        at[i] = begin + (end - begin - size[i]) / 2;
    }
    a->x0 = at[0], a->y0 = at[1];
    b->x0 = at[0] - d[0], b->y0 = at[1] - d[1];
    for (int i = 0; i < 2; i++) {
        w->parts[i].block = 1;
        w->parts[i].width = size[0];
        w->parts[i].height = size[1];
    }
    return 1;
}

static double correlation(const struct part *a, const struct part *b)
{
    size_t n = (size_t)a->width * (size_t)a->height;
    double sum = 0.0, power = sqrt(a->power * b->power);
    for (size_t i = 0; i < n; i++)
        sum += (double)a->luma[i] * (double)b->luma[i];
    return power > 0.0 ? sum / power : 0.0;
}

static int estimate(struct work *w, struct fovea_shift *out)
{
    int longest = 1, block, dx, dy;
    for (int i = 0; i < 2; i++) {
        longest = w->parts[i].pair.width > longest ? w->parts[i].pair.width : longest;
        longest = w->parts[i].pair.height > longest ? w->parts[i].pair.height : longest;
    }
    block = (longest + MIDDLE - 1) / MIDDLE;
    for (int i = 0; i < 2; i++) {
        struct part *p = &w->parts[i];
        p->block = block;
        p->width = p->pair.width / block;
        p->height = p->pair.height / block;
        if (p->width < 1 || p->height < 1)
            return FOVEA_OK; /* a thread of pixels beside a large picture */
    }
    FOVI_TRY(load_parts(w));
    FOVI_TRY(correlate(w, 1, &dx, &dy));
    out->dx = dx * block;
    out->dy = dy * block;
    for (int pass = 0; pass < 3; pass++) {
        if (!place_middle(w, out))
            return FOVEA_OK;
        FOVI_TRY(load_parts(w));
        out->correlation = correlation(&w->parts[0], &w->parts[1]);
        FOVI_TRY(correlate(w, 0, &dx, &dy));
        if (pass == 2 || (!dx && !dy))
            break;
        out->dx += dx;
        out->dy += dy;
    }
    return FOVEA_OK;
}

int fovea_metrics_shift(fovea_context *ctx, const struct fovea_image *reference, const struct fovea_image *test,
                        struct fovea_shift *out)
{
    struct work work = { .ctx = ctx };
    const struct fovea_image *images[2] = { reference, test };
    *out = (struct fovea_shift){ 0, 0, 0.0 };
    for (int i = 0; i < 2; i++) {
        FOVI_TRY(fovi_format_check(ctx, &images[i]->format));
        if (images[i]->width < 1 || images[i]->height < 1 || !images[i]->data)
            return fovi_fail(ctx, FOVEA_E_ARG, "a picture without pixels cannot be aligned");
        fovi_pair_init(&work.parts[i].pair, images[i], images[i], 0);
        size_t size = fovi_pair_row_size(&work.parts[i].pair);
        work.rows_size = size > work.rows_size ? size : work.rows_size;
    }
    work.rows = fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), work.rows_size * sizeof *work.rows);
    int code = work.rows ? estimate(&work, out) : fovi_alloc_error(ctx);
    for (int i = 0; i < 2; i++)
        fovi_free(ctx, work.parts[i].luma);
    fovi_free(ctx, work.rows);
    return code;
}
