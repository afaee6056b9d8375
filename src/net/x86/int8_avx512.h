/* SPDX-License-Identifier: BSD-2-Clause
 *
 * int8_template.h with vectors of AVX-512.
 */
#include <immintrin.h>

#include "net/int8_dsp.h"

typedef __m512 vf;
typedef __m512i vi;
#define LV 16
#define vf_load(p) _mm512_loadu_ps(p)
#define vf_set1(x) _mm512_set1_ps(x)
#define vf_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vf_max(a, b) _mm512_max_ps(a, b)
#define vi_load(p) _mm512_loadu_si512(p)
#define vi_store(p, v) _mm512_storeu_si512(p, v)
#define vf_from(v) _mm512_cvtepi32_ps(v)
#define vi_from(v) _mm512_cvtps_epi32(v)
#define vi_bytes(p) _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))

static inline __attribute__((always_inline)) void store_bytes(uint8_t *to, __m512i v, int n)
{
    __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(v, _mm512_setzero_si512()));
    if (n == LV)
        _mm_storeu_si128((__m128i *)(void *)to, bytes);
    else
        _mm_mask_storeu_epi8(to, (__mmask16)((1u << n) - 1u), bytes);
}

/* Packed to bytes the vector has pieces of four channels of the four pixels in turn. */
static inline __attribute__((always_inline)) void store_four(uint8_t *to, ptrdiff_t pitch, const __m512i v[4], int n)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
    __mmask16 mask = (__mmask16)((1u << n) - 1u);
    bytes = _mm512_permutexvar_epi32(order, bytes);
    if (pitch == LV) {
        _mm512_storeu_si512(to, bytes);
        return;
    }
    if (n == LV) {
        _mm_storeu_si128((__m128i *)(void *)to, _mm512_castsi512_si128(bytes));
        _mm_storeu_si128((__m128i *)(void *)(to + pitch), _mm512_extracti32x4_epi32(bytes, 1));
        _mm_storeu_si128((__m128i *)(void *)(to + 2 * pitch), _mm512_extracti32x4_epi32(bytes, 2));
        _mm_storeu_si128((__m128i *)(void *)(to + 3 * pitch), _mm512_extracti32x4_epi32(bytes, 3));
        return;
    }
    _mm_mask_storeu_epi8(to, mask, _mm512_castsi512_si128(bytes));
    _mm_mask_storeu_epi8(to + pitch, mask, _mm512_extracti32x4_epi32(bytes, 1));
    _mm_mask_storeu_epi8(to + 2 * pitch, mask, _mm512_extracti32x4_epi32(bytes, 2));
    _mm_mask_storeu_epi8(to + 3 * pitch, mask, _mm512_extracti32x4_epi32(bytes, 3));
}

/* Whole pieces of x2 and x4; else each row by a store of its own lanes, as if the others stood in front and behind. */
static inline __attribute__((always_inline)) void store_rows(float *const *out, ptrdiff_t at, const __m512 *v, int s,
                                                             int piece, int width)
{
    if (s == 2 && width == piece) {
        _mm256_storeu_ps(out[0] + at, _mm512_castps512_ps256(*v));
        _mm256_storeu_ps(out[1] + at, _mm512_extractf32x8_ps(*v, 1));
    } else if (s == 4 && width == piece) {
        _mm_storeu_ps(out[0] + at, _mm512_castps512_ps128(*v));
        _mm_storeu_ps(out[1] + at, _mm512_extractf32x4_ps(*v, 1));
        _mm_storeu_ps(out[2] + at, _mm512_extractf32x4_ps(*v, 2));
        _mm_storeu_ps(out[3] + at, _mm512_extractf32x4_ps(*v, 3));
    } else {
        for (int sy = 0; sy < s; sy++)
            _mm512_mask_storeu_ps(out[sy] + at - (ptrdiff_t)sy * piece, (__mmask16)(((1u << width) - 1u) << sy * piece),
                                  *v);
    }
}
