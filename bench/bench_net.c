/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How fast networks run, in float, bfloat16 and int8: kinds of layers on rows in the cache (in int8: bench_layers),
 * and whole frames of luma by the built-in networks, with 1 thread and with all. Medians of repeats; what is counted is
 * the useful work of the plain sum, beside the measured peak of the number format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "fovea/model.h"
#include "model/model.h"
#include "net/bf16.h"
#include "net/conv.h"
#include "net/exec.h"
#include "peak.h"
#include "timing.h"

#define REPEATS 15
#define WIDTH 192
#define STRIDE (WIDTH + 80)

static void fill(float *p, size_t n)
{
    struct fovi_rng rng = { 1 };
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(fovi_rng_uniform(&rng) - 0.5);
}

/* GFLOPS (two for a multiply-add of the plain sum) of one layer on rows in the cache: row by row, four rows at once. */
static void bench_layer(uint32_t cpu, double peak, int c_in, int c_out)
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
    printf("conv3x3 %2d -> %2d: row by row %6.1f GFLOPS (%.0f %%), four rows at once %6.1f (%.0f %%)%s\n", c_in, c_out,
           row_speed, 100.0 * row_speed / peak, quad_speed, 100.0 * quad_speed / peak,
           fovi_conv_is_quad(3, c_in, c_out) ? "" : " (not used)");
}

/* The same in bfloat16, four rows at once. */
static void bench_bf16_layer(uint32_t cpu, double peak, int c_in, int c_out)
{
    static uint16_t src[6 * 48 * STRIDE + 4096], dst[4 * 48 * STRIDE], packed[48 * 48 * 16];
    static float weight[48 * 48 * 9], lanes[4 * 64], bias[48], memory[FOVI_BF16_SCRATCH + 16];
    float *scratch = memory + (64 - (uintptr_t)memory % 64) % 64 / sizeof *memory, *last[16];
    const struct fovi_bf16_dsp *dsp = fovi_bf16_dsp_get(cpu);
    struct fovi_bf16_weights w;
    int scale = c_out == 4 ? 2 : c_out == 9 ? 3 : 0;
    const uint16_t *rows[6];
    uint16_t *out[4];
    fill(weight, sizeof weight / sizeof *weight);
    fovi_bf16_init(&w, 3, c_in, c_out, c_in == 1, scale);
    fovi_bf16_pack(&w, c_in == 1, weight, bias, bias, packed, lanes, lanes + 128);
    for (int k = 0; k < 6; k++)
        rows[k] = src + 64 + (ptrdiff_t)k * w.c_in * STRIDE;
    for (int k = 0; k < 4; k++)
        out[k] = dst + (ptrdiff_t)k * c_out * STRIDE;
    for (int k = 0; k < 4 * scale; k++)
        last[k] = (float *)(void *)dst + (ptrdiff_t)k * WIDTH * scale;
    double ms[REPEATS], work = 2.0 * 9 * c_in * c_out * WIDTH * 4 * 64;
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_ms();
        for (int i = 0; i < 64; i++) {
            if (scale)
                dsp->last(&w, rows, last, 4, 0, WIDTH, scratch);
            else
                dsp->conv(&w, rows, out, 0, WIDTH, scratch);
        }
        ms[r] = cpu_ms() - start;
    }
    double speed = work / (median(ms, REPEATS) * 1e6);
    printf("conv3x3 %2d -> %2d in bfloat16: %7.1f GFLOPS (%.0f %%)\n", c_in, c_out, speed, 100.0 * speed / peak);
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

static void bench_frame(fovea_context *ctx, const struct fovi_graph *graph, const char *name, int width, int height,
                        enum fovi_exec_format format, double peak)
{
    int n_threads = fovea_context_threads(ctx);
    double work_ms, ms = frame_ms(ctx, graph, format, width, height, &work_ms);
    double gflop = 2.0 * (double)fovi_graph_macs(graph) * width * height / 1e9, speed = gflop / ms * 1e3 / n_threads;
    printf("%s x%d, %dx%d, %s, %d thread%s: %7.1f ms, %6.1f GFLOPS a core (%.0f %%); %7.1f ms of work\n", name,
           graph->scale, width, height,
           format == FOVI_EXEC_BF16   ? "bf16"
           : format == FOVI_EXEC_INT8 ? "int8"
                                      : "f32",
           n_threads, n_threads > 1 ? "s" : "", ms, speed, 100.0 * speed / peak, work_ms);
}

static void bench_frames(int n_threads, uint32_t mask, double f32_peak, double bf16_peak, double int8_peak)
{
    static const struct {
        const char *name;
        int scale, width, height;
    } work[] = { { "tiny", 2, 1920, 1080 }, { "tiny", 3, 1920, 1080 }, { "tiny", 4, 1920, 1080 },
                 { "tiny", 2, 512, 512 },   { "small", 2, 960, 540 },  { "small", 2, 512, 512 },
                 { "small", 4, 512, 512 } };
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    params.cpu_mask = mask;
    if (fovea_context_create(&ctx, &params) != FOVEA_OK)
        exit(5);
    for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
        fovea_model *model;
        if (fovea_model_builtin(ctx, work[i].name, work[i].scale, &model) != FOVEA_OK)
            continue;
        const struct fovi_graph *graph = fovi_model_graph(model);
        bench_frame(ctx, graph, work[i].name, work[i].width, work[i].height, FOVI_EXEC_F32, f32_peak);
        if (bf16_peak > 0.0)
            bench_frame(ctx, graph, work[i].name, work[i].width, work[i].height, FOVI_EXEC_BF16, bf16_peak);
        if (graph->has_int8)
            bench_frame(ctx, graph, work[i].name, work[i].width, work[i].height, FOVI_EXEC_INT8, int8_peak);
        fovea_model_free(&model);
    }
    fovea_context_free(&ctx);
}

int main(void)
{
    static const int shapes[][2] = { { 1, 16 }, { 16, 16 }, { 16, 4 }, { 16, 9 }, { 32, 32 }, { 48, 48 } };
    fovea_context *ctx;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    const char *mask = getenv("BENCH_CPU"); /* FOVEA_CPU_* bits as a number */
    if (mask)
        params.cpu_mask = (uint32_t)strtoul(mask, NULL, 0);
    if (fovea_context_create(&ctx, &params) != FOVEA_OK)
        return 5;
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    double f32_peak = peak_f32(cpu), bf16_peak = peak_bf16(cpu);
    /* As many instructions, with twice the numbers of bfloat16 (tiles) or four times those of floats (vectors). */
    double int8_peak = bf16_peak > 0.0 ? 2.0 * bf16_peak : 4.0 * f32_peak;
    printf("peak of one core: %.1f GFLOPS in f32, %.1f in bf16, %.1f in int8\n", f32_peak, bf16_peak, int8_peak);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        bench_layer(cpu, f32_peak, shapes[i][0], shapes[i][1]);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && bf16_peak > 0.0; i++)
        bench_bf16_layer(cpu, bf16_peak, shapes[i][0], shapes[i][1]);
    bench_frames(1, params.cpu_mask, f32_peak, bf16_peak, int8_peak);
    bench_frames(0, params.cpu_mask, f32_peak, bf16_peak, int8_peak);
    return 0;
}
