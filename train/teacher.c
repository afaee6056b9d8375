/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The network that teaches.
 */
#include "teacher.h"

#include <string.h>

#include "model/model.h"

static void free_works(fovea_context *ctx, struct train_teacher *t)
{
    for (int i = 0; t->work && i < t->n_threads; i++)
        train_work_free(ctx, &t->work[i]);
    memset(t->work, 0, (size_t)t->n_threads * sizeof *t->work);
}

int train_teacher_resize(fovea_context *ctx, struct train_teacher *t, int patch)
{
    free_works(ctx, t);
    for (int i = 0; i < t->n_threads; i++)
        FOVI_TRY(train_work_init(ctx, &t->work[i], &t->graph, patch));
    return FOVEA_OK;
}

/* Weights of the layers as one vector. */
static void copy_parameters(struct train_teacher *t)
{
    for (int l = 0; l < t->graph.n_layers; l++) {
        const struct fovi_layer *layer = &t->graph.layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        size_t n_out = (size_t)layer->c_out, n = n_out * (size_t)(layer->c_in * layer->k * layer->k);
        memcpy(t->parameters + t->layout.weight[l], layer->weight, n * sizeof *t->parameters);
        memcpy(t->parameters + t->layout.bias[l], layer->bias, n_out * sizeof *t->parameters);
        if (layer->has_prelu)
            memcpy(t->parameters + t->layout.slope[l], layer->slope, n_out * sizeof *t->parameters);
    }
}

static int check(fovea_context *ctx, const struct train_teacher *t, const char *path, const struct fovi_graph *graph)
{
    if (t->graph.scale != graph->scale || t->graph.unshuffle != graph->unshuffle)
        return fovi_fail(ctx, FOVEA_E_ARG, "teacher %s: scale %d and unshuffle %d are not %d and %d", path,
                         t->graph.scale, t->graph.unshuffle, graph->scale, graph->unshuffle);
    for (int l = 0; l < t->graph.n_layers; l++)
        if (t->graph.layer[l].kind == FOVI_LAYER_CONV && t->graph.layer[l].k > 3)
            return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "teacher %s: layer %d is neither 1x1 nor 3x3", path, l);
    return FOVEA_OK;
}

static int prepare(fovea_context *ctx, struct train_teacher *t)
{
    train_layout_init(&t->layout, &t->graph);
    FOVI_TRY(train_packed_init(ctx, &t->packed, &t->graph));
    t->parameters = fovi_alloc(ctx, (size_t)t->layout.n, sizeof *t->parameters);
    t->n_threads = fovea_context_threads(ctx);
    t->work = fovi_alloc(ctx, (size_t)t->n_threads, sizeof *t->work);
    if (!t->parameters || !t->work)
        return fovi_alloc_error(ctx);
    copy_parameters(t);
    for (int l = 0; l < t->graph.n_layers; l++)
        train_packed_set(&t->packed, &t->graph, &t->layout, t->parameters, l);
    return FOVEA_OK;
}

int train_teacher_init(fovea_context *ctx, struct train_teacher *t, const char *path, const struct fovi_graph *graph,
                       int patch)
{
    fovea_model *model;
    *t = (struct train_teacher){ 0 };
    FOVI_TRY(fovea_model_load(ctx, path, &model));
    int code = fovi_model_graph(model) ? FOVEA_OK : fovi_fail(ctx, FOVEA_E_ARG, "teacher %s: is no network", path);
    if (!code) {
        t->graph = *fovi_model_graph(model); /* its weights are the model's, and are copied below */
        code = check(ctx, t, path, graph);
    }
    if (!code)
        code = prepare(ctx, t);
    fovea_model_free(&model);
    if (!code)
        code = train_teacher_resize(ctx, t, patch);
    if (code)
        train_teacher_free(ctx, t);
    return code;
}

void train_teacher_free(fovea_context *ctx, struct train_teacher *t)
{
    if (t->work)
        free_works(ctx, t);
    train_packed_free(ctx, &t->packed);
    fovi_free(ctx, t->work);
    fovi_free(ctx, t->parameters);
    *t = (struct train_teacher){ 0 };
}

float *train_teacher_run(fovea_context *ctx, struct train_teacher *t, int thread, const struct train_work *work)
{
    struct train_work *own = &t->work[thread];
    size_t n_in = (size_t)(t->graph.layer[0].c_in * work->grid.stride);
    memcpy(own->input, work->input, n_in * sizeof *own->input);
    train_forward(&t->graph, &t->layout, &t->packed, t->parameters, fovea_context_cpu(ctx), own);
    return own->post[t->graph.n_layers - 1];
}
