/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Comparing two pictures in memory: strips of rows in parallel, their sums added in order, so that the figures do not
 * depend on the number of threads. Memory is a few dozen rows for each thread, whatever the pictures' height.
 */
#include <math.h>

#include "base/checked.h"
#include "base/context.h"
#include "fovea/metrics.h"
#include "image/convert.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"

/* Rows of a strip, which fix the order of the sums and so the last bits; the neighbour's first rows are read too. */
enum { STRIP = 64, OVERLAP = FOVI_SSIM_WINDOW - 1 };

struct sums {
    double sse, sse_y, ssim;
};

/* Two pictures less their borders. */
struct comparison {
    const struct fovea_image *image[2];
    int border, width, height, n_color;
    struct sums *strips;
    float *rows;  /* for each worker: 2 x (n_channels + 1) rows, the planes of a picture and its luma */
    double *ssim; /* for each worker; NULL where the picture is smaller than a window */
    size_t rows_size, ssim_size;
};

/* Row y of picture i as planes of 0..255 and its luma behind them. */
static void load_row(const struct comparison *c, int i, int y, float *const *planes)
{
    const struct fovea_image *image = c->image[i];
    const unsigned char *row = (const unsigned char *)image->data + (c->border + (ptrdiff_t)y) * image->stride_bytes +
                               (size_t)c->border * fovea_pixel_bytes(&image->format);
    fovi_row_load(&image->format, row, c->width, planes);
    fovi_row_luma((const float *const *)planes, c->n_color, c->width, planes[image->format.n_channels]);
}

static void compare_strip(void *arg, int index, int worker)
{
    const struct comparison *c = arg;
    struct sums *out = &c->strips[index];
    int n_channels = c->image[0]->format.n_channels;
    float *planes[2][FOVEA_MAX_CHANNELS + 1];
    for (int i = 0; i < 2; i++)
        for (int k = 0; k <= n_channels; k++)
            planes[i][k] = c->rows + (size_t)worker * c->rows_size +
                           (size_t)(i * (n_channels + 1) + k) * (size_t)c->width;
    struct fovi_ssim ssim;
    if (c->ssim)
        fovi_ssim_begin(&ssim, c->width, c->ssim + (size_t)worker * c->ssim_size);
    int begin = index * STRIP, end = begin + STRIP < c->height ? begin + STRIP : c->height;
    int read_end = c->ssim && end + OVERLAP < c->height ? end + OVERLAP : c->ssim ? c->height : end;
    for (int y = begin; y < read_end; y++) {
        for (int i = 0; i < 2; i++)
            load_row(c, i, y, planes[i]);
        if (y < end) {
            for (int k = 0; k < n_channels; k++)
                out->sse += fovi_psnr_row(planes[0][k], planes[1][k], c->width);
            out->sse_y += fovi_psnr_row(planes[0][n_channels], planes[1][n_channels], c->width);
        }
        if (c->ssim)
            out->ssim += fovi_ssim_push(&ssim, planes[0][n_channels], planes[1][n_channels]);
    }
}

static int check_pair(fovea_context *ctx, const struct fovea_image *a, const struct fovea_image *b, int border)
{
    FOVI_TRY(fovi_format_check(ctx, &a->format));
    FOVI_TRY(fovi_format_check(ctx, &b->format));
    if (a->width < 1 || a->height < 1 || !a->data || !b->data)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture without pixels cannot be compared");
    if (a->width != b->width || a->height != b->height)
        return fovi_fail(ctx, FOVEA_E_ARG, "the pictures differ in size: %dx%d and %dx%d", a->width, a->height,
                         b->width, b->height);
    if (a->format.n_channels != b->format.n_channels || !a->format.has_alpha != !b->format.has_alpha)
        return fovi_fail(ctx, FOVEA_E_ARG, "the pictures differ in channels: %d%s and %d%s", a->format.n_channels,
                         a->format.has_alpha ? " with alpha" : "", b->format.n_channels,
                         b->format.has_alpha ? " with alpha" : "");
    int shorter = a->width < a->height ? a->width : a->height;
    if (border < 0 || border > (shorter - 1) / 2)
        return fovi_fail(ctx, FOVEA_E_ARG, "a border of %d pixels leaves nothing of a picture of %dx%d", border,
                         a->width, a->height);
    return FOVEA_OK;
}

static int allocate(fovea_context *ctx, struct comparison *c, int n_strips)
{
    size_t n_threads = (size_t)fovea_context_threads(ctx), n_rows = 2 * ((size_t)c->image[0]->format.n_channels + 1);
    c->rows_size = n_rows * (size_t)c->width;
    c->strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *c->strips);
    if (!c->strips)
        return fovi_alloc_error(ctx);
    c->rows = fovi_alloc(ctx, n_threads, c->rows_size * sizeof *c->rows);
    if (!c->rows)
        return fovi_alloc_error(ctx);
    if (c->width < FOVI_SSIM_WINDOW || c->height < FOVI_SSIM_WINDOW)
        return FOVEA_OK;
    c->ssim_size = fovi_ssim_memory(c->width);
    c->ssim = fovi_alloc(ctx, n_threads, c->ssim_size * sizeof *c->ssim);
    return c->ssim ? FOVEA_OK : fovi_alloc_error(ctx);
}

static void finish(const struct comparison *c, int n_strips, struct fovea_metrics *out)
{
    struct sums total = { 0.0, 0.0, 0.0 };
    for (int i = 0; i < n_strips; i++) {
        total.sse += c->strips[i].sse;
        total.sse_y += c->strips[i].sse_y;
        total.ssim += c->strips[i].ssim;
    }
    int64_t n_px = (int64_t)c->width * c->height;
    out->identical = total.sse == 0.0;
    out->psnr = fovi_psnr_db(total.sse, n_px * c->image[0]->format.n_channels);
    out->psnr_y = fovi_psnr_db(total.sse_y, n_px);
    out->ssim_y = c->ssim ? total.ssim / (double)((int64_t)(c->width - OVERLAP) * (c->height - OVERLAP)) : (double)NAN;
}

int fovea_metrics_compare(fovea_context *ctx, const struct fovea_image *reference, const struct fovea_image *test,
                          int border, struct fovea_metrics *out)
{
    FOVI_TRY(check_pair(ctx, reference, test, border));
    struct comparison c = { .image = { reference, test }, .border = border };
    c.width = reference->width - 2 * border;
    c.height = reference->height - 2 * border;
    c.n_color = reference->format.n_channels - (reference->format.has_alpha ? 1 : 0);
    int n_strips = (c.height + STRIP - 1) / STRIP;
    int code = allocate(ctx, &c, n_strips);
    if (code == FOVEA_OK) {
        fovi_parallel(ctx, compare_strip, &c, n_strips);
        finish(&c, n_strips, out);
    }
    fovi_free(ctx, c.strips);
    fovi_free(ctx, c.rows);
    fovi_free(ctx, c.ssim);
    return code;
}
