/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The safetensors writer. Keys are sorted, tensors of wider types come first and then by name, the header is padded so
 * that the data begin at a multiple of 64 bytes: equal content gives equal bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "model/container.h"
#include "model/half.h"

#define ALIGN_BYTES ((size_t)64)

static size_t tensor_bytes(const struct fovi_tensor *t)
{
    return t->n * fovi_dtype_bytes(t->dtype);
}

static int by_place(const void *a, const void *b)
{
    const struct fovi_tensor *x = *(const struct fovi_tensor *const *)a, *y = *(const struct fovi_tensor *const *)b;
    if (x->dtype != y->dtype)
        return x->dtype < y->dtype ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void store_le(unsigned char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        p[i] = (unsigned char)(v & 255u);
}

static unsigned char *store_tensor(unsigned char *p, const struct fovi_tensor *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->dtype == FOVI_DTYPE_F32) {
            uint32_t bits;
            memcpy(&bits, &t->data[i], sizeof bits);
            store_le(p, bits, 4);
            p += 4;
        } else if (t->dtype == FOVI_DTYPE_F16) {
            store_le(p, fovi_half_from_float(t->data[i]), 2);
            p += 2;
        } else {
            *p++ = (unsigned char)(int8_t)t->data[i];
        }
    }
    return p;
}

/* Adds one tensor's description; 0 on failure (a name twice, not UTF-8, no memory). */
static int describe(json_t *root, const struct fovi_tensor *t, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    json_t *info = json_pack("{s:s, s:o, s:[I, I]}", "dtype", fovi_dtype_name(t->dtype), "shape", shape, "data_offsets",
                             (json_int_t)begin, (json_int_t)(begin + tensor_bytes(t)));
    if (json_object_get(root, t->name)) {
        json_decref(info);
        return 0;
    }
    return json_object_set_new(root, t->name, info) == 0;
}

/* The header's text in malloc memory; NULL on failure. */
static char *make_header(const struct fovi_tensor *const *place, int n_tensors, const struct fovi_meta *meta,
                         int n_meta)
{
    json_t *root = json_object(), *metadata = json_object();
    int ok = root && metadata;
    for (int i = 0; ok && i < n_meta; i++)
        ok = !json_object_get(metadata, meta[i].key) &&
             json_object_set_new(metadata, meta[i].key, json_string(meta[i].value)) == 0;
    size_t begin = 0;
    for (int i = 0; ok && i < n_tensors; i++) {
        ok = describe(root, place[i], begin);
        begin += tensor_bytes(place[i]);
    }
    ok = json_object_set_new(root, "__metadata__", metadata) == 0 && ok;
    char *text = ok ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    return text;
}

static int total_bytes(const struct fovi_tensor *tensors, int n_tensors, size_t *total)
{
    *total = 0;
    for (int i = 0; i < n_tensors; i++) {
        size_t bytes;
        if (!fovi_mul_size(tensors[i].n, 4, &bytes) || !fovi_add_size(*total, tensor_bytes(&tensors[i]), total))
            return 0;
    }
    return 1;
}

static int encode_sorted(fovea_context *ctx, const struct fovi_tensor *const *place, int n_tensors,
                         const struct fovi_meta *meta, int n_meta, size_t n_data, void **bytes, size_t *n_bytes)
{
    char *header = make_header(place, n_tensors, meta, n_meta);
    if (!header)
        return fovi_fail(ctx, FOVEA_E_ARG, "a tensor's name or the metadata are double or not UTF-8");
    size_t n_text = strlen(header);
    size_t n_header = (8 + n_text + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES - 8;
    unsigned char *p = NULL;
    if (fovi_add_size(n_header + 8, n_data, n_bytes))
        p = fovi_alloc(ctx, *n_bytes, 1);
    if (p) {
        *bytes = p;
        store_le(p, n_header, 8);
        memcpy(p + 8, header, n_text);
        memset(p + 8 + n_text, ' ', n_header - n_text);
        p += 8 + n_header;
        for (int i = 0; i < n_tensors; i++)
            p = store_tensor(p, place[i]);
    }
    free(header);
    return p ? FOVEA_OK : fovi_alloc_error(ctx);
}

int fovi_container_encode(fovea_context *ctx, const struct fovi_tensor *tensors, int n_tensors,
                          const struct fovi_meta *meta, int n_meta, void **bytes, size_t *n_bytes)
{
    *bytes = NULL;
    *n_bytes = 0;
    size_t n_data;
    if (!total_bytes(tensors, n_tensors, &n_data))
        return fovi_fail(ctx, FOVEA_E_ARG, "the tensors overflow");
    const struct fovi_tensor **place = fovi_alloc(ctx, (size_t)n_tensors, sizeof *place);
    if (!place)
        return fovi_alloc_error(ctx);
    for (int i = 0; i < n_tensors; i++)
        place[i] = &tensors[i];
    qsort(place, (size_t)n_tensors, sizeof *place, by_place);
    int code = encode_sorted(ctx, place, n_tensors, meta, n_meta, n_data, bytes, n_bytes);
    fovi_free(ctx, place);
    return code;
}

/* Write and close; 0 on failure. */
static int write_file(int fd, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        bytes += done;
        n -= (size_t)done;
    }
    return close(fd) == 0 && n == 0;
}

/* Through a file of another name beside it, so that no reader ever sees half a model. */
static int write_through(fovea_context *ctx, const char *path, char *name, size_t n_name, const void *bytes, size_t n)
{
    int fd = -1;
    for (int i = 0; i < 100 && fd < 0; i++) {
        snprintf(name, n_name, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return fovi_fail(ctx, FOVEA_E_WRITE, "cannot write '%.200s': %s", path, strerror(errno));
    int ok = write_file(fd, bytes, n) && rename(name, path) == 0;
    if (!ok) {
        fovi_fail(ctx, FOVEA_E_WRITE, "cannot write '%.200s': %s", path, strerror(errno));
        unlink(name);
    }
    return ok ? FOVEA_OK : FOVEA_E_WRITE;
}

int fovi_file_write(fovea_context *ctx, const char *path, const void *bytes, size_t n_bytes)
{
    size_t n_name = strlen(path) + 40;
    char *name = fovi_alloc(ctx, n_name, 1);
    int code = name ? write_through(ctx, path, name, n_name, bytes, n_bytes) : fovi_alloc_error(ctx);
    fovi_free(ctx, name);
    return code;
}

int fovi_container_write(fovea_context *ctx, const char *path, const struct fovi_tensor *tensors, int n_tensors,
                         const struct fovi_meta *meta, int n_meta)
{
    void *bytes;
    size_t n_bytes;
    FOVI_TRY(fovi_container_encode(ctx, tensors, n_tensors, meta, n_meta, &bytes, &n_bytes));
    int code = fovi_file_write(ctx, path, bytes, n_bytes);
    fovi_free(ctx, bytes);
    return code;
}
