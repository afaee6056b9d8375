/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ONNX writer: the few messages of onnx.proto that a network needs, in the wire format of protocol buffers.
 *
 * The base is Resize with cubic coefficients (a = -0.5) at half-pixel centres. It repeats the edge pixel beyond the
 * edge, where the bicubic of this library mirrors the picture; so two mirrored pixels are put on each side before, and
 * what they become is cut off after.
 *
 * Blocks of pixels become channels by a convolution with a stride, after a repeated row and column that it passes over
 * where the size is a multiple; what the shuffle then makes too much is cut off.
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

static void add_integers(struct writer *w, const char *name, const int64_t *values, int64_t n)
{
    struct message raw = { .ctx = w->graph.ctx };
    for (int64_t i = 0; i < 8 * n; i++) {
        unsigned char byte = (unsigned char)((uint64_t)values[i / 8] >> (8 * (i % 8)) & 255u);
        add_bytes(&raw, &byte, 1);
    }
    add_tensor(w, name, ONNX_INT64, &n, 1, &raw);
}

static void add_integer(struct writer *w, const char *name, int64_t v)
{
    add_integers(w, name, &v, 1);
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

/* A node of two inputs without attributes. */
static void write_pair(struct writer *w, const char *op, const char *a, const char *b, const char *to)
{
    const char *const inputs[] = { a, b, NULL };
    struct message node = begin_node(w, op, inputs, to);
    add_message(&w->graph, 1, &node);
}

static void write_slice(struct writer *w, const char *from, const char *start, const char *end, const char *axis,
                        const char *to)
{
    const char *const inputs[] = { from, start, end, axis, NULL };
    struct message node = begin_node(w, "Slice", inputs, to);
    add_message(&w->graph, 1, &node);
}

static void write_gate(struct writer *w, int l, const char *o, const char *x, const char *to)
{
    char sigmoid[24], half[24], centred[24], sum[24];
    const char *const inputs[] = { o, NULL };
    const float value = 0.5f;
    const int64_t one = 1;
    snprintf(sigmoid, sizeof sigmoid, "%d.sigmoid", l);
    snprintf(half, sizeof half, "%d.half", l);
    snprintf(centred, sizeof centred, "%d.centred", l);
    snprintf(sum, sizeof sum, "%d.sum", l);
    add_floats(w, half, &value, &one, 1);
    struct message node = begin_node(w, "Sigmoid", inputs, sigmoid);
    add_message(&w->graph, 1, &node);
    write_pair(w, "Sub", sigmoid, half, centred);
    write_pair(w, "Add", o, x, sum);
    write_pair(w, "Mul", sum, centred, to);
}

static void write_concat(struct writer *w, const struct fovi_layer *layer, const char *to)
{
    char part[FOVI_GRAPH_MAX_PARTS][24];
    const char *inputs[FOVI_GRAPH_MAX_PARTS + 1] = { NULL };
    for (int i = 0; i < layer->n_parts; i++) {
        value_name(layer->part[i], part[i]);
        inputs[i] = part[i];
    }
    struct message node = begin_node(w, "Concat", inputs, to);
    attribute_int(&node, "axis", 1);
    add_message(&w->graph, 1, &node);
}

/* Channel y * u + x of "blocks" is pixel (x, y) of each block. */
static void write_unshuffle(struct writer *w, int u)
{
    float pick[256] = { 0 }; /* [u * u][1][u][u] */
    const int64_t pads[8] = { 0, 0, 0, 0, 0, 0, u - 1, u - 1 }, kernel[4] = { (int64_t)u * u, 1, u, u };
    const char *const pad_inputs[] = { "luma", "block pads", NULL }, *const inputs[] = { "repeated", "pick", NULL };
    for (int i = 0; i < u * u; i++)
        pick[i * u * u + i] = 1.0f;
    add_integers(w, "block pads", pads, 8);
    add_floats(w, "pick", pick, kernel, 4);
    struct message node = begin_node(w, "Pad", pad_inputs, "repeated");
    attribute_text(&node, "mode", "edge");
    add_message(&w->graph, 1, &node);
    node = begin_node(w, "Conv", inputs, "blocks");
    attribute_ints(&node, "kernel_shape", u, 2);
    attribute_ints(&node, "strides", u, 2);
    add_message(&w->graph, 1, &node);
}

/* Of "shuffled" what belongs to the picture. */
static void write_crop(struct writer *w, int scale, const char *to)
{
    const int64_t origin[2] = { 0, 0 }, axes[2] = { 2, 3 };
    const char *const inputs[] = { "luma", NULL };
    add_integers(w, "origin", origin, 2);
    add_integers(w, "picture axes", axes, 2);
    add_integer(w, "size axis", 0);
    add_integer(w, "size start", 2);
    add_integer(w, "size end", 4);
    add_integer(w, "scale", scale);
    struct message node = begin_node(w, "Shape", inputs, "shape");
    add_message(&w->graph, 1, &node);
    write_slice(w, "shape", "size start", "size end", "size axis", "size");
    write_pair(w, "Mul", "size", "scale", "out size");
    write_slice(w, "shuffled", "origin", "out size", "picture axes", to);
}

static void write_layer(struct writer *w, const struct fovi_graph *g, int l)
{
    const struct fovi_layer *layer = &g->layer[l];
    char from[24], to[24], other[24];
    value_name(l - 1, from);
    value_name(l, to);
    value_name(layer->from, other);
    if (l == 0 && g->unshuffle > 1)
        snprintf(from, sizeof from, "blocks");
    switch (layer->kind) {
    case FOVI_LAYER_CONV: write_conv(w, l, layer, from, to); break;
    case FOVI_LAYER_ADD: write_pair(w, "Add", from, other, to); break;
    case FOVI_LAYER_GATE: write_gate(w, l, from, other, to); break;
    case FOVI_LAYER_CONCAT: write_concat(w, layer, to); break;
    }
}

static void write_layers(struct writer *w, const struct fovi_graph *g)
{
    const char *name = w->params.has_base ? "residual" : "output";
    char last[24];
    const char *const inputs[] = { last, NULL };
    if (g->unshuffle > 1)
        write_unshuffle(w, g->unshuffle);
    for (int l = 0; l < g->n_layers; l++)
        write_layer(w, g, l);
    value_name(g->n_layers - 1, last);
    struct message node = begin_node(w, "DepthToSpace", inputs, g->unshuffle > 1 ? "shuffled" : name);
    attribute_int(&node, "blocksize", (int64_t)g->scale * g->unshuffle);
    attribute_text(&node, "mode", "CRD");
    add_message(&w->graph, 1, &node);
    if (g->unshuffle > 1)
        write_crop(w, g->scale, name);
}

/* ---- the base ---- */

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
    write_pair(w, "Add", "base", "residual", "output");
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
