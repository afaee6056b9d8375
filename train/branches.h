/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Re-parameterised branches: while training, each 3x3 convolution has four parallel 1x1 convolutions behind fixed
 * kernels (centre, Sobel x, Sobel y, Laplacian), as in ECBSR (Zhang, Zeng, Zhang 2021); for running they are merged
 * into one 3x3. The merged kernel is linear in the branches, so gradients pass through it and a step costs no more.
 */
#ifndef TRAIN_BRANCHES_H
#define TRAIN_BRANCHES_H

#include "backprop.h"

/* Extra parameters that stand behind those of the layout. */
ptrdiff_t train_branches_count(const struct fovi_graph *graph);

/* merged (layout->n values) from master (layout->n + count). */
void train_branches_merge(const struct fovi_graph *graph, const struct train_layout *layout, const float *master,
                          float *merged);

/* Fill the branches' part of gradient from its layout's part. */
void train_branches_backward(const struct fovi_graph *graph, const struct train_layout *layout, float *gradient);

#endif
