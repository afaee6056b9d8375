/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Forward and backward through a network for one square patch, with the kernels that run it (src/net) and one of its
 * own (wgrad.h). Activations lie as grid.h says.
 */
#ifndef TRAIN_BACKPROP_H
#define TRAIN_BACKPROP_H

#include "base/context.h"
#include "grid.h"
#include "net/graph.h"
#include "recipe.h"

/* Where the parameters of a layer lie in the flat vector of all parameters. */
struct train_layout {
    ptrdiff_t weight[FOVI_GRAPH_MAX_LAYERS], bias[FOVI_GRAPH_MAX_LAYERS], slope[FOVI_GRAPH_MAX_LAYERS];
    ptrdiff_t n; /* parameters in all */
};

void train_layout_init(struct train_layout *layout, const struct fovi_graph *graph);

/* Weights packed for the kernels, forwards and transposed; shared by the threads of a step. turned: as many floats as
 * weights, where they are transposed. */
struct train_quant;

struct train_packed {
    float *forward[FOVI_GRAPH_MAX_LAYERS], *backward[FOVI_GRAPH_MAX_LAYERS];
    float *turned, *zero_bias;
    const struct train_quant *quant; /* how outputs are rounded (quant.h), or NULL; borrowed */
};

int train_packed_init(fovea_context *ctx, struct train_packed *packed, const struct fovi_graph *graph);
void train_packed_free(fovea_context *ctx, struct train_packed *packed);

/* Pack the weights of one layer (those without weights are passed over). */
void train_packed_set(struct train_packed *packed, const struct fovi_graph *graph, const struct train_layout *layout,
                      const float *parameters, int layer);

/* The memory that one thread works in. */
struct train_work {
    struct train_grid grid;
    int unshuffle;                        /* of the graph: the grid is that much smaller than the patch */
    float *input;                         /* of the network: first pixel of channel 0, as all of these */
    float *pre[FOVI_GRAPH_MAX_LAYERS];    /* before PReLU */
    float *post[FOVI_GRAPH_MAX_LAYERS];   /* after it; the same memory where there is none */
    float *before[FOVI_GRAPH_MAX_LAYERS]; /* of a convolution without PReLU, but the last: its output before it was
                                             rounded (quant.h) */
    float *grad[FOVI_GRAPH_MAX_LAYERS];   /* of the loss by post, then by pre */
    float *target;                        /* (scale * unshuffle)^2 channels: what the output should be */
    float *temp;                          /* channels as many as the widest layer has */
    float *scratch;                       /* of the kernels */
    float *memory;
};

/* patch: edge in low-resolution pixels, a multiple of the graph's unshuffle. */
int train_work_init(fovea_context *ctx, struct train_work *work, const struct fovi_graph *graph, int patch);
void train_work_free(fovea_context *ctx, struct train_work *work);

/* Run work->input through the network; the result lies in work->post of the last layer. */
void train_forward(const struct fovi_graph *graph, const struct train_layout *layout, const struct train_packed *packed,
                   const float *parameters, uint32_t cpu, struct train_work *work);

/* Mean loss of the patch against work->target, in units of level / 255 (MSE: its square); sets the gradient of the last
 * layer to the derivative times weight. */
double train_loss(const struct fovi_graph *graph, enum train_loss loss, float weight, struct train_work *work);

/* Backward from the last layer's gradient; adds to gradient (the layout of parameters). */
void train_backward(const struct fovi_graph *graph, const struct train_layout *layout,
                    const struct train_packed *packed, const float *parameters, uint32_t cpu, struct train_work *work,
                    float *gradient);

#endif
