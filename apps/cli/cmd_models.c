/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea models: the built-in models with their sources and terms, and their export.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "model_text.h"

struct models_options {
    const char *name;
};

static const struct cli_option rows[] = {
    { "export", 0, CLI_WORD, "NAME",
      "write a model (built in, such as tiny-x2, or a .safetensors file) to FILE.safetensors or .onnx",
      offsetof(struct models_options, name), 0., 0. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static int list(const struct cli *cli)
{
    int n = fovea_model_builtin_count();
    json_t *all = json_array();
    for (int i = 0; i < n; i++) {
        fovea_model *model;
        int code = fovea_model_builtin_at(cli->ctx, i, &model);
        if (code) {
            json_decref(all);
            return cli_fail_core(cli, code);
        }
        if (cli->is_json)
            json_array_append_new(all, cli_model_json(model));
        else
            cli_model_print(model);
        fovea_model_free(&model);
    }
    if (cli->is_json) {
        json_t *object = json_object();
        json_object_set_new(object, "models", all);
        return cli_print_json(cli, object);
    }
    json_decref(all);
    if (!n)
        printf("this build holds no models\n");
    return CLI_OK;
}

/* "tiny-x2", or a file, to a model; CLI_USAGE where there is none. */
static int find(const struct cli *cli, const char *name, fovea_model **model)
{
    const char *dash = strrchr(name, '-');
    char method[32];
    double scale = 0.;
    if (cli_has_ending(name, ".safetensors")) {
        int code = fovea_model_load(cli->ctx, name, model);
        return code ? cli_fail_model(cli, code, name) : CLI_OK;
    }
    if (dash && dash[1] == 'x' && (size_t)(dash - name) < sizeof method && cli_parse_number(dash + 2, &scale)) {
        snprintf(method, sizeof method, "%.*s", (int)(dash - name), name);
        if (fovea_model_builtin(cli->ctx, method, (int)scale, model) == FOVEA_OK)
            return CLI_OK;
    }
    return cli_fail(cli, CLI_USAGE, "option --export: there is no built-in model '%s'", name);
}

static int export(const struct cli *cli, const char *name, const char *path)
{
    fovea_model *model;
    int is_onnx = cli_has_ending(path, ".onnx");
    if (!is_onnx && !cli_has_ending(path, ".safetensors"))
        return cli_fail(cli, CLI_USAGE, "'%s': the name of a model file ends in .safetensors or .onnx", path);
    int code = find(cli, name, &model);
    if (code)
        return code;
    code = is_onnx ? fovea_model_save_onnx(cli->ctx, model, path) : fovea_model_save(cli->ctx, model, path);
    fovea_model_free(&model);
    if (code)
        return cli_fail_core(cli, code);
    if (cli->is_json) {
        json_t *object = json_pack("{s:s, s:s}", "model", name, "file", path);
        return cli_print_json(cli, object);
    }
    if (!cli->is_quiet)
        printf("%s  %s\n", name, path);
    return CLI_OK;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct models_options *o = options;
    if (o->name && n_words != 1)
        return cli_fail(cli, CLI_USAGE, "--export %s needs one FILE.safetensors or FILE.onnx (see --help)", o->name);
    if (!o->name && n_words != 0)
        return cli_fail(cli, CLI_USAGE, "'%s' is not understood (see --help)", words[0]);
    return o->name ? export(cli, o->name, words[0]) : list(cli);
}

const struct cli_command cli_models = {
    "models",
    "[--export NAME FILE.safetensors|FILE.onnx]",
    "List the built-in models with their sources and terms, or export one.",
    rows,
    sizeof(struct models_options),
    NULL,
    run,
};
