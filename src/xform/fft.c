/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fourier transforms: one-dimensional ones by kissfft; lengths with a large prime factor, where that takes time in
 * proportion to n times the factor, by Bluestein's method (1970), which makes them a convolution of a fast length.
 * Two-dimensional ones are rows, then columns in blocks of 16, because a column by itself would fetch a cache line for
 * each of its samples.
 */
#include "xform/fft.h"

#include <kiss_fft.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"

/* Largest prime factor that is left to kissfft. */
enum { MAX_FACTOR = 29 };

/* Columns of a block: two cache lines of a row. PAD keeps them from meeting in one place of the cache where the height
 * is a power of two. Rows of a job. */
enum { BLOCK = 16, PAD = 8, ROWS = 8 };

static const double pi = 3.14159265358979323846;

static const kiss_fft_cpx *kiss_const(const struct fovi_complex *p)
{
    return (const kiss_fft_cpx *)(const void *)p;
}

static kiss_fft_cpx *kiss(struct fovi_complex *p)
{
    return (kiss_fft_cpx *)(void *)p;
}

static struct fovi_complex multiply(struct fovi_complex a, struct fovi_complex b)
{
    return (struct fovi_complex){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

static int is_fast(int n, int max_factor)
{
    for (int p = 2; p <= max_factor; p++)
        while (n % p == 0)
            n /= p;
    return n == 1;
}

static void transform(const struct fovi_fft *fft, const struct fovi_complex *in, struct fovi_complex *out)
{
    kiss_fft((kiss_fft_cfg)fft->plan, kiss_const(in), kiss(out));
}

/* kissfft's plan, in our memory. */
static int make_plan(fovea_context *ctx, struct fovi_fft *fft, int is_inverse)
{
    size_t size = 0;
    kiss_fft_alloc(fft->n_inner, is_inverse, NULL, &size);
    fft->plan = fovi_alloc(ctx, 1, size);
    if (!fft->plan)
        return fovi_alloc_error(ctx);
    if (!kiss_fft_alloc(fft->n_inner, is_inverse, fft->plan, &size))
        return fovi_fail(ctx, FOVEA_E_INTERNAL, "no plan for a Fourier transform of %d samples", fft->n_inner);
    return FOVEA_OK;
}

/* Bluestein: j k = (j^2 + k^2 - (k - j)^2) / 2, so with chirp c[j] = exp(-+pi i j^2 / n) the transform is
 * c[k] times the convolution of in[j] c[j] with conj(c). */
static int make_chirp(fovea_context *ctx, struct fovi_fft *fft, int is_inverse)
{
    size_t n = (size_t)fft->n, m = (size_t)fft->n_inner;
    fft->n_scratch = 2 * m;
    fft->chirp = fovi_alloc(ctx, n, sizeof *fft->chirp);
    if (!fft->chirp)
        return fovi_alloc_error(ctx);
    fft->chirp_spectrum = fovi_alloc(ctx, m, sizeof *fft->chirp_spectrum);
    struct fovi_complex *circle = fovi_alloc(ctx, m, sizeof *circle);
    if (!fft->chirp_spectrum || !circle) {
        fovi_free(ctx, circle);
        return fovi_alloc_error(ctx);
    }
    for (size_t j = 0; j < n; j++) {
        double angle = pi * (double)(j * j % (2 * n)) / (double)n;
        fft->chirp[j] = (struct fovi_complex){ (float)cos(angle), (float)(is_inverse ? sin(angle) : -sin(angle)) };
        struct fovi_complex conjugate = { fft->chirp[j].re / (float)m, -fft->chirp[j].im / (float)m };
        circle[j] = conjugate;
        if (j)
            circle[m - j] = conjugate;
    }
    transform(fft, circle, fft->chirp_spectrum);
    fovi_free(ctx, circle);
    return FOVEA_OK;
}

int fovi_fft_init(fovea_context *ctx, struct fovi_fft *fft, int n, int is_inverse)
{
    *fft = (struct fovi_fft){ .n = n };
    if (n > FOVI_FFT_MAX)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "a side of %d pixels is too long for a Fourier transform", n);
    int is_direct = is_fast(n, MAX_FACTOR);
    fft->n_inner = is_direct ? n : kiss_fft_next_fast_size(2 * n - 1);
    int code = make_plan(ctx, fft, is_direct ? is_inverse : 0);
    if (code == FOVEA_OK && !is_direct)
        code = make_chirp(ctx, fft, is_inverse);
    if (code != FOVEA_OK)
        fovi_fft_free(ctx, fft);
    return code;
}

void fovi_fft_free(fovea_context *ctx, struct fovi_fft *fft)
{
    fovi_free(ctx, fft->plan);
    fovi_free(ctx, fft->chirp);
    fovi_free(ctx, fft->chirp_spectrum);
    *fft = (struct fovi_fft){ 0 };
}

/* The way back is the way there between two conjugations, so one plan is enough. */
static void convolve_chirp(const struct fovi_fft *fft, const struct fovi_complex *in, struct fovi_complex *out,
                           struct fovi_complex *scratch)
{
    int n = fft->n, m = fft->n_inner;
    struct fovi_complex *a = scratch, *b = scratch + m;
    for (int j = 0; j < n; j++)
        a[j] = multiply(in[j], fft->chirp[j]);
    for (int j = n; j < m; j++)
        a[j] = (struct fovi_complex){ 0.0f, 0.0f };
    transform(fft, a, b);
    for (int j = 0; j < m; j++) {
        b[j] = multiply(b[j], fft->chirp_spectrum[j]);
        b[j].im = -b[j].im;
    }
    transform(fft, b, a);
    for (int k = 0; k < n; k++) {
        a[k].im = -a[k].im;
        out[k] = multiply(a[k], fft->chirp[k]);
    }
}

void fovi_fft_run(const struct fovi_fft *fft, const struct fovi_complex *in, struct fovi_complex *out,
                  struct fovi_complex *scratch)
{
    if (fft->chirp)
        convolve_chirp(fft, in, out, scratch);
    else
        transform(fft, in, out);
}

int fovi_fft_fast_size(int n)
{
    return kiss_fft_next_fast_size(n);
}

int fovi_fft2_init(fovea_context *ctx, struct fovi_fft2 *fft, int width, int height, int is_inverse)
{
    *fft = (struct fovi_fft2){ .width = width, .height = height };
    int code = fovi_fft_init(ctx, &fft->across, width, is_inverse);
    if (code == FOVEA_OK)
        code = fovi_fft_init(ctx, &fft->down, height, is_inverse);
    if (code == FOVEA_OK) {
        /* Rows need one row besides, columns a block and one column. */
        size_t rows = fft->across.n_scratch + (size_t)width;
        size_t columns = fft->down.n_scratch + ((size_t)height + PAD) * BLOCK + (size_t)height, size;
        fft->scratch_size = rows > columns ? rows : columns;
        int fits = fovi_mul_size(fft->scratch_size, sizeof *fft->scratch, &size);
        fft->scratch = fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), fits ? size : (size_t)-1);
        code = fft->scratch ? FOVEA_OK : fovi_alloc_error(ctx);
    }
    if (code != FOVEA_OK)
        fovi_fft2_free(ctx, fft);
    return code;
}

void fovi_fft2_free(fovea_context *ctx, struct fovi_fft2 *fft)
{
    fovi_fft_free(ctx, &fft->across);
    fovi_fft_free(ctx, &fft->down);
    fovi_free(ctx, fft->scratch);
    *fft = (struct fovi_fft2){ 0 };
}

/* One run. */
struct run {
    const struct fovi_fft2 *fft;
    fovi_fft2_fill *fill;
    void *arg;
    struct fovi_complex *out;
};

static void transform_rows(void *arg, int index, int worker)
{
    const struct run *run = arg;
    const struct fovi_fft2 *fft = run->fft;
    struct fovi_complex *row = fft->scratch + (size_t)worker * fft->scratch_size;
    for (int y = index * ROWS; y < (index + 1) * ROWS && y < fft->height; y++) {
        run->fill(run->arg, y, row);
        fovi_fft_run(&fft->across, row, run->out + (size_t)y * (size_t)fft->width, row + fft->width);
    }
}

static void transform_columns(void *arg, int index, int worker)
{
    const struct run *run = arg;
    const struct fovi_fft2 *fft = run->fft;
    size_t height = (size_t)fft->height, width = (size_t)fft->width, x = (size_t)index * BLOCK, pitch = height + PAD;
    size_t n = width - x < BLOCK ? width - x : BLOCK;
    struct fovi_complex *block = fft->scratch + (size_t)worker * fft->scratch_size, *column = block + BLOCK * pitch;
    for (size_t y = 0; y < height; y++)
        for (size_t i = 0; i < n; i++)
            block[i * pitch + y] = run->out[y * width + x + i];
    for (size_t i = 0; i < n; i++) {
        fovi_fft_run(&fft->down, block + i * pitch, column, column + height);
        memcpy(block + i * pitch, column, height * sizeof *column);
    }
    for (size_t y = 0; y < height; y++)
        for (size_t i = 0; i < n; i++)
            run->out[y * width + x + i] = block[i * pitch + y];
}

void fovi_fft2_run(fovea_context *ctx, const struct fovi_fft2 *fft, fovi_fft2_fill *fill, void *arg,
                   struct fovi_complex *out)
{
    struct run run = { fft, fill, arg, out };
    fovi_parallel(ctx, transform_rows, &run, (fft->height + ROWS - 1) / ROWS);
    fovi_parallel(ctx, transform_columns, &run, (fft->width + BLOCK - 1) / BLOCK);
}
