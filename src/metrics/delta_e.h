/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Colour differences by CIEDE2000.
 */
#ifndef FOVI_METRICS_DELTA_E_H
#define FOVI_METRICS_DELTA_E_H

#include "base/context.h"
#include "metrics/pair.h"

struct fovi_lab {
    double l, a, b;
};

/* CIELAB of a colour of sRGB whose channels are linear light, 0..1; white is L 100, a 0, b 0. */
struct fovi_lab fovi_lab_from_linear(double red, double green, double blue);

/* CIEDE2000 with kL = kC = kH = 1. */
double fovi_ciede2000(struct fovi_lab p, struct fovi_lab q);

/* Mean over the pixels of two pictures with 3 colour channels. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_delta_e(fovea_context *ctx, const struct fovi_pair *pair, double *out);

#endif
