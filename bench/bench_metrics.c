/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time of the figures of a comparison of two drawn pictures of 4000x3000 in RGB, each by itself beside PSNR and SSIM
 * that are always made: wall time, and processor time of all threads, best of the repeats in seconds.
 *
 *     bench_metrics [THREADS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/rng.h"
#include "fovea/metrics.h"

enum { WIDTH = 4000, HEIGHT = 3000, N_REPEATS = 5 };

static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Edges, texture and soft shading; test has some noise more. */
static void draw(unsigned char *reference, unsigned char *test)
{
    struct fovi_rng rng = { 1 };
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++) {
                size_t i = ((size_t)y * WIDTH + (size_t)x) * 3 + (size_t)c;
                int v = ((x / 37 ^ y / 53) & 15) * 10 + (x + y) % 7 + x / 80 + 10 * c;
                reference[i] = (unsigned char)v;
                test[i] = (unsigned char)(v + (int)(4.0 * fovi_rng_uniform(&rng)));
            }
}

struct figure {
    const char *name;
    unsigned wanted;
};

static int measure(fovea_context *ctx, const struct fovea_image *a, const struct fovea_image *b,
                   const struct figure *figure, double *wall_s, double *cpu_s)
{
    *wall_s = *cpu_s = 1e9;
    for (int i = 0; i < N_REPEATS; i++) {
        struct fovea_metrics m;
        struct fovea_quality q;
        double wall = fovi_clock_ms(), cpu = processor_s();
        int code = figure->name ? fovea_metrics_compare_wanted(ctx, a, b, 0, figure->wanted, &m)
                                : fovea_metrics_quality(ctx, a, &q);
        if (code)
            return code;
        wall = (fovi_clock_ms() - wall) / 1e3;
        cpu = processor_s() - cpu;
        *wall_s = wall < *wall_s ? wall : *wall_s;
        *cpu_s = cpu < *cpu_s ? cpu : *cpu_s;
    }
    return FOVEA_OK;
}

int main(int argc, char **argv)
{
    static const struct figure figures[] = {
        { "PSNR, SSIM", 0 },
        { "+ MS-SSIM", FOVEA_METRIC_MS_SSIM },
        { "+ FSIM, FSIMc", FOVEA_METRIC_FSIM },
        { "+ GMSD", FOVEA_METRIC_GMSD },
        { "+ ERGAS, SAM", FOVEA_METRIC_SPECTRAL },
        { "+ CIEDE2000", FOVEA_METRIC_DELTA_E },
        { "all", FOVEA_METRIC_ALL },
        { NULL, 0 },
    };
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    unsigned char *pixels = malloc((size_t)WIDTH * HEIGHT * 6);
    params.n_threads = argc > 1 ? atoi(argv[1]) : 0;
    if (!pixels || fovea_context_create(&ctx, &params)) {
        fprintf(stderr, "no memory, or no such number of threads\n");
        free(pixels);
        return 1;
    }
    struct fovea_image a = { WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, 3, 0 }, pixels, 3 * WIDTH }, b = a;
    b.data = pixels + (size_t)WIDTH * HEIGHT * 3;
    draw(a.data, b.data);
    printf("12 megapixels, %d threads%18s%18s\n", fovea_context_threads(ctx), "wall s", "processor s");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        double wall_s, cpu_s;
        if (measure(ctx, &a, &b, &figures[i], &wall_s, &cpu_s))
            break;
        printf("%-24s%18.3f%18.3f\n", figures[i].name ? figures[i].name : "of one alone", wall_s, cpu_s);
    }
    fovea_context_free(&ctx);
    free(pixels);
    return 0;
}
