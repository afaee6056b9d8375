/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network as plain data: a chain of layers with skips, written as text, with borrowed weights.
 *
 * Text: layers separated by ';'.
 *     unshuffle 2            only in front: blocks of 2x2 pixels (4x4) become the channels of one, row by row; the
 *                            layers run over a picture of that fraction of the size, rounded up: what lacks beyond the
 *                            last row and column repeats them. Not counted as a layer
 *     conv3x3 1 16 prelu     convolution, zero padding at the picture's edge, stride 1; KxK with K = 1, 3 or 5,
 *                            input channels, output channels; "prelu" = PReLU with a slope for each channel after it
 *     add 1                  add the output of layer 1 (counted from 0, earlier than this one) to the one before
 *     gate 1                 (o + x) * (sigmoid(o) - 0.5) with o the output of the layer before, x that of layer 1: the
 *                            attention without parameters of SPAN (Wan et al. 2024)
 *     concat 0 3 9           the channels of two to four layers one after the other; one of them is the layer before
 *     shuffle 4              pixel shuffle: shuffle^2 channels become one plane of shuffle times the size, less what
 *                            lies beyond scale times the picture
 *     add base               add the enlarged input; the last layer
 * Example, tiny x2: "conv3x3 1 16 prelu; conv3x3 16 16 prelu; ...; conv3x3 16 4; shuffle 2; add base".
 *
 * Luma comes in as level/255, the residual goes out in the same unit. The scale is shuffle / unshuffle.
 */
#ifndef FOVI_NET_GRAPH_H
#define FOVI_NET_GRAPH_H

#include "base/context.h"

#define FOVI_GRAPH_MAX_LAYERS 64
#define FOVI_GRAPH_MAX_CHANNELS 256

#define FOVI_GRAPH_MAX_PARTS 4

enum fovi_layer_kind { FOVI_LAYER_CONV, FOVI_LAYER_ADD, FOVI_LAYER_GATE, FOVI_LAYER_CONCAT };

/* Numbers of a layer in int8, borrowed; NULL where it has none. Weights and biases may differ from those in float. */
struct fovi_int8_layer {
    const float *weight;       /* [c_out][c_in][k][k]: in the first and the last layer as in float; in others whole
                                   numbers from -127 to 127, to be multiplied by the scale of their output channel and
                                   divided by the step of their input channel */
    const float *scale;        /* [c_out], convolutions but the first and the last; > 0 */
    const float *bias, *slope; /* [c_out]; slopes of at most 1 */
    const float *step, *zero;  /* [c_out], all but the last layer: byte q of the output is (q - zero) * step; step > 0,
                                   zero whole, 0..255 */
};

struct fovi_layer {
    enum fovi_layer_kind kind;
    int k, c_in, c_out; /* convolution: kernel edge, channels; add, gate: c_in = c_out; concat: those before, all */
    int has_prelu;
    int from;                                /* add, gate: number of the layer whose output is added */
    const float *weight;                     /* [c_out][c_in][k][k], borrowed */
    const float *bias;                       /* [c_out] */
    const float *slope;                      /* [c_out], only with has_prelu */
    int n_parts, part[FOVI_GRAPH_MAX_PARTS]; /* concat: numbers of the layers */
    struct fovi_int8_layer int8;
};

/* unshuffle, shuffle and "add base" are implied: the first layer has unshuffle^2 input channels, the last (scale *
 * unshuffle)^2 channels. */
struct fovi_graph {
    int scale;
    int n_layers;
    struct fovi_layer layer[FOVI_GRAPH_MAX_LAYERS];
    int unshuffle; /* 1 = none */
    int has_int8;  /* whether the layers have numbers for int8 */
};

/* Read the text. Weights stay NULL. FOVEA_E_FORMAT or FOVEA_E_UNSUPPORTED with a text that names the layer. */
int fovi_graph_parse(fovea_context *ctx, const char *text, struct fovi_graph *out);

/* Whether layer number reader reads the output of layer number l (-1 = the input). */
int fovi_graph_reads(const struct fovi_graph *graph, int reader, int l);

/* Radius with which a layer reads its inputs. */
int fovi_graph_own_radius(const struct fovi_layer *layer);

/* Input pixels on each side that an output pixel depends on. */
int fovi_graph_radius(const struct fovi_graph *graph);

/* Parameters, and multiply-adds for one input pixel (rounded down). */
int64_t fovi_graph_parameters(const struct fovi_graph *graph);
int64_t fovi_graph_macs(const struct fovi_graph *graph);

#endif
