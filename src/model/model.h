/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Models as the inside sees them: what a plan runs.
 */
#ifndef FOVI_MODEL_MODEL_H
#define FOVI_MODEL_MODEL_H

#include "filter/filter.h"
#include "fovea/model.h"
#include "model/container.h"
#include "net/graph.h"

/* Metadata keys of a container. */
#define FOVI_MODEL_FORMAT "fovea"
#define FOVI_MODEL_VERSION "1"

/* What a filter's container says of its layers; it stands for the classes and the order of the stored filters. */
#define FOVI_MODEL_FILTER_LAYERS "hash direction 8/16 strength 4 coherence 2 curvature 3; fir7x7 48 of 320"

/* Name of the filter's tensor, [48][7][7][scale * scale]. */
#define FOVI_MODEL_FILTER_TENSOR "filter.weight"

/* What an int8 network's tensors are called beside those of the network itself, "<layer>.int8.<what>", and the metadata
 * key with the command that trained them. All but the last layer have step and zero [c_out] (struct fovi_int8_layer
 * says what they mean); convolutions have weight [c_out][c_in][k][k], bias [c_out] and, with PReLU, slope [c_out]; in
 * all but the first and the last convolution the weights are I8 and have a scale [c_out]. */
#define FOVI_MODEL_INT8 ".int8."
#define FOVI_MODEL_INT8_COMMAND "int8"

/* The network with its weights, NULL for a filter; the filter, NULL for a network. They live as long as the model. */
const struct fovi_graph *fovi_model_graph(const fovea_model *model);
const struct fovi_filter *fovi_model_filter(const fovea_model *model);

#endif
