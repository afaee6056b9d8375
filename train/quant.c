/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rounding in training, and the gradients through it.
 */
#include "quant.h"

#include <math.h>
#include <string.h>

#define LEVELS 255.0f
#define MOST 127.0f /* of a weight */
#define LANES 16

/* Added and taken away, 1.5 * 2^23 leaves an integer: rounding that every vector unit has. */
float train_quant_round(float v, float low, float high)
{
    v = v < low ? low : v > high ? high : v;
    return (v + 12582912.0f) - 12582912.0f;
}

/* A convolution in int8: all but the first layer and the last. */
static int is_inner(const struct fovi_graph *graph, int l)
{
    return l > 0 && l < graph->n_layers - 1 && graph->layer[l].kind == FOVI_LAYER_CONV;
}

void train_quant_init(struct train_quant *quant, const struct fovi_graph *graph, const struct train_layout *layout)
{
    *quant = (struct train_quant){ .n = layout->n };
    for (int l = 0; l < graph->n_layers; l++) {
        int c = graph->layer[l].c_out;
        quant->step[l] = quant->zero[l] = quant->scale[l] = -1;
        if (l == graph->n_layers - 1)
            break;
        quant->step[l] = quant->n;
        quant->zero[l] = quant->n + c;
        quant->n += 2 * (ptrdiff_t)c;
        if (is_inner(graph, l)) {
            quant->scale[l] = quant->n;
            quant->n += c;
        }
    }
}

/* What the weights of an output channel of layer l are divided by, for input channel i. */
static float unit(const struct train_quant *quant, const float *master, int l, int o, int i)
{
    return expf(master[quant->scale[l] + o] - master[quant->step[l - 1] + i]);
}

void train_quant_merge(const struct train_quant *quant, const struct fovi_graph *graph,
                       const struct train_layout *layout, const float *master, float *merged)
{
    memcpy(merged, master, (size_t)layout->n * sizeof *merged);
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (!is_inner(graph, l))
            continue;
        int taps = layer->k * layer->k;
        float *w = merged + layout->weight[l];
        for (int o = 0; o < layer->c_out; o++) {
            for (int i = 0; i < layer->c_in; i++, w += taps) {
                float u = unit(quant, master, l, o, i);
                for (int t = 0; t < taps; t++)
                    w[t] = train_quant_round(w[t] / u, -MOST, MOST) * u;
            }
        }
    }
}

void train_quant_merge_backward(const struct train_quant *quant, const struct fovi_graph *graph,
                                const struct train_layout *layout, const float *master, float *gradient)
{
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (!is_inner(graph, l))
            continue;
        int taps = layer->k * layer->k;
        const float *w = master + layout->weight[l];
        float *g = gradient + layout->weight[l];
        for (int o = 0; o < layer->c_out; o++) {
            float sum = 0.0f;
            for (int i = 0; i < layer->c_in; i++, w += taps, g += taps) {
                float u = unit(quant, master, l, o, i);
                for (int t = 0; t < taps; t++) {
                    int inside = fabsf(w[t]) <= MOST * u;
                    sum += g[t] * (train_quant_round(w[t] / u, -MOST, MOST) * u - (inside ? w[t] : 0.0f));
                    g[t] = inside ? g[t] : 0.0f;
                }
            }
            gradient[quant->scale[l] + o] = sum;
        }
    }
}

void train_quant_forward(const struct train_quant *quant, const struct fovi_graph *graph, int l,
                         struct train_work *work)
{
    const struct train_grid *g = &work->grid;
    int n = train_grid_padded(g);
    float *x = work->post[l];
    if (!quant->parameters || quant->step[l] < 0)
        return;
    if (work->before[l])
        memcpy(work->before[l], x, (size_t)g->stride * (size_t)graph->layer[l].c_out * sizeof *x);
    for (int c = 0; c < TRAIN_PHASES * graph->layer[l].c_out; c++, x += g->plane) {
        float step = expf(quant->parameters[quant->step[l] + c / TRAIN_PHASES]), inverse = 1.0f / step;
        float zero = quant->parameters[quant->zero[l] + c / TRAIN_PHASES];
        for (int p = 0; p < n; p++)
            x[p] = (train_quant_round(x[p] * inverse + zero, 0.0f, LEVELS) - zero) * step;
    }
}

/* What a plane was before it was rounded: of a convolution by its PReLU, of a sum from its two parts. */
static void restore(const struct fovi_graph *graph, const struct train_work *work, int l, ptrdiff_t at, float slope,
                    float *x)
{
    int n = train_grid_padded(&work->grid);
    if (graph->layer[l].kind == FOVI_LAYER_CONV) {
        const float *pre = (work->before[l] ? work->before[l] : work->pre[l]) + at;
        for (int p = 0; p < n; p++)
            x[p] = pre[p] > 0.0f ? pre[p] : pre[p] * slope;
    } else {
        const float *a = work->post[l - 1] + at, *b = work->post[graph->layer[l].from] + at;
        for (int p = 0; p < n; p++)
            x[p] = a[p] + b[p];
    }
}

/* One plane: the sum of the step's gradient; that of the plane is kept where nothing was clipped. */
static float plane_backward(const float *x, float step, float zero, int n, float *grad)
{
    float lanes[LANES] = { 0 }, inverse = 1.0f / step, sum = 0.0f;
    for (int p = 0; p < n; p += LANES) {
        for (int j = 0; j < LANES; j++) {
            float u = x[p + j] * inverse + zero, g = grad[p + j];
            float rounded = (train_quant_round(u, 0.0f, LEVELS) - zero) * step;
            int inside = (u >= 0.0f) & (u <= LEVELS);
            lanes[j] += g * (rounded - (inside ? x[p + j] : 0.0f));
            grad[p + j] = inside ? g : 0.0f;
        }
    }
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

void train_quant_backward(const struct train_quant *quant, const struct fovi_graph *graph,
                          const struct train_layout *layout, int l, struct train_work *work, float *gradient)
{
    const struct train_grid *g = &work->grid;
    if (!quant->parameters || quant->step[l] < 0)
        return;
    for (int c = 0; c < TRAIN_PHASES * graph->layer[l].c_out; c++) {
        int channel = c / TRAIN_PHASES;
        float step = expf(quant->parameters[quant->step[l] + channel]);
        float slope = graph->layer[l].has_prelu ? quant->parameters[layout->slope[l] + channel] : 1.0f;
        restore(graph, work, l, c * g->plane, slope, work->temp);
        gradient[quant->step[l] + channel] += plane_backward(work->temp, step,
                                                             quant->parameters[quant->zero[l] + channel],
                                                             train_grid_padded(g), work->grad[l] + c * g->plane);
    }
}

void train_quant_limit(const struct fovi_graph *graph, const struct train_layout *layout, float *master)
{
    for (int l = 0; l < graph->n_layers; l++)
        for (int c = 0; graph->layer[l].has_prelu && c < graph->layer[l].c_out; c++)
            if (master[layout->slope[l] + c] > 1.0f)
                master[layout->slope[l] + c] = 1.0f;
}

/* ---- calibration ---- */

/* A share of a channel's range as step and zero point. */
static void divide(const struct train_range *r, int share, float *step, float *zero)
{
    float range = r->high - r->low;
    *step = (range > 1e-6f ? range : 1e-6f) * (1.0f - (float)share / (TRAIN_QUANT_SHARES + 2)) / LEVELS;
    *zero = range > 1e-6f ? train_quant_round(-r->low / range * LEVELS, 0.0f, LEVELS) : 0.0f;
}

static void look_at_plane(const float *x, int n, int pass, struct train_range *r)
{
    if (pass == 0) {
        for (int p = 0; p < n; p++) {
            r->low = x[p] < r->low ? x[p] : r->low;
            r->high = x[p] > r->high ? x[p] : r->high;
        }
        return;
    }
    for (int s = 0; s < TRAIN_QUANT_SHARES; s++) {
        float step, zero, sum = 0.0f;
        divide(r, s, &step, &zero);
        for (int p = 0; p < n; p++) {
            float d = (train_quant_round(x[p] / step + zero, 0.0f, LEVELS) - zero) * step - x[p];
            sum += d * d;
        }
        r->error[s] += (double)sum;
    }
}

void train_quant_look(const struct fovi_graph *graph, const struct train_work *work, int pass,
                      struct train_range *range)
{
    const struct train_grid *g = &work->grid;
    for (int l = 0; l < graph->n_layers - 1; l++)
        for (int c = 0; c < TRAIN_PHASES * graph->layer[l].c_out; c++)
            look_at_plane(work->post[l] + c * g->plane, train_grid_padded(g), pass,
                          &range[l * FOVI_GRAPH_MAX_CHANNELS + c / TRAIN_PHASES]);
}

static void start_scales(const struct train_quant *quant, const struct fovi_graph *graph,
                         const struct train_layout *layout, int l, float *master)
{
    const struct fovi_layer *layer = &graph->layer[l];
    int taps = layer->k * layer->k;
    const float *w = master + layout->weight[l];
    for (int o = 0; o < layer->c_out; o++) {
        float most = 1e-12f;
        for (int i = 0; i < layer->c_in; i++, w += taps) {
            float step = expf(master[quant->step[l - 1] + i]);
            for (int t = 0; t < taps; t++)
                most = fabsf(w[t]) * step > most ? fabsf(w[t]) * step : most;
        }
        master[quant->scale[l] + o] = logf(most / MOST);
    }
}

void train_quant_start(const struct train_quant *quant, const struct fovi_graph *graph,
                       const struct train_layout *layout, const struct train_range *range, float *master)
{
    for (int l = 0; l < graph->n_layers - 1; l++) {
        for (int c = 0; c < graph->layer[l].c_out; c++) {
            const struct train_range *r = &range[l * FOVI_GRAPH_MAX_CHANNELS + c];
            float step, *zero = &master[quant->zero[l] + c];
            int best = 0;
            for (int s = 1; s < TRAIN_QUANT_SHARES; s++)
                best = r->error[s] < r->error[best] ? s : best;
            divide(r, best, &step, zero);
            master[quant->step[l] + c] = logf(step);
        }
        if (is_inner(graph, l))
            start_scales(quant, graph, layout, l, master);
    }
}
