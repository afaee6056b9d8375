/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gradient magnitudes from differences of neighbours on both sides, smoothed across.
 */
#include "metrics/gradient.h"

#include <math.h>

static inline void magnitudes(const float *restrict above, const float *restrict row, const float *restrict below,
                              int n, float side, float middle, float *restrict out)
{
    for (int x = 0; x < n; x++) {
        float dx = side * ((above[x + 2] - above[x]) + (below[x + 2] - below[x])) + middle * (row[x + 2] - row[x]);
        float dy = side * ((below[x] - above[x]) + (below[x + 2] - above[x + 2])) +
                   middle * (below[x + 1] - above[x + 1]);
        out[x] = sqrtf(dx * dx + dy * dy);
    }
}

void fovi_gradient_prewitt(const float *above, const float *row, const float *below, int n, float *out)
{
    magnitudes(above, row, below, n, 1.0f / 3.0f, 1.0f / 3.0f, out);
}

void fovi_gradient_scharr(const float *above, const float *row, const float *below, int n, float *out)
{
    magnitudes(above, row, below, n, 3.0f / 16.0f, 10.0f / 16.0f, out);
}
