/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The convolution kernels: one row of outputs from k rows of inputs, and four rows at once with half the products.
 *
 * Exactness: in the first kind every output is one chain of fused multiply-adds that starts at the bias and runs over
 * ky, input channel, kx in this order; in the second kind the order is that of fovi_conv_quad_f32_c. So all kernels of
 * a kind give the same bytes.
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
    const float *packed; /* [c_out / 4, rounded up][ky][c_in][kx][4], zeros where there is no channel; for four rows at
                          * once six transformed kernel rows stand in place of the three of ky */
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
fovi_conv_row fovi_conv_f32_neon;

/* Four rows at once, for k = 3: Winograd's minimal filtering F(4, 3) (Winograd 1980; Lavin, Gray 2016) down the
 * columns, which makes 4 outputs from 6 products instead of 12, and the plain sum along the row. Errors against the
 * first kind are some 1e-6 of the largest output. */
#define FOVI_QUAD_ROWS 4
#define FOVI_QUAD_INPUTS 6

/* Columns of transformed inputs that a kernel may keep for one channel. */
#define FOVI_QUAD_COLUMNS 96

/* Compute columns x0..x1-1 of four rows y..y+3. rows[i]: input row y - 1 + i; dst[i]: output row y + i. All else as
 * above. scratch: 6 * c_in * FOVI_QUAD_COLUMNS floats, aligned to 64 bytes. */
typedef void fovi_conv_quad(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                            float *const *dst, ptrdiff_t dst_stride, int x0, int x1, float *scratch);

fovi_conv_quad fovi_conv_quad_f32_c;
fovi_conv_quad fovi_conv_quad_f32_avx2;
fovi_conv_quad fovi_conv_quad_f32_avx512;
fovi_conv_quad fovi_conv_quad_f32_neon;

#endif
