/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A loss on frequencies: the mean absolute value of the real and imaginary parts of the Fourier transform of the
 * difference, transforms not scaled (Cho et al. 2021, Rethinking Coarse-to-Fine Approach in Single Image Deblurring).
 */
#ifndef TRAIN_SPECTRUM_H
#define TRAIN_SPECTRUM_H

#include "backprop.h"
#include "xform/fft.h"

/* Plans and the memory of one thread, for patches of one size. */
struct train_spectrum {
    int edge; /* of the patch in output pixels */
    struct fovi_fft forward, inverse;
    struct fovi_complex *plane, *line; /* edge^2; two lines and the transforms' scratch */
};

/* edge: output pixels along a side of the patch. */
int train_spectrum_init(fovea_context *ctx, struct train_spectrum *s, int edge);
void train_spectrum_free(fovea_context *ctx, struct train_spectrum *s);

/* The loss of what lies in work against its target, in level / 255; adds its derivative times weight to the gradient of
 * the last layer. */
double train_spectrum_loss(const struct train_spectrum *s, const struct fovi_graph *graph, float weight,
                           struct train_work *work);

#endif
