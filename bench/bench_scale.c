/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One contestant of the comparison (bench_peers.py): a picture in memory, eight bits a sample, enlarged to twice its
 * size by this library or by another. The picture is drawn at the size of the result and reduced as benchmarks do; so
 * the result's PSNR against what was drawn stands beside the time.
 *
 *     bench_scale fovea METHOD rgb|planes|grey WIDTH HEIGHT THREADS RUNS
 *         METHOD: a classical kernel, filter, or the name of a network, without consistency
 *     bench_scale zimg|swscale|vips KERNEL rgb|planes WIDTH HEIGHT THREADS RUNS
 *         KERNEL: bicubic or lanczos3
 *
 *     bench_scale draw WIDTH HEIGHT LOW.ppm HIGH.ppm
 *         writes both pictures
 *
 * Prints {"wall_ms": [...], "cpu_ms": [...], "psnr_db": ..., "version": "..."}, and for this library "stages_ms" (of
 * the last run) and "scratch_bytes".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "fovea/fovea.h"
#ifdef HAVE_ZIMG
#include <zimg.h>
#endif
#ifdef HAVE_SWSCALE
#include <libavutil/pixfmt.h>
#include <libswscale/swscale.h>
#endif
#ifdef HAVE_VIPS
#include <vips/vips.h>
#endif

enum { MAX_RUNS = 100, MAX_PLANES = 3 };

struct job {
    const char *who, *method;
    int width, height, n_threads, n_runs;
    int n_planes, n_channels; /* 1 x 3: interleaved RGB; 3 x 1: planes; 1 x 1: grey */
    uint8_t *in[MAX_PLANES], *out[MAX_PLANES], *truth[MAX_PLANES];
};

static int fail(const char *why)
{
    fprintf(stderr, "bench_scale: %s\n", why);
    return 1;
}

/* Waves that get shorter to the right, with soft and hard edges across; channels differ in contrast. */
static void draw_pixel(int x, int y, uint8_t level[3])
{
    float u = (float)x * 0.5f, v = (float)y * 0.5f,
          wave = sinf(u * u * 4e-4f + v * 0.11f) * (u < 700.0f ? 38.0f : 6.0f);
    float soft = 45.0f * tanhf(4.0f * sinf(v * 0.021f + u * 0.013f)),
          hard = (4 * x + 3 * y) % 610 < 230 ? 25.0f : -25.0f;
    for (int c = 0; c < 3; c++)
        level[c] = (uint8_t)(128.0f + (wave + soft + hard) * (1.0f - 0.2f * (float)c));
}

static struct fovea_image view(uint8_t *data, int width, int height, int n_channels)
{
    return (
        struct fovea_image){ width, height, { FOVEA_SAMPLE_U8, n_channels, 0 }, data, (ptrdiff_t)width * n_channels };
}

static int make_pictures(fovea_context *ctx, struct job *j)
{
    size_t n = (size_t)j->width * (size_t)j->height * (size_t)j->n_channels;
    int width = 2 * j->width, height = 2 * j->height;
    for (int p = 0; p < j->n_planes; p++) {
        j->in[p] = malloc(n);
        j->out[p] = calloc(n, 4);
        j->truth[p] = malloc(4 * n);
        if (!j->in[p] || !j->out[p] || !j->truth[p])
            return 0;
    }
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t level[3];
            draw_pixel(x, y, level);
            for (int p = 0; p < j->n_planes; p++)
                for (int c = 0; c < j->n_channels; c++)
                    j->truth[p][((ptrdiff_t)y * width + x) * j->n_channels + c] = level[p + c];
        }
    }
    for (int p = 0; p < j->n_planes; p++) {
        struct fovea_image big = view(j->truth[p], width, height, j->n_channels);
        struct fovea_image small = view(j->in[p], j->width, j->height, j->n_channels);
        if (fovea_imresize(ctx, &big, 2.0, &small) != FOVEA_OK)
            return 0;
    }
    return 1;
}

/* Without a margin of 8 pixels, where borders are handled differently. */
static double psnr_db(const struct job *j)
{
    int width = 2 * j->width, height = 2 * j->height, row = width * j->n_channels;
    double sum = 0.0, n = 0.0;
    for (int p = 0; p < j->n_planes; p++) {
        for (int y = 8; y < height - 8; y++) {
            for (int x = 8 * j->n_channels; x < row - 8 * j->n_channels; x++) {
                double d = (double)j->out[p][(ptrdiff_t)y * row + x] - (double)j->truth[p][(ptrdiff_t)y * row + x];
                sum += d * d;
                n += 1.0;
            }
        }
    }
    return 10.0 * log10(255.0 * 255.0 * n / sum);
}

/* A contestant: prepare once, then run again and again. */
struct contestant {
    const char *name;
    int (*start)(struct job *j);
    int (*run)(struct job *j);
    const char *(*version)(void);
};

/* ---- this library ---- */

static fovea_context *own_context;
static fovea_plan *own_plan;
static struct fovea_report own_report;

static int own_start(struct job *j)
{
    struct fovea_context_params context = FOVEA_CONTEXT_DEFAULTS;
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    const struct fovea_format format = { FOVEA_SAMPLE_U8, j->n_channels, 0 };
    int kernel = fovea_kernel_find(j->method);
    context.n_threads = j->n_threads;
    params.method = kernel >= 0                        ? FOVEA_METHOD_CLASSIC
                    : strcmp(j->method, "filter") == 0 ? FOVEA_METHOD_FILTER
                                                       : FOVEA_METHOD_NETWORK;
    params.kernel = kernel >= 0 ? (enum fovea_kernel)kernel : FOVEA_KERNEL_BICUBIC;
    params.network = j->method;
    params.consistency = FOVEA_CONSISTENCY_OFF;
    return fovea_context_create(&own_context, &context) == FOVEA_OK &&
           fovea_plan_build(&own_plan, own_context, j->width, j->height, &format, &params) == FOVEA_OK;
}

static int own_run(struct job *j)
{
    for (int p = 0; p < j->n_planes; p++) {
        struct fovea_image in = view(j->in[p], j->width, j->height, j->n_channels);
        struct fovea_image out = view(j->out[p], 2 * j->width, 2 * j->height, j->n_channels);
        struct fovea_source source = fovea_source_from_image(&in);
        struct fovea_sink sink = fovea_sink_to_image(&out);
        if (fovea_plan_run(own_plan, &source, &sink, NULL, &own_report) != FOVEA_OK)
            return 0;
    }
    return 1;
}

/* ---- zimg: planes ---- */

#ifdef HAVE_ZIMG
static zimg_filter_graph *zimg_graph;
static void *zimg_scratch;

static void zimg_format(zimg_image_format *f, const struct job *j, int factor)
{
    zimg_image_format_default(f, ZIMG_API_VERSION);
    f->width = (unsigned)(j->width * factor);
    f->height = (unsigned)(j->height * factor);
    f->pixel_type = ZIMG_PIXEL_BYTE;
    f->color_family = j->n_planes == 3 ? ZIMG_COLOR_RGB : ZIMG_COLOR_GREY;
    f->pixel_range = ZIMG_RANGE_FULL;
}

static int zimg_start(struct job *j)
{
    zimg_image_format in, out;
    zimg_graph_builder_params params;
    size_t n_bytes = 0;
    zimg_format(&in, j, 1);
    zimg_format(&out, j, 2);
    zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
    params.resample_filter = strcmp(j->method, "lanczos3") == 0 ? ZIMG_RESIZE_LANCZOS : ZIMG_RESIZE_BICUBIC;
    params.filter_param_a = strcmp(j->method, "lanczos3") == 0 ? 3.0 : 0.0;
    params.filter_param_b = 0.5;
    params.cpu_type = ZIMG_CPU_AUTO_64B;
    zimg_graph = zimg_filter_graph_build(&in, &out, &params);
    if (!zimg_graph || zimg_filter_graph_get_tmp_size(zimg_graph, &n_bytes))
        return 0;
    zimg_scratch = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    for (int p = 0; p < j->n_planes; p++) { /* it wants aligned rows */
        uint8_t *in_rows = aligned_alloc(64, (size_t)j->width * (size_t)j->height);
        uint8_t *out_rows = aligned_alloc(64, (size_t)j->width * (size_t)j->height * 4);
        if (!in_rows || !out_rows)
            return 0;
        memcpy(in_rows, j->in[p], (size_t)j->width * (size_t)j->height);
        free(j->in[p]);
        free(j->out[p]);
        j->in[p] = in_rows;
        j->out[p] = out_rows;
    }
    return j->n_channels == 1 && j->width % 64 == 0 && zimg_scratch;
}

static int zimg_run(struct job *j)
{
    zimg_image_buffer_const src = { .version = ZIMG_API_VERSION };
    zimg_image_buffer dst = { .version = ZIMG_API_VERSION };
    for (int p = 0; p < j->n_planes; p++) {
        src.plane[p].data = j->in[p];
        src.plane[p].stride = j->width;
        src.plane[p].mask = ZIMG_BUFFER_MAX;
        dst.plane[p].data = j->out[p];
        dst.plane[p].stride = 2 * j->width;
        dst.plane[p].mask = ZIMG_BUFFER_MAX;
    }
    return !zimg_filter_graph_process(zimg_graph, &src, &dst, zimg_scratch, NULL, NULL, NULL, NULL);
}

static const char *zimg_version(void)
{
    static char text[40];
    unsigned v[3];
    zimg_get_version_info(&v[0], &v[1], &v[2]);
    snprintf(text, sizeof text, "%u.%u.%u", v[0], v[1], v[2]);
    return text;
}
#endif

/* ---- swscale: planes or RGB ---- */

#ifdef HAVE_SWSCALE
static struct SwsContext *sws;

static int sws_start(struct job *j)
{
    enum AVPixelFormat format = j->n_planes == 3     ? AV_PIX_FMT_GBRP
                                : j->n_channels == 3 ? AV_PIX_FMT_RGB24
                                                     : AV_PIX_FMT_GRAY8;
    int kernel = strcmp(j->method, "lanczos3") == 0 ? SWS_LANCZOS : SWS_BICUBIC;
    sws = sws_getContext(j->width, j->height, format, 2 * j->width, 2 * j->height, format, kernel, NULL, NULL, NULL);
    return sws != NULL;
}

static int sws_run(struct job *j)
{
    const uint8_t *src[4] = { 0 };
    uint8_t *dst[4] = { 0 };
    int src_stride[4] = { 0 }, dst_stride[4] = { 0 };
    for (int p = 0; p < j->n_planes; p++) {
        src[p] = j->in[p];
        dst[p] = j->out[p];
        src_stride[p] = j->width * j->n_channels;
        dst_stride[p] = 2 * j->width * j->n_channels;
    }
    return sws_scale(sws, src, src_stride, 0, j->height, dst, dst_stride) == 2 * j->height;
}

static const char *sws_version(void)
{
    static char text[40];
    unsigned v = swscale_version();
    snprintf(text, sizeof text, "%u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
    return text;
}
#endif

/* ---- libvips: RGB ---- */

#ifdef HAVE_VIPS
static int vips_start(struct job *j)
{
    if (VIPS_INIT("bench_scale"))
        return 0;
    vips_concurrency_set(j->n_threads);
    vips_cache_set_max(0);
    return j->n_planes == 1;
}

static int vips_run(struct job *j)
{
    size_t n = (size_t)j->width * (size_t)j->height * (size_t)j->n_channels;
    VipsImage *in = vips_image_new_from_memory(j->in[0], n, j->width, j->height, j->n_channels, VIPS_FORMAT_UCHAR);
    VipsImage *out = NULL;
    VipsKernel kernel = strcmp(j->method, "lanczos3") == 0 ? VIPS_KERNEL_LANCZOS3 : VIPS_KERNEL_CUBIC;
    int code = in ? vips_resize(in, &out, 2.0, "kernel", kernel, NULL) : -1;
    size_t bytes = 0;
    void *pixels = code ? NULL : vips_image_write_to_memory(out, &bytes);
    if (pixels && bytes == 4 * n)
        memcpy(j->out[0], pixels, bytes);
    g_free(pixels);
    if (out)
        g_object_unref(out);
    if (in)
        g_object_unref(in);
    return pixels && bytes == 4 * n;
}

static const char *vips_version_text(void)
{
    return vips_version_string();
}
#endif

static const struct contestant contestants[] = {
    { "fovea", own_start, own_run, fovea_version },
#ifdef HAVE_ZIMG
    { "zimg", zimg_start, zimg_run, zimg_version },
#endif
#ifdef HAVE_SWSCALE
    { "swscale", sws_start, sws_run, sws_version },
#endif
#ifdef HAVE_VIPS
    { "vips", vips_start, vips_run, vips_version_text },
#endif
};

static void print_list(const char *name, const double *ms, int n)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.3f", i ? ", " : "", ms[i]);
    printf("], ");
}

static void print_own(void)
{
    printf(", \"scratch_bytes\": %zu, \"stages_ms\": {", own_report.peak_bytes);
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        printf("%s\"%s\": %.3f", i ? ", " : "", fovea_stage_name((enum fovea_stage)i), own_report.stage_ms[i]);
    printf("}");
}

static int measure(struct job *j, const struct contestant *c)
{
    double ms[MAX_RUNS], cpu[MAX_RUNS];
    if (!c->start(j))
        return fail("it cannot start");
    for (int i = -1; i < j->n_runs; i++) { /* the first warms up */
        double start = fovi_clock_ms();
        clock_t used = clock();
        if (!c->run(j))
            return fail("it cannot do this");
        if (i >= 0) {
            ms[i] = fovi_clock_ms() - start;
            cpu[i] = (double)(clock() - used) * 1e3 / CLOCKS_PER_SEC;
        }
    }
    putchar('{');
    print_list("wall_ms", ms, j->n_runs);
    print_list("cpu_ms", cpu, j->n_runs);
    printf("\"psnr_db\": %.3f, \"version\": \"%s\"", psnr_db(j), c->version());
    if (own_context)
        print_own();
    printf("}\n");
    return 0;
}

static int write_ppm(const char *path, const uint8_t *pixels, int width, int height)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return 0;
    size_t n = (size_t)width * (size_t)height * 3;
    int ok = fprintf(file, "P6\n%d %d\n255\n", width, height) > 0 && fwrite(pixels, 1, n, file) == n;
    return fclose(file) == 0 && ok;
}

static int draw(fovea_context *ctx, char **words)
{
    struct job j = { .width = atoi(words[0]), .height = atoi(words[1]), .n_planes = 1, .n_channels = 3 };
    if (j.width < 16 || j.height < 16 || !make_pictures(ctx, &j))
        return fail("cannot draw that");
    if (!write_ppm(words[2], j.in[0], j.width, j.height) || !write_ppm(words[3], j.truth[0], 2 * j.width, 2 * j.height))
        return fail("cannot write the pictures");
    return 0;
}

int main(int argc, char **argv)
{
    struct job j = { 0 };
    fovea_context *ctx;
    if (argc == 6 && strcmp(argv[1], "draw") == 0)
        return fovea_context_create(&ctx, NULL) == FOVEA_OK ? draw(ctx, argv + 2) : fail("out of memory");
    if (argc != 8)
        return fail("WHO METHOD rgb|planes|grey WIDTH HEIGHT THREADS RUNS, please");
    j.who = argv[1];
    j.method = argv[2];
    j.n_planes = strcmp(argv[3], "planes") == 0 ? 3 : 1;
    j.n_channels = strcmp(argv[3], "rgb") == 0 ? 3 : 1;
    j.width = atoi(argv[4]);
    j.height = atoi(argv[5]);
    j.n_threads = atoi(argv[6]);
    j.n_runs = atoi(argv[7]);
    if (j.width < 16 || j.height < 16 || j.n_threads < 1 || j.n_runs < 1 || j.n_runs > MAX_RUNS)
        return fail("sizes from 16, 1..100 runs, please");
    if (fovea_context_create(&ctx, NULL) != FOVEA_OK || !make_pictures(ctx, &j))
        return fail("out of memory");
    fovea_context_free(&ctx);
    for (size_t i = 0; i < sizeof contestants / sizeof *contestants; i++)
        if (strcmp(contestants[i].name, j.who) == 0)
            return measure(&j, &contestants[i]);
    return fail("this build does not have it");
}
