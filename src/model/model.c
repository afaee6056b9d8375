/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a container to something that can run: metadata, the graph with its weights, or the filter's table. Nothing is
 * taken on trust; weights that are not finite are let through, since the checks of a run catch what they do.
 */
#include "model/model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/builtin.h"
#include "net/int8.h"

/* A file larger than this is no model. */
#define MAX_FILE_BYTES ((off_t)1 << 30)

struct fovea_model {
    fovea_context *ctx;
    struct fovi_container *container;
    struct fovea_model_info info;
    char hash[17];
    struct fovi_graph graph; /* no layers in a filter */
    struct fovi_filter filter;
    int16_t *coef;
};

/* A word that can stand in file names, reports and tables. */
static int is_method(const char *s)
{
    size_t n = strlen(s);
    return n >= 1 && n <= 31 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static int read_metadata(fovea_model *model)
{
    const struct fovi_container *c = model->container;
    const char *version = fovi_container_meta(c, "version"), *scale = fovi_container_meta(c, "scale");
    struct fovea_model_info *info = &model->info;
    if (strcmp(fovi_container_meta(c, "format"), FOVI_MODEL_FORMAT) != 0)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "a container, but not of fovea: its metadata lack format=\"%s\"",
                         FOVI_MODEL_FORMAT);
    if (strcmp(version, FOVI_MODEL_VERSION) != 0)
        return fovi_fail(model->ctx, FOVEA_E_UNSUPPORTED, "the model is of version '%.16s'; only %s is read", version,
                         FOVI_MODEL_VERSION);
    info->method = fovi_container_meta(c, "method");
    if (!is_method(info->method))
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the model's method '%.40s' is not a name", info->method);
    if (strlen(scale) != 1 || *scale < '2' || *scale > '4')
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the model's scale '%.16s' is not 2, 3 or 4", scale);
    info->scale = *scale - '0';
    info->layers = fovi_container_meta(c, "layers");
    info->base = fovi_container_meta(c, "base");
    info->base_hash = fovi_container_meta(c, "base_hash");
    info->command = fovi_container_meta(c, "command");
    info->sources = fovi_container_meta(c, "sources");
    info->licence = fovi_container_meta(c, "licence");
    info->int8_command = fovi_container_meta(c, FOVI_MODEL_INT8_COMMAND);
    snprintf(model->hash, sizeof model->hash, "%016llx", (unsigned long long)c->hash);
    info->hash = model->hash;
    return FOVEA_OK;
}

/* The base under a network must be one that this library has, with the same coefficients. */
static int check_base(fovea_model *model)
{
    const struct fovea_model_info *info = &model->info;
    if (strcmp(info->base, "bicubic") == 0) {
        if (*info->base_hash)
            return fovi_fail(model->ctx, FOVEA_E_UNSUPPORTED,
                             "the model's base bicubic has no coefficients, but hash '%.20s'", info->base_hash);
        return FOVEA_OK;
    }
    if (strcmp(info->base, "filter") != 0)
        return fovi_fail(model->ctx, FOVEA_E_UNSUPPORTED, "the model's base '%.40s' is not known", info->base);
    fovea_model *base;
    FOVI_TRY(fovea_model_builtin(model->ctx, "filter", info->scale, &base));
    int code = FOVEA_OK;
    if (strcmp(base->hash, info->base_hash) != 0)
        code = fovi_fail(model->ctx, FOVEA_E_UNSUPPORTED, "the model was made for a filter with hash '%.20s', not %s",
                         info->base_hash, base->hash);
    fovea_model_free(&base);
    return code;
}

/* The values of tensor "<layer>.<what>", which must have this shape. */
static int find_weights(fovea_model *model, int layer, const char *what, const size_t shape[4], int n_dims,
                        const float **data)
{
    char name[48];
    snprintf(name, sizeof name, "%d.%s", layer, what);
    const struct fovi_tensor *t = fovi_container_find(model->container, name);
    if (!t)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the model lacks tensor '%s'", name);
    if (t->n_dims != n_dims || memcmp(t->shape, shape, sizeof t->shape) != 0)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "tensor '%s' has not the shape of its layer", name);
    *data = t->data;
    return FOVEA_OK;
}

static int attach_weights(fovea_model *model)
{
    for (int i = 0; i < model->graph.n_layers; i++) {
        struct fovi_layer *l = &model->graph.layer[i];
        if (l->kind != FOVI_LAYER_CONV)
            continue;
        const size_t kernel[4] = { (size_t)l->c_out, (size_t)l->c_in, (size_t)l->k, (size_t)l->k };
        const size_t channels[4] = { (size_t)l->c_out, 1, 1, 1 };
        FOVI_TRY(find_weights(model, i, "weight", kernel, 4, &l->weight));
        FOVI_TRY(find_weights(model, i, "bias", channels, 1, &l->bias));
        if (l->has_prelu)
            FOVI_TRY(find_weights(model, i, "slope", channels, 1, &l->slope));
    }
    return FOVEA_OK;
}

/* Numbers within what int8 can use. */
static int check_numbers(fovea_model *model, int layer, const char *what, const float *data, size_t n, float low,
                         float high, int is_whole)
{
    for (size_t i = 0; i < n; i++)
        if (!(data[i] >= low && data[i] <= high) || (is_whole && data[i] != (float)(int)data[i]))
            return fovi_fail(model->ctx, FOVEA_E_FORMAT,
                             "tensor '%d" FOVI_MODEL_INT8 "%s' has a number that int8 cannot use", layer, what);
    return FOVEA_OK;
}

/* One tensor of int8, with its numbers checked. */
static int find_int8(fovea_model *model, int layer, const char *what, float low, float high, int is_whole,
                     const float **data)
{
    const struct fovi_layer *l = &model->graph.layer[layer];
    const size_t kernel[4] = { (size_t)l->c_out, (size_t)l->c_in, (size_t)l->k, (size_t)l->k };
    const size_t channels[4] = { (size_t)l->c_out, 1, 1, 1 };
    int is_kernel = strcmp(what, "weight") == 0;
    char name[32];
    snprintf(name, sizeof name, "int8.%s", what);
    FOVI_TRY(find_weights(model, layer, name, is_kernel ? kernel : channels, is_kernel ? 4 : 1, data));
    size_t n = is_kernel ? kernel[0] * kernel[1] * kernel[2] * kernel[3] : channels[0];
    return check_numbers(model, layer, what, *data, n, low, high, is_whole);
}

static int attach_int8_layer(fovea_model *model, int i)
{
    struct fovi_layer *l = &model->graph.layer[i];
    int is_last = i == model->graph.n_layers - 1, is_inner = i > 0 && !is_last;
    const float tiny = 1e-12f, huge = 1e12f;
    if (!is_last) {
        FOVI_TRY(find_int8(model, i, "step", tiny, huge, 0, &l->int8.step));
        FOVI_TRY(find_int8(model, i, "zero", 0.0f, 255.0f, 1, &l->int8.zero));
    }
    if (l->kind != FOVI_LAYER_CONV)
        return FOVEA_OK;
    FOVI_TRY(
        find_int8(model, i, "weight", is_inner ? -127.0f : -huge, is_inner ? 127.0f : huge, is_inner, &l->int8.weight));
    FOVI_TRY(find_int8(model, i, "bias", -huge, huge, 0, &l->int8.bias));
    if (is_inner)
        FOVI_TRY(find_int8(model, i, "scale", tiny, huge, 0, &l->int8.scale));
    if (l->has_prelu)
        FOVI_TRY(find_int8(model, i, "slope", -huge, 1.0f, 0, &l->int8.slope));
    return FOVEA_OK;
}

/* The numbers for int8: all of them, or none. */
static int attach_int8(fovea_model *model)
{
    int n = 0;
    for (int i = 0; i < model->container->n_tensors; i++)
        n += strstr(model->container->tensor[i].name, FOVI_MODEL_INT8) != NULL;
    if (!n)
        return FOVEA_OK;
    if (!fovi_int8_fits(&model->graph))
        return fovi_fail(model->ctx, FOVEA_E_FORMAT,
                         "the model has numbers for int8, but layers that cannot run in it");
    for (int i = 0; i < model->graph.n_layers; i++)
        FOVI_TRY(attach_int8_layer(model, i));
    model->graph.has_int8 = model->info.has_int8 = 1;
    return FOVEA_OK;
}

static int read_network(fovea_model *model)
{
    FOVI_TRY(fovi_graph_parse(model->ctx, model->info.layers, &model->graph));
    if (model->graph.scale != model->info.scale)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the model's layers enlarge by %d, its scale is %d",
                         model->graph.scale, model->info.scale);
    FOVI_TRY(check_base(model));
    FOVI_TRY(attach_weights(model));
    FOVI_TRY(attach_int8(model));
    model->info.n_parameters = fovi_graph_parameters(&model->graph);
    model->info.kmac_per_px = (double)fovi_graph_macs(&model->graph) / 1000.0;
    return FOVEA_OK;
}

static int read_filter(fovea_model *model)
{
    int scale = model->info.scale;
    if (strcmp(model->info.layers, FOVI_MODEL_FILTER_LAYERS) != 0)
        return fovi_fail(model->ctx, FOVEA_E_UNSUPPORTED, "the filter's layers '%.80s' are not of this version",
                         model->info.layers);
    const struct fovi_tensor *t = fovi_container_find(model->container, FOVI_MODEL_FILTER_TENSOR);
    const size_t shape[4] = { FOVI_FILTER_STORED, FOVI_FILTER_TAPS, FOVI_FILTER_TAPS, (size_t)(scale * scale) };
    if (!t || t->n_dims != 4 || memcmp(t->shape, shape, sizeof shape) != 0)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the filter lacks tensor '%s' of the right shape",
                         FOVI_MODEL_FILTER_TENSOR);
    model->coef = fovi_alloc(model->ctx, fovi_filter_coef_count(scale), sizeof *model->coef);
    if (!model->coef)
        return fovi_alloc_error(model->ctx);
    float unit = fovi_filter_expand(t->data, scale, model->coef);
    if (unit == 0.0f)
        return fovi_fail(model->ctx, FOVEA_E_FORMAT, "the filter's weights are too large, or no numbers");
    model->filter = (struct fovi_filter){ scale, unit, model->coef };
    model->info.n_parameters = (int64_t)t->n;
    model->info.kmac_per_px = FOVI_FILTER_TAPS * FOVI_FILTER_TAPS * scale * scale / 1000.0;
    return FOVEA_OK;
}

int fovea_model_parse(fovea_context *ctx, const void *bytes, size_t n_bytes, fovea_model **out)
{
    *out = NULL;
    fovea_model *model = fovi_alloc(ctx, 1, sizeof *model);
    if (!model)
        return fovi_alloc_error(ctx);
    model->ctx = ctx;
    int code = fovi_container_parse(ctx, bytes, n_bytes, &model->container);
    if (!code)
        code = read_metadata(model);
    if (!code)
        code = strcmp(model->info.method, "filter") == 0 ? read_filter(model) : read_network(model);
    if (code)
        fovea_model_free(&model);
    *out = model;
    return code;
}

void fovea_model_free(fovea_model **model)
{
    if (!model || !*model)
        return;
    fovea_context *ctx = (*model)->ctx;
    fovi_container_free(ctx, &(*model)->container);
    fovi_free(ctx, (*model)->coef);
    fovi_free(ctx, *model);
    *model = NULL;
}

/* The whole file in memory. */
static int read_file(fovea_context *ctx, const char *path, FILE *file, void **bytes, size_t *n_bytes)
{
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode))
        return fovi_fail(ctx, FOVEA_E_READ, "cannot read '%.200s': not a plain file", path);
    if (info.st_size > MAX_FILE_BYTES)
        return fovi_fail(ctx, FOVEA_E_FORMAT, "'%.200s' is not a model: it is larger than %ld bytes", path,
                         (long)MAX_FILE_BYTES);
    *n_bytes = (size_t)info.st_size;
    *bytes = fovi_alloc(ctx, *n_bytes, 1);
    if (!*bytes)
        return fovi_alloc_error(ctx);
    if (fread(*bytes, 1, *n_bytes, file) != *n_bytes)
        return fovi_fail(ctx, FOVEA_E_READ, "cannot read '%.200s': it ended early", path);
    return FOVEA_OK;
}

int fovea_model_load(fovea_context *ctx, const char *path, fovea_model **out)
{
    *out = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return fovi_fail(ctx, FOVEA_E_READ, "cannot open '%.200s': %s", path, strerror(errno));
    void *bytes = NULL;
    size_t n_bytes = 0;
    int code = read_file(ctx, path, file, &bytes, &n_bytes);
    fclose(file);
    if (!code)
        code = fovea_model_parse(ctx, bytes, n_bytes, out);
    fovi_free(ctx, bytes);
    return code;
}

void fovea_model_describe(const fovea_model *model, struct fovea_model_info *info)
{
    *info = model->info;
}

int fovea_model_save(fovea_context *ctx, const fovea_model *model, const char *path)
{
    const struct fovi_container *c = model->container;
    return fovi_container_write(ctx, path, c->tensor, c->n_tensors, c->meta, c->n_meta);
}

int fovea_model_builtin_count(void)
{
    int n = 0;
    while (fovi_builtin_table[n].name)
        n++;
    return n;
}

int fovea_model_builtin_at(fovea_context *ctx, int index, fovea_model **out)
{
    *out = NULL;
    if (index < 0 || index >= fovea_model_builtin_count())
        return fovi_fail(ctx, FOVEA_E_ARG, "there is no built-in model %d", index);
    return fovea_model_parse(ctx, fovi_builtin_table[index].bytes, fovi_builtin_table[index].n_bytes, out);
}

int fovea_model_builtin(fovea_context *ctx, const char *method, int scale, fovea_model **out)
{
    char name[64];
    snprintf(name, sizeof name, "%.31s-x%d", method, scale);
    for (int i = 0; fovi_builtin_table[i].name; i++)
        if (strcmp(fovi_builtin_table[i].name, name) == 0)
            return fovea_model_builtin_at(ctx, i, out);
    *out = NULL;
    return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "there is no built-in model '%.40s' for scale %d", method, scale);
}

const struct fovi_graph *fovi_model_graph(const fovea_model *model)
{
    return model->graph.n_layers ? &model->graph : NULL;
}

const struct fovi_filter *fovi_model_filter(const fovea_model *model)
{
    return model->coef ? &model->filter : NULL;
}
