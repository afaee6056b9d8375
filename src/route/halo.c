/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How many pixels a network computes for a region of tiles. Layer l of n computes the region grown by r = n - 1 - l
 * pixels to the sides and downwards, and upwards by more, since rows are made in groups of four that end r rows below
 * those of the last layer (src/net/exec.c): in float by 3 r, where the groups need each other whole, else up to the
 * start of a group. The pixels of the layers are averaged with their multiply-adds as weights.
 *
 * A tile that is off is covered from its eight neighbours. What layers make farther up than that tile is counted with
 * it, where the tile above is off, too, and is not reached from the sides.
 */
#include "route/halo.h"

const int fovi_route_step_x[8] = { -1, 0, 1, -1, 1, -1, 0, 1 };
const int fovi_route_step_y[8] = { -1, -1, -1, 0, 0, 1, 1, 1 };

/* Rows that are made at a time. */
enum { GROUP = 4 };

enum { MAX_RADIUS = FOVI_ROUTE_MAX_LAYERS };

/* share[r] = part of the work of the layers with a radius of r pixels. */
static void work_shares(const struct fovi_route_rung *rung, int scale, double share[MAX_RADIUS + 1])
{
    double total = 0.0;
    for (int r = 0; r <= MAX_RADIUS; r++)
        share[r] = 0.0;
    for (int l = 0; l < rung->n_layers; l++) {
        int grown = rung->n_layers - 1 - l;
        double macs = (double)rung->macs[l] * (grown == 0 ? scale * scale : 1);
        total += macs;
        share[grown] += macs;
    }
    for (int r = 0; r <= MAX_RADIUS && total > 0.0; r++)
        share[r] /= total;
}

/* Rows that a layer makes above the region. */
static int rows_above(int radius, int is_float)
{
    return is_float ? (GROUP - 1) * radius : (2 * radius + GROUP - 1) / GROUP * GROUP - radius;
}

/* Pixels of a tile along one axis by the sides that reach them: bit 0 = from the side before, bit 1 = after. */
static void count_reached(int edge, int before, int after, int count[4])
{
    count[0] = count[1] = count[2] = count[3] = 0;
    for (int at = 0; at < edge; at++)
        count[(at < before) + 2 * (edge - at <= after)]++;
}

/* Neighbours that reach a pixel, given the sides that do along either axis. */
static unsigned reached_from(int x, int y)
{
    unsigned bits = 0;
    for (int bit = 0; bit < 8; bit++) {
        int dx = fovi_route_step_x[bit], dy = fovi_route_step_y[bit];
        int by_x = dx == 0 || (dx < 0 ? x & 1 : x >> 1), by_y = dy == 0 || (dy < 0 ? y & 1 : y >> 1);
        bits |= (unsigned)(by_x && by_y) << bit;
    }
    return bits;
}

/* A tile that is off. */
struct place {
    int width, height;
    int n_above; /* tiles above it that count */
};

/* Pixels made in it, by its neighbours that are on: those that none of the others reaches are counted by the neighbours
 * that do, weighted with the layers' work, and summed over subsets (Yates 1937). */
static void fill_within(double beside[256], const struct place *p, int is_float, const double share[MAX_RADIUS + 1])
{
    double untouched[256] = { 0 }, total = 0.0;
    for (int r = 1; r <= MAX_RADIUS; r++) {
        int columns[4], rows[4];
        count_reached(p->width, r, r, columns);
        count_reached(p->height, r, rows_above(r, is_float), rows);
        for (int i = 0; i < 16; i++)
            untouched[reached_from(i % 4, i / 4)] += share[r] * columns[i % 4] * rows[i / 4];
        total += share[r] * p->width * p->height;
    }
    for (int bit = 0; bit < 8; bit++)
        for (int k = 0; k < 256; k++)
            if (k >> bit & 1)
                untouched[k] += untouched[k ^ 1 << bit];
    for (int k = 0; k < 256; k++)
        beside[k] = total - untouched[255 - k];
}

/* Columns above a tile that are made for those below it alone: neither the tile above is on nor one beside the two
 * reaches them. */
static int columns_above(unsigned on, int width, int radius)
{
    enum { ABOVE = 1 << 1, LEFT = 1 << 0 | 1 << 3, RIGHT = 1 << 2 | 1 << 4, BELOW_LEFT = 1 << 5, BELOW = 1 << 6 };
    const unsigned below_right = 1u << 7;
    int side = radius < width ? radius : width, from = on & LEFT ? side : 0, to = on & RIGHT ? width - side : width;
    int left_to = on & BELOW_LEFT ? side : 0, right_from = on & below_right ? width - side : width;
    if (on & ABOVE || from >= to)
        return 0;
    if (on & BELOW || left_to >= right_from)
        return to - from;
    int left = left_to < to ? left_to : to, right = right_from > from ? right_from : from;
    return (left > from ? left - from : 0) + (to > right ? to - right : 0);
}

static void add_above(double beside[256], const struct place *p, int is_float, const double share[MAX_RADIUS + 1])
{
    for (int r = 1; r <= MAX_RADIUS; r++) {
        int rows = rows_above(r, is_float) - p->height, most = p->n_above * FOVEA_TILE;
        rows = rows < most ? rows : most;
        for (unsigned on = 0; on < 256 && rows > 0; on++)
            beside[on] += share[r] * rows * columns_above(on, p->width, r);
    }
}

int fovi_route_halo_create(fovea_context *ctx, const struct fovi_route_rung *rung, int scale, int is_float, int width,
                           int height, struct fovi_route_halo **out)
{
    double share[MAX_RADIUS + 1];
    struct fovi_route_halo *h = *out = fovi_alloc(ctx, 1, sizeof *h);
    if (!h)
        return fovi_alloc_error(ctx);
    h->n_x = (width - 1) / FOVEA_TILE + 1;
    h->n_y = (height - 1) / FOVEA_TILE + 1;
    work_shares(rung, scale, share);
    for (int shape = 0; shape < FOVI_ROUTE_SHAPES; shape++) {
        struct place p = { FOVEA_TILE, FOVEA_TILE, shape / 2 };
        if (shape & 1)
            p.width = width - (h->n_x - 1) * FOVEA_TILE;
        if (shape / 2 == FOVI_ROUTE_ROW_LAST) {
            p.height = height - (h->n_y - 1) * FOVEA_TILE;
            p.n_above = 0; /* nothing is below */
        }
        h->area[shape] = (double)p.width * p.height;
        fill_within(h->beside[shape], &p, is_float, share);
        add_above(h->beside[shape], &p, is_float, share);
    }
    return FOVEA_OK;
}

void fovi_route_halo_free(fovea_context *ctx, struct fovi_route_halo *halo)
{
    fovi_free(ctx, halo);
}

/* Bits of the neighbours of (x, y) that have the level. */
static unsigned neighbours(const struct fovi_route_halo *h, const uint8_t *level, uint8_t which, int x, int y)
{
    unsigned bits = 0;
    for (int k = 0; k < 8; k++) {
        int nx = x + fovi_route_step_x[k], ny = y + fovi_route_step_y[k];
        if (nx >= 0 && ny >= 0 && nx < h->n_x && ny < h->n_y &&
            level[(size_t)ny * (size_t)h->n_x + (size_t)nx] == which)
            bits |= 1u << k;
    }
    return bits;
}

double fovi_route_halo_px(const struct fovi_route_halo *h, const uint8_t *level, uint8_t which)
{
    double px = 0.0;
    const uint8_t *tile = level;
    for (int y = 0; y < h->n_y; y++) {
        for (int x = 0; x < h->n_x; x++, tile++) {
            int shape = fovi_route_shape(h, x, y);
            px += *tile == which ? h->area[shape] : h->beside[shape][neighbours(h, level, which, x, y)];
        }
    }
    return px;
}
