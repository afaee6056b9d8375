/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Drawing and turning patches.
 */
#include "patches.h"

/* The picture to which a pixel number of the whole set belongs. */
static const struct train_picture *picture_at(const struct train_set *set, int64_t pixel)
{
    int low = 0, high = set->n - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (set->area_end[middle] > pixel)
            high = middle;
        else
            low = middle + 1;
    }
    return &set->picture[low];
}

static struct train_patch draw_once(const struct train_set *set, int patch, struct fovi_rng *rng)
{
    struct train_patch p;
    p.picture = picture_at(set, (int64_t)(fovi_rng_uniform(rng) * (double)set->area_end[set->n - 1]));
    p.x = (int)fovi_rng_below(rng, (uint32_t)(p.picture->width - patch + 1));
    p.y = (int)fovi_rng_below(rng, (uint32_t)(p.picture->height - patch + 1));
    p.symmetry = (int)fovi_rng_below(rng, 8);
    return p;
}

static double energy(const struct train_patch *p, int scale, int patch)
{
    double sum = 0.0;
    int stride = p->picture->width * scale;
    for (int y = p->y * scale; y < (p->y + patch) * scale; y++) {
        const int16_t *row = p->picture->residual + (ptrdiff_t)y * stride + p->x * scale;
        for (int x = 0; x < patch * scale; x++)
            sum += (double)(row[x] * row[x]);
    }
    return sum;
}

struct train_patch train_patch_draw(const struct train_set *set, int patch, double hard, struct fovi_rng *rng)
{
    struct train_patch a = draw_once(set, patch, rng);
    if (hard <= 0.0 || fovi_rng_uniform(rng) >= hard)
        return a;
    struct train_patch b = draw_once(set, patch, rng);
    return energy(&b, set->scale, patch) > energy(&a, set->scale, patch) ? b : a;
}

/* Source position, in a square of edge n, of the pixel that lands on (x, y). */
static void turn(int symmetry, int n, int x, int y, int *sx, int *sy)
{
    int u = symmetry & 4 ? y : x, v = symmetry & 4 ? x : y;
    *sx = symmetry & 1 ? n - 1 - u : u;
    *sy = symmetry & 2 ? n - 1 - v : v;
}

void train_patch_fill(const struct train_patch *p, int scale, struct train_work *work)
{
    const struct train_grid *g = &work->grid;
    int u = work->unshuffle, n = g->patch * u, fine = n * scale, sx, sy;
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            turn(p->symmetry, n, x, y, &sx, &sy);
            work->input[train_grid_place(g, u, x, y)] =
                p->picture->lr[(ptrdiff_t)(p->y + sy) * p->picture->width + p->x + sx] * (1.0f / (256.0f * 255.0f));
        }
    }
    ptrdiff_t stride = (ptrdiff_t)p->picture->width * scale;
    for (int y = 0; y < fine; y++) {
        for (int x = 0; x < fine; x++) {
            turn(p->symmetry, fine, x, y, &sx, &sy);
            work->target[train_grid_place(g, scale * u, x, y)] =
                p->picture->residual[(p->y * scale + sy) * stride + p->x * scale + sx] * (1.0f / (64.0f * 255.0f));
        }
    }
}
