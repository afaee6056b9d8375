/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The meter of consistency: what is left of D(result as written) - input.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/reduce.h"

struct fovi_meter {
    struct fovi_run *run;
    struct fovi_stage *lr;
    struct fovi_reducer down;
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
    fovi_reducer_free(ctx, &(*meter)->down);
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
    size_t n_jobs = (size_t)run->piece * (size_t)run->n_color;
    int code = fovi_reducer_init(run->ctx, &m->down, frame, &lr->frame);
    if (!code)
        code = fovi_window_init(run->ctx, &m->written, frame->width, frame->height, lr->out.n_planes,
                                capacity + m->down.ay.n_taps + 2);
    m->n_tiles_x = (lr->out.width + FOVEA_TILE - 1) / FOVEA_TILE;
    m->n_tiles_y = (lr->out.height + FOVEA_TILE - 1) / FOVEA_TILE;
    m->tiles = fovi_alloc(run->ctx, (size_t)m->n_tiles_x * (size_t)m->n_tiles_y, sizeof *m->tiles);
    m->row_tiles = fovi_alloc(run->ctx, (size_t)m->n_tiles_x * n_jobs, sizeof *m->row_tiles);
    if (!code && (!m->tiles || !m->row_tiles))
        code = fovi_alloc_error(run->ctx);
    if (!code && !(m->sums = fovi_alloc(run->ctx, 3 * n_jobs, sizeof *m->sums)))
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
    ptrdiff_t place = (ptrdiff_t)row_index * m->run->n_color + plane; /* taken up row by row later */
    float *row = fovi_reducer_narrow(&m->down, worker);
    fovi_reducer_row(&m->down, &m->written, plane, y, 0, m->lr->out.width, worker, row);
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
        m->row_tiles[place * m->n_tiles_x + t] = (float)most;
        largest = most > largest ? most : largest;
    }
    double *sums = m->sums + 3 * place;
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
