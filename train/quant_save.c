/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing a network that was trained for int8: the container that it started from, and beside the tensors in it those
 * of int8 (src/model/model.h says which).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "net_model.h"

#define MAX_NAME 32
#define MAX_OWN (6 * FOVI_GRAPH_MAX_LAYERS)
#define MAX_META 64

/* The list under construction. */
struct list {
    struct fovi_tensor tensor[FOVI_CONTAINER_MAX_TENSORS];
    char name[MAX_OWN][MAX_NAME];
    int n, n_names;
};

static void add(struct list *list, int l, const char *what, enum fovi_dtype dtype, const float *data, size_t n)
{
    char *name = list->name[list->n_names++];
    snprintf(name, MAX_NAME, "%d" FOVI_MODEL_INT8 "%s", l, what);
    list->tensor[list->n++] = (struct fovi_tensor){ name, dtype, 1, { n, 1, 1, 1 }, n, data };
}

static void add_weights(struct list *list, int l, const struct fovi_layer *layer, enum fovi_dtype dtype,
                        const float *data)
{
    size_t k = (size_t)layer->k, c_in = (size_t)layer->c_in, c_out = (size_t)layer->c_out;
    add(list, l, "weight", dtype, data, c_out * c_in * k * k);
    struct fovi_tensor *t = &list->tensor[list->n - 1];
    t->n_dims = 4;
    t->shape[0] = c_out;
    t->shape[1] = c_in;
    t->shape[2] = t->shape[3] = k;
}

/* The tensors of one layer. merged: weights of the kernels; they and the logarithms become what is stored, in place. */
static void add_layer(struct list *list, const struct train_net *net, int l, float *merged, float *master)
{
    const struct fovi_layer *layer = &net->recipe->graph.layer[l];
    const struct train_quant *q = &net->quant;
    size_t c = (size_t)layer->c_out;
    if (layer->kind == FOVI_LAYER_CONV) {
        float *w = merged + net->layout.weight[l];
        if (q->scale[l] >= 0) {
            int taps = layer->k * layer->k;
            for (int o = 0; o < layer->c_out; o++)
                for (int i = 0; i < layer->c_in; i++)
                    for (int t = 0; t < taps; t++, w++)
                        *w = rintf(*w / expf(master[q->scale[l] + o]) * master[q->step[l - 1] + i]);
            for (int o = 0; o < layer->c_out; o++)
                master[q->scale[l] + o] = expf(master[q->scale[l] + o]);
            add(list, l, "scale", FOVI_DTYPE_F32, master + q->scale[l], c);
        }
        add_weights(list, l, layer, q->scale[l] >= 0 ? FOVI_DTYPE_I8 : FOVI_DTYPE_F32, merged + net->layout.weight[l]);
        add(list, l, "bias", FOVI_DTYPE_F32, merged + net->layout.bias[l], c);
        if (layer->has_prelu)
            add(list, l, "slope", FOVI_DTYPE_F32, merged + net->layout.slope[l], c);
    }
    if (q->step[l] < 0)
        return;
    for (size_t o = 0; o < c; o++)
        master[q->step[l] + (ptrdiff_t)o] = expf(master[q->step[l] + (ptrdiff_t)o]);
    add(list, l, "step", FOVI_DTYPE_F32, master + q->step[l], c);
    add(list, l, "zero", FOVI_DTYPE_F32, master + q->zero[l], c);
}

static int write(struct train_net *net, const struct fovi_container *from, const char *command, const char *path,
                 struct list *list, float *master)
{
    struct fovi_meta meta[MAX_META];
    int n_meta = 0;
    for (int i = 0; i < from->n_tensors; i++)
        if (!strstr(from->tensor[i].name, FOVI_MODEL_INT8) && list->n < FOVI_CONTAINER_MAX_TENSORS - MAX_OWN)
            list->tensor[list->n++] = from->tensor[i];
    for (int i = 0; i < from->n_meta && n_meta < MAX_META - 1; i++)
        if (strcmp(from->meta[i].key, FOVI_MODEL_INT8_COMMAND) != 0)
            meta[n_meta++] = from->meta[i];
    meta[n_meta++] = (struct fovi_meta){ FOVI_MODEL_INT8_COMMAND, command };
    train_net_result(net);
    memcpy(master, net->state.average, (size_t)net->state.n_master * sizeof *master);
    for (int l = 0; l < net->recipe->graph.n_layers; l++)
        add_layer(list, net, l, net->merged, master);
    return fovi_container_write(net->ctx, path, list->tensor, list->n, meta, n_meta);
}

int train_quant_save(struct train_net *net, const struct fovi_container *from, const char *command, const char *path)
{
    struct list *list = fovi_alloc(net->ctx, 1, sizeof *list);
    float *master = fovi_alloc(net->ctx, (size_t)net->state.n_master, sizeof *master);
    int code = list && master ? write(net, from, command, path, list, master) : fovi_alloc_error(net->ctx);
    fovi_free(net->ctx, list);
    fovi_free(net->ctx, master);
    return code;
}
