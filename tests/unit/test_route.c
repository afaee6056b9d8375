/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Routing: halo against grown pixel masks, the selection against all choices on small maps, limits, failures.
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
#include "model/model.h"
#include "net/exec.h"
#include "net/rate.h"
#include "route/halo.h"
#include "route/route.h"
#include "route/route_math.h"

static fovea_context *ctx;

static int setup(void **state)
{
    (void)state;
    return fovea_context_create(&ctx, NULL);
}

static int teardown(void **state)
{
    (void)state;
    size_t held = fovi_alloc_held(ctx);
    fovea_context_free(&ctx);
    return held != 0;
}

static void log_and_exp_are_accurate(void **state)
{
    (void)state;
    struct fovi_rng rng = { 5 };
    for (int i = 0; i < 20000; i++) {
        double x = exp(fovi_rng_uniform(&rng) * 80 - 40), y = fovi_rng_uniform(&rng) * 80 - 40;
        assert_true(fabs(fovi_route_log(x) - log(x)) <= 1e-14 * (1 + fabs(log(x))));
        assert_true(fabs(fovi_route_exp(y) - exp(y)) <= 1e-13 * exp(y));
    }
    assert_true(fovi_route_log(1.0) == 0.0 && fovi_route_exp(0.0) == 1.0);
}

/* Pixels of the region grown by d, and upwards by `up`, the square way. */
static double grown_px(const uint8_t *on, int w, int h, int d, int up)
{
    int n_x = (w + 15) / 16;
    double count = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int hit = 0;
            for (int j = y - d; j <= y + up && !hit; j++)
                for (int i = x - d; i <= x + d && !hit; i++)
                    hit = i >= 0 && j >= 0 && i < w && j < h && on[j / 16 * n_x + i / 16];
            count += hit;
        }
    return count;
}

static void halo_is_the_grown_region(void **state)
{
    (void)state;
    const int sizes[][2] = { { 50, 41 }, { 16, 16 }, { 5, 3 }, { 33, 64 }, { 48, 17 } };
    const int up_direct[] = { 0, 3, 2, 5, 4, 7 }; /* to the start of a group of four rows that ends d below */
    struct fovi_rng rng = { 77 };
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        int w = sizes[i / 2][0], h = sizes[i / 2][1], n = (w + 15) / 16 * ((h + 15) / 16), is_float = i % 2;
        struct fovi_route_halo *halo = NULL;
        assert_int_equal(fovi_route_halo_create(ctx, &fovi_route_ladder[FOVI_ROUTE_TINY], 3, is_float, w, h, &halo),
                         FOVEA_OK);
        for (int round = 0; round < 12; round++) {
            uint8_t on[64] = { 0 };
            for (int t = 0; t < n; t++)
                on[t] = fovi_rng_below(&rng, 3) == 0;
            /* tiny at x3: 144, four times 2304, 9 * 144 multiply-adds */
            double total = 144 + 4 * 2304 + 9 * 144, px = 0;
            for (int d = 0; d < 6; d++)
                px += (d == 0 ? 1296 : d == 5 ? 144 : 2304) * grown_px(on, w, h, d, is_float ? 3 * d : up_direct[d]);
            assert_true(fabs(fovi_route_halo_px(halo, on, 1) - px / total) < 1e-6);
        }
        fovi_route_halo_free(ctx, halo);
    }
}

/* Work that the executor counts for the tiles that are on, in input pixels of the whole network. */
static double executed_px(fovea_context *one_thread, const struct fovi_graph *graph, enum fovi_exec_format format,
                          int w, int h, const uint8_t *on)
{
    struct fovi_exec *exec = NULL;
    struct fovi_window luma;
    float *out = calloc((size_t)w * (size_t)h * (size_t)(graph->scale * graph->scale), sizeof *out);
    assert_non_null(out);
    assert_int_equal(fovi_window_init(one_thread, &luma, w, h, 1, h), FOVEA_OK); /* zeros */
    fovi_window_push(&luma, h);
    assert_int_equal(fovi_exec_create(one_thread, graph, format, w, h, &exec), FOVEA_OK);
    fovi_exec_begin(exec, on, 1);
    fovi_exec_rows(exec, &luma, 0, h, out, w * graph->scale);
    double px = fovi_exec_px(exec);
    fovi_exec_free(&exec);
    fovi_window_free(one_thread, &luma);
    free(out);
    return px;
}

/* What medium in float does two tiles above a region is right on average only. One thread, so one slice: columns
 * between slices are left out. */
static void check_halo(fovea_context *one_thread, int rung, const struct fovi_graph *graph,
                       enum fovi_exec_format format, struct fovi_rng *rng)
{
    enum { W = 11 * 16 - 3, H = 9 * 16 - 7, N = 11 * 9 };
    struct fovi_route_halo *halo = NULL;
    assert_int_equal(fovi_route_halo_create(ctx, &fovi_route_ladder[rung], 4, format == FOVI_EXEC_F32, W, H, &halo),
                     FOVEA_OK);
    for (int share = 1; share < 12; share++) {
        uint8_t on[N];
        for (int t = 0; t < N; t++)
            on[t] = fovi_rng_below(rng, (uint32_t)share) == 0;
        double executed = executed_px(one_thread, graph, format, W, H, on), px = fovi_route_halo_px(halo, on, 1);
        double off = rung == FOVI_ROUTE_MEDIUM && format == FOVI_EXEC_F32 ? .1 : .002;
        assert_true(fabs(px / executed - 1) < off);
    }
    fovi_route_halo_free(ctx, halo);
}

static void halo_counts_what_is_executed(void **state)
{
    (void)state;
    struct fovi_rng rng = { 78 };
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *one_thread = NULL;
    params.n_threads = 1;
    assert_int_equal(fovea_context_create(&one_thread, &params), FOVEA_OK);
    for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS; rung++) {
        fovea_model *model = NULL;
        if (fovea_model_builtin(ctx, fovi_route_ladder[rung].name, 4, &model) != FOVEA_OK)
            continue;
        check_halo(one_thread, rung, fovi_model_graph(model), FOVI_EXEC_F32, &rng);
        check_halo(one_thread, rung, fovi_model_graph(model), FOVI_EXEC_BF16, &rng);
        fovea_model_free(&model);
    }
    fovea_context_free(&one_thread);
}

/* Times that follow work and ends are found again; work alone tells, too; few calls tell nothing. */
static void times_are_foreseen(void **state)
{
    (void)state;
    struct fovi_rng rng = { 80 };
    struct fovi_rate some = { 0 }, same = { 0 }, few = { 0 }, sum = { 0 };
    fovi_rate_note(&some, 1e6, 1000, 10); /* the first call does not count */
    fovi_rate_note(&same, 1e6, 1000, 10);
    for (int i = 0; i < 60; i++) {
        double work = 100 + 1000 * fovi_rng_uniform(&rng), ends = 3 + 20 * fovi_rng_uniform(&rng);
        fovi_rate_note(&some, .01 * (work + 50 * ends), work, ends);
        fovi_rate_note(&some, 5, 0, 0); /* nor one without work */
        fovi_rate_note(&same, .01 * (1000 + 24 * 10), 1000, 10);
    }
    assert_true(fabs(fovi_rate_foresee(&some, 90000, 300) / (.01 * (90000 + 50 * 300)) - 1) < .05);
    assert_true(fabs(fovi_rate_foresee(&same, 90000, 300) / (.01 * (90000 + 24 * 300)) - 1) < .001);
    for (int i = 0; i < 8; i++)
        fovi_rate_note(&few, 1, 100, 10);
    fovi_rate_add(&sum, &few);
    assert_true(sum.n_calls == 7 && fovi_rate_foresee(&sum, 100, 10) == 0);
    fovi_rate_add(&sum, &few);
    assert_true(fabs(fovi_rate_foresee(&sum, 100, 10) - 1) < .001);
}

/* Size in pixels of the problem that was made last. */
static int problem_width, problem_height;

/* A problem with random gains, roughly log-normal, on tiles_x by tiles_y tiles less a few pixels. Filter or tiny. */
static struct fovi_route_problem make_problem(struct fovi_rng *rng, int tiles_x, int tiles_y, double *gain)
{
    struct fovi_route_halo *halo = NULL;
    problem_width = tiles_x * 16 - (int)fovi_rng_below(rng, 16);
    problem_height = tiles_y * 16 - (int)fovi_rng_below(rng, 16);
    assert_int_equal(
        fovi_route_halo_create(ctx, &fovi_route_ladder[FOVI_ROUTE_TINY], 4, 1, problem_width, problem_height, &halo),
        FOVEA_OK);
    struct fovi_route_problem p = { .n_levels = 2,
                                    .level = { { NULL, NULL, 30, 30, 1 }, { halo, gain, 130, 130, 1 } },
                                    .max_loss_db = 0.05 };
    for (int t = 0; t < tiles_x * tiles_y; t++) {
        double u = 0;
        for (int k = 0; k < 12; k++)
            u += fovi_rng_uniform(rng) - .5;
        gain[t] = exp(1.8 * u) * 256;
        p.residual += 3.0 * gain[t] + 500;
    }
    return p;
}

static void end_problem(struct fovi_route_problem *p)
{
    for (int k = 1; k < p->n_levels; k++) {
        struct fovi_route_halo *halo = NULL;
        memcpy(&halo, &p->level[k].halo, sizeof halo);
        fovi_route_halo_free(ctx, halo);
    }
}

static int count_on(const uint8_t *on, int n)
{
    int sum = 0;
    for (int t = 0; t < n; t++)
        sum += on[t];
    return sum;
}

static void no_loss_means_the_network_everywhere(void **state)
{
    (void)state;
    struct fovi_rng rng = { 3 };
    double gain[35];
    uint8_t on[35];
    struct fovi_route_problem p = make_problem(&rng, 7, 5, gain);
    p.max_loss_db = 0;
    assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
    assert_int_equal(count_on(on, 35), 35);
    p.max_loss_db = 100;
    assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
    assert_int_equal(count_on(on, 35), 0);
    end_problem(&p);
}

static void more_loss_never_costs_more(void **state)
{
    (void)state;
    struct fovi_rng rng = { 4 };
    double gain[30 * 20];
    uint8_t on[30 * 20];
    for (int round = 0; round < 10; round++) {
        struct fovi_route_problem p = make_problem(&rng, 30, 20, gain);
        double last = 1e300;
        for (p.max_loss_db = 0; p.max_loss_db < 2; p.max_loss_db += .02) {
            assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
            assert_true(fovi_route_loss_db(&p, on) <= p.max_loss_db);
            double px = fovi_route_halo_px(p.level[1].halo, on, 1);
            assert_true(px <= last * 1.01); /* the search is not exhaustive */
            last = px < last ? px : last;
        }
        assert_true(count_on(on, 600) < 590);
        end_problem(&p);
    }
}

static void budgets_are_kept(void **state)
{
    (void)state;
    struct fovi_rng rng = { 6 };
    double gain[30 * 20];
    uint8_t on[30 * 20];
    struct fovi_route_problem p = make_problem(&rng, 30, 20, gain);
    memset(on, 1, sizeof on);
    double most = fovi_route_cost_ns(&p, on), last_loss = 1e300;
    memset(on, 0, sizeof on);
    double least = fovi_route_cost_ns(&p, on);
    p.max_loss_db = 0;
    for (double share = .05; share <= 1; share += .05) {
        p.budget_ns = least + share * (most - least);
        assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
        double cost = fovi_route_cost_ns(&p, on), loss = fovi_route_loss_db(&p, on);
        assert_true(cost <= p.budget_ns && loss <= last_loss);
        assert_true(cost >= p.budget_ns - .02 * most); /* and it is used */
        last_loss = loss;
    }
    p.budget_ns = least / 2; /* cannot be kept: as cheap as it gets */
    assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
    assert_int_equal(count_on(on, 600), 0);
    end_problem(&p);
}

static void single_holes_are_closed(void **state)
{
    (void)state;
    double gain[25];
    uint8_t on[25];
    struct fovi_rng rng = { 8 };
    struct fovi_route_problem p = make_problem(&rng, 5, 5, gain);
    for (int t = 0; t < 25; t++)
        gain[t] = 1000;
    gain[12] = gain[4] = 1; /* one inside, one in a corner */
    p.residual = 1e5;
    p.max_loss_db = .001;
    p.level[1].edge = 1.6; /* as it is with vectors */
    assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
    assert_int_equal(count_on(on, 25), 25);
    for (int t = 0; t < 25; t += 5) /* a gap along a side stays open */
        gain[t] = 1;
    assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
    for (int t = 0; t < 25; t++)
        assert_int_equal(on[t], t % 5 != 0);
    end_problem(&p);
}

/* Least cost of all choices within the loss. */
static double best_cost(const struct fovi_route_problem *p, int n)
{
    double best = 1e300;
    uint8_t level[16] = { 0 };
    for (int t = 0; t < n;) {
        if (fovi_route_loss_db(p, level) <= p->max_loss_db) {
            double cost = fovi_route_cost_ns(p, level);
            best = cost < best ? cost : best;
        }
        for (t = 0; t < n && ++level[t] == p->n_levels; t++) /* count up */
            level[t] = 0;
    }
    return best;
}

/* The same with small above tiny: some tiles gain more by it, some nothing. */
static void add_small(struct fovi_rng *rng, struct fovi_route_problem *p, double *more)
{
    struct fovi_route_halo *halo = NULL;
    const struct fovi_route_halo *below = p->level[1].halo;
    assert_int_equal(
        fovi_route_halo_create(ctx, &fovi_route_ladder[FOVI_ROUTE_SMALL], 4, 1, problem_width, problem_height, &halo),
        FOVEA_OK);
    for (int t = 0; t < below->n_x * below->n_y; t++)
        more[t] = p->level[1].gain[t] * (1 + .6 * fovi_rng_uniform(rng));
    p->level[2] = (struct fovi_route_level){ halo, more, 700, 700, 1 };
    p->n_levels = 3;
}

static void three_levels_come_near_the_best_choice(void **state)
{
    (void)state;
    struct fovi_rng rng = { 19 };
    double gain[9], more[9], sum = 0, worst = 0;
    uint8_t level[9];
    const int rounds = 30;
    int seen[3] = { 0 };
    for (int round = 0; round < rounds; round++) {
        struct fovi_route_problem p = make_problem(&rng, 3, 3, gain);
        add_small(&rng, &p, more);
        p.max_loss_db = .02 + .02 * round;
        assert_int_equal(fovi_route_select(ctx, &p, level), FOVEA_OK);
        assert_true(fovi_route_loss_db(&p, level) <= p.max_loss_db);
        for (int t = 0; t < 9; t++)
            seen[level[t]]++;
        double excess = fovi_route_cost_ns(&p, level) / best_cost(&p, 9) - 1;
        sum += excess;
        worst = excess > worst ? excess : worst;
        end_problem(&p);
    }
    print_message("three levels, cost above the best choice: mean %.2f %%, worst %.2f %%; tiles %d %d %d\n",
                  100 * sum / rounds, 100 * worst, seen[0], seen[1], seen[2]);
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_true(sum / rounds < .02 && worst < .15);
}

static void three_levels_keep_the_limits(void **state)
{
    (void)state;
    struct fovi_rng rng = { 23 };
    double gain[20 * 12], more[20 * 12], last = 1e300;
    uint8_t level[20 * 12];
    struct fovi_route_problem p = make_problem(&rng, 20, 12, gain);
    add_small(&rng, &p, more);
    for (p.max_loss_db = 0; p.max_loss_db < 1; p.max_loss_db += .05) {
        assert_int_equal(fovi_route_select(ctx, &p, level), FOVEA_OK);
        assert_true(fovi_route_loss_db(&p, level) <= p.max_loss_db);
        double cost = fovi_route_cost_ns(&p, level);
        assert_true(cost <= last * 1.01); /* steps to tiny may cost halo before they pay */
        last = cost < last ? cost : last;
    }
    for (p.max_loss_db = 0, p.budget_ns = last; p.budget_ns < 1.5 * last; p.budget_ns *= 1.1) {
        assert_int_equal(fovi_route_select(ctx, &p, level), FOVEA_OK);
        assert_true(fovi_route_cost_ns(&p, level) <= p.budget_ns);
    }
    end_problem(&p);
}

static void small_maps_come_near_the_best_choice(void **state)
{
    (void)state;
    struct fovi_rng rng = { 9 };
    double gain[12], sum = 0, worst = 0;
    uint8_t on[12];
    const int rounds = 60;
    for (int round = 0; round < rounds; round++) {
        struct fovi_route_problem p = make_problem(&rng, round % 2 ? 4 : 6, round % 2 ? 3 : 2, gain);
        p.max_loss_db = .03 + .01 * round;
        assert_int_equal(fovi_route_select(ctx, &p, on), FOVEA_OK);
        assert_true(fovi_route_loss_db(&p, on) <= p.max_loss_db);
        double excess = fovi_route_cost_ns(&p, on) / best_cost(&p, 12) - 1;
        sum += excess;
        worst = excess > worst ? excess : worst;
        end_problem(&p);
    }
    print_message("cost above the best choice: mean %.2f %%, worst %.2f %%\n", 100 * sum / rounds, 100 * worst);
    assert_true(sum / rounds < .04 && worst < .30);
}

/* Gain and residual that follow two features. */
static const struct fovi_route_model simple_model = {
    .radius = 100, /* nothing is drawn in */
    .gain = { [0] = -0.7, [3] = 1.0 },
    .residual = { [0] = 1.2, [2] = 0.9 },
    .margin = 1.1,
};

/* A map with an easy left half and a hard right half. */
static struct fovea_map make_map(struct fovea_tile_features *tiles, int n_x, int n_y)
{
    struct fovea_map map = { n_x * 16 - 3, n_y * 16 - 5, n_x, n_y, tiles };
    for (int t = 0; t < n_x * n_y; t++)
        for (int k = 0; k < FOVEA_N_FEATURES; k++)
            tiles[t].value[k] = t % n_x < n_x / 2 ? 0.02f * (float)(k + 1) : 100.0f + (float)(t % 7) * 9.0f;
    return map;
}

static void decisions_follow_the_map(void **state)
{
    (void)state;
    struct fovea_tile_features tiles[20 * 10];
    uint8_t path[200];
    struct fovea_map map = make_map(tiles, 20, 10);
    for (int scale = 2; scale <= 4; scale++) {
        struct fovi_route_params p;
        struct fovi_route_result r;
        fovi_route_params_init(ctx, scale, 0, &p);
        p.allow = 1u << FOVI_ROUTE_FILTER | 1u << FOVI_ROUTE_TINY;
        p.model = &simple_model;
        assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
        assert_true(r.predicted_loss_db > 0 && r.predicted_loss_db <= .05);
        assert_true(r.saved_share > .4 && r.saved_share < .6);
        for (int t = 0; t < 200; t++) {
            if (t % 20 < 9)
                assert_int_equal(path[t], FOVEA_PATH_FILTER);
            if (t % 20 > 11)
                assert_true(path[t] == FOVEA_PATH_TINY || t % 7 < 4);
        }
        double free_ms = r.predicted_ms;
        p.budget_ms = free_ms * .8;
        assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
        assert_true(r.predicted_ms <= p.budget_ms && r.predicted_loss_db > .05);
        p.budget_ms = 0;
        p.max_loss_db = 0;
        assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
        assert_true(r.predicted_loss_db == 0 && r.saved_share == 0 && r.network_px == (int64_t)map.width * map.height);
        for (int t = 0; t < 200; t++)
            assert_int_equal(path[t], FOVEA_PATH_TINY);
    }
}

/* With the filter everywhere the forecast is 10 log10(1 + margin * gains / residual), the bound a multiple of it. */
static void margin_and_bound_are_counted(void **state)
{
    (void)state;
    struct fovea_tile_features tiles[20 * 10];
    uint8_t path[200];
    struct fovea_map map = make_map(tiles, 20, 10);
    struct fovi_route_model model = simple_model;
    struct fovi_route_params p;
    struct fovi_route_result r, twice;
    fovi_route_params_init(ctx, 2, 0, &p);
    p.allow = 1u << FOVI_ROUTE_FILTER | 1u << FOVI_ROUTE_TINY;
    p.model = &model;
    p.max_loss_db = 1000;
    model.bound[0] = 2;
    model.bound[1] = 3;
    model.bound[2] = 4;
    for (int kind = 0; kind < 3; kind++) {
        model.margin = 1.1;
        model.split[0] = kind > 0 ? 0 : 1e9;
        model.split[1] = kind > 1 ? 0 : 1e9;
        assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
        assert_true(r.network_px == 0 && r.predicted_loss_db > 0);
        assert_true(fabs(r.bound_db - (2 + kind) * r.predicted_loss_db) < 1e-9);
    }
    model.margin = 2.2;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &twice), FOVEA_OK);
    double ratio = (pow(10, twice.predicted_loss_db / 10) - 1) / (pow(10, r.predicted_loss_db / 10) - 1);
    assert_true(fabs(ratio - 2) < 1e-6);
}

/* A pixel of the halo costs as much as so many others. */
static void halos_cost_their_edge(void **state)
{
    (void)state;
    struct fovi_rng rng = { 5 };
    double gain[35], area = 0;
    uint8_t on[35];
    struct fovi_route_problem p = make_problem(&rng, 7, 5, gain);
    const struct fovi_route_halo *halo = p.level[1].halo;
    for (int t = 0; t < 35; t++) {
        on[t] = t % 3 == 0;
        area += on[t] ? halo->area[fovi_route_shape(halo, t % 7, t / 7)] : 0;
    }
    double once = fovi_route_cost_ns(&p, on), beside = fovi_route_halo_px(halo, on, 1) - area;
    p.level[1].edge = 3;
    assert_true(beside > area / 4);
    assert_true(fabs(fovi_route_cost_ns(&p, on) - once - 2 * p.level[1].budget_ns * beside) < 1e-6 * once);
    end_problem(&p);
}

/* Features of a photograph's tile, weaker or stronger. */
static struct fovea_tile_features photo_tile(float energy)
{
    struct fovea_tile_features tile = { { 60, 20, 4, 16, 120, 40, 8, 1, 35 }, 0.5f };
    for (int k = 0; k < FOVEA_N_FEATURES; k++)
        tile.value[k] *= k == FOVEA_FEATURE_BLOCKINESS ? 1.0f : energy;
    return tile;
}

static void committed_predictions_rise_with_the_detail(void **state)
{
    (void)state;
    for (int scale = 2; scale <= 4; scale++) {
        const struct fovi_route_model *model = fovi_route_model_builtin(FOVI_ROUTE_TINY, scale);
        assert_non_null(model);
        assert_true(model->margin >= 1 && model->margin < 4);
        assert_true(model->radius > 2 && model->radius < 50);
        double last_gain = 0, last_residual = 0;
        for (float energy = 0.005f; energy < 20; energy *= 4) {
            struct fovea_tile_features tile = photo_tile(energy);
            double gain, residual;
            fovi_route_predict(model, &tile, &gain, &residual);
            assert_true(gain > last_gain && residual > last_residual && residual > gain);
            last_gain = gain;
            last_residual = residual;
        }
        assert_true(last_gain > 1 && last_gain < 1000);
    }
    assert_null(fovi_route_model_builtin(FOVI_ROUTE_FILTER, 2));
    assert_null(fovi_route_model_builtin(FOVI_ROUTE_TINY, 5));
}

/* Without a budget the choice does not hang on the machine. */
static void instruction_sets_do_not_matter(void **state)
{
    (void)state;
    struct fovea_tile_features tiles[20 * 10];
    uint8_t path[200], other[200];
    struct fovea_map map = make_map(tiles, 20, 10);
    struct fovi_route_params p;
    struct fovi_route_result r;
    struct fovea_context_params plain = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *portable = NULL;
    plain.cpu_mask = 0;
    assert_int_equal(fovea_context_create(&portable, &plain), FOVEA_OK);
    fovi_route_params_init(ctx, 4, 0, &p);
    assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
    fovi_route_params_init(portable, 4, 0, &p);
    p.budget_ns_per_px[FOVI_ROUTE_FILTER] *= 20; /* nor on what it says of its speed */
    assert_int_equal(fovi_route_decide(portable, &map, &p, other, &r), FOVEA_OK);
    assert_memory_equal(path, other, sizeof path);
    fovea_context_free(&portable);
}

static void what_is_not_allowed_is_not_used(void **state)
{
    (void)state;
    struct fovea_tile_features tiles[6];
    uint8_t path[6];
    struct fovea_map map = make_map(tiles, 3, 2);
    struct fovi_route_params p;
    struct fovi_route_result r;
    fovi_route_params_init(ctx, 2, 0, &p);
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++) {
        p.allow = 1u << rung; /* alone: needs no forecast */
        assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_OK);
        assert_int_equal(r.top, rung);
        for (int t = 0; t < 6; t++)
            assert_int_equal(path[t], fovi_route_ladder[rung].path);
    }
    p.allow = 0;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_E_ARG);
    fovi_route_params_init(ctx, 2, 0, &p);
    p.scale = 5;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_E_UNSUPPORTED);
    p.scale = 3;
    p.max_loss_db = NAN;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, path, &r), FOVEA_E_ARG);
}

static void single_tiles_are_decided(void **state)
{
    (void)state;
    struct fovea_tile_features tile = { { 0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 0.01f, 1.0f }, 0.0f };
    struct fovea_map map = { 1, 1, 1, 1, &tile };
    struct fovi_route_params p;
    struct fovi_route_result r;
    uint8_t path = 99;
    fovi_route_params_init(ctx, 4, 0, &p);
    p.max_loss_db = 100;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, &path, &r), FOVEA_OK);
    assert_int_equal(path, FOVEA_PATH_FILTER);
    p.max_loss_db = 0;
    assert_int_equal(fovi_route_decide(ctx, &map, &p, &path, &r), FOVEA_OK);
    assert_int_equal(path, fovi_route_ladder[r.top].path);
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    struct fovea_tile_features tiles[20 * 10];
    uint8_t path[200];
    struct fovea_map map = make_map(tiles, 20, 10);
    struct fovi_route_params p;
    struct fovi_route_result r;
    fovi_route_params_init(ctx, 2, 0, &p);
    int n_failed = 0, code = FOVEA_E_NOMEM;
    for (long nth = 1; code != FOVEA_OK; nth++) {
        fovi_alloc_fail_nth(ctx, nth);
        code = fovi_route_decide(ctx, &map, &p, path, &r);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
        assert_int_equal(fovi_alloc_held(ctx), 0);
        n_failed += code != FOVEA_OK;
    }
    fovi_alloc_fail_nth(ctx, 0);
    assert_true(n_failed >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_and_exp_are_accurate),
        cmocka_unit_test(halo_is_the_grown_region),
        cmocka_unit_test(halo_counts_what_is_executed),
        cmocka_unit_test(times_are_foreseen),
        cmocka_unit_test(no_loss_means_the_network_everywhere),
        cmocka_unit_test(more_loss_never_costs_more),
        cmocka_unit_test(budgets_are_kept),
        cmocka_unit_test(single_holes_are_closed),
        cmocka_unit_test(small_maps_come_near_the_best_choice),
        cmocka_unit_test(three_levels_come_near_the_best_choice),
        cmocka_unit_test(three_levels_keep_the_limits),
        cmocka_unit_test(decisions_follow_the_map),
        cmocka_unit_test(committed_predictions_rise_with_the_detail),
        cmocka_unit_test(margin_and_bound_are_counted),
        cmocka_unit_test(halos_cost_their_edge),
        cmocka_unit_test(instruction_sets_do_not_matter),
        cmocka_unit_test(what_is_not_allowed_is_not_used),
        cmocka_unit_test(single_tiles_are_decided),
        cmocka_unit_test(failures_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
