/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The difficulty map against a direct implementation in double, and its invariance.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/analysis.h"
#include "base/rng.h"

static fovea_context *make_context(int n_threads, uint32_t cpu_mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = n_threads;
    params.cpu_mask = cpu_mask;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

/* Smooth waves, an edge and some noise. */
static float *make_picture(int w, int h)
{
    float *p = malloc((size_t)w * (size_t)h * sizeof *p);
    assert_non_null(p);
    struct fovi_rng rng = { (uint64_t)w * 1000 + (uint64_t)h };
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double v = 120 + 50 * sin(x * .31) * cos(y * .17) + (x + 2 * y > w ? 40 : 0);
            p[(size_t)y * (size_t)w + (size_t)x] = (float)(v + 20 * (x > w / 2) * (fovi_rng_uniform(&rng) - .5));
        }
    return p;
}

static struct fovea_map *analyse(fovea_context *ctx, const float *p, int w, int h)
{
    struct fovi_analysis *a = NULL;
    struct fovea_map *map = NULL;
    assert_int_equal(fovi_analysis_create(ctx, w, h, &a), FOVEA_OK);
    for (int y = 0; y < h; y++) {
        memcpy(fovi_analysis_row(a), p + (size_t)y * (size_t)w, (size_t)w * sizeof *p);
        assert_int_equal(fovi_analysis_push(a), FOVEA_OK);
    }
    assert_null(fovi_analysis_row(a));
    assert_int_equal(fovi_analysis_finish(a, &map), FOVEA_OK);
    fovi_analysis_free(&a);
    return map;
}

/* ---- the direct implementation ---- */

struct plane {
    const float *p;
    int w, h;
};

static double at(const struct plane *s, int x, int y)
{
    int px = 2 * s->w, py = 2 * s->h;
    x = (x % px + px) % px;
    y = (y % py + py) % py;
    x = x < s->w ? x : px - 1 - x;
    y = y < s->h ? y : py - 1 - y;
    return (double)s->p[(size_t)y * (size_t)s->w + (size_t)x];
}

static double keys(double x)
{
    x = fabs(x);
    if (x < 1)
        return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/* Weight of sample k of the finer (reduction) or coarser (enlargement) lattice for output i, ratio 2. */
static double w_down(int i, int k)
{
    return .5 * keys((k - (2 * i + .5)) / 2);
}

static double w_up(int i, int k)
{
    return keys(k - ((i + .5) / 2 - .5));
}

/* Taps on the input for one output sample of the two chains; taps[16 + k] is input sample i + k. */
static void chain_taps(int i, int up_first, double taps[33])
{
    memset(taps, 0, 33 * sizeof *taps);
    int first = up_first ? 2 * i : i / 2;
    for (int m = first - 6; m <= first + 6; m++)
        for (int k = i - 16; k <= i + 16; k++)
            taps[16 + k - i] += up_first ? w_down(i, m) * w_up(m, k) : w_up(i, m) * w_down(m, k);
}

static double filtered(const struct plane *s, int x, int y, const double *tx, const double *ty)
{
    double sum = 0;
    for (int j = -16; j <= 16; j++)
        for (int i = -16; i <= 16 && ty[16 + j] != 0; i++)
            sum += tx[16 + i] != 0 ? tx[16 + i] * ty[16 + j] * at(s, x + i, y + j) : 0;
    return sum;
}

static void add_pixel(const struct plane *s, int x, int y, double f[FOVEA_N_FEATURES])
{
    double gauss[33] = { 0 }, tx[33], ty[33], norm = 0;
    for (int k = -3; k <= 3; k++)
        norm += gauss[16 + k] = exp(-.5 * k * k);
    for (int k = -3; k <= 3; k++)
        gauss[16 + k] /= norm;
    double v = at(s, x, y), gx = (at(s, x + 1, y) - at(s, x - 1, y)) / 2, gy = (at(s, x, y + 1) - at(s, x, y - 1)) / 2;
    f[FOVEA_FEATURE_GRADIENT] += gx * gx + gy * gy;
    f[FOVEA_FEATURE_MEAN_GRADIENT] += sqrt(gx * gx + gy * gy);
    f[FOVEA_FEATURE_HIGH_FREQUENCY] += pow(v - filtered(s, x, y, gauss, gauss), 2);
    chain_taps(x, 1, tx);
    chain_taps(y, 1, ty);
    f[FOVEA_FEATURE_SELF_CONSISTENCY] += pow(v - filtered(s, x, y, tx, ty), 2);
    chain_taps(x, 0, tx);
    chain_taps(y, 0, ty);
    f[FOVEA_FEATURE_HALF_RESOLUTION] += pow(v - filtered(s, x, y, tx, ty), 2);
}

static void add_block(const struct plane *s, int x0, int y0, double f[FOVEA_N_FEATURES])
{
    const double pi = 3.14159265358979323846;
    for (int v = 0; v < 8; v++)
        for (int u = 0; u < 8; u++) {
            double c = 0;
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    c += at(s, x0 + x, y0 + y) * cos((2 * x + 1) * u * pi / 16) * cos((2 * y + 1) * v * pi / 16);
            c *= (u ? .5 : sqrt(.125)) * (v ? .5 : sqrt(.125));
            if (u + v)
                f[u + v < 3   ? FOVEA_FEATURE_DCT_LOW
                  : u + v < 6 ? FOVEA_FEATURE_DCT_MID
                              : FOVEA_FEATURE_DCT_HIGH] += c * c / 64;
        }
}

static double blockiness(const struct plane *s, int x0, int y0, int w, int h)
{
    double sum[2] = { 0 };
    int n[2] = { 0 };
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            if (x > 0) {
                sum[x % 8 == 0] += fabs(at(s, x, y) - at(s, x - 1, y));
                n[x % 8 == 0]++;
            }
            if (y > 0) {
                sum[y % 8 == 0] += fabs(at(s, x, y) - at(s, x, y - 1));
                n[y % 8 == 0]++;
            }
        }
    return n[0] && n[1] ? (sum[1] / n[1] + .0625) / (sum[0] / n[0] + .0625) : 1;
}

static void direct_tile(const struct plane *s, int tx, int ty, double f[FOVEA_N_FEATURES])
{
    int x0 = tx * 16, y0 = ty * 16, w = s->w - x0 < 16 ? s->w - x0 : 16, h = s->h - y0 < 16 ? s->h - y0 : 16;
    int n_blocks = 0;
    memset(f, 0, FOVEA_N_FEATURES * sizeof *f);
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++)
            add_pixel(s, x, y, f);
    for (int y = y0; y < y0 + h; y += 8)
        for (int x = x0; x < x0 + w; x += 8, n_blocks++)
            add_block(s, x, y, f);
    for (int k = FOVEA_FEATURE_GRADIENT; k <= FOVEA_FEATURE_HALF_RESOLUTION; k++)
        f[k] /= w * h;
    for (int k = FOVEA_FEATURE_DCT_LOW; k <= FOVEA_FEATURE_DCT_HIGH; k++)
        f[k] /= n_blocks;
    f[FOVEA_FEATURE_BLOCKINESS] = blockiness(s, x0, y0, w, h);
    f[FOVEA_FEATURE_MEAN_GRADIENT] = pow(f[FOVEA_FEATURE_MEAN_GRADIENT] / (w * h), 2);
}

/* ---- tests ---- */

static const int sizes[][2] = { { 1, 1 }, { 5, 3 }, { 17, 33 }, { 100, 37 }, { 33, 9 }, { 16, 16 }, { 8, 40 } };

static void features_equal_direct_computation(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int w = sizes[i][0], h = sizes[i][1];
        float *p = make_picture(w, h);
        struct plane s = { p, w, h };
        struct fovea_map *map = analyse(ctx, p, w, h);
        assert_int_equal(map->width, w);
        assert_int_equal(map->height, h);
        assert_int_equal(map->n_tiles_x, (w + 15) / 16);
        assert_int_equal(map->n_tiles_y, (h + 15) / 16);
        for (int t = 0; t < map->n_tiles_x * map->n_tiles_y; t++) {
            double f[FOVEA_N_FEATURES];
            direct_tile(&s, t % map->n_tiles_x, t / map->n_tiles_x, f);
            for (int k = 0; k < FOVEA_N_FEATURES; k++) {
                double got = (double)map->tiles[t].value[k];
                if (!(fabs(got - f[k]) <= 1e-4 * f[k] + 1e-5))
                    fail_msg("%d x %d, tile %d, feature %d: %g, not %g", w, h, t, k, got, f[k]);
            }
        }
        fovea_map_free(&map);
        assert_null(map);
        free(p);
    }
    fovea_context_free(&ctx);
}

static void threads_and_instruction_sets_do_not_matter(void **state)
{
    (void)state;
    const int shapes[][2] = { { 523, 301 }, { 31, 200 }, { 600, 71 } };
    const struct {
        int n_threads;
        uint32_t cpu;
    } ways[] = { { 1, 0 }, { 1, FOVEA_CPU_ALL }, { 2, 0 }, { 3, FOVEA_CPU_ALL }, { 8, FOVEA_CPU_AVX2 } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int w = shapes[i][0], h = shapes[i][1];
        float *p = make_picture(w, h);
        struct fovea_tile_features *first = NULL;
        size_t bytes = 0;
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            fovea_context *ctx = make_context(ways[k].n_threads, ways[k].cpu);
            struct fovea_map *map = analyse(ctx, p, w, h);
            bytes = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y * sizeof *first;
            if (!first)
                first = memcpy(malloc(bytes), map->tiles, bytes);
            assert_memory_equal(first, map->tiles, bytes);
            fovea_map_free(&map);
            assert_int_equal(fovi_alloc_held(ctx), 0);
            fovea_context_free(&ctx);
        }
        free(first);
        free(p);
    }
}

/* A tile's features read at most 8 pixels beyond it: the same tile in a smaller cut of the picture is the same. */
static void tiles_see_their_neighbourhood_only(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    int w = 400, h = 200, x0 = 32, y0 = 48, w2 = 96, h2 = 80;
    float *p = make_picture(w, h), *cut = malloc((size_t)w2 * (size_t)h2 * sizeof *cut);
    for (int y = 0; y < h2; y++)
        memcpy(cut + (size_t)y * (size_t)w2, p + (size_t)(y0 + y) * (size_t)w + (size_t)x0, (size_t)w2 * sizeof *cut);
    struct fovea_map *whole = analyse(ctx, p, w, h), *part = analyse(ctx, cut, w2, h2);
    for (int ty = 1; ty < 4; ty++)
        assert_memory_equal(part->tiles + ty * part->n_tiles_x + 1, whole->tiles + (ty + 3) * whole->n_tiles_x + 3,
                            4 * sizeof *part->tiles);
    fovea_map_free(&whole);
    fovea_map_free(&part);
    free(cut);
    free(p);
    fovea_context_free(&ctx);
}

static void flat_is_easy_and_detail_is_hard(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    int w = 50, h = 41;
    float *p = make_picture(w, h);
    for (int i = 0; i < w * h; i++)
        p[i] = 234.7f;
    struct fovea_map *map = analyse(ctx, p, w, h);
    for (int t = 0; t < 12; t++) {
        assert_true(map->tiles[t].difficulty == 0.0f);
        for (int k = 0; k < FOVEA_FEATURE_BLOCKINESS; k++)
            assert_true(map->tiles[t].value[k] < 1e-6f);
        assert_true(map->tiles[t].value[FOVEA_FEATURE_BLOCKINESS] == 1.0f);
    }
    fovea_map_free(&map);
    float last = 0;
    for (int strength = 1; strength <= 64; strength *= 2) {
        for (int i = 0; i < w * h; i++)
            p[i] = 120.0f + (float)strength * (i % w % 2 ? 1 : -1);
        map = analyse(ctx, p, w, h);
        assert_true(map->tiles[0].difficulty > last && map->tiles[0].difficulty < 1);
        last = map->tiles[0].difficulty;
        fovea_map_free(&map);
    }
    assert_true(last > 0.9f);
    free(p);
    fovea_context_free(&ctx);
}

static void wild_samples_stay_finite(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    float *p = make_picture(40, 40);
    p[100] = NAN;
    p[700] = INFINITY;
    p[900] = -3e38f;
    struct fovea_map *map = analyse(ctx, p, 40, 40);
    for (int t = 0; t < 9; t++) {
        for (int k = 0; k < FOVEA_N_FEATURES; k++)
            assert_true(isfinite(map->tiles[t].value[k]) && map->tiles[t].value[k] >= 0);
        assert_true(map->tiles[t].difficulty >= 0 && map->tiles[t].difficulty <= 1);
    }
    fovea_map_free(&map);
    free(p);
    fovea_context_free(&ctx);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    struct fovi_analysis *a = NULL;
    struct fovea_map *map = NULL;
    assert_int_equal(fovi_analysis_create(ctx, 0, 5, &a), FOVEA_E_ARG);
    assert_int_equal(fovi_analysis_create(ctx, 5, -1, &a), FOVEA_E_ARG);
    assert_null(a);
    assert_int_equal(fovi_analysis_create(ctx, 5, 2, &a), FOVEA_OK);
    assert_int_equal(fovi_analysis_push(a), FOVEA_OK);
    assert_int_equal(fovi_analysis_finish(a, &map), FOVEA_E_ARG);
    assert_int_equal(fovi_analysis_push(a), FOVEA_OK);
    assert_int_equal(fovi_analysis_push(a), FOVEA_E_ARG);
    assert_int_equal(fovi_analysis_finish(a, &map), FOVEA_OK);
    fovea_map_free(&map);
    assert_int_equal(fovi_analysis_finish(a, &map), FOVEA_E_ARG);
    assert_null(map);
    fovi_analysis_free(&a);
    fovi_analysis_free(&a);
    fovea_map_free(&map);
    fovea_context_free(&ctx);
}

static int count_and_stop(void *user, double done)
{
    assert_true(done > 0 && done <= 1);
    return --*(int *)user == 0;
}

static struct fovea_source rgb_source(struct fovea_image *image, uint8_t *pixels, int w, int h)
{
    for (int i = 0; i < w * h; i++) {
        for (int c = 0; c < 3; c++)
            pixels[4 * i + c] = (uint8_t)((i * 37 + c * 11 + i * i % 91) % 256);
        pixels[4 * i + 3] = (uint8_t)i; /* alpha must not matter */
    }
    *image = (struct fovea_image){ w, h, { FOVEA_SAMPLE_U8, 4, 1 }, pixels, (ptrdiff_t)w * 4 };
    return fovea_source_from_image(image);
}

static void sources_are_read_as_luma(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    int w = 70, h = 45, countdown = -1;
    uint8_t pixels[70 * 45 * 4];
    struct fovea_image image;
    struct fovea_source source = rgb_source(&image, pixels, w, h);
    float *luma = malloc((size_t)w * (size_t)h * sizeof *luma);
    for (int i = 0; i < w * h; i++) {
        const uint8_t *q = pixels + 4 * i;
        luma[i] = (float)(16 + (65.481 * q[0] + 128.553 * q[1] + 24.966 * q[2]) / 255);
    }
    struct fovea_map *map = NULL, *direct = analyse(ctx, luma, w, h);
    struct fovea_progress progress = { count_and_stop, &countdown };
    assert_int_equal(fovea_analyze(ctx, &source, &progress, &map), FOVEA_OK);
    for (int t = 0; t < map->n_tiles_x * map->n_tiles_y; t++)
        for (int k = 0; k < FOVEA_N_FEATURES; k++) {
            double a = (double)map->tiles[t].value[k], b = (double)direct->tiles[t].value[k];
            assert_true(fabs(a - b) <= 1e-4 * b);
        }
    fovea_map_free(&map);
    fovea_map_free(&direct);
    countdown = 2;
    assert_int_equal(fovea_analyze(ctx, &source, &progress, &map), FOVEA_E_CANCELLED);
    assert_null(map);
    source.format.n_channels = 99;
    assert_int_equal(fovea_analyze(ctx, &source, NULL, &map), FOVEA_E_ARG);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    free(luma);
    fovea_context_free(&ctx);
}

static int broken_read(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    (void)user, (void)n, (void)rows, (void)stride_bytes;
    return y == 0 ? FOVEA_OK : FOVEA_E_READ;
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    uint8_t pixels[70 * 45 * 4];
    struct fovea_image image;
    struct fovea_source source = rgb_source(&image, pixels, 70, 45);
    struct fovea_map *map = NULL;
    int n_failed = 0, code = FOVEA_E_NOMEM;
    for (long nth = 1; code != FOVEA_OK; nth++) {
        fovi_alloc_fail_nth(ctx, nth);
        code = fovea_analyze(ctx, &source, NULL, &map);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
        if (code) {
            n_failed++;
            assert_null(map);
            assert_int_equal(fovi_alloc_held(ctx), 0);
        }
    }
    assert_true(n_failed >= 5);
    fovi_alloc_fail_nth(ctx, 0);
    fovea_map_free(&map);
    source.read = broken_read;
    assert_int_equal(fovea_analyze(ctx, &source, NULL, &map), FOVEA_E_READ);
    assert_null(map);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

static void heat_scale_gets_lighter(void **state)
{
    (void)state;
    uint8_t rgb[3], other[3];
    int last = 0;
    for (int i = 0; i <= 100; i++) {
        fovea_heat_color((float)i / 100.0f, rgb);
        int light = 2126 * rgb[0] + 7152 * rgb[1] + 722 * rgb[2];
        assert_true(light > last);
        last = light;
    }
    fovea_heat_color(7.0f, other);
    assert_memory_equal(rgb, other, 3);
    fovea_heat_color(0.0f, rgb);
    fovea_heat_color(NAN, other);
    assert_memory_equal(rgb, other, 3);
    assert_true(rgb[2] > 2 * rgb[0] && rgb[2] < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_equal_direct_computation),
        cmocka_unit_test(threads_and_instruction_sets_do_not_matter),
        cmocka_unit_test(tiles_see_their_neighbourhood_only),
        cmocka_unit_test(flat_is_easy_and_detail_is_hard),
        cmocka_unit_test(wild_samples_stay_finite),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(sources_are_read_as_luma),
        cmocka_unit_test(failures_leave_nothing_behind),
        cmocka_unit_test(heat_scale_gets_lighter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
