/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a model says about itself, as text and as JSON.
 */
#include <stdio.h>

#include "model_text.h"

void cli_model_print(const fovea_model *model)
{
    struct fovea_model_info i;
    fovea_model_describe(model, &i);
    printf("  %s-x%d  %lld parameters, %.2f kMAC per input pixel, hash %s\n", i.method, i.scale,
           (long long)i.n_parameters, i.kmac_per_px, i.hash);
    printf("    layers   %s\n", i.layers);
    printf("    base     %s%s%s\n", i.base, *i.base_hash ? ", hash " : "", i.base_hash);
    printf("    sources  %s\n", i.sources);
    printf("    terms    %s\n", i.licence);
    printf("    made by  %s\n", i.command);
    if (i.has_int8)
        printf("    int8 by  %s\n", i.int8_command);
}

json_t *cli_model_json(const fovea_model *model)
{
    struct fovea_model_info i;
    fovea_model_describe(model, &i);
    json_t *object = json_object();
    json_object_set_new(object, "method", cli_json_text(i.method));
    json_object_set_new(object, "scale", json_integer(i.scale));
    json_object_set_new(object, "parameters", json_integer((json_int_t)i.n_parameters));
    json_object_set_new(object, "kmac_per_px", cli_json_number(i.kmac_per_px));
    json_object_set_new(object, "layers", cli_json_text(i.layers));
    json_object_set_new(object, "base", cli_json_text(i.base));
    json_object_set_new(object, "base_hash", cli_json_text(i.base_hash));
    json_object_set_new(object, "hash", cli_json_text(i.hash));
    json_object_set_new(object, "sources", cli_json_text(i.sources));
    json_object_set_new(object, "licence", cli_json_text(i.licence));
    json_object_set_new(object, "command", cli_json_text(i.command));
    json_object_set_new(object, "int8", json_boolean(i.has_int8));
    json_object_set_new(object, "int8_command", i.has_int8 ? cli_json_text(i.int8_command) : json_null());
    return object;
}
