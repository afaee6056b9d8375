/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea info: what a picture or a model file holds.
 */
#include <stdio.h>

#include "cli.h"
#include "model_text.h"

static const char *sample_name(enum fovea_sample sample)
{
    return sample == FOVEA_SAMPLE_U8 ? "8 bits" : sample == FOVEA_SAMPLE_U16 ? "16 bits" : "float";
}

static int print_picture(const struct cli *cli, const char *path, const struct fovea_io_info *i)
{
    if (cli->is_json) {
        json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:i, s:i, s:i, s:b, s:b, s:b, s:b}",
                                   "file", path, "format", i->file_format, "loader", i->loader, "colour", i->colour,
                                   "width", i->width, "height", i->height, "channels", i->format.n_channels, "alpha",
                                   i->format.has_alpha, "bits", 8 * (int)fovea_sample_bytes(i->format.sample),
                                   "orientation", i->orientation, "pages", i->n_pages, "streamed", i->is_streamed,
                                   "icc", i->has_icc, "exif", i->has_exif, "xmp", i->has_xmp);
        json_object_set_new(object, "pixels_per_mm", i->pixels_per_mm > 0. ? json_real(i->pixels_per_mm) : json_null());
        return cli_print_json(cli, object);
    }
    printf("%s\n  %s, %dx%d pixels, %d channel%s%s, %s, %s\n", path, i->file_format, i->width, i->height,
           i->format.n_channels, i->format.n_channels > 1 ? "s" : "", i->format.has_alpha ? " with alpha" : "",
           sample_name(i->format.sample), i->colour);
    printf("  loader %s, %s\n", i->loader, i->is_streamed ? "decoded row by row" : "decoded as a whole");
    if (i->orientation > 1)
        printf("  orientation %d (applied)\n", i->orientation);
    if (i->n_pages > 1)
        printf("  %d pages; this is the first\n", i->n_pages);
    if (i->has_icc || i->has_exif || i->has_xmp)
        printf("  metadata:%s%s%s\n", i->has_icc ? " ICC" : "", i->has_exif ? " EXIF" : "", i->has_xmp ? " XMP" : "");
    if (i->pixels_per_mm > 0.)
        printf("  %.1f pixels per inch\n", i->pixels_per_mm * 25.4);
    return CLI_OK;
}

static int print_model(const struct cli *cli, const char *path)
{
    fovea_model *model;
    int code = fovea_model_load(cli->ctx, path, &model);
    if (code)
        return cli_fail_model(cli, code, path);
    if (cli->is_json) {
        json_t *object = cli_model_json(model);
        json_object_set_new(object, "file", json_string(path));
        code = cli_print_json(cli, object);
    } else {
        printf("%s\n", path);
        cli_model_print(model);
    }
    fovea_model_free(&model);
    return code;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    (void)options;
    if (n_words != 1)
        return cli_fail(cli, CLI_USAGE, "one FILE is needed (see --help)");
    if (cli_has_ending(words[0], ".safetensors"))
        return print_model(cli, words[0]);
    struct fovea_io_info info;
    int code = fovea_io_probe(cli->io, words[0], &info);
    return code ? cli_fail_io(cli, code, 1) : print_picture(cli, words[0], &info);
}

const struct cli_command cli_info = {
    "info", "FILE", "Say what a picture or a model file (.safetensors) holds.", NULL, 0, NULL, run,
};
