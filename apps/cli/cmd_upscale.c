/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea upscale: the options, what they forbid, and whether it is one file or a batch.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "html_page.h"
#include "names.h"
#include "streams.h"

static const struct upscale_options defaults = { .method = "auto", .how = CLI_HOW_DEFAULTS, .n_jobs = 1 };

static const struct cli_option rows[] = {
    { "output", 'o', CLI_WORD, "PATH", "a file, its ending says the format; a folder for several inputs (needed)",
      offsetof(struct upscale_options, output), 0., 0. },
    CLI_SIZE_OPTIONS(struct upscale_options, size),
    { "method", 0, CLI_WORD, "METHOD",
      "auto (default), filter, tiny, small, medium, large,\nbicubic, lanczos3, nearest, bilinear, catmull-rom, "
      "mitchell,\n"
      "lanczos2, or a model FILE.safetensors",
      offsetof(struct upscale_options, method), 0., 0. },
    CLI_HOW_OPTIONS(struct upscale_options, how),
    { "costs", 0, CLI_WORD, "measure|FILE.json",
      "auto: what methods cost, in place of the committed tables;\nFILE: a report of an earlier run",
      offsetof(struct upscale_options, costs), 0., 0. },
    { "linear", 0, CLI_FLAG, NULL, "classical methods: resample light, not the encoded samples",
      offsetof(struct upscale_options, is_linear), 0., 0. },
    { "transfer", 0, CLI_CHOICE, "default|encoded|linear", "what samples are (default: float linear, others encoded)",
      offsetof(struct upscale_options, transfer), 0., 0. },
    { "white", 0, CLI_NUMBER, "V", "float samples: the value of display white (default 1)",
      offsetof(struct upscale_options, white), 1e-9, 1e9 },
    { "crop", 0, CLI_WORD, "X,Y,W,H",
      "make only this piece of the result, with the bytes that the\nwhole has there (pixels of the result)",
      offsetof(struct upscale_options, crop), 0., 0. },
    CLI_OUTPUT_OPTIONS(struct upscale_options, inout),
    CLI_INPUT_OPTIONS(struct upscale_options, inout),
    { "recursive", 0, CLI_FLAG, NULL, "folders with all their subfolders, whose tree is kept",
      offsetof(struct upscale_options, is_recursive), 0., 0. },
    { "name", 0, CLI_WORD, "TEMPLATE", "names in a folder, of {stem} {ext} {scale} {method}\n(default '{stem}{ext}')",
      offsetof(struct upscale_options, name), 0., 0. },
    { "format", 0, CLI_WORD, "ENDING", "file format of results in a folder, such as png or tif",
      offsetof(struct upscale_options, format), 0., 0. },
    { "force", 0, CLI_FLAG, NULL, "several inputs: overwrite existing files",
      offsetof(struct upscale_options, is_forced), 0., 0. },
    { "self-test", 0, CLI_FLAG, NULL,
      "reduce the input, enlarge it with each method, and say how\nwell each gives it back",
      offsetof(struct upscale_options, is_self_tested), 0., 0. },
    { "skip-existing", 0, CLI_FLAG, NULL, "leave existing files and say nothing",
      offsetof(struct upscale_options, skips_existing), 0., 0. },
    { "no-clobber", 0, CLI_FLAG, NULL, "fail where a file exists, with one input too",
      offsetof(struct upscale_options, keeps_existing), 0., 0. },
    { "journal", 0, CLI_CHOICE, "on|off",
      "several inputs: note what is done, so that the same command\ngoes on where "
      "it was ended (default on)",
      offsetof(struct upscale_options, journal), 0., 0. },
    { "jobs", 0, CLI_INTEGER, "N", "several inputs: pictures in work at one time (default 1);\nthey share the threads",
      offsetof(struct upscale_options, n_jobs), 1., 256. },
    { "shard", 0, CLI_WORD, "I/N", "several inputs: do part I of N only; auto: as the launcher says",
      offsetof(struct upscale_options, shard), 0., 0. },
    { "dry-run", 0, CLI_FLAG, NULL, "say what would be made, and make nothing",
      offsetof(struct upscale_options, is_dry), 0., 0. },
    { "estimate", 0, CLI_FLAG, NULL, "say what time and memory it would take, by a quick trial,\nand make nothing",
      offsetof(struct upscale_options, is_estimated), 0., 0. },
    { "max-memory", 0, CLI_WORD, "SIZE", "most memory to take, such as 300M or 2G",
      offsetof(struct upscale_options, max_memory), 0., 0. },
    { "allow-huge", 0, CLI_FLAG, NULL,
      "pictures over 2^30 pixels, and files that unpack to\nmore than 500 times "
      "their size",
      offsetof(struct upscale_options, is_huge_allowed), 0., 0. },
    { "strict", 0, CLI_FLAG, NULL, "fail (exit code 7) if a tile fails its check and falls back",
      offsetof(struct upscale_options, is_strict), 0., 0. },
    { "report", 0, CLI_WORD, "FILE.html|.json",
      "write a page to look at (with everything in it), or\nwhat --json prints",
      offsetof(struct upscale_options, report), 0., 0. },
    { "review-limits", 0, CLI_WORD, "LIST",
      "--report, several inputs: which results to look at, such as\n\"rms=0.5,psnr=28,ssim=off\" (see the manual)",
      offsetof(struct upscale_options, review_limits), 0., 0. },
    { "reference", 0, CLI_WORD, "FILE", "the true picture, if there is one: compare the result with it",
      offsetof(struct upscale_options, reference), 0., 0. },
    { "map", 0, CLI_WORDS, "[KIND:]FILE.png",
      "may be given again; KIND provenance (default): which tile\n"
      "took which path: grey classic, blue filter, green tiny,\n"
      "yellow small, orange medium, magenta large, cyan a network\n"
      "from a file, red fallback; added: what was added to bicubic;\n"
      "uncertainty: the expected error; detail: what --mode vivid\n"
      "added; consistency: where the reduced result is not the\n"
      "input; each kind with 16 behind it, such as added16: the\n"
      "tiles' figures in 16 bits",
      offsetof(struct upscale_options, maps), 0., 0. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

/* Options that exclude each other, and side files that could not be written after the work. */
static int check_options(const struct cli *cli, const struct upscale_options *o, int n_inputs)
{
    if (n_inputs < 1 || !o->output)
        return cli_fail(cli, CLI_USAGE, "an INPUT and -o OUTPUT are needed (see --help)");
    if (o->reference && n_inputs > 1)
        return cli_fail(cli, CLI_USAGE, "--reference is for one input");
    if (o->reference && cli_is_same_file(o->reference, o->output))
        return cli_fail(cli, CLI_USAGE, "--reference and --output name one file");
    if (o->is_forced + o->skips_existing + o->keeps_existing > 1)
        return cli_fail(cli, CLI_USAGE, "--force, --skip-existing and --no-clobber exclude each other");
    if (o->maps.n && n_inputs > 1)
        return cli_fail(cli, CLI_USAGE, "--map is for one input");
    if (o->maps.n && cli_wants_all_pages(&o->inout))
        return cli_fail(cli, CLI_USAGE, "--map is for one page");
    if (cli_wants_all_pages(&o->inout) && (o->reference || (o->report && cli_has_ending(o->report, ".html"))))
        return cli_fail(cli, CLI_USAGE, "--reference and a page as --report are for one page of the input");
    if (o->crop && (o->maps.n || o->reference || (o->report && cli_has_ending(o->report, ".html"))))
        return cli_fail(cli, CLI_USAGE,
                        "--map, --reference and a page as --report are for whole results, not a --crop");
    struct fovea_io_read_params params;
    int code = cli_read_params(cli, &o->inout, 0, &params);
    if (!code && o->report)
        code = cli_check_report(cli, o->report);
    return code ? code : cli_maps_check(cli, o);
}

/* None of the files that will be written may be an input. */
static int check_overwriting(const struct cli *cli, const struct upscale_options *o, const char *output, int n,
                             char **inputs)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2 + o->maps.n; k++) {
            const char *written = k == 0 ? output : k == 1 ? o->report : cli_maps_file(o, k - 2);
            if (written && cli_is_same_file(inputs[i], written))
                return cli_fail(cli, CLI_USAGE, "'%s' is the input '%s': it would be overwritten", written, inputs[i]);
        }
    return CLI_OK;
}

static int write_report(const struct upscale_job *job, const char *output, const json_t *result)
{
    const char *path = job->options->report;
    return job->pictures
               ? cli_write_page(job->cli, path, &cli_page_report, result, json_object_get(job->pictures, output))
               : cli_write_json(job->cli, path, result);
}

/* One input; path: where the result is written, output: what it is called. */
static int run_one(const struct upscale_job *job, char *input, const char *path, const char *output)
{
    const struct upscale_options *o = job->options;
    json_t *result = NULL;
    int code = check_overwriting(job->cli, o, path, 1, &input);
    if (!code && o->keeps_existing && cli_exists(path))
        code = cli_fail(job->cli, CLI_OUTPUT, "'%s' exists", output);
    if (!code && !(o->skips_existing && cli_exists(path)))
        code = cli_upscale_file(job, input, path, output, &result);
    if (!code && result && o->report)
        code = write_report(job, output, result);
    if (!code && job->cli->is_json) {
        code = cli_print_json(job->cli, result ? result : json_pack("{s:s}", "status", "skipped"));
        result = NULL;
    }
    json_decref(result);
    return code;
}

/* An existing folder as output takes the input's name. */
static int run_single(const struct upscale_job *job, char *input)
{
    const char *output = job->options->output;
    char *in_folder = cli_is_folder(output) ? cli_name_in_folder(job, output, input) : NULL;
    int code = run_one(job, input, in_folder ? in_folder : output, in_folder ? in_folder : output);
    free(in_folder);
    return code;
}

/* "-": what makes no sense with it. */
static int check_streams(const struct cli *cli, const struct upscale_options *o, int n, char **inputs)
{
    int reads = 0, writes = cli_is_stream(o->output);
    for (int i = 0; i < n; i++)
        reads |= cli_is_stream(inputs[i]);
    if ((reads || writes) && (n > 1 || o->is_dry || o->is_estimated))
        return cli_fail(cli, CLI_USAGE, "\"-\", standard input or output, is for one input");
    if (reads && cli_is_folder(o->output))
        return cli_fail(cli, CLI_USAGE, "standard input has no name: -o must name a file, or be \"-\"");
    if (writes && (cli_is_folder(inputs[0]) || cli_wants_all_pages(&o->inout)))
        return cli_fail(cli, CLI_USAGE, "-o -: standard output takes one picture");
    if (writes && o->format && !strcasecmp(o->format, "dzi"))
        return cli_fail(cli, CLI_USAGE, "-o -: standard output takes one file, not tiles in a folder");
    if (writes && cli->is_json)
        return cli_fail(cli, CLI_USAGE,
                        "--json and -o - both write to standard output: --report FILE.json is possible");
    if (writes && o->report && cli_has_ending(o->report, ".html"))
        return cli_fail(cli, CLI_USAGE, "-o -: a page as --report needs a result with a name");
    return CLI_OK;
}

/* One input where the input, the output or both are streams. */
static int run_stream(const struct upscale_job *job, char *input)
{
    struct cli *cli = job->cli;
    const struct upscale_options *o = job->options;
    struct cli_spool spool = { .fd = -1 };
    struct cli_outlet outlet = { .folder = "" };
    int is_out = cli_is_stream(o->output);
    int code = is_out ? cli_outlet_open(cli, o->format ? o->format : "png", &outlet) : CLI_OK;
    if (!code && cli_is_stream(input))
        code = cli_spool_input(cli, &spool);
    cli->is_result_silent = is_out;
    cli->stdin_path = spool.fd >= 0 ? spool.path : NULL;
    if (!code)
        code = run_one(job, input, is_out ? outlet.path : o->output, o->output);
    if (!code && is_out)
        code = cli_outlet_flush(cli, &outlet);
    cli_outlet_free(&outlet);
    cli_spool_free(&spool);
    cli->stdin_path = NULL;
    return code;
}

/* "300M" as bytes; 0 if it is no size. */
static double parse_size(const char *text)
{
    static const char units[] = "KMGT";
    char number[32];
    double value;
    size_t n = strlen(text);
    const char *unit = n ? strchr(units, text[n - 1]) : NULL;
    if (n == 0 || n >= sizeof number)
        return 0.;
    memcpy(number, text, n + 1);
    if (unit)
        number[n - 1] = 0;
    if (!cli_parse_number(number, &value))
        return 0.;
    for (ptrdiff_t i = 0; unit && i <= unit - units; i++)
        value *= 1000.;
    return value;
}

/* --max-memory and --allow-huge: libraries with other limits. */
static int apply_limits(struct cli *cli, const struct upscale_options *o)
{
    /* What the program, its libraries and the codecs' rows take beside the context. */
    const double beside = 64e6;
    double bytes = o->max_memory ? parse_size(o->max_memory) : 0.;
    if (o->max_memory && !(bytes >= 1e6 && bytes <= 1e15))
        return cli_fail(cli, CLI_USAGE, "option --max-memory: '%s' is no size such as 300M or 2G", o->max_memory);
    if (o->max_memory && bytes <= beside)
        return cli_fail(cli, CLI_RESOURCE, "option --max-memory: %s is too little, the program itself takes %.0fM",
                        o->max_memory, beside / 1e6);
    if (!o->max_memory && !o->is_huge_allowed)
        return CLI_OK;
    cli_close_libraries(cli);
    cli->memory_bytes = o->max_memory ? (size_t)(bytes - beside) : 0;
    cli->max_pixels = o->is_huge_allowed ? INT64_C(1) << 40 : 0;
    return cli_open_libraries(cli);
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct upscale_options *o = options;
    struct upscale_job job = { cli, o, FOVEA_UPSCALE_DEFAULTS, NULL, NULL, NULL };
    struct review_limits limits;
    struct fovea_costs costs;
    job.params.transfer = (enum fovea_transfer)o->transfer;
    job.params.linear_light = o->is_linear;
    job.params.white = o->white > 0. ? o->white : 1.;
    job.params.expects_error = o->report || cli_maps_expect(o) || (cli->is_json && strcmp(o->method, "auto") == 0);
    cli_catch_signals();
    int code = check_options(cli, o, n_words);
    if (!code)
        code = check_streams(cli, o, n_words, words);
    if (!code)
        code = review_parse(cli, o->review_limits, &limits);
    cli_how_params(&o->how, &job.params);
    if (code || (code = apply_limits(cli, o)) || (code = cli_size_params(cli, &o->size, &job.params)) ||
        (code = cli_crop_params(cli, o->crop, &job.params)) ||
        (o->costs && (code = cli_costs_get(cli, o->costs, job.params.precision, &costs))) ||
        (code = cli_how_method(cli, o->method, &job.params, &job.model)))
        return code;
    job.params.costs = o->costs ? &costs : NULL;
    if (o->is_linear && job.params.method != FOVEA_METHOD_CLASSIC) {
        fovea_model_free(&job.model);
        return cli_fail(cli, CLI_USAGE,
                        "--linear is for the classical methods, such as --method bicubic; auto, the filter "
                        "and networks were trained on encoded pictures");
    }
    if (o->report && cli_has_ending(o->report, ".html"))
        job.pictures = json_object();
    int is_batch = n_words > 1 || o->is_dry || o->is_estimated || cli_is_folder(words[0]) ||
                   (o->shard && cli_is_folder(o->output)) ||
                   (o->output[strlen(o->output) - 1] == '/' && !cli_is_folder(o->output));
    if (is_batch)
        job.limits = &limits;
    code = cli_check_template(&job);
    if (!code && o->shard && !is_batch)
        code = cli_fail(cli, CLI_USAGE, "option --shard: -o must then name a folder, not the picture '%s'", o->output);
    if (!code && n_words == 1 && cli_is_folder(words[0]) && !cli_is_folder(o->output) &&
        fovea_io_write_format(o->output))
        code = cli_fail(cli, CLI_INPUT, "'%s' is a folder: -o must then name a folder, not the picture '%s'", words[0],
                        o->output);
    if (code)
        ;
    else if (cli_is_stream(words[0]) || cli_is_stream(o->output))
        code = run_stream(&job, words[0]);
    else if (!is_batch)
        code = run_single(&job, words[0]);
    else if (!(code = check_overwriting(cli, o, NULL, n_words, words)))
        code = cli_upscale_batch(&job, n_words, words);
    json_decref(job.pictures);
    fovea_model_free(&job.model);
    return code;
}

const struct cli_command cli_upscale = {
    "upscale",
    "INPUT... -o OUTPUT_OR_DIR [-s S | --width W | --fit WxH | ...] [--method METHOD]",
    "Enlarge pictures. Without more options: twice the size, each tile by what it is worth.",
    rows,
    sizeof(struct upscale_options),
    &defaults,
    run,
};
