/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between interleaved samples of any depth and float planes on the 0..255 scale.
 */
#ifndef FOVI_IMAGE_CONVERT_H
#define FOVI_IMAGE_CONVERT_H

#include "fovea/image.h"
#include "image/convert_dsp.h"

/* One row of interleaved pixels to planes: planes[c][x] = level of 255. */
void fovi_convert_load(const struct fovi_convert_dsp *dsp, const struct fovea_format *format, const void *row,
                       int width, float *const *planes);

/* One row of planes to interleaved pixels: rounded to nearest (half up) and clipped for integer samples; NaN becomes 0.
 * Float samples are kept as they are (divided by 255), not clipped. */
void fovi_convert_store(const struct fovi_convert_dsp *dsp, const struct fovea_format *format,
                        const float *const *planes, int width, void *row);

/* Luma of one row. n_color 3: BT.601 studio range, 16 + (65.481 R + 128.553 G + 24.966 B) / 255; else the mean of the
 * colour planes (grey: the plane itself). */
void fovi_convert_luma(const struct fovi_convert_dsp *dsp, const float *const *planes, int n_color, int width,
                       float *luma);

/* The same by the reference, where it need not be quick. */
void fovi_row_load(const struct fovea_format *format, const void *row, int width, float *const *planes);
void fovi_row_store(const struct fovea_format *format, const float *const *planes, int width, void *row);
void fovi_row_luma(const float *const *planes, int n_color, int width, float *luma);

/* FOVEA_OK or FOVEA_E_ARG with a text. */
struct fovea_context;
int fovi_format_check(struct fovea_context *ctx, const struct fovea_format *format);

#endif
