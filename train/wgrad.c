/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient of convolution weights: the reference, and the choice.
 */
#include "wgrad.h"

#include "fovea/common.h"

void train_wgrad_f32_c(int k, int c_in, int c_out, const float *x, const float *dy, ptrdiff_t stride, ptrdiff_t pitch,
                       int n, float *grad)
{
    for (int o = 0; o < c_out; o++) {
        for (int i = 0; i < c_in; i++) {
            for (int ky = 0; ky < k; ky++) {
                for (int kx = 0; kx < k; kx++) {
                    const float *a = dy + o * stride, *b = x + i * stride + (ky - k / 2) * pitch + kx - k / 2;
                    float sum = 0.0f;
                    for (int p = 0; p < n; p++)
                        sum += a[p] * b[p];
                    grad[((o * c_in + i) * k + ky) * k + kx] += sum;
                }
            }
        }
    }
}

train_wgrad *train_wgrad_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX2)
        return train_wgrad_f32_avx2;
#endif
    (void)cpu;
    return train_wgrad_f32_c;
}
