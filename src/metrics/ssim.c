/* SPDX-License-Identifier: BSD-2-Clause
 *
 * SSIM (Wang, Bovik, Sheikh, Simoncelli 2004): Gaussian window 11x11 of sigma 1.5, K1 .01, K2 .03, L 255, weighted
 * population moments. Four maps are smoothed, not five: only the sum of the two variances is needed. All in double,
 * because a variance is a small difference of large numbers.
 */
#include "metrics/ssim.h"

#include <math.h>

enum { WINDOW = FOVI_SSIM_WINDOW, HALF = WINDOW / 2, N_MAPS = 4 }; /* maps: a, b, a^2 + b^2, a b */

/* exp(-d^2 / (2 1.5^2)) at distance d = 0..5, over its sum from -5 to 5. */
static const double gauss[HALF + 1] = { 0.2660117248617943,  0.21300553771125366,  0.1093606895097,
                                        0.03600077212843082, 0.007598758135239184, 0.0010283800844791099 };

/* Memory: rings of WINDOW smoothed rows for each map, and one row for each map to work in. */
size_t fovi_ssim_memory(int width)
{
    return (size_t)width * N_MAPS * (WINDOW + 1);
}

void fovi_ssim_begin(struct fovi_ssim *s, int width, double *memory)
{
    *s = (struct fovi_ssim){ .width = width, .memory = memory };
}

static double *ring_row(const struct fovi_ssim *s, int map, int slot)
{
    return s->memory + ((size_t)map * WINDOW + (size_t)(slot % WINDOW)) * (size_t)s->width;
}

static double *work_row(const struct fovi_ssim *s, int map)
{
    return s->memory + ((size_t)N_MAPS * WINDOW + (size_t)map) * (size_t)s->width;
}

static void make_maps(const struct fovi_ssim *s, const float *a, const float *b)
{
    double *restrict m0 = work_row(s, 0), *restrict m1 = work_row(s, 1);
    double *restrict m2 = work_row(s, 2), *restrict m3 = work_row(s, 3);
    for (int x = 0; x < s->width; x++) {
        double p = (double)a[x], q = (double)b[x];
        m0[x] = p;
        m1[x] = q;
        m2[x] = p * p + q * q;
        m3[x] = p * q;
    }
}

/* Weighted sum of rows[0..10] symmetric about rows[5]; across a row these are the row at 11 offsets. */
static void smooth(const double *const rows[WINDOW], int n, double *restrict out)
{
    const double *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4], *r5 = rows[5];
    const double *r6 = rows[6], *r7 = rows[7], *r8 = rows[8], *r9 = rows[9], *r10 = rows[10];
    for (int x = 0; x < n; x++)
        out[x] = gauss[0] * r5[x] + gauss[1] * (r4[x] + r6[x]) + gauss[2] * (r3[x] + r7[x]) +
                 gauss[3] * (r2[x] + r8[x]) + gauss[4] * (r1[x] + r9[x]) + gauss[5] * (r0[x] + r10[x]);
}

static void smooth_across(const double *row, int n, double *out)
{
    const double *rows[WINDOW];
    for (int k = 0; k < WINDOW; k++)
        rows[k] = row + k;
    smooth(rows, n, out);
}

static void smooth_down(const struct fovi_ssim *s, int map, int n, double *out)
{
    const double *rows[WINDOW];
    for (int k = 0; k < WINDOW; k++)
        rows[k] = ring_row(s, map, s->n_rows - WINDOW + k);
    smooth(rows, n, out);
}

/* SSIM of each window from its four moments. Destroys the moments. */
static void sum_windows(const struct fovi_ssim *s, int n, struct fovi_ssim_sums *sums)
{
    static const double c1 = (0.01 * 255.0) * (0.01 * 255.0), c2 = (0.03 * 255.0) * (0.03 * 255.0);
    double *restrict mean_a = work_row(s, 0), *restrict mean_b = work_row(s, 1);
    double *restrict squares = work_row(s, 2), *restrict product = work_row(s, 3);
    for (int x = 0; x < n; x++) {
        double ab = mean_a[x] * mean_b[x], aa_bb = mean_a[x] * mean_a[x] + mean_b[x] * mean_b[x];
        mean_b[x] = (2.0 * (product[x] - ab) + c2) / (squares[x] - aa_bb + c2);
        mean_a[x] = mean_b[x] * ((2.0 * ab + c1) / (aa_bb + c1));
    }
    double ssim = 0.0, contrast = 0.0;
    for (int x = 0; x < n; x++) {
        ssim += mean_a[x];
        contrast += mean_b[x];
    }
    sums->ssim += ssim;
    sums->contrast += contrast;
}

void fovi_ssim_push(struct fovi_ssim *s, const float *a, const float *b, struct fovi_ssim_sums *sums)
{
    int n = s->width - WINDOW + 1;
    make_maps(s, a, b);
    for (int map = 0; map < N_MAPS; map++)
        smooth_across(work_row(s, map), n, ring_row(s, map, s->n_rows));
    if (++s->n_rows < WINDOW)
        return;
    for (int map = 0; map < N_MAPS; map++)
        smooth_down(s, map, n, work_row(s, map));
    sum_windows(s, n, sums);
}
