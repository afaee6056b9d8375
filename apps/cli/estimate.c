/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time and memory of a run, predicted by making a small part of it.
 *
 * Bands of the picture are read for a fraction of a second, put together to a sample, enlarged as the run would, and
 * encoded as the run would; times grow with the pixels from there. The encoder works beside the rest: it takes its
 * share of the processor, and sets the pace where it alone is slower. Memory is what the process has now, what the plan
 * of the whole picture or its routing takes, and what is known of readers and writers. Of many pictures some are
 * sampled and speak for the others.
 */
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "streams.h"

/* Of many inputs, how many are sampled. */
#define MAX_SAMPLED 6

#define SAMPLE_WIDTH 4096
#define SAMPLE_PIXELS 1200000
#define BAND_ROWS 48
#define READ_MS 150.

/* Bytes that routing takes for a tile, and an analysis for a column. */
#define ROUTE_TILE_BYTES 120.
#define ANALYSIS_COLUMN_BYTES 400.

struct estimate {
    double seconds, bytes;
    double compute_ms, read_ms, encode_ms; /* of the whole */
};

/* ---- the sample ---- */

struct sample {
    struct fovea_image image;
    int n_read; /* rows that were read for it */
    double read_ms;
};

/* The rows of the picture that the sample is made of: bands that are as far apart as reading allows. */
static int read_bands(const struct cli *cli, const struct fovea_source *source, struct sample *s)
{
    size_t pixel = fovea_pixel_bytes(&source->format);
    ptrdiff_t stride = (ptrdiff_t)((size_t)source->width * pixel);
    char *rows = malloc((size_t)BAND_ROWS * (size_t)stride);
    int n_bands = s->image.height / BAND_ROWS, taken = 0, code = rows ? CLI_OK : CLI_RESOURCE;
    int reach = source->height, left = (source->width - s->image.width) / 2;
    double start = cli_clock_ms();
    for (int y = 0; y < source->height && taken < s->image.height && !code;) {
        int n = source->height - y < BAND_ROWS ? source->height - y : BAND_ROWS;
        int error = source->read(source->user, y, n, rows, stride);
        code = error ? cli_fail_io(cli, error, 1) : CLI_OK;
        int band = taken / BAND_ROWS,
            wanted = n_bands > 1 ? (int)((double)(reach - BAND_ROWS) * band / (n_bands - 1)) : 0;
        if (y + n > wanted || source->height - y - n < s->image.height - taken) {
            n = n < s->image.height - taken ? n : s->image.height - taken;
            for (int i = 0; i < n; i++, taken++)
                memcpy((char *)s->image.data + taken * s->image.stride_bytes, rows + i * stride + (size_t)left * pixel,
                       (size_t)s->image.stride_bytes);
        }
        y += source->height - y < BAND_ROWS ? source->height - y : BAND_ROWS;
        s->read_ms = cli_clock_ms() - start;
        s->n_read = y;
        if (reach == source->height && y >= 2 * BAND_ROWS && s->read_ms * source->height > READ_MS * y)
            reach = (int)(READ_MS * y / s->read_ms);
        reach = reach > s->image.height ? reach : s->image.height;
    }
    s->image.height = taken;
    free(rows);
    return code;
}

static int take_sample(const struct cli *cli, const struct fovea_source *source, struct sample *s)
{
    int width = source->width < SAMPLE_WIDTH ? source->width : SAMPLE_WIDTH;
    int height = SAMPLE_PIXELS / width / BAND_ROWS * BAND_ROWS;
    height = height > 2 * BAND_ROWS ? height : 2 * BAND_ROWS;
    height = height < source->height ? height : source->height;
    *s = (struct sample){ .n_read = 0 };
    if (!cli_new_image(cli, &s->image, width, height, &source->format))
        return CLI_RESOURCE;
    return read_bands(cli, source, s);
}

struct encoding {
    double ms;
    int is_at_end; /* when all rows have come, rather than beside the rest */
};

/* What encoding the result of the sample takes. */
static int time_encoder(const struct upscale_job *job, const struct fovea_image *image, fovea_io_reader *reader,
                        const char *output, struct encoding *encoding)
{
    const struct cli *cli = job->cli;
    struct fovea_io_write_params params = cli_write_params(&job->options->inout);
    const char *dot = strrchr(cli_base_name(output), '.');
    struct cli_outlet outlet;
    fovea_io_writer *writer = NULL;
    int code = cli_outlet_make(cli, dot ? dot + 1 : "png", &outlet);
    if (code)
        return code;
    double start = cli_clock_ms();
    int error = fovea_io_writer_open_with(&writer, cli->io, outlet.path, image->width, image->height, &image->format,
                                          reader, &params);
    encoding->is_at_end = !error && fovea_io_writer_encodes_at_end(writer);
    struct fovea_sink sink = error ? (struct fovea_sink){ NULL, NULL } : fovea_io_writer_sink(writer);
    if (!error)
        error = sink.write(sink.user, 0, image->height, image->data, image->stride_bytes);
    if (!error)
        error = fovea_io_writer_finish(&writer);
    encoding->ms = cli_clock_ms() - start;
    fovea_io_writer_abandon(&writer);
    cli_outlet_free(&outlet);
    return error ? cli_fail_io(cli, error, 0) : CLI_OK;
}

/* Enlarge the sample twice, since the first time warms up, by *warm_ms; the report of the faster run. */
static int enlarge_sample(const struct upscale_job *job, const char *input, const struct fovea_image *in,
                          struct fovea_image *out, struct fovea_report *report, double *warm_ms)
{
    struct cli *cli = job->cli;
    struct fovea_upscale_params params = job->params;
    params.crop_x = params.crop_y = params.crop_width = params.crop_height = 0;
    int width, height, error = fovea_output_size(cli->ctx, in->width, in->height, &params, &width, &height);
    if (error)
        return cli_fail_core_of(cli, input, error);
    if (!cli_new_image(cli, out, width, height, &in->format))
        return CLI_RESOURCE;
    for (int i = 0; i < 2 && !error; i++) {
        struct fovea_report one;
        error = fovea_upscale(cli->ctx, in, out, &params, &one);
        *warm_ms = i == 0 ? one.total_ms : fmax(0., *warm_ms - one.total_ms);
        if (!error && (i == 0 || one.total_ms < report->total_ms))
            *report = one;
    }
    return error ? cli_fail_core_of(cli, input, error) : CLI_OK;
}

/* ---- from the sample to the whole ---- */

static void predict_time(const struct upscale_job *job, const struct sample *s, const struct fovea_report *r,
                         const struct fovea_io_info *info, double made_share, const struct encoding *encoding,
                         struct estimate *e)
{
    double whole = (double)info->width * info->height / ((double)s->image.width * s->image.height);
    int n_threads = fovea_context_threads(job->cli->ctx);
    int n_passes = r->stage_ms[FOVEA_STAGE_ANALYSIS] > 0. ? 2 : 1;
    double once = r->stage_ms[FOVEA_STAGE_ANALYSIS] + r->stage_ms[FOVEA_STAGE_ROUTING];
    double rest = r->total_ms - once - r->stage_ms[FOVEA_STAGE_READ] - r->stage_ms[FOVEA_STAGE_WRITE];
    e->compute_ms = whole * (once + made_share * rest);
    e->read_ms = n_passes * (info->is_streamed ? s->read_ms * info->height / s->n_read : s->read_ms);
    e->encode_ms = whole * made_share * encoding->ms;
    double shared = e->compute_ms + e->read_ms + e->encode_ms / (encoding->is_at_end ? 1 : n_threads);
    e->seconds = (shared > e->encode_ms ? shared : e->encode_ms) / 1e3;
}

static double resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages ? (double)pages * (double)sysconf(_SC_PAGESIZE) : 36e6;
}

/* Bytes that a writer of this format holds, for a result of so many bytes in rows of so many. */
static double writer_bytes(const char *output, int is_lossy, double bytes, double row_bytes)
{
    const char *format = fovea_io_write_format(output);
    static const struct {
        const char *name;
        double times, times_lossy, more;
    } whole[] = {
        { "WebP", 8., 1.8, 0. }, { "AVIF", 8.1, 8.1, 128e6 }, { "HEIC", 6.8, 6.8, 35e6 }, { "JPEG XL", 22., 14., 0. }
    };
    for (size_t i = 0; format && i < sizeof whole / sizeof *whole; i++)
        if (!strcmp(format, whole[i].name))
            return whole[i].more + (is_lossy ? whole[i].times_lossy : whole[i].times) * bytes;
    if (format && !strcmp(format, "JPEG 2000")) /* a row of tiles */
        return 10e6 + 512. * row_bytes;
    if (format && !strcmp(format, "DeepZoom")) /* a row of tiles of each level, and of the one that comes next */
        return 1e6 + 500. * row_bytes;
    return 1e6 + 90. * row_bytes + (format && !strcmp(format, "TIFF") ? 4e6 : 0.);
}

/* Bytes of the plan for the whole picture, from a context of its own. */
static int plan_bytes(const struct upscale_job *job, const char *input, const struct fovea_source *source,
                      double *bytes, double *share)
{
    struct cli *cli = job->cli;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    fovea_plan *plan = NULL;
    params.n_threads = fovea_context_threads(cli->ctx);
    params.cpu_mask = cli->cpu_mask;
    params.memory_bytes = cli->memory_bytes;
    if (fovea_context_create(&ctx, &params))
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    int width, height,
        error = fovea_plan_build(&plan, ctx, source->width, source->height, &source->format, &job->params);
    if (error)
        cli_fail(cli, cli_exit_code(error, 0), "'%s': %s", input, fovea_last_error(ctx));
    if (!error && !fovea_output_size(ctx, source->width, source->height, &job->params, &width, &height))
        *share = (double)fovea_plan_width(plan) * fovea_plan_height(plan) / ((double)width * height);
    *bytes = (double)fovea_context_peak_bytes(ctx);
    fovea_plan_free(&plan);
    fovea_context_free(&ctx);
    return error ? cli_exit_code(error, 0) : CLI_OK;
}

static int predict_memory(const struct upscale_job *job, const struct cli_item *item, const struct fovea_io_info *info,
                          double base, struct estimate *e, double *share)
{
    struct fovea_source source = { .width = info->width, .height = info->height, .format = info->format };
    double in_row = (double)info->width * (double)fovea_pixel_bytes(&info->format), in = in_row * info->height;
    double plan = 0., tiles = (double)info->width * info->height / (FOVEA_TILE * FOVEA_TILE);
    int width, height, code = plan_bytes(job, item->input, &source, &plan, share);
    if (code || fovea_output_size(job->cli->ctx, info->width, info->height, &job->params, &width, &height))
        return code;
    double out_row = in_row / info->width * width, out = out_row * height * *share;
    double route = job->params.method == FOVEA_METHOD_AUTO
                       ? tiles * ROUTE_TILE_BYTES + info->width * ANALYSIS_COLUMN_BYTES
                       : 0.;
    e->bytes = base + (plan > route ? plan : route) +
               writer_bytes(item->output, job->options->inout.quality > 0, out, out_row) +
               (info->is_streamed || (info->orientation > 2 && in > 100e6) ? 40. * in_row : 2. * in);
    return CLI_OK;
}

static int estimate_input(const struct upscale_job *job, const struct cli_item *item, double base, struct estimate *e)
{
    fovea_io_reader *reader;
    struct fovea_io_info info;
    struct sample s = { .n_read = 0 };
    struct fovea_image out = { 0 };
    struct fovea_report report = { 0 };
    struct encoding encoding = { 0 };
    double share = 1., warm_ms = 0., opened = cli_clock_ms();
    int code = cli_open_reader(job->cli, item->input, &job->options->inout, 0, &reader);
    if (code)
        return code;
    opened = cli_clock_ms() - opened;
    struct fovea_source source = fovea_io_reader_source(reader);
    fovea_io_reader_describe(reader, &info);
    code = predict_memory(job, item, &info, base, e, &share);
    if (!code)
        code = take_sample(job->cli, &source, &s);
    if (!code)
        code = enlarge_sample(job, item->input, &s.image, &out, &report, &warm_ms);
    if (!code)
        code = time_encoder(job, &out, reader, item->output, &encoding);
    if (!code)
        predict_time(job, &s, &report, &info, share, &encoding, e);
    e->seconds += (opened + warm_ms) / 1e3;
    fovea_io_image_free(&s.image);
    fovea_io_image_free(&out);
    fovea_io_reader_close(&reader);
    return code;
}

/* ---- many ---- */

static json_t *json_estimate(const struct cli_item *item, const struct estimate *e)
{
    json_t *object = json_object();
    json_object_set_new(object, "input", cli_json_text(item->input));
    json_object_set_new(object, "output", cli_json_text(item->output));
    json_object_set_new(object, "seconds", cli_json_number(e->seconds));
    json_object_set_new(object, "peak_bytes", cli_json_number(e->bytes));
    return object;
}

static void print_estimate(const char *name, const struct estimate *e)
{
    printf("%10.*f s %8.0f MB  %s\n", e->seconds < 10. ? 2 : 0, e->seconds, e->bytes / 1e6, name);
}

/* An input that was not sampled: by its pixels and the speed of those that were. */
static int derive(const struct upscale_job *job, const struct cli_item *item, double base, double seconds_per_px,
                  struct estimate *e)
{
    struct fovea_io_info info;
    double share;
    int error = fovea_io_probe(job->cli->io, item->input, &info);
    if (error)
        return cli_fail_io(job->cli, error, 1);
    e->seconds = seconds_per_px * info.width * info.height;
    return predict_memory(job, item, &info, base, e, &share);
}

struct total {
    struct estimate sum; /* seconds added up; the largest of bytes */
    double sampled_seconds, sampled_px;
    int n, n_failed;
};

static void add(struct total *t, const struct estimate *e)
{
    t->sum.seconds += e->seconds;
    t->sum.bytes = e->bytes > t->sum.bytes ? e->bytes : t->sum.bytes;
}

static double pixels_of(const struct upscale_job *job, const struct cli_item *item)
{
    struct fovea_io_info info;
    return fovea_io_probe(job->cli->io, cli_input_path(job->cli, item->input), &info)
               ? 0.
               : (double)info.width * info.height;
}

static int tell_total(const struct upscale_job *job, const struct total *t, double base, json_t *list)
{
    struct cli *cli = job->cli;
    int n_jobs = job->options->n_jobs < t->n ? job->options->n_jobs : t->n;
    struct estimate all = t->sum;
    all.bytes = base + n_jobs * (all.bytes > base ? all.bytes - base : 0.);
    if (cli->is_json) {
        json_t *object = json_object();
        json_object_set_new(object, "estimate", json_true());
        json_object_set_new(object, "inputs", json_integer(t->n));
        json_object_set_new(object, "failed", json_integer(t->n_failed));
        json_object_set_new(object, "seconds", cli_json_number(all.seconds));
        json_object_set_new(object, "peak_bytes", cli_json_number(all.bytes));
        json_object_set(object, "items", list);
        return cli_print_json(cli, object);
    }
    if (t->n > 1)
        print_estimate("together", &all);
    return CLI_OK;
}

/* CPU time that starting the program took, in seconds, and a third of that for its end: part of every run. */
static double startup_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 4. / 3. *
           ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

int cli_estimate(const struct upscale_job *job, const struct cli_items *items, int rank, int n_shards)
{
    struct total t = { .n = (items->n - rank + n_shards - 1) / n_shards };
    double base = resident_bytes(), start_seconds = startup_seconds();
    int step = t.n > MAX_SAMPLED ? (t.n + MAX_SAMPLED - 1) / MAX_SAMPLED : 1, code = CLI_OK;
    struct estimate *all = calloc((size_t)items->n + 1, sizeof *all);
    json_t *list = json_array();
    if (!all)
        return cli_fail(job->cli, CLI_RESOURCE, "out of memory");
    for (int pass = 0; pass < 2; pass++) {
        for (int i = rank, k = 0; i < items->n && !cli_is_interrupted(); i += n_shards, k++) {
            int is_sampled = k % step == 0;
            if (is_sampled != (pass == 0))
                continue;
            double px = t.sampled_px > 0. ? t.sampled_seconds / t.sampled_px : 0.;
            int failed = is_sampled ? estimate_input(job, &items->item[i], base, &all[i])
                                    : derive(job, &items->item[i], base, px, &all[i]);
            code = failed ? failed : code;
            t.n_failed += failed != 0;
            all[i].seconds = failed ? -1. : all[i].seconds;
            if (is_sampled && !failed) {
                t.sampled_seconds += all[i].seconds;
                t.sampled_px += pixels_of(job, &items->item[i]);
            }
        }
    }
    for (int i = rank; i < items->n; i += n_shards) {
        if (all[i].seconds < 0.)
            continue;
        all[i].seconds += t.n == 1 ? start_seconds : 0.;
        add(&t, &all[i]);
        json_array_append_new(list, json_estimate(&items->item[i], &all[i]));
        if (!job->cli->is_json)
            print_estimate(items->item[i].input, &all[i]);
    }
    t.sum.seconds += t.n > 1 ? start_seconds : 0.;
    if (cli_is_interrupted())
        code = cli_fail(job->cli, CLI_CANCELLED, "cancelled");
    int told = code && t.n == t.n_failed ? CLI_OK : tell_total(job, &t, base, list);
    json_decref(list);
    free(all);
    return code && t.n > 1 ? CLI_SOME_FAILED : code ? code : told;
}
