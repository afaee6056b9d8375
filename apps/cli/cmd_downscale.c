/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea downscale: the exact bicubic reduction of the benchmarks, of a picture cropped to a multiple of the divisor.
 */
#include <math.h>

#include "cli.h"

struct downscale_options {
    const char *output;
    double scale;
};

static const struct cli_option rows[] = {
    { "output", 'o', CLI_WORD, "FILE", "the reduced picture (needed)", offsetof(struct downscale_options, output), 0.,
      0. },
    { "scale", 's', CLI_NUMBER, "S", "divide the size by S, 1..64 (needed); a whole S crops to a multiple first",
      offsetof(struct downscale_options, scale), 1., 64. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static int reduce(struct cli *cli, const char *input, struct fovea_image *image, const struct downscale_options *o,
                  json_t *result)
{
    struct fovea_image out;
    if (image->format.sample != FOVEA_SAMPLE_U8)
        cli_note(cli, "the benchmark's reduction is one of 8 bits: the samples were rounded");
    cli_to_u8(image);
    if (o->scale == floor(o->scale)) {
        int s = (int)o->scale;
        if (image->width < s || image->height < s)
            return cli_fail(cli, CLI_USAGE, "'%s': %dx%d pixels cannot be divided by %d", input, image->width,
                            image->height, s);
        image->width -= image->width % s;
        image->height -= image->height % s;
    }
    int width = (int)ceil(image->width / o->scale), height = (int)ceil(image->height / o->scale);
    if (!cli_new_image(cli, &out, width, height, &image->format))
        return CLI_RESOURCE;
    int code = fovea_imresize(cli->ctx, image, o->scale, &out);
    if (code) {
        fovea_io_image_free(&out);
        return cli_fail_core_of(cli, input, code);
    }
    if (cli_is_interrupted()) {
        fovea_io_image_free(&out);
        return cli_fail(cli, CLI_CANCELLED, "cancelled; nothing was written");
    }
    struct fovea_io_loss loss;
    code = fovea_io_write_image(cli->io, o->output, &out, NULL, &loss);
    fovea_io_image_free(&out);
    if (code)
        return cli_fail_io(cli, code, 0);
    if (loss.text[0])
        cli_note(cli, "%s", loss.text);
    json_object_set_new(result, "width", json_integer(width));
    json_object_set_new(result, "height", json_integer(height));
    return CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    struct downscale_options *o = options;
    if (n_words != 1 || !o->output || o->scale == 0.)
        return cli_fail(cli, CLI_USAGE, "one INPUT, -o OUTPUT and -s S are needed (see --help)");
    if (cli_is_same_file(words[0], o->output))
        return cli_fail(cli, CLI_USAGE, "'%s' is the input: it would be overwritten", o->output);
    cli_catch_signals();
    struct fovea_image image;
    int code = fovea_io_read_image(cli->io, words[0], &image);
    if (code)
        return cli_fail_io(cli, code, 1);
    json_t *result = json_object();
    json_object_set_new(result, "input", json_string(words[0]));
    json_object_set_new(result, "output", json_string(o->output));
    json_object_set_new(result, "scale", json_real(o->scale));
    code = reduce(cli, words[0], &image, o, result);
    int in_width = image.width, in_height = image.height;
    fovea_io_image_free(&image);
    if (!code && cli->is_json)
        return cli_print_json(cli, result);
    if (!code && !cli->is_quiet)
        printf("%s  %dx%d -> %lldx%lld  %s\n", words[0], in_width, in_height,
               (long long)json_integer_value(json_object_get(result, "width")),
               (long long)json_integer_value(json_object_get(result, "height")), o->output);
    json_decref(result);
    return code;
}

const struct cli_command cli_downscale = {
    "downscale",
    "INPUT -o OUTPUT -s S",
    "Reduce a picture exactly as the super-resolution benchmarks do (bicubic, antialiased, 8 bits).",
    rows,
    sizeof(struct downscale_options),
    NULL,
    run,
};
