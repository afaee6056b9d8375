/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gate: what filter or network add to a tile must be numbers, and not more than a picture can hold; and where there
 * is nothing to refine nothing is added, so that plain grey, black and white stay exact.
 */
#include "pipeline/stage.h"

#define LARGEST 255.0f

/* Levels that count as one: less than a quarter of the smallest step of 16 bits, more than what a first enlargement's
 * rounding leaves of a plain grey. */
#define ONE_LEVEL 0x1p-10f

int fovi_gate_is_flat(const struct fovi_window *luma, int x0, int x1, int y0, int y1)
{
    x0 = x0 > 0 ? x0 : 0;
    y0 = y0 > 0 ? y0 : 0;
    x1 = x1 < luma->width ? x1 : luma->width;
    y1 = y1 < luma->height ? y1 : luma->height;
    float level = fovi_window_row(luma, 0, y0)[x0];
    for (int y = y0; y < y1; y++) {
        const float *row = fovi_window_row(luma, 0, y);
        for (int x = x0; x < x1; x++)
            if (!(row[x] - level <= ONE_LEVEL && level - row[x] <= ONE_LEVEL))
                return 0;
    }
    return 1;
}

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
