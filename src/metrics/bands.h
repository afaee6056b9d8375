/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ERGAS and SAM: pictures of any number of bands.
 */
#ifndef FOVI_METRICS_BANDS_H
#define FOVI_METRICS_BANDS_H

#include "base/context.h"
#include "metrics/pair.h"

/* ratio: h/l. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_bands(fovea_context *ctx, const struct fovi_pair *pair, double ratio, double *ergas, double *sam);

#endif
