/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train net: train a network by a recipe and write its container; or, without a recipe, fine-tune one on a folder
 * of pictures.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "commands.h"
#include "curve.h"
#include "model/container.h"
#include "net_model.h"
#include "net_train.h"
#include "progress.h"

#define LOG_EVERY 2000
#define MAX_CURVES 4
#define MAX_INITS 8
#define CHECKPOINT_MS 60000.0

struct options {
    const char *recipe, *output, *checkpoint, *log;
    const char *init[MAX_INITS]; /* containers to start from the mean of */
    int n_inits;
    struct train_folders folders;
    int n_threads, resume;
    /* of fine-tuning */
    long steps;
    double lr;
    int hold;                    /* one picture in so many is held out; 0 = in forty */
    int every, patience, n_side; /* steps between validations; validations without progress; patches are n_side^2 */
    const char *curve[MAX_CURVES];
    int n_curves;
};

/* A training under way: what is seen of it, and the best so far where it may stop early. */
struct watch {
    struct train_curve curve;
    float *best; /* averaged parameters; NULL where the last ones count */
    double best_psnr;
    int n_worse;
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
    "       fovea-train net --init MODEL --data DIR... -o MODEL.safetensors [--steps 3000] [--lr 5e-4] [--hold 8]\n"
    "       [--patience 8] [--curve FILE.csv|FILE.png]...\n"
    "Train a network by a recipe. Pictures come from the folders and the folders in them; one in forty is held out.\n"
    "Without a recipe the model is fine-tuned on these pictures: layers and scale are its own, one picture in eight "
    "is\n"
    "held out, and the training ends when those gain no more; what is written is the best there was.\n"
    "  --steps N, --lr R  length and highest rate of fine-tuning\n"
    "  --hold N           one picture in N is held out, 2..1000\n"
    "  --patience N       validations (a thirtieth of the steps apart) without progress that end it; 0 = none do\n"
    "  --curve FILE       write the validation curve: FILE.csv, or a plot as a picture; may be given twice\n"
    "  --skip PREFIX      leave out the files whose names start so\n"
    "  --init MODEL       start from another container, which may be of another scale or less deep: residual blocks\n"
    "                     that it lacks begin as nothing; given more than once: from their mean\n"
    "  --checkpoint FILE  where the state is kept (default: the output's name + .state); every minute and when "
    "stopped\n"
    "  --resume           go on from the checkpoint\n"
    "  --log FILE         append a line every 2000 steps: step, seconds, loss, held-out PSNR\n";

/* What was not said; 0 where something does not fit. */
static int check_options(struct options *o)
{
    int tunes = !o->recipe;
    if ((!o->recipe && !o->n_inits) || !o->output || !o->folders.n_dirs || (o->recipe && (o->steps || o->lr != 0.0)))
        return 0;
    if (tunes && !o->steps)
        o->steps = 3000;
    if (tunes && o->lr == 0.0)
        o->lr = 5e-4;
    if (tunes && !o->hold)
        o->hold = 8;
    if (o->patience < 0)
        o->patience = tunes ? 8 : 0;
    o->n_side = tunes ? 4 : 1;
    o->every = tunes ? (int)(o->steps / 30) : LOG_EVERY;
    o->every = o->every > 0 ? o->every : 1;
    return !tunes ||
           (o->steps > 0 && o->steps <= 100000000 && o->lr > 0.0 && o->lr <= 1.0 && o->hold >= 2 && o->hold <= 1000);
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        { "recipe", required_argument, NULL, 'r' },   { "data", required_argument, NULL, 'd' },
        { "skip", required_argument, NULL, 's' },     { "output", required_argument, NULL, 'o' },
        { "init", required_argument, NULL, 'i' },     { "checkpoint", required_argument, NULL, 'c' },
        { "resume", no_argument, NULL, 'R' },         { "log", required_argument, NULL, 'l' },
        { "threads", required_argument, NULL, 't' },  { "steps", required_argument, NULL, 'n' },
        { "lr", required_argument, NULL, 'L' },       { "hold", required_argument, NULL, 'H' },
        { "patience", required_argument, NULL, 'p' }, { "curve", required_argument, NULL, 'C' },
        { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
    };
    *o = (struct options){ .patience = -1 };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "o:h", table, NULL)) != -1;) {
        switch (c) {
        case 'r': o->recipe = optarg; break;
        case 'o': o->output = optarg; break;
        case 'i':
            if (o->n_inits == MAX_INITS)
                return 0;
            o->init[o->n_inits++] = optarg;
            break;
        case 'c': o->checkpoint = optarg; break;
        case 'R': o->resume = 1; break;
        case 'l': o->log = optarg; break;
        case 't': o->n_threads = atoi(optarg); break;
        case 'n': o->steps = atol(optarg); break;
        case 'L': o->lr = atof(optarg); break;
        case 'H': o->hold = atoi(optarg); break;
        case 'p': o->patience = atoi(optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        case 'C':
            if (o->n_curves == MAX_CURVES)
                return 0;
            o->curve[o->n_curves++] = optarg;
            break;
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
    return check_options(o) && optind == argc;
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

static int load_container(fovea_context *ctx, const char *path, struct fovi_container **container)
{
    void *bytes;
    size_t n_bytes;
    FOVI_TRY(read_file(ctx, path, &bytes, &n_bytes));
    int code = fovi_container_parse(ctx, bytes, n_bytes, container);
    free(bytes);
    return code;
}

static int start_from(struct train_net *net, const char *path)
{
    struct fovi_container *container;
    FOVI_TRY(load_container(net->ctx, path, &container));
    int code = train_model_start(net, container, path);
    fovi_container_free(net->ctx, &container);
    return code;
}

/* From the mean of several (of the ends of several rounds, say, which lie around one optimum: Izmailov et al. 2018). */
static int start_from_mean(struct train_net *net, const struct options *o)
{
    ptrdiff_t n = net->state.n_master;
    double *sum = fovi_alloc(net->ctx, (size_t)n, sizeof *sum);
    int code = sum ? FOVEA_OK : fovi_alloc_error(net->ctx);
    for (int k = 0; k < o->n_inits && !code; k++) {
        code = start_from(net, o->init[k]);
        for (ptrdiff_t i = 0; i < n; i++)
            sum[i] = (k ? sum[i] : 0.0) + (double)net->state.master[i];
    }
    for (ptrdiff_t i = 0; i < n && !code; i++)
        net->state.average[i] = net->state.master[i] = (float)(sum[i] / o->n_inits);
    fovi_free(net->ctx, sum);
    return code;
}

/* A recipe for fine-tuning: a container's own method, layers and terms, and what the command line says. */
static int recipe_from_model(fovea_context *ctx, const struct options *o, struct train_recipe *r)
{
    struct fovi_container *container;
    char text[12288];
    FOVI_TRY(load_container(ctx, o->init[0], &container));
    int n = snprintf(
        text, sizeof text,
        "method %s\nlayers %s\nsteps %ld\nlr %g\nmse_tail 0.3\nrescale 1\nseed 1\nsources %s, then pictures "
        "of its user\nlicence %s\n",
        fovi_container_meta(container, "method"), fovi_container_meta(container, "layers"), o->steps, o->lr,
        fovi_container_meta(container, "sources"), fovi_container_meta(container, "licence"));
    fovi_container_free(ctx, &container);
    FILE *file = n > 0 && (size_t)n < sizeof text ? fmemopen(text, (size_t)n, "r") : NULL;
    if (!file)
        return fovi_fail(ctx, FOVEA_E_FORMAT, "%s: what it says of itself is too long", o->init[0]);
    int code = train_recipe_read(ctx, o->init[0], file, r);
    fclose(file);
    return code;
}

/* With quantise: what it started from, with int8 beside. */
static int save_int8(struct train_net *net, const char *init, const char *command, const char *path)
{
    struct fovi_container *from;
    FOVI_TRY(load_container(net->ctx, init, &from));
    int code = train_quant_save(net, from, command, path);
    fovi_container_free(net->ctx, &from);
    return code;
}

static int save_model(struct train_net *net, const struct options *o, const char *command)
{
    if (net->recipe->quantise)
        return save_int8(net, o->init[0], command, o->output);
    return train_model_save(net, command, o->output);
}

/* Validate: a line of the log, a point of the curve, and whether the best so far is beaten. */
static int look(struct train_net *net, const struct train_set *held_out, const struct options *o, double seconds,
                FILE *log, struct watch *w)
{
    double psnr, base;
    FOVI_TRY(train_net_validate(net, held_out, o->n_side, &psnr, &base));
    if (log) {
        fprintf(log, "%ld %.0f s loss %.6f held-out %.3f dB (bicubic %.3f)\n", net->state.step, seconds,
                net->state.loss, psnr, base);
        fflush(log);
    }
    if (w->curve.n < TRAIN_CURVE_MAX) {
        int i = w->curve.n++;
        w->curve.point[i].step = net->state.step;
        w->curve.point[i].seconds = seconds;
        w->curve.point[i].loss = net->state.loss;
        w->curve.point[i].psnr = psnr;
        w->curve.point[i].base_psnr = base;
    }
    w->n_worse++;
    if (w->best && (psnr > w->best_psnr + 0.002 || w->curve.n == 1)) {
        w->best_psnr = psnr;
        w->n_worse = 0;
        memcpy(w->best, net->state.average, (size_t)net->state.n_master * sizeof *w->best);
    }
    return FOVEA_OK;
}

/* Steps until the end, a signal, or no more progress. */
static int train_steps(struct train_net *net, const struct train_set *held_out, const struct options *o,
                       uint64_t recipe_hash, const char *checkpoint, FILE *log, struct watch *w)
{
    const struct train_recipe *r = net->recipe;
    struct train_progress progress;
    train_progress_start(&progress, r->method, r->steps);
    progress.first = net->state.step;
    double start = fovi_clock_ms(), saved = start;
    int code = o->recipe && !r->quantise && r->steps ? FOVEA_OK : look(net, held_out, o, 0.0, log, w);
    while (!code && net->state.step < r->steps && !stop_asked && !(o->patience && w->n_worse >= o->patience)) {
        char note[64];
        code = train_net_step(net);
        if (code)
            break;
        snprintf(note, sizeof note, "loss %.5f", net->state.loss);
        train_progress_step(&progress, net->state.step, note);
        double now = fovi_clock_ms();
        if (net->state.step % o->every == 0 || net->state.step == r->steps)
            code = look(net, held_out, o, (now - start) * 1e-3, log, w);
        if (!code && now - saved > CHECKPOINT_MS) {
            code = train_state_save(net->ctx, &net->state, recipe_hash, checkpoint);
            saved = now;
        }
    }
    train_progress_end(&progress);
    return code;
}

static int train(struct train_net *net, const struct train_set *held_out, const struct options *o, uint64_t recipe_hash,
                 const char *checkpoint, struct watch *w)
{
    FILE *log = o->log ? fopen(o->log, "a") : NULL;
    if (o->log && !log)
        return fovi_fail(net->ctx, FOVEA_E_WRITE, "%s: cannot write this log", o->log);
    if ((!o->recipe || o->patience) &&
        !(w->best = fovi_alloc(net->ctx, (size_t)net->state.n_master, sizeof *w->best))) {
        if (log)
            fclose(log);
        return fovi_alloc_error(net->ctx);
    }
    int code = train_steps(net, held_out, o, recipe_hash, checkpoint, log, w);
    if (log)
        fclose(log);
    if (!code)
        code = train_state_save(net->ctx, &net->state, recipe_hash, checkpoint);
    if (!code && stop_asked)
        code = fovi_fail(net->ctx, FOVEA_E_CANCELLED, "stopped after step %ld; --resume goes on from %s",
                         net->state.step, checkpoint);
    if (!code && w->best) {
        memcpy(net->state.average, w->best, (size_t)net->state.n_master * sizeof *w->best);
        fprintf(stderr, "held-out PSNR: %.3f dB at the start, %.3f dB at the best, after %ld steps in all\n",
                w->curve.point[0].psnr, w->best_psnr, net->state.step);
    }
    return code;
}

static int write_curves(fovea_context *ctx, const struct options *o, const struct watch *w)
{
    fovea_io *io = NULL;
    int code = o->n_curves ? fovea_io_create(&io, NULL) : FOVEA_OK;
    for (int i = 0; i < o->n_curves && !code; i++)
        code = train_curve_write(ctx, io, &w->curve, o->curve[i]);
    fovea_io_free(&io);
    return code;
}

/* The names that are held out to the end of the list; how many stay in front. */
static int split_names(char **names, int n, int hold)
{
    int front = 0;
    char **held = malloc(((size_t)n + 1) * sizeof *held);
    int n_held = 0;
    for (int i = 0; held && i < n; i++) {
        if (hold ? i % hold == hold - 1 : train_is_held_out(i))
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
        int front = split_names(names, n, o->hold);
        code = train_set_load(ctx, io, names, front, r->graph.scale, r->rescale, r->n_rescale, r->patch, set);
        if (!code && n == front && !o->recipe)
            code = fovi_fail(ctx, FOVEA_E_ARG, "%d pictures are too few: one in %d is held out", n, o->hold);
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
    static struct watch watch;
    struct train_set set = { 0 }, held_out = { 0 };
    struct train_net net = { .ctx = ctx };
    uint64_t recipe_hash = 0;
    char checkpoint[4096];
    snprintf(checkpoint, sizeof checkpoint, "%s%s", o->checkpoint ? o->checkpoint : o->output,
             o->checkpoint ? "" : ".state");
    int code = o->recipe ? train_recipe_load(ctx, o->recipe, &recipe) : recipe_from_model(ctx, o, &recipe);
    if (!code)
        code = hash_file(ctx, o->recipe ? o->recipe : o->init[0], &recipe_hash);
    if (!o->recipe)
        recipe_hash ^= (uint64_t)o->steps * 0x9e3779b97f4a7c15u;
    if (!code)
        code = load_sets(ctx, &recipe, o, &set, &held_out);
    if (!code)
        code = train_net_init(ctx, &net, &recipe, &set);
    if (!code && o->n_inits)
        code = start_from_mean(&net, o);
    if (!code && recipe.quantise)
        code = o->n_inits == 1 ? train_net_calibrate(&net)
                               : fovi_fail(ctx, FOVEA_E_ARG,
                                           "%s: quantise needs the one network to start from, by --init", o->recipe);
    if (!code && o->resume)
        code = train_state_load(ctx, &net.state, recipe_hash, checkpoint);
    if (!code)
        code = train(&net, &held_out, o, recipe_hash, checkpoint, &watch);
    if (!code)
        code = save_model(&net, o, command);
    else if (code == FOVEA_E_CANCELLED)
        save_model(&net, o, command); /* as it stands, for a look or for another recipe to start from */
    if (!code)
        code = write_curves(ctx, o, &watch);
    fovi_free(ctx, watch.best);
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
