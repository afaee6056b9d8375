/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How good a filter is on a folder of pictures, by the convention of the benchmarks.
 */
#ifndef TRAIN_FILTER_CHECK_H
#define TRAIN_FILTER_CHECK_H

#include "filter/filter.h"

struct filter_score {
    int n_pictures;
    double bicubic_db, filter_db; /* mean PSNR-Y */
};

/* Each picture is cut to a multiple of the scale and reduced by the exact imresize; enlarged by bicubic, luma replaced
 * by the filter's (equally in R, G and B), rounded to 8 bits, compared without a border of scale pixels. */
int filter_check(fovea_context *ctx, const struct fovi_filter *filter, char *dir, struct filter_score *out);

#endif
