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

/* Figures that take time, bits of `wanted`. PSNR and SSIM are always made. */
#define FOVEA_METRIC_MS_SSIM 1u
#define FOVEA_METRIC_FSIM 2u /* FSIM and FSIMc */
#define FOVEA_METRIC_GMSD 4u
#define FOVEA_METRIC_ALL (~0u)

/* Luma is BT.601 studio range 16..235 for 3 colour channels, else the mean of the colour channels (grey: the samples
 * themselves); alpha never counts in it. A figure that was not wanted, and one that is not defined for so small a
 * picture, is NaN; so is one of a picture with samples that are not finite. */
struct fovea_metrics {
    /* These leave the border out. */
    int identical; /* 1: every compared sample is equal; the PSNR values are then infinite (HUGE_VAL) */
    double psnr;   /* dB over all channels, alpha too, 20 log10(255 / sqrt(mse)) on a 0..255 scale */
    double psnr_y; /* dB on luma */
    double ssim_y; /* mean SSIM of luma (Wang et al. 2004): 11x11 Gaussian window, sigma 1.5, K1 .01, K2 .03, L 255,
                      weighted population covariances, only windows that lie wholly inside; NaN where the picture less
                      its border is smaller than a window */

    /* These concern the whole picture. 1 = alike, but for gmsd. */
    double ms_ssim; /* SSIM of luma at five scales (Wang et al. 2003), weights .0448 .2856 .3001 .2363 .1333, halved by
                       the mean of 2x2, where an odd side's first row or column counts twice; NaN unless the shorter
                       side is over 160 */
    double fsim;    /* feature similarity of luma (Zhang et al. 2011): reduced first by means of whole blocks of
                       max(1, round(shorter side / 256)) pixels, half to even; phase congruency of 4 x 4 log-Gabor
                       filters, Scharr gradients with zeros outside; NaN where a side is shorter than 6 */
    double fsimc;   /* the same on 0..255 luma, with the chroma similarities |S_I S_Q|^.03 of YIQ; equal to fsim where
                       there are not 3 colour channels */
    double gmsd;    /* deviation of the gradient magnitude similarity of luma (Xue et al. 2014), T 170: 0 = alike,
                       larger = worse; mean of 2x2, Prewitt gradients over 3, zeros outside, population deviation */
};

/* Compare test with reference: same size and same number of channels; the depths may differ (samples are brought to
 * 0..255 in float, no rounding). border: pixels ignored on each side by PSNR and SSIM, >= 0; the literature uses the
 * scale. Only PSNR and SSIM are made.
 * Errors: FOVEA_E_ARG (sizes, channels, nothing left inside the border), FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
FOVEA_API int fovea_metrics_compare(fovea_context *ctx, const struct fovea_image *reference,
                                    const struct fovea_image *test, int border, struct fovea_metrics *out);

/* The same, and the figures that wanted has the FOVEA_METRIC_* bits of. FSIM holds about 80 bytes for each pixel of the
 * reduced pictures, MS-SSIM about 3 for each pixel. */
FOVEA_API int fovea_metrics_compare_wanted(fovea_context *ctx, const struct fovea_image *reference,
                                           const struct fovea_image *test, int border, unsigned wanted,
                                           struct fovea_metrics *out);

#ifdef __cplusplus
}
#endif
#endif
