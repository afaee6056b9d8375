/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fitting the hashed filter: pictures made by a known table give that table's results back, and what is gathered in
 * parts is what is gathered at once.
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
#include "filter_fit.h"

enum {
    SIDE = 160,
    N_PICTURES = 4,
    SCALE = 2,
    N_OUT = SCALE * SCALE,
    N_STORED_FLOATS = FOVI_FILTER_STORED * 49 * N_OUT
};

/* Random filters; those of a class that is its own image by some symmetry are made symmetric. */
static void make_stored(float *stored)
{
    struct fovi_rng rng = { 3 };
    for (int i = 0; i < FOVI_FILTER_STORED; i++) {
        float *filter = stored + (ptrdiff_t)i * 49 * N_OUT, plain[49 * N_OUT];
        int n = 0;
        for (int k = 0; k < 49 * N_OUT; k++) {
            plain[k] = k / N_OUT == 24 ? 0.0f : (float)(fovi_rng_uniform(&rng) - 0.5) * 0.2f;
            filter[k] = 0.0f;
        }
        for (int g = 0; g < 8; g++) {
            if (fovi_filter_turn_class(g, fovi_filter_stored_class(i)) != fovi_filter_stored_class(i))
                continue;
            n++;
            for (int k = 0; k < 49 * N_OUT; k++)
                filter[fovi_filter_turn(g, 7, k / N_OUT) * N_OUT + fovi_filter_turn(g, SCALE, k % N_OUT)] += plain[k];
        }
        for (int k = 0; k < 49 * N_OUT; k++)
            filter[k] /= (float)n;
    }
}

/* Waves of all directions, slow and fast, weak and strong, under noise: every class occurs. */
static void make_luma(int number, float *luma)
{
    struct fovi_rng rng = { (uint64_t)number };
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            float u = (float)(x - 70) / 40.0f, v = (float)(y - 90) / 40.0f;
            float wave = sinf((u * u + v * v) * (3.0f + (float)number)) * 100.0f * (float)x / SIDE;
            luma[y * SIDE + x] = 128.0f + wave + ((float)fovi_rng_uniform(&rng) - 0.5f) * 60.0f * (float)y / SIDE;
        }
    }
}

static struct fovi_filter make_filter(fovea_context *ctx, const float *stored)
{
    int16_t *coef = fovi_alloc(ctx, fovi_filter_coef_count(SCALE), sizeof *coef);
    assert_non_null(coef);
    return (struct fovi_filter){ SCALE, fovi_filter_expand(stored, SCALE, coef), coef };
}

/* Mean square of a - b over the pictures' inside, where windows do not reach over the edge. */
static double difference(const float *a, const float *b)
{
    const int first = 4 * SCALE, last = (SIDE - 4) * SCALE;
    double sum = 0.0;
    for (int y = first; y < last; y++)
        for (int x = first; x < last; x++)
            sum += pow((double)a[y * SIDE * SCALE + x] - (double)b[y * SIDE * SCALE + x], 2.0);
    return sum / ((last - first) * (last - first));
}

static void known_filters_are_found(void **state)
{
    (void)state;
    fovea_context *ctx;
    struct filter_stats whole, part[2];
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    float *stored = fovi_alloc(ctx, N_STORED_FLOATS, sizeof *stored);
    float *fitted = fovi_alloc(ctx, N_STORED_FLOATS, sizeof *fitted);
    float *again = fovi_alloc(ctx, N_STORED_FLOATS, sizeof *again);
    float *lr = fovi_alloc(ctx, SIDE * SIDE, sizeof *lr), *hr = fovi_alloc(ctx, SIDE * SIDE * N_OUT, sizeof *hr);
    float *made = fovi_alloc(ctx, SIDE * SIDE * N_OUT, sizeof *made);
    make_stored(stored);
    const struct fovi_filter filter = make_filter(ctx, stored);
    assert_int_equal(filter_stats_init(ctx, SCALE, &whole), FOVEA_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(filter_stats_init(ctx, SCALE, &part[i]), FOVEA_OK);
    for (int i = 0; i < N_PICTURES; i++) {
        make_luma(i, lr);
        assert_int_equal(filter_apply_plane(ctx, &filter, lr, SIDE, SIDE, hr), FOVEA_OK);
        assert_int_equal(filter_stats_add(ctx, &whole, lr, SIDE, SIDE, hr), FOVEA_OK);
        assert_int_equal(filter_stats_add(ctx, &part[i % 2], lr, SIDE, SIDE, hr), FOVEA_OK);
    }
    filter_stats_flush(&whole);
    filter_stats_flush(&part[0]);
    filter_stats_flush(&part[1]);
    filter_stats_merge(&part[0], &part[1]);
    assert_memory_equal(whole.n_samples, part[0].n_samples, FOVI_FILTER_STORED * sizeof *whole.n_samples);
    int64_t n = 0;
    for (int i = 0; i < FOVI_FILTER_STORED; i++)
        n += whole.n_samples[i];
    assert_int_equal(n, N_PICTURES * (SIDE - 6) * (SIDE - 6));
    assert_int_equal(filter_solve(ctx, &whole, fitted), FOVEA_OK);
    assert_int_equal(filter_solve(ctx, &part[0], again), FOVEA_OK);
    for (int i = 0; i < N_STORED_FLOATS; i++)
        assert_true(fabsf(fitted[i] - again[i]) < 1e-3f);

    const struct fovi_filter result = make_filter(ctx, fitted);
    make_luma(N_PICTURES, lr); /* a new one */
    assert_int_equal(filter_apply_plane(ctx, &filter, lr, SIDE, SIDE, hr), FOVEA_OK);
    assert_int_equal(filter_apply_plane(ctx, &result, lr, SIDE, SIDE, made), FOVEA_OK);
    double error = difference(hr, made);
    for (int i = 0; i < SIDE * SIDE * N_OUT; i++)
        made[i] = lr[i / (SIDE * SCALE) / SCALE * SIDE + i % (SIDE * SCALE) / SCALE];
    /* 0.6 % of what the filters add to the nearest pixel: rare classes lean on the common filter */
    assert_true(error < 0.01 * difference(hr, made));

    int16_t *blocks[2];
    memcpy(&blocks[0], &filter.coef, sizeof blocks[0]);
    memcpy(&blocks[1], &result.coef, sizeof blocks[1]);
    fovi_free(ctx, blocks[0]);
    fovi_free(ctx, blocks[1]);
    filter_stats_free(ctx, &whole);
    filter_stats_free(ctx, &part[0]);
    filter_stats_free(ctx, &part[1]);
    float *arrays[] = { stored, fitted, again, lr, hr, made };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fovi_free(ctx, arrays[i]);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(known_filters_are_found) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
