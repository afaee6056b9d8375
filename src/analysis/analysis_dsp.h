/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernel of the analysis: the features of some tiles that lie side by side.
 *
 * The same C is compiled for several instruction sets (block_dsp.h). It adds along columns first and across the 16
 * columns of a tile last, in one fixed order, and it uses no FMA; so each build gives equal bytes.
 */
#ifndef FOVI_ANALYSIS_DSP_H
#define FOVI_ANALYSIS_DSP_H

enum {
    FOVI_ANALYSIS_TILE = 16,
    FOVI_ANALYSIS_ABOVE = 8,  /* rows above and columns left of a tile that its features read */
    FOVI_ANALYSIS_ROWS = 32,  /* the tile, 8 rows above, 8 below */
    FOVI_ANALYSIS_TILES = 16, /* most tiles in one call */
    FOVI_ANALYSIS_PX = FOVI_ANALYSIS_TILE * FOVI_ANALYSIS_TILES,
    FOVI_ANALYSIS_N = 9 /* features of a tile */
};

/* Working memory of one call. The columns of the filtered rows begin 8 to the left of the first tile, those at half
 * resolution 2 to the left of it. */
struct fovi_analysis_scratch {
    float gauss[FOVI_ANALYSIS_PX + 16], same[FOVI_ANALYSIS_PX + 16];
    float down[FOVI_ANALYSIS_PX + 16], even[FOVI_ANALYSIS_PX / 2 + 8], odd[FOVI_ANALYSIS_PX / 2 + 8];
    float half[12][FOVI_ANALYSIS_PX / 2 + 8], up[FOVI_ANALYSIS_PX / 2 + 8];
    float dct[8][FOVI_ANALYSIS_PX];
    /* sums along the columns of the tiles */
    float gradient[FOVI_ANALYSIS_PX], length[FOVI_ANALYSIS_PX], high[FOVI_ANALYSIS_PX], consistency[FOVI_ANALYSIS_PX];
    float half_even[FOVI_ANALYSIS_PX / 2], half_odd[FOVI_ANALYSIS_PX / 2];
    float step_x[FOVI_ANALYSIS_PX], step_y[FOVI_ANALYSIS_PX], step_y_grid[FOVI_ANALYSIS_PX];
    float band[3][2 * FOVI_ANALYSIS_TILES]; /* DCT energies of the blocks, a pair a tile */
};

struct fovi_analysis_block {
    const float *row[FOVI_ANALYSIS_ROWS]; /* row[8] is the tiles' first row, all at the column of the first tile; 8
                                             columns to the left and to the right of the tiles are valid too */
    int n_tiles;                          /* 1..FOVI_ANALYSIS_TILES */
    int width, height;                    /* pixels that count; what is beyond is border */
    int at_left, at_top;                  /* 1: no step across that edge, it is the picture's */
    float (*out)[FOVI_ANALYSIS_N];        /* n_tiles, in the order of enum fovea_feature */
    struct fovi_analysis_scratch *scratch;
};

void analysis_block_f32_c(const struct fovi_analysis_block *b);
void analysis_block_f32_avx2(const struct fovi_analysis_block *b);

#endif
