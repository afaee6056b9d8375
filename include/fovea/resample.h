/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Classical resampling: the kernels by name, and the benchmark's exact reduction.
 */
#ifndef FOVEA_RESAMPLE_H
#define FOVEA_RESAMPLE_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Separable reconstruction kernels. When a picture is reduced they are widened by the ratio, so that nothing aliases
 * (nearest is not). Output pixel x lies at (x + .5) in / out - .5 of the input: no pixel shift. */
enum fovea_kernel {
    FOVEA_KERNEL_NEAREST = 0,
    FOVEA_KERNEL_BILINEAR = 1,
    FOVEA_KERNEL_BICUBIC = 2,     /* Keys cubic, a = -0.5 */
    FOVEA_KERNEL_CATMULL_ROM = 3, /* Mitchell-Netravali B = 0, C = 0.5: the same curve as BICUBIC by another name */
    FOVEA_KERNEL_MITCHELL = 4,    /* Mitchell-Netravali B = C = 1/3 */
    FOVEA_KERNEL_LANCZOS2 = 5,
    FOVEA_KERNEL_LANCZOS3 = 6
};
#define FOVEA_N_KERNELS 7

/* Name of a kernel ("bicubic", "catmull-rom" ...), NULL if there is none; and the reverse, -1 if there is none. */
FOVEA_API const char *fovea_kernel_name(enum fovea_kernel kernel);
FOVEA_API int fovea_kernel_find(const char *name);

/* Support radius in input pixels when enlarging, and the kernel's value at distance x (input pixels). */
FOVEA_API double fovea_kernel_radius(enum fovea_kernel kernel);
FOVEA_API double fovea_kernel_value(enum fovea_kernel kernel, double x);

/* Reduce (or enlarge) an eight-bit picture exactly as MATLAB's imresize(x, 1/divisor, 'bicubic') does: Keys cubic
 * a = -0.5, antialiased when reducing, double arithmetic, symmetric border, vertical pass first, rounded half away from
 * zero and clipped to eight bits after each of the two passes. This is the protocol of the super-resolution benchmarks.
 *
 * in: U8, any channels (alpha is treated like the others). out: U8, the same number of channels, size
 * ceil(in / divisor); out->data is filled. divisor: > 0; 2 halves, 0.5 doubles.
 * Errors: FOVEA_E_ARG (format, size, divisor), FOVEA_E_NOMEM. */
FOVEA_API int fovea_imresize(fovea_context *ctx, const struct fovea_image *in, double divisor, struct fovea_image *out);

#ifdef __cplusplus
}
#endif
#endif
