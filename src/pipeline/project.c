/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The base, and consistency: iterative back-projection (Irani, Peleg 1991) with the exact antialiased bicubic reduction
 * D, bicubic enlargement U at the picture's true ratios, and P, a short filter that undoes what D U does to a
 * correction, so that one step leaves a few hundredths of the difference.
 *
 * D U is nearly the same filter at every ratio: along an axis about (-0.036 0.127 0.814 0.127 -0.036). Seven taps
 * invert it within 4 % at every frequency and ratio from 1.4 on; closer to 1 D U changes from place to place, and P
 * fits less. U P is then close to the pseudo-inverse of D (U is D transposed but for scale and border), the smallest
 * correction that does the work.
 *
 * Where the result is the base U y and a gain g that all colours share, the first step of all,
 *     U y + g + U P (y - D (U y + g)) = U (y + P (y - D U y - D g)) + g,
 * is made along with the base: D U y is a matter of small rows, and only the one plane g is reduced.
 *
 * Samples that cannot leave the range of the output are brought back into it after each step. Where that moved some,
 * and nowhere else, further steps give to their neighbours what they could not take: projections onto two convex sets
 * in turn. They work in place, each some rows behind the one before. Where the range forbids that all of the residue
 * vanishes, steps with P do not end at its least sum of squares; those without it, which follow, descend its gradient.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/reduce.h"

/* P: the taps of least squares over all frequencies and ratios from 1.5 on, rounded; they keep plain levels. */
#define SHARP_RADIUS 3
#define SHARP_TAPS (2 * SHARP_RADIUS + 1)
static const float keep[SHARP_TAPS] = { [SHARP_RADIUS] = 1.0f };
static const float sharp[SHARP_TAPS] = { -0.025f, 0.1f, -0.23f, 1.31f, -0.23f, 0.1f, -0.025f };

int fovi_project_is_sharp(double rx, double ry)
{
    const double least = 1.25;
    return (rx == 1.0 || rx >= least) && (ry == 1.0 || ry >= least);
}

/* Input pixels that are marked together: where samples around them were moved by more than so many levels. */
#define BLOCK FOVI_AXIS_LANES
#define MOVED 4.0f

/* Of these the ones that miss the input by more than so many levels. */
#define MISSED 0.125f

struct step {
    float weight;
    int is_local;               /* only where the first steps' corrections were cut off */
    int is_sharp;               /* by P; else without */
    int y1;                     /* rows that it has made */
    struct fovi_window residue; /* input - D x */
    struct fovi_window error;   /* P of it, enlarged along the rows; for the first step on the base with the input */
};

/* What the first step needs where the result is base and gain. */
struct base {
    struct fovi_stage *gain;
    float strength;
    struct fovi_window seen; /* the input enlarged and reduced along the rows */
    int n_taps, *first;      /* the same along the columns: row y is weights + n_taps * y over rows from first[y] on */
    float *weights;
};

struct project {
    struct fovi_stage stage;        /* its rows lie in x, those that have gone through all steps */
    struct fovi_stage *in, *lr;     /* in: changed in place; NULL where there is a base */
    struct fovi_window own, *x;     /* rows in work: own, or those of in */
    struct fovi_reducer down;       /* D */
    struct fovi_axis ux, uy;        /* U */
    const float *sharp_x, *sharp_y; /* P */
    int has_range;                  /* what is corrected are samples */
    struct base base;               /* its gain is NULL where there is none */
    int n_steps, n_whole;           /* the first n_whole are not local */
    struct step step[FOVI_MAX_STEPS];
    /* where local steps work, for each plane: how far the range moved samples, in columns of 16; of rows of the input
     * the blocks to be corrected, those which that reaches, and those which it reaches from a row on in the rows that U
     * takes there. The last value of a row is their largest. */
    struct fovi_window cut, marked, reached, touched;
    int n_blocks, n_cuts, *block_x; /* block_x: first column of the result of each block, a multiple of 16 */
    float *zero;                    /* a row */
    struct step *now;               /* in work */
};

static void step_free(fovea_context *ctx, struct step *s)
{
    fovi_window_free(ctx, &s->residue);
    fovi_window_free(ctx, &s->error);
}

static void project_free(struct fovi_stage *stage)
{
    struct project *p = (struct project *)stage;
    fovea_context *ctx = stage->run->ctx;
    for (int i = 0; i < p->n_steps; i++)
        step_free(ctx, &p->step[i]);
    fovi_window_free(ctx, &p->own);
    fovi_window_free(ctx, &p->base.seen);
    fovi_window_free(ctx, &p->cut);
    fovi_window_free(ctx, &p->marked);
    fovi_window_free(ctx, &p->reached);
    fovi_window_free(ctx, &p->touched);
    fovi_axis_free(ctx, &p->ux);
    fovi_axis_free(ctx, &p->uy);
    fovi_reducer_free(ctx, &p->down);
    fovi_free(ctx, p->base.first);
    fovi_free(ctx, p->base.weights);
    fovi_free(ctx, p->block_x);
    fovi_free(ctx, p->zero);
    fovi_free(ctx, p);
}

static void project_reset(struct fovi_stage *stage)
{
    struct project *p = (struct project *)stage;
    fovi_window_reset(&stage->out);
    fovi_window_reset(&p->own);
    fovi_window_reset(&p->base.seen);
    fovi_window_reset(&p->cut);
    fovi_window_reset(&p->marked);
    fovi_window_reset(&p->reached);
    fovi_window_reset(&p->touched);
    for (int i = 0; i < p->n_steps; i++) {
        p->step[i].y1 = 0;
        fovi_window_reset(&p->step[i].residue);
        fovi_window_reset(&p->step[i].error);
    }
}

/* Where i lies in 0..n-1 of a picture that goes on by reflection. */
static int reflect(int i, int n)
{
    i = (i % (2 * n) + 2 * n) % (2 * n);
    return i < n ? i : 2 * n - 1 - i;
}

static int has_base(const struct project *p, const struct step *s)
{
    return p->base.gain && s == &p->step[0];
}

/* The gain that a plane shares. */
static int group_of(const struct project *p, int plane)
{
    return p->stage.run->is_rgb ? plane / 3 : plane;
}

/* Whether a plane's samples end at 0 and 255: only colours of float pictures go beyond. */
static int is_limited(const struct project *p, int plane)
{
    const struct fovi_run *run = p->stage.run;
    return p->has_range && (run->format.sample != FOVEA_SAMPLE_F32 || plane >= run->n_color);
}

/* ---- which blocks ---- */

/* The next run of blocks of a row that are set, from *begin on; 0 when there is none. */
static int next_run(const float *blocks, int n, int *begin, int *end)
{
    while (*begin < n && blocks[*begin] == 0.0f)
        ++*begin;
    for (*end = *begin; *end < n && blocks[*end] != 0.0f; ++*end)
        continue;
    return *begin < n;
}

/* End of the columns of the result that a run of blocks of reached may change: a block of them is a little wider. */
static int run_end(const struct project *p, int end)
{
    int x1 = p->block_x[end] + FOVI_CUT_COLUMNS;
    return x1 < p->x->width ? x1 : p->x->width;
}

/* Whether any plane has a block set in rows y .. y + n - 1 of marked or reached. */
static int has_any(const struct fovi_window *w, int y, int n)
{
    for (int c = 0; c < w->n_planes; c++)
        for (int i = 0; i < n; i++)
            if (fovi_window_row(w, c, y + i)[w->width - 1] != 0.0f)
                return 1;
    return 0;
}

/* The larger of both. */
static void join(float *restrict row, const float *restrict other, int n)
{
    for (int i = 0; i < n; i++)
        row[i] = other[i] > row[i] ? other[i] : row[i];
}

/* Mark the blocks of row y whose reduction sees samples that were moved. moved: room for a row of cut. */
static void mark_moved(const struct project *p, int plane, int y, float *moved)
{
    const struct fovi_axis *ax = &p->down.ax, *ay = &p->down.ay;
    float *marked = fovi_window_row(&p->marked, plane, y), any = 0.0f;
    int n = p->n_cuts;
    memset(marked, 0, (size_t)(p->n_blocks + 1) * sizeof *marked);
    memset(moved, 0, (size_t)n * sizeof *moved);
    for (int k = 0; k < ay->n_taps; k++) {
        const float *cut = fovi_window_row(&p->cut, plane, ay->first[y] + k);
        any = cut[n] > any ? cut[n] : any;
        if (cut[n] > MOVED)
            join(moved, cut, n);
    }
    for (int b = 0; b < p->n_blocks && any > MOVED; b++) {
        int last = (b + 1) * BLOCK < ax->out ? (b + 1) * BLOCK - 1 : ax->out - 1;
        int end = (ax->first[last] + ax->n_taps - 1) / FOVI_CUT_COLUMNS;
        for (int i = ax->first[b * BLOCK] / FOVI_CUT_COLUMNS; i <= end; i++)
            if (moved[i] > MOVED)
                marked[b] = marked[p->n_blocks] = 1.0f;
    }
}

/* Of those leave the blocks whose residue is worth a correction, and clear it in the others. */
static void mark_residue(const struct project *p, int plane, int y, float *residue)
{
    float *marked = fovi_window_row(&p->marked, plane, y);
    int width = p->lr->out.width;
    marked[p->n_blocks] = 0.0f;
    for (int b = 0; b < p->n_blocks; b++) {
        int x0 = b * BLOCK, x1 = x0 + BLOCK < width ? x0 + BLOCK : width;
        float most = 0.0f;
        for (int x = x0; x < x1 && marked[b] != 0.0f; x++)
            most = fabsf(residue[x]) > most ? fabsf(residue[x]) : most;
        marked[b] = most > MISSED ? 1.0f : 0.0f;
        if (marked[b] != 0.0f)
            marked[p->n_blocks] = 1.0f;
        else
            memset(residue + x0, 0, (size_t)(x1 - x0) * sizeof *residue);
    }
}

/* Blocks of row y that corrections reach: P and U together look less far than a block along the row. */
static void reach_row(const struct project *p, int plane, int y)
{
    float *reached = fovi_window_row(&p->reached, plane, y), left = 0.0f;
    int n = p->n_blocks;
    memset(reached, 0, (size_t)(n + 1) * sizeof *reached);
    for (int i = y - SHARP_RADIUS; i <= y + SHARP_RADIUS; i++) {
        const float *marked = fovi_window_row(&p->marked, plane, reflect(i, p->marked.height));
        if (marked[n] != 0.0f)
            join(reached, marked, n + 1);
    }
    for (int b = 0; b < n && reached[n] != 0.0f; b++) {
        float here = reached[b], right = b + 1 < n ? reached[b + 1] : 0.0f;
        reached[b] = left != 0.0f || right != 0.0f ? 1.0f : here;
        left = here;
    }
}

/* Blocks that the corrections of rows y .. y + taps of U - 1 reach. */
static void touch_row(const struct project *p, int plane, int y)
{
    float *touched = fovi_window_row(&p->touched, plane, y);
    memset(touched, 0, (size_t)(p->n_blocks + 1) * sizeof *touched);
    for (int k = 0; k < p->uy.n_taps && y + k < p->reached.height; k++) {
        const float *reached = fovi_window_row(&p->reached, plane, y + k);
        if (reached[p->n_blocks] != 0.0f)
            join(touched, reached, p->n_blocks + 1);
    }
}

/* Make known what can be known of reached and touched now that more rows were marked. */
static void reach_rows(struct project *p)
{
    int height = p->marked.height;
    while (p->reached.y1 < height && (p->reached.y1 + SHARP_RADIUS < p->marked.y1 || p->marked.y1 == height)) {
        for (int c = 0; c < p->reached.n_planes; c++)
            reach_row(p, c, p->reached.y1);
        fovi_window_push(&p->reached, 1);
    }
    while (p->touched.y1 < height && (p->touched.y1 + p->uy.n_taps <= p->reached.y1 || p->reached.y1 == height)) {
        for (int c = 0; c < p->touched.n_planes; c++)
            touch_row(p, c, p->touched.y1);
        fovi_window_push(&p->touched, 1);
    }
}

/* ---- residue: input - D x ---- */

/* Row y of the base, enlarged and reduced along the row. */
static void seen_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    int plane = index / p->stage.n_rows, y = p->base.seen.y1 + index % p->stage.n_rows;
    float *wide = fovi_reducer_wide(&p->down, worker);
    p->down.dsp->h(&p->ux, fovi_window_row(&p->lr->out, plane, y), wide);
    p->down.dsp->h(&p->down.ax, wide, fovi_window_row(&p->base.seen, plane, y));
}

/* One row of a group of planes. */
static void base_residue_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    const struct base *b = &p->base;
    struct fovi_window *residue = &p->now->residue;
    const float *rows[FOVI_AXIS_MAX_TAPS];
    int group = index / p->stage.n_rows, y = residue->y1 + index % p->stage.n_rows, width = residue->width;
    float *gain = fovi_reducer_narrow(&p->down, worker);
    if (b->gain->out.n_planes)
        fovi_reducer_row(&p->down, &b->gain->out, group, y, 0, width, worker, gain);
    for (int plane = 0; plane < residue->n_planes; plane++) {
        if (group_of(p, plane) != group)
            continue;
        const float *lr = fovi_window_row(&p->lr->out, plane, y);
        float *row = fovi_window_row(residue, plane, y);
        float k = b->gain->out.n_planes ? fovi_gain_factor(p->stage.run, plane, b->strength) : 0.0f;
        for (int i = 0; i < b->n_taps; i++)
            rows[i] = fovi_window_row(&b->seen, plane, b->first[y] + i);
        p->down.dsp->v(rows, b->weights + (ptrdiff_t)y * b->n_taps, b->n_taps, width, row);
        for (int x = 0; x < width; x++)
            row[x] = lr[x] - row[x] - k * gain[x];
    }
}

static void residue_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    struct fovi_window *residue = &p->now->residue;
    int plane = index / p->stage.n_rows, y = residue->y1 + index % p->stage.n_rows, width = residue->width;
    const float *lr = fovi_window_row(&p->lr->out, plane, y);
    float *row = fovi_window_row(residue, plane, y);
    int is_first = p->now == &p->step[p->n_whole];
    if (is_first)
        mark_moved(p, plane, y, fovi_reducer_wide(&p->down, worker));
    const float all = 1.0f, *blocks = p->now->is_local ? fovi_window_row(&p->marked, plane, y) : &all;
    int n = p->now->is_local ? p->n_blocks : 1, length = p->now->is_local ? BLOCK : width;
    memset(row, 0, (size_t)width * sizeof *row);
    for (int begin = 0, end; next_run(blocks, n, &begin, &end); begin = end) {
        int x0 = begin * length, x1 = end * length < width ? end * length : width;
        fovi_reducer_row(&p->down, p->x, plane, y, x0, x1, worker, row);
        for (int x = x0; x < x1; x++)
            row[x] = lr[x] - row[x];
    }
    if (is_first)
        mark_residue(p, plane, y, row);
}

/* ---- error: P of that, enlarged along the row ---- */

/* Columns x0 .. x1 - 1 of row y of P residue, in the worker's scratch. */
static float *sharpen(const struct project *p, int plane, int y, int x0, int x1, int worker)
{
    const struct fovi_window *residue = &p->now->residue;
    const float *rows[SHARP_TAPS];
    const float *down = p->now->is_sharp ? p->sharp_y : keep, *across = p->now->is_sharp ? p->sharp_x : keep;
    int width = residue->width;
    int from = x0 > SHARP_RADIUS ? x0 - SHARP_RADIUS : 0, to = x1 + SHARP_RADIUS < width ? x1 + SHARP_RADIUS : width;
    float *row = fovi_reducer_narrow(&p->down, worker), *out = fovi_reducer_wide(&p->down, worker);
    for (int k = 0; k < SHARP_TAPS; k++)
        rows[k] = fovi_window_row(residue, plane, reflect(y + k - SHARP_RADIUS, residue->height)) + from;
    p->down.dsp->v(rows, down, SHARP_TAPS, to - from, row + from);
    for (int i = 1; i <= SHARP_RADIUS; i++) {
        if (from == 0)
            row[-i] = row[reflect(-i, width)];
        if (to == width)
            row[width - 1 + i] = row[reflect(width - 1 + i, width)];
    }
    for (int k = 0; k < SHARP_TAPS; k++)
        rows[k] = row + x0 + k - SHARP_RADIUS;
    p->down.dsp->v(rows, across, SHARP_TAPS, x1 - x0, out + x0);
    return out;
}

static void base_error_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    struct fovi_window *error = &p->now->error;
    int plane = index / p->stage.n_rows, y = error->y1 + index % p->stage.n_rows, width = p->lr->out.width;
    const float *lr = fovi_window_row(&p->lr->out, plane, y);
    float *row = sharpen(p, plane, y, 0, width, worker);
    for (int x = 0; x < width; x++)
        row[x] = lr[x] + p->now->weight * row[x];
    p->down.dsp->h(&p->ux, row, fovi_window_row(error, plane, y));
}

static void error_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    struct fovi_window *error = &p->now->error;
    int plane = index / p->stage.n_rows, y = error->y1 + index % p->stage.n_rows;
    float *row = fovi_window_row(error, plane, y);
    if (!p->now->is_local) {
        p->down.dsp->h(&p->ux, sharpen(p, plane, y, 0, p->lr->out.width, worker), row);
        return;
    }
    const float *reached = fovi_window_row(&p->reached, plane, y);
    if (reached[p->n_blocks] == 0.0f) /* the row of zeros is taken for it */
        return;
    memset(row, 0, (size_t)error->width * sizeof *row);
    for (int begin = 0, end; next_run(reached, p->n_blocks, &begin, &end); begin = end) {
        const struct fovi_axis ux = fovi_axis_view(&p->ux, p->block_x[begin], run_end(p, end));
        int x1 = ux.first[ux.out - 1] + ux.n_taps;
        p->down.dsp->h(&ux, sharpen(p, plane, y, ux.first[0], x1, worker), row + p->block_x[begin]);
    }
}

/* ---- the correction ---- */

/* Columns x0 .. x1 - 1 (x0 a multiple of 16) of row y. */
static void correct(const struct project *p, int plane, int y, int x0, int x1, int worker)
{
    const struct step *s = p->now;
    const float *rows[FOVI_AXIS_MAX_TAPS], *weights = p->uy.weights + (ptrdiff_t)y * p->uy.n_taps;
    float scaled[FOVI_AXIS_MAX_TAPS], *row = fovi_window_row(p->x, plane, y) + x0, gain = 1.0f;
    float *cut = s->is_local || !p->cut.data ? fovi_reducer_wide(&p->down, worker) : fovi_window_row(&p->cut, plane, y);
    const float *add = row;
    for (int k = 0; k < p->uy.n_taps; k++) {
        int at = p->uy.first[y] + k;
        int is_none = s->is_local && fovi_window_row(&p->reached, plane, at)[p->n_blocks] == 0.0f;
        rows[k] = (is_none ? p->zero : fovi_window_row(&s->error, plane, at)) + x0;
        scaled[k] = has_base(p, s) ? weights[k] : s->weight * weights[k];
    }
    if (has_base(p, s)) {
        const struct fovi_window *g = &p->base.gain->out;
        add = g->n_planes ? fovi_window_row(g, group_of(p, plane), y) + x0 : rows[0];
        gain = g->n_planes ? fovi_gain_factor(p->stage.run, plane, p->base.strength) : 0.0f;
    }
    int is_held = is_limited(p, plane);
    p->down.dsp->v_add(rows, scaled, p->uy.n_taps, x1 - x0, add, gain, is_held ? cut : NULL, row);
    if (!is_held || s->is_local || !p->cut.data)
        return;
    float most = 0.0f;
    for (int i = 0; i < p->n_cuts; i++)
        most = cut[i] > most ? cut[i] : most;
    cut[p->n_cuts] = most;
}

static void correct_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    int plane = index / p->stage.n_rows, y = p->now->y1 + index % p->stage.n_rows, n = p->n_blocks;
    if (!p->now->is_local) {
        correct(p, plane, y, 0, p->x->width, worker);
        return;
    }
    const float *touched = fovi_window_row(&p->touched, plane, p->uy.first[y]);
    if (touched[n] == 0.0f)
        return;
    int done = 0;
    for (int begin = 0, end; next_run(touched, n, &begin, &end); begin = end) {
        int x0 = p->block_x[begin] > done ? p->block_x[begin] : done;
        done = run_end(p, end);
        correct(p, plane, y, x0, done, worker);
    }
}

/* ---- the order of work ---- */

static int advance_step(struct project *p, int index, int y_end);

/* A loop over n rows of n_planes planes for a step. */
static void loop(struct project *p, struct step *s, fovi_job *job, int n_planes, int n)
{
    int is_base = has_base(p, s) && job != seen_job && job != base_residue_job; /* there would be those anyway */
    double start = fovi_clock_ms();
    p->now = s;
    fovi_stage_loop(&p->stage, job, n_planes, n);
    p->stage.run->ms[is_base ? FOVEA_STAGE_BASE : FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
}

static int advance_seen(struct project *p, int need)
{
    struct fovi_window *seen = &p->base.seen;
    while (seen->y1 < need) {
        int n = need - seen->y1 < p->stage.run->piece ? need - seen->y1 : p->stage.run->piece;
        FOVI_TRY(fovi_stage_need(p->lr, seen->y1 + n));
        loop(p, &p->step[0], seen_job, seen->n_planes, n);
        fovi_window_push(seen, n);
    }
    return FOVEA_OK;
}

static void clear_rows(struct fovi_window *w, int n)
{
    for (int c = 0; c < w->n_planes; c++)
        for (int i = 0; i < n; i++)
            memset(fovi_window_row(w, c, w->y1 + i), 0, (size_t)w->width * sizeof *w->data);
}

/* Make residue rows up to need - 1 (or the last). */
static int advance_residue(struct project *p, int index, int need)
{
    struct step *s = &p->step[index];
    struct fovi_window *residue = &s->residue;
    need = need < residue->height ? need : residue->height;
    while (residue->y1 < need) {
        int n = need - residue->y1 < p->stage.run->piece ? need - residue->y1 : p->stage.run->piece;
        int last = residue->y1 + n - 1, rows = p->down.ay.first[last] + p->down.ay.n_taps;
        FOVI_TRY(fovi_stage_need(p->lr, last + 1));
        if (has_base(p, s)) {
            FOVI_TRY(fovi_stage_need(p->base.gain, rows));
            FOVI_TRY(advance_seen(p, p->base.first[last] + p->base.n_taps));
            loop(p, s, base_residue_job, group_of(p, residue->n_planes - 1) + 1, n);
        } else {
            FOVI_TRY(advance_step(p, index - 1, rows));
            if (index > p->n_whole && !has_any(&p->marked, residue->y1, n)) /* known by now */
                clear_rows(residue, n);
            else
                loop(p, s, residue_job, residue->n_planes, n);
        }
        fovi_window_push(residue, n);
        if (index == p->n_whole) {
            fovi_window_push(&p->marked, n);
            reach_rows(p);
        }
    }
    return FOVEA_OK;
}

/* Make error rows up to need - 1. */
static int advance_error(struct project *p, int index, int need)
{
    struct step *s = &p->step[index];
    while (s->error.y1 < need) {
        int n = need - s->error.y1 < p->stage.run->piece ? need - s->error.y1 : p->stage.run->piece;
        FOVI_TRY(advance_residue(p, index, s->error.y1 + n + SHARP_RADIUS));
        FOVI_TRY(fovi_stage_need(p->lr, s->error.y1 + n));
        if (!s->is_local || has_any(&p->reached, s->error.y1, n))
            loop(p, s, has_base(p, s) ? base_error_job : error_job, s->error.n_planes, n);
        fovi_window_push(&s->error, n);
    }
    return FOVEA_OK;
}

/* Make rows of x up to y_end - 1 by a step; -1: those that the steps begin with. */
static int advance_step(struct project *p, int index, int y_end)
{
    if (index < 0)
        return fovi_stage_need(p->in, y_end);
    struct step *s = &p->step[index];
    y_end = y_end < p->x->height ? y_end : p->x->height;
    while (s->y1 < y_end) {
        int n = y_end - s->y1 < p->stage.run->piece ? y_end - s->y1 : p->stage.run->piece;
        int last = s->y1 + n - 1, error_end = p->uy.first[last] + p->uy.n_taps;
        FOVI_TRY(advance_error(p, index, error_end));
        FOVI_TRY(has_base(p, s) ? fovi_stage_need(p->base.gain, last + 1) : advance_step(p, index - 1, last + 1));
        int first = p->uy.first[s->y1];
        if (!s->is_local || has_any(&p->touched, first, p->uy.first[last] + 1 - first))
            loop(p, s, correct_job, p->x->n_planes, n);
        s->y1 += n;
        if (has_base(p, s))
            fovi_window_push(&p->own, n);
        if (p->cut.data && index == p->n_whole - 1)
            fovi_window_push(&p->cut, n);
    }
    return FOVEA_OK;
}

static int project_advance(struct fovi_stage *stage, int y_end)
{
    struct project *p = (struct project *)stage;
    FOVI_TRY(advance_step(p, p->n_steps - 1, y_end));
    stage->out.y1 = p->step[p->n_steps - 1].y1;
    stage->out.y0 = p->x->y0;
    return FOVEA_OK;
}

/* ---- planning ---- */

/* D U along the columns, for every row of the input: the product of both plans. */
static int multiply(fovea_context *ctx, struct project *p)
{
    const struct fovi_axis *up = &p->uy, *down = &p->down.ay;
    struct base *b = &p->base;
    for (int y = 0; y < down->out; y++) {
        int last = down->first[y] + down->n_taps - 1, n = up->first[last] + up->n_taps - up->first[down->first[y]];
        b->n_taps = n > b->n_taps ? n : b->n_taps;
    }
    b->first = fovi_alloc(ctx, (size_t)down->out, sizeof *b->first);
    b->weights = b->first ? fovi_alloc(ctx, (size_t)down->out * (size_t)b->n_taps, sizeof *b->weights) : NULL;
    if (!b->weights)
        return fovi_alloc_error(ctx);
    for (int y = 0; y < down->out; y++) {
        float *w = b->weights + (ptrdiff_t)y * b->n_taps;
        int first = up->first[down->first[y]], most = up->in - b->n_taps;
        b->first[y] = first < most ? first : most;
        for (int k = 0; k < down->n_taps; k++)
            for (int i = 0; i < up->n_taps; i++) {
                int at = down->first[y] + k;
                w[up->first[at] + i - b->first[y]] += down->weights[(ptrdiff_t)y * down->n_taps + k] *
                                                      up->weights[(ptrdiff_t)at * up->n_taps + i];
            }
    }
    return FOVEA_OK;
}

static int init_base(struct project *p)
{
    fovea_context *ctx = p->stage.run->ctx;
    const struct fovi_window *lo = &p->lr->out;
    FOVI_TRY(multiply(ctx, p));
    return fovi_window_init(ctx, &p->base.seen, lo->width, lo->height, lo->n_planes,
                            p->base.n_taps + p->stage.run->piece + 2);
}

/* What says where local steps work. */
static int init_marks(struct project *p)
{
    fovea_context *ctx = p->stage.run->ctx;
    const struct fovi_window *lo = &p->lr->out;
    int width = p->x->width, n = p->n_steps - p->n_whole, piece = p->stage.run->piece;
    if (n == 0)
        return FOVEA_OK;
    int rows = (n + 1) * (piece + 12);
    p->n_cuts = (width + FOVI_CUT_COLUMNS - 1) / FOVI_CUT_COLUMNS;
    p->n_blocks = (lo->width + BLOCK - 1) / BLOCK;
    FOVI_TRY(
        fovi_window_init(ctx, &p->cut, p->n_cuts + 1, p->x->height, lo->n_planes, 3 * p->down.ay.n_taps + 2 * piece));
    FOVI_TRY(fovi_window_init(ctx, &p->marked, p->n_blocks + 1, lo->height, lo->n_planes, rows));
    FOVI_TRY(fovi_window_init(ctx, &p->reached, p->n_blocks + 1, lo->height, lo->n_planes, rows));
    FOVI_TRY(fovi_window_init(ctx, &p->touched, p->n_blocks + 1, lo->height, lo->n_planes, rows));
    p->zero = fovi_alloc(ctx, (size_t)width, sizeof *p->zero);
    p->block_x = p->zero ? fovi_alloc(ctx, (size_t)p->n_blocks + 1, sizeof *p->block_x) : NULL;
    if (!p->block_x)
        return fovi_alloc_error(ctx);
    for (int b = 0, x = 0; b <= p->n_blocks; b++) {
        while (b > 0 && x < width && p->ux.first[x] < b * BLOCK)
            x++;
        p->block_x[b] = b < p->n_blocks ? x / FOVI_CUT_COLUMNS * FOVI_CUT_COLUMNS : width;
    }
    return FOVEA_OK;
}

static int init_steps(struct project *p, const struct fovi_project_params *params)
{
    fovea_context *ctx = p->stage.run->ctx;
    const struct fovi_window *lo = &p->lr->out;
    int piece = p->stage.run->piece;
    p->n_steps = params->n_steps;
    p->n_whole = params->n_whole;
    for (int i = 0; i < p->n_steps; i++) {
        struct step *s = &p->step[i];
        s->weight = params->weight[i];
        s->is_local = i >= p->n_whole;
        s->is_sharp = i < params->n_sharp;
        FOVI_TRY(fovi_window_init(ctx, &s->residue, lo->width, lo->height, lo->n_planes, SHARP_TAPS + piece));
        FOVI_TRY(fovi_window_init(ctx, &s->error, p->x->width, lo->height, lo->n_planes, p->uy.n_taps + piece + 1));
    }
    return FOVEA_OK;
}

static int init(struct project *p, const struct fovi_project_params *params, int capacity)
{
    fovea_context *ctx = p->stage.run->ctx;
    const struct fovi_frame *large = &p->stage.frame, *small = &p->lr->frame;
    int is_sharp = fovi_project_is_sharp((double)large->full_width / small->full_width,
                                         (double)large->full_height / small->full_height);
    p->sharp_x = is_sharp && large->full_width > small->full_width ? sharp : keep;
    p->sharp_y = is_sharp && large->full_height > small->full_height ? sharp : keep;
    FOVI_TRY(fovi_reducer_init(ctx, &p->down, large, small));
    FOVI_TRY(fovi_frame_axes(ctx, FOVEA_KERNEL_BICUBIC, small, large, &p->ux, &p->uy));
    if (p->base.gain)
        FOVI_TRY(fovi_window_init(ctx, &p->own, large->width, large->height, p->lr->out.n_planes,
                                  capacity + p->stage.run->piece));
    p->x = p->base.gain ? &p->own : &p->in->out;
    p->stage.out = *p->x;
    FOVI_TRY(init_steps(p, params));
    FOVI_TRY(init_marks(p));
    return p->base.gain ? init_base(p) : FOVEA_OK;
}

static int create(struct fovi_run *run, const struct project *what, const struct fovi_project_params *params,
                  int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct project *p = fovi_alloc(run->ctx, 1, sizeof *p);
    if (!p)
        return fovi_alloc_error(run->ctx);
    *p = *what;
    p->stage.run = run;
    p->stage.advance = project_advance;
    p->stage.reset = project_reset;
    p->stage.free = project_free;
    p->has_range = params->has_range;
    int code = init(p, params, capacity);
    if (code)
        project_free(&p->stage);
    else
        *out = &p->stage;
    return code;
}

int fovi_base_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *gain,
                     const struct fovi_project_params *params, int capacity, struct fovi_stage **out)
{
    const struct project what = { .stage = { .frame = gain->frame },
                                  .lr = in,
                                  .base = { .gain = gain, .strength = params->strength } };
    return create(run, &what, params, capacity, out);
}

int fovi_project_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *lr,
                        const struct fovi_project_params *params, struct fovi_stage **out)
{
    const struct project what = { .stage = { .frame = in->frame }, .in = in, .lr = lr };
    return create(run, &what, params, 0, out);
}
