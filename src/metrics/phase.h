/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Phase congruency: how far the Fourier components of a place agree in phase, which they do at edges and lines
 * whatever the contrast.
 */
#ifndef FOVI_METRICS_PHASE_H
#define FOVI_METRICS_PHASE_H

#include "xform/fft.h"

enum { FOVI_PHASE_SCALES = 4 };

/* Filters for planes of one size, and memory to work in. */
struct fovi_phase {
    int width, height;
    struct fovi_fft2 forward, inverse;
    float *radial[FOVI_PHASE_SCALES]; /* radial parts of the filters, frequencies 0..n/2 of each axis */
    float *angular;                   /* angular part of the orientation at hand, the whole plane */
    struct fovi_complex *spectrum, *responses[FOVI_PHASE_SCALES];
    float *energy, *amplitude; /* sums over the orientations */
    double *row_sums;          /* 2 x height */
};

/* FOVEA_E_NOMEM, FOVEA_E_LIMIT; the struct is then empty. */
int fovi_phase_init(fovea_context *ctx, struct fovi_phase *phase, int width, int height);

/* Free; an empty (zeroed) struct is fine. */
void fovi_phase_free(fovea_context *ctx, struct fovi_phase *phase);

/* congruency[i] = 0..1 for plane[i], both width x height without gaps. Adding to the plane changes nothing, multiplying
 * it by a number hardly anything. */
void fovi_phase_run(fovea_context *ctx, struct fovi_phase *phase, const float *plane, float *congruency);

#endif
