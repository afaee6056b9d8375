/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training for int8: the forward pass rounds activations and weights as the kernels will (net/int8.h), with learned
 * steps (LSQ: Esser et al. 2020); the backward pass takes the rounding for the identity where nothing was clipped.
 *
 * Every layer but the last has a step and a zero point for each channel of its output, which is then one of 256 levels;
 * every convolution but the first and the last has a scale for each output channel, of weights that are multiples of it
 * (divided by the step of the input channel) between -127 and 127. Steps and scales are learned as logarithms; zero
 * points are found once, before the training.
 */
#ifndef TRAIN_QUANT_H
#define TRAIN_QUANT_H

#include "backprop.h"

/* Places in the master parameters, behind those of the layout; -1 where a layer has none. */
struct train_quant {
    ptrdiff_t step[FOVI_GRAPH_MAX_LAYERS], zero[FOVI_GRAPH_MAX_LAYERS], scale[FOVI_GRAPH_MAX_LAYERS];
    ptrdiff_t n;             /* parameters in all, those of the layout included */
    const float *parameters; /* master parameters in use; NULL: nothing is rounded */
};

void train_quant_init(struct train_quant *quant, const struct fovi_graph *graph, const struct train_layout *layout);

/* merged (layout->n values) from master: the weights that int8 will have. */
void train_quant_merge(const struct train_quant *quant, const struct fovi_graph *graph,
                       const struct train_layout *layout, const float *master, float *merged);

/* From gradients by merged weights, in place, to gradients by the master's and by their scales. */
void train_quant_merge_backward(const struct train_quant *quant, const struct fovi_graph *graph,
                                const struct train_layout *layout, const float *master, float *gradient);

/* The output of layer l in work, rounded in place; and the gradient through that, with the steps' own. */
void train_quant_forward(const struct train_quant *quant, const struct fovi_graph *graph, int l,
                         struct train_work *work);
void train_quant_backward(const struct train_quant *quant, const struct fovi_graph *graph,
                          const struct train_layout *layout, int l, struct train_work *work, float *gradient);

/* What int8 asks of parameters: no slope over 1. */
void train_quant_limit(const struct fovi_graph *graph, const struct train_layout *layout, float *master);

/* What calibration has seen of a layer's output: the range of each channel, then the squared error that each share of
 * that range would cost. */
#define TRAIN_QUANT_SHARES 12
struct train_range {
    float low, high;
    double error[TRAIN_QUANT_SHARES];
};

/* Look at work after an unrounded forward pass. range: [n_layers][FOVI_GRAPH_MAX_CHANNELS], zeros at first; pass: 0 for
 * ranges, then, over the same patches, 1 for errors. */
void train_quant_look(const struct fovi_graph *graph, const struct train_work *work, int pass,
                      struct train_range *range);

/* Steps and zero points with the least error, scales by the largest weight. */
void train_quant_start(const struct train_quant *quant, const struct fovi_graph *graph,
                       const struct train_layout *layout, const struct train_range *range, float *master);

/* A number rounded to even and limited. */
float train_quant_round(float v, float low, float high);

#endif
