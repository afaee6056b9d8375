/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backpropagation for chains of convolutions, PReLUs, skips, gates and concatenations.
 */
#include "backprop.h"

#include <math.h>
#include <string.h>

#include "net/conv.h"
#include "net/gate.h"
#include "quant.h"
#include "wgrad.h"

/* Floats before the first and after the last channel of a layer, for kernels that read beyond what they need. */
#define MARGIN 64

void train_layout_init(struct train_layout *layout, const struct fovi_graph *graph)
{
    memset(layout, 0, sizeof *layout);
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        layout->weight[l] = layout->n;
        layout->n += (ptrdiff_t)layer->k * layer->k * layer->c_in * layer->c_out;
        layout->bias[l] = layout->n;
        layout->n += layer->c_out;
        layout->slope[l] = layout->n;
        layout->n += layer->has_prelu ? layer->c_out : 0;
    }
}

static size_t packed_floats(int k, int c_in, int c_out)
{
    return fovi_conv_is_quad(k, c_in, c_out) ? fovi_conv_quad_packed_size(c_in, c_out)
                                             : fovi_conv_packed_size(k, c_in, c_out);
}

static void pack(int k, int c_in, int c_out, const float *weight, float *packed)
{
    if (fovi_conv_is_quad(k, c_in, c_out))
        fovi_conv_quad_pack(c_in, c_out, weight, packed);
    else
        fovi_conv_pack(k, c_in, c_out, weight, packed);
}

int train_packed_init(fovea_context *ctx, struct train_packed *packed, const struct fovi_graph *graph)
{
    struct train_layout layout;
    train_layout_init(&layout, graph);
    memset(packed, 0, sizeof *packed);
    packed->zero_bias = fovi_alloc(ctx, FOVI_GRAPH_MAX_CHANNELS, sizeof(float));
    packed->turned = fovi_alloc(ctx, (size_t)layout.n, sizeof(float));
    if (!packed->zero_bias || !packed->turned)
        return fovi_alloc_error(ctx);
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        packed->forward[l] = fovi_alloc(ctx, packed_floats(layer->k, layer->c_in, layer->c_out), sizeof(float));
        packed->backward[l] = fovi_alloc(ctx, packed_floats(layer->k, layer->c_out, layer->c_in), sizeof(float));
        if (!packed->forward[l] || !packed->backward[l])
            return fovi_alloc_error(ctx);
    }
    return FOVEA_OK;
}

void train_packed_free(fovea_context *ctx, struct train_packed *packed)
{
    for (int l = 0; l < FOVI_GRAPH_MAX_LAYERS; l++) {
        fovi_free(ctx, packed->forward[l]);
        fovi_free(ctx, packed->backward[l]);
    }
    fovi_free(ctx, packed->turned);
    fovi_free(ctx, packed->zero_bias);
}

/* The convolution that carries gradients back: channels exchanged, taps turned by half a turn. */
static void transpose(const struct fovi_layer *layer, const float *weight, float *turned)
{
    int taps = layer->k * layer->k;
    for (int o = 0; o < layer->c_out; o++)
        for (int i = 0; i < layer->c_in; i++)
            for (int t = 0; t < taps; t++)
                turned[(i * layer->c_out + o) * taps + taps - 1 - t] = weight[(o * layer->c_in + i) * taps + t];
}

void train_packed_set(struct train_packed *packed, const struct fovi_graph *graph, const struct train_layout *layout,
                      const float *parameters, int l)
{
    const struct fovi_layer *layer = &graph->layer[l];
    if (layer->kind != FOVI_LAYER_CONV)
        return;
    const float *weight = parameters + layout->weight[l];
    float *turned = packed->turned + layout->weight[l];
    pack(layer->k, layer->c_in, layer->c_out, weight, packed->forward[l]);
    transpose(layer, weight, turned);
    pack(layer->k, layer->c_out, layer->c_in, turned, packed->backward[l]);
}

static int output_channels(const struct fovi_graph *graph)
{
    return graph->layer[graph->n_layers - 1].c_out;
}

static int widest(const struct fovi_graph *graph)
{
    int most = graph->layer[0].c_in;
    for (int l = 0; l < graph->n_layers; l++)
        most = graph->layer[l].c_out > most ? graph->layer[l].c_out : most;
    return most;
}

/* Whether the output of a layer before rounding is kept: nothing else tells it. */
static int keeps_output(const struct fovi_graph *graph, int l)
{
    return graph->layer[l].kind == FOVI_LAYER_CONV && !graph->layer[l].has_prelu && l < graph->n_layers - 1;
}

/* Channels that the work needs: input, target, temp, and pre, post and gradient of each layer; a margin for each. */
static size_t count_floats(const struct fovi_graph *graph, const struct train_grid *grid)
{
    size_t n = (size_t)(graph->layer[0].c_in + output_channels(graph) + widest(graph)), arrays = 3;
    for (int l = 0; l < graph->n_layers; l++) {
        size_t of_layer = graph->layer[l].has_prelu || keeps_output(graph, l) ? 3 : 2;
        n += of_layer * (size_t)graph->layer[l].c_out;
        arrays += of_layer;
    }
    return n * (size_t)grid->stride + arrays * 2 * MARGIN;
}

static size_t scratch_floats(const struct fovi_graph *graph, const struct train_grid *grid)
{
    size_t most = FOVI_QUAD_INPUTS * FOVI_QUAD_COLUMNS * (size_t)widest(graph);
    for (int l = 0; l < graph->n_layers; l++) {
        size_t n = train_wgrad_scratch(grid, graph->layer[l].c_in, graph->layer[l].c_out);
        most = n > most ? n : most;
    }
    return most;
}

/* The next n_channels of the memory. */
static float *carve(float **next, const struct train_grid *grid, int n_channels)
{
    float *first = *next + MARGIN;
    *next += grid->stride * n_channels + (ptrdiff_t)2 * MARGIN;
    return first;
}

int train_work_init(fovea_context *ctx, struct train_work *work, const struct fovi_graph *graph, int patch)
{
    *work = (struct train_work){ .grid = train_grid_make(patch / graph->unshuffle), .unshuffle = graph->unshuffle };
    const struct train_grid *grid = &work->grid;
    size_t n_scratch = (scratch_floats(graph, grid) + 15) / 16 * 16;
    work->memory = fovi_alloc(ctx, n_scratch + count_floats(graph, grid), sizeof(float));
    if (!work->memory)
        return fovi_alloc_error(ctx);
    float *next = work->memory + n_scratch;
    work->scratch = work->memory;
    work->input = carve(&next, grid, graph->layer[0].c_in);
    work->target = carve(&next, grid, output_channels(graph));
    work->temp = carve(&next, grid, widest(graph));
    for (int l = 0; l < graph->n_layers; l++) {
        int n = graph->layer[l].c_out;
        work->post[l] = work->pre[l] = carve(&next, grid, n);
        if (graph->layer[l].has_prelu)
            work->post[l] = carve(&next, grid, n);
        if (keeps_output(graph, l))
            work->before[l] = carve(&next, grid, n);
        work->grad[l] = carve(&next, grid, n);
    }
    return FOVEA_OK;
}

void train_work_free(fovea_context *ctx, struct train_work *work)
{
    fovi_free(ctx, work->memory);
    work->memory = NULL;
}

/* Zero what a run over the planes has written outside the patch: the columns between its rows, and the rows below it
 * where it is no multiple of four rows high. */
static void clear_frame(const struct train_grid *g, float *data, int n_channels)
{
    int first = g->patch / TRAIN_PHASES * TRAIN_PHASES, rows = g->patch % TRAIN_PHASES ? first + TRAIN_PHASES : first;
    for (int c = 0; c < n_channels; c++, data += g->stride) {
        for (int y = 0; y < rows; y++)
            data[train_grid_row(g, y) + g->patch] = 0.0f;
        for (int y = g->patch; y < rows; y++)
            memset(data + train_grid_row(g, y), 0, (size_t)g->patch * sizeof *data);
    }
}

/* dst = conv(src) over the whole patch: each run as one row. */
static void convolve(const struct fovi_conv_weights *w, uint32_t cpu, const struct train_work *work, const float *src,
                     float *dst)
{
    const struct train_grid *g = &work->grid;
    const float *rows[FOVI_QUAD_INPUTS];
    float *out[TRAIN_PHASES];
    for (int i = 0; i < FOVI_QUAD_INPUTS; i++)
        rows[i] = src + train_grid_row(g, i - 1);
    for (int y = 0; y < TRAIN_PHASES; y++)
        out[y] = dst + y * g->plane;
    if (fovi_conv_is_quad(w->k, w->c_in, w->c_out)) {
        fovi_conv_quad_get(cpu)(w, rows, g->stride, out, g->stride, 0, g->n_run, work->scratch);
    } else {
        for (int y = 0; y < TRAIN_PHASES; y++)
            fovi_conv_row_get(cpu)(w, rows + y + 1 - w->k / 2, g->stride, out[y], g->stride, 0, g->n_run);
    }
    clear_frame(g, dst, w->c_out);
}

static void prelu(const struct train_grid *g, const float *pre, const float *slope, int n_channels, float *post)
{
    int n = train_grid_padded(g);
    for (int c = 0; c < TRAIN_PHASES * n_channels; c++, pre += g->plane, post += g->plane) {
        float s = slope[c / TRAIN_PHASES];
        for (int p = 0; p < n; p++)
            post[p] = pre[p] > 0.0f ? pre[p] : pre[p] * s;
    }
}

static void add(const struct train_grid *g, const float *a, const float *b, int n_channels, float *sum)
{
    int n = train_grid_padded(g);
    for (int c = 0; c < TRAIN_PHASES * n_channels; c++, a += g->plane, b += g->plane, sum += g->plane)
        for (int p = 0; p < n; p++)
            sum[p] = a[p] + b[p];
}

static void concat(const struct fovi_graph *graph, const struct train_work *work, int l)
{
    const struct fovi_layer *layer = &graph->layer[l];
    float *to = work->post[l];
    for (int i = 0; i < layer->n_parts; i++) {
        ptrdiff_t n = graph->layer[layer->part[i]].c_out * work->grid.stride;
        memcpy(to, work->post[layer->part[i]], (size_t)n * sizeof *to);
        to += n;
    }
}

void train_forward(const struct fovi_graph *graph, const struct train_layout *layout, const struct train_packed *packed,
                   const float *parameters, uint32_t cpu, struct train_work *work)
{
    const float *in = work->input;
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        struct fovi_conv_weights w = {
            layer->k, layer->c_in, layer->c_out, packed->forward[l], parameters + layout->bias[l], NULL
        };
        switch (layer->kind) {
        case FOVI_LAYER_CONV:
            convolve(&w, cpu, work, in, work->pre[l]);
            if (layer->has_prelu)
                prelu(&work->grid, work->pre[l], parameters + layout->slope[l], layer->c_out, work->post[l]);
            break;
        case FOVI_LAYER_ADD: add(&work->grid, in, work->post[layer->from], layer->c_out, work->post[l]); break;
        case FOVI_LAYER_GATE:
            fovi_gate_get(cpu)(in, work->post[layer->from], work->post[l], layer->c_out * work->grid.stride);
            break;
        case FOVI_LAYER_CONCAT: concat(graph, work, l); break;
        }
        if (packed->quant)
            train_quant_forward(packed->quant, graph, l, work);
        in = work->post[l];
    }
}

/* Loss and derivative of one difference. */
static double point_loss(enum train_loss loss, float d, float *derivative)
{
    if (loss == TRAIN_LOSS_MSE) {
        *derivative = 2.0f * d;
        return (double)d * (double)d;
    }
    if (loss == TRAIN_LOSS_L1) {
        *derivative = (float)((d > 0.0f) - (d < 0.0f)); /* without a branch that half of all pixels miss */
        return fabs((double)d);
    }
    double root = sqrt((double)d * (double)d + 1e-6);
    *derivative = (float)(d / root);
    return root;
}

double train_loss(const struct fovi_graph *graph, enum train_loss loss, float weight, struct train_work *work)
{
    const struct train_grid *g = &work->grid;
    int last = graph->n_layers - 1, n_channels = output_channels(graph);
    double sum = 0.0, n = (double)n_channels * g->patch * g->patch;
    float factor = weight / (float)n;
    for (int c = 0; c < n_channels; c++) {
        for (int y = 0; y < g->patch; y++) {
            ptrdiff_t at = c * g->stride + train_grid_row(g, y);
            for (int x = 0; x < g->patch; x++) {
                float derivative;
                sum += point_loss(loss, work->post[last][at + x] - work->target[at + x], &derivative);
                work->grad[last][at + x] = derivative * factor;
            }
        }
    }
    return sum / n;
}

#define LANES 16

static float sum_lanes(const float lanes[LANES])
{
    float sum = 0.0f;
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

/* Gradient by pre from gradient by post, in place; the slopes' own gradient. */
static void prelu_backward(const struct train_grid *g, const float *pre, const float *slope, int n_channels,
                           float *grad, float *slope_gradient)
{
    int n = train_grid_padded(g);
    for (int c = 0; c < TRAIN_PHASES * n_channels; c++, pre += g->plane, grad += g->plane) {
        float s = slope[c / TRAIN_PHASES], lanes[LANES] = { 0 };
        for (int p = 0; p < n; p += LANES) {
            for (int j = 0; j < LANES; j++) {
                int off = !(pre[p + j] > 0.0f);
                lanes[j] += off ? grad[p + j] * pre[p + j] : 0.0f;
                grad[p + j] = off ? grad[p + j] * s : grad[p + j];
            }
        }
        slope_gradient[c / TRAIN_PHASES] += sum_lanes(lanes);
    }
}

static void bias_backward(const struct train_grid *g, const float *grad, int n_channels, float *bias_gradient)
{
    int n = train_grid_padded(g);
    for (int c = 0; c < TRAIN_PHASES * n_channels; c++, grad += g->plane) {
        float lanes[LANES] = { 0 };
        for (int p = 0; p < n; p += LANES)
            for (int j = 0; j < LANES; j++)
                lanes[j] += grad[p + j];
        bias_gradient[c / TRAIN_PHASES] += sum_lanes(lanes);
    }
}

/* Put a gradient into a layer's place: the first to come writes, later ones add. */
static void deliver(const struct train_grid *g, const float *from, int n_channels, float *to, char *has_gradient)
{
    if (*has_gradient)
        add(g, to, from, n_channels, to);
    else
        memcpy(to, from, (size_t)g->stride * (size_t)n_channels * sizeof *to);
    *has_gradient = 1;
}

/* y = (o + x) g, g = sigmoid(o) - 1/2: dy/do = g + (o + x) (1/4 - g^2) takes the place of grad in temp, dy/dx = g that
 * in grad. The kernel gives g for an x that makes o + x = 1. */
static void gate_backward(struct train_work *work, uint32_t cpu, const float *o, const float *x, int n_channels,
                          float *grad)
{
    ptrdiff_t n = n_channels * work->grid.stride;
    float *g = work->temp;
    for (ptrdiff_t i = 0; i < n; i++)
        g[i] = 1.0f - o[i];
    fovi_gate_get(cpu)(o, g, g, n);
    for (ptrdiff_t i = 0; i < n; i++) {
        float by_x = grad[i] * g[i];
        g[i] = by_x + grad[i] * ((o[i] + x[i]) * (0.25f - g[i] * g[i]));
        grad[i] = by_x;
    }
}

/* A layer without weights hands its gradient to those that it reads. */
static void pass_gradient(const struct fovi_graph *graph, struct train_work *work, uint32_t cpu, int l,
                          char *has_gradient)
{
    const struct fovi_layer *layer = &graph->layer[l];
    const struct train_grid *g = &work->grid;
    float *grad = work->grad[l];
    int from = layer->from;
    switch (layer->kind) {
    case FOVI_LAYER_CONV: break;
    case FOVI_LAYER_ADD:
        deliver(g, grad, layer->c_out, work->grad[l - 1], &has_gradient[l - 1]);
        deliver(g, grad, layer->c_out, work->grad[from], &has_gradient[from]);
        break;
    case FOVI_LAYER_GATE:
        gate_backward(work, cpu, work->post[l - 1], work->post[from], layer->c_out, grad);
        deliver(g, work->temp, layer->c_out, work->grad[l - 1], &has_gradient[l - 1]);
        deliver(g, grad, layer->c_out, work->grad[from], &has_gradient[from]);
        break;
    case FOVI_LAYER_CONCAT:
        for (int i = 0; i < layer->n_parts; i++) {
            int part = layer->part[i], n = graph->layer[part].c_out;
            deliver(g, grad, n, work->grad[part], &has_gradient[part]);
            grad += n * g->stride;
        }
        break;
    }
}

/* A convolution: the gradients of its parameters, then its own goes to the layer before. */
static void conv_backward(const struct fovi_graph *graph, const struct train_layout *layout,
                          const struct train_packed *packed, const float *parameters, uint32_t cpu,
                          struct train_work *work, int l, float *gradient, char *has_gradient)
{
    const struct fovi_layer *layer = &graph->layer[l];
    float *grad = work->grad[l];
    if (layer->has_prelu)
        prelu_backward(&work->grid, work->pre[l], parameters + layout->slope[l], layer->c_out, grad,
                       gradient + layout->slope[l]);
    bias_backward(&work->grid, grad, layer->c_out, gradient + layout->bias[l]);
    train_wgrad_get(cpu)(&work->grid, layer->k, layer->c_in, layer->c_out, l ? work->post[l - 1] : work->input, grad,
                         work->scratch, gradient + layout->weight[l]);
    if (l == 0)
        return;
    struct fovi_conv_weights w = { layer->k, layer->c_out, layer->c_in, packed->backward[l], packed->zero_bias, NULL };
    convolve(&w, cpu, work, grad, has_gradient[l - 1] ? work->temp : work->grad[l - 1]);
    if (has_gradient[l - 1])
        deliver(&work->grid, work->temp, layer->c_in, work->grad[l - 1], &has_gradient[l - 1]);
    has_gradient[l - 1] = 1;
}

void train_backward(const struct fovi_graph *graph, const struct train_layout *layout,
                    const struct train_packed *packed, const float *parameters, uint32_t cpu, struct train_work *work,
                    float *gradient)
{
    char has_gradient[FOVI_GRAPH_MAX_LAYERS] = { 0 };
    for (int l = graph->n_layers - 1; l >= 0; l--) {
        if (packed->quant)
            train_quant_backward(packed->quant, graph, layout, l, work, gradient);
        if (graph->layer[l].kind == FOVI_LAYER_CONV)
            conv_backward(graph, layout, packed, parameters, cpu, work, l, gradient, has_gradient);
        else
            pass_gradient(graph, work, cpu, l, has_gradient);
    }
}
