/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reduction D of consistency and of its meter.
 */
#include "pipeline/reduce.h"

void fovi_reducer_free(fovea_context *ctx, struct fovi_reducer *r)
{
    fovi_axis_free(ctx, &r->ax);
    fovi_axis_free(ctx, &r->ay);
    fovi_free(ctx, r->scratch);
}

int fovi_reducer_init(fovea_context *ctx, struct fovi_reducer *r, const struct fovi_frame *from,
                      const struct fovi_frame *to)
{
    r->dsp = fovi_resample_dsp_get(fovea_context_cpu(ctx));
    FOVI_TRY(fovi_frame_axes(ctx, FOVEA_KERNEL_BICUBIC, from, to, &r->ax, &r->ay));
    if (r->ay.n_taps > FOVI_AXIS_MAX_TAPS)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "consistency: %d taps are more than %d", r->ay.n_taps, FOVI_AXIS_MAX_TAPS);
    r->wide_stride = ((ptrdiff_t)from->width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    r->narrow_stride = ((ptrdiff_t)to->width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    r->scratch = fovi_alloc(ctx, (size_t)(r->wide_stride + r->narrow_stride) * (size_t)fovea_context_threads(ctx),
                            sizeof *r->scratch);
    return r->scratch ? FOVEA_OK : fovi_alloc_error(ctx);
}

float *fovi_reducer_wide(const struct fovi_reducer *r, int worker)
{
    return r->scratch + (r->wide_stride + r->narrow_stride) * worker + FOVI_WINDOW_PAD;
}

float *fovi_reducer_narrow(const struct fovi_reducer *r, int worker)
{
    return fovi_reducer_wide(r, worker) + r->wide_stride;
}

void fovi_reducer_span(const struct fovi_axis *part, int *first, int *end)
{
    const int *from = part->form == FOVI_AXIS_REDUCE ? part->start : part->first;
    *first = from[0];
    *end = from[part->out - 1] + part->n_packed;
}

void fovi_reducer_row(const struct fovi_reducer *r, const struct fovi_window *w, int plane, int y, int x0, int x1,
                      int worker, float *row)
{
    const float *rows[FOVI_AXIS_MAX_TAPS];
    float *wide = fovi_reducer_wide(r, worker);
    const struct fovi_axis ax = fovi_axis_view(&r->ax, x0, x1);
    int first, end;
    fovi_reducer_span(&ax, &first, &end);
    for (int k = 0; k < r->ay.n_taps; k++)
        rows[k] = fovi_window_row(w, plane, r->ay.first[y] + k) + first;
    r->dsp->v(rows, r->ay.weights + (ptrdiff_t)y * r->ay.n_taps, r->ay.n_taps, end - first, wide + first);
    r->dsp->h(&ax, wide, row + x0);
}
