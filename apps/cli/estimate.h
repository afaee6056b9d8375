/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a run would take, before it is made.
 */
#ifndef FOVEA_CLI_ESTIMATE_H
#define FOVEA_CLI_ESTIMATE_H

#include "names.h"

/* Say for each item of a shard and for all together how long it would take and how much memory; nothing is made. */
int cli_estimate(const struct upscale_job *job, const struct cli_items *items, int rank, int n_shards);

#endif
