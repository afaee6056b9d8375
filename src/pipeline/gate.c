/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gate: what filter or network add to a tile must be numbers, and not more than a picture can hold.
 */
#include "pipeline/stage.h"

#define LARGEST 255.0f

int fovi_gate_accepts(const float *delta, ptrdiff_t stride, int rows, int width)
{
    int bad = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < width; x++) {
            float d = delta[y * stride + x];
            bad |= !(d <= LARGEST && d >= -LARGEST); /* true for NaN */
        }
    return !bad;
}
