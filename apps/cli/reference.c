/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A result, and the plain enlargement beside it, against the true picture.
 */
#include <math.h>

#include "figures.h"
#include "reference.h"

int cli_reference_check(const struct cli *cli, const char *path, int width, int height,
                        const struct fovea_format *format)
{
    struct fovea_io_info info;
    int code = fovea_io_probe(cli->io, path, &info);
    if (code)
        return cli_fail_io(cli, code, 1);
    if (info.width != width || info.height != height)
        return cli_fail(cli, CLI_INPUT, "the reference '%s' has %dx%d pixels, the result will have %dx%d", path,
                        info.width, info.height, width, height);
    if (info.format.n_channels != format->n_channels || !info.format.has_alpha != !format->has_alpha)
        return cli_fail(cli, CLI_INPUT, "the reference '%s' has %d channels, the result will have %d", path,
                        info.format.n_channels, format->n_channels);
    return CLI_OK;
}

static int add_figures(const struct cli *cli, json_t *object, const char *key, const struct fovea_image *reference,
                       const struct fovea_image *image, const struct fovea_metrics_params *params)
{
    struct fovea_metrics metrics;
    int code = fovea_metrics_compare_with(cli->ctx, reference, image, params, &metrics);
    if (code)
        return cli_fail_core(cli, code);
    json_t *figures = json_object();
    for (int i = 0; i < CLI_N_FIGURES; i++)
        json_object_set_new(figures, cli_figures[i].key, cli_json_number(cli_figure_value(&metrics, i)));
    json_object_set_new(figures, "identical", json_boolean(metrics.identical));
    json_object_set_new(object, key, figures);
    return CLI_OK;
}

/* The input's plain enlargement, in place of the result. */
static int enlarge(const struct cli *cli, const struct fovea_source *input, struct fovea_image *image)
{
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    fovea_plan *plan;
    params.method = FOVEA_METHOD_CLASSIC;
    params.width = image->width;
    params.height = image->height;
    fovea_io_image_free(image);
    if (!cli_new_image(cli, image, params.width, params.height, &input->format))
        return CLI_RESOURCE;
    if (input->rewind(input->user))
        return cli_fail_io(cli, FOVEA_E_READ, 1);
    struct fovea_sink sink = fovea_sink_to_image(image);
    int code = fovea_plan_build(&plan, cli->ctx, input->width, input->height, &input->format, &params);
    if (!code)
        code = fovea_plan_run(plan, input, &sink, NULL, NULL);
    fovea_plan_free(&plan);
    if (code && *fovea_io_last_error(cli->io))
        return cli_fail_io(cli, code, 1);
    return code ? cli_fail_core(cli, code) : CLI_OK;
}

static int compare(const struct cli *cli, const struct cli_run *run, const struct fovea_source *input,
                   const struct fovea_image *reference, json_t *object)
{
    double scale = fmax(run->report.scale_x, run->report.scale_y);
    struct fovea_metrics_params params = FOVEA_METRICS_DEFAULTS;
    struct fovea_image image;
    params.border = (int)fmin(ceil(scale), (fmin(reference->width, reference->height) - 1.) / 2.);
    params.ergas_ratio = 1. / scale;
    json_object_set_new(object, "border", json_integer(params.border));
    int code = fovea_io_read_image(cli->io, run->output, &image);
    if (code)
        return cli_fail_io(cli, code, 1);
    code = add_figures(cli, object, "result", reference, &image, &params);
    if (!code)
        code = enlarge(cli, input, &image);
    if (!code)
        code = add_figures(cli, object, "bicubic", reference, &image, &params);
    fovea_io_image_free(&image);
    return code;
}

int cli_reference_compare(const struct cli *cli, const char *path, const struct cli_run *run,
                          const struct fovea_source *input, json_t **out)
{
    struct fovea_image reference;
    *out = NULL;
    int code = fovea_io_read_image(cli->io, path, &reference);
    if (code)
        return cli_fail_io(cli, code, 1);
    json_t *object = json_object();
    json_object_set_new(object, "file", cli_json_text(path));
    code = compare(cli, run, input, &reference, object);
    fovea_io_image_free(&reference);
    if (code)
        json_decref(object);
    else
        *out = object;
    return code;
}
