/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution layers ready to run: packed weights and the kernel for this processor.
 */
#ifndef FOVI_NET_CONV_H
#define FOVI_NET_CONV_H

#include "base/context.h"
#include "net/conv_dsp.h"

/* The fastest kernels that the instruction sets allow. */
fovi_conv_row *fovi_conv_row_get(uint32_t cpu);
fovi_conv_quad *fovi_conv_quad_get(uint32_t cpu);

/* Whether a layer of this shape runs four rows at once; the same on every machine. */
int fovi_conv_is_quad(int k, int c_in, int c_out);

/* Floats of packed weights, and the packing itself. weight: [c_out][c_in][k][k]. */
size_t fovi_conv_packed_size(int k, int c_in, int c_out);
void fovi_conv_pack(int k, int c_in, int c_out, const float *weight, float *packed);

/* The same for four rows at once. weight: [c_out][c_in][3][3]. */
size_t fovi_conv_quad_packed_size(int c_in, int c_out);
void fovi_conv_quad_pack(int c_in, int c_out, const float *weight, float *packed);

#endif
