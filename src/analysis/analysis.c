/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The difficulty map: luma rows go through a ring, rows of tiles are computed a few at a time in jobs of some tiles.
 *
 * Beyond the picture the luma is mirrored with its edge sample repeated, as often as needed for small pictures. How
 * hard a tile is follows the Naka-Rushton curve of receptors, v^n / (v^n + c^n), of the residuals' amplitude v: a
 * logistic curve of log v, which spreads the roughly log-normal energies of photographs over 0..1.
 */
#include "analysis/analysis.h"

#include <math.h>

#include "analysis/analysis_dsp.h"
#include "base/checked.h"
#include "image/convert.h"

enum {
    BANDS = 4, /* rows of tiles computed at a time */
    PAD = FOVI_ANALYSIS_ABOVE,
    BELOW = 7, /* rows under a tile that its features read */
    RING = PAD + BANDS * FOVEA_TILE + 2 * PAD
};

_Static_assert(FOVI_ANALYSIS_TILE == FOVEA_TILE && FOVI_ANALYSIS_N == FOVEA_N_FEATURES, "kernel and header differ");

typedef void block_fn(const struct fovi_analysis_block *b);

struct fovi_analysis {
    fovea_context *ctx;
    struct fovea_map *map;
    block_fn *block;
    int n_rows;    /* pushed so far */
    int band;      /* first row of tiles that is not computed yet */
    int n_chunks;  /* jobs in a row of tiles */
    size_t stride; /* floats from one row of the ring to the next */
    float *ring;   /* row y in slot y % RING, PAD floats of border before it and behind its last tile */
    struct fovi_analysis_scratch *scratch; /* one for each thread */
};

/* The map as it is allocated: who shall free it stands behind it. */
struct owned_map {
    struct fovea_map map;
    fovea_context *ctx;
};

static int map_create(fovea_context *ctx, int width, int height, struct fovea_map **out)
{
    struct owned_map *owned = fovi_alloc(ctx, 1, sizeof *owned);
    if (!owned)
        return fovi_alloc_error(ctx);
    owned->ctx = ctx;
    struct fovea_map *map = &owned->map;
    map->width = width;
    map->height = height;
    map->n_tiles_x = (width - 1) / FOVEA_TILE + 1;
    map->n_tiles_y = (height - 1) / FOVEA_TILE + 1;
    *out = map;
    size_t n_tiles;
    if (!fovi_mul_size((size_t)map->n_tiles_x, (size_t)map->n_tiles_y, &n_tiles))
        return fovi_fail(ctx, FOVEA_E_LIMIT, "a picture of %d x %d has too many tiles", width, height);
    map->tiles = fovi_alloc(ctx, n_tiles, sizeof *map->tiles);
    return map->tiles ? FOVEA_OK : fovi_alloc_error(ctx);
}

void fovea_map_free(struct fovea_map **map)
{
    if (!map || !*map)
        return;
    struct owned_map *owned = (struct owned_map *)*map;
    fovi_free(owned->ctx, owned->map.tiles);
    fovi_free(owned->ctx, owned);
    *map = NULL;
}

static block_fn *choose_block(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX2)
        return analysis_block_f32_avx2;
#endif
    (void)cpu;
    return analysis_block_f32_c;
}

int fovi_analysis_create(fovea_context *ctx, int width, int height, struct fovi_analysis **out)
{
    *out = NULL;
    if (width < 1 || height < 1 || width > 1 << 30 || height > 1 << 30)
        return fovi_fail(ctx, FOVEA_E_ARG, "a picture of %d x %d cannot be analysed", width, height);
    struct fovi_analysis *a = fovi_alloc(ctx, 1, sizeof *a);
    if (!a)
        return fovi_alloc_error(ctx);
    a->ctx = ctx;
    a->block = choose_block(fovea_context_cpu(ctx));
    int code = map_create(ctx, width, height, &a->map);
    if (!code) {
        a->n_chunks = (a->map->n_tiles_x - 1) / FOVI_ANALYSIS_TILES + 1;
        a->stride = (size_t)a->map->n_tiles_x * FOVEA_TILE + 2 * PAD;
        a->ring = fovi_alloc(ctx, (size_t)(height < RING ? height : RING), a->stride * sizeof *a->ring);
        a->scratch = a->ring ? fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), sizeof *a->scratch) : NULL;
        if (!a->scratch)
            code = fovi_alloc_error(ctx);
    }
    if (code) {
        fovi_analysis_free(&a);
        return code;
    }
    *out = a;
    return FOVEA_OK;
}

void fovi_analysis_free(struct fovi_analysis **a)
{
    if (!a || !*a)
        return;
    fovea_context *ctx = (*a)->ctx;
    fovea_map_free(&(*a)->map);
    fovi_free(ctx, (*a)->ring);
    fovi_free(ctx, (*a)->scratch);
    fovi_free(ctx, *a);
    *a = NULL;
}

/* Index i of n samples continued by mirroring, edge samples repeated. */
static int mirror(int i, int n)
{
    if (i >= 0 && i < n)
        return i;
    int64_t period = 2 * (int64_t)n, m = ((int64_t)i % period + period) % period;
    return (int)(m < n ? m : period - 1 - m);
}

static float *ring_row(const struct fovi_analysis *a, int y)
{
    return a->ring + (size_t)(y % RING) * a->stride + PAD;
}

/* 0 flat .. 1 hardest. Amplitudes below the rounding of eight bits do not count. */
static float difficulty(const float *feature)
{
    const float half_way = 4.0f, rounding = 0.25f; /* n = 1.5 */
    float v = sqrtf(0.5f * feature[FOVEA_FEATURE_HIGH_FREQUENCY] + 2.0f * feature[FOVEA_FEATURE_SELF_CONSISTENCY]);
    v = v > rounding ? (v - rounding) / half_way : 0.0f;
    v *= sqrtf(v);
    return v / (v + 1.0f);
}

/* One job: some tiles of one row of tiles. */
static void compute_chunk(void *arg, int index, int worker)
{
    struct fovi_analysis *a = arg;
    const struct fovea_map *map = a->map;
    int tile_y = a->band + index / a->n_chunks, tile_x = index % a->n_chunks * FOVI_ANALYSIS_TILES;
    int x0 = tile_x * FOVEA_TILE, y0 = tile_y * FOVEA_TILE;
    float out[FOVI_ANALYSIS_TILES][FOVI_ANALYSIS_N];
    struct fovi_analysis_block b = {
        .at_left = x0 == 0, .at_top = y0 == 0, .out = out, .scratch = a->scratch + worker
    };
    b.n_tiles = map->n_tiles_x - tile_x < FOVI_ANALYSIS_TILES ? map->n_tiles_x - tile_x : FOVI_ANALYSIS_TILES;
    b.width = map->width - x0 < FOVI_ANALYSIS_PX ? map->width - x0 : FOVI_ANALYSIS_PX;
    b.height = map->height - y0 < FOVEA_TILE ? map->height - y0 : FOVEA_TILE;
    for (int k = 0; k < FOVI_ANALYSIS_ROWS; k++)
        b.row[k] = ring_row(a, mirror(y0 + k - FOVI_ANALYSIS_ABOVE, map->height)) + x0;
    a->block(&b);
    struct fovea_tile_features *tile = map->tiles + (size_t)tile_y * (size_t)map->n_tiles_x + (size_t)tile_x;
    for (int t = 0; t < b.n_tiles; t++) {
        for (int k = 0; k < FOVEA_N_FEATURES; k++)
            tile[t].value[k] = out[t][k];
        tile[t].difficulty = difficulty(out[t]);
    }
}

static void compute_bands(struct fovi_analysis *a, int n)
{
    fovi_parallel(a->ctx, compute_chunk, a, n * a->n_chunks);
    a->band += n;
}

/* Samples of float pictures may be anything: keep them where sums of squares stay finite (NaN becomes the lower end),
 * then mirror the row into its border. */
static void finish_row(struct fovi_analysis *a, float *row)
{
    int width = a->map->width, end = a->map->n_tiles_x * FOVEA_TILE + PAD;
    for (int x = 0; x < width; x++) {
        float v = row[x] > -1e4f ? row[x] : -1e4f;
        row[x] = v < 1e4f ? v : 1e4f;
    }
    for (int x = -PAD; x < 0; x++)
        row[x] = row[mirror(x, width)];
    for (int x = width; x < end; x++)
        row[x] = row[mirror(x, width)];
}

float *fovi_analysis_row(struct fovi_analysis *a)
{
    return a->n_rows < a->map->height ? ring_row(a, a->n_rows) : NULL;
}

int fovi_analysis_push(struct fovi_analysis *a)
{
    if (a->n_rows >= a->map->height)
        return fovi_fail(a->ctx, FOVEA_E_ARG, "more rows than the analysed picture has (%d)", a->map->height);
    finish_row(a, ring_row(a, a->n_rows++));
    if (a->n_rows - a->band * FOVEA_TILE >= BANDS * FOVEA_TILE + BELOW && a->n_rows < a->map->height)
        compute_bands(a, BANDS);
    return FOVEA_OK;
}

int fovi_analysis_finish(struct fovi_analysis *a, struct fovea_map **out)
{
    *out = NULL;
    if (!a->map || a->n_rows < a->map->height)
        return fovi_fail(a->ctx, FOVEA_E_ARG, "the analysis got %d rows only", a->n_rows);
    compute_bands(a, a->map->n_tiles_y - a->band);
    *out = a->map;
    a->map = NULL;
    return FOVEA_OK;
}
