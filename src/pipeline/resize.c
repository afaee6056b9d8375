/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The classical stage: rows to the new width as they come, then columns.
 */
#include "base/clock.h"
#include "pipeline/stage.h"

struct resize {
    struct fovi_stage stage;
    struct fovi_stage *in;
    struct fovi_axis ax, ay;
    struct fovi_window wide; /* rows of the input at the new width */
    const struct fovi_resample_dsp *dsp;
};

static void resize_free(struct fovi_stage *stage)
{
    struct resize *r = (struct resize *)stage;
    fovea_context *ctx = stage->run->ctx;
    fovi_window_free(ctx, &stage->out);
    fovi_window_free(ctx, &r->wide);
    fovi_axis_free(ctx, &r->ax);
    fovi_axis_free(ctx, &r->ay);
    fovi_free(ctx, r);
}

static void resize_reset(struct fovi_stage *stage)
{
    fovi_window_reset(&stage->out);
    fovi_window_reset(&((struct resize *)stage)->wide);
}

static void widen_job(void *arg, int index, int worker)
{
    (void)worker;
    struct resize *r = arg;
    int plane = index / r->stage.n_rows, y = r->wide.y1 + index % r->stage.n_rows;
    r->dsp->h(&r->ax, fovi_window_row(&r->in->out, plane, y), fovi_window_row(&r->wide, plane, y));
}

static void column_job(void *arg, int index, int worker)
{
    (void)worker;
    struct resize *r = arg;
    const float *rows[FOVI_AXIS_MAX_TAPS];
    int plane = index / r->stage.n_rows, y = r->stage.out.y1 + index % r->stage.n_rows;
    for (int k = 0; k < r->ay.n_taps; k++)
        rows[k] = fovi_window_row(&r->wide, plane, r->ay.first[y] + k);
    r->dsp->v(rows, r->ay.weights + (ptrdiff_t)y * r->ay.n_taps, r->ay.n_taps, r->ax.out,
              fovi_window_row(&r->stage.out, plane, y));
}

static int resize_advance(struct fovi_stage *stage, int y_end)
{
    struct resize *r = (struct resize *)stage;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        int last = stage->out.y1 + n - 1, need = r->ay.first[last] + r->ay.n_taps;
        while (r->wide.y1 < need) {
            int m = need - r->wide.y1 < stage->run->piece ? need - r->wide.y1 : stage->run->piece;
            FOVI_TRY(fovi_stage_need(r->in, r->wide.y1 + m));
            double start = fovi_clock_ms();
            fovi_stage_loop(stage, widen_job, r->wide.n_planes, m);
            fovi_window_push(&r->wide, m);
            stage->run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
        }
        double start = fovi_clock_ms();
        fovi_stage_loop(stage, column_job, r->wide.n_planes, n);
        fovi_window_push(&stage->out, n);
        stage->run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

int fovi_resize_create(struct fovi_run *run, struct fovi_stage *in, enum fovea_kernel kernel,
                       const struct fovi_frame *frame, int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct resize *r = fovi_alloc(run->ctx, 1, sizeof *r);
    if (!r)
        return fovi_alloc_error(run->ctx);
    r->stage = (struct fovi_stage){ .run = run, .advance = resize_advance, .reset = resize_reset, .free = resize_free };
    r->stage.frame = *frame;
    r->in = in;
    r->dsp = fovi_resample_dsp_get(fovea_context_cpu(run->ctx));
    int n = in->out.n_planes, width = frame->width, height = frame->height;
    int code = fovi_frame_axes(run->ctx, kernel, &in->frame, frame, &r->ax, &r->ay);
    if (!code && r->ay.n_taps > FOVI_AXIS_MAX_TAPS)
        code = fovi_fail(run->ctx, FOVEA_E_LIMIT, "reducing %d rows to %d takes %d taps, more than %d",
                         in->frame.full_height, frame->full_height, r->ay.n_taps, FOVI_AXIS_MAX_TAPS);
    int64_t span = (int64_t)(run->piece + 1) * in->frame.full_height / frame->full_height + r->ay.n_taps + run->piece +
                   2;
    if (!code)
        code = fovi_window_init(run->ctx, &r->wide, width, in->out.height, n,
                                span < in->out.height ? (int)span : in->out.height);
    if (!code)
        code = fovi_window_init(run->ctx, &r->stage.out, width, height, n, capacity + run->piece);
    if (code)
        resize_free(&r->stage);
    else
        *out = &r->stage;
    return code;
}
