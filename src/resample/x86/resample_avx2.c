/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels with AVX2; the order of every sum is that of the reference in C (multiply, then add).
 *
 * Enlarging, 8 neighbouring outputs read from at most 8 neighbouring inputs for one tap: one load and one permutation.
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

INLINE __m256 enlarge_block(const float *src, const float *w, const int32_t *shift, int n_taps)
{
    __m256i s = _mm256_load_si256((const __m256i *)(const void *)shift);
    __m256 sum = _mm256_mul_ps(_mm256_load_ps(w), _mm256_permutevar8x32_ps(_mm256_loadu_ps(src), s));
    for (int k = 1; k < n_taps; k++) {
        __m256 x = _mm256_permutevar8x32_ps(_mm256_loadu_ps(src + k), s);
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_load_ps(w + k * LANES), x));
    }
    return sum;
}

INLINE void enlarge(const struct fovi_axis *axis, int n_taps, const float *src, float *dst)
{
    int o = 0;
    for (; o + LANES <= axis->out; o += LANES) {
        size_t p = (size_t)axis->pattern[o / LANES] * LANES;
        __m256 sum = enlarge_block(src + axis->first[o], axis->packed + p * (size_t)n_taps, axis->shift + p, n_taps);
        _mm256_storeu_ps(dst + o, sum);
    }
    if (o < axis->out) {
        size_t p = (size_t)axis->pattern[o / LANES] * LANES;
        __m256 sum = enlarge_block(src + axis->first[o], axis->packed + p * (size_t)n_taps, axis->shift + p, n_taps);
        _mm256_maskstore_ps(dst + o, first_lanes(axis->out - o), sum);
    }
}

INLINE __m256 dot(const float *src, const float *w, int n)
{
    __m256 sum = _mm256_mul_ps(_mm256_load_ps(w), _mm256_loadu_ps(src));
    for (int k = LANES; k < n; k += LANES)
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_load_ps(w + k), _mm256_loadu_ps(src + k)));
    return sum;
}

/* Sums across a[0] .. a[7], each ((0+1)+(2+3)) + ((4+5)+(6+7)). */
INLINE __m256 sum_across(const __m256 a[LANES])
{
    __m256 b = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    __m256 c = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
    return _mm256_add_ps(_mm256_permute2f128_ps(b, c, 0x20), _mm256_permute2f128_ps(b, c, 0x31));
}

/* Outputs o .. end - 1 with weights of their own. */
static void reduce_some(const struct fovi_axis *axis, const float *src, float *dst, int o, int end)
{
    int n = axis->n_packed;
    __m256 a[LANES];
    for (; o < end; o += LANES) {
        int m = end - o < LANES ? end - o : LANES;
        for (int j = 0; j < LANES; j++) {
            int q = o + (j < m ? j : m - 1);
            a[j] = dot(src + axis->start[q], axis->packed + (size_t)axis->pattern[q] * (size_t)n, n);
        }
        _mm256_maskstore_ps(dst + o, first_lanes(m), sum_across(a));
    }
}

/* Whole blocks of 8 outputs of the run that shares its weights, so that these stay in registers. Returns its end. */
INLINE int reduce_run(const struct fovi_axis *axis, int n, const float *src, float *dst)
{
    const float *w = axis->packed + (size_t)axis->pattern[axis->run_begin] * (size_t)n;
    const float *s = src + axis->start[axis->run_begin];
    ptrdiff_t step = axis->run_step;
    int o = axis->run_begin;
    for (; o + LANES <= axis->run_end; o += LANES, s += LANES * step) {
        __m256 a[LANES];
        for (int j = 0; j < LANES; j++)
            a[j] = dot(s + j * step, w, n);
        _mm256_storeu_ps(dst + o, sum_across(a));
    }
    return o;
}

static void reduce(const struct fovi_axis *axis, const float *src, float *dst)
{
    int end;
    switch (axis->n_packed) {
    case 8: end = reduce_run(axis, 8, src, dst); break;
    case 16: end = reduce_run(axis, 16, src, dst); break;
    case 24: end = reduce_run(axis, 24, src, dst); break;
    default: end = reduce_run(axis, axis->n_packed, src, dst); break;
    }
    reduce_some(axis, src, dst, 0, axis->run_begin);
    reduce_some(axis, src, dst, end, axis->out);
}

void resample_h_f32_avx2(const struct fovi_axis *axis, const float *src, float *dst)
{
    if (axis->form == FOVI_AXIS_SCALAR) {
        resample_h_f32_c(axis, src, dst);
        return;
    }
    if (axis->form == FOVI_AXIS_REDUCE) {
        reduce(axis, src, dst);
        return;
    }
    switch (axis->n_taps) {
    case 1: enlarge(axis, 1, src, dst); break;
    case 2: enlarge(axis, 2, src, dst); break;
    case 4: enlarge(axis, 4, src, dst); break;
    case 6: enlarge(axis, 6, src, dst); break;
    default: enlarge(axis, axis->n_taps, src, dst); break;
    }
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
