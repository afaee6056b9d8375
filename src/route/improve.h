/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Making a choice cheaper within its loss.
 */
#ifndef FOVI_ROUTE_IMPROVE_H
#define FOVI_ROUTE_IMPROVE_H

#include "route/grid.h"

/* Change a choice that keeps max_loss_db (and has no budget) to a cheaper one that keeps it too, where one is found. */
int fovi_route_improve(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level);

#endif
