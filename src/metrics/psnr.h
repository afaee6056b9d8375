/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Squared differences of rows, and what they are in decibels.
 */
#ifndef FOVI_METRICS_PSNR_H
#define FOVI_METRICS_PSNR_H

#include <stdint.h>

/* Sum of (a[x] - b[x])^2 over n samples. */
double fovi_psnr_row(const float *a, const float *b, int n);

/* 10 log10(255^2 n / sse); HUGE_VAL where sse is 0, NaN where it is NaN. */
double fovi_psnr_db(double sse, int64_t n);

#endif
