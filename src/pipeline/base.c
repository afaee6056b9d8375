/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The base without consistency: bicubic, plus what is added to it. Columns are taken a slice at a time, so narrow that
 * all that neighbouring rows share stays in the first cache; and where nobody reads the rows but who stores them, they
 * become samples there and are never kept.
 */
#include <string.h>

#include "base/clock.h"
#include "pipeline/stage.h"

/* Most columns of a slice. */
#define SLICE 512

struct base {
    struct fovi_stage stage;
    struct fovi_stage *in, *gain;
    float strength;
    struct fovi_axis ax, ay;
    const struct fovi_resample_dsp *dsp;
    int n_slices;
    int *n_made;                      /* of each slice: rows of the input that were brought to the new width */
    float *wide;                      /* of each slice and plane: the last n_taps of them */
    float *made;                      /* of each worker and plane: a row of the result that is to be stored */
    const struct fovi_samples *store; /* the loop in work: where its rows go, NULL for the window */
    int y;                            /* its first row */
};

static void base_free(struct fovi_stage *stage)
{
    struct base *b = (struct base *)stage;
    fovea_context *ctx = stage->run->ctx;
    fovi_window_free(ctx, &stage->out);
    fovi_axis_free(ctx, &b->ax);
    fovi_axis_free(ctx, &b->ay);
    fovi_free(ctx, b->n_made);
    fovi_free(ctx, b->wide);
    fovi_free(ctx, b->made);
    fovi_free(ctx, b);
}

static void base_reset(struct fovi_stage *stage)
{
    const struct base *b = (const struct base *)stage;
    fovi_window_reset(&stage->out);
    memset(b->n_made, 0, (size_t)b->n_slices * sizeof *b->n_made);
}

/* Floats of a slice's row. */
enum { STRIDE = SLICE + 16 };

static float *wide_row(const struct base *b, int slice, int plane, int y)
{
    ptrdiff_t first = ((ptrdiff_t)slice * b->in->out.n_planes + plane) * b->ay.n_taps;
    return b->wide + (first + y % b->ay.n_taps) * STRIDE;
}

static float *made_row(const struct base *b, int worker, int plane)
{
    return b->made + ((ptrdiff_t)worker * b->in->out.n_planes + plane) * STRIDE;
}

/* A slice's columns, from x on, of row y, whose rows of the input are at the new width by now. */
static void make_row(const struct base *b, int slice, int plane, int y, int x, int width, float *row)
{
    const struct fovi_window *g = &b->gain->out;
    const float *rows[FOVI_AXIS_MAX_TAPS];
    int n_taps = b->ay.n_taps, group = b->stage.run->is_rgb ? plane / 3 : plane;
    float gain = g->n_planes ? fovi_gain_factor(b->stage.run, plane, b->strength) : 0.0f;
    for (int k = 0; k < n_taps; k++)
        rows[k] = wide_row(b, slice, plane, b->ay.first[y] + k);
    const float *add = g->n_planes ? fovi_window_row(g, group, y) + x : rows[0];
    b->dsp->v_add(rows, b->ay.weights + (ptrdiff_t)y * n_taps, n_taps, width, add, gain, NULL, row);
}

/* Bring rows of the input up to y_end - 1 to a slice's new width; those before y will not be asked for. */
static void widen_rows(const struct base *b, const struct fovi_axis *ax, int slice, int y, int y_end)
{
    int *n = &b->n_made[slice];
    for (*n = *n > y ? *n : y; *n < y_end; ++*n)
        for (int c = 0; c < b->in->out.n_planes; c++)
            b->dsp->h(ax, fovi_window_row(&b->in->out, c, *n), wide_row(b, slice, c, *n));
}

/* A slice of all rows. */
static void base_job(void *arg, int slice, int worker)
{
    const struct base *b = arg;
    int x0 = fovi_slice_begin(slice, b->n_slices, b->ax.out), x1 = fovi_slice_begin(slice + 1, b->n_slices, b->ax.out);
    const struct fovi_axis ax = fovi_axis_view(&b->ax, x0, x1);
    const float *planes[FOVEA_MAX_CHANNELS];
    for (int y = b->y; y < b->y + b->stage.n_rows; y++) {
        widen_rows(b, &ax, slice, b->ay.first[y], b->ay.first[y] + b->ay.n_taps);
        for (int c = 0; c < b->in->out.n_planes; c++) {
            float *row = b->store ? made_row(b, worker, c) : fovi_window_row(&b->stage.out, c, y) + x0;
            make_row(b, slice, c, y, x0, x1 - x0, row);
            planes[c] = row;
        }
        if (b->store)
            fovi_run_store_slice(b->stage.run, planes, x0, x1, y, b->store);
    }
}

/* Make n rows from y on. */
static int make_rows(struct base *b, int y, int n)
{
    struct fovi_run *run = b->stage.run;
    FOVI_TRY(fovi_stage_need(b->gain, y + n));
    FOVI_TRY(fovi_stage_need(b->in, b->ay.first[y + n - 1] + b->ay.n_taps));
    double start = fovi_clock_ms();
    b->y = y;
    b->stage.n_rows = n;
    fovi_parallel_near(run->ctx, base_job, b, b->n_slices);
    run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
    return FOVEA_OK;
}

static int base_advance(struct fovi_stage *stage, int y_end)
{
    struct base *b = (struct base *)stage;
    b->store = NULL;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        FOVI_TRY(make_rows(b, stage->out.y1, n));
        fovi_window_push(&stage->out, n);
    }
    return FOVEA_OK;
}

static int base_store(struct fovi_stage *stage, const struct fovi_samples *samples)
{
    struct base *b = (struct base *)stage;
    b->store = samples;
    return make_rows(b, samples->y, samples->n);
}

/* As many for each thread. */
static int count_slices(const struct fovi_run *run, int width)
{
    int n_threads = fovea_context_threads(run->ctx), n = (width + SLICE - 1) / SLICE;
    n = (n + n_threads - 1) / n_threads * n_threads;
    return n < (width + 15) / 16 ? n : (width + 15) / 16;
}

static int init(struct base *b, int capacity)
{
    struct fovi_run *run = b->stage.run;
    const struct fovi_frame *frame = &b->stage.frame;
    struct fovi_window *out = &b->stage.out;
    FOVI_TRY(fovi_frame_axes(run->ctx, FOVEA_KERNEL_BICUBIC, &b->in->frame, frame, &b->ax, &b->ay));
    size_t row = STRIDE * (size_t)b->in->out.n_planes, n_slices = (size_t)count_slices(run, frame->width);
    b->n_slices = (int)n_slices;
    b->n_made = fovi_alloc(run->ctx, n_slices, sizeof *b->n_made);
    b->wide = fovi_alloc(run->ctx, n_slices * (size_t)b->ay.n_taps, row * sizeof *b->wide);
    b->made = fovi_alloc(run->ctx, (size_t)fovea_context_threads(run->ctx), row * sizeof *b->made);
    if (!b->n_made || !b->wide || !b->made)
        return fovi_alloc_error(run->ctx);
    *out = (struct fovi_window){ .width = frame->width, .height = frame->height, .n_planes = b->in->out.n_planes };
    return capacity ? fovi_window_init(run->ctx, out, out->width, out->height, out->n_planes, capacity + run->piece)
                    : FOVEA_OK;
}

int fovi_plain_base_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *gain, float strength,
                           int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct base *b = fovi_alloc(run->ctx, 1, sizeof *b);
    if (!b)
        return fovi_alloc_error(run->ctx);
    b->stage = (struct fovi_stage){ .run = run, .advance = base_advance, .reset = base_reset, .free = base_free };
    b->stage.frame = gain->frame;
    b->stage.store = capacity ? NULL : base_store;
    b->in = in;
    b->gain = gain;
    b->strength = strength;
    b->dsp = fovi_resample_dsp_get(fovea_context_cpu(run->ctx));
    int code = init(b, capacity);
    if (code)
        base_free(&b->stage);
    else
        *out = &b->stage;
    return code;
}
