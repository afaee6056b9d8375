/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for NEON: two vectors for a row of the window and two halves of a chain for each output, so that a
 * pixel needs no shuffling until the chains of four outputs are summed together.
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

#define ROWS FOVI_FILTER_TAPS
#define LANES FOVI_FILTER_LANES
#define LEFT (FOVI_FILTER_TAPS / 2)
#define INLINE static inline __attribute__((always_inline))

/* x0+x2, y0+y2, x1+x3, y1+y3. */
INLINE float32x4_t add_pairs(float32x4_t x, float32x4_t y)
{
    return vaddq_f32(vzip1q_f32(x, y), vzip2q_f32(x, y));
}

/* The outputs first..first+3 of one pixel, or fewer where n_out has no more. */
INLINE float32x4_t outputs(const float *const rows[ROWS], int x, const float *w, int n_out, int first)
{
    float32x4_t lo[4], hi[4], s[4];
    int n = n_out - first < 4 ? n_out - first : 4;
    w += first * LANES;
    for (int r = 0; r < ROWS; r++, w += n_out * LANES) {
        float32x4_t left = load(rows[r] + x - LEFT), right = load(rows[r] + x - LEFT + 4);
        for (int o = 0; o < n; o++) {
            float32x4_t w_left = load(w + o * LANES), w_right = load(w + o * LANES + 4);
            lo[o] = r ? vfmaq_f32(lo[o], w_left, left) : mul(w_left, left);
            hi[o] = r ? vfmaq_f32(hi[o], w_right, right) : mul(w_right, right);
        }
    }
    for (int o = 0; o < 4; o++)
        s[o] = o < n ? add(lo[o], hi[o]) : CONST(0.0f);
    float32x4_t p = add_pairs(s[0], s[1]), q = add_pairs(s[2], s[3]);
    return add(vcombine_f32(vget_low_f32(p), vget_low_f32(q)), vcombine_f32(vget_high_f32(p), vget_high_f32(q)));
}

static inline const float *filter_of(const float *coef, const int32_t *classes, int x, int n_out)
{
    return coef + (ptrdiff_t)classes[x] * (ROWS * LANES * n_out);
}

void filter_apply2_f32_neon(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    for (int x = x0; x < x1; x++) {
        float32x4_t v = outputs(rows, x, filter_of(coef, classes, x, 4), 4, 0);
        vst1_f32(out[0] + 2 * x, vget_low_f32(v));
        vst1_f32(out[1] + 2 * x, vget_high_f32(v));
    }
}

void filter_apply3_f32_neon(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    for (int x = x0; x < x1; x++) {
        const float *w = filter_of(coef, classes, x, 9);
        float sums[12];
        vst1q_f32(sums, outputs(rows, x, w, 9, 0));
        vst1q_f32(sums + 4, outputs(rows, x, w, 9, 4));
        vst1q_f32(sums + 8, outputs(rows, x, w, 9, 8));
        for (int o = 0; o < 9; o++)
            out[o / 3][3 * x + o % 3] = sums[o];
    }
}

void filter_apply4_f32_neon(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    for (int x = x0; x < x1; x++) {
        const float *w = filter_of(coef, classes, x, 16);
        for (int row = 0; row < 4; row++)
            vst1q_f32(out[row] + 4 * x, outputs(rows, x, w, 16, 4 * row));
    }
}
