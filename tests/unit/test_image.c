/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures: conversion of every sample value, luma against double arithmetic, sliding windows, memory sources, sinks.
 */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "image/convert.h"
#include "image/window.h"

#define U16_COUNT 65536

static fovea_context *ctx;

static int setup(void **state)
{
    (void)state;
    return fovea_context_create(&ctx, NULL);
}

static int teardown(void **state)
{
    (void)state;
    size_t held = fovi_alloc_held(ctx);
    fovea_context_free(&ctx);
    return held != 0;
}

static void every_u8_value_survives(void **state)
{
    (void)state;
    const struct fovea_format grey = { FOVEA_SAMPLE_U8, 1, 0 };
    uint8_t in[256], out[256];
    float level[256], *planes[] = { level };
    const float *const back[] = { level };
    for (int i = 0; i < 256; i++)
        in[i] = (uint8_t)i;
    fovi_row_load(&grey, in, 256, planes);
    for (int i = 0; i < 256; i++)
        assert_true(level[i] == (float)i);
    fovi_row_store(&grey, back, 256, out);
    assert_memory_equal(in, out, sizeof in);
}

static void every_u16_value_survives(void **state)
{
    (void)state;
    const struct fovea_format grey = { FOVEA_SAMPLE_U16, 1, 0 };
    uint16_t *in = malloc(2 * U16_COUNT), *out = malloc(2 * U16_COUNT);
    float *level = malloc(U16_COUNT * sizeof *level);
    assert_true(in && out && level);
    float *planes[] = { level };
    const float *const back[] = { level };
    for (int i = 0; i < U16_COUNT; i++)
        in[i] = (uint16_t)i;
    fovi_row_load(&grey, in, U16_COUNT, planes);
    assert_true(level[0] == 0.0f && fabsf(level[U16_COUNT - 1] - 255.0f) < 1e-4f);
    for (int i = 1; i < U16_COUNT; i++)
        assert_true(level[i] > level[i - 1]);
    fovi_row_store(&grey, back, U16_COUNT, out);
    assert_memory_equal(in, out, 2 * U16_COUNT);
    free(in);
    free(out);
    free(level);
}

/* Float samples outside 0..1 stay; the way there and back is a multiplication and a division, each rounded once. */
static void float_samples_keep_their_range(void **state)
{
    (void)state;
    const struct fovea_format grey = { FOVEA_SAMPLE_F32, 1, 0 };
    enum { N = 1000 };
    float in[N], level[N], out[N], *planes[] = { level };
    const float *const back[] = { level };
    struct fovi_rng rng = { 5 };
    for (int i = 0; i < N; i++)
        in[i] = (float)(fovi_rng_uniform(&rng) * 20.0 - 10.0);
    in[0] = 0.0f;
    in[1] = 1.0f;
    fovi_row_load(&grey, in, N, planes);
    fovi_row_store(&grey, back, N, out);
    assert_true(out[0] == 0.0f && level[1] == 255.0f && out[1] == 1.0f);
    for (int i = 0; i < N; i++)
        assert_true(fabsf(out[i] - in[i]) <= 2.4e-7f * fabsf(in[i]));
}

static void integers_are_rounded_and_clipped(void **state)
{
    (void)state;
    const struct fovea_format u8 = { FOVEA_SAMPLE_U8, 1, 0 }, u16 = { FOVEA_SAMPLE_U16, 1, 0 };
    static const float level[] = { NAN,  -INFINITY, -3.0f,  -0.4f,  0.49f, 0.5f,
                                   1.5f, 254.49f,   254.5f, 255.4f, 1e30f, INFINITY };
    static const uint8_t want[] = { 0, 0, 0, 0, 0, 1, 2, 254, 255, 255, 255, 255 };
    enum { N = sizeof level / sizeof *level };
    const float *const planes[] = { level };
    uint8_t out8[N];
    uint16_t out16[N];
    fovi_row_store(&u8, planes, N, out8);
    assert_memory_equal(out8, want, sizeof want);
    fovi_row_store(&u16, planes, N, out16);
    assert_int_equal(out16[0], 0);
    assert_int_equal(out16[2], 0);
    assert_int_equal(out16[5], 129); /* .5 / 255 * 65535 = 128.5 */
    assert_int_equal(out16[9], 65535);
    assert_int_equal(out16[N - 1], 65535);
}

static void channels_are_taken_apart_and_put_together(void **state)
{
    (void)state;
    enum { W = 7 };
    static const int channels[] = { 1, 2, 3, 4, 5, FOVEA_MAX_CHANNELS };
    for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
        int n = channels[k];
        const struct fovea_format format = { FOVEA_SAMPLE_U8, n, 0 };
        uint8_t in[W * FOVEA_MAX_CHANNELS], out[W * FOVEA_MAX_CHANNELS + 1];
        float level[FOVEA_MAX_CHANNELS][W];
        float *planes[FOVEA_MAX_CHANNELS];
        const float *back[FOVEA_MAX_CHANNELS];
        for (int i = 0; i < W * n; i++)
            in[i] = (uint8_t)(i * 37 + 11);
        for (int c = 0; c < n; c++)
            back[c] = planes[c] = level[c];
        memset(out, 0xee, sizeof out);
        fovi_row_load(&format, in, W, planes);
        assert_true(level[n - 1][W - 1] == (float)in[W * n - 1]);
        fovi_row_store(&format, back, W, out);
        assert_memory_equal(in, out, (size_t)(W * n));
        assert_int_equal(out[W * n], 0xee);
    }
}

static void luma_is_bt601_studio(void **state)
{
    (void)state;
    enum { N = 512 };
    float rgb[3][N], luma[N];
    const float *const planes[] = { rgb[0], rgb[1], rgb[2] };
    struct fovi_rng rng = { 9 };
    for (int i = 0; i < N; i++)
        for (int c = 0; c < 3; c++)
            rgb[c][i] = (float)fovi_rng_below(&rng, 256);
    for (int c = 0; c < 3; c++) {
        rgb[c][0] = 0.0f;
        rgb[c][1] = 255.0f;
    }
    fovi_row_luma(planes, 3, N, luma);
    assert_true(fabsf(luma[0] - 16.0f) < 1e-4f && fabsf(luma[1] - 235.0f) < 1e-4f);
    for (int i = 0; i < N; i++) {
        double want = 16.0 + (65.481 * rgb[0][i] + 128.553 * rgb[1][i] + 24.966 * rgb[2][i]) / 255.0;
        assert_true(fabs(luma[i] - want) < 5e-5);
    }
}

static void luma_of_other_channels_is_their_mean(void **state)
{
    (void)state;
    float a[] = { 1, 2, 250.25f }, b[] = { 3, 2, 0.25f }, luma[3];
    const float *const planes[] = { a, b };
    fovi_row_luma(planes, 1, 3, luma);
    assert_memory_equal(luma, a, sizeof a);
    fovi_row_luma(planes, 2, 3, luma);
    assert_true(luma[0] == 2.0f && luma[1] == 2.0f && luma[2] == 125.25f);
}

static void formats_are_checked(void **state)
{
    (void)state;
    static const struct fovea_format good[] = { { FOVEA_SAMPLE_U8, 1, 0 },
                                                { FOVEA_SAMPLE_F32, 32, 1 },
                                                { FOVEA_SAMPLE_U16, 2, 1 } };
    static const struct fovea_format bad[] = { { FOVEA_SAMPLE_U8, 0, 0 },
                                               { FOVEA_SAMPLE_U8, 33, 0 },
                                               { FOVEA_SAMPLE_U8, -1, 0 },
                                               { FOVEA_SAMPLE_U8, 1, 1 },
                                               { (enum fovea_sample)7, 3, 0 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(fovi_format_check(ctx, &good[i]), FOVEA_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fovi_format_check(ctx, &bad[i]), FOVEA_E_ARG);
        assert_true(strlen(fovea_last_error(ctx)) > 10);
    }
    assert_int_equal(fovea_sample_bytes(FOVEA_SAMPLE_U8), 1);
    assert_int_equal(fovea_sample_bytes(FOVEA_SAMPLE_U16), 2);
    assert_int_equal(fovea_sample_bytes(FOVEA_SAMPLE_F32), 4);
    assert_int_equal(fovea_sample_bytes((enum fovea_sample)3), 0);
    assert_int_equal(fovea_pixel_bytes(&good[1]), 128);
    assert_int_equal(fovea_pixel_bytes(&bad[1]), 0);
}

/* Push rows by uneven steps through a small window: the valid rows always hold what was written to them. */
static void windows_keep_the_latest_rows(void **state)
{
    (void)state;
    static const int steps[] = { 1, 2, 3, 1, 5, 4 };
    enum { W = 19, H = 41, P = 2, CAP = 7 };
    struct fovi_window w;
    assert_int_equal(fovi_window_init(ctx, &w, W, H, P, CAP), FOVEA_OK);
    assert_int_equal(w.capacity, CAP);
    assert_int_equal(w.stride % 16, 0);
    assert_true(w.stride >= W + 2 * FOVI_WINDOW_PAD);
    assert_ptr_equal(fovi_window_row_clamped(&w, 0, -3), fovi_window_row(&w, 0, 0));
    for (int i = 0; w.y1 < H; i++) {
        int n = steps[i % 6] < H - w.y1 ? steps[i % 6] : H - w.y1;
        for (int y = w.y1; y < w.y1 + n; y++)
            for (int p = 0; p < P; p++)
                for (int x = -FOVI_WINDOW_PAD; x < W + FOVI_WINDOW_PAD; x++)
                    fovi_window_row(&w, p, y)[x] = (float)(p * 100000 + y * 1000 + x);
        fovi_window_push(&w, n);
        assert_true(w.y1 - w.y0 <= CAP && w.y0 == (w.y1 > CAP ? w.y1 - CAP : 0));
        for (int y = w.y0; y < w.y1; y++)
            for (int p = 0; p < P; p++)
                for (int x = 0; x < W; x++)
                    assert_true(fovi_window_row(&w, p, y)[x] == (float)(p * 100000 + y * 1000 + x));
    }
    assert_ptr_equal(fovi_window_row_clamped(&w, 1, H + 5), fovi_window_row(&w, 1, H - 1));
    fovi_window_reset(&w);
    assert_true(w.y0 == 0 && w.y1 == 0);
    fovi_window_free(ctx, &w);
    assert_null(w.data);
    fovi_window_free(ctx, &w);
}

static void windows_fail_cleanly(void **state)
{
    (void)state;
    struct fovi_window w;
    assert_int_equal(fovi_window_init(ctx, &w, 10, 3, 1, 99), FOVEA_OK);
    assert_int_equal(w.capacity, 3);
    fovi_window_free(ctx, &w);
    fovi_alloc_fail_nth(ctx, 1);
    assert_int_equal(fovi_window_init(ctx, &w, 10, 10, 1, 4), FOVEA_E_NOMEM);
    assert_null(w.data);
    fovi_window_free(ctx, &w);
    assert_int_equal(fovi_window_init(ctx, &w, INT_MAX / 2, INT_MAX, INT_MAX, INT_MAX), FOVEA_E_NOMEM);
    fovi_window_free(ctx, &w);
}

/* Strides that are larger than a row, and negative ones (a picture stored upside down). */
static void memory_pictures_are_sources_and_sinks(void **state)
{
    (void)state;
    enum { W = 5, H = 6, BYTES = W * 3, STRIDE = 32 };
    uint8_t in[STRIDE * H], out[STRIDE * H], rows[2 * 40];
    for (int i = 0; i < STRIDE * H; i++)
        in[i] = (uint8_t)(i * 7);
    memset(out, 0, sizeof out);
    struct fovea_image a = { W, H, { FOVEA_SAMPLE_U8, 3, 0 }, in, STRIDE };
    struct fovea_image b = { W, H, { FOVEA_SAMPLE_U8, 3, 0 }, out + STRIDE * (H - 1), -STRIDE };
    struct fovea_source source = fovea_source_from_image(&a);
    struct fovea_sink sink = fovea_sink_to_image(&b);
    assert_true(source.width == W && source.height == H && source.format.n_channels == 3);
    for (int y = 0; y < H; y += 2) {
        assert_int_equal(source.read(source.user, y, 2, rows, 40), FOVEA_OK);
        assert_int_equal(sink.write(sink.user, y, 2, rows, 40), FOVEA_OK);
    }
    for (int y = 0; y < H; y++) {
        assert_memory_equal(in + y * STRIDE, out + (H - 1 - y) * STRIDE, BYTES);
        assert_int_equal(out[y * STRIDE + BYTES], 0);
    }
    assert_non_null(source.rewind);
    assert_int_equal(source.rewind(source.user), FOVEA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_u8_value_survives),
        cmocka_unit_test(every_u16_value_survives),
        cmocka_unit_test(float_samples_keep_their_range),
        cmocka_unit_test(integers_are_rounded_and_clipped),
        cmocka_unit_test(channels_are_taken_apart_and_put_together),
        cmocka_unit_test(luma_is_bt601_studio),
        cmocka_unit_test(luma_of_other_channels_is_their_mean),
        cmocka_unit_test(formats_are_checked),
        cmocka_unit_test(windows_keep_the_latest_rows),
        cmocka_unit_test(windows_fail_cleanly),
        cmocka_unit_test(memory_pictures_are_sources_and_sinks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
