/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels with AVX2; the order of every sum is that of the reference in C (multiply, then add).
 *
 * Enlarging, 8 neighbouring outputs read from at most 8 neighbouring inputs for one tap: one load and one permutation;
 * by 2, 3 or 4, vectors of one phase are made without any and interleaved when stored.
 * Reducing, each output is a dot product of whole vectors; the vectors of 8 outputs are summed across by one tree.
 */
#include <immintrin.h>
#include <stddef.h>

#include "resample/resample_dsp.h"

#define LANES FOVI_AXIS_LANES
#define INLINE static inline __attribute__((always_inline))

static __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Outputs o .. end - 1, o a multiple of 8, in blocks of 8. */
INLINE void enlarge_some(const struct fovi_axis *axis, int n_taps, const float *src, float *restrict dst, int o,
                         int end)
{
    const float *packed = axis->packed;
    const int32_t *shift = axis->shift;
    const int *pattern = axis->pattern, *first = axis->first;
    for (; o < end; o += LANES) {
        size_t p = (size_t)pattern[o / LANES] * LANES;
        const float *w = packed + p * (size_t)n_taps, *s = src + first[o];
        __m256i to = _mm256_load_si256((const __m256i *)(const void *)(shift + p));
        __m256 sum = _mm256_mul_ps(_mm256_load_ps(w), _mm256_permutevar8x32_ps(_mm256_loadu_ps(s), to));
        for (int k = 1; k < n_taps; k++) {
            __m256 x = _mm256_permutevar8x32_ps(_mm256_loadu_ps(s + k), to);
            sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_load_ps(w + k * LANES), x));
        }
        if (o + LANES <= end)
            _mm256_storeu_ps(dst + o, sum);
        else
            _mm256_maskstore_ps(dst + o, first_lanes(end - o), sum);
    }
}

/* Store a[0][0], a[1][0] .. a[ratio-1][0], a[0][1] ..: 8 * ratio floats. */
INLINE void store_interleaved(const __m256 *a, int ratio, float *dst)
{
    if (ratio == 2) {
        __m256 low = _mm256_unpacklo_ps(a[0], a[1]), high = _mm256_unpackhi_ps(a[0], a[1]);
        _mm256_storeu_ps(dst, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_storeu_ps(dst + 8, _mm256_permute2f128_ps(low, high, 0x31));
    } else if (ratio == 3) {
        /* In each half: x = a0 b0 c0 a1, y = b1 c1 a2 b2, z = c2 a3 b3 c3. */
        __m256 a0 = _mm256_permute_ps(a[0], 0x6c), b0 = _mm256_permute_ps(a[1], 0xb1);
        __m256 c0 = _mm256_permute_ps(a[2], 0xc6);
        __m256 x = _mm256_blend_ps(_mm256_blend_ps(a0, b0, 0x22), c0, 0x44);
        __m256 y = _mm256_blend_ps(_mm256_blend_ps(b0, c0, 0x22), a0, 0x44);
        __m256 z = _mm256_blend_ps(_mm256_blend_ps(c0, a0, 0x22), b0, 0x44);
        _mm256_storeu_ps(dst, _mm256_permute2f128_ps(x, y, 0x20));
        _mm256_storeu_ps(dst + 8, _mm256_blend_ps(z, x, 0xf0));
        _mm256_storeu_ps(dst + 16, _mm256_permute2f128_ps(y, z, 0x31));
    } else {
        __m256 ab = _mm256_unpacklo_ps(a[0], a[1]), cd = _mm256_unpacklo_ps(a[2], a[3]);
        __m256 ef = _mm256_unpackhi_ps(a[0], a[1]), gh = _mm256_unpackhi_ps(a[2], a[3]);
        __m256 p0 = _mm256_shuffle_ps(ab, cd, 0x44), p1 = _mm256_shuffle_ps(ab, cd, 0xee);
        __m256 p2 = _mm256_shuffle_ps(ef, gh, 0x44), p3 = _mm256_shuffle_ps(ef, gh, 0xee);
        _mm256_storeu_ps(dst, _mm256_permute2f128_ps(p0, p1, 0x20));
        _mm256_storeu_ps(dst + 8, _mm256_permute2f128_ps(p2, p3, 0x20));
        _mm256_storeu_ps(dst + 16, _mm256_permute2f128_ps(p0, p1, 0x31));
        _mm256_storeu_ps(dst + 24, _mm256_permute2f128_ps(p2, p3, 0x31));
    }
}

/* Whole blocks of 8 * ratio outputs of the run whose weights repeat with every input: vectors of one phase,
 * interleaved. Returns its end. */
INLINE int enlarge_run(const struct fovi_axis *axis, int ratio, int n_taps, const float *src, float *restrict dst)
{
    const float *s[4];
    __m256 w[4 * 6];
    for (int p = 0; p < ratio; p++) {
        size_t o = (size_t)(axis->run_begin + p);
        s[p] = src + axis->first[o];
        for (int k = 0; k < n_taps; k++)
            w[p * n_taps + k] = _mm256_set1_ps(axis->weights[o * (size_t)n_taps + (size_t)k]);
    }
    int o = axis->run_begin, end = axis->run_end;
    for (ptrdiff_t i = 0; o + LANES * ratio <= end; o += LANES * ratio, i += LANES) {
        __m256 sum[4];
        for (int p = 0; p < ratio; p++) {
            sum[p] = _mm256_mul_ps(w[p * n_taps], _mm256_loadu_ps(s[p] + i));
            for (int k = 1; k < n_taps; k++)
                sum[p] = _mm256_add_ps(sum[p], _mm256_mul_ps(w[p * n_taps + k], _mm256_loadu_ps(s[p] + i + k)));
        }
        store_interleaved(sum, ratio, dst + o);
    }
    return o;
}

INLINE void enlarge(const struct fovi_axis *axis, int n_taps, const float *src, float *dst)
{
    int end = axis->run_begin;
    switch (axis->run_step) {
    case 2: end = enlarge_run(axis, 2, n_taps, src, dst); break;
    case 3: end = enlarge_run(axis, 3, n_taps, src, dst); break;
    case 4: end = enlarge_run(axis, 4, n_taps, src, dst); break;
    }
    enlarge_some(axis, n_taps, src, dst, 0, axis->run_begin);
    enlarge_some(axis, n_taps, src, dst, end, axis->out);
}

INLINE __m256 dot(const float *src, const float *w, int n)
{
    __m256 sum = _mm256_mul_ps(_mm256_load_ps(w), _mm256_loadu_ps(src));
    for (int k = LANES; k < n; k += LANES)
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_load_ps(w + k), _mm256_loadu_ps(src + k)));
    return sum;
}

/* From two vectors x, y in each half: x0+x2, y0+y2, x1+x3, y1+y3. */
INLINE __m256 add_pairs(__m256 x, __m256 y)
{
    return _mm256_add_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y));
}

/* Sums across a[0] .. a[3] within each half, ((0+2)+(1+3)). */
INLINE __m256 add_quads(const __m256 a[4])
{
    __m256 x = add_pairs(a[0], a[1]), y = add_pairs(a[2], a[3]);
    return _mm256_add_ps(_mm256_shuffle_ps(x, y, 0x44), _mm256_shuffle_ps(x, y, 0xee));
}

/* Sums across a[0] .. a[7], each ((0+2)+(1+3)) + ((4+6)+(5+7)). */
INLINE __m256 sum_across(const __m256 a[LANES])
{
    __m256 x = add_quads(a), y = add_quads(a + 4);
    return _mm256_add_ps(_mm256_blend_ps(x, y, 0xf0), _mm256_permute2f128_ps(x, y, 0x21));
}

/* Outputs o .. end - 1 with weights of their own: blocks of 8, then one by one. */
INLINE void reduce_some(const struct fovi_axis *axis, int n, const float *src, float *restrict dst, int o, int end)
{
    const float *packed = axis->packed;
    const int *pattern = axis->pattern, *start = axis->start;
    for (; o + LANES <= end; o += LANES) {
        __m256 a[LANES];
#pragma GCC unroll 8
        for (int j = 0; j < LANES; j++)
            a[j] = dot(src + start[o + j], packed + (size_t)pattern[o + j] * (size_t)n, n);
        _mm256_storeu_ps(dst + o, sum_across(a));
    }
    for (; o < end; o++) {
        __m256 a = dot(src + start[o], packed + (size_t)pattern[o] * (size_t)n, n), x = add_pairs(a, a);
        x = _mm256_add_ps(x, _mm256_shuffle_ps(x, x, 0xee));
        _mm_store_ss(dst + o, _mm_add_ss(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)));
    }
}

/* Whole blocks of 8 outputs of the run that shares its weights, which stay in registers. Returns its end. */
INLINE int reduce_run(const struct fovi_axis *axis, int n, const float *src, float *restrict dst)
{
    const float *w = axis->packed + (size_t)axis->pattern[axis->run_begin] * (size_t)n;
    const float *s = src + axis->start[axis->run_begin];
    ptrdiff_t step = axis->run_step;
    int o = axis->run_begin, end = axis->run_end;
    for (; o + LANES <= end; o += LANES, s += LANES * step) {
        __m256 a[LANES];
#pragma GCC unroll 8
        for (int j = 0; j < LANES; j++)
            a[j] = dot(s + j * step, w, n);
        _mm256_storeu_ps(dst + o, sum_across(a));
    }
    return o;
}

INLINE void reduce(const struct fovi_axis *axis, int n, const float *src, float *dst)
{
    int end = reduce_run(axis, n, src, dst);
    reduce_some(axis, n, src, dst, 0, axis->run_begin);
    reduce_some(axis, n, src, dst, end, axis->out);
}

void resample_h_f32_avx2(const struct fovi_axis *axis, const float *src, float *dst)
{
    if (axis->form == FOVI_AXIS_SCALAR) {
        resample_h_f32_c(axis, src, dst);
        return;
    }
    if (axis->form == FOVI_AXIS_REDUCE) {
        switch (axis->n_packed) {
        case 8: reduce(axis, 8, src, dst); break;
        case 16: reduce(axis, 16, src, dst); break;
        case 24: reduce(axis, 24, src, dst); break;
        default: reduce(axis, axis->n_packed, src, dst); break;
        }
        return;
    }
    switch (axis->n_taps) {
    case 2: enlarge(axis, 2, src, dst); break;
    case 4: enlarge(axis, 4, src, dst); break;
    case 6: enlarge(axis, 6, src, dst); break;
    default: enlarge_some(axis, axis->n_taps, src, dst, 0, axis->out); break;
    }
}

void resample_enlarge_some_avx2(const struct fovi_axis *axis, const float *src, float *dst, int o, int end)
{
    enlarge_some(axis, axis->n_taps, src, dst, o, end);
}

void resample_reduce_some_avx2(const struct fovi_axis *axis, const float *src, float *dst, int o, int end)
{
    reduce_some(axis, axis->n_packed, src, dst, o, end);
}

/* n_vectors vectors of columns from x on. */
INLINE void v_columns(const float *const *rows, const float *weights, int n_taps, ptrdiff_t x, int n_vectors,
                      float *dst)
{
    __m256 sum[4], w = _mm256_broadcast_ss(weights);
    for (int i = 0; i < n_vectors; i++)
        sum[i] = _mm256_mul_ps(w, _mm256_loadu_ps(rows[0] + x + i * LANES));
    for (int k = 1; k < n_taps; k++) {
        const float *row = rows[k] + x;
        w = _mm256_broadcast_ss(weights + k);
        for (int i = 0; i < n_vectors; i++)
            sum[i] = _mm256_add_ps(sum[i], _mm256_mul_ps(w, _mm256_loadu_ps(row + i * LANES)));
    }
    for (int i = 0; i < n_vectors; i++)
        _mm256_storeu_ps(dst + x + i * LANES, sum[i]);
}

void resample_v_f32_avx2(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    int x = 0;
    for (; x + 4 * LANES <= width; x += 4 * LANES)
        v_columns(rows, weights, n_taps, x, 4, dst);
    for (; x + LANES <= width; x += LANES)
        v_columns(rows, weights, n_taps, x, 1, dst);
    if (x == width)
        return;
    __m256i mask = first_lanes(width - x);
    __m256 sum = _mm256_mul_ps(_mm256_broadcast_ss(weights), _mm256_maskload_ps(rows[0] + x, mask));
    for (int k = 1; k < n_taps; k++)
        sum = _mm256_add_ps(sum,
                            _mm256_mul_ps(_mm256_broadcast_ss(weights + k), _mm256_maskload_ps(rows[k] + x, mask)));
    _mm256_maskstore_ps(dst + x, mask, sum);
}

INLINE __m256 bytes_at(const uint8_t *at)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)at)));
}

void resample_v_u8_avx2(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    int x = 0;
    for (; x + 2 * LANES <= width; x += 2 * LANES) {
        __m256 w = _mm256_broadcast_ss(weights);
        __m256 a = _mm256_mul_ps(w, bytes_at(rows[0] + x)), b = _mm256_mul_ps(w, bytes_at(rows[0] + x + LANES));
        for (int k = 1; k < n_taps; k++) {
            w = _mm256_broadcast_ss(weights + k);
            a = _mm256_add_ps(a, _mm256_mul_ps(w, bytes_at(rows[k] + x)));
            b = _mm256_add_ps(b, _mm256_mul_ps(w, bytes_at(rows[k] + x + LANES)));
        }
        _mm256_storeu_ps(dst + x, a);
        _mm256_storeu_ps(dst + x + LANES, b);
    }
    for (; x < width; x++) {
        __m128 sum = _mm_set_ss(weights[0] * (float)rows[0][x]);
        for (int k = 1; k < n_taps; k++)
            sum = _mm_add_ss(sum, _mm_mul_ss(_mm_set_ss(weights[k]), _mm_set_ss((float)rows[k][x])));
        _mm_store_ss(dst + x, sum);
    }
}

/* 8 columns from x on, those of m, their sum and what is added. Returns how far the range moved them. */
INLINE __m256 v_add_columns(const float *const *rows, const float *weights, int n_taps, ptrdiff_t x, __m256i m,
                            const float *add, __m256 gain, int is_limited, float *dst)
{
    __m256 sum = _mm256_mul_ps(_mm256_broadcast_ss(weights), _mm256_maskload_ps(rows[0] + x, m));
    for (int k = 1; k < n_taps; k++)
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_broadcast_ss(weights + k), _mm256_maskload_ps(rows[k] + x, m)));
    __m256 v = _mm256_add_ps(sum, _mm256_mul_ps(gain, _mm256_maskload_ps(add + x, m)));
    __m256 held = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    _mm256_maskstore_ps(dst + x, m, is_limited ? held : v);
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(v, held));
}

/* Largest lane of both; a lane that is no number counts as none. */
INLINE float largest(__m256 a, __m256 b)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 v = _mm256_max_ps(a, _mm256_max_ps(b, zero));
    if (!_mm256_movemask_ps(_mm256_cmp_ps(v, zero, _CMP_GT_OQ)))
        return 0.0f;
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}

INLINE void v_add_row(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                      float gain, float *cut, float *dst)
{
    const __m256 factor = _mm256_set1_ps(gain);
    for (int x = 0; x < width; x += 2 * LANES) {
        __m256i low = first_lanes(width - x), high = first_lanes(width - x - LANES);
        __m256 a = v_add_columns(rows, weights, n_taps, x, low, add, factor, cut != NULL, dst), b;
        b = v_add_columns(rows, weights, n_taps, x + LANES, high, add, factor, cut != NULL, dst);
        if (cut)
            cut[x / (2 * LANES)] = largest(a, b);
    }
}

void resample_v_add_f32_avx2(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                             float gain, float *cut, float *dst)
{
    if (n_taps == 4)
        v_add_row(rows, weights, 4, width, add, gain, cut, dst);
    else
        v_add_row(rows, weights, n_taps, width, add, gain, cut, dst);
}
