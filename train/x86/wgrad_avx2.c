/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of convolution weights with AVX2: 4 output channels x 3 taps of a row, 12 accumulators.
 */
#include <immintrin.h>
#include <string.h>

#include "wgrad.h"

typedef __m256 vec;
#define VW 8
#define NI 1
#define WGRAD train_wgrad_f32_avx2
#define vec_load(p) _mm256_loadu_ps(p)
#define vec_store(p, v) _mm256_storeu_ps(p, v)
#define vec_zero() _mm256_setzero_ps()
#define vec_set1(x) _mm256_set1_ps(x)
#define vec_add(a, b) _mm256_add_ps(a, b)
#define vec_sub(a, b) _mm256_sub_ps(a, b)
#define vec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vec_sum(v) sum8(v)

static float sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Four outputs, the three taps. Written as assembly, loop and all, since all sixteen registers are in
 * use and compilers spill. */
static void dots(const float *x, ptrdiff_t x_stride, const float *dy, ptrdiff_t stride, int n, float *out,
                 ptrdiff_t out_stride)
{
    (void)x_stride; /* one input channel */
    __m256 a, b, c, d, e, f, g, h, i, j, k, l;
    const float *dy2 = dy + 2 * stride, *end = x + n;
#define FMA3(u, v, w)                                                                      \
    "vfmadd231ps %%ymm12, %%ymm15, %[" u "]\n\tvfmadd231ps %%ymm13, %%ymm15, %[" v "]\n\t" \
    "vfmadd231ps %%ymm14, %%ymm15, %[" w "]\n\t"
#define ZERO(u) "vxorps %[" u "], %[" u "], %[" u "]\n\t"
    /* clang-format off */
    __asm__(ZERO("a") ZERO("b") ZERO("c") ZERO("d") ZERO("e") ZERO("f")
            ZERO("g") ZERO("h") ZERO("i") ZERO("j") ZERO("k") ZERO("l")
            "1:\n\t"
            "vmovups -4(%[x]), %%ymm12\n\tvmovups (%[x]), %%ymm13\n\tvmovups 4(%[x]), %%ymm14\n\t"
            "vmovups (%[dy]), %%ymm15\n\t" FMA3("a", "b", "c")
            "vmovups (%[dy],%[t],4), %%ymm15\n\t" FMA3("d", "e", "f")
            "vmovups (%[dy2]), %%ymm15\n\t" FMA3("g", "h", "i")
            "vmovups (%[dy2],%[t],4), %%ymm15\n\t" FMA3("j", "k", "l")
            "add $32, %[x]\n\tadd $32, %[dy]\n\tadd $32, %[dy2]\n\t"
            "cmp %[end], %[x]\n\tjb 1b\n\t"
            : [a] "=&x"(a), [b] "=&x"(b), [c] "=&x"(c), [d] "=&x"(d), [e] "=&x"(e), [f] "=&x"(f),
              [g] "=&x"(g), [h] "=&x"(h), [i] "=&x"(i), [j] "=&x"(j), [k] "=&x"(k), [l] "=&x"(l),
              [x] "+r"(x), [dy] "+r"(dy), [dy2] "+r"(dy2)
            : [t] "r"(stride), [end] "r"(end)
            : "memory", "cc", "xmm12", "xmm13", "xmm14", "xmm15");
    /* clang-format on */
#undef FMA3
#undef ZERO
    const float sums[12] = { sum8(a), sum8(b), sum8(c), sum8(d), sum8(e), sum8(f),
                             sum8(g), sum8(h), sum8(i), sum8(j), sum8(k), sum8(l) };
    for (int m = 0; m < 12; m++)
        out[m / 3 * out_stride + m % 3] = sums[m];
}

#include "wgrad_template.h"
