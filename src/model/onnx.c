/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ONNX writer: the few messages of onnx.proto that a network needs, in the wire format of protocol buffers.
 *
 * The base is Resize with cubic coefficients (a = -0.5) at half-pixel centres. It repeats the edge pixel beyond the
 * edge, where the bicubic of this library mirrors the picture; so two mirrored pixels are put on each side before, and
 * what they become is cut off after.
 */
#include "model/onnx.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/version.h"
#include "model/container.h"
#include "model/model.h"

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7 };                                           /* TensorProto.DataType */
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT, ATTRIBUTE_STRING, ATTRIBUTE_INTS = 7 }; /* AttributeProto.AttributeType */

/* Bytes that grow. After a failed allocation nothing more is added. */
struct message {
    fovea_context *ctx;
    unsigned char *data;
    size_t n, capacity;
    int failed;
};

static void add_bytes(struct message *m, const void *bytes, size_t n)
{
    if (!m->failed && m->n + n > m->capacity) {
        size_t capacity = 2 * (m->n + n) + 64;
        unsigned char *data = fovi_alloc(m->ctx, capacity, 1);
        m->failed = !data;
        if (data && m->n)
            memcpy(data, m->data, m->n);
        if (data) {
            fovi_free(m->ctx, m->data);
            m->data = data;
            m->capacity = capacity;
        }
    }
    if (m->failed || !n)
        return;
    memcpy(m->data + m->n, bytes, n);
    m->n += n;
}

static void add_varint(struct message *m, uint64_t v)
{
    unsigned char byte;
    do {
        byte = (unsigned char)((v & 127u) | (v > 127u ? 128u : 0u));
        add_bytes(m, &byte, 1);
    } while (v >>= 7);
}

static void add_int(struct message *m, int field, int64_t v)
{
    add_varint(m, (uint64_t)field << 3);
    add_varint(m, (uint64_t)v);
}

static void add_blob(struct message *m, int field, const void *bytes, size_t n)
{
    add_varint(m, (uint64_t)field << 3 | 2u);
    add_varint(m, n);
    add_bytes(m, bytes, n);
}

static void add_text(struct message *m, int field, const char *text)
{
    add_blob(m, field, text, strlen(text));
}

/* Four bytes, least significant first. */
static void add_float(struct message *m, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    for (int i = 0; i < 4; i++, bits >>= 8) {
        unsigned char byte = (unsigned char)(bits & 255u);
        add_bytes(m, &byte, 1);
    }
}

/* Put a finished message into another and give its memory back. */
static void add_message(struct message *m, int field, struct message *inner)
{
    if (inner->failed)
        m->failed = 1;
    else
        add_blob(m, field, inner->data, inner->n);
    fovi_free(inner->ctx, inner->data);
    *inner = (struct message){ .ctx = m->ctx };
}

/* ---- tensors, nodes ---- */

struct writer {
    struct message graph;
    struct fovi_onnx_params params;
};

static void add_tensor(struct writer *w, const char *name, int type, const int64_t *shape, int n_dims,
                       struct message *raw)
{
    struct message t = { .ctx = w->graph.ctx };
    for (int i = 0; i < n_dims; i++)
        add_int(&t, 1, shape[i]);
    add_int(&t, 2, type);
    add_text(&t, 8, name);
    add_message(&t, 9, raw);
    add_message(&w->graph, 5, &t);
}

static void add_floats(struct writer *w, const char *name, const float *values, const int64_t *shape, int n_dims)
{
    struct message raw = { .ctx = w->graph.ctx };
    int64_t n = 1;
    for (int i = 0; i < n_dims; i++)
        n *= shape[i];
    for (int64_t i = 0; i < n; i++)
        add_float(&raw, values[i]);
    add_tensor(w, name, ONNX_FLOAT, shape, n_dims, &raw);
}

static void add_integer(struct writer *w, const char *name, int64_t v)
{
    struct message raw = { .ctx = w->graph.ctx };
    const int64_t one = 1;
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)((uint64_t)v >> (8 * i) & 255u);
        add_bytes(&raw, &byte, 1);
    }
    add_tensor(w, name, ONNX_INT64, &one, 1, &raw);
}

/* Begin a node; inputs end with NULL. Attributes follow, then add_message(&w->graph, 1, &node). */
static struct message begin_node(const struct writer *w, const char *op, const char *const *inputs, const char *output)
{
    struct message node = { .ctx = w->graph.ctx };
    for (; *inputs; inputs++)
        add_text(&node, 1, *inputs);
    add_text(&node, 2, output);
    add_text(&node, 3, output);
    add_text(&node, 4, op);
    return node;
}

static void end_attribute(struct message *node, struct message *attribute, int type)
{
    add_int(attribute, 20, type);
    add_message(node, 5, attribute);
}

static void attribute_int(struct message *node, const char *name, int64_t v)
{
    struct message a = { .ctx = node->ctx };
    add_text(&a, 1, name);
    add_int(&a, 3, v);
    end_attribute(node, &a, ATTRIBUTE_INT);
}

static void attribute_ints(struct message *node, const char *name, int64_t v, int n)
{
    struct message a = { .ctx = node->ctx };
    add_text(&a, 1, name);
    for (int i = 0; i < n; i++)
        add_int(&a, 8, v);
    end_attribute(node, &a, ATTRIBUTE_INTS);
}

static void attribute_float(struct message *node, const char *name, float v)
{
    struct message a = { .ctx = node->ctx };
    add_text(&a, 1, name);
    add_varint(&a, 2u << 3 | 5u);
    add_float(&a, v);
    end_attribute(node, &a, ATTRIBUTE_FLOAT);
}

static void attribute_text(struct message *node, const char *name, const char *v)
{
    struct message a = { .ctx = node->ctx };
    add_text(&a, 1, name);
    add_text(&a, 4, v);
    end_attribute(node, &a, ATTRIBUTE_STRING);
}

/* ---- layers ---- */

/* PReLU with a slope for each channel, or LeakyReLU with their mean. */
static void write_activation(struct writer *w, int l, const struct fovi_layer *layer, const char *from, const char *to)
{
    char slope[24];
    const int64_t shape[3] = { layer->c_out, 1, 1 };
    const char *const prelu_inputs[] = { from, slope, NULL }, *const leaky_inputs[] = { from, NULL };
    struct message node;
    snprintf(slope, sizeof slope, "%d.slope", l);
    if (w->params.is_leaky) {
        float mean = 0.0f;
        for (int i = 0; i < layer->c_out; i++)
            mean += layer->slope[i] / (float)layer->c_out;
        node = begin_node(w, "LeakyRelu", leaky_inputs, to);
        attribute_float(&node, "alpha", mean);
    } else {
        add_floats(w, slope, layer->slope, shape, 3);
        node = begin_node(w, "PRelu", prelu_inputs, to);
    }
    add_message(&w->graph, 1, &node);
}

static void write_conv(struct writer *w, int l, const struct fovi_layer *layer, const char *from, const char *to)
{
    char weight[24], bias[24], sum[24];
    const int64_t kernel[4] = { layer->c_out, layer->c_in, layer->k, layer->k };
    const char *const inputs[] = { from, weight, bias, NULL };
    snprintf(weight, sizeof weight, "%d.weight", l);
    snprintf(bias, sizeof bias, "%d.bias", l);
    snprintf(sum, sizeof sum, "%d.sum", l);
    add_floats(w, weight, layer->weight, kernel, 4);
    add_floats(w, bias, layer->bias, kernel, 1);
    struct message node = begin_node(w, "Conv", inputs, layer->has_prelu ? sum : to);
    attribute_ints(&node, "kernel_shape", layer->k, 2);
    attribute_ints(&node, "pads", layer->k / 2, 4);
    attribute_ints(&node, "strides", 1, 2);
    add_message(&w->graph, 1, &node);
    if (layer->has_prelu)
        write_activation(w, l, layer, sum, to);
}

/* The output of layer l, -1 = the input. */
static void value_name(int l, char name[24])
{
    if (l < 0)
        snprintf(name, 24, "luma");
    else
        snprintf(name, 24, "%d", l);
}

static void write_add(struct writer *w, const char *a, const char *b, const char *to)
{
    const char *const inputs[] = { a, b, NULL };
    struct message node = begin_node(w, "Add", inputs, to);
    add_message(&w->graph, 1, &node);
}

static void write_layers(struct writer *w, const struct fovi_graph *g)
{
    char from[24], to[24], other[24];
    for (int l = 0; l < g->n_layers; l++) {
        value_name(l - 1, from);
        value_name(l, to);
        value_name(g->layer[l].from, other);
        if (g->layer[l].kind == FOVI_LAYER_ADD)
            write_add(w, from, other, to);
        else
            write_conv(w, l, &g->layer[l], from, to);
    }
    value_name(g->n_layers - 1, from);
    const char *const inputs[] = { from, NULL };
    struct message node = begin_node(w, "DepthToSpace", inputs, w->params.has_base ? "residual" : "output");
    attribute_int(&node, "blocksize", g->scale);
    attribute_text(&node, "mode", "CRD");
    add_message(&w->graph, 1, &node);
}

/* ---- the base ---- */

static void write_slice(struct writer *w, const char *from, const char *start, const char *end, const char *axis,
                        const char *to)
{
    const char *const inputs[] = { from, start, end, axis, NULL };
    struct message node = begin_node(w, "Slice", inputs, to);
    add_message(&w->graph, 1, &node);
}

/* Two mirrored pixels at both ends of an axis. */
static void write_mirror(struct writer *w, const char *from, const char *axis, int axis_number, const char *to)
{
    char part[4][24];
    static const char *const ends[4][2] = { { "1", "2" }, { "0", "1" }, { "-1", "end" }, { "-2", "-1" } };
    for (int i = 0; i < 4; i++) {
        char start[24], end[24];
        snprintf(part[i], sizeof part[i], "%s.%d", to, i);
        snprintf(start, sizeof start, "at %s", ends[i][0]);
        snprintf(end, sizeof end, "at %s", ends[i][1]);
        write_slice(w, from, start, end, axis, part[i]);
    }
    const char *const inputs[] = { part[0], part[1], from, part[2], part[3], NULL };
    struct message node = begin_node(w, "Concat", inputs, to);
    attribute_int(&node, "axis", axis_number);
    add_message(&w->graph, 1, &node);
}

static void write_base(struct writer *w, int scale)
{
    static const struct {
        const char *name;
        int64_t value;
    } numbers[] = { { "at 0", 0 },   { "at 1", 1 }, { "at 2", 2 },    { "at -1", -1 },
                    { "at -2", -2 }, { "rows", 2 }, { "columns", 3 }, { "at end", INT64_MAX } };
    const float scales[4] = { 1.0f, 1.0f, (float)scale, (float)scale };
    const int64_t four = 4;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_integer(w, numbers[i].name, numbers[i].value);
    add_integer(w, "cut", 2 * (int64_t)scale);
    add_integer(w, "uncut", -2 * (int64_t)scale);
    add_floats(w, "scales", scales, &four, 1);
    write_mirror(w, "luma", "columns", 3, "wider");
    write_mirror(w, "wider", "rows", 2, "padded");
    const char *const inputs[] = { "padded", "", "scales", NULL };
    struct message node = begin_node(w, "Resize", inputs, "enlarged");
    attribute_text(&node, "mode", "cubic");
    attribute_text(&node, "coordinate_transformation_mode", "half_pixel");
    attribute_float(&node, "cubic_coeff_a", -0.5f);
    add_message(&w->graph, 1, &node);
    write_slice(w, "enlarged", "cut", "uncut", "columns", "narrowed");
    write_slice(w, "narrowed", "cut", "uncut", "rows", "base");
    write_add(w, "base", "residual", "output");
}

/* ---- the file ---- */

/* A picture of one channel; a size of 0 stands for any, by name. */
static void add_picture(struct message *graph, int field, const char *name, const char *const words[2], int height,
                        int width)
{
    const int sizes[4] = { 1, 1, height, width };
    struct message shape = { .ctx = graph->ctx }, tensor = shape, type = shape, value = shape;
    for (int i = 0; i < 4; i++) {
        struct message dim = { .ctx = graph->ctx };
        if (sizes[i])
            add_int(&dim, 1, sizes[i]);
        else
            add_text(&dim, 2, words[i - 2]);
        add_message(&shape, 1, &dim);
    }
    add_int(&tensor, 1, ONNX_FLOAT);
    add_message(&tensor, 2, &shape);
    add_message(&type, 1, &tensor);
    add_text(&value, 1, name);
    add_message(&value, 2, &type);
    add_message(graph, field, &value);
}

static void add_property(struct message *model, const char *key, const char *value)
{
    struct message p = { .ctx = model->ctx };
    add_text(&p, 1, key);
    add_text(&p, 2, value);
    add_message(model, 14, &p);
}

int fovi_onnx_encode(fovea_context *ctx, const struct fovi_graph *graph, const struct fovea_model_info *info,
                     const struct fovi_onnx_params *params, void **bytes, size_t *n_bytes)
{
    struct message model = { .ctx = ctx }, operators = model;
    struct writer w = { .graph = { .ctx = ctx }, .params = *params };
    write_layers(&w, graph);
    if (params->has_base)
        write_base(&w, graph->scale);
    add_text(&w.graph, 2, info->method);
    static const char *const in[2] = { "height", "width" }, *const out[2] = { "out_height", "out_width" };
    add_picture(&w.graph, 11, "luma", in, params->height, params->width);
    add_picture(&w.graph, 12, "output", out, params->height * graph->scale, params->width * graph->scale);
    add_int(&model, 1, 7); /* version of the format, the one of operator set 13 */
    add_text(&model, 2, "fovea");
    add_text(&model, 3, fovea_version());
    add_message(&model, 7, &w.graph);
    add_text(&operators, 1, "");
    add_int(&operators, 2, 13);
    add_message(&model, 8, &operators);
    add_property(&model, "method", info->method);
    add_property(&model, "layers", info->layers);
    add_property(&model, "base", info->base);
    add_property(&model, "sources", info->sources);
    add_property(&model, "licence", info->licence);
    if (model.failed)
        fovi_free(ctx, model.data);
    *bytes = model.failed ? NULL : model.data;
    *n_bytes = model.failed ? 0 : model.n;
    return model.failed ? fovi_alloc_error(ctx) : FOVEA_OK;
}

int fovea_model_save_onnx(fovea_context *ctx, const fovea_model *model, const char *path)
{
    const struct fovi_graph *graph = fovi_model_graph(model);
    const struct fovi_onnx_params params = { .has_base = 1 };
    struct fovea_model_info info;
    fovea_model_describe(model, &info);
    if (!graph || strcmp(info.base, "bicubic") != 0)
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "'%.31s' cannot be written as ONNX: only networks over bicubic can",
                         info.method);
    void *bytes;
    size_t n;
    FOVI_TRY(fovi_onnx_encode(ctx, graph, &info, &params, &bytes, &n));
    int code = fovi_file_write(ctx, path, bytes, n);
    fovi_free(ctx, bytes);
    return code;
}
