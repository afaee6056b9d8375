/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options that say how large the result is.
 */
#include <string.h>

#include "cli.h"

/* Read n whole numbers 0..2^30 with separator between them; 0 if text is not that. */
static int parse_numbers(const char *text, char separator, int n, int *numbers)
{
    char word[16];
    for (int i = 0; i < n; i++) {
        const char *end = i + 1 < n ? strchr(text, separator) : text + strlen(text);
        double value;
        if (!end || (size_t)(end - text) >= sizeof word)
            return 0;
        memcpy(word, text, (size_t)(end - text));
        word[end - text] = 0;
        if (strchr(word, '.') || !cli_parse_number(word, &value) || value > 1 << 30)
            return 0;
        numbers[i] = (int)value;
        text = end + 1;
    }
    return 1;
}

static int set_box(const struct cli *cli, const char *option, const char *text, enum fovea_sizing sizing,
                   struct fovea_upscale_params *params)
{
    int box[2];
    if (!parse_numbers(text, 'x', 2, box) || !box[0] || !box[1])
        return cli_fail(cli, CLI_USAGE, "option --%s: '%s' is not a size such as 1920x1080", option, text);
    params->sizing = sizing;
    params->width = box[0];
    params->height = box[1];
    return CLI_OK;
}

static void set_side(int length, enum fovea_sizing sizing, struct fovea_upscale_params *params)
{
    if (!length)
        return;
    params->sizing = sizing;
    params->width = length;
    params->height = 0;
}

int cli_size_params(const struct cli *cli, const struct cli_size *size, struct fovea_upscale_params *params)
{
    int n_given = (size->scale > 0.) + (size->width || size->height) + !!size->fit + !!size->cover +
                  !!size->short_side + !!size->long_side + !!size->min;
    if (n_given > 1)
        return cli_fail(cli, CLI_USAGE,
                        "--scale, --width and --height, --fit, --cover, --short, --long and --min exclude each other");
    if (size->scale > 0.)
        params->scale = size->scale;
    params->sizing = FOVEA_SIZING_EXACT;
    params->width = size->width;
    params->height = size->height;
    set_side(size->short_side, FOVEA_SIZING_SHORT, params);
    set_side(size->long_side, FOVEA_SIZING_LONG, params);
    set_side(size->min, FOVEA_SIZING_MIN, params);
    if (size->fit)
        return set_box(cli, "fit", size->fit, FOVEA_SIZING_FIT, params);
    if (size->cover)
        return set_box(cli, "cover", size->cover, FOVEA_SIZING_COVER, params);
    return CLI_OK;
}

int cli_crop_params(const struct cli *cli, const char *crop, struct fovea_upscale_params *params)
{
    int n[4];
    if (!crop)
        return CLI_OK;
    if (!parse_numbers(crop, ',', 4, n) || !n[2] || !n[3])
        return cli_fail(cli, CLI_USAGE,
                        "option --crop: '%s' is not X,Y,W,H: a corner, a width and a height in pixels of the result",
                        crop);
    params->crop_x = n[0];
    params->crop_y = n[1];
    params->crop_width = n[2];
    params->crop_height = n[3];
    return CLI_OK;
}
