/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Comparing two pictures in memory. PSNR and SSIM: strips of rows in parallel, their sums added in order, so that the
 * figures do not depend on the number of threads; a few dozen rows for each thread, whatever the pictures' height.
 */
#include <math.h>

#include "base/context.h"
#include "fovea/metrics.h"
#include "image/convert.h"
#include "metrics/bands.h"
#include "metrics/delta_e.h"
#include "metrics/fsim.h"
#include "metrics/gmsd.h"
#include "metrics/msssim.h"
#include "metrics/pair.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"

/* Rows of a strip, which fix the order of the sums and so the last bits; the neighbour's first rows are read too. */
enum { STRIP = 64, OVERLAP = FOVI_SSIM_WINDOW - 1 };

struct sums {
    double sse, sse_y;
    struct fovi_ssim_sums ssim;
};

struct comparison {
    struct fovi_pair pair;
    struct sums *strips;
    float *rows;  /* for each thread: a row of each picture */
    double *ssim; /* for each thread; NULL where the picture is smaller than a window */
    size_t rows_size, ssim_size;
};

static void compare_strip(void *arg, int index, int worker)
{
    const struct comparison *c = arg;
    const struct fovi_pair *pair = &c->pair;
    struct sums *out = &c->strips[index];
    float *rows[2] = { c->rows + (size_t)worker * c->rows_size, NULL };
    rows[1] = rows[0] + fovi_pair_row_size(pair);
    const float *luma[2] = { fovi_pair_plane(pair, rows[0], pair->n_channels),
                             fovi_pair_plane(pair, rows[1], pair->n_channels) };
    struct fovi_ssim ssim;
    if (c->ssim)
        fovi_ssim_begin(&ssim, pair->width, c->ssim + (size_t)worker * c->ssim_size);
    int begin = index * STRIP, end = begin + STRIP < pair->height ? begin + STRIP : pair->height;
    int read_end = c->ssim && end + OVERLAP < pair->height ? end + OVERLAP : c->ssim ? pair->height : end;
    for (int y = begin; y < read_end; y++) {
        for (int i = 0; i < 2; i++)
            fovi_pair_load(pair, i, y, rows[i]);
        if (y < end) {
            for (int k = 0; k < pair->n_channels; k++)
                out->sse += fovi_psnr_row(fovi_pair_plane(pair, rows[0], k), fovi_pair_plane(pair, rows[1], k),
                                          pair->width);
            out->sse_y += fovi_psnr_row(luma[0], luma[1], pair->width);
        }
        if (c->ssim)
            fovi_ssim_push(&ssim, luma[0], luma[1], &out->ssim);
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
    size_t n_threads = (size_t)fovea_context_threads(ctx);
    c->rows_size = 2 * fovi_pair_row_size(&c->pair);
    c->strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *c->strips);
    if (!c->strips)
        return fovi_alloc_error(ctx);
    c->rows = fovi_alloc(ctx, n_threads, c->rows_size * sizeof *c->rows);
    if (!c->rows)
        return fovi_alloc_error(ctx);
    if (c->pair.width < FOVI_SSIM_WINDOW || c->pair.height < FOVI_SSIM_WINDOW)
        return FOVEA_OK;
    c->ssim_size = fovi_ssim_memory(c->pair.width);
    c->ssim = fovi_alloc(ctx, n_threads, c->ssim_size * sizeof *c->ssim);
    return c->ssim ? FOVEA_OK : fovi_alloc_error(ctx);
}

static void finish(const struct comparison *c, int n_strips, struct fovea_metrics *out)
{
    double sse = 0.0, sse_y = 0.0, ssim = 0.0;
    for (int i = 0; i < n_strips; i++) {
        sse += c->strips[i].sse;
        sse_y += c->strips[i].sse_y;
        ssim += c->strips[i].ssim.ssim;
    }
    int64_t n_px = (int64_t)c->pair.width * c->pair.height;
    out->identical = sse == 0.0;
    out->psnr = fovi_psnr_db(sse, n_px * c->pair.n_channels);
    out->psnr_y = fovi_psnr_db(sse_y, n_px);
    if (c->ssim)
        out->ssim_y = ssim / (double)((int64_t)(c->pair.width - OVERLAP) * (c->pair.height - OVERLAP));
}

static int compare_basic(fovea_context *ctx, const struct fovi_pair *pair, struct fovea_metrics *out)
{
    struct comparison c = { .pair = *pair };
    int n_strips = (pair->height + STRIP - 1) / STRIP, code = allocate(ctx, &c, n_strips);
    if (code == FOVEA_OK) {
        fovi_parallel(ctx, compare_strip, &c, n_strips);
        finish(&c, n_strips, out);
    }
    fovi_free(ctx, c.strips);
    fovi_free(ctx, c.rows);
    fovi_free(ctx, c.ssim);
    return code;
}

int fovea_metrics_compare_with(fovea_context *ctx, const struct fovea_image *reference, const struct fovea_image *test,
                               const struct fovea_metrics_params *params, struct fovea_metrics *out)
{
    static const struct fovea_metrics_params defaults = FOVEA_METRICS_DEFAULTS;
    const struct fovea_metrics_params *p = params ? params : &defaults;
    double nan = (double)NAN;
    *out = (struct fovea_metrics){ 0, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan };
    if (!(p->ergas_ratio > 0.0) || !isfinite(p->ergas_ratio))
        return fovi_fail(ctx, FOVEA_E_ARG, "params.ergas_ratio %g is not a positive number", p->ergas_ratio);
    FOVI_TRY(check_pair(ctx, reference, test, p->border));
    struct fovi_pair inside, whole;
    fovi_pair_init(&inside, reference, test, p->border);
    fovi_pair_init(&whole, reference, test, 0);
    FOVI_TRY(compare_basic(ctx, &inside, out));
    if (p->wanted & FOVEA_METRIC_MS_SSIM)
        FOVI_TRY(fovi_msssim(ctx, &whole, &out->ms_ssim));
    if (p->wanted & FOVEA_METRIC_FSIM)
        FOVI_TRY(fovi_fsim(ctx, &whole, &out->fsim, &out->fsimc));
    if (p->wanted & FOVEA_METRIC_GMSD)
        FOVI_TRY(fovi_gmsd(ctx, &whole, &out->gmsd));
    if (p->wanted & FOVEA_METRIC_SPECTRAL)
        FOVI_TRY(fovi_bands(ctx, &whole, p->ergas_ratio, &out->ergas, &out->sam));
    if (p->wanted & FOVEA_METRIC_DELTA_E)
        FOVI_TRY(fovi_delta_e(ctx, &whole, &out->delta_e));
    return FOVEA_OK;
}

int fovea_metrics_compare_wanted(fovea_context *ctx, const struct fovea_image *reference,
                                 const struct fovea_image *test, int border, unsigned wanted, struct fovea_metrics *out)
{
    const struct fovea_metrics_params params = { FOVEA_API_VERSION, border, wanted, 1.0 };
    return fovea_metrics_compare_with(ctx, reference, test, &params, out);
}

int fovea_metrics_compare(fovea_context *ctx, const struct fovea_image *reference, const struct fovea_image *test,
                          int border, struct fovea_metrics *out)
{
    return fovea_metrics_compare_wanted(ctx, reference, test, border, 0, out);
}
