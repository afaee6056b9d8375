/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Layers in int8: packed weights and the kernels for this processor.
 */
#ifndef FOVI_NET_INT8_H
#define FOVI_NET_INT8_H

#include "base/context.h"
#include "net/graph.h"
#include "net/int8_dsp.h"

/* The fastest kernels that the instruction sets allow. */
const struct fovi_int8_dsp *fovi_int8_dsp_get(uint32_t cpu);

/* Whether a network has a form that int8 can run: convolutions, with or without PReLU, and sums, channels in fours, a
 * first and a last convolution, this without PReLU. (Whether it has numbers for it is graph->has_int8.) */
int fovi_int8_fits(const struct fovi_graph *graph);

/* Set all of *w but the pointers for a layer. shuffle: of the network, the pixels that a last layer's channels make. */
void fovi_int8_init(struct fovi_int8_weights *w, const struct fovi_graph *graph, int layer, int shuffle);

/* Bytes of a layer's packed numbers, a multiple of 64. */
size_t fovi_int8_packed_bytes(const struct fovi_int8_weights *w, const struct fovi_graph *graph, int layer);

/* Pack a layer of a graph that has_int8 into memory of packed_bytes, aligned to 64. */
void fovi_int8_pack(struct fovi_int8_weights *w, const struct fovi_graph *graph, int layer, void *memory);

#endif
