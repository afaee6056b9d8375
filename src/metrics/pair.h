/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two pictures of one size as rows of float planes.
 */
#ifndef FOVI_METRICS_PAIR_H
#define FOVI_METRICS_PAIR_H

#include "fovea/image.h"

struct fovi_pair {
    const struct fovea_image *image[2]; /* reference, test; same size and channels */
    int border;                         /* pixels left out on each side */
    int width, height;                  /* less the border */
    int n_channels, n_color;            /* with and without alpha */
};

void fovi_pair_init(struct fovi_pair *pair, const struct fovea_image *reference, const struct fovea_image *test,
                    int border);

/* Floats of memory for one row of one picture: all its planes and its luma. */
size_t fovi_pair_row_size(const struct fovi_pair *pair);

/* Row y of picture i as planes of 0..255 in memory, width apart, luma behind the last (n_channels). */
void fovi_pair_load(const struct fovi_pair *pair, int i, int y, float *memory);

/* Plane c (n_channels: luma) of a row that was loaded into memory. */
static inline float *fovi_pair_plane(const struct fovi_pair *pair, float *memory, int c)
{
    return memory + (size_t)c * (size_t)pair->width;
}

#endif
