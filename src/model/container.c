/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The safetensors reader: eight bytes with the length of a JSON header, the header, then raw tensors without gaps.
 * The header is parsed by jansson; each number in it is distrusted here.
 */
#include "model/container.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "model/half.h"

#define METADATA_KEY "__metadata__"
/* Tensors begin at multiples of 64 bytes in memory. */
#define ALIGN_FLOATS ((size_t)16)

/* A tensor of the header before its values are read; begin and end are offsets into the data part. */
struct entry {
    struct fovi_tensor tensor;
    size_t begin, end;
};

/* What the stages of reading hand on. */
struct reader {
    fovea_context *ctx;
    const unsigned char *data; /* after the header */
    size_t n_data;
    json_t *root;
    struct entry *entry;
    int n_entries;
    struct fovi_container *container;
    char *text_end; /* where the next string goes */
};

static uint64_t load_le(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint64_t hash_fnv1a(const unsigned char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = { [FOVI_DTYPE_F32] = { "F32", 4 }, [FOVI_DTYPE_F16] = { "F16", 2 }, [FOVI_DTYPE_I8] = { "I8", 1 } };

size_t fovi_dtype_bytes(enum fovi_dtype dtype)
{
    return dtypes[dtype].bytes;
}

const char *fovi_dtype_name(enum fovi_dtype dtype)
{
    return dtypes[dtype].name;
}

/* The header as JSON, and where the data begin. */
static int read_header(struct reader *r, const unsigned char *bytes, size_t n_bytes)
{
    if (n_bytes < 8)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "not a model: %zu bytes are too few for a container", n_bytes);
    uint64_t n_header = load_le(bytes, 8);
    if (n_header > FOVI_CONTAINER_MAX_HEADER)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "not a model: a header of %llu bytes is over the limit of %zu",
                         (unsigned long long)n_header, FOVI_CONTAINER_MAX_HEADER);
    if (n_header > n_bytes - 8)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "the model is truncated: a header of %llu bytes in a file of %zu",
                         (unsigned long long)n_header, n_bytes);
    if (n_header < 2 || bytes[8] != '{')
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "not a model: the header does not begin with '{'");
    json_error_t error;
    r->root = json_loadb((const char *)bytes + 8, (size_t)n_header, JSON_REJECT_DUPLICATES, &error);
    if (!r->root)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "the model's header is not valid JSON: %.120s", error.text);
    r->data = bytes + 8 + n_header;
    r->n_data = n_bytes - 8 - (size_t)n_header;
    return FOVEA_OK;
}

static int read_dtype(struct reader *r, const json_t *info, struct fovi_tensor *t)
{
    static const char *const known[] = { "BF16", "F64", "I64", "I32", "I16", "U64", "U32", "U16", "U8", "BOOL" };
    const char *name = json_string_value(json_object_get(info, "dtype"));
    if (!name)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has no type", t->name);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            t->dtype = (enum fovi_dtype)i;
            return FOVEA_OK;
        }
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return fovi_fail(r->ctx, FOVEA_E_UNSUPPORTED, "tensor '%.64s' has type %s: only F32, F16 and I8 are read",
                             t->name, name);
    return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has the unknown type '%.16s'", t->name, name);
}

static int read_shape(struct reader *r, const json_t *info, struct fovi_tensor *t)
{
    const json_t *shape = json_object_get(info, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > FOVI_CONTAINER_MAX_DIMS)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has no shape of at most %d dimensions", t->name,
                         FOVI_CONTAINER_MAX_DIMS);
    t->n_dims = (int)json_array_size(shape);
    t->n = 1;
    for (int i = 0; i < FOVI_CONTAINER_MAX_DIMS; i++) {
        t->shape[i] = 1;
        if (i >= t->n_dims)
            continue;
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 1)
            return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s': dimension %d is not a positive integer", t->name,
                             i);
        t->shape[i] = (size_t)json_integer_value(size);
        if (!fovi_mul_size(t->n, t->shape[i], &t->n))
            return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has more values than memory has bytes", t->name);
    }
    return FOVEA_OK;
}

static int read_offsets(struct reader *r, const json_t *info, struct entry *e)
{
    const char *name = e->tensor.name;
    const json_t *offsets = json_object_get(info, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has no valid data_offsets", name);
    if ((uint64_t)json_integer_value(end) > r->n_data)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' ends at byte %lld of %zu: the model is truncated",
                         name, (long long)json_integer_value(end), r->n_data);
    e->begin = (size_t)json_integer_value(begin);
    e->end = (size_t)json_integer_value(end);
    size_t item = fovi_dtype_bytes(e->tensor.dtype), bytes;
    if (!fovi_mul_size(e->tensor.n, item, &bytes) || bytes != e->end - e->begin)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' of %zu values does not fit its %zu bytes", name,
                         e->tensor.n, e->end - e->begin);
    if (e->begin % item)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' begins at byte %zu, which is not aligned", name,
                         e->begin);
    return FOVEA_OK;
}

static int by_offset(const void *a, const void *b)
{
    size_t x = ((const struct entry *)a)->begin, y = ((const struct entry *)b)->begin;
    return (x > y) - (x < y);
}

/* Every byte of the data belongs to exactly one tensor. */
static int check_cover(struct reader *r)
{
    qsort(r->entry, (size_t)r->n_entries, sizeof *r->entry, by_offset);
    size_t at = 0;
    for (int i = 0; i < r->n_entries; i++) {
        const struct entry *e = &r->entry[i];
        if (e->begin != at)
            return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' %s", e->tensor.name,
                             e->begin < at ? "overlaps another one" : "leaves a gap before it");
        at = e->end;
    }
    if (at != r->n_data)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "the model has %zu bytes that belong to no tensor", r->n_data - at);
    return FOVEA_OK;
}

static int read_entries(struct reader *r)
{
    size_t n = json_object_size(r->root) - (json_object_get(r->root, METADATA_KEY) ? 1 : 0);
    if (n > FOVI_CONTAINER_MAX_TENSORS)
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "%zu tensors are over the limit of %d", n, FOVI_CONTAINER_MAX_TENSORS);
    r->entry = fovi_alloc(r->ctx, n, sizeof *r->entry);
    if (!r->entry)
        return fovi_alloc_error(r->ctx);
    const char *name;
    json_t *info;
    json_object_foreach(r->root, name, info)
    {
        if (strcmp(name, METADATA_KEY) == 0)
            continue;
        struct entry *e = &r->entry[r->n_entries++];
        e->tensor.name = name;
        if (!json_is_object(info))
            return fovi_fail(r->ctx, FOVEA_E_FORMAT, "tensor '%.64s' has no description", name);
        FOVI_TRY(read_dtype(r, info, &e->tensor));
        FOVI_TRY(read_shape(r, info, &e->tensor));
        FOVI_TRY(read_offsets(r, info, e));
    }
    return check_cover(r);
}

/* Memory for all names, keys and values; the sum cannot overflow, since each string is part of the header. */
static int take_text(struct reader *r, json_t *metadata)
{
    size_t n = 1;
    for (int i = 0; i < r->n_entries; i++)
        n += strlen(r->entry[i].tensor.name) + 1;
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return fovi_fail(r->ctx, FOVEA_E_FORMAT, "the model's metadata '%.64s' is not a string", key);
        n += strlen(key) + json_string_length(value) + 2;
    }
    r->container->text = r->text_end = fovi_alloc(r->ctx, n, 1);
    return r->text_end ? FOVEA_OK : fovi_alloc_error(r->ctx);
}

static const char *keep_text(struct reader *r, const char *s)
{
    size_t n = strlen(s) + 1;
    char *kept = memcpy(r->text_end, s, n);
    r->text_end += n;
    return kept;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct fovi_meta *)a)->key, ((const struct fovi_meta *)b)->key);
}

static int read_metadata(struct reader *r)
{
    json_t *metadata = json_object_get(r->root, METADATA_KEY);
    if (metadata && !json_is_object(metadata))
        return fovi_fail(r->ctx, FOVEA_E_FORMAT, "the model's metadata is not a map of strings");
    FOVI_TRY(take_text(r, metadata));
    struct fovi_container *c = r->container;
    c->meta = fovi_alloc(r->ctx, json_object_size(metadata), sizeof *c->meta);
    if (!c->meta)
        return fovi_alloc_error(r->ctx);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        struct fovi_meta *m = &c->meta[c->n_meta++];
        m->key = keep_text(r, key);
        m->value = keep_text(r, json_string_value(value));
    }
    qsort(c->meta, (size_t)c->n_meta, sizeof *c->meta, by_key);
    return FOVEA_OK;
}

static void convert(const struct entry *e, const unsigned char *src, float *dst)
{
    for (size_t i = 0; i < e->tensor.n; i++) {
        if (e->tensor.dtype == FOVI_DTYPE_F32) {
            uint32_t bits = (uint32_t)load_le(src + 4 * i, 4);
            memcpy(&dst[i], &bits, sizeof bits);
        } else if (e->tensor.dtype == FOVI_DTYPE_I8) {
            dst[i] = (float)(int8_t)src[i];
        } else {
            dst[i] = fovi_half_to_float((uint16_t)load_le(src + 2 * i, 2));
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fovi_tensor *)a)->name, ((const struct fovi_tensor *)b)->name);
}

/* The values. Their number is bounded by the bytes that are really there, so the sum cannot overflow. */
static int read_tensors(struct reader *r)
{
    struct fovi_container *c = r->container;
    size_t n = 0;
    for (int i = 0; i < r->n_entries; i++)
        n += (r->entry[i].tensor.n + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    c->tensor = fovi_alloc(r->ctx, (size_t)r->n_entries, sizeof *c->tensor);
    c->values = fovi_alloc(r->ctx, n, sizeof *c->values);
    if (!c->tensor || !c->values)
        return fovi_alloc_error(r->ctx);
    float *at = c->values;
    for (int i = 0; i < r->n_entries; i++) {
        const struct entry *e = &r->entry[i];
        convert(e, r->data + e->begin, at);
        c->tensor[i] = e->tensor;
        c->tensor[i].name = keep_text(r, e->tensor.name);
        c->tensor[i].data = at;
        at += (e->tensor.n + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    }
    c->n_tensors = r->n_entries;
    qsort(c->tensor, (size_t)c->n_tensors, sizeof *c->tensor, by_name);
    c->hash = hash_fnv1a(r->data, r->n_data);
    return FOVEA_OK;
}

static int read_all(struct reader *r, const void *bytes, size_t n_bytes)
{
    FOVI_TRY(read_header(r, bytes, n_bytes));
    FOVI_TRY(read_entries(r));
    FOVI_TRY(read_metadata(r));
    return read_tensors(r);
}

int fovi_container_parse(fovea_context *ctx, const void *bytes, size_t n_bytes, struct fovi_container **out)
{
    *out = NULL;
    struct reader r = { .ctx = ctx };
    r.container = fovi_alloc(ctx, 1, sizeof *r.container);
    if (!r.container)
        return fovi_alloc_error(ctx);
    int code = read_all(&r, bytes, n_bytes);
    json_decref(r.root);
    fovi_free(ctx, r.entry);
    if (code)
        fovi_container_free(ctx, &r.container);
    *out = r.container;
    return code;
}

void fovi_container_free(fovea_context *ctx, struct fovi_container **container)
{
    if (!container || !*container)
        return;
    fovi_free(ctx, (*container)->tensor);
    fovi_free(ctx, (*container)->meta);
    fovi_free(ctx, (*container)->text);
    fovi_free(ctx, (*container)->values);
    fovi_free(ctx, *container);
    *container = NULL;
}

const struct fovi_tensor *fovi_container_find(const struct fovi_container *container, const char *name)
{
    for (int i = 0; i < container->n_tensors; i++)
        if (strcmp(container->tensor[i].name, name) == 0)
            return &container->tensor[i];
    return NULL;
}

const char *fovi_container_meta(const struct fovi_container *container, const char *key)
{
    for (int i = 0; i < container->n_meta; i++)
        if (strcmp(container->meta[i].key, key) == 0)
            return container->meta[i].value;
    return "";
}
