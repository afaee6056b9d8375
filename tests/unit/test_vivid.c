/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode vivid: the reduction of the result stays what it is, lone edges stay as they are, the cost is what was asked
 * for, and the bytes depend on neither threads, strips, instruction set nor crop.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/context.h"
#include "base/rng.h"
#include "fovea/fovea.h"
#include "pipeline/detail.h"

enum { WIDTH = 90, HEIGHT = 75 };

static fovea_context *make_context(int n_threads, uint32_t mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    params.cpu_mask = mask;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

static float texture(int x, int y, struct fovi_rng *rng)
{
    float v = 0.5f + 0.08f * sinf(0.9f * (float)x) * cosf(0.7f * (float)y);
    return v + 0.15f * ((float)fovi_rng_uniform(rng) - 0.5f);
}

/* Left half: two plain levels and the edge between them. Right half: texture. Floats, none near the range's ends. */
static struct fovea_image make_image(int n_channels)
{
    struct fovea_image image = { WIDTH, HEIGHT, { FOVEA_SAMPLE_F32, n_channels, 0 }, NULL, 0 };
    struct fovi_rng rng = { 5 };
    image.stride_bytes = WIDTH * n_channels * (ptrdiff_t)sizeof(float);
    float *v = image.data = malloc((size_t)image.stride_bytes * HEIGHT);
    assert_non_null(v);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            float level = x < WIDTH / 2 ? (y < 37 ? 0.4f : 0.6f) : texture(x, y, &rng);
            for (int c = 0; c < n_channels; c++)
                v[(y * WIDTH + x) * n_channels + c] = level * (1.0f - 0.1f * (float)c);
        }
    return image;
}

static struct fovea_upscale_params make_params(enum fovea_mode mode, double scale)
{
    struct fovea_upscale_params p = FOVEA_UPSCALE_DEFAULTS;
    p.method = FOVEA_METHOD_NETWORK;
    p.network = "tiny";
    p.scale = scale;
    p.transfer = FOVEA_TRANSFER_ENCODED;
    p.precision = FOVEA_PRECISION_F32;
    p.mode = mode;
    return p;
}

static struct fovea_image enlarge(fovea_context *ctx, const struct fovea_image *in,
                                  const struct fovea_upscale_params *p, struct fovea_report *report)
{
    fovea_plan *plan;
    struct fovea_image out = *in;
    assert_int_equal(fovea_plan_build(&plan, ctx, in->width, in->height, &in->format, p), FOVEA_OK);
    out.width = fovea_plan_width(plan);
    out.height = fovea_plan_height(plan);
    out.stride_bytes = out.width * in->format.n_channels * (ptrdiff_t)sizeof(float);
    out.data = malloc((size_t)out.height * (size_t)out.stride_bytes);
    struct fovea_source source = fovea_source_from_image(in);
    struct fovea_sink sink = fovea_sink_to_image(&out);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, report), FOVEA_OK);
    fovea_plan_free(&plan);
    return out;
}

/* The antialiased bicubic reduction to the size of the input. */
static struct fovea_image reduce(fovea_context *ctx, const struct fovea_image *in)
{
    struct fovea_upscale_params p = FOVEA_UPSCALE_DEFAULTS;
    p.method = FOVEA_METHOD_CLASSIC;
    p.width = WIDTH;
    p.height = HEIGHT;
    return enlarge(ctx, in, &p, NULL);
}

static double largest_difference(const struct fovea_image *a, const struct fovea_image *b, int x0, int x1)
{
    const float *p = a->data, *q = b->data;
    double largest = 0.0;
    int n = a->format.n_channels;
    for (int y = 0; y < a->height; y++)
        for (int i = x0 * n; i < x1 * n; i++)
            largest = fmax(largest, fabs((double)p[y * a->width * n + i] - (double)q[y * a->width * n + i]));
    return 255.0 * largest;
}

static void the_reduction_stays(void **state)
{
    (void)state;
    static const double scales[] = { 2.0, 3.0, 4.0, 1.7 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    for (int k = 0; k < 4; k++) {
        struct fovea_image in = make_image(k % 2 ? 1 : 3);
        struct fovea_upscale_params plain = make_params(FOVEA_MODE_BALANCED, scales[k]);
        struct fovea_upscale_params vivid = make_params(FOVEA_MODE_VIVID, scales[k]);
        struct fovea_report report;
        vivid.detail_cost_db = 1.0;
        struct fovea_image b = enlarge(ctx, &in, &plain, NULL), x = enlarge(ctx, &in, &vivid, &report);
        struct fovea_image db = reduce(ctx, &b), dx = reduce(ctx, &x);
        double seen = largest_difference(&x, &b, 0, x.width), reduced = largest_difference(&dx, &db, 0, WIDTH);
        print_message("x%g: detail up to %.2f levels, reduced %.4f\n", scales[k], seen, reduced);
        assert_true(seen > 4.0);     /* something was added */
        assert_true(reduced < 0.02); /* it rounds to the same, at 16 bits within five steps */
        assert_true(report.detail_rms > 0.1 && report.detail_cost_db > 0.0);
        free(b.data);
        free(x.data);
        free(db.data);
        free(dx.data);
        free(in.data);
    }
    fovea_context_free(&ctx);
}

static void lone_edges_stay(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(1);
    struct fovea_upscale_params plain = make_params(FOVEA_MODE_BALANCED, 2.0);
    struct fovea_upscale_params vivid = make_params(FOVEA_MODE_VIVID, 2.0);
    struct fovea_image b = enlarge(ctx, &in, &plain, NULL), x = enlarge(ctx, &in, &vivid, NULL);
    double edge = largest_difference(&x, &b, 0, 2 * 16), detail = largest_difference(&x, &b, 2 * 48, 2 * WIDTH);
    print_message("at an edge %.3f levels, in texture %.3f\n", edge, detail);
    assert_true(edge < 0.1 && detail > 1.0);
    free(b.data);
    free(x.data);
    free(in.data);
    fovea_context_free(&ctx);
}

/* The energy that was asked for is there, up to what the second projection takes; none costs none. */
static void the_cost_is_kept(void **state)
{
    (void)state;
    static const double costs[] = { 0.0, 0.1, 0.2, 0.5 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(1);
    struct fovea_upscale_params plain = make_params(FOVEA_MODE_BALANCED, 4.0);
    plain.expects_error = 1;
    struct fovea_report before, report;
    struct fovea_image b = enlarge(ctx, &in, &plain, &before);
    double last = -1.0;
    for (int k = 0; k < 4; k++) {
        struct fovea_upscale_params p = make_params(FOVEA_MODE_VIVID, 4.0);
        p.detail_cost_db = costs[k];
        struct fovea_image x = enlarge(ctx, &in, &p, &report);
        double e = report.expected_error_rms, d = report.detail_rms, e0 = before.expected_error_rms;
        assert_true(report.detail_cost_db <= costs[k] * 1.1 + 1e-9);
        assert_true(report.detail_cost_db > last);
        assert_true(e * e >= (d * d + e0 * e0) * (1.0 - 1e-6)); /* detail costs its energy or more */
        assert_true(fabs(20.0 * log10(e / e0) - report.detail_cost_db) < 1e-3);
        if (costs[k] == 0.0)
            assert_memory_equal(x.data, b.data, (size_t)x.height * (size_t)x.stride_bytes);
        last = report.detail_cost_db;
        free(x.data);
    }
    free(b.data);
    free(in.data);
    fovea_context_free(&ctx);
}

/* Detail costs its energy, and twice the slope times what it has in common with its source; the better the network, the
 * less of that. */
static void the_price_follows_the_maker(void **state)
{
    (void)state;
    assert_true(fabs((double)fovi_detail_price(4.0f, 9.0f, 0.0) - 4.4) < 1e-6);
    assert_true(fabs((double)fovi_detail_price(4.0f, 9.0f, 0.1) - 1.1 * 5.2) < 1e-6);
    for (int scale = 2; scale <= 4; scale++) {
        double tiny = fovi_detail_slope(FOVEA_PATH_TINY, scale), small = fovi_detail_slope(FOVEA_PATH_SMALL, scale);
        double medium = fovi_detail_slope(FOVEA_PATH_MEDIUM, scale);
        assert_true(tiny > small && small >= medium && medium >= 0.0 && tiny < 0.2);
        assert_true(fovi_detail_slope(FOVEA_PATH_NETWORK, scale) == medium);
    }
    assert_true(fovi_detail_slope(FOVEA_PATH_TINY, 2) != fovi_detail_slope(FOVEA_PATH_TINY, 3));
}

static void bytes_do_not_depend_on_the_machine(void **state)
{
    (void)state;
    static const double scales[] = { 2.0, 4.0, 1.7, 5.0 };
    fovea_context *one = make_context(1, 0), *two = make_context(3, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(3);
    for (int k = 0; k < 4; k++) {
        struct fovea_upscale_params p = make_params(FOVEA_MODE_VIVID, scales[k]), q = p;
        p.strip_rows = 16;
        q.strip_rows = 64;
        if (k == 1)
            p.method = q.method = FOVEA_METHOD_AUTO;
        struct fovea_report r, s;
        struct fovea_image a = enlarge(one, &in, &p, &r), b = enlarge(two, &in, &q, &s);
        assert_memory_equal(a.data, b.data, (size_t)a.height * (size_t)a.stride_bytes);
        assert_true(r.detail_rms == s.detail_rms && r.detail_cost_db == s.detail_cost_db);
        free(a.data);
        free(b.data);
    }
    free(in.data);
    fovea_context_free(&one);
    fovea_context_free(&two);
}

/* A crop of a picture that is large enough for parts of it to be left out. */
static void crops_have_the_bytes_of_the_whole(void **state)
{
    (void)state;
    enum { W = 420, H = 400 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovi_rng rng = { 3 };
    struct fovea_image in = { W, H, { FOVEA_SAMPLE_F32, 1, 0 }, malloc(W * H * sizeof(float)), W * sizeof(float) };
    for (int i = 0; i < W * H; i++)
        ((float *)in.data)[i] = texture(i % W, i / W, &rng);
    struct fovea_upscale_params p = make_params(FOVEA_MODE_VIVID, 2.0);
    struct fovea_image whole = enlarge(ctx, &in, &p, NULL);
    p.crop_x = 410;
    p.crop_y = 395;
    p.crop_width = 33;
    p.crop_height = 21;
    struct fovea_image crop = enlarge(ctx, &in, &p, NULL);
    assert_int_equal(crop.width, 33);
    for (int y = 0; y < crop.height; y++)
        assert_memory_equal((float *)crop.data + y * crop.width,
                            (float *)whole.data + (p.crop_y + y) * whole.width + p.crop_x,
                            (size_t)crop.width * sizeof(float));
    free(whole.data);
    free(crop.data);
    free(in.data);
    fovea_context_free(&ctx);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    const struct fovea_format four = { FOVEA_SAMPLE_U8, 4, 0 }, rgba = { FOVEA_SAMPLE_U8, 4, 1 };
    struct fovea_upscale_params p = make_params(FOVEA_MODE_VIVID, 2.0);
    fovea_plan *plan;
    assert_int_equal(fovea_plan_build(&plan, ctx, 20, 20, &four, &p), FOVEA_E_UNSUPPORTED);
    assert_int_equal(fovea_plan_build(&plan, ctx, 20, 20, &rgba, &p), FOVEA_OK);
    fovea_plan_free(&plan);
    static const double wrong[] = { -0.1, 3.5, NAN };
    for (int k = 0; k < 3; k++) {
        p.detail_cost_db = wrong[k];
        assert_int_equal(fovea_plan_build(&plan, ctx, 20, 20, &rgba, &p), FOVEA_E_ARG);
    }
    fovea_context_free(&ctx);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_upscale_params p = make_params(FOVEA_MODE_VIVID, 2.0);
    size_t held = fovi_alloc_held(ctx);
    int code = FOVEA_E_NOMEM;
    for (long k = 1; code; k++) {
        fovea_plan *plan;
        fovi_alloc_fail_nth(ctx, k);
        code = fovea_plan_build(&plan, ctx, 40, 40, &rgb, &p);
        fovi_alloc_fail_nth(ctx, 0);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
        fovea_plan_free(&plan);
        assert_int_equal(fovi_alloc_held(ctx), held);
    }
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reduction_stays),
        cmocka_unit_test(lone_edges_stay),
        cmocka_unit_test(the_cost_is_kept),
        cmocka_unit_test(the_price_follows_the_maker),
        cmocka_unit_test(bytes_do_not_depend_on_the_machine),
        cmocka_unit_test(crops_have_the_bytes_of_the_whole),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
