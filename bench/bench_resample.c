/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time of resampling one plane of floats or of bytes on one thread: the reference in C, the vector kernels, and zimg
 * doing the same job, all in turn in one process. Prints median and best of the repeats in milliseconds, the ratio of
 * the medians, and the largest difference of zimg's result from ours (levels of 255).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "image/convert_dsp.h"
#include "image/window.h"
#include "resample/axis.h"
#include "timing.h"

#ifdef HAVE_ZIMG
#include <zimg.h>
#endif

enum { N_REPEATS = 15, MAX_TAPS = 64 };

struct job {
    enum fovea_kernel kernel;
    int in_width, in_height, out_width, out_height, is_bytes;
};

struct work {
    struct job job;
    struct fovi_axis x, y;
    struct fovi_window in, out, peer_out, ring; /* whole planes; ring: the rows between the two passes */
    uint8_t *in_bytes, *out_bytes, *peer_bytes;
};

/* Of a plane of bytes, in whole lines of the cache. */
static ptrdiff_t byte_stride(int width)
{
    return (ptrdiff_t)(width + 63) / 64 * 64;
}

/* Rows of bytes become floats when they are read, and bytes again a piece of a row at a time. */
static void run_own_bytes(struct work *w, const struct fovi_resample_dsp *dsp, const struct fovi_convert_dsp *convert)
{
    enum { PIECE = 1024 };
    const float *rows[MAX_TAPS];
    float piece[PIECE];
    float *const in_plane[1] = { fovi_window_row(&w->in, 0, 0) };
    const float *const out_plane[1] = { piece };
    int next = 0;
    for (int o = 0; o < w->job.out_height; o++) {
        for (; next < w->y.first[o] + w->y.n_taps; next++) {
            convert->load_u8(w->in_bytes + next * byte_stride(w->job.in_width), 1, w->job.in_width, in_plane);
            dsp->h(&w->x, in_plane[0], fovi_window_row(&w->ring, 0, next));
        }
        uint8_t *out = w->out_bytes + o * byte_stride(w->job.out_width);
        for (int x = 0; x < w->job.out_width; x += PIECE) {
            int n = w->job.out_width - x < PIECE ? w->job.out_width - x : PIECE;
            for (int k = 0; k < w->y.n_taps; k++)
                rows[k] = fovi_window_row(&w->ring, 0, w->y.first[o] + k) + x;
            dsp->v(rows, w->y.weights + (ptrdiff_t)o * w->y.n_taps, w->y.n_taps, n, piece);
            convert->store_u8(out_plane, 1, n, out + x);
        }
    }
}

static void run_own(struct work *w, const struct fovi_resample_dsp *dsp, const struct fovi_convert_dsp *convert)
{
    if (w->job.is_bytes) {
        run_own_bytes(w, dsp, convert);
        return;
    }
    const float *rows[MAX_TAPS];
    int is_reduced = w->job.out_height < w->job.in_height, next = 0;
    for (int o = 0; o < w->job.out_height; o++) {
        int end = w->y.first[o] + w->y.n_taps;
        for (; !is_reduced && next < end; next++)
            dsp->h(&w->x, fovi_window_row(&w->in, 0, next), fovi_window_row(&w->ring, 0, next));
        for (int k = 0; k < w->y.n_taps; k++)
            rows[k] = fovi_window_row(is_reduced ? &w->in : &w->ring, 0, w->y.first[o] + k);
        const float *weights = w->y.weights + (ptrdiff_t)o * w->y.n_taps;
        float *out = fovi_window_row(&w->out, 0, o);
        if (is_reduced) {
            float *middle = fovi_window_row(&w->ring, 0, 0);
            dsp->v(rows, weights, w->y.n_taps, w->job.in_width, middle);
            dsp->h(&w->x, middle, out);
        } else {
            dsp->v(rows, weights, w->y.n_taps, w->job.out_width, out);
        }
    }
}

#ifdef HAVE_ZIMG
struct peer {
    zimg_filter_graph *graph;
    void *scratch;
};

static void grey_plane(zimg_image_format *f, int width, int height, int is_bytes)
{
    zimg_image_format_default(f, ZIMG_API_VERSION);
    f->width = (unsigned)width;
    f->height = (unsigned)height;
    f->pixel_type = is_bytes ? ZIMG_PIXEL_BYTE : ZIMG_PIXEL_FLOAT;
    f->color_family = ZIMG_COLOR_GREY;
}

static int peer_init(struct peer *p, const struct job *job)
{
    zimg_image_format in, out;
    zimg_graph_builder_params params;
    size_t n_bytes = 0;
    grey_plane(&in, job->in_width, job->in_height, job->is_bytes);
    grey_plane(&out, job->out_width, job->out_height, job->is_bytes);
    zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
    params.resample_filter = job->kernel == FOVEA_KERNEL_BILINEAR  ? ZIMG_RESIZE_BILINEAR
                             : job->kernel == FOVEA_KERNEL_BICUBIC ? ZIMG_RESIZE_BICUBIC
                                                                   : ZIMG_RESIZE_LANCZOS;
    params.filter_param_a = job->kernel == FOVEA_KERNEL_BICUBIC ? 0.0 : 3.0;
    params.filter_param_b = 0.5;
    params.cpu_type = ZIMG_CPU_AUTO_64B;
    p->graph = zimg_filter_graph_build(&in, &out, &params);
    if (!p->graph || zimg_filter_graph_get_tmp_size(p->graph, &n_bytes))
        return 0;
    p->scratch = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    return p->scratch != NULL;
}

static void peer_free(struct peer *p)
{
    zimg_filter_graph_free(p->graph);
    free(p->scratch);
}

static void run_peer(const struct peer *p, const struct work *w)
{
    zimg_image_buffer_const src = { .version = ZIMG_API_VERSION };
    zimg_image_buffer dst = { .version = ZIMG_API_VERSION };
    int is_bytes = w->job.is_bytes;
    src.plane[0].data = is_bytes ? (const void *)w->in_bytes : fovi_window_row(&w->in, 0, 0);
    src.plane[0].stride = is_bytes ? byte_stride(w->job.in_width) : w->in.stride * (ptrdiff_t)sizeof(float);
    src.plane[0].mask = ZIMG_BUFFER_MAX;
    dst.plane[0].data = is_bytes ? (void *)w->peer_bytes : fovi_window_row(&w->peer_out, 0, 0);
    dst.plane[0].stride = is_bytes ? byte_stride(w->job.out_width) : w->peer_out.stride * (ptrdiff_t)sizeof(float);
    dst.plane[0].mask = ZIMG_BUFFER_MAX;
    zimg_filter_graph_process(p->graph, &src, &dst, p->scratch, NULL, NULL, NULL, NULL);
}

static float largest_difference(const struct work *w)
{
    float most = 0.0f;
    for (int y = 0; y < w->job.out_height; y++) {
        ptrdiff_t at = y * byte_stride(w->job.out_width);
        for (int x = 0; x < w->job.out_width; x++) {
            float d = w->job.is_bytes ? (float)w->out_bytes[at + x] - (float)w->peer_bytes[at + x]
                                      : fovi_window_row(&w->out, 0, y)[x] - fovi_window_row(&w->peer_out, 0, y)[x];
            most = fmaxf(most, fabsf(d));
        }
    }
    return most;
}
#endif

static void print_times(const char *who, double *ms)
{
    double middle = median(ms, N_REPEATS);
    printf("  %s %6.2f (%6.2f)", who, middle, ms[0]);
}

static int work_init(fovea_context *ctx, struct work *w, const struct job *job)
{
    *w = (struct work){ .job = *job };
    int wider = job->in_width > job->out_width ? job->in_width : job->out_width;
    FOVI_TRY(fovi_axis_init(ctx, &w->x, job->kernel, job->in_width, job->out_width));
    FOVI_TRY(fovi_axis_init(ctx, &w->y, job->kernel, job->in_height, job->out_height));
    FOVI_TRY(fovi_window_init(ctx, &w->in, job->in_width, job->in_height, 1, job->in_height));
    FOVI_TRY(fovi_window_init(ctx, &w->out, job->out_width, job->out_height, 1, job->out_height));
    FOVI_TRY(fovi_window_init(ctx, &w->peer_out, job->out_width, job->out_height, 1, job->out_height));
    FOVI_TRY(fovi_window_init(ctx, &w->ring, wider, job->in_height, 1, w->y.n_taps));
    size_t n_out = (size_t)byte_stride(job->out_width) * (size_t)job->out_height;
    w->in_bytes = fovi_alloc(ctx, (size_t)byte_stride(job->in_width), (size_t)job->in_height);
    w->out_bytes = fovi_alloc(ctx, n_out, 1);
    w->peer_bytes = fovi_alloc(ctx, n_out, 1);
    if (!w->in_bytes || !w->out_bytes || !w->peer_bytes)
        return fovi_alloc_error(ctx);
    for (int y = 0; y < job->in_height; y++) {
        for (int x = 0; x < job->in_width; x++) {
            int level = (x * 7 + y * 13 + x * y) & 255;
            fovi_window_row(&w->in, 0, y)[x] = (float)level;
            w->in_bytes[y * byte_stride(job->in_width) + x] = (uint8_t)level;
        }
    }
    return w->y.n_taps <= MAX_TAPS ? FOVEA_OK : FOVEA_E_LIMIT;
}

static void work_free(fovea_context *ctx, struct work *w)
{
    fovi_axis_free(ctx, &w->x);
    fovi_axis_free(ctx, &w->y);
    fovi_window_free(ctx, &w->in);
    fovi_window_free(ctx, &w->out);
    fovi_window_free(ctx, &w->peer_out);
    fovi_window_free(ctx, &w->ring);
    fovi_free(ctx, w->in_bytes);
    fovi_free(ctx, w->out_bytes);
    fovi_free(ctx, w->peer_bytes);
}

static void measure(fovea_context *ctx, struct work *w)
{
    const struct fovi_resample_dsp *reference = fovi_resample_dsp_get(0);
    const struct fovi_resample_dsp *best = fovi_resample_dsp_get(fovea_context_cpu(ctx));
    const struct fovi_convert_dsp *plain = fovi_convert_dsp_get(0);
    const struct fovi_convert_dsp *quick = fovi_convert_dsp_get(fovea_context_cpu(ctx));
    double c_ms[N_REPEATS], own_ms[N_REPEATS];
#ifdef HAVE_ZIMG
    struct peer peer = { NULL, NULL };
    double peer_ms[N_REPEATS];
    int has_peer = peer_init(&peer, &w->job);
#endif
    for (int i = 0; i < N_REPEATS; i++) {
        double t0 = fovi_clock_ms();
        run_own(w, reference, plain);
        double t1 = fovi_clock_ms();
        run_own(w, best, quick);
        double t2 = fovi_clock_ms();
        c_ms[i] = t1 - t0;
        own_ms[i] = t2 - t1;
#ifdef HAVE_ZIMG
        if (has_peer)
            run_peer(&peer, w);
        peer_ms[i] = fovi_clock_ms() - t2;
#endif
    }
    printf("%s %-9s %4dx%-4d -> %4dx%-4d", w->job.is_bytes ? "bytes " : "floats", fovea_kernel_name(w->job.kernel),
           w->job.in_width, w->job.in_height, w->job.out_width, w->job.out_height);
    print_times("C", c_ms);
    print_times("vector", own_ms);
#ifdef HAVE_ZIMG
    if (has_peer) {
        print_times("zimg", peer_ms);
        printf("  zimg/vector %.2f  differ %.1e", peer_ms[N_REPEATS / 2] / own_ms[N_REPEATS / 2],
               (double)largest_difference(w));
    }
    peer_free(&peer);
#endif
    printf("\n");
}

int main(void)
{
    static const struct job jobs[] = {
        { FOVEA_KERNEL_BILINEAR, 1920, 1080, 3840, 2160, 1 }, { FOVEA_KERNEL_BICUBIC, 1920, 1080, 3840, 2160, 1 },
        { FOVEA_KERNEL_LANCZOS3, 1920, 1080, 3840, 2160, 1 }, { FOVEA_KERNEL_BICUBIC, 960, 540, 3840, 2160, 1 },
        { FOVEA_KERNEL_BICUBIC, 1920, 1080, 2500, 1406, 1 },  { FOVEA_KERNEL_BILINEAR, 1920, 1080, 3840, 2160, 0 },
        { FOVEA_KERNEL_BICUBIC, 1920, 1080, 3840, 2160, 0 },  { FOVEA_KERNEL_LANCZOS3, 1920, 1080, 3840, 2160, 0 },
        { FOVEA_KERNEL_BICUBIC, 1280, 720, 3840, 2160, 0 },   { FOVEA_KERNEL_BICUBIC, 960, 540, 3840, 2160, 0 },
        { FOVEA_KERNEL_BICUBIC, 1920, 1080, 2880, 1620, 0 },  { FOVEA_KERNEL_BICUBIC, 1920, 1080, 2500, 1406, 0 },
        { FOVEA_KERNEL_BICUBIC, 3840, 2160, 1920, 1080, 0 },  { FOVEA_KERNEL_LANCZOS3, 3840, 2160, 1920, 1080, 0 },
        { FOVEA_KERNEL_BICUBIC, 3840, 2160, 1280, 720, 0 },   { FOVEA_KERNEL_BICUBIC, 3840, 2160, 960, 540, 0 },
        { FOVEA_KERNEL_BICUBIC, 3840, 2160, 2500, 1406, 0 },
    };
    fovea_context *ctx = NULL;
    printf("one plane, one thread, milliseconds: median (best) of %d\n", N_REPEATS);
    if (fovea_context_create(&ctx, NULL) != FOVEA_OK)
        return 1;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        struct work w;
        if (work_init(ctx, &w, &jobs[i]) == FOVEA_OK)
            measure(ctx, &w);
        else
            fprintf(stderr, "job %zu: %s\n", i, fovea_last_error(ctx));
        work_free(ctx, &w);
    }
    fovea_context_free(&ctx);
    return 0;
}
