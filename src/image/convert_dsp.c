/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reference kernels between samples and planes, and the choice of kernels.
 */
#include "image/convert_dsp.h"

#include <stddef.h>

#include "fovea/common.h"

void load_u8_c(const uint8_t *src, int n_channels, int n, float *const *planes)
{
    for (int c = 0; c < n_channels; c++)
        for (int x = 0; x < n; x++)
            planes[c][x] = (float)src[(ptrdiff_t)x * n_channels + c];
}

void load_u16_c(const uint16_t *src, int n_channels, int n, float *const *planes)
{
    for (int c = 0; c < n_channels; c++)
        for (int x = 0; x < n; x++)
            planes[c][x] = (float)src[(ptrdiff_t)x * n_channels + c] / STEPS_U16;
}

/* The comparisons are written so that NaN gives 0. */
static float clip(float v, float top)
{
    v = v > 0.0f ? v : 0.0f;
    return v < top ? v : top;
}

void store_u8_c(const float *const *planes, int n_channels, int n, uint8_t *dst)
{
    for (int c = 0; c < n_channels; c++)
        for (int x = 0; x < n; x++)
            dst[(ptrdiff_t)x * n_channels + c] = (uint8_t)(clip(planes[c][x], 255.0f) + 0.5f);
}

void store_u16_c(const float *const *planes, int n_channels, int n, uint16_t *dst)
{
    for (int c = 0; c < n_channels; c++)
        for (int x = 0; x < n; x++)
            dst[(ptrdiff_t)x * n_channels + c] = (uint16_t)(clip(planes[c][x] * STEPS_U16, 65535.0f) + 0.5f);
}

void luma_rgb_f32_c(const float *const *planes, int n, float *luma)
{
    const float *r = planes[0], *g = planes[1], *b = planes[2];
    for (int x = 0; x < n; x++)
        luma[x] = LUMA_OFFSET + (r[x] * LUMA_RED + g[x] * LUMA_GREEN + b[x] * LUMA_BLUE);
}

const struct fovi_convert_dsp *fovi_convert_dsp_get(uint32_t cpu)
{
    static const struct fovi_convert_dsp reference = { load_u8_c, load_u16_c, store_u8_c, store_u16_c, luma_rgb_f32_c };
#if defined(__x86_64__)
    static const struct fovi_convert_dsp avx2 = { load_u8_avx2, load_u16_avx2, store_u8_avx2, store_u16_avx2,
                                                  luma_rgb_f32_avx2 };
    static const struct fovi_convert_dsp avx512 = { load_u8_avx512, load_u16_avx512, store_u8_avx512, store_u16_avx512,
                                                    luma_rgb_f32_avx512 };
    if (cpu & FOVEA_CPU_AVX512)
        return &avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return &avx2;
#endif
    (void)cpu;
    return &reference;
}
