/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Resampling kernels, plans of an axis, and row kernels, mostly as properties: what any right resampler does.
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
#include "image/window.h"
#include "resample/axis.h"

#define PAD FOVI_WINDOW_PAD
#define MAX_SIDE 4400

static fovea_context *ctx;

static int make_context(void **state)
{
    (void)state;
    return fovea_context_create(&ctx, NULL);
}

/* Every test must give back all memory. */
static int free_context(void **state)
{
    (void)state;
    size_t held = fovi_alloc_held(ctx);
    fovea_context_free(&ctx);
    return held != 0;
}

/* A row with padding on both sides that holds what must not matter. */
struct row {
    float storage[MAX_SIDE + 2 * PAD];
};

static float *row_begin(struct row *row)
{
    for (size_t i = 0; i < sizeof row->storage / sizeof *row->storage; i++)
        row->storage[i] = NAN;
    return row->storage + PAD;
}

static const struct fovi_resample_dsp *reference(void)
{
    return fovi_resample_dsp_get(0);
}

static void kernels_have_names(void **state)
{
    (void)state;
    static const char *const names[] = { "nearest",  "bilinear", "bicubic", "catmull-rom",
                                         "mitchell", "lanczos2", "lanczos3" };
    for (int i = 0; i < FOVEA_N_KERNELS; i++) {
        assert_string_equal(fovea_kernel_name((enum fovea_kernel)i), names[i]);
        assert_int_equal(fovea_kernel_find(names[i]), i);
    }
    assert_null(fovea_kernel_name((enum fovea_kernel)FOVEA_N_KERNELS));
    assert_null(fovea_kernel_name((enum fovea_kernel) - 1));
    assert_int_equal(fovea_kernel_find("Bicubic"), -1);
    assert_int_equal(fovea_kernel_find(""), -1);
    assert_int_equal(fovea_kernel_find(NULL), -1);
    assert_true(fovea_kernel_radius((enum fovea_kernel)99) == 0.0);
    assert_true(fovea_kernel_value((enum fovea_kernel)99, 0.0) == 0.0);
}

static void kernels_are_even_and_end_at_their_radius(void **state)
{
    (void)state;
    static const double radius[] = { 0.5, 1, 2, 2, 2, 2, 3 };
    for (int i = 0; i < FOVEA_N_KERNELS; i++) {
        enum fovea_kernel k = (enum fovea_kernel)i;
        assert_true(fovea_kernel_radius(k) == radius[i]);
        for (double x = 0.0; x < 4.0; x += 1.0 / 64) {
            assert_true(fovea_kernel_value(k, x) == fovea_kernel_value(k, -x));
            if (x > radius[i])
                assert_true(fovea_kernel_value(k, x) == 0.0);
        }
        assert_true(fabs(fovea_kernel_value(k, radius[i] - 1e-9)) < 1e-8 || k == FOVEA_KERNEL_NEAREST);
        assert_true(fovea_kernel_value(k, 0.25) > 0.0);
    }
}

static void kernels_interpolate_except_mitchell(void **state)
{
    (void)state;
    for (int i = 0; i < FOVEA_N_KERNELS; i++) {
        enum fovea_kernel k = (enum fovea_kernel)i;
        assert_true(fabs(fovea_kernel_value(k, 0.0) - (k == FOVEA_KERNEL_MITCHELL ? 8.0 / 9 : 1.0)) < 1e-15);
        assert_true(fabs(fovea_kernel_value(k, 1.0) - (k == FOVEA_KERNEL_MITCHELL ? 1.0 / 18 : 0.0)) < 1e-15);
        assert_true(fabs(fovea_kernel_value(k, 2.0)) < 1e-15);
    }
}

/* Shifted copies sum to 1: exactly for the polynomials, nearly for the windowed sincs (planning normalises them). */
static void kernels_are_a_partition_of_unity(void **state)
{
    (void)state;
    for (int i = 0; i < FOVEA_N_KERNELS; i++) {
        double limit = i >= FOVEA_KERNEL_LANCZOS2 ? (i == FOVEA_KERNEL_LANCZOS2 ? 0.03 : 0.02) : 1e-14;
        for (double x = 0.0; x < 1.0; x += 1.0 / 64) {
            double sum = 0.0;
            for (int n = -4; n <= 4; n++)
                sum += fovea_kernel_value((enum fovea_kernel)i, x + n);
            assert_true(fabs(sum - 1.0) < limit);
        }
    }
}

static void kernels_have_known_values(void **state)
{
    (void)state;
    assert_true(fabs(fovea_kernel_value(FOVEA_KERNEL_BICUBIC, 0.5) - 0.5625) < 1e-15);
    assert_true(fabs(fovea_kernel_value(FOVEA_KERNEL_BICUBIC, 1.5) + 0.0625) < 1e-15);
    assert_true(fabs(fovea_kernel_value(FOVEA_KERNEL_MITCHELL, 0.5) - 0.53472222222222222) < 1e-15);
    /* sinc(1/2) sinc(1/6) = (2/pi)(3/pi) and sinc(1/2) sinc(1/4). */
    assert_true(fabs(fovea_kernel_value(FOVEA_KERNEL_LANCZOS3, 0.5) - 0.60792710185402662866) < 1e-15);
    assert_true(fabs(fovea_kernel_value(FOVEA_KERNEL_LANCZOS2, 0.5) - 0.57315916825075630125) < 1e-15);
}

static const int sizes[][2] = { { 1, 1 },   { 1, 7 },   { 7, 1 },     { 2, 5 },     { 3, 2 },     { 5, 5 },
                                { 16, 32 }, { 31, 93 }, { 17, 68 },   { 64, 32 },   { 93, 31 },   { 120, 30 },
                                { 50, 77 }, { 77, 50 }, { 100, 37 },  { 37, 101 },  { 1000, 3 },  { 3, 1000 },
                                { 8, 7 },   { 9, 8 },   { 400, 401 }, { 401, 400 }, { 640, 427 }, { 300, 1000 } };
#define N_SIZES (sizeof sizes / sizeof *sizes)

static void weights_sum_to_one_and_stay_inside(void **state)
{
    (void)state;
    for (int k = 0; k < FOVEA_N_KERNELS; k++) {
        for (size_t i = 0; i < N_SIZES; i++) {
            struct fovi_axis a;
            assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)k, sizes[i][0], sizes[i][1]), FOVEA_OK);
            assert_int_equal(a.in, sizes[i][0]);
            assert_int_equal(a.out, sizes[i][1]);
            for (int o = 0; o < a.out; o++) {
                double sum = 0.0;
                for (int t = 0; t < a.n_taps; t++)
                    sum += (double)a.weights[o * a.n_taps + t];
                assert_true(fabs(sum - 1.0) < 6e-8);
                assert_true(a.first[o] >= 0 && a.first[o] + a.n_taps <= a.in);
                assert_true(o == 0 || a.first[o] >= a.first[o - 1]);
            }
            fovi_axis_free(ctx, &a);
        }
    }
}

/* The definition, written down anew: normalised kernel values over the mirrored picture. */
static double direct(enum fovea_kernel kernel, const float *src, int in, int out, int o)
{
    double ratio = (double)in / out, widen = ratio > 1.0 ? ratio : 1.0, c = (o + 0.5) * ratio - 0.5;
    double sum = 0.0, total = 0.0, radius = fovea_kernel_radius(kernel) * widen;
    for (int i = (int)floor(c - radius) - 1; i <= (int)ceil(c + radius) + 1; i++) {
        int m = ((i % (2 * in)) + 2 * in) % (2 * in);
        double w = fovea_kernel_value(kernel, (i - c) / widen);
        total += w;
        sum += w * (double)src[m < in ? m : 2 * in - 1 - m];
    }
    return sum / total;
}

static void rows_match_the_definition(void **state)
{
    (void)state;
    static struct row in_row, out_row;
    struct fovi_rng rng = { 5 };
    for (int k = FOVEA_KERNEL_BILINEAR; k < FOVEA_N_KERNELS; k++) {
        for (size_t i = 0; i < N_SIZES; i++) {
            struct fovi_axis a;
            float *src = row_begin(&in_row), *dst = row_begin(&out_row);
            for (int x = 0; x < sizes[i][0]; x++)
                src[x] = (float)(255.0 * fovi_rng_uniform(&rng));
            assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)k, sizes[i][0], sizes[i][1]), FOVEA_OK);
            reference()->h(&a, src, dst);
            for (int o = 0; o < a.out; o++)
                assert_true(fabs((double)dst[o] - direct((enum fovea_kernel)k, src, a.in, a.out, o)) < 2e-4);
            fovi_axis_free(ctx, &a);
        }
    }
}

static void nearest_copies(void **state)
{
    (void)state;
    static struct row in_row, out_row;
    for (size_t i = 0; i < N_SIZES; i++) {
        struct fovi_axis a;
        float *src = row_begin(&in_row), *dst = row_begin(&out_row);
        for (int x = 0; x < sizes[i][0]; x++)
            src[x] = (float)x;
        assert_int_equal(fovi_axis_init(ctx, &a, FOVEA_KERNEL_NEAREST, sizes[i][0], sizes[i][1]), FOVEA_OK);
        assert_int_equal(a.n_taps, 1);
        reference()->h(&a, src, dst);
        for (int o = 0; o < a.out; o++)
            assert_true(dst[o] == (float)((2L * o + 1) * a.in / (2L * a.out)));
        fovi_axis_free(ctx, &a);
    }
}

static void same_size_is_the_identity(void **state)
{
    (void)state;
    static struct row in_row, out_row;
    struct fovi_rng rng = { 9 };
    for (int k = 0; k < FOVEA_N_KERNELS; k++) {
        if (k == FOVEA_KERNEL_MITCHELL)
            continue;
        struct fovi_axis a;
        float *src = row_begin(&in_row), *dst = row_begin(&out_row);
        for (int x = 0; x < 45; x++)
            src[x] = (float)(255.0 * fovi_rng_uniform(&rng));
        assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)k, 45, 45), FOVEA_OK);
        reference()->h(&a, src, dst);
        assert_memory_equal(src, dst, 45 * sizeof *dst);
        fovi_axis_free(ctx, &a);
    }
}

/* Resample a picture of one spot and look where its centre of mass went. */
static double centroid_shift(enum fovea_kernel kernel, int in, int out, double at)
{
    static struct row in_row, out_row;
    float *src = row_begin(&in_row), *dst = row_begin(&out_row);
    double mass_in = 0.0, moment_in = 0.0, mass = 0.0, moment = 0.0;
    for (int x = 0; x < in; x++) {
        src[x] = (float)(255.0 * exp(-(x - at) * (x - at) / (2.0 * 36.0)));
        mass_in += (double)src[x];
        moment_in += (double)src[x] * (x + 0.5);
    }
    struct fovi_axis a;
    assert_int_equal(fovi_axis_init(ctx, &a, kernel, in, out), FOVEA_OK);
    reference()->h(&a, src, dst);
    fovi_axis_free(ctx, &a);
    for (int x = 0; x < out; x++) {
        mass += (double)dst[x];
        moment += (double)dst[x] * (x + 0.5);
    }
    return moment / mass * in / out - moment_in / mass_in;
}

static void nothing_shifts(void **state)
{
    (void)state;
    static const double scales[] = { 0.37, 0.5, 0.613, 0.75, 0.99, 1.0, 1.3, 1.5, 2.0, 2.718, 3.0, 3.33, 4.0 };
    for (int k = 0; k < FOVEA_N_KERNELS; k++) {
        for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
            if (k == FOVEA_KERNEL_NEAREST && (scales[i] < 1.0 || scales[i] != floor(scales[i])))
                continue; /* it takes one pixel or its neighbour: up to half a pixel of shift is its nature */
            for (double at = 83.0; at < 84.0; at += 0.23) {
                double shift = centroid_shift((enum fovea_kernel)k, 170, (int)(170 * scales[i] + 0.5), at);
                assert_true(fabs(shift) < 0.01);
            }
        }
    }
}

static void constants_stay(void **state)
{
    (void)state;
    static struct row in_row, out_row;
    for (int k = 0; k < FOVEA_N_KERNELS; k++) {
        for (size_t i = 0; i < N_SIZES; i++) {
            struct fovi_axis a;
            float *src = row_begin(&in_row), *dst = row_begin(&out_row);
            for (int x = 0; x < sizes[i][0]; x++)
                src[x] = 255.0f;
            assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)k, sizes[i][0], sizes[i][1]), FOVEA_OK);
            reference()->h(&a, src, dst);
            for (int o = 0; o < a.out; o++) {
                assert_true(fabsf(dst[o] - 255.0f) < 1e-3f);
                assert_int_equal((int)(dst[o] + 0.5f), 255);
            }
            fovi_axis_free(ctx, &a);
        }
    }
}

/* A mirrored picture gives the mirrored result (but for the order of the sums): no edge and no phase is special. */
static void mirrored_input_gives_mirrored_output(void **state)
{
    (void)state;
    static struct row in_row, mirrored_row, out_row, mirrored_out_row;
    struct fovi_rng rng = { 17 };
    for (int k = FOVEA_KERNEL_BILINEAR; k < FOVEA_N_KERNELS; k++) {
        for (size_t i = 0; i < N_SIZES; i++) {
            struct fovi_axis a;
            int in = sizes[i][0], out = sizes[i][1];
            float *src = row_begin(&in_row), *dst = row_begin(&out_row);
            float *mirrored = row_begin(&mirrored_row), *mirrored_dst = row_begin(&mirrored_out_row);
            for (int x = 0; x < in; x++)
                src[x] = mirrored[in - 1 - x] = (float)(255.0 * fovi_rng_uniform(&rng));
            assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)k, in, out), FOVEA_OK);
            reference()->h(&a, src, dst);
            reference()->h(&a, mirrored, mirrored_dst);
            for (int o = 0; o < out; o++)
                assert_true(fabsf(dst[o] - mirrored_dst[out - 1 - o]) < 2e-4f);
            fovi_axis_free(ctx, &a);
        }
    }
}

/* Run h of two tables on one row and compare all bytes, guards included. */
static void compare_h(const struct fovi_resample_dsp *one, const struct fovi_resample_dsp *other, int kernel, int in,
                      int out, struct fovi_rng *rng)
{
    static struct row in_row, row_1, row_2;
    struct fovi_axis a;
    float *src = row_begin(&in_row), *dst_1 = row_begin(&row_1), *dst_2 = row_begin(&row_2);
    for (int x = 0; x < in; x++)
        src[x] = (float)(300.0 * fovi_rng_uniform(rng) - 20.0);
    assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)kernel, in, out), FOVEA_OK);
    one->h(&a, src, dst_1);
    other->h(&a, src, dst_2);
    assert_memory_equal(row_1.storage, row_2.storage, sizeof row_1.storage);
    for (int o = 0; o < out; o++)
        assert_false(isnan(dst_1[o]));
    assert_true(isnan(dst_1[-1]) && isnan(dst_1[out]));
    fovi_axis_free(ctx, &a);
}

static void check_h(const struct fovi_resample_dsp *best)
{
    assert_ptr_not_equal(best->h, reference()->h);
    struct fovi_rng rng = { 23 };
    for (int in = 1; in <= 70; in++) {
        for (int i = 0; i < 24; i++) {
            int kernel = (int)fovi_rng_below(&rng, FOVEA_N_KERNELS);
            int out = i < 4 ? in * (i + 1) : i < 8 ? (in + i - 4) / (i - 3) : 1 + (int)fovi_rng_below(&rng, 160);
            compare_h(reference(), best, kernel, in, out, &rng);
        }
    }
    static const int wide[][2] = { { 1000, 2000 }, { 1001, 3003 }, { 999, 3996 },  { 2000, 1000 }, { 3003, 1001 },
                                   { 3996, 999 },  { 1000, 1537 }, { 1537, 1000 }, { 4321, 77 } };
    for (int kernel = 0; kernel < FOVEA_N_KERNELS; kernel++)
        for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
            compare_h(reference(), best, kernel, wide[i][0], wide[i][1], &rng);
}

static void check_v(const struct fovi_resample_dsp *best)
{
    assert_ptr_not_equal(best->v, reference()->v);
    enum { TAPS = 40 };
    static struct row in_rows[TAPS], row_1, row_2;
    const float *rows[TAPS];
    float weights[TAPS];
    struct fovi_rng rng = { 29 };
    for (int width = 1; width <= 140; width++) {
        int n_taps = 1 + (int)fovi_rng_below(&rng, TAPS);
        for (int k = 0; k < n_taps; k++) {
            float *row = row_begin(&in_rows[k]) + fovi_rng_below(&rng, 8);
            for (int x = 0; x < width; x++)
                row[x] = (float)(300.0 * fovi_rng_uniform(&rng) - 20.0);
            rows[k] = row;
            weights[k] = (float)(2.0 * fovi_rng_uniform(&rng) - 1.0);
        }
        float *dst_1 = row_begin(&row_1), *dst_2 = row_begin(&row_2);
        reference()->v(rows, weights, n_taps, width, dst_1);
        best->v(rows, weights, n_taps, width, dst_2);
        assert_memory_equal(row_1.storage, row_2.storage, sizeof row_1.storage);
        assert_true(isnan(dst_1[-1]) && !isnan(dst_1[0]) && !isnan(dst_1[width - 1]) && isnan(dst_1[width]));
    }
}

static void check_v_u8(const struct fovi_resample_dsp *best)
{
    enum { TAPS = 40, WIDTH = 200 };
    static uint8_t bytes[TAPS][WIDTH + 8];
    static struct row row_1, row_2;
    const uint8_t *rows[TAPS];
    float weights[TAPS];
    struct fovi_rng rng = { 37 };
    for (int width = 1; width <= WIDTH; width++) {
        int n_taps = 1 + (int)fovi_rng_below(&rng, TAPS);
        for (int k = 0; k < n_taps; k++) {
            rows[k] = bytes[k] + fovi_rng_below(&rng, 8);
            for (int x = 0; x < WIDTH + 8; x++)
                bytes[k][x] = (uint8_t)fovi_rng_below(&rng, 256);
            weights[k] = (float)(2.0 * fovi_rng_uniform(&rng) - 1.0);
        }
        float *dst_1 = row_begin(&row_1), *dst_2 = row_begin(&row_2);
        reference()->v_u8(rows, weights, n_taps, width, dst_1);
        best->v_u8(rows, weights, n_taps, width, dst_2);
        assert_memory_equal(row_1.storage, row_2.storage, sizeof row_1.storage);
        assert_true(isnan(dst_1[-1]) && !isnan(dst_1[0]) && !isnan(dst_1[width - 1]) && isnan(dst_1[width]));
    }
}

/* Rows of bytes give what the same rows of floats give. */
static void v_u8_is_v_of_floats(void **state)
{
    (void)state;
    enum { TAPS = 3, WIDTH = 300 };
    static uint8_t bytes[TAPS][WIDTH];
    static float floats[TAPS][WIDTH], expected[WIDTH], found[WIDTH];
    const uint8_t *const byte_rows[TAPS] = { bytes[0], bytes[1], bytes[2] };
    const float *const rows[TAPS] = { floats[0], floats[1], floats[2] };
    const float weights[TAPS] = { -0.125f, 1.1f, 0.3f };
    struct fovi_rng rng = { 41 };
    for (int k = 0; k < TAPS; k++)
        for (int x = 0; x < WIDTH; x++)
            floats[k][x] = bytes[k][x] = (uint8_t)fovi_rng_below(&rng, 256);
    reference()->v(rows, weights, TAPS, WIDTH, expected);
    reference()->v_u8(byte_rows, weights, TAPS, WIDTH, found);
    assert_memory_equal(expected, found, sizeof expected);
}

/* Sums with something added, in place and not, held to the range and not; some values are no numbers. */
static void check_v_add(const struct fovi_resample_dsp *best)
{
    enum { TAPS = 7, CUTS = 16 };
    static struct row in_rows[TAPS], add_row, row_1, row_2;
    const float *rows[TAPS];
    float weights[TAPS], cut_1[CUTS], cut_2[CUTS];
    struct fovi_rng rng = { 31 };
    for (int i = 0; i < 400; i++) {
        int n_taps = i % 2 ? 4 : 1 + (int)fovi_rng_below(&rng, TAPS), width = 1 + (int)fovi_rng_below(&rng, 140);
        int in_place = i % 3 == 0, is_held = i % 5 != 0;
        for (int k = 0; k < n_taps; k++) {
            float *row = row_begin(&in_rows[k]) + fovi_rng_below(&rng, 8);
            for (int x = 0; x < width; x++)
                row[x] = (float)(300.0 * fovi_rng_uniform(&rng) - 20.0);
            rows[k] = row;
            weights[k] = (float)(2.0 * fovi_rng_uniform(&rng) - 1.0);
        }
        float *add = row_begin(&add_row), *dst_1 = row_begin(&row_1), *dst_2 = row_begin(&row_2);
        for (int x = 0; x < width; x++)
            add[x] = dst_1[x] = dst_2[x] = i % 7 == 0 && x % 19 == 5 ? (float)NAN : (float)x;
        memset(cut_1, 0xff, sizeof cut_1);
        memset(cut_2, 0xff, sizeof cut_2);
        reference()->v_add(rows, weights, n_taps, width, in_place ? dst_1 : add, 1.5f, is_held ? cut_1 : NULL, dst_1);
        best->v_add(rows, weights, n_taps, width, in_place ? dst_2 : add, 1.5f, is_held ? cut_2 : NULL, dst_2);
        if (is_held || i % 7)
            assert_memory_equal(row_1.storage, row_2.storage, sizeof row_1.storage);
        assert_memory_equal(cut_1, cut_2, sizeof cut_1);
        assert_true(isnan(dst_1[-1]) && isnan(dst_1[width]) && (is_held || i % 7 == 0 || !isnan(dst_1[0])));
    }
}

/* The kernels of the n-th instruction level of this machine; the reference's where it has none. */
static const struct fovi_resample_dsp *kernels(int n)
{
    return fovi_resample_dsp_get(fovea_context_cpu(ctx) & (n ? FOVEA_CPU_ALL : FOVEA_CPU_AVX2));
}

static void h_is_equal_at_every_instruction_level(void **state)
{
    (void)state;
    if (kernels(1) == reference())
        skip();
    for (int n = 0; n < 2; n++)
        if (kernels(n) != reference())
            check_h(kernels(n));
}

static void v_is_equal_at_every_instruction_level(void **state)
{
    (void)state;
    if (kernels(1) == reference())
        skip();
    for (int n = 0; n < 2; n++)
        if (kernels(n) != reference())
            check_v(kernels(n));
}

static void v_u8_is_equal_at_every_instruction_level(void **state)
{
    (void)state;
    if (kernels(1) == reference())
        skip();
    for (int n = 0; n < 2; n++)
        if (kernels(n) != reference())
            check_v_u8(kernels(n));
}

static void v_add_is_equal_at_every_instruction_level(void **state)
{
    (void)state;
    if (kernels(1) == reference())
        skip();
    for (int n = 0; n < 2; n++)
        if (kernels(n) != reference())
            check_v_add(kernels(n));
}

static void v_add_holds_the_range_and_says_how_far(void **state)
{
    (void)state;
    float row[40], dst[40], cut[3];
    const float *rows[] = { row }, weight = 2.0f;
    for (int x = 0; x < 40; x++)
        row[x] = x == 3 ? -10.0f : x == 20 ? 130.0f : x == 21 ? 128.0f : 50.0f;
    reference()->v_add(rows, &weight, 1, 40, row, 0.5f, cut, dst); /* -25, 325, 320, 125 */
    assert_true(dst[3] == 0.0f && dst[20] == 255.0f && dst[0] == 125.0f);
    assert_true(cut[0] == 25.0f && cut[1] == 70.0f && cut[2] == 0.0f);
    reference()->v_add(rows, &weight, 1, 40, row, 0.5f, NULL, dst);
    assert_true(dst[3] == -25.0f && dst[20] == 325.0f);
}

/* A view of an axis gives the outputs that the whole has there. */
static void views_give_what_the_whole_gives(void **state)
{
    (void)state;
    static const int spans[][2] = { { 40, 80 },  { 40, 160 },  { 90, 157 }, { 160, 40 },
                                    { 157, 90 }, { 300, 100 }, { 9, 3 } };
    static struct row in_row, row_1, row_2;
    struct fovi_rng rng = { 37 };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct fovi_axis a;
        float *src = row_begin(&in_row), *whole = row_begin(&row_1);
        for (int x = 0; x < spans[i][0]; x++)
            src[x] = (float)fovi_rng_uniform(&rng);
        assert_int_equal(fovi_axis_init(ctx, &a, FOVEA_KERNEL_BICUBIC, spans[i][0], spans[i][1]), FOVEA_OK);
        for (int n = 0; n < 3; n++) {
            const struct fovi_resample_dsp *dsp = n < 2 ? kernels(n) : reference();
            dsp->h(&a, src, whole);
            for (int begin = 0; begin < a.out; begin += FOVI_AXIS_LANES)
                for (int end = begin + 1; end <= a.out; end += 5) {
                    const struct fovi_axis view = fovi_axis_view(&a, begin, end);
                    float *part = row_begin(&row_2);
                    dsp->h(&view, src, part);
                    assert_memory_equal(part, whole + begin, (size_t)(end - begin) * sizeof *part);
                    assert_true(isnan(part[end - begin]));
                }
        }
        fovi_axis_free(ctx, &a);
    }
}

static void v_sums_in_order(void **state)
{
    (void)state;
    /* 1e8 + 1 is 1e8 in float, so only this order gives 0 at the end. */
    const float a[] = { 1e8f }, b[] = { 1.0f }, c[] = { -1e8f };
    const float *rows[] = { a, b, c };
    const float weights[] = { 1.0f, 1.0f, 1.0f };
    float dst = 5.0f;
    fovi_resample_dsp_get(fovea_context_cpu(ctx))->v(rows, weights, 3, 1, &dst);
    assert_true(dst == 0.0f);
}

static void bad_axes_are_refused(void **state)
{
    (void)state;
    static const int bad[][3] = {
        { FOVEA_N_KERNELS, 4, 4 }, { -1, 4, 4 }, { 2, 0, 4 }, { 2, 4, 0 }, { 2, -1, 4 }, { 2, 4, -7 },
        { 2, (1 << 30) + 1, 4 }
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fovi_axis a;
        assert_int_equal(fovi_axis_init(ctx, &a, (enum fovea_kernel)bad[i][0], bad[i][1], bad[i][2]), FOVEA_E_ARG);
        assert_string_not_equal(fovea_last_error(ctx), "");
        fovi_axis_free(ctx, &a);
    }
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    static const int pairs[][2] = { { 20, 40 }, { 40, 20 }, { 5, 3 } };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (long n = 1;; n++) {
            struct fovi_axis a;
            fovi_alloc_fail_nth(ctx, n);
            int code = fovi_axis_init(ctx, &a, FOVEA_KERNEL_BICUBIC, pairs[i][0], pairs[i][1]);
            fovi_alloc_fail_nth(ctx, 0);
            if (code == FOVEA_OK) {
                assert_true(n > 2);
                fovi_axis_free(ctx, &a);
                break;
            }
            assert_int_equal(code, FOVEA_E_NOMEM);
            assert_int_equal(fovi_alloc_held(ctx), 0);
            fovi_axis_free(ctx, &a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kernels_have_names, make_context, free_context),
        cmocka_unit_test_setup_teardown(kernels_are_even_and_end_at_their_radius, make_context, free_context),
        cmocka_unit_test_setup_teardown(kernels_interpolate_except_mitchell, make_context, free_context),
        cmocka_unit_test_setup_teardown(kernels_are_a_partition_of_unity, make_context, free_context),
        cmocka_unit_test_setup_teardown(kernels_have_known_values, make_context, free_context),
        cmocka_unit_test_setup_teardown(weights_sum_to_one_and_stay_inside, make_context, free_context),
        cmocka_unit_test_setup_teardown(rows_match_the_definition, make_context, free_context),
        cmocka_unit_test_setup_teardown(nearest_copies, make_context, free_context),
        cmocka_unit_test_setup_teardown(same_size_is_the_identity, make_context, free_context),
        cmocka_unit_test_setup_teardown(nothing_shifts, make_context, free_context),
        cmocka_unit_test_setup_teardown(constants_stay, make_context, free_context),
        cmocka_unit_test_setup_teardown(mirrored_input_gives_mirrored_output, make_context, free_context),
        cmocka_unit_test_setup_teardown(h_is_equal_at_every_instruction_level, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_is_equal_at_every_instruction_level, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_u8_is_equal_at_every_instruction_level, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_u8_is_v_of_floats, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_add_is_equal_at_every_instruction_level, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_add_holds_the_range_and_says_how_far, make_context, free_context),
        cmocka_unit_test_setup_teardown(views_give_what_the_whole_gives, make_context, free_context),
        cmocka_unit_test_setup_teardown(v_sums_in_order, make_context, free_context),
        cmocka_unit_test_setup_teardown(bad_axes_are_refused, make_context, free_context),
        cmocka_unit_test_setup_teardown(failing_memory_leaks_nothing, make_context, free_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
