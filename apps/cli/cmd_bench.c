/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea bench: how long each stage takes on this machine, for a drawn picture in memory. The run of median total time
 * is shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct bench_options {
    double scale;
    struct cli_words methods;
    struct cli_how how;
    int n_runs, size;
};

static const struct bench_options defaults = { .scale = 2., .how = CLI_HOW_DEFAULTS, .n_runs = 5, .size = 512 };

static const struct cli_option rows[] = {
    { "scale", 's', CLI_NUMBER, "S", "output pixels per input pixel (default 2)", offsetof(struct bench_options, scale),
      1. / 64., 16. },
    { "method", 0, CLI_WORDS, "METHOD", "may be given again and again (default: what this build has)",
      offsetof(struct bench_options, methods), 0., 0. },
    { "size", 0, CLI_INTEGER, "N", "edge of the test picture in pixels (default 512)",
      offsetof(struct bench_options, size), 16., 16384. },
    { "runs", 0, CLI_INTEGER, "N", "runs of each method, 1..99 (default 5)", offsetof(struct bench_options, n_runs), 1.,
      99. },
    CLI_HOW_OPTIONS(struct bench_options, how),
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static int by_total(const void *a, const void *b)
{
    double x = ((const struct fovea_report *)a)->total_ms, y = ((const struct fovea_report *)b)->total_ms;
    return (x > y) - (x < y);
}

/* Run a method n times, reports sorted by total time; FOVEA_E_UNSUPPORTED where this build lacks it. */
static int time_method(struct cli *cli, const struct fovea_image *in, const struct fovea_upscale_params *params, int n,
                       struct fovea_report *reports)
{
    int width, height, code = fovea_output_size(cli->ctx, in->width, in->height, params, &width, &height);
    struct fovea_image out;
    if (code)
        return code;
    if (!cli_new_image(cli, &out, width, height, &in->format))
        return FOVEA_E_NOMEM;
    for (int i = 0; i < n && !code; i++)
        code = cli_is_interrupted() ? FOVEA_E_CANCELLED : fovea_upscale(cli->ctx, in, &out, params, &reports[i]);
    fovea_io_image_free(&out);
    if (!code)
        qsort(reports, (size_t)n, sizeof *reports, by_total);
    return code;
}

static void print_header(void)
{
    printf("%-14s%9s%9s%9s%8s", "method", "total", "least", "most", "MP/s");
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        printf("%12s", fovea_stage_name((enum fovea_stage)i));
    putchar('\n');
}

static void print_entry(const char *word, const struct fovea_report *reports, int n)
{
    const struct fovea_report *r = &reports[n / 2];
    printf("%-14s%9.1f%9.1f%9.1f%8.2f", cli_base_name(word), r->total_ms, reports[0].total_ms, reports[n - 1].total_ms,
           r->total_ms > 0. ? (double)r->out_width * r->out_height / 1e3 / r->total_ms : 0.);
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        printf("%12.1f", r->stage_ms[i]);
    putchar('\n');
}

static json_t *json_entry(const struct fovea_report *reports, int n)
{
    const struct fovea_report *r = &reports[n / 2];
    json_t *stages = json_object();
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        json_object_set_new(stages, fovea_stage_name((enum fovea_stage)i), json_real(r->stage_ms[i]));
    return json_pack("{s:f, s:f, s:f, s:o}", "ms", r->total_ms, "least_ms", reports[0].total_ms, "most_ms",
                     reports[n - 1].total_ms, "stages_ms", stages);
}

/* Time one method and tell; a method that was not asked for may be missing. */
static int bench_method(struct cli *cli, const struct bench_options *o, const struct fovea_image *in, const char *word,
                        json_t *methods)
{
    struct fovea_report reports[99];
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    fovea_model *model;
    params.scale = o->scale;
    int code = cli_how_params(cli, &o->how, &params);
    if (code || (code = cli_how_method(cli, word, &params, &model)))
        return code;
    code = time_method(cli, in, &params, o->n_runs, reports);
    fovea_model_free(&model);
    if (code == FOVEA_E_UNSUPPORTED && !o->methods.n)
        return CLI_OK;
    if (code == FOVEA_E_CANCELLED)
        return cli_fail(cli, CLI_CANCELLED, "cancelled");
    if (code)
        return cli_fail_core(cli, code);
    if (cli->is_json)
        json_object_set_new(methods, word, json_entry(reports, o->n_runs));
    else
        print_entry(word, reports, o->n_runs);
    return CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    static const char *const usual[] = { "bicubic", "lanczos3", "filter", "tiny", "small", "medium", "large", "auto" };
    const struct bench_options *o = options;
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_image in;
    int code = CLI_OK;
    if (n_words)
        return cli_fail(cli, CLI_USAGE, "'%s' is not understood (see --help)", words[0]);
    if (!cli_new_image(cli, &in, o->size, o->size, &rgb))
        return CLI_RESOURCE;
    cli_catch_signals();
    cli_draw_test_picture(&in);
    if (!cli->is_json) {
        printf("%dx%d RGB x%g, %d threads, median of %d runs, milliseconds\n\n", o->size, o->size, o->scale,
               fovea_context_threads(cli->ctx), o->n_runs);
        print_header();
    }
    json_t *methods = json_object();
    for (int i = 0; i < o->methods.n && !code; i++)
        code = bench_method(cli, o, &in, o->methods.word[i], methods);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !o->methods.n && !code; i++)
        code = bench_method(cli, o, &in, usual[i], methods);
    fovea_io_image_free(&in);
    json_t *object = json_pack("{s:i, s:i, s:f, s:i, s:i, s:o}", "width", o->size, "height", o->size, "scale", o->scale,
                               "threads", fovea_context_threads(cli->ctx), "runs", o->n_runs, "methods", methods);
    if (!code && cli->is_json)
        return cli_print_json(cli, object);
    json_decref(object);
    return code;
}

const struct cli_command cli_bench = {
    "bench",
    "[-s S] [--method METHOD]... [--size N] [--runs N]",
    "Time each stage on a drawn picture in memory.",
    rows,
    sizeof(struct bench_options),
    &defaults,
    run,
};
