/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of 3x3 convolution weights with AVX2: 4 output channels x 3 taps of a row, 12 accumulators; 1x1 and what is
 * left over go one by one.
 */
#include <immintrin.h>

#include "wgrad.h"

static float sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Four outputs, the three taps of one kernel row. Written as assembly, loop and all, since all sixteen registers are in
 * use and compilers spill. */
static void row_of_four(const float *x, const float *dy, ptrdiff_t stride, int n, float *grad, ptrdiff_t grad_stride)
{
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
        grad[m / 3 * grad_stride + m % 3] += sums[m];
}

static float dot(const float *a, const float *b, int n)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0;
    int p = 0;
    for (; p + 16 <= n; p += 16) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + p), _mm256_loadu_ps(b + p), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + p + 8), _mm256_loadu_ps(b + p + 8), s1);
    }
    if (p < n)
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + p), _mm256_loadu_ps(b + p), s0);
    return sum8(_mm256_add_ps(s0, s1));
}

void train_wgrad_f32_avx2(int k, int c_in, int c_out, const float *x, const float *dy, ptrdiff_t stride,
                          ptrdiff_t pitch, int n, float *grad)
{
    int o = 0;
    for (; k == 3 && o + 4 <= c_out; o += 4) /* outermost, so that four planes of dy stay in the cache */
        for (int i = 0; i < c_in; i++)
            for (int ky = 0; ky < 3; ky++)
                row_of_four(x + i * stride + (ky - 1) * pitch, dy + o * stride, stride, n,
                            grad + (o * c_in + i) * 9 + ky * 3, (ptrdiff_t)c_in * 9);
    for (; o < c_out; o++)
        for (int i = 0; i < c_in; i++)
            for (int t = 0; t < k * k; t++)
                grad[(o * c_in + i) * k * k + t] += dot(dy + o * stride,
                                                        x + i * stride + (t / k - k / 2) * pitch + t % k - k / 2, n);
}
