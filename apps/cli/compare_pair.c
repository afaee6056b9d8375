/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two files: read, aligned, compared, and shown.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

/* The figures of a picture alone. */
static const struct {
    const char *name, *key;
    size_t offset;
} qualities[] = {
    { "sharpness", "sharpness", offsetof(struct fovea_quality, sharpness) },
    { "noise", "noise", offsetof(struct fovea_quality, noise) },
    { "blockiness", "blockiness", offsetof(struct fovea_quality, blockiness) },
};
#define N_QUALITIES (int)(sizeof qualities / sizeof *qualities)

static double quality_value(const struct fovea_quality *quality, int i)
{
    double value;
    memcpy(&value, (const char *)quality + qualities[i].offset, sizeof value);
    return value;
}

/* ---- the work ---- */

static const char *describe(const struct fovea_format *format, char text[40])
{
    snprintf(text, 40, "%d channel%s%s", format->n_channels, format->n_channels > 1 ? "s" : "",
             format->has_alpha ? " with alpha" : "");
    return text;
}

static int check(const struct compare_job *job, const struct compare_pair *pair, const struct fovea_image *a,
                 const struct fovea_image *b)
{
    char text[2][40];
    if (a->format.n_channels != b->format.n_channels || !a->format.has_alpha != !b->format.has_alpha)
        return cli_fail(job->cli, CLI_INPUT, "'%s' and '%s' differ in channels: %s and %s", pair->paths[0],
                        pair->paths[1], describe(&a->format, text[0]), describe(&b->format, text[1]));
    if (!job->options->is_aligned && (a->width != b->width || a->height != b->height))
        return cli_fail(job->cli, CLI_INPUT,
                        "'%s' and '%s' differ in size: %dx%d and %dx%d (--align can cut or resize them)",
                        pair->paths[0], pair->paths[1], a->width, a->height, b->width, b->height);
    return CLI_OK;
}

static int measure(const struct compare_job *job, struct compare_pair *pair, const struct fovea_image images[2])
{
    fovea_context *ctx = job->cli->ctx;
    const struct fovea_metrics_params params = { FOVEA_API_VERSION, job->options->border,
                                                 cli_figures_wanted(job->is_asked), 1. / job->options->ergas_scale };
    pair->common_width = images[0].width;
    pair->common_height = images[0].height;
    int code = fovea_metrics_compare_with(ctx, &images[0], &images[1], &params, &pair->metrics);
    for (int i = 0; i < 2 && job->is_quality_asked && !code; i++)
        code = fovea_metrics_quality(ctx, &images[i], &pair->quality[i]);
    return code ? cli_fail_core(job->cli, code) : CLI_OK;
}

int compare_files(const struct compare_job *job, struct compare_pair *pair, const char *map)
{
    struct fovea_image images[2] = { { 0 }, { 0 } };
    int code = CLI_OK;
    for (int i = 0; i < 2 && !code; i++) {
        code = fovea_io_read_image(job->cli->io, pair->paths[i], &images[i]);
        if (code)
            code = cli_fail_io(job->cli, code, 1);
        pair->width[i] = images[i].width;
        pair->height[i] = images[i].height;
    }
    if (!code)
        code = check(job, pair, &images[0], &images[1]);
    if (!code && job->options->is_aligned)
        code = compare_align(job, pair, &images[0], &images[1]);
    if (!code)
        code = measure(job, pair, images);
    if (!code && map)
        code = compare_write_map(job, &images[0], &images[1], map);
    fovea_io_image_free(&images[0]);
    fovea_io_image_free(&images[1]);
    return code;
}

/* ---- what was found ---- */

static void print_alignment(const struct compare_pair *p)
{
    if (p->alignment == COMPARE_RESIZED)
        printf("aligned    the test picture was resized from %dx%d to %dx%d (bicubic)\n", p->width[1], p->height[1],
               p->width[0], p->height[0]);
    else if (p->alignment == COMPARE_CROPPED)
        printf("aligned    test %dx%d lies at %+d%+d in reference %dx%d (correlation %.3f): %dx%d compared\n",
               p->width[1], p->height[1], p->shift.dx, p->shift.dy, p->width[0], p->height[0], p->shift.correlation,
               p->common_width, p->common_height);
}

void compare_print(const struct compare_job *job, const struct compare_pair *pair)
{
    print_alignment(pair);
    for (int i = 0; i < CLI_N_FIGURES; i++) {
        double value = cli_figure_value(&pair->metrics, i);
        if (!job->is_asked[i])
            continue;
        if (isinf(value))
            printf("%-11s%s\n", cli_figures[i].name, cli_figures[i].is_lower_better ? "without bound" : "identical");
        else if (isnan(value))
            printf("%-11snot defined for such pictures\n", cli_figures[i].name);
        else
            printf("%-11s%.*f%s\n", cli_figures[i].name, cli_figures[i].digits, value, cli_figures[i].unit);
    }
    for (int i = 0; i < N_QUALITIES && job->is_quality_asked; i++) {
        if (!i)
            printf("\n%-11s%12s%12s\n", "alone", "reference", "test");
        printf("%-11s", qualities[i].name);
        for (int k = 0; k < 2; k++) {
            double value = quality_value(&pair->quality[k], i);
            if (isnan(value))
                printf("%12s", "-");
            else
                printf("%12.4f", value);
        }
        putchar('\n');
    }
}

static json_t *json_alignment(const struct compare_pair *p)
{
    json_t *object = json_object();
    if (p->alignment == COMPARE_RESIZED)
        json_object_set_new(object, "method", json_string("resize"));
    else
        json_object_set_new(object, "method", json_string(p->alignment == COMPARE_CROPPED ? "shift" : "none"));
    if (p->alignment != COMPARE_RESIZED) {
        json_object_set_new(object, "dx", json_integer(p->shift.dx));
        json_object_set_new(object, "dy", json_integer(p->shift.dy));
        json_object_set_new(object, "correlation", cli_json_number(p->shift.correlation));
    }
    json_object_set_new(object, "width", json_integer(p->common_width));
    json_object_set_new(object, "height", json_integer(p->common_height));
    return object;
}

static json_t *json_alone(const struct compare_job *job, const struct compare_pair *p, int i)
{
    json_t *object = json_object();
    json_object_set_new(object, "width", json_integer(p->width[i]));
    json_object_set_new(object, "height", json_integer(p->height[i]));
    for (int k = 0; k < N_QUALITIES && job->is_quality_asked; k++)
        json_object_set_new(object, qualities[k].key, cli_json_number(quality_value(&p->quality[i], k)));
    return object;
}

json_t *compare_json(const struct compare_job *job, const struct compare_pair *pair)
{
    json_t *object = json_object();
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (job->is_asked[i])
            json_object_set_new(object, cli_figures[i].key, cli_json_number(cli_figure_value(&pair->metrics, i)));
    json_object_set_new(object, "identical", json_boolean(pair->metrics.identical));
    json_object_set_new(object, "reference", json_alone(job, pair, 0));
    json_object_set_new(object, "test", json_alone(job, pair, 1));
    if (job->options->is_aligned)
        json_object_set_new(object, "align", json_alignment(pair));
    return object;
}
