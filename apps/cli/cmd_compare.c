/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea compare: how alike two pictures are.
 */
#include <math.h>
#include <stdio.h>

#include "figures.h"

struct compare_options {
    int border;
};

static const struct cli_option rows[] = {
    { "border", 0, CLI_INTEGER, "N",
      "pixels ignored at each side, PSNR and SSIM (default 0; the literature: the scale)",
      offsetof(struct compare_options, border), 0., 1e6 },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static int print_metrics(const struct cli *cli, const struct fovea_metrics *m)
{
    json_t *object = json_object();
    for (int i = 0; i < CLI_N_FIGURES; i++) {
        double value = cli_figure_value(m, i);
        json_object_set_new(object, cli_figures[i].key, cli_json_number(value));
        if (cli->is_json)
            continue;
        if (isinf(value))
            printf("%-9s identical\n", cli_figures[i].name);
        else if (isnan(value))
            printf("%-9s not defined for such pictures\n", cli_figures[i].name);
        else
            printf("%-9s%.*f%s\n", cli_figures[i].name, cli_figures[i].digits, value, cli_figures[i].unit);
    }
    json_object_set_new(object, "identical", json_boolean(m->identical));
    if (cli->is_json)
        return cli_print_json(cli, object);
    json_decref(object);
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
