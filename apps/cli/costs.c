/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What methods cost, for --costs: measured here, or read from what an earlier run has reported.
 */
#include <string.h>

#include "upscale.h"

json_t *cli_costs_json(const struct fovea_costs *costs)
{
    json_t *all = json_object();
    for (int scale = 2; scale <= 4; scale++) {
        json_t *object = json_object();
        char name[8];
        snprintf(name, sizeof name, "x%d", scale);
        for (int path = 0; path < FOVEA_N_PATHS; path++)
            if (costs->ns_per_px[scale - 2][path] > 0.)
                json_object_set_new(object, fovea_path_name((enum fovea_path)path),
                                    json_real(costs->ns_per_px[scale - 2][path]));
        if (json_object_size(object))
            json_object_set(all, name, object);
        json_decref(object);
    }
    return all;
}

/* The costs of an object. */
static int take(const struct cli *cli, const char *path, const json_t *all, struct fovea_costs *out)
{
    int n = 0;
    for (int scale = 2; scale <= 4; scale++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", scale);
        const json_t *object = json_object_get(all, name);
        for (int k = 0; k < FOVEA_N_PATHS; k++) {
            const json_t *value = json_object_get(object, fovea_path_name((enum fovea_path)k));
            double ns = json_number_value(value);
            if (!value)
                continue;
            if (!json_is_number(value) || !(ns > 0. && ns < 1e9))
                return cli_fail(cli, CLI_INPUT, "'%s': the cost of %s at %s is no time above 0", path,
                                fovea_path_name((enum fovea_path)k), name);
            out->ns_per_px[scale - 2][k] = ns;
            n++;
        }
    }
    return n ? CLI_OK : cli_fail(cli, CLI_INPUT, "'%s' holds no costs", path);
}

static int read_costs(const struct cli *cli, const char *path, struct fovea_costs *out)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    *out = (struct fovea_costs){ 0 };
    if (!root)
        return cli_fail(cli, CLI_INPUT, "'%s': line %d: %s", path, error.line, error.text);
    const json_t *costs = json_object_get(root, "costs");
    int code = take(cli, path, costs ? costs : root, out);
    json_decref(root);
    return code;
}

int cli_costs_get(const struct cli *cli, const char *word, enum fovea_precision precision, struct fovea_costs *out)
{
    if (strcmp(word, "measure") != 0)
        return read_costs(cli, word, out);
    int code = fovea_costs_measure(cli->ctx, precision, out);
    return code ? cli_fail_core(cli, code) : CLI_OK;
}
