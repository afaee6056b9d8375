/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Least squares for the hashed filter: normal equations of each stored class, gathered from pairs of pictures, solved.
 */
#ifndef TRAIN_FILTER_FIT_H
#define TRAIN_FILTER_FIT_H

#include "filter/filter.h"

/* Sums over the samples seen. Each sample is turned so that its class is a stored one. */
struct filter_stats {
    int scale, n_columns; /* columns of a sample: 49 taps, scale * scale targets, zeros to a multiple of 8 */
    double *sums;         /* [stored][tap][column], on and above the diagonal */
    int64_t *n_samples;   /* [stored] */
    float *batch;         /* [stored][64][column], summed when full */
    int *n_batch;         /* [stored] */
};

int filter_stats_init(fovea_context *ctx, int scale, struct filter_stats *stats);
void filter_stats_free(fovea_context *ctx, struct filter_stats *stats);

/* Every pixel of a pair whose window lies inside. lr: luma, width x height; hr: luma, scale times the size. */
int filter_stats_add(fovea_context *ctx, struct filter_stats *stats, const float *lr, int width, int height,
                     const float *hr);

/* Sum up what still waits in the batches. */
void filter_stats_flush(struct filter_stats *stats);

/* to += from; both flushed. */
void filter_stats_merge(struct filter_stats *to, const struct filter_stats *from);

/* The stored filters [FOVI_FILTER_STORED][49][scale * scale]. Each class shrinks to the filter that is best for all:
 * (A + R) W = B + R W_all with R = 1e3 I + 1e-4 A_all. FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int filter_solve(fovea_context *ctx, const struct filter_stats *stats, float *stored);

/* Run a filter over a luma plane: out is scale times the size. */
int filter_apply_plane(fovea_context *ctx, const struct fovi_filter *filter, const float *lr, int width, int height,
                       float *out);

#endif
