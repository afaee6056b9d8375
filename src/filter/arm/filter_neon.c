/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for NEON: a row of the window is one vector of eight levels; each output sums its products in four
 * parts, and the parts of four outputs are summed by pairs.
 */
#include <arm_neon.h>

#include "filter/filter_dsp.h"

#define CONST(v) vdupq_n_f32(v)

static inline float32x4_t mul(float32x4_t a, float32x4_t b)
{
    return vmulq_f32(a, b);
}

static inline float32x4_t add(float32x4_t a, float32x4_t b)
{
    return vaddq_f32(a, b);
}

static inline float32x4_t sub(float32x4_t a, float32x4_t b)
{
    return vsubq_f32(a, b);
}

static inline float32x4_t load(const float *p)
{
    return vld1q_f32(p);
}

void filter_products_f32_neon(const float *const rows[3], int x0, int x1, float *const products[3])
{
    for (int x = x0; x < x1; x += 4) {
        float32x4_t gx = mul(sub(load(rows[1] + x + 1), load(rows[1] + x - 1)), CONST(0.5f));
        float32x4_t gy = mul(sub(load(rows[2] + x), load(rows[0] + x)), CONST(0.5f));
        vst1q_f32(products[0] + x, mul(gx, gx));
        vst1q_f32(products[1] + x, mul(gx, gy));
        vst1q_f32(products[2] + x, mul(gy, gy));
    }
}

static inline float32x4_t gauss(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float32x4_t e)
{
    float32x4_t sides = add(mul(CONST(FILTER_GAUSS_2), add(a, e)), mul(CONST(FILTER_GAUSS_1), add(b, d)));
    return add(sides, mul(CONST(FILTER_GAUSS_0), c));
}

void filter_smooth_f32_neon(const float *const rows[5], int x0, int x1, float *out)
{
    for (int x = x0; x < x1; x += 4)
        vst1q_f32(out + x,
                  gauss(load(rows[0] + x), load(rows[1] + x), load(rows[2] + x), load(rows[3] + x), load(rows[4] + x)));
}

static inline float32x4_t across(const float *p)
{
    return gauss(load(p - 2), load(p - 1), load(p), load(p + 1), load(p + 2));
}

/* Columns of three rows, [1 2 1]. */
static inline float32x4_t column(const float *up, const float *mid, const float *down)
{
    return add(add(load(up), load(down)), mul(CONST(2.0f), load(mid)));
}

struct slope {
    float32x4_t off, gx, gy;
};

static inline struct slope slope_at(const float *up, const float *mid, const float *down)
{
    float32x4_t left = column(up - 1, mid - 1, down - 1), right = column(up + 1, mid + 1, down + 1);
    float32x4_t blur = mul(add(add(left, right), mul(CONST(2.0f), column(up, mid, down))), CONST(0.0625f));
    float32x4_t sides = add(sub(load(down - 1), load(up - 1)), sub(load(down + 1), load(up + 1)));
    return (struct slope){ sub(blur, load(mid)), sub(right, left),
                           add(sides, mul(CONST(2.0f), sub(load(down), load(up)))) };
}

/* n where the mask is set, else 0. */
static inline uint32x4_t where(uint32x4_t mask, uint32_t n)
{
    return vandq_u32(mask, vdupq_n_u32(n));
}

/* The eight octants of half the angle of (half, b). */
static inline uint32x4_t octant_of(float32x4_t half, float32x4_t b, uint32x4_t behind, uint32x4_t below)
{
    uint32x4_t same = where(vcgeq_f32(vabsq_f32(b), vabsq_f32(half)), 1);
    uint32x4_t other = vsubq_u32(vdupq_n_u32(3), same);
    return vaddq_u32(vbslq_u32(veorq_u32(behind, below), other, same), where(below, 4));
}

/* Set where the gradient along the eigenvector and off have opposite signs. */
static inline uint32x4_t opposite(float32x4_t half, float32x4_t b, float32x4_t root, uint32x4_t behind,
                                  uint32x4_t below, struct slope s)
{
    float32x4_t flat = add(mul(s.gx, add(half, root)), mul(s.gy, b));
    float32x4_t upright = add(mul(s.gx, b), mul(s.gy, sub(root, half)));
    float32x4_t uphill = vbslq_f32(behind, upright, vbslq_f32(below, vnegq_f32(flat), flat));
    return vcltzq_f32(mul(uphill, s.off));
}

static inline uint32x4_t class_of(float32x4_t a, float32x4_t b, float32x4_t d, struct slope s)
{
    float32x4_t mean = mul(add(a, d), CONST(0.5f)), half = mul(sub(a, d), CONST(0.5f));
    float32x4_t root = vsqrtq_f32(add(mul(half, half), mul(b, b))), l1 = add(mean, root), l2 = sub(mean, root);
    uint32x4_t strength = vaddq_u32(
        vaddq_u32(where(vcgeq_f32(l1, CONST(FILTER_STRENGTH_0)), 1), where(vcgeq_f32(l1, CONST(FILTER_STRENGTH_1)), 1)),
        where(vcgeq_f32(l1, CONST(FILTER_STRENGTH_2)), 1));
    uint32x4_t coherent = where(vcgeq_f32(mul(l1, CONST(FILTER_COHERENCE_1)), mul(l2, CONST(FILTER_COHERENCE_2))), 1);
    uint32x4_t cell = vaddq_u32(vmulq_n_u32(strength, FOVI_FILTER_COHERENCES), coherent);

    uint32x4_t below = vcltzq_f32(b), behind = vcltzq_f32(half);
    float32x4_t bent = mul(s.off, s.off), scale = add(l1, CONST(FILTER_CURVATURE_FLOOR));
    uint32x4_t curved = vcgeq_f32(bent, mul(CONST(FILTER_CURVATURE_0), scale));
    uint32x4_t much = vcgeq_f32(bent, mul(CONST(FILTER_CURVATURE_1), scale));
    uint32x4_t turn = vaddq_u32(vdupq_n_u32(FOVI_FILTER_DIRECTIONS),
                                where(opposite(half, b, root, behind, below, s), FOVI_FILTER_DIRECTIONS));
    uint32x4_t place = vaddq_u32(octant_of(half, b, behind, below), vandq_u32(curved, turn));
    place = vaddq_u32(place, where(much, 2 * FOVI_FILTER_DIRECTIONS));
    return vaddq_u32(place, vmulq_n_u32(cell, FOVI_FILTER_CELL));
}

void filter_classify_f32_neon(const float *const rows[3], const float *const smoothed[3], int x0, int x1,
                              int32_t *classes)
{
    for (int x = x0; x < x1; x += 4) {
        struct slope s = slope_at(rows[0] + x, rows[1] + x, rows[2] + x);
        uint32x4_t c = class_of(across(smoothed[0] + x), across(smoothed[1] + x), across(smoothed[2] + x), s);
        vst1q_s32(classes + x, vreinterpretq_s32_u32(c));
    }
}

/* Conversion to 16 bits saturates; what is no number fails the comparison. */
void filter_levels_f32_neon(const float *row, int x0, int x1, int16_t *levels)
{
    for (int x = x0; x < x1; x += 4) {
        float32x4_t v = mul(sub(load(row + x), CONST(FILTER_MIDDLE)), CONST(FILTER_STEPS));
        v = vbslq_f32(vcgtq_f32(v, CONST(FILTER_LEAST)), v, CONST(FILTER_LEAST));
        vst1_s16(levels + x, vqmovn_s32(vcvtnq_s32_f32(vminq_f32(v, CONST(FILTER_MOST)))));
    }
}

#define ROWS FOVI_FILTER_TAPS
#define LANES FOVI_FILTER_LANES
#define LEFT (FOVI_FILTER_TAPS / 2)
#define INLINE static inline __attribute__((always_inline))

/* The outputs first..first+3 of one pixel. */
INLINE float32x4_t outputs(const int16_t *const rows[ROWS], int x, const int16_t *w, int n_columns, int first,
                           float unit)
{
    int32x4_t sum[4];
    w += first * LANES;
    for (int r = 0; r < ROWS; r++, w += n_columns * LANES) {
        int16x8_t pixels = vld1q_s16(rows[r] + x - LEFT);
        for (int o = 0; o < 4; o++) {
            int16x8_t taps = vld1q_s16(w + o * LANES);
            sum[o] = vmlal_s16(r ? sum[o] : vdupq_n_s32(0), vget_low_s16(taps), vget_low_s16(pixels));
            sum[o] = vmlal_high_s16(sum[o], taps, pixels);
        }
    }
    int32x4_t sums = vpaddq_s32(vpaddq_s32(sum[0], sum[1]), vpaddq_s32(sum[2], sum[3]));
    return mul(vcvtq_f32_s32(sums), CONST(unit));
}

static inline const int16_t *filter_of(const int16_t *coef, const int32_t *classes, int x, int n_columns)
{
    return coef + (ptrdiff_t)classes[x] * (ROWS * LANES * n_columns);
}

void filter_apply2_s16_neon(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    for (int x = x0; x < x1; x++) {
        float32x4_t v = outputs(rows, x, filter_of(coef, classes, x, 4), 4, 0, unit);
        vst1_f32(out[0] + 2 * x, vget_low_f32(v));
        vst1_f32(out[1] + 2 * x, vget_high_f32(v));
    }
}

void filter_apply3_s16_neon(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    for (int x = x0; x < x1; x++) {
        const int16_t *w = filter_of(coef, classes, x, 12);
        float levels[12];
        for (int o = 0; o < 12; o += 4)
            vst1q_f32(levels + o, outputs(rows, x, w, 12, o, unit));
        for (int o = 0; o < 9; o++)
            out[o / 3][3 * x + o % 3] = levels[o];
    }
}

void filter_apply4_s16_neon(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    for (int x = x0; x < x1; x++) {
        const int16_t *w = filter_of(coef, classes, x, 16);
        for (int row = 0; row < 4; row++)
            vst1q_f32(out[row] + 4 * x, outputs(rows, x, w, 16, 4 * row, unit));
    }
}
