/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Evaluation: each picture is cropped to a multiple of the scale, reduced exactly, compressed where that is asked for,
 * enlarged by each method in memory and compared with itself; the border that is ignored is the scale.
 */
#include <math.h>
#include <stdlib.h>

#include "evaluate.h"

/* Pictures are made again to be seen. */
struct again {
    const struct eval_method *only;
    eval_seen *seen;
    void *user;
};

/* One picture at one scale. */
struct work {
    struct evaluation *e;
    struct eval_scale *scale;
    int picture;
    struct fovea_image original, reduced, enlarged;
    const struct again *again; /* NULL: for the figures */
};

static int score(struct work *w, struct eval_method *method)
{
    struct cli *cli = w->e->cli;
    struct fovea_report report;
    struct eval_score *out = &method->scores[w->picture];
    const struct fovea_metrics_params params = { FOVEA_API_VERSION, w->scale->scale, cli_figures_wanted(w->e->is_asked),
                                                 1. / w->scale->scale };
    double begin_ms = cli_clock_ms();
    int code = fovea_upscale(cli->ctx, &w->reduced, &w->enlarged, &method->params, &report);
    if (!code && w->again)
        return w->again->seen(w->again->user, method, &w->original, &w->enlarged);
    out->ms = cli_clock_ms() - begin_ms;
    if (!code)
        code = fovea_metrics_compare_with(cli->ctx, &w->original, &w->enlarged, &params, &out->metrics);
    method->n_steps = report.consistency_steps;
    return code ? cli_fail_core(cli, code) : CLI_OK;
}

/* The reduced picture becomes what a JPEG file would give back. */
static int compress(struct work *w)
{
    struct cli *cli = w->e->cli;
    struct fovea_image decoded;
    void *bytes;
    size_t n_bytes;
    if (w->reduced.format.has_alpha)
        return cli_fail(cli, CLI_INPUT, "'%s' has alpha, which a JPEG cannot hold", w->e->paths[w->picture]);
    int code = fovea_io_encode_image(cli->io, &w->reduced, "jpeg", w->e->jpeg_quality, NULL, &bytes, &n_bytes);
    if (!code)
        code = fovea_io_decode_image(cli->io, bytes, n_bytes, &decoded);
    fovea_io_bytes_free(&bytes);
    if (code)
        return cli_fail_io(cli, code, 1);
    fovea_io_image_free(&w->reduced);
    w->reduced = decoded;
    return CLI_OK;
}

static int score_all(struct work *w)
{
    struct cli *cli = w->e->cli;
    int code = fovea_imresize(cli->ctx, &w->original, w->scale->scale, &w->reduced);
    if (code)
        return cli_fail_core(cli, code);
    code = w->e->jpeg_quality ? compress(w) : CLI_OK;
    for (int i = 0; i < w->scale->n_methods && !code; i++)
        if (!w->again || !w->again->only || w->again->only == &w->scale->methods[i])
            code = cli_is_interrupted() ? cli_fail(cli, CLI_CANCELLED, "cancelled") : score(w, &w->scale->methods[i]);
    return code;
}

/* image: eight bits, of the file's size; it is borrowed. */
static int run_scale(struct evaluation *e, struct eval_scale *scale, int picture, const struct fovea_image *image,
                     const struct again *again)
{
    struct work w = { e, scale, picture, *image, { 0 }, { 0 }, again };
    int s = scale->scale, code;
    w.original.width -= w.original.width % s;
    w.original.height -= w.original.height % s;
    if (w.original.width <= 2 * s || w.original.height <= 2 * s)
        return cli_fail(e->cli, CLI_INPUT, "'%s' is too small for scale %d", e->paths[picture], s);
    scale->sizes[picture] = (struct eval_size){ w.original.width, w.original.height };
    if (!cli_new_image(e->cli, &w.reduced, w.original.width / s, w.original.height / s, &w.original.format) ||
        !cli_new_image(e->cli, &w.enlarged, w.original.width, w.original.height, &w.original.format))
        code = CLI_RESOURCE;
    else
        code = score_all(&w);
    fovea_io_image_free(&w.reduced);
    fovea_io_image_free(&w.enlarged);
    return code;
}

/* The scales from first to last - 1. */
static int run_picture(struct evaluation *e, int picture, int first, int last, const struct again *again)
{
    struct fovea_image image;
    int code = fovea_io_read_image(e->cli->io, e->paths[picture], &image);
    if (code)
        return cli_fail_io(e->cli, code, 1);
    cli_to_u8(&image);
    code = cli_grey_to_rgb(e->cli, &image);
    for (int i = first; i < last && !code; i++)
        code = run_scale(e, &e->scales[i], picture, &image, again);
    fovea_io_image_free(&image);
    return code;
}

int eval_again(struct evaluation *e, struct eval_scale *scale, int picture, const struct eval_method *only,
               eval_seen *seen, void *user)
{
    const struct again again = { only, seen, user };
    int i = (int)(scale - e->scales);
    return run_picture(e, picture, i, i + 1, &again);
}

int eval_run(struct evaluation *e)
{
    struct cli_progress progress;
    int code = CLI_OK;
    cli_progress_begin(&progress, e->cli, e->folder, 0.);
    for (int i = 0; i < e->n_pictures && !code; i++) {
        progress.callback.report(progress.callback.user, (double)i / e->n_pictures);
        code = run_picture(e, i, 0, e->n_scales, NULL);
    }
    cli_progress_end(&progress);
    return code;
}

double eval_mean(const struct evaluation *e, const struct eval_method *method, int i)
{
    double sum = 0.;
    int n = 0;
    for (int p = 0; p < e->n_pictures; p++) {
        double value = cli_figure_value(&method->scores[p].metrics, i);
        sum += isfinite(value) ? value : 0.;
        n += isfinite(value) != 0;
    }
    return n ? sum / n : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of milliseconds, over millions of pixels where scale is not NULL. */
static double median(const struct evaluation *e, const struct eval_scale *scale, const struct eval_method *method)
{
    int n = e->n_pictures;
    double *values = malloc((size_t)n * sizeof *values);
    if (!values)
        return NAN;
    for (int p = 0; p < n; p++)
        values[p] = method->scores[p].ms / (scale ? (double)scale->sizes[p].width * scale->sizes[p].height / 1e6 : 1.);
    qsort(values, (size_t)n, sizeof *values, by_value);
    double middle = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.;
    free(values);
    return middle;
}

double eval_ms(const struct evaluation *e, const struct eval_method *method)
{
    return median(e, NULL, method);
}

double eval_ms_per_mp(const struct evaluation *e, const struct eval_scale *scale, const struct eval_method *method)
{
    return median(e, scale, method);
}

void eval_curve(const struct evaluation *e, const struct eval_scale *scale, int order[EVAL_MAX_METHODS],
                int is_best[EVAL_MAX_METHODS])
{
    double ms[EVAL_MAX_METHODS], best = -HUGE_VAL;
    for (int i = 0; i < scale->n_methods; i++) {
        int k = i;
        ms[i] = eval_ms_per_mp(e, scale, &scale->methods[i]);
        for (; k > 0 && ms[i] < ms[order[k - 1]]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (int k = 0; k < scale->n_methods; k++) {
        double psnr = eval_mean(e, &scale->methods[order[k]], CLI_PSNR_Y);
        is_best[k] = psnr > best;
        best = psnr > best ? psnr : best;
    }
}
