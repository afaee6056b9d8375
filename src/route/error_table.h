/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The committed coefficients of expected errors, one file for each scale, written by `fovea-train error`.
 */
#ifndef FOVI_ROUTE_ERROR_TABLE_H
#define FOVI_ROUTE_ERROR_TABLE_H

#include "route/error.h"

enum { FOVI_ERROR_MAX_MODELS = 8 };

/* Base, filter, then the networks by rising cost. */
struct fovi_error_table {
    int n;
    struct fovi_error_model model[FOVI_ERROR_MAX_MODELS];
};
extern const struct fovi_error_table fovi_error_x2, fovi_error_x3, fovi_error_x4;

/* That of a scale of 2, 3 or 4. */
const struct fovi_error_table *fovi_error_table(int scale);

#endif
