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
#define vec_shift(a, b, n) _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), n))
#define vec_set1(x) _mm512_set1_ps(x)
#define vec_fma(acc, a, b) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))
#define vec_store(p, v) _mm512_storeu_ps(p, v)
#define vec_zero() _mm512_setzero_ps()
#define vec_add(a, b) _mm512_add_ps(a, b)
#define vec_sub(a, b) _mm512_sub_ps(a, b)
#define vec_mul_add(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vec_store_n(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1u), v)

/* All registers: 20 accumulators (0..19), 6 inputs, 5 shifted ones, a weight. Compilers spill here, so the loop over
 * the input channels, three taps each, is written out; an asm statement takes no 20 operands that it changes, so they
 * come from memory and go back. n >= 1 channels, stride floats from one to the next. */
#define TEXT(x) #x
#define ZMM(n) "%%zmm" TEXT(n)
#define FMA(sum, in) "vfmadd231ps " ZMM(in) ", %%zmm31, " ZMM(sum) "\n\t"
#define OUTPUT(weight, a, b, c, d, e, p, q, r, s, t) \
    "vbroadcastss " TEXT(weight) "(%[p]), %%zmm31\n\t" FMA(a, p) FMA(b, q) FMA(c, r) FMA(d, s) FMA(e, t)
#define OUTPUT_0(weight, ...) OUTPUT(weight, 0, 1, 2, 3, 4, __VA_ARGS__)
#define OUTPUT_1(weight, ...) OUTPUT(weight, 5, 6, 7, 8, 9, __VA_ARGS__)
#define OUTPUT_2(weight, ...) OUTPUT(weight, 10, 11, 12, 13, 14, __VA_ARGS__)
#define OUTPUT_3(weight, ...) OUTPUT(weight, 15, 16, 17, 18, 19, __VA_ARGS__)
#define TAP(w0, w1, w2, w3, ...) \
    OUTPUT_0(w0, __VA_ARGS__) OUTPUT_1(w1, __VA_ARGS__) OUTPUT_2(w2, __VA_ARGS__) OUTPUT_3(w3, __VA_ARGS__)
#define SHIFT(n, a, b, to) "valignd $" TEXT(n) ", " ZMM(a) ", " ZMM(b) ", " ZMM(to) "\n\t"
#define INPUT(at, to) "vmovups " TEXT(at) "(%[s]), " ZMM(to) "\n\t"
#define INPUTS INPUT(0, 20) INPUT(64, 21) INPUT(128, 22) INPUT(192, 23) INPUT(256, 24) INPUT(320, 25)
#define SHIFT_1 SHIFT(1, 20, 21, 26) SHIFT(1, 21, 22, 27) SHIFT(1, 22, 23, 28) SHIFT(1, 23, 24, 29) SHIFT(1, 24, 25, 30)
#define SHIFT_2 SHIFT(2, 20, 21, 20) SHIFT(2, 21, 22, 21) SHIFT(2, 22, 23, 22) SHIFT(2, 23, 24, 23) SHIFT(2, 24, 25, 24)
#define TAP_0 TAP(0, 4, 8, 12, 20, 21, 22, 23, 24)
#define TAP_1 TAP(16, 20, 24, 28, 26, 27, 28, 29, 30)
#define TAP_2 TAP(32, 36, 40, 44, 20, 21, 22, 23, 24)
#define SUM_LOAD(at, n) "vmovups " TEXT(at) "(%[acc]), " ZMM(n) "\n\t"
#define SUM_STORE(at, n) "vmovups " ZMM(n) ", " TEXT(at) "(%[acc])\n\t"
/* The text is for the assembler, which knows no limit of 4095 characters. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
#define SUMS(op)                                                                                                       \
    op(0, 0) op(64, 1) op(128, 2) op(192, 3) op(256, 4) op(320, 5) op(384, 6) op(448, 7) op(512, 8) op(576, 9)         \
        op(640, 10) op(704, 11) op(768, 12) op(832, 13) op(896, 14) op(960, 15) op(1024, 16) op(1088, 17) op(1152, 18) \
            op(1216, 19)
static inline __attribute__((always_inline)) void vec_quad_full(vec acc[4][NV_MAX], const float *src, ptrdiff_t stride,
                                                                const float *weight, int n)
{
    const float *end = src + n * stride;
    __asm__ volatile(
        SUMS(SUM_LOAD) "1:\n\t" INPUTS TAP_0 SHIFT_1 TAP_1 SHIFT_2 TAP_2
                       "add %[step], %[s]\n\tadd $48, %[p]\n\tcmp %[end], %[s]\n\tjne 1b\n\t" SUMS(SUM_STORE)
        : [s] "+r"(src), [p] "+r"(weight)
        : [acc] "r"(acc), [step] "r"(stride * 4), [end] "r"(end)
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
          "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}
#define VEC_QUAD_FULL

static inline vec vec_prelu(vec v, float slope)
{
    __mmask16 positive = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mask_blend_ps(positive, _mm512_mul_ps(v, _mm512_set1_ps(slope)), v);
}

#include "net/x86/conv_template.h"
#include "net/x86/quad_template.h"
