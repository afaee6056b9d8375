/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ERGAS, SAM and CIEDE2000: against published pairs of colours, their definitions written down anew, and values that
 * are known by hand.
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
#include "fovea/metrics.h"
#include "metrics/delta_e.h"

enum { WIDTH = 37, HEIGHT = 150, BANDS = 7 };

static const double pi = 3.14159265358979323846;

static fovea_context *ctx;
static float samples_a[WIDTH * HEIGHT * BANDS], samples_b[WIDTH * HEIGHT * BANDS];

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

static void close_to(double value, double expected, double limit)
{
    if (!(fabs(value - expected) <= limit))
        fail_msg("%.9g is not %.9g", value, expected);
}

static struct fovea_image image_of(void *data, enum fovea_sample sample, int n_channels, int has_alpha)
{
    struct fovea_image image = { WIDTH, HEIGHT, { sample, n_channels, has_alpha }, data, 0 };
    image.stride_bytes = (ptrdiff_t)(fovea_pixel_bytes(&image.format) * WIDTH);
    return image;
}

static void fill_random(float *a, float *b, int n, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    for (int i = 0; i < n; i++) {
        a[i] = (float)fovi_rng_uniform(&rng);
        b[i] = a[i] + 0.1f * (float)(fovi_rng_uniform(&rng) - 0.5);
    }
}

static struct fovea_metrics compare(const struct fovea_image *a, const struct fovea_image *b, double ratio)
{
    struct fovea_metrics_params params = FOVEA_METRICS_DEFAULTS;
    struct fovea_metrics m;
    params.ergas_ratio = ratio;
    assert_int_equal(fovea_metrics_compare_with(ctx, a, b, &params, &m), FOVEA_OK);
    return m;
}

/* The test data of Sharma, Wu, Dalal 2005, table 1. */
static const double pairs[][7] = {
    { 50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425 },
    { 50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615 },
    { 50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412 },
    { 50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000 },
    { 50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000 },
    { 50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000 },
    { 50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669 },
    { 50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669 },
    { 50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792 },
    { 50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792 },
    { 50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195 },
    { 50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195 },
    { 50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045 },
    { 50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045 },
    { 50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461 },
    { 50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065 },
    { 50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492 },
    { 50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977 },
    { 50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030 },
    { 50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535 },
    { 50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000 },
    { 50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000 },
    { 50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000 },
    { 50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000 },
    { 60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644 },
    { 63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630 },
    { 61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731 },
    { 35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645 },
    { 22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373 },
    { 36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146 },
    { 90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441 },
    { 90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381 },
    { 6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377 },
    { 2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082 },
};

static void ciede2000_matches_the_published_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct fovi_lab p = { pairs[i][0], pairs[i][1], pairs[i][2] }, q = { pairs[i][3], pairs[i][4], pairs[i][5] };
        close_to(fovi_ciede2000(p, q), pairs[i][6], 5.01e-5);
        close_to(fovi_ciede2000(q, p), pairs[i][6], 5.01e-5);
        close_to(fovi_ciede2000(p, p), 0.0, 0.0);
    }
}

static void check_lab(double red, double green, double blue, double l, double a, double b)
{
    struct fovi_lab lab = fovi_lab_from_linear(red, green, blue);
    close_to(lab.l, l, 1e-3);
    close_to(lab.a, a, 4e-2);
    close_to(lab.b, b, 4e-2);
}

static void lab_of_the_primaries(void **state)
{
    (void)state;
    check_lab(0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    check_lab(1.0, 1.0, 1.0, 100.0, 0.0, 0.0);
    check_lab(1.0, 0.0, 0.0, 53.2329, 80.109, 67.220);
    check_lab(0.0, 1.0, 0.0, 87.7370, -86.185, 83.181);
    check_lab(0.0, 0.0, 1.0, 32.3026, 79.197, -107.864);
}

/* Pictures of two flat colours differ by the difference of those, in each depth; every second pixel: by half of it. */
static void delta_e_of_pictures(void **state)
{
    (void)state;
    static uint8_t bytes[2][WIDTH * HEIGHT * 3];
    static const uint8_t colors[2][3] = { { 200, 30, 60 }, { 190, 40, 80 } };
    double linear[2][3], expected;
    for (int i = 0; i < 6; i++) {
        double v = colors[i / 3][i % 3] / 255.0;
        linear[i / 3][i % 3] = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    }
    expected = fovi_ciede2000(fovi_lab_from_linear(linear[0][0], linear[0][1], linear[0][2]),
                              fovi_lab_from_linear(linear[1][0], linear[1][1], linear[1][2]));
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++) {
        bytes[0][i] = colors[0][i % 3];
        bytes[1][i] = colors[i / 3 % 2][i % 3];
        samples_a[i] = (float)colors[0][i % 3] / 255.0f;
        samples_b[i] = (float)colors[i / 3 % 2][i % 3] / 255.0f;
    }
    double share = (double)(WIDTH * HEIGHT / 2) / (WIDTH * HEIGHT);
    struct fovea_image a = image_of(bytes[0], FOVEA_SAMPLE_U8, 3, 0), b = image_of(bytes[1], FOVEA_SAMPLE_U8, 3, 0);
    close_to(compare(&a, &b, 1.0).delta_e, expected * share, 1e-9);
    close_to(compare(&a, &a, 1.0).delta_e, 0.0, 0.0);
    a = image_of(samples_a, FOVEA_SAMPLE_F32, 3, 0);
    b = image_of(samples_b, FOVEA_SAMPLE_F32, 3, 0);
    close_to(compare(&a, &b, 1.0).delta_e, expected * share, 1e-5);
    a.format.n_channels = b.format.n_channels = 1;
    a.stride_bytes = b.stride_bytes = WIDTH * sizeof(float);
    assert_true(isnan(compare(&a, &b, 1.0).delta_e));
}

static void bands_match_the_definitions(void **state)
{
    (void)state;
    fill_random(samples_a, samples_b, WIDTH * HEIGHT * BANDS, 11);
    struct fovea_image a = image_of(samples_a, FOVEA_SAMPLE_F32, BANDS, 0);
    struct fovea_image b = image_of(samples_b, FOVEA_SAMPLE_F32, BANDS, 0);
    double sum = 0.0, angle = 0.0;
    for (int k = 0; k < BANDS; k++) {
        double mse = 0.0, mean = 0.0;
        for (int i = k; i < WIDTH * HEIGHT * BANDS; i += BANDS) {
            mse += pow((double)samples_a[i] - (double)samples_b[i], 2.0) / (WIDTH * HEIGHT);
            mean += (double)samples_a[i] / (WIDTH * HEIGHT);
        }
        sum += mse / (mean * mean) / BANDS;
    }
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        double aa = 0.0, bb = 0.0, ab = 0.0;
        for (int k = 0; k < BANDS; k++) {
            double p = (double)samples_a[i * BANDS + k], q = (double)samples_b[i * BANDS + k];
            aa += p * p, bb += q * q, ab += p * q;
        }
        angle += acos(ab / sqrt(aa * bb)) * 180.0 / pi / (WIDTH * HEIGHT);
    }
    struct fovea_metrics m = compare(&a, &b, 0.25);
    close_to(m.ergas, 25.0 * sqrt(sum), 1e-4);
    close_to(m.sam, angle, 1e-4);
    close_to(compare(&a, &b, 1.0).ergas, 100.0 * sqrt(sum), 4e-4);
    m = compare(&a, &a, 1.0);
    assert_true(m.identical && m.ergas == 0.0 && m.sam == 0.0);
    /* As alpha, the last band does not count. */
    struct fovea_metrics less;
    a.format.has_alpha = b.format.has_alpha = 1;
    less = compare(&a, &b, 1.0);
    for (int i = BANDS - 1; i < WIDTH * HEIGHT * BANDS; i += BANDS)
        samples_b[i] = 0.0f;
    assert_true(compare(&a, &b, 1.0).sam == less.sam && compare(&a, &b, 1.0).ergas == less.ergas);
}

/* Twice as bright is the same spectrum; one band alone is none. Right angles are 90 degrees. */
static void what_is_known_by_hand(void **state)
{
    (void)state;
    fill_random(samples_a, samples_b, WIDTH * HEIGHT * 4, 5);
    for (int i = 0; i < WIDTH * HEIGHT * 4; i++)
        samples_b[i] = 2.0f * samples_a[i];
    struct fovea_image a = image_of(samples_a, FOVEA_SAMPLE_F32, 4, 0), b = image_of(samples_b, FOVEA_SAMPLE_F32, 4, 0);
    close_to(compare(&a, &b, 1.0).sam, 0.0, 1e-5);
    a.format.n_channels = b.format.n_channels = 1;
    assert_true(isnan(compare(&a, &b, 1.0).sam));
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        samples_a[2 * i] = samples_b[2 * i + 1] = 0.5f;
        samples_a[2 * i + 1] = samples_b[2 * i] = 0.0f;
    }
    a = image_of(samples_a, FOVEA_SAMPLE_F32, 2, 0), b = image_of(samples_b, FOVEA_SAMPLE_F32, 2, 0);
    close_to(compare(&a, &b, 1.0).sam, 90.0, 1e-9);
    /* A band that is 0 in the reference: equal, it does not count, else ERGAS has no bound. */
    assert_true(isinf(compare(&a, &b, 1.0).ergas));
    assert_true(compare(&a, &a, 1.0).ergas == 0.0);
    /* Black has no direction. */
    samples_b[0] = samples_b[1] = 0.0f;
    close_to(compare(&a, &b, 1.0).sam, 90.0, 1e-9);
    memset(samples_b, 0, sizeof samples_b);
    assert_true(isnan(compare(&a, &b, 1.0).sam));
}

static void threads_change_nothing(void **state)
{
    (void)state;
    fill_random(samples_a, samples_b, WIDTH * HEIGHT * BANDS, 3);
    for (int n = 3; n <= BANDS; n += BANDS - 3) {
        struct fovea_image a = image_of(samples_a, FOVEA_SAMPLE_F32, n, 0);
        struct fovea_image b = image_of(samples_b, FOVEA_SAMPLE_F32, n, 0);
        struct fovea_metrics first = compare(&a, &b, 1.0);
        for (int threads = 1; threads <= 5; threads += 2) {
            struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
            struct fovea_metrics m;
            fovea_context *other;
            params.n_threads = threads;
            assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
            assert_int_equal(fovea_metrics_compare_with(other, &a, &b, NULL, &m), FOVEA_OK);
            fovea_context_free(&other);
            assert_true(m.ergas == first.ergas && m.sam == first.sam);
            assert_true(n == 3 ? m.delta_e == first.delta_e && m.delta_e > 0.0 : isnan(m.delta_e));
        }
    }
}

static void errors(void **state)
{
    (void)state;
    fill_random(samples_a, samples_b, WIDTH * HEIGHT * 3, 1);
    struct fovea_image a = image_of(samples_a, FOVEA_SAMPLE_F32, 3, 0), b = image_of(samples_b, FOVEA_SAMPLE_F32, 3, 0);
    struct fovea_metrics_params params = FOVEA_METRICS_DEFAULTS;
    struct fovea_metrics m;
    static const double bad[] = { 0.0, -1.0, (double)NAN, HUGE_VAL };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        params.ergas_ratio = bad[i];
        assert_int_equal(fovea_metrics_compare_with(ctx, &a, &b, &params, &m), FOVEA_E_ARG);
    }
    params.ergas_ratio = 1.0;
    params.wanted = FOVEA_METRIC_SPECTRAL | FOVEA_METRIC_DELTA_E;
    int n = 1;
    for (int code = FOVEA_E_NOMEM; code != FOVEA_OK; n++) {
        fovi_alloc_fail_nth(ctx, n);
        code = fovea_metrics_compare_with(ctx, &a, &b, &params, &m);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
    }
    assert_true(n > 6);
    fovi_alloc_fail_nth(ctx, 0);
    /* What is not finite is not measured. */
    samples_a[7] = (float)NAN;
    m = compare(&a, &b, 1.0);
    assert_true(isnan(m.ergas) && isnan(m.sam) && isnan(m.delta_e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciede2000_matches_the_published_pairs),
        cmocka_unit_test(lab_of_the_primaries),
        cmocka_unit_test(delta_e_of_pictures),
        cmocka_unit_test(bands_match_the_definitions),
        cmocka_unit_test(what_is_known_by_hand),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
