/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Refinement: what filter or networks add to the luma of the bicubic enlargement by 2, 3 or 4, tile by tile.
 *
 * Where the colour planes are not red, green and blue each is its own luma, and a mask (alpha) is treated as grey, each
 * tile by the path that the colour there takes, but for tiles where the mask is one level. Work goes in bands of whole
 * tiles, so that the verdict on a tile never depends on the strips.
 *
 * Float pictures may go beyond the range that filter and networks know: they see luma cut off at the range's ends, and
 * what they add fades out where the base lies outside.
 */
#include <string.h>

#include "base/clock.h"
#include "filter/filter.h"
#include "image/convert.h"
#include "net/exec.h"
#include "pipeline/measure_dsp.h"
#include "pipeline/stage.h"

/* Input rows that the bicubic base needs below a row. */
#define BASE_REACH 3

/* Levels beyond the range over which what is added fades out. */
#define FADE 24.0f

/* Most tile columns that the filter takes at a time. */
#define SLICE_TILES 16

/* Levels that may be added to a pixel of a tile like text or skin where the mode is strict. */
#define HOLD 4.0f

/* A luma and the planes that it stands for. */
struct group {
    int first_plane, n_planes, is_mask;
    float low, high;         /* range of the luma where filter and network are at home */
    uint8_t *path;           /* of each tile */
    struct fovi_window luma; /* of the input, held to its range */
    struct fovi_window wide; /* where the base is asked for: luma at the new width, not held to the range */
    struct fovi_exec *exec[FOVI_MAX_NETWORKS];
    struct fovi_filter_run **sweeps; /* of the filter, one for each slice of columns; NULL without one */
};

struct refine {
    struct fovi_stage stage;
    struct fovi_stage *in;
    struct fovi_refine_params params;
    const struct fovi_resample_dsp *dsp;
    const struct fovi_measure_dsp *measure;
    struct fovi_axis ax, ay;
    int needs_base; /* the fading out asks for the luma of the base */
    int n_groups;
    struct group *groups;
    int n_lumas; /* groups that are no mask */
    int reach;   /* input rows needed below a band */
    int ahead;   /* input rows wanted below a band: more than reach where there is a mask */
    int n_tiles_x, n_tiles_y;
    int n_sweeps;    /* slices of tile columns that the filter works on one by one */
    int n_mask_rows; /* rows of tiles whose path for the mask is known */
    double mask_ms;  /* networks' time for it */
    /* of the band in work */
    int band_y0, band_y1;
    struct group *group;
    float *delta; /* its first row, the others follow it */
};

static void refine_free(struct fovi_stage *stage)
{
    struct refine *r = (struct refine *)stage;
    fovea_context *ctx = stage->run->ctx;
    for (int g = 0; r->groups && g < r->n_groups; g++) {
        for (int i = 0; i < r->params.n_networks; i++)
            fovi_exec_free(&r->groups[g].exec[i]);
        for (int i = 0; r->groups[g].sweeps && i < r->n_sweeps; i++)
            fovi_filter_run_free(ctx, &r->groups[g].sweeps[i]);
        fovi_free(ctx, r->groups[g].sweeps);
        fovi_window_free(ctx, &r->groups[g].luma);
        fovi_window_free(ctx, &r->groups[g].wide);
        if (r->groups[g].is_mask)
            fovi_free(ctx, r->groups[g].path);
    }
    fovi_window_free(ctx, &stage->out);
    fovi_axis_free(ctx, &r->ax);
    fovi_axis_free(ctx, &r->ay);
    fovi_free(ctx, r->groups);
    fovi_free(ctx, r);
}

static void refine_reset(struct fovi_stage *stage)
{
    struct refine *r = (struct refine *)stage;
    fovi_window_reset(&stage->out);
    r->n_mask_rows = 0;
    r->mask_ms = 0.0;
    for (int g = 0; g < r->n_groups; g++) {
        if (r->groups[g].is_mask)
            memcpy(r->groups[g].path, r->params.path, (size_t)r->n_tiles_x * (size_t)r->n_tiles_y);
        fovi_window_reset(&r->groups[g].luma);
        fovi_window_reset(&r->groups[g].wide);
        for (int i = 0; r->groups[g].sweeps && i < r->n_sweeps; i++)
            fovi_filter_run_reset(r->groups[g].sweeps[i]);
        for (int i = 0; i < r->params.n_networks; i++)
            fovi_exec_begin(r->groups[g].exec[i], r->groups[g].path, (uint8_t)r->params.network[i].path);
    }
}

/* ---- input: luma ---- */

/* Luma of row y of the input; the edge pixel is repeated beyond both sides for the filter's window. */
static void take_luma(const struct refine *r, const struct group *g, int y)
{
    float *planes[3], *luma = fovi_window_row(&g->luma, 0, y);
    int width = g->luma.width;
    for (int c = 0; c < g->n_planes; c++)
        planes[c] = fovi_window_row(&r->in->out, g->first_plane + c, y);
    fovi_convert_luma(r->stage.run->convert, (const float *const *)planes, g->n_planes, width, luma);
    if (r->needs_base)
        r->dsp->h(&r->ax, luma, fovi_window_row(&g->wide, 0, y));
    if (r->stage.run->format.sample == FOVEA_SAMPLE_F32)
        fovi_run_clamp_luma(g->low, g->high, width, luma);
    for (int i = 1; i <= FOVI_WINDOW_PAD; i++) {
        luma[-i] = luma[0];
        luma[width - 1 + i] = luma[width - 1];
    }
}

static void luma_job(void *arg, int index, int worker)
{
    (void)worker;
    struct refine *r = arg;
    const struct group *g = &r->groups[index / r->stage.n_rows];
    take_luma(r, g, g->luma.y1 + index % r->stage.n_rows);
}

static int take_input(struct refine *r, int need)
{
    struct fovi_run *run = r->stage.run;
    while (r->n_groups && r->groups[0].luma.y1 < need) {
        int y1 = r->groups[0].luma.y1, n = need - y1 < run->piece ? need - y1 : run->piece;
        FOVI_TRY(fovi_stage_need(r->in, y1 + n));
        double start = fovi_clock_ms();
        fovi_stage_loop(&r->stage, luma_job, r->n_groups, n);
        for (int g = 0; g < r->n_groups; g++) {
            fovi_window_push(&r->groups[g].luma, n);
            fovi_window_push(&r->groups[g].wide, n);
        }
        run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

/* ---- the band ---- */

/* Columns x0..x1-1 of the luma of the bicubic base in output row y. */
static void make_base(const struct refine *r, int y, int x0, int x1, float *row)
{
    const float *rows[FOVI_AXIS_MAX_TAPS];
    for (int k = 0; k < r->ay.n_taps; k++)
        rows[k] = fovi_window_row(&r->group->wide, 0, r->ay.first[y] + k) + x0;
    r->dsp->v(rows, r->ay.weights + (ptrdiff_t)y * r->ay.n_taps, r->ay.n_taps, x1 - x0, row);
}

/* First tile column of a slice. */
static int first_tile(const struct refine *r, int slice)
{
    return (int)((int64_t)r->n_tiles_x * slice / r->n_sweeps);
}

/* Filter the wanted runs of tiles t0..t1-1 of one input row. */
static void filter_row(const struct refine *r, struct fovi_filter_run *sweep, int y, int t0, int t1)
{
    const float *rows[FOVI_FILTER_TAPS];
    float *out[4];
    int scale = r->params.scale, left = t0 * FOVEA_TILE, width = r->group->luma.width - left;
    const uint8_t *path = r->group->path + (ptrdiff_t)(y / FOVEA_TILE) * r->n_tiles_x + t0;
    for (int k = 0; k < FOVI_FILTER_TAPS; k++)
        rows[k] = fovi_window_row_clamped(&r->group->luma, 0, y + k - FOVI_FILTER_RADIUS) + left;
    for (int k = 0; k < scale; k++)
        out[k] = r->delta + ((ptrdiff_t)(y - r->band_y0) * scale + k) * r->stage.out.stride + left * scale;
    for (int t = 0; t < t1 - t0; t++) {
        int first = t;
        while (t < t1 - t0 && path[t] == FOVEA_PATH_FILTER)
            t++;
        if (t == first)
            continue;
        int x0 = first * FOVEA_TILE, x1 = t * FOVEA_TILE < width ? t * FOVEA_TILE : width;
        fovi_filter_row(sweep, y, rows, x0, x1, out);
    }
}

/* Whether all that a tile's result depends on is one level. */
static int is_flat(const struct refine *r, const struct group *g, int x, int y)
{
    int reach = r->reach;
    return fovi_judge_is_flat(&g->luma, x - reach, x + FOVEA_TILE + reach, y - reach, y + FOVEA_TILE + reach);
}

/* Rows of the input down to which a network looks at paths when it makes rows up to y - 1, in whole tiles. */
static int path_rows(const struct refine *r, int y)
{
    return (y + 2 * r->reach + FOVEA_TILE - 1) / FOVEA_TILE;
}

/* Leave out the tiles where the mask is flat, as far down as the band's network looks. */
static void choose_mask_paths(struct refine *r, struct group *g)
{
    int end = path_rows(r, r->band_y1) < r->n_tiles_y ? path_rows(r, r->band_y1) : r->n_tiles_y;
    for (; r->n_mask_rows < end; r->n_mask_rows++)
        for (int t = 0; t < r->n_tiles_x; t++)
            if (is_flat(r, g, t * FOVEA_TILE, r->n_mask_rows * FOVEA_TILE))
                g->path[(ptrdiff_t)r->n_mask_rows * r->n_tiles_x + t] = FOVEA_PATH_CLASSIC;
}

/* A part of the band: a tile's input position, its output there, what is added to it. */
struct patch {
    int x, y, width, height;
    float *delta;
    uint8_t *path;
};

/* Whether the luma around a tile touches the ends of its range. */
static int is_saturated(const struct refine *r, const struct patch *p)
{
    const struct group *g = r->group;
    int scale = r->params.scale, reach = r->reach, width = g->luma.width;
    int x0 = p->x - reach > 0 ? p->x - reach : 0;
    int x1 = p->x + p->width / scale + reach < width ? p->x + p->width / scale + reach : width;
    for (int y = p->y - reach; y < p->y + p->height / scale + reach; y++) {
        const float *row = fovi_window_row_clamped(&g->luma, 0, y);
        for (int x = x0; x < x1; x++)
            if (row[x] <= g->low || row[x] >= g->high)
                return 1;
    }
    return 0;
}

/* Take back what was added where the base leaves the range. */
static void fade_out(const struct refine *r, const struct patch *p)
{
    float base[FOVEA_TILE * 4];
    const struct group *g = r->group;
    int scale = r->params.scale;
    for (int i = 0; i < p->height; i++) {
        float *delta = p->delta + i * r->stage.out.stride;
        make_base(r, p->y * scale + i, p->x * scale, p->x * scale + p->width, base);
        for (int x = 0; x < p->width; x++) {
            float inside = base[x] > g->low ? base[x] : g->low;
            inside = inside < g->high ? inside : g->high;
            float outside = base[x] - inside, far = outside < 0.0f ? -outside : outside;
            delta[x] *= far < FADE ? 1.0f - far / FADE : 0.0f;
        }
    }
}

static int looks_for_likeness(const struct refine *r)
{
    return r->params.is_strict || r->params.likeness;
}

/* See what a tile is like, and where the mode is strict hold it near the base. */
static void hold_likeness(const struct refine *r, const struct patch *p)
{
    const struct fovi_window *rgb = r->stage.run->is_rgb ? &r->in->out : NULL;
    enum fovi_likeness likeness = fovi_likeness_of(&r->group->luma, rgb, p->x, p->y);
    if (r->params.likeness && likeness)
        r->params.likeness[p->path - r->group->path] = (uint8_t)likeness;
    for (int i = 0; i < p->height && likeness && r->params.is_strict; i++) {
        float *delta = p->delta + i * r->stage.out.stride;
        for (int x = 0; x < p->width; x++) {
            float v = delta[x] < HOLD ? delta[x] : HOLD;
            delta[x] = v > -HOLD ? v : -HOLD;
        }
    }
}

/* The verdict on one tile; a tile that fails, or that is flat, keeps its base. Returns the mean square of what is added
 * then. */
static float check_tile(struct refine *r, const struct patch *p, const struct fovi_judged_tile *tile)
{
    int is_float = r->stage.run->format.sample == FOVEA_SAMPLE_F32;
    enum fovea_cause cause = FOVEA_CAUSE_NONE;
    float mean_square = 0.0f;
    if (*p->path != FOVEA_PATH_CLASSIC)
        cause = fovi_judge_tile(r->measure, &r->group->luma, tile, r->params.is_strict, &mean_square);
    if (!cause && !is_flat(r, r->group, p->x, p->y)) {
        if (is_float && is_saturated(r, p))
            fade_out(r, p);
        if (*p->path != FOVEA_PATH_CLASSIC && looks_for_likeness(r) && !r->group->is_mask)
            hold_likeness(r, p);
        return is_float || r->params.is_strict ? fovi_judge_mean_square(r->measure, tile) : mean_square;
    }
    if (cause) {
        ptrdiff_t index = p->path - r->group->path;
        *p->path = FOVEA_PATH_FALLBACK;
        r->params.path[index] = FOVEA_PATH_FALLBACK;
        r->params.cause[index] = (uint8_t)cause;
    }
    for (int i = 0; i < p->height; i++)
        memset(p->delta + i * r->stage.out.stride, 0, (size_t)p->width * sizeof *p->delta);
    return 0.0f;
}

/* Rows of tiles in the band. */
static int band_tiles(const struct refine *r)
{
    return (r->band_y1 - r->band_y0 + FOVEA_TILE - 1) / FOVEA_TILE;
}

/* One tile of the band, column by column: the thread that filtered it has it in its cache. */
static void check_job(void *arg, int index, int worker)
{
    (void)worker;
    struct refine *r = arg;
    int n_rows = band_tiles(r), scale = r->params.scale, width = r->ax.out, t = index / n_rows;
    int y = r->band_y0 + index % n_rows * FOVEA_TILE, x = t * FOVEA_TILE * scale;
    struct patch p = { t * FOVEA_TILE,
                       y,
                       width - x < FOVEA_TILE * scale ? width - x : FOVEA_TILE * scale,
                       (r->band_y1 - y < FOVEA_TILE ? r->band_y1 - y : FOVEA_TILE) * scale,
                       r->delta + (ptrdiff_t)(y - r->band_y0) * scale * r->stage.out.stride + x,
                       r->group->path + (ptrdiff_t)(y / FOVEA_TILE) * r->n_tiles_x + t };
    const struct fovi_judged_tile tile = { p.x,   p.y,     p.width / scale,    p.height / scale,
                                           scale, p.delta, r->stage.out.stride };
    float mean_square = check_tile(r, &p, &tile);
    if (r->params.added && !r->group->is_mask)
        r->params.added[p.path - r->group->path] += mean_square / (float)r->n_lumas;
}

/* Whether the filter alone adds something: its tiles are judged as soon as they are there. */
static int judges_at_once(const struct refine *r)
{
    return r->params.filter && !r->params.n_networks;
}

/* One slice of columns of the band, from the top, so that the filter's sweep can keep what rows share. */
static void filter_job(void *arg, int index, int worker)
{
    struct refine *r = arg;
    int t0 = first_tile(r, index), t1 = first_tile(r, index + 1), n_rows = band_tiles(r);
    for (int i = 0; i < n_rows; i++) {
        int y0 = r->band_y0 + i * FOVEA_TILE, y1 = y0 + FOVEA_TILE < r->band_y1 ? y0 + FOVEA_TILE : r->band_y1;
        for (int y = y0; y < y1; y++)
            filter_row(r, r->group->sweeps[index], y, t0, t1);
        for (int t = t0; t < t1 && judges_at_once(r); t++)
            check_job(r, t * n_rows + i, worker);
    }
}

static void check_tiles(struct refine *r)
{
    if (!judges_at_once(r))
        fovi_parallel_near(r->stage.run->ctx, check_job, r, band_tiles(r) * r->n_tiles_x);
}

static double lap(struct fovi_run *run, enum fovea_stage stage, double start)
{
    double now = fovi_clock_ms();
    run->ms[stage] += now - start;
    return now;
}

/* Whether filter or a network makes the tiles of a path. */
static int is_made(const struct refine *r, uint8_t path)
{
    int made = r->params.filter && path == FOVEA_PATH_FILTER;
    for (int i = 0; i < r->params.n_networks; i++)
        made |= path == r->params.network[i].path;
    return made;
}

/* Zeros in the band's rows, if nothing will be added to some of its tiles. */
static void clear_band(const struct refine *r)
{
    int first = r->band_y0 / FOVEA_TILE * r->n_tiles_x, all_made = 1;
    int end = (r->band_y1 + FOVEA_TILE - 1) / FOVEA_TILE * r->n_tiles_x, n_rows = r->band_y1 - r->band_y0;
    for (int i = first; i < end && all_made; i++)
        all_made = is_made(r, r->group->path[i]);
    for (int y = 0; y < n_rows * r->params.scale && !all_made; y++)
        memset(r->delta + y * r->stage.out.stride, 0, (size_t)r->stage.out.width * sizeof *r->delta);
}

/* What filter and networks know of a group. */
static void refine_group(struct refine *r, int index)
{
    struct group *group = &r->groups[index];
    struct fovi_run *run = r->stage.run;
    int scale = r->params.scale;
    double start = fovi_clock_ms();
    r->group = group;
    r->delta = fovi_window_row(&r->stage.out, index, r->band_y0 * scale);
    if (group->is_mask)
        choose_mask_paths(r, group);
    clear_band(r);
    if (r->params.filter) {
        fovi_parallel_near(run->ctx, filter_job, r, r->n_sweeps);
        start = lap(run, FOVEA_STAGE_FILTER, start);
    }
    if (r->params.n_networks)
        fovi_exec_rows_together(group->exec, r->params.n_networks, &group->luma, r->band_y0, r->band_y1, r->delta,
                                r->stage.out.stride);
    double before = start;
    start = lap(run, FOVEA_STAGE_NETWORK, start);
    r->mask_ms += group->is_mask ? start - before : 0.0;
    check_tiles(r);
    lap(run, FOVEA_STAGE_CHECKS, start);
}

static int refine_advance(struct fovi_stage *stage, int y_end)
{
    struct refine *r = (struct refine *)stage;
    int scale = r->params.scale, height = r->in->out.height;
    while (stage->out.y1 < y_end) {
        r->band_y0 = stage->out.y1 / scale;
        r->band_y1 = r->band_y0 + stage->run->strip < height ? r->band_y0 + stage->run->strip : height;
        int need = r->band_y1 + r->ahead;
        FOVI_TRY(take_input(r, need < height ? need : height));
        for (int g = 0; g < r->n_groups; g++)
            refine_group(r, g);
        fovi_window_push(&stage->out, (r->band_y1 - r->band_y0) * scale);
    }
    return FOVEA_OK;
}

/* ---- planning ---- */

static int init_sweeps(struct refine *r, struct group *g)
{
    fovea_context *ctx = r->stage.run->ctx;
    g->sweeps = fovi_alloc(ctx, (size_t)r->n_sweeps, sizeof *g->sweeps);
    if (!g->sweeps)
        return fovi_alloc_error(ctx);
    for (int i = 0; i < r->n_sweeps; i++) {
        int width = (first_tile(r, i + 1) - first_tile(r, i)) * FOVEA_TILE;
        FOVI_TRY(fovi_filter_run_create(ctx, r->params.filter, width, &g->sweeps[i]));
    }
    return FOVEA_OK;
}

static int init_groups(struct refine *r)
{
    struct fovi_run *run = r->stage.run;
    const struct fovi_window *in = &r->in->out;
    int refines = r->params.filter || r->params.n_networks;
    r->n_lumas = run->is_rgb ? 1 : run->n_color;
    r->n_groups = refines ? (run->is_rgb ? 1 : run->n_color) + run->format.has_alpha : 0;
    r->groups = fovi_alloc(run->ctx, (size_t)r->n_groups, sizeof *r->groups);
    if (!r->groups)
        return fovi_alloc_error(run->ctx);
    for (int g = 0; g < r->n_groups; g++) {
        struct group *group = &r->groups[g];
        group->is_mask = run->format.has_alpha && g == r->n_groups - 1;
        group->first_plane = group->is_mask ? run->n_color : g;
        group->n_planes = run->is_rgb && !group->is_mask ? 3 : 1;
        fovi_run_luma_range(run, group->is_mask, &group->low, &group->high);
        group->path = r->params.path;
        if (group->is_mask && !(group->path = fovi_alloc(run->ctx, (size_t)r->n_tiles_x, (size_t)r->n_tiles_y)))
            return fovi_alloc_error(run->ctx);
        FOVI_TRY(fovi_window_init(run->ctx, &group->luma, in->width, in->height, 1,
                                  run->strip + r->reach + r->ahead + run->piece));
        if (r->needs_base)
            FOVI_TRY(fovi_window_init(run->ctx, &group->wide, in->width * r->params.scale, in->height, 1,
                                      run->strip + r->ahead + BASE_REACH + r->ay.n_taps + run->piece));
        if (r->params.filter)
            FOVI_TRY(init_sweeps(r, group));
        for (int i = 0; i < r->params.n_networks; i++)
            FOVI_TRY(fovi_exec_create(run->ctx, r->params.network[i].graph, r->params.network[i].format, in->width,
                                      in->height, &group->exec[i]));
    }
    return FOVEA_OK;
}

/* A band begins at a multiple of its height, so where the window holds whole bands the rows of one are neighbours. */
static int init_memory(struct refine *r, int capacity)
{
    struct fovi_run *run = r->stage.run;
    const struct fovi_window *in = &r->in->out;
    int scale = r->params.scale, band = run->strip * scale;
    FOVI_TRY(fovi_frame_axes(run->ctx, FOVEA_KERNEL_BICUBIC, &r->in->frame, &r->stage.frame, &r->ax, &r->ay));
    FOVI_TRY(init_groups(r));
    return fovi_window_init(run->ctx, &r->stage.out, in->width * scale, in->height * scale, r->n_groups,
                            (capacity + 2 * band - 1) / band * band);
}

/* Slices narrow enough for all that the filter keeps of them to stay in the first cache, as many for each thread. */
static int count_sweeps(const struct refine *r)
{
    int n_threads = fovea_context_threads(r->stage.run->ctx), n = (r->n_tiles_x + SLICE_TILES - 1) / SLICE_TILES;
    n = (n + n_threads - 1) / n_threads * n_threads;
    return n < r->n_tiles_x ? n : r->n_tiles_x;
}

int fovi_refine_create(struct fovi_run *run, struct fovi_stage *in, const struct fovi_refine_params *params,
                       int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct refine *r = fovi_alloc(run->ctx, 1, sizeof *r);
    if (!r)
        return fovi_alloc_error(run->ctx);
    r->stage = (struct fovi_stage){ .run = run, .advance = refine_advance, .reset = refine_reset, .free = refine_free };
    r->stage.frame = fovi_frame_scaled(&in->frame, params->scale);
    r->in = in;
    r->params = *params;
    r->needs_base = run->format.sample == FOVEA_SAMPLE_F32;
    r->dsp = fovi_resample_dsp_get(fovea_context_cpu(run->ctx));
    r->measure = fovi_measure_dsp_get(fovea_context_cpu(run->ctx));
    r->n_tiles_x = (in->out.width + FOVEA_TILE - 1) / FOVEA_TILE;
    r->n_sweeps = count_sweeps(r);
    r->reach = BASE_REACH;
    if (params->filter && r->reach < FOVI_FILTER_RADIUS)
        r->reach = FOVI_FILTER_RADIUS;
    for (int i = 0; i < params->n_networks; i++)
        if (r->reach < fovi_graph_radius(params->network[i].graph))
            r->reach = fovi_graph_radius(params->network[i].graph);
    if (looks_for_likeness(r) && r->reach < FOVI_LIKENESS_REACH)
        r->reach = FOVI_LIKENESS_REACH;
    r->n_tiles_y = (in->out.height + FOVEA_TILE - 1) / FOVEA_TILE;
    r->ahead = r->reach;
    if (run->format.has_alpha && (params->filter || params->n_networks))
        r->ahead = 3 * r->reach + FOVEA_TILE;
    int code = init_memory(r, capacity);
    if (code)
        refine_free(&r->stage);
    else
        *out = &r->stage;
    return code;
}

double fovi_refine_network_px(const struct fovi_stage *stage, int network)
{
    const struct refine *r = (const struct refine *)stage;
    double px = 0.0;
    for (int g = 0; g < r->n_groups; g++)
        px += r->groups[g].is_mask ? 0.0 : fovi_exec_px(r->groups[g].exec[network]) / r->n_lumas;
    return px;
}

double fovi_refine_whole_ms(const struct fovi_stage *stage, int network)
{
    const struct refine *r = (const struct refine *)stage;
    double ms = 0.0;
    for (int g = 0; g < r->n_groups; g++)
        ms += r->groups[g].is_mask ? 0.0 : fovi_exec_whole_ms(r->groups[g].exec[network]);
    return ms;
}

double fovi_refine_mask_ms(const struct fovi_stage *stage)
{
    return ((const struct refine *)stage)->mask_ms;
}
