/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Structural similarity at five scales.
 */
#ifndef FOVI_METRICS_MSSSIM_H
#define FOVI_METRICS_MSSSIM_H

#include "base/context.h"
#include "metrics/pair.h"

/* MS-SSIM of luma; NaN where the shorter side is not over 160. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_msssim(fovea_context *ctx, const struct fovi_pair *pair, double *out);

#endif
