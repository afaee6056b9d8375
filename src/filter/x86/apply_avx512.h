/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The filter for AVX-512, with VNNI where that is compiled for: a row of the window lies four times in a vector and is
 * multiplied with that row of four outputs' filters, one load for each (loads bound it); what comes together is summed
 * across by a tree of shuffles for sixteen outputs at a time. The including file defines APPLY(scale), the names.
 */
#include <immintrin.h>

#include "filter/filter_dsp.h"

#define INLINE static inline __attribute__((always_inline))

#define ROWS FOVI_FILTER_TAPS
#define LANES FOVI_FILTER_LANES
#define LEFT (FOVI_FILTER_TAPS / 2)

/* sum + products of neighbours added up: whole numbers, so that both ways give the same. */
INLINE __m512i add_products(__m512i sum, __m512i a, __m512i b)
{
#ifdef __AVX512VNNI__
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
}

/* Sums of n times four outputs of one pixel, each as four parts. */
INLINE void chains(const int16_t *const rows[ROWS], int x, const int16_t *w, int n, __m512i *sum)
{
    for (int r = 0; r < ROWS; r++) {
        __m512i pixels = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(rows[r] + x - LEFT)));
        for (int i = 0; i < n; i++) {
            __m512i taps = _mm512_load_si512(w + (r * n + i) * 4 * LANES);
            sum[i] = r ? add_products(sum[i], taps, pixels) : _mm512_madd_epi16(taps, pixels);
        }
    }
}

/* The parts of four vectors of four outputs summed: output o of c[i] comes to 4 o + i. */
INLINE __m512i sum_across(__m512i c0, __m512i c1, __m512i c2, __m512i c3)
{
    __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(c0, c1), _mm512_unpackhi_epi32(c0, c1));
    __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(c2, c3), _mm512_unpackhi_epi32(c2, c3));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

INLINE __m512 to_levels(__m512i sums, __m512 unit)
{
    return _mm512_mul_ps(_mm512_cvtepi32_ps(sums), unit);
}

INLINE const int16_t *filter_of(const int16_t *coef, int class_number, int n_columns)
{
    return coef + (ptrdiff_t)class_number * (ROWS * LANES * n_columns);
}

/* Pixels x .. x + n - 1, n <= 4, by 2. */
INLINE void apply2_some(const int16_t *const rows[ROWS], const int16_t *coef, __m512 unit, const int32_t *classes,
                        int x, int n, float *const *out)
{
    const __m512i by_row = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    __m512i c[4];
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) {
        int at = p < n ? x + p : x;
        chains(rows, at, filter_of(coef, classes[at], 4), 1, c + p);
    }
    __m512i sums = _mm512_permutexvar_epi32(by_row, sum_across(c[0], c[1], c[2], c[3]));
    __m512 levels = to_levels(sums, unit);
    __mmask8 m = (__mmask8)((1u << (2 * n)) - 1);
    if (n == 4) {
        _mm256_storeu_ps(out[0] + 2 * x, _mm512_castps512_ps256(levels));
        _mm256_storeu_ps(out[1] + 2 * x, _mm512_extractf32x8_ps(levels, 1));
    } else {
        _mm256_mask_storeu_ps(out[0] + 2 * x, m, _mm512_castps512_ps256(levels));
        _mm256_mask_storeu_ps(out[1] + 2 * x, m, _mm512_extractf32x8_ps(levels, 1));
    }
}

void APPLY(2)(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes, int x0, int x1,
              float *const *out)
{
    int x = x0;
    for (; x + 4 <= x1; x += 4)
        apply2_some(rows, coef, _mm512_set1_ps(unit), classes, x, 4, out);
    if (x < x1)
        apply2_some(rows, coef, _mm512_set1_ps(unit), classes, x, x1 - x, out);
}

/* Pixels x .. x + n - 1, n <= 4, by 3. */
INLINE void apply3_some(const int16_t *const rows[ROWS], const int16_t *coef, __m512 unit, const int32_t *classes,
                        int x, int n, float *const *out)
{
    const __m512i row0 = _mm512_setr_epi32(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 0, 0, 0, 0);
    const __m512i row1 = _mm512_setr_epi32(12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23, 0, 0, 0, 0);
    const __m512i row2 = _mm512_setr_epi32(8, 12, 16, 9, 13, 17, 10, 14, 18, 11, 15, 19, 0, 0, 0, 0);
    const __mmask16 m = (__mmask16)((1u << (3 * n)) - 1);
    __m512i c[4][3];
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) {
        int at = p < n ? x + p : x;
        chains(rows, at, filter_of(coef, classes[at], 12), 3, c[p]);
    }
    __m512i s[3];
    for (int i = 0; i < 3; i++)
        s[i] = sum_across(c[0][i], c[1][i], c[2][i], c[3][i]);
    s[2] = _mm512_permutex2var_epi32(s[1], row2, s[2]);
    s[1] = _mm512_permutex2var_epi32(s[0], row1, s[1]);
    s[0] = _mm512_permutexvar_epi32(row0, s[0]);
    for (int i = 0; i < 3; i++)
        _mm512_mask_storeu_ps(out[i] + 3 * x, m, to_levels(s[i], unit));
}

void APPLY(3)(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes, int x0, int x1,
              float *const *out)
{
    int x = x0;
    for (; x + 4 <= x1; x += 4)
        apply3_some(rows, coef, _mm512_set1_ps(unit), classes, x, 4, out);
    if (x < x1)
        apply3_some(rows, coef, _mm512_set1_ps(unit), classes, x, x1 - x, out);
}

void APPLY(4)(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes, int x0, int x1,
              float *const *out)
{
    const __m512i by_row = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int x = x0; x < x1; x++) {
        __m512i c[4];
        chains(rows, x, filter_of(coef, classes[x], 16), 4, c);
        __m512i sums = _mm512_permutexvar_epi32(by_row, sum_across(c[0], c[1], c[2], c[3]));
        __m512 levels = to_levels(sums, _mm512_set1_ps(unit));
        _mm_storeu_ps(out[0] + 4 * x, _mm512_castps512_ps128(levels));
        _mm_storeu_ps(out[1] + 4 * x, _mm512_extractf32x4_ps(levels, 1));
        _mm_storeu_ps(out[2] + 4 * x, _mm512_extractf32x4_ps(levels, 2));
        _mm_storeu_ps(out[3] + 4 * x, _mm512_extractf32x4_ps(levels, 3));
    }
}
