/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The library as a user has it: documented defaults, what NULL means, error names and sentences, destroyers.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fovea/fovea.h"

static void context_defaults(void **state)
{
    (void)state;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    assert_int_equal(params.api, FOVEA_API_VERSION);
    assert_int_equal(params.n_threads, 0);
    assert_true(params.cpu_mask == FOVEA_CPU_ALL);
    assert_int_equal(params.memory_bytes, 0);
    fovea_context *a = NULL, *b = NULL;
    assert_int_equal(fovea_context_create(&a, NULL), FOVEA_OK);
    assert_int_equal(fovea_context_create(&b, &params), FOVEA_OK);
    assert_true(fovea_context_threads(a) >= 1);
    assert_int_equal(fovea_context_threads(a), fovea_context_threads(b));
    assert_int_equal(fovea_context_cpu(a), fovea_context_cpu(b));
    fovea_context_free(&a);
    fovea_context_free(&b);
}

static void contexts_are_independent(void **state)
{
    (void)state;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *a = NULL, *b = NULL;
    params.n_threads = 3;
    params.cpu_mask = 0;
    assert_int_equal(fovea_context_create(&a, &params), FOVEA_OK);
    params.n_threads = 1;
    params.cpu_mask = FOVEA_CPU_ALL;
    assert_int_equal(fovea_context_create(&b, &params), FOVEA_OK);
    assert_int_equal(fovea_context_threads(a), 3);
    assert_int_equal(fovea_context_cpu(a), 0);
    assert_int_equal(fovea_context_threads(b), 1);
    fovea_context_free(&a);
    assert_string_equal(fovea_last_error(b), "");
    fovea_context_free(&b);
}

static void destroyers_take_null_and_give_null(void **state)
{
    (void)state;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    fovea_context_free(&ctx);
    assert_null(ctx);
    fovea_context_free(&ctx);
    fovea_context_free(NULL);
    fovea_plan *plan = NULL;
    fovea_model *model = NULL;
    struct fovea_map *map = NULL;
    fovea_plan_free(&plan);
    fovea_plan_free(NULL);
    fovea_model_free(&model);
    fovea_model_free(NULL);
    fovea_map_free(&map);
    fovea_map_free(NULL);
}

static void every_error_has_its_own_name(void **state)
{
    (void)state;
    for (int a = FOVEA_E_INTERNAL; a <= FOVEA_OK; a++) {
        assert_non_null(fovea_error_name(a));
        assert_true(strlen(fovea_error_name(a)) > 4);
        for (int b = FOVEA_E_INTERNAL; b < a; b++)
            assert_string_not_equal(fovea_error_name(a), fovea_error_name(b));
    }
    assert_string_equal(fovea_error_name(FOVEA_E_NOMEM), "out of memory");
    assert_string_equal(fovea_error_name(1), fovea_error_name(-1000));
    assert_string_equal(fovea_last_error(NULL), "");
}

static void pixel_sizes(void **state)
{
    (void)state;
    struct fovea_format format = { FOVEA_SAMPLE_U16, 4, 1 };
    assert_int_equal(fovea_sample_bytes(FOVEA_SAMPLE_F32), 4);
    assert_int_equal(fovea_pixel_bytes(&format), 8);
    format.n_channels = FOVEA_MAX_CHANNELS + 1;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
    format.n_channels = 0;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
    format.n_channels = 3;
    format.sample = (enum fovea_sample)99;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
}

#define WIDTH 33
#define HEIGHT 18

/* A small grey picture with something in it; ctx with two threads. */
struct fixture {
    fovea_context *ctx;
    uint8_t pixels[WIDTH * HEIGHT];
    struct fovea_image image;
};

static int setup(void **state)
{
    static struct fixture f;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = 2;
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        f.pixels[i] = (uint8_t)(i % WIDTH * 5 + i / WIDTH * (i % 3) * 4);
    f.image = (struct fovea_image){ WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, 1, 0 }, f.pixels, WIDTH };
    *state = &f;
    return fovea_context_create(&f.ctx, &params);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fovea_context_free(&f->ctx);
    return 0;
}

static void version_is_that_of_the_headers(void **state)
{
    (void)state;
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", FOVEA_VERSION_MAJOR, FOVEA_VERSION_MINOR, FOVEA_VERSION_PATCH);
    assert_string_equal(fovea_version(), text);
}

static void kernels_go_by_name(void **state)
{
    (void)state;
    for (int k = 0; k < FOVEA_N_KERNELS; k++) {
        enum fovea_kernel kernel = (enum fovea_kernel)k;
        assert_non_null(fovea_kernel_name(kernel));
        assert_int_equal(fovea_kernel_find(fovea_kernel_name(kernel)), k);
        assert_true(fovea_kernel_radius(kernel) > 0);
        assert_true(fovea_kernel_value(kernel, fovea_kernel_radius(kernel) + 0.01) == 0);
        assert_true(fovea_kernel_value(kernel, -0.3) == fovea_kernel_value(kernel, 0.3));
    }
    assert_null(fovea_kernel_name((enum fovea_kernel)FOVEA_N_KERNELS));
    assert_int_equal(fovea_kernel_find("sinc"), -1);
}

static void reduction_checks_its_sizes(void **state)
{
    struct fixture *f = *state;
    uint8_t small[17 * 9];
    struct fovea_image out = { 17, 9, { FOVEA_SAMPLE_U8, 1, 0 }, small, 17 };
    assert_int_equal(fovea_imresize(f->ctx, &f->image, 2, &out), FOVEA_OK);
    out.width = 16;
    assert_int_equal(fovea_imresize(f->ctx, &f->image, 2, &out), FOVEA_E_ARG);
    assert_true(strlen(fovea_last_error(f->ctx)) > 10);
    out.width = 17;
    assert_int_equal(fovea_imresize(f->ctx, &f->image, 0, &out), FOVEA_E_ARG);
    assert_int_equal(fovea_imresize(f->ctx, &f->image, NAN, &out), FOVEA_E_ARG);
}

static void metrics_know_equal_pictures(void **state)
{
    struct fixture *f = *state;
    struct fovea_metrics m;
    uint8_t other[WIDTH * HEIGHT];
    struct fovea_image test = f->image;
    assert_int_equal(fovea_metrics_compare(f->ctx, &f->image, &f->image, 2, &m), FOVEA_OK);
    assert_true(m.identical && isinf(m.psnr) && isinf(m.psnr_y) && fabs(m.ssim_y - 1) < 1e-12);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        other[i] = (uint8_t)(f->pixels[i] < 128 ? f->pixels[i] + 5 : f->pixels[i] - 5);
    test.data = other;
    assert_int_equal(fovea_metrics_compare(f->ctx, &f->image, &test, 0, &m), FOVEA_OK);
    assert_true(!m.identical && fabs(m.psnr - 20 * log10(255.0 / 5)) < 1e-9);
    test.width--;
    assert_int_equal(fovea_metrics_compare(f->ctx, &f->image, &test, 0, &m), FOVEA_E_ARG);
    assert_int_equal(fovea_metrics_compare(f->ctx, &f->image, &f->image, 9, &m), FOVEA_E_ARG);
}

static int stop_at_once(void *user, double done)
{
    (void)done;
    ++*(int *)user;
    return 1;
}

static void analysis_makes_a_tile_map(void **state)
{
    struct fixture *f = *state;
    struct fovea_source source = fovea_source_from_image(&f->image);
    struct fovea_map *map = NULL;
    int n_calls = 0;
    struct fovea_progress stop = { stop_at_once, &n_calls };
    assert_int_equal(fovea_analyze(f->ctx, &source, NULL, &map), FOVEA_OK);
    assert_true(map->width == WIDTH && map->height == HEIGHT && map->n_tiles_x == 3 && map->n_tiles_y == 2);
    for (int i = 0; i < 6; i++)
        assert_true(map->tiles[i].difficulty >= 0 && map->tiles[i].difficulty <= 1);
    fovea_map_free(&map);
    assert_null(map);
    assert_int_equal(fovea_analyze(f->ctx, &source, &stop, &map), FOVEA_E_CANCELLED);
    assert_int_equal(n_calls, 1);
    assert_null(map);
}

static void unknown_models_are_refused(void **state)
{
    struct fixture *f = *state;
    fovea_model *model = NULL;
    assert_true(fovea_model_builtin_count() >= 0);
    assert_int_equal(fovea_model_builtin(f->ctx, "nonsense", 2, &model), FOVEA_E_UNSUPPORTED);
    assert_null(model);
    assert_int_equal(fovea_model_load(f->ctx, "no-such-file.safetensors", &model), FOVEA_E_READ);
    assert_non_null(strstr(fovea_last_error(f->ctx), "no-such-file"));
    assert_int_equal(fovea_model_parse(f->ctx, "nonsense", 8, &model), FOVEA_E_FORMAT);
    assert_int_equal(fovea_model_parse(f->ctx, "", 0, &model), FOVEA_E_FORMAT);
    assert_null(model);
}

static void upscale_defaults(void **state)
{
    (void)state;
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    assert_int_equal(params.api, FOVEA_API_VERSION);
    assert_true(params.scale == 2.0 && params.width == 0 && params.height == 0);
    assert_true(params.method == FOVEA_METHOD_AUTO && params.kernel == FOVEA_KERNEL_BICUBIC);
    assert_true(params.network == NULL && params.model == NULL && params.preset == FOVEA_PRESET_BALANCED);
    assert_true(params.max_loss_db == 0.05 && params.budget_ms == 0.0 && params.precision == FOVEA_PRECISION_AUTO);
    assert_true(params.consistency == FOVEA_CONSISTENCY_DEFAULT && params.strip_rows == 0);
}

static void output_sizes_are_rounded(void **state)
{
    struct fixture *f = *state;
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    int w = 0, h = 0;
    assert_int_equal(fovea_output_size(f->ctx, 5, 7, NULL, &w, &h), FOVEA_OK);
    assert_true(w == 10 && h == 14);
    params.scale = 1.5;
    assert_int_equal(fovea_output_size(f->ctx, 5, 7, &params, &w, &h), FOVEA_OK);
    assert_true(w == 8 && h == 11);
    params.scale = 1.0 / 64;
    assert_int_equal(fovea_output_size(f->ctx, 5, 7, &params, &w, &h), FOVEA_OK);
    assert_true(w == 1 && h == 1);
    params.scale = 17;
    assert_int_equal(fovea_output_size(f->ctx, 5, 7, &params, &w, &h), FOVEA_E_ARG);
    assert_non_null(strstr(fovea_last_error(f->ctx), "scale"));
    params.scale = NAN;
    assert_int_equal(fovea_output_size(f->ctx, 5, 7, &params, &w, &h), FOVEA_E_ARG);
}

/* The one call that does everything, with NULL for all that may be NULL; then a plan that runs twice. */
static void pictures_are_enlarged(void **state)
{
    struct fixture *f = *state;
    static uint8_t first[4 * WIDTH * HEIGHT], second[4 * WIDTH * HEIGHT];
    struct fovea_image out = { 2 * WIDTH, 2 * HEIGHT, { FOVEA_SAMPLE_U8, 1, 0 }, first, 2 * WIDTH };
    assert_int_equal(fovea_upscale(f->ctx, &f->image, &out, NULL, NULL), FOVEA_OK);
    struct fovea_source source = fovea_source_from_image(&f->image);
    struct fovea_report report;
    fovea_plan *plan = NULL;
    assert_int_equal(fovea_plan_build(&plan, f->ctx, WIDTH, HEIGHT, &f->image.format, NULL), FOVEA_OK);
    assert_true(fovea_plan_width(plan) == 2 * WIDTH && fovea_plan_height(plan) == 2 * HEIGHT);
    out.data = second;
    for (int run = 0; run < 2; run++) {
        struct fovea_sink sink = fovea_sink_to_image(&out);
        memset(second, 0, sizeof second);
        assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, &report), FOVEA_OK);
        assert_memory_equal(first, second, sizeof first);
    }
    struct fovea_provenance paths;
    fovea_plan_provenance(plan, &paths);
    assert_true(paths.n_tiles_x == 3 && paths.n_tiles_y == 2);
    int64_t n_tiles = 0;
    for (int i = 0; i < FOVEA_N_PATHS; i++)
        n_tiles += report.n_tiles[i];
    assert_int_equal(n_tiles, 6);
    assert_true(report.out_width == 2 * WIDTH && report.scale_x == 2.0 && strcmp(report.method, "auto") == 0);
    fovea_plan_free(&plan);
    assert_null(plan);
    out.width--;
    assert_int_equal(fovea_upscale(f->ctx, &f->image, &out, NULL, NULL), FOVEA_E_ARG);
}

static void runs_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    static uint8_t pixels[4 * WIDTH * HEIGHT];
    struct fovea_image out = { 2 * WIDTH, 2 * HEIGHT, { FOVEA_SAMPLE_U8, 1, 0 }, pixels, 2 * WIDTH };
    struct fovea_source source = fovea_source_from_image(&f->image);
    struct fovea_sink sink = fovea_sink_to_image(&out);
    int n_calls = 0;
    struct fovea_progress stop = { stop_at_once, &n_calls };
    fovea_plan *plan = NULL;
    assert_int_equal(fovea_plan_build(&plan, f->ctx, WIDTH, HEIGHT, &f->image.format, NULL), FOVEA_OK);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, &stop, NULL), FOVEA_E_CANCELLED);
    assert_int_equal(n_calls, 1);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_OK);
    fovea_plan_free(&plan);
}

static void paths_and_stages_have_names(void **state)
{
    (void)state;
    assert_string_equal(fovea_path_name(FOVEA_PATH_CLASSIC), "classic");
    assert_string_equal(fovea_path_name(FOVEA_PATH_FALLBACK), "fallback");
    for (int a = 0; a < FOVEA_N_STAGES; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(fovea_stage_name((enum fovea_stage)a), fovea_stage_name((enum fovea_stage)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_defaults),
        cmocka_unit_test(contexts_are_independent),
        cmocka_unit_test(destroyers_take_null_and_give_null),
        cmocka_unit_test(every_error_has_its_own_name),
        cmocka_unit_test(pixel_sizes),
        cmocka_unit_test(version_is_that_of_the_headers),
        cmocka_unit_test(kernels_go_by_name),
        cmocka_unit_test(reduction_checks_its_sizes),
        cmocka_unit_test(metrics_know_equal_pictures),
        cmocka_unit_test(analysis_makes_a_tile_map),
        cmocka_unit_test(unknown_models_are_refused),
        cmocka_unit_test(upscale_defaults),
        cmocka_unit_test(output_sizes_are_rounded),
        cmocka_unit_test(pictures_are_enlarged),
        cmocka_unit_test(runs_can_be_cancelled),
        cmocka_unit_test(paths_and_stages_have_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
