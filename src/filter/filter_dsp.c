/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter's reference kernels, and the choice of kernels.
 */
#include "filter/filter_dsp.h"

#include <math.h>

#include "fovea/common.h"

/* Central differences, in levels for one pixel. */
void filter_products_f32_c(const float *const rows[3], int x0, int x1, float *const products[3])
{
    for (int x = x0; x < x1; x++) {
        float gx = (rows[1][x + 1] - rows[1][x - 1]) * 0.5f, gy = (rows[2][x] - rows[0][x]) * 0.5f;
        products[0][x] = gx * gx;
        products[1][x] = gx * gy;
        products[2][x] = gy * gy;
    }
}

static inline float gauss(float a, float b, float c, float d, float e)
{
    return (FILTER_GAUSS_2 * (a + e) + FILTER_GAUSS_1 * (b + d)) + FILTER_GAUSS_0 * c;
}

void filter_smooth_f32_c(const float *const rows[5], int x0, int x1, float *out)
{
    for (int x = x0; x < x1; x++)
        out[x] = gauss(rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x]);
}

/* How far a pixel lies off its neighbours, and which way it is uphill, from binomial sums. */
struct slope {
    float off, gx, gy;
};

static inline struct slope slope_at(const float *up, const float *mid, const float *down)
{
    float left = (up[-1] + down[-1]) + 2.0f * mid[-1], here = (up[0] + down[0]) + 2.0f * mid[0];
    float right = (up[1] + down[1]) + 2.0f * mid[1];
    float sides = (down[-1] - up[-1]) + (down[1] - up[1]);
    return (struct slope){ ((left + right) + 2.0f * here) * 0.0625f - mid[0], right - left,
                           sides + 2.0f * (down[0] - up[0]) };
}

/* The direction of the larger eigenvector is half the angle of (half, b); its octant is found by signs and one
 * comparison. Which of the two ways is meant on a full turn: uphill where the pixel is darker than its neighbours,
 * downhill where it is brighter, so that a picture and its negative share their filters. */
static inline int class_of(float a, float b, float d, struct slope s)
{
    float mean = (a + d) * 0.5f, half = (a - d) * 0.5f;
    float root = sqrtf(half * half + b * b), l1 = mean + root, l2 = mean - root;
    int strength = (l1 >= FILTER_STRENGTH_0) + (l1 >= FILTER_STRENGTH_1) + (l1 >= FILTER_STRENGTH_2);
    int coherent = l1 * FILTER_COHERENCE_1 >= l2 * FILTER_COHERENCE_2;
    int below = b < 0.0f, behind = half < 0.0f, steep = fabsf(b) >= fabsf(half);
    int octant = 4 * below + (below != behind ? 3 - steep : steep);
    float flat = s.gx * (half + root) + s.gy * b, upright = s.gx * b + s.gy * (root - half);
    float uphill = behind ? upright : below ? -flat : flat;
    int opposite = uphill * s.off < 0.0f;
    float bent = s.off * s.off, scale = l1 + FILTER_CURVATURE_FLOOR;
    int place = octant;
    if (bent >= FILTER_CURVATURE_0 * scale)
        place += FOVI_FILTER_DIRECTIONS * (1 + opposite);
    if (bent >= FILTER_CURVATURE_1 * scale)
        place += FOVI_FILTER_DIRECTIONS * 2;
    return (strength * FOVI_FILTER_COHERENCES + coherent) * FOVI_FILTER_CELL + place;
}

void filter_classify_f32_c(const float *const rows[3], const float *const smoothed[3], int x0, int x1, int32_t *classes)
{
    for (int x = x0; x < x1; x++) {
        float t[3];
        for (int p = 0; p < 3; p++) {
            const float *v = smoothed[p] + x;
            t[p] = gauss(v[-2], v[-1], v[0], v[1], v[2]);
        }
        classes[x] = class_of(t[0], t[1], t[2], slope_at(rows[0] + x, rows[1] + x, rows[2] + x));
    }
}

void filter_levels_f32_c(const float *row, int x0, int x1, int16_t *levels)
{
    for (int x = x0; x < x1; x++) {
        float v = (row[x] - FILTER_MIDDLE) * FILTER_STEPS;
        v = v > FILTER_LEAST ? v : FILTER_LEAST;
        levels[x] = (int16_t)lrintf(v < FILTER_MOST ? v : FILTER_MOST);
    }
}

/* One output of one pixel. w: [row][column][8] of this output. */
static inline int32_t sum_one(const int16_t *const rows[FOVI_FILTER_TAPS], int x, const int16_t *w, int n_columns)
{
    int32_t sum = 0;
    for (int r = 0; r < FOVI_FILTER_TAPS; r++)
        for (int i = 0; i < FOVI_FILTER_LANES; i++)
            sum += w[r * n_columns * FOVI_FILTER_LANES + i] * rows[r][x + i];
    return sum;
}

static inline void apply(const int16_t *const rows[FOVI_FILTER_TAPS], const int16_t *coef, float unit,
                         const int32_t *classes, int x0, int x1, float *const *out, int scale)
{
    const int n_columns = FOVI_FILTER_COLUMNS(scale);
    for (int x = x0; x < x1; x++) {
        const int16_t *w = coef + (ptrdiff_t)classes[x] * FOVI_FILTER_TAPS * n_columns * FOVI_FILTER_LANES;
        for (int o = 0; o < scale * scale; o++) {
            int32_t sum = sum_one(rows, x - FOVI_FILTER_TAPS / 2, w + o * FOVI_FILTER_LANES, n_columns);
            out[o / scale][x * scale + o % scale] = (float)sum * unit;
        }
    }
}

void filter_apply2_s16_c(const int16_t *const rows[FOVI_FILTER_TAPS], const int16_t *coef, float unit,
                         const int32_t *classes, int x0, int x1, float *const *out)
{
    apply(rows, coef, unit, classes, x0, x1, out, 2);
}

void filter_apply3_s16_c(const int16_t *const rows[FOVI_FILTER_TAPS], const int16_t *coef, float unit,
                         const int32_t *classes, int x0, int x1, float *const *out)
{
    apply(rows, coef, unit, classes, x0, x1, out, 3);
}

void filter_apply4_s16_c(const int16_t *const rows[FOVI_FILTER_TAPS], const int16_t *coef, float unit,
                         const int32_t *classes, int x0, int x1, float *const *out)
{
    apply(rows, coef, unit, classes, x0, x1, out, 4);
}

const struct fovi_filter_dsp *fovi_filter_dsp_get(uint32_t cpu)
{
    static const struct fovi_filter_dsp reference = {
        filter_products_f32_c,
        filter_smooth_f32_c,
        filter_classify_f32_c,
        filter_levels_f32_c,
        { filter_apply2_s16_c, filter_apply3_s16_c, filter_apply4_s16_c },
    };
#if defined(__x86_64__)
    static const struct fovi_filter_dsp avx2 = {
        filter_products_f32_avx2,
        filter_smooth_f32_avx2,
        filter_classify_f32_avx2,
        filter_levels_f32_avx2,
        { filter_apply2_s16_avx2, filter_apply3_s16_avx2, filter_apply4_s16_avx2 },
    };
    static const struct fovi_filter_dsp avx512 = {
        filter_products_f32_avx512,
        filter_smooth_f32_avx512,
        filter_classify_f32_avx512,
        filter_levels_f32_avx512,
        { filter_apply2_s16_avx512, filter_apply3_s16_avx512, filter_apply4_s16_avx512 },
    };
    static const struct fovi_filter_dsp vnni = {
        filter_products_f32_avx512,
        filter_smooth_f32_avx512,
        filter_classify_f32_avx512,
        filter_levels_f32_avx512,
        { filter_apply2_s16_vnni, filter_apply3_s16_vnni, filter_apply4_s16_vnni },
    };
    if (cpu & FOVEA_CPU_VNNI)
        return &vnni;
    if (cpu & FOVEA_CPU_AVX512)
        return &avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return &avx2;
#elif defined(__aarch64__)
    static const struct fovi_filter_dsp neon = {
        filter_products_f32_neon,
        filter_smooth_f32_neon,
        filter_classify_f32_neon,
        filter_levels_f32_neon,
        { filter_apply2_s16_neon, filter_apply3_s16_neon, filter_apply4_s16_neon },
    };
    if (cpu & FOVEA_CPU_NEON)
        return &neon;
#endif
    (void)cpu;
    return &reference;
}
