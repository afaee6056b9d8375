/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How fast networks run, in float, bfloat16 and int8: whole frames of luma by the built-in networks, with 1 thread and
 * with all (layers: bench_layers). Medians of repeats; what is counted is the useful work of the plain sum, beside the
 * measured peak of the number format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "fovea/model.h"
#include "model/model.h"
#include "net/exec.h"
#include "peak.h"
#include "timing.h"

static void fill(float *p, size_t n)
{
    struct fovi_rng rng = { 1 };
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(fovi_rng_uniform(&rng) - 0.5);
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
                 { "small", 4, 512, 512 },  { "medium", 2, 512, 512 }, { "tiny-video", 2, 1920, 1080 } };
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
    bench_frames(1, params.cpu_mask, f32_peak, bf16_peak, int8_peak);
    bench_frames(0, params.cpu_mask, f32_peak, bf16_peak, int8_peak);
    return 0;
}
