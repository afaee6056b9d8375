/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The halo of a region of tiles, as the selection works with it.
 */
#ifndef FOVI_ROUTE_HALO_H
#define FOVI_ROUTE_HALO_H

#include "route/route.h"

/* A tile's neighbours as bits of a byte, row by row from the top left; the opposite of bit k is bit 7 - k. */
extern const int fovi_route_step_x[8], fovi_route_step_y[8];

struct fovi_route_halo {
    int n_x, n_y;          /* tiles */
    double area[4];        /* pixels of a tile by shape: bit 0 = last column, bit 1 = last row */
    double beside[4][256]; /* pixels computed in a tile that is off, by shape and by its neighbours that are on */
};

static inline int fovi_route_shape(const struct fovi_route_halo *h, int x, int y)
{
    return (x == h->n_x - 1 ? 1 : 0) + (y == h->n_y - 1 ? 2 : 0);
}

#endif
