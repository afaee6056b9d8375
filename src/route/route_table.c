/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which coefficients belong to which network and scale.
 */
#include "route/route_table.h"

const struct fovi_route_model *fovi_route_model_builtin(int rung, int scale)
{
    static const struct fovi_route_model *const tiny[3] = { &fovi_route_tiny_x2, &fovi_route_tiny_x3,
                                                            &fovi_route_tiny_x4 };
    static const struct fovi_route_model *const small[3] = { &fovi_route_small_x2, &fovi_route_small_x3,
                                                             &fovi_route_small_x4 };
    if (scale < 2 || scale > 4)
        return NULL;
    return rung == FOVI_ROUTE_TINY ? tiny[scale - 2] : rung == FOVI_ROUTE_SMALL ? small[scale - 2] : NULL;
}
