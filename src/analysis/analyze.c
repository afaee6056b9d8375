/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The analysis of a whole source: rows are read some at a time and turned into luma.
 */
#include "analysis/analysis.h"
#include "base/checked.h"
#include "image/convert.h"

enum { READ_ROWS = 16 };

/* What reading needs: raw rows, and one row of each channel as floats. */
struct reader {
    const struct fovea_source *source;
    uint8_t *raw;
    size_t raw_bytes; /* of one row */
    float *samples;
    float *planes[FOVEA_MAX_CHANNELS];
};

static int reader_init(fovea_context *ctx, struct reader *r, const struct fovea_source *source)
{
    const struct fovea_format *format = &source->format;
    r->source = source;
    if (!fovi_mul_size((size_t)source->width, fovea_pixel_bytes(format), &r->raw_bytes))
        return fovi_fail(ctx, FOVEA_E_LIMIT, "rows of %d pixels are too long", source->width);
    r->raw = fovi_alloc(ctx, READ_ROWS, r->raw_bytes);
    r->samples = r->raw ? fovi_alloc(ctx, (size_t)source->width, (size_t)format->n_channels * sizeof(float)) : NULL;
    if (!r->samples)
        return fovi_alloc_error(ctx);
    for (int c = 0; c < format->n_channels; c++)
        r->planes[c] = r->samples + (size_t)c * (size_t)source->width;
    return FOVEA_OK;
}

/* Read rows y..y+n-1 and push their luma. */
static int feed(struct fovi_analysis *a, struct reader *r, int y, int n)
{
    const struct fovea_source *source = r->source;
    FOVI_TRY(source->read(source->user, y, n, r->raw, (ptrdiff_t)r->raw_bytes));
    const float *const *planes = (const float *const *)r->planes;
    int n_color = source->format.n_channels - (source->format.has_alpha ? 1 : 0);
    for (int i = 0; i < n; i++) {
        fovi_row_load(&source->format, r->raw + (size_t)i * r->raw_bytes, source->width, r->planes);
        fovi_row_luma(planes, n_color, source->width, fovi_analysis_row(a));
        FOVI_TRY(fovi_analysis_push(a));
    }
    return FOVEA_OK;
}

static int feed_all(fovea_context *ctx, struct fovi_analysis *a, struct reader *r,
                    const struct fovea_progress *progress)
{
    int height = r->source->height;
    for (int y = 0; y < height;) {
        int n = height - y < READ_ROWS ? height - y : READ_ROWS;
        FOVI_TRY(feed(a, r, y, n));
        y += n;
        if (progress && progress->report && progress->report(progress->user, (double)y / height))
            return fovi_fail(ctx, FOVEA_E_CANCELLED, "cancelled");
    }
    return FOVEA_OK;
}

int fovea_analyze(fovea_context *ctx, const struct fovea_source *source, const struct fovea_progress *progress,
                  struct fovea_map **out)
{
    *out = NULL;
    FOVI_TRY(fovi_format_check(ctx, &source->format));
    struct fovi_analysis *a = NULL;
    FOVI_TRY(fovi_analysis_create(ctx, source->width, source->height, &a));
    struct reader r = { 0 };
    int code = reader_init(ctx, &r, source);
    if (!code)
        code = feed_all(ctx, a, &r, progress);
    if (!code)
        code = fovi_analysis_finish(a, out);
    fovi_free(ctx, r.samples);
    fovi_free(ctx, r.raw);
    fovi_analysis_free(&a);
    return code;
}
