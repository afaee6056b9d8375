/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Four rows of a 3x3 convolution at once, F(4, 3) down the columns, written once for every vector width. To be included
 * after conv_template.h, whose names it uses; the including file defines besides
 *     vec_zero, vec_add, vec_sub, vec_mul_add(a, b, c): a * b + c
 *     CONV_QUAD          name of the function to define
 *     vec_quad_full(acc, src, stride, weight, n)    and VEC_QUAD_FULL: chain for a full block whose sums are in memory
 *
 * Columns go in blocks: their transformed inputs are made once, stay in the first cache, and serve all outputs.
 */
#define QUAD_STRIDE (NV_MAX * VW + VW) /* columns of a block and the one at each side, in whole vectors */

/* Three taps of all input channels, added to the sums. */
INLINE void quad_chain(int no, int nv, vec acc[4][NV_MAX], const float *t, const float *weight, int c_in)
{
#ifdef VEC_QUAD_FULL
    if (no == 4 && nv == NV_MAX) {
        vec_quad_full(acc, t, QUAD_STRIDE, weight, c_in);
        return;
    }
#endif
    chain(3, no, nv, acc, t, QUAD_STRIDE, weight, c_in);
}

/* Sums of products over one of the six transformed rows. */
INLINE void quad_sum(int no, int nv, vec acc[4][NV_MAX], const float *t, const float *weight, int c_in)
{
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            acc[j][v] = vec_zero();
    }
    quad_chain(no, nv, acc, t, weight, c_in);
}

/* Output j, vector v of a row. */
INLINE void quad_emit(const float *slope, float *row, ptrdiff_t stride, int o, int v, int x, int nv, int tail, vec r)
{
    float *out = row + o * stride + x + v * VW;
    if (slope)
        r = vec_prelu(r, slope[o]);
    if (tail && v == nv - 1)
        vec_store_n(out, r, tail);
    else
        vec_store(out, r);
}

INLINE void quad_emit_all(int no, int nv, const float *slope, float *row, ptrdiff_t stride, int o, int x, int tail,
                          vec acc[4][NV_MAX])
{
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            quad_emit(slope, row, stride, o + j, v, x, nv, tail, acc[j][v]);
    }
}

INLINE void quad_block(int no, int nv, const struct fovi_conv_weights *w, const float *weight, const float *t,
                       float *const *dst, ptrdiff_t stride, int o, int x, int tail)
{
    vec acc[4][NV_MAX], m1[4][NV_MAX], m2[4][NV_MAX], m3[4][NV_MAX];
    const float *slope = w->slope;
    ptrdiff_t next_t = (ptrdiff_t)w->c_in * QUAD_STRIDE, next_weight = (ptrdiff_t)w->c_in * 3 * FOVI_CONV_GROUP;
    quad_sum(no, nv, m1, t + next_t, weight + next_weight, w->c_in);
    quad_sum(no, nv, m2, t + 2 * next_t, weight + 2 * next_weight, w->c_in);
    quad_sum(no, nv, m3, t + 3 * next_t, weight + 3 * next_weight, w->c_in);
    quad_sum(no, nv, acc, t + 4 * next_t, weight + 4 * next_weight, w->c_in);
    UNROLL
    for (int j = 0; j < no; j++) {
        vec bias = vec_set1(w->bias[o + j]);
        UNROLL
        for (int v = 0; v < nv; v++) {
            vec p = vec_add(m1[j][v], m2[j][v]), q = vec_sub(m1[j][v], m2[j][v]);
            vec r = vec_add(m3[j][v], acc[j][v]), s = vec_sub(m3[j][v], acc[j][v]);
            vec y1 = vec_add(vec_mul_add(vec_set1(2.0f), s, q), bias);
            vec y2 = vec_add(vec_mul_add(vec_set1(4.0f), r, p), bias);
            quad_emit(slope, dst[1], stride, o + j, v, x, nv, tail, y1);
            quad_emit(slope, dst[2], stride, o + j, v, x, nv, tail, y2);
            acc[j][v] = vec_add(vec_add(p, r), bias);
            m3[j][v] = vec_add(vec_mul_add(vec_set1(8.0f), s, q), bias);
        }
    }
    quad_chain(no, nv, acc, t, weight, w->c_in);
    quad_emit_all(no, nv, slope, dst[0], stride, o, x, tail, acc);
    quad_chain(no, nv, m3, t + 5 * next_t, weight + 5 * next_weight, w->c_in);
    quad_emit_all(no, nv, slope, dst[3], stride, o, x, tail, m3);
}

/* Transformed inputs of nv vectors of columns from x - 1 on, and of the next vector. */
INLINE void quad_transform(int nv, int c_in, const float *const *rows, ptrdiff_t stride, int x, float *t)
{
    ptrdiff_t next = (ptrdiff_t)c_in * QUAD_STRIDE;
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4], *r5 = rows[5];
    for (int i = 0; i < c_in; i++, t += QUAD_STRIDE) {
        ptrdiff_t at = i * stride + x - 1;
        for (int v = 0; v <= nv; v++, at += VW) {
            vec d0 = vec_load(r0 + at), d1 = vec_load(r1 + at), d2 = vec_load(r2 + at);
            vec d3 = vec_load(r3 + at), d4 = vec_load(r4 + at), d5 = vec_load(r5 + at);
            vec a = vec_mul_add(vec_set1(-4.0f), d2, d4), b = vec_mul_add(vec_set1(-4.0f), d1, d3);
            vec c = vec_sub(d4, d2), e = vec_sub(d3, d1);
            float *to = t + v * VW;
            vec_store(to, vec_mul_add(vec_set1(4.0f), d0, vec_mul_add(vec_set1(-5.0f), d2, d4)));
            vec_store(to + next, vec_add(a, b));
            vec_store(to + 2 * next, vec_sub(a, b));
            vec_store(to + 3 * next, vec_mul_add(vec_set1(2.0f), e, c));
            vec_store(to + 4 * next, vec_mul_add(vec_set1(-2.0f), e, c));
            vec_store(to + 5 * next, vec_mul_add(vec_set1(4.0f), d1, vec_mul_add(vec_set1(-5.0f), d3, d5)));
        }
    }
}

/* All output channels of one block of columns. */
INLINE void quad_columns(int nv, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                         float *const *dst, ptrdiff_t dst_stride, int x, int tail, float *t)
{
    const float *weight = w->packed;
    ptrdiff_t group_size = (ptrdiff_t)FOVI_QUAD_INPUTS * w->c_in * 3 * FOVI_CONV_GROUP;
    int o = 0;
    quad_transform(nv, w->c_in, rows, src_stride, x, t);
    for (; o + 4 <= w->c_out; o += 4, weight += group_size)
        quad_block(4, nv, w, weight, t, dst, dst_stride, o, x, tail);
    switch (w->c_out - o) {
    case 3: quad_block(3, nv, w, weight, t, dst, dst_stride, o, x, tail); break;
    case 2: quad_block(2, nv, w, weight, t, dst, dst_stride, o, x, tail); break;
    case 1: quad_block(1, nv, w, weight, t, dst, dst_stride, o, x, tail); break;
    default: break;
    }
}

void CONV_QUAD(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *const *dst,
               ptrdiff_t dst_stride, int x0, int x1, float *scratch)
{
    int x = x0;
    for (; x + NV_MAX * VW <= x1; x += NV_MAX * VW)
        quad_columns(NV_MAX, w, rows, src_stride, dst, dst_stride, x, 0, scratch);
    int left = x1 - x, tail = left % VW;
    switch ((left + VW - 1) / VW) {
#if NV_MAX > 3
    case 5: quad_columns(5, w, rows, src_stride, dst, dst_stride, x, tail, scratch); break;
    case 4: quad_columns(4, w, rows, src_stride, dst, dst_stride, x, tail, scratch); break;
#endif
    case 3: quad_columns(3, w, rows, src_stride, dst, dst_stride, x, tail, scratch); break;
    case 2: quad_columns(2, w, rows, src_stride, dst, dst_stride, x, tail, scratch); break;
    case 1: quad_columns(1, w, rows, src_stride, dst, dst_stride, x, tail, scratch); break;
    default: break;
    }
}
