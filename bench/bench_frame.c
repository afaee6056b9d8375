/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One contestant of the comparison with other run times (bench_peers.py): a network on whole frames of luma, or its
 * ONNX file for the others, and what all of them need. The residual is made, without the base. Frames are files of
 * floats in levels of 1.
 *
 *     bench_frame run NETWORK f32|f32-avx2|bf16|int8|int8-vnni WIDTH HEIGHT THREADS RUNS IN [OUT]
 *         prints {"wall_ms": [...], "cpu_ms": [...]}; OUT gets the last residual
 *     bench_frame onnx NETWORK WIDTH HEIGHT FILE prelu|leaky
 *         writes the network
 *     bench_frame layers NETWORK
 *         prints its layers as text
 *     bench_frame input WIDTH HEIGHT FILE
 *         writes a frame of waves
 *     bench_frame picture PICTURE SCALE LOW HIGH
 *         writes a picture's luma, and that reduced as benchmarks do; prints the reduced one's width and height
 *     bench_frame psnr SCALE WIDTH HEIGHT LOW HIGH RESIDUAL
 *         prints the PSNR-Y of base and residual against HIGH, without a border of SCALE pixels
 *
 * NETWORK: the name of a built-in model such as tiny-x2, or layers as text, which get random weights.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"
#include "fovea-io/io.h"
#include "fovea/fovea.h"
#include "model/model.h"
#include "model/onnx.h"
#include "net/exec.h"
#include "net/int8.h"
#include "timing.h"

#define STRIP 32
#define MAX_RUNS 100

struct network {
    fovea_model *model; /* NULL: random weights */
    struct fovi_graph graph;
    struct fovea_model_info info;
    float *weights, *int8; /* of random networks */
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

/* The same in int8: whole weights, and the same steps for all channels. */
static int randomize_int8(struct network *n)
{
    enum { MOST = FOVI_GRAPH_MAX_CHANNELS };
    struct fovi_graph *g = &n->graph;
    float *p = n->int8 = calloc((size_t)fovi_graph_parameters(g) + (size_t)g->n_layers * 3 * MOST, sizeof *p);
    for (int l = 0; p && l < g->n_layers; l++) {
        struct fovi_layer *y = &g->layer[l];
        int size = y->kind == FOVI_LAYER_CONV ? y->k * y->k * y->c_in : 1;
        y->int8 = (struct fovi_int8_layer){ y->weight, p, y->bias, y->slope, p + MOST, p + 2 * MOST };
        for (int i = 0; i < MOST; i++, p++) {
            p[0] = 2.0f / (127.0f * 64.0f * (float)size);
            p[MOST] = 1.0f / 64.0f;
            p[2 * MOST] = 32.0f;
        }
        p += 2 * MOST;
        if (l == 0 || l == g->n_layers - 1 || y->kind != FOVI_LAYER_CONV)
            continue;
        y->int8.weight = p;
        for (int i = 0; i < size * y->c_out; i++)
            *p++ = rintf(y->weight[i] * 63.5f * (float)size);
    }
    g->has_int8 = 1;
    return n->int8 != NULL;
}

static int open_network(fovea_context *ctx, const char *text, struct network *n)
{
    char method[32];
    const char *dash = strrchr(text, '-');
    memset(n, 0, sizeof *n);
    if (dash && dash[1] == 'x' && (size_t)(dash - text) < sizeof method) {
        int scale = atoi(dash + 2);
        snprintf(method, sizeof method, "%.*s", (int)(dash - text), text);
        if (fovea_model_builtin(ctx, method, scale, &n->model) != FOVEA_OK)
            return 0;
        const struct fovi_graph *graph = fovi_model_graph(n->model);
        if (graph)
            n->graph = *graph;
        fovea_model_describe(n->model, &n->info);
        return graph != NULL;
    }
    n->info = (struct fovea_model_info){ .method = "random", .layers = text, .base = "", .sources = "", .licence = "" };
    return fovi_graph_parse(ctx, text, &n->graph) == FOVEA_OK && randomize(n) &&
           (!fovi_int8_fits(&n->graph) || randomize_int8(n));
}

/* Level of pixel (x, y): waves of all lengths. */
static float level(int x, int y)
{
    return (float)((x * x / 3 + y * y / 5 + (x ^ y)) & 255);
}

/* One frame; the strip's residual goes into rows of out, or all into the same rows where it is one strip high. */
static void run_frame(struct fovi_exec *exec, struct fovi_window *luma, const float *frame, int scale, int radius,
                      float *out, int is_whole)
{
    int width = luma->width, height = luma->height;
    fovi_window_reset(luma);
    fovi_exec_begin(exec, NULL, 0);
    for (int y = 0; y < height; y += STRIP) {
        int y1 = y + STRIP < height ? y + STRIP : height, end = y1 + radius < height ? y1 + radius : height;
        while (luma->y1 < end) {
            float *row = fovi_window_row(luma, 0, luma->y1);
            for (int x = 0; x < width; x++)
                row[x] = frame[(ptrdiff_t)luma->y1 * width + x] * 255.0f;
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

static float *read_floats(const char *path, size_t n)
{
    FILE *file = fopen(path, "rb");
    float *values = malloc(n * sizeof *values);
    size_t got = file && values ? fread(values, sizeof *values, n, file) : 0;
    if (file)
        fclose(file);
    if (got == n)
        return values;
    free(values);
    return NULL;
}

static int create_exec(fovea_context *ctx, const struct network *n, const char *format, int width, int height,
                       struct fovi_exec **exec)
{
    if (strncmp(format, "f32", 3) == 0)
        return fovi_exec_create(ctx, &n->graph, FOVI_EXEC_F32, width, height, exec);
    if (strncmp(format, "int8", 4) == 0 && n->graph.has_int8)
        return fovi_exec_create(ctx, &n->graph, FOVI_EXEC_INT8, width, height, exec);
    if (strcmp(format, "bf16") != 0 || !fovi_exec_has_bf16(&n->graph))
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "this network does not run in %s", format);
    if (!(fovea_context_cpu(ctx) & FOVEA_CPU_AMX))
        return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "this processor has no AMX, bf16 would be emulated");
    return fovi_exec_create(ctx, &n->graph, FOVI_EXEC_BF16, width, height, exec);
}

static int run(fovea_context *ctx, const struct network *n, char **words, const char *path)
{
    struct fovi_exec *exec;
    struct fovi_window luma;
    int width = atoi(words[1]), height = atoi(words[2]), n_runs = atoi(words[4]);
    int scale = n->graph.scale, radius = fovi_graph_radius(&n->graph);
    size_t n_out = (size_t)width * (size_t)(scale * scale) * (size_t)(path ? height : STRIP);
    float *out = malloc(n_out * sizeof *out), *frame = read_floats(words[5], (size_t)width * (size_t)height);
    double ms[MAX_RUNS], cpu[MAX_RUNS];
    if (!out || !frame)
        return fail("no frame of that size");
    if (create_exec(ctx, n, words[0], width, height, &exec) != FOVEA_OK ||
        fovi_window_init(ctx, &luma, width, height, 1, STRIP + radius) != FOVEA_OK)
        return fail(fovea_last_error(ctx));
    for (int i = -1; i < n_runs; i++) { /* the first warms up */
        double start = fovi_clock_ms(), cpu_start = cpu_ms();
        run_frame(exec, &luma, frame, scale, radius, out, path != NULL);
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
    free(frame);
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

/* ---- quality ---- */

static int write_picture(const char *picture, int scale, const char *low_path, const char *high_path)
{
    fovea_context *ctx;
    fovea_io *io = NULL;
    struct fovea_image image;
    if (fovea_context_create(&ctx, NULL) != FOVEA_OK || fovea_io_create(&io, NULL) != FOVEA_OK ||
        fovea_io_read_image(io, picture, &image) != FOVEA_OK || image.format.sample != FOVEA_SAMPLE_U8)
        return fail("cannot read the picture");
    int width = image.width / scale, height = image.height / scale, n_channels = image.format.n_channels;
    int high_width = width * scale, high_height = height * scale;
    size_t n_low = (size_t)width * (size_t)height, n_high = n_low * (size_t)(scale * scale);
    uint8_t *high = malloc(n_high), *low = malloc(n_low);
    float *values = malloc(n_high * sizeof *values);
    if (!high || !low || !values)
        return fail("out of memory");
    for (int y = 0; y < high_height; y++) {
        const uint8_t *row = (const uint8_t *)image.data + y * image.stride_bytes;
        for (int x = 0; x < high_width; x++, row += n_channels)
            high[(ptrdiff_t)y * high_width + x] = n_channels < 3 ? row[0]
                                                                 : (uint8_t)(0.299f * row[0] + 0.587f * row[1] +
                                                                             0.114f * row[2] + 0.5f);
    }
    const struct fovea_format grey = { FOVEA_SAMPLE_U8, 1, 0 };
    struct fovea_image from = { high_width, high_height, grey, high, high_width };
    struct fovea_image to = { width, height, grey, low, width };
    int ok = fovea_imresize(ctx, &from, scale, &to) == FOVEA_OK;
    for (size_t i = 0; i < n_high; i++)
        values[i] = high[i];
    ok = ok && write_floats(high_path, values, n_high, 1.0f / 255.0f);
    for (size_t i = 0; i < n_low; i++)
        values[i] = low[i];
    ok = ok && write_floats(low_path, values, n_low, 1.0f / 255.0f);
    fovea_io_image_free(&image);
    fovea_io_free(&io);
    fovea_context_free(&ctx);
    free(high);
    free(low);
    free(values);
    return ok ? printf("%d %d\n", width, height) < 0 : fail("cannot reduce the picture");
}

static int print_psnr(int scale, int width, int height, char **paths)
{
    fovea_context *ctx;
    int out_width = width * scale, out_height = height * scale;
    size_t n_low = (size_t)width * (size_t)height, n_high = n_low * (size_t)(scale * scale);
    float *low = read_floats(paths[0], n_low), *high = read_floats(paths[1], n_high);
    float *residual = read_floats(paths[2], n_high), *base = malloc(n_high * sizeof *base);
    const struct fovea_format grey = { FOVEA_SAMPLE_F32, 1, 0 };
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.scale = scale;
    params.method = FOVEA_METHOD_CLASSIC;
    params.transfer = FOVEA_TRANSFER_ENCODED;
    if (!low || !high || !residual || !base || fovea_context_create(&ctx, NULL) != FOVEA_OK)
        return fail("cannot read the frames");
    struct fovea_image from = { width, height, grey, low, (ptrdiff_t)(width * sizeof *low) };
    struct fovea_image to = { out_width, out_height, grey, base, (ptrdiff_t)(out_width * sizeof *base) };
    if (fovea_upscale(ctx, &from, &to, &params, NULL) != FOVEA_OK)
        return fail(fovea_last_error(ctx));
    double sum = 0.0, n = 0.0;
    for (int y = scale; y < out_height - scale; y++) {
        for (int x = scale; x < out_width - scale; x++, n += 1.0) {
            ptrdiff_t at = (ptrdiff_t)y * out_width + x;
            float value = fminf(fmaxf(base[at] + residual[at], 0.0f), 1.0f);
            double d = 219.0 / 255.0 * ((double)value - (double)high[at]); /* PSNR-Y counts luma as 16..235 */
            sum += d * d;
        }
    }
    fovea_context_free(&ctx);
    free(low);
    free(high);
    free(residual);
    free(base);
    return printf("%.3f\n", 10.0 * log10(n / sum)) < 0;
}

/* ---- the words ---- */

static int main_network(int argc, char **argv)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    struct network n;
    int is_run = strcmp(argv[1], "run") == 0, n_runs = is_run ? atoi(argv[7]) : 1, code = 1;
    params.n_threads = is_run ? atoi(argv[6]) : 1;
    params.cpu_mask = is_run && strcmp(argv[3], "f32-avx2") == 0    ? FOVEA_CPU_AVX2
                      : is_run && strcmp(argv[3], "int8-vnni") == 0 ? FOVEA_CPU_ALL & ~FOVEA_CPU_AMX
                                                                    : FOVEA_CPU_ALL;
    if (n_runs < 1 || n_runs > MAX_RUNS || fovea_context_create(&ctx, &params) != FOVEA_OK)
        return fail("1..100 runs, please");
    if (!open_network(ctx, argv[2], &n))
        fail(fovea_last_error(ctx));
    else if (is_run)
        code = run(ctx, &n, argv + 3, argc > 9 ? argv[9] : NULL);
    else if (argc == 3)
        code = printf("%s\n", n.info.layers) < 0;
    else
        code = write_onnx(ctx, &n, argv[5], strcmp(argv[6], "leaky") == 0, atoi(argv[3]), atoi(argv[4]));
    fovea_model_free(&n.model);
    free(n.weights);
    free(n.int8);
    fovea_context_free(&ctx);
    return code;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if ((argc == 9 || argc == 10) && strcmp(word, "run") == 0)
        return main_network(argc, argv);
    if ((argc == 7 && strcmp(word, "onnx") == 0) || (argc == 3 && strcmp(word, "layers") == 0))
        return main_network(argc, argv);
    if (argc == 5 && strcmp(word, "input") == 0)
        return write_input(atoi(argv[2]), atoi(argv[3]), argv[4]);
    if (argc == 6 && strcmp(word, "picture") == 0)
        return write_picture(argv[2], atoi(argv[3]), argv[4], argv[5]);
    if (argc == 8 && strcmp(word, "psnr") == 0)
        return print_psnr(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argv + 5);
    return fail("run, onnx, layers, input, picture or psnr; see the head of the source");
}
