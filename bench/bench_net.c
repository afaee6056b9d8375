/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How fast networks run: each kind of layer on rows in the cache, and whole frames of the built-in tiny networks
 * (1920x1080 luma), with 1 thread and with all. Medians of repeats; what is counted is the useful work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"
#include "fovea/model.h"
#include "model/model.h"
#include "net/conv.h"
#include "net/exec.h"

#define REPEATS 15
#define WIDTH 192
#define STRIDE (WIDTH + 80)

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static void fill(float *p, size_t n)
{
    struct fovi_rng rng = { 1 };
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(fovi_rng_uniform(&rng) - 0.5);
}

/* Milliseconds that all threads of this program worked: on a shared machine steadier than the clock. */
static double cpu_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

/* GFLOPS (two for a multiply-add of the plain sum) of one layer on rows in the cache: row by row, four rows at once. */
static void bench_layer(uint32_t cpu, int c_in, int c_out)
{
    static float src[6 * 48 * STRIDE + 128], dst[4 * 48 * STRIDE], weight[48 * 48 * 9], packed[48 * 48 * 9], bias[48];
    static float packed_quad[48 * 48 * 18], scratch[6 * 48 * FOVI_QUAD_COLUMNS];
    fill(src, sizeof src / sizeof *src);
    fill(weight, sizeof weight / sizeof *weight);
    fovi_conv_pack(3, c_in, c_out, weight, packed);
    fovi_conv_quad_pack(c_in, c_out, weight, packed_quad);
    struct fovi_conv_weights w = { 3, c_in, c_out, packed, bias, bias },
                             quad = { 3, c_in, c_out, packed_quad, bias, bias };
    const float *rows[6];
    float *out[4];
    for (int k = 0; k < 6; k++)
        rows[k] = src + FOVI_CONV_OVERREAD + (ptrdiff_t)k * c_in * STRIDE;
    for (int k = 0; k < 4; k++)
        out[k] = dst + (ptrdiff_t)k * c_out * STRIDE;
    double ms[REPEATS], quad_ms[REPEATS], work = 2.0 * 9 * c_in * c_out * WIDTH * 4 * 8;
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_ms();
        for (int i = 0; i < 32; i++)
            fovi_conv_row_get(cpu)(&w, rows + i % 4, STRIDE, out[i % 4], STRIDE, 0, WIDTH);
        double middle = cpu_ms();
        for (int i = 0; i < 8; i++)
            fovi_conv_quad_get(cpu)(&quad, rows, STRIDE, out, STRIDE, 0, WIDTH, scratch);
        ms[r] = middle - start;
        quad_ms[r] = cpu_ms() - middle;
    }
    double row_speed = work / (median(ms, REPEATS) * 1e6), quad_speed = work / (median(quad_ms, REPEATS) * 1e6);
    printf("conv3x3 %2d -> %2d: row by row %6.1f GFLOPS, four rows at once %6.1f%s\n", c_in, c_out, row_speed,
           quad_speed, fovi_conv_is_quad(3, c_in, c_out) ? "" : " (not used)");
}

/* Milliseconds of a whole frame, and of all threads' work. */
static double frame_ms(fovea_context *ctx, const struct fovi_graph *graph, enum fovi_exec_format format, int width,
                       int height, double *work_ms)
{
    struct fovi_exec *exec;
    struct fovi_window luma;
    int s = graph->scale, radius = fovi_graph_radius(graph), strip = 32;
    ptrdiff_t stride = (ptrdiff_t)width * s;
    float *out = malloc((size_t)stride * (size_t)(strip * s) * sizeof *out);
    if (!out || fovi_exec_create(ctx, graph, format, width, height, &exec) != FOVEA_OK ||
        fovi_window_init(ctx, &luma, width, height, 1, strip + radius) != FOVEA_OK)
        exit(5);
    fill(luma.data, (size_t)luma.stride * (size_t)luma.capacity);
    double ms[5], work[5];
    for (int r = 0; r < 5; r++) {
        double start = fovi_clock_ms(), work_start = cpu_ms();
        fovi_window_reset(&luma);
        fovi_exec_begin(exec, NULL, 0);
        for (int y = 0; y < height; y += strip) {
            int y1 = y + strip < height ? y + strip : height, end = y1 + radius < height ? y1 + radius : height;
            fovi_window_push(&luma, end - luma.y1);
            fovi_exec_rows(exec, &luma, y, y1, out, stride);
        }
        ms[r] = fovi_clock_ms() - start;
        work[r] = cpu_ms() - work_start;
    }
    *work_ms = median(work, 5);
    fovi_window_free(ctx, &luma);
    fovi_exec_free(&exec);
    free(out);
    return median(ms, 5);
}

static void bench_frames(int n_threads)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    if (fovea_context_create(&ctx, &params) != FOVEA_OK)
        exit(5);
    for (int scale = 2; scale <= 4; scale++) {
        fovea_model *model;
        if (fovea_model_builtin(ctx, "tiny", scale, &model) != FOVEA_OK)
            continue;
        const struct fovi_graph *graph = fovi_model_graph(model);
        double work_ms, ms = frame_ms(ctx, graph, FOVI_EXEC_BF16, 1920, 1080, &work_ms);
        double gflop = 2.0 * (double)fovi_graph_macs(graph) * 1920 * 1080 / 1e9;
        printf("tiny x%d, 1920x1080, %d thread%s: %7.1f ms, %6.1f GFLOPS; %7.1f ms of work, %6.1f GFLOPS a core\n",
               scale, fovea_context_threads(ctx), fovea_context_threads(ctx) > 1 ? "s" : "", ms, gflop / ms * 1e3,
               work_ms, gflop / work_ms * 1e3);
        fovea_model_free(&model);
    }
    fovea_context_free(&ctx);
}

int main(void)
{
    static const int shapes[][2] = { { 1, 16 }, { 16, 16 }, { 16, 4 }, { 16, 9 }, { 32, 32 }, { 48, 48 } };
    fovea_context *ctx;
    if (fovea_context_create(&ctx, NULL) != FOVEA_OK)
        return 5;
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        bench_layer(cpu, shapes[i][0], shapes[i][1]);
    bench_frames(1);
    bench_frames(0);
    return 0;
}
