/* SPDX-License-Identifier: BSD-2-Clause
 *
 * int8_template.h with vectors of AVX2.
 */
#include <immintrin.h>

#include "net/int8_dsp.h"

typedef __m256 vf;
typedef __m256i vi;
#define LV 8
#define vf_load(p) _mm256_loadu_ps(p)
#define vf_set1(x) _mm256_set1_ps(x)
#define vf_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vf_max(a, b) _mm256_max_ps(a, b)
#define vi_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vi_store(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define vf_from(v) _mm256_cvtepi32_ps(v)
#define vi_from(v) _mm256_cvtps_epi32(v)
#define vi_bytes(p) _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p)))

static inline __attribute__((always_inline)) void store_bytes(uint8_t *to, __m256i v, int n)
{
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i bytes = _mm_packus_epi16(words, words);
    if (n == LV)
        _mm_storel_epi64((__m128i *)(void *)to, bytes);
    else
        _mm_storeu_si32(to, bytes);
}

static inline __attribute__((always_inline)) void store_four(uint8_t *to, ptrdiff_t pitch, const __m256i v[4], int n)
{
    for (int p = 0; p < 4; p++)
        store_bytes(to + p * pitch, v[p], n);
}

static inline __attribute__((always_inline)) void store_rows(float *const *out, ptrdiff_t at, const __m256 *v, int s,
                                                             int piece, int width)
{
    float lanes[FOVI_INT8_LANES + LV] = { 0 };
    const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(width), number);
    _mm256_storeu_ps(lanes, v[0]);
    _mm256_storeu_ps(lanes + LV, v[1]);
    for (int sy = 0; sy < s; sy++)
        _mm256_maskstore_ps(out[sy] + at, mask, _mm256_loadu_ps(lanes + sy * piece));
}
