/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The meter of consistency: what is left of D(result as written) - input.
 *
 * Bytes are summed along the columns as they were written, interleaved, and only the sums are taken apart into planes;
 * other samples become planes of levels first. Rows are cut into chunks, always the same ones, so that the figures do
 * not depend on the number of threads.
 */
#include <math.h>
#include <string.h>

#include "pipeline/reduce.h"

/* Tiles and input pixels of a chunk. */
enum { CHUNK_TILES = 16, CHUNK = CHUNK_TILES * FOVEA_TILE };

struct sums {
    double square, largest, within; /* squares, largest, count within two levels */
};

struct fovi_meter {
    struct fovi_run *run;
    struct fovi_stage *lr;
    struct fovi_reducer down;
    int takes_bytes;
    struct fovi_window written;        /* rows of planes, or of bytes as they were written */
    const struct fovea_image *picture; /* that the bytes are in, and stay in; NULL: they are in written */
    float *mixed;                      /* for each worker: sums of bytes along the columns of a chunk */
    ptrdiff_t mixed_stride;
    int next; /* input row to be compared next */
    int n_tiles_x, n_tiles_y, n_chunks;
    struct sums *sums; /* of a batch, for each job */
    float *row_tiles;  /* of a batch, for each row and tile column: largest */
    float *tiles;      /* largest of each tile */
    struct sums total;
    double n;
    int n_rows; /* in work */
};

void fovi_meter_free(struct fovi_meter **meter)
{
    if (!*meter)
        return;
    fovea_context *ctx = (*meter)->run->ctx;
    fovi_reducer_free(ctx, &(*meter)->down);
    fovi_window_free(ctx, &(*meter)->written);
    fovi_free(ctx, (*meter)->mixed);
    fovi_free(ctx, (*meter)->sums);
    fovi_free(ctx, (*meter)->row_tiles);
    fovi_free(ctx, (*meter)->tiles);
    fovi_free(ctx, *meter);
    *meter = NULL;
}

/* D along the row for a chunk, and the columns of the result that it reads. */
static struct fovi_axis view_chunk(const struct fovi_meter *m, int chunk, int *first, int *end)
{
    int x0 = chunk * CHUNK, x1 = x0 + CHUNK < m->down.ax.out ? x0 + CHUNK : m->down.ax.out;
    const struct fovi_axis ax = fovi_axis_view(&m->down.ax, x0, x1);
    fovi_reducer_span(&ax, first, end);
    return ax;
}

/* ---- bytes ---- */

static const uint8_t *byte_row(const struct fovi_meter *m, int y)
{
    if (m->picture)
        return (const uint8_t *)m->picture->data + y * m->picture->stride_bytes;
    return (const uint8_t *)(const void *)fovi_window_row(&m->written, 0, y);
}

void *fovi_meter_place(const struct fovi_meter *m, ptrdiff_t *stride_bytes)
{
    if (!m->takes_bytes || m->picture)
        return NULL;
    *stride_bytes = m->written.stride * (ptrdiff_t)sizeof *m->written.data;
    return fovi_window_row(&m->written, 0, m->written.y1);
}

/* Sum a chunk of row y of D along the columns. Returns the sums of its columns from *first on, interleaved. */
static const float *sum_bytes(const struct fovi_meter *m, int chunk, int y, int worker, int *first, int *end)
{
    const uint8_t *rows[FOVI_AXIS_MAX_TAPS];
    const struct fovi_axis *ay = &m->down.ay;
    float *mixed = m->mixed + worker * m->mixed_stride;
    int n_channels = m->lr->out.n_planes;
    view_chunk(m, chunk, first, end);
    *first = *first > 0 ? *first : 0;
    *end = *end < m->down.ax.in ? *end : m->down.ax.in;
    for (int k = 0; k < ay->n_taps; k++)
        rows[k] = byte_row(m, ay->first[y] + k) + (ptrdiff_t)*first * n_channels;
    m->down.dsp->v_u8(rows, ay->weights + (ptrdiff_t)y * ay->n_taps, ay->n_taps, (*end - *first) * n_channels, mixed);
    return mixed;
}

/* One plane of them; what may be read beside is set where the picture ends. */
static void take_plane(const struct fovi_meter *m, const float *restrict mixed, int first, int end,
                       float *restrict wide)
{
    int n_channels = m->lr->out.n_planes, n = end - first;
    float *restrict to = wide + first;
    if (n_channels == 3) /* a constant step is vectorised */
        for (int x = 0; x < n; x++)
            to[x] = mixed[3 * x];
    else
        for (int x = 0; x < n; x++)
            to[x] = mixed[(ptrdiff_t)n_channels * x];
    if (first == 0)
        memset(wide - FOVI_WINDOW_PAD, 0, FOVI_WINDOW_PAD * sizeof *wide);
    if (end == m->down.ax.in)
        memset(wide + end, 0, FOVI_WINDOW_PAD * sizeof *wide);
}

/* ---- the comparison ---- */

/* Partial sums of a tile's row, in fixed order, that a vector can hold. */
enum { LANES = 8 };

/* n pixels of one row of a plane. */
static void compare_tile(const float *restrict row, const float *restrict lr, int n, struct sums *sums)
{
    float square[LANES] = { 0 }, largest[LANES] = { 0 };
    int32_t within[LANES] = { 0 };
    for (int x = 0; x < n; x += LANES)
        for (int k = 0; k < LANES && x + k < n; k++) {
            float d = fabsf(row[x + k] - lr[x + k]);
            square[k] += d * d;
            largest[k] = d > largest[k] ? d : largest[k];
            within[k] += d <= 2.0f;
        }
    sums->largest = 0.0;
    for (int k = 0; k < LANES; k++) {
        sums->square += (double)square[k];
        sums->largest = (double)largest[k] > sums->largest ? (double)largest[k] : sums->largest;
        sums->within += within[k];
    }
}

/* A chunk of one row of a plane. row_tiles: of the row. */
static void compare(const struct fovi_meter *m, int chunk, const float *row, const float *lr, float *row_tiles,
                    struct sums *sums)
{
    int end_tile = (chunk + 1) * CHUNK_TILES < m->n_tiles_x ? (chunk + 1) * CHUNK_TILES : m->n_tiles_x;
    double largest = sums->largest;
    for (int t = chunk * CHUNK_TILES; t < end_tile; t++) {
        int x0 = t * FOVEA_TILE, left = m->lr->out.width - x0;
        if (left >= FOVEA_TILE) /* a constant number is vectorised */
            compare_tile(row + x0, lr + x0, FOVEA_TILE, sums);
        else
            compare_tile(row + x0, lr + x0, left, sums);
        row_tiles[t] = (float)sums->largest > row_tiles[t] ? (float)sums->largest : row_tiles[t];
        largest = sums->largest > largest ? sums->largest : largest;
    }
    sums->largest = largest;
}

/* One chunk of one row, all colours. */
static void meter_job(void *arg, int index, int worker)
{
    struct fovi_meter *m = arg;
    int chunk = index / m->n_rows, row_index = index % m->n_rows, y = m->next + row_index, first = 0, end = 0;
    int x0 = chunk * CHUNK, x1 = x0 + CHUNK < m->lr->out.width ? x0 + CHUNK : m->lr->out.width;
    float *row = fovi_reducer_narrow(&m->down, worker), *wide = fovi_reducer_wide(&m->down, worker);
    float *row_tiles = m->row_tiles + (ptrdiff_t)row_index * m->n_tiles_x;
    const float *mixed = m->takes_bytes ? sum_bytes(m, chunk, y, worker, &first, &end) : NULL;
    struct sums sums = { 0 };
    for (int t = chunk * CHUNK_TILES; t < m->n_tiles_x && t < (chunk + 1) * CHUNK_TILES; t++)
        row_tiles[t] = 0.0f;
    for (int c = 0; c < m->run->n_color; c++) {
        if (m->takes_bytes) {
            const struct fovi_axis ax = fovi_axis_view(&m->down.ax, x0, x1);
            take_plane(m, mixed + c, first, end, wide);
            m->down.dsp->h(&ax, wide, row + x0);
        } else {
            fovi_reducer_row(&m->down, &m->written, c, y, x0, x1, worker, row);
        }
        compare(m, chunk, row, fovi_window_row(&m->lr->out, c, y), row_tiles, &sums);
    }
    m->sums[index] = sums;
}

/* Take the largest deviations of one row into its tiles. */
static void keep_row(struct fovi_meter *m, int y, const float *row)
{
    float *tiles = m->tiles + (ptrdiff_t)(y / FOVEA_TILE) * m->n_tiles_x;
    for (int t = 0; t < m->n_tiles_x; t++)
        tiles[t] = row[t] > tiles[t] ? row[t] : tiles[t];
}

/* Input rows that can be compared now: those whose reduction is complete, a piece at most. */
static int count_ready(const struct fovi_meter *m)
{
    const struct fovi_axis *ay = &m->down.ay;
    int n = 0;
    while (n < m->run->piece && m->next + n < ay->out && ay->first[m->next + n] + ay->n_taps <= m->written.y1)
        n++;
    return n;
}

/* Take what was found of n rows. */
static void keep_rows(struct fovi_meter *m, int n)
{
    for (int i = 0; i < n * m->n_chunks; i++) {
        m->total.square += m->sums[i].square;
        m->total.largest = m->sums[i].largest > m->total.largest ? m->sums[i].largest : m->total.largest;
        m->total.within += m->sums[i].within;
    }
    for (int i = 0; i < n; i++)
        keep_row(m, m->next + i, m->row_tiles + (ptrdiff_t)i * m->n_tiles_x);
    m->n += (double)n * m->run->n_color * m->lr->out.width;
    m->next += n;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

void fovi_meter_push(struct fovi_meter *m, const void *rows, ptrdiff_t stride_bytes, int n, void (*beside)(void *arg),
                     void *arg)
{
    if (!m->takes_bytes)
        fovi_run_load_rows(m->run, rows, stride_bytes, n, &m->written, m->written.y1);
    fovi_window_push(&m->written, n);
    do {
        m->n_rows = count_ready(m);
        fovi_parallel_beside(m->run->ctx, meter_job, m, m->n_rows * m->n_chunks, beside, arg);
        keep_rows(m, m->n_rows);
        beside = do_nothing;
    } while (m->n_rows > 0);
}

/* ---- planning and the result ---- */

/* Rows that are pushed together lie one below the other: the window holds whole pieces. */
static int init_rows(struct fovi_meter *m)
{
    fovea_context *ctx = m->run->ctx;
    const struct fovi_run *run = m->run;
    int width = m->down.ax.in, height = m->down.ay.in, n_channels = m->lr->out.n_planes, most = 0;
    int piece = run->piece, capacity = (2 * piece + m->down.ay.n_taps + 1) / piece * piece;
    m->takes_bytes = run->format.sample == FOVEA_SAMPLE_U8 && run->curve == FOVI_CURVE_NONE && run->white == 1.0f;
    if (!m->takes_bytes)
        return fovi_window_init(ctx, &m->written, width, height, n_channels, capacity);
    for (int i = 0, first, end; i < m->n_chunks; i++) {
        view_chunk(m, i, &first, &end);
        most = end - first > most ? end - first : most;
    }
    m->mixed_stride = ((ptrdiff_t)most * n_channels + 31) / 16 * 16;
    m->mixed = fovi_alloc(ctx, (size_t)m->mixed_stride * (size_t)fovea_context_threads(ctx), sizeof *m->mixed);
    if (!m->mixed)
        return fovi_alloc_error(ctx);
    return fovi_window_init(ctx, &m->written, (int)(((int64_t)width * n_channels + 3) / 4), height + piece, 1,
                            capacity);
}

static int init(struct fovi_meter *m, const struct fovi_frame *frame)
{
    fovea_context *ctx = m->run->ctx;
    m->n_tiles_x = (m->lr->out.width + FOVEA_TILE - 1) / FOVEA_TILE;
    m->n_tiles_y = (m->lr->out.height + FOVEA_TILE - 1) / FOVEA_TILE;
    m->n_chunks = (m->n_tiles_x + CHUNK_TILES - 1) / CHUNK_TILES;
    m->tiles = fovi_alloc(ctx, (size_t)m->n_tiles_x * (size_t)m->n_tiles_y, sizeof *m->tiles);
    m->row_tiles = fovi_alloc(ctx, (size_t)m->n_tiles_x * (size_t)m->run->piece, sizeof *m->row_tiles);
    m->sums = fovi_alloc(ctx, (size_t)m->n_chunks * (size_t)m->run->piece, sizeof *m->sums);
    if (!m->tiles || !m->row_tiles || !m->sums)
        return fovi_alloc_error(ctx);
    FOVI_TRY(fovi_reducer_init(ctx, &m->down, frame, &m->lr->frame));
    return init_rows(m);
}

int fovi_meter_create(struct fovi_run *run, struct fovi_stage *lr, const struct fovi_frame *frame,
                      struct fovi_meter **out)
{
    struct fovi_meter *m = fovi_alloc(run->ctx, 1, sizeof *m);
    *out = m;
    if (!m)
        return fovi_alloc_error(run->ctx);
    m->run = run;
    m->lr = lr;
    int code = init(m, frame);
    if (code)
        fovi_meter_free(out);
    return code;
}

void fovi_meter_reset(struct fovi_meter *m, const struct fovea_image *picture)
{
    m->picture = m->takes_bytes ? picture : NULL;
    fovi_window_reset(&m->written);
    m->next = 0;
    m->total = (struct sums){ 0 };
    m->n = 0.0;
    memset(m->tiles, 0, (size_t)m->n_tiles_x * (size_t)m->n_tiles_y * sizeof *m->tiles);
}

void fovi_meter_result(const struct fovi_meter *m, struct fovea_report *report)
{
    report->consistency_measured = m->n > 0.0;
    report->consistency_rms = m->n > 0.0 ? sqrt(m->total.square / m->n) : 0.0;
    report->consistency_max = m->total.largest;
    report->consistency_within_2 = m->n > 0.0 ? m->total.within / m->n : 0.0;
}

const float *fovi_meter_tiles(const struct fovi_meter *m)
{
    return m->n > 0.0 ? m->tiles : NULL;
}
