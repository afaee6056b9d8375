/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Simulated annealing (Kirkpatrick, Gelatt, Vecchi 1983) from the choice that the ordered steps have found. Single
 * tiles take another level or two tiles exchange theirs, at random; a change for the worse is taken with a probability
 * that falls as the temperature does. So regions merge, move and vanish, which no order of single gains can do, since
 * the first tile of a region pays for its halo. Error counts at a price (nanoseconds for a unit) that follows what is
 * lost against what may be; at the end the limit is kept strictly. The random numbers are always the same ones.
 */
#include "route/improve.h"

#include "base/rng.h"
#include "route/route_math.h"

/* Changes tried for each tile, and at least. A change takes about 0.1 us, a tile of the top network some 100. */
enum { TRIES_PER_TILE = 16, LEAST_TRIES = 1500 };

/* Stages of cooling; the last ones keep the limit, and some more follow where it is not met by then. */
enum { STAGES = 32, STRICT_STAGES = 8, EXTRA_STAGES = 16 };

/* Temperatures of the first and the last stage, in the cost of a tile on the top level. */
static const double hot = 0.15, cold = 0.01;

struct annealing {
    struct fovi_route_grid grid;
    struct fovi_rng rng;
    double temperature, price;
    int strict;   /* changes that lose more than is left are refused */
    double spare; /* error that may still be lost */
    double ns;    /* cost against the start */
};

static double limited(double x, double low, double high)
{
    return x > low ? x < high ? x : high : low;
}

/* Error that a problem's limit allows, with what is lost whatever is chosen. */
static double allowed_error(const struct fovi_route_problem *p)
{
    return p->residual * (fovi_route_exp(p->max_loss_db * FOVI_LN10 / 10.0) - 1.0);
}

static void load(struct annealing *a, const uint8_t *level)
{
    struct fovi_route_grid *g = &a->grid;
    int top = g->problem->n_levels - 1;
    a->spare = allowed_error(g->problem) - g->problem->lost_before;
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        if (level[t] != top)
            fovi_route_grid_move(g, cell, level[t]);
        a->spare -= g->gain[top][cell] - g->gain[level[t]][cell];
    }
}

static void store(const struct annealing *a, uint8_t *level)
{
    for (size_t t = 0; t < a->grid.n; t++)
        level[t] = a->grid.level[fovi_route_cell(&a->grid, t)];
}

/* What the best step down still saves for each unit of error: where the ordered steps ended. */
static double going_price(const struct annealing *a)
{
    const struct fovi_route_grid *g = &a->grid;
    double price = 0.0;
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        int from = g->level[cell];
        double now = from ? fovi_route_own_ns(g, from, cell) : 0.0;
        for (int to = 0; to < from; to++) {
            double saved = now - fovi_route_own_ns(g, to, cell), lost = g->gain[from][cell] - g->gain[to][cell];
            if (saved > price * lost && lost > 0.0)
                price = saved / lost;
        }
    }
    return price;
}

/* A tile takes another level; what that costs. */
static double move(struct annealing *a, size_t cell, int to)
{
    struct fovi_route_grid *g = &a->grid;
    int from = g->level[cell];
    double ns = fovi_route_own_ns(g, to, cell) - fovi_route_own_ns(g, from, cell);
    a->spare -= g->gain[from][cell] - g->gain[to][cell];
    fovi_route_grid_move(g, cell, to);
    return ns;
}

static size_t draw_cell(struct annealing *a)
{
    uint32_t x = fovi_rng_below(&a->rng, (uint32_t)a->grid.n_x), y = fovi_rng_below(&a->rng, (uint32_t)a->grid.n_y);
    return (y + FOVI_ROUTE_RIM) * a->grid.stride + x + FOVI_ROUTE_RIM;
}

/* Whether a change that costs ns and loses an error is taken. */
static int accepts(struct annealing *a, double ns, double lost)
{
    if (a->strict && lost > 0.0 && a->spare < 0.0)
        return 0;
    double worse = ns + lost * a->price;
    if (worse <= 0.0)
        return 1;
    return worse < 30.0 * a->temperature && fovi_rng_uniform(&a->rng) < fovi_route_exp(-worse / a->temperature);
}

static void try_change(struct annealing *a)
{
    struct fovi_route_grid *g = &a->grid;
    double spare = a->spare;
    size_t cell = draw_cell(a), other = cell;
    int from = g->level[cell], to = (int)fovi_rng_below(&a->rng, (uint32_t)g->problem->n_levels - 1);
    to += to >= from;
    if (fovi_rng_below(&a->rng, 2)) {
        other = draw_cell(a);
        to = g->level[other];
        if (to == from)
            return;
    }
    double ns = move(a, cell, to);
    if (other != cell)
        ns += move(a, other, from);
    if (accepts(a, ns, spare - a->spare)) {
        a->ns += ns;
        return;
    }
    move(a, cell, from);
    if (other != cell)
        move(a, other, to);
    a->spare = spare;
}

static void cool(struct annealing *a)
{
    const struct fovi_route_grid *g = &a->grid;
    size_t n = g->n * TRIES_PER_TILE, done = 0;
    n = n > LEAST_TRIES ? n : LEAST_TRIES;
    double allowed = allowed_error(g->problem), tile_ns = g->area[0] * g->problem->level[g->problem->n_levels - 1].ns;
    a->price = going_price(a);
    for (int k = 0; k < STAGES || (a->spare < 0.0 && k < STAGES + EXTRA_STAGES); k++) {
        double part = k < STAGES ? k / (STAGES - 1.0) : 1.0;
        a->temperature = hot * tile_ns * fovi_route_exp(fovi_route_log(cold / hot) * part);
        a->strict = k >= STAGES - STRICT_STAGES;
        if (a->strict)
            a->price *= a->spare < 0.0 ? 1.3 : 0.7;
        else if (k > 0)
            a->price *= fovi_route_exp(limited(-a->spare / allowed, -0.3, 0.3));
        for (; done < n * (size_t)(k + 1) / STAGES; done++)
            try_change(a);
    }
}

int fovi_route_improve(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    struct annealing a = { .rng = { 1 } };
    FOVI_TRY(fovi_route_grid_create(ctx, problem, &a.grid));
    load(&a, level);
    cool(&a);
    if (a.ns < 0.0 && a.spare >= 0.0)
        store(&a, level);
    fovi_route_grid_free(ctx, &a.grid);
    return FOVEA_OK;
}
