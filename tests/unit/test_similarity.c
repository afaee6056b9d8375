/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MS-SSIM, FSIM, FSIMc and GMSD against their definitions written down anew, plainly and in double, and against what
 * must hold for any pictures.
 */
#include <complex.h>
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

#define MAX_PX (420 * 420)

static const double pi = 3.14159265358979323846;

static fovea_context *ctx;
static _Alignas(64) unsigned char pixels_a[MAX_PX * 4], pixels_b[MAX_PX * 4];
static double luma_a[MAX_PX], luma_b[MAX_PX];

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

static struct fovea_image image_of(unsigned char *data, int width, int height, enum fovea_sample sample, int n_channels)
{
    struct fovea_image image = { width, height, { sample, n_channels, 0 }, data, 0 };
    image.stride_bytes = (ptrdiff_t)(fovea_pixel_bytes(&image.format) * (size_t)width);
    assert_true((size_t)image.stride_bytes * (size_t)height <= sizeof pixels_a);
    return image;
}

static struct fovea_metrics compare(const struct fovea_image *a, const struct fovea_image *b)
{
    struct fovea_metrics m;
    assert_int_equal(fovea_metrics_compare_wanted(ctx, a, b, 0, FOVEA_METRIC_ALL, &m), FOVEA_OK);
    return m;
}

static void close_to(double value, double expected, double limit)
{
    if (!(fabs(value - expected) <= limit))
        fail_msg("%.9g is not %.9g", value, expected);
}

/* Edges, waves and some noise, in colours; b is a with more noise, less contrast and less light. */
static void make_similar(struct fovea_image *a, struct fovea_image *b, double noise, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    int n = a->format.n_channels;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < n; c++) {
                double v = 120 + 50 * sin(0.3 * x + 0.1 * (c + 1) * y) + 30 * sin(0.004 * x * y + c) +
                           ((x / 9 + y / 13) % 2 ? 25 : -25);
                double w = 112 + 0.9 * (v - 122) + noise * (fovi_rng_uniform(&rng) - 0.5);
                unsigned char *p = a->data, *q = b->data;
                p[y * a->stride_bytes + x * n + c] = (unsigned char)v;
                q[y * b->stride_bytes + x * n + c] = (unsigned char)(w < 0 ? 0 : w > 255 ? 255 : w);
            }
}

static void get_luma(const struct fovea_image *image, double *luma)
{
    int n = image->format.n_channels;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            const unsigned char *p = (const unsigned char *)image->data + y * image->stride_bytes + x * n;
            *luma++ = n == 3 ? 16 + (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255 : p[0];
        }
}

/* SSIM window by window; `contrast` gets the mean of its second factor. */
static double direct_ssim(const double *a, const double *b, int width, int height, double *contrast)
{
    double w[11][11], norm = 0.0, sum = 0.0, sum_contrast = 0.0;
    for (int i = 0; i < 121; i++)
        norm += w[i / 11][i % 11] = exp(-((i / 11 - 5) * (i / 11 - 5) + (i % 11 - 5) * (i % 11 - 5)) / 4.5);
    for (int y = 0; y + 11 <= height; y++) {
        for (int x = 0; x + 11 <= width; x++) {
            double ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
            for (int i = 0; i < 121; i++) {
                double f = w[i / 11][i % 11] / norm, p = a[(y + i / 11) * width + x + i % 11];
                double q = b[(y + i / 11) * width + x + i % 11];
                ma += f * p, mb += f * q, va += f * p * p, vb += f * q * q, cov += f * p * q;
            }
            va -= ma * ma, vb -= mb * mb, cov -= ma * mb;
            double c = (2 * cov + 58.5225) / (va + vb + 58.5225);
            sum += c * (2 * ma * mb + 6.5025) / (ma * ma + mb * mb + 6.5025);
            sum_contrast += c;
        }
    }
    *contrast = sum_contrast / ((width - 10) * (height - 10));
    return sum / ((width - 10) * (height - 10));
}

/* In place: out[y][x] = mean of rows 2y - odd and the next, columns likewise, clamped into the plane. */
static void direct_halve(double *plane, int width, int height)
{
    int odd_x = width % 2, odd_y = height % 2;
    for (int y = 0; y < (height + 1) / 2; y++)
        for (int x = 0; x < (width + 1) / 2; x++) {
            double sum = 0;
            for (int i = 0; i < 4; i++) {
                int from_y = 2 * y - odd_y + i / 2, from_x = 2 * x - odd_x + i % 2;
                sum += plane[(from_y < 0 ? 0 : from_y) * width + (from_x < 0 ? 0 : from_x)];
            }
            plane[y * ((width + 1) / 2) + x] = sum / 4;
        }
}

static void ms_ssim_matches_the_definition(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 161, 161 }, { 176, 162 }, { 163, 191 } };
    static const double weights[] = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int width = sizes[s][0], height = sizes[s][1];
        struct fovea_image a = image_of(pixels_a, width, height, FOVEA_SAMPLE_U8, 3);
        struct fovea_image b = image_of(pixels_b, width, height, FOVEA_SAMPLE_U8, 3);
        make_similar(&a, &b, 60, s + 1);
        get_luma(&a, luma_a);
        get_luma(&b, luma_b);
        double expected = 1, contrast;
        for (int i = 0; i < 5; i++) {
            double ssim = direct_ssim(luma_a, luma_b, width, height, &contrast);
            expected *= pow(i < 4 ? contrast : ssim, weights[i]);
            direct_halve(luma_a, width, height);
            direct_halve(luma_b, width, height);
            width = (width + 1) / 2;
            height = (height + 1) / 2;
        }
        assert_true(expected > 0.5 && expected < 0.995);
        struct fovea_metrics m;
        assert_int_equal(fovea_metrics_compare_wanted(ctx, &a, &b, 0, FOVEA_METRIC_MS_SSIM, &m), FOVEA_OK);
        close_to(m.ms_ssim, expected, 1e-6);
    }
}

static double at(const double *plane, int width, int height, int y, int x)
{
    return x < 0 || y < 0 || x >= width || y >= height ? 0.0 : plane[y * width + x];
}

static double direct_gradient(const double *plane, int width, int height, int y, int x, double side, double middle)
{
    static const int around[8][2] = { { -1, -1 }, { -1, 0 }, { -1, 1 }, { 0, -1 },
                                      { 0, 1 },   { 1, -1 }, { 1, 0 },  { 1, 1 } };
    double dx = 0, dy = 0;
    for (int i = 0; i < 8; i++) {
        int v = around[i][0], u = around[i][1];
        double value = at(plane, width, height, y + v, x + u) * (u && v ? side : middle);
        dx += u * value;
        dy += v * value;
    }
    return hypot(dx, dy);
}

static double direct_gmsd(double *a, double *b, int width, int height)
{
    int w = (width + 1) / 2, h = (height + 1) / 2;
    double *planes[2] = { a, b }, *halves[2], sum = 0, square = 0;
    for (int i = 0; i < 2; i++) {
        halves[i] = malloc((size_t)w * (size_t)h * sizeof(double));
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                halves[i][y * w + x] = (at(planes[i], width, height, 2 * y, 2 * x) +
                                        at(planes[i], width, height, 2 * y, 2 * x + 1) +
                                        at(planes[i], width, height, 2 * y + 1, 2 * x) +
                                        at(planes[i], width, height, 2 * y + 1, 2 * x + 1)) /
                                       4;
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double p = direct_gradient(halves[0], w, h, y, x, 1 / 3.0, 1 / 3.0);
            double q = direct_gradient(halves[1], w, h, y, x, 1 / 3.0, 1 / 3.0);
            double similarity = (2 * p * q + 170) / (p * p + q * q + 170);
            sum += similarity;
            square += similarity * similarity;
        }
    free(halves[0]);
    free(halves[1]);
    return sqrt(square / (w * h) - sum / (w * h) * (sum / (w * h)));
}

static void gmsd_matches_the_definition(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 40, 30 }, { 41, 30 }, { 40, 31 }, { 33, 131 }, { 5, 3 }, { 2, 150 }, { 200, 1 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int n_channels = 1; n_channels <= 3; n_channels += 2) {
            struct fovea_image a = image_of(pixels_a, sizes[s][0], sizes[s][1], FOVEA_SAMPLE_U8, n_channels);
            struct fovea_image b = image_of(pixels_b, sizes[s][0], sizes[s][1], FOVEA_SAMPLE_U8, n_channels);
            make_similar(&a, &b, 80, s + 1);
            get_luma(&a, luma_a);
            get_luma(&b, luma_b);
            double expected = direct_gmsd(luma_a, luma_b, a.width, a.height);
            assert_true(expected > 1e-4);
            struct fovea_metrics m;
            assert_int_equal(fovea_metrics_compare_wanted(ctx, &a, &b, 0, FOVEA_METRIC_GMSD, &m), FOVEA_OK);
            close_to(m.gmsd, expected, 1e-6);
        }
}

enum { MAX_SMALL = 48 * 48 };

typedef double complex small_plane[MAX_SMALL];

/* In place, one sum for each number; sign -1 there, 1 back (not scaled). Numbers are step apart. */
static void direct_line(double complex *a, int n, int step, int sign)
{
    double complex circle[48], sums[48];
    for (int k = 0; k < n; k++)
        circle[k] = cexp(sign * 2 * pi * I * k / n);
    for (int k = 0; k < n; k++) {
        sums[k] = 0;
        for (int j = 0; j < n; j++)
            sums[k] += a[j * step] * circle[j * k % n];
    }
    for (int k = 0; k < n; k++)
        a[k * step] = sums[k];
}

static void direct_transform(double complex *a, int width, int height, int sign)
{
    for (int y = 0; y < height; y++)
        direct_line(a + (ptrdiff_t)y * width, width, 1, sign);
    for (int x = 0; x < width; x++)
        direct_line(a + x, height, width, sign);
}

static double direct_frequency(int k, int n)
{
    return (double)(k < (n + 1) / 2 ? k : k - n) / (n % 2 ? n - 1 : n);
}

static double direct_filter(int scale, int orientation, double u, double v)
{
    double radius = sqrt(u * u + v * v), octave = log(radius * 6 * pow(2, scale)), angle = orientation * pi / 4;
    if (radius == 0)
        return 0;
    double ds = -v * cos(angle) - u * sin(angle), dc = u * cos(angle) - v * sin(angle);
    double away = fabs(atan2(ds, dc)), sigma = pi / (4 * 1.2);
    return exp(-octave * octave / (2 * log(0.55) * log(0.55))) / (1 + pow(radius / 0.45, 30)) *
           exp(-away * away / (2 * sigma * sigma));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What noise gives, from the filters as they are in space. */
static double direct_threshold(const small_plane *filters, const small_plane *responses, int width, int height)
{
    static small_plane spatial[4];
    static double power[MAX_SMALL];
    int n = width * height;
    double em = 0, an2 = 0, aiaj = 0;
    for (int i = 0; i < n; i++) {
        power[i] = creal(responses[0][i]) * creal(responses[0][i]) + cimag(responses[0][i]) * cimag(responses[0][i]);
        em += creal(filters[0][i]) * creal(filters[0][i]);
    }
    qsort(power, (size_t)n, sizeof *power, by_value);
    for (int s = 0; s < 4; s++) {
        memcpy(spatial[s], filters[s], sizeof spatial[s]);
        direct_transform(spatial[s], width, height, 1);
    }
    for (int i = 0; i < n; i++)
        for (int s = 0; s < 4; s++)
            for (int t = s; t < 4; t++)
                *(s == t ? &an2 : &aiaj) += creal(spatial[s][i]) * creal(spatial[t][i]) / n;
    double noise = power[(n - 1) / 2] / -log(0.5) / em, tau = sqrt((2 * noise * an2 + 4 * noise * aiaj) / 2);
    return (tau * sqrt(pi / 2) + 2 * sqrt((2 - pi / 2) * tau * tau)) / 1.7;
}

static void direct_congruency(const double *plane, int width, int height, double *out)
{
    static small_plane spectrum, filters[4], responses[4];
    static double energy[MAX_SMALL], amplitude[MAX_SMALL];
    int n = width * height;
    for (int i = 0; i < n; i++) {
        spectrum[i] = plane[i];
        energy[i] = amplitude[i] = 0;
    }
    direct_transform(spectrum, width, height, -1);
    for (int o = 0; o < 4; o++) {
        for (int s = 0; s < 4; s++) {
            for (int i = 0; i < n; i++) {
                double u = direct_frequency(i % width, width), v = direct_frequency(i / width, height);
                filters[s][i] = direct_filter(s, o, u, v);
                responses[s][i] = spectrum[i] * filters[s][i] / n;
            }
            direct_transform(responses[s], width, height, 1);
        }
        double threshold = direct_threshold((const small_plane *)filters, (const small_plane *)responses, width,
                                            height);
        for (int i = 0; i < n; i++) {
            double complex mean = responses[0][i] + responses[1][i] + responses[2][i] + responses[3][i];
            mean /= cabs(mean) + 1e-12;
            double e = -threshold;
            for (int s = 0; s < 4; s++) {
                double complex turned = responses[s][i] * conj(mean);
                e += creal(turned) - fabs(cimag(turned));
                amplitude[i] += cabs(responses[s][i]);
            }
            energy[i] += e > 0 ? e : 0;
        }
    }
    for (int i = 0; i < n; i++)
        out[i] = energy[i] / amplitude[i];
}

static double alike(double a, double b, double t)
{
    return (2 * a * b + t) / (a * a + b * b + t);
}

/* FSIM of two luma planes; rgb: pixels whose chroma counts, or NULL. */
static double direct_fsim(const double *a, const double *b, int width, int height, const unsigned char *const *rgb)
{
    static double pc_a[MAX_SMALL], pc_b[MAX_SMALL];
    double sum = 0, weight = 0;
    direct_congruency(a, width, height, pc_a);
    direct_congruency(b, width, height, pc_b);
    for (int i = 0; i < width * height; i++) {
        double more = pc_a[i] > pc_b[i] ? pc_a[i] : pc_b[i];
        double ga = direct_gradient(a, width, height, i / width, i % width, 3 / 16.0, 10 / 16.0);
        double gb = direct_gradient(b, width, height, i / width, i % width, 3 / 16.0, 10 / 16.0);
        double score = alike(pc_a[i], pc_b[i], 0.85) * alike(ga, gb, 160) * more;
        if (rgb) {
            const unsigned char *p = rgb[0] + 3 * i, *q = rgb[1] + 3 * i;
            double s_i = alike(.5959 * p[0] - .2746 * p[1] - .3213 * p[2], .5959 * q[0] - .2746 * q[1] - .3213 * q[2],
                               200);
            double s_q = alike(.2115 * p[0] - .5227 * p[1] + .3112 * p[2], .2115 * q[0] - .5227 * q[1] + .3112 * q[2],
                               200);
            score *= pow(fabs(s_i * s_q), 0.03);
        }
        sum += score;
        weight += more;
    }
    return sum / weight;
}

static void fsim_matches_the_definition(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 32, 32 }, { 33, 40 }, { 40, 33 }, { 31, 37 }, { 6, 7 }, { 48, 10 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int n_channels = 1; n_channels <= 3; n_channels += 2) {
            struct fovea_image a = image_of(pixels_a, sizes[s][0], sizes[s][1], FOVEA_SAMPLE_U8, n_channels);
            struct fovea_image b = image_of(pixels_b, sizes[s][0], sizes[s][1], FOVEA_SAMPLE_U8, n_channels);
            make_similar(&a, &b, 60, s + 1);
            get_luma(&a, luma_a);
            get_luma(&b, luma_b);
            struct fovea_metrics m = compare(&a, &b);
            double expected = direct_fsim(luma_a, luma_b, a.width, a.height, NULL);
            assert_true(expected > 0.5 && expected < 0.99);
            close_to(m.fsim, expected, 1e-5);
            if (n_channels == 3) {
                for (int i = 0; i < a.width * a.height; i++) {
                    const unsigned char *p = pixels_a + 3 * (ptrdiff_t)i, *q = pixels_b + 3 * (ptrdiff_t)i;
                    luma_a[i] = .299 * p[0] + .587 * p[1] + .114 * p[2];
                    luma_b[i] = .299 * q[0] + .587 * q[1] + .114 * q[2];
                }
                const unsigned char *const rgb[2] = { pixels_a, pixels_b };
                expected = direct_fsim(luma_a, luma_b, a.width, a.height, rgb);
            }
            close_to(m.fsimc, expected, 1e-5);
        }
}

/* Pictures whose pixels are doubled are averaged back to what they were made from. */
static void doubled_pictures_score_the_same(int width, int height)
{
    struct fovea_image a = image_of(pixels_a, width, height, FOVEA_SAMPLE_U8, 1);
    struct fovea_image b = image_of(pixels_b, width, height, FOVEA_SAMPLE_U8, 1);
    make_similar(&a, &b, 50, 3);
    struct fovea_metrics small = compare(&a, &b);
    for (int i = 4 * width * height - 1; i >= 0; i--) {
        int from = i / (2 * width) / 2 * width + i % (2 * width) / 2;
        pixels_a[i] = pixels_a[from];
        pixels_b[i] = pixels_b[from];
    }
    a = image_of(pixels_a, 2 * width, 2 * height, FOVEA_SAMPLE_U8, 1);
    b = image_of(pixels_b, 2 * width, 2 * height, FOVEA_SAMPLE_U8, 1);
    struct fovea_metrics large = compare(&a, &b);
    close_to(large.fsim, small.fsim, 1e-9);
    close_to(large.fsimc, small.fsimc, 1e-9);
}

static void fsim_reduces_large_pictures(void **state)
{
    (void)state;
    doubled_pictures_score_the_same(320, 321); /* 640 / 256 is rounded to 2, which is even */
    doubled_pictures_score_the_same(195, 200);
    /* What is left over at the right and at the bottom is not looked at. */
    struct fovea_image a = image_of(pixels_a, 390, 400, FOVEA_SAMPLE_U8, 1);
    struct fovea_image b = image_of(pixels_b, 390, 400, FOVEA_SAMPLE_U8, 1);
    a.width = b.width = 385;
    a.height = b.height = 393;
    double fsim = compare(&a, &b).fsim;
    a.width = b.width = 384;
    a.height = b.height = 392;
    assert_true(fsim == compare(&a, &b).fsim);
}

static void identical_pictures_are_alike(void **state)
{
    (void)state;
    for (int n_channels = 1; n_channels <= 4; n_channels++) {
        struct fovea_image a = image_of(pixels_a, 165, 180, FOVEA_SAMPLE_U8, n_channels), b = a;
        make_similar(&a, &b, 0, 4);
        memcpy(pixels_b, pixels_a, sizeof pixels_a);
        b.data = pixels_b;
        struct fovea_metrics m = compare(&a, &b);
        assert_true(m.fsim == 1.0 && m.fsimc == 1.0 && m.gmsd == 0.0);
        close_to(m.ms_ssim, 1.0, 1e-12);
    }
}

static void flat_pictures_have_figures(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 162, 162, FOVEA_SAMPLE_U8, 3);
    struct fovea_image b = image_of(pixels_b, 162, 162, FOVEA_SAMPLE_U8, 3);
    memset(pixels_a, 90, sizeof pixels_a);
    memset(pixels_b, 90, sizeof pixels_b);
    struct fovea_metrics m = compare(&a, &b);
    assert_true(m.fsim == 1.0 && m.fsimc == 1.0 && m.gmsd == 0.0);
    close_to(m.ms_ssim, 1.0, 1e-9);
    memset(pixels_b, 95, sizeof pixels_b);
    m = compare(&a, &b);
    assert_true(m.fsim > 0.99 && m.fsim < 1.0 && m.fsimc > 0.99 && m.gmsd < 0.02 && m.ms_ssim > 0.99);
}

/* The mean of 3x3, once more. */
static void blur(struct fovea_image *image)
{
    int n = image->format.n_channels, width = image->width * n;
    unsigned char *p = image->data, *copy = malloc((size_t)width * (size_t)image->height);
    memcpy(copy, p, (size_t)width * (size_t)image->height);
    for (int y = 1; y + 1 < image->height; y++)
        for (int x = n; x < width - n; x++) {
            int sum = 4;
            for (int i = 0; i < 9; i++)
                sum += copy[(y + i / 3 - 1) * width + x + (i % 3 - 1) * n];
            p[y * width + x] = (unsigned char)(sum / 9);
        }
    free(copy);
}

static void more_blur_is_worse(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 200, 180, FOVEA_SAMPLE_U8, 3);
    struct fovea_image b = image_of(pixels_b, 200, 180, FOVEA_SAMPLE_U8, 3);
    make_similar(&a, &b, 30, 8);
    memcpy(pixels_b, pixels_a, sizeof pixels_a);
    struct fovea_metrics before = compare(&a, &b);
    for (int i = 0; i < 3; i++) {
        blur(&b);
        struct fovea_metrics m = compare(&a, &b);
        assert_true(m.ms_ssim < before.ms_ssim && m.fsim < before.fsim && m.fsimc < before.fsimc);
        assert_true(m.gmsd > before.gmsd);
        before = m;
    }
}

static void the_order_and_the_border_do_not_matter(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 180, 165, FOVEA_SAMPLE_U8, 3);
    struct fovea_image b = image_of(pixels_b, 180, 165, FOVEA_SAMPLE_U8, 3);
    make_similar(&a, &b, 40, 2);
    struct fovea_metrics m = compare(&a, &b), turned = compare(&b, &a), inside;
    close_to(turned.ms_ssim, m.ms_ssim, 1e-12);
    assert_true(turned.fsim == m.fsim && turned.fsimc == m.fsimc && turned.gmsd == m.gmsd);
    assert_int_equal(fovea_metrics_compare_wanted(ctx, &a, &b, 8, FOVEA_METRIC_ALL, &inside), FOVEA_OK);
    assert_true(inside.psnr != m.psnr && inside.ssim_y != m.ssim_y);
    assert_true(inside.ms_ssim == m.ms_ssim && inside.fsim == m.fsim && inside.fsimc == m.fsimc &&
                inside.gmsd == m.gmsd);
}

static void only_what_is_wanted_is_made(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 162, 162, FOVEA_SAMPLE_U8, 1);
    struct fovea_image b = image_of(pixels_b, 162, 162, FOVEA_SAMPLE_U8, 1);
    make_similar(&a, &b, 40, 2);
    struct fovea_metrics all = compare(&a, &b), m;
    for (unsigned wanted = 0; wanted < 8; wanted++) {
        assert_int_equal(fovea_metrics_compare_wanted(ctx, &a, &b, 0, wanted, &m), FOVEA_OK);
        assert_true(m.psnr == all.psnr && m.psnr_y == all.psnr_y && m.ssim_y == all.ssim_y);
        assert_true(wanted & FOVEA_METRIC_MS_SSIM ? m.ms_ssim == all.ms_ssim : isnan(m.ms_ssim));
        assert_true(wanted & FOVEA_METRIC_FSIM ? m.fsim == all.fsim && m.fsimc == all.fsimc
                                               : isnan(m.fsim) && isnan(m.fsimc));
        assert_true(wanted & FOVEA_METRIC_GMSD ? m.gmsd == all.gmsd : isnan(m.gmsd));
    }
    assert_int_equal(fovea_metrics_compare(ctx, &a, &b, 0, &m), FOVEA_OK);
    assert_true(m.psnr == all.psnr && isnan(m.ms_ssim) && isnan(m.fsim) && isnan(m.fsimc) && isnan(m.gmsd));
}

static void small_pictures_have_fewer_figures(void **state)
{
    (void)state;
    static const struct {
        int width, height, has_ms_ssim, has_fsim;
    } sizes[] = { { 161, 161, 1, 1 }, { 160, 200, 0, 1 }, { 200, 160, 0, 1 }, { 6, 6, 0, 1 },
                  { 5, 30, 0, 0 },    { 30, 5, 0, 0 },    { 1, 1, 0, 0 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct fovea_image a = image_of(pixels_a, sizes[s].width, sizes[s].height, FOVEA_SAMPLE_U8, 1);
        struct fovea_image b = image_of(pixels_b, sizes[s].width, sizes[s].height, FOVEA_SAMPLE_U8, 1);
        make_similar(&a, &b, 10, 5);
        struct fovea_metrics m = compare(&a, &b);
        assert_int_equal(isfinite(m.ms_ssim), sizes[s].has_ms_ssim);
        assert_int_equal(isfinite(m.fsim), sizes[s].has_fsim);
        assert_int_equal(isfinite(m.fsimc), sizes[s].has_fsim);
        assert_true(isfinite(m.gmsd));
    }
}

static void depths_may_differ(void **state)
{
    (void)state;
    static uint16_t wide[162 * 162];
    struct fovea_image a = image_of(pixels_a, 162, 162, FOVEA_SAMPLE_U8, 1);
    struct fovea_image b = image_of(pixels_b, 162, 162, FOVEA_SAMPLE_U8, 1), c = b;
    make_similar(&a, &b, 40, 6);
    for (int i = 0; i < 162 * 162; i++)
        wide[i] = (uint16_t)(pixels_b[i] * 257);
    c = image_of((unsigned char *)wide, 162, 162, FOVEA_SAMPLE_U16, 1);
    struct fovea_metrics m = compare(&a, &b), n = compare(&a, &c);
    close_to(n.ms_ssim, m.ms_ssim, 1e-6);
    close_to(n.fsim, m.fsim, 1e-6);
    close_to(n.gmsd, m.gmsd, 1e-6);
}

static void what_is_not_finite_is_not_alike(void **state)
{
    (void)state;
    static const float bad[] = { NAN, -NAN, INFINITY, -INFINITY, 3e38f };
    struct fovea_image a = image_of(pixels_a, 162, 162, FOVEA_SAMPLE_F32, 1);
    struct fovea_image b = image_of(pixels_b, 162, 162, FOVEA_SAMPLE_F32, 1);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (int i = 0; i < 162 * 162; i++)
            ((float *)a.data)[i] = ((float *)b.data)[i] = (float)(i % 37) / 37.0f;
        ((float *)b.data)[3000] = bad[k];
        struct fovea_metrics m = compare(&a, &b);
        assert_false(m.fsim > 0 || m.fsimc > 0 || m.ms_ssim > 0 || m.gmsd < 1e-9);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 167, 210, FOVEA_SAMPLE_U8, 3);
    struct fovea_image b = image_of(pixels_b, 167, 210, FOVEA_SAMPLE_U8, 3);
    make_similar(&a, &b, 40, 5);
    struct fovea_metrics first = compare(&a, &b);
    for (int n = 1; n <= 3; n++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = n;
        fovea_context *other = NULL;
        assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
        struct fovea_metrics m;
        assert_int_equal(fovea_metrics_compare_wanted(other, &a, &b, 0, FOVEA_METRIC_ALL, &m), FOVEA_OK);
        assert_true(m.psnr == first.psnr && m.ssim_y == first.ssim_y && m.ms_ssim == first.ms_ssim);
        assert_true(m.fsim == first.fsim && m.fsimc == first.fsimc && m.gmsd == first.gmsd);
        fovea_context_free(&other);
    }
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    static const struct {
        unsigned wanted;
        int width, height, n_calls;
    } cases[] = { { FOVEA_METRIC_MS_SSIM, 162, 161, 12 },
                  { FOVEA_METRIC_FSIM, 30, 37, 30 },
                  { FOVEA_METRIC_GMSD, 30, 37, 2 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_image a = image_of(pixels_a, cases[i].width, cases[i].height, FOVEA_SAMPLE_U8, 3);
        struct fovea_image b = image_of(pixels_b, cases[i].width, cases[i].height, FOVEA_SAMPLE_U8, 3);
        make_similar(&a, &b, 40, 5);
        int code = FOVEA_E_NOMEM;
        for (long n = 1; code != FOVEA_OK; n++) {
            struct fovea_metrics m;
            fovi_alloc_fail_nth(ctx, n);
            code = fovea_metrics_compare_wanted(ctx, &a, &b, 0, cases[i].wanted, &m);
            fovi_alloc_fail_nth(ctx, 0);
            assert_int_equal(fovi_alloc_held(ctx), 0);
            assert_true(code == FOVEA_E_NOMEM || code == FOVEA_OK);
            assert_true(code == FOVEA_E_NOMEM || n > cases[i].n_calls);
        }
    }
}

static void the_ceiling_is_kept(void **state)
{
    (void)state;
    struct fovea_image a = image_of(pixels_a, 380, 380, FOVEA_SAMPLE_U8, 1);
    struct fovea_image b = image_of(pixels_b, 380, 380, FOVEA_SAMPLE_U8, 1);
    make_similar(&a, &b, 40, 5);
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = 1;
    params.memory_bytes = 4 << 20;
    fovea_context *other = NULL;
    struct fovea_metrics m;
    assert_int_equal(fovea_context_create(&other, &params), FOVEA_OK);
    assert_int_equal(fovea_metrics_compare_wanted(other, &a, &b, 0, FOVEA_METRIC_FSIM, &m), FOVEA_E_LIMIT);
    assert_int_equal(fovi_alloc_held(other), 0);
    assert_int_equal(fovea_metrics_compare_wanted(other, &a, &b, 0, ~FOVEA_METRIC_FSIM, &m), FOVEA_OK);
    fovea_context_free(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_context, free_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ms_ssim_matches_the_definition),
        TEST(gmsd_matches_the_definition),
        TEST(fsim_matches_the_definition),
        TEST(fsim_reduces_large_pictures),
        TEST(identical_pictures_are_alike),
        TEST(flat_pictures_have_figures),
        TEST(more_blur_is_worse),
        TEST(the_order_and_the_border_do_not_matter),
        TEST(only_what_is_wanted_is_made),
        TEST(small_pictures_have_fewer_figures),
        TEST(depths_may_differ),
        TEST(what_is_not_finite_is_not_alike),
        TEST(threads_change_nothing),
        TEST(failing_memory_leaks_nothing),
        TEST(the_ceiling_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
