/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution with NEON: 4 output channels x 6 vectors of 4 pixels, 24 of the 32 registers. One load brings the weights
 * of the four outputs of a tap, and the multiply-add takes them lane by lane.
 */
#include <arm_neon.h>

#include "net/conv_dsp.h"

#define VW 4
#define NV_MAX 6
#define QUAD_STRIDE (NV_MAX * VW + VW) /* columns of a block and the one at each side, in whole vectors */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* Sums of a block, no outputs x nv vectors of them in use. */
typedef float32x4_t sums[4][NV_MAX];

/* One tap: all vectors of the inputs for each output. */
INLINE void tap(int no, int nv, sums acc, const float *src, const float *weight)
{
    float32x4_t w = vld1q_f32(weight);
    UNROLL
    for (int v = 0; v < nv; v++) {
        float32x4_t in = vld1q_f32(src + v * VW);
        acc[0][v] = vfmaq_laneq_f32(acc[0][v], in, w, 0);
        if (no > 1)
            acc[1][v] = vfmaq_laneq_f32(acc[1][v], in, w, 1);
        if (no > 2)
            acc[2][v] = vfmaq_laneq_f32(acc[2][v], in, w, 2);
        if (no > 3)
            acc[3][v] = vfmaq_laneq_f32(acc[3][v], in, w, 3);
    }
}

/* The k taps of n input channels in one row. */
INLINE void chain(int k, int no, int nv, sums acc, const float *src, ptrdiff_t stride, const float *weight, int n)
{
    for (int i = 0; i < n; i++, src += stride) {
        UNROLL
        for (int kx = 0; kx < k; kx++, weight += FOVI_CONV_GROUP)
            tap(no, nv, acc, src + kx, weight);
    }
}

INLINE float32x4_t prelu(float32x4_t v, float slope)
{
    return vbslq_f32(vcgtzq_f32(v), v, vmulq_n_f32(v, slope));
}

/* Where a block's outputs go: output o of row, vectors from column x on; the last has tail columns, 0: all four. */
struct place {
    float *row;
    ptrdiff_t stride;
    const float *slope;
    int o, x, nv, tail;
};

/* Output j, vector v. */
INLINE void emit(const struct place *p, int j, int v, float32x4_t r)
{
    float *out = p->row + (p->o + j) * p->stride + p->x + v * VW;
    if (p->slope)
        r = prelu(r, p->slope[p->o + j]);
    if (!p->tail || v < p->nv - 1) {
        vst1q_f32(out, r);
        return;
    }
    if (p->tail & 2)
        vst1_f32(out, vget_low_f32(r));
    if (p->tail & 1)
        out[p->tail & 2] = p->tail & 2 ? vgetq_lane_f32(r, 2) : vgetq_lane_f32(r, 0);
}

INLINE void emit_all(const struct place *p, int no, int nv, sums acc)
{
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            emit(p, j, v, acc[j][v]);
    }
}

/* ---- row by row ---- */

/* k, no and nv are constants at every call: the loops over them vanish. */
INLINE void block(int k, int no, int nv, const struct fovi_conv_weights *w, const float *weight,
                  const float *const *rows, ptrdiff_t src_stride, const struct place *to)
{
    sums acc;
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            acc[j][v] = vdupq_n_f32(w->bias[to->o + j]);
    }
    for (int ky = 0; ky < k; ky++, weight += w->c_in * k * FOVI_CONV_GROUP)
        chain(k, no, nv, acc, rows[ky] + to->x - k / 2, src_stride, weight, w->c_in);
    emit_all(to, no, nv, acc);
}

/* All output channels of one block of columns. */
INLINE void columns(int k, int nv, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                    float *dst, ptrdiff_t dst_stride, int x, int tail)
{
    const float *weight = w->packed;
    struct place to = { dst, dst_stride, w->slope, 0, x, nv, tail };
    for (; to.o + 4 <= w->c_out; to.o += 4, weight += (ptrdiff_t)k * k * w->c_in * FOVI_CONV_GROUP)
        block(k, 4, nv, w, weight, rows, src_stride, &to);
    switch (w->c_out - to.o) {
    case 3: block(k, 3, nv, w, weight, rows, src_stride, &to); break;
    case 2: block(k, 2, nv, w, weight, rows, src_stride, &to); break;
    case 1: block(k, 1, nv, w, weight, rows, src_stride, &to); break;
    default: break;
    }
}

INLINE void row(int k, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
                ptrdiff_t dst_stride, int x, int x1)
{
    for (; x + NV_MAX * VW <= x1; x += NV_MAX * VW)
        columns(k, NV_MAX, w, rows, src_stride, dst, dst_stride, x, 0);
    if (x + 3 * VW <= x1) {
        columns(k, 3, w, rows, src_stride, dst, dst_stride, x, 0);
        x += 3 * VW;
    }
    for (; x < x1; x += VW)
        columns(k, 1, w, rows, src_stride, dst, dst_stride, x, x1 - x < VW ? x1 - x : 0);
}

void fovi_conv_f32_neon(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
                        ptrdiff_t dst_stride, int x0, int x1)
{
    switch (w->k) {
    case 1: row(1, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    case 3: row(3, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    default: row(5, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    }
}

/* ---- four rows at once ---- */

/* Sums of products over one of the six transformed rows. */
INLINE void quad_sum(int no, int nv, sums acc, const float *t, const float *weight, int c_in)
{
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            acc[j][v] = vdupq_n_f32(0.0f);
    }
    chain(3, no, nv, acc, t, QUAD_STRIDE, weight, c_in);
}

INLINE void quad_block(int no, int nv, const struct fovi_conv_weights *w, const float *weight, const float *t,
                       float *const *dst, const struct place *at)
{
    sums acc, m1, m2, m3;
    ptrdiff_t next_t = (ptrdiff_t)w->c_in * QUAD_STRIDE, next_weight = (ptrdiff_t)w->c_in * 3 * FOVI_CONV_GROUP;
    struct place to[FOVI_QUAD_ROWS];
    for (int i = 0; i < FOVI_QUAD_ROWS; i++) {
        to[i] = *at;
        to[i].row = dst[i];
    }
    quad_sum(no, nv, m1, t + next_t, weight + next_weight, w->c_in);
    quad_sum(no, nv, m2, t + 2 * next_t, weight + 2 * next_weight, w->c_in);
    quad_sum(no, nv, m3, t + 3 * next_t, weight + 3 * next_weight, w->c_in);
    quad_sum(no, nv, acc, t + 4 * next_t, weight + 4 * next_weight, w->c_in);
    UNROLL
    for (int j = 0; j < no; j++) {
        float32x4_t bias = vdupq_n_f32(w->bias[at->o + j]);
        UNROLL
        for (int v = 0; v < nv; v++) {
            float32x4_t p = vaddq_f32(m1[j][v], m2[j][v]), q = vsubq_f32(m1[j][v], m2[j][v]);
            float32x4_t r = vaddq_f32(m3[j][v], acc[j][v]), s = vsubq_f32(m3[j][v], acc[j][v]);
            emit(&to[1], j, v, vaddq_f32(vfmaq_n_f32(q, s, 2.0f), bias));
            emit(&to[2], j, v, vaddq_f32(vfmaq_n_f32(p, r, 4.0f), bias));
            acc[j][v] = vaddq_f32(vaddq_f32(p, r), bias);
            m3[j][v] = vaddq_f32(vfmaq_n_f32(q, s, 8.0f), bias);
        }
    }
    chain(3, no, nv, acc, t, QUAD_STRIDE, weight, w->c_in);
    emit_all(&to[0], no, nv, acc);
    chain(3, no, nv, m3, t + 5 * next_t, QUAD_STRIDE, weight + 5 * next_weight, w->c_in);
    emit_all(&to[3], no, nv, m3);
}

/* Transformed inputs of nv vectors of columns from x - 1 on, and of the next vector. */
INLINE void quad_transform(int nv, int c_in, const float *const *rows, ptrdiff_t stride, int x, float *t)
{
    ptrdiff_t next = (ptrdiff_t)c_in * QUAD_STRIDE;
    for (int i = 0; i < c_in; i++, t += QUAD_STRIDE) {
        ptrdiff_t at = i * stride + x - 1;
        for (int v = 0; v <= nv; v++, at += VW) {
            float32x4_t d0 = vld1q_f32(rows[0] + at), d1 = vld1q_f32(rows[1] + at), d2 = vld1q_f32(rows[2] + at);
            float32x4_t d3 = vld1q_f32(rows[3] + at), d4 = vld1q_f32(rows[4] + at), d5 = vld1q_f32(rows[5] + at);
            float32x4_t a = vfmaq_n_f32(d4, d2, -4.0f), b = vfmaq_n_f32(d3, d1, -4.0f);
            float32x4_t c = vsubq_f32(d4, d2), e = vsubq_f32(d3, d1);
            float *to = t + v * VW;
            vst1q_f32(to, vfmaq_n_f32(vfmaq_n_f32(d4, d2, -5.0f), d0, 4.0f));
            vst1q_f32(to + next, vaddq_f32(a, b));
            vst1q_f32(to + 2 * next, vsubq_f32(a, b));
            vst1q_f32(to + 3 * next, vfmaq_n_f32(c, e, 2.0f));
            vst1q_f32(to + 4 * next, vfmaq_n_f32(c, e, -2.0f));
            vst1q_f32(to + 5 * next, vfmaq_n_f32(vfmaq_n_f32(d5, d3, -5.0f), d1, 4.0f));
        }
    }
}

/* All output channels of one block of columns. */
INLINE void quad_columns(int nv, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                         float *const *dst, ptrdiff_t dst_stride, int x, int tail, float *t)
{
    const float *weight = w->packed;
    struct place at = { dst[0], dst_stride, w->slope, 0, x, nv, tail };
    quad_transform(nv, w->c_in, rows, src_stride, x, t);
    for (; at.o + 4 <= w->c_out; at.o += 4, weight += (ptrdiff_t)FOVI_QUAD_INPUTS * w->c_in * 3 * FOVI_CONV_GROUP)
        quad_block(4, nv, w, weight, t, dst, &at);
    switch (w->c_out - at.o) {
    case 3: quad_block(3, nv, w, weight, t, dst, &at); break;
    case 2: quad_block(2, nv, w, weight, t, dst, &at); break;
    case 1: quad_block(1, nv, w, weight, t, dst, &at); break;
    default: break;
    }
}

void fovi_conv_quad_f32_neon(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                             float *const *dst, ptrdiff_t dst_stride, int x0, int x1, float *scratch)
{
    int x = x0;
    for (; x + NV_MAX * VW <= x1; x += NV_MAX * VW)
        quad_columns(NV_MAX, w, rows, src_stride, dst, dst_stride, x, 0, scratch);
    if (x + 3 * VW <= x1) {
        quad_columns(3, w, rows, src_stride, dst, dst_stride, x, 0, scratch);
        x += 3 * VW;
    }
    for (; x < x1; x += VW)
        quad_columns(1, w, rows, src_stride, dst, dst_stride, x, x1 - x < VW ? x1 - x : 0, scratch);
}
