/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chains: by which integer steps a ratio is reached.
 */
#ifndef FOVI_PIPELINE_CHAIN_H
#define FOVI_PIPELINE_CHAIN_H

#include "fovea/upscale.h"

/* Longest chain: four steps of 2 make 16. */
#define FOVI_CHAIN_MAX 4

/* Steps, each 2, 3 or 4, whose product is the least that reaches ratio (and, among equals, the fewest steps); 0 when
 * ratio is 1 or less. only: 0 = all three may be used, else the one step that may. chain has room for
 * FOVI_CHAIN_MAX. */
int fovi_chain_choose(double ratio, int only, int *chain);

#endif
