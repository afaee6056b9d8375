/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backpropagation for chains of convolutions, PReLUs and skips.
 */
#include "backprop.h"

#include <math.h>
#include <string.h>

#include "net/conv.h"
#include "wgrad.h"

/* Room around a plane for kernels that read beyond what they need. */
#define MARGIN (FOVI_CONV_OVERREAD + 16)

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

int train_packed_init(fovea_context *ctx, struct train_packed *packed, const struct fovi_graph *graph)
{
    memset(packed, 0, sizeof *packed);
    packed->zero_bias = fovi_alloc(ctx, FOVI_GRAPH_MAX_CHANNELS, sizeof(float));
    if (!packed->zero_bias)
        return fovi_alloc_error(ctx);
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        packed->forward[l] = fovi_alloc(ctx, fovi_conv_packed_size(layer->k, layer->c_in, layer->c_out), sizeof(float));
        packed->backward[l] = fovi_alloc(ctx, fovi_conv_packed_size(layer->k, layer->c_out, layer->c_in),
                                         sizeof(float));
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
    fovi_free(ctx, packed->zero_bias);
}

/* The convolution that carries gradients back: channels exchanged, taps turned by half a turn. */
static void pack_transposed(const struct fovi_layer *layer, const float *weight, float *packed)
{
    float turned[9 * 64 * 64];
    int k = layer->k, taps = k * k;
    for (int o = 0; o < layer->c_out; o++)
        for (int i = 0; i < layer->c_in; i++)
            for (int t = 0; t < taps; t++)
                turned[(i * layer->c_out + o) * taps + taps - 1 - t] = weight[(o * layer->c_in + i) * taps + t];
    fovi_conv_pack(k, layer->c_out, layer->c_in, turned, packed);
}

void train_packed_set(struct train_packed *packed, const struct fovi_graph *graph, const struct train_layout *layout,
                      const float *parameters)
{
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        const float *weight = parameters + layout->weight[l];
        fovi_conv_pack(layer->k, layer->c_in, layer->c_out, weight, packed->forward[l]);
        pack_transposed(layer, weight, packed->backward[l]);
    }
}

static int widest(const struct fovi_graph *graph)
{
    int most = 1;
    for (int l = 0; l < graph->n_layers; l++)
        most = graph->layer[l].c_out > most ? graph->layer[l].c_out : most;
    return most;
}

/* Planes that the work needs: input, target, temp, and pre, post and gradient of each layer. */
static int count_planes(const struct fovi_graph *graph)
{
    int n = 1 + graph->scale * graph->scale + widest(graph);
    for (int l = 0; l < graph->n_layers; l++)
        n += (graph->layer[l].has_prelu ? 3 : 2) * graph->layer[l].c_out;
    return n;
}

int train_work_init(fovea_context *ctx, struct train_work *work, const struct fovi_graph *graph, int patch)
{
    *work = (struct train_work){ .patch = patch, .pitch = patch + 2 };
    work->n_flat = ((patch - 1) * work->pitch + patch + 7) / 8 * 8;
    work->stride = (((ptrdiff_t)(patch + 2) * work->pitch + 2 * MARGIN) + 15) / 16 * 16 + 16;
    for (int l = 0; l < graph->n_layers; l++)
        if (graph->layer[l].c_out > 64)
            return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "layer %d: at most 64 channels are trained", l);
    work->memory = fovi_alloc(ctx, (size_t)work->stride * (size_t)count_planes(graph), sizeof(float));
    if (!work->memory)
        return fovi_alloc_error(ctx);
    float *next = work->memory + MARGIN + work->pitch + 1;
    work->input = next;
    next += work->stride;
    work->target = next;
    next += work->stride * graph->scale * graph->scale;
    work->temp = next;
    next += work->stride * widest(graph);
    for (int l = 0; l < graph->n_layers; l++) {
        ptrdiff_t size = work->stride * graph->layer[l].c_out;
        work->pre[l] = work->post[l] = next;
        next += size;
        if (graph->layer[l].has_prelu) {
            work->post[l] = next;
            next += size;
        }
        work->grad[l] = next;
        next += size;
    }
    return FOVEA_OK;
}

void train_work_free(fovea_context *ctx, struct train_work *work)
{
    fovi_free(ctx, work->memory);
    work->memory = NULL;
}

/* Zero the frame columns that a flat walk over n_channels planes has written. */
static void clear_frame(const struct train_work *work, float *planes, int n_channels)
{
    for (int c = 0; c < n_channels; c++) {
        float *plane = planes + c * work->stride;
        for (int y = 0; y < work->patch; y++)
            plane[y * work->pitch + work->patch] = plane[y * work->pitch + work->patch + 1] = 0.0f;
    }
}

/* dst = conv(src) over the whole patch as one row. */
static void convolve(const struct fovi_conv_weights *w, uint32_t cpu, const struct train_work *work, const float *src,
                     float *dst)
{
    const float *rows[3] = { src - work->pitch, src, src + work->pitch };
    fovi_conv_row_get(cpu)(w, w->k == 3 ? rows : rows + 1, work->stride, dst, work->stride, 0,
                           (work->patch - 1) * work->pitch + work->patch);
    clear_frame(work, dst, w->c_out);
}

static void prelu(const struct train_work *work, const float *pre, const float *slope, int n_channels, float *post)
{
    for (int c = 0; c < n_channels; c++, pre += work->stride, post += work->stride) {
        float s = slope[c];
        for (int p = 0; p < work->n_flat; p++)
            post[p] = pre[p] > 0.0f ? pre[p] : pre[p] * s;
    }
}

void train_forward(const struct fovi_graph *graph, const struct train_layout *layout, const struct train_packed *packed,
                   const float *parameters, uint32_t cpu, struct train_work *work)
{
    const float *in = work->input;
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind == FOVI_LAYER_ADD) {
            for (ptrdiff_t c = 0; c < layer->c_out; c++)
                for (ptrdiff_t p = c * work->stride; p < c * work->stride + work->n_flat; p++)
                    work->post[l][p] = in[p] + work->post[layer->from][p];
        } else {
            struct fovi_conv_weights w = {
                layer->k, layer->c_in, layer->c_out, packed->forward[l], parameters + layout->bias[l], NULL
            };
            convolve(&w, cpu, work, in, work->pre[l]);
            if (layer->has_prelu)
                prelu(work, work->pre[l], parameters + layout->slope[l], layer->c_out, work->post[l]);
        }
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
        *derivative = d > 0.0f ? 1.0f : d < 0.0f ? -1.0f : 0.0f;
        return fabs((double)d);
    }
    double root = sqrt((double)d * (double)d + 1e-6);
    *derivative = (float)(d / root);
    return root;
}

double train_loss(const struct fovi_graph *graph, enum train_loss loss, float weight, struct train_work *work)
{
    int last = graph->n_layers - 1, n_channels = graph->scale * graph->scale;
    double sum = 0.0, n = (double)n_channels * work->patch * work->patch;
    float factor = weight / (float)n;
    for (int c = 0; c < n_channels; c++) {
        for (int y = 0; y < work->patch; y++) {
            ptrdiff_t at = c * work->stride + y * work->pitch;
            for (int x = 0; x < work->patch; x++) {
                float derivative;
                sum += point_loss(loss, work->post[last][at + x] - work->target[at + x], &derivative);
                work->grad[last][at + x] = derivative * factor;
            }
        }
    }
    clear_frame(work, work->grad[last], n_channels);
    return sum / n;
}

/* Gradient by pre from gradient by post, in place; the slopes' own gradient. */
static void prelu_backward(const struct train_work *work, const float *pre, const float *slope, int n_channels,
                           float *grad, float *slope_gradient)
{
    for (int c = 0; c < n_channels; c++, pre += work->stride, grad += work->stride) {
        float s = slope[c], lanes[8] = { 0 };
        for (int p = 0; p < work->n_flat; p += 8) {
            for (int j = 0; j < 8; j++) {
                int off = !(pre[p + j] > 0.0f);
                lanes[j] += off ? grad[p + j] * pre[p + j] : 0.0f;
                grad[p + j] = off ? grad[p + j] * s : grad[p + j];
            }
        }
        for (int j = 0; j < 8; j++)
            slope_gradient[c] += lanes[j];
    }
}

static void bias_backward(const struct train_work *work, const float *grad, int n_channels, float *bias_gradient)
{
    for (int c = 0; c < n_channels; c++, grad += work->stride) {
        float lanes[8] = { 0 };
        for (int p = 0; p < work->n_flat; p += 8)
            for (int j = 0; j < 8; j++)
                lanes[j] += grad[p + j];
        for (int j = 0; j < 8; j++)
            bias_gradient[c] += lanes[j];
    }
}

/* Put a gradient into a layer's planes: the first to come writes, later ones add. */
static void deliver(const struct train_work *work, const float *from, int n_channels, float *to, char *has_gradient)
{
    for (ptrdiff_t c = 0; c < n_channels; c++)
        for (ptrdiff_t p = c * work->stride; p < c * work->stride + work->n_flat; p++)
            to[p] = *has_gradient ? to[p] + from[p] : from[p];
    *has_gradient = 1;
}

void train_backward(const struct fovi_graph *graph, const struct train_layout *layout,
                    const struct train_packed *packed, const float *parameters, uint32_t cpu, struct train_work *work,
                    float *gradient)
{
    char has_gradient[FOVI_GRAPH_MAX_LAYERS] = { 0 };
    for (int l = graph->n_layers - 1; l >= 0; l--) {
        const struct fovi_layer *layer = &graph->layer[l];
        float *grad = work->grad[l];
        if (layer->kind == FOVI_LAYER_ADD) {
            deliver(work, grad, layer->c_out, work->grad[l - 1], &has_gradient[l - 1]);
            deliver(work, grad, layer->c_out, work->grad[layer->from], &has_gradient[layer->from]);
            continue;
        }
        if (layer->has_prelu)
            prelu_backward(work, work->pre[l], parameters + layout->slope[l], layer->c_out, grad,
                           gradient + layout->slope[l]);
        bias_backward(work, grad, layer->c_out, gradient + layout->bias[l]);
        train_wgrad_get(cpu)(layer->k, layer->c_in, layer->c_out, l ? work->post[l - 1] : work->input, grad,
                             work->stride, work->pitch, work->n_flat, gradient + layout->weight[l]);
        if (l == 0)
            break;
        struct fovi_conv_weights w = {
            layer->k, layer->c_out, layer->c_in, packed->backward[l], packed->zero_bias, NULL
        };
        convolve(&w, cpu, work, grad, has_gradient[l - 1] ? work->temp : work->grad[l - 1]);
        if (has_gradient[l - 1])
            deliver(work, work->temp, layer->c_in, work->grad[l - 1], &has_gradient[l - 1]);
        has_gradient[l - 1] = 1;
    }
}
