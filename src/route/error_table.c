/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which coefficients of expected errors belong to which scale.
 */
#include "route/error_table.h"

const struct fovi_error_table *fovi_error_table(int scale)
{
    return scale == 2 ? &fovi_error_x2 : scale == 3 ? &fovi_error_x3 : &fovi_error_x4;
}
