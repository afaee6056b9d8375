/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples to planes and back for AVX2, 8 pixels at a time; what is left over at the end of a row, and numbers of
 * channels without shuffles of their own, go through the reference.
 */
#include <immintrin.h>
#include <stddef.h>

#include "image/convert_dsp.h"

#define INLINE static inline __attribute__((always_inline))

enum { WIDE = 8, MOST_CHANNELS = 4 };

/* The planes from pixel x on. */
INLINE void planes_from(const float *const *planes, int n_channels, int x, const float **out)
{
    for (int c = 0; c < n_channels; c++)
        out[c] = planes[c] + x;
}

INLINE void writable_from(float *const *planes, int n_channels, int x, float **out)
{
    for (int c = 0; c < n_channels; c++)
        out[c] = planes[c] + x;
}

INLINE __m128i load128(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

INLINE void store128(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

/* ---- loading ---- */

/* Channel c of 8 pixels of three bytes: in each half bytes 3 i + c to dwords. */
INLINE __m256i third_byte(__m256i v, int c)
{
    const __m256i bytes = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
    const __m256i one = _mm256_set1_epi32(c);
    return _mm256_shuffle_epi8(v, _mm256_add_epi8(bytes, one));
}

void load_u8_avx2(const uint8_t *src, int n_channels, int n, float *const *planes)
{
    if (n_channels != 1 && n_channels != 3 && n_channels != 4) {
        load_u8_c(src, n_channels, n, planes);
        return;
    }
    int x = 0;
    for (; x + WIDE <= n; x += WIDE, src += WIDE * n_channels) {
        if (n_channels == 1) {
            __m256i v = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)src));
            _mm256_storeu_ps(planes[0] + x, _mm256_cvtepi32_ps(v));
            continue;
        }
        __m256i v;
        if (n_channels == 3) /* bytes 12 .. 23 end what may be read */
            v = _mm256_set_m128i(_mm_srli_si128(load128(src + 8), 4), load128(src));
        else
            v = _mm256_loadu_si256((const __m256i *)(const void *)src);
        for (int c = 0; c < n_channels; c++) {
            __m256i level = n_channels == 3 ? third_byte(v, c)
                                            : _mm256_and_si256(_mm256_srli_epi32(v, 8 * c), _mm256_set1_epi32(255));
            _mm256_storeu_ps(planes[c] + x, _mm256_cvtepi32_ps(level));
        }
    }
    float *rest[MOST_CHANNELS];
    writable_from(planes, n_channels, x, rest);
    load_u8_c(src, n_channels, n - x, rest);
}

void load_u16_avx2(const uint16_t *src, int n_channels, int n, float *const *planes)
{
    if (n_channels != 1 && n_channels != 3) {
        load_u16_c(src, n_channels, n, planes);
        return;
    }
    const __m256 steps = _mm256_set1_ps(STEPS_U16);
    int x = 0;
    for (; x + WIDE <= n; x += WIDE, src += WIDE * n_channels) {
        if (n_channels == 1) {
            __m256i v = _mm256_cvtepu16_epi32(load128(src));
            _mm256_storeu_ps(planes[0] + x, _mm256_div_ps(_mm256_cvtepi32_ps(v), steps));
            continue;
        }
        /* Pairs of pixels: words 0..5, 6..11, 12..17, 18..23. */
        __m256i even = _mm256_set_m128i(load128(src + 12), load128(src));
        __m256i odd = _mm256_set_m128i(_mm_srli_si128(load128(src + 16), 4), load128(src + 6));
        for (int c = 0; c < 3; c++) {
            const char a = (char)(2 * c), b = (char)(2 * c + 1);
            const __m128i low = _mm_setr_epi8(a, b, -1, -1, (char)(a + 6), (char)(b + 6), -1, -1, -1, -1, -1, -1, -1,
                                              -1, -1, -1);
            const __m256i to_low = _mm256_broadcastsi128_si256(low);
            const __m256i to_high = _mm256_broadcastsi128_si256(
                _mm_or_si128(_mm_slli_si128(low, 8), _mm_setr_epi32(-1, -1, 0, 0)));
            __m256i v = _mm256_or_si256(_mm256_shuffle_epi8(even, to_low), _mm256_shuffle_epi8(odd, to_high));
            _mm256_storeu_ps(planes[c] + x, _mm256_div_ps(_mm256_cvtepi32_ps(v), steps));
        }
    }
    float *rest[MOST_CHANNELS];
    writable_from(planes, n_channels, x, rest);
    load_u16_c(src, n_channels, n - x, rest);
}

/* ---- storing ---- */

/* A maximum or minimum gives its second operand where the first is no number. */
INLINE __m256i rounded(__m256 v, float top)
{
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(top));
    return _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f)));
}

INLINE __m256i bytes_of(const float *plane)
{
    return rounded(_mm256_loadu_ps(plane), 255.0f);
}

INLINE __m256i words_of(const float *plane)
{
    return rounded(_mm256_mul_ps(_mm256_loadu_ps(plane), _mm256_set1_ps(STEPS_U16)), 65535.0f);
}

/* How many of n pixels of one channel were stored, 32 at a time. */
static int store_grey_u8(const float *plane, int n, uint8_t *dst)
{
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int x = 0;
    for (; x + 4 * WIDE <= n; x += 4 * WIDE) {
        __m256i a = _mm256_packus_epi32(bytes_of(plane + x), bytes_of(plane + x + 8));
        __m256i b = _mm256_packus_epi32(bytes_of(plane + x + 16), bytes_of(plane + x + 24));
        __m256i v = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), in_order);
        _mm256_storeu_si256((__m256i *)(void *)(dst + x), v);
    }
    return x;
}

/* How many of n pixels of three or four channels were stored, 8 at a time. */
INLINE int store_color_u8(const float *const *planes, int n_channels, int n, uint8_t *dst)
{
    const __m256i triples = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    const __m256i close = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    int x = 0;
    for (; x + WIDE <= n; x += WIDE, dst += WIDE * n_channels) {
        __m256i v = _mm256_or_si256(bytes_of(planes[0] + x), _mm256_slli_epi32(bytes_of(planes[1] + x), 8));
        v = _mm256_or_si256(v, _mm256_slli_epi32(bytes_of(planes[2] + x), 16));
        if (n_channels == 4) {
            v = _mm256_or_si256(v, _mm256_slli_epi32(bytes_of(planes[3] + x), 24));
            _mm256_storeu_si256((__m256i *)(void *)dst, v);
        } else {
            v = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(v, triples), close);
            store128(dst, _mm256_castsi256_si128(v));
            _mm_storel_epi64((__m128i *)(void *)(dst + 16), _mm256_extracti128_si256(v, 1));
        }
    }
    return x;
}

void store_u8_avx2(const float *const *planes, int n_channels, int n, uint8_t *dst)
{
    int x = 0;
    if (n_channels == 1)
        x = store_grey_u8(planes[0], n, dst);
    else if (n_channels == 3)
        x = store_color_u8(planes, 3, n, dst);
    else if (n_channels == 4)
        x = store_color_u8(planes, 4, n, dst);
    if (x == 0) {
        store_u8_c(planes, n_channels, n, dst);
        return;
    }
    const float *rest[MOST_CHANNELS];
    planes_from(planes, n_channels, x, rest);
    store_u8_c(rest, n_channels, n - x, dst + (ptrdiff_t)x * n_channels);
}

void store_u16_avx2(const float *const *planes, int n_channels, int n, uint16_t *dst)
{
    if (n_channels != 1) {
        store_u16_c(planes, n_channels, n, dst);
        return;
    }
    int x = 0;
    for (; x + 2 * WIDE <= n; x += 2 * WIDE) {
        __m256i v = _mm256_packus_epi32(words_of(planes[0] + x), words_of(planes[0] + x + 8));
        _mm256_storeu_si256((__m256i *)(void *)(dst + x), _mm256_permute4x64_epi64(v, 0xd8));
    }
    const float *rest[1] = { planes[0] + x };
    store_u16_c(rest, 1, n - x, dst + x);
}

/* ---- luma ---- */

void luma_rgb_f32_avx2(const float *const *planes, int n, float *luma)
{
    int x = 0;
    for (; x + WIDE <= n; x += WIDE) {
        __m256 r = _mm256_mul_ps(_mm256_loadu_ps(planes[0] + x), _mm256_set1_ps(LUMA_RED));
        __m256 g = _mm256_mul_ps(_mm256_loadu_ps(planes[1] + x), _mm256_set1_ps(LUMA_GREEN));
        __m256 b = _mm256_mul_ps(_mm256_loadu_ps(planes[2] + x), _mm256_set1_ps(LUMA_BLUE));
        __m256 sum = _mm256_add_ps(_mm256_add_ps(r, g), b);
        _mm256_storeu_ps(luma + x, _mm256_add_ps(_mm256_set1_ps(LUMA_OFFSET), sum));
    }
    const float *rest[3];
    planes_from(planes, 3, x, rest);
    luma_rgb_f32_c(rest, n - x, luma + x);
}
