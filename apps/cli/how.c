/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options that say how a picture is made, and the method words.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

void cli_how_params(const struct cli_how *how, struct fovea_upscale_params *params)
{
    static const enum fovea_preset presets[] = { FOVEA_PRESET_BALANCED, FOVEA_PRESET_FAST, FOVEA_PRESET_BEST };
    static const enum fovea_consistency consistencies[] = { FOVEA_CONSISTENCY_DEFAULT, FOVEA_CONSISTENCY_ON,
                                                            FOVEA_CONSISTENCY_OFF };
    static const enum fovea_precision precisions[] = { FOVEA_PRECISION_AUTO, FOVEA_PRECISION_F32, FOVEA_PRECISION_BF16,
                                                       FOVEA_PRECISION_INT8 };
    params->preset = presets[how->preset];
    params->precision = precisions[how->precision];
    params->consistency = consistencies[how->consistency];
    params->max_loss_db = how->max_loss_db;
    params->budget_ms = how->budget_ms;
    params->strip_rows = how->strip_rows;
    params->strength = how->strength;
    params->mode = (enum fovea_mode)how->mode;
    params->detail_cost_db = how->detail_cost_db;
}

/* The words are few and fixed, so that a mistyped one is not taken for a file. */
static const char *const networks[] = { "tiny", "tiny-video", "small", "medium", "large" };

const char *cli_method_word(int i)
{
    static const char *const first[] = { "auto", "filter" };
    const int n_first = 2, n_networks = (int)(sizeof networks / sizeof *networks);
    if (i < n_first + n_networks)
        return i < n_first ? first[i] : networks[i - n_first];
    i -= n_first + n_networks;
    return i < FOVEA_N_KERNELS ? fovea_kernel_name((enum fovea_kernel)i) : NULL;
}

int cli_how_method(const struct cli *cli, const char *word, struct fovea_upscale_params *params, fovea_model **model)
{
    *model = NULL;
    params->network = NULL;
    params->model = NULL;
    int kernel = fovea_kernel_find(word);
    if (!strcmp(word, "auto")) {
        params->method = FOVEA_METHOD_AUTO;
        return CLI_OK;
    }
    if (!strcmp(word, "filter")) {
        params->method = FOVEA_METHOD_FILTER;
        return CLI_OK;
    }
    if (kernel >= 0) {
        params->method = FOVEA_METHOD_CLASSIC;
        params->kernel = (enum fovea_kernel)kernel;
        return CLI_OK;
    }
    params->method = FOVEA_METHOD_NETWORK;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        if (!strcmp(word, networks[i])) {
            params->network = networks[i];
            return CLI_OK;
        }
    }
    if (!strchr(word, '/') && !cli_has_ending(word, ".safetensors"))
        return cli_fail(cli, CLI_USAGE,
                        "option --method: '%s' is no method: auto, bicubic, lanczos3, nearest, bilinear, catmull-rom, "
                        "mitchell, lanczos2, filter, tiny, tiny-video, small, medium, large, or a .safetensors file",
                        word);
    int code = fovea_model_load(cli->ctx, word, model);
    params->model = *model;
    return code ? cli_fail_model(cli, code, word) : CLI_OK;
}
