/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea evaluate: the benchmark. The options, and which methods and scales they mean.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"

struct evaluate_options {
    const char *scales, *metrics, *csv, *report;
    struct cli_words methods;
    struct cli_how how;
    int jpeg;
};

static const struct evaluate_options defaults = { .how = CLI_HOW_DEFAULTS };

static const struct cli_option rows[] = {
    { "scale", 's', CLI_WORD, "S",
      "reduce and enlarge by S, a whole number 2..16 (needed);\nseveral with commas: 2,3,4",
      offsetof(struct evaluate_options, scales), 0., 0. },
    { "method", 0, CLI_WORDS, "METHOD",
      "may be given again and again (default: bicubic, filter,\ntiny and auto, as far as this build has them)",
      offsetof(struct evaluate_options, methods), 0., 0. },
    { "metrics", 0, CLI_WORD, "LIST",
      "besides PSNR-Y and SSIM-Y: psnr, ms_ssim, fsim, fsimc, gmsd,\nergas, sam, delta_e, with commas between them, or "
      "all",
      offsetof(struct evaluate_options, metrics), 0., 0. },
    { "jpeg", 0, CLI_INTEGER, "Q",
      "the reduced pictures pass through a JPEG of quality Q,\n1..100, with chroma in full, before they are enlarged",
      offsetof(struct evaluate_options, jpeg), 1., 100. },
    { "csv", 0, CLI_WORD, "FILE.csv", "write a line for each picture, method and scale",
      offsetof(struct evaluate_options, csv), 0., 0. },
    { "report", 0, CLI_WORD, "FILE.html|.json",
      "write a page with tables, curves and the worst pictures, or\nwhat --json prints",
      offsetof(struct evaluate_options, report), 0., 0. },
    CLI_HOW_OPTIONS(struct evaluate_options, how),
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
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

static int add_method(struct evaluation *e, struct eval_scale *scale, const struct cli_how *how, const char *word,
                      int is_asked)
{
    struct eval_method *method = &scale->methods[scale->n_methods];
    *method = (struct eval_method){ .word = word, .params = FOVEA_UPSCALE_DEFAULTS };
    cli_how_params(how, &method->params);
    int code = cli_how_method(e->cli, word, &method->params, &method->model);
    if (code)
        return code;
    scale->n_methods++; /* from here on it owns a model */
    method->params.scale = scale->scale;
    method->params.jpeg_quality = e->jpeg_quality;
    code = method_code(e, &method->params);
    if (code && !is_asked && code == FOVEA_E_UNSUPPORTED) {
        scale->n_methods--;
        return CLI_OK;
    }
    if (code)
        return cli_fail_core(e->cli, code);
    method->scores = calloc((size_t)e->n_pictures, sizeof *method->scores);
    return method->scores ? CLI_OK : cli_fail(e->cli, CLI_RESOURCE, "out of memory");
}

static int add_methods(struct evaluation *e, struct eval_scale *scale, const struct evaluate_options *o)
{
    static const char *const usual[] = { "bicubic", "filter", "tiny", "auto" };
    int code = CLI_OK;
    scale->sizes = calloc((size_t)e->n_pictures, sizeof *scale->sizes);
    if (!scale->sizes)
        return cli_fail(e->cli, CLI_RESOURCE, "out of memory");
    for (int i = 0; i < o->methods.n && !code; i++)
        code = add_method(e, scale, &o->how, o->methods.word[i], 1);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !o->methods.n && !code; i++)
        code = add_method(e, scale, &o->how, usual[i], 0);
    return code;
}

/* "4" or "2,3,4". */
static int parse_scales(struct evaluation *e, const char *list)
{
    for (const char *p = list;; p++) {
        char text[24];
        size_t n = strcspn(p, ",");
        double value;
        snprintf(text, sizeof text, "%.*s", n < sizeof text ? (int)n : (int)sizeof text - 1, p);
        if (!cli_parse_number(text, &value))
            return cli_fail(e->cli, CLI_USAGE, "option --scale: '%s' is not a number", text);
        if (value < 2. || value > 16.)
            return cli_fail(e->cli, CLI_USAGE, "option --scale: %s is not within 2..16", text);
        if (value != floor(value))
            return cli_fail(e->cli, CLI_USAGE, "option --scale: %s is not a whole number", text);
        for (int i = 0; i < e->n_scales; i++)
            if (e->scales[i].scale == (int)value)
                return cli_fail(e->cli, CLI_USAGE, "option --scale: %s is given twice", text);
        if (e->n_scales == EVAL_MAX_SCALES)
            return cli_fail(e->cli, CLI_USAGE, "option --scale: more than %d scales", EVAL_MAX_SCALES);
        e->scales[e->n_scales++].scale = (int)value;
        p += n;
        if (!*p)
            return CLI_OK;
    }
}

static int check_options(struct evaluation *e, const struct evaluate_options *o, int n_words)
{
    if (n_words != 1 || !o->scales)
        return cli_fail(e->cli, CLI_USAGE, "one DIR and -s S are needed (see --help)");
    int code = parse_scales(e, o->scales);
    e->is_asked[CLI_PSNR_Y] = e->is_asked[CLI_SSIM_Y] = 1;
    if (!code && o->metrics)
        code = cli_figures_parse(e->cli, "metrics", o->metrics, e->is_asked);
    if (!code && o->csv)
        code = cli_check_writable(e->cli, o->csv);
    return code || !o->report ? code : cli_check_report(e->cli, o->report);
}

static int write_report(struct evaluation *e, const char *path)
{
    if (cli_has_ending(path, ".html"))
        return eval_write_page(e, path);
    json_t *report = eval_json(e);
    int code = cli_write_json(e->cli, path, report);
    json_decref(report);
    return code;
}

static int evaluate(struct evaluation *e, const struct evaluate_options *o)
{
    int code = CLI_OK;
    for (int i = 0; i < e->n_scales && !code; i++)
        code = add_methods(e, &e->scales[i], o);
    if (!code)
        code = eval_run(e);
    if (!code && o->csv)
        code = eval_write_csv(e, o->csv);
    if (!code && o->report)
        code = write_report(e, o->report);
    if (!code && e->cli->is_json)
        code = cli_print_json(e->cli, eval_json(e));
    else if (!code)
        eval_print(e);
    return code;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct evaluate_options *o = options;
    struct evaluation e = { .cli = cli, .folder = n_words ? words[0] : NULL, .jpeg_quality = o->jpeg };
    int code = check_options(&e, o, n_words);
    if (code)
        return code;
    cli_catch_signals();
    e.n_pictures = cli_list_pictures(cli, e.folder, &e.paths);
    if (e.n_pictures <= 0) {
        cli_free_names(e.paths, 0);
        return e.n_pictures < 0 ? CLI_INPUT : cli_fail(cli, CLI_INPUT, "the folder '%s' holds no pictures", e.folder);
    }
    code = evaluate(&e, o);
    for (int s = 0; s < e.n_scales; s++) {
        for (int i = 0; i < e.scales[s].n_methods; i++) {
            fovea_model_free(&e.scales[s].methods[i].model);
            free(e.scales[s].methods[i].scores);
        }
        free(e.scales[s].sizes);
    }
    cli_free_names(e.paths, e.n_pictures);
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
