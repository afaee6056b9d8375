/* SPDX-License-Identifier: BSD-2-Clause
 *
 * D, the exact antialiased bicubic reduction of a result to the size of its input, row by row.
 */
#ifndef FOVI_PIPELINE_REDUCE_H
#define FOVI_PIPELINE_REDUCE_H

#include "pipeline/stage.h"

/* Rows of one plane, reduced: columns first (fewer rows to sum across), then along the row. */
struct fovi_reducer {
    struct fovi_axis ax, ay;
    const struct fovi_resample_dsp *dsp;
    float *scratch; /* for each worker a wide row and a narrow one */
    ptrdiff_t wide_stride, narrow_stride;
};

/* FOVEA_E_NOMEM, FOVEA_E_LIMIT (too many taps). What was taken is freed by fovi_reducer_free in any case. */
int fovi_reducer_init(fovea_context *ctx, struct fovi_reducer *r, const struct fovi_frame *from,
                      const struct fovi_frame *to);
void fovi_reducer_free(fovea_context *ctx, struct fovi_reducer *r);

/* The worker's rows of scratch, with FOVI_WINDOW_PAD floats at both sides. */
float *fovi_reducer_wide(const struct fovi_reducer *r, int worker);
float *fovi_reducer_narrow(const struct fovi_reducer *r, int worker);

/* The columns that the outputs of a view of ax read: first .. end - 1. They may go beyond the picture by what a row is
 * padded with. */
void fovi_reducer_span(const struct fovi_axis *part, int *first, int *end);

/* Columns x0 .. x1 - 1 (x0 a multiple of FOVI_AXIS_LANES) of row y of the reduction of a plane of w, written to the
 * same columns of row. */
void fovi_reducer_row(const struct fovi_reducer *r, const struct fovi_window *w, int plane, int y, int x0, int x1,
                      int worker, float *row);

#endif
