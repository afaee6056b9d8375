/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of convolution weights: the reference, and the choice.
 */
#include "wgrad.h"

#include "fovea/common.h"

void train_wgrad_f32_c(const struct train_grid *g, int k, int c_in, int c_out, const float *x, const float *dy,
                       float *scratch, float *grad)
{
    (void)scratch;
    for (int o = 0; o < c_out; o++) {
        for (int i = 0; i < c_in; i++) {
            for (int t = 0; t < k * k; t++) {
                float sum = 0.0f;
                for (int y = 0; y < g->patch; y++) {
                    const float *a = dy + o * g->stride + train_grid_row(g, y);
                    const float *b = x + i * g->stride + train_grid_row(g, y + t / k - k / 2) + t % k - k / 2;
                    for (int p = 0; p < g->patch; p++)
                        sum += a[p] * b[p];
                }
                grad[(o * c_in + i) * k * k + t] += sum;
            }
        }
    }
}

size_t train_wgrad_scratch(const struct train_grid *g, int c_in, int c_out)
{
    size_t inputs = ((size_t)c_in + 1) / 2 * 2, outputs = ((size_t)c_out + 3) / 4 * 4;
    return 6 * ((inputs + outputs) * ((size_t)train_grid_padded(g) + 48) + 3 * inputs * outputs) + 64;
}

train_wgrad *train_wgrad_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return train_wgrad_f32_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return train_wgrad_f32_avx2;
#endif
    (void)cpu;
    return train_wgrad_f32_c;
}
