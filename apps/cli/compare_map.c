/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A picture of where two pictures differ: the reference in grey, with a share of colour that is the root of
 * the difference over the scale.
 */
#include <math.h>
#include <string.h>

#include "compare.h"

static const uint8_t brighter[3] = { 215, 48, 39 }, darker[3] = { 33, 102, 214 };

/* Largest difference of the channels of pixel x, test - reference, in levels of 255; NaN counts as full. */
static double difference_at(const struct fovea_image *reference, const void *row, const struct fovea_image *test,
                            const void *test_row, size_t x)
{
    size_t n = (size_t)reference->format.n_channels;
    double most = 0.;
    for (size_t c = 0; c < n; c++) {
        double d = 255. * (cli_sample_at(&test->format, test_row, x * n + c) -
                           cli_sample_at(&reference->format, row, x * n + c));
        if (!(fabs(d) <= fabs(most)))
            most = d;
    }
    return most;
}

static void color_row(const struct compare_options *o, const struct fovea_image *reference,
                      const struct fovea_image *test, int y, uint8_t *rgb)
{
    const char *row = (const char *)reference->data + y * reference->stride_bytes;
    const char *test_row = (const char *)test->data + y * test->stride_bytes;
    /* The grey row lies at the end of where its colours will, so that it is read before it is overwritten. */
    uint8_t *grey = rgb + 2 * (size_t)reference->width;
    cli_row_grey(&reference->format, row, reference->width, grey);
    for (size_t x = 0; x < (size_t)reference->width; x++) {
        double d = difference_at(reference, row, test, test_row, x), level = fabs(d) / o->map_scale;
        level = level < 1. ? level : 1.;
        /* The root, so that small differences can be seen. */
        double share = sqrt(level), back = grey[x];
        uint8_t color[3];
        if (o->map_kind == COMPARE_MAP_SIGNED)
            memcpy(color, d < 0. ? darker : brighter, 3);
        else
            fovea_heat_color((float)level, color);
        for (int c = 0; c < 3; c++)
            rgb[3 * x + (size_t)c] = (uint8_t)(share * color[c] + (1. - share) * back + .5);
    }
}

int compare_write_map(const struct compare_job *job, const struct fovea_image *reference,
                      const struct fovea_image *test, const char *path)
{
    const struct fovea_format format = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_image map;
    if (!cli_new_image(job->cli, &map, reference->width, reference->height, &format))
        return CLI_RESOURCE;
    for (int y = 0; y < map.height; y++)
        color_row(job->options, reference, test, y, (uint8_t *)map.data + y * map.stride_bytes);
    int code = fovea_io_write_image(job->cli->io, path, &map, NULL, NULL);
    fovea_io_image_free(&map);
    return code ? cli_fail_io(job->cli, code, 0) : CLI_OK;
}
