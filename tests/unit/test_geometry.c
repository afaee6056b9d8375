/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where things are: output sizes to the pixel, spots that stay where they were, pictures that keep their size.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fovea/fovea.h"

static const struct fovea_upscale_params defaults = FOVEA_UPSCALE_DEFAULTS;

static fovea_context *make_context(void)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = 2;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

static int random_int(struct fovi_rng *rng, int low, int high)
{
    return low + (int)(fovi_rng_uniform(rng) * (high - low + 1));
}

static struct fovea_image new_image(int width, int height, struct fovea_format format)
{
    struct fovea_image image = { width, height, format, NULL, 0 };
    image.stride_bytes = (ptrdiff_t)((size_t)width * fovea_pixel_bytes(&format));
    image.data = calloc((size_t)height, (size_t)image.stride_bytes);
    assert_non_null(image.data);
    return image;
}

static struct fovea_image enlarge(fovea_context *ctx, const struct fovea_image *in,
                                  const struct fovea_upscale_params *params, struct fovea_report *report)
{
    int width, height;
    assert_int_equal(fovea_output_size(ctx, in->width, in->height, params, &width, &height), FOVEA_OK);
    struct fovea_image out = new_image(width, height, in->format);
    if (fovea_upscale(ctx, in, &out, params, report))
        fail_msg("%s", fovea_last_error(ctx));
    return out;
}

/* ---- sizes ---- */

static void expect_size(fovea_context *ctx, int width, int height, const struct fovea_upscale_params *p, int64_t w,
                        int64_t h)
{
    int got_w = 0, got_h = 0, code = fovea_output_size(ctx, width, height, p, &got_w, &got_h);
    if (code || got_w != w || got_h != h)
        fail_msg("%dx%d, sizing %d, scale %.4f, %dx%d: %d, %dx%d, expected %lldx%lld", width, height, (int)p->sizing,
                 p->scale, p->width, p->height, code, got_w, got_h, (long long)w, (long long)h);
}

/* floor(size * numerator / denominator + 1/2), at least 1, in integers. */
static int64_t rounded(int64_t size, int64_t numerator, int64_t denominator)
{
    int64_t v = (2 * size * numerator + denominator) / (2 * denominator);
    return v > 1 ? v : 1;
}

/* Scales of four decimals: what a person computes on paper. */
static void scales_round_as_on_paper(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    struct fovi_rng rng = { 5 };
    struct fovea_upscale_params p = defaults;
    p.scale = 1.005;
    expect_size(ctx, 100, 300, &p, 101, 302); /* 100.5, 301.5 */
    p.scale = 1.37;
    expect_size(ctx, 50, 101, &p, 69, 138);
    for (int i = 0; i < 20000; i++) {
        int width = random_int(&rng, 1, 40000), height = random_int(&rng, 1, 40000);
        int scale = random_int(&rng, 1000, 160000);
        p.scale = scale / 1e4;
        expect_size(ctx, width, height, &p, rounded(width, scale, 10000), rounded(height, scale, 10000));
    }
    fovea_context_free(&ctx);
}

static void boxes_and_sides_are_met_exactly(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    struct fovi_rng rng = { 6 };
    for (int i = 0; i < 20000; i++) {
        int w = random_int(&rng, 1, 9000), h = random_int(&rng, 1, 9000), got_w, got_h;
        struct fovea_upscale_params p = defaults;
        p.sizing = (enum fovea_sizing)random_int(&rng, FOVEA_SIZING_FIT, FOVEA_SIZING_MIN);
        p.width = random_int(&rng, 1 + w / 8, w * 4);
        p.height = p.sizing <= FOVEA_SIZING_COVER ? random_int(&rng, 1 + h / 8, h * 4) : 0;
        int code = fovea_output_size(ctx, w, h, &p, &got_w, &got_h);
        if (code == FOVEA_E_ARG) /* beyond 1/64..16 */
            continue;
        assert_int_equal(code, FOVEA_OK);
        int box_w = p.width, box_h = p.height, is_wide = w >= h;
        if (p.sizing == FOVEA_SIZING_FIT)
            assert_true(got_w <= box_w && got_h <= box_h && (got_w == box_w || got_h == box_h));
        else if (p.sizing == FOVEA_SIZING_COVER)
            assert_true(got_w >= box_w && got_h >= box_h && (got_w == box_w || got_h == box_h));
        else if (p.sizing == FOVEA_SIZING_LONG)
            assert_int_equal(is_wide ? got_w : got_h, box_w);
        else if (p.sizing == FOVEA_SIZING_SHORT || (w < h ? w : h) < box_w)
            assert_int_equal(is_wide ? got_h : got_w, box_w);
        else
            assert_true(got_w == w && got_h == h);
        /* the aspect: one side is the rounded product of the other */
        assert_true(got_h == rounded(h, got_w, w) || got_w == rounded(w, got_h, h));
    }
    fovea_context_free(&ctx);
}

static void sizes_by_aspect(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    struct fovea_upscale_params p = defaults;
    p.width = 1001;
    expect_size(ctx, 500, 250, &p, 1001, 501); /* 500.5 */
    p.sizing = FOVEA_SIZING_FIT;
    p.width = 1920;
    p.height = 1080;
    expect_size(ctx, 640, 480, &p, 1440, 1080);
    expect_size(ctx, 4000, 1000, &p, 1920, 480);
    p.sizing = FOVEA_SIZING_COVER;
    expect_size(ctx, 640, 480, &p, 1920, 1440);
    p.sizing = FOVEA_SIZING_SHORT;
    p.height = 0;
    p.width = 1080;
    expect_size(ctx, 640, 480, &p, 1440, 1080);
    expect_size(ctx, 480, 640, &p, 1080, 1440);
    p.sizing = FOVEA_SIZING_LONG;
    expect_size(ctx, 640, 480, &p, 1080, 810);
    p.sizing = FOVEA_SIZING_MIN;
    expect_size(ctx, 640, 480, &p, 1440, 1080);
    expect_size(ctx, 4000, 3000, &p, 4000, 3000);
    p = defaults; /* sides whose product is far beyond a double's 53 bits */
    p.width = 1 << 30;
    expect_size(ctx, (1 << 30) - 1, (1 << 30) - 3, &p, 1 << 30, (1 << 30) - 2);
    fovea_context_free(&ctx);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum fovea_sizing sizing;
        int width, height, code;
    } wrong[] = {
        { FOVEA_SIZING_FIT, 10, 0, FOVEA_E_ARG },       { FOVEA_SIZING_COVER, 0, 10, FOVEA_E_ARG },
        { FOVEA_SIZING_SHORT, 0, 0, FOVEA_E_ARG },      { FOVEA_SIZING_LONG, 10, 10, FOVEA_E_ARG },
        { FOVEA_SIZING_MIN, 0, 10, FOVEA_E_ARG },       { FOVEA_SIZING_EXACT, -1, 10, FOVEA_E_ARG },
        { FOVEA_SIZING_EXACT, 10, 4000, FOVEA_E_ARG },  { (enum fovea_sizing)9, 10, 10, FOVEA_E_ARG },
        { FOVEA_SIZING_SHORT, 100000, 0, FOVEA_E_ARG }, { FOVEA_SIZING_EXACT, 0x7fffffff, 0, FOVEA_E_LIMIT },
    };
    fovea_context *ctx = make_context();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fovea_upscale_params p = defaults;
        int w, h;
        p.sizing = wrong[i].sizing;
        p.width = wrong[i].width;
        p.height = wrong[i].height;
        assert_int_equal(fovea_output_size(ctx, 100, 100, &p, &w, &h), wrong[i].code);
    }
    fovea_context_free(&ctx);
}

/* ---- no shift ---- */

#define SPOT_X 30.3
#define SPOT_Y 28.8
#define GROUND 13000.0

/* A soft spot of 16 bits on grey. */
static struct fovea_image draw_spot(int width, int height)
{
    struct fovea_image image = new_image(width, height, (struct fovea_format){ FOVEA_SAMPLE_U16, 1, 0 });
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            double dx = x - SPOT_X, dy = y - SPOT_Y;
            double v = GROUND + 40000.0 * exp(-(dx * dx + dy * dy) / (2.0 * 2.2 * 2.2));
            ((uint16_t *)image.data)[y * width + x] = (uint16_t)(v + 0.5);
        }
    }
    return image;
}

/* How far the spot's centroid lies from where it should, in input pixels. */
static double shift_of(const struct fovea_image *out, double scale_x, double scale_y)
{
    double sum = 0.0, sum_x = 0.0, sum_y = 0.0;
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            double v = ((const uint16_t *)out->data)[y * out->width + x] - GROUND;
            sum += v;
            sum_x += v * x;
            sum_y += v * y;
        }
    }
    double dx = (sum_x / sum + 0.5) / scale_x - 0.5 - SPOT_X, dy = (sum_y / sum + 0.5) / scale_y - 0.5 - SPOT_Y;
    return hypot(dx, dy);
}

static void set_method(struct fovea_upscale_params *p, int i)
{
    p->method = FOVEA_METHOD_CLASSIC;
    if (i < FOVEA_N_KERNELS) {
        p->kernel = (enum fovea_kernel)i;
        return;
    }
    p->method = i == FOVEA_N_KERNELS       ? FOVEA_METHOD_AUTO
                : i == FOVEA_N_KERNELS + 1 ? FOVEA_METHOD_FILTER
                                           : FOVEA_METHOD_NETWORK;
    p->network = "tiny";
}

static void spots_stay_where_they_are(void **state)
{
    (void)state;
    static const double scales[] = { 0.5, 0.73, 1.37, 2.0, 2.5, 3.0, 4.0, 5.0, 7.3 };
    fovea_context *ctx = make_context();
    struct fovea_image in = draw_spot(64, 61);
    double worst = 0.0;
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        for (int m = 0; m < FOVEA_N_KERNELS + 3; m++) {
            struct fovea_upscale_params p = defaults;
            struct fovea_report report;
            p.scale = scales[s];
            set_method(&p, m);
            struct fovea_image out = enlarge(ctx, &in, &p, &report);
            double shift = shift_of(&out, report.scale_x, report.scale_y);
            free(out.data);
            /* nearest takes whole pixels: by its nature it moves them at ratios that are not whole */
            if (m == FOVEA_KERNEL_NEAREST && p.scale != floor(p.scale))
                continue;
            if (!(shift < 0.01))
                fail_msg("x%g, %s: %.4f pixels", p.scale, report.method, shift);
            worst = shift > worst ? shift : worst;
        }
    }
    print_message("largest shift %.5f pixels\n", worst);
    free(in.data);
    fovea_context_free(&ctx);
}

/* Sizes of all kinds, by networks and without: the size is what was asked for, and the spot stays. */
static void random_sizes_are_exact(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    struct fovi_rng rng = { 8 };
    struct fovea_image in = draw_spot(64, 61);
    for (int i = 0; i < 200; i++) {
        struct fovea_upscale_params p = defaults;
        struct fovea_report report;
        set_method(&p, random_int(&rng, 1, FOVEA_N_KERNELS + 2));
        p.width = random_int(&rng, 20, 400);
        p.height = i % 2 ? random_int(&rng, 20, 400) : 0;
        struct fovea_image out = enlarge(ctx, &in, &p, &report);
        assert_int_equal(out.width, p.width);
        assert_int_equal(out.height, p.height ? p.height : rounded(61, p.width, 64));
        double shift = shift_of(&out, report.scale_x, report.scale_y);
        /* a widened triangle that is sampled coarsely does not weigh all places alike */
        int is_coarse = p.kernel == FOVEA_KERNEL_BILINEAR && (report.scale_x < 1.0 || report.scale_y < 1.0);
        if (!(shift < (is_coarse ? 0.02 : 0.01)))
            fail_msg("%dx%d, %s: %.4f pixels", out.width, out.height, report.method, shift);
        free(out.data);
    }
    free(in.data);
    fovea_context_free(&ctx);
}

/* ---- the same size ---- */

static void the_same_size_is_the_same_picture(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    struct fovi_rng rng = { 7 };
    struct fovea_image in = new_image(37, 29, (struct fovea_format){ FOVEA_SAMPLE_U16, 4, 1 });
    for (int i = 0; i < in.width * in.height * 4; i++) /* a quarter of the pixels is transparent, with a colour */
        ((uint16_t *)in.data)[i] = (uint16_t)(i % 16 == 3 ? 0 : random_int(&rng, 0, 65535));
    for (int m = 0; m < FOVEA_N_KERNELS + 3; m++) {
        struct fovea_upscale_params p = defaults;
        set_method(&p, m);
        p.sizing = FOVEA_SIZING_MIN;
        p.width = 20;
        struct fovea_image out = enlarge(ctx, &in, &p, NULL);
        assert_memory_equal(out.data, in.data, (size_t)in.height * (size_t)in.stride_bytes);
        free(out.data);
    }
    free(in.data);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_round_as_on_paper),
        cmocka_unit_test(boxes_and_sides_are_met_exactly),
        cmocka_unit_test(sizes_by_aspect),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(spots_stay_where_they_are),
        cmocka_unit_test(random_sizes_are_exact),
        cmocka_unit_test(the_same_size_is_the_same_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
