/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The difficulty map: for each 16x16 tile of the input, how much detail a plain enlargement would lose.
 */
#ifndef FOVEA_ANALYZE_H
#define FOVEA_ANALYZE_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Edge of a tile in input pixels; tiles at the right and bottom edge may be smaller. */
#define FOVEA_TILE 16

/* Features of a tile, each a mean over its pixels in squared levels of 255 (blockiness excepted). */
enum fovea_feature {
    FOVEA_FEATURE_GRADIENT = 0,         /* |grad Y|^2, central differences */
    FOVEA_FEATURE_HIGH_FREQUENCY = 1,   /* (Y - G1 * Y)^2, Gaussian of sigma 1 */
    FOVEA_FEATURE_SELF_CONSISTENCY = 2, /* (Y - D U Y)^2, U bicubic enlargement x2, D the antialiased reduction */
    FOVEA_FEATURE_HALF_RESOLUTION = 3,  /* (Y - up2 down2 Y)^2 */
    FOVEA_FEATURE_DCT_LOW = 4,          /* energy of the 8x8 DCT-II bands 1 <= u+v < 3, mean over the tile's blocks */
    FOVEA_FEATURE_DCT_MID = 5,          /* 3 <= u+v < 6 */
    FOVEA_FEATURE_DCT_HIGH = 6,         /* 6 <= u+v */
    FOVEA_FEATURE_BLOCKINESS = 7,       /* mean |step| across the 8x8 grid over the mean |step| inside the blocks */
    FOVEA_FEATURE_MEAN_GRADIENT = 8     /* (mean |grad Y|)^2: near GRADIENT in texture, far below it at lone edges */
};
#define FOVEA_N_FEATURES 9

struct fovea_tile_features {
    float value[FOVEA_N_FEATURES]; /* by enum fovea_feature */
    float difficulty; /* 0 flat .. 1 hardest: a fixed monotone curve of HIGH_FREQUENCY and SELF_CONSISTENCY */
};

/* The map. tiles: n_tiles_x * n_tiles_y, row by row, owned by the map. */
struct fovea_map {
    int width, height; /* of the analysed picture */
    int n_tiles_x, n_tiles_y;
    struct fovea_tile_features *tiles;
};

/* Analyse a picture (its luma; the mean of the channels where it is not grey or RGB). Reads the source once, holds some
 * 40 bytes a tile and a few dozen rows. Errors: the source's own, FOVEA_E_ARG, FOVEA_E_NOMEM, FOVEA_E_LIMIT,
 * FOVEA_E_CANCELLED. Free with fovea_map_free before the context ends. progress may be NULL. */
FOVEA_API int fovea_analyze(fovea_context *ctx, const struct fovea_source *source,
                            const struct fovea_progress *progress, struct fovea_map **out);
FOVEA_API void fovea_map_free(struct fovea_map **map);

/* The colour of a difficulty 0..1 on the heat scale (dark blue, violet, orange, pale yellow), as three bytes. */
FOVEA_API void fovea_heat_color(float difficulty, uint8_t rgb[3]);

#ifdef __cplusplus
}
#endif
#endif
