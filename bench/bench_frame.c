/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One contestant of the comparison with other run times (bench_peers.py): a network on whole frames of luma, or its
 * ONNX file for the others. The residual is made, without the base.
 *
 *     bench_frame run NETWORK WIDTH HEIGHT THREADS RUNS [OUT]
 *         prints {"wall_ms": [...], "cpu_ms": [...]}; OUT gets the last residual as floats in levels of 1
 *     bench_frame onnx NETWORK WIDTH HEIGHT FILE prelu|leaky
 *         writes the network
 *     bench_frame input WIDTH HEIGHT FILE
 *         writes the frame as floats in levels of 1
 *     bench_frame peak
 *         prints the largest rate of multiply-adds of one core, in GFLOPS
 *
 * NETWORK: the name of a built-in model such as tiny-x2, or layers as text, which get random weights.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/model.h"
#include "model/onnx.h"
#include "net/exec.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STRIP 32
#define MAX_RUNS 100

struct network {
    fovea_model *model; /* NULL: random weights */
    struct fovi_graph graph;
    struct fovea_model_info info;
    float *weights;
};

static int fail(const char *why)
{
    fprintf(stderr, "bench_frame: %s\n", why);
    return 1;
}

/* Weights that keep the signal's size. */
static int randomize(struct network *n)
{
    struct fovi_rng rng = { 3 };
    float *p = n->weights = calloc((size_t)fovi_graph_parameters(&n->graph), sizeof *p);
    if (!p)
        return 0;
    for (int l = 0; l < n->graph.n_layers; l++) {
        struct fovi_layer *y = &n->graph.layer[l];
        if (y->kind != FOVI_LAYER_CONV)
            continue;
        int size = y->k * y->k * y->c_in;
        y->weight = p;
        for (int i = 0; i < size * y->c_out; i++)
            *p++ = (float)((fovi_rng_uniform(&rng) - 0.5) * 4.0 / (double)size);
        y->bias = p;
        for (int i = 0; i < y->c_out; i++)
            *p++ = (float)((fovi_rng_uniform(&rng) - 0.5) * 0.01);
        y->slope = p;
        for (int i = 0; y->has_prelu && i < y->c_out; i++)
            *p++ = 0.2f;
    }
    return 1;
}

static int open_network(fovea_context *ctx, const char *text, struct network *n)
{
    char method[32];
    int scale;
    memset(n, 0, sizeof *n);
    if (sscanf(text, "%31[a-z]-x%1d", method, &scale) == 2) {
        if (fovea_model_builtin(ctx, method, scale, &n->model) != FOVEA_OK)
            return 0;
        const struct fovi_graph *graph = fovi_model_graph(n->model);
        if (graph)
            n->graph = *graph;
        fovea_model_describe(n->model, &n->info);
        return graph != NULL;
    }
    n->info = (struct fovea_model_info){ .method = "random", .layers = text, .base = "", .sources = "", .licence = "" };
    return fovi_graph_parse(ctx, text, &n->graph) == FOVEA_OK && randomize(n);
}

/* Level of pixel (x, y): waves of all lengths. */
static float level(int x, int y)
{
    return (float)((x * x / 3 + y * y / 5 + (x ^ y)) & 255);
}

static double cpu_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

/* One frame; the strip's residual goes into rows of out, or all into the same rows where it is one strip high. */
static void run_frame(struct fovi_exec *exec, struct fovi_window *luma, int scale, int radius, float *out, int is_whole)
{
    int width = luma->width, height = luma->height;
    fovi_window_reset(luma);
    fovi_exec_begin(exec, NULL, 0);
    for (int y = 0; y < height; y += STRIP) {
        int y1 = y + STRIP < height ? y + STRIP : height, end = y1 + radius < height ? y1 + radius : height;
        while (luma->y1 < end) {
            float *row = fovi_window_row(luma, 0, luma->y1);
            for (int x = 0; x < width; x++)
                row[x] = level(x, luma->y1);
            fovi_window_push(luma, 1);
        }
        fovi_exec_rows(exec, luma, y, y1, out + (is_whole ? (ptrdiff_t)y * scale * width * scale : 0),
                       (ptrdiff_t)width * scale);
    }
}

static int write_floats(const char *path, const float *values, size_t n, float factor)
{
    FILE *file = fopen(path, "wb");
    for (size_t i = 0; file && i < n; i++) {
        float v = values[i] * factor;
        fwrite(&v, sizeof v, 1, file);
    }
    return file && fclose(file) == 0;
}

static void print_list(const char *name, const double *ms, int n, const char *end)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.3f", i ? ", " : "", ms[i]);
    printf("]%s", end);
}

static int run(fovea_context *ctx, const struct network *n, int width, int height, int n_runs, const char *path)
{
    struct fovi_exec *exec;
    struct fovi_window luma;
    int scale = n->graph.scale, radius = fovi_graph_radius(&n->graph);
    size_t n_out = (size_t)width * (size_t)(scale * scale) * (size_t)(path ? height : STRIP);
    float *out = malloc(n_out * sizeof *out);
    double ms[MAX_RUNS], cpu[MAX_RUNS];
    if (!out || fovi_exec_create(ctx, &n->graph, FOVI_EXEC_F32, width, height, &exec) != FOVEA_OK ||
        fovi_window_init(ctx, &luma, width, height, 1, STRIP + radius) != FOVEA_OK)
        return fail("out of memory");
    for (int i = -1; i < n_runs; i++) { /* the first warms up */
        double start = fovi_clock_ms(), cpu_start = cpu_ms();
        run_frame(exec, &luma, scale, radius, out, path != NULL);
        if (i >= 0) {
            ms[i] = fovi_clock_ms() - start;
            cpu[i] = cpu_ms() - cpu_start;
        }
    }
    putchar('{');
    print_list("wall_ms", ms, n_runs, ", ");
    print_list("cpu_ms", cpu, n_runs, ", ");
    printf("\"gflop\": %.3f}\n", 2.0 * (double)fovi_graph_macs(&n->graph) * width * height / 1e9);
    int ok = !path || write_floats(path, out, n_out, 1.0f / 255.0f);
    fovi_window_free(ctx, &luma);
    fovi_exec_free(&exec);
    free(out);
    return ok ? 0 : fail("cannot write the residual");
}

static int write_onnx(fovea_context *ctx, const struct network *n, const char *path, int is_leaky, int width,
                      int height)
{
    const struct fovi_onnx_params params = { .is_leaky = is_leaky, .width = width, .height = height };
    void *bytes;
    size_t size;
    if (fovi_onnx_encode(ctx, &n->graph, &n->info, &params, &bytes, &size) != FOVEA_OK)
        return fail("out of memory");
    int code = fovi_file_write(ctx, path, bytes, size);
    fovi_free(ctx, bytes);
    return code ? fail(fovea_last_error(ctx)) : 0;
}

static int write_input(int width, int height, const char *path)
{
    float *frame = malloc((size_t)width * (size_t)height * sizeof *frame);
    for (int y = 0; frame && y < height; y++)
        for (int x = 0; x < width; x++)
            frame[(ptrdiff_t)y * width + x] = level(x, y);
    int ok = frame && write_floats(path, frame, (size_t)width * (size_t)height, 1.0f / 255.0f);
    free(frame);
    return ok ? 0 : fail("cannot write the frame");
}

#if defined(__x86_64__)
/* GFLOPS of one core with twelve independent chains of 256-bit multiply-adds, best of some. */
__attribute__((target("avx2,fma"))) static double peak(void)
{
    const long n = 4000000;
    double best = 0.0;
    for (int r = 0; r < 9; r++) {
        __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f), a = x, b = x, c = x, d = x, e = x, f = x, g = x,
               h = x, i = x, j = x, k = x, l = x;
        double start = cpu_ms();
        for (long m = 0; m < n; m++)
            __asm__ volatile("vfmadd213ps %13, %12, %0\n\tvfmadd213ps %13, %12, %1\n\tvfmadd213ps %13, %12, %2\n\t"
                             "vfmadd213ps %13, %12, %3\n\tvfmadd213ps %13, %12, %4\n\tvfmadd213ps %13, %12, %5\n\t"
                             "vfmadd213ps %13, %12, %6\n\tvfmadd213ps %13, %12, %7\n\tvfmadd213ps %13, %12, %8\n\t"
                             "vfmadd213ps %13, %12, %9\n\tvfmadd213ps %13, %12, %10\n\tvfmadd213ps %13, %12, %11\n\t"
                             : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h), "+x"(i), "+x"(j),
                               "+x"(k), "+x"(l)
                             : "x"(x), "x"(y));
        double rate = 2.0 * 8 * 12 * (double)n / ((cpu_ms() - start) * 1e6);
        best = rate > best ? rate : best;
    }
    return best;
}
#else
static double peak(void)
{
    return 0.0;
}
#endif

static int main_network(int argc, char **argv)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    struct network n;
    int is_run = argc >= 7 && strcmp(argv[1], "run") == 0, n_runs = is_run ? atoi(argv[6]) : 1, code = 1;
    params.n_threads = is_run ? atoi(argv[5]) : 1;
    if (n_runs < 1 || n_runs > MAX_RUNS || fovea_context_create(&ctx, &params) != FOVEA_OK)
        return fail("1..100 runs, please");
    if (!open_network(ctx, argv[2], &n))
        fail(fovea_last_error(ctx));
    else if (is_run)
        code = run(ctx, &n, atoi(argv[3]), atoi(argv[4]), n_runs, argc > 7 ? argv[7] : NULL);
    else
        code = write_onnx(ctx, &n, argv[5], strcmp(argv[6], "leaky") == 0, atoi(argv[3]), atoi(argv[4]));
    fovea_model_free(&n.model);
    free(n.weights);
    fovea_context_free(&ctx);
    return code;
}

int main(int argc, char **argv)
{
    if (argc >= 7 && strcmp(argv[1], "run") == 0)
        return main_network(argc, argv);
    if (argc == 7 && strcmp(argv[1], "onnx") == 0)
        return main_network(argc, argv);
    if (argc == 5 && strcmp(argv[1], "input") == 0)
        return write_input(atoi(argv[2]), atoi(argv[3]), argv[4]);
    if (argc == 2 && strcmp(argv[1], "peak") == 0)
        return printf("%.1f\n", peak()) < 0;
    return fail("run, onnx, input or peak; see the head of the source");
}
