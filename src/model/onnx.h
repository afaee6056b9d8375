/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks as ONNX files (operator set 13), for other programs and for comparison with them.
 */
#ifndef FOVI_MODEL_ONNX_H
#define FOVI_MODEL_ONNX_H

#include "fovea/model.h"
#include "net/graph.h"

struct fovi_onnx_params {
    int has_base;      /* 1: the bicubic enlargement is in the graph and added; 0: the output is the residual alone */
    int is_leaky;      /* 1: each PReLU is written as a LeakyReLU of its mean slope: not the same network, but one that
                   * run times can fuse; for timing only */
    int width, height; /* of the input, 0: any */
};

/* The bytes of a model file, in memory that the caller gives back with fovi_free. Input "luma" and output "output" are
 * [1][1][height][width] in levels of 1 (a level of 255 divided by 255); a picture with the base has at least 2 pixels
 * on each side. The text of the graph goes into the metadata beside name. FOVEA_E_NOMEM. */
int fovi_onnx_encode(fovea_context *ctx, const struct fovi_graph *graph, const struct fovea_model_info *info,
                     const struct fovi_onnx_params *params, void **bytes, size_t *n_bytes);

#endif
