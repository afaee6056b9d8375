/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How alike two pictures are, in the convention of the super-resolution literature; what can be said of one picture
 * alone; and how far one picture is shifted against another.
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
#define FOVEA_METRIC_SPECTRAL 8u /* ERGAS and SAM */
#define FOVEA_METRIC_DELTA_E 16u
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
    double ergas;   /* relative error of the colour channels, bands (Wald 2000): 100 h/l sqrt(mean over the bands of
                       MSE / mean^2), the mean that of the reference; 0 = alike, larger = worse. A band whose mean is 0
                       counts only where it differs, the result is then infinite (HUGE_VAL) */
    double sam;     /* spectral angle (Yuhas, Goetz, Boardman 1992): mean angle between the colours of a pixel as
                       vectors of bands, in degrees, 0 = alike; pixels that are black in one of the pictures have no
                       angle and are left out; NaN for a single band, and where every pixel is left out */
    double delta_e; /* mean CIEDE2000 colour difference (Sharma, Wu, Dalal 2005), all weights 1, of the pictures taken
                       as sRGB, white D65: 0 = alike, 1 = hardly seen; NaN where there are not 3 colour channels */
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

struct fovea_metrics_params {
    unsigned api;       /* FOVEA_API_VERSION */
    int border;         /* pixels ignored on each side by PSNR and SSIM, >= 0; default 0 */
    unsigned wanted;    /* FOVEA_METRIC_* bits; default FOVEA_METRIC_ALL */
    double ergas_ratio; /* h/l of ERGAS: pixel size of the finer picture over that of the coarser, so 0.25 after an
                           enlargement by 4; > 0, default 1 */
};
#define FOVEA_METRICS_DEFAULTS                      \
    {                                               \
        FOVEA_API_VERSION, 0, FOVEA_METRIC_ALL, 1.0 \
    }

/* The same with all its parameters; params: NULL = defaults. FOVEA_E_ARG also where a parameter is out of range. */
FOVEA_API int fovea_metrics_compare_with(fovea_context *ctx, const struct fovea_image *reference,
                                         const struct fovea_image *test, const struct fovea_metrics_params *params,
                                         struct fovea_metrics *out);

/* What can be said of a picture without a reference, all on luma. Each is one number for a whole picture: fit for
 * telling versions of the same picture apart, not for ranking different ones. */
struct fovea_quality {
    double sharpness;  /* 1 - the blur of Crete, Dolmiere, Ladret, Nicolas 2007: how much of the steps between
                          neighbours a mean of 9 takes away, the smaller of both directions; 0 blurred .. 1 sharp; noise
                          counts as sharp. NaN where a side is shorter than 10, and for a flat picture */
    double noise;      /* standard deviation of white noise in levels of 255: the mask of Immerkaer 1996, but the median
                          of its absolute response over .6745 (Donoho and Johnstone 1994) in place of the mean, because
                          edges count less in it; fine texture still counts. NaN where a side is shorter than 3 */
    double blockiness; /* mean step across the lines of a grid of 8x8 that begins in the upper left corner over the mean
                          step elsewhere (Wang, Sheikh, Bovik 2002), .25 levels added to both: 1 = no grid, larger =
                          blocks as JPEG makes them. NaN where a side is shorter than 16 */
};

/* Measure one picture; a figure of a picture with samples that are not finite is NaN.
 * Errors: FOVEA_E_ARG, FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
FOVEA_API int fovea_metrics_quality(fovea_context *ctx, const struct fovea_image *image, struct fovea_quality *out);

/* A shift by whole pixels: test shows at (x, y) what reference shows at (x + dx, y + dy). */
struct fovea_shift {
    int dx, dy;
    double correlation; /* of the luma of both where they overlap (of at most 512x512 pixels in the middle), -1..1;
                           0 where one of them is flat. Below .5 they hardly show the same thing */
};

/* Estimate how far test is shifted against reference, by phase correlation (Kuglin and Hines 1975) of pictures reduced
 * to 512 pixels and then of their middle at full size. The sizes, channels and depths may differ.
 * Errors: FOVEA_E_ARG, FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
FOVEA_API int fovea_metrics_shift(fovea_context *ctx, const struct fovea_image *reference,
                                  const struct fovea_image *test, struct fovea_shift *out);

#ifdef __cplusplus
}
#endif
#endif
