/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Consistency: iterative back-projection (Irani, Peleg 1991) with the exact antialiased bicubic reduction D, bicubic
 * enlargement U at the picture's true ratios, and P, a short filter that undoes what D U does to a correction, so that
 * one step leaves a few hundredths of the difference; and the meter of what is left of D(result) - input.
 *
 * D U is nearly the same filter at every ratio: along an axis about (-0.036 0.127 0.814 0.127 -0.036). Seven taps
 * invert it within 4 % at every frequency and ratio from 1.4 on; closer to 1 D U changes from place to place, and P
 * fits less. U P is then close to the pseudo-inverse of D (U is D transposed but for scale and border), the smallest
 * correction that does the work.
 *
 * Samples that cannot leave the range of the output are brought back into it after each step, so that the next one
 * gives to their neighbours what they could not take: projections onto two convex sets in turn.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/stage.h"

/* Rows of one plane, reduced: columns first (fewer rows to sum across), then along the row. */
struct reducer {
    struct fovi_axis ax, ay;
    const struct fovi_resample_dsp *dsp;
    float *scratch; /* for each worker a wide row and a narrow one */
    ptrdiff_t wide_stride, narrow_stride;
};

static void reducer_free(fovea_context *ctx, struct reducer *r)
{
    fovi_axis_free(ctx, &r->ax);
    fovi_axis_free(ctx, &r->ay);
    fovi_free(ctx, r->scratch);
}

static int reducer_init(fovea_context *ctx, struct reducer *r, const struct fovi_frame *from,
                        const struct fovi_frame *to)
{
    r->dsp = fovi_resample_dsp_get(fovea_context_cpu(ctx));
    FOVI_TRY(fovi_frame_axes(ctx, FOVEA_KERNEL_BICUBIC, from, to, &r->ax, &r->ay));
    if (r->ay.n_taps > FOVI_AXIS_MAX_TAPS)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "consistency: %d taps are more than %d", r->ay.n_taps, FOVI_AXIS_MAX_TAPS);
    r->wide_stride = ((ptrdiff_t)from->width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    r->narrow_stride = ((ptrdiff_t)to->width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    r->scratch = fovi_alloc(ctx, (size_t)(r->wide_stride + r->narrow_stride) * (size_t)fovea_context_threads(ctx),
                            sizeof *r->scratch);
    return r->scratch ? FOVEA_OK : fovi_alloc_error(ctx);
}

static float *narrow_row(const struct reducer *r, int worker)
{
    return r->scratch + (r->wide_stride + r->narrow_stride) * worker + r->wide_stride + FOVI_WINDOW_PAD;
}

/* Row y of the reduction of a plane of w, in the worker's scratch. */
static float *reduce_row(const struct reducer *r, const struct fovi_window *w, int plane, int y, int worker)
{
    const float *rows[FOVI_AXIS_MAX_TAPS];
    float *wide = r->scratch + (r->wide_stride + r->narrow_stride) * worker + FOVI_WINDOW_PAD;
    float *narrow = narrow_row(r, worker);
    for (int k = 0; k < r->ay.n_taps; k++)
        rows[k] = fovi_window_row(w, plane, r->ay.first[y] + k);
    r->dsp->v(rows, r->ay.weights + (ptrdiff_t)y * r->ay.n_taps, r->ay.n_taps, w->width, wide);
    r->dsp->h(&r->ax, wide, narrow);
    return narrow;
}

/* ---- a step of back-projection ---- */

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

struct project {
    struct fovi_stage stage;
    struct fovi_stage *in, *lr;
    struct reducer down;
    struct fovi_axis ux, uy;
    struct fovi_window residue; /* input - D(in), sharpened along the rows */
    struct fovi_window error;   /* that sharpened along the columns and enlarged along the rows */
    float weight;               /* of the correction */
    int has_range;              /* what is corrected are samples */
    const float *sharp_x, *sharp_y;
};

static void project_free(struct fovi_stage *stage)
{
    struct project *p = (struct project *)stage;
    fovea_context *ctx = stage->run->ctx;
    fovi_window_free(ctx, &stage->out);
    fovi_window_free(ctx, &p->residue);
    fovi_window_free(ctx, &p->error);
    fovi_axis_free(ctx, &p->ux);
    fovi_axis_free(ctx, &p->uy);
    reducer_free(ctx, &p->down);
    fovi_free(ctx, p);
}

static void project_reset(struct fovi_stage *stage)
{
    struct project *p = (struct project *)stage;
    fovi_window_reset(&stage->out);
    fovi_window_reset(&p->residue);
    fovi_window_reset(&p->error);
}

/* Where i lies in 0..n-1 of a picture that goes on by reflection. */
static int reflect(int i, int n)
{
    i = (i % (2 * n) + 2 * n) % (2 * n);
    return i < n ? i : 2 * n - 1 - i;
}

static void residue_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    int width = p->lr->out.width;
    int plane = index / p->stage.n_rows, y = p->residue.y1 + index % p->stage.n_rows;
    float *row = reduce_row(&p->down, &p->in->out, plane, y, worker);
    const float *lr = fovi_window_row(&p->lr->out, plane, y), *shifted[SHARP_TAPS];
    for (int x = 0; x < width; x++)
        row[x] = lr[x] - row[x];
    for (int i = 1; i <= SHARP_RADIUS; i++) {
        row[-i] = row[reflect(-i, width)];
        row[width - 1 + i] = row[reflect(width - 1 + i, width)];
    }
    for (int k = 0; k < SHARP_TAPS; k++)
        shifted[k] = row + k - SHARP_RADIUS;
    p->down.dsp->v(shifted, p->sharp_x, SHARP_TAPS, width, fovi_window_row(&p->residue, plane, y));
}

static void error_job(void *arg, int index, int worker)
{
    struct project *p = arg;
    int plane = index / p->stage.n_rows, y = p->error.y1 + index % p->stage.n_rows;
    const float *rows[SHARP_TAPS];
    float *row = narrow_row(&p->down, worker);
    for (int k = 0; k < SHARP_TAPS; k++)
        rows[k] = fovi_window_row(&p->residue, plane, reflect(y + k - SHARP_RADIUS, p->residue.height));
    p->down.dsp->v(rows, p->sharp_y, SHARP_TAPS, p->residue.width, row);
    p->down.dsp->h(&p->ux, row, fovi_window_row(&p->error, plane, y));
}

/* Whether a plane's samples end at 0 and 255: only colours of float pictures go beyond. */
static int is_limited(const struct fovi_run *run, int plane)
{
    return run->format.sample != FOVEA_SAMPLE_F32 || plane >= run->n_color;
}

static void correct_job(void *arg, int index, int worker)
{
    (void)worker;
    struct project *p = arg;
    const float *rows[FOVI_AXIS_MAX_TAPS];
    int plane = index / p->stage.n_rows, y = p->stage.out.y1 + index % p->stage.n_rows;
    float *out = fovi_window_row(&p->stage.out, plane, y);
    const float *in = fovi_window_row(&p->in->out, plane, y);
    for (int k = 0; k < p->uy.n_taps; k++)
        rows[k] = fovi_window_row(&p->error, plane, p->uy.first[y] + k);
    p->down.dsp->v(rows, p->uy.weights + (ptrdiff_t)y * p->uy.n_taps, p->uy.n_taps, p->ux.out, out);
    const float weight = p->weight; /* a copy: for all the compiler knows, out may point at it */
    if (!p->has_range || !is_limited(p->stage.run, plane)) {
        for (int x = 0; x < p->ux.out; x++)
            out[x] = in[x] + weight * out[x];
        return;
    }
    for (int x = 0; x < p->ux.out; x++) {
        float v = in[x] + weight * out[x];
        v = v > 0.0f ? v : 0.0f;
        out[x] = v < 255.0f ? v : 255.0f;
    }
}

/* Make residue rows up to need - 1 (or the last). */
static int advance_residue(struct project *p, int need)
{
    struct fovi_run *run = p->stage.run;
    need = need < p->residue.height ? need : p->residue.height;
    while (p->residue.y1 < need) {
        int n = need - p->residue.y1 < run->piece ? need - p->residue.y1 : run->piece;
        int last = p->residue.y1 + n - 1;
        FOVI_TRY(fovi_stage_need(p->in, p->down.ay.first[last] + p->down.ay.n_taps));
        FOVI_TRY(fovi_stage_need(p->lr, last + 1));
        double start = fovi_clock_ms();
        fovi_stage_loop(&p->stage, residue_job, p->residue.n_planes, n);
        fovi_window_push(&p->residue, n);
        run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

/* Make error rows up to need - 1. */
static int advance_error(struct project *p, int need)
{
    struct fovi_run *run = p->stage.run;
    while (p->error.y1 < need) {
        int n = need - p->error.y1 < run->piece ? need - p->error.y1 : run->piece;
        FOVI_TRY(advance_residue(p, p->error.y1 + n + SHARP_RADIUS));
        double start = fovi_clock_ms();
        fovi_stage_loop(&p->stage, error_job, p->error.n_planes, n);
        fovi_window_push(&p->error, n);
        run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

static int project_advance(struct fovi_stage *stage, int y_end)
{
    struct project *p = (struct project *)stage;
    struct fovi_run *run = stage->run;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < run->piece ? y_end - stage->out.y1 : run->piece;
        int last = stage->out.y1 + n - 1;
        FOVI_TRY(advance_error(p, p->uy.first[last] + p->uy.n_taps));
        FOVI_TRY(fovi_stage_need(p->in, last + 1));
        double start = fovi_clock_ms();
        fovi_stage_loop(&p->stage, correct_job, p->error.n_planes, n);
        fovi_window_push(&stage->out, n);
        run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

int fovi_project_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *lr, float weight, int capacity,
                        struct fovi_stage **out)
{
    *out = NULL;
    struct project *p = fovi_alloc(run->ctx, 1, sizeof *p);
    if (!p)
        return fovi_alloc_error(run->ctx);
    p->stage = (struct fovi_stage){
        .run = run, .advance = project_advance, .reset = project_reset, .free = project_free
    };
    p->stage.frame = in->frame;
    p->in = in;
    p->lr = lr;
    p->weight = weight;
    p->has_range = 1;
    const struct fovi_window *hi = &in->out, *lo = &lr->out;
    const struct fovi_frame *large = &in->frame, *small = &lr->frame;
    int is_sharp = fovi_project_is_sharp((double)large->full_width / small->full_width,
                                         (double)large->full_height / small->full_height);
    p->sharp_x = is_sharp && large->full_width > small->full_width ? sharp : keep;
    p->sharp_y = is_sharp && large->full_height > small->full_height ? sharp : keep;
    int code = reducer_init(run->ctx, &p->down, large, small);
    if (!code)
        code = fovi_frame_axes(run->ctx, FOVEA_KERNEL_BICUBIC, small, large, &p->ux, &p->uy);
    if (!code)
        code = fovi_window_init(run->ctx, &p->residue, lo->width, lo->height, hi->n_planes, SHARP_TAPS + run->piece);
    if (!code)
        code = fovi_window_init(run->ctx, &p->error, hi->width, lo->height, hi->n_planes,
                                p->uy.n_taps + run->piece + 1);
    if (!code)
        code = fovi_window_init(run->ctx, &p->stage.out, hi->width, hi->height, hi->n_planes, capacity + run->piece);
    if (code)
        project_free(&p->stage);
    else
        *out = &p->stage;
    return code;
}

void fovi_project_drop_range(struct fovi_stage *stage)
{
    ((struct project *)stage)->has_range = 0;
}

/* ---- the meter ---- */

struct fovi_meter {
    struct fovi_run *run;
    struct fovi_stage *lr;
    struct reducer down;
    struct fovi_window written;
    int next;     /* input row to be compared next */
    double *sums; /* of a batch, for each job: squares, largest, count within two levels */
    int n_tiles_x, n_tiles_y;
    float *row_tiles; /* of a batch, for each job and tile column: largest */
    float *tiles;     /* largest of each tile */
    double square, largest, within, n;
    int n_rows; /* in work */
};

void fovi_meter_free(struct fovi_meter **meter)
{
    if (!*meter)
        return;
    fovea_context *ctx = (*meter)->run->ctx;
    reducer_free(ctx, &(*meter)->down);
    fovi_window_free(ctx, &(*meter)->written);
    fovi_free(ctx, (*meter)->sums);
    fovi_free(ctx, (*meter)->row_tiles);
    fovi_free(ctx, (*meter)->tiles);
    fovi_free(ctx, *meter);
    *meter = NULL;
}

int fovi_meter_create(struct fovi_run *run, struct fovi_stage *lr, const struct fovi_frame *frame, int capacity,
                      struct fovi_meter **out)
{
    struct fovi_meter *m = fovi_alloc(run->ctx, 1, sizeof *m);
    *out = m;
    if (!m)
        return fovi_alloc_error(run->ctx);
    m->run = run;
    m->lr = lr;
    int code = reducer_init(run->ctx, &m->down, frame, &lr->frame);
    if (!code)
        code = fovi_window_init(run->ctx, &m->written, frame->width, frame->height, lr->out.n_planes,
                                capacity + m->down.ay.n_taps + 2);
    m->n_tiles_x = (lr->out.width + FOVEA_TILE - 1) / FOVEA_TILE;
    m->n_tiles_y = (lr->out.height + FOVEA_TILE - 1) / FOVEA_TILE;
    m->tiles = fovi_alloc(run->ctx, (size_t)m->n_tiles_x * (size_t)m->n_tiles_y, sizeof *m->tiles);
    m->row_tiles = fovi_alloc(run->ctx, (size_t)m->n_tiles_x * FOVI_STAGE_PIECE * FOVEA_MAX_CHANNELS,
                              sizeof *m->row_tiles);
    if (!code && (!m->tiles || !m->row_tiles))
        code = fovi_alloc_error(run->ctx);
    if (!code && !(m->sums = fovi_alloc(run->ctx, 3 * FOVI_STAGE_PIECE * FOVEA_MAX_CHANNELS, sizeof *m->sums)))
        code = fovi_alloc_error(run->ctx);
    if (code)
        fovi_meter_free(out);
    return code;
}

void fovi_meter_reset(struct fovi_meter *m)
{
    fovi_window_reset(&m->written);
    m->next = 0;
    m->square = m->largest = m->within = m->n = 0.0;
    memset(m->tiles, 0, (size_t)m->n_tiles_x * (size_t)m->n_tiles_y * sizeof *m->tiles);
}

static void meter_job(void *arg, int index, int worker)
{
    struct fovi_meter *m = arg;
    int plane = index / m->n_rows, row_index = index % m->n_rows, y = m->next + row_index;
    const float *row = reduce_row(&m->down, &m->written, plane, y, worker);
    const float *lr = fovi_window_row(&m->lr->out, plane, y);
    double square = 0.0, largest = 0.0, within = 0.0;
    for (int t = 0; t < m->n_tiles_x; t++) {
        int end = (t + 1) * FOVEA_TILE < m->lr->out.width ? (t + 1) * FOVEA_TILE : m->lr->out.width;
        double most = 0.0;
        for (int x = t * FOVEA_TILE; x < end; x++) {
            double d = fabs((double)row[x] - (double)lr[x]);
            square += d * d;
            most = d > most ? d : most;
            within += d <= 2.0;
        }
        m->row_tiles[(ptrdiff_t)index * m->n_tiles_x + t] = (float)most;
        largest = most > largest ? most : largest;
    }
    double *sums = m->sums + 3 * (ptrdiff_t)(row_index * m->run->n_color + plane); /* summed row by row later */
    sums[0] = square;
    sums[1] = largest;
    sums[2] = within;
}

/* Take the largest deviations of one row of a plane into its tiles. */
static void keep_row(struct fovi_meter *m, int y, const float *row)
{
    float *tiles = m->tiles + (ptrdiff_t)(y / FOVEA_TILE) * m->n_tiles_x;
    for (int t = 0; t < m->n_tiles_x; t++)
        tiles[t] = row[t] > tiles[t] ? row[t] : tiles[t];
}

/* Compare all input rows whose reduction is complete. */
static void compare_ready(struct fovi_meter *m)
{
    const struct fovi_axis *ay = &m->down.ay;
    while (m->next < ay->out) {
        int n = 0;
        while (n < m->run->piece && m->next + n < ay->out && ay->first[m->next + n] + ay->n_taps <= m->written.y1)
            n++;
        if (n == 0)
            return;
        m->n_rows = n;
        fovi_parallel_near(m->run->ctx, meter_job, m, n * m->run->n_color);
        for (int i = 0; i < n * m->run->n_color; i++) {
            m->square += m->sums[3 * i];
            m->largest = m->sums[3 * i + 1] > m->largest ? m->sums[3 * i + 1] : m->largest;
            m->within += m->sums[3 * i + 2];
            keep_row(m, m->next + i / m->run->n_color, m->row_tiles + (ptrdiff_t)i * m->n_tiles_x);
        }
        m->n += (double)n * m->run->n_color * m->lr->out.width;
        m->next += n;
    }
}

int fovi_meter_push(struct fovi_meter *m, const void *rows, ptrdiff_t stride_bytes, int n)
{
    double start = fovi_clock_ms();
    fovi_run_load_rows(m->run, rows, stride_bytes, n, &m->written, m->written.y1);
    fovi_window_push(&m->written, n);
    compare_ready(m);
    m->run->ms[FOVEA_STAGE_CHECKS] += fovi_clock_ms() - start;
    return FOVEA_OK;
}

void fovi_meter_result(const struct fovi_meter *m, struct fovea_report *report)
{
    report->consistency_measured = m->n > 0.0;
    report->consistency_rms = m->n > 0.0 ? sqrt(m->square / m->n) : 0.0;
    report->consistency_max = m->largest;
    report->consistency_within_2 = m->n > 0.0 ? m->within / m->n : 0.0;
}

const float *fovi_meter_tiles(const struct fovi_meter *m)
{
    return m->n > 0.0 ? m->tiles : NULL;
}
