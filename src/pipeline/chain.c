/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Output sizes and chains of integer steps.
 */
#include "pipeline/chain.h"

#include <math.h>

#include "base/context.h"

#define MAX_SIDE (1 << 30)

static int repeat(double ratio, int step, int *chain)
{
    int n = 0;
    for (double product = 1.0; product < ratio && n < FOVI_CHAIN_MAX; product *= step)
        chain[n++] = step;
    return n;
}

int fovi_chain_choose(double ratio, int only, int *chain)
{
    static const int table[][2] = { { 2, 0 }, { 3, 0 }, { 4, 0 }, { 2, 3 }, { 2, 4 }, { 3, 3 }, { 3, 4 }, { 4, 4 } };
    if (ratio <= 1.0)
        return 0;
    if (only)
        return repeat(ratio, only, chain);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int product = table[i][0] * (table[i][1] ? table[i][1] : 1);
        if (product < ratio)
            continue;
        chain[0] = table[i][0];
        chain[1] = table[i][1];
        return table[i][1] ? 2 : 1;
    }
    return repeat(ratio, 4, chain);
}

/* max(1, floor(size + .5)), as a double since it may be out of range. */
static double whole(double size)
{
    double v = floor(size + 0.5);
    return v < 1.0 ? 1.0 : v;
}

int fovea_output_size(fovea_context *ctx, int width, int height, const struct fovea_upscale_params *params,
                      int *out_width, int *out_height)
{
    static const struct fovea_upscale_params defaults = FOVEA_UPSCALE_DEFAULTS;
    const struct fovea_upscale_params *p = params ? params : &defaults;
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture of %dx%d pixels is not possible", width, height);
    if (p->width < 0 || p->height < 0)
        return fovi_fail(ctx, FOVEA_E_ARG, "width %d, height %d: sizes are positive", p->width, p->height);
    if (!p->width && !p->height && !(p->scale >= 1.0 / 64.0 && p->scale <= 16.0))
        return fovi_fail(ctx, FOVEA_E_ARG, "scale %g is not in 1/64..16", p->scale);
    double w = p->width, h = p->height;
    if (!p->width)
        w = whole(p->height ? (double)width * p->height / height : width * p->scale);
    if (!p->height)
        h = whole(p->width ? (double)height * p->width / width : height * p->scale);
    if (w > MAX_SIDE || h > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "a result of %.0fx%.0f pixels is too large", w, h);
    if (w > 16.0 * width || h > 16.0 * height || w * 64.0 < width || h * 64.0 < height)
        return fovi_fail(ctx, FOVEA_E_ARG, "%dx%d to %.0fx%.0f: scales are 1/64..16", width, height, w, h);
    *out_width = (int)w;
    *out_height = (int)h;
    return FOVEA_OK;
}
