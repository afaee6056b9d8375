/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One row from the picture's format to the file's: fewer bits with rounding to nearest, alpha blended over white where
 * the file has none, grey spread to three channels where the file is always coloured, the curve of IEC 61966-2-1 (sRGB)
 * between samples proportional to light and samples for display.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

/* A sample as a number whose full range is 0..1. */
static double load(enum fovea_sample sample, const void *row, size_t i)
{
    switch (sample) {
    case FOVEA_SAMPLE_U8: return ((const uint8_t *)row)[i] / 255.0;
    case FOVEA_SAMPLE_U16: return ((const uint16_t *)row)[i] / 65535.0;
    default: return (double)((const float *)row)[i];
    }
}

/* Rounded to nearest and clipped; the comparisons send NaN to 0. */
static unsigned quantise(double v, double top)
{
    v = v > 0.0 ? v : 0.0;
    return (unsigned)((v < 1.0 ? v : 1.0) * top + 0.5);
}

static void store(enum fovea_sample sample, void *row, size_t i, double v)
{
    switch (sample) {
    case FOVEA_SAMPLE_U8: ((uint8_t *)row)[i] = (uint8_t)quantise(v, 255.0); break;
    case FOVEA_SAMPLE_U16: ((uint16_t *)row)[i] = (uint16_t)quantise(v, 65535.0); break;
    default: ((float *)row)[i] = (float)v; break;
    }
}

static double apply_curve(enum fovi_io_curve curve, double v)
{
    switch (curve) {
    case FOVI_IO_CURVE_ENCODE: return v > 0.0031308 ? 1.055 * pow(v, 1.0 / 2.4) - 0.055 : 12.92 * v;
    case FOVI_IO_CURVE_DECODE: return v > 0.04045 ? pow((v + 0.055) / 1.055, 2.4) : v / 12.92;
    default: return v;
    }
}

void fovi_io_row_convert(const struct fovea_format *from, const void *src, const struct fovea_format *to, void *dst,
                         int width, enum fovi_io_curve curve)
{
    if (from->sample == to->sample && from->n_channels == to->n_channels && curve == FOVI_IO_CURVE_NONE) {
        memcpy(dst, src, fovi_io_row_bytes(width, from));
        return;
    }
    size_t n_from = (size_t)from->n_channels, n_to = (size_t)to->n_channels;
    size_t n_color_from = n_from - (from->has_alpha != 0), n_color_to = n_to - (to->has_alpha != 0);
    int is_flattened = from->has_alpha && !to->has_alpha;
    for (size_t x = 0; x < (size_t)width; x++) {
        double alpha = from->has_alpha ? load(from->sample, src, x * n_from + n_color_from) : 1.0;
        for (size_t c = 0; c < n_color_to; c++) {
            double v = apply_curve(curve, load(from->sample, src, x * n_from + (c < n_color_from ? c : 0)));
            store(to->sample, dst, x * n_to + c, is_flattened ? v * alpha + (1.0 - alpha) : v);
        }
        if (to->has_alpha)
            store(to->sample, dst, x * n_to + n_color_to, alpha);
    }
}
