/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution with AVX-512: 4 output channels x 5 vectors of 16 pixels, 20 accumulators.
 */
#include <immintrin.h>

#include "net/conv_dsp.h"

typedef __m512 vec;
#define VW 16
#define NV_MAX 5
#define CONV_ROW fovi_conv_f32_avx512
#define CONV_QUAD fovi_conv_quad_f32_avx512
#define vec_load(p) _mm512_loadu_ps(p)
#define vec_set1(x) _mm512_set1_ps(x)
#define vec_fma(acc, a, b) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))
#define vec_store(p, v) _mm512_storeu_ps(p, v)
#define vec_zero() _mm512_setzero_ps()
#define vec_add(a, b) _mm512_add_ps(a, b)
#define vec_sub(a, b) _mm512_sub_ps(a, b)
#define vec_mul_add(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vec_store_n(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1u), v)

static inline vec vec_prelu(vec v, float slope)
{
    __mmask16 positive = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mask_blend_ps(positive, _mm512_mul_ps(v, _mm512_set1_ps(slope)), v);
}

#include "net/x86/conv_template.h"
#include "net/x86/quad_template.h"
