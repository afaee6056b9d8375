/* SPDX-License-Identifier: BSD-2-Clause
 *
 * safetensors containers: named tensors and a map of strings, read from bytes that nobody vouches for, and written.
 */
#ifndef FOVI_MODEL_CONTAINER_H
#define FOVI_MODEL_CONTAINER_H

#include "base/context.h"

/* Limits of what is read. */
#define FOVI_CONTAINER_MAX_HEADER ((size_t)16 << 20)
#define FOVI_CONTAINER_MAX_TENSORS 4096
#define FOVI_CONTAINER_MAX_DIMS 4

/* How a tensor is stored, wider types first. In memory the values are always float; those of I8 are whole numbers from
 * -128 to 127. */
enum fovi_dtype { FOVI_DTYPE_F32, FOVI_DTYPE_F16, FOVI_DTYPE_I8 };

/* Bytes of a value, and the name that files use. */
size_t fovi_dtype_bytes(enum fovi_dtype dtype);
const char *fovi_dtype_name(enum fovi_dtype dtype);

struct fovi_tensor {
    const char *name;
    enum fovi_dtype dtype;
    int n_dims;                            /* 0..4; 0 = one value */
    size_t shape[FOVI_CONTAINER_MAX_DIMS]; /* each >= 1; those beyond n_dims are 1 */
    size_t n;                              /* number of values, the product of shape */
    const float *data;                     /* aligned to 64 bytes where it was read */
};

struct fovi_meta {
    const char *key, *value;
};

struct fovi_container {
    int n_tensors;
    struct fovi_tensor *tensor; /* sorted by name */
    int n_meta;
    struct fovi_meta *meta; /* sorted by key */
    uint64_t hash;          /* FNV-1a 64 of the tensor bytes as stored */
    char *text;             /* memory of names, keys and values */
    float *values;          /* memory of all tensors */
};

/* Read n_bytes at bytes; they are not needed afterwards. Every size, offset and name is checked before it is used and
 * before memory is taken for it. FOVEA_E_FORMAT with a sentence for anything wrong, FOVEA_E_UNSUPPORTED for a valid
 * tensor type other than F32, F16 and I8, FOVEA_E_NOMEM, FOVEA_E_LIMIT. Free with fovi_container_free. */
int fovi_container_parse(fovea_context *ctx, const void *bytes, size_t n_bytes, struct fovi_container **out);
void fovi_container_free(fovea_context *ctx, struct fovi_container **container);

/* A tensor by name, NULL if there is none; a metadata value by key, "" if there is none. */
const struct fovi_tensor *fovi_container_find(const struct fovi_container *container, const char *name);
const char *fovi_container_meta(const struct fovi_container *container, const char *key);

/* The bytes of a container, in memory that the caller gives back with fovi_free. The same tensors and metadata in any
 * order give the same bytes. FOVEA_E_ARG for a name twice or text that is not UTF-8, FOVEA_E_NOMEM. */
int fovi_container_encode(fovea_context *ctx, const struct fovi_tensor *tensors, int n_tensors,
                          const struct fovi_meta *meta, int n_meta, void **bytes, size_t *n_bytes);

/* The same into a file, which appears under its name only when it is complete. FOVEA_E_WRITE on failure. */
int fovi_container_write(fovea_context *ctx, const char *path, const struct fovi_tensor *tensors, int n_tensors,
                         const struct fovi_meta *meta, int n_meta);

/* Any bytes into a file in the same way. */
int fovi_file_write(fovea_context *ctx, const char *path, const void *bytes, size_t n_bytes);

#endif
