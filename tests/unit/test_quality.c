/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sharpness, noise and blockiness on drawn pictures: they follow blur, noise of known strength and quantised blocks.
 * And shifts between pictures.
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

enum { SIDE = 256, LARGE = 1300 };

static const double pi = 3.14159265358979323846;

static fovea_context *ctx;
static float plane[LARGE * LARGE], other[LARGE * LARGE], work[SIDE * SIDE];

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

static struct fovea_image grey_image(float *data, int width, int height, int pitch)
{
    return (struct fovea_image){ width, height, { FOVEA_SAMPLE_F32, 1, 0 }, data, pitch * (ptrdiff_t)sizeof(float) };
}

static struct fovea_quality measure(float *data, int width, int height)
{
    struct fovea_quality q;
    struct fovea_image image = grey_image(data, width, height, SIDE);
    assert_int_equal(fovea_metrics_quality(ctx, &image, &q), FOVEA_OK);
    return q;
}

/* Discs with hard edges on soft shading, in levels of 255. */
static double scene(double x, double y)
{
    double v = 110.0 + 40.0 * sin(0.02 * x + 0.013 * y);
    for (int i = 0; i < 8; i++)
        if (hypot(x - 20.0 - 67.0 * (i % 4), y - 40.0 - 110.0 * (i / 4)) < 12.0 + 2.0 * i)
            v += i % 2 ? 50.0 : -45.0;
    return v;
}

static void draw(float *out)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        out[i] = (float)(scene(i % SIDE, i / SIDE) / 255.0);
}

static double normal(struct fovi_rng *rng)
{
    double u = fovi_rng_uniform(rng), v = fovi_rng_uniform(rng);
    return sqrt(-2.0 * log(1.0 - u)) * cos(2.0 * pi * v);
}

/* Gaussian blur with clamped edges; `a` to `a`, by way of `work`. */
static void blur(float *a, double sigma)
{
    for (int axis = 0; axis < 2; axis++) {
        for (int i = 0; i < SIDE * SIDE; i++) {
            double sum = 0.0, norm = 0.0;
            for (int k = -12; k <= 12; k++) {
                int x = i % SIDE + (axis ? 0 : k), y = i / SIDE + (axis ? k : 0);
                double w = exp(-k * k / (2.0 * sigma * sigma));
                x = x < 0 ? 0 : x >= SIDE ? SIDE - 1 : x;
                y = y < 0 ? 0 : y >= SIDE ? SIDE - 1 : y;
                sum += w * (double)a[y * SIDE + x];
                norm += w;
            }
            work[i] = (float)(sum / norm);
        }
        memcpy(a, work, sizeof work);
    }
}

static void sharpness_falls_with_blur(void **state)
{
    (void)state;
    static const double sigmas[] = { 0.6, 1.0, 1.5, 2.2, 3.5 };
    draw(plane);
    double last = measure(plane, SIDE, SIDE).sharpness;
    assert_true(last > 0.3 && last <= 1.0);
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        draw(plane);
        blur(plane, sigmas[i]);
        double now = measure(plane, SIDE, SIDE).sharpness;
        assert_true(now < last - 0.03 && now > 0.0);
        last = now;
    }
    assert_true(last < 0.1);
    /* Contrast is no sharpness. */
    draw(plane);
    for (int i = 0; i < SIDE * SIDE; i++)
        other[i] = 0.25f + 0.5f * plane[i];
    close_to(measure(other, SIDE, SIDE).sharpness, measure(plane, SIDE, SIDE).sharpness, 1e-5);
}

/* The smaller sharpness of both directions: a blur across a row alone shows. */
static void sharpness_of_one_direction(void **state)
{
    (void)state;
    draw(plane);
    double sharp = measure(plane, SIDE, SIDE).sharpness;
    for (int turned = 0; turned < 2; turned++) {
        draw(plane);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                double sum = 0.0;
                for (int k = 0; k < 7; k++)
                    sum += turned ? scene(y + k, x) : scene(x + k, y);
                plane[turned ? x * SIDE + y : y * SIDE + x] = (float)(sum / 7.0 / 255.0);
            }
        assert_true(measure(plane, SIDE, SIDE).sharpness < sharp - 0.2);
    }
}

/* Steps and what windows of 9 leave of them, written down plainly. */
static void sharpness_matches_the_definition(void **state)
{
    (void)state;
    struct fovi_rng rng = { 9 };
    int width = 83, height = 141;
    for (int i = 0; i < SIDE * SIDE; i++)
        plane[i] = (float)fovi_rng_uniform(&rng);
    double left[2] = { 0, 0 }, all[2] = { 0, 0 };
    for (int axis = 0; axis < 2; axis++) {
        int step = axis ? SIDE : 1;
        for (int y = axis ? 5 : 0; y < (axis ? height - 4 : height); y++)
            for (int x = axis ? 0 : 5; x < (axis ? width : width - 4); x++) {
                const float *p = plane + y * SIDE + x;
                double here = 0, before = 0;
                for (int k = -4; k <= 4; k++)
                    here += (double)p[k * step] / 9.0, before += (double)p[(k - 1) * step] / 9.0;
                double d = fabs((double)p[0] - (double)p[-step]), smooth = fabs(here - before);
                all[axis] += d;
                left[axis] += d - smooth > 0.0 ? d - smooth : 0.0;
            }
    }
    double across = left[0] / all[0], down = left[1] / all[1];
    close_to(measure(plane, width, height).sharpness, across < down ? across : down, 1e-5);
}

static void noise_is_found(void **state)
{
    (void)state;
    static const double sigmas[] = { 0.0, 1.0, 2.0, 5.0, 10.0, 20.0 };
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        struct fovi_rng rng = { 77 + i };
        draw(plane);
        blur(plane, 0.8);
        for (int k = 0; k < SIDE * SIDE; k++)
            plane[k] += (float)(sigmas[i] / 255.0 * normal(&rng));
        close_to(measure(plane, SIDE, SIDE).noise, sigmas[i], 0.1 + 0.04 * sigmas[i]);
    }
}

/* A mask's response to a chequerboard of +-9 levels is 16 x 9 everywhere, which normal noise of this much would have as
 * its median. */
static void noise_has_its_scale(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        plane[i] = (float)((100.0 + ((i % SIDE + i / SIDE) % 2 ? 9.0 : -9.0)) / 255.0);
    close_to(measure(plane, SIDE, SIDE).noise, 144.0 / (0.67448975 * 6.0), 0.01);
}

/* Steps of 10 levels on the lines of the grid and none elsewhere: (10 + 1/4) / (0 + 1/4). */
static void blockiness_of_flat_blocks(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        plane[i] = (float)((100.0 + ((i % SIDE / 8 + i / SIDE / 8) % 2 ? 5.0 : -5.0)) / 255.0);
    close_to(measure(plane, SIDE, SIDE).blockiness, 41.0, 0.01);
}

/* 8x8 blocks through the cosine transform, quantised as JPEG does it with one step for all. */
static void quantise(float *a, double step)
{
    double c[8][8];
    for (int u = 0; u < 8; u++)
        for (int x = 0; x < 8; x++)
            c[u][x] = (u ? 0.5 : sqrt(0.125)) * cos((2 * x + 1) * u * pi / 16.0);
    for (int by = 0; by < SIDE; by += 8)
        for (int bx = 0; bx < SIDE; bx += 8) {
            double t[8][8], f[8][8];
            for (int pass = 0; pass < 4; pass++) {
                for (int i = 0; i < 8; i++)
                    for (int j = 0; j < 8; j++) {
                        double sum = 0.0;
                        for (int k = 0; k < 8; k++)
                            sum += pass == 0   ? c[j][k] * (double)a[(by + i) * SIDE + bx + k] * 255.0
                                   : pass == 1 ? c[i][k] * t[k][j]
                                   : pass == 2 ? c[k][j] * f[i][k]
                                               : c[k][i] * t[k][j];
                        if (pass == 1)
                            f[i][j] = step * floor(sum / step + 0.5);
                        else if (pass == 3)
                            a[(by + i) * SIDE + bx + j] = (float)(sum / 255.0);
                        else
                            f[i][j] = pass ? f[i][j] : sum;
                        if (pass == 2)
                            t[i][j] = sum;
                    }
                if (pass == 0)
                    memcpy(t, f, sizeof t);
            }
        }
}

static void blockiness_follows_the_quantiser(void **state)
{
    (void)state;
    static const double steps[] = { 10.0, 20.0, 40.0, 80.0 };
    draw(plane);
    blur(plane, 1.0);
    double last = measure(plane, SIDE, SIDE).blockiness;
    close_to(last, 1.0, 0.05);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        draw(plane);
        blur(plane, 1.0);
        quantise(plane, steps[i]);
        double now = measure(plane, SIDE, SIDE).blockiness;
        assert_true(now > last * 1.03);
        last = now;
        /* Cut off the grid there is next to none to be seen. */
        assert_true(measure(plane + 4 * SIDE + 4, SIDE - 4, SIDE - 4).blockiness < 1.1);
    }
    assert_true(last > 2.0);
}

static void small_flat_and_odd_pictures(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        plane[i] = 0.5f;
    struct fovea_quality q = measure(plane, SIDE, SIDE);
    assert_true(isnan(q.sharpness) && q.noise == 0.0 && q.blockiness == 1.0);
    draw(plane);
    for (int side = 1; side < 20; side++) {
        q = measure(plane, side, 100);
        assert_int_equal(isnan(q.sharpness), side < 10);
        assert_int_equal(isnan(q.noise), side < 3);
        assert_int_equal(isnan(q.blockiness), side < 16);
        q = measure(plane, 100, side);
        assert_int_equal(isnan(q.sharpness), side < 10);
        assert_int_equal(isnan(q.noise), side < 3);
        assert_int_equal(isnan(q.blockiness), side < 16);
    }
    plane[50 * SIDE + 50] = (float)NAN;
    q = measure(plane, SIDE, SIDE);
    assert_true(isnan(q.sharpness) && isnan(q.noise) && isnan(q.blockiness));
    struct fovea_image image = grey_image(NULL, 8, 8, 8);
    assert_int_equal(fovea_metrics_quality(ctx, &image, &q), FOVEA_E_ARG);
    struct fovea_shift shift;
    assert_int_equal(fovea_metrics_shift(ctx, &image, &image, &shift), FOVEA_E_ARG);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    struct fovi_rng rng = { 4 };
    draw(plane);
    for (int i = 0; i < SIDE * SIDE; i++)
        plane[i] += (float)(0.01 * normal(&rng));
    struct fovea_image image = grey_image(plane, SIDE, SIDE, SIDE), part = grey_image(plane + 3, 200, 190, SIDE);
    struct fovea_quality first = measure(plane, SIDE, SIDE);
    struct fovea_shift shift;
    assert_int_equal(fovea_metrics_shift(ctx, &image, &part, &shift), FOVEA_OK);
    for (int threads = 1; threads <= 5; threads += 2) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        struct fovea_quality q;
        struct fovea_shift s;
        fovea_context *c;
        params.n_threads = threads;
        assert_int_equal(fovea_context_create(&c, &params), FOVEA_OK);
        assert_int_equal(fovea_metrics_quality(c, &image, &q), FOVEA_OK);
        assert_int_equal(fovea_metrics_shift(c, &image, &part, &s), FOVEA_OK);
        fovea_context_free(&c);
        assert_true(q.sharpness == first.sharpness && q.noise == first.noise && q.blockiness == first.blockiness);
        assert_true(s.dx == shift.dx && s.dy == shift.dy && s.correlation == shift.correlation);
    }
}

/* A part of a picture of `side`, in other tones and with noise, is found where it was cut out. */
static void check_shift(int side, int dx, int dy, int width, int height)
{
    struct fovi_rng rng = { (uint64_t)(dx * 1000 + dy + 500000) };
    struct fovea_shift shift;
    double scale = (double)SIDE / side;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            plane[y * side + x] = (float)(scene(x * scale, y * scale) / 255.0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            other[y * width + x] = (float)((scene((x + dx) * scale, (y + dy) * scale) * 0.7 + 30.0) / 255.0 +
                                           0.02 * normal(&rng));
    struct fovea_image a = grey_image(plane, side, side, side), b = grey_image(other, width, height, width);
    assert_int_equal(fovea_metrics_shift(ctx, &a, &b, &shift), FOVEA_OK);
    if (shift.dx != dx || shift.dy != dy)
        fail_msg("%dx%d of %d at %d,%d: found at %d,%d (%.3f)", width, height, side, dx, dy, shift.dx, shift.dy,
                 shift.correlation);
    assert_true(shift.correlation > 0.9);
    assert_int_equal(fovea_metrics_shift(ctx, &b, &a, &shift), FOVEA_OK);
    assert_true(shift.dx == -dx && shift.dy == -dy);
}

static void shifts_are_found(void **state)
{
    (void)state;
    check_shift(256, 0, 0, 256, 256);
    check_shift(256, 3, -5, 256, 256);
    check_shift(256, 40, 25, 200, 180);
    check_shift(255, -17, 60, 255, 190);
    check_shift(LARGE, 7, 11, LARGE, LARGE);
    check_shift(LARGE, 301, -122, 900, LARGE);
    check_shift(600, 201, 333, 300, 240);
}

static void what_is_unlike_does_not_correlate(void **state)
{
    (void)state;
    struct fovi_rng rng = { 1 };
    struct fovea_shift shift;
    draw(plane);
    for (int i = 0; i < SIDE * SIDE; i++)
        other[i] = (float)fovi_rng_uniform(&rng);
    struct fovea_image a = grey_image(plane, SIDE, SIDE, SIDE), b = grey_image(other, SIDE, SIDE, SIDE);
    assert_int_equal(fovea_metrics_shift(ctx, &a, &b, &shift), FOVEA_OK);
    assert_true(fabs(shift.correlation) < 0.3);
    memset(other, 0, sizeof other);
    assert_int_equal(fovea_metrics_shift(ctx, &a, &b, &shift), FOVEA_OK);
    assert_true(shift.dx == 0 && shift.dy == 0 && shift.correlation == 0.0);
    int n = 1;
    for (int code = FOVEA_E_NOMEM; code != FOVEA_OK; n++) {
        fovi_alloc_fail_nth(ctx, n);
        code = fovea_metrics_shift(ctx, &a, &a, &shift);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
    }
    assert_true(n > 10);
    struct fovea_quality q;
    n = 1;
    for (int code = FOVEA_E_NOMEM; code != FOVEA_OK; n++) {
        fovi_alloc_fail_nth(ctx, n);
        code = fovea_metrics_quality(ctx, &a, &q);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
    }
    assert_true(n > 3);
    fovi_alloc_fail_nth(ctx, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharpness_falls_with_blur),
        cmocka_unit_test(sharpness_of_one_direction),
        cmocka_unit_test(sharpness_matches_the_definition),
        cmocka_unit_test(noise_is_found),
        cmocka_unit_test(noise_has_its_scale),
        cmocka_unit_test(blockiness_of_flat_blocks),
        cmocka_unit_test(blockiness_follows_the_quantiser),
        cmocka_unit_test(small_flat_and_odd_pictures),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(shifts_are_found),
        cmocka_unit_test(what_is_unlike_does_not_correlate),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
