/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Feature similarity.
 */
#ifndef FOVI_METRICS_FSIM_H
#define FOVI_METRICS_FSIM_H

#include "base/context.h"
#include "metrics/pair.h"

/* FSIM of luma and FSIMc, which has colour in it (equal where there are not 3 colour channels); NaN where a side is
 * shorter than 6. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_fsim(fovea_context *ctx, const struct fovi_pair *pair, double *fsim, double *fsimc);

#endif
