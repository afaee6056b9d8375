/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient magnitude similarity deviation.
 */
#ifndef FOVI_METRICS_GMSD_H
#define FOVI_METRICS_GMSD_H

#include "base/context.h"
#include "metrics/pair.h"

/* GMSD of luma, 0 = alike. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_gmsd(fovea_context *ctx, const struct fovi_pair *pair, double *out);

#endif
