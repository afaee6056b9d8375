/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plan of one axis: which inputs each output reads, with what weights.
 *
 * A picture is resampled by two plans. Cheapest order: enlarge rows (h) before columns (v), reduce columns before rows.
 */
#ifndef FOVI_RESAMPLE_AXIS_H
#define FOVI_RESAMPLE_AXIS_H

#include "base/context.h"
#include "fovea/resample.h"
#include "resample/resample_dsp.h"

/* Plan in -> out pixels, both 1..2^30. Output o lies at (o + .5) in / out - .5; when reducing, the kernel (but nearest)
 * is widened by in / out. The picture goes on by symmetric reflection (edge pixel included), folded into the weights;
 * each output's weights sum to 1. FOVEA_E_ARG, FOVEA_E_NOMEM or FOVEA_E_LIMIT; the plan is then empty. */
int fovi_axis_init(fovea_context *ctx, struct fovi_axis *axis, enum fovea_kernel kernel, int in, int out);

/* A part of an axis: which of its inputs there are, and which outputs are wanted. */
struct fovi_axis_part {
    int in_first, n_in, out_first, n_out;
};

/* Cut a plan down to a part; every output keeps its weights, bit for bit. out_first is a multiple of FOVI_AXIS_LANES.
 * An output that would read beyond the part's inputs reads others in their place and means nothing.
 * FOVEA_E_INTERNAL where the inputs do not suffice for a single output. */
int fovi_axis_cut(fovea_context *ctx, struct fovi_axis *axis, const struct fovi_axis_part *part);

/* Outputs begin .. end - 1 of an axis as an axis of its own that borrows the other's memory; its inputs are numbered as
 * before. begin is a multiple of FOVI_AXIS_LANES. */
struct fovi_axis fovi_axis_view(const struct fovi_axis *axis, int begin, int end);

/* Free; an empty (zeroed) plan is fine. */
void fovi_axis_free(fovea_context *ctx, struct fovi_axis *axis);

#endif
