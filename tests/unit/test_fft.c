/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fourier transforms against sums written down anew, for many lengths: fast ones, primes, products of large primes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "xform/fft.h"

enum { MAX_LENGTH = 1100, MAX_PLANE = 64 * 80 };

static fovea_context *ctx;
static struct fovi_complex in[MAX_PLANE], out[MAX_PLANE], again[MAX_PLANE], scratch[8 * MAX_LENGTH];
static double expected[MAX_PLANE][2], partial[MAX_PLANE][2];

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

static void fill(int n, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    for (int i = 0; i < n; i++) {
        in[i].re = (float)(fovi_rng_uniform(&rng) - 0.3);
        in[i].im = (float)(fovi_rng_uniform(&rng) - 0.6);
    }
}

/* to[k * step] = sum of from[j * step] exp(sign 2 pi i j k / n). */
static void direct(double (*from)[2], double (*to)[2], int n, int step, double sign)
{
    for (int k = 0; k < n; k++) {
        double re = 0, im = 0;
        for (int j = 0; j < n; j++) {
            double angle = sign * 6.283185307179586 * (double)((int64_t)j * k % n) / n;
            re += from[j * step][0] * cos(angle) - from[j * step][1] * sin(angle);
            im += from[j * step][0] * sin(angle) + from[j * step][1] * cos(angle);
        }
        to[k * step][0] = re;
        to[k * step][1] = im;
    }
}

static void to_double(int n, double (*to)[2])
{
    for (int i = 0; i < n; i++) {
        to[i][0] = (double)in[i].re;
        to[i][1] = (double)in[i].im;
    }
}

/* The largest error over the root of the length, which is how rounding errors grow. */
static void compare(const struct fovi_complex *result, int n, const char *what)
{
    double worst = 0;
    for (int i = 0; i < n; i++) {
        double error = hypot((double)result[i].re - expected[i][0], (double)result[i].im - expected[i][1]);
        worst = error > worst ? error : worst;
    }
    if (!(worst < 1e-6 * sqrt(n)))
        fail_msg("%s of %d samples: error %g", what, n, worst);
}

static void check_length(int n)
{
    struct fovi_fft fft;
    fill(n, (uint64_t)n);
    for (int is_inverse = 0; is_inverse < 2; is_inverse++) {
        assert_int_equal(fovi_fft_init(ctx, &fft, n, is_inverse), FOVEA_OK);
        assert_true(fft.n_scratch <= sizeof scratch / sizeof *scratch);
        fovi_fft_run(&fft, in, out, scratch);
        to_double(n, partial);
        direct(partial, expected, n, 1, is_inverse ? 1.0 : -1.0);
        compare(out, n, is_inverse ? "inverse transform" : "transform");
        fovi_fft_free(ctx, &fft);
    }
}

static void all_short_lengths_are_right(void **state)
{
    (void)state;
    for (int n = 1; n <= 100; n++)
        check_length(n);
}

static void awkward_lengths_are_right(void **state)
{
    (void)state;
    static const int lengths[] = { 127, 343, 361, 383, 256, 29 * 29, 31 * 31, 1009, 1024, 7 * 149, 2 * 523 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        check_length(lengths[i]);
}

static void the_input_is_kept(void **state)
{
    (void)state;
    static const int lengths[] = { 60, 59 };
    for (int i = 0; i < 2; i++) {
        struct fovi_fft fft;
        fill(lengths[i], 5);
        memcpy(again, in, sizeof in);
        assert_int_equal(fovi_fft_init(ctx, &fft, lengths[i], 0), FOVEA_OK);
        fovi_fft_run(&fft, in, out, scratch);
        assert_memory_equal(again, in, sizeof in);
        fovi_fft_free(ctx, &fft);
    }
}

static void copy_row(void *arg, int y, struct fovi_complex *row)
{
    int width = *(const int *)arg;
    memcpy(row, in + (ptrdiff_t)y * width, (size_t)width * sizeof *row);
}

static void planes_are_right(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 1, 1 },   { 1, 7 },   { 9, 1 },   { 16, 16 }, { 17, 15 },
                                    { 15, 33 }, { 37, 41 }, { 48, 20 }, { 64, 80 }, { 2, 53 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int width = sizes[s][0], height = sizes[s][1], n = width * height;
        struct fovi_fft2 fft;
        fill(n, s + 90);
        for (int is_inverse = 0; is_inverse < 2; is_inverse++) {
            double sign = is_inverse ? 1.0 : -1.0;
            static double middle[MAX_PLANE][2];
            to_double(n, partial);
            for (int y = 0; y < height; y++)
                direct(partial + (ptrdiff_t)y * width, middle + (ptrdiff_t)y * width, width, 1, sign);
            for (int x = 0; x < width; x++)
                direct(middle + x, expected + x, height, width, sign);
            assert_int_equal(fovi_fft2_init(ctx, &fft, width, height, is_inverse), FOVEA_OK);
            fovi_fft2_run(ctx, &fft, copy_row, &width, out);
            compare(out, n, "plane");
            fovi_fft2_free(ctx, &fft);
        }
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    int width = 61, height = 70;
    fill(width * height, 4);
    for (int n = 1; n <= 5; n++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = n;
        fovea_context *other = NULL;
        struct fovi_fft2 fft;
        assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
        assert_int_equal(fovi_fft2_init(other, &fft, width, height, 0), FOVEA_OK);
        fovi_fft2_run(other, &fft, copy_row, &width, n == 1 ? out : again);
        if (n > 1)
            assert_memory_equal(out, again, (size_t)(width * height) * sizeof *out);
        fovi_fft2_free(other, &fft);
        fovea_context_free(&other);
    }
}

static void too_long_is_refused(void **state)
{
    (void)state;
    struct fovi_fft fft;
    struct fovi_fft2 plane;
    assert_int_equal(fovi_fft_init(ctx, &fft, FOVI_FFT_MAX + 1, 0), FOVEA_E_LIMIT);
    assert_int_equal(fovi_fft2_init(ctx, &plane, 3, FOVI_FFT_MAX + 1, 0), FOVEA_E_LIMIT);
    assert_string_not_equal(fovea_last_error(ctx), "");
    fovi_fft_free(ctx, &fft);
    fovi_fft2_free(ctx, &plane);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    struct fovi_fft2 fft;
    for (long n = 1;; n++) {
        fovi_alloc_fail_nth(ctx, n);
        int code = fovi_fft2_init(ctx, &fft, 37, 41, 1);
        fovi_alloc_fail_nth(ctx, 0);
        if (code == FOVEA_OK) {
            assert_true(n > 8);
            break;
        }
        assert_int_equal(code, FOVEA_E_NOMEM);
        assert_int_equal(fovi_alloc_held(ctx), 0);
    }
    fovi_fft2_free(ctx, &fft);
    assert_int_equal(fovi_alloc_held(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_short_lengths_are_right, make_context, free_context),
        cmocka_unit_test_setup_teardown(awkward_lengths_are_right, make_context, free_context),
        cmocka_unit_test_setup_teardown(the_input_is_kept, make_context, free_context),
        cmocka_unit_test_setup_teardown(planes_are_right, make_context, free_context),
        cmocka_unit_test_setup_teardown(threads_change_nothing, make_context, free_context),
        cmocka_unit_test_setup_teardown(too_long_is_refused, make_context, free_context),
        cmocka_unit_test_setup_teardown(failing_memory_leaks_nothing, make_context, free_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
