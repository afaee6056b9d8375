/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Magnitudes of gradients, 3x3.
 */
#ifndef FOVI_METRICS_GRADIENT_H
#define FOVI_METRICS_GRADIENT_H

/* out[x] = magnitude at x = 0..n-1; the rows begin one sample before that and end one behind it. Prewitt: weights
 * 1 1 1 over 3; Scharr: 3 10 3 over 16. */
void fovi_gradient_prewitt(const float *above, const float *row, const float *below, int n, float *out);
void fovi_gradient_scharr(const float *above, const float *row, const float *below, int n, float *out);

#endif
