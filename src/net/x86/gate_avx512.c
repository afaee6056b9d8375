/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum with AVX-512.
 */
#include <immintrin.h>

#include "net/gate_dsp.h"

static inline __m512 sigmoid(__m512 o)
{
    const __m512 sign = _mm512_set1_ps(-0.0f), one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
    __m512 v = _mm512_or_ps(_mm512_min_ps(_mm512_andnot_ps(sign, o), _mm512_set1_ps(FOVI_GATE_MOST)), sign);
    __m512 n = _mm512_fmadd_ps(v, _mm512_set1_ps(FOVI_GATE_LOG2E), _mm512_set1_ps(FOVI_GATE_ROUND));
    __m512i power = _mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(n), 23), _mm512_set1_epi32(127 << 23));
    n = _mm512_sub_ps(n, _mm512_set1_ps(FOVI_GATE_ROUND));
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-FOVI_GATE_LN2_HIGH), v);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-FOVI_GATE_LN2_LOW), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(FOVI_GATE_C6), r, _mm512_set1_ps(FOVI_GATE_C5));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(FOVI_GATE_C4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(FOVI_GATE_C3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    __m512 e = _mm512_mul_ps(_mm512_castsi512_ps(power), p);
    __m512 g = _mm512_div_ps(_mm512_sub_ps(one, e), _mm512_fmadd_ps(two, e, two));
    return _mm512_or_ps(_mm512_andnot_ps(sign, g), _mm512_and_ps(sign, o));
}

static inline __m512 gate(__m512 o, __m512 x)
{
    return _mm512_mul_ps(_mm512_add_ps(o, x), sigmoid(o));
}

void fovi_gate_f32_avx512(const float *o, const float *x, float *dst, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(dst + i, gate(_mm512_loadu_ps(o + i), _mm512_loadu_ps(x + i)));
    if (i < n) {
        __mmask16 mask = (__mmask16)((1u << (n - i)) - 1u);
        _mm512_mask_storeu_ps(dst + i, mask,
                              gate(_mm512_maskz_loadu_ps(mask, o + i), _mm512_maskz_loadu_ps(mask, x + i)));
    }
}
