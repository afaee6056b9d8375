/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The validation curve of a training, as numbers and as a plot.
 */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include "base/context.h"
#include "fovea-io/io.h"

enum { TRAIN_CURVE_MAX = 1024 };

struct train_curve {
    int n;
    struct {
        long step;
        double seconds, loss, psnr,
            base_psnr; /* training loss, level / 255; held-out PSNR of network and bicubic, dB */
    } point[TRAIN_CURVE_MAX];
};

/* Write it as FILE.csv, or as a plot of PSNR over steps in any picture format. The plot's frame is labelled with its
 * ends: steps below, dB on the left; bicubic is a grey line where it lies within. */
int train_curve_write(fovea_context *ctx, fovea_io *io, const struct train_curve *curve, const char *path);

#endif
