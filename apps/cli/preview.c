/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Small pictures of large ones, for pages.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "preview.h"

/* A sink that keeps windows of what passes. */
struct collector {
    struct fovea_format format; /* of the rows that come */
    int width, n;
    const struct cli_window *windows;
    struct fovea_image *images;
};

/* What a browser can show of a format. */
static struct fovea_format shown_format(const struct fovea_format *format)
{
    int n_color = format->n_channels - format->has_alpha,
        has_alpha = format->has_alpha && (n_color == 1 || n_color == 3);
    struct fovea_format shown = { FOVEA_SAMPLE_U8, (n_color == 3 ? 3 : 1) + has_alpha, has_alpha };
    return shown;
}

static int take_rows(void *user, int y, int n_rows, const void *rows, ptrdiff_t stride_bytes)
{
    const struct collector *c = user;
    size_t n_in = (size_t)c->format.n_channels, n_out = (size_t)c->images[0].format.n_channels;
    for (int i = 0; i < c->n; i++) {
        const struct cli_window *w = &c->windows[i];
        int first = y > w->y ? y : w->y, end = y + n_rows < w->y + w->height ? y + n_rows : w->y + w->height;
        for (int row = first; row < end; row++) {
            uint8_t *to = (uint8_t *)c->images[i].data + (row - w->y) * c->images[i].stride_bytes;
            const char *from = (const char *)rows + (row - y) * stride_bytes;
            for (size_t k = 0; k < (size_t)w->width * n_out; k++)
                to[k] = cli_sample_u8(&c->format, from, ((size_t)w->x + k / n_out) * n_in + k % n_out);
        }
    }
    return FOVEA_OK;
}

/* The rows as they are. */
static int copy_rows(const struct cli *cli, const struct fovea_source *source, const struct fovea_sink *sink)
{
    enum { ROWS = 16 };
    size_t row_bytes = (size_t)source->width * fovea_pixel_bytes(&source->format);
    char *rows = malloc(row_bytes * ROWS);
    if (!rows)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    int code = FOVEA_OK;
    for (int y = 0; y < source->height && !code; y += ROWS) {
        int n = source->height - y < ROWS ? source->height - y : ROWS;
        code = source->read(source->user, y, n, rows, (ptrdiff_t)row_bytes);
        if (!code)
            code = sink->write(sink->user, y, n, rows, (ptrdiff_t)row_bytes);
    }
    free(rows);
    return code ? cli_fail_io(cli, code, 1) : CLI_OK;
}

static int resample_rows(const struct cli *cli, const struct fovea_source *source, int width, int height,
                         const struct fovea_sink *sink)
{
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.method = FOVEA_METHOD_CLASSIC;
    params.kernel = FOVEA_KERNEL_BICUBIC;
    params.width = width;
    params.height = height;
    fovea_plan *plan;
    int code = fovea_plan_build(&plan, cli->ctx, source->width, source->height, &source->format, &params);
    if (!code)
        code = fovea_plan_run(plan, source, sink, NULL, NULL);
    fovea_plan_free(&plan);
    if (code && *fovea_io_last_error(cli->io))
        return cli_fail_io(cli, code, 1);
    return code ? cli_fail_core(cli, code) : CLI_OK;
}

int cli_preview(const struct cli *cli, const struct fovea_source *source, int width, int height, int n,
                const struct cli_window *windows, struct fovea_image *images)
{
    struct collector collector = { source->format, width, n, windows, images };
    struct fovea_sink sink = { take_rows, &collector };
    const struct fovea_format shown = shown_format(&source->format);
    int code = CLI_OK;
    memset(images, 0, (size_t)n * sizeof *images);
    for (int i = 0; i < n && !code; i++)
        code = cli_new_image(cli, &images[i], windows[i].width, windows[i].height, &shown) ? CLI_OK : CLI_RESOURCE;
    if (!code && source->rewind && source->rewind(source->user))
        code = cli_fail_io(cli, FOVEA_E_READ, 1);
    if (!code && width == source->width && height == source->height)
        code = copy_rows(cli, source, &sink);
    else if (!code)
        code = resample_rows(cli, source, width, height, &sink);
    for (int i = 0; code && i < n; i++)
        fovea_io_image_free(&images[i]);
    return code;
}

void cli_fit(int *width, int *height, double max_pixels, int max_side)
{
    int longer = *width > *height ? *width : *height;
    double share = fmin(1., fmin(sqrt(max_pixels / ((double)*width * *height)), (double)max_side / longer));
    *width = (int)fmax(*width * share, 1.);
    *height = (int)fmax(*height * share, 1.);
}

/* RFC 4648, with padding; in new memory behind prefix. */
static char *base64(const char *prefix, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = strlen(prefix);
    char *text = n / 3 < (PTRDIFF_MAX - at) / 4 - 2 ? malloc(at + (n / 3 + 1) * 4 + 1) : NULL;
    if (!text)
        return NULL;
    memcpy(text, prefix, at);
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = n - i < 3 ? (unsigned)(n - i) : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            text[at++] = k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    text[at] = 0;
    return text;
}

json_t *cli_data_uri(const struct cli *cli, const struct fovea_image *image, int quality, const fovea_io_reader *like)
{
    const char *format = !quality ? "png" : image->format.has_alpha ? "webp" : "jpeg";
    char prefix[40];
    void *bytes;
    size_t n_bytes;
    int code = fovea_io_encode_image(cli->io, image, format, quality, like, &bytes, &n_bytes);
    if (code) {
        cli_fail_io(cli, code, 0);
        return NULL;
    }
    snprintf(prefix, sizeof prefix, "data:image/%s;base64,", format);
    char *text = base64(prefix, bytes, n_bytes);
    fovea_io_bytes_free(&bytes);
    json_t *uri = text ? json_string_nocheck(text) : NULL;
    free(text);
    if (!uri)
        cli_fail(cli, CLI_RESOURCE, "out of memory");
    return uri;
}
