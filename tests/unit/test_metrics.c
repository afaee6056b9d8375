/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Metrics against values worked out by hand and against SSIM written down anew, window by window.
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

#define MAX_BYTES (200 * 200 * 4 * 4)

static fovea_context *ctx;
static _Alignas(64) unsigned char pixels_a[MAX_BYTES], pixels_b[MAX_BYTES];

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

static struct fovea_image image_of(unsigned char *data, int width, int height, enum fovea_sample sample, int n_channels,
                                   int has_alpha)
{
    struct fovea_image image = { width, height, { sample, n_channels, has_alpha }, data, 0 };
    image.stride_bytes = (ptrdiff_t)(fovea_pixel_bytes(&image.format) * (size_t)width);
    assert_true((size_t)image.stride_bytes * (size_t)height <= MAX_BYTES);
    return image;
}

static void fill(struct fovea_image *image, int value)
{
    memset(image->data, value, (size_t)image->stride_bytes * (size_t)image->height);
}

static void fill_random(struct fovea_image *image, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    for (size_t i = 0; i < (size_t)image->stride_bytes * (size_t)image->height; i++)
        ((unsigned char *)image->data)[i] = (unsigned char)fovi_rng_below(&rng, 256);
}

static struct fovea_metrics compare(const struct fovea_image *a, const struct fovea_image *b, int border)
{
    struct fovea_metrics m;
    assert_int_equal(fovea_metrics_compare(ctx, a, b, border, &m), FOVEA_OK);
    return m;
}

static void close_to(double value, double expected, double limit)
{
    if (!(fabs(value - expected) <= limit))
        fail_msg("%.9g is not %.9g", value, expected);
}

static void identical_pictures_are_infinitely_alike(void **state)
{
    (void)state;
    for (int n_channels = 1; n_channels <= 4; n_channels++) {
        struct fovea_image a = image_of(pixels_a, 33, 70, FOVEA_SAMPLE_U8, n_channels, n_channels % 2 == 0);
        struct fovea_image b = a;
        b.data = pixels_b;
        fill_random(&a, 3);
        memcpy(pixels_b, pixels_a, MAX_BYTES);
        struct fovea_metrics m = compare(&a, &b, 2);
        assert_int_equal(m.identical, 1);
        assert_true(m.psnr == HUGE_VAL && m.psnr_y == HUGE_VAL);
        close_to(m.ssim_y, 1.0, 1e-12);
    }
}

static void psnr_of_flat_pictures(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 20, 13, FOVEA_SAMPLE_U8, 1, 0);
    struct fovea_image b = image_of(pixels_b, 20, 13, FOVEA_SAMPLE_U8, 1, 0);
    fill(&a, 100);
    fill(&b, 101);
    struct fovea_metrics m = compare(&a, &b, 0);
    assert_int_equal(m.identical, 0);
    close_to(m.psnr, 48.130803608679, 1e-9);
    close_to(m.psnr_y, 48.130803608679, 1e-9);
    close_to(m.ssim_y, (2.0 * 100 * 101 + 6.5025) / (100.0 * 100 + 101.0 * 101 + 6.5025), 1e-10);
    fill(&a, 0);
    fill(&b, 255);
    m = compare(&a, &b, 0);
    close_to(m.psnr, 0.0, 1e-12);
    close_to(m.ssim_y, 6.5025 / (255.0 * 255.0 + 6.5025), 1e-12);
}

/* A grey step of 1 is a luma step of 219/255; a red step of 10 is one of 654.81/255 and an error of 100/3. */
static void psnr_of_colour_steps(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 16, 16, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_image b = image_of(pixels_b, 16, 16, FOVEA_SAMPLE_U8, 3, 0);
    fill(&a, 100);
    fill(&b, 101);
    struct fovea_metrics m = compare(&a, &b, 0);
    close_to(m.psnr, 48.130803608679, 1e-9);
    close_to(m.psnr_y, 48.130803608679 + 20.0 * log10(255.0 / 219.0), 1e-4);
    fill(&b, 100);
    for (int i = 0; i < 256; i++)
        pixels_b[3 * i] += 10;
    m = compare(&a, &b, 0);
    close_to(m.psnr, 10.0 * log10(255.0 * 255.0 * 3 / 100.0), 1e-9);
    close_to(m.psnr_y, 20.0 * log10(255.0 * 255.0 / 654.81), 1e-4);
}

static void alpha_counts_in_psnr_but_not_in_luma(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 16, 16, FOVEA_SAMPLE_U8, 4, 1);
    struct fovea_image b = image_of(pixels_b, 16, 16, FOVEA_SAMPLE_U8, 4, 1);
    fill_random(&a, 8);
    memcpy(pixels_b, pixels_a, MAX_BYTES);
    for (int i = 0; i < 256; i++)
        pixels_b[4 * i + 3] ^= 4;
    struct fovea_metrics m = compare(&a, &b, 0);
    assert_int_equal(m.identical, 0);
    close_to(m.psnr, 10.0 * log10(255.0 * 255.0 * 4 / 16.0), 1e-9);
    assert_true(m.psnr_y == HUGE_VAL);
    close_to(m.ssim_y, 1.0, 1e-12);
}

static void the_border_is_ignored(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 31, 29, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_image b = image_of(pixels_b, 31, 29, FOVEA_SAMPLE_U8, 3, 0);
    fill_random(&a, 21);
    memcpy(pixels_b, pixels_a, MAX_BYTES);
    for (int y = 0; y < 29; y++)
        for (int x = 0; x < 31; x++)
            if (x < 4 || y < 4 || x >= 27 || y >= 25)
                pixels_b[y * 93 + x * 3 + 1] ^= 255;
    assert_int_equal(compare(&a, &b, 4).identical, 1);
    assert_int_equal(compare(&a, &b, 3).identical, 0);
    pixels_b[4 * 93 + 4 * 3] ^= 1;
    pixels_b[24 * 93 + 26 * 3] ^= 1;
    double n = 23.0 * 21.0 * 3.0;
    close_to(compare(&a, &b, 4).psnr, 10.0 * log10(255.0 * 255.0 * n / 2.0), 1e-9);
    assert_int_equal(compare(&a, &b, 5).identical, 1);
}

/* SSIM as in the paper, one window after the other, moments about the mean. */
static double direct_ssim(const double *a, const double *b, int width, int height)
{
    double w[11][11], norm = 0.0, sum = 0.0;
    for (int i = 0; i < 11; i++)
        for (int j = 0; j < 11; j++)
            norm += w[i][j] = exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / 4.5);
    for (int y = 0; y + 11 <= height; y++) {
        for (int x = 0; x + 11 <= width; x++) {
            double ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
            for (int i = 0; i < 11; i++)
                for (int j = 0; j < 11; j++) {
                    ma += w[i][j] / norm * a[(y + i) * width + x + j];
                    mb += w[i][j] / norm * b[(y + i) * width + x + j];
                }
            for (int i = 0; i < 11; i++)
                for (int j = 0; j < 11; j++) {
                    double da = a[(y + i) * width + x + j] - ma, db = b[(y + i) * width + x + j] - mb;
                    va += w[i][j] / norm * da * da;
                    vb += w[i][j] / norm * db * db;
                    cov += w[i][j] / norm * da * db;
                }
            sum += (2 * ma * mb + 6.5025) * (2 * cov + 58.5225) / ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225));
        }
    }
    return sum / ((width - 10) * (height - 10));
}

/* Structured pictures (not noise alone), so that SSIM is neither 0 nor 1. */
static void make_similar(struct fovea_image *a, struct fovea_image *b, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    int n = a->format.n_channels;
    for (int y = 0; y < a->height; y++)
        for (int i = 0; i < a->width * n; i++) {
            double v = 128 + 55 * sin(0.3 * i / n + 0.1 * y) + 50 * sin(0.05 * i * y / n);
            ((unsigned char *)a->data)[y * a->stride_bytes + i] = (unsigned char)v;
            ((unsigned char *)b->data)[y * b->stride_bytes + i] = (unsigned char)(v + 40 * fovi_rng_uniform(&rng) - 20);
        }
}

static void ssim_matches_the_definition(void **state)
{
    (void)state;
    static const int sizes[][3] = { { 11, 11, 0 }, { 12, 11, 0 },  { 11, 19, 0 }, { 40, 63, 0 },
                                    { 64, 64, 2 }, { 37, 139, 4 }, { 150, 65, 0 } };
    static double a_luma[200 * 200], b_luma[200 * 200];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int width = sizes[s][0], height = sizes[s][1], border = sizes[s][2], n = 0;
        struct fovea_image a = image_of(pixels_a, width, height, FOVEA_SAMPLE_U8, 3, 0);
        struct fovea_image b = image_of(pixels_b, width, height, FOVEA_SAMPLE_U8, 3, 0);
        make_similar(&a, &b, 40 + s);
        for (int y = border; y < height - border; y++)
            for (int x = border; x < width - border; x++, n++) {
                const unsigned char *p = pixels_a + y * a.stride_bytes + x * 3;
                const unsigned char *q = pixels_b + y * b.stride_bytes + x * 3;
                a_luma[n] = 16 + (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255;
                b_luma[n] = 16 + (65.481 * q[0] + 128.553 * q[1] + 24.966 * q[2]) / 255;
            }
        double expected = direct_ssim(a_luma, b_luma, width - 2 * border, height - 2 * border);
        assert_true(expected > 0.5 && expected < 0.99);
        close_to(compare(&a, &b, border).ssim_y, expected, 1e-6);
    }
}

static void ssim_is_missing_where_no_window_fits(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 12, 30, FOVEA_SAMPLE_U8, 1, 0);
    struct fovea_image b = image_of(pixels_b, 12, 30, FOVEA_SAMPLE_U8, 1, 0);
    fill_random(&a, 1);
    fill_random(&b, 2);
    assert_false(isnan(compare(&a, &b, 0).ssim_y));
    struct fovea_metrics m = compare(&a, &b, 1);
    assert_true(isnan(m.ssim_y));
    assert_true(isfinite(m.psnr) && isfinite(m.psnr_y));
}

static void depths_may_differ(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 40, 30, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_image b = image_of(pixels_b, 40, 30, FOVEA_SAMPLE_U16, 3, 0);
    fill_random(&a, 77);
    for (int i = 0; i < 40 * 30 * 3; i++)
        ((uint16_t *)b.data)[i] = (uint16_t)(pixels_a[i] * 257);
    struct fovea_metrics m = compare(&a, &b, 0);
    assert_true(m.psnr > 120.0 && m.psnr_y > 120.0);
    close_to(m.ssim_y, 1.0, 1e-9);
    b = image_of(pixels_b, 40, 30, FOVEA_SAMPLE_F32, 3, 0);
    for (int i = 0; i < 40 * 30 * 3; i++)
        ((float *)b.data)[i] = (float)(pixels_a[i] + 2) / 255.0f;
    close_to(compare(&a, &b, 0).psnr, 48.130803608679 - 20.0 * log10(2.0), 1e-4);
    close_to(compare(&b, &a, 0).psnr, 48.130803608679 - 20.0 * log10(2.0), 1e-4);
}

/* Rows may be further apart than they are long, also upside down. */
static void strides_are_respected(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 30, 40, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_image b = image_of(pixels_b, 30, 40, FOVEA_SAMPLE_U8, 3, 0);
    make_similar(&a, &b, 6);
    struct fovea_metrics dense = compare(&a, &b, 3);
    struct fovea_image padded = b;
    static unsigned char buffer[40 * 101];
    padded.data = buffer + 39 * 101;
    padded.stride_bytes = -101;
    memset(buffer, 7, sizeof buffer);
    for (int y = 0; y < 40; y++)
        memcpy((unsigned char *)padded.data + y * padded.stride_bytes, pixels_b + (ptrdiff_t)y * 90, 90);
    struct fovea_metrics m = compare(&a, &padded, 3);
    assert_true(m.psnr == dense.psnr && m.psnr_y == dense.psnr_y && m.ssim_y == dense.ssim_y);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 97, 190, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_image b = image_of(pixels_b, 97, 190, FOVEA_SAMPLE_U8, 3, 0);
    make_similar(&a, &b, 5);
    struct fovea_metrics first = compare(&a, &b, 1);
    for (int n = 1; n <= 7; n++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = n;
        fovea_context *other = NULL;
        assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
        struct fovea_metrics m;
        assert_int_equal(fovea_metrics_compare(other, &a, &b, 1, &m), FOVEA_OK);
        assert_true(m.psnr == first.psnr && m.psnr_y == first.psnr_y && m.ssim_y == first.ssim_y);
        fovea_context_free(&other);
    }
}

static void refused(const struct fovea_image *a, const struct fovea_image *b, int border)
{
    struct fovea_metrics m;
    assert_int_equal(fovea_metrics_compare(ctx, a, b, border, &m), FOVEA_E_ARG);
    assert_string_not_equal(fovea_last_error(ctx), "");
}

static void pictures_that_do_not_match_are_refused(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 30, 20, FOVEA_SAMPLE_U8, 3, 0), b = a;
    b.width = 29;
    refused(&a, &b, 0);
    b = a;
    b.height = 21;
    refused(&a, &b, 0);
    b = a;
    b.format.n_channels = 4;
    refused(&a, &b, 0);
    b.format.has_alpha = 1;
    refused(&a, &b, 0);
    b = a;
    b.format.has_alpha = 1;
    refused(&a, &b, 0);
    b = a;
    b.format.sample = (enum fovea_sample)9;
    refused(&a, &b, 0);
    b = a;
    b.data = NULL;
    refused(&a, &b, 0);
    b = a;
    refused(&a, &b, -1);
    refused(&a, &b, 10);
    refused(&a, &b, 1 << 30);
    assert_int_equal(compare(&a, &b, 9).identical, 1);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 30, 20, FOVEA_SAMPLE_U8, 3, 0);
    struct fovea_metrics m;
    for (long n = 1;; n++) {
        fovi_alloc_fail_nth(ctx, n);
        int code = fovea_metrics_compare(ctx, &a, &a, 0, &m);
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
        cmocka_unit_test_setup_teardown(identical_pictures_are_infinitely_alike, make_context, free_context),
        cmocka_unit_test_setup_teardown(psnr_of_flat_pictures, make_context, free_context),
        cmocka_unit_test_setup_teardown(psnr_of_colour_steps, make_context, free_context),
        cmocka_unit_test_setup_teardown(alpha_counts_in_psnr_but_not_in_luma, make_context, free_context),
        cmocka_unit_test_setup_teardown(the_border_is_ignored, make_context, free_context),
        cmocka_unit_test_setup_teardown(ssim_matches_the_definition, make_context, free_context),
        cmocka_unit_test_setup_teardown(ssim_is_missing_where_no_window_fits, make_context, free_context),
        cmocka_unit_test_setup_teardown(depths_may_differ, make_context, free_context),
        cmocka_unit_test_setup_teardown(strides_are_respected, make_context, free_context),
        cmocka_unit_test_setup_teardown(threads_change_nothing, make_context, free_context),
        cmocka_unit_test_setup_teardown(pictures_that_do_not_match_are_refused, make_context, free_context),
        cmocka_unit_test_setup_teardown(failing_memory_leaks_nothing, make_context, free_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
