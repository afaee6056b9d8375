/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gradient of convolution weights, the one kernel of training that running a network does not need.
 *
 * The fast way is that of the four-row convolution (src/net/conv_dsp.h), the other way round: from four rows of dy and
 * six of x come three rows of the kernel's gradient, by 6 products instead of 12.
 */
#ifndef TRAIN_WGRAD_H
#define TRAIN_WGRAD_H

#include <stddef.h>
#include <stdint.h>

#include "grid.h"

/* grad[(o * c_in + i) * k * k + ky * k + kx] += sum over the pixels of dy[o](x, y) * x[i](x + kx - k / 2, y + ky - k /
 * 2). x, dy: first pixel of channel 0; zeros outside the patch. scratch: train_wgrad_scratch floats, aligned to 64
 * bytes. k = 1 or 3. */
typedef void train_wgrad(const struct train_grid *g, int k, int c_in, int c_out, const float *x, const float *dy,
                         float *scratch, float *grad);

train_wgrad train_wgrad_f32_c;
train_wgrad train_wgrad_f32_avx2;
train_wgrad train_wgrad_f32_avx512;

size_t train_wgrad_scratch(const struct train_grid *g, int c_in, int c_out);

/* The best for the FOVEA_CPU_* bits; the sums are ordered differently, so that results agree to rounding only. */
train_wgrad *train_wgrad_get(uint32_t cpu);

#endif
