/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the router's rungs cost for an input pixel, on one thread, in nanoseconds, at each instruction level and number
 * format that this machine has: the committed tables of src/route/ladder.c. "edges": what a pixel of the halo costs in
 * such pixels, of scattered tiles and of blocks of 4x3.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "fovea/model.h"
#include "model/model.h"
#include "net/exec.h"
#include "route/route.h"
#include "timing.h"

enum { WIDTH = 960, HEIGHT = 96, TILES_X = WIDTH / 16, TILES_Y = HEIGHT / 16, REPEATS = 9 };

static fovea_context *make_context(uint32_t mask)
{
    fovea_context *ctx;
    struct fovea_context_params p = FOVEA_CONTEXT_DEFAULTS;
    p.n_threads = 1;
    p.cpu_mask = mask;
    return fovea_context_create(&ctx, &p) ? NULL : ctx;
}

static void make_window(fovea_context *ctx, struct fovi_window *w)
{
    struct fovi_rng rng = { 3 };
    if (fovi_window_init(ctx, w, WIDTH, HEIGHT, 1, HEIGHT))
        exit(1);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = -FOVI_WINDOW_PAD; x < WIDTH + FOVI_WINDOW_PAD; x++)
            fovi_window_row(w, 0, y)[x] = (float)(x * 3 % 200 + 40.0 * fovi_rng_uniform(&rng));
    fovi_window_push(w, HEIGHT);
}

static double on_px(const uint8_t *on)
{
    double px = 0.0;
    for (int t = 0; t < TILES_X * TILES_Y; t++)
        px += on[t] ? 256.0 : 0.0;
    return px;
}

/* Milliseconds of a network where on is 1, everywhere without it. */
static double time_network(fovea_context *ctx, const struct fovi_graph *graph, enum fovi_exec_format format,
                           const uint8_t *on, const struct fovi_window *luma, float *out)
{
    struct fovi_exec *exec;
    double ms[REPEATS];
    if (fovi_exec_create(ctx, graph, format, WIDTH, HEIGHT, &exec))
        exit(1);
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_ms();
        fovi_exec_begin(exec, on, 1);
        fovi_exec_rows(exec, luma, 0, HEIGHT, out, (ptrdiff_t)WIDTH * graph->scale);
        ms[r] = cpu_ms() - start;
    }
    fovi_exec_free(&exec);
    return median(ms, REPEATS);
}

/* Nanoseconds for a pixel, and what a pixel of the halo of scattered tiles, and of blocks, costs in such pixels. */
static void bench_network(fovea_context *ctx, int rung, int scale, enum fovi_exec_format format,
                          const struct fovi_window *luma, float *out)
{
    struct fovi_rng rng = { 9 };
    uint8_t on[2][TILES_X * TILES_Y];
    double edge[2], px = (double)WIDTH * HEIGHT;
    fovea_model *model;
    struct fovi_route_halo *halo;
    if (fovea_model_builtin(ctx, fovi_route_ladder[rung].name, scale, &model))
        return;
    const struct fovi_graph *graph = fovi_model_graph(model);
    if (format == FOVI_EXEC_BF16 && !fovi_exec_has_bf16(graph))
        format = FOVI_EXEC_F32;
    if (fovi_route_halo_create(ctx, &fovi_route_ladder[rung], scale, format == FOVI_EXEC_F32, WIDTH, HEIGHT, &halo))
        exit(1);
    double all = time_network(ctx, graph, format, NULL, luma, out);
    for (int t = 0; t < TILES_X * TILES_Y; t++) {
        on[0][t] = fovi_rng_below(&rng, 4) == 0;
        on[1][t] = (t % TILES_X / 4 + t / TILES_X / 3) % 2;
    }
    for (int k = 0; k < 2; k++) {
        double some = time_network(ctx, graph, format, on[k], luma, out), halo_px = fovi_route_halo_px(halo, on[k], 1);
        edge[k] = (some / all * px - on_px(on[k])) / (halo_px - on_px(on[k]));
    }
    printf("  %s %7.1f (edges %.1f, %.1f)", fovi_route_ladder[rung].name, all * 1e6 / px, edge[0], edge[1]);
    fovi_route_halo_free(ctx, halo);
    fovea_model_free(&model);
}

static double time_filter(fovea_context *ctx, int scale, const struct fovi_window *luma, float *out)
{
    fovea_model *model;
    struct fovi_filter_run *run;
    double ms[REPEATS];
    if (fovea_model_builtin(ctx, "filter", scale, &model) ||
        fovi_filter_run_create(ctx, fovi_model_filter(model), WIDTH, &run))
        exit(1);
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_ms();
        for (int y = 0; y < HEIGHT; y++) {
            const float *rows[FOVI_FILTER_TAPS];
            float *to[4];
            for (int k = 0; k < FOVI_FILTER_TAPS; k++)
                rows[k] = fovi_window_row_clamped(luma, 0, y - FOVI_FILTER_RADIUS + k);
            for (int k = 0; k < scale; k++)
                to[k] = out + ((ptrdiff_t)y * scale + k) * WIDTH * scale;
            fovi_filter_row(run, y, rows, 0, WIDTH, to);
        }
        ms[r] = cpu_ms() - start;
    }
    fovi_filter_run_free(ctx, &run);
    fovea_model_free(&model);
    return median(ms, REPEATS) * 1e6 / ((double)WIDTH * HEIGHT);
}

static void bench(const char *name, uint32_t mask, enum fovi_exec_format format)
{
    static float out[(size_t)WIDTH * HEIGHT * 16];
    struct fovi_window luma;
    fovea_context *ctx = make_context(mask);
    if (!ctx)
        exit(1);
    make_window(ctx, &luma);
    for (int scale = 2; scale <= 4; scale++) {
        printf("%-8s x%d  filter %7.1f", name, scale, time_filter(ctx, scale, &luma, out));
        for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS; rung++)
            bench_network(ctx, rung, scale, format, &luma, out);
        printf("\n");
    }
    fovi_window_free(ctx, &luma);
    fovea_context_free(&ctx);
}

int main(void)
{
    fovea_context *ctx = make_context(FOVEA_CPU_ALL);
    if (!ctx)
        return 1;
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (cpu & FOVEA_CPU_AVX2)
        bench("AVX2", FOVEA_CPU_AVX2, FOVI_EXEC_F32);
    if (cpu & FOVEA_CPU_AVX512)
        bench("AVX-512", FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512, FOVI_EXEC_F32);
    if (cpu & FOVEA_CPU_AMX)
        bench("AMX bf16", FOVEA_CPU_ALL, FOVI_EXEC_BF16);
    return 0;
}
