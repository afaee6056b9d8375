/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How training keeps a square patch: each channel is four planes, of the rows 0, 4, 8 ..., of the rows 1, 5, 9 ... and
 * so on, with zeros around. So one run through the planes is many groups of four rows beside each other, and the
 * kernels of the network work at full width however small the patch is.
 */
#ifndef TRAIN_GRID_H
#define TRAIN_GRID_H

#include <stddef.h>

#define TRAIN_PHASES 4

struct train_grid {
    int patch;        /* edge in pixels */
    int pitch;        /* floats from a row of a plane to the next: one column of zeros */
    int n_run;        /* floats from the first to the last pixel of a plane */
    ptrdiff_t plane;  /* floats from plane to plane: at least pitch + 16 zeros lie between, before and after */
    ptrdiff_t stride; /* floats from channel to channel: four planes */
};

static inline struct train_grid train_grid_make(int patch)
{
    int rows = (patch + TRAIN_PHASES - 1) / TRAIN_PHASES, pitch = patch + 1;
    ptrdiff_t plane = (((ptrdiff_t)rows + 1) * pitch + 16 + 15) / 16 * 16;
    return (struct train_grid){ patch, pitch, (rows - 1) * pitch + patch, plane, TRAIN_PHASES * plane };
}

/* Place of row y (-1..patch) of a channel, from its first pixel. */
static inline ptrdiff_t train_grid_row(const struct train_grid *g, int y)
{
    int phase = (y + TRAIN_PHASES) % TRAIN_PHASES;
    return phase * g->plane + (ptrdiff_t)((y - phase) / TRAIN_PHASES) * g->pitch;
}

/* Where pixel (x, y) of a patch that is `factor` times as fine lies: the factor^2 parts of a pixel are channels. */
static inline ptrdiff_t train_grid_place(const struct train_grid *g, int factor, int x, int y)
{
    return (y % factor * factor + x % factor) * g->stride + train_grid_row(g, y / factor) + x / factor;
}

/* Floats of a run in whole vectors of 16. */
static inline int train_grid_padded(const struct train_grid *g)
{
    return (g->n_run + 15) / 16 * 16;
}

#endif
