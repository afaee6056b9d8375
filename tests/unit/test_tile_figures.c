/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures of tiles: what was added is what a comparison with the base finds, the expected error follows its
 * formula and the strength, the deviation lies in the tile where it is, and none depends on threads, strips or
 * instruction set.
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
#include "route/error.h"

enum { WIDTH = 75, HEIGHT = 52, N_X = 5, N_Y = 4 };

static fovea_context *make_context(int n_threads, uint32_t mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    params.cpu_mask = mask;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

/* Grey floats around the middle, so that nothing is clipped: soft above, stripes and noise below. */
static struct fovea_image make_image(void)
{
    struct fovea_image image = { WIDTH, HEIGHT, { FOVEA_SAMPLE_F32, 1, 0 }, NULL, WIDTH * sizeof(float) };
    struct fovi_rng rng = { 7 };
    float *v = image.data = malloc(WIDTH * HEIGHT * sizeof *v);
    assert_non_null(v);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            v[y * WIDTH + x] = y < 24 ? 0.4f + 0.001f * (float)x
                                      : 0.4f + 0.1f * (float)(x / 3 % 2) + 0.1f * (float)fovi_rng_uniform(&rng);
    return image;
}

struct outcome {
    struct fovea_report report;
    int has_error;
    float added[N_X * N_Y], error[N_X * N_Y];
    float *pixels;
    int width, height;
};

static struct outcome run(fovea_context *ctx, const struct fovea_image *in, const struct fovea_upscale_params *p)
{
    struct outcome o = { 0 };
    fovea_plan *plan;
    struct fovea_image out = *in;
    struct fovea_tile_figures figures;
    assert_int_equal(fovea_plan_build(&plan, ctx, in->width, in->height, &in->format, p), FOVEA_OK);
    out.width = o.width = fovea_plan_width(plan);
    out.height = o.height = fovea_plan_height(plan);
    out.stride_bytes = out.width * (ptrdiff_t)sizeof(float);
    out.data = o.pixels = malloc((size_t)out.height * (size_t)out.stride_bytes);
    struct fovea_source source = fovea_source_from_image(in);
    struct fovea_sink sink = fovea_sink_to_image(&out);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, &o.report), FOVEA_OK);
    fovea_plan_tile_figures(plan, &figures);
    if (figures.added) {
        assert_int_equal(figures.n_tiles_x, N_X);
        assert_int_equal(figures.n_tiles_y, N_Y);
        memcpy(o.added, figures.added, sizeof o.added);
        o.has_error = figures.expected_error != NULL;
        if (o.has_error)
            memcpy(o.error, figures.expected_error, sizeof o.error);
    }
    fovea_plan_free(&plan);
    return o;
}

static struct fovea_upscale_params tiny_params(void)
{
    struct fovea_upscale_params p = FOVEA_UPSCALE_DEFAULTS;
    p.method = FOVEA_METHOD_NETWORK;
    p.network = "tiny";
    p.transfer = FOVEA_TRANSFER_ENCODED;
    p.precision = FOVEA_PRECISION_F32;
    p.consistency = FOVEA_CONSISTENCY_OFF;
    p.expects_error = 1;
    return p;
}

static void added_is_the_difference_from_the_base(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image();
    struct fovea_upscale_params p = tiny_params(), classic = p;
    classic.method = FOVEA_METHOD_CLASSIC;
    struct outcome own = run(ctx, &in, &p), base = run(ctx, &in, &classic);
    double total = 0.0;
    for (int t = 0; t < N_X * N_Y; t++) {
        int x0 = t % N_X * 32, y0 = t / N_X * 32, n = 0;
        double sum = 0.0;
        for (int y = y0; y < y0 + 32 && y < own.height; y++)
            for (int x = x0; x < x0 + 32 && x < own.width; x++, n++) {
                double d = 255.0 * ((double)own.pixels[y * own.width + x] - (double)base.pixels[y * own.width + x]);
                sum += d * d;
            }
        total += sum;
        assert_true(fabs(sqrt(sum / n) - (double)own.added[t]) < 1e-3 + 1e-3 * (double)own.added[t]);
    }
    assert_true(own.added[N_X * N_Y - 1] > 1.0f); /* there was something to add */
    assert_true(fabs(sqrt(total / (own.width * own.height)) - own.report.added_rms) < 1e-3 * own.report.added_rms);
    assert_false(base.has_error);
    assert_true(base.report.added_rms == 0.0 && base.report.expected_error_rms == 0.0);
    free(own.pixels);
    free(base.pixels);
    free(in.data);
    fovea_context_free(&ctx);
}

static void figures_do_not_depend_on_the_machine(void **state)
{
    (void)state;
    fovea_context *one = make_context(1, 0), *two = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image();
    struct fovea_upscale_params p = tiny_params(), q = p;
    p.strip_rows = 16;
    q.strip_rows = 48;
    struct outcome a = run(one, &in, &p), b = run(two, &in, &q);
    assert_true(a.has_error && b.has_error);
    assert_memory_equal(a.added, b.added, sizeof a.added);
    assert_memory_equal(a.error, b.error, sizeof a.error);
    assert_true(a.error[N_X * N_Y - 2] > 2.0f * a.error[0]); /* noise is less certain than a ramp */
    free(a.pixels);
    free(b.pixels);
    free(in.data);
    fovea_context_free(&one);
    fovea_context_free(&two);
}

/* E|base + s d - truth|^2 = E|base + d - truth|^2 + (1 - s)^2 |d|^2. */
static void strength_moves_both(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image();
    struct fovea_upscale_params p = tiny_params();
    struct outcome full = run(ctx, &in, &p);
    p.strength = 0.25;
    struct outcome quarter = run(ctx, &in, &p);
    for (int t = 0; t < N_X * N_Y; t++) {
        double d = (double)full.added[t], e = (double)full.error[t];
        assert_true(fabs((double)quarter.added[t] - 0.25 * d) < 1e-4 * (1.0 + d));
        assert_true(fabs((double)quarter.error[t] - sqrt(e * e + 0.5625 * d * d)) < 1e-3 * (1.0 + e));
    }
    free(full.pixels);
    free(quarter.pixels);
    free(in.data);
    fovea_context_free(&ctx);
}

static void auto_knows_its_errors(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image();
    struct fovea_upscale_params p = tiny_params();
    p.expects_error = 0;
    struct outcome fixed = run(ctx, &in, &p);
    p.method = FOVEA_METHOD_AUTO;
    p.max_loss_db = 2.0; /* else a picture this small is not routed, nor in bfloat16 */
    p.precision = FOVEA_PRECISION_F32;
    struct outcome routed = run(ctx, &in, &p);
    assert_false(fixed.has_error);
    assert_true(routed.has_error && routed.report.expected_error_rms > 0.0);
    free(fixed.pixels);
    free(routed.pixels);
    free(in.data);
    fovea_context_free(&ctx);
}

static void every_maker_has_a_sane_regression(void **state)
{
    (void)state;
    struct fovea_tile_features tile = { { 0 }, 0 };
    struct fovi_error_tile flat, wild, texture;
    fovi_error_pack(&tile, &flat);
    for (int i = 0; i < FOVEA_N_FEATURES; i++)
        tile.value[i] = 1e30f;
    fovi_error_pack(&tile, &wild);
    for (int i = 0; i < FOVEA_N_FEATURES; i++)
        tile.value[i] = 150.0f;
    fovi_error_pack(&tile, &texture);
    double z[FOVI_ROUTE_N_Z];
    fovi_error_z(&texture, 9.0, z);
    assert_true(fabs(z[0] - log(150.01)) < 5e-4 && fabs(z[FOVI_ROUTE_N_Z - 1] - log(9.01)) < 1e-9);
    for (int scale = 2; scale <= 4; scale++) {
        const struct fovi_error_model *base = fovi_error_model_builtin(FOVEA_PATH_CLASSIC, scale);
        assert_ptr_equal(fovi_error_model_builtin(FOVEA_PATH_FALLBACK, scale), base);
        assert_int_equal(fovi_error_model_builtin(FOVEA_PATH_FILTER, scale)->path, FOVEA_PATH_FILTER);
        assert_int_equal(fovi_error_model_builtin(FOVEA_PATH_TINY, scale)->path, FOVEA_PATH_TINY);
        assert_true(fovi_error_model_builtin(FOVEA_PATH_NETWORK, scale)->path >= FOVEA_PATH_TINY);
        for (int path = 0; path < FOVEA_N_PATHS; path++) {
            const struct fovi_error_model *model = fovi_error_model_builtin((enum fovea_path)path, scale);
            assert_true(fovi_error_predict(model, &flat, 0.0) < 2.0);
            assert_true(isfinite(fovi_error_predict(model, &wild, 1e30)));
            assert_true(fovi_error_predict(model, &texture, 50.0) > 5.0);
        }
    }
}

/* Hard edges in colour, whose overshoot the range of the result cuts off. */
static void draw_hard_edges(uint8_t *v)
{
    struct fovi_rng rng = { 3 };
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        v[i] = fovi_rng_uniform(&rng) < 0.5 ? 0 : 255;
}

/* Largest |D(result) - input| of a tile, by the public reduction. */
static float find_deviation(const uint8_t *in, const float *reduced, int tile)
{
    int x0 = tile % N_X * FOVEA_TILE, y0 = tile / N_X * FOVEA_TILE;
    float most = 0.0f;
    for (int y = y0; y < y0 + FOVEA_TILE && y < HEIGHT; y++)
        for (int i = 3 * x0; i < 3 * (x0 + FOVEA_TILE) && i < 3 * WIDTH; i++)
            most = fmaxf(most, fabsf(reduced[y * 3 * WIDTH + i] * 255.0f - (float)in[y * 3 * WIDTH + i]));
    return most;
}

static void deviation_lies_in_its_tile(void **state)
{
    (void)state;
    enum { N = WIDTH * HEIGHT * 3 };
    uint8_t in[N], out[4 * N];
    float result[4 * N], reduced[N], seen[N_X * N_Y];
    draw_hard_edges(in);
    struct fovea_image from = { WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, 3, 0 }, in, WIDTH * 3 };
    struct fovea_image to = { 2 * WIDTH, 2 * HEIGHT, from.format, out, 2 * WIDTH * 3 };
    struct fovea_image levels = { 2 * WIDTH, 2 * HEIGHT, { FOVEA_SAMPLE_F32, 3, 0 }, result, 2 * WIDTH * 12 };
    struct fovea_image small = { WIDTH, HEIGHT, levels.format, reduced, WIDTH * 12 };
    struct fovea_upscale_params p = tiny_params(), down = tiny_params();
    p.consistency = FOVEA_CONSISTENCY_ON;
    p.expects_error = down.expects_error = 0;
    down.method = FOVEA_METHOD_CLASSIC;
    down.scale = 0.5;
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        fovea_context *ctx = make_context(n_threads, FOVEA_CPU_ALL);
        struct fovea_source source = fovea_source_from_image(&from);
        struct fovea_sink sink = fovea_sink_to_image(&to);
        struct fovea_tile_figures figures;
        fovea_plan *plan;
        p.strip_rows = 16 * n_threads;
        assert_int_equal(fovea_plan_build(&plan, ctx, WIDTH, HEIGHT, &from.format, &p), FOVEA_OK);
        assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_OK);
        fovea_plan_tile_figures(plan, &figures);
        assert_non_null(figures.deviation);
        if (n_threads > 1)
            assert_memory_equal(figures.deviation, seen, sizeof seen);
        memcpy(seen, figures.deviation, sizeof seen);
        fovea_plan_free(&plan);
        for (int i = 0; i < 4 * N; i++)
            result[i] = (float)out[i] / 255.0f;
        assert_int_equal(fovea_upscale(ctx, &levels, &small, &down, NULL), FOVEA_OK);
        for (int t = 0; t < N_X * N_Y; t++)
            assert_true(fabsf(seen[t] - find_deviation(in, reduced, t)) < 1e-2f);
        fovea_context_free(&ctx);
    }
    assert_true(seen[0] != seen[N_X]); /* tiles one above the other differ, so that a row taken wrong shows */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_is_the_difference_from_the_base),
        cmocka_unit_test(figures_do_not_depend_on_the_machine),
        cmocka_unit_test(deviation_lies_in_its_tile),
        cmocka_unit_test(strength_moves_both),
        cmocka_unit_test(auto_knows_its_errors),
        cmocka_unit_test(every_maker_has_a_sane_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
