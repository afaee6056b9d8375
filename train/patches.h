/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Drawing patches from a set of pictures.
 */
#ifndef TRAIN_PATCHES_H
#define TRAIN_PATCHES_H

#include "backprop.h"
#include "base/rng.h"
#include "pictures.h"

/* Which piece, and which of the eight symmetries of the square. */
struct train_patch {
    const struct train_picture *picture;
    int x, y, symmetry; /* symmetry: bit 0 mirrors x, bit 1 mirrors y, bit 2 exchanges x and y */
};

/* Draw a patch: every position of every picture alike; with probability hard the one of two draws that bicubic misses
 * by more. */
struct train_patch train_patch_draw(const struct train_set *set, int patch, double hard, struct fovi_rng *rng);

/* Fill input and target of the work, in units of level / 255. */
void train_patch_fill(const struct train_patch *p, int scale, struct train_work *work);

#endif
