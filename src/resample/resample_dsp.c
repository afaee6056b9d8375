/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The row kernels in plain C, which define the result, and the choice of the fastest.
 */
#include "resample/resample_dsp.h"

#include <stddef.h>

#include "fovea/common.h"

static void sum_in_order(const struct fovi_axis *axis, const float *src, float *dst)
{
    int n_taps = axis->n_taps;
    for (int o = 0; o < axis->out; o++) {
        const float *s = src + axis->first[o], *w = axis->weights + (size_t)o * (size_t)n_taps;
        float sum = w[0] * s[0];
        for (int k = 1; k < n_taps; k++)
            sum += w[k] * s[k];
        dst[o] = sum;
    }
}

static void sum_in_lanes(const struct fovi_axis *axis, const float *src, float *dst)
{
    int n = axis->n_packed;
    for (int o = 0; o < axis->out; o++) {
        const float *s = src + axis->start[o], *w = axis->packed + (size_t)axis->pattern[o] * (size_t)n;
        float a[FOVI_AXIS_LANES];
        for (int j = 0; j < FOVI_AXIS_LANES; j++)
            a[j] = w[j] * s[j];
        for (int k = FOVI_AXIS_LANES; k < n; k += FOVI_AXIS_LANES)
            for (int j = 0; j < FOVI_AXIS_LANES; j++)
                a[j] += w[k + j] * s[k + j];
        dst[o] = ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
    }
}

void resample_h_f32_c(const struct fovi_axis *axis, const float *src, float *dst)
{
    if (axis->form == FOVI_AXIS_REDUCE)
        sum_in_lanes(axis, src, dst);
    else
        sum_in_order(axis, src, dst);
}

void resample_v_f32_c(const float *const *rows, const float *weights, int n_taps, int width, float *dst)
{
    for (int x = 0; x < width; x++) {
        float sum = weights[0] * rows[0][x];
        for (int k = 1; k < n_taps; k++)
            sum += weights[k] * rows[k][x];
        dst[x] = sum;
    }
}

const struct fovi_resample_dsp *fovi_resample_dsp_get(uint32_t cpu)
{
    static const struct fovi_resample_dsp reference = { resample_h_f32_c, resample_v_f32_c };
#if defined(__x86_64__)
    static const struct fovi_resample_dsp avx2 = { resample_h_f32_avx2, resample_v_f32_avx2 };
    if (cpu & FOVEA_CPU_AVX2)
        return &avx2;
#endif
    (void)cpu;
    return &reference;
}
