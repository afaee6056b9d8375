/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels in plain C, which define the result, and the choice of the fastest.
 */
#include "resample/resample_dsp.h"

#include <stddef.h>
#include <string.h>

#include "fovea/common.h"

/* Called with constant numbers of taps where these are common, so that the compiler unrolls the sums. */
#define INLINE static inline __attribute__((always_inline))

INLINE void sum_in_order(const struct fovi_axis *axis, int n_taps, const float *src, float *dst)
{
    for (int o = 0; o < axis->out; o++) {
        const float *s = src + axis->first[o], *w = axis->weights + (size_t)o * (size_t)n_taps;
        float sum = w[0] * s[0];
        for (int k = 1; k < n_taps; k++)
            sum += w[k] * s[k];
        dst[o] = sum;
    }
}

INLINE void sum_in_lanes(const struct fovi_axis *axis, int n, const float *src, float *dst)
{
    for (int o = 0; o < axis->out; o++) {
        const float *s = src + axis->start[o], *w = axis->packed + (size_t)axis->pattern[o] * (size_t)n;
        float a[FOVI_AXIS_LANES];
        for (int j = 0; j < FOVI_AXIS_LANES; j++)
            a[j] = w[j] * s[j];
        for (int k = FOVI_AXIS_LANES; k < n; k += FOVI_AXIS_LANES)
            for (int j = 0; j < FOVI_AXIS_LANES; j++)
                a[j] += w[k + j] * s[k + j];
        dst[o] = ((a[0] + a[2]) + (a[1] + a[3])) + ((a[4] + a[6]) + (a[5] + a[7]));
    }
}

void resample_h_f32_c(const struct fovi_axis *axis, const float *src, float *dst)
{
    if (axis->form == FOVI_AXIS_REDUCE) {
        switch (axis->n_packed) {
        case 8: sum_in_lanes(axis, 8, src, dst); break;
        case 16: sum_in_lanes(axis, 16, src, dst); break;
        default: sum_in_lanes(axis, axis->n_packed, src, dst); break;
        }
        return;
    }
    switch (axis->n_taps) {
    case 2: sum_in_order(axis, 2, src, dst); break;
    case 4: sum_in_order(axis, 4, src, dst); break;
    case 6: sum_in_order(axis, 6, src, dst); break;
    default: sum_in_order(axis, axis->n_taps, src, dst); break;
    }
}

/* Row after row over a few columns that stay in the cache: the compiler makes vectors of that. */
void resample_v_f32_c(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    enum { COLUMNS = 256 };
    float sum[COLUMNS];
    for (int x0 = 0; x0 < width; x0 += COLUMNS) {
        int n = width - x0 < COLUMNS ? width - x0 : COLUMNS;
        for (int x = 0; x < n; x++)
            sum[x] = weights[0] * rows[0][x0 + x];
        for (int k = 1; k < n_taps; k++)
            for (int x = 0; x < n; x++)
                sum[x] += weights[k] * rows[k][x0 + x];
        memcpy(dst + x0, sum, (size_t)n * sizeof *sum);
    }
}

void resample_v_u8_c(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    enum { COLUMNS = 256 };
    float sum[COLUMNS];
    for (int x0 = 0; x0 < width; x0 += COLUMNS) {
        int n = width - x0 < COLUMNS ? width - x0 : COLUMNS;
        for (int x = 0; x < n; x++)
            sum[x] = weights[0] * (float)rows[0][x0 + x];
        for (int k = 1; k < n_taps; k++)
            for (int x = 0; x < n; x++)
                sum[x] += weights[k] * (float)rows[k][x0 + x];
        memcpy(dst + x0, sum, (size_t)n * sizeof *sum);
    }
}

/* One block of columns, n of them. */
INLINE float add_block(const float *const *rows, const float *weights, int n_taps, int x, int n, const float *add,
                       float gain, int is_limited, float *dst)
{
    float sum[FOVI_CUT_COLUMNS], moved[FOVI_CUT_COLUMNS], most = 0.0f;
    for (int i = 0; i < n; i++)
        sum[i] = weights[0] * rows[0][x + i];
    for (int k = 1; k < n_taps; k++)
        for (int i = 0; i < n; i++)
            sum[i] += weights[k] * rows[k][x + i];
    for (int i = 0; i < n; i++) {
        float v = sum[i] + gain * add[x + i], held = v > 0.0f ? v : 0.0f;
        held = held < 255.0f ? held : 255.0f;
        moved[i] = v > held ? v - held : held - v;
        dst[x + i] = is_limited ? held : v;
    }
    for (int i = 0; i < n; i++)
        most = moved[i] > most ? moved[i] : most;
    return most;
}

void resample_v_add_f32_c(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                          float gain, float *cut, float *dst)
{
    int x = 0;
    for (; x + FOVI_CUT_COLUMNS <= width; x += FOVI_CUT_COLUMNS) {
        float most = add_block(rows, weights, n_taps, x, FOVI_CUT_COLUMNS, add, gain, cut != NULL, dst);
        if (cut)
            cut[x / FOVI_CUT_COLUMNS] = most;
    }
    if (x < width) {
        float most = add_block(rows, weights, n_taps, x, width - x, add, gain, cut != NULL, dst);
        if (cut)
            cut[x / FOVI_CUT_COLUMNS] = most;
    }
}

const struct fovi_resample_dsp *fovi_resample_dsp_get(uint32_t cpu)
{
    static const struct fovi_resample_dsp reference = { resample_h_f32_c, resample_v_f32_c, resample_v_add_f32_c,
                                                        resample_v_u8_c };
#if defined(__x86_64__)
    static const struct fovi_resample_dsp avx2 = { resample_h_f32_avx2, resample_v_f32_avx2, resample_v_add_f32_avx2,
                                                   resample_v_u8_avx2 };
    static const struct fovi_resample_dsp avx512 = { resample_h_f32_avx512, resample_v_f32_avx512,
                                                     resample_v_add_f32_avx512, resample_v_u8_avx512 };
    if (cpu & FOVEA_CPU_AVX512)
        return &avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return &avx2;
#elif defined(__aarch64__)
    static const struct fovi_resample_dsp neon = { resample_h_f32_neon, resample_v_f32_neon, resample_v_add_f32_c,
                                                   resample_v_u8_c };
    if (cpu & FOVEA_CPU_NEON)
        return &neon;
#endif
    (void)cpu;
    return &reference;
}
