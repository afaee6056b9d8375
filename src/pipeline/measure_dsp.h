/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the judge measures of a tile. All sums are partial sums in fixed order, so that every level of instructions
 * gives the same bytes.
 */
#ifndef FOVI_PIPELINE_MEASURE_DSP_H
#define FOVI_PIPELINE_MEASURE_DSP_H

#include <stddef.h>
#include <stdint.h>

/* Largest size of what may be added, in levels. */
#define FOVI_MEASURE_LARGEST 255.0f

/* Columns of luma that can be measured. */
#define FOVI_MEASURE_COLUMNS 32

/* What is added: height rows of width floats, scale x scale for a pixel of the input. */
struct fovi_measure_delta {
    const float *data;
    ptrdiff_t stride;
    int width, height, scale;
};

/* Luma around a tile: n_columns pixels from rows[1] + 0 to rows[n_rows] + n_columns - 1, of which columns x0..x1-1 of
 * rows y0..y1-1 (counted from there) are the tile. One pixel more on each side can be read. */
struct fovi_measure_luma {
    const float *const *rows;
    int n_rows, n_columns, x0, x1, y0, y1;
};

/* Sums over what is added. */
struct fovi_added {
    double mean, energy; /* mean and mean square */
    int is_finite, is_in_range;
};

/* Mean square of the Laplacian of luma: in the tile, and with what surrounds it. */
struct fovi_tile_detail {
    double inside, around;
};

struct fovi_measure_dsp {
    struct fovi_added (*added)(const struct fovi_measure_delta *delta);
    struct fovi_tile_detail (*detail)(const struct fovi_measure_luma *luma);
    /* Whether all input pixels get the same: what is added changes by least at most from one to its neighbours. */
    int (*is_constant)(const struct fovi_measure_delta *delta, float least);
};

/* The fastest that the instruction sets allow. */
const struct fovi_measure_dsp *fovi_measure_dsp_get(uint32_t cpu);

extern const struct fovi_measure_dsp fovi_measure_dsp_c, fovi_measure_dsp_avx2, fovi_measure_dsp_avx512;

#endif
