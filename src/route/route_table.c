/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which coefficients belong to which network and scale.
 */
#include "route/route_table.h"

const struct fovi_route_model *fovi_route_model_builtin(int rung, int scale)
{
    static const struct fovi_route_model *const tiny[3] = { &fovi_route_tiny_x2, &fovi_route_tiny_x3,
                                                            &fovi_route_tiny_x4 };
    return rung == FOVI_ROUTE_TINY && scale >= 2 && scale <= 4 ? tiny[scale - 2] : NULL;
}
