/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The containers of networks under training (net_model.h).
 */
#include <stdio.h>
#include <string.h>

#include "net_model.h"

/* The three kinds of tensors of a layer, with their place in the parameters. */
static int layer_tensors(const struct train_net *net, int l, struct fovi_tensor t[3], char names[3][32],
                         ptrdiff_t at[3])
{
    static const char *const kinds[3] = { "weight", "bias", "slope" };
    const struct fovi_layer *layer = &net->recipe->graph.layer[l];
    size_t k = (size_t)layer->k, c_in = (size_t)layer->c_in, c_out = (size_t)layer->c_out;
    if (layer->kind != FOVI_LAYER_CONV)
        return 0;
    for (int i = 0; i < 3; i++) {
        snprintf(names[i], sizeof names[i], "%d.%s", l, kinds[i]);
        t[i] = (struct fovi_tensor){ names[i], FOVI_DTYPE_F32, 1, { c_out, 1, 1, 1 }, c_out, NULL };
    }
    t[0].n_dims = 4;
    t[0].shape[1] = c_in;
    t[0].shape[2] = t[0].shape[3] = k;
    t[0].n = c_out * c_in * k * k;
    at[0] = net->layout.weight[l];
    at[1] = net->layout.bias[l];
    at[2] = net->layout.slope[l];
    return layer->has_prelu ? 3 : 2;
}

/* Layers of a residual block that begins at layer l, its addition counted; 0 if none begins there. */
static int block_length(const struct fovi_graph *graph, int l)
{
    int end = l;
    while (end < graph->n_layers && graph->layer[end].kind == FOVI_LAYER_CONV)
        end++;
    int is_block = l > 0 && end > l && end < graph->n_layers && graph->layer[end].kind == FOVI_LAYER_ADD &&
                   graph->layer[end].from == l - 1;
    return is_block ? end - l + 1 : 0;
}

void train_model_pairs(const struct fovi_graph *have, const struct fovi_graph *want, int from[FOVI_GRAPH_MAX_LAYERS])
{
    int h = 0;
    for (int l = 0; l < want->n_layers; l++)
        from[l] = TRAIN_NEW_LAYER;
    for (int l = 0; l < want->n_layers; l++) {
        int length = block_length(want, l);
        if (!length && want->layer[l].kind != FOVI_LAYER_CONV)
            continue;
        while (h < have->n_layers && have->layer[h].kind != FOVI_LAYER_CONV)
            h++;
        if (length && (h >= have->n_layers || block_length(have, h) != length)) {
            from[l + length - 2] = TRAIN_NEW_BLOCK_END;
            l += length - 1;
        } else if (h < have->n_layers) {
            from[l] = h++;
        }
    }
}

/* Take over the tensors of layer l from layer of the container, where they have the same shape; how many. */
static int take_layer(struct train_net *net, int l, int layer, const struct fovi_container *container)
{
    static const char *const kinds[3] = { "weight", "bias", "slope" };
    struct fovi_tensor t[3];
    char names[3][32], name[32];
    ptrdiff_t at[3];
    int n = layer_tensors(net, l, t, names, at), taken = 0;
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%d.%s", layer, kinds[i]);
        const struct fovi_tensor *have = fovi_container_find(container, name);
        if (!have || have->n_dims != t[i].n_dims || memcmp(have->shape, t[i].shape, sizeof have->shape) != 0)
            continue;
        memcpy(net->state.master + at[i], have->data, have->n * sizeof(float));
        taken++;
    }
    return taken;
}

static void begin_at_zero(struct train_net *net, int l)
{
    struct fovi_tensor t[3];
    char names[3][32];
    ptrdiff_t at[3];
    layer_tensors(net, l, t, names, at);
    memset(net->state.master + at[0], 0, t[0].n * sizeof(float));
    memset(net->state.master + at[1], 0, t[1].n * sizeof(float));
}

int train_model_start(struct train_net *net, const struct fovi_container *container, const char *path)
{
    struct fovi_graph have;
    int from[FOVI_GRAPH_MAX_LAYERS], taken = 0;
    FOVI_TRY(fovi_graph_parse(net->ctx, fovi_container_meta(container, "layers"), &have));
    train_model_pairs(&have, &net->recipe->graph, from);
    for (int l = 0; l < net->recipe->graph.n_layers; l++) {
        if (from[l] >= 0)
            taken += take_layer(net, l, from[l], container);
        else if (from[l] == TRAIN_NEW_BLOCK_END)
            begin_at_zero(net, l);
    }
    memcpy(net->state.average, net->state.master, (size_t)net->state.n_master * sizeof(float));
    fprintf(stderr, "%d tensors taken from %s\n", taken, path);
    return FOVEA_OK;
}

int train_model_save(struct train_net *net, const char *command, const char *path)
{
    const struct train_recipe *r = net->recipe;
    const float *parameters = train_net_result(net);
    struct fovi_tensor tensors[3 * FOVI_GRAPH_MAX_LAYERS];
    char names[FOVI_GRAPH_MAX_LAYERS][3][32], scale[8];
    int n = 0;
    for (int l = 0; l < r->graph.n_layers; l++) {
        ptrdiff_t at[3];
        int m = layer_tensors(net, l, tensors + n, names[l], at);
        for (int i = 0; i < m; i++)
            tensors[n++].data = parameters + at[i];
    }
    snprintf(scale, sizeof scale, "%d", r->graph.scale);
    const struct fovi_meta meta[] = {
        { "format", "fovea" },     { "version", "1" },        { "method", r->method }, { "scale", scale },
        { "layers", r->layers },   { "base", "bicubic" },     { "base_hash", "" },     { "command", command },
        { "sources", r->sources }, { "licence", r->licence },
    };
    return fovi_container_write(net->ctx, path, tensors, n, meta, (int)(sizeof meta / sizeof *meta));
}
