/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter: symmetries, classes of pictures whose class is known, and that kernels, intervals and order of
 * rows never change a byte.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "filter/filter.h"
#include "fovea/resample.h"
#include "image/window.h"
#ifndef KERNELS_ONLY
#include "model/model.h"
#endif

#define GUARD 12345.0f
#define HALF FOVI_FILTER_DIRECTIONS

static fovea_context *make_context(uint32_t cpu_mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = 1;
    params.cpu_mask = cpu_mask;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

/* The kernels that are compared with the reference: each level that this machine has. */
static const uint32_t levels[] = { FOVEA_CPU_AVX2, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512, FOVEA_CPU_ALL };
#define N_LEVELS (sizeof levels / sizeof *levels)

/* Random filters. */
static struct fovi_filter random_filter(fovea_context *ctx, int scale)
{
    int n = FOVI_FILTER_STORED * 49 * scale * scale;
    struct fovi_rng rng = { (uint64_t)scale };
    float *stored = fovi_alloc(ctx, (size_t)n, sizeof *stored);
    int16_t *coef = fovi_alloc(ctx, fovi_filter_coef_count(scale), sizeof *coef);
    for (int i = 0; i < n; i++)
        stored[i] = (float)(fovi_rng_uniform(&rng) - 0.5) * 0.2f;
    float unit = fovi_filter_expand(stored, scale, coef);
    assert_true(unit > 0.0f);
    fovi_free(ctx, stored);
    return (struct fovi_filter){ scale, unit, coef };
}

static void free_filter(fovea_context *ctx, const struct fovi_filter *filter)
{
    int16_t *coef = NULL;
    memcpy(&coef, &filter->coef, sizeof coef);
    fovi_free(ctx, coef);
}

/* Smooth parts, steps and noise. */
static float sample(struct fovi_rng *rng, int x, int y)
{
    float v = 100.0f + 60.0f * sinf((float)x * 0.3f + (float)y * 0.2f);
    if ((x / 5 + y / 7) % 3 == 0)
        v += 80.0f;
    return x % 11 < 4 ? v : v + (float)fovi_rng_uniform(rng) * 30.0f;
}

/* The edge pixel is repeated as far as the filter looks; the rest of the padding must not matter. */
static void pad_row(float *row, int width)
{
    for (int i = 1; i <= FOVI_WINDOW_PAD; i++) {
        row[-i] = i <= 4 ? row[0] : -1e6f;
        row[width - 1 + i] = i <= 4 ? row[width - 1] : 1e6f;
    }
}

static void make_picture(fovea_context *ctx, struct fovi_window *w, int width, int height)
{
    struct fovi_rng rng = { (uint64_t)(width * 1000 + height) };
    assert_int_equal(fovi_window_init(ctx, w, width, height, 1, height), FOVEA_OK);
    for (int y = 0; y < height; y++) {
        float *row = fovi_window_row(w, 0, y);
        for (int x = 0; x < width; x++)
            row[x] = sample(&rng, x, y);
        pad_row(row, width);
    }
}

static void window_rows(const struct fovi_window *w, int y, const float *rows[FOVI_FILTER_TAPS])
{
    for (int i = 0; i < FOVI_FILTER_TAPS; i++)
        rows[i] = fovi_window_row_clamped(w, 0, y - FOVI_FILTER_RADIUS + i);
}

/* Columns x0..x1-1 of all rows into out, which is width * scale wide; backwards: from the bottom up. */
static void run_filter(fovea_context *ctx, const struct fovi_filter *filter, const struct fovi_window *w, int x0,
                       int x1, int backwards, float *out)
{
    struct fovi_filter_run *run;
    assert_int_equal(fovi_filter_run_create(ctx, filter, w->width, &run), FOVEA_OK);
    for (int i = 0; i < w->height; i++) {
        int y = backwards ? w->height - 1 - i : i;
        const float *rows[FOVI_FILTER_TAPS];
        float *out_rows[4];
        window_rows(w, y, rows);
        for (int k = 0; k < filter->scale; k++)
            out_rows[k] = out + ((ptrdiff_t)y * filter->scale + k) * w->width * filter->scale;
        fovi_filter_row(run, y, rows, x0, x1, out_rows);
    }
    fovi_filter_run_free(ctx, &run);
}

static float *guarded(fovea_context *ctx, size_t n)
{
    float *p = fovi_alloc(ctx, n, sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = GUARD;
    return p;
}

static void turns_are_symmetries(void **state)
{
    (void)state;
    int seen[FOVI_FILTER_CLASSES] = { 0 };
    for (int i = 0; i < FOVI_FILTER_STORED; i++)
        for (int g = 0; g < 8; g++)
            seen[fovi_filter_turn_class(g, fovi_filter_stored_class(i))]++;
    for (int c = 0; c < FOVI_FILTER_CLASSES; c++)
        assert_int_equal(seen[c],
                         c % FOVI_FILTER_CELL < HALF ? 2 : 1); /* a half turn is its own image by 180 degrees */
    for (int g = 0; g < 8; g++) {
        int hit[49] = { 0 };
        for (int t = 0; t < 49; t++)
            hit[fovi_filter_turn(g, 7, t)]++;
        for (int t = 0; t < 49; t++)
            assert_int_equal(hit[t], 1);
        assert_int_equal(fovi_filter_turn(g, 7, 24), 24);
    }
}

/* The class of the middle of a 16x16 picture. */
static int class_in_middle(fovea_context *ctx, float (*f)(float x, float y, const float *a), const float *a)
{
    const struct fovi_filter filter = { .scale = 2 };
    struct fovi_window w;
    struct fovi_filter_run *run;
    int32_t classes[16 + FOVI_FILTER_OVERREAD];
    const float *rows[FOVI_FILTER_TAPS];
    assert_int_equal(fovi_window_init(ctx, &w, 16, 16, 1, 16), FOVEA_OK);
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 16; x++)
            fovi_window_row(&w, 0, y)[x] = f((float)(x - 8), (float)(y - 8), a);
        pad_row(fovi_window_row(&w, 0, y), 16);
    }
    assert_int_equal(fovi_filter_run_create(ctx, &filter, 16, &run), FOVEA_OK);
    window_rows(&w, 8, rows);
    fovi_filter_classes(run, 8, rows, 0, 16, classes);
    fovi_filter_run_free(ctx, &run);
    fovi_window_free(ctx, &w);
    return classes[8];
}

/* a: slope, and its direction as cosine and sine. */
static float ramp(float x, float y, const float *a)
{
    return 128.0f + a[0] * (a[1] * x + a[2] * y);
}

/* A sharp valley, of which the middle pixel lies a little uphill: below its neighbours all the same. */
static float valley(float x, float y, const float *a)
{
    return a[0] * fabsf(a[1] * x + a[2] * y + 0.3f);
}

static float checks(float x, float y, const float *a)
{
    return 128.0f + a[0] * sinf(x * 1.2f) * sinf(y * 1.2f);
}

/* A ramp has no curvature, is coherent, and has the direction of its slope; each slope has its strength. */
static void ramps_have_their_direction(void **state)
{
    static const float slopes[FOVI_FILTER_STRENGTHS] = { 2.0f, 8.0f, 20.0f, 50.0f };
    (void)state;
    for (int level = 0; level < 2; level++) {
        fovea_context *ctx = make_context(level ? FOVEA_CPU_ALL : 0);
        for (int s = 0; s < FOVI_FILTER_STRENGTHS; s++) {
            for (int d = 0; d < 2 * HALF; d++) {
                double angle = (d + 0.5) * 3.14159265358979 / HALF;
                const float a[3] = { slopes[s], (float)cos(angle), (float)sin(angle) };
                int expected = (s * FOVI_FILTER_COHERENCES + 1) * FOVI_FILTER_CELL + d % HALF;
                assert_int_equal(class_in_middle(ctx, ramp, a), expected);
            }
        }
        fovea_context_free(&ctx);
    }
}

/* In a valley the way up is known: the full turn counts; on a ridge it is the opposite way. */
static void valleys_have_a_full_turn(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(FOVEA_CPU_ALL);
    for (int d = 0; d < 2 * HALF; d++) {
        double angle = (d + 0.5) * 3.14159265358979 / HALF;
        const float up[3] = { 8.0f, (float)cos(angle), (float)sin(angle) }, down[3] = { -8.0f, up[1], up[2] };
        int place = class_in_middle(ctx, valley, up) % FOVI_FILTER_CELL;
        assert_true(place >= HALF);
        assert_int_equal((place - HALF) % (2 * HALF), d);
        assert_int_equal(class_in_middle(ctx, valley, down) % FOVI_FILTER_CELL, place);
    }
    const float amplitude[1] = { 100.0f };
    assert_int_equal(class_in_middle(ctx, checks, amplitude) / FOVI_FILTER_CELL % FOVI_FILTER_COHERENCES, 0);
    fovea_context_free(&ctx);
}

static const int sizes[][2] = { { 1, 1 }, { 2, 1 },  { 1, 3 },  { 3, 2 },  { 7, 5 },  { 8, 8 },
                                { 9, 4 }, { 16, 3 }, { 17, 9 }, { 31, 6 }, { 40, 11 } };
#define N_SIZES (sizeof sizes / sizeof *sizes)

/* Columns x0..x1-1 alone give what the whole gave there, and nothing else is written. */
static void check_interval(fovea_context *ctx, const struct fovi_filter *filter, const struct fovi_window *w, int x0,
                           int x1, const float *whole, float *part)
{
    const int out_width = w->width * filter->scale, n = out_width * w->height * filter->scale;
    for (int i = 0; i < n; i++)
        part[i] = GUARD;
    run_filter(ctx, filter, w, x0, x1, 0, part);
    for (int i = 0; i < n; i++) {
        int x = i % out_width / filter->scale;
        assert_true(part[i] == (x >= x0 && x < x1 ? whole[i] : GUARD));
    }
}

/* The vector kernels give the reference's bytes, for whole rows and for every interval, in any order of rows, and write
 * nothing else. */
static void kernels_and_intervals_agree(void **state)
{
    (void)state;
    fovea_context *reference = make_context(0);
    for (size_t test = 0; test < 3 * N_SIZES * N_LEVELS; test++) {
        int scale = 2 + (int)(test % 3);
        const int *size = sizes[test / 3 % N_SIZES];
        fovea_context *fast = make_context(levels[test / 3 / N_SIZES]);
        const struct fovi_filter_dsp *dsp = fovi_filter_dsp_get(fovea_context_cpu(fast));
        assert_true((fovea_context_cpu(fast) == 0) == (dsp == fovi_filter_dsp_get(0)));
        const struct fovi_filter filter = random_filter(reference, scale);
        struct fovi_window w;
        make_picture(reference, &w, size[0], size[1]);
        size_t n = (size_t)(w.width * w.height * scale * scale);
        float *whole = guarded(reference, n), *part = guarded(reference, n);
        run_filter(reference, &filter, &w, 0, w.width, 0, whole);
        run_filter(fast, &filter, &w, 0, w.width, 1, part);
        assert_memory_equal(whole, part, n * sizeof *whole);
        for (int x0 = 0; x0 <= w.width; x0 += 1 + x0 / 4)
            check_interval(fast, &filter, &w, x0, x0 + (x0 * 7 + 3) % (w.width - x0 + 1), whole, part);
        fovi_free(reference, whole);
        fovi_free(reference, part);
        fovi_window_free(reference, &w);
        free_filter(reference, &filter);
        assert_int_equal(fovi_alloc_held(fast), 0);
        fovea_context_free(&fast);
    }
    assert_int_equal(fovi_alloc_held(reference), 0);
    fovea_context_free(&reference);
}

/* Levels at the ends of their range, against filters as large as can be kept: sums come close to 2^31, not over it.
 * Larger ones, and what is no number, are refused. */
static void large_weights_do_not_overflow(void **state)
{
    enum { WIDTH = 24, N = FOVI_FILTER_STORED * 49 * 4 };
    (void)state;
    fovea_context *reference = make_context(0);
    float *stored = fovi_alloc(reference, N, sizeof *stored), out[N_LEVELS + 1][2][2 * WIDTH];
    int16_t *coef = fovi_alloc(reference, fovi_filter_coef_count(2), sizeof *coef);
    for (int i = 0; i < N; i++)
        stored[i] = i / 4 % 2 ? 20.0f : -20.0f;
    struct fovi_filter filter = { 2, fovi_filter_expand(stored, 2, coef), coef };
    assert_true(filter.unit > 0.0f);
    struct fovi_window w;
    make_picture(reference, &w, WIDTH, 7);
    for (int y = 0; y < 7; y++) {
        float *row = fovi_window_row(&w, 0, y);
        for (int x = 0; x < WIDTH; x++)
            row[x] = (x + y) % 2 ? 1e9f : -1e9f;
        pad_row(row, WIDTH);
    }
    for (size_t level = 0; level <= N_LEVELS; level++) {
        fovea_context *ctx = make_context(level ? levels[level - 1] : 0);
        struct fovi_filter_run *run;
        const float *rows[FOVI_FILTER_TAPS];
        float *const to[2] = { out[level][0], out[level][1] };
        window_rows(&w, 3, rows);
        assert_int_equal(fovi_filter_run_create(ctx, &filter, WIDTH, &run), FOVEA_OK);
        fovi_filter_row(run, 3, rows, 0, WIDTH, to);
        assert_memory_equal(out[0], out[level], sizeof out[0]);
        fovi_filter_run_free(ctx, &run);
        fovea_context_free(&ctx);
    }
    for (int i = 0; i < 4; i++) {
        static const float bad[4] = { 3000.0f, NAN, INFINITY, -1e30f };
        stored[N - 4] = bad[i];
        assert_true(fovi_filter_expand(stored, 2, coef) == 0.0f);
    }
    fovi_window_free(reference, &w);
    fovi_free(reference, stored);
    fovi_free(reference, coef);
    fovea_context_free(&reference);
}

/* Filters that are the bicubic enlargement themselves add nothing, whatever the picture. */
static void bicubic_adds_nothing(void **state)
{
    enum { WIDTH = 20, HEIGHT = 9 };
    (void)state;
    fovea_context *ctx = make_context(FOVEA_CPU_ALL);
    for (int scale = 2; scale <= 4; scale++) {
        int n_out = scale * scale, n = FOVI_FILTER_STORED * 49 * n_out;
        float *stored = fovi_alloc(ctx, (size_t)n, sizeof *stored);
        int16_t *coef = fovi_alloc(ctx, fovi_filter_coef_count(scale), sizeof *coef);
        for (int i = 0; i < n; i++) {
            int t = i / n_out % 49, o = i % n_out;
            double y = t / 7 - 3 + 0.5 - (o / scale + 0.5) / scale, x = t % 7 - 3 + 0.5 - (o % scale + 0.5) / scale;
            stored[i] = (float)(fovea_kernel_value(FOVEA_KERNEL_BICUBIC, x) *
                                fovea_kernel_value(FOVEA_KERNEL_BICUBIC, y));
        }
        const struct fovi_filter filter = { scale, fovi_filter_expand(stored, scale, coef), coef };
        struct fovi_window w;
        make_picture(ctx, &w, WIDTH, HEIGHT);
        float *out = guarded(ctx, (size_t)(WIDTH * HEIGHT * n_out));
        run_filter(ctx, &filter, &w, 0, WIDTH, 0, out);
        for (int i = 0; i < WIDTH * HEIGHT * n_out; i++)
            assert_true(out[i] == 0.0f);
        fovi_free(ctx, out);
        fovi_free(ctx, stored);
        fovi_window_free(ctx, &w);
        free_filter(ctx, &filter);
    }
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

/* One run over changing intervals, as a routed picture has them: what is kept of earlier rows must not leak. */
static void changing_intervals_agree(void **state)
{
    enum { WIDTH = 61, HEIGHT = 40, SCALE = 2 };
    (void)state;
    fovea_context *ctx = make_context(FOVEA_CPU_ALL);
    const struct fovi_filter filter = random_filter(ctx, SCALE);
    struct fovi_window w;
    struct fovi_filter_run *run;
    make_picture(ctx, &w, WIDTH, HEIGHT);
    float *whole = guarded(ctx, WIDTH * HEIGHT * SCALE * SCALE), row[SCALE][WIDTH * SCALE];
    run_filter(ctx, &filter, &w, 0, WIDTH, 0, whole);
    assert_int_equal(fovi_filter_run_create(ctx, &filter, WIDTH, &run), FOVEA_OK);
    struct fovi_rng rng = { 5 };
    for (int i = 0; i < 400; i++) {
        int y = i % 3 ? i * 2 / 3 % HEIGHT : (int)fovi_rng_below(&rng, HEIGHT);
        int x0 = (int)fovi_rng_below(&rng, WIDTH), x1 = x0 + (int)fovi_rng_below(&rng, (uint32_t)(WIDTH - x0 + 1));
        const float *rows[FOVI_FILTER_TAPS];
        float *out[SCALE] = { row[0], row[1] };
        window_rows(&w, y, rows);
        fovi_filter_row(run, y, rows, x0, x1, out);
        for (int k = 0; k < SCALE; k++)
            assert_memory_equal(row[k] + x0 * SCALE, whole + ((y * SCALE + k) * WIDTH + x0) * SCALE,
                                (size_t)((x1 - x0) * SCALE) * sizeof(float));
    }
    fovi_filter_run_free(ctx, &run);
    fovi_window_free(ctx, &w);
    fovi_free(ctx, whole);
    free_filter(ctx, &filter);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

/* Values that are no numbers choose some class; nothing is read or written out of bounds. */
static void odd_values_are_survived(void **state)
{
    enum { WIDTH = 33 };
    (void)state;
    static const float odd[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, -0.0f };
    fovea_context *ctx[3] = { make_context(0), make_context(FOVEA_CPU_AVX2), make_context(FOVEA_CPU_ALL) };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        int32_t classes[3][WIDTH + FOVI_FILTER_OVERREAD];
        for (int level = 0; level < 3; level++) {
            const struct fovi_filter filter = { .scale = 2 };
            struct fovi_window w;
            struct fovi_filter_run *run;
            const float *rows[FOVI_FILTER_TAPS];
            make_picture(ctx[level], &w, WIDTH, 7);
            fovi_window_row(&w, 0, 3)[16] = odd[i];
            assert_int_equal(fovi_filter_run_create(ctx[level], &filter, WIDTH, &run), FOVEA_OK);
            window_rows(&w, 3, rows);
            fovi_filter_classes(run, 3, rows, 0, WIDTH, classes[level]);
            for (int x = 0; x < WIDTH; x++)
                assert_in_range(classes[level][x], 0, FOVI_FILTER_CLASSES - 1);
            fovi_filter_run_free(ctx[level], &run);
            fovi_window_free(ctx[level], &w);
        }
        assert_memory_equal(classes[0], classes[1], WIDTH * sizeof(int32_t));
        assert_memory_equal(classes[0], classes[2], WIDTH * sizeof(int32_t));
    }
    for (int level = 0; level < 3; level++)
        fovea_context_free(&ctx[level]);
}

#ifndef KERNELS_ONLY
/* The built-in filters: to a flat picture they add nothing, a turned picture gives the turned result, means are kept.
 */
static void builtin_filters_are_sane(void **state)
{
    enum { SIDE = 24 };
    (void)state;
    fovea_context *ctx = make_context(FOVEA_CPU_ALL);
    for (int scale = 2; scale <= 4; scale++) {
        fovea_model *model;
        assert_int_equal(fovea_model_builtin(ctx, "filter", scale, &model), FOVEA_OK);
        const struct fovi_filter *filter = fovi_model_filter(model);
        const int side = SIDE * scale;
        struct fovi_window w, turned;
        make_picture(ctx, &w, SIDE, SIDE);
        make_picture(ctx, &turned, SIDE, SIDE);
        float *out = guarded(ctx, (size_t)(side * side)), *out_turned = guarded(ctx, (size_t)(side * side));
        run_filter(ctx, filter, &w, 0, SIDE, 0, out);
        double sum = 0.0;
        for (int i = 0; i < side * side; i++)
            sum += (double)out[i];
        assert_true(fabs(sum / (side * side)) < 1.0);
        for (int g = 1; g < 8; g++) {
            for (int i = 0; i < SIDE * SIDE; i++) {
                int to = fovi_filter_turn(g, SIDE, i);
                fovi_window_row(&turned, 0, to / SIDE)[to % SIDE] = fovi_window_row(&w, 0, i / SIDE)[i % SIDE];
            }
            for (int y = 0; y < SIDE; y++)
                pad_row(fovi_window_row(&turned, 0, y), SIDE);
            run_filter(ctx, filter, &turned, 0, SIDE, 0, out_turned);
            int n_far = 0; /* pixels on the edge of two classes may fall to the other one */
            for (int i = 0; i < side * side; i++)
                n_far += fabsf(out[i] - out_turned[fovi_filter_turn(g, side, i)]) > 0.01f;
            assert_true(n_far <= 2 * scale * scale);
        }
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++)
                fovi_window_row(&w, 0, y)[x] = 200.0f;
            pad_row(fovi_window_row(&w, 0, y), SIDE);
        }
        run_filter(ctx, filter, &w, 0, SIDE, 0, out);
        for (int i = 0; i < side * side; i++)
            assert_true(out[i] == 0.0f);
        fovi_free(ctx, out);
        fovi_free(ctx, out_turned);
        fovi_window_free(ctx, &w);
        fovi_window_free(ctx, &turned);
        fovea_model_free(&model);
    }
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

#endif

static void no_memory_is_reported(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(0);
    const struct fovi_filter filter = { .scale = 2 };
    struct fovi_filter_run *run;
    for (long nth = 1; nth <= 4; nth++) {
        fovi_alloc_fail_nth(ctx, nth);
        assert_int_equal(fovi_filter_run_create(ctx, &filter, 100, &run), FOVEA_E_NOMEM);
        assert_null(run);
        assert_int_equal(fovi_alloc_held(ctx), 0);
    }
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_symmetries),          cmocka_unit_test(ramps_have_their_direction),
        cmocka_unit_test(valleys_have_a_full_turn),      cmocka_unit_test(kernels_and_intervals_agree),
        cmocka_unit_test(changing_intervals_agree),      cmocka_unit_test(odd_values_are_survived),
        cmocka_unit_test(large_weights_do_not_overflow), cmocka_unit_test(no_memory_is_reported),
        cmocka_unit_test(bicubic_adds_nothing),
#ifndef KERNELS_ONLY
        cmocka_unit_test(builtin_filters_are_sane),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
