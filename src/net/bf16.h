/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Layers in bfloat16: packed weights and the kernels for this processor.
 */
#ifndef FOVI_NET_BF16_H
#define FOVI_NET_BF16_H

#include "base/context.h"
#include "net/bf16_dsp.h"

/* The fastest kernels that the instruction sets allow. */
const struct fovi_bf16_dsp *fovi_bf16_dsp_get(uint32_t cpu);

/* Whether the processor has instructions for bfloat16 that make networks faster than in float. */
int fovi_bf16_is_fast(uint32_t cpu);

/* Channels of a pixel of the split input. */
#define FOVI_BF16_SPLIT 4

/* Set all of *w but the pointers, for a layer of the graph. is_first: its one input channel is split. scale: 0, or of
 * the last layer's shuffle. */
void fovi_bf16_init(struct fovi_bf16_weights *w, int k, int c_in, int c_out, int is_first, int scale);

/* Tiles of the outputs, and numbers of the packed weights. */
int fovi_bf16_tiles(const struct fovi_bf16_weights *w);
size_t fovi_bf16_packed_size(const struct fovi_bf16_weights *w);

/* Pack: weight [c_out][c_in][k][k] (c_in = 1 where the input is split), bias and slope (or NULL) [c_out]. packed has
 * packed_size numbers, each list of lanes FOVI_BF16_LANES floats a tile. */
void fovi_bf16_pack(struct fovi_bf16_weights *w, int is_first, const float *weight, const float *bias,
                    const float *slope, uint16_t *packed, float *bias_lanes, float *slope_lanes);

/* The nearest bfloat16, ties to even; numbers too small to be normal become zero. And back. */
uint16_t fovi_bf16_from_float(float f);
float fovi_bf16_to_float(uint16_t b);

#endif
