/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames of video in memory, 8-bit planes 4:2:0 in and out, x2 by the public interface: luma by a network (or any
 * method), chroma bicubic.
 *
 *     bench_video [METHOD|MODEL.safetensors [WIDTH HEIGHT [THREADS [FRAMES [auto|f32]]]]]
 *
 * Defaults: tiny-video 1920 1080 0 (all) 60 auto. Prints the median and the spread of a frame, frames a second, and
 * where the time of luma went. Every frame differs from the one before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fovea/fovea.h"
#include "timing.h"

#define MAX_FRAMES 1000

struct plane {
    fovea_plan *plan;
    struct fovea_image in, out;
    double stage_ms[FOVEA_N_STAGES];
};

static int fail(fovea_context *ctx, const char *why)
{
    fprintf(stderr, "bench_video: %s\n", ctx ? fovea_last_error(ctx) : why);
    return 1;
}

/* A plane that is enlarged by two. */
static int open_plane(fovea_context *ctx, struct plane *p, int width, int height,
                      const struct fovea_upscale_params *how)
{
    const struct fovea_format grey = { FOVEA_SAMPLE_U8, 1, 0 };
    p->in = (struct fovea_image){ width, height, grey, malloc((size_t)width * (size_t)height), width };
    p->out = (struct fovea_image){ 2 * width, 2 * height, grey, malloc(4 * (size_t)width * (size_t)height), 2 * width };
    if (!p->in.data || !p->out.data)
        return FOVEA_E_NOMEM;
    return fovea_plan_build(&p->plan, ctx, width, height, &grey, how);
}

static void close_plane(struct plane *p)
{
    fovea_plan_free(&p->plan);
    free(p->in.data);
    free(p->out.data);
}

/* Waves of all lengths that move. */
static void draw(struct plane *p, int frame)
{
    uint8_t *to = p->in.data;
    for (int y = 0; y < p->in.height; y++)
        for (int x = 0; x < p->in.width; x++)
            *to++ = (uint8_t)((x * x / 300 + y * y / 500 + ((x + frame) ^ y) / 4) & 255);
}

static int run_plane(struct plane *p)
{
    struct fovea_report report;
    struct fovea_source source = fovea_source_from_image(&p->in);
    struct fovea_sink sink = fovea_sink_to_image(&p->out);
    int code = fovea_plan_run(p->plan, &source, &sink, NULL, &report);
    for (int s = 0; s < FOVEA_N_STAGES; s++)
        p->stage_ms[s] += code ? 0.0 : report.stage_ms[s];
    return code;
}

static int run(fovea_context *ctx, struct plane planes[3], int n_frames, double *ms)
{
    for (int f = -3; f < n_frames; f++) { /* the first ones warm up */
        draw(&planes[0], f);
        if (f == 0)
            memset(planes[0].stage_ms, 0, sizeof planes[0].stage_ms);
        double start = fovi_clock_ms();
        for (int c = 0; c < 3; c++)
            if (run_plane(&planes[c]))
                return fail(ctx, "");
        if (f >= 0)
            ms[f] = fovi_clock_ms() - start;
    }
    return 0;
}

static void print(const struct plane *luma, double *ms, int n, const char *method, int n_threads)
{
    double middle = median(ms, n);
    printf("%s %dx%d -> %dx%d, 4:2:0, %d threads: %.2f ms a frame (%.2f .. %.2f), %.1f frames a second; luma:", method,
           luma->in.width, luma->in.height, luma->out.width, luma->out.height, n_threads, middle, ms[n / 20],
           ms[n - 1 - n / 20], 1e3 / middle);
    for (int s = 0; s < FOVEA_N_STAGES; s++)
        if (luma->stage_ms[s] > 0.005 * n)
            printf(" %s %.2f", fovea_stage_name((enum fovea_stage)s), luma->stage_ms[s] / n);
    printf("\n");
}

int main(int argc, char **argv)
{
    const char *method = argc > 1 ? argv[1] : "tiny-video";
    int width = argc > 3 ? atoi(argv[2]) : 1920, height = argc > 3 ? atoi(argv[3]) : 1080;
    int n_frames = argc > 5 ? atoi(argv[5]) : 60;
    static double ms[MAX_FRAMES];
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    struct fovea_upscale_params luma = FOVEA_UPSCALE_DEFAULTS, chroma = FOVEA_UPSCALE_DEFAULTS;
    struct plane planes[3] = { { 0 } };
    fovea_context *ctx;
    fovea_model *model = NULL;
    params.n_threads = argc > 4 ? atoi(argv[4]) : 0;
    if (width < 2 || height < 2 || n_frames < 1 || n_frames > MAX_FRAMES || fovea_context_create(&ctx, &params))
        return fail(NULL, "bad arguments");
    chroma.method = FOVEA_METHOD_CLASSIC;
    luma.method = FOVEA_METHOD_NETWORK;
    luma.consistency = FOVEA_CONSISTENCY_OFF;
    luma.network = method;
    if (argc > 6 && strcmp(argv[6], "f32") == 0)
        luma.precision = FOVEA_PRECISION_F32;
    if (strchr(method, '.') && fovea_model_load(ctx, method, &model))
        return fail(ctx, "");
    luma.model = model;
    if (fovea_kernel_find(method) >= 0)
        luma = chroma;
    int code = open_plane(ctx, &planes[0], width, height, &luma);
    for (int c = 1; c < 3 && !code; c++)
        code = open_plane(ctx, &planes[c], (width + 1) / 2, (height + 1) / 2, &chroma);
    if (code)
        return fail(ctx, "");
    for (int c = 1; c < 3; c++)
        draw(&planes[c], c);
    code = run(ctx, planes, n_frames, ms);
    if (!code)
        print(&planes[0], ms, n_frames, method, fovea_context_threads(ctx));
    for (int c = 0; c < 3; c++)
        close_plane(&planes[c]);
    fovea_model_free(&model);
    fovea_context_free(&ctx);
    return code;
}
