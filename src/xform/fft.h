/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Discrete Fourier transforms of any length, one- and two-dimensional, complex, in single precision.
 */
#ifndef FOVI_XFORM_FFT_H
#define FOVI_XFORM_FFT_H

#include "base/context.h"

struct fovi_complex {
    float re, im;
};

/* Longest transform. */
#define FOVI_FFT_MAX (1 << 27)

/* Plan of one length and direction. May be shared by threads. */
struct fovi_fft {
    int n;            /* length */
    int n_inner;      /* length of the transforms that it is made of: n, or a fast one where n is not fast */
    size_t n_scratch; /* complex numbers of scratch that a run needs, maybe 0 */
    void *plan;       /* of length n_inner */
    struct fovi_complex *chirp, *chirp_spectrum; /* NULL where n is fast */
};

/* n: 1.. . is_inverse: 0 = exp(-2 pi i j k / n), 1 = the other sign; neither is scaled. FOVEA_E_LIMIT (more than
 * FOVI_FFT_MAX too), FOVEA_E_NOMEM; the plan is then empty. */
int fovi_fft_init(fovea_context *ctx, struct fovi_fft *fft, int n, int is_inverse);

/* Free; an empty (zeroed) plan is fine. */
void fovi_fft_free(fovea_context *ctx, struct fovi_fft *fft);

/* out[k] = sum of in[j] exp(-+2 pi i j k / n). in and out do not overlap; in is kept. */
void fovi_fft_run(const struct fovi_fft *fft, const struct fovi_complex *in, struct fovi_complex *out,
                  struct fovi_complex *scratch);

/* The smallest length of at least n that is quickly transformed: a product of twos, threes and fives. n: at most
 * FOVI_FFT_MAX. */
int fovi_fft_fast_size(int n);

/* Plan of a plane's size and one direction, with the memory of one run: only one run at a time. */
struct fovi_fft2 {
    int width, height;
    struct fovi_fft across, down;
    struct fovi_complex *scratch; /* for each thread: scratch_size */
    size_t scratch_size;
};

int fovi_fft2_init(fovea_context *ctx, struct fovi_fft2 *fft, int width, int height, int is_inverse);
void fovi_fft2_free(fovea_context *ctx, struct fovi_fft2 *fft);

/* Makes row y of what is to be transformed, width complex numbers. Called once for each row, from several threads. */
typedef void fovi_fft2_fill(void *arg, int y, struct fovi_complex *row);

/* Transform what fill makes into out, height rows of width numbers without gaps. The result does not depend on the
 * number of threads. */
void fovi_fft2_run(fovea_context *ctx, const struct fovi_fft2 *fft, fovi_fft2_fill *fill, void *arg,
                   struct fovi_complex *out);

#endif
