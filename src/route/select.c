/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which tile takes which level. Error gets a price, nanoseconds for a unit; each tile in turn takes the level that
 * costs least at that price, its own time, the halo that it brings to its neighbours and the error that it loses
 * together, until no tile wants to change (iterated conditional modes: Besag 1986). Halos are counted as they are at
 * that moment, so regions grow, merge and vanish. The price is found by bisection: the lowest whose choice keeps the
 * limit on the loss, or the highest that keeps the budget. What is then left of the loss is spent by single tiles.
 */
#include <math.h>
#include <string.h>

#include "route/grid.h"
#include "route/route_math.h"

/* Rounds over the tiles at one price, prices tried before and with the halos. */
enum { MAX_ROUNDS = 8, GUESSES = 24, PRICES = 6, BUDGET_PRICES = 24 };

/* Up to so many tiles pairs of them are tried, too: what one tile more or less loses is then much of the limit. */
enum { FEW_TILES = 16 };

/* Step of the price until there are two to bisect between. */
#define WIDEN 1.5

/* More loss than this is no limit. */
#define MOST_LOSS_DB 200.0

enum limit { LIMIT_NONE, LIMIT_LOSS, LIMIT_BUDGET };

struct search {
    struct fovi_route_grid grid;
    uint8_t *dirty;             /* on the grid: a tile whose surroundings have changed since it chose */
    uint8_t *best;              /* level of each tile in the best choice within the limit so far */
    double merit;               /* of that: its time, or what it loses where time is limited; least is best */
    double price;               /* ns for a unit of error */
    double allowed;             /* error that may be lost */
    double lost, ns, budget_ns; /* of the choice as it stands */
    enum limit keeps;           /* what no single change may break */
};

static size_t count_tiles(const struct fovi_route_problem *problem)
{
    return (size_t)problem->level[1].halo->n_x * (size_t)problem->level[1].halo->n_y;
}

/* ---- what a choice costs and loses ---- */

double fovi_route_loss_db(const struct fovi_route_problem *problem, const uint8_t *level)
{
    const struct fovi_route_level *l = problem->level;
    double lost = 0.0;
    int top = problem->n_levels - 1;
    for (size_t t = 0, n = count_tiles(problem); t < n; t++)
        lost += l[top].gain[t] - (level[t] ? l[level[t]].gain[t] : 0.0);
    return lost > 0.0 ? 10.0 / FOVI_LN10 * fovi_route_log(1.0 + lost / problem->residual) : 0.0;
}

static double cost_ns(const struct fovi_route_problem *problem, const uint8_t *level, int by_budget)
{
    const struct fovi_route_halo *h = problem->level[1].halo;
    double on_px[FOVI_ROUTE_MAX_LEVELS] = { 0 }, ns = 0.0;
    const uint8_t *tile = level;
    for (int y = 0; y < h->n_y; y++)
        for (int x = 0; x < h->n_x; x++, tile++)
            on_px[*tile] += h->area[fovi_route_shape(h, x, y)];
    for (int k = 0; k < problem->n_levels; k++) {
        const struct fovi_route_level *l = &problem->level[k];
        double px = k ? fovi_route_halo_px(l->halo, level, (uint8_t)k) : on_px[k];
        ns += (on_px[k] + l->edge * (px - on_px[k])) * (by_budget ? l->budget_ns : l->ns);
    }
    return ns;
}

double fovi_route_cost_ns(const struct fovi_route_problem *problem, const uint8_t *level)
{
    return cost_ns(problem, level, 1);
}

/* ---- changes ---- */

/* What a level of a tile costs as the budget counts, from what it is weighed with. */
static double as_budget(const struct search *s, int level, double ns)
{
    const struct fovi_route_level *l = &s->grid.problem->level[level];
    return ns * (l->budget_ns / l->ns);
}

/* A tile takes another level. Neighbours take note, and those two tiles away, whose halo they share. */
static void change(struct search *s, size_t cell, int to)
{
    struct fovi_route_grid *g = &s->grid;
    int from = g->level[cell], reach = FOVI_ROUTE_RIM;
    double from_ns = fovi_route_own_ns(g, from, cell), to_ns = fovi_route_own_ns(g, to, cell);
    s->ns += to_ns - from_ns;
    s->budget_ns += as_budget(s, to, to_ns) - as_budget(s, from, from_ns);
    s->lost += g->gain[from][cell] - g->gain[to][cell];
    fovi_route_grid_move(g, cell, to);
    for (int y = -reach; y <= reach; y++)
        memset(s->dirty + cell + y * (ptrdiff_t)g->stride - reach, 1, 2 * (size_t)reach + 1);
}

/* Whether a tile may go to a level, which then takes ns in place of what it takes now. */
static int may_take(const struct search *s, size_t cell, int level, double ns)
{
    const struct fovi_route_grid *g = &s->grid;
    int now = g->level[cell];
    if (level == now || s->keeps == LIMIT_NONE)
        return 1;
    if (s->keeps == LIMIT_LOSS)
        return level > now || s->lost + g->gain[now][cell] - g->gain[level][cell] <= s->allowed;
    return level < now || s->budget_ns + as_budget(s, level, ns) - as_budget(s, now, fovi_route_own_ns(g, now, cell)) <=
                              g->problem->budget_ns;
}

/* The level that costs a tile least at the going price; of equals the lowest. */
static int cheapest(const struct search *s, size_t cell)
{
    const struct fovi_route_grid *g = &s->grid;
    int best = -1;
    double least = 0.0;
    for (int k = 0; k < g->problem->n_levels; k++) {
        double ns = fovi_route_own_ns(g, k, cell), cost = ns - s->price * g->gain[k][cell];
        if ((best < 0 || cost < least) && may_take(s, cell, k, ns)) {
            least = cost;
            best = k;
        }
    }
    return best;
}

/* Tile after tile, forwards and backwards in turn, until none changes. */
static void settle(struct search *s)
{
    const struct fovi_route_grid *g = &s->grid;
    int n_x = g->n_x, n_y = g->n_y;
    for (int round = 0, changed = 1; round < MAX_ROUNDS && changed; round++) {
        changed = 0;
        for (int i = 0; i < n_y; i++) {
            size_t row = (size_t)(round % 2 ? n_y - 1 - i : i) * (size_t)n_x;
            for (int k = 0; k < n_x; k++) {
                size_t cell = fovi_route_cell(g, row + (size_t)(round % 2 ? n_x - 1 - k : k));
                if (!s->dirty[cell])
                    continue;
                s->dirty[cell] = 0;
                int to = cheapest(s, cell);
                if (to != g->level[cell]) {
                    change(s, cell, to);
                    s->dirty[cell] = 0;
                    changed = 1;
                }
            }
        }
    }
}

/* ---- the price ---- */

/* Levels of all tiles at a price as if there were no halos; returns the error that is lost. */
static double guess(const struct search *s, double price, uint8_t *level)
{
    const struct fovi_route_grid *g = &s->grid;
    const struct fovi_route_level *l = g->problem->level;
    int top = g->problem->n_levels - 1;
    double lost = 0.0;
    for (size_t t = 0; t < g->n; t++) {
        double least = 0.0;
        for (int k = 0; k <= top; k++) {
            double cost = FOVEA_TILE * FOVEA_TILE * l[k].ns - price * (k ? l[k].gain[t] : 0.0);
            if (k == 0 || cost < least) {
                least = cost;
                level[t] = (uint8_t)k;
            }
        }
        lost += l[top].gain[t] - (level[t] ? l[level[t]].gain[t] : 0.0);
    }
    return lost;
}

/* A price to begin with, by bisection without halos, and its choice. */
static double first_price(const struct search *s, uint8_t *level)
{
    const struct fovi_route_problem *p = s->grid.problem;
    double tile_ns = FOVEA_TILE * FOVEA_TILE * p->level[p->n_levels - 1].ns, worth = p->residual / (double)s->grid.n;
    double low = tile_ns / worth * 1e-4, high = tile_ns / worth * 1e8;
    for (int i = 0; i < GUESSES; i++) {
        double middle = sqrt(low * high);
        if (guess(s, middle, level) > s->allowed)
            low = middle;
        else
            high = middle;
    }
    guess(s, high, level);
    return high;
}

/* Make the search stand at a choice. */
static void stand_at(struct search *s, const uint8_t *level)
{
    const struct fovi_route_grid *g = &s->grid;
    const struct fovi_route_level *l = g->problem->level;
    int top = g->problem->n_levels - 1;
    fovi_route_grid_set(&s->grid, level);
    memset(s->dirty, 1, g->n_cells);
    s->lost = 0.0;
    for (size_t t = 0; t < g->n; t++)
        s->lost += l[top].gain[t] - (level[t] ? l[level[t]].gain[t] : 0.0);
    s->ns = cost_ns(g->problem, level, 0);
    s->budget_ns = cost_ns(g->problem, level, 1);
}

static void keep(struct search *s, double merit)
{
    s->merit = merit;
    for (size_t t = 0; t < s->grid.n; t++)
        s->best[t] = s->grid.level[fovi_route_cell(&s->grid, t)];
}

/* The lowest price that keeps the loss, or the highest that keeps the budget, from the choice as it stands. */
static void find_price(struct search *s, int by_budget)
{
    double low = 0.0, high = 0.0, budget = s->grid.problem->budget_ns;
    for (int i = 0; i < (by_budget ? BUDGET_PRICES : PRICES); i++) {
        settle(s);
        int fits = by_budget ? s->budget_ns <= budget : s->lost <= s->allowed;
        double merit = by_budget ? s->lost : s->ns;
        if (fits && merit < s->merit)
            keep(s, merit);
        if (fits == by_budget) /* error may be worth more */
            low = s->price;
        else
            high = s->price;
        if (low > 0.0 && high > 0.0)
            s->price = sqrt(low * high);
        else
            s->price *= low > 0.0 ? WIDEN : 1.0 / WIDEN;
        memset(s->dirty, 1, s->grid.n_cells);
    }
}

/* Use what is left of a limit: single tiles go down at falling prices, or up at rising ones. */
static void spend_rest(struct search *s, enum limit limit)
{
    s->keeps = limit;
    for (int i = 0; i < PRICES; i++) {
        memset(s->dirty, 1, s->grid.n_cells);
        settle(s);
        s->price *= limit == LIMIT_LOSS ? 0.88 : 1.07;
    }
    double merit = limit == LIMIT_LOSS ? s->ns : s->lost;
    if (merit < s->merit)
        keep(s, merit);
    s->keeps = LIMIT_NONE;
}

/* The change of one tile that saves most within the loss, for a choice that has cost ns. 1: it is made. */
static int save_most(struct search *s, double ns)
{
    struct fovi_route_grid *g = &s->grid;
    size_t best_cell = 0;
    int best_level = -1;
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        int now = g->level[cell];
        double now_ns = s->ns - fovi_route_own_ns(g, now, cell);
        for (int k = 0; k < g->problem->n_levels; k++) {
            double with = now_ns + fovi_route_own_ns(g, k, cell);
            if (with > ns * (1.0 - 1e-9) || s->lost + g->gain[now][cell] - g->gain[k][cell] > s->allowed)
                continue;
            ns = with;
            best_cell = cell;
            best_level = k;
        }
    }
    if (best_level >= 0)
        change(s, best_cell, best_level);
    return best_level >= 0;
}

/* One tile changes, whatever that costs, and the best change of another follows, if both together save time. 1: some
 * pair did. */
static int exchange(struct search *s)
{
    const struct fovi_route_grid *g = &s->grid;
    int found = 0;
    for (size_t t = 0; t < g->n; t++) {
        size_t cell = fovi_route_cell(g, t);
        for (int k = 0; k < g->problem->n_levels; k++) {
            int now = g->level[cell];
            double ns = s->ns;
            if (k == now)
                continue;
            change(s, cell, k);
            if (save_most(s, ns))
                found = 1;
            else
                change(s, cell, now);
        }
    }
    return found;
}

/* Exchange from a choice within the loss until nothing helps. */
static void improve_from(struct search *s, const uint8_t *level)
{
    stand_at(s, level);
    while (exchange(s))
        ;
    if (s->ns < s->merit)
        keep(s, s->ns);
}

/* ---- all together ---- */

static int over_budget(const struct fovi_route_problem *p, const uint8_t *level)
{
    return p->budget_ns > 0.0 && fovi_route_cost_ns(p, level) > p->budget_ns;
}

/* The cheapest choice within the loss. level: a byte a tile to work in. */
static void keep_loss(struct search *s, uint8_t *level)
{
    const struct fovi_route_problem *p = s->grid.problem;
    memset(s->best, p->n_levels - 1, s->grid.n);
    if (p->max_loss_db <= 0.0)
        return;
    s->merit = cost_ns(p, s->best, 0);
    for (int k = p->n_levels - 2; k >= 0; k--) {
        memset(level, k, s->grid.n);
        double ns = cost_ns(p, level, 0);
        if (fovi_route_loss_db(p, level) > p->max_loss_db || ns >= s->merit)
            continue;
        memcpy(s->best, level, s->grid.n);
        s->merit = ns;
    }
    s->price = first_price(s, level);
    stand_at(s, level);
    find_price(s, 0);
    stand_at(s, s->best);
    spend_rest(s, LIMIT_LOSS);
    if (s->grid.n > FEW_TILES)
        return;
    improve_from(s, s->best);
    memset(level, p->n_levels - 1, s->grid.n);
    improve_from(s, level);
}

/* The choice that loses least within the budget; where none fits the filter everywhere. */
static void keep_budget(struct search *s)
{
    const struct fovi_route_problem *p = s->grid.problem;
    double worth = p->residual / (double)s->grid.n;
    stand_at(s, s->best);
    s->price = FOVEA_TILE * FOVEA_TILE * p->level[p->n_levels - 1].ns / worth;
    memset(s->best, 0, s->grid.n);
    s->merit = INFINITY;
    find_price(s, 1);
    stand_at(s, s->best);
    spend_rest(s, LIMIT_BUDGET);
}

static double error_allowed(const struct fovi_route_problem *p)
{
    double db = p->max_loss_db < MOST_LOSS_DB ? p->max_loss_db : MOST_LOSS_DB;
    return p->residual * (fovi_route_exp(db * FOVI_LN10 / 10.0) - 1.0) * (1.0 - 1e-9); /* less what sums round off */
}

int fovi_route_select(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    struct search s = { .allowed = error_allowed(problem) };
    FOVI_TRY(fovi_route_grid_create(ctx, problem, &s.grid));
    s.dirty = fovi_alloc(ctx, s.grid.n_cells, 1);
    s.best = s.dirty ? fovi_alloc(ctx, s.grid.n, 1) : NULL;
    int code = s.best ? FOVEA_OK : fovi_alloc_error(ctx);
    if (!code) {
        keep_loss(&s, level);
        if (over_budget(problem, s.best))
            keep_budget(&s);
        memcpy(level, s.best, s.grid.n);
    }
    fovi_free(ctx, s.best);
    fovi_free(ctx, s.dirty);
    fovi_route_grid_free(ctx, &s.grid);
    return code;
}
