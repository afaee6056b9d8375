/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The halo of a region of tiles, as the selection works with it.
 */
#ifndef FOVI_ROUTE_HALO_H
#define FOVI_ROUTE_HALO_H

#include "route/route.h"

/* A tile's neighbours as bits of a byte, row by row from the top left; the opposite of bit k is bit 7 - k. */
extern const int fovi_route_step_x[8], fovi_route_step_y[8];

/* Tiles of a picture that differ: bit 0 = last column; by row, last or as many others above it, two or more alike. */
enum { FOVI_ROUTE_ROW_LAST = 3, FOVI_ROUTE_SHAPES = 8 };

struct fovi_route_halo {
    int n_x, n_y;                          /* tiles */
    double area[FOVI_ROUTE_SHAPES];        /* pixels of a tile */
    double beside[FOVI_ROUTE_SHAPES][256]; /* pixels computed in a tile that is off, by its neighbours that are on, and
                                              above it for those below it */
};

static inline int fovi_route_shape(const struct fovi_route_halo *h, int x, int y)
{
    int row = y == h->n_y - 1 ? FOVI_ROUTE_ROW_LAST : y < 2 ? y : 2;
    return (x == h->n_x - 1) + 2 * row;
}

#endif
