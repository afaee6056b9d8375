/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Peak signal-to-noise ratio on the 0..255 scale, summed in double.
 */
#include "metrics/psnr.h"

#include <math.h>

double fovi_psnr_row(const float *a, const float *b, int n)
{
    /* Four sums, so that additions need not wait for each other. */
    double sum[4] = { 0.0, 0.0, 0.0, 0.0 };
    int x = 0;
    for (; x + 4 <= n; x += 4)
        for (int j = 0; j < 4; j++) {
            double d = (double)a[x + j] - (double)b[x + j];
            sum[j] += d * d;
        }
    for (; x < n; x++) {
        double d = (double)a[x] - (double)b[x];
        sum[0] += d * d;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double fovi_psnr_db(double sse, int64_t n)
{
    return sse == 0.0 ? HUGE_VAL : 10.0 * log10(255.0 * 255.0 * (double)n / sse);
}
