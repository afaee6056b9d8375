/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution: packing, choice of kernel, and the reference that says what is right.
 */
#include "net/conv.h"

#include <math.h>
#include <string.h>

size_t fovi_conv_packed_size(int k, int c_in, int c_out)
{
    size_t groups = ((size_t)c_out + FOVI_CONV_GROUP - 1) / FOVI_CONV_GROUP;
    return groups * FOVI_CONV_GROUP * (size_t)c_in * (size_t)(k * k);
}

void fovi_conv_pack(int k, int c_in, int c_out, const float *weight, float *packed)
{
    memset(packed, 0, fovi_conv_packed_size(k, c_in, c_out) * sizeof *packed);
    ptrdiff_t group_size = (ptrdiff_t)k * k * c_in * FOVI_CONV_GROUP;
    for (int o = 0; o < c_out; o++)
        for (int i = 0; i < c_in; i++)
            for (int ky = 0; ky < k; ky++)
                for (int kx = 0; kx < k; kx++)
                    packed[o / FOVI_CONV_GROUP * group_size + ((ky * c_in + i) * k + kx) * FOVI_CONV_GROUP +
                           o % FOVI_CONV_GROUP] = weight[((o * c_in + i) * k + ky) * k + kx];
}

/* One output. */
static float dot(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, int o, int x)
{
    const float *weight = w->packed + (ptrdiff_t)(o / FOVI_CONV_GROUP) * w->k * w->k * w->c_in * FOVI_CONV_GROUP +
                          o % FOVI_CONV_GROUP;
    float sum = w->bias[o];
    for (int ky = 0; ky < w->k; ky++)
        for (int i = 0; i < w->c_in; i++)
            for (int kx = 0; kx < w->k; kx++, weight += FOVI_CONV_GROUP)
                sum = fmaf(*weight, rows[ky][i * src_stride + x + kx - w->k / 2], sum);
    return sum;
}

void fovi_conv_f32_c(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
                     ptrdiff_t dst_stride, int x0, int x1)
{
    for (int o = 0; o < w->c_out; o++) {
        for (int x = x0; x < x1; x++) {
            float v = dot(w, rows, src_stride, o, x);
            dst[o * dst_stride + x] = w->slope && !(v > 0.0f) ? v * w->slope[o] : v;
        }
    }
}

fovi_conv_row *fovi_conv_row_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return fovi_conv_f32_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return fovi_conv_f32_avx2;
#endif
    (void)cpu;
    return fovi_conv_f32_c;
}
