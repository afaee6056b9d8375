/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tiles that people read meaning into: those like text, and those like skin, where a wrong stroke or a wrong feature is
 * worse than a soft one. Two rules on the input's samples, not trained ones; docs/how-it-works.md says how often each
 * fires.
 *
 * Text: a plain ground and strokes on it. Most of the ground is of one level; what differs from it strongly is thin,
 * and there are several strokes. Skin: most pixels have the chroma of skin (a box in Cb and Cr; Chai, Ngan 1999) and
 * the tile has some structure, but not that of gravel or bark.
 */
#include <math.h>
#include <string.h>

#include "pipeline/stage.h"

enum { REACH = FOVI_LIKENESS_REACH, SIDE = FOVEA_TILE + 2 * REACH };

/* What of a tile and its surroundings lies in the picture. */
struct window {
    int x0, x1, y0, y1;
};

static struct window look_at(const struct fovi_window *w, int x, int y)
{
    return (struct window){ x - REACH > 0 ? x - REACH : 0,
                            x + FOVEA_TILE + REACH < w->width ? x + FOVEA_TILE + REACH : w->width,
                            y - REACH > 0 ? y - REACH : 0,
                            y + FOVEA_TILE + REACH < w->height ? y + FOVEA_TILE + REACH : w->height };
}

/* ---- text ---- */

/* Levels around the ground that belong to it, and from which on a pixel is ink. */
#define GROUND 8.0f
#define INK 40.0f

/* Levels between the ground and the darkest or brightest ink at least. */
#define CONTRAST 80.0f

/* Pixels that a stroke is wide at most, beginnings of strokes that a tile and its surroundings have at least. */
enum { STROKE = 4, STROKES = 12 };

/* The most frequent level, by bins of 8 that overlap by half. */
static float find_ground(const struct fovi_window *luma, const struct window *v)
{
    int n[65] = { 0 }, most = 0;
    for (int y = v->y0; y < v->y1; y++) {
        const float *row = fovi_window_row(luma, 0, y);
        for (int x = v->x0; x < v->x1; x++) {
            int bin = (int)(row[x] > 0.0f ? row[x] < 255.0f ? row[x] / 4.0f : 63.0f : 0.0f);
            n[bin]++;
            n[bin + 1]++;
        }
    }
    for (int i = 1; i < 65; i++)
        most = n[i] > n[most] ? i : most;
    return 4.0f * (float)most;
}

/* Lengths of the runs of ink through each pixel of a line of n, step apart. Returns how many runs begin in it. */
static int measure_runs(const unsigned char *ink, int n, int step, unsigned char *length)
{
    int n_runs = 0;
    for (int i = 0; i < n;) {
        int end = i;
        while (end < n && ink[end * step])
            end++;
        n_runs += end > i && i > 0;
        for (int k = i; k < end; k++)
            length[k * step] = (unsigned char)(end - i);
        i = end > i ? end : i + 1;
    }
    return n_runs;
}

static int is_like_text(const struct fovi_window *luma, int x, int y)
{
    unsigned char ink[SIDE * SIDE] = { 0 }, across[SIDE * SIDE] = { 0 }, down[SIDE * SIDE] = { 0 };
    const struct window v = look_at(luma, x, y);
    int width = v.x1 - v.x0, height = v.y1 - v.y0, n = width * height, n_ground = 0, n_ink = 0, n_thin = 0, n_runs = 0;
    float ground = find_ground(luma, &v), most = 0.0f;
    for (int i = 0; i < height; i++) {
        const float *row = fovi_window_row(luma, 0, v.y0 + i) + v.x0;
        for (int k = 0; k < width; k++) {
            float off = fabsf(row[k] - ground);
            n_ground += off <= GROUND;
            n_ink += ink[i * SIDE + k] = off >= INK;
            most = off > most ? off : most;
        }
    }
    if (most < CONTRAST || n_ground * 100 < n * 45 || n_ink * 100 < n * 4 || n_ink * 100 > n * 50)
        return 0;
    if ((n - n_ground - n_ink) * 100 > n * 25) /* between both: the flanks of strokes, not more */
        return 0;
    for (int i = 0; i < height; i++)
        n_runs += measure_runs(ink + i * SIDE, width, 1, across + i * SIDE);
    for (int k = 0; k < width; k++)
        measure_runs(ink + k, height, SIDE, down + k);
    for (int i = 0; i < SIDE * SIDE; i++)
        n_thin += ink[i] && (across[i] <= STROKE || down[i] <= STROKE);
    return n_runs >= STROKES && n_thin * 100 >= n_ink * 70;
}

/* ---- skin ---- */

/* Mean square of the Laplacian of luma between which a tile has the structure of a face. */
#define SMOOTH 2.0f
#define ROUGH 600.0f

static int is_skin(float r, float g, float b)
{
    float cb = 128.0f - 0.169f * r - 0.331f * g + 0.5f * b, cr = 128.0f + 0.5f * r - 0.419f * g - 0.081f * b;
    return cb >= 77.0f && cb <= 127.0f && cr >= 135.0f && cr <= 173.0f && r > g && g > b && r > 60.0f;
}

static int is_like_skin(const struct fovi_window *luma, const struct fovi_window *rgb, int x, int y)
{
    const struct window v = look_at(luma, x, y);
    int n_skin = 0, n = (v.x1 - v.x0) * (v.y1 - v.y0);
    float energy = 0.0f;
    for (int i = v.y0; i < v.y1; i++) {
        const float *red = fovi_window_row(rgb, 0, i), *green = fovi_window_row(rgb, 1, i);
        const float *blue = fovi_window_row(rgb, 2, i), *row = fovi_window_row(luma, 0, i);
        const float *above = fovi_window_row(luma, 0, i > v.y0 ? i - 1 : i);
        const float *below = fovi_window_row(luma, 0, i < v.y1 - 1 ? i + 1 : i);
        for (int k = v.x0; k < v.x1; k++) {
            float left = row[k > v.x0 ? k - 1 : k], right = row[k < v.x1 - 1 ? k + 1 : k];
            float bend = 4.0f * row[k] - left - right - above[k] - below[k];
            n_skin += is_skin(red[k], green[k], blue[k]);
            energy += bend * bend;
        }
    }
    return n_skin * 2 >= n && energy >= SMOOTH * (float)n && energy <= ROUGH * (float)n;
}

enum fovi_likeness fovi_likeness_of(const struct fovi_window *luma, const struct fovi_window *rgb, int x, int y)
{
    if (is_like_text(luma, x, y))
        return FOVI_LIKE_TEXT;
    return rgb && is_like_skin(luma, rgb, x, y) ? FOVI_LIKE_SKIN : FOVI_LIKE_NOTHING;
}
