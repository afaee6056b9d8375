/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tiles of a choice in the making, with two columns and rows of nothing around them, so no step needs a check. Each
 * tile knows which of its neighbours have which level, so what a step costs or saves takes a few look-ups.
 */
#ifndef FOVI_ROUTE_GRID_H
#define FOVI_ROUTE_GRID_H

#include "route/halo.h"

enum { FOVI_ROUTE_RIM = 2, FOVI_ROUTE_OUTSIDE = 0xff };

struct fovi_route_grid {
    const struct fovi_route_problem *problem;
    const double *area; /* of a tile by shape */
    int n_x, n_y;
    size_t n, n_cells, stride;                  /* tiles; cells of the grid, and of one of its rows */
    ptrdiff_t beside_cell[8];                   /* steps to the neighbours */
    uint8_t *shape, *level;                     /* of each cell; the rim's level is FOVI_ROUTE_OUTSIDE */
    uint8_t *neighbours[FOVI_ROUTE_MAX_LEVELS]; /* of each cell: bits of the neighbours that have the level */
    double *gain[FOVI_ROUTE_MAX_LEVELS];        /* of each cell */
    struct fovi_route_own *own;                 /* by level and shape, that of the rim last */
};

/* What a tile of a shape costs on a level, by its neighbours on that level, in nanoseconds. */
enum { FOVI_ROUTE_SHAPE_RIM = FOVI_ROUTE_SHAPES, FOVI_ROUTE_GRID_SHAPES };
struct fovi_route_own {
    double self[256];    /* its own pixels, less what is halo anyhow */
    double halo[8][256]; /* the halo in it that one neighbour brings, whatever its bit */
};

/* Every tile at the last level of the problem, which is borrowed. */
int fovi_route_grid_create(fovea_context *ctx, const struct fovi_route_problem *problem, struct fovi_route_grid *grid);
void fovi_route_grid_free(fovea_context *ctx, struct fovi_route_grid *grid);

/* The cell of a tile; the tile of a cell, row by row. */
static inline size_t fovi_route_cell(const struct fovi_route_grid *g, size_t tile)
{
    size_t n_x = (size_t)g->n_x;
    return (tile / n_x + FOVI_ROUTE_RIM) * g->stride + tile % n_x + FOVI_ROUTE_RIM;
}

static inline size_t fovi_route_tile(const struct fovi_route_grid *g, size_t cell)
{
    return (cell / g->stride - FOVI_ROUTE_RIM) * (size_t)g->n_x + cell % g->stride - FOVI_ROUTE_RIM;
}

/* Nanoseconds that are spent on a level because this tile has it, or more if it had it: its own pixels, less what is
 * halo anyhow, and the halo that it alone brings to its neighbours. */
double fovi_route_own_ns(const struct fovi_route_grid *grid, int level, size_t cell);

/* Every tile takes a level. */
void fovi_route_grid_set(struct fovi_route_grid *grid, const uint8_t *level);

/* A tile takes another level. */
void fovi_route_grid_move(struct fovi_route_grid *grid, size_t cell, int to);

#endif
