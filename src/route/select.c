/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which tile takes which level. All tiles start at the top; step by step one tile goes down, to the filter or to a
 * cheaper network, always the step that loses the least error for the time it saves. The time counts the halos of the
 * networks' regions as they are at that moment, so gaps grow at their edges rather than as pinholes. The order of steps
 * does not depend on the limits: each limit takes a longer or shorter beginning of it, so more loss allowed never means
 * more work. Single holes are closed afterwards. What several networks make of this is improved by improve.c.
 */
#include <string.h>

#include "route/grid.h"
#include "route/improve.h"
#include "route/route_math.h"

/* A tile goes down. */
struct step {
    uint32_t cell;
    uint8_t level;
};

struct selection {
    struct fovi_route_grid grid;
    uint8_t *target;        /* on the grid: where the next step leads */
    double *key;            /* on the grid: error lost for a nanosecond saved by the next step */
    uint32_t *place, *heap; /* where a tile stands in the heap; cells, least key on top */
    size_t n_heap;
    struct step *order; /* the steps so far */
    size_t n_order;
    uint8_t *raw; /* a choice before its holes are closed */
};

/* ---- the heap ---- */

static int before(const struct selection *s, uint32_t a, uint32_t b)
{
    return s->key[a] < s->key[b] || (!(s->key[b] < s->key[a]) && a < b);
}

static void put(struct selection *s, size_t at, uint32_t tile)
{
    s->heap[at] = tile;
    s->place[tile] = (uint32_t)at;
}

static void sift_up(struct selection *s, size_t at)
{
    uint32_t tile = s->heap[at];
    for (; at > 0 && before(s, tile, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(s, at, s->heap[(at - 1) / 2]);
    put(s, at, tile);
}

static void sift_down(struct selection *s, size_t at)
{
    uint32_t tile = s->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!before(s, s->heap[child], tile))
            break;
        put(s, at, s->heap[child]);
        at = child;
    }
    put(s, at, tile);
}

static void drop_first(struct selection *s)
{
    uint32_t last = s->heap[--s->n_heap];
    if (s->n_heap > 0) {
        put(s, 0, last);
        sift_down(s, 0);
    }
}

/* ---- steps ---- */

/* The best next step of a tile: where to, and what it loses for each nanosecond that it saves. A saving below a 64th of
 * the tile's own work counts as that. */
static void find_step(struct selection *s, size_t cell)
{
    const struct fovi_route_grid *g = &s->grid;
    int from = g->level[cell];
    double now = fovi_route_own_ns(g, from, cell);
    double least = g->area[g->shape[cell]] * g->problem->level[from].ns / 64.0;
    for (int to = 0; to < from; to++) {
        double saved = now - fovi_route_own_ns(g, to, cell), lost = g->gain[from][cell] - g->gain[to][cell];
        double key = lost / (saved > least ? saved : least);
        if (to == 0 || key < s->key[cell]) {
            s->key[cell] = key;
            s->target[cell] = (uint8_t)to;
        }
    }
}

/* Take the first step of the heap. Neighbours take note, and those two tiles away, whose halo they share. */
static void take_step(struct selection *s)
{
    struct fovi_route_grid *g = &s->grid;
    size_t cell = s->heap[0], reach = FOVI_ROUTE_RIM;
    int to = s->target[cell];
    s->order[s->n_order++] = (struct step){ (uint32_t)cell, (uint8_t)to };
    fovi_route_grid_move(g, cell, to);
    if (to == 0)
        drop_first(s);
    for (size_t row = cell - reach * g->stride; row <= cell + reach * g->stride; row += g->stride) {
        for (size_t c = row - reach; c <= row + reach; c++) {
            if (g->level[c] == 0 || g->level[c] == FOVI_ROUTE_OUTSIDE)
                continue;
            find_step(s, c);
            sift_up(s, s->place[c]);
            sift_down(s, s->place[c]);
        }
    }
}

static void fill_heap(struct selection *s)
{
    for (size_t t = 0; t < s->grid.n; t++) {
        size_t cell = fovi_route_cell(&s->grid, t);
        find_step(s, cell);
        s->heap[t] = (uint32_t)cell;
        s->place[cell] = (uint32_t)t;
    }
    s->n_heap = s->grid.n;
    for (size_t at = s->n_heap / 2; at-- > 0;)
        sift_down(s, at);
}

/* ---- choices ---- */

/* A tile whose neighbours on all four sides have a higher level gets the least of theirs: their halo costs as much. */
static void close_holes(const struct fovi_route_grid *g, const uint8_t *level, uint8_t *closed)
{
    const uint8_t *tile = level;
    int n_x = g->n_x, n_y = g->n_y, single = n_x == 1 && n_y == 1;
    for (int y = 0; y < n_y; y++) {
        for (int x = 0; x < n_x; x++, tile++) {
            uint8_t least = single ? 0 : FOVI_ROUTE_OUTSIDE;
            least = x > 0 && tile[-1] < least ? tile[-1] : least;
            least = x < n_x - 1 && tile[1] < least ? tile[1] : least;
            least = y > 0 && tile[-n_x] < least ? tile[-n_x] : least;
            least = y < n_y - 1 && tile[n_x] < least ? tile[n_x] : least;
            *closed++ = *tile > least ? *tile : least;
        }
    }
}

/* The choice after the first k steps. */
static void choice_after(const struct selection *s, size_t k, uint8_t *level)
{
    const struct fovi_route_grid *g = &s->grid;
    memset(s->raw, g->problem->n_levels - 1, g->n);
    for (size_t i = 0; i < k; i++)
        s->raw[fovi_route_tile(g, s->order[i].cell)] = s->order[i].level;
    close_holes(g, s->raw, level);
}

static size_t count_tiles(const struct fovi_route_problem *problem)
{
    return (size_t)problem->level[1].halo->n_x * (size_t)problem->level[1].halo->n_y;
}

double fovi_route_loss_db(const struct fovi_route_problem *problem, const uint8_t *level)
{
    const struct fovi_route_level *l = problem->level;
    double lost = problem->lost_before;
    int top = problem->n_levels - 1;
    for (size_t t = 0, n = count_tiles(problem); t < n; t++)
        lost += l[top].gain[t] - (level[t] ? l[level[t]].gain[t] : 0.0);
    return lost > 0.0 ? 10.0 / FOVI_LN10 * fovi_route_log(1.0 + lost / problem->residual) : 0.0;
}

/* Cost of a choice: as it is weighed against the gain, or as the budget counts. */
static double cost_ns(const struct fovi_route_problem *problem, const uint8_t *level, int by_budget)
{
    const struct fovi_route_halo *h = problem->level[1].halo;
    const struct fovi_route_level *l = problem->level;
    double filter_px = 0.0, ns = 0.0;
    const uint8_t *tile = level;
    for (int y = 0; y < h->n_y; y++)
        for (int x = 0; x < h->n_x; x++, tile++)
            filter_px += *tile ? 0.0 : h->area[fovi_route_shape(h, x, y)];
    for (int k = 1; k < problem->n_levels; k++)
        ns += fovi_route_halo_px(l[k].halo, level, (uint8_t)k) * (by_budget ? l[k].budget_ns : l[k].ns);
    return ns + filter_px * (by_budget ? l[0].budget_ns : l[0].ns);
}

double fovi_route_cost_ns(const struct fovi_route_problem *problem, const uint8_t *level)
{
    return cost_ns(problem, level, 1);
}

/* ---- the limits ---- */

/* May more steps be taken? Both answers change once only as the order goes on. */
static int within_loss(const struct fovi_route_problem *p, const uint8_t *level)
{
    return p->max_loss_db > 0.0 && fovi_route_loss_db(p, level) <= p->max_loss_db;
}

static int over_budget(const struct fovi_route_problem *p, const uint8_t *level)
{
    return p->budget_ns > 0.0 && fovi_route_cost_ns(p, level) > p->budget_ns;
}

/* Make the order as far as the limits ask for, some steps at a time; then find the place in the last stretch. */
static void apply_limits(struct selection *s, uint8_t *level)
{
    const struct fovi_route_problem *p = s->grid.problem;
    size_t low = 0, stretch = s->grid.n / 16 + 1;
    choice_after(s, 0, level);
    while (s->n_heap > 0 && (within_loss(p, level) || over_budget(p, level))) {
        low = s->n_order;
        for (size_t i = 0; i < stretch && s->n_heap > 0; i++)
            take_step(s);
        choice_after(s, s->n_order, level);
    }
    size_t high = s->n_order;
    while (low < high) { /* the most steps within the loss */
        size_t k = low + (high - low + 1) / 2;
        choice_after(s, k, level);
        if (within_loss(p, level))
            low = k;
        else
            high = k - 1;
    }
    for (high = s->n_order; low < high;) { /* and from there the fewest that keep the budget */
        size_t k = low + (high - low) / 2;
        choice_after(s, k, level);
        if (over_budget(p, level))
            low = k + 1;
        else
            high = k;
    }
    choice_after(s, low, level);
}

static int allocate(fovea_context *ctx, struct selection *s)
{
    const struct fovi_route_grid *g = &s->grid;
    s->target = fovi_alloc(ctx, 1, g->n_cells);
    s->key = s->target ? fovi_alloc(ctx, g->n_cells, sizeof *s->key) : NULL;
    s->place = s->key ? fovi_alloc(ctx, g->n_cells, sizeof *s->place) : NULL;
    s->heap = s->place ? fovi_alloc(ctx, g->n, sizeof *s->heap) : NULL;
    s->order = s->heap ? fovi_alloc(ctx, g->n * (size_t)(g->problem->n_levels - 1), sizeof *s->order) : NULL;
    s->raw = s->order ? fovi_alloc(ctx, g->n, 1) : NULL;
    return s->raw ? FOVEA_OK : fovi_alloc_error(ctx);
}

/* Choose among all levels of the problem. */
static int select_levels(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    struct selection s = { 0 };
    FOVI_TRY(fovi_route_grid_create(ctx, problem, &s.grid));
    int code = allocate(ctx, &s);
    if (!code) {
        fill_heap(&s);
        apply_limits(&s, level);
    }
    fovi_free(ctx, s.raw);
    fovi_free(ctx, s.order);
    fovi_free(ctx, s.heap);
    fovi_free(ctx, s.place);
    fovi_free(ctx, s.key);
    fovi_free(ctx, s.target);
    fovi_route_grid_free(ctx, &s.grid);
    return code;
}

/* ---- which networks take part ---- */

/* How good a choice is for the whole problem. */
struct merit {
    int fits_budget, fits_loss;
    double loss_db, ns;
};

static struct merit judge(const struct fovi_route_problem *p, const uint8_t *level)
{
    struct merit m = { .fits_budget = !over_budget(p, level),
                       .loss_db = fovi_route_loss_db(p, level),
                       .ns = cost_ns(p, level, 0) };
    m.fits_loss = m.loss_db <= p->max_loss_db;
    return m;
}

static int is_better(const struct merit *a, const struct merit *b)
{
    if (a->fits_budget != b->fits_budget)
        return a->fits_budget;
    if (a->fits_loss != b->fits_loss)
        return a->fits_loss;
    return a->fits_loss ? a->ns < b->ns : a->loss_db < b->loss_db;
}

/* The same problem with the networks of a set of bits only. index: the level of each of its levels in the whole. */
static void restrict_to(const struct fovi_route_problem *whole, unsigned set, struct fovi_route_problem *part,
                        uint8_t index[FOVI_ROUTE_MAX_LEVELS])
{
    int top = whole->n_levels - 1, last = top;
    *part = *whole;
    part->n_levels = 1;
    index[0] = 0;
    for (int k = 1; k <= top; k++) {
        if (!(set >> k & 1u))
            continue;
        index[part->n_levels] = (uint8_t)k;
        part->level[part->n_levels++] = whole->level[k];
        last = k;
    }
    for (size_t t = 0, n = count_tiles(whole); t < n; t++)
        part->lost_before += whole->level[top].gain[t] - whole->level[last].gain[t];
}

/* The cheapest choice over all sets of networks; judged for the whole problem. other: a byte a tile to work in. */
static int select_among_sets(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level,
                             uint8_t *other, struct merit *best)
{
    unsigned all = (1u << problem->n_levels) - 2;
    size_t n = count_tiles(problem);
    FOVI_TRY(select_levels(ctx, problem, level));
    *best = judge(problem, level);
    for (unsigned set = 2; set < all; set += 2) {
        struct fovi_route_problem part;
        uint8_t index[FOVI_ROUTE_MAX_LEVELS];
        restrict_to(problem, set, &part, index);
        FOVI_TRY(select_levels(ctx, &part, other));
        for (size_t t = 0; t < n; t++)
            other[t] = index[other[t]];
        struct merit merit = judge(problem, other);
        if (is_better(&merit, best)) {
            *best = merit;
            memcpy(level, other, n);
        }
    }
    return FOVEA_OK;
}

/* Few tiles of a middle network are not worth their halo, and single steps do not find a way there and back; so every
 * set of networks is tried. With several networks the best of these choices is improved further; with one it is within
 * a few percent of the best there is, and a tile of a cheap network is not worth the search. */
int fovi_route_select(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    struct merit best = { 0 };
    size_t n = count_tiles(problem);
    uint8_t *other = fovi_alloc(ctx, n, 1);
    int code = other ? select_among_sets(ctx, problem, level, other, &best) : fovi_alloc_error(ctx);
    if (!code && problem->n_levels > 2 && problem->budget_ns <= 0.0 && problem->max_loss_db > 0.0 && best.fits_loss) {
        memcpy(other, level, n);
        code = fovi_route_improve(ctx, problem, other);
        struct merit merit = judge(problem, other);
        if (!code && is_better(&merit, &best))
            memcpy(level, other, n);
    }
    fovi_free(ctx, other);
    return code;
}
