/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which coefficients belong to which network and scale.
 */
#include "route/route_table.h"

const struct fovi_route_model *fovi_route_model_builtin(int rung, int scale)
{
    static const struct fovi_route_model *const table[FOVI_ROUTE_N_RUNGS][3] = {
        [FOVI_ROUTE_TINY] = { &fovi_route_tiny_x2, &fovi_route_tiny_x3, &fovi_route_tiny_x4 },
        [FOVI_ROUTE_SMALL] = { &fovi_route_small_x2, &fovi_route_small_x3, &fovi_route_small_x4 },
        [FOVI_ROUTE_MEDIUM] = { &fovi_route_medium_x2, NULL, &fovi_route_medium_x4 },
    };
    return scale >= 2 && scale <= 4 && rung >= 0 && rung < FOVI_ROUTE_N_RUNGS ? table[rung][scale - 2] : NULL;
}
