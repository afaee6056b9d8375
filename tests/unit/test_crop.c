/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A crop holds the bytes that the whole result has there, wherever it lies and however the result is made.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fovea/fovea.h"

static fovea_context *ctx;

static int setup(void **state)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    (void)state;
    params.n_threads = 2;
    return fovea_context_create(&ctx, &params);
}

static int teardown(void **state)
{
    (void)state;
    fovea_context_free(&ctx);
    return 0;
}

/* Shading, stripes and noise; transparent and faint discs where there is alpha. */
static double draw(int x, int y, int c, int is_alpha, struct fovi_rng *rng)
{
    double v = 0.4 + 0.3 * sin(x * 0.02 + c) * cos(y * 0.03);
    if (is_alpha)
        return hypot(x % 70 - 35, y % 60 - 30) < 22 ? (x + y) % 9 / 40.0 : (x / 40 + y / 50) % 3 ? 1.0 : 0.0;
    if ((x / 48 + y / 32) % 2)
        v += 0.25 * sin(x * 0.9 + y * 0.4 * (c + 1)) + 0.2 * fovi_rng_uniform(rng);
    return v;
}

static struct fovea_image make_image(int width, int height, const struct fovea_format *format)
{
    struct fovi_rng rng = { 5 };
    struct fovea_image image = { width, height, *format, NULL, width * (ptrdiff_t)fovea_pixel_bytes(format) };
    image.data = malloc((size_t)image.stride_bytes * (size_t)height);
    assert_non_null(image.data);
    size_t at = 0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < format->n_channels; c++, at++) {
                double v = draw(x, y, c, format->has_alpha && c == format->n_channels - 1, &rng);
                if (format->sample == FOVEA_SAMPLE_U8)
                    ((uint8_t *)image.data)[at] = (uint8_t)(v * 200.0);
                else if (format->sample == FOVEA_SAMPLE_U16)
                    ((uint16_t *)image.data)[at] = (uint16_t)(v * 50000.0);
                else
                    ((float *)image.data)[at] = (float)(v * 1.4 - 0.2);
            }
        }
    }
    return image;
}

/* The result by these params, in new memory. */
static struct fovea_image enlarge(const struct fovea_image *in, const struct fovea_upscale_params *params)
{
    fovea_plan *plan;
    assert_int_equal(fovea_plan_build(&plan, ctx, in->width, in->height, &in->format, params), FOVEA_OK);
    struct fovea_image out = { fovea_plan_width(plan), fovea_plan_height(plan), in->format, NULL, 0 };
    out.stride_bytes = out.width * (ptrdiff_t)fovea_pixel_bytes(&out.format);
    out.data = malloc((size_t)out.stride_bytes * (size_t)out.height);
    assert_non_null(out.data);
    struct fovea_source source = fovea_source_from_image(in);
    struct fovea_sink sink = fovea_sink_to_image(&out);
    int code = fovea_plan_run(plan, &source, &sink, NULL, NULL);
    if (code)
        fail_msg("%s", fovea_last_error(ctx));
    fovea_plan_free(&plan);
    return out;
}

static void check_crop(const struct fovea_image *in, const struct fovea_image *whole,
                       const struct fovea_upscale_params *base, int x, int y, int width, int height)
{
    struct fovea_upscale_params params = *base;
    size_t pixel = fovea_pixel_bytes(&in->format);
    params.crop_x = x;
    params.crop_y = y;
    params.crop_width = width;
    params.crop_height = height;
    struct fovea_image piece = enlarge(in, &params);
    assert_int_equal(piece.width, width);
    assert_int_equal(piece.height, height);
    for (int row = 0; row < height; row++) {
        const char *a = (const char *)piece.data + row * piece.stride_bytes;
        const char *b = (const char *)whole->data + (y + row) * whole->stride_bytes + (size_t)x * pixel;
        if (memcmp(a, b, (size_t)width * pixel) != 0)
            fail_msg("method %d, scale %g: crop %d,%d,%d,%d differs in row %d", (int)base->method, base->scale, x, y,
                     width, height, row);
    }
    free(piece.data);
}

/* Corners, the middle, one pixel, everything, and places by chance. */
static void check_crops(const struct fovea_image *in, const struct fovea_upscale_params *params, int n_random)
{
    struct fovea_image whole = enlarge(in, params);
    struct fovi_rng rng = { 77 };
    int w = whole.width, h = whole.height;
    check_crop(in, &whole, params, 0, 0, w, h);
    check_crop(in, &whole, params, 0, 0, 1 + w / 9, 1 + h / 9);
    check_crop(in, &whole, params, w - 1 - w / 9, h - 1 - h / 9, 1 + w / 9, 1 + h / 9);
    check_crop(in, &whole, params, w / 2, h / 2, 1, 1);
    for (int i = 0; i < n_random; i++) {
        int x = (int)fovi_rng_below(&rng, (uint32_t)w), y = (int)fovi_rng_below(&rng, (uint32_t)h);
        check_crop(in, &whole, params, x, y, 1 + (int)fovi_rng_below(&rng, (uint32_t)(w - x)),
                   1 + (int)fovi_rng_below(&rng, (uint32_t)(h - y)));
    }
    free(whole.data);
}

static void check_methods(const struct fovea_format *format, double scale, int n_random)
{
    static const struct {
        enum fovea_method method;
        enum fovea_kernel kernel;
        const char *network;
    } cases[] = { { FOVEA_METHOD_AUTO, FOVEA_KERNEL_BICUBIC, NULL },
                  { FOVEA_METHOD_NETWORK, FOVEA_KERNEL_BICUBIC, "tiny" },
                  { FOVEA_METHOD_FILTER, FOVEA_KERNEL_BICUBIC, NULL },
                  { FOVEA_METHOD_CLASSIC, FOVEA_KERNEL_LANCZOS3, NULL },
                  { FOVEA_METHOD_CLASSIC, FOVEA_KERNEL_NEAREST, NULL } };
    struct fovea_image in = make_image(251, 217, format);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
        params.scale = scale;
        params.method = cases[i].method;
        params.kernel = cases[i].kernel;
        params.network = cases[i].network;
        params.max_loss_db = 0.5; /* else a picture this small is not routed, nor in bfloat16 */
        params.precision = FOVEA_PRECISION_F32;
        check_crops(&in, &params, n_random);
    }
    free(in.data);
}

static void test_scales(void **state)
{
    (void)state;
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    const double scales[] = { 2., 3., 4., 1.37, 0.43, 5.2, 1. };
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        check_methods(&rgb, scales[i], scales[i] > 4. ? 1 : 3);
}

static void test_formats(void **state)
{
    (void)state;
    const struct fovea_format formats[] = {
        { FOVEA_SAMPLE_U8, 4, 1 }, { FOVEA_SAMPLE_U16, 1, 0 }, { FOVEA_SAMPLE_F32, 3, 0 }, { FOVEA_SAMPLE_F32, 2, 1 }
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        check_methods(&formats[i], 2., 3);
        check_methods(&formats[i], 2.9, 1);
    }
}

static void test_stretched(void **state)
{
    (void)state;
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_image in = make_image(190, 240, &rgb);
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.width = 380;
    params.height = 241;
    check_crops(&in, &params, 4);
    params.mode = FOVEA_MODE_FAITHFUL;
    params.height = 700;
    check_crops(&in, &params, 4);
    params.method = FOVEA_METHOD_CLASSIC;
    params.linear_light = 1;
    params.consistency = FOVEA_CONSISTENCY_ON;
    check_crops(&in, &params, 4);
    free(in.data);
}

static void test_small(void **state)
{
    (void)state;
    const struct fovea_format rgba = { FOVEA_SAMPLE_U8, 4, 1 };
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    for (int size = 1; size < 40; size += 6) {
        struct fovea_image in = make_image(size, size + 3, &rgba);
        check_crops(&in, &params, 3);
        free(in.data);
    }
}

/* It costs what it is worth: memory by the piece, not by the picture. */
static void test_memory(void **state)
{
    (void)state;
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_context_params limits = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *small;
    limits.n_threads = 1;
    limits.memory_bytes = 24000000;
    assert_int_equal(fovea_context_create(&small, &limits), FOVEA_OK);
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.method = FOVEA_METHOD_NETWORK;
    params.network = "tiny";
    fovea_plan *plan;
    assert_int_equal(fovea_plan_build(&plan, small, 20000, 20000, &rgb, &params), FOVEA_E_LIMIT);
    params.crop_x = params.crop_y = 20000;
    params.crop_width = params.crop_height = 256;
    assert_int_equal(fovea_plan_build(&plan, small, 20000, 20000, &rgb, &params), FOVEA_OK);
    assert_int_equal(fovea_plan_width(plan), 256);
    assert_int_equal(fovea_plan_height(plan), 256);
    fovea_plan_free(&plan);
    fovea_context_free(&small);
}

static void test_refused(void **state)
{
    (void)state;
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    static const int bad[][4] = { { -1, 0, 5, 5 }, { 0, -1, 5, 5 },           { 0, 0, 0, 5 },   { 0, 0, 5, 0 },
                                  { 96, 0, 5, 5 }, { 0, 76, 5, 5 },           { 0, 0, 101, 1 }, { 0, 0, 1, 81 },
                                  { 7, 7, 0, 0 },  { 1, 1, 1 << 30, 1 << 30 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
        fovea_plan *plan;
        params.crop_x = bad[i][0];
        params.crop_y = bad[i][1];
        params.crop_width = bad[i][2];
        params.crop_height = bad[i][3];
        assert_int_equal(fovea_plan_build(&plan, ctx, 50, 40, &rgb, &params), FOVEA_E_ARG);
        assert_non_null(strstr(fovea_last_error(ctx), "100x80"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales), cmocka_unit_test(test_formats), cmocka_unit_test(test_stretched),
        cmocka_unit_test(test_small),  cmocka_unit_test(test_memory),  cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
