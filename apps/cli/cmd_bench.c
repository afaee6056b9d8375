/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea bench: how long each stage takes on this machine, for a drawn picture in memory. The run of median total time
 * is shown, with the most memory that its method held and, where the scale is a whole number, the quality: the picture
 * is drawn at the size of the result then, and reduced exactly.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Larger results are not judged: the picture that they are compared with would be in memory too. */
#define MAX_JUDGED_EDGE 8192

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

/* What is enlarged, and what the result should be like; truth.data is NULL where that is not known. */
struct bench_pictures {
    struct fovea_image in, truth;
};

/* Runs of a method, sorted by total time. */
struct bench_result {
    struct fovea_report reports[99];
    int n;
    size_t peak_bytes;
    double psnr_y; /* NaN: not known */
};

static int by_total(const void *a, const void *b)
{
    double x = ((const struct fovea_report *)a)->total_ms, y = ((const struct fovea_report *)b)->total_ms;
    return (x > y) - (x < y);
}

/* Run a method n times; FOVEA_E_UNSUPPORTED where this build lacks it. */
static int time_method(struct cli *cli, const struct bench_pictures *p, const struct fovea_upscale_params *params,
                       struct bench_result *r)
{
    const struct fovea_image *in = &p->in;
    int width, height, code = fovea_output_size(cli->ctx, in->width, in->height, params, &width, &height);
    struct fovea_image out;
    struct fovea_metrics found;
    if (code)
        return code;
    if (!cli_new_image(cli, &out, width, height, &in->format))
        return FOVEA_E_NOMEM;
    for (int i = 0; i < r->n && !code; i++)
        code = cli_is_interrupted() ? FOVEA_E_CANCELLED : fovea_upscale(cli->ctx, in, &out, params, &r->reports[i]);
    r->peak_bytes = fovea_context_peak_bytes(cli->ctx);
    r->psnr_y = NAN;
    if (!code && p->truth.data) {
        code = fovea_metrics_compare(cli->ctx, &p->truth, &out, (int)params->scale, &found);
        r->psnr_y = found.psnr_y;
    }
    fovea_io_image_free(&out);
    qsort(r->reports, (size_t)(code ? 0 : r->n), sizeof *r->reports, by_total);
    return code;
}

static void print_header(void)
{
    printf("%-10s%9s%9s%9s%8s%8s%8s%8s%8s ", "method", "total", "least", "most", "MP/s", "ms/MP", "MB", "MB/MP",
           "PSNR-Y");
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        printf(" %*s", (int)strlen(fovea_stage_name((enum fovea_stage)i)) + 1, fovea_stage_name((enum fovea_stage)i));
    putchar('\n');
}

static double input_megapixels(const struct fovea_report *r)
{
    return (double)r->in_width * r->in_height / 1e6;
}

static void print_entry(const char *word, const struct bench_result *b)
{
    const struct fovea_report *r = &b->reports[b->n / 2];
    double megapixels = input_megapixels(r), megabytes = (double)b->peak_bytes / 1e6;
    printf("%-10s%9.1f%9.1f%9.1f%8.2f%8.1f%8.1f%8.1f", cli_base_name(word), r->total_ms, b->reports[0].total_ms,
           b->reports[b->n - 1].total_ms,
           r->total_ms > 0. ? (double)r->out_width * r->out_height / 1e3 / r->total_ms : 0., r->total_ms / megapixels,
           megabytes, megabytes / megapixels);
    if (isnan(b->psnr_y))
        printf("%8s ", "-");
    else
        printf("%8.2f ", b->psnr_y);
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        printf(" %*.1f", (int)strlen(fovea_stage_name((enum fovea_stage)i)) + 1, r->stage_ms[i]);
    putchar('\n');
}

static json_t *json_entry(const struct bench_result *b)
{
    const struct fovea_report *r = &b->reports[b->n / 2];
    json_t *stages = json_object();
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        json_object_set_new(stages, fovea_stage_name((enum fovea_stage)i), json_real(r->stage_ms[i]));
    return json_pack("{s:f, s:f, s:f, s:o, s:f, s:I, s:f, s:o}", "ms", r->total_ms, "least_ms", b->reports[0].total_ms,
                     "most_ms", b->reports[b->n - 1].total_ms, "stages_ms", stages, "ms_per_megapixel",
                     r->total_ms / input_megapixels(r), "peak_bytes", (json_int_t)b->peak_bytes, "bytes_per_megapixel",
                     (double)b->peak_bytes / input_megapixels(r), "psnr_y",
                     isfinite(b->psnr_y) ? json_real(b->psnr_y) : json_null());
}

/* Time one method and tell; a method that was not asked for may be missing. */
static int bench_method(struct cli *cli, const struct bench_options *o, const struct bench_pictures *pictures,
                        const char *word, json_t *methods)
{
    struct bench_result result = { .n = o->n_runs };
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    fovea_model *model;
    params.scale = o->scale;
    cli_how_params(&o->how, &params);
    int code = cli_how_method(cli, word, &params, &model);
    if (code)
        return code;
    code = time_method(cli, pictures, &params, &result);
    fovea_model_free(&model);
    if (code == FOVEA_E_UNSUPPORTED && !o->methods.n)
        return CLI_OK;
    if (code == FOVEA_E_CANCELLED)
        return cli_fail(cli, CLI_CANCELLED, "cancelled");
    if (code)
        return cli_fail_core(cli, code);
    if (cli->is_json)
        json_object_set_new(methods, word, json_entry(&result));
    else
        print_entry(word, &result);
    return CLI_OK;
}

/* The same in a context of its own, so that the memory is the method's. */
static int bench_apart(const struct cli *cli, const struct bench_options *o, const struct bench_pictures *pictures,
                       const char *word, json_t *methods)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    struct cli own = *cli;
    params.n_threads = cli->n_threads;
    params.cpu_mask = cli->cpu_mask;
    params.memory_bytes = cli->memory_bytes;
    int code = fovea_context_create(&own.ctx, &params);
    code = code ? cli_fail(cli, CLI_RESOURCE, "%s", fovea_error_name(code))
                : bench_method(&own, o, pictures, word, methods);
    fovea_context_free(&own.ctx);
    return code;
}

/* Draw the input; for whole enlargements the result, and reduce that. */
static int draw_pictures(struct cli *cli, const struct bench_options *o, struct bench_pictures *p)
{
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    int scale = (int)o->scale;
    memset(p, 0, sizeof *p);
    if (!cli_new_image(cli, &p->in, o->size, o->size, &rgb))
        return CLI_RESOURCE;
    if (scale < 2 || (double)scale < o->scale || o->size > MAX_JUDGED_EDGE / scale) {
        cli_draw_test_picture(&p->in);
        return CLI_OK;
    }
    if (!cli_new_image(cli, &p->truth, o->size * scale, o->size * scale, &rgb))
        return CLI_RESOURCE;
    cli_draw_test_picture(&p->truth);
    int code = fovea_imresize(cli->ctx, &p->truth, o->scale, &p->in);
    return code ? cli_fail_core(cli, code) : CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    static const char *const usual[] = { "bicubic", "lanczos3", "filter", "tiny-video", "tiny",
                                         "small",   "medium",   "large",  "auto" };
    const struct bench_options *o = options;
    struct bench_pictures pictures;
    if (n_words)
        return cli_fail(cli, CLI_USAGE, "'%s' is not understood (see --help)", words[0]);
    cli_catch_signals();
    int code = draw_pictures(cli, o, &pictures);
    if (!code && !cli->is_json) {
        printf("%dx%d RGB x%g, %d threads, median of %d runs, milliseconds\n\n", o->size, o->size, o->scale,
               fovea_context_threads(cli->ctx), o->n_runs);
        print_header();
    }
    json_t *methods = json_object();
    for (int i = 0; i < o->methods.n && !code; i++)
        code = bench_apart(cli, o, &pictures, o->methods.word[i], methods);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !o->methods.n && !code; i++)
        code = bench_apart(cli, o, &pictures, usual[i], methods);
    fovea_io_image_free(&pictures.in);
    fovea_io_image_free(&pictures.truth);
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
