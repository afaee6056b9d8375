/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train filter: fit the hashed filter to pictures, or measure one.
 *
 * The pictures are dealt out to a fixed number of hands; each hand sums its own in order, then the hands are summed in
 * order. So the result does not depend on the number of threads.
 */
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "filter_check.h"
#include "filter_fit.h"
#include "fovea/resample.h"
#include "model/model.h"
#include "pictures.h"
#include "progress.h"

#define N_HANDS 16

struct options {
    const char *output, *model, *about;
    struct train_folders data, check;
    int scale, n_threads;
};

static const char usage[] =
    "Usage: fovea-train filter -s SCALE --data DIR [--data DIR]... [--skip PREFIX]... [--about FILE] -o "
    "MODEL.safetensors [--check "
    "DIR]...\n"
    "       fovea-train filter --model MODEL.safetensors --check DIR [--check DIR]...\n"
    "Fit the hashed filter for scale 2, 3 or 4 to the pictures in the folders and the folders in them, or measure "
    "one.\n"
    "  --skip PREFIX leave out the files of --data whose names start so\n"
    "  --about FILE  lines \"sources TEXT\" and \"licence TEXT\" for the container\n"
    "  --check DIR   print the mean PSNR-Y of bicubic and of the filter on these pictures, never trained on\n"
    "  --threads N   threads (default: all cores); the result does not depend on it\n";

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        { "scale", required_argument, NULL, 's' },  { "data", required_argument, NULL, 'd' },
        { "skip", required_argument, NULL, 'k' },   { "check", required_argument, NULL, 'c' },
        { "about", required_argument, NULL, 'a' },  { "model", required_argument, NULL, 'm' },
        { "output", required_argument, NULL, 'o' }, { "threads", required_argument, NULL, 't' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    *o = (struct options){ 0 };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "s:o:h", table, NULL)) != -1;) {
        int ok = 1;
        switch (c) {
        case 's': o->scale = atoi(optarg); break;
        case 'o': o->output = optarg; break;
        case 'm': o->model = optarg; break;
        case 'a': o->about = optarg; break;
        case 't': o->n_threads = atoi(optarg); break;
        case 'd': ok = train_folders_add(&o->data, optarg); break;
        case 'k': ok = train_folders_skip(&o->data, optarg); break;
        case 'c': ok = train_folders_add(&o->check, optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        default: ok = 0;
        }
        if (!ok)
            return 0;
    }
    if (optind != argc)
        return 0;
    if (o->model)
        return o->check.n_dirs && !o->output && !o->data.n_dirs;
    return o->output && o->data.n_dirs && o->scale >= 2 && o->scale <= 4;
}

/* What the jobs share. */
struct fit {
    const struct options *options;
    char **names;
    int n_names;
    struct filter_stats hand[N_HANDS];
    char error[N_HANDS][512];
    int code[N_HANDS];
    pthread_mutex_t lock; /* for the two below */
    struct train_progress progress;
    int n_done;
};

/* lr and hr luma of one picture into the statistics. */
static int add_picture(fovea_context *ctx, const struct fovea_image *hr, struct filter_stats *stats)
{
    const int scale = stats->scale;
    struct fovea_image lr = { hr->width / scale, hr->height / scale, hr->format, NULL, 0 };
    lr.stride_bytes = (ptrdiff_t)lr.width * lr.format.n_channels;
    size_t n_lr = (size_t)lr.width * (size_t)lr.height, n_hr = n_lr * (size_t)(scale * scale);
    lr.data = fovi_alloc(ctx, (size_t)lr.height, (size_t)lr.stride_bytes);
    float *luma = fovi_alloc(ctx, n_lr + n_hr, sizeof *luma);
    int code = lr.data && luma ? fovea_imresize(ctx, hr, scale, &lr) : fovi_alloc_error(ctx);
    if (!code) {
        train_luma(&lr, luma);
        train_luma(hr, luma + n_lr);
        code = filter_stats_add(ctx, stats, luma, lr.width, lr.height, luma + n_lr);
    }
    fovi_free(ctx, luma);
    fovi_free(ctx, lr.data);
    return code;
}

static int add_file(fovea_context *ctx, fovea_io *io, const char *path, struct filter_stats *stats)
{
    struct fovea_image hr;
    FOVI_TRY(train_picture_read(ctx, io, path, &hr));
    hr.width -= hr.width % stats->scale;
    hr.height -= hr.height % stats->scale;
    int code = hr.width && hr.height ? add_picture(ctx, &hr, stats) : FOVEA_OK;
    free(hr.data);
    return code;
}

static void count_picture(struct fit *fit)
{
    pthread_mutex_lock(&fit->lock);
    train_progress_step(&fit->progress, ++fit->n_done, "");
    pthread_mutex_unlock(&fit->lock);
}

/* One hand, in a context of its own: the pool's jobs cannot use the pool. */
static void play_hand(void *arg, int index, int worker)
{
    (void)worker;
    struct fit *fit = arg;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = 1;
    fovea_context *ctx;
    fovea_io *io = NULL;
    int code = fovea_context_create(&ctx, &params);
    if (code) {
        fit->code[index] = code;
        return;
    }
    code = fovea_io_create(&io, NULL);
    for (int i = index; !code && i < fit->n_names; i += N_HANDS) {
        code = add_file(ctx, io, fit->names[i], &fit->hand[index]);
        count_picture(fit);
    }
    filter_stats_flush(&fit->hand[index]);
    fit->code[index] = code;
    snprintf(fit->error[index], sizeof fit->error[index], "%s", fovea_last_error(ctx));
    fovea_io_free(&io);
    fovea_context_free(&ctx);
}

static int gather(fovea_context *ctx, struct fit *fit)
{
    for (int i = 0; i < N_HANDS; i++)
        FOVI_TRY(filter_stats_init(ctx, fit->options->scale, &fit->hand[i]));
    train_progress_start(&fit->progress, "pictures", fit->n_names);
    pthread_mutex_init(&fit->lock, NULL);
    fovi_parallel(ctx, play_hand, fit, N_HANDS);
    pthread_mutex_destroy(&fit->lock);
    train_progress_end(&fit->progress);
    for (int i = 0; i < N_HANDS; i++) {
        if (fit->code[i])
            return fovi_fail(ctx, fit->code[i], "%s", fit->error[i]);
        if (i)
            filter_stats_merge(&fit->hand[0], &fit->hand[i]);
    }
    int64_t n = 0;
    for (int i = 0; i < FOVI_FILTER_STORED; i++)
        n += fit->hand[0].n_samples[i];
    fprintf(stderr, "%d pictures, %.1f million samples\n", fit->n_names, (double)n * 1e-6);
    return FOVEA_OK;
}

/* "sources" and "licence". */
struct about {
    char sources[1024], licence[1024];
};

static int read_about(fovea_context *ctx, const char *path, struct about *about)
{
    char line[1100];
    *about = (struct about){ "not stated", "not stated" };
    if (!path)
        return FOVEA_OK;
    FILE *file = fopen(path, "r");
    if (!file)
        return fovi_fail(ctx, FOVEA_E_READ, "%s: cannot open this file", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "sources ", 8) == 0)
            snprintf(about->sources, sizeof about->sources, "%.1023s", line + 8);
        if (strncmp(line, "licence ", 8) == 0)
            snprintf(about->licence, sizeof about->licence, "%.1023s", line + 8);
    }
    fclose(file);
    return FOVEA_OK;
}

static int save(fovea_context *ctx, const struct options *o, const char *command, const float *stored)
{
    struct about about;
    FOVI_TRY(read_about(ctx, o->about, &about));
    size_t n_out = (size_t)(o->scale * o->scale);
    const struct fovi_tensor tensor = { FOVI_MODEL_FILTER_TENSOR,
                                        FOVI_DTYPE_F16,
                                        4,
                                        { FOVI_FILTER_STORED, FOVI_FILTER_TAPS, FOVI_FILTER_TAPS, n_out },
                                        FOVI_FILTER_STORED * FOVI_FILTER_TAPS * FOVI_FILTER_TAPS * n_out,
                                        stored };
    char scale[8];
    snprintf(scale, sizeof scale, "%d", o->scale);
    const struct fovi_meta meta[] = {
        { "format", FOVI_MODEL_FORMAT },
        { "version", FOVI_MODEL_VERSION },
        { "method", "filter" },
        { "scale", scale },
        { "layers", FOVI_MODEL_FILTER_LAYERS },
        { "base", "nearest" },
        { "base_hash", "" },
        { "command", command },
        { "sources", about.sources },
        { "licence", about.licence },
    };
    return fovi_container_write(ctx, o->output, &tensor, 1, meta, (int)(sizeof meta / sizeof *meta));
}

static int fit_filter(fovea_context *ctx, const struct options *o, const char *command)
{
    struct fit *fit = fovi_alloc(ctx, 1, sizeof *fit);
    float *stored = fovi_alloc(ctx, (size_t)FOVI_FILTER_STORED * FOVI_FILTER_TAPS * FOVI_FILTER_TAPS * 16,
                               sizeof *stored);
    int code = fit && stored ? FOVEA_OK : fovi_alloc_error(ctx);
    if (!code) {
        fit->options = o;
        code = train_names_list(ctx, &o->data, &fit->names, &fit->n_names);
    }
    if (!code)
        code = gather(ctx, fit);
    if (!code)
        code = filter_solve(ctx, &fit->hand[0], stored);
    if (!code)
        code = save(ctx, o, command, stored);
    for (int i = 0; fit && i < N_HANDS; i++)
        filter_stats_free(ctx, &fit->hand[i]);
    if (fit)
        train_names_free(fit->names, fit->n_names);
    fovi_free(ctx, fit);
    fovi_free(ctx, stored);
    return code;
}

/* What is stored in the file is what is measured. */
static int check_filter(fovea_context *ctx, const char *path, const struct train_folders *folders)
{
    fovea_model *model;
    struct filter_score score;
    FOVI_TRY(fovea_model_load(ctx, path, &model));
    const struct fovi_filter *filter = fovi_model_filter(model);
    int code = filter ? FOVEA_OK : fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "%s is not a filter", path);
    for (int i = 0; !code && i < folders->n_dirs; i++) {
        code = filter_check(ctx, filter, folders->dir[i], &score);
        if (!code)
            printf("%s x%d, %d pictures: bicubic %.3f dB, filter %.3f dB\n", folders->dir[i], filter->scale,
                   score.n_pictures, score.bicubic_db, score.filter_db);
    }
    fovea_model_free(&model);
    return code;
}

/* The command without the options that do not change the result. */
static char *stored_command(int argc, char **argv)
{
    char **kept = calloc((size_t)argc, sizeof *kept), *text = NULL;
    int n = 0;
    for (int i = 0; kept && i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0 || strcmp(argv[i], "--threads") == 0)
            i++;
        else if (strncmp(argv[i], "--check=", 8) != 0 && strncmp(argv[i], "--threads=", 10) != 0)
            kept[n++] = argv[i];
    }
    if (kept)
        text = train_command_text(n, kept);
    free(kept);
    return text;
}

int train_filter_main(int argc, char **argv)
{
    struct options o;
    /* before parsing, which puts the arguments into another order */
    char *command = stored_command(argc, argv);
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        free(command);
        return 2;
    }
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = o.n_threads;
    fovea_context *ctx = NULL;
    int code = command ? fovea_context_create(&ctx, &params) : FOVEA_E_NOMEM;
    if (code) {
        fprintf(stderr, "fovea-train: %s\n", fovea_error_name(code));
        free(command);
        return train_exit_code(code);
    }
    if (!o.model)
        code = fit_filter(ctx, &o, command);
    if (!code && o.check.n_dirs)
        code = check_filter(ctx, o.model ? o.model : o.output, &o.check);
    if (code)
        fprintf(stderr, "fovea-train: %s\n", fovea_last_error(ctx));
    free(command);
    fovea_context_free(&ctx);
    return train_exit_code(code);
}
