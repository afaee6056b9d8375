/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Merging branches, and their gradients.
 */
#include "branches.h"

#include <string.h>

#define N_BRANCHES 4
#define TAPS 9

static const float fixed[N_BRANCHES][TAPS] = {
    { 0, 0, 0, 0, 1, 0, 0, 0, 0 },
    { 0.125f, 0, -0.125f, 0.25f, 0, -0.25f, 0.125f, 0, -0.125f },
    { 0.125f, 0.25f, 0.125f, 0, 0, 0, -0.125f, -0.25f, -0.125f },
    { 0, 0.25f, 0, 0.25f, -1, 0.25f, 0, 0.25f, 0 },
};

static int has_branches(const struct fovi_layer *layer)
{
    return layer->kind == FOVI_LAYER_CONV && layer->k == 3;
}

ptrdiff_t train_branches_count(const struct fovi_graph *graph)
{
    ptrdiff_t n = 0;
    for (int l = 0; l < graph->n_layers; l++)
        if (has_branches(&graph->layer[l]))
            n += (ptrdiff_t)N_BRANCHES * graph->layer[l].c_in * graph->layer[l].c_out;
    return n;
}

void train_branches_merge(const struct fovi_graph *graph, const struct train_layout *layout, const float *master,
                          float *merged)
{
    memcpy(merged, master, (size_t)layout->n * sizeof *merged);
    const float *branch = master + layout->n;
    for (int l = 0; l < graph->n_layers; l++) {
        if (!has_branches(&graph->layer[l]))
            continue;
        int pairs = graph->layer[l].c_in * graph->layer[l].c_out;
        for (int b = 0; b < N_BRANCHES; b++, branch += pairs)
            for (int i = 0; i < pairs; i++)
                for (int t = 0; t < TAPS; t++)
                    merged[layout->weight[l] + i * TAPS + t] += branch[i] * fixed[b][t];
    }
}

void train_branches_backward(const struct fovi_graph *graph, const struct train_layout *layout, float *gradient)
{
    float *branch = gradient + layout->n;
    for (int l = 0; l < graph->n_layers; l++) {
        if (!has_branches(&graph->layer[l]))
            continue;
        int pairs = graph->layer[l].c_in * graph->layer[l].c_out;
        for (int b = 0; b < N_BRANCHES; b++, branch += pairs) {
            for (int i = 0; i < pairs; i++) {
                branch[i] = 0.0f;
                for (int t = 0; t < TAPS; t++)
                    branch[i] += gradient[layout->weight[l] + i * TAPS + t] * fixed[b][t];
            }
        }
    }
}
