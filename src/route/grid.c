/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The grid of tiles that the selection works on.
 */
#include "route/grid.h"

#include <string.h>

static void fill_own(const struct fovi_route_level *l, int is_filter, double area, const double *beside,
                     struct fovi_route_own *own)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        own->self[bits] = l->ns * (area - (is_filter ? 0.0 : l->edge * beside[bits]));
        for (unsigned k = 0; k < 8 && !is_filter; k++)
            own->halo[k][bits] = l->ns * l->edge * (beside[bits | 1u << k] - beside[bits & ~(1u << k)]);
    }
}

static void fill_tables(struct fovi_route_grid *g)
{
    for (int level = 0; level < g->problem->n_levels; level++) {
        const struct fovi_route_level *l = &g->problem->level[level];
        for (int shape = 0; shape < FOVI_ROUTE_SHAPES; shape++)
            fill_own(l, level == 0, g->area[shape], level ? l->halo->beside[shape] : NULL,
                     &g->own[level * FOVI_ROUTE_GRID_SHAPES + shape]);
    }
    for (int k = 0; k < 8; k++)
        g->beside_cell[k] = fovi_route_step_y[k] * (ptrdiff_t)g->stride + fovi_route_step_x[k];
}

static void fill_cells(struct fovi_route_grid *g)
{
    memset(g->shape, FOVI_ROUTE_SHAPE_RIM, g->n_cells);
    memset(g->level, FOVI_ROUTE_OUTSIDE, g->n_cells);
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        g->shape[cell] = (uint8_t)fovi_route_shape(g->problem->level[1].halo, (int)(t % (size_t)g->n_x),
                                                   (int)(t / (size_t)g->n_x));
        for (int level = 1; level < g->problem->n_levels; level++)
            g->gain[level][cell] = g->problem->level[level].gain[t];
    }
}

void fovi_route_grid_set(struct fovi_route_grid *g, const uint8_t *level)
{
    memset(g->neighbours[0], 0, g->n_cells * (size_t)g->problem->n_levels);
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        g->level[cell] = level[t];
        for (int k = 0; k < 8; k++)
            g->neighbours[level[t]][cell + (size_t)g->beside_cell[k]] |= (uint8_t)(1u << (7 - k));
    }
}

int fovi_route_grid_create(fovea_context *ctx, const struct fovi_route_problem *problem, struct fovi_route_grid *g)
{
    const struct fovi_route_halo *h = problem->level[1].halo;
    size_t levels = (size_t)problem->n_levels;
    *g = (struct fovi_route_grid){ .problem = problem, .area = h->area, .n_x = h->n_x, .n_y = h->n_y };
    g->n = (size_t)h->n_x * (size_t)h->n_y;
    g->stride = (size_t)h->n_x + 2 * FOVI_ROUTE_RIM;
    g->n_cells = g->stride * ((size_t)h->n_y + 2 * FOVI_ROUTE_RIM);
    if (g->n_cells > UINT32_MAX)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "too many tiles to route: %zu", g->n);
    g->shape = fovi_alloc(ctx, 2 + levels, g->n_cells);
    g->gain[0] = g->shape ? fovi_alloc(ctx, levels, g->n_cells * sizeof *g->gain[0]) : NULL;
    g->own = g->gain[0] ? fovi_alloc(ctx, levels * FOVI_ROUTE_GRID_SHAPES, sizeof *g->own) : NULL;
    if (!g->own) {
        fovi_route_grid_free(ctx, g);
        return fovi_alloc_error(ctx);
    }
    g->level = g->shape + g->n_cells;
    for (size_t k = 0; k < levels; k++) {
        g->neighbours[k] = g->level + (k + 1) * g->n_cells;
        g->gain[k] = g->gain[0] + k * g->n_cells;
    }
    fill_tables(g);
    fill_cells(g);
    return FOVEA_OK;
}

void fovi_route_grid_free(fovea_context *ctx, struct fovi_route_grid *g)
{
    fovi_free(ctx, g->own);
    fovi_free(ctx, g->gain[0]);
    fovi_free(ctx, g->shape);
    *g = (struct fovi_route_grid){ 0 };
}

double fovi_route_own_ns(const struct fovi_route_grid *g, int level, size_t cell)
{
    const struct fovi_route_own *own = g->own + level * FOVI_ROUTE_GRID_SHAPES;
    const uint8_t *neighbours = g->neighbours[level];
    double ns = own[g->shape[cell]].self[neighbours[cell]];
    for (int k = 0; k < 8 && level; k++) {
        size_t other = cell + (size_t)g->beside_cell[k];
        if (g->level[other] != level)
            ns += own[g->shape[other]].halo[7 - k][neighbours[other]];
    }
    return ns;
}

void fovi_route_grid_move(struct fovi_route_grid *g, size_t cell, int to)
{
    int from = g->level[cell];
    g->level[cell] = (uint8_t)to;
    for (int k = 0; k < 8; k++) {
        size_t other = cell + (size_t)g->beside_cell[k];
        g->neighbours[from][other] &= (uint8_t) ~(1u << (7 - k));
        g->neighbours[to][other] |= (uint8_t)(1u << (7 - k));
    }
}
