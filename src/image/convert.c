/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loading, storing and luma of rows. One expression a sample in a fixed order, so that every build gives equal bytes.
 */
#include "image/convert.h"

#include <math.h>

#include "base/context.h"

static void load_u8(const uint8_t *src, int step, int n, float *dst)
{
    for (int x = 0; x < n; x++)
        dst[x] = (float)src[(ptrdiff_t)x * step];
}

static void load_u16(const uint16_t *src, int step, int n, float *dst)
{
    for (int x = 0; x < n; x++)
        dst[x] = (float)src[(ptrdiff_t)x * step] / 257.0f;
}

static void load_f32(const float *src, int step, int n, float *dst)
{
    for (int x = 0; x < n; x++)
        dst[x] = src[(ptrdiff_t)x * step] * 255.0f;
}

void fovi_row_load(const struct fovea_format *format, const void *row, int width, float *const *planes)
{
    int step = format->n_channels;
    for (int c = 0; c < step; c++) {
        switch (format->sample) {
        case FOVEA_SAMPLE_U8: load_u8((const uint8_t *)row + c, step, width, planes[c]); break;
        case FOVEA_SAMPLE_U16: load_u16((const uint16_t *)row + c, step, width, planes[c]); break;
        case FOVEA_SAMPLE_F32: load_f32((const float *)row + c, step, width, planes[c]); break;
        }
    }
}

/* The comparisons are written so that NaN gives 0. */
static float clip(float v, float top)
{
    v = v > 0.0f ? v : 0.0f;
    return v < top ? v : top;
}

static void store_u8(const float *src, int n, int step, uint8_t *dst)
{
    for (int x = 0; x < n; x++)
        dst[(ptrdiff_t)x * step] = (uint8_t)(clip(src[x], 255.0f) + 0.5f);
}

static void store_u16(const float *src, int n, int step, uint16_t *dst)
{
    for (int x = 0; x < n; x++)
        dst[(ptrdiff_t)x * step] = (uint16_t)(clip(src[x] * 257.0f, 65535.0f) + 0.5f);
}

static void store_f32(const float *src, int n, int step, float *dst)
{
    for (int x = 0; x < n; x++)
        dst[(ptrdiff_t)x * step] = src[x] / 255.0f;
}

void fovi_row_store(const struct fovea_format *format, const float *const *planes, int width, void *row)
{
    int step = format->n_channels;
    for (int c = 0; c < step; c++) {
        switch (format->sample) {
        case FOVEA_SAMPLE_U8: store_u8(planes[c], width, step, (uint8_t *)row + c); break;
        case FOVEA_SAMPLE_U16: store_u16(planes[c], width, step, (uint16_t *)row + c); break;
        case FOVEA_SAMPLE_F32: store_f32(planes[c], width, step, (float *)row + c); break;
        }
    }
}

void fovi_row_luma(const float *const *planes, int n_color, int width, float *luma)
{
    if (n_color == 3) {
        const float *r = planes[0], *g = planes[1], *b = planes[2];
        for (int x = 0; x < width; x++)
            luma[x] = 16.0f + (r[x] * (65.481f / 255.0f) + g[x] * (128.553f / 255.0f) + b[x] * (24.966f / 255.0f));
        return;
    }
    for (int x = 0; x < width; x++) {
        float sum = planes[0][x];
        for (int c = 1; c < n_color; c++)
            sum += planes[c][x];
        luma[x] = n_color > 1 ? sum / (float)n_color : sum;
    }
}

int fovi_format_check(struct fovea_context *ctx, const struct fovea_format *format)
{
    if (!fovea_sample_bytes(format->sample))
        return fovi_fail(ctx, FOVEA_E_ARG, "format.sample %d is not a sample type", (int)format->sample);
    if (format->n_channels < 1 || format->n_channels > FOVEA_MAX_CHANNELS)
        return fovi_fail(ctx, FOVEA_E_ARG, "%d channels: 1..%d are possible", format->n_channels, FOVEA_MAX_CHANNELS);
    if (format->has_alpha && format->n_channels < 2)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture with alpha has two channels or more");
    return FOVEA_OK;
}

size_t fovea_sample_bytes(enum fovea_sample sample)
{
    switch (sample) {
    case FOVEA_SAMPLE_U8: return 1;
    case FOVEA_SAMPLE_U16: return 2;
    case FOVEA_SAMPLE_F32: return 4;
    }
    return 0;
}

size_t fovea_pixel_bytes(const struct fovea_format *format)
{
    if (format->n_channels < 1 || format->n_channels > FOVEA_MAX_CHANNELS)
        return 0;
    return fovea_sample_bytes(format->sample) * (size_t)format->n_channels;
}
