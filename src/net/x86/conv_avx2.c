/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution with AVX2 and FMA: 4 output channels x 3 vectors of 8 pixels, 12 accumulators.
 */
#include <immintrin.h>

#include "net/conv_dsp.h"

typedef __m256 vec;
#define VW 8
#define NV_MAX 3
#define CONV_ROW fovi_conv_f32_avx2
#define vec_load(p) _mm256_loadu_ps(p)
#define vec_set1(x) _mm256_set1_ps(x)
#define vec_fma(acc, a, b) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))
#define vec_store(p, v) _mm256_storeu_ps(p, v)

/* All sixteen registers: 12 accumulators, 3 inputs, 1 weight. Compilers spill here, so the tap is written out. */
#define FMA3(a, b, c) \
    "vfmadd231ps %[i0], %[w], %[" a "]\n\tvfmadd231ps %[i1], %[w], %[" b "]\n\tvfmadd231ps %[i2], %[w], %[" c "]\n\t"
/* clang-format off */
#define vec_tap_full(acc, src, weight)                                                                               \
    do {                                                                                                             \
        vec t0, t1, t2, t3;                                                                                          \
        __asm__("vmovups (%[s]), %[i0]\n\tvmovups 32(%[s]), %[i1]\n\tvmovups 64(%[s]), %[i2]\n\t"                    \
                "vbroadcastss (%[p]), %[w]\n\t" FMA3("a", "b", "c")                                                  \
                "vbroadcastss 4(%[p]), %[w]\n\t" FMA3("d", "e", "f")                                                 \
                "vbroadcastss 8(%[p]), %[w]\n\t" FMA3("g", "h", "i")                                                 \
                "vbroadcastss 12(%[p]), %[w]\n\t" FMA3("j", "k", "l")                                                \
                : [a] "+x"(acc[0][0]), [b] "+x"(acc[0][1]), [c] "+x"(acc[0][2]), [d] "+x"(acc[1][0]),                \
                  [e] "+x"(acc[1][1]), [f] "+x"(acc[1][2]), [g] "+x"(acc[2][0]), [h] "+x"(acc[2][1]),                \
                  [i] "+x"(acc[2][2]), [j] "+x"(acc[3][0]), [k] "+x"(acc[3][1]), [l] "+x"(acc[3][2]),                \
                  [i0] "=&x"(t0), [i1] "=&x"(t1), [i2] "=&x"(t2), [w] "=&x"(t3)                                      \
                : [s] "r"(src), [p] "r"(weight)                                                                      \
                : "memory");                                                                                         \
    } while (0)
/* clang-format on */

static inline vec vec_prelu(vec v, float slope)
{
    vec positive = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ);
    return _mm256_blendv_ps(_mm256_mul_ps(v, _mm256_set1_ps(slope)), v, positive);
}

static inline void vec_store_n(float *p, vec v, int n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane), v);
}

#include "net/x86/conv_template.h"
