/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum with AVX2 and FMA.
 */
#include <immintrin.h>

#include "net/gate_dsp.h"

static inline __m256 sigmoid(__m256 o)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
    __m256 v = _mm256_or_ps(_mm256_min_ps(_mm256_andnot_ps(sign, o), _mm256_set1_ps(FOVI_GATE_MOST)), sign);
    __m256 n = _mm256_fmadd_ps(v, _mm256_set1_ps(FOVI_GATE_LOG2E), _mm256_set1_ps(FOVI_GATE_ROUND));
    __m256i power = _mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(n), 23), _mm256_set1_epi32(127 << 23));
    n = _mm256_sub_ps(n, _mm256_set1_ps(FOVI_GATE_ROUND));
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-FOVI_GATE_LN2_HIGH), v);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(-FOVI_GATE_LN2_LOW), r);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(FOVI_GATE_C6), r, _mm256_set1_ps(FOVI_GATE_C5));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FOVI_GATE_C4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(FOVI_GATE_C3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);
    __m256 e = _mm256_mul_ps(_mm256_castsi256_ps(power), p);
    __m256 g = _mm256_div_ps(_mm256_sub_ps(one, e), _mm256_fmadd_ps(two, e, two));
    return _mm256_or_ps(_mm256_andnot_ps(sign, g), _mm256_and_ps(sign, o));
}

static inline __m256 gate(__m256 o, __m256 x)
{
    return _mm256_mul_ps(_mm256_add_ps(o, x), sigmoid(o));
}

void fovi_gate_f32_avx2(const float *o, const float *x, float *dst, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, gate(_mm256_loadu_ps(o + i), _mm256_loadu_ps(x + i)));
    if (i < n) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n - i)), lane);
        _mm256_maskstore_ps(dst + i, mask, gate(_mm256_maskload_ps(o + i, mask), _mm256_maskload_ps(x + i, mask)));
    }
}
