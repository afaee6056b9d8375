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
#define CONV_QUAD fovi_conv_quad_f32_avx2
#define vec_load(p) _mm256_loadu_ps(p)
#define vec_set1(x) _mm256_set1_ps(x)
#define vec_fma(acc, a, b) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))
#define vec_store(p, v) _mm256_storeu_ps(p, v)
#define vec_zero() _mm256_setzero_ps()
#define vec_add(a, b) _mm256_add_ps(a, b)
#define vec_sub(a, b) _mm256_sub_ps(a, b)
#define vec_mul_add(a, b, c) _mm256_fmadd_ps(a, b, c)

/* All sixteen registers: 12 accumulators, 3 inputs, 1 weight. Compilers spill here, so the loop over the input
 * channels, three taps each, is written out. n >= 1 channels, stride floats from one to the next. */
#define FMA3(a, b, c)                            \
    "vfmadd231ps %%ymm12, %%ymm15, %[" a "]\n\t" \
    "vfmadd231ps %%ymm13, %%ymm15, %[" b "]\n\t" \
    "vfmadd231ps %%ymm14, %%ymm15, %[" c "]\n\t"
#define WEIGHT(at) "vbroadcastss " at "(%[p]), %%ymm15\n\t"
#define TAP(s, p)                                                                                          \
    "vmovups " s "(%[s]), %%ymm12\n\t"                                                                     \
    "vmovups " s "+32(%[s]), %%ymm13\n\t"                                                                  \
    "vmovups " s "+64(%[s]), %%ymm14\n\t" WEIGHT(p) FMA3("a", "b", "c") WEIGHT(p "+4") FMA3("d", "e", "f") \
        WEIGHT(p "+8") FMA3("g", "h", "i") WEIGHT(p "+12") FMA3("j", "k", "l")
static inline __attribute__((always_inline)) void vec_chain_full(vec acc[4][NV_MAX], const float *src, ptrdiff_t stride,
                                                                 const float *weight, int n)
{
    const float *end = src + n * stride;
    __asm__("1:\n\t" TAP("0", "0") TAP("4", "16")
                TAP("8", "32") "add %[step], %[s]\n\tadd $48, %[p]\n\tcmp %[end], %[s]\n\tjne 1b"
            : [a] "+x"(acc[0][0]), [b] "+x"(acc[0][1]), [c] "+x"(acc[0][2]), [d] "+x"(acc[1][0]), [e] "+x"(acc[1][1]),
              [f] "+x"(acc[1][2]), [g] "+x"(acc[2][0]), [h] "+x"(acc[2][1]), [i] "+x"(acc[2][2]), [j] "+x"(acc[3][0]),
              [k] "+x"(acc[3][1]), [l] "+x"(acc[3][2]), [s] "+r"(src), [p] "+r"(weight)
            : [step] "r"(stride * 4), [end] "r"(end)
            : "memory", "cc", "xmm12", "xmm13", "xmm14", "xmm15");
}
#define VEC_CHAIN_FULL

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
#include "net/x86/quad_template.h"
