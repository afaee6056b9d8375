/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network under training and its container: what it starts from, and what is written.
 */
#ifndef TRAIN_NET_MODEL_H
#define TRAIN_NET_MODEL_H

#include "model/container.h"
#include "net_train.h"

#define TRAIN_NEW_LAYER (-1)     /* no layer of the other network: random, as without a start */
#define TRAIN_NEW_BLOCK_END (-2) /* the last convolution of a residual block that the other network lacks */

/* For each layer of want, the layer of have that it starts from, or one of the two above; convolutions only, others are
 * TRAIN_NEW_LAYER. Convolutions are paired in order, residual blocks ("conv; ...; conv; add" of what went into the
 * first) as wholes with blocks of as many convolutions. */
void train_model_pairs(const struct fovi_graph *have, const struct fovi_graph *want, int from[FOVI_GRAPH_MAX_LAYERS]);

/* Start from the weights of another container. The new blocks' last convolutions begin at zero: a deeper network begins
 * as the shallower one (Chen, Goodfellow and Shlens 2016, Net2Net). Tensors of another shape stay random. path: for
 * messages. FOVEA_E_FORMAT where the container's layers cannot be read. */
int train_model_start(struct train_net *net, const struct fovi_container *container, const char *path);

/* Write the averaged network; command: what made it. */
int train_model_save(struct train_net *net, const char *command, const char *path);

/* Write a network that was trained with quantise: what the container from has, and its int8 tensors. */
int train_quant_save(struct train_net *net, const struct fovi_container *from, const char *command, const char *path);

#endif
