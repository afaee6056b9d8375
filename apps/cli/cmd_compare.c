/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea compare: how alike two pictures are.
 */
#include <math.h>
#include <stdio.h>

#include "cli.h"

struct compare_options {
    int border;
};

static const struct cli_option rows[] = {
    { "border", 0, CLI_INTEGER, "N",
      "pixels ignored at each side, PSNR and SSIM (default 0; the literature: the scale)",
      offsetof(struct compare_options, border), 0., 1e6 },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static void print_value(const char *name, double value, const char *unit, int digits)
{
    if (isinf(value))
        printf("%-8s identical\n", name);
    else if (isnan(value))
        printf("%-8s not defined for so small a picture\n", name);
    else
        printf("%-8s %.*f%s\n", name, digits, value, unit);
}

static int print_metrics(const struct cli *cli, const struct fovea_metrics *m)
{
    if (cli->is_json) {
        json_t *object = json_object();
        json_object_set_new(object, "psnr_y", cli_json_number(m->psnr_y));
        json_object_set_new(object, "ssim_y", cli_json_number(m->ssim_y));
        json_object_set_new(object, "psnr", cli_json_number(m->psnr));
        json_object_set_new(object, "ms_ssim", cli_json_number(m->ms_ssim));
        json_object_set_new(object, "fsim", cli_json_number(m->fsim));
        json_object_set_new(object, "fsimc", cli_json_number(m->fsimc));
        json_object_set_new(object, "gmsd", cli_json_number(m->gmsd));
        json_object_set_new(object, "identical", json_boolean(m->identical));
        return cli_print_json(cli, object);
    }
    print_value("PSNR-Y", m->psnr_y, " dB", 4);
    print_value("SSIM-Y", m->ssim_y, "", 6);
    print_value("PSNR", m->psnr, " dB", 4);
    print_value("MS-SSIM", m->ms_ssim, "", 6);
    print_value("FSIM", m->fsim, "", 6);
    print_value("FSIMc", m->fsimc, "", 6);
    print_value("GMSD", m->gmsd, "", 6);
    return CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct compare_options *o = options;
    if (n_words != 2)
        return cli_fail(cli, CLI_USAGE, "a REFERENCE and a TEST picture are needed (see --help)");
    struct fovea_image reference, test;
    int code = fovea_io_read_image(cli->io, words[0], &reference);
    if (code)
        return cli_fail_io(cli, code, 1);
    code = fovea_io_read_image(cli->io, words[1], &test);
    if (code) {
        fovea_io_image_free(&reference);
        return cli_fail_io(cli, code, 1);
    }
    struct fovea_metrics metrics;
    code = fovea_metrics_compare_wanted(cli->ctx, &reference, &test, o->border, FOVEA_METRIC_ALL, &metrics);
    fovea_io_image_free(&reference);
    fovea_io_image_free(&test);
    return code ? cli_fail_core(cli, code) : print_metrics(cli, &metrics);
}

const struct cli_command cli_compare = {
    "compare",
    "REFERENCE TEST",
    "Measure how alike two pictures of one size are.",
    rows,
    sizeof(struct compare_options),
    NULL,
    run,
};
