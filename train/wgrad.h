/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gradient of convolution weights, the one kernel of training that running a network does not need.
 */
#ifndef TRAIN_WGRAD_H
#define TRAIN_WGRAD_H

#include <stddef.h>
#include <stdint.h>

/* grad[(o * c_in + i) * k * k + ky * k + kx] += sum over p of dy[o * stride + p] * x[i * stride + p + (ky - r) * pitch
 * + kx - r], r = k / 2, p = 0..n-1. n is a multiple of 8. */
typedef void train_wgrad(int k, int c_in, int c_out, const float *x, const float *dy, ptrdiff_t stride, ptrdiff_t pitch,
                         int n, float *grad);

train_wgrad train_wgrad_f32_c;
train_wgrad train_wgrad_f32_avx2;

/* The best for the FOVEA_CPU_* bits; the sums are ordered differently, so that results agree to rounding only. */
train_wgrad *train_wgrad_get(uint32_t cpu);

#endif
