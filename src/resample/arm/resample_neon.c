/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels with NEON; the order of every sum is that of the reference in C (multiply, then add).
 *
 * Enlarging by 2, 3 or 4, vectors of one phase are made and stored interleaved; else 8 neighbouring outputs pick from 8
 * neighbouring inputs by a table look-up. Reducing, each output is a dot product of pairs of vectors, and four outputs
 * are summed across by one tree.
 */
#include <arm_neon.h>
#include <stddef.h>

#include "resample/resample_dsp.h"

#define LANES FOVI_AXIS_LANES
#define INLINE static inline __attribute__((always_inline))

/* Eight floats. */
struct vec {
    float32x4_t lo, hi;
};

INLINE struct vec load(const float *p)
{
    return (struct vec){ vld1q_f32(p), vld1q_f32(p + 4) };
}

/* a + w * x, rounded twice. */
INLINE float32x4_t add_product(float32x4_t a, float32x4_t w, float32x4_t x)
{
    return vaddq_f32(a, vmulq_f32(w, x));
}

/* ---- enlarging ---- */

/* Bytes of the four floats that a table look-up brings to where they are wanted. */
INLINE uint8x16_t float_bytes(const int32_t *index)
{
    uint32x4_t first = vmulq_n_u32(vreinterpretq_u32_s32(vld1q_s32(index)), 0x04040404u);
    return vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100u)));
}

INLINE float32x4_t pick(const float *s, uint8x16_t bytes)
{
    struct vec v = load(s);
    const uint8x16x2_t table = { { vreinterpretq_u8_f32(v.lo), vreinterpretq_u8_f32(v.hi) } };
    return vreinterpretq_f32_u8(vqtbl2q_u8(table, bytes));
}

INLINE void store_some(float *dst, const struct vec *v, int n)
{
    float all[LANES];
    vst1q_f32(all, v->lo);
    vst1q_f32(all + 4, v->hi);
    for (int i = 0; i < n; i++)
        dst[i] = all[i];
}

/* Outputs o .. end - 1, o a multiple of 8, in blocks of 8. */
INLINE void enlarge_some(const struct fovi_axis *axis, int n_taps, const float *src, float *restrict dst, int o,
                         int end)
{
    for (; o < end; o += LANES) {
        size_t p = (size_t)axis->pattern[o / LANES] * LANES;
        const float *w = axis->packed + p * (size_t)n_taps, *s = src + axis->first[o];
        uint8x16_t to_lo = float_bytes(axis->shift + p), to_hi = float_bytes(axis->shift + p + 4);
        struct vec sum = { vmulq_f32(vld1q_f32(w), pick(s, to_lo)), vmulq_f32(vld1q_f32(w + 4), pick(s, to_hi)) };
        for (int k = 1; k < n_taps; k++) {
            sum.lo = add_product(sum.lo, vld1q_f32(w + k * LANES), pick(s + k, to_lo));
            sum.hi = add_product(sum.hi, vld1q_f32(w + k * LANES + 4), pick(s + k, to_hi));
        }
        store_some(dst + o, &sum, end - o < LANES ? end - o : LANES);
    }
}

/* Store a[0][0], a[1][0] .. a[ratio-1][0], a[0][1] ..: 4 * ratio floats. */
INLINE void store_interleaved(const float32x4_t *a, int ratio, float *dst)
{
    switch (ratio) {
    case 2: vst2q_f32(dst, ((float32x4x2_t){ { a[0], a[1] } })); break;
    case 3: vst3q_f32(dst, ((float32x4x3_t){ { a[0], a[1], a[2] } })); break;
    default: vst4q_f32(dst, ((float32x4x4_t){ { a[0], a[1], a[2], a[3] } })); break;
    }
}

/* Whole blocks of 8 * ratio outputs of the run whose weights repeat with every input. Returns its end. */
INLINE int enlarge_run(const struct fovi_axis *axis, int ratio, int n_taps, const float *src, float *restrict dst)
{
    const float *s[4], *w[4];
    for (int p = 0; p < ratio; p++) {
        s[p] = src + axis->first[axis->run_begin + p];
        w[p] = axis->weights + (ptrdiff_t)(axis->run_begin + p) * n_taps;
    }
    int o = axis->run_begin, end = axis->run_end;
    for (ptrdiff_t i = 0; o + LANES * ratio <= end; o += LANES * ratio, i += LANES) {
        for (int half = 0; half < LANES; half += 4) {
            float32x4_t sum[4];
            for (int p = 0; p < ratio; p++) {
                sum[p] = vmulq_n_f32(vld1q_f32(s[p] + i + half), w[p][0]);
                for (int k = 1; k < n_taps; k++)
                    sum[p] = vaddq_f32(sum[p], vmulq_n_f32(vld1q_f32(s[p] + i + half + k), w[p][k]));
            }
            store_interleaved(sum, ratio, dst + o + half * ratio);
        }
    }
    return o;
}

INLINE void enlarge(const struct fovi_axis *axis, int n_taps, const float *src, float *dst)
{
    int end = axis->run_begin;
    switch (axis->run_step) {
    case 2: end = enlarge_run(axis, 2, n_taps, src, dst); break;
    case 3: end = enlarge_run(axis, 3, n_taps, src, dst); break;
    case 4: end = enlarge_run(axis, 4, n_taps, src, dst); break;
    }
    enlarge_some(axis, n_taps, src, dst, 0, axis->run_begin);
    enlarge_some(axis, n_taps, src, dst, end, axis->out);
}

/* ---- reducing ---- */

INLINE struct vec dot(const float *src, const float *w, int n)
{
    struct vec sum = { vmulq_f32(vld1q_f32(w), vld1q_f32(src)), vmulq_f32(vld1q_f32(w + 4), vld1q_f32(src + 4)) };
    for (int k = LANES; k < n; k += LANES) {
        sum.lo = add_product(sum.lo, vld1q_f32(w + k), vld1q_f32(src + k));
        sum.hi = add_product(sum.hi, vld1q_f32(w + k + 4), vld1q_f32(src + k + 4));
    }
    return sum;
}

/* x0+x2, y0+y2, x1+x3, y1+y3. */
INLINE float32x4_t add_pairs(float32x4_t x, float32x4_t y)
{
    return vaddq_f32(vzip1q_f32(x, y), vzip2q_f32(x, y));
}

/* (0+2)+(1+3) of each of four vectors. */
INLINE float32x4_t add_quads(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d)
{
    float32x4_t x = add_pairs(a, b), y = add_pairs(c, d);
    return vaddq_f32(vcombine_f32(vget_low_f32(x), vget_low_f32(y)), vcombine_f32(vget_high_f32(x), vget_high_f32(y)));
}

INLINE float32x4_t sum_across(const struct vec a[4])
{
    return vaddq_f32(add_quads(a[0].lo, a[1].lo, a[2].lo, a[3].lo), add_quads(a[0].hi, a[1].hi, a[2].hi, a[3].hi));
}

/* Outputs o .. end - 1 with weights of their own: blocks of 4, then one by one. */
INLINE void reduce_some(const struct fovi_axis *axis, int n, const float *src, float *restrict dst, int o, int end)
{
    for (; o < end; o += 4) {
        struct vec a[4], sums = { vdupq_n_f32(0.0f), vdupq_n_f32(0.0f) };
        for (int j = 0; j < 4; j++) {
            int at = o + j < end ? o + j : end - 1;
            a[j] = dot(src + axis->start[at], axis->packed + (size_t)axis->pattern[at] * (size_t)n, n);
        }
        sums.lo = sum_across(a);
        store_some(dst + o, &sums, end - o < 4 ? end - o : 4);
    }
}

/* Whole blocks of 4 outputs of the run that shares its weights. Returns its end. */
INLINE int reduce_run(const struct fovi_axis *axis, int n, const float *src, float *restrict dst)
{
    const float *w = axis->packed + (size_t)axis->pattern[axis->run_begin] * (size_t)n;
    const float *s = src + axis->start[axis->run_begin];
    ptrdiff_t step = axis->run_step;
    int o = axis->run_begin;
    for (; o + 4 <= axis->run_end; o += 4, s += 4 * step) {
        const struct vec a[4] = { dot(s, w, n), dot(s + step, w, n), dot(s + 2 * step, w, n), dot(s + 3 * step, w, n) };
        vst1q_f32(dst + o, sum_across(a));
    }
    return o;
}

INLINE void reduce(const struct fovi_axis *axis, int n, const float *src, float *dst)
{
    int end = reduce_run(axis, n, src, dst);
    reduce_some(axis, n, src, dst, 0, axis->run_begin);
    reduce_some(axis, n, src, dst, end, axis->out);
}

void resample_h_f32_neon(const struct fovi_axis *axis, const float *src, float *dst)
{
    if (axis->form == FOVI_AXIS_SCALAR) {
        resample_h_f32_c(axis, src, dst);
        return;
    }
    if (axis->form == FOVI_AXIS_REDUCE) {
        switch (axis->n_packed) {
        case 8: reduce(axis, 8, src, dst); break;
        case 16: reduce(axis, 16, src, dst); break;
        default: reduce(axis, axis->n_packed, src, dst); break;
        }
        return;
    }
    switch (axis->n_taps) {
    case 2: enlarge(axis, 2, src, dst); break;
    case 4: enlarge(axis, 4, src, dst); break;
    case 6: enlarge(axis, 6, src, dst); break;
    default: enlarge_some(axis, axis->n_taps, src, dst, 0, axis->out); break;
    }
}

/* ---- down the columns ---- */

/* n_vectors vectors of columns from x on. */
INLINE void v_columns(const float *const *rows, const float *weights, int n_taps, ptrdiff_t x, int n_vectors,
                      float *dst)
{
    float32x4_t sum[4];
    for (int i = 0; i < n_vectors; i++)
        sum[i] = vmulq_n_f32(vld1q_f32(rows[0] + x + 4 * i), weights[0]);
    for (int k = 1; k < n_taps; k++)
        for (int i = 0; i < n_vectors; i++)
            sum[i] = vaddq_f32(sum[i], vmulq_n_f32(vld1q_f32(rows[k] + x + 4 * i), weights[k]));
    for (int i = 0; i < n_vectors; i++)
        vst1q_f32(dst + x + 4 * i, sum[i]);
}

void resample_v_f32_neon(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    int x = 0;
    for (; x + 16 <= width; x += 16)
        v_columns(rows, weights, n_taps, x, 4, dst);
    for (; x + 4 <= width; x += 4)
        v_columns(rows, weights, n_taps, x, 1, dst);
    for (; x < width; x++) {
        float sum = weights[0] * rows[0][x];
        for (int k = 1; k < n_taps; k++)
            sum += weights[k] * rows[k][x];
        dst[x] = sum;
    }
}
