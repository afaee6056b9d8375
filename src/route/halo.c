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

/* How far a pixel of a tile (0..edge-1) lies from the neighbour in that direction. */
static int distance(int at, int edge, int step)
{
    return step < 0 ? at + 1 : step > 0 ? edge - at : 0;
}

/* The radius from which on a layer that serves the neighbour makes the pixel. */
static int radius_from(int x, int y, int w, int h, int bit)
{
    int dx = distance(x, w, fovi_route_step_x[bit]), dy = distance(y, h, fovi_route_step_y[bit]);
    if (fovi_route_step_y[bit] > 0)
        dy = (dy + ROWS_ABOVE - 1) / ROWS_ABOVE;
    return dx > dy ? dx : dy;
}

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

/* untouched[k] = pixels of a tile that no layer of radius r makes where the neighbours outside k are on: counted by the
 * neighbours that reach them, then summed over subsets (Yates 1937). */
static void count_untouched(int w, int h, int r, int untouched[256])
{
    for (int k = 0; k < 256; k++)
        untouched[k] = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            unsigned reached_from = 0;
            for (int bit = 0; bit < 8; bit++)
                reached_from |= (unsigned)(radius_from(x, y, w, h, bit) <= r) << bit;
            untouched[reached_from]++;
        }
    }
    for (int bit = 0; bit < 8; bit++)
        for (int k = 0; k < 256; k++)
            if (k >> bit & 1)
                untouched[k] += untouched[k ^ 1 << bit];
}

static void fill_shape(double beside[256], int w, int h, const double share[MAX_RADIUS + 1])
{
    int untouched[256];
    for (int k = 0; k < 256; k++)
        beside[k] = 0.0;
    for (int r = 1; r <= MAX_RADIUS; r++) {
        if (share[r] <= 0.0)
            continue;
        count_untouched(w, h, r, untouched);
        for (int k = 0; k < 256; k++)
            beside[k] += share[r] * (w * h - untouched[255 - k]);
    }
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
