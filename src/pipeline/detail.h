/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The stages of mode vivid: luma, its part that the reduction does not see, the gain of each tile, the sum.
 */
#ifndef FOVI_PIPELINE_DETAIL_H
#define FOVI_PIPELINE_DETAIL_H

#include "pipeline/stage.h"

/* Tiles along one axis of the part of the result that is made. */
struct fovi_detail_axis {
    int n_tiles, first_tile; /* in the part; of the whole picture that comes first in it */
    int first;               /* pixel of the whole result that comes first in the part */
    double tile;             /* length of a tile in pixels of the result */
};

/* What is known of a tile: its expected squared error, the share of detail that it may get, 0..1, its maker's slope. */
struct fovi_detail_tile {
    double lost, share, slope;
};

struct fovi_detail_params {
    struct fovi_detail_axis x, y;
    double cost; /* 10^(dB / 10) - 1: squared detail for a squared error of one */
    struct fovi_detail_tile (*ask)(void *user, size_t tile);
    void *user;
    float *source; /* of each tile, borrowed: mean square of what was amplified, filled by a run; 0 where nothing was */
    double *added; /* of each tile, borrowed: sum of squares of the detail, filled by a run */
};

/* How much too sure of its texture a maker is at a native scale: the mean product of what it keeps beyond the input's
 * Nyquist with its error, over the mean square of the former; 0 for the conditional mean. A maker that is not known is
 * taken for the best network of the scale. scale: 2, 3 or 4. */
double fovi_detail_slope(enum fovea_path path, int scale);

/* Squared error that detail of a mean square is expected to cost, source: of what it was amplified from. */
float fovi_detail_price(float detail, float source, double slope);

/* Rows that are all 0, one plane. */
int fovi_zero_create(struct fovi_run *run, const struct fovi_frame *frame, struct fovi_stage **out);

/* Luma of a grey or RGB picture. */
int fovi_luma_create(struct fovi_run *run, struct fovi_stage *in, int capacity, struct fovi_stage **out);

/* Detail, from the part of luma above the input's Nyquist. in holds three rows of tiles and run->piece rows. */
int fovi_gain_create(struct fovi_run *run, struct fovi_stage *in, const struct fovi_detail_params *params, int capacity,
                     struct fovi_stage **out);

/* in with detail added to its colours. */
int fovi_sum_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *detail,
                    const struct fovi_detail_params *params, int capacity, struct fovi_stage **out);

#endif
