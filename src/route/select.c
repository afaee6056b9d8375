/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which tile takes which level. All tiles start at the top; step by step one tile goes down, to the filter or to a
 * cheaper network, always the step that loses the least error for the time it saves. The time counts the halos of the
 * networks' regions as they are at that moment, so gaps grow at their edges rather than as pinholes. The order of steps
 * does not depend on the limits: each limit takes a longer or shorter beginning of it, so more loss allowed never means
 * more work. Single holes are closed afterwards.
 */
#include <string.h>

#include "route/halo.h"
#include "route/route_math.h"

/* The tiles lie in a grid with two columns and rows of nothing around it, so no step needs a check. */
enum { RIM = 2, NOTHING = 4, OUTSIDE = 0xff };

/* A tile goes down. */
struct step {
    uint32_t tile;
    uint8_t level;
};

struct selection {
    const struct fovi_route_problem *problem;
    const double *area; /* of a tile by shape */
    int n_x, n_y;
    size_t n, n_grid, stride;                                 /* tiles; the grid */
    ptrdiff_t beside_tile[8];                                 /* steps to the neighbours */
    const double *beside[FOVI_ROUTE_MAX_LEVELS][NOTHING + 1]; /* by level and shape; NOTHING computes nothing */
    uint8_t *shape, *level, *target;            /* on the grid: the level now, and where the next step leads */
    uint8_t *neighbours[FOVI_ROUTE_MAX_LEVELS]; /* on the grid: bits of the neighbours that have the level */
    double *gain[FOVI_ROUTE_MAX_LEVELS];        /* on the grid */
    double *key;                                /* on the grid: error lost for a nanosecond saved by the next step */
    uint32_t *place, *heap;                     /* where a tile stands in the heap; tiles, least key on top */
    size_t n_heap;
    struct step *order; /* the steps so far */
    size_t n_order;
};

static const double nothing[256];

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

/* ---- what a step costs and saves ---- */

/* Pixels that a network computes only because the tile has its level: its own, less what is halo anyhow, and the halo
 * that it alone brings to its neighbours. */
static double own_px(const struct selection *s, int level, size_t tile)
{
    int shape = s->shape[tile];
    double px = s->area[shape] - s->beside[level][shape][s->neighbours[level][tile]];
    for (int k = 0; k < 8; k++) {
        size_t other = tile + (size_t)s->beside_tile[k];
        if (s->level[other] != level) {
            const double *beside = s->beside[level][s->shape[other]];
            unsigned bits = s->neighbours[level][other], bit = 1u << (7 - k);
            px += beside[bits | bit] - beside[bits & ~bit];
        }
    }
    return px;
}

static double own_ns(const struct selection *s, int level, size_t tile)
{
    double px = level ? own_px(s, level, tile) : s->area[s->shape[tile]];
    return px * s->problem->level[level].ns;
}

/* The best next step of a tile: where to, and what it loses for each nanosecond that it saves. A saving below a 64th of
 * the tile's own work counts as that. */
static void find_step(struct selection *s, size_t tile)
{
    int from = s->level[tile];
    double now = own_ns(s, from, tile), least = s->area[s->shape[tile]] * s->problem->level[from].ns / 64.0;
    for (int to = 0; to < from; to++) {
        double saved = now - own_ns(s, to, tile), lost = s->gain[from][tile] - s->gain[to][tile];
        double key = lost / (saved > least ? saved : least);
        if (to == 0 || key < s->key[tile]) {
            s->key[tile] = key;
            s->target[tile] = (uint8_t)to;
        }
    }
}

/* Take the first step of the heap. Neighbours take note, and those two tiles away, whose halo they share. */
static void take_step(struct selection *s)
{
    size_t tile = s->heap[0];
    int from = s->level[tile], to = s->target[tile];
    s->order[s->n_order++] = (struct step){ (uint32_t)tile, (uint8_t)to };
    s->level[tile] = (uint8_t)to;
    for (int k = 0; k < 8; k++) {
        size_t other = tile + (size_t)s->beside_tile[k];
        s->neighbours[from][other] &= (uint8_t) ~(1u << (7 - k));
        s->neighbours[to][other] |= (uint8_t)(1u << (7 - k));
    }
    if (to == 0)
        drop_first(s);
    for (size_t row = tile - 2 * s->stride; row <= tile + 2 * s->stride; row += s->stride) {
        for (size_t t = row - 2; t <= row + 2; t++) {
            if (s->level[t] == 0 || s->level[t] == OUTSIDE)
                continue;
            find_step(s, t);
            sift_up(s, s->place[t]);
            sift_down(s, s->place[t]);
        }
    }
}

/* ---- the start ---- */

static void fill_tables(struct selection *s)
{
    for (int level = 1; level < s->problem->n_levels; level++) {
        for (int shape = 0; shape < NOTHING; shape++)
            s->beside[level][shape] = s->problem->level[level].halo->beside[shape];
        s->beside[level][NOTHING] = nothing;
    }
    for (int k = 0; k < 8; k++)
        s->beside_tile[k] = fovi_route_step_y[k] * (ptrdiff_t)s->stride + fovi_route_step_x[k];
}

static size_t grid_at(const struct selection *s, size_t x, size_t y)
{
    return (y + RIM) * s->stride + x + RIM;
}

static void fill_grid(struct selection *s)
{
    const struct fovi_route_halo *h = s->problem->level[1].halo;
    int top = s->problem->n_levels - 1;
    size_t t = 0;
    memset(s->shape, NOTHING, s->n_grid);
    memset(s->level, OUTSIDE, s->n_grid);
    for (int y = 0; y < s->n_y; y++) {
        for (int x = 0; x < s->n_x; x++, t++) {
            size_t tile = grid_at(s, (size_t)x, (size_t)y);
            s->shape[tile] = (uint8_t)fovi_route_shape(h, x, y);
            s->level[tile] = (uint8_t)top;
            for (int level = 1; level <= top; level++)
                s->gain[level][tile] = s->problem->level[level].gain[t];
            s->heap[s->n_heap++] = (uint32_t)tile;
        }
    }
    for (size_t k = 0; k < s->n; k++)
        for (int step = 0; step < 8; step++)
            if (s->level[s->heap[k] + (size_t)s->beside_tile[step]] == top)
                s->neighbours[top][s->heap[k]] |= (uint8_t)(1u << step);
    for (size_t k = 0; k < s->n; k++) {
        find_step(s, s->heap[k]);
        s->place[s->heap[k]] = (uint32_t)k;
    }
    for (size_t at = s->n / 2; at-- > 0;)
        sift_down(s, at);
}

/* ---- choices ---- */

/* A tile whose neighbours on all four sides have a higher level gets the least of theirs: their halo costs as much. */
static void close_holes(const struct selection *s, const uint8_t *level, uint8_t *closed)
{
    const uint8_t *tile = level;
    int n_x = s->n_x, n_y = s->n_y, single = n_x == 1 && n_y == 1;
    for (int y = 0; y < n_y; y++) {
        for (int x = 0; x < n_x; x++, tile++) {
            uint8_t least = single ? 0 : OUTSIDE;
            least = x > 0 && tile[-1] < least ? tile[-1] : least;
            least = x < n_x - 1 && tile[1] < least ? tile[1] : least;
            least = y > 0 && tile[-n_x] < least ? tile[-n_x] : least;
            least = y < n_y - 1 && tile[n_x] < least ? tile[n_x] : least;
            *closed++ = *tile > least ? *tile : least;
        }
    }
}

/* The choice after the first k steps. raw: n bytes to work in. */
static void choice_after(const struct selection *s, size_t k, uint8_t *raw, uint8_t *level)
{
    memset(raw, s->problem->n_levels - 1, s->n);
    for (size_t i = 0; i < k; i++) {
        size_t y = s->order[i].tile / s->stride - RIM, x = s->order[i].tile % s->stride - RIM;
        raw[y * (size_t)s->n_x + x] = s->order[i].level;
    }
    close_holes(s, raw, level);
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
static void apply_limits(struct selection *s, uint8_t *raw, uint8_t *level)
{
    const struct fovi_route_problem *p = s->problem;
    size_t low = 0, stretch = s->n / 16 + 1;
    choice_after(s, 0, raw, level);
    while (s->n_heap > 0 && (within_loss(p, level) || over_budget(p, level))) {
        low = s->n_order;
        for (size_t i = 0; i < stretch && s->n_heap > 0; i++)
            take_step(s);
        choice_after(s, s->n_order, raw, level);
    }
    size_t high = s->n_order;
    while (low < high) { /* the most steps within the loss */
        size_t k = low + (high - low + 1) / 2;
        choice_after(s, k, raw, level);
        if (within_loss(p, level))
            low = k;
        else
            high = k - 1;
    }
    for (high = s->n_order; low < high;) { /* and from there the fewest that keep the budget */
        size_t k = low + (high - low) / 2;
        choice_after(s, k, raw, level);
        if (over_budget(p, level))
            low = k + 1;
        else
            high = k;
    }
    choice_after(s, low, raw, level);
}

static int allocate(fovea_context *ctx, struct selection *s, uint8_t **raw)
{
    size_t levels = (size_t)s->problem->n_levels;
    if (s->n_grid > UINT32_MAX)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "too many tiles to route: %zu", s->n);
    s->shape = fovi_alloc(ctx, 3 + levels, s->n_grid);
    s->key = s->shape ? fovi_alloc(ctx, 1 + levels, s->n_grid * sizeof *s->key) : NULL;
    s->place = s->key ? fovi_alloc(ctx, s->n_grid, sizeof *s->place) : NULL;
    s->heap = s->place ? fovi_alloc(ctx, s->n, sizeof *s->heap) : NULL;
    s->order = s->heap ? fovi_alloc(ctx, s->n * (levels - 1), sizeof *s->order) : NULL;
    *raw = s->order ? fovi_alloc(ctx, s->n, 1) : NULL;
    if (!*raw)
        return fovi_alloc_error(ctx);
    s->level = s->shape + s->n_grid;
    s->target = s->level + s->n_grid;
    for (size_t k = 0; k < levels; k++) {
        s->neighbours[k] = s->target + (k + 1) * s->n_grid;
        s->gain[k] = s->key + (k + 1) * s->n_grid;
    }
    return FOVEA_OK;
}

/* Choose among all levels of the problem. */
static int select_levels(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    const struct fovi_route_halo *h = problem->level[1].halo;
    struct selection s = { .problem = problem, .area = h->area, .n_x = h->n_x, .n_y = h->n_y };
    uint8_t *raw = NULL;
    s.stride = (size_t)h->n_x + 2 * RIM;
    s.n = count_tiles(problem);
    s.n_grid = s.stride * ((size_t)h->n_y + 2 * RIM);
    int code = allocate(ctx, &s, &raw);
    if (!code) {
        fill_tables(&s);
        fill_grid(&s);
        apply_limits(&s, raw, level);
    }
    fovi_free(ctx, raw);
    fovi_free(ctx, s.order);
    fovi_free(ctx, s.heap);
    fovi_free(ctx, s.place);
    fovi_free(ctx, s.key);
    fovi_free(ctx, s.shape);
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

/* Few tiles of a middle network are not worth their halo, and single steps do not find a way there and back; so every
 * set of networks is tried. */
int fovi_route_select(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level)
{
    unsigned all = (1u << problem->n_levels) - 2;
    struct merit best = { 0 };
    size_t n = count_tiles(problem);
    FOVI_TRY(select_levels(ctx, problem, level));
    best = judge(problem, level);
    uint8_t *other = fovi_alloc(ctx, n, 1);
    int code = other ? FOVEA_OK : fovi_alloc_error(ctx);
    for (unsigned set = 2; set < all && !code; set += 2) {
        struct fovi_route_problem part;
        uint8_t index[FOVI_ROUTE_MAX_LEVELS];
        restrict_to(problem, set, &part, index);
        code = select_levels(ctx, &part, other);
        for (size_t t = 0; t < n && !code; t++)
            other[t] = index[other[t]];
        struct merit merit = judge(problem, other);
        if (!code && is_better(&merit, &best)) {
            best = merit;
            memcpy(level, other, n);
        }
    }
    fovi_free(ctx, other);
    return code;
}
