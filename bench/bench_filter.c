/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time of the hashed filter on one luma plane of 1920x1080: the reference in C once, the kernels of each instruction
 * set that the machine has, the classes alone, and all threads. How fast it is depends on how often neighbours change
 * their class, so it takes a picture (repeated to the size); without one a plain and a busy pattern are used. Prints
 * median and best of the repeats in milliseconds, and the frames a second of the last.
 *
 *     bench_filter [PICTURE]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fovea-io/io.h"
#include "image/window.h"
#include "model/model.h"
#include "timing.h"

enum { WIDTH = 1920, HEIGHT = 1080, N_REPEATS = 9, N_SLICES = 8, SLICE = WIDTH / N_SLICES };

struct work {
    const struct fovi_filter *filter;
    struct fovi_window in;
    float *out;
    struct fovi_filter_run *runs[N_SLICES];
    int is_classes_only;
    double ms; /* of the last measurement */
};

/* One slice of columns, as wide as the pipeline takes them. */
static void run_slice(void *arg, int index, int worker)
{
    (void)worker;
    struct work *w = arg;
    const int scale = w->filter->scale;
    int32_t classes[SLICE + FOVI_FILTER_OVERREAD];
    fovi_filter_run_reset(w->runs[index]);
    for (int y = 0; y < HEIGHT; y++) {
        const float *rows[FOVI_FILTER_TAPS];
        float *out[4];
        for (int i = 0; i < FOVI_FILTER_TAPS; i++)
            rows[i] = fovi_window_row_clamped(&w->in, 0, y - FOVI_FILTER_RADIUS + i) + index * SLICE;
        for (int i = 0; i < scale; i++)
            out[i] = w->out + (((ptrdiff_t)y * scale + i) * WIDTH + index * SLICE) * scale;
        if (w->is_classes_only)
            fovi_filter_classes(w->runs[index], y, rows, 0, SLICE, classes);
        else
            fovi_filter_row(w->runs[index], y, rows, 0, SLICE, out);
    }
}

/* cpu: FOVEA_CPU_* bits of the kernels. */
static int measure(const char *who, int n_threads, uint32_t cpu, int n_repeats, struct work *w)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = n_threads;
    params.cpu_mask = cpu;
    fovea_context *ctx;
    double ms[N_REPEATS];
    FOVI_TRY(fovea_context_create(&ctx, &params));
    for (int i = 0; i < N_SLICES; i++)
        FOVI_TRY(fovi_filter_run_create(ctx, w->filter, SLICE, &w->runs[i]));
    for (int i = 0; i < n_repeats; i++) {
        double start = fovi_clock_ms();
        fovi_parallel_near(ctx, run_slice, w, N_SLICES);
        ms[i] = fovi_clock_ms() - start;
    }
    for (int i = 0; i < N_SLICES; i++)
        fovi_filter_run_free(ctx, &w->runs[i]);
    w->ms = median(ms, n_repeats);
    printf("  %s %.1f (%.1f)", who, w->ms, ms[0]);
    fovea_context_free(&ctx);
    return FOVEA_OK;
}

/* The picture's green, or a pattern; rows with their edge repeated. */
static void fill(struct fovi_window *w, const struct fovea_image *image, int is_busy)
{
    for (int y = 0; y < HEIGHT; y++) {
        float *row = fovi_window_row(w, 0, y);
        for (int x = 0; x < WIDTH; x++) {
            row[x] = is_busy ? (float)((x * 7 + y * 13 + x * y) & 255) : 100.0f + 50.0f * sinf((float)(x + y) * 0.02f);
            if (image) {
                const uint8_t *p = (const uint8_t *)image->data + y % image->height * image->stride_bytes;
                row[x] = p[x % image->width * image->format.n_channels + (image->format.n_channels >= 3)];
            }
        }
        for (int i = 1; i <= FOVI_WINDOW_PAD; i++) {
            row[-i] = row[0];
            row[WIDTH - 1 + i] = row[WIDTH - 1];
        }
    }
}

static int run_scale(fovea_context *ctx, int scale, struct work *w)
{
    fovea_model *model;
    FOVI_TRY(fovea_model_builtin(ctx, "filter", scale, &model));
    w->filter = fovi_model_filter(model);
    printf("x%d", scale);
    int code = measure("C", 1, 0, 1, w);
    if (!code)
        code = measure("AVX2", 1, FOVEA_CPU_AVX2, N_REPEATS, w);
    if (!code)
        code = measure("best", 1, FOVEA_CPU_ALL, N_REPEATS, w);
    w->is_classes_only = 1;
    if (!code)
        code = measure("of it classes", 1, FOVEA_CPU_ALL, N_REPEATS, w);
    w->is_classes_only = 0;
    if (!code)
        code = measure("all threads", 0, FOVEA_CPU_ALL, N_REPEATS, w);
    printf("  %.0f frames/s\n", 1000.0 / w->ms);
    fovea_model_free(&model);
    return code;
}

static int run_picture(fovea_context *ctx, const struct fovea_image *image, int is_busy)
{
    struct work w = { 0 };
    int code = fovi_window_init(ctx, &w.in, WIDTH, HEIGHT, 1, HEIGHT);
    w.out = code ? NULL : fovi_alloc(ctx, (size_t)WIDTH * HEIGHT * 16, sizeof *w.out);
    if (!w.out)
        return fovi_alloc_error(ctx);
    fill(&w.in, image, is_busy);
    printf("%s\n", image ? "picture" : is_busy ? "busy pattern" : "plain pattern");
    for (int scale = 2; scale <= 4 && !code; scale++)
        code = run_scale(ctx, scale, &w);
    fovi_free(ctx, w.out);
    fovi_window_free(ctx, &w.in);
    return code;
}

int main(int argc, char **argv)
{
    fovea_context *ctx;
    struct fovea_image image;
    fovea_io *io = NULL;
    int code = fovea_context_create(&ctx, NULL);
    if (!code && argc > 1) {
        code = fovea_io_create(&io, NULL);
        if (!code)
            code = fovea_io_read_image(io, argv[1], &image);
        if (!code && image.format.sample != FOVEA_SAMPLE_U8)
            code = FOVEA_E_UNSUPPORTED;
        if (!code)
            code = run_picture(ctx, &image, 0);
    } else if (!code) {
        code = run_picture(ctx, NULL, 0);
        if (!code)
            code = run_picture(ctx, NULL, 1);
    }
    if (code)
        fprintf(stderr, "bench_filter: %s\n", fovea_error_name(code));
    return code ? 1 : 0;
}
