/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Structural similarity of two planes that come row by row.
 */
#ifndef FOVI_METRICS_SSIM_H
#define FOVI_METRICS_SSIM_H

#include <stddef.h>

/* Edge of the Gaussian window. */
#define FOVI_SSIM_WINDOW 11

/* State of one pass from top to bottom. */
struct fovi_ssim {
    int width;      /* of the plane, >= FOVI_SSIM_WINDOW */
    int n_rows;     /* pushed so far */
    double *memory; /* borrowed */
};

/* Doubles of memory that a pass over planes of this width needs. */
size_t fovi_ssim_memory(int width);

void fovi_ssim_begin(struct fovi_ssim *s, int width, double *memory);

/* Sums over windows: of SSIM, and of its factor that holds contrast and structure (SSIM without luminance). */
struct fovi_ssim_sums {
    double ssim, contrast;
};

/* Feed one row of each plane (0..255) and add the width - 10 windows whose lowest row this is to the sums; there are
 * none for the first ten rows. */
void fovi_ssim_push(struct fovi_ssim *s, const float *a, const float *b, struct fovi_ssim_sums *sums);

#endif
