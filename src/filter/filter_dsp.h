/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernels of the hashed filter: products of gradients, the class of each pixel, the filter itself.
 *
 * Exactness: products and classes are plain multiplications and additions (and square roots, which are exact) in the
 * order of the reference. The filter itself sums 16-bit levels times 16-bit coefficients in 32 bits, which no order can
 * change; fovi_filter_expand sees to it that nothing overflows.
 */
#ifndef FOVI_FILTER_DSP_H
#define FOVI_FILTER_DSP_H

#include <stddef.h>
#include <stdint.h>

/* Edge of the window, and coefficients of one of its rows: the last one is 0. */
#define FOVI_FILTER_TAPS 7
#define FOVI_FILTER_LANES 8

/* Outputs in a row of a class's filter: scale x scale, filled up with filters of 0 to whole vectors. */
#define FOVI_FILTER_COLUMNS(scale) (((scale) * (scale) + 3) & ~3)

/* A level of 255 as the filter sees it: (level - 128) * 256, rounded to the nearest whole number of 16 bits. */
#define FILTER_MIDDLE 128.0f
#define FILTER_STEPS 256.0f
#define FILTER_LEAST -32768.0f
#define FILTER_MOST 32767.0f

/* Floats that the kernels may read at each side beyond the columns that they need, and write beyond their last one. */
#define FOVI_FILTER_OVERREAD 8

/* Classes: strength 4 x coherence 2 x (8 directions of a half turn where the pixel lies on its neighbours' plane, 16 of
 * a full turn each where it is a little or much off it). */
#define FOVI_FILTER_STRENGTHS 4
#define FOVI_FILTER_COHERENCES 2
#define FOVI_FILTER_DIRECTIONS 8
#define FOVI_FILTER_CELL (5 * FOVI_FILTER_DIRECTIONS)
#define FOVI_FILTER_CLASSES (FOVI_FILTER_STRENGTHS * FOVI_FILTER_COHERENCES * FOVI_FILTER_CELL)

/* The three products of the gradient: xx, xy, yy. */
#define FOVI_FILTER_PRODUCTS 3

/* Products of the gradients of columns x0..x1-1 of a row. rows: the one above, the row, the one below. */
typedef void fovi_filter_products(const float *const rows[3], int x0, int x1, float *const products[3]);

/* Sum of five rows of one product, weighted by a Gaussian. */
typedef void fovi_filter_smooth(const float *const rows[5], int x0, int x1, float *out);

/* Class of the pixels x0..x1-1. rows: as for the products; smoothed: the three vertical sums, columns x0-2..x1+1. */
typedef void fovi_filter_classify(const float *const rows[3], const float *const smoothed[3], int x0, int x1,
                                  int32_t *classes);

/* The pixels x0..x1-1 of a row as the filter sees them; the least value where a level is not a number. */
typedef void fovi_filter_levels(const float *row, int x0, int x1, int16_t *levels);

/* Filter the pixels x0..x1-1: unit * (sum of the window's levels times coefficients). rows: the levels of the window's
 * seven; coef: [class][row][column][8]; out: scale rows. */
typedef void fovi_filter_apply(const int16_t *const rows[FOVI_FILTER_TAPS], const int16_t *coef, float unit,
                               const int32_t *classes, int x0, int x1, float *const *out);

struct fovi_filter_dsp {
    fovi_filter_products *products;
    fovi_filter_smooth *smooth;
    fovi_filter_classify *classify;
    fovi_filter_levels *levels;
    fovi_filter_apply *apply[3]; /* scales 2, 3, 4 */
};

/* The table for FOVEA_CPU_* bits. */
const struct fovi_filter_dsp *fovi_filter_dsp_get(uint32_t cpu);

fovi_filter_products filter_products_f32_c;
fovi_filter_smooth filter_smooth_f32_c;
fovi_filter_classify filter_classify_f32_c;
fovi_filter_levels filter_levels_f32_c;
fovi_filter_apply filter_apply2_s16_c, filter_apply3_s16_c, filter_apply4_s16_c;

fovi_filter_products filter_products_f32_avx2, filter_products_f32_avx512, filter_products_f32_neon;
fovi_filter_smooth filter_smooth_f32_avx2, filter_smooth_f32_avx512, filter_smooth_f32_neon;
fovi_filter_classify filter_classify_f32_avx2, filter_classify_f32_avx512, filter_classify_f32_neon;
fovi_filter_levels filter_levels_f32_avx2, filter_levels_f32_avx512, filter_levels_f32_neon;
fovi_filter_apply filter_apply2_s16_avx2, filter_apply3_s16_avx2, filter_apply4_s16_avx2;
fovi_filter_apply filter_apply2_s16_avx512, filter_apply3_s16_avx512, filter_apply4_s16_avx512;
fovi_filter_apply filter_apply2_s16_vnni, filter_apply3_s16_vnni, filter_apply4_s16_vnni;
fovi_filter_apply filter_apply2_s16_neon, filter_apply3_s16_neon, filter_apply4_s16_neon;

/* Five taps of a Gaussian of sigma 1.2, sum 1: centre, next, outermost. */
#define FILTER_GAUSS_0 0x1.5fa5f2p-2f
#define FILTER_GAUSS_1 0x1.f0fbb6p-3f
#define FILTER_GAUSS_2 0x1.5ebcb0p-4f

/* Where the classes are cut. Strength: square root of the larger eigenvalue, in levels a pixel. Coherence:
 * (sqrt l1 - sqrt l2) / (sqrt l1 + sqrt l2). Curvature: |pixel - blur of its neighbourhood| / sqrt(l1 + 1/4).
 * All are compared as squares, so that no root but one is taken. */
#define FILTER_SQUARE(v) ((v) * (v))
#define FILTER_STRENGTH_0 FILTER_SQUARE(5.0f)
#define FILTER_STRENGTH_1 FILTER_SQUARE(14.0f)
#define FILTER_STRENGTH_2 FILTER_SQUARE(36.0f)
#define FILTER_COHERENCE_1 FILTER_SQUARE(1.0f - 0.45f)
#define FILTER_COHERENCE_2 FILTER_SQUARE(1.0f + 0.45f)
#define FILTER_CURVATURE_0 FILTER_SQUARE(0.2f)
#define FILTER_CURVATURE_1 FILTER_SQUARE(0.5f)
#define FILTER_CURVATURE_FLOOR 0.25f

#endif
