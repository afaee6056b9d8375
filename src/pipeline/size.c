/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Output sizes: by a scale, by a size in pixels, by a box or a side that the picture is to have.
 */
#include <math.h>

#include "base/context.h"
#include "fovea/upscale.h"

#define MAX_SIDE (1 << 30)

/* floor(size * scale + .5). A scale such as 1.005 has no exact double: what the product lacks to the half by that (two
 * roundings of 2^-53) is forgiven. */
static int64_t scaled(int size, double scale)
{
    double exact = size * scale;
    return (int64_t)floor(exact + exact * 0x1p-51 + 0.5);
}

/* floor(size * asked / side + 1/2), at least 1. All are at most 2^30. */
static int64_t by_aspect(int64_t size, int64_t asked, int64_t side)
{
    int64_t v = (2 * size * asked + side) / (2 * side);
    return v > 0 ? v : 1;
}

static int check(fovea_context *ctx, int width, int height, const struct fovea_upscale_params *p)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture of %dx%d pixels is not possible", width, height);
    if ((unsigned)p->sizing > FOVEA_SIZING_MIN)
        return fovi_fail(ctx, FOVEA_E_ARG, "sizing %d does not exist", (int)p->sizing);
    if (p->width < 0 || p->height < 0)
        return fovi_fail(ctx, FOVEA_E_ARG, "width %d, height %d: sizes are positive", p->width, p->height);
    if (p->width > MAX_SIDE || p->height > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "a result of %dx%d pixels is too large", p->width, p->height);
    int is_box = p->sizing == FOVEA_SIZING_FIT || p->sizing == FOVEA_SIZING_COVER;
    if (is_box && (!p->width || !p->height))
        return fovi_fail(ctx, FOVEA_E_ARG, "a box to fit or to cover has a width and a height");
    if (!is_box && p->sizing != FOVEA_SIZING_EXACT && (!p->width || p->height))
        return fovi_fail(ctx, FOVEA_E_ARG, "the length of a side is given as width alone");
    if (p->sizing == FOVEA_SIZING_EXACT && !p->width && !p->height && !(p->scale >= 1.0 / 64.0 && p->scale <= 16.0))
        return fovi_fail(ctx, FOVEA_E_ARG, "scale %g is not in 1/64..16", p->scale);
    return FOVEA_OK;
}

/* Whether the width is the side that is asked for; the other one follows. */
static int width_leads(int width, int height, const struct fovea_upscale_params *p)
{
    int64_t by_width = (int64_t)p->width * height, by_height = (int64_t)p->height * width;
    switch (p->sizing) {
    case FOVEA_SIZING_FIT: return by_width <= by_height;
    case FOVEA_SIZING_COVER: return by_width >= by_height;
    case FOVEA_SIZING_LONG: return width >= height;
    case FOVEA_SIZING_SHORT:
    case FOVEA_SIZING_MIN: return width <= height;
    case FOVEA_SIZING_EXACT: break;
    }
    return p->width > 0;
}

static void choose(int width, int height, const struct fovea_upscale_params *p, int64_t *w, int64_t *h)
{
    int is_exact = p->sizing == FOVEA_SIZING_EXACT, shorter = width < height ? width : height;
    if (is_exact && !p->width && !p->height) {
        *w = scaled(width, p->scale);
        *h = scaled(height, p->scale);
    } else if (is_exact && p->width && p->height) {
        *w = p->width;
        *h = p->height;
    } else if (p->sizing == FOVEA_SIZING_MIN && shorter >= p->width) {
        *w = width;
        *h = height;
    } else if (width_leads(width, height, p)) {
        *w = p->width;
        *h = by_aspect(height, p->width, width);
    } else {
        *h = p->height ? p->height : p->width;
        *w = by_aspect(width, *h, height);
    }
    *w = *w > 0 ? *w : 1;
    *h = *h > 0 ? *h : 1;
}

/* Whether out is less than what rounding makes of 1/64. */
static int is_too_small(int64_t out, int64_t in)
{
    return 128 * out + 64 < 2 * in;
}

int fovea_output_size(fovea_context *ctx, int width, int height, const struct fovea_upscale_params *params,
                      int *out_width, int *out_height)
{
    static const struct fovea_upscale_params defaults = FOVEA_UPSCALE_DEFAULTS;
    const struct fovea_upscale_params *p = params ? params : &defaults;
    int64_t w, h;
    FOVI_TRY(check(ctx, width, height, p));
    choose(width, height, p, &w, &h);
    if (w > MAX_SIDE || h > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "a result of %lldx%lld pixels is too large", (long long)w, (long long)h);
    if (w > 16 * (int64_t)width || h > 16 * (int64_t)height || is_too_small(w, width) || is_too_small(h, height))
        return fovi_fail(ctx, FOVEA_E_ARG, "%dx%d to %lldx%lld: scales are 1/64..16", width, height, (long long)w,
                         (long long)h);
    *out_width = (int)w;
    *out_height = (int)h;
    return FOVEA_OK;
}
