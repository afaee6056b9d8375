/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels with AVX-512; the order of every sum is that of the reference in C (multiply, then add).
 *
 * By a whole 2, 3 or 4, enlarging: vectors of one phase, interleaved when stored. Reducing: the row is taken apart into
 * its phases first, so that 16 neighbouring outputs read 16 neighbouring inputs for each tap and nothing is summed
 * across a vector. Other ratios, and the ends of rows, go through the kernels for AVX2.
 */
#include <immintrin.h>
#include <stddef.h>

#include "resample/resample_dsp.h"

#define LANES FOVI_AXIS_LANES
#define WIDE 16
#define INLINE static inline __attribute__((always_inline))

/* 0 1 2 ... times step, plus first. */
INLINE __m512i sequence(int first, int step)
{
    const __m512i i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_mullo_epi32(i, _mm512_set1_epi32(step)), _mm512_set1_epi32(first));
}

/* ---- enlarging ---- */

/* a[0], a[1] and so on are the phases of 16 * ratio outputs. Output i of the result is a[i % ratio][i / ratio]. */
INLINE void store_interleaved(const __m512 *a, int ratio, float *dst)
{
    if (ratio == 2) {
        const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
        _mm512_storeu_ps(dst, _mm512_permutex2var_ps(a[0], low, a[1]));
        _mm512_storeu_ps(dst + WIDE, _mm512_permutex2var_ps(a[0], high, a[1]));
    } else if (ratio == 3) {
        const __m512i from_two[3] = { _mm512_setr_epi32(0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5),
                                      _mm512_setr_epi32(21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26),
                                      _mm512_setr_epi32(0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0) };
        const __m512i from_third[3] = { _mm512_setr_epi32(0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0),
                                        _mm512_setr_epi32(0, 5, 0, 0, 6, 0, 0, 7, 0, 0, 8, 0, 0, 9, 0, 0),
                                        _mm512_setr_epi32(10, 0, 0, 11, 0, 0, 12, 0, 0, 13, 0, 0, 14, 0, 0, 15) };
        static const __mmask16 is_third[3] = { 0x4924, 0x2492, 0x9249 };
        for (int i = 0; i < 3; i++) {
            __m512 v = _mm512_permutex2var_ps(a[0], from_two[i], a[1]);
            _mm512_storeu_ps(dst + i * WIDE, _mm512_mask_permutexvar_ps(v, is_third[i], from_third[i], a[2]));
        }
    } else {
        __m512 ab = _mm512_unpacklo_ps(a[0], a[1]), cd = _mm512_unpacklo_ps(a[2], a[3]);
        __m512 ef = _mm512_unpackhi_ps(a[0], a[1]), gh = _mm512_unpackhi_ps(a[2], a[3]);
        __m512 q0 = _mm512_shuffle_ps(ab, cd, 0x44), q1 = _mm512_shuffle_ps(ab, cd, 0xee);
        __m512 q2 = _mm512_shuffle_ps(ef, gh, 0x44), q3 = _mm512_shuffle_ps(ef, gh, 0xee);
        __m512 low01 = _mm512_shuffle_f32x4(q0, q1, 0x44), low23 = _mm512_shuffle_f32x4(q2, q3, 0x44);
        __m512 high01 = _mm512_shuffle_f32x4(q0, q1, 0xee), high23 = _mm512_shuffle_f32x4(q2, q3, 0xee);
        _mm512_storeu_ps(dst, _mm512_shuffle_f32x4(low01, low23, 0x88));
        _mm512_storeu_ps(dst + WIDE, _mm512_shuffle_f32x4(low01, low23, 0xdd));
        _mm512_storeu_ps(dst + 2 * WIDE, _mm512_shuffle_f32x4(high01, high23, 0x88));
        _mm512_storeu_ps(dst + 3 * WIDE, _mm512_shuffle_f32x4(high01, high23, 0xdd));
    }
}

/* Whole blocks of 16 * ratio outputs of the run whose weights repeat with every input. Returns its end. */
INLINE int enlarge_run(const struct fovi_axis *axis, int ratio, int n_taps, const float *src, float *restrict dst)
{
    const float *s[4];
    __m512 w[4 * 6];
    for (int p = 0; p < ratio; p++) {
        size_t o = (size_t)(axis->run_begin + p);
        s[p] = src + axis->first[o];
        for (int k = 0; k < n_taps; k++)
            w[p * n_taps + k] = _mm512_set1_ps(axis->weights[o * (size_t)n_taps + (size_t)k]);
    }
    int o = axis->run_begin, end = axis->run_end;
    for (ptrdiff_t i = 0; o + WIDE * ratio <= end; o += WIDE * ratio, i += WIDE) {
        __m512 sum[4];
        for (int p = 0; p < ratio; p++) {
            sum[p] = _mm512_mul_ps(w[p * n_taps], _mm512_loadu_ps(s[p] + i));
            for (int k = 1; k < n_taps; k++)
                sum[p] = _mm512_add_ps(sum[p], _mm512_mul_ps(w[p * n_taps + k], _mm512_loadu_ps(s[p] + i + k)));
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
    resample_enlarge_some_avx2(axis, src, dst, 0, axis->run_begin);
    resample_enlarge_some_avx2(axis, src, dst, end, axis->out);
}

/* ---- reducing ---- */

/* Outputs made at a time: their phases stay in the first cache. */
enum { BLOCK = 256, MOST_STEPS = 4, PHASE = BLOCK + 3 * WIDE };

/* phase[r][i] = src[step * i + r], i < n; n is rounded up to whole vectors, of which the last may hold anything that
 * lies within n_readable floats of src. */
INLINE void take_apart(const float *src, ptrdiff_t n_readable, int step, int n, float phase[][PHASE])
{
    __m512i low[MOST_STEPS], high[MOST_STEPS];
    for (int r = 0; r < step; r++) {
        low[r] = sequence(r, step);
        high[r] = _mm512_sub_epi32(low[r], _mm512_set1_epi32(2 * WIDE));
    }
    for (int i = 0; i < n; i += WIDE) {
        __m512 v[MOST_STEPS];
        for (int k = 0; k < step; k++) {
            ptrdiff_t at = (ptrdiff_t)step * i + k * WIDE, left = n_readable - at;
            __mmask16 m = left >= WIDE ? 0xffff : left > 0 ? (__mmask16)((1u << left) - 1) : 0;
            v[k] = _mm512_maskz_loadu_ps(m, src + at);
        }
        for (int r = 0; r < step; r++) {
            __m512 a = _mm512_permutex2var_ps(v[0], low[r], v[1]);
            const __mmask16 far = _mm512_cmpge_epi32_mask(low[r], _mm512_set1_epi32(2 * WIDE));
            if (step == 3)
                a = _mm512_mask_permutexvar_ps(a, far, high[r], v[2]);
            else if (step == 4)
                a = _mm512_mask_blend_ps(far, a, _mm512_permutex2var_ps(v[2], high[r], v[3]));
            _mm512_store_ps(phase[r] + i, a);
        }
    }
}

/* ((0+2)+(1+3)) + ((4+6)+(5+7)) */
INLINE __m512 sum_of(const __m512 p[LANES])
{
    __m512 low = _mm512_add_ps(_mm512_add_ps(p[0], p[2]), _mm512_add_ps(p[1], p[3]));
    return _mm512_add_ps(low, _mm512_add_ps(_mm512_add_ps(p[4], p[6]), _mm512_add_ps(p[5], p[7])));
}

/* Blocks of the run that shares its weights. Returns its end. */
INLINE int reduce_run(const struct fovi_axis *axis, int n_taps, int step, const float *src, float *restrict dst)
{
    float phase[MOST_STEPS][PHASE] __attribute__((aligned(64)));
    const float *w = axis->packed + (size_t)axis->pattern[axis->run_begin] * (size_t)n_taps;
    int o = axis->run_begin, end = axis->run_end - (axis->run_end - axis->run_begin) % WIDE;
    while (o < end) {
        int n = end - o < BLOCK ? end - o : BLOCK;
        ptrdiff_t start = axis->start[o];
        take_apart(src + start, axis->in - start, step, n + (n_taps + step - 1) / step, phase);
        for (int i = 0; i < n; i += WIDE) {
            __m512 p[LANES];
            for (int k = 0; k < n_taps; k++) {
                __m512 v = _mm512_mul_ps(_mm512_set1_ps(w[k]), _mm512_loadu_ps(phase[k % step] + i + k / step));
                p[k % LANES] = k < LANES ? v : _mm512_add_ps(p[k % LANES], v);
            }
            _mm512_storeu_ps(dst + o + i, sum_of(p));
        }
        o += n;
    }
    return o;
}

/* Whether a reduction is one of those that are made by phases; if so, its end is in *end. */
static int reduce_by_phases(const struct fovi_axis *axis, const float *src, float *dst, int *end)
{
    int step = axis->run_step, n = axis->n_packed;
    if (axis->run_end - axis->run_begin < 4 * WIDE)
        return 0;
    if (step == 2 && n == 8)
        *end = reduce_run(axis, 8, 2, src, dst);
    else if (step == 2 && n == 16)
        *end = reduce_run(axis, 16, 2, src, dst);
    else if (step == 3 && n == 16)
        *end = reduce_run(axis, 16, 3, src, dst);
    else if (step == 4 && n == 16)
        *end = reduce_run(axis, 16, 4, src, dst);
    else if (step == 4 && n == 24)
        *end = reduce_run(axis, 24, 4, src, dst);
    else
        return 0;
    return 1;
}

void resample_h_f32_avx512(const struct fovi_axis *axis, const float *src, float *dst)
{
    int end;
    if (axis->form == FOVI_AXIS_ENLARGE && axis->run_step) {
        switch (axis->n_taps) {
        case 2: enlarge(axis, 2, src, dst); return;
        case 4: enlarge(axis, 4, src, dst); return;
        case 6: enlarge(axis, 6, src, dst); return;
        }
    }
    if (axis->form == FOVI_AXIS_REDUCE && reduce_by_phases(axis, src, dst, &end)) {
        resample_reduce_some_avx2(axis, src, dst, 0, axis->run_begin);
        resample_reduce_some_avx2(axis, src, dst, end, axis->out);
        return;
    }
    resample_h_f32_avx2(axis, src, dst);
}

/* ---- columns ---- */

/* n_vectors vectors of columns from x on; m: of the last one. */
INLINE void v_columns(const float *const *rows, const float *weights, int n_taps, ptrdiff_t x, int n_vectors,
                      __mmask16 m, float *dst)
{
    __m512 sum[4], w = _mm512_set1_ps(weights[0]);
    for (int i = 0; i < n_vectors; i++)
        sum[i] = _mm512_mul_ps(w, _mm512_maskz_loadu_ps(i == n_vectors - 1 ? m : 0xffff, rows[0] + x + i * WIDE));
    for (int k = 1; k < n_taps; k++) {
        const float *row = rows[k] + x;
        w = _mm512_set1_ps(weights[k]);
        for (int i = 0; i < n_vectors; i++) {
            __m512 v = _mm512_maskz_loadu_ps(i == n_vectors - 1 ? m : 0xffff, row + i * WIDE);
            sum[i] = _mm512_add_ps(sum[i], _mm512_mul_ps(w, v));
        }
    }
    for (int i = 0; i < n_vectors; i++)
        _mm512_mask_storeu_ps(dst + x + i * WIDE, i == n_vectors - 1 ? m : 0xffff, sum[i]);
}

INLINE void v_row(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    int x = 0;
    for (; x + 4 * WIDE <= width; x += 4 * WIDE)
        v_columns(rows, weights, n_taps, x, 4, 0xffff, dst);
    for (; x < width; x += WIDE)
        v_columns(rows, weights, n_taps, x, 1, width - x >= WIDE ? 0xffff : (__mmask16)((1u << (width - x)) - 1), dst);
}

void resample_v_f32_avx512(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    switch (n_taps) {
    case 4: v_row(rows, weights, 4, width, dst); break;
    case 6: v_row(rows, weights, 6, width, dst); break;
    case 8: v_row(rows, weights, 8, width, dst); break;
    default: v_row(rows, weights, n_taps, width, dst); break;
    }
}

/* 16 bytes from x on, those of m, as floats. */
INLINE __m512 bytes_at(const uint8_t *row, ptrdiff_t x, __mmask16 m)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(m, row + x)));
}

/* n_vectors vectors of columns of bytes from x on; m: of the last one. */
INLINE void v_bytes(const uint8_t *const *rows, const float *weights, int n_taps, ptrdiff_t x, int n_vectors,
                    __mmask16 m, float *dst)
{
    __m512 sum[4], w = _mm512_set1_ps(weights[0]);
    for (int i = 0; i < n_vectors; i++)
        sum[i] = _mm512_mul_ps(w, bytes_at(rows[0], x + i * WIDE, i == n_vectors - 1 ? m : 0xffff));
    for (int k = 1; k < n_taps; k++) {
        w = _mm512_set1_ps(weights[k]);
        for (int i = 0; i < n_vectors; i++) {
            __m512 v = bytes_at(rows[k], x + i * WIDE, i == n_vectors - 1 ? m : 0xffff);
            sum[i] = _mm512_add_ps(sum[i], _mm512_mul_ps(w, v));
        }
    }
    for (int i = 0; i < n_vectors; i++)
        _mm512_mask_storeu_ps(dst + x + i * WIDE, i == n_vectors - 1 ? m : 0xffff, sum[i]);
}

void resample_v_u8_avx512(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    int x = 0;
    for (; x + 4 * WIDE <= width; x += 4 * WIDE)
        v_bytes(rows, weights, n_taps, x, 4, 0xffff, dst);
    for (; x < width; x += WIDE)
        v_bytes(rows, weights, n_taps, x, 1, width - x >= WIDE ? 0xffff : (__mmask16)((1u << (width - x)) - 1), dst);
}

/* A vector of columns from x on, those of m, its sum and what is added to it. Returns how far the range moved them. */
INLINE __m512 v_add_columns(const float *const *rows, const float *weights, int n_taps, ptrdiff_t x, __mmask16 m,
                            const float *add, __m512 gain, int is_limited, float *dst)
{
    __m512 sum = _mm512_mul_ps(_mm512_set1_ps(weights[0]), _mm512_maskz_loadu_ps(m, rows[0] + x));
    for (int k = 1; k < n_taps; k++)
        sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_set1_ps(weights[k]), _mm512_maskz_loadu_ps(m, rows[k] + x)));
    __m512 v = _mm512_add_ps(sum, _mm512_mul_ps(gain, _mm512_maskz_loadu_ps(m, add + x)));
    __m512 held = _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    _mm512_mask_storeu_ps(dst + x, m, is_limited ? held : v);
    return _mm512_abs_ps(_mm512_sub_ps(v, held));
}

/* Largest lane; a lane that is no number counts as none. */
INLINE float largest(__m512 v)
{
    const __m512 zero = _mm512_setzero_ps();
    if (!_mm512_cmp_ps_mask(v, zero, _CMP_GT_OQ))
        return 0.0f;
    return _mm512_reduce_max_ps(_mm512_max_ps(v, zero));
}

INLINE void v_add_row(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                      float gain, float *cut, float *dst)
{
    const __m512 factor = _mm512_set1_ps(gain);
    int x = 0;
    for (; x + 2 * WIDE <= width && !cut; x += 2 * WIDE)
        for (int i = 0; i < 2; i++)
            v_add_columns(rows, weights, n_taps, x + i * WIDE, 0xffff, add, factor, 0, dst);
    for (; x < width; x += WIDE) {
        __mmask16 m = width - x >= WIDE ? 0xffff : (__mmask16)((1u << (width - x)) - 1);
        __m512 moved = v_add_columns(rows, weights, n_taps, x, m, add, factor, cut != NULL, dst);
        if (cut)
            cut[x / WIDE] = largest(moved);
    }
}

void resample_v_add_f32_avx512(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                               float gain, float *cut, float *dst)
{
    if (n_taps == 4)
        v_add_row(rows, weights, 4, width, add, gain, cut, dst);
    else
        v_add_row(rows, weights, n_taps, width, add, gain, cut, dst);
}
