/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a model says about itself, as text and as JSON.
 */
#ifndef FOVEA_CLI_MODEL_TEXT_H
#define FOVEA_CLI_MODEL_TEXT_H

#include "cli.h"

void cli_model_print(const fovea_model *model);
json_t *cli_model_json(const fovea_model *model);

#endif
