/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which tiles the network takes. Starting from all of them, one tile after the other is handed to the filter, always
 * the one that loses the least error for the time it saves; the time counts the halo as it is at that moment, so gaps
 * grow at their edges rather than as pinholes. The order does not depend on the limits: each limit takes a longer or
 * shorter beginning of it, so more loss allowed never means more work. Single holes are closed afterwards.
 */
#include <string.h>

#include "route/halo.h"
#include "route/route_math.h"

/* The tiles lie in a grid with two columns and rows of nothing around it, so no step needs a check. */
enum { RIM = 2, NOTHING = 4 };

struct selection {
    const struct fovi_route_problem *problem;
    const struct fovi_route_halo *halo;
    size_t n, n_grid, stride;         /* tiles; the grid */
    ptrdiff_t step[8];                /* to the neighbours */
    double least[5];                  /* a saving below this counts as this, by shape */
    const double *beside[5];          /* by shape; NOTHING computes nothing */
    uint8_t *shape, *on, *neighbours; /* on the grid: still with the network; bits of neighbours that are */
    double *gain, *key;               /* on the grid; key = error lost for a nanosecond saved */
    uint32_t *place, *heap;           /* where a tile stands in the heap; tiles, least key on top */
    size_t n_heap;
    uint32_t *order; /* tiles as they left the network */
    size_t n_order;
};

static const double nothing[256];

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

static uint32_t take_first(struct selection *s)
{
    uint32_t first = s->heap[0], last = s->heap[--s->n_heap];
    if (s->n_heap > 0) {
        put(s, 0, last);
        sift_down(s, 0);
    }
    return first;
}

/* What handing the tile to the filter loses now for each nanosecond that it saves. */
static double find_key(const struct selection *s, size_t tile)
{
    int shape = s->shape[tile];
    double area = s->halo->area[shape], px = area - s->beside[shape][s->neighbours[tile]];
    for (int k = 0; k < 8; k++) {
        size_t other = tile + (size_t)s->step[k];
        if (!s->on[other]) {
            const double *beside = s->beside[s->shape[other]];
            unsigned bits = s->neighbours[other];
            px += beside[bits] - beside[bits & ~(1u << (7 - k))];
        }
    }
    double saved = px * s->problem->network_ns - area * s->problem->filter_ns;
    return s->gain[tile] / (saved > s->least[shape] ? saved : s->least[shape]);
}

/* Hand a tile over. Its neighbours take note, and their savings rise; those of tiles two steps away too where a
 * neighbour is off, whose halo they share. */
static void leave(struct selection *s, size_t tile)
{
    size_t reach = s->neighbours[tile] == 0xff ? 1 : 2;
    s->on[tile] = 0;
    for (int k = 0; k < 8; k++)
        s->neighbours[tile + (size_t)s->step[k]] &= (uint8_t) ~(1u << (7 - k));
    for (size_t row = tile - reach * s->stride; row <= tile + reach * s->stride; row += s->stride) {
        for (size_t t = row - reach; t <= row + reach; t++) {
            if (s->on[t]) {
                s->key[t] = find_key(s, t);
                sift_up(s, s->place[t]);
            }
        }
    }
}

static void fill_grid(struct selection *s)
{
    const struct fovi_route_halo *h = s->halo;
    memset(s->shape, NOTHING, s->n_grid);
    for (int shape = 0; shape < 4; shape++) {
        s->beside[shape] = h->beside[shape];
        s->least[shape] = h->area[shape] * s->problem->network_ns / 64.0;
    }
    s->beside[NOTHING] = nothing;
    for (int k = 0; k < 8; k++)
        s->step[k] = fovi_route_step_y[k] * (ptrdiff_t)s->stride + fovi_route_step_x[k];
    const double *gain = s->problem->gain;
    for (int y = 0; y < h->n_y; y++) {
        for (int x = 0; x < h->n_x; x++) {
            size_t tile = ((size_t)y + RIM) * s->stride + (size_t)x + RIM;
            s->shape[tile] = (uint8_t)fovi_route_shape(h, x, y);
            s->on[tile] = 1;
            s->gain[tile] = *gain++;
            s->heap[s->n_heap++] = (uint32_t)tile;
        }
    }
    for (size_t k = 0; k < s->n; k++)
        for (int step = 0; step < 8; step++)
            s->neighbours[s->heap[k]] |= (uint8_t)(s->on[s->heap[k] + (size_t)s->step[step]] << step);
    for (size_t k = 0; k < s->n; k++) {
        s->key[s->heap[k]] = find_key(s, s->heap[k]);
        s->place[s->heap[k]] = (uint32_t)k;
    }
    for (size_t at = s->n / 2; at-- > 0;)
        sift_down(s, at);
}

/* A single tile whose neighbours on all four sides have the network gets it too: its halo costs as much. on is read,
 * closed is written. */
static void close_holes(const struct fovi_route_halo *h, const uint8_t *on, uint8_t *closed)
{
    const uint8_t *tile = on;
    int n_x = h->n_x, n_y = h->n_y, single = n_x == 1 && n_y == 1;
    for (int y = 0; y < n_y; y++) {
        for (int x = 0; x < n_x; x++, tile++) {
            int open = single || (x > 0 && !tile[-1]) || (x < n_x - 1 && !tile[1]) || (y > 0 && !tile[-n_x]) ||
                       (y < n_y - 1 && !tile[n_x]);
            *closed++ = *tile || !open;
        }
    }
}

/* The choice after the first k tiles of the order left. raw: n bytes to work in. */
static void choice_after(const struct selection *s, size_t k, uint8_t *raw, uint8_t *on)
{
    memset(raw, 1, s->n);
    for (size_t i = 0; i < k; i++) {
        size_t y = s->order[i] / s->stride - RIM, x = s->order[i] % s->stride - RIM;
        raw[y * (size_t)s->halo->n_x + x] = 0;
    }
    close_holes(s->halo, raw, on);
}

double fovi_route_loss_db(const struct fovi_route_problem *problem, const uint8_t *on)
{
    double lost = 0.0;
    size_t n = (size_t)problem->halo->n_x * (size_t)problem->halo->n_y;
    for (size_t t = 0; t < n; t++)
        lost += on[t] ? 0.0 : problem->gain[t];
    return lost > 0.0 ? 10.0 / FOVI_LN10 * fovi_route_log(1.0 + lost / problem->residual) : 0.0;
}

double fovi_route_cost_ns(const struct fovi_route_problem *problem, const uint8_t *on)
{
    const struct fovi_route_halo *h = problem->halo;
    double filter_px = 0.0;
    const uint8_t *tile = on;
    for (int y = 0; y < h->n_y; y++)
        for (int x = 0; x < h->n_x; x++, tile++)
            filter_px += *tile ? 0.0 : h->area[fovi_route_shape(h, x, y)];
    return fovi_route_halo_px(h, on) * problem->budget_network_ns + filter_px * problem->budget_filter_ns;
}

/* May more tiles leave? Both answers change once only as the order goes on. */
static int within_loss(const struct fovi_route_problem *p, const uint8_t *on)
{
    return p->max_loss_db > 0.0 && fovi_route_loss_db(p, on) <= p->max_loss_db;
}

static int over_budget(const struct fovi_route_problem *p, const uint8_t *on)
{
    return p->budget_ns > 0.0 && fovi_route_cost_ns(p, on) > p->budget_ns;
}

/* Make the order as far as the limits ask for, some tiles at a time; then find the place in the last stretch. */
static void apply_limits(struct selection *s, uint8_t *raw, uint8_t *on)
{
    const struct fovi_route_problem *p = s->problem;
    size_t low = 0, stretch = s->n / 16 + 1;
    choice_after(s, 0, raw, on);
    while (s->n_order < s->n && (within_loss(p, on) || over_budget(p, on))) {
        low = s->n_order;
        for (size_t i = 0; i < stretch && s->n_heap > 0; i++) {
            s->order[s->n_order] = take_first(s);
            leave(s, s->order[s->n_order++]);
        }
        choice_after(s, s->n_order, raw, on);
    }
    size_t high = s->n_order;
    while (low < high) { /* the most that may leave within the loss */
        size_t k = low + (high - low + 1) / 2;
        choice_after(s, k, raw, on);
        if (within_loss(p, on))
            low = k;
        else
            high = k - 1;
    }
    for (high = s->n_order; low < high;) { /* and from there the fewest that keep the budget */
        size_t k = low + (high - low) / 2;
        choice_after(s, k, raw, on);
        if (over_budget(p, on))
            low = k + 1;
        else
            high = k;
    }
    choice_after(s, low, raw, on);
}

static int allocate(fovea_context *ctx, struct selection *s, uint8_t **raw)
{
    if (s->n_grid > UINT32_MAX)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "too many tiles to route: %zu", s->n);
    s->shape = fovi_alloc(ctx, 3, s->n_grid);
    s->gain = s->shape ? fovi_alloc(ctx, 2, s->n_grid * sizeof *s->gain) : NULL;
    s->place = s->gain ? fovi_alloc(ctx, s->n_grid, sizeof *s->place) : NULL;
    s->heap = s->place ? fovi_alloc(ctx, 2, s->n * sizeof *s->heap) : NULL;
    *raw = s->heap ? fovi_alloc(ctx, s->n, 1) : NULL;
    if (!*raw)
        return fovi_alloc_error(ctx);
    s->on = s->shape + s->n_grid;
    s->neighbours = s->on + s->n_grid;
    s->key = s->gain + s->n_grid;
    s->order = s->heap + s->n;
    return FOVEA_OK;
}

int fovi_route_select(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *on)
{
    struct selection s = { .problem = problem, .halo = problem->halo };
    uint8_t *raw = NULL;
    s.stride = (size_t)s.halo->n_x + 2 * RIM;
    s.n = (size_t)s.halo->n_x * (size_t)s.halo->n_y;
    s.n_grid = s.stride * ((size_t)s.halo->n_y + 2 * RIM);
    int code = allocate(ctx, &s, &raw);
    if (!code) {
        fill_grid(&s);
        apply_limits(&s, raw, on);
    }
    fovi_free(ctx, raw);
    fovi_free(ctx, s.heap);
    fovi_free(ctx, s.place);
    fovi_free(ctx, s.gain);
    fovi_free(ctx, s.shape);
    return code;
}
