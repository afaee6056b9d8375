/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The convolution kernels: one row of outputs from k rows of inputs.
 *
 * Exactness: every output is one chain of fused multiply-adds that starts at the bias and runs over ky, input channel,
 * kx in this order; so all kernels give the same bytes.
 */
#ifndef FOVI_NET_CONV_DSP_H
#define FOVI_NET_CONV_DSP_H

#include <stddef.h>

/* Output channels that share a block of packed weights. */
#define FOVI_CONV_GROUP 4

/* Floats that a kernel may read beyond the columns it was asked for, at each side. It writes none. */
#define FOVI_CONV_OVERREAD 32

struct fovi_conv_weights {
    int k, c_in, c_out;
    const float *packed; /* [c_out / 4, rounded up][ky][c_in][kx][4], zeros where there is no channel */
    const float *bias;   /* [c_out] */
    const float *slope;  /* [c_out] of the PReLU, or NULL: none */
};

/* Compute columns x0..x1-1 of one row. rows[ky]: column 0 of channel 0 of input row y - k/2 + ky; channels are
 * src_stride floats apart. Columns x0 - k/2 .. x1 - 1 + k/2 of them must hold the inputs, zeros outside the picture.
 * dst: column 0 of output channel 0, channels dst_stride floats apart. dst must not overlap the inputs. */
typedef void fovi_conv_row(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                           float *dst, ptrdiff_t dst_stride, int x0, int x1);

fovi_conv_row fovi_conv_f32_c;
fovi_conv_row fovi_conv_f32_avx2;
fovi_conv_row fovi_conv_f32_avx512;

#endif
