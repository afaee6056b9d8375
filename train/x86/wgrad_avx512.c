/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of convolution weights with AVX-512: 4 output channels x 2 input channels x 3 taps, 24 accumulators.
 */
#include <immintrin.h>
#include <string.h>

#include "wgrad.h"

typedef __m512 vec;
#define VW 16
#define NI 2
#define WGRAD train_wgrad_f32_avx512
#define vec_load(p) _mm512_loadu_ps(p)
#define vec_store(p, v) _mm512_storeu_ps(p, v)
#define vec_zero() _mm512_setzero_ps()
#define vec_set1(x) _mm512_set1_ps(x)
#define vec_add(a, b) _mm512_add_ps(a, b)
#define vec_sub(a, b) _mm512_sub_ps(a, b)
#define vec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vec_sum(v) _mm512_reduce_add_ps(v)

/* Sums of the lanes of two vectors, pairwise, in the order that the next step wants. */
static inline __m512 fold(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
}

static inline __m512 fold_pairs(__m512 a, __m512 b)
{
    __m512d c = _mm512_castps_pd(a), d = _mm512_castps_pd(b);
    return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(c, d)), _mm512_castpd_ps(_mm512_unpackhi_pd(c, d)));
}

/* Sums of the lanes of eight vectors. */
static inline __m256 sum_eight(__m512 a, __m512 b, __m512 c, __m512 d, __m512 e, __m512 f, __m512 g, __m512 h)
{
    __m512 u = fold_pairs(fold(a, b), fold(c, d)), v = fold_pairs(fold(e, f), fold(g, h));
    __m512 s = _mm512_add_ps(_mm512_shuffle_f32x4(u, v, 0x88), _mm512_shuffle_f32x4(u, v, 0xdd));
    return _mm512_castps512_ps256(_mm512_add_ps(_mm512_shuffle_f32x4(s, s, 0x08), _mm512_shuffle_f32x4(s, s, 0x0d)));
}

#define FMA(acc, a, b) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))
#define PIN(v) __asm__ volatile("" : "+v"(v))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

/* All loops but that over the pixels vanish, so that the accumulators stay in registers. */
static void dots(const float *x, ptrdiff_t x_stride, const float *dy, ptrdiff_t dy_stride, int n, float *out,
                 ptrdiff_t out_stride)
{
    __m512 s[24]; /* [o][i][kx] */
    UNROLL
    for (int t = 0; t < 24; t++)
        s[t] = _mm512_setzero_ps();
    for (int p = 0; p < n; p += 16) {
        __m512 in[6];
        UNROLL
        for (int t = 0; t < 6; t++) {
            in[t] = _mm512_loadu_ps(x + t / 3 * x_stride + p + t % 3 - 1);
            PIN(in[t]);
        }
        UNROLL
        for (int o = 0; o < 4; o++) {
            __m512 d = _mm512_loadu_ps(dy + o * dy_stride + p);
            PIN(d);
            UNROLL
            for (int t = 0; t < 6; t++)
                FMA(s[6 * o + t], d, in[t]);
        }
    }
    float sums[24];
    _mm256_storeu_ps(sums, sum_eight(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]));
    _mm256_storeu_ps(sums + 8, sum_eight(s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]));
    _mm256_storeu_ps(sums + 16, sum_eight(s[16], s[17], s[18], s[19], s[20], s[21], s[22], s[23]));
    for (int o = 0; o < 4; o++)
        memcpy(out + o * out_stride, sums + 6 * o, 6 * sizeof *out);
}

#include "wgrad_template.h"
