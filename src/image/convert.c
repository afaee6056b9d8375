/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loading, storing and luma of rows. One expression a sample in a fixed order, so that every build gives equal bytes.
 */
#include "image/convert.h"

#include <string.h>

#include "base/context.h"

static void load_f32(const float *src, int step, int n, float *const *planes)
{
    for (int c = 0; c < step; c++)
        for (int x = 0; x < n; x++)
            planes[c][x] = src[(ptrdiff_t)x * step + c] * 255.0f;
}

static void store_f32(const float *const *planes, int step, int n, float *dst)
{
    for (int c = 0; c < step; c++)
        for (int x = 0; x < n; x++)
            dst[(ptrdiff_t)x * step + c] = planes[c][x] / 255.0f;
}

void fovi_convert_load(const struct fovi_convert_dsp *dsp, const struct fovea_format *format, const void *row,
                       int width, float *const *planes)
{
    switch (format->sample) {
    case FOVEA_SAMPLE_U8: dsp->load_u8(row, format->n_channels, width, planes); break;
    case FOVEA_SAMPLE_U16: dsp->load_u16(row, format->n_channels, width, planes); break;
    case FOVEA_SAMPLE_F32: load_f32(row, format->n_channels, width, planes); break;
    }
}

void fovi_convert_store(const struct fovi_convert_dsp *dsp, const struct fovea_format *format,
                        const float *const *planes, int width, void *row)
{
    switch (format->sample) {
    case FOVEA_SAMPLE_U8: dsp->store_u8(planes, format->n_channels, width, row); break;
    case FOVEA_SAMPLE_U16: dsp->store_u16(planes, format->n_channels, width, row); break;
    case FOVEA_SAMPLE_F32: store_f32(planes, format->n_channels, width, row); break;
    }
}

void fovi_convert_luma(const struct fovi_convert_dsp *dsp, const float *const *planes, int n_color, int width,
                       float *luma)
{
    if (n_color == 3) {
        dsp->luma(planes, width, luma);
        return;
    }
    if (n_color == 1) {
        memcpy(luma, planes[0], (size_t)width * sizeof *luma);
        return;
    }
    for (int x = 0; x < width; x++) {
        float sum = planes[0][x];
        for (int c = 1; c < n_color; c++)
            sum += planes[c][x];
        luma[x] = sum / (float)n_color;
    }
}

void fovi_row_load(const struct fovea_format *format, const void *row, int width, float *const *planes)
{
    fovi_convert_load(fovi_convert_dsp_get(0), format, row, width, planes);
}

void fovi_row_store(const struct fovea_format *format, const float *const *planes, int width, void *row)
{
    fovi_convert_store(fovi_convert_dsp_get(0), format, planes, width, row);
}

void fovi_row_luma(const float *const *planes, int n_color, int width, float *luma)
{
    fovi_convert_luma(fovi_convert_dsp_get(0), planes, n_color, width, luma);
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
