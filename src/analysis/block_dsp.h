/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The features of a row of tiles, written once and compiled for each instruction set: the including file defines
 * ANALYSIS_BLOCK, the name of the one function that it exports. All loops run along x over whole tiles and hold no
 * reduction, so compilers vectorise them without changing a result.
 *
 * (D U) on an axis, bicubic x2 followed by its antialiased reduction, is one symmetric filter of 7 taps with dyadic
 * coefficients; the half-resolution residual is computed on even and odd columns apart.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "analysis/analysis_dsp.h"

/* Keeps the ratio of two mean steps near 1 where there are hardly any, in levels. */
#define STEP_FLOOR 0.0625f

/* Gaussian of sigma 1, seven taps, normalised: the centre, then one side. */
static const float gauss_tap[4] = { 0.39905027965245493f, 0.24203622937611435f, 0.0540055826224145f,
                                    0.004433048175243746f };

/* D U. */
static const float same_tap[4] = { 3313.0f / 4096, 2133.0f / 16384, -297.0f / 8192, 27.0f / 16384 };

/* The reduction by 2: Keys cubic (a = -0.5) widened by 2, one side; and the enlargement by 2 at a quarter pixel from
 * the nearest sample, from the far side before that sample to the far side behind it. */
static const float down_tap[4] = { 0.43359375f, 0.11328125f, -0.03515625f, -0.01171875f };
static const float up_tap[4] = { -0.0234375f, 0.2265625f, 0.8671875f, -0.0703125f };

static inline float symmetric7(const float *restrict p, const float *tap)
{
    return tap[0] * p[0] + tap[1] * (p[-1] + p[1]) + tap[2] * (p[-2] + p[2]) + tap[3] * (p[-3] + p[3]);
}

/* Both filters down the columns; x runs from 8 before the tiles to 8 behind them. */
static void filter_columns(const float *const *row, int n, float *restrict gauss, float *restrict same)
{
    const float *a = row[-3] - 8, *b = row[-2] - 8, *c = row[-1] - 8, *d = row[0] - 8;
    const float *e = row[1] - 8, *f = row[2] - 8, *g = row[3] - 8;
    for (int x = 0; x < n + 16; x++) {
        float s1 = c[x] + e[x], s2 = b[x] + f[x], s3 = a[x] + g[x];
        gauss[x] = gauss_tap[0] * d[x] + gauss_tap[1] * s1 + gauss_tap[2] * s2 + gauss_tap[3] * s3;
        same[x] = same_tap[0] * d[x] + same_tap[1] * s1 + same_tap[2] * s2 + same_tap[3] * s3;
    }
}

static void add_residuals(const float *const *row, int n, struct fovi_analysis_scratch *s)
{
    const float *y = row[0], *above = row[-1], *below = row[1];
    const float *gauss = s->gauss + 8, *same = s->same + 8;
    float *restrict gradient = s->gradient, *restrict length = s->length;
    float *restrict high = s->high, *restrict consistency = s->consistency;
    for (int x = 0; x < n; x++) {
        float gx = 0.5f * (y[x + 1] - y[x - 1]), gy = 0.5f * (below[x] - above[x]);
        float h = y[x] - symmetric7(gauss + x, gauss_tap), c = y[x] - symmetric7(same + x, same_tap);
        float square = gx * gx + gy * gy;
        gradient[x] += square;
        length[x] += sqrtf(square);
        high[x] += h * h;
        consistency[x] += c * c;
    }
}

static inline float magnitude(float v)
{
    return v < 0.0f ? -v : v;
}

static void add_steps(const float *const *row, int n, float *restrict step_x, float *restrict step_y)
{
    const float *y = row[0], *above = row[-1];
    for (int x = 0; x < n; x++) {
        step_x[x] += magnitude(y[x] - y[x - 1]);
        step_y[x] += magnitude(y[x] - above[x]);
    }
}

/* A row of the picture at half resolution, at half row j (relative to the tiles); columns from -2 to n / 2 + 1. */
static void make_half_row(const struct fovi_analysis_block *b, int j, int n, float *restrict out)
{
    struct fovi_analysis_scratch *s = b->scratch;
    const float *const *r = b->row + FOVI_ANALYSIS_ABOVE + 2 * j;
    const float *r0 = r[0] - 8, *r1 = r[1] - 8, *m1 = r[-1] - 8, *r2 = r[2] - 8;
    const float *m2 = r[-2] - 8, *r3 = r[3] - 8, *m3 = r[-3] - 8, *r4 = r[4] - 8;
    float *restrict down = s->down, *restrict even = s->even, *restrict odd = s->odd;
    for (int x = 0; x < n + 16; x++)
        down[x] = down_tap[0] * (r0[x] + r1[x]) + down_tap[1] * (m1[x] + r2[x]) + down_tap[2] * (m2[x] + r3[x]) +
                  down_tap[3] * (m3[x] + r4[x]);
    for (int i = 0; i < n / 2 + 8; i++) {
        even[i] = down[2 * i];
        odd[i] = down[2 * i + 1];
    }
    for (int i = 0; i < n / 2 + 4; i++)
        out[i] = down_tap[0] * (even[i + 2] + odd[i + 2]) + down_tap[1] * (odd[i + 1] + even[i + 3]) +
                 down_tap[2] * (even[i + 1] + odd[i + 3]) + down_tap[3] * (odd[i] + even[i + 4]);
}

/* Row y of the tiles less its copy that went through half resolution. */
static void add_half_residual(const struct fovi_analysis_block *b, int y, int n)
{
    struct fovi_analysis_scratch *s = b->scratch;
    const float *src = b->row[FOVI_ANALYSIS_ABOVE + y];
    int i = y / 2 + 2;
    const float *a = s->half[y & 1 ? i + 2 : i - 2], *c = s->half[y & 1 ? i + 1 : i - 1], *d = s->half[i];
    const float *e = s->half[y & 1 ? i - 1 : i + 1];
    float *restrict up = s->up, *restrict even = s->even, *restrict odd = s->odd;
    for (int x = 0; x < n / 2 + 4; x++)
        up[x] = up_tap[0] * a[x] + up_tap[1] * c[x] + up_tap[2] * d[x] + up_tap[3] * e[x];
    for (int x = 0; x < n / 2; x++) {
        even[x] = src[2 * x];
        odd[x] = src[2 * x + 1];
    }
    float *restrict sum_even = s->half_even, *restrict sum_odd = s->half_odd;
    for (int x = 0; x < n / 2; x++) {
        const float *p = up + x + 2;
        float r0 = even[x] - (up_tap[0] * p[-2] + up_tap[1] * p[-1] + up_tap[2] * p[0] + up_tap[3] * p[1]);
        float r1 = odd[x] - (up_tap[0] * p[2] + up_tap[1] * p[1] + up_tap[2] * p[0] + up_tap[3] * p[-1]);
        sum_even[x] += r0 * r0;
        sum_odd[x] += r1 * r1;
    }
}

/* Orthonormal DCT-II of eight values, each n lanes wide and stride floats from the next. */
static inline void dct8(const float *const *in, float *restrict out, int stride, int n)
{
    const float c1 = 0.4903926402016152f, c2 = 0.46193976625564337f, c3 = 0.4157348061512726f;
    const float c4 = 0.3535533905932738f, c5 = 0.27778511650980114f, c6 = 0.19134171618254492f;
    const float c7 = 0.09754516100806417f;
    const float *a = in[0], *b = in[1], *c = in[2], *d = in[3], *e = in[4], *f = in[5], *g = in[6], *h = in[7];
    for (int x = 0; x < n; x++) {
        float s0 = a[x] + h[x], s1 = b[x] + g[x], s2 = c[x] + f[x], s3 = d[x] + e[x];
        float d0 = a[x] - h[x], d1 = b[x] - g[x], d2 = c[x] - f[x], d3 = d[x] - e[x];
        float p0 = s0 + s3, p1 = s1 + s2, q0 = s0 - s3, q1 = s1 - s2;
        out[x] = c4 * (p0 + p1);
        out[x + 4 * stride] = c4 * (p0 - p1);
        out[x + 2 * stride] = c2 * q0 + c6 * q1;
        out[x + 6 * stride] = c6 * q0 - c2 * q1;
        out[x + stride] = c1 * d0 + c3 * d1 + c5 * d2 + c7 * d3;
        out[x + 3 * stride] = c3 * d0 - c7 * d1 - c1 * d2 - c5 * d3;
        out[x + 5 * stride] = c5 * d0 - c1 * d1 + c7 * d2 + c3 * d3;
        out[x + 7 * stride] = c7 * d0 - c5 * d1 + c3 * d2 - c1 * d3;
    }
}

/* Add the energies of the three bands of one 8x8 block whose columns were transformed already: q[v][u]. */
static void add_bands(float (*q)[8], float *low, float *mid, float *high)
{
    float sum[3][8] = { { 0 } };
    for (int v = 0; v < 8; v++) {
        for (int u = 0; u < 8; u++) {
            float e = q[v][u] * q[v][u];
            sum[0][u] += u + v >= 1 && u + v < 3 ? e : 0.0f;
            sum[1][u] += u + v >= 3 && u + v < 6 ? e : 0.0f;
            sum[2][u] += u + v >= 6 ? e : 0.0f;
        }
    }
    for (int u = 0; u < 8; u++) {
        *low += sum[0][u];
        *mid += sum[1][u];
        *high += sum[2][u];
    }
}

/* DCT energies of the blocks in rows y..y+7 of the tiles; blocks that begin beyond the picture do not count. */
static void add_dct(const struct fovi_analysis_block *b, int y, int n)
{
    struct fovi_analysis_scratch *s = b->scratch;
    dct8(b->row + FOVI_ANALYSIS_ABOVE + y, s->dct[0], FOVI_ANALYSIS_PX, n);
    for (int k = 0; 8 * k < b->width; k++) {
        float turned[8][8], q[8][8];
        const float *lane[8];
        for (int x = 0; x < 8; x++) {
            for (int u = 0; u < 8; u++)
                turned[x][u] = s->dct[u][8 * k + x];
            lane[x] = turned[x];
        }
        dct8(lane, q[0], 8, 8);
        add_bands(q, &s->band[0][k], &s->band[1][k], &s->band[2][k]);
    }
}

static float sum_up(const float *p, int n)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

/* Mean step on the 8x8 grid over the mean step elsewhere, for the tile at column x0 of w x h pixels; 1 without a
 * grid line inside. Across the picture's edge there is no step (the reflection gave a zero). */
static float blockiness(const struct fovi_analysis_block *b, int x0, int w, int h)
{
    const struct fovi_analysis_scratch *s = b->scratch;
    float grid = 0.0f, inside = 0.0f;
    int n_grid = 0, n_inside = 0;
    for (int x = b->at_left && x0 == 0 ? 1 : 0; x < w; x++) {
        if (x % 8 == 0) {
            grid += s->step_x[x0 + x];
            n_grid += h;
        } else {
            inside += s->step_x[x0 + x];
            n_inside += h;
        }
    }
    int grid_rows = (h + 7) / 8;
    grid += sum_up(s->step_y_grid + x0, w);
    inside += sum_up(s->step_y + x0, w);
    n_grid += (grid_rows - (b->at_top ? 1 : 0)) * w;
    n_inside += (h - grid_rows) * w;
    if (n_grid == 0 || n_inside == 0)
        return 1.0f;
    return (grid / (float)n_grid + STEP_FLOOR) / (inside / (float)n_inside + STEP_FLOOR);
}

static void reduce_tile(const struct fovi_analysis_block *b, int tile, float *out)
{
    const struct fovi_analysis_scratch *s = b->scratch;
    int x0 = tile * FOVI_ANALYSIS_TILE, w = b->width - x0 < FOVI_ANALYSIS_TILE ? b->width - x0 : FOVI_ANALYSIS_TILE;
    float n = (float)(w * b->height);
    out[0] = sum_up(s->gradient + x0, w) / n;
    out[1] = sum_up(s->high + x0, w) / n;
    out[2] = sum_up(s->consistency + x0, w) / n;
    out[3] = (sum_up(s->half_even + x0 / 2, (w + 1) / 2) + sum_up(s->half_odd + x0 / 2, w / 2)) / n;
    float n_dct = (float)(64 * ((w + 7) / 8) * ((b->height + 7) / 8));
    for (int k = 0; k < 3; k++)
        out[4 + k] = (s->band[k][2 * tile] + s->band[k][2 * tile + 1]) / n_dct;
    out[7] = blockiness(b, x0, w, b->height);
    float mean_length = sum_up(s->length + x0, w) / n;
    out[8] = mean_length * mean_length;
}

void ANALYSIS_BLOCK(const struct fovi_analysis_block *b)
{
    struct fovi_analysis_scratch *s = b->scratch;
    const float *const *row = b->row + FOVI_ANALYSIS_ABOVE;
    int n = b->n_tiles * FOVI_ANALYSIS_TILE;
    memset(s->gradient, 0, sizeof *s - offsetof(struct fovi_analysis_scratch, gradient));
    for (int y = 0; y < b->height; y++) {
        filter_columns(row + y, n, s->gauss, s->same);
        add_residuals(row + y, n, s);
        add_steps(row + y, n, s->step_x, y % 8 ? s->step_y : s->step_y_grid);
    }
    for (int j = -2; j < b->height / 2 + 2; j++)
        make_half_row(b, j, n, s->half[j + 2]);
    for (int y = 0; y < b->height; y++)
        add_half_residual(b, y, n);
    for (int y = 0; y < b->height; y += 8)
        add_dct(b, y, n);
    for (int tile = 0; tile < b->n_tiles; tile++)
        reduce_tile(b, tile, b->out[tile]);
}
