/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network as plain data: a chain of layers with skips, written as text, with borrowed weights.
 *
 * Text: layers separated by ';'.
 *     conv3x3 1 16 prelu     convolution, zero padding at the picture's edge, stride 1; KxK with K = 1, 3 or 5,
 *                            input channels, output channels; "prelu" = PReLU with a slope for each channel after it
 *     add 1                  add the output of layer 1 (counted from 0, earlier than this one) to the one before
 *     shuffle 4              pixel shuffle: scale^2 channels become one plane of scale times the size
 *     add base               add the enlarged input; the last layer
 * Example, tiny x2: "conv3x3 1 16 prelu; conv3x3 16 16 prelu; ...; conv3x3 16 4; shuffle 2; add base".
 *
 * Luma comes in as level/255, the residual goes out in the same unit.
 */
#ifndef FOVI_NET_GRAPH_H
#define FOVI_NET_GRAPH_H

#include "base/context.h"

#define FOVI_GRAPH_MAX_LAYERS 64
#define FOVI_GRAPH_MAX_CHANNELS 256

enum fovi_layer_kind { FOVI_LAYER_CONV, FOVI_LAYER_ADD };

struct fovi_layer {
    enum fovi_layer_kind kind;
    int k, c_in, c_out; /* convolution: kernel edge, channels; add: c_in = c_out */
    int has_prelu;
    int from;            /* add: number of the layer whose output is added */
    const float *weight; /* [c_out][c_in][k][k], borrowed */
    const float *bias;   /* [c_out] */
    const float *slope;  /* [c_out], only with has_prelu */
};

/* shuffle and "add base" are implied: the last layer has scale * scale channels. */
struct fovi_graph {
    int scale;
    int n_layers;
    struct fovi_layer layer[FOVI_GRAPH_MAX_LAYERS];
};

/* Read the text. Weights stay NULL. FOVEA_E_FORMAT or FOVEA_E_UNSUPPORTED with a text that names the layer. */
int fovi_graph_parse(fovea_context *ctx, const char *text, struct fovi_graph *out);

/* Input pixels on each side that an output pixel depends on. */
int fovi_graph_radius(const struct fovi_graph *graph);

/* Parameters, and multiply-adds for one input pixel. */
int64_t fovi_graph_parameters(const struct fovi_graph *graph);
int64_t fovi_graph_macs(const struct fovi_graph *graph);

#endif
