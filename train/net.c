/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train net: train a network by a recipe and write its container.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "commands.h"
#include "model/container.h"
#include "net_train.h"
#include "progress.h"

#define LOG_EVERY 2000
#define CHECKPOINT_MS 60000.0

struct options {
    const char *recipe, *output, *init, *checkpoint, *log;
    struct train_folders folders;
    int n_threads, resume;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static const char usage[] =
    "Usage: fovea-train net --recipe FILE --data DIR [--data DIR]... -o MODEL.safetensors\n"
    "       [--skip PREFIX]... [--init MODEL] [--checkpoint FILE] [--resume] [--log FILE] [--threads N]\n"
    "Train a network by a recipe. Pictures come from the folders and the folders in them; one in forty is held out.\n"
    "  --skip PREFIX      leave out the files whose names start so\n"
    "  --init MODEL       start from the tensors of another container that fit\n"
    "  --checkpoint FILE  where the state is kept (default: the output's name + .state); every minute and when "
    "stopped\n"
    "  --resume           go on from the checkpoint\n"
    "  --log FILE         append a line every 2000 steps: step, seconds, loss, held-out PSNR\n";

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        { "recipe", required_argument, NULL, 'r' },
        { "data", required_argument, NULL, 'd' },
        { "skip", required_argument, NULL, 's' },
        { "output", required_argument, NULL, 'o' },
        { "init", required_argument, NULL, 'i' },
        { "checkpoint", required_argument, NULL, 'c' },
        { "resume", no_argument, NULL, 'R' },
        { "log", required_argument, NULL, 'l' },
        { "threads", required_argument, NULL, 't' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    *o = (struct options){ 0 };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "o:h", table, NULL)) != -1;) {
        switch (c) {
        case 'r': o->recipe = optarg; break;
        case 'o': o->output = optarg; break;
        case 'i': o->init = optarg; break;
        case 'c': o->checkpoint = optarg; break;
        case 'R': o->resume = 1; break;
        case 'l': o->log = optarg; break;
        case 't': o->n_threads = atoi(optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        case 'd':
            if (!train_folders_add(&o->folders, optarg))
                return 0;
            break;
        case 's':
            if (!train_folders_skip(&o->folders, optarg))
                return 0;
            break;
        default: return 0;
        }
    }
    return o->recipe && o->output && o->folders.n_dirs && optind == argc;
}

/* A whole file and its FNV-1a hash. */
static int read_file(fovea_context *ctx, const char *path, void **bytes, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0 || ftell(file) < 0) {
        if (file)
            fclose(file);
        return fovi_fail(ctx, FOVEA_E_READ, "%s: cannot read this file", path);
    }
    *n = (size_t)ftell(file);
    rewind(file);
    *bytes = malloc(*n + 1);
    int ok = *bytes && fread(*bytes, 1, *n, file) == *n;
    fclose(file);
    if (!ok)
        free(*bytes);
    return ok ? FOVEA_OK : fovi_fail(ctx, FOVEA_E_READ, "%s: cannot read this file", path);
}

static int hash_file(fovea_context *ctx, const char *path, uint64_t *hash)
{
    void *bytes;
    size_t n;
    FOVI_TRY(read_file(ctx, path, &bytes, &n));
    *hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ ((unsigned char *)bytes)[i]) * 0x100000001b3u;
    free(bytes);
    return FOVEA_OK;
}

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

/* Take over the tensors of another container that have the same name and shape. */
static int start_from(struct train_net *net, const char *path)
{
    void *bytes;
    size_t n_bytes;
    struct fovi_container *container;
    FOVI_TRY(read_file(net->ctx, path, &bytes, &n_bytes));
    int code = fovi_container_parse(net->ctx, bytes, n_bytes, &container), taken = 0;
    free(bytes);
    if (code)
        return code;
    for (int l = 0; l < net->recipe->graph.n_layers; l++) {
        struct fovi_tensor t[3];
        char names[3][32];
        ptrdiff_t at[3];
        int n = layer_tensors(net, l, t, names, at);
        for (int i = 0; i < n; i++) {
            const struct fovi_tensor *have = fovi_container_find(container, names[i]);
            if (!have || have->n != t[i].n)
                continue;
            memcpy(net->state.master + at[i], have->data, have->n * sizeof(float));
            taken++;
        }
    }
    memcpy(net->state.average, net->state.master, (size_t)net->state.n_master * sizeof(float));
    fovi_container_free(net->ctx, &container);
    fprintf(stderr, "%d tensors taken from %s\n", taken, path);
    return FOVEA_OK;
}

static int save_model(struct train_net *net, const char *command, const char *path)
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

static int log_line(struct train_net *net, const struct train_set *held_out, double seconds, FILE *log)
{
    double psnr, base;
    FOVI_TRY(train_net_validate(net, held_out, &psnr, &base));
    if (log) {
        fprintf(log, "%ld %.0f s loss %.6f held-out %.3f dB (bicubic %.3f)\n", net->state.step, seconds,
                net->state.loss, psnr, base);
        fflush(log);
    }
    return FOVEA_OK;
}

/* Steps until the end or a signal. */
static int train(struct train_net *net, const struct train_set *held_out, const struct options *o, uint64_t recipe_hash,
                 const char *checkpoint)
{
    const struct train_recipe *r = net->recipe;
    FILE *log = o->log ? fopen(o->log, "a") : NULL;
    if (o->log && !log)
        return fovi_fail(net->ctx, FOVEA_E_WRITE, "%s: cannot write this log", o->log);
    struct train_progress progress;
    train_progress_start(&progress, r->method, r->steps);
    progress.first = net->state.step;
    double start = fovi_clock_ms(), saved = start;
    int code = FOVEA_OK;
    while (!code && net->state.step < r->steps && !stop_asked) {
        char note[64];
        train_net_step(net);
        snprintf(note, sizeof note, "loss %.5f", net->state.loss);
        train_progress_step(&progress, net->state.step, note);
        double now = fovi_clock_ms();
        if (net->state.step % LOG_EVERY == 0 || net->state.step == r->steps)
            code = log_line(net, held_out, (now - start) * 1e-3, log);
        if (!code && now - saved > CHECKPOINT_MS) {
            code = train_state_save(net->ctx, &net->state, recipe_hash, checkpoint);
            saved = now;
        }
    }
    train_progress_end(&progress);
    if (log)
        fclose(log);
    if (!code)
        code = train_state_save(net->ctx, &net->state, recipe_hash, checkpoint);
    if (!code && stop_asked)
        code = fovi_fail(net->ctx, FOVEA_E_CANCELLED, "stopped after step %ld; --resume goes on from %s",
                         net->state.step, checkpoint);
    return code;
}

/* The names that are held out to the end of the list; how many stay in front. */
static int split_names(char **names, int n)
{
    int front = 0;
    char **held = malloc(((size_t)n + 1) * sizeof *held);
    int n_held = 0;
    for (int i = 0; held && i < n; i++) {
        if (train_is_held_out(i))
            held[n_held++] = names[i];
        else
            names[front++] = names[i];
    }
    for (int i = 0; i < n_held; i++)
        names[front + i] = held[i];
    free(held);
    return front;
}

static int load_sets(fovea_context *ctx, const struct train_recipe *r, const struct options *o, struct train_set *set,
                     struct train_set *held_out)
{
    static const double whole[1] = { 1.0 };
    char **names;
    int n;
    fovea_io *io = NULL;
    int code = train_names_list(ctx, &o->folders, &names, &n);
    if (!code)
        code = fovea_io_create(&io, NULL);
    if (!code) {
        int front = split_names(names, n);
        code = train_set_load(ctx, io, names, front, r->graph.scale, r->rescale, r->n_rescale, r->patch, set);
        if (!code && n > front)
            code = train_set_load(ctx, io, names + front, n - front, r->graph.scale, whole, 1, 48, held_out);
        if (!code)
            fprintf(stderr, "%d pairs from %d pictures, %.1f low-resolution megapixels; %d held out\n", set->n, front,
                    (double)set->area_end[set->n - 1] * 1e-6, held_out->n);
    }
    train_names_free(names, n);
    fovea_io_free(&io);
    return code;
}

static int run(fovea_context *ctx, const struct options *o, const char *command)
{
    static struct train_recipe recipe;
    struct train_set set = { 0 }, held_out = { 0 };
    struct train_net net = { .ctx = ctx };
    uint64_t recipe_hash = 0;
    char checkpoint[4096];
    snprintf(checkpoint, sizeof checkpoint, "%s%s", o->checkpoint ? o->checkpoint : o->output,
             o->checkpoint ? "" : ".state");
    int code = train_recipe_load(ctx, o->recipe, &recipe);
    if (!code)
        code = hash_file(ctx, o->recipe, &recipe_hash);
    if (!code)
        code = load_sets(ctx, &recipe, o, &set, &held_out);
    if (!code)
        code = train_net_init(ctx, &net, &recipe, &set);
    if (!code && o->init)
        code = start_from(&net, o->init);
    if (!code && o->resume)
        code = train_state_load(ctx, &net.state, recipe_hash, checkpoint);
    if (!code)
        code = train(&net, &held_out, o, recipe_hash, checkpoint);
    if (!code)
        code = save_model(&net, command, o->output);
    else if (code == FOVEA_E_CANCELLED)
        save_model(&net, command, o->output); /* as it stands, for a look or for another recipe to start from */
    train_net_free(&net);
    train_set_free(&set);
    train_set_free(&held_out);
    return code;
}

int train_net_main(int argc, char **argv)
{
    struct options o;
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    char *command = train_command_text(argc, argv);
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = o.n_threads;
    fovea_context *ctx;
    int code = fovea_context_create(&ctx, &params);
    if (code || !command) {
        fprintf(stderr, "fovea-train: %s\n", fovea_error_name(code));
        free(command);
        return 5;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    code = run(ctx, &o, command);
    if (code)
        fprintf(stderr, "fovea-train: %s\n", fovea_last_error(ctx));
    free(command);
    fovea_context_free(&ctx);
    return train_exit_code(code);
}
