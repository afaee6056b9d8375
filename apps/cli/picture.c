/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Small work on pictures in memory, the drawn test picture, and maps: a grey copy of a picture tinted row by row.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_new_image(const struct cli *cli, struct fovea_image *image, int width, int height,
                  const struct fovea_format *format)
{
    size_t row_bytes = (size_t)width * fovea_pixel_bytes(format);
    *image = (struct fovea_image){ width, height, *format, NULL, (ptrdiff_t)row_bytes };
    if (row_bytes <= PTRDIFF_MAX / (size_t)height)
        image->data = malloc(row_bytes * (size_t)height);
    if (!image->data)
        cli_fail(cli, CLI_RESOURCE, "out of memory: a picture of %dx%d pixels", width, height);
    return image->data != NULL;
}

double cli_sample_at(const struct fovea_format *format, const void *row, size_t i)
{
    switch (format->sample) {
    case FOVEA_SAMPLE_U8: return ((const uint8_t *)row)[i] / 255.;
    case FOVEA_SAMPLE_U16: return ((const uint16_t *)row)[i] / 65535.;
    default: return (double)((const float *)row)[i];
    }
}

static uint8_t to_byte(double v)
{
    v = v > 0. ? v : 0.;
    return (uint8_t)((v < 1. ? v : 1.) * 255. + .5);
}

uint8_t cli_sample_u8(const struct fovea_format *format, const void *row, size_t i)
{
    return format->sample == FOVEA_SAMPLE_U8 ? ((const uint8_t *)row)[i] : to_byte(cli_sample_at(format, row, i));
}

/* In place: an eight-bit sample never lies behind the one that it is made of. */
void cli_to_u8(struct fovea_image *image)
{
    if (image->format.sample == FOVEA_SAMPLE_U8)
        return;
    uint8_t *out = image->data;
    size_t row_samples = (size_t)image->width * (size_t)image->format.n_channels;
    for (int y = 0; y < image->height; y++)
        for (size_t i = 0; i < row_samples; i++)
            *out++ = cli_sample_u8(&image->format, (const char *)image->data + y * image->stride_bytes, i);
    image->format.sample = FOVEA_SAMPLE_U8;
    image->stride_bytes = (ptrdiff_t)row_samples;
}

int cli_grey_to_rgb(const struct cli *cli, struct fovea_image *image)
{
    if (image->format.n_channels != 1)
        return CLI_OK;
    struct fovea_image rgb;
    const struct fovea_format format = { FOVEA_SAMPLE_U8, 3, 0 };
    if (!cli_new_image(cli, &rgb, image->width, image->height, &format))
        return CLI_RESOURCE;
    for (int y = 0; y < image->height; y++) {
        const uint8_t *from = (const uint8_t *)image->data + y * image->stride_bytes;
        uint8_t *to = (uint8_t *)rgb.data + y * rgb.stride_bytes;
        for (int x = 0; x < image->width; x++)
            to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = from[x];
    }
    fovea_io_image_free(image);
    *image = rgb;
    return CLI_OK;
}

void cli_row_grey(const struct fovea_format *format, const void *row, int width, uint8_t *grey)
{
    size_t n = (size_t)format->n_channels;
    int is_color = format->n_channels - format->has_alpha >= 3;
    for (size_t x = 0; x < (size_t)width; x++) {
        double v = cli_sample_at(format, row, x * n);
        if (is_color)
            v = .299 * v + .587 * cli_sample_at(format, row, x * n + 1) + .114 * cli_sample_at(format, row, x * n + 2);
        grey[x] = to_byte(v);
    }
}

void cli_draw_test_picture(struct fovea_image *image)
{
    int w = image->width, h = image->height, n = image->format.n_channels;
    uint32_t noise = 12345;
    for (int y = 0; y < h; y++) {
        uint8_t *row = (uint8_t *)image->data + y * image->stride_bytes;
        for (int x = 0; x < w; x++) {
            double u = (double)x / w, v = (double)y / h;
            double value = .5 + .25 * sin(6.28 * (u * 1.5 + v)); /* soft shading */
            double r = hypot(u - .3, v - .35);
            if (r < .2)
                value = .5 + .4 * cos(r * r * 900.); /* rings that grow finer */
            else if (u > .6 && v < .45)
                value = ((x / 3) ^ (y / 5)) & 4 ? .85 : .15; /* sharp edges */
            else if (v > .65 && u < .5) {
                noise = noise * 1664525u + 1013904223u;
                value += ((noise >> 24) / 255. - .5) * .3; /* texture */
            }
            for (int c = 0; c < n; c++)
                row[x * n + c] = to_byte(value * (1. - .12 * c));
        }
    }
}

/* Everything a map needs row by row; writes the rows to sink. */
static int write_rows(fovea_io_reader *reader, const struct fovea_sink *sink, double share, cli_color_row *color,
                      void *user, void *row, uint8_t *grey, uint8_t *rgb)
{
    struct fovea_source source = fovea_io_reader_source(reader);
    ptrdiff_t row_bytes = (ptrdiff_t)((size_t)source.width * fovea_pixel_bytes(&source.format));
    int code = source.rewind(source.user);
    for (int y = 0; y < source.height && !code; y++) {
        code = source.read(source.user, y, 1, row, row_bytes);
        if (code)
            break;
        cli_row_grey(&source.format, row, source.width, grey);
        color(user, y, source.width, rgb);
        for (size_t i = 0; i < 3 * (size_t)source.width; i++)
            rgb[i] = (uint8_t)(rgb[i] * share + grey[i / 3] * (1. - share) + .5);
        code = sink->write(sink->user, y, 1, rgb, 3 * (ptrdiff_t)source.width);
    }
    return code;
}

int cli_write_map(const struct cli *cli, fovea_io_reader *reader, const char *path, double share, cli_color_row *color,
                  void *user)
{
    struct fovea_source source = fovea_io_reader_source(reader);
    const struct fovea_format rgb_format = { FOVEA_SAMPLE_U8, 3, 0 };
    size_t width = (size_t)source.width;
    void *row = malloc(width * fovea_pixel_bytes(&source.format));
    uint8_t *grey = malloc(width), *rgb = malloc(3 * width);
    fovea_io_writer *writer = NULL;
    int code = FOVEA_E_NOMEM;
    if (row && grey && rgb)
        code = fovea_io_writer_open(&writer, cli->io, path, source.width, source.height, &rgb_format, NULL);
    if (!code) {
        struct fovea_sink sink = fovea_io_writer_sink(writer);
        code = write_rows(reader, &sink, share, color, user, row, grey, rgb);
    }
    if (!code)
        code = fovea_io_writer_finish(&writer);
    fovea_io_writer_abandon(&writer);
    free(row);
    free(grey);
    free(rgb);
    return code ? cli_fail_io(cli, code, 0) : CLI_OK;
}
