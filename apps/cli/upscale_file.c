/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Enlarging one file: reader, plan, writer, run.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "html_report.h"
#include "reference.h"
#include "selftest.h"
#include "upscale.h"

#define MAX_REVIEWED 200

/* Whose error is it? A source or sink keeps its sentence in the file library, everything else in the context. */
static int fail_run(const struct upscale_job *job, const char *input, int error)
{
    const struct cli *cli = job->cli;
    if (error == FOVEA_E_CANCELLED)
        return cli_fail(cli, CLI_CANCELLED, "cancelled; nothing was written");
    if (*fovea_io_last_error(cli->io))
        return cli_fail_io(cli, error, 1);
    return cli_fail_core_of(cli, input, error);
}

/* Run the plan from reader to writer and complete the file; the time of the completion counts as writing. */
static int run_plan(const struct upscale_job *job, fovea_plan *plan, fovea_io_reader *reader, fovea_io_writer **writer,
                    struct cli_run *run)
{
    struct cli_progress progress;
    struct fovea_source source = fovea_io_reader_source(reader);
    struct fovea_sink sink = fovea_io_writer_sink(*writer);
    cli_progress_begin(&progress, job->cli, cli_base_name(run->input),
                       (double)fovea_plan_width(plan) * fovea_plan_height(plan) / 1e6);
    progress.has_long_end = fovea_io_writer_encodes_at_end(*writer);
    int code = fovea_plan_run(plan, &source, &sink, &progress.callback, &run->report);
    char causes[CLI_CAUSES_TEXT];
    int64_t n_fallbacks = cli_count_fallbacks(&run->report, causes);
    if (!code && job->options->is_strict && n_fallbacks) {
        cli_progress_end(&progress);
        return cli_fail(job->cli, CLI_CHECK,
                        "'%s': %lld tiles failed their check and fell back (%s); nothing was written", run->input,
                        (long long)n_fallbacks, causes);
    }
    double begin_ms = cli_clock_ms();
    if (!code && cli_is_interrupted())
        code = FOVEA_E_CANCELLED;
    if (!code)
        code = fovea_io_writer_finish_watched(writer, &progress.callback);
    run->report.stage_ms[FOVEA_STAGE_WRITE] += cli_clock_ms() - begin_ms;
    run->report.total_ms += cli_clock_ms() - begin_ms;
    cli_progress_end(&progress);
    return code ? fail_run(job, run->input, code) : CLI_OK;
}

/* A report without a true picture to compare with says at least how well the methods do on the input. */
static int wants_self_test(const struct upscale_job *job, const struct cli_run *run, const struct fovea_source *source)
{
    const struct fovea_report *r = &run->report;
    int is_reported = job->options->report && !job->options->reference && !job->params.crop_width && source->rewind &&
                      (r->scale_x > 1. || r->scale_y > 1.);
    return job->options->is_self_tested || is_reported;
}

/* How well each method does on the input; the run keeps it. */
static int self_test(const struct upscale_job *job, fovea_io_reader *reader, struct cli_run *run,
                     struct cli_selftest *out)
{
    struct fovea_source source = fovea_io_reader_source(reader);
    double scale = run->report.scale_x > run->report.scale_y ? run->report.scale_x : run->report.scale_y;
    run->selftest = out;
    return cli_selftest(job->cli, &source, scale, run->method, run->params, out);
}

/* A method that enlarges has nothing to do where the result is no larger. */
static void tell_reduction(const struct upscale_job *job, const struct cli_run *run)
{
    const struct fovea_report *r = &run->report;
    if (r->n_chain || job->params.method == FOVEA_METHOD_CLASSIC)
        return;
    if (r->out_width == r->in_width && r->out_height == r->in_height)
        cli_note(job->cli, "'%s' has the size that was asked for: its pixels are kept as they are", run->input);
    else
        cli_note(job->cli, "'%s' is reduced, which bicubic does; %s only enlarges", run->input, r->method);
}

static void tell(const struct upscale_job *job, const struct cli_run *run, json_t **result)
{
    char causes[CLI_CAUSES_TEXT];
    int64_t n_fallbacks = cli_count_fallbacks(&run->report, causes);
    tell_reduction(job, run);
    if (n_fallbacks)
        cli_note(job->cli, "'%s': %lld tiles failed their check and fell back to bicubic (%s)", run->output,
                 (long long)n_fallbacks, causes);
    if (run->loss->text[0])
        cli_note(job->cli, "'%s': %s", run->output, run->loss->text);
    if (result)
        *result = cli_json_run(job->cli, run);
    if (result && job->limits)
        json_object_set_new(*result, "review", review_judge(job->limits, *result));
    if (job->cli->is_json || job->cli->is_quiet || job->cli->is_result_silent)
        return;
    flockfile(stdout); /* other pictures may be told of at the same time */
    cli_print_run(run);
    funlockfile(stdout);
}

/* What a page shows of the run. */
static int collect_pictures(const struct upscale_job *job, const struct cli_run *run, const char *path,
                            fovea_io_reader *reader, const fovea_plan *plan)
{
    struct cli_run where = *run;
    const struct cli_shown shown = { job->cli, &where, reader, plan, job->options->reference };
    where.output = path;
    json_t *pictures;
    int code = job->limits ? cli_review_pictures(&shown, &pictures) : cli_report_pictures(&shown, &pictures);
    if (!code)
        json_object_set_new(job->pictures, run->output, pictures);
    return code;
}

/* Of many results only those are shown that somebody should look at, and not without end. */
static int wants_pictures(const struct upscale_job *job, json_t **result)
{
    const json_t *review = result ? json_object_get(*result, "review") : NULL;
    return !job->limits ||
           (json_is_true(json_object_get(review, "flagged")) && json_object_size(job->pictures) < MAX_REVIEWED);
}

static int check_reference(const struct upscale_job *job, const fovea_plan *plan, const struct fovea_format *format)
{
    return cli_reference_check(job->cli, job->options->reference, fovea_plan_width(plan), fovea_plan_height(plan),
                               format);
}

/* The resolution of a piece is that of the whole result. */
static void set_scales(const struct upscale_job *job, const struct fovea_source *source,
                       struct fovea_io_write_params *params)
{
    int width, height;
    if (fovea_output_size(job->cli->ctx, source->width, source->height, &job->params, &width, &height))
        return;
    params->scale_x = (double)width / source->width;
    params->scale_y = (double)height / source->height;
}

/* A comparison and a page read the result again, which tiles in a folder do not allow. */
static int check_readable(const struct upscale_job *job, const char *path)
{
    char folder[PATH_MAX];
    if (!fovea_io_output_folder(path, folder, sizeof folder) || (!job->options->reference && !job->pictures))
        return CLI_OK;
    return cli_fail(job->cli, CLI_USAGE,
                    "--reference and a page as --report need a result that can be read, not tiles "
                    "in a folder");
}

static int upscale(const struct upscale_job *job, fovea_io_reader *reader, const char *path, struct cli_run *run,
                   json_t **result)
{
    struct cli *cli = job->cli;
    struct fovea_source source = fovea_io_reader_source(reader);
    struct fovea_io_loss loss = { 0 };
    struct cli_selftest test;
    fovea_plan *plan = NULL;
    fovea_io_writer *writer = NULL;
    int code = check_readable(job, path);
    if (code)
        return code;
    code = fovea_plan_build(&plan, cli->ctx, source.width, source.height, &source.format, &job->params);
    if (code)
        return cli_fail_core_of(cli, run->input, code);
    if (job->options->reference && (code = check_reference(job, plan, &source.format))) {
        fovea_plan_free(&plan);
        return code;
    }
    struct fovea_io_write_params params = cli_write_params(&job->options->inout);
    if (job->params.crop_width)
        set_scales(job, &source, &params);
    code = fovea_io_writer_open_with(&writer, cli->io, path, fovea_plan_width(plan), fovea_plan_height(plan),
                                     &source.format, reader, &params);
    if (code) {
        code = cli_fail_io(cli, code, 0);
    } else {
        fovea_io_writer_loss(writer, &loss);
        run->loss = &loss;
        code = run_plan(job, plan, reader, &writer, run);
    }
    fovea_io_writer_abandon(&writer);
    if (!code && job->options->reference)
        code = cli_reference_compare(cli, job->options->reference, run, &source, &run->reference);
    if (!code && wants_self_test(job, run, &source))
        code = self_test(job, reader, run, &test);
    if (!code) {
        fovea_plan_tile_figures(plan, &run->tiles);
        tell(job, run, result);
        code = cli_maps_write(job, reader, plan);
        if (!code && job->pictures && wants_pictures(job, result))
            code = collect_pictures(job, run, path, reader, plan);
    }
    json_decref(run->reference);
    fovea_plan_free(&plan);
    return code;
}

/* Few bytes that claim to be a very large picture: more likely made to exhaust a machine than drawn. */
static int check_bomb(const struct upscale_job *job, const char *input, const struct fovea_io_info *info)
{
    enum { SUSPICIOUS_PIXELS = 100000000, SUSPICIOUS_RATIO = 500 };
    struct stat st;
    double pixels = (double)info->width * info->height;
    double bytes = pixels * (double)fovea_pixel_bytes(&info->format);
    if (job->options->is_huge_allowed || pixels < SUSPICIOUS_PIXELS ||
        stat(cli_input_path(job->cli, input), &st) != 0 || bytes <= SUSPICIOUS_RATIO * (double)st.st_size)
        return CLI_OK;
    return cli_fail(job->cli, CLI_RESOURCE,
                    "'%s': %lld bytes would unpack to %dx%d pixels (%.1f GB), like a decompression bomb: --allow-huge "
                    "enlarges it all the same",
                    input, (long long)st.st_size, info->width, info->height, bytes / 1e9);
}

/* A file that is decoded as a whole, before a row comes out of it: by libvips, whose memory the context does not count.
 * A JPEG of several scans keeps 16-bit coefficients of all of it. */
static int check_whole(const struct upscale_job *job, const char *input, const struct fovea_io_info *info)
{
    const struct cli *cli = job->cli;
    const double most = 4e9;
    double bytes = (double)info->width * info->height * (double)fovea_pixel_bytes(&info->format);
    bytes *= strcmp(info->file_format, "JPEG") ? 1. : 2.;
    if (info->is_streamed || (info->orientation > 2 && bytes > 100e6)) /* turned pictures go to a temporary file */
        return CLI_OK;
    if (cli->memory_bytes && bytes > (double)cli->memory_bytes)
        return cli_fail(cli, CLI_RESOURCE, "'%s' is decoded as a whole, which takes %.0f MB: --max-memory leaves less",
                        input, bytes / 1e6);
    if (!job->options->is_huge_allowed && bytes > most)
        return cli_fail(
            cli, CLI_RESOURCE,
            "'%s' is decoded as a whole, which takes %.1f GB for %dx%d pixels: --allow-huge does it all the "
            "same",
            input, bytes / 1e9, info->width, info->height);
    return CLI_OK;
}

/* One page; 0 = the one that the options name, or the only one. */
static int upscale_page(const struct upscale_job *job, const char *input, const char *path, const char *output,
                        int page, json_t **result)
{
    struct cli *cli = job->cli;
    fovea_io_reader *reader;
    struct upscale_job this = *job;
    struct cli_run run = {
        .input = input, .output = output, .method = job->options->method, .params = &this.params, .model = job->model
    };
    int code = cli_open_reader(cli, input, &job->options->inout, page, &reader);
    if (code == CLI_RESOURCE && !job->options->is_huge_allowed)
        cli_note(cli, "--allow-huge takes larger pictures");
    if (code)
        return code;
    struct fovea_io_info info;
    fovea_io_reader_describe(reader, &info);
    if (*info.note)
        cli_note(cli, "'%s': %s", input, info.note);
    if (page)
        run.page = page;
    this.params.jpeg_quality = info.jpeg_quality;
    code = check_whole(job, input, &info);
    if (!code)
        code = check_bomb(job, input, &info);
    if (!code)
        code = upscale(&this, reader, path, &run, result);
    fovea_io_reader_close(&reader);
    return code;
}

/* The name with the page's number before its ending. */
static char *numbered(const char *path, int page, int n_pages)
{
    const char *dot = strrchr(path, '.');
    int n_digits = snprintf(NULL, 0, "%d", n_pages);
    size_t n_bytes = strlen(path) + 16;
    char *name = malloc(n_bytes);
    if (name)
        snprintf(name, n_bytes, "%.*s-%0*d%s", (int)(dot ? dot - path : (ptrdiff_t)strlen(path)), path, n_digits, page,
                 dot ? dot : "");
    return name;
}

/* Every page to a file of its own; the results as one object. */
static int upscale_pages(const struct upscale_job *job, const char *input, const char *output, int n_pages,
                         json_t **result)
{
    struct cli *cli = job->cli;
    json_t *list = json_array();
    int code = CLI_OK;
    for (int page = 1; page <= n_pages && !code; page++) {
        json_t *one = NULL;
        char *name = numbered(output, page, n_pages);
        if (!name)
            code = cli_fail(cli, CLI_RESOURCE, "out of memory");
        else if (cli_exists(name) && (!job->options->is_forced || cli_is_same_file(name, input)))
            code = cli_fail(cli, CLI_OUTPUT, "'%s' exists: --force overwrites it, unless it is the input", name);
        else
            code = upscale_page(job, input, name, name, page, result ? &one : NULL);
        if (one)
            json_array_append_new(list, one);
        free(name);
    }
    if (result && !code)
        *result = json_pack("{s:s, s:i, s:O, s:s}", "input", input, "pages", n_pages, "results", list, "version",
                            fovea_version());
    json_decref(list);
    return code;
}

int cli_upscale_file(const struct upscale_job *job, const char *input, const char *path, const char *output,
                     json_t **result)
{
    struct fovea_io_info info = { 0 };
    int error = cli_wants_all_pages(&job->options->inout)
                    ? fovea_io_probe(job->cli->io, cli_input_path(job->cli, input), &info)
                    : FOVEA_OK;
    if (error)
        return cli_fail_io(job->cli, error, 1);
    return info.n_pages > 1 ? upscale_pages(job, input, output, info.n_pages, result)
                            : upscale_page(job, input, path, output, 0, result);
}
