/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows between the picture's samples and what the stages work on: levels of 255, where it matters under another
 * transfer curve than the file's.
 */
#include <math.h>

#include "color/transfer.h"
#include "image/convert.h"
#include "pipeline/stage.h"

/* Pixels that are stored at a time. */
#define BLOCK 64

/* Bytes that memory is asked for together. */
#define LINE 64

static void scale_row(float *row, int n, float factor)
{
    for (int x = 0; x < n; x++)
        row[x] *= factor;
}

void fovi_run_load_row(const struct fovi_run *run, const void *row, int width, float *const *planes)
{
    fovi_convert_load(run->convert, &run->format, row, width, planes);
    for (int c = 0; c < run->n_color; c++) {
        if (run->curve == FOVI_CURVE_ENCODE)
            fovi_transfer_encode_row(planes[c], width, 255.0f * run->white);
        else if (run->curve == FOVI_CURVE_DECODE)
            fovi_transfer_decode_row(planes[c], width, 255.0f);
        else if (run->white != 1.0f)
            scale_row(planes[c], width, 1.0f / run->white);
    }
}

/* A float mask ends at 0 and 1, and where it is one of them it is so exactly. */
static float mask_level(float v)
{
    const float near = 255.0f * 0x1p-20f;
    return v > near ? (v < 255.0f - near ? v : 255.0f) : 0.0f;
}

static void leave_curve(const struct fovi_run *run, float *block, int n)
{
    if (run->curve == FOVI_CURVE_ENCODE)
        fovi_transfer_decode_row(block, n, 255.0f * run->white);
    else if (run->curve == FOVI_CURVE_DECODE)
        fovi_transfer_encode_row(block, n, 255.0f);
    else
        scale_row(block, n, run->white);
}

static void store_block(const struct fovi_run *run, const float *const *planes, int x0, int n, char *pixels)
{
    float blocks[FOVEA_MAX_CHANNELS][BLOCK];
    const float *out[FOVEA_MAX_CHANNELS];
    for (int c = 0; c < run->format.n_channels; c++) {
        out[c] = blocks[c];
        for (int x = 0; x < n; x++)
            blocks[c][x] = c < run->n_color ? planes[c][x0 + x] : mask_level(planes[c][x0 + x]);
        if (c < run->n_color)
            leave_curve(run, blocks[c], n);
    }
    fovi_convert_store(run->convert, &run->format, out, n, pixels);
}

static void store_row(const struct fovi_run *run, const float *const *planes, int width, void *row)
{
    int is_float_mask = run->format.has_alpha && run->format.sample == FOVEA_SAMPLE_F32 && !run->copies;
    if (run->curve == FOVI_CURVE_NONE && run->white == 1.0f && !is_float_mask) {
        fovi_convert_store(run->convert, &run->format, planes, width, row);
        return;
    }
    ptrdiff_t pixel = (ptrdiff_t)fovea_pixel_bytes(&run->format);
    for (int x = 0; x < width; x += BLOCK)
        store_block(run, planes, x, width - x < BLOCK ? width - x : BLOCK, (char *)row + x * pixel);
}

struct rows {
    const struct fovi_run *run;
    const struct fovi_window *window;
    int y;
    const char *from;
    ptrdiff_t stride_bytes;
    const struct fovi_samples *samples;
};

static void load_job(void *arg, int index, int worker)
{
    (void)worker;
    const struct rows *r = arg;
    float *planes[FOVEA_MAX_CHANNELS];
    for (int c = 0; c < r->run->format.n_channels; c++)
        planes[c] = fovi_window_row(r->window, c, r->y + index);
    fovi_run_load_row(r->run, r->from + index * r->stride_bytes, r->window->width, planes);
}

void fovi_run_load_rows(const struct fovi_run *run, const void *rows, ptrdiff_t stride_bytes, int n,
                        const struct fovi_window *w, int y)
{
    struct rows r = { .run = run, .window = w, .y = y, .from = rows, .stride_bytes = stride_bytes };
    fovi_parallel_near(run->ctx, load_job, &r, n);
}

/* The lines of the next row are asked for meanwhile: to fetch what will be overwritten takes longer than to make it. */
void fovi_run_store_slice(const struct fovi_run *run, const float *const *planes, int x0, int x1, int y,
                          const struct fovi_samples *samples)
{
    const float *from[FOVEA_MAX_CHANNELS];
    int first = x0 > samples->x ? x0 : samples->x, end = samples->x + samples->width;
    end = x1 < end ? x1 : end;
    if (first >= end)
        return;
    for (int c = 0; c < run->format.n_channels; c++)
        from[c] = planes[c] + first - x0;
    ptrdiff_t pixel = (ptrdiff_t)fovea_pixel_bytes(&run->format);
    char *row = (char *)samples->rows + (y - samples->y) * samples->stride_bytes + (first - samples->x) * pixel;
    for (ptrdiff_t i = 0; i < (end - first) * pixel && y + 1 < samples->y + samples->n; i += LINE)
        __builtin_prefetch(row + samples->stride_bytes + i, 1);
    store_row(run, from, end - first, row);
}

static void store_job(void *arg, int index, int worker)
{
    (void)worker;
    const struct rows *r = arg;
    const float *planes[FOVEA_MAX_CHANNELS];
    int y = r->samples->y + index;
    for (int c = 0; c < r->run->format.n_channels; c++)
        planes[c] = fovi_window_row(r->window, c, y);
    fovi_run_store_slice(r->run, planes, 0, r->window->width, y, r->samples);
}

void fovi_run_store_rows(const struct fovi_run *run, const struct fovi_window *w, const struct fovi_samples *samples)
{
    struct rows r = { .run = run, .window = w, .samples = samples };
    fovi_parallel_near(run->ctx, store_job, &r, samples->n);
}

void fovi_run_luma_range(const struct fovi_run *run, int is_mask, float *low, float *high)
{
    int is_studio = run->is_rgb && !is_mask;
    *low = is_studio ? 16.0f : 0.0f;
    *high = is_studio ? 235.0f : 255.0f;
}

void fovi_run_clamp_luma(float low, float high, int n, float *luma)
{
    for (int x = 0; x < n; x++) {
        float v = luma[x] > low ? luma[x] : low; /* low where it is undefined */
        luma[x] = v < high ? v : high;
    }
}
