/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training steps: Adam (Kingma, Ba 2015) with betas .9 and .99, cosine rate, clipped gradients, averaged weights.
 */
#include "net_train.h"

#include <math.h>
#include <string.h>

#include "branches.h"

#define VALIDATION_PATCH 48

static double gaussian(struct fovi_rng *rng)
{
    double u = 1.0 - fovi_rng_uniform(rng), v = fovi_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* What the spread of a layer's first weights is multiplied by: the last layer begins near zero; one before a gate is
 * strong, since a gate passes little of what is small. */
static double first_gain(const struct fovi_graph *graph, int l)
{
    if (l == graph->n_layers - 1)
        return 0.05;
    return graph->layer[l + 1].kind == FOVI_LAYER_GATE ? 2.0 : 1.0;
}

static void random_weights(struct train_net *net)
{
    const struct fovi_graph *graph = &net->recipe->graph;
    float *master = net->state.master;
    for (int l = 0; l < graph->n_layers; l++) {
        const struct fovi_layer *layer = &graph->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        int n = layer->k * layer->k * layer->c_in * layer->c_out;
        double sigma = sqrt(2.0 / (layer->k * layer->k * layer->c_in)) * first_gain(graph, l);
        for (int i = 0; i < n; i++)
            master[net->layout.weight[l] + i] = (float)(sigma * gaussian(&net->state.rng));
        for (int o = 0; layer->has_prelu && o < layer->c_out; o++)
            master[net->layout.slope[l] + o] = 0.2f;
    }
    memcpy(net->state.average, master, (size_t)net->state.n_master * sizeof *master);
}

static int state_init(fovea_context *ctx, struct train_state *state, ptrdiff_t n_master, uint64_t seed)
{
    *state = (struct train_state){ .n_master = n_master, .rng = { seed * 0x9e3779b97f4a7c15u + 1 } };
    float *memory = fovi_alloc(ctx, 4 * (size_t)n_master, sizeof *memory);
    if (!memory)
        return fovi_alloc_error(ctx);
    state->master = memory;
    state->moment1 = memory + n_master;
    state->moment2 = memory + 2 * n_master;
    state->average = memory + 3 * n_master;
    return FOVEA_OK;
}

/* The memory for patches of another size. */
static int use_patch(struct train_net *net, int patch)
{
    const struct fovi_graph *graph = &net->recipe->graph;
    int n_threads = fovea_context_threads(net->ctx);
    if (patch == net->patch)
        return FOVEA_OK;
    net->patch = 0; /* until all is there */
    for (int t = 0; t < n_threads; t++) {
        train_work_free(net->ctx, &net->work[t]);
        net->work[t] = (struct train_work){ 0 };
        FOVI_TRY(train_work_init(net->ctx, &net->work[t], graph, patch));
        if (!net->spectrum)
            continue;
        train_spectrum_free(net->ctx, &net->spectrum[t]);
        FOVI_TRY(train_spectrum_init(net->ctx, &net->spectrum[t], patch * graph->scale));
    }
    if (net->recipe->teacher[0])
        FOVI_TRY(train_teacher_resize(net->ctx, &net->teacher, patch));
    net->patch = patch;
    return FOVEA_OK;
}

int train_net_init(fovea_context *ctx, struct train_net *net, const struct train_recipe *recipe,
                   const struct train_set *set)
{
    const struct fovi_graph *graph = &recipe->graph;
    int n_threads = fovea_context_threads(ctx), batch = recipe->batch;
    *net = (struct train_net){ .ctx = ctx, .recipe = recipe, .set = set };
    train_layout_init(&net->layout, graph);
    train_quant_init(&net->quant, graph, &net->layout);
    ptrdiff_t n_master = recipe->quantise ? net->quant.n : net->layout.n;
    n_master += recipe->branches ? train_branches_count(graph) : 0;
    FOVI_TRY(state_init(ctx, &net->state, n_master, recipe->seed));
    FOVI_TRY(train_packed_init(ctx, &net->packed, graph));
    net->packed.quant = recipe->quantise ? &net->quant : NULL;
    net->merged = fovi_alloc(ctx, (size_t)net->layout.n, sizeof *net->merged);
    net->gradients = fovi_alloc(ctx, (size_t)n_master * (size_t)batch, sizeof *net->gradients);
    net->losses = fovi_alloc(ctx, (size_t)batch, sizeof *net->losses);
    net->patches = fovi_alloc(ctx, (size_t)batch, sizeof *net->patches);
    net->work = fovi_alloc(ctx, (size_t)n_threads, sizeof *net->work);
    if (!net->merged || !net->gradients || !net->losses || !net->patches || !net->work)
        return fovi_alloc_error(ctx);
    if (recipe->fft > 0.0 && !(net->spectrum = fovi_alloc(ctx, (size_t)n_threads, sizeof *net->spectrum)))
        return fovi_alloc_error(ctx);
    if (recipe->teacher[0])
        FOVI_TRY(train_teacher_init(ctx, &net->teacher, recipe->teacher, graph, recipe->patch));
    FOVI_TRY(use_patch(net, train_recipe_patch(recipe, 0)));
    random_weights(net);
    return FOVEA_OK;
}

void train_net_free(struct train_net *net)
{
    fovea_context *ctx = net->ctx;
    for (int t = 0; net->work && t < fovea_context_threads(ctx); t++)
        train_work_free(ctx, &net->work[t]);
    for (int t = 0; net->spectrum && t < fovea_context_threads(ctx); t++)
        train_spectrum_free(ctx, &net->spectrum[t]);
    train_teacher_free(ctx, &net->teacher);
    fovi_free(ctx, net->spectrum);
    train_packed_free(ctx, &net->packed);
    fovi_free(ctx, net->work);
    fovi_free(ctx, net->patches);
    fovi_free(ctx, net->losses);
    fovi_free(ctx, net->gradients);
    fovi_free(ctx, net->merged);
    fovi_free(ctx, net->state.master);
}

static void pack_job(void *arg, int index, int worker)
{
    (void)worker;
    struct train_net *net = arg;
    train_packed_set(&net->packed, &net->recipe->graph, &net->layout, net->merged, index);
}

/* Parameters of the network from a vector of master parameters, packed for the kernels. */
static void use_parameters(struct train_net *net, const float *master)
{
    const struct fovi_graph *graph = &net->recipe->graph;
    net->quant.parameters = master;
    if (net->recipe->quantise)
        train_quant_merge(&net->quant, graph, &net->layout, master, net->merged);
    else if (net->recipe->branches)
        train_branches_merge(graph, &net->layout, master, net->merged);
    else
        memcpy(net->merged, master, (size_t)net->layout.n * sizeof *master);
    fovi_parallel(net->ctx, pack_job, net, graph->n_layers);
}

#define CALIBRATION_PATCHES 96

int train_net_calibrate(struct train_net *net)
{
    const struct fovi_graph *graph = &net->recipe->graph;
    struct train_work *work = &net->work[0];
    size_t n = (size_t)graph->n_layers * FOVI_GRAPH_MAX_CHANNELS;
    struct train_range *range = fovi_alloc(net->ctx, n, sizeof *range);
    if (!range)
        return fovi_alloc_error(net->ctx);
    memcpy(net->merged, net->state.master, (size_t)net->layout.n * sizeof *net->merged);
    train_quant_limit(graph, &net->layout, net->merged);
    fovi_parallel(net->ctx, pack_job, net, graph->n_layers);
    net->quant.parameters = NULL;
    for (int pass = 0; pass < 2; pass++) {
        struct fovi_rng rng = { 1 };
        for (int i = 0; i < CALIBRATION_PATCHES; i++) {
            struct train_patch patch = train_patch_draw(net->set, net->patch, 0.5, &rng);
            train_patch_fill(&patch, graph->scale, work);
            train_forward(graph, &net->layout, &net->packed, net->merged, fovea_context_cpu(net->ctx), work);
            train_quant_look(graph, work, pass, range);
        }
    }
    train_quant_limit(graph, &net->layout, net->state.master);
    train_quant_start(&net->quant, graph, &net->layout, range, net->state.master);
    memcpy(net->state.average, net->state.master, (size_t)net->state.n_master * sizeof(float));
    fovi_free(net->ctx, range);
    return FOVEA_OK;
}

/* The loss of a patch that was run forwards, and its derivative in the last layer's gradient. */
static double patch_loss(struct train_net *net, struct train_work *work, int thread)
{
    const struct fovi_graph *graph = &net->recipe->graph;
    float weight = 1.0f / (float)net->recipe->batch, share = (float)net->recipe->teacher_share;
    double loss = 0.0;
    int last = graph->n_layers - 1;
    if (!net->recipe->teacher[0]) {
        loss = train_loss(graph, net->loss, weight, work);
    } else {
        size_t n = (size_t)work->grid.stride * (size_t)graph->layer[last].c_out;
        float *truth = work->target, *of_truth = work->temp;
        loss = (1.0 - (double)share) * train_loss(graph, net->loss, weight * (1.0f - share), work);
        memcpy(of_truth, work->grad[last], n * sizeof *of_truth);
        work->target = train_teacher_run(net->ctx, &net->teacher, thread, work);
        loss += (double)share * train_loss(graph, net->loss, weight * share, work);
        work->target = truth;
        for (size_t i = 0; i < n; i++)
            work->grad[last][i] += of_truth[i];
    }
    if (net->spectrum && net->loss == net->recipe->loss)
        loss += net->recipe->fft *
                train_spectrum_loss(&net->spectrum[thread], graph, weight * (float)net->recipe->fft, work);
    return loss;
}

static void patch_job(void *arg, int index, int worker)
{
    struct train_net *net = arg;
    const struct fovi_graph *graph = &net->recipe->graph;
    struct train_work *work = &net->work[worker];
    uint32_t cpu = fovea_context_cpu(net->ctx);
    float *gradient = net->gradients + index * net->state.n_master;
    memset(gradient, 0, (size_t)net->state.n_master * sizeof *gradient);
    train_patch_fill(&net->patches[index], graph->scale, work);
    train_forward(graph, &net->layout, &net->packed, net->merged, cpu, work);
    net->losses[index] = patch_loss(net, work, worker);
    train_backward(graph, &net->layout, &net->packed, net->merged, cpu, work, gradient);
}

/* Sum of the patches' gradients in the first one's place, branches included. */
static float *sum_gradients(struct train_net *net)
{
    float *sum = net->gradients;
    ptrdiff_t n = net->recipe->quantise ? net->quant.n : net->layout.n;
    for (int b = 1; b < net->recipe->batch; b++) {
        const float *add = net->gradients + b * net->state.n_master;
        for (ptrdiff_t i = 0; i < n; i++)
            sum[i] += add[i];
    }
    if (net->recipe->quantise)
        train_quant_merge_backward(&net->quant, &net->recipe->graph, &net->layout, net->state.master, sum);
    else if (net->recipe->branches)
        train_branches_backward(&net->recipe->graph, &net->layout, sum);
    return sum;
}

static double rate(const struct train_recipe *r, long step)
{
    double t = (double)step / (double)r->steps;
    if (t < r->warmup)
        return r->lr * (t / r->warmup);
    t = (t - r->warmup) / (1.0 - r->warmup);
    return r->lr * (0.001 + 0.999 * 0.5 * (1.0 + cos(3.141592653589793 * t)));
}

/* What the gradient is multiplied by so that its norm stays under the ceiling; 0 where it is not finite. */
static float clip_factor(const float *gradient, ptrdiff_t n, double ceiling)
{
    double square = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        square += (double)gradient[i] * (double)gradient[i];
    if (!isfinite(square))
        return 0.0f;
    double norm = sqrt(square);
    return ceiling > 0.0 && norm > ceiling ? (float)(ceiling / norm) : 1.0f;
}

static void adam(struct train_net *net, const float *gradient, float factor)
{
    struct train_state *s = &net->state;
    double t = (double)(s->step + 1);
    float lr = (float)(rate(net->recipe, s->step) * sqrt(1.0 - pow(0.99, t)) / (1.0 - pow(0.9, t)));
    double decay = net->recipe->ema;
    if (decay > t / (t + 10.0))
        decay = t / (t + 10.0); /* a young average forgets faster */
    float keep = (float)decay;
    for (ptrdiff_t i = 0; i < s->n_master; i++) {
        float g = gradient[i] * factor;
        s->moment1[i] = 0.9f * s->moment1[i] + 0.1f * g;
        s->moment2[i] = 0.99f * s->moment2[i] + 0.01f * g * g;
        s->master[i] -= lr * s->moment1[i] / (sqrtf(s->moment2[i]) + 1e-8f);
        s->average[i] = keep * s->average[i] + (1.0f - keep) * s->master[i];
    }
}

int train_net_step(struct train_net *net)
{
    const struct train_recipe *r = net->recipe;
    struct train_state *s = &net->state;
    FOVI_TRY(use_patch(net, train_recipe_patch(r, s->step)));
    for (int b = 0; b < r->batch; b++)
        net->patches[b] = train_patch_draw(net->set, net->patch, r->hard, &s->rng);
    net->loss = (double)s->step >= (1.0 - r->mse_tail) * (double)r->steps ? TRAIN_LOSS_MSE : r->loss;
    use_parameters(net, s->master);
    fovi_parallel(net->ctx, patch_job, net, r->batch);
    double loss = 0.0;
    for (int b = 0; b < r->batch; b++)
        loss += net->losses[b] / r->batch;
    s->loss = s->step ? 0.999 * s->loss + 0.001 * loss : loss;
    const float *gradient = sum_gradients(net);
    adam(net, gradient, clip_factor(gradient, s->n_master, r->clip));
    if (r->quantise)
        train_quant_limit(&r->graph, &net->layout, s->master);
    s->step++;
    return FOVEA_OK;
}

const float *train_net_result(struct train_net *net)
{
    use_parameters(net, net->state.average);
    return net->merged;
}

/* Mean squared errors of base and network over n_side^2 patches of a picture. */
static void validate_picture(const struct train_net *net, const struct train_picture *p, int n_side,
                             struct train_work *work, double mse[2])
{
    const struct fovi_graph *graph = &net->recipe->graph;
    int last = graph->n_layers - 1, n = n_side * n_side;
    size_t bytes = (size_t)work->grid.stride * (size_t)graph->layer[last].c_out * sizeof(float);
    mse[0] = mse[1] = 0.0;
    for (int i = 0; i < n; i++) {
        struct train_patch patch = { p, (p->width - VALIDATION_PATCH) * (2 * (i % n_side) + 1) / (2 * n_side),
                                     (p->height - VALIDATION_PATCH) * (2 * (i / n_side) + 1) / (2 * n_side), 0 };
        train_patch_fill(&patch, graph->scale, work);
        memset(work->post[last], 0, bytes);
        mse[0] += train_loss(graph, TRAIN_LOSS_MSE, 0.0f, work) / n;
        train_forward(graph, &net->layout, &net->packed, net->merged, fovea_context_cpu(net->ctx), work);
        mse[1] += train_loss(graph, TRAIN_LOSS_MSE, 0.0f, work) / n;
    }
}

int train_net_validate(struct train_net *net, const struct train_set *held_out, int n_side, double *psnr,
                       double *base_psnr)
{
    struct train_work work;
    FOVI_TRY(train_work_init(net->ctx, &work, &net->recipe->graph, VALIDATION_PATCH));
    train_net_result(net);
    double sum = 0.0, base = 0.0, mse[2];
    int n = 0;
    for (int i = 0; i < held_out->n; i++) {
        const struct train_picture *p = &held_out->picture[i];
        if (p->width < VALIDATION_PATCH || p->height < VALIDATION_PATCH)
            continue;
        validate_picture(net, p, n_side, &work, mse);
        base += -10.0 * log10(mse[0] + 1e-10);
        sum += -10.0 * log10(mse[1] + 1e-10);
        n++;
    }
    train_work_free(net->ctx, &work);
    *psnr = n ? sum / n : 0.0;
    *base_psnr = n ? base / n : 0.0;
    return FOVEA_OK;
}
