/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the judge measures of tiles: every level of instructions gives the reference's bytes, which are right.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fovea/common.h"
#include "pipeline/measure_dsp.h"

#define ROWS 22
#define STRIDE (4 * 16 + 3)

struct scene {
    float luma[ROWS][FOVI_MEASURE_COLUMNS], delta[4 * 16 * STRIDE];
    const float *rows[ROWS];
};

static void scene_init(struct scene *s, struct fovi_rng *rng)
{
    for (int y = 0; y < ROWS; y++) {
        s->rows[y] = s->luma[y] + 1;
        for (int x = 0; x < FOVI_MEASURE_COLUMNS; x++)
            s->luma[y][x] = (float)(255.0 * fovi_rng_uniform(rng));
    }
    for (size_t i = 0; i < sizeof s->delta / sizeof *s->delta; i++)
        s->delta[i] = (float)(40.0 * fovi_rng_uniform(rng) - 20.0);
}

static void compare(const struct fovi_measure_dsp *dsp, const struct fovi_measure_delta *t)
{
    struct fovi_added a = fovi_measure_dsp_c.added(t), b = dsp->added(t);
    assert_int_equal(a.is_finite, b.is_finite);
    assert_int_equal(a.is_in_range, b.is_in_range);
    if (a.is_finite) {
        assert_memory_equal(&a.mean, &b.mean, sizeof a.mean);
        assert_memory_equal(&a.energy, &b.energy, sizeof a.energy);
    }
    assert_int_equal(fovi_measure_dsp_c.is_constant(t, 100.0f), dsp->is_constant(t, 100.0f));
    assert_int_equal(fovi_measure_dsp_c.is_constant(t, 1.0f), dsp->is_constant(t, 1.0f));
}

static void compare_tiles(const struct fovi_measure_dsp *dsp)
{
    static struct scene s;
    struct fovi_rng rng = { 3 };
    scene_init(&s, &rng);
    for (int i = 0; i < 16 * 16 * 3; i++) {
        int scale = 2 + i % 3, width = 1 + i / 3 % 16, height = 1 + i / 48;
        struct fovi_measure_delta t = { s.delta, STRIDE, width * scale, height * scale, scale };
        struct fovi_measure_luma l = { s.rows, height + i % 5, width + i / 7 % 5, i % 2, width, i % 3 / 2, height };
        compare(dsp, &t);
        float *place = &s.delta[i % t.width], before = *place;
        const float odd[] = { NAN, INFINITY, -INFINITY, 256.0f, -255.5f, 0.0f };
        *place = odd[i % 6];
        compare(dsp, &t);
        *place = before;
        if (l.x0 < l.x1 && l.y0 < l.y1) {
            struct fovi_tile_detail c = fovi_measure_dsp_c.detail(&l), d = dsp->detail(&l);
            assert_memory_equal(&c, &d, sizeof c);
        }
    }
}

static void levels_agree(void **state)
{
    (void)state;
    fovea_context *ctx;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_AVX2)) {
        print_message("this processor has no AVX2\n");
        skip();
    }
    assert_ptr_not_equal(fovi_measure_dsp_get(FOVEA_CPU_AVX2), &fovi_measure_dsp_c);
    compare_tiles(fovi_measure_dsp_get(FOVEA_CPU_AVX2));
    if (cpu & FOVEA_CPU_AVX512) {
        assert_ptr_not_equal(fovi_measure_dsp_get(cpu), fovi_measure_dsp_get(FOVEA_CPU_AVX2));
        compare_tiles(fovi_measure_dsp_get(cpu));
    }
}

static void figures_are_right(void **state)
{
    (void)state;
    static struct scene s;
    struct fovi_rng rng = { 4 };
    scene_init(&s, &rng);
    struct fovi_measure_delta t = { s.delta, STRIDE, 13 * 3, 7 * 3, 3 };
    struct fovi_measure_luma l = { s.rows, 11, 17, 2, 15, 2, 9 };
    double sum = 0.0, square = 0.0, n = 13 * 3 * 7 * 3, inside = 0.0, around = 0.0;
    for (int y = 0; y < t.height; y++) {
        for (int x = 0; x < t.width; x++) {
            double v = (double)s.delta[y * STRIDE + x];
            sum += v;
            square += v * v;
        }
    }
    for (int y = 0; y < l.n_rows; y++) {
        for (int x = 0; x < l.n_columns; x++) {
            double v = 4.0 * (double)s.luma[y + 1][x + 1] - (double)s.luma[y + 1][x] - (double)s.luma[y + 1][x + 2];
            v -= (double)s.luma[y][x + 1] + (double)s.luma[y + 2][x + 1];
            around += v * v / (11 * 17);
            inside += x >= 2 && x < 15 && y >= 2 && y < 9 ? v * v / (13 * 7) : 0.0;
        }
    }
    struct fovi_added added = fovi_measure_dsp_c.added(&t);
    assert_true(added.is_finite && added.is_in_range);
    assert_true(fabs(added.mean - sum / n) < 1e-5);
    assert_true(fabs(added.energy - square / n) < 1e-4 * square / n);
    assert_true(fabs(fovi_measure_dsp_c.detail(&l).inside - inside) < 1e-4 * inside);
    assert_true(fabs(fovi_measure_dsp_c.detail(&l).around - around) < 1e-4 * around);
    s.delta[STRIDE] = 255.5f;
    added = fovi_measure_dsp_c.added(&t);
    assert_true(added.is_finite && !added.is_in_range);
    s.delta[STRIDE] = NAN;
    assert_false(fovi_measure_dsp_c.added(&t).is_finite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_right),
        cmocka_unit_test(levels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
