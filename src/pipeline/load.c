/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The first stage: rows of the source as float planes.
 *
 * Under alpha 0 the colour that a file holds is arbitrary. It is replaced by the nearest visible colours: along the row
 * first, then along the column, within REACH pixels, which is farther than any later stage looks. Under a faint alpha
 * colour is coarse (a file that was premultiplied once knows few levels there): it is drawn towards the mean of its
 * neighbourhood, each pixel weighed by its alpha, as premultiplied arithmetic would have it.
 */
#include <string.h>

#include "base/clock.h"
#include "image/convert.h"
#include "image/memory.h"
#include "pipeline/stage.h"

#define REACH 24

/* Levels of alpha below which colour is mended, the more the fainter. */
#define FAINT 16.0f

struct load {
    struct fovi_stage stage;
    void *raw; /* run->piece rows as the source gives them */
    ptrdiff_t raw_stride;
    int fills;                 /* 1: there is alpha */
    struct fovi_window seen;   /* with alpha: rows as they were read */
    struct fovi_window filled; /* with alpha: rows filled along themselves; the last plane says which pixels are */
};

static void load_free(struct fovi_stage *stage)
{
    struct load *l = (struct load *)stage;
    fovea_context *ctx = stage->run->ctx;
    fovi_window_free(ctx, &l->seen);
    fovi_window_free(ctx, &l->filled);
    fovi_window_free(ctx, &stage->out);
    fovi_free(ctx, l->raw);
    fovi_free(ctx, l);
}

static void load_reset(struct fovi_stage *stage)
{
    struct load *l = (struct load *)stage;
    fovi_window_reset(&stage->out);
    fovi_window_reset(&l->seen);
    fovi_window_reset(&l->filled);
}

/* Pass over the rows of the source above the part. */
static int skip_rows(const struct load *l)
{
    const struct fovi_run *run = l->stage.run;
    for (int y = 0; y < l->stage.frame.y; y += run->piece) {
        int left = l->stage.frame.y - y;
        FOVI_TRY(run->source->read(run->source->user, y, left < run->piece ? left : run->piece, l->raw, l->raw_stride));
    }
    return FOVEA_OK;
}

/* Read up to n rows of the source below those in w. */
static int read_rows(struct load *l, struct fovi_window *w, int n)
{
    struct fovi_run *run = l->stage.run;
    size_t left_bytes = (size_t)l->stage.frame.x * fovea_pixel_bytes(&run->format);
    n = n < run->piece ? n : run->piece;
    double start = fovi_clock_ms();
    if (w->y1 == 0)
        FOVI_TRY(skip_rows(l));
    int y = l->stage.frame.y + w->y1;
    const struct fovea_image *image = fovi_source_image(run->source);
    const char *rows = l->raw;
    if (image)
        rows = (const char *)image->data + y * image->stride_bytes;
    else
        FOVI_TRY(run->source->read(run->source->user, y, n, l->raw, l->raw_stride));
    fovi_run_load_rows(run, rows + left_bytes, image ? image->stride_bytes : l->raw_stride, n, w, w->y1);
    run->ms[FOVEA_STAGE_READ] += fovi_clock_ms() - start;
    return FOVEA_OK;
}

/* Mean colour around pixel x of row y, weighed by alpha. */
static float weighed_mean(const struct load *l, int c, int y, int x)
{
    const struct fovi_window *w = &l->seen;
    int x0 = x > 0 ? x - 1 : 0, x1 = x + 1 < w->width ? x + 1 : x;
    float sum = 0.0f, weight = 0.0f;
    for (int k = -1; k <= 1; k++) {
        const float *row = fovi_window_row_clamped(w, c, y + k);
        const float *alpha = fovi_window_row_clamped(w, w->n_planes - 1, y + k);
        for (int i = x0; i <= x1; i++) {
            float a = alpha[i] > 0.0f ? alpha[i] : 0.0f;
            sum += a * row[i];
            weight += a;
        }
    }
    return sum / weight;
}

/* Take row y over from those that were read. */
static void mend_row(const struct load *l, int y)
{
    const struct fovi_window *w = &l->seen;
    const float *alpha = fovi_window_row(w, w->n_planes - 1, y);
    for (int c = 0; c < w->n_planes; c++)
        memcpy(fovi_window_row(&l->filled, c, y), fovi_window_row(w, c, y), (size_t)w->width * sizeof(float));
    for (int x = 0; x < w->width; x++) {
        if (!(alpha[x] > 0.0f && alpha[x] < FAINT))
            continue;
        for (int c = 0; c < w->n_planes - 1; c++) {
            float *out = fovi_window_row(&l->filled, c, y) + x, mean = weighed_mean(l, c, y, x);
            *out = mean + (*out - mean) * (alpha[x] / FAINT);
        }
    }
}

/* Give the invisible pixels x0..x1-1 of a row the colour of their visible neighbours left and right. */
static void fill_gap(const struct load *l, int y, int x0, int x1)
{
    const struct fovi_window *w = &l->filled;
    float *known = fovi_window_row(w, l->stage.run->format.n_channels, y);
    for (int x = x0; x < x1; x++) {
        int left = x - x0 + 1, right = x1 - x;
        float wl = x0 > 0 && left <= REACH ? 1.0f / (float)left : 0.0f;
        float wr = x1 < w->width && right <= REACH ? 1.0f / (float)right : 0.0f;
        known[x] = wl + wr > 0.0f ? 1.0f : 0.0f;
        for (int c = 0; c < l->stage.run->n_color && known[x] > 0.0f; c++) {
            float *row = fovi_window_row(w, c, y);
            float a = wl > 0.0f ? row[x0 - 1] : 0.0f, b = wr > 0.0f ? row[x1] : 0.0f;
            row[x] = wl > 0.0f && wr > 0.0f ? a + (b - a) * (wr / (wl + wr)) : a + b;
        }
    }
}

static void fill_row(const struct load *l, int y)
{
    const struct fovi_window *w = &l->filled;
    const float *alpha = fovi_window_row(w, l->stage.run->format.n_channels - 1, y);
    float *known = fovi_window_row(w, l->stage.run->format.n_channels, y);
    for (int x = 0; x < w->width;) {
        int end = x + 1;
        if (alpha[x] > 0.0f) {
            known[x] = 1.0f;
        } else {
            while (end < w->width && !(alpha[end] > 0.0f))
                end++;
            fill_gap(l, y, x, end);
        }
        x = end;
    }
}

/* Colour of an unknown pixel from the nearest known ones above and below. */
static void fill_from_column(const struct load *l, int y, int x)
{
    const struct fovi_window *w = &l->filled;
    int n_channels = l->stage.run->format.n_channels, up = 1, down = 1;
    while (up <= REACH && !(y - up >= 0 && fovi_window_row(w, n_channels, y - up)[x] > 0.0f))
        up++;
    while (down <= REACH && !(y + down < w->height && fovi_window_row(w, n_channels, y + down)[x] > 0.0f))
        down++;
    for (int c = 0; c < l->stage.run->n_color; c++) {
        float *out = fovi_window_row(&l->stage.out, c, y) + x;
        float a = up <= REACH ? fovi_window_row(w, c, y - up)[x] : 0.0f;
        float b = down <= REACH ? fovi_window_row(w, c, y + down)[x] : 0.0f;
        *out = up <= REACH && down <= REACH ? a + (b - a) * ((float)up / (float)(up + down)) : a + b;
    }
}

static void finish_row(const struct load *l, int y)
{
    const struct fovi_window *w = &l->filled;
    int n_channels = l->stage.run->format.n_channels;
    const float *known = fovi_window_row(w, n_channels, y);
    for (int c = 0; c < n_channels; c++)
        memcpy(fovi_window_row(&l->stage.out, c, y), fovi_window_row(w, c, y), (size_t)w->width * sizeof(float));
    for (int x = 0; x < w->width; x++)
        if (!(known[x] > 0.0f))
            fill_from_column(l, y, x);
}

/* Rows up to y_end - 1, filled along themselves. */
static int advance_rows(struct load *l, int y_end)
{
    struct fovi_window *w = &l->filled;
    int piece = l->stage.run->piece;
    while (w->y1 < y_end) {
        int need = w->y1 + 2 < w->height ? w->y1 + 2 : w->height;
        while (l->seen.y1 < need) {
            int n = l->seen.height - l->seen.y1 < piece ? l->seen.height - l->seen.y1 : piece;
            FOVI_TRY(read_rows(l, &l->seen, n));
            fovi_window_push(&l->seen, n);
        }
        mend_row(l, w->y1);
        fill_row(l, w->y1);
        fovi_window_push(w, 1);
    }
    return FOVEA_OK;
}

static int advance_filled(struct load *l, int y_end)
{
    int height = l->filled.height;
    FOVI_TRY(advance_rows(l, y_end + REACH < height ? y_end + REACH : height));
    while (l->stage.out.y1 < y_end) {
        finish_row(l, l->stage.out.y1);
        fovi_window_push(&l->stage.out, 1);
    }
    return FOVEA_OK;
}

static int load_advance(struct fovi_stage *stage, int y_end)
{
    struct load *l = (struct load *)stage;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        if (l->fills) {
            FOVI_TRY(advance_filled(l, stage->out.y1 + n));
        } else {
            FOVI_TRY(read_rows(l, &stage->out, n));
            fovi_window_push(&stage->out, n);
        }
    }
    return FOVEA_OK;
}

int fovi_load_create(struct fovi_run *run, const struct fovi_frame *frame, int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct load *l = fovi_alloc(run->ctx, 1, sizeof *l);
    if (!l)
        return fovi_alloc_error(run->ctx);
    l->stage = (struct fovi_stage){ .run = run, .advance = load_advance, .reset = load_reset, .free = load_free };
    l->stage.frame = *frame;
    l->fills = run->format.has_alpha && !run->copies;
    l->raw_stride = (ptrdiff_t)frame->full_width * (ptrdiff_t)fovea_pixel_bytes(&run->format);
    int n = run->format.n_channels, width = frame->width, height = frame->height;
    int code = fovi_window_init(run->ctx, &l->stage.out, width, height, n, capacity);
    if (!code && l->fills)
        code = fovi_window_init(run->ctx, &l->seen, width, height, n, run->piece + 4);
    if (!code && l->fills)
        code = fovi_window_init(run->ctx, &l->filled, width, height, n + 1, 2 * REACH + 2 * run->piece);
    if (!code && !(l->raw = fovi_alloc(run->ctx, (size_t)run->piece, (size_t)l->raw_stride)))
        code = fovi_alloc_error(run->ctx);
    if (code)
        load_free(&l->stage);
    else
        *out = &l->stage;
    return code;
}
