/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea evaluate: the benchmark. Each picture of a folder is cropped to a multiple of the scale, reduced exactly,
 * enlarged by each method in memory and compared with itself; the border that is ignored is the scale.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct evaluate_options {
    double scale;
    struct cli_words methods;
    struct cli_how how;
};

static const struct evaluate_options defaults = { .how = CLI_HOW_DEFAULTS };

static const struct cli_option rows[] = {
    { "scale", 's', CLI_NUMBER, "S", "reduce and enlarge by S, a whole number 2..16 (needed)",
      offsetof(struct evaluate_options, scale), 2., 16. },
    { "method", 0, CLI_WORDS, "METHOD",
      "may be given again and again (default: bicubic, filter,\ntiny and auto, as far as this build has them)",
      offsetof(struct evaluate_options, methods), 0., 0. },
    CLI_HOW_OPTIONS(struct evaluate_options, how),
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

/* One method and what it scored. */
struct entry {
    const char *word;
    struct fovea_upscale_params params;
    fovea_model *model;
    double psnr_sum, ssim_sum, *ms; /* ms: of each picture */
    int n_psnr, n_ssim;             /* pictures that have the figure */
    int n_steps;                    /* of consistency */
};

struct evaluation {
    struct cli *cli;
    int scale, n_entries, n_pictures; /* pictures: done so far */
    struct entry entries[32];
};

/* Can this build do it? A small plan tells. */
static int method_code(const struct evaluation *e, const struct fovea_upscale_params *params)
{
    const struct fovea_format grey = { FOVEA_SAMPLE_U8, 1, 0 };
    fovea_plan *plan;
    int code = fovea_plan_build(&plan, e->cli->ctx, 64, 64, &grey, params);
    fovea_plan_free(&plan);
    return code;
}

static int add_method(struct evaluation *e, const struct cli_how *how, const char *word, int is_asked, int n_pictures)
{
    struct entry *entry = &e->entries[e->n_entries];
    *entry = (struct entry){ .word = word, .params = FOVEA_UPSCALE_DEFAULTS };
    int code = cli_how_params(e->cli, how, &entry->params);
    if (!code)
        code = cli_how_method(e->cli, word, &entry->params, &entry->model);
    if (code)
        return code;
    e->n_entries++; /* from here on it owns a model */
    entry->params.scale = e->scale;
    code = method_code(e, &entry->params);
    if (code && !is_asked && code == FOVEA_E_UNSUPPORTED) {
        e->n_entries--;
        return CLI_OK;
    }
    if (code)
        return cli_fail_core(e->cli, code);
    entry->ms = calloc((size_t)n_pictures, sizeof *entry->ms);
    return entry->ms ? CLI_OK : cli_fail(e->cli, CLI_RESOURCE, "out of memory");
}

static int add_methods(struct evaluation *e, const struct evaluate_options *o, int n_pictures)
{
    static const char *const usual[] = { "bicubic", "filter", "tiny", "auto" };
    int code = CLI_OK;
    for (int i = 0; i < o->methods.n && !code; i++)
        code = add_method(e, &o->how, o->methods.word[i], 1, n_pictures);
    for (size_t i = 0; i < 4 && !o->methods.n && !code; i++)
        code = add_method(e, &o->how, usual[i], 0, n_pictures);
    return code;
}

static int score(struct evaluation *e, struct entry *entry, const struct fovea_image *original,
                 const struct fovea_image *reduced, struct fovea_image *enlarged)
{
    struct fovea_report report;
    struct fovea_metrics metrics;
    double begin_ms = cli_clock_ms();
    int code = fovea_upscale(e->cli->ctx, reduced, enlarged, &entry->params, &report);
    entry->ms[e->n_pictures] = cli_clock_ms() - begin_ms;
    if (!code)
        code = fovea_metrics_compare(e->cli->ctx, original, enlarged, e->scale, &metrics);
    if (code)
        return cli_fail_core(e->cli, code);
    entry->n_steps = report.consistency_steps;
    if (isfinite(metrics.psnr_y)) {
        entry->psnr_sum += metrics.psnr_y;
        entry->n_psnr++;
    }
    if (isfinite(metrics.ssim_y)) {
        entry->ssim_sum += metrics.ssim_y;
        entry->n_ssim++;
    }
    return CLI_OK;
}

static int evaluate_image(struct evaluation *e, const struct fovea_image *original, struct fovea_image *reduced,
                          struct fovea_image *enlarged)
{
    int code = fovea_imresize(e->cli->ctx, original, e->scale, reduced);
    if (code)
        return cli_fail_core(e->cli, code);
    for (int i = 0; i < e->n_entries && !code; i++)
        code = cli_is_interrupted() ? cli_fail(e->cli, CLI_CANCELLED, "cancelled")
                                    : score(e, &e->entries[i], original, reduced, enlarged);
    return code;
}

static int evaluate_file(struct evaluation *e, const char *path)
{
    struct fovea_image original, reduced = { 0 }, enlarged = { 0 };
    int code = fovea_io_read_image(e->cli->io, path, &original), s = e->scale;
    if (code)
        return cli_fail_io(e->cli, code, 1);
    cli_to_u8(&original);
    if ((code = cli_grey_to_rgb(e->cli, &original)) != CLI_OK) {
        fovea_io_image_free(&original);
        return code;
    }
    original.width -= original.width % s;
    original.height -= original.height % s;
    if (original.width <= 2 * s || original.height <= 2 * s)
        code = cli_fail(e->cli, CLI_INPUT, "'%s' is too small for scale %d", path, s);
    else if (!cli_new_image(e->cli, &reduced, original.width / s, original.height / s, &original.format) ||
             !cli_new_image(e->cli, &enlarged, original.width, original.height, &original.format))
        code = CLI_RESOURCE;
    else
        code = evaluate_image(e, &original, &reduced, &enlarged);
    fovea_io_image_free(&original);
    fovea_io_image_free(&reduced);
    fovea_io_image_free(&enlarged);
    e->n_pictures += !code;
    return code;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.;
}

static int print_json(struct evaluation *e)
{
    json_t *methods = json_object();
    for (int i = 0; i < e->n_entries; i++) {
        struct entry *m = &e->entries[i];
        json_t *object = json_object();
        json_object_set_new(object, "psnr_y", m->n_psnr ? json_real(m->psnr_sum / m->n_psnr) : json_null());
        json_object_set_new(object, "ssim_y", m->n_ssim ? json_real(m->ssim_sum / m->n_ssim) : json_null());
        json_object_set_new(object, "ms", json_real(median(m->ms, e->n_pictures)));
        json_object_set_new(object, "consistency_steps", json_integer(m->n_steps));
        json_object_set_new(methods, m->word, object);
    }
    return cli_print_json(e->cli, json_pack("{s:i, s:i, s:o, s:i, s:s}", "scale", e->scale, "images", e->n_pictures,
                                            "methods", methods, "threads", fovea_context_threads(e->cli->ctx),
                                            "version", fovea_version()));
}

static void print_table(struct evaluation *e, const char *folder)
{
    printf("%s: %d pictures, x%d, border %d\n\n%-16s%12s%10s%12s  consistency\n", folder, e->n_pictures, e->scale,
           e->scale, "method", "PSNR-Y dB", "SSIM-Y", "ms (median)");
    for (int i = 0; i < e->n_entries; i++) {
        struct entry *m = &e->entries[i];
        printf("%-16s%12.4f%10.5f%12.1f  ", cli_base_name(m->word), m->n_psnr ? m->psnr_sum / m->n_psnr : NAN,
               m->n_ssim ? m->ssim_sum / m->n_ssim : NAN, median(m->ms, e->n_pictures));
        if (m->n_steps)
            printf("%d steps\n", m->n_steps);
        else
            printf("off\n");
    }
}

static int evaluate_all(struct evaluation *e, const char *folder, int n, char **paths)
{
    struct cli_progress progress;
    int code = CLI_OK;
    cli_progress_begin(&progress, e->cli, folder, 0.);
    for (int i = 0; i < n && !code; i++) {
        progress.callback.report(progress.callback.user, (double)i / n);
        code = evaluate_file(e, paths[i]);
    }
    cli_progress_end(&progress);
    if (code)
        return code;
    if (e->cli->is_json)
        return print_json(e);
    print_table(e, folder);
    return CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct evaluate_options *o = options;
    if (n_words != 1 || o->scale == 0.)
        return cli_fail(cli, CLI_USAGE, "one DIR and -s S are needed (see --help)");
    if (o->scale != floor(o->scale))
        return cli_fail(cli, CLI_USAGE, "option --scale: %g is not a whole number", o->scale);
    cli_catch_signals();
    char **paths;
    int n = cli_list_pictures(cli, words[0], &paths);
    if (n <= 0) {
        cli_free_names(paths, 0);
        return n < 0 ? CLI_INPUT : cli_fail(cli, CLI_INPUT, "the folder '%s' holds no pictures", words[0]);
    }
    struct evaluation e = { .cli = cli, .scale = (int)o->scale };
    int code = add_methods(&e, o, n);
    if (!code)
        code = evaluate_all(&e, words[0], n, paths);
    for (int i = 0; i < e.n_entries; i++) {
        fovea_model_free(&e.entries[i].model);
        free(e.entries[i].ms);
    }
    cli_free_names(paths, n);
    return code;
}

const struct cli_command cli_evaluate = {
    "evaluate",
    "DIR -s S [--method METHOD]...",
    "Reduce the pictures of a folder exactly, enlarge them, and compare with the originals.",
    rows,
    sizeof(struct evaluate_options),
    &defaults,
    run,
};
