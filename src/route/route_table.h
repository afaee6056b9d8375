/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The committed coefficients, one file for each network and scale, written by `fovea-train route`.
 */
#ifndef FOVI_ROUTE_TABLE_H
#define FOVI_ROUTE_TABLE_H

#include "route/route.h"

extern const struct fovi_route_model fovi_route_tiny_x2, fovi_route_tiny_x3, fovi_route_tiny_x4;
extern const struct fovi_route_model fovi_route_small_x2, fovi_route_small_x3, fovi_route_small_x4;
extern const struct fovi_route_model fovi_route_medium_x2, fovi_route_medium_x4;

#endif
