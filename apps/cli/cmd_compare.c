/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea compare: how alike two pictures are, or the pictures of two folders.
 */
#include <stdio.h>

#include "compare.h"

static const struct compare_options defaults = { .worst_by = "psnr_y", .map_scale = 32., .ergas_scale = 1. };

static const struct cli_option rows[] = {
    { "border", 0, CLI_INTEGER, "N",
      "pixels ignored at each side, PSNR and SSIM (default 0; the literature: the scale)",
      offsetof(struct compare_options, border), 0., 1e6 },
    { "metrics", 0, CLI_WORD, "LIST",
      "only these, with commas: psnr_y, ssim_y, psnr, ms_ssim, fsim,\nfsimc, gmsd, ergas, sam, delta_e (default: all, "
      "and\nsharpness, noise, blockiness of each picture)",
      offsetof(struct compare_options, metrics), 0., 0. },
    { "align", 0, CLI_FLAG, NULL,
      "a test picture of a whole multiple or fraction of the size is\nresized; else both are cut to what they share, "
      "by "
      "the shift\nthat fits best",
      offsetof(struct compare_options, is_aligned), 0., 0. },
    { "map", 0, CLI_WORD, "FILE.png", "write where the pictures differ, as colour over the grey reference",
      offsetof(struct compare_options, map), 0., 0. },
    { "map-kind", 0, CLI_CHOICE, "absolute|signed",
      "heat by the largest difference of the channels (default), or\nred where test is brighter, blue where it is "
      "darker",
      offsetof(struct compare_options, map_kind), 0., 0. },
    { "map-scale", 0, CLI_NUMBER, "LEVELS", "difference of full colour, in levels of 255 (default 32)",
      offsetof(struct compare_options, map_scale), .001, 255. },
    { "ergas-scale", 0, CLI_NUMBER, "S", "ERGAS: how many times larger than its input test is (default 1)",
      offsetof(struct compare_options, ergas_scale), 1., 1000. },
    { "worst-by", 0, CLI_WORD, "METRIC", "folders: what the worst ten are chosen by (default psnr_y)",
      offsetof(struct compare_options, worst_by), 0., 0. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static int find_worst_by(struct compare_job *job)
{
    int is_named[CLI_N_FIGURES] = { 0 }, n = 0;
    int code = cli_figures_parse(job->cli, "worst-by", job->options->worst_by, is_named);
    for (int i = 0; i < CLI_N_FIGURES && !code; i++) {
        n += is_named[i];
        job->worst_by = is_named[i] ? i : job->worst_by;
        job->is_asked[i] |= is_named[i];
    }
    return code || n == 1 ? code : cli_fail(job->cli, CLI_USAGE, "option --worst-by: one metric, please");
}

static int check_map(const struct compare_job *job, int is_folder)
{
    const char *map = job->options->map;
    if (is_folder)
        return cli_fail(job->cli, CLI_USAGE, "--map is for two pictures, not for folders");
    if (!fovea_io_write_format(map))
        return cli_fail(job->cli, CLI_OUTPUT, "option --map: '%s' has no picture's ending, such as .png", map);
    for (int i = 0; i < 2; i++)
        if (cli_is_same_file(job->words[i], map))
            return cli_fail(job->cli, CLI_USAGE, "'%s' is the input '%s': it would be overwritten", map, job->words[i]);
    return cli_check_writable(job->cli, map);
}

static int compare_two(const struct compare_job *job)
{
    struct compare_pair pair = { .paths = { job->words[0], job->words[1] } };
    int code = compare_files(job, &pair, job->options->map);
    if (code)
        return code;
    if (!job->cli->is_json) {
        compare_print(job, &pair);
        return CLI_OK;
    }
    json_t *object = compare_json(job, &pair);
    if (job->options->map)
        json_object_set_new(object, "map", json_string(job->options->map));
    return cli_print_json(job->cli, object);
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct compare_options *o = options;
    const char *const names[2] = { n_words > 0 ? words[0] : NULL, n_words > 1 ? words[1] : NULL };
    struct compare_job job = { .cli = cli, .options = o, .words = names, .is_quality_asked = !o->metrics };
    if (n_words != 2)
        return cli_fail(cli, CLI_USAGE, "a REFERENCE and a TEST picture, or two folders, are needed (see --help)");
    int is_folder = cli_is_folder(words[0]), code = CLI_OK;
    if (is_folder != cli_is_folder(words[1]))
        return cli_fail(cli, CLI_INPUT, "'%s' is a folder, '%s' is not", words[!is_folder], words[is_folder]);
    code = cli_figures_parse(cli, "metrics", o->metrics ? o->metrics : "all", job.is_asked);
    if (!code && is_folder)
        code = find_worst_by(&job);
    if (!code && o->map)
        code = check_map(&job, is_folder);
    if (code)
        return code;
    return is_folder ? compare_folders(&job) : compare_two(&job);
}

const struct cli_command cli_compare = {
    "compare",
    "REFERENCE TEST",
    "Measure how alike two pictures of one size are, or the pictures of two folders.",
    rows,
    sizeof(struct compare_options),
    &defaults,
    run,
};
