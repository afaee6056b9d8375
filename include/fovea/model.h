/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Models: trained networks and filters, built in or from safetensors files.
 */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H

#include "common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network with its metadata. Immutable: any number of plans and threads may share it. It borrows its context, which
 * must outlive it. */
typedef struct fovea_model fovea_model;

/* What a model says about itself. The strings belong to the model. */
struct fovea_model_info {
    const char *method;    /* "tiny", "filter" ... */
    int scale;             /* 2, 3 or 4 */
    const char *layers;    /* the graph as text, e.g. "conv3x3 1 16 prelu; ...; shuffle 2; add base" */
    const char *base;      /* what its output is added to, e.g. "bicubic" */
    const char *base_hash; /* hash of the base's coefficients, "" where the base has none */
    const char *command;   /* the command that trained it */
    const char *sources;   /* training pictures */
    const char *licence;   /* terms of the weights */
    const char *hash;      /* FNV-1a 64 of the tensor bytes, 16 hex digits */
    int64_t n_parameters;
    double kmac_per_px;       /* thousand multiply-adds for one input pixel */
    int has_int8;             /* whether it can run in FOVEA_PRECISION_INT8: it has weights for that too */
    const char *int8_command; /* the command that trained those, "" where there are none */
};

/* Models that are built into the library: 0..count-1. fovea_model_builtin loads one by name and scale;
 * FOVEA_E_UNSUPPORTED if there is none. Free with fovea_model_free. */
FOVEA_API int fovea_model_builtin_count(void);
FOVEA_API int fovea_model_builtin_at(fovea_context *ctx, int index, fovea_model **out);
FOVEA_API int fovea_model_builtin(fovea_context *ctx, const char *method, int scale, fovea_model **out);

/* Load a model from a file, or from n_bytes in memory (read during the call only). Every size is checked before memory
 * is taken. Errors: FOVEA_E_READ (cannot be opened or read), FOVEA_E_FORMAT (not a model, corrupt), FOVEA_E_UNSUPPORTED
 * (a graph that this version cannot run, a base that does not match), FOVEA_E_NOMEM. */
FOVEA_API int fovea_model_load(fovea_context *ctx, const char *path, fovea_model **out);
FOVEA_API int fovea_model_parse(fovea_context *ctx, const void *bytes, size_t n_bytes, fovea_model **out);
FOVEA_API void fovea_model_free(fovea_model **model);

/* Fill *info; the strings live as long as the model. */
FOVEA_API void fovea_model_describe(const fovea_model *model, struct fovea_model_info *info);

/* Write the model as a safetensors container (under a temporary name, then renamed). FOVEA_E_WRITE on failure. */
FOVEA_API int fovea_model_save(fovea_context *ctx, const fovea_model *model, const char *path);

/* Write the network with its bicubic base as ONNX, operator set 13: input "luma" [1][1][height][width], luma / 255 of
 * at least 2 x 2 pixels; output "output" of scale times the size, not limited to a range. FOVEA_E_UNSUPPORTED for a
 * model that is no network or has another base, FOVEA_E_WRITE on failure. */
FOVEA_API int fovea_model_save_onnx(fovea_context *ctx, const fovea_model *model, const char *path);

#ifdef __cplusplus
}
#endif
#endif
