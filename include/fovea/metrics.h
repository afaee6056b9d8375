/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How alike two pictures are, in the convention of the super-resolution literature.
 */
#ifndef FOVEA_METRICS_H
#define FOVEA_METRICS_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fovea_metrics {
    int identical; /* 1: every compared sample is equal; the PSNR values are then infinite (HUGE_VAL) */
    double psnr;   /* dB over all channels, alpha too, 20 log10(255 / sqrt(mse)) on a 0..255 scale */
    double psnr_y; /* dB on luma: BT.601 studio range 16..235 for 3 colour channels, else the mean of the colour
                      channels (grey: the samples themselves); alpha never counts */
    double ssim_y; /* mean SSIM of luma (Wang et al. 2004): 11x11 Gaussian window, sigma 1.5, K1 .01, K2 .03, L 255,
                      weighted population covariances, only windows that lie wholly inside; NaN where the picture less
                      its border is smaller than a window */
};

/* Compare test with reference: same size and same number of channels; the depths may differ (samples are brought to
 * 0..255 in float, no rounding). border: pixels ignored on each side, >= 0; the literature uses the scale.
 * Errors: FOVEA_E_ARG (sizes, channels, nothing left inside the border), FOVEA_E_NOMEM. */
FOVEA_API int fovea_metrics_compare(fovea_context *ctx, const struct fovea_image *reference,
                                    const struct fovea_image *test, int border, struct fovea_metrics *out);

#ifdef __cplusplus
}
#endif
#endif
