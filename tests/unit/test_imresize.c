/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The exact reduction against outputs of tests/reference/imresize.py, which was written from MATLAB's rules alone.
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
#include "fovea/resample.h"

#define MAX_BYTES (200 * 200 * 4)
#define GUARD 64

static fovea_context *ctx;
static uint8_t in_pixels[MAX_BYTES], out_pixels[MAX_BYTES + GUARD];

static int make_context(void **state)
{
    (void)state;
    return fovea_context_create(&ctx, NULL);
}

static int free_context(void **state)
{
    (void)state;
    size_t held = fovi_alloc_held(ctx);
    fovea_context_free(&ctx);
    return held != 0;
}

static struct fovea_image image_of(uint8_t *pixels, int width, int height, int n_channels)
{
    assert_true(width * height * n_channels <= MAX_BYTES);
    return (
        struct fovea_image){ width, height, { FOVEA_SAMPLE_U8, n_channels, 0 }, pixels, (ptrdiff_t)width * n_channels };
}

/* The picture that the expected outputs were made from. */
static struct fovea_image pattern(int width, int height, int n_channels)
{
    struct fovea_image image = image_of(in_pixels, width, height, n_channels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < n_channels; c++)
                in_pixels[(y * width + x) * n_channels + c] = (uint8_t)(x * x * 7 + y * y * 3 + x * y * 5 + c * 50);
    return image;
}

static struct fovea_image reduced(const struct fovea_image *in, double divisor)
{
    memset(out_pixels, 0xa5, sizeof out_pixels);
    struct fovea_image out = image_of(out_pixels, (int)ceil(in->width / divisor), (int)ceil(in->height / divisor),
                                      in->format.n_channels);
    assert_int_equal(fovea_imresize(ctx, in, divisor, &out), FOVEA_OK);
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(out_pixels[out.stride_bytes * out.height + i], 0xa5);
    return out;
}

static uint64_t fnv1a(const uint8_t *bytes, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static void small_pictures_match_the_reference(void **state)
{
    (void)state;
    static const uint8_t half[] = { 4,   51,  157, 146, 141, 148, 145, 26,  104, 152, 119, 127, 116, 120,
                                    75,  153, 124, 122, 114, 93,  91,  160, 129, 131, 131, 101, 91,  111,
                                    171, 114, 129, 148, 108, 114, 172, 86,  90,  122, 171, 108, 161, 141 };
    static const uint8_t third[] = { 18,  130, 142, 139, 139, 84,  139, 118, 103, 96,
                                     158, 127, 127, 98,  116, 110, 115, 145, 133, 160 };
    struct fovea_image in = pattern(13, 11, 1);
    reduced(&in, 2);
    assert_memory_equal(out_pixels, half, sizeof half);
    reduced(&in, 3);
    assert_memory_equal(out_pixels, third, sizeof third);
}

static void hashes_match_the_reference(void **state)
{
    (void)state;
    static const struct {
        int width, height, n_channels;
        double divisor;
        int out_width, out_height;
        uint64_t hash; /* FNV-1a of the output's bytes */
    } cases[] = {
        { 48, 36, 3, 2, 24, 18, 0x80aafcb5d25b41c5u },      { 48, 36, 3, 3, 16, 12, 0x3e9b8367b5a3f028u },
        { 48, 36, 3, 4, 12, 9, 0x75975e6dc5ff390cu },       { 45, 37, 3, 2, 23, 19, 0x0615912f4b377af7u },
        { 45, 37, 3, 3, 15, 13, 0xac3e9b3562c3c602u },      { 45, 37, 4, 4, 12, 10, 0x43721fb200e87da1u },
        { 45, 37, 1, 1.5, 30, 25, 0xf4864cc2c927d5ccu },    { 45, 37, 3, 0.5, 90, 74, 0x4ed7f5fe292e0f98u },
        { 45, 37, 3, 0.25, 180, 148, 0x5ceaaca56e0cddb9u }, { 45, 37, 2, 1, 45, 37, 0xfea8a1c0d1ff9607u },
        { 1, 1, 3, 2, 1, 1, 0xd97cc2186c37cb89u },          { 1, 9, 1, 3, 1, 3, 0xe22fbb18712741d3u },
        { 7, 2, 1, 4, 2, 1, 0x08796d07b52744afu },          { 100, 3, 3, 8, 13, 1, 0xb8f218c08d820d34u },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_image in = pattern(cases[i].width, cases[i].height, cases[i].n_channels);
        struct fovea_image out = reduced(&in, cases[i].divisor);
        assert_int_equal(out.width, cases[i].out_width);
        assert_int_equal(out.height, cases[i].out_height);
        assert_int_equal(fnv1a(out_pixels, (size_t)(out.stride_bytes * out.height)), cases[i].hash);
    }
}

static void same_size_is_the_identity(void **state)
{
    (void)state;
    struct fovea_image in = pattern(33, 21, 3);
    reduced(&in, 1.0);
    assert_memory_equal(out_pixels, in_pixels, 33 * 21 * 3);
}

static void flat_pictures_stay_flat(void **state)
{
    (void)state;
    static const double divisors[] = { 0.3, 0.5, 1.7, 2, 3, 4, 7 };
    static const int values[] = { 0, 1, 127, 254, 255 };
    for (size_t d = 0; d < sizeof divisors / sizeof *divisors; d++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            struct fovea_image in = image_of(in_pixels, 31, 17, 1);
            memset(in_pixels, values[v], 31 * 17);
            struct fovea_image out = reduced(&in, divisors[d]);
            for (int i = 0; i < out.width * out.height; i++)
                assert_int_equal(out_pixels[i], values[v]);
        }
}

/* A hard edge overshoots; the overshoot is clipped after each pass, so it cannot come back in the second one. */
static void overshoot_is_clipped(void **state)
{
    (void)state;
    struct fovea_image in = image_of(in_pixels, 32, 32, 1);
    for (int i = 0; i < 32 * 32; i++)
        in_pixels[i] = i % 32 < 16 ? 0 : 255;
    struct fovea_image out = reduced(&in, 0.5);
    for (int y = 0; y < 64; y++) {
        assert_int_equal(out_pixels[y * out.stride_bytes + 30], 0);
        assert_int_equal(out_pixels[y * out.stride_bytes + 33], 255);
        for (int x = 1; x < 64; x++)
            assert_true(out_pixels[y * out.stride_bytes + x] >= out_pixels[y * out.stride_bytes + x - 1]);
    }
}

static void strides_are_respected(void **state)
{
    (void)state;
    static uint8_t wide_in[21 * 120], wide_out[11 * 90];
    struct fovea_image in = pattern(33, 21, 3), padded_in = in;
    padded_in.data = wide_in + 20 * 120; /* upside down */
    padded_in.stride_bytes = -120;
    for (int y = 0; y < 21; y++)
        memcpy((uint8_t *)padded_in.data + y * padded_in.stride_bytes, in_pixels + (ptrdiff_t)y * 99, 99);
    struct fovea_image out = reduced(&in, 2.0), padded_out = out;
    memset(wide_out, 0x5a, sizeof wide_out);
    padded_out.data = wide_out;
    padded_out.stride_bytes = 90;
    assert_int_equal(fovea_imresize(ctx, &padded_in, 2.0, &padded_out), FOVEA_OK);
    for (int y = 0; y < 11; y++) {
        assert_memory_equal(wide_out + (ptrdiff_t)y * 90, out_pixels + (ptrdiff_t)y * 51, 51);
        for (int i = 51; i < 90; i++)
            assert_int_equal(wide_out[y * 90 + i], 0x5a);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static uint8_t other_pixels[60 * 50 * 3];
    struct fovea_image in = pattern(180, 150, 3), out = reduced(&in, 3.0), other_out = out;
    other_out.data = other_pixels;
    for (int n = 1; n <= 7; n += 2) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = n;
        fovea_context *other = NULL;
        assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
        assert_int_equal(fovea_imresize(other, &in, 3.0, &other_out), FOVEA_OK);
        assert_memory_equal(other_pixels, out_pixels, sizeof other_pixels);
        fovea_context_free(&other);
    }
}

static void refused(const struct fovea_image *in, double divisor, const struct fovea_image *out)
{
    struct fovea_image target = *out;
    assert_int_equal(fovea_imresize(ctx, in, divisor, &target), FOVEA_E_ARG);
    assert_string_not_equal(fovea_last_error(ctx), "");
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    struct fovea_image in = pattern(20, 10, 3), good = image_of(out_pixels, 10, 5, 3), out = good;
    refused(&in, 0.0, &out);
    refused(&in, -2.0, &out);
    refused(&in, (double)NAN, &out);
    refused(&in, (double)INFINITY, &out);
    refused(&in, 3.0, &out);
    out.width = 11;
    refused(&in, 2.0, &out);
    out = good;
    out.height = 4;
    refused(&in, 2.0, &out);
    out = good;
    out.format.n_channels = 1;
    refused(&in, 2.0, &out);
    out = good;
    out.format.sample = FOVEA_SAMPLE_U16;
    refused(&in, 2.0, &out);
    in.format.sample = FOVEA_SAMPLE_F32;
    refused(&in, 2.0, &good);
    in = pattern(20, 10, 3);
    assert_int_equal(fovea_imresize(ctx, &in, 2.0, &good), FOVEA_OK);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    struct fovea_image in = pattern(20, 10, 3), out = image_of(out_pixels, 10, 5, 3);
    for (long n = 1;; n++) {
        fovi_alloc_fail_nth(ctx, n);
        int code = fovea_imresize(ctx, &in, 2.0, &out);
        fovi_alloc_fail_nth(ctx, 0);
        assert_int_equal(fovi_alloc_held(ctx), 0);
        if (code == FOVEA_OK) {
            assert_true(n > 3);
            break;
        }
        assert_int_equal(code, FOVEA_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_pictures_match_the_reference, make_context, free_context),
        cmocka_unit_test_setup_teardown(hashes_match_the_reference, make_context, free_context),
        cmocka_unit_test_setup_teardown(same_size_is_the_identity, make_context, free_context),
        cmocka_unit_test_setup_teardown(flat_pictures_stay_flat, make_context, free_context),
        cmocka_unit_test_setup_teardown(overshoot_is_clipped, make_context, free_context),
        cmocka_unit_test_setup_teardown(strides_are_respected, make_context, free_context),
        cmocka_unit_test_setup_teardown(threads_change_nothing, make_context, free_context),
        cmocka_unit_test_setup_teardown(bad_arguments_are_refused, make_context, free_context),
        cmocka_unit_test_setup_teardown(failing_memory_leaks_nothing, make_context, free_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
