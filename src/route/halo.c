/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How many pixels a network computes for a region of tiles. Layer l of n computes the region grown by r = n - 1 - l
 * pixels to the sides and downwards and, since rows are made in groups of four (src/net/exec.c), by 3 r upwards; the
 * pixels of the layers are averaged with their multiply-adds as weights. A tile that is off is covered from its eight
 * neighbours only, which is exact up to six layers; what the first layers of longer networks make two tiles above a
 * region is left out.
 */
#include "route/halo.h"

const int fovi_route_step_x[8] = { -1, 0, 1, -1, 1, -1, 0, 1 };
const int fovi_route_step_y[8] = { -1, -1, -1, 0, 0, 1, 1, 1 };

/* Rows that a layer makes above the region for each of its radius: groups of four rows for two that are needed. */
enum { ROWS_ABOVE = 3 };

enum { MAX_RADIUS = 16 };

/* share[r] = part of the work of the layers with a radius of r pixels, r = 1..16; larger radii count as 16. */
static void work_shares(const struct fovi_route_rung *rung, int scale, double share[MAX_RADIUS + 1])
{
    double total = 0.0;
    for (int r = 0; r <= MAX_RADIUS; r++)
        share[r] = 0.0;
    for (int l = 0; l < rung->n_layers; l++) {
        int grown = rung->n_layers - 1 - l;
        double macs = (double)rung->macs[l] * (grown == 0 ? scale * scale : 1);
        total += macs;
        share[grown < MAX_RADIUS ? grown : MAX_RADIUS] += macs;
    }
    for (int r = 0; r <= MAX_RADIUS && total > 0.0; r++)
        share[r] /= total;
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

/* Pixels made in a tile that is off, by its neighbours that are on: those that none of the others reaches are counted
 * by the neighbours that do, weighted with the layers' work, and summed over subsets (Yates 1937). */
static void fill_shape(double beside[256], int w, int h, const double share[MAX_RADIUS + 1])
{
    double untouched[256] = { 0 }, total = 0.0;
    for (int r = 1; r <= MAX_RADIUS; r++) {
        int columns[4], rows[4];
        count_reached(w, r, r, columns);
        count_reached(h, r, ROWS_ABOVE * r, rows);
        for (int i = 0; i < 16; i++)
            untouched[reached_from(i % 4, i / 4)] += share[r] * columns[i % 4] * rows[i / 4];
        total += share[r] * w * h;
    }
    for (int bit = 0; bit < 8; bit++)
        for (int k = 0; k < 256; k++)
            if (k >> bit & 1)
                untouched[k] += untouched[k ^ 1 << bit];
    for (int k = 0; k < 256; k++)
        beside[k] = total - untouched[255 - k];
}

int fovi_route_halo_create(fovea_context *ctx, const struct fovi_route_rung *rung, int scale, int width, int height,
                           struct fovi_route_halo **out)
{
    double share[MAX_RADIUS + 1];
    struct fovi_route_halo *h = *out = fovi_alloc(ctx, 1, sizeof *h);
    if (!h)
        return fovi_alloc_error(ctx);
    h->n_x = (width - 1) / FOVEA_TILE + 1;
    h->n_y = (height - 1) / FOVEA_TILE + 1;
    work_shares(rung, scale, share);
    for (int shape = 0; shape < 4; shape++) {
        int w = shape & 1 ? width - (h->n_x - 1) * FOVEA_TILE : FOVEA_TILE;
        int height_px = shape & 2 ? height - (h->n_y - 1) * FOVEA_TILE : FOVEA_TILE;
        h->area[shape] = (double)w * height_px;
        fill_shape(h->beside[shape], w, height_px, share);
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
