/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Enlargement by 2, 3 or 4: bicubic for every plane, plus what the filter or a network adds to luma, tile by tile.
 *
 * A gain of luma by d is added to red, green and blue alike (times 255/219, since luma is studio range), which leaves
 * chroma as bicubic made it and keeps grey grey. Where the colour planes are not red, green and blue each is its own
 * luma, and a mask (alpha) is treated as grey, each tile by the path that the colour there takes, but for tiles where
 * the mask is one level. Work goes in bands of whole tiles, so that the gate's verdict on a tile never depends on the
 * strips.
 *
 * Float pictures may go beyond the range that filter and networks know: they see luma cut off at the range's ends, and
 * what they add fades out where the base lies outside.
 */
#include <string.h>

#include "base/clock.h"
#include "filter/filter.h"
#include "image/convert.h"
#include "net/exec.h"
#include "pipeline/stage.h"

/* Input rows that the bicubic base needs below a row. */
#define BASE_REACH 3

/* Levels beyond the range over which what is added fades out. */
#define FADE 24.0f

/* A luma and the planes that it stands for. */
struct group {
    int first_plane, n_planes, is_mask;
    float low, high;         /* range of the luma where filter and network are at home */
    uint8_t *path;           /* of each tile */
    struct fovi_window luma; /* of the input */
    struct fovi_exec *exec[FOVI_MAX_NETWORKS];
    struct fovi_filter_run **sweeps; /* of the filter, one for each slice of columns; NULL without one */
};

struct enlarge {
    struct fovi_stage stage;
    struct fovi_stage *in;
    struct fovi_enlarge_params params;
    const struct fovi_resample_dsp *dsp;
    struct fovi_axis ax, ay;
    struct fovi_window wide; /* rows of the input at the new width */
    int n_groups;
    struct group *groups;
    int n_lumas; /* groups that are no mask */
    int reach;   /* input rows needed below a band */
    int ahead;   /* input rows wanted below a band: more than reach where there is a mask */
    int n_tiles_x, n_tiles_y;
    float *delta; /* luma to be added in a band: strip * scale rows */
    ptrdiff_t delta_stride;
    int n_sweeps;    /* slices of tile columns that the filter works on side by side */
    int n_mask_rows; /* rows of tiles whose path for the mask is known */
    /* of the band in work */
    int band_y0, band_y1;
    struct group *group;
};

static void enlarge_free(struct fovi_stage *stage)
{
    struct enlarge *e = (struct enlarge *)stage;
    fovea_context *ctx = stage->run->ctx;
    for (int g = 0; e->groups && g < e->n_groups; g++) {
        for (int i = 0; i < e->params.n_networks; i++)
            fovi_exec_free(&e->groups[g].exec[i]);
        for (int i = 0; e->groups[g].sweeps && i < e->n_sweeps; i++)
            fovi_filter_run_free(ctx, &e->groups[g].sweeps[i]);
        fovi_free(ctx, e->groups[g].sweeps);
        fovi_window_free(ctx, &e->groups[g].luma);
        if (e->groups[g].is_mask)
            fovi_free(ctx, e->groups[g].path);
    }
    fovi_window_free(ctx, &stage->out);
    fovi_window_free(ctx, &e->wide);
    fovi_axis_free(ctx, &e->ax);
    fovi_axis_free(ctx, &e->ay);
    fovi_free(ctx, e->groups);
    fovi_free(ctx, e->delta);
    fovi_free(ctx, e);
}

static void enlarge_reset(struct fovi_stage *stage)
{
    struct enlarge *e = (struct enlarge *)stage;
    fovi_window_reset(&stage->out);
    fovi_window_reset(&e->wide);
    e->n_mask_rows = 0;
    for (int g = 0; g < e->n_groups; g++) {
        if (e->groups[g].is_mask)
            memcpy(e->groups[g].path, e->params.path, (size_t)e->n_tiles_x * (size_t)e->n_tiles_y);
        fovi_window_reset(&e->groups[g].luma);
        for (int i = 0; e->groups[g].sweeps && i < e->n_sweeps; i++)
            fovi_filter_run_reset(e->groups[g].sweeps[i]);
        for (int i = 0; i < e->params.n_networks; i++)
            fovi_exec_begin(e->groups[g].exec[i], e->groups[g].path, (uint8_t)e->params.network[i].path);
    }
}

/* ---- input: rows to the new width, luma ---- */

static void widen_job(void *arg, int index, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    int plane = index / e->stage.n_rows, y = e->wide.y1 + index % e->stage.n_rows;
    e->dsp->h(&e->ax, fovi_window_row(&e->in->out, plane, y), fovi_window_row(&e->wide, plane, y));
}

/* Luma of row y of the input; the edge pixel is repeated beyond both sides for the filter's window. */
static void take_luma(const struct enlarge *e, struct group *g, int y)
{
    float *planes[3], *luma = fovi_window_row(&g->luma, 0, y);
    int width = g->luma.width;
    for (int c = 0; c < g->n_planes; c++)
        planes[c] = fovi_window_row(&e->in->out, g->first_plane + c, y);
    fovi_convert_luma(e->stage.run->convert, (const float *const *)planes, g->n_planes, width, luma);
    if (e->stage.run->format.sample == FOVEA_SAMPLE_F32)
        fovi_run_clamp_luma(g->low, g->high, width, luma);
    for (int i = 1; i <= FOVI_WINDOW_PAD; i++) {
        luma[-i] = luma[0];
        luma[width - 1 + i] = luma[width - 1];
    }
    fovi_window_push(&g->luma, 1);
}

static int take_input(struct enlarge *e, int need)
{
    struct fovi_run *run = e->stage.run;
    while (e->wide.y1 < need) {
        int n = need - e->wide.y1 < run->piece ? need - e->wide.y1 : run->piece;
        FOVI_TRY(fovi_stage_need(e->in, e->wide.y1 + n));
        double start = fovi_clock_ms();
        for (int g = 0; g < e->n_groups; g++)
            for (int i = 0; i < n; i++)
                take_luma(e, &e->groups[g], e->wide.y1 + i);
        fovi_stage_loop(&e->stage, widen_job, e->wide.n_planes, n);
        fovi_window_push(&e->wide, n);
        run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

/* ---- the band ---- */

static void base_job(void *arg, int index, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    const float *rows[FOVI_AXIS_MAX_TAPS];
    int plane = index / e->stage.n_rows, y = e->stage.out.y1 + index % e->stage.n_rows;
    for (int k = 0; k < e->ay.n_taps; k++)
        rows[k] = fovi_window_row(&e->wide, plane, e->ay.first[y] + k);
    e->dsp->v(rows, e->ay.weights + (ptrdiff_t)y * e->ay.n_taps, e->ay.n_taps, e->ax.out,
              fovi_window_row(&e->stage.out, plane, y));
}

/* The luma of the bicubic base in output row y, columns x0..x1-1, taken from what was filtered: filtered - base. */
static void subtract_base(const struct enlarge *e, int y, int x0, int x1, float *row)
{
    float base[FOVEA_TILE * 4];
    const float *planes[3];
    for (int x = x0; x < x1; x += FOVEA_TILE * 4) {
        int n = x1 - x < FOVEA_TILE * 4 ? x1 - x : FOVEA_TILE * 4;
        for (int c = 0; c < e->group->n_planes; c++)
            planes[c] = fovi_window_row(&e->stage.out, e->group->first_plane + c, y) + x;
        fovi_convert_luma(e->stage.run->convert, planes, e->group->n_planes, n, base);
        for (int i = 0; i < n; i++)
            row[x + i] -= base[i];
    }
}

/* Filter the wanted runs of tiles t0..t1-1 of one input row. */
static void filter_row(const struct enlarge *e, struct fovi_filter_run *sweep, int y, int t0, int t1)
{
    const float *rows[FOVI_FILTER_TAPS];
    float *out[4];
    int scale = e->params.scale, width = e->group->luma.width;
    const uint8_t *path = e->group->path + (ptrdiff_t)(y / FOVEA_TILE) * e->n_tiles_x;
    for (int k = 0; k < FOVI_FILTER_TAPS; k++)
        rows[k] = fovi_window_row_clamped(&e->group->luma, 0, y + k - FOVI_FILTER_RADIUS);
    for (int k = 0; k < scale; k++)
        out[k] = e->delta + ((ptrdiff_t)(y - e->band_y0) * scale + k) * e->delta_stride;
    for (int t = t0; t < t1; t++) {
        int first = t;
        while (t < t1 && path[t] == FOVEA_PATH_FILTER)
            t++;
        if (t == first)
            continue;
        int x0 = first * FOVEA_TILE, x1 = t * FOVEA_TILE < width ? t * FOVEA_TILE : width;
        fovi_filter_row(sweep, y, rows, x0, x1, out);
        for (int k = 0; k < scale; k++)
            subtract_base(e, y * scale + k, x0 * scale, x1 * scale, out[k]);
    }
}

/* One slice of columns of the band, from the top, so that the filter's sweep can keep what rows share. */
static void filter_job(void *arg, int index, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    int t0 = (int)((int64_t)e->n_tiles_x * index / e->n_sweeps);
    int t1 = (int)((int64_t)e->n_tiles_x * (index + 1) / e->n_sweeps);
    for (int y = e->band_y0; y < e->band_y1; y++)
        filter_row(e, e->group->sweeps[index], y, t0, t1);
}

/* Whether all that a tile's result depends on is one level. */
static int is_flat(const struct enlarge *e, const struct group *g, int x, int y)
{
    int reach = e->reach;
    return fovi_judge_is_flat(&g->luma, x - reach, x + FOVEA_TILE + reach, y - reach, y + FOVEA_TILE + reach);
}

/* Rows of the input down to which a network looks at paths when it makes rows up to y - 1, in whole tiles. */
static int path_rows(const struct enlarge *e, int y)
{
    return (y + 2 * e->reach + FOVEA_TILE - 1) / FOVEA_TILE;
}

/* Leave out the tiles where the mask is flat, as far down as the band's network looks. */
static void choose_mask_paths(struct enlarge *e, struct group *g)
{
    int end = path_rows(e, e->band_y1) < e->n_tiles_y ? path_rows(e, e->band_y1) : e->n_tiles_y;
    for (; e->n_mask_rows < end; e->n_mask_rows++)
        for (int t = 0; t < e->n_tiles_x; t++)
            if (is_flat(e, g, t * FOVEA_TILE, e->n_mask_rows * FOVEA_TILE))
                g->path[(ptrdiff_t)e->n_mask_rows * e->n_tiles_x + t] = FOVEA_PATH_CLASSIC;
}

/* A part of the band: a tile's input position, its output there, what is added to it. */
struct patch {
    int x, y, width, height;
    float *delta;
    uint8_t *path;
};

/* Whether the luma around a tile touches the ends of its range. */
static int is_saturated(const struct enlarge *e, const struct patch *p)
{
    const struct group *g = e->group;
    int scale = e->params.scale, reach = e->reach, width = g->luma.width;
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
static void fade_out(const struct enlarge *e, const struct patch *p)
{
    float base[FOVEA_TILE * 4];
    const float *planes[3];
    const struct group *g = e->group;
    int scale = e->params.scale;
    for (int i = 0; i < p->height; i++) {
        float *delta = p->delta + i * e->delta_stride;
        for (int c = 0; c < g->n_planes; c++)
            planes[c] = fovi_window_row(&e->stage.out, g->first_plane + c, p->y * scale + i) + p->x * scale;
        fovi_convert_luma(e->stage.run->convert, planes, g->n_planes, p->width, base);
        for (int x = 0; x < p->width; x++) {
            float inside = base[x] > g->low ? base[x] : g->low;
            inside = inside < g->high ? inside : g->high;
            float outside = base[x] - inside, far = outside < 0.0f ? -outside : outside;
            if (*p->path == FOVEA_PATH_FILTER) /* its base was the whole one, not the one cut off */
                delta[x] += outside;
            delta[x] *= far < FADE ? 1.0f - far / FADE : 0.0f;
        }
    }
}

/* The verdict on one tile; a tile that fails, or that is flat, keeps its base. */
static void check_tile(struct enlarge *e, const struct patch *p)
{
    int is_float = e->stage.run->format.sample == FOVEA_SAMPLE_F32;
    int scale = e->params.scale, is_refined = *p->path != FOVEA_PATH_CLASSIC;
    const struct fovi_judged_tile tile = { p->x,  p->y,     p->width / scale, p->height / scale,
                                           scale, p->delta, e->delta_stride };
    enum fovea_cause cause = is_refined ? fovi_judge_tile(&e->group->luma, &tile, e->params.is_strict)
                                        : FOVEA_CAUSE_NONE;
    if (!cause && !is_flat(e, e->group, p->x, p->y)) {
        if (is_float && is_saturated(e, p))
            fade_out(e, p);
        return;
    }
    if (cause) {
        ptrdiff_t index = p->path - e->group->path;
        *p->path = FOVEA_PATH_FALLBACK;
        e->params.path[index] = FOVEA_PATH_FALLBACK;
        e->params.cause[index] = (uint8_t)cause;
    }
    for (int i = 0; i < p->height; i++)
        memset(p->delta + i * e->delta_stride, 0, (size_t)p->width * sizeof *p->delta);
}

/* Mean square of what is added to a tile, the same for any strips and threads: partial sums in fixed order. */
static float mean_square(const struct enlarge *e, const struct patch *p)
{
    enum { LANES = 16 };
    float sums[LANES] = { 0 }, sum = 0.0f;
    for (int y = 0; y < p->height; y++) {
        const float *delta = p->delta + y * e->delta_stride;
        int x = 0;
        for (; x + LANES <= p->width; x += LANES)
            for (int k = 0; k < LANES; k++)
                sums[k] += delta[x + k] * delta[x + k];
        for (; x < p->width; x++)
            sums[x % LANES] += delta[x] * delta[x];
    }
    for (int k = 0; k < LANES; k++)
        sum += sums[k];
    return sum / (float)(p->width * p->height);
}

/* One tile of the band. */
static void check_job(void *arg, int index, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    int scale = e->params.scale, width = e->ax.out, t = index % e->n_tiles_x;
    int y = e->band_y0 + index / e->n_tiles_x * FOVEA_TILE, x = t * FOVEA_TILE * scale;
    struct patch p = { t * FOVEA_TILE,
                       y,
                       width - x < FOVEA_TILE * scale ? width - x : FOVEA_TILE * scale,
                       (e->band_y1 - y < FOVEA_TILE ? e->band_y1 - y : FOVEA_TILE) * scale,
                       e->delta + (ptrdiff_t)(y - e->band_y0) * scale * e->delta_stride + x,
                       e->group->path + (ptrdiff_t)(y / FOVEA_TILE) * e->n_tiles_x + t };
    check_tile(e, &p);
    if (e->params.added && !e->group->is_mask)
        e->params.added[p.path - e->group->path] += mean_square(e, &p) / (float)e->n_lumas;
}

static void check_tiles(struct enlarge *e)
{
    int n_rows = (e->band_y1 - e->band_y0 + FOVEA_TILE - 1) / FOVEA_TILE;
    fovi_parallel_near(e->stage.run->ctx, check_job, e, n_rows * e->n_tiles_x);
}

static void add_job(void *arg, int index, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    int plane = e->group->first_plane + index / e->stage.n_rows, y = index % e->stage.n_rows;
    const float *delta = e->delta + y * e->delta_stride;
    float gain = e->params.strength * (e->group->n_planes == 3 ? 255.0f / 219.0f : 1.0f);
    float *row = fovi_window_row(&e->stage.out, plane, e->band_y0 * e->params.scale + y);
    for (int x = 0; x < e->ax.out; x++)
        row[x] += gain * delta[x];
}

static double lap(struct fovi_run *run, enum fovea_stage stage, double start)
{
    double now = fovi_clock_ms();
    run->ms[stage] += now - start;
    return now;
}

/* Add what filter and networks know to the planes of a group. */
static void refine_group(struct enlarge *e, struct group *group)
{
    struct fovi_run *run = e->stage.run;
    int scale = e->params.scale, n = e->band_y1 - e->band_y0;
    double start = fovi_clock_ms();
    e->group = group;
    if (group->is_mask)
        choose_mask_paths(e, group);
    memset(e->delta, 0, (size_t)e->delta_stride * (size_t)(n * scale) * sizeof *e->delta);
    if (e->params.filter) {
        fovi_parallel(run->ctx, filter_job, e, e->n_sweeps);
        start = lap(run, FOVEA_STAGE_FILTER, start);
    }
    for (int i = 0; i < e->params.n_networks; i++)
        fovi_exec_rows(group->exec[i], &group->luma, e->band_y0, e->band_y1, e->delta, e->delta_stride);
    start = lap(run, FOVEA_STAGE_NETWORK, start);
    check_tiles(e);
    start = lap(run, FOVEA_STAGE_CHECKS, start);
    fovi_stage_loop(&e->stage, add_job, group->n_planes, n * scale);
    lap(run, FOVEA_STAGE_BASE, start);
}

static int enlarge_advance(struct fovi_stage *stage, int y_end)
{
    struct enlarge *e = (struct enlarge *)stage;
    int scale = e->params.scale, height = e->in->out.height;
    while (stage->out.y1 < y_end) {
        e->band_y0 = stage->out.y1 / scale;
        e->band_y1 = e->band_y0 + stage->run->strip < height ? e->band_y0 + stage->run->strip : height;
        int need = e->band_y1 + e->ahead;
        FOVI_TRY(take_input(e, need < height ? need : height));
        int n = (e->band_y1 - e->band_y0) * scale;
        double start = fovi_clock_ms();
        fovi_stage_loop(stage, base_job, e->wide.n_planes, n);
        stage->run->ms[FOVEA_STAGE_BASE] += fovi_clock_ms() - start;
        for (int g = 0; g < e->n_groups; g++)
            refine_group(e, &e->groups[g]);
        fovi_window_push(&stage->out, n);
    }
    return FOVEA_OK;
}

/* ---- planning ---- */

static int init_sweeps(struct enlarge *e, struct group *g)
{
    fovea_context *ctx = e->stage.run->ctx;
    g->sweeps = fovi_alloc(ctx, (size_t)e->n_sweeps, sizeof *g->sweeps);
    if (!g->sweeps)
        return fovi_alloc_error(ctx);
    for (int i = 0; i < e->n_sweeps; i++)
        FOVI_TRY(fovi_filter_run_create(ctx, e->params.filter, g->luma.width, &g->sweeps[i]));
    return FOVEA_OK;
}

static int init_groups(struct enlarge *e)
{
    struct fovi_run *run = e->stage.run;
    const struct fovi_window *in = &e->in->out;
    int refines = e->params.filter || e->params.n_networks;
    e->n_lumas = run->is_rgb ? 1 : run->n_color;
    e->n_groups = refines ? (run->is_rgb ? 1 : run->n_color) + run->format.has_alpha : 0;
    e->groups = fovi_alloc(run->ctx, (size_t)e->n_groups, sizeof *e->groups);
    if (!e->groups)
        return fovi_alloc_error(run->ctx);
    for (int g = 0; g < e->n_groups; g++) {
        struct group *group = &e->groups[g];
        group->is_mask = run->format.has_alpha && g == e->n_groups - 1;
        group->first_plane = group->is_mask ? run->n_color : g;
        group->n_planes = run->is_rgb && !group->is_mask ? 3 : 1;
        fovi_run_luma_range(run, group->is_mask, &group->low, &group->high);
        group->path = e->params.path;
        if (group->is_mask && !(group->path = fovi_alloc(run->ctx, (size_t)e->n_tiles_x, (size_t)e->n_tiles_y)))
            return fovi_alloc_error(run->ctx);
        FOVI_TRY(fovi_window_init(run->ctx, &group->luma, in->width, in->height, 1,
                                  run->strip + e->reach + e->ahead + run->piece));
        if (e->params.filter)
            FOVI_TRY(init_sweeps(e, group));
        for (int i = 0; i < e->params.n_networks; i++)
            FOVI_TRY(fovi_exec_create(run->ctx, e->params.network[i].graph, e->params.network[i].format, in->width,
                                      in->height, &group->exec[i]));
    }
    return FOVEA_OK;
}

static int init_memory(struct enlarge *e, int capacity)
{
    struct fovi_run *run = e->stage.run;
    const struct fovi_window *in = &e->in->out;
    int scale = e->params.scale, width = in->width * scale, height = in->height * scale;
    FOVI_TRY(fovi_frame_axes(run->ctx, FOVEA_KERNEL_BICUBIC, &e->in->frame, &e->stage.frame, &e->ax, &e->ay));
    FOVI_TRY(fovi_window_init(run->ctx, &e->wide, width, in->height, in->n_planes,
                              run->strip + e->ahead + BASE_REACH + e->ay.n_taps + run->piece));
    FOVI_TRY(fovi_window_init(run->ctx, &e->stage.out, width, height, in->n_planes, capacity + run->strip * scale));
    FOVI_TRY(init_groups(e));
    e->delta_stride = ((ptrdiff_t)width + 15) / 16 * 16;
    e->delta = fovi_alloc(run->ctx, (size_t)e->delta_stride * (size_t)(e->n_groups ? run->strip * scale : 0),
                          sizeof *e->delta);
    return e->delta ? FOVEA_OK : fovi_alloc_error(run->ctx);
}

int fovi_enlarge_create(struct fovi_run *run, struct fovi_stage *in, const struct fovi_enlarge_params *params,
                        int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct enlarge *e = fovi_alloc(run->ctx, 1, sizeof *e);
    if (!e)
        return fovi_alloc_error(run->ctx);
    e->stage = (struct fovi_stage){
        .run = run, .advance = enlarge_advance, .reset = enlarge_reset, .free = enlarge_free
    };
    e->stage.frame = fovi_frame_scaled(&in->frame, params->scale);
    e->in = in;
    e->params = *params;
    e->dsp = fovi_resample_dsp_get(fovea_context_cpu(run->ctx));
    e->n_tiles_x = (in->out.width + FOVEA_TILE - 1) / FOVEA_TILE;
    int n_threads = fovea_context_threads(run->ctx);
    e->n_sweeps = n_threads < e->n_tiles_x ? n_threads : e->n_tiles_x;
    e->reach = BASE_REACH;
    if (params->filter && e->reach < FOVI_FILTER_RADIUS)
        e->reach = FOVI_FILTER_RADIUS;
    for (int i = 0; i < params->n_networks; i++)
        if (e->reach < fovi_graph_radius(params->network[i].graph))
            e->reach = fovi_graph_radius(params->network[i].graph);
    e->n_tiles_y = (in->out.height + FOVEA_TILE - 1) / FOVEA_TILE;
    e->ahead = e->reach;
    if (run->format.has_alpha && (params->filter || params->n_networks))
        e->ahead = 3 * e->reach + FOVEA_TILE;
    int code = init_memory(e, capacity);
    if (code)
        enlarge_free(&e->stage);
    else
        *out = &e->stage;
    return code;
}

double fovi_enlarge_network_px(const struct fovi_stage *stage, int network)
{
    const struct enlarge *e = (const struct enlarge *)stage;
    double px = 0.0, n = 0.0;
    for (int g = 0; g < e->n_groups; g++) {
        px += e->groups[g].is_mask ? 0.0 : fovi_exec_px(e->groups[g].exec[network]);
        n += !e->groups[g].is_mask;
    }
    return px / (n > 0.0 ? n : 1.0);
}
