/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples to planes and back for AVX-512, 16 pixels at a time. What interleaves 1, 3 or 4 bytes or 1 or 3 words is made
 * by shuffles; other numbers of channels go through the reference.
 */
#include <immintrin.h>
#include <stddef.h>

#include "image/convert_dsp.h"

enum { WIDE = 16 };
#define INLINE static inline __attribute__((always_inline))

/* The first n of 16. */
INLINE __mmask16 first(int n)
{
    return n >= WIDE ? 0xffff : (__mmask16)((1u << n) - 1);
}

/* The first n of 64. */
INLINE __mmask64 first_bytes(int n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

/* ---- loading ---- */

void load_u8_avx512(const uint8_t *src, int n_channels, int n, float *const *planes)
{
    /* Three channels: twelve bytes, four pixels, to each quarter; then a byte to each dword. */
    const __m512i spread = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    const __m512i bytes = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
    const __m512i ones = _mm512_broadcast_i32x4(_mm_setr_epi8(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0));
    if (n_channels != 1 && n_channels != 3 && n_channels != 4) {
        load_u8_c(src, n_channels, n, planes);
        return;
    }
    for (int x = 0; x < n; x += WIDE, src += WIDE * n_channels) {
        const __mmask16 m = first(n - x);
        if (n_channels == 1) {
            __m512i v = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(m, src));
            _mm512_mask_storeu_ps(planes[0] + x, m, _mm512_cvtepi32_ps(v));
            continue;
        }
        int left = (n - x < WIDE ? n - x : WIDE) * n_channels;
        __m512i v = _mm512_maskz_loadu_epi8(first_bytes(left), src), which = bytes;
        if (n_channels == 3)
            v = _mm512_permutexvar_epi32(spread, v);
        for (int c = 0; c < n_channels; c++) {
            __m512i level;
            if (n_channels == 3) {
                level = _mm512_shuffle_epi8(v, which);
                which = _mm512_add_epi8(which, ones);
            } else {
                level = _mm512_and_si512(_mm512_srli_epi32(v, (unsigned)(8 * c)), _mm512_set1_epi32(255));
            }
            _mm512_mask_storeu_ps(planes[c] + x, m, _mm512_cvtepi32_ps(level));
        }
    }
}

INLINE void store_level(float *plane, __mmask16 m, __m512i v)
{
    _mm512_mask_storeu_ps(plane, m, _mm512_div_ps(_mm512_cvtepi32_ps(v), _mm512_set1_ps(STEPS_U16)));
}

void load_u16_avx512(const uint16_t *src, int n_channels, int n, float *const *planes)
{
    /* Three channels: word 3 i + c of two vectors to dword i. The odd words of the index do not count. */
    const __m512i thirds = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    if (n_channels != 1 && n_channels != 3) {
        load_u16_c(src, n_channels, n, planes);
        return;
    }
    for (int x = 0; x < n; x += WIDE, src += WIDE * n_channels) {
        const __mmask16 m = first(n - x);
        if (n_channels == 1) {
            store_level(planes[0] + x, m, _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, src)));
            continue;
        }
        int left = (n - x < WIDE ? n - x : WIDE) * 3;
        __m512i low = _mm512_maskz_loadu_epi16((__mmask32)first_bytes(left < 32 ? left : 32), src);
        __m512i high = _mm512_maskz_loadu_epi16((__mmask32)first_bytes(left > 32 ? left - 32 : 0), src + 32);
        for (int c = 0; c < 3; c++) {
            __m512i index = _mm512_add_epi32(thirds, _mm512_set1_epi32(c));
            store_level(planes[c] + x, m, _mm512_maskz_permutex2var_epi16(0x55555555, low, index, high));
        }
    }
}

/* ---- storing ---- */

/* A maximum or minimum gives its second operand where the first is no number. */
INLINE __m512i rounded(__m512 v, float top)
{
    v = _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), _mm512_set1_ps(top));
    return _mm512_cvttps_epi32(_mm512_add_ps(v, _mm512_set1_ps(0.5f)));
}

INLINE __m512i bytes_of(const float *plane, __mmask16 m)
{
    return rounded(_mm512_maskz_loadu_ps(m, plane), 255.0f);
}

INLINE __m512i words_of(const float *plane, __mmask16 m)
{
    return rounded(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, plane), _mm512_set1_ps(STEPS_U16)), 65535.0f);
}

static void store_grey_u8(const float *plane, int n, uint8_t *dst)
{
    const __m512i in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    int x = 0;
    for (; x + 4 * WIDE <= n; x += 4 * WIDE) {
        __m512i a = _mm512_packus_epi32(bytes_of(plane + x, 0xffff), bytes_of(plane + x + 16, 0xffff));
        __m512i b = _mm512_packus_epi32(bytes_of(plane + x + 32, 0xffff), bytes_of(plane + x + 48, 0xffff));
        _mm512_storeu_si512(dst + x, _mm512_permutexvar_epi32(in_order, _mm512_packus_epi16(a, b)));
    }
    for (; x < n; x += WIDE)
        _mm_mask_storeu_epi8(dst + x, first(n - x), _mm512_cvtepi32_epi8(bytes_of(plane + x, first(n - x))));
}

void store_u8_avx512(const float *const *planes, int n_channels, int n, uint8_t *dst)
{
    const __m512i close = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    const __m512i triples = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    if (n_channels == 1) {
        store_grey_u8(planes[0], n, dst);
        return;
    }
    if (n_channels != 3 && n_channels != 4) {
        store_u8_c(planes, n_channels, n, dst);
        return;
    }
    for (int x = 0; x < n; x += WIDE, dst += WIDE * n_channels) {
        const __mmask16 m = first(n - x);
        __m512i v = bytes_of(planes[0] + x, m);
        v = _mm512_or_si512(v, _mm512_slli_epi32(bytes_of(planes[1] + x, m), 8));
        v = _mm512_or_si512(v, _mm512_slli_epi32(bytes_of(planes[2] + x, m), 16));
        if (n_channels == 4)
            v = _mm512_or_si512(v, _mm512_slli_epi32(bytes_of(planes[3] + x, m), 24));
        else
            v = _mm512_permutexvar_epi32(close, _mm512_shuffle_epi8(v, triples));
        _mm512_mask_storeu_epi8(dst, first_bytes((n - x < WIDE ? n - x : WIDE) * n_channels), v);
    }
}

void store_u16_avx512(const float *const *planes, int n_channels, int n, uint16_t *dst)
{
    static const uint16_t places[2][32] __attribute__((aligned(64))) = {
        /* words 2 i, 2 i + 1 of the first vector hold red and green of pixel i, word 32 + 2 i of the second blue */
        { 0,  1,  32, 2,  3,  34, 4,  5,  36, 6,  7,  38, 8,  9,  40, 10,
          11, 42, 12, 13, 44, 14, 15, 46, 16, 17, 48, 18, 19, 50, 20, 21 },
        { 52, 22, 23, 54, 24, 25, 56, 26, 27, 58, 28, 29, 60, 30, 31, 62 },
    };
    if (n_channels != 1 && n_channels != 3) {
        store_u16_c(planes, n_channels, n, dst);
        return;
    }
    for (int x = 0; x < n; x += WIDE, dst += WIDE * n_channels) {
        const __mmask16 m = first(n - x);
        __m512i red = words_of(planes[0] + x, m);
        if (n_channels == 1) {
            _mm256_mask_storeu_epi16(dst, m, _mm512_cvtepi32_epi16(red));
            continue;
        }
        __m512i both = _mm512_or_si512(red, _mm512_slli_epi32(words_of(planes[1] + x, m), 16));
        __m512i blue = words_of(planes[2] + x, m);
        int left = (n - x < WIDE ? n - x : WIDE) * 3;
        _mm512_mask_storeu_epi16(dst, (__mmask32)first_bytes(left < 32 ? left : 32),
                                 _mm512_permutex2var_epi16(both, _mm512_load_si512(places[0]), blue));
        _mm512_mask_storeu_epi16(dst + 32, (__mmask32)first_bytes(left > 32 ? left - 32 : 0),
                                 _mm512_permutex2var_epi16(both, _mm512_load_si512(places[1]), blue));
    }
}

/* ---- luma ---- */

void luma_rgb_f32_avx512(const float *const *planes, int n, float *luma)
{
    for (int x = 0; x < n; x += WIDE) {
        const __mmask16 m = first(n - x);
        __m512 r = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, planes[0] + x), _mm512_set1_ps(LUMA_RED));
        __m512 g = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, planes[1] + x), _mm512_set1_ps(LUMA_GREEN));
        __m512 b = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, planes[2] + x), _mm512_set1_ps(LUMA_BLUE));
        __m512 sum = _mm512_add_ps(_mm512_add_ps(r, g), b);
        _mm512_mask_storeu_ps(luma + x, m, _mm512_add_ps(_mm512_set1_ps(LUMA_OFFSET), sum));
    }
}
