/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training pictures: folders of files become pairs of low-resolution luma and what a bicubic enlargement of it lacks.
 */
#ifndef TRAIN_PICTURES_H
#define TRAIN_PICTURES_H

#include <stdint.h>

#include "base/context.h"
#include "fovea-io/io.h"

/* A pair. Fixed point keeps a few hundred megapixels in memory. */
struct train_picture {
    int width, height; /* of the low-resolution side */
    uint16_t *lr;      /* luma, level * 256 */
    int16_t *residual; /* (true luma - bicubic enlargement) * 64, scale times as wide and high */
    float hardness;    /* mean square of the residual in levels */
};

struct train_set {
    int scale, n;
    struct train_picture *picture;
    int64_t *area_end; /* running sum of low-resolution pixels, to draw by area */
};

/* Where pictures come from: the folders and the folders in them, without the files whose names start with one of the
 * words in skip. */
enum { TRAIN_MAX_FOLDERS = 16 };
struct train_folders {
    char *dir[TRAIN_MAX_FOLDERS], *skip[TRAIN_MAX_FOLDERS];
    int n_dirs, n_skips;
};

/* One more --data or --skip of a command line; 0 when there are too many. */
int train_folders_add(struct train_folders *folders, char *dir);
int train_folders_skip(struct train_folders *folders, char *prefix);

/* Names of the picture files, sorted, full paths. *names: n_names strings, free with train_names_free. */
int train_names_list(fovea_context *ctx, const struct train_folders *folders, char ***names, int *n_names);
void train_names_free(char **names, int n_names);

/* One picture of forty, counted in the whole list, is never trained on, and no router's fit sees it: validation curves
 * and checks use those. i: its place in the list. */
static inline int train_is_held_out(int i)
{
    return i % 40 == 39;
}

/* Read a file as 8-bit RGB or grey (alpha dropped, deeper samples rounded). out->data: free with free(). */
int train_picture_read(fovea_context *ctx, fovea_io *io, const char *path, struct fovea_image *out);

/* Piece i (row by row) of a picture that is cut into n_x by n_y nearly equal ones; borrows its pixels. */
void train_piece(const struct fovea_image *image, int n_x, int n_y, int i, struct fovea_image *piece);

/* Luma of an 8-bit picture in levels (BT.601 studio for RGB): width * height floats. */
void train_luma(const struct fovea_image *image, float *luma);

/* Bicubic enlargement of a plane of width x height floats; out: scale times as wide and high. */
int train_enlarge(fovea_context *ctx, const float *in, int width, int height, int scale, float *out);

/* Load all names, each at every factor of rescale (1 = as it is, 0.8 = reduced to that first; each gives a pair),
 * and reduce by the exact imresize. Pairs with a side under min_side low-
 * resolution pixels are left out. */
int train_set_load(fovea_context *ctx, fovea_io *io, char *const *names, int n_names, int scale, const double *rescale,
                   int n_rescale, int min_side, struct train_set *out);
void train_set_free(struct train_set *set);

#endif
