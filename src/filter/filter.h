/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter: enlarging by 2, 3 or 4 with a 7x7 filter that each pixel chooses by the look of its neighbourhood.
 * What is made is the difference to the bicubic enlargement, whose weights are taken off the filters' once and for all.
 *
 * After RAISR (Romano, Isidoro, Milanfar 2016): the structure tensor gives direction, strength and coherence; here the
 * curvature, how far a pixel lies off its neighbours and on which side, is a fourth. Each of the 320 classes has a
 * least-squares filter for each output phase, in 16-bit whole numbers (docs/pixels.md has what that costs: nothing). A
 * class and its mirror images share one trained filter: only 48 of the 320 are stored.
 */
#ifndef FOVI_FILTER_H
#define FOVI_FILTER_H

#include "base/context.h"
#include "filter/filter_dsp.h"

/* Input pixels on each side that an output depends on. */
#define FOVI_FILTER_RADIUS 3

/* Filters that are stored. */
#define FOVI_FILTER_STORED (FOVI_FILTER_STRENGTHS * FOVI_FILTER_COHERENCES * 6)

/* Immutable; shared by any number of runs. */
struct fovi_filter {
    int scale;           /* 2, 3 or 4 */
    float unit;          /* levels for one step of a sum, from fovi_filter_expand */
    const int16_t *coef; /* [class][row][column][8], aligned to 64 bytes, from fovi_filter_expand */
};

/* Numbers in coef. */
size_t fovi_filter_coef_count(int scale);

/* The table of all classes from the stored filters: [FOVI_FILTER_STORED][7 * 7][scale * scale], each tap the weight of
 * (pixel - centre), added to the centre. The table holds them less those of the bicubic enlargement, rounded to the
 * finest steps at which no sum can overflow, 2^-14 or so for real filters. Returns the unit; 0 where weights are too
 * large for that, or no numbers. */
float fovi_filter_expand(const float *stored, int scale, int16_t *coef);

/* Symmetries of the square, g = 0..7: bit 2 swaps x and y, then bit 0 turns x round, bit 1 turns y. Where they take a
 * position of an n x n square (row * n + column), and a class. */
int fovi_filter_turn(int g, int n, int position);
int fovi_filter_turn_class(int g, int class_number);

/* The class that stored filter i belongs to as it is; the others follow by symmetry. */
int fovi_filter_stored_class(int i);

/* A sweep over one picture: keeps products of recent rows. One thread at a time. Memory grows with the width only. */
struct fovi_filter_run;
int fovi_filter_run_create(fovea_context *ctx, const struct fovi_filter *filter, int width,
                           struct fovi_filter_run **out);
void fovi_filter_run_free(fovea_context *ctx, struct fovi_filter_run **run);

/* Forget what was kept: before another picture. */
void fovi_filter_run_reset(struct fovi_filter_run *run);

/* What the filter adds to bicubic in columns x0..x1-1 of input row y. rows: the luma of rows y-3..y+3, edge rows
 * repeated outside the picture; each is readable FOVI_WINDOW_PAD floats beyond both sides and holds the edge pixel
 * there, 4 pixels far at least. out: scale rows, of which columns x0 * scale .. x1 * scale - 1 are written. Any order
 * of rows and intervals gives the same result; rows from the top and intervals that stay are the quickest. */
void fovi_filter_row(struct fovi_filter_run *run, int y, const float *const rows[FOVI_FILTER_TAPS], int x0, int x1,
                     float *const *out);

/* Only the classes of these pixels, at classes[x0..x1-1] (up to FOVI_FILTER_OVERREAD more may be overwritten). */
void fovi_filter_classes(struct fovi_filter_run *run, int y, const float *const rows[FOVI_FILTER_TAPS], int x0, int x1,
                         int32_t *classes);

#endif
