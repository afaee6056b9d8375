/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct convolution vectorised along the row, written once for every vector width. The including file defines
 *     vec, VW            vector type and its floats
 *     vec_load, vec_set1, vec_fma(acc, a, b): acc += a * b, vec_prelu(v, slope), vec_store,
 *     vec_store_n(p, v, n) for n < VW
 *     NV_MAX             vectors of a register block of 4 outputs
 *     CONV_ROW           name of the function to define
 *     vec_shift(a, b, n) where loads that cross lines of the cache are dear: elements n.. of a, then those of b
 *     vec_chain_full(acc, src, stride, weight, n)   and VEC_CHAIN_FULL, where registers are scarce: the function
 *                        chain below with three taps for a full block, in assembly
 *
 * A register block is `no` output channels (1..4) x `nv` vectors. The inputs of a tap are loaded once and pinned in a
 * register, since the compiler would else fold the load into every multiply-add; the multiply-add is written as
 * assembly, since the compiler would else move accumulators about and spill them.
 */
#define PIN(v) __asm__ volatile("" : "+v"(v))
/* clang would unroll by a given count before nv is known, and keep the accumulators in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define INLINE static inline __attribute__((always_inline))

/* Products of nv vectors of inputs and no weights. */
INLINE void multiply(int no, int nv, vec acc[4][NV_MAX], const vec *in, const float *weight)
{
    UNROLL
    for (int j = 0; j < no; j++) {
        vec c = vec_set1(weight[j]);
        PIN(c);
        UNROLL
        for (int v = 0; v < nv; v++)
            vec_fma(acc[j][v], c, in[v]);
    }
}

/* One tap. */
INLINE void tap(int no, int nv, vec acc[4][NV_MAX], const float *src, const float *weight)
{
    vec in[NV_MAX];
    UNROLL
    for (int v = 0; v < nv; v++) {
        in[v] = vec_load(src + v * VW);
        PIN(in[v]);
    }
    multiply(no, nv, acc, in, weight);
}

#ifdef vec_shift
/* Three taps from whole vectors of inputs. */
INLINE void three_taps(int no, int nv, vec acc[4][NV_MAX], const float *src, const float *weight)
{
    vec in[NV_MAX + 1], shifted[NV_MAX];
    UNROLL
    for (int v = 0; v <= nv; v++) {
        in[v] = vec_load(src + v * VW);
        PIN(in[v]);
    }
    multiply(no, nv, acc, in, weight);
    UNROLL
    for (int v = 0; v < nv; v++) {
        shifted[v] = vec_shift(in[v], in[v + 1], 1);
        PIN(shifted[v]);
    }
    multiply(no, nv, acc, shifted, weight + FOVI_CONV_GROUP);
    UNROLL
    for (int v = 0; v < nv; v++) {
        in[v] = vec_shift(in[v], in[v + 1], 2);
        PIN(in[v]);
    }
    multiply(no, nv, acc, in, weight + 2 * FOVI_CONV_GROUP);
}
#endif

/* The k taps of n input channels in one row. */
INLINE void chain(int k, int no, int nv, vec acc[4][NV_MAX], const float *src, ptrdiff_t stride, const float *weight,
                  int n)
{
#ifdef VEC_CHAIN_FULL
    if (k == 3 && no == 4 && nv == NV_MAX) {
        vec_chain_full(acc, src, stride, weight, n);
        return;
    }
#endif
#ifdef vec_shift
    if (k == 3) {
        for (int i = 0; i < n; i++, src += stride, weight += 3 * FOVI_CONV_GROUP)
            three_taps(no, nv, acc, src, weight);
        return;
    }
#endif
    for (int i = 0; i < n; i++, src += stride) {
        UNROLL
        for (int kx = 0; kx < k; kx++, weight += FOVI_CONV_GROUP)
            tap(no, nv, acc, src + kx, weight);
    }
}

/* k, no and nv are constants at every call: the loops over them vanish. */
INLINE void block(int k, int no, int nv, const struct fovi_conv_weights *w, const float *weight,
                  const float *const *rows, ptrdiff_t src_stride, float *dst, ptrdiff_t dst_stride, int o, int x,
                  int tail)
{
    vec acc[4][NV_MAX];
    UNROLL
    for (int j = 0; j < no; j++) {
        UNROLL
        for (int v = 0; v < nv; v++)
            acc[j][v] = vec_set1(w->bias[o + j]);
    }
    for (int ky = 0; ky < k; ky++, weight += w->c_in * k * FOVI_CONV_GROUP)
        chain(k, no, nv, acc, rows[ky] + x - k / 2, src_stride, weight, w->c_in);
    UNROLL
    for (int j = 0; j < no; j++) {
        float *out = dst + (o + j) * dst_stride + x;
        UNROLL
        for (int v = 0; v < nv; v++) {
            vec r = w->slope ? vec_prelu(acc[j][v], w->slope[o + j]) : acc[j][v];
            if (tail && v == nv - 1)
                vec_store_n(out + v * VW, r, tail);
            else
                vec_store(out + v * VW, r);
        }
    }
}

/* All output channels of one block of columns. */
INLINE void columns(int k, int nv, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                    float *dst, ptrdiff_t dst_stride, int x, int tail)
{
    const float *weight = w->packed;
    ptrdiff_t group_size = (ptrdiff_t)k * k * w->c_in * FOVI_CONV_GROUP;
    int o = 0;
    for (; o + 4 <= w->c_out; o += 4, weight += group_size)
        block(k, 4, nv, w, weight, rows, src_stride, dst, dst_stride, o, x, tail);
    switch (w->c_out - o) {
    case 3: block(k, 3, nv, w, weight, rows, src_stride, dst, dst_stride, o, x, tail); break;
    case 2: block(k, 2, nv, w, weight, rows, src_stride, dst, dst_stride, o, x, tail); break;
    case 1: block(k, 1, nv, w, weight, rows, src_stride, dst, dst_stride, o, x, tail); break;
    default: break;
    }
}

INLINE void row(int k, const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
                ptrdiff_t dst_stride, int x0, int x1)
{
    int x = x0;
    for (; x + NV_MAX * VW <= x1; x += NV_MAX * VW)
        columns(k, NV_MAX, w, rows, src_stride, dst, dst_stride, x, 0);
    int left = x1 - x, tail = left % VW;
    switch ((left + VW - 1) / VW) {
#if NV_MAX > 3
    case 5: columns(k, 5, w, rows, src_stride, dst, dst_stride, x, tail); break;
    case 4: columns(k, 4, w, rows, src_stride, dst, dst_stride, x, tail); break;
#endif
    case 3: columns(k, 3, w, rows, src_stride, dst, dst_stride, x, tail); break;
    case 2: columns(k, 2, w, rows, src_stride, dst, dst_stride, x, tail); break;
    case 1: columns(k, 1, w, rows, src_stride, dst, dst_stride, x, tail); break;
    default: break;
    }
}

void CONV_ROW(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
              ptrdiff_t dst_stride, int x0, int x1)
{
    switch (w->k) {
    case 1: row(1, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    case 3: row(3, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    default: row(5, w, rows, src_stride, dst, dst_stride, x0, x1); break;
    }
}
