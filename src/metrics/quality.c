/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be said of one picture: sharpness, noise, blockiness, from its luma. Strips of rows in parallel; sums are
 * added in order, and the histogram of the noise is of whole numbers, so that the figures do not depend on the number
 * of threads.
 */
#include <math.h>
#include <stdint.h>

#include "base/context.h"
#include "fovea/metrics.h"
#include "image/convert.h"
#include "metrics/pair.h"

/* A strip reads ABOVE rows above it and BELOW below it, for the window of the blur. */
enum { STRIP = 64, WINDOW = 9, ABOVE = WINDOW / 2 + 1, BELOW = WINDOW / 2, GRID = 8 };

/* Absolute responses of the noise mask, at most 8 x 255 for samples of 0..255, in steps of 1/32 level. */
enum { STEPS = 32, N_BINS = 2048 * STEPS };

/* Steps between neighbours along one axis. */
struct axis_sums {
    double step, blurred; /* sum of steps; and of the smaller of each and what a mean of 9 leaves of it */
    double grid, inside;  /* on the lines of the grid, and elsewhere */
    int64_t n_grid, n_inside;
};

struct strip {
    struct axis_sums across, down;
    int64_t n_odd; /* responses that are not finite */
};

struct work {
    struct fovi_pair pair; /* of the picture with itself: only the first is read */
    struct strip *strips;
    float *rows; /* for each thread: luma of the strip and its surroundings, and one row with all its planes */
    size_t rows_size;
    int64_t *bins; /* for each thread */
};

static float step_of(const float *a, const float *b, size_t x)
{
    return fabsf(a[x] - b[x]);
}

/* a and b: neighbours; far_a and far_b: the ends of their two windows, whose difference over 9 is that of the means.
 * n <= 0 is none. */
static void sum_blur(const float *a, const float *b, const float *far_a, const float *far_b, int n,
                     struct axis_sums *out)
{
    double step = 0.0, blurred = 0.0;
    for (int i = 0; i < n; i++) {
        float sharp = step_of(a, b, (size_t)i), soft = step_of(far_a, far_b, (size_t)i) * (1.0f / WINDOW);
        step += (double)sharp;
        blurred += (double)(sharp < soft ? sharp : soft);
    }
    out->step += step;
    out->blurred += blurred;
}

static void sum_grid_across(const float *row, int width, struct axis_sums *out)
{
    double grid = 0.0, all = 0.0;
    for (int x = 1; x < width; x++)
        all += (double)step_of(row, row - 1, (size_t)x);
    for (int x = GRID; x < width; x += GRID)
        grid += (double)step_of(row, row - 1, (size_t)x);
    int n = (width - 1) / GRID;
    out->grid += grid;
    out->inside += all - grid;
    out->n_grid += n;
    out->n_inside += width - 1 - n;
}

static void sum_grid_down(const float *row, const float *above, int width, int is_line, struct axis_sums *out)
{
    double sum = 0.0;
    for (int x = 0; x < width; x++)
        sum += (double)step_of(row, above, (size_t)x);
    *(is_line ? &out->grid : &out->inside) += sum;
    *(is_line ? &out->n_grid : &out->n_inside) += width;
}

/* The mask is the difference of two Laplacians: 1 -2 1, -2 4 -2, 1 -2 1. */
static void count_noise(const float *above, const float *row, const float *below, int width, int64_t *bins,
                        int64_t *n_odd)
{
    for (int x = 1; x < width - 1; x++) {
        float left = (above[x - 1] + below[x - 1]) - 2.0f * row[x - 1], middle = (above[x] + below[x]) - 2.0f * row[x];
        float right = (above[x + 1] + below[x + 1]) - 2.0f * row[x + 1];
        float response = fabsf((left + right) - 2.0f * middle) * STEPS;
        if (response < N_BINS)
            bins[(int)response]++;
        else if (isfinite(response))
            bins[N_BINS - 1]++;
        else
            ++*n_odd;
    }
}

static void measure_strip(void *arg, int index, int worker)
{
    const struct work *w = arg;
    const struct fovi_pair *pair = &w->pair;
    struct strip *out = &w->strips[index];
    int width = pair->width, height = pair->height, begin = index * STRIP;
    int end = begin + STRIP < height ? begin + STRIP : height, first = begin > ABOVE ? begin - ABOVE : 0;
    float *luma = w->rows + (size_t)worker * w->rows_size,
          *planes = luma + (size_t)(STRIP + ABOVE + BELOW) * (size_t)width;
    for (int y = first; y < end + BELOW && y < height; y++) {
        fovi_pair_load(pair, 0, y, planes);
        const float *from = fovi_pair_plane(pair, planes, pair->n_channels);
        for (int x = 0; x < width; x++)
            luma[(size_t)(y - first) * (size_t)width + (size_t)x] = from[x];
    }
    for (int y = begin; y < end; y++) {
        const float *row = luma + (size_t)(y - first) * (size_t)width;
        sum_blur(row + ABOVE, row + ABOVE - 1, row + ABOVE + BELOW, row, width - ABOVE - BELOW, &out->across);
        sum_grid_across(row, width, &out->across);
        if (y > 0)
            sum_grid_down(row, row - width, width, y % GRID == 0, &out->down);
        if (y >= ABOVE && y + BELOW < height)
            sum_blur(row, row - width, row + BELOW * width, row - ABOVE * width, width, &out->down);
        if (y > 0 && y + 1 < height)
            count_noise(row - width, row, row + width, width, w->bins + (size_t)worker * N_BINS, &out->n_odd);
    }
}

static void add(struct axis_sums *to, const struct axis_sums *from)
{
    to->step += from->step;
    to->blurred += from->blurred;
    to->grid += from->grid;
    to->inside += from->inside;
    to->n_grid += from->n_grid;
    to->n_inside += from->n_inside;
}

/* Median of the responses over .6745, the quartile of a normal distribution, and over the norm of the mask, 6. */
static double noise_of(const int64_t *bins)
{
    int64_t n = 0, below = 0;
    int i = 0;
    for (int k = 0; k < N_BINS; k++)
        n += bins[k];
    for (; below + bins[i] < n - n / 2; i++)
        below += bins[i];
    /* Half of all lie below; within a bin they are taken as evenly spread, but a bin of equal values is one. */
    double inside = i ? ((double)n / 2.0 - (double)below) / (double)bins[i] : 0.0;
    return ((double)i + inside) / STEPS / (0.67448975 * 6.0);
}

static void finish(const struct work *w, int n_strips, int n_threads, struct fovea_quality *out)
{
    /* So that flat pictures, and blocks that are flat inside, have finite ratios. */
    static const double floor_level = 0.25;
    struct strip total = { .n_odd = 0 };
    int shorter = w->pair.width < w->pair.height ? w->pair.width : w->pair.height;
    for (int i = 0; i < n_strips; i++) {
        add(&total.across, &w->strips[i].across);
        add(&total.down, &w->strips[i].down);
        total.n_odd += w->strips[i].n_odd;
    }
    for (int t = 1; t < n_threads; t++)
        for (int k = 0; k < N_BINS; k++)
            w->bins[k] += w->bins[(size_t)t * N_BINS + (size_t)k];
    if (shorter >= ABOVE + BELOW + 1 && total.across.step + total.down.step > 0.0) {
        double across = total.across.step > 0.0 ? total.across.blurred / total.across.step : 0.0;
        double down = total.down.step > 0.0 ? total.down.blurred / total.down.step : 0.0;
        out->sharpness = 1.0 - (across > down ? across : down);
    }
    if (shorter >= 3 && !total.n_odd)
        out->noise = noise_of(w->bins);
    if (shorter >= 2 * GRID)
        out->blockiness =
            ((total.across.grid / (double)total.across.n_grid + total.down.grid / (double)total.down.n_grid) * 0.5 +
             floor_level) /
            ((total.across.inside / (double)total.across.n_inside + total.down.inside / (double)total.down.n_inside) *
                 0.5 +
             floor_level);
}

int fovea_metrics_quality(fovea_context *ctx, const struct fovea_image *image, struct fovea_quality *out)
{
    struct work work = { .bins = NULL };
    int n_threads = fovea_context_threads(ctx), code = FOVEA_OK;
    *out = (struct fovea_quality){ (double)NAN, (double)NAN, (double)NAN };
    FOVI_TRY(fovi_format_check(ctx, &image->format));
    if (image->width < 1 || image->height < 1 || !image->data)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture without pixels cannot be measured");
    fovi_pair_init(&work.pair, image, image, 0);
    int n_strips = (image->height + STRIP - 1) / STRIP;
    work.rows_size = (STRIP + ABOVE + BELOW) * (size_t)image->width + fovi_pair_row_size(&work.pair);
    work.strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *work.strips);
    if (work.strips)
        work.rows = fovi_alloc(ctx, (size_t)n_threads, work.rows_size * sizeof *work.rows);
    if (work.rows)
        work.bins = fovi_alloc(ctx, (size_t)n_threads, N_BINS * sizeof *work.bins);
    if (work.bins) {
        fovi_parallel(ctx, measure_strip, &work, n_strips);
        finish(&work, n_strips, n_threads, out);
    } else {
        code = fovi_alloc_error(ctx);
    }
    fovi_free(ctx, work.bins);
    fovi_free(ctx, work.rows);
    fovi_free(ctx, work.strips);
    return code;
}
