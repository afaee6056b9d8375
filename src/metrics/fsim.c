/* SPDX-License-Identifier: BSD-2-Clause
 *
 * FSIM and FSIMc (Zhang, Zhang, Mou, Zhang 2011): the similarity of phase congruency and of gradients, weighted by the
 * congruency; FSIMc also that of the chroma I and Q. The pictures are first reduced to some 256 pixels by means of
 * whole blocks. Luma is 16..235 in FSIM and 0..255 in FSIMc; phase congruency does not tell the two apart, so that it
 * is made only once.
 */
#include "metrics/fsim.h"

#include <math.h>

#include "metrics/gradient.h"
#include "metrics/phase.h"

enum { MIN_SIDE = 6 };

struct sums {
    double fsim, fsimc, weight;
};

struct work {
    const struct fovi_pair *pair;
    int block, width, height; /* edge of the blocks that are averaged; size after that */
    int is_color;
    float *luma[2], *congruency[2]; /* luma: 0..255 */
    float *chroma;                  /* similarity of I and Q; NULL where there is no colour */
    float *memory;                  /* for each thread */
    size_t memory_size;
    struct sums *rows;
};

/* out[x] += the sum of the x-th `block` samples. */
static void add_blocks(const float *row, int block, int n, float *out)
{
    for (int x = 0; x < n; x++)
        for (int i = 0; i < block; i++)
            out[x] += row[(size_t)x * (size_t)block + (size_t)i];
}

/* Row y of picture i after averaging: red, green, blue or luma, in out, each width long. */
static void pool_row(const struct work *w, int i, int y, float *out, float *memory)
{
    int n_planes = w->is_color ? 3 : 1;
    size_t width = (size_t)w->width;
    for (size_t x = 0; x < (size_t)n_planes * width; x++)
        out[x] = 0.0f;
    for (int k = 0; k < w->block; k++) {
        fovi_pair_load(w->pair, i, y * w->block + k, memory);
        for (int c = 0; c < n_planes; c++)
            add_blocks(fovi_pair_plane(w->pair, memory, w->is_color ? c : w->pair->n_channels), w->block, w->width,
                       out + (size_t)c * width);
    }
    float scale = 1.0f / ((float)w->block * (float)w->block);
    for (size_t x = 0; x < (size_t)n_planes * width; x++)
        out[x] *= scale;
}

static float similarity(float a, float b, float t)
{
    return 1.0f - (a - b) * (a - b) / (a * a + b * b + t);
}

/* Red, green, blue to Y, I, Q, in place. */
static void to_yiq(float *planes, int n)
{
    float *red = planes, *green = planes + n, *blue = planes + 2 * (size_t)n;
    for (int x = 0; x < n; x++) {
        float r = red[x], g = green[x], b = blue[x];
        red[x] = 0.299f * r + 0.587f * g + 0.114f * b;
        green[x] = 0.5959f * r - 0.2746f * g - 0.3213f * b;
        blue[x] = 0.2115f * r - 0.5227f * g + 0.3112f * b;
    }
}

static void load_row(void *arg, int index, int worker)
{
    const struct work *w = arg;
    size_t width = (size_t)w->width, at = (size_t)index * width;
    float *pooled[2] = { w->memory + (size_t)worker * w->memory_size, NULL };
    pooled[1] = pooled[0] + 3 * width;
    for (int i = 0; i < 2; i++) {
        pool_row(w, i, index, pooled[i], pooled[0] + 6 * width);
        if (w->is_color)
            to_yiq(pooled[i], w->width);
        for (size_t x = 0; x < width; x++)
            w->luma[i][at + x] = pooled[i][x];
    }
    if (!w->is_color)
        return;
    const float *a = pooled[0] + width, *b = pooled[1] + width;
    for (size_t x = 0; x < width; x++) {
        float s_i = similarity(a[x], b[x], 200.0f), s_q = similarity(a[x + width], b[x + width], 200.0f);
        w->chroma[at + x] = powf(fabsf(s_i * s_q), 0.03f);
    }
}

/* Gradients of row y of a plane that is `outside` beyond its edges. rows: memory for 3 rows with an edge. */
static void gradients(const struct work *w, const float *plane, int y, float outside, float *rows, float *out)
{
    size_t width = (size_t)w->width, pitch = width + 2;
    for (int k = 0; k < 3; k++) {
        int from = y + k - 1, is_inside = from >= 0 && from < w->height;
        float *row = rows + (size_t)k * pitch;
        row[0] = row[width + 1] = outside;
        for (size_t x = 0; x < width; x++)
            row[x + 1] = is_inside ? plane[(size_t)from * width + x] : outside;
    }
    fovi_gradient_scharr(rows, rows + pitch, rows + 2 * pitch, w->width, out);
}

/* One row of the sums of one figure: outside and scale bring luma of 0..255 to what the figure is defined on. */
static double score_row(const struct work *w, int y, float outside, float scale, const float *chroma, float *memory)
{
    size_t width = (size_t)w->width, at = (size_t)y * width;
    float *gradient[2] = { memory, memory + width }, *rows = memory + 2 * width;
    for (int i = 0; i < 2; i++)
        gradients(w, w->luma[i], y, outside, rows, gradient[i]);
    double sum = 0.0;
    for (size_t x = 0; x < width; x++) {
        float a = w->congruency[0][at + x], b = w->congruency[1][at + x];
        float score = similarity(a, b, 0.85f) * similarity(gradient[0][x] * scale, gradient[1][x] * scale, 160.0f) *
                      (a > b ? a : b);
        sum += (double)(chroma ? score * chroma[at + x] : score);
    }
    return sum;
}

static void score(void *arg, int index, int worker)
{
    const struct work *w = arg;
    const float *a = w->congruency[0] + (size_t)index * (size_t)w->width;
    const float *b = w->congruency[1] + (size_t)index * (size_t)w->width;
    float *memory = w->memory + (size_t)worker * w->memory_size;
    struct sums *out = &w->rows[index];
    out->weight = 0.0;
    for (int x = 0; x < w->width; x++)
        out->weight += (double)(a[x] > b[x] ? a[x] : b[x]);
    if (!w->is_color) {
        out->fsim = out->fsimc = score_row(w, index, 0.0f, 1.0f, NULL, memory);
        return;
    }
    /* Studio luma is 16 + 219/255 Y, and 0 outside. */
    out->fsim = score_row(w, index, -16.0f * 255.0f / 219.0f, 219.0f / 255.0f, NULL, memory);
    out->fsimc = score_row(w, index, 0.0f, 1.0f, w->chroma, memory);
}

static int allocate(fovea_context *ctx, struct work *w)
{
    size_t width = (size_t)w->width, height = (size_t)w->height;
    float **planes[] = { &w->luma[0], &w->luma[1], &w->congruency[0], &w->congruency[1], &w->chroma };
    for (int i = 0; i < (w->is_color ? 5 : 4); i++) {
        *planes[i] = fovi_alloc(ctx, height, width * sizeof(float));
        if (!*planes[i])
            return fovi_alloc_error(ctx);
    }
    /* Loading: 3 averaged planes of both and a row of one; scores: 2 rows of gradients and 3 rows with their edges. */
    size_t load = 6 * width + fovi_pair_row_size(w->pair), gradient = 5 * width + 6;
    w->memory_size = load > gradient ? load : gradient;
    w->memory = fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), w->memory_size * sizeof(float));
    if (!w->memory)
        return fovi_alloc_error(ctx);
    w->rows = fovi_alloc(ctx, height, sizeof *w->rows);
    return w->rows ? FOVEA_OK : fovi_alloc_error(ctx);
}

static int run(fovea_context *ctx, struct work *w, double *fsim, double *fsimc)
{
    struct fovi_phase phase;
    FOVI_TRY(allocate(ctx, w));
    FOVI_TRY(fovi_phase_init(ctx, &phase, w->width, w->height));
    fovi_parallel(ctx, load_row, w, w->height);
    for (int i = 0; i < 2; i++)
        fovi_phase_run(ctx, &phase, w->luma[i], w->congruency[i]);
    fovi_phase_free(ctx, &phase);
    fovi_parallel(ctx, score, w, w->height);
    struct sums total = { 0.0, 0.0, 0.0 };
    for (int y = 0; y < w->height; y++) {
        total.fsim += w->rows[y].fsim;
        total.fsimc += w->rows[y].fsimc;
        total.weight += w->rows[y].weight;
    }
    *fsim = total.fsim / total.weight;
    *fsimc = total.fsimc / total.weight;
    return FOVEA_OK;
}

int fovi_fsim(fovea_context *ctx, const struct fovi_pair *pair, double *fsim, double *fsimc)
{
    int shorter = pair->width < pair->height ? pair->width : pair->height;
    *fsim = *fsimc = (double)NAN;
    if (shorter < MIN_SIDE)
        return FOVEA_OK;
    struct work work = { .pair = pair, .is_color = pair->n_color == 3 };
    /* Half to even, which is what programs in Python do. */
    work.block = (int)nearbyint(shorter / 256.0);
    work.block = work.block < 1 ? 1 : work.block;
    work.width = pair->width / work.block;
    work.height = pair->height / work.block;
    int code = run(ctx, &work, fsim, fsimc);
    for (int i = 0; i < 2; i++) {
        fovi_free(ctx, work.luma[i]);
        fovi_free(ctx, work.congruency[i]);
    }
    fovi_free(ctx, work.chroma);
    fovi_free(ctx, work.memory);
    fovi_free(ctx, work.rows);
    return code;
}
