/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fused, row-streaming executor.
 */
#include "net/exec.h"

#include <string.h>

#include "net/conv.h"

#define TILE 16

/* Columns that a slice has at most. */
#define SLICE_COLUMNS 384

/* What is fixed about a layer. Number -1, the input, has index 0 in the arrays below; layer l has l + 1. */
struct plan_layer {
    int channels;
    int reach;    /* radius of all that comes after: how far beyond a wanted pixel this output is needed */
    int capacity; /* rows of its ring */
    int64_t macs; /* for one pixel */
    struct fovi_conv_weights conv;
};

/* Columns that are worked on by one thread at a time. */
struct slice {
    struct fovi_exec *exec;
    int x0, x1;                          /* output columns */
    int origin;                          /* picture column of column 0 of its rows: x0 - radius */
    ptrdiff_t stride;                    /* floats of a row of one channel */
    int next[FOVI_GRAPH_MAX_LAYERS + 1]; /* rows made so far */
    float *ring[FOVI_GRAPH_MAX_LAYERS + 1];
    float *tail;        /* a row of the last layer */
    const float *zero;  /* a row of zeros for all channels: above and below the picture */
    int (*interval)[2]; /* columns to compute in a row */
    int64_t macs;
};

struct fovi_exec {
    fovea_context *ctx;
    const struct fovi_graph *graph;
    fovi_conv_row *conv_row;
    int width, height, radius;
    int n_tiles_x;
    const uint8_t *tiles;
    uint8_t value;
    struct plan_layer layer[FOVI_GRAPH_MAX_LAYERS + 1];
    float *packed, *arena;
    int (*intervals)[2];
    int max_intervals;
    int n_slices_max, n_slices;
    struct slice *slice;
    int64_t *column_work; /* wanted pixels of each tile column */
    size_t floats_per_column, zero_channels;
    /* of the current call */
    const struct fovi_window *luma;
    int y0, y1;
    float *out;
    ptrdiff_t out_stride;
};

static ptrdiff_t row_stride(const struct fovi_exec *e, int width)
{
    ptrdiff_t stride = ((ptrdiff_t)width + 2 * e->radius + 2 * FOVI_CONV_OVERREAD + 15) / 16 * 16;
    return stride / 16 % 2 ? stride : stride + 16; /* an odd number of cache lines */
}

/* Radius with which layer number l (of the graph) reads its input. */
static int own_radius(const struct fovi_graph *g, int l)
{
    return g->layer[l].kind == FOVI_LAYER_CONV ? g->layer[l].k / 2 : 0;
}

/* Whether layer number reader reads the output of layer number l (-1 = the input). */
static int reads(const struct fovi_graph *g, int reader, int l)
{
    return reader == l + 1 || (g->layer[reader].kind == FOVI_LAYER_ADD && g->layer[reader].from == l);
}

static void plan_layers(struct fovi_exec *e)
{
    const struct fovi_graph *g = e->graph;
    for (int l = g->n_layers - 1; l >= -1; l--) {
        struct plan_layer *p = &e->layer[l + 1];
        int oldest = 1 << 20;
        p->channels = l < 0 ? 1 : g->layer[l].c_out;
        for (int r = l + 1; r < g->n_layers; r++) {
            if (!reads(g, r, l))
                continue;
            int reach = e->layer[r + 1].reach + own_radius(g, r), back = e->layer[r + 1].reach - own_radius(g, r);
            p->reach = reach > p->reach ? reach : p->reach;
            oldest = back < oldest ? back : oldest;
        }
        p->capacity = l < g->n_layers - 1 ? p->reach - oldest + 1 : 1;
    }
    e->radius = e->layer[0].reach;
}

static int pack_weights(struct fovi_exec *e)
{
    const struct fovi_graph *g = e->graph;
    size_t n = 0;
    for (int l = 0; l < g->n_layers; l++)
        if (g->layer[l].kind == FOVI_LAYER_CONV)
            n += fovi_conv_packed_size(g->layer[l].k, g->layer[l].c_in, g->layer[l].c_out);
    e->packed = fovi_alloc(e->ctx, n, sizeof *e->packed);
    if (!e->packed)
        return fovi_alloc_error(e->ctx);
    float *to = e->packed;
    for (int l = 0; l < g->n_layers; l++) {
        const struct fovi_layer *layer = &g->layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        fovi_conv_pack(layer->k, layer->c_in, layer->c_out, layer->weight, to);
        e->layer[l + 1].conv = (struct fovi_conv_weights){ .k = layer->k,
                                                           .c_in = layer->c_in,
                                                           .c_out = layer->c_out,
                                                           .packed = to,
                                                           .bias = layer->bias,
                                                           .slope = layer->has_prelu ? layer->slope : NULL };
        e->layer[l + 1].macs = (int64_t)layer->k * layer->k * layer->c_in * layer->c_out;
        to += fovi_conv_packed_size(layer->k, layer->c_in, layer->c_out);
    }
    return FOVEA_OK;
}

/* Memory for the rings of all slices together, whatever their widths. */
static int take_memory(struct fovi_exec *e)
{
    size_t channels = 0, widest = 1;
    int last = e->graph->n_layers;
    for (int l = 0; l <= last; l++) {
        size_t c = (size_t)e->layer[l].channels;
        channels += c * (size_t)(l == last ? 1 : e->layer[l].capacity);
        widest = c > widest ? c : widest;
    }
    e->zero_channels = widest;
    e->floats_per_column = channels + widest;
    size_t columns = (size_t)e->width + (size_t)e->n_slices_max * (size_t)row_stride(e, 32);
    e->arena = fovi_alloc(e->ctx, columns * e->floats_per_column, sizeof *e->arena);
    e->max_intervals = e->n_tiles_x / 2 + 2;
    e->intervals = fovi_alloc(e->ctx, (size_t)e->n_slices_max * (size_t)e->max_intervals, sizeof *e->intervals);
    e->slice = fovi_alloc(e->ctx, (size_t)e->n_slices_max, sizeof *e->slice);
    e->column_work = fovi_alloc(e->ctx, (size_t)e->n_tiles_x, sizeof *e->column_work);
    return e->arena && e->intervals && e->slice && e->column_work ? FOVEA_OK : fovi_alloc_error(e->ctx);
}

/* Enough slices for the threads, and narrow enough that a slice's rings stay in a core's own cache; each costs the
 * radius twice in columns. */
static int choose_slices(int width, int n_threads)
{
    int n = (width + SLICE_COLUMNS - 1) / SLICE_COLUMNS, most = width / (4 * TILE);
    n = (n + n_threads - 1) / n_threads * n_threads; /* as many for each thread */
    return n < most ? n : most > 1 ? most : 1;
}

int fovi_exec_create(fovea_context *ctx, const struct fovi_graph *graph, int width, int height, struct fovi_exec **out)
{
    *out = NULL;
    struct fovi_exec *e = fovi_alloc(ctx, 1, sizeof *e);
    if (!e)
        return fovi_alloc_error(ctx);
    e->ctx = ctx;
    e->graph = graph;
    e->width = width;
    e->height = height;
    e->conv_row = fovi_conv_row_get(fovea_context_cpu(ctx));
    e->n_tiles_x = (width + TILE - 1) / TILE;
    plan_layers(e);
    e->n_slices_max = choose_slices(width, fovea_context_threads(ctx));
    int code = pack_weights(e);
    if (!code)
        code = take_memory(e);
    if (code)
        fovi_exec_free(&e);
    *out = e;
    return code;
}

void fovi_exec_free(struct fovi_exec **exec)
{
    if (!exec || !*exec)
        return;
    struct fovi_exec *e = *exec;
    fovea_context *ctx = e->ctx;
    fovi_free(ctx, e->column_work);
    fovi_free(ctx, e->slice);
    fovi_free(ctx, e->intervals);
    fovi_free(ctx, e->arena);
    fovi_free(ctx, e->packed);
    fovi_free(ctx, e);
    *exec = NULL;
}

static int wanted(const struct fovi_exec *e, int tile_x, int tile_y)
{
    return !e->tiles || e->tiles[(ptrdiff_t)tile_y * e->n_tiles_x + tile_x] == e->value;
}

/* How many rows of tiles want each tile column, plus a little for the column itself. */
static int64_t count_work(struct fovi_exec *e)
{
    int n_tiles_y = (e->height + TILE - 1) / TILE;
    int64_t sum = 0;
    for (int x = 0; x < e->n_tiles_x; x++) {
        e->column_work[x] = 1;
        for (int y = 0; y < n_tiles_y; y++)
            e->column_work[x] += 16 * wanted(e, x, y);
        sum += e->column_work[x];
    }
    return sum;
}

static float *carve(float **arena, ptrdiff_t n_rows, ptrdiff_t stride)
{
    float *p = *arena;
    *arena += n_rows * stride;
    return p;
}

static void slice_init(struct fovi_exec *e, struct slice *s, int x0, int x1, float **arena)
{
    int last = e->graph->n_layers;
    *s = (struct slice){ .exec = e, .x0 = x0, .x1 = x1, .origin = x0 - e->radius, .stride = row_stride(e, x1 - x0) };
    s->interval = e->intervals + (s - e->slice) * e->max_intervals;
    float *start = *arena;
    for (int l = 0; l < last; l++)
        s->ring[l] = carve(arena, (ptrdiff_t)e->layer[l].capacity * e->layer[l].channels, s->stride) +
                     FOVI_CONV_OVERREAD;
    s->tail = carve(arena, e->layer[last].channels, s->stride) + FOVI_CONV_OVERREAD;
    s->zero = carve(arena, (ptrdiff_t)e->zero_channels, s->stride) + FOVI_CONV_OVERREAD;
    memset(start, 0, (size_t)(*arena - start) * sizeof *start);
}

void fovi_exec_begin(struct fovi_exec *e, const uint8_t *tiles, uint8_t value)
{
    e->tiles = tiles;
    e->value = value;
    int64_t total = count_work(e), done = 0;
    float *arena = e->arena;
    int x = 0;
    e->n_slices = 0;
    for (int i = 0; i < e->n_slices_max && x < e->n_tiles_x; i++) {
        int first = x, left = e->n_slices_max - 1 - i;
        do
            done += e->column_work[x++];
        while (x < e->n_tiles_x - left && (left == 0 || done * e->n_slices_max < total * (i + 1)));
        int end = x * TILE < e->width ? x * TILE : e->width;
        slice_init(e, &e->slice[e->n_slices++], first * TILE, end, &arena);
    }
}

static int imin(int a, int b)
{
    return a < b ? a : b;
}

static int imax(int a, int b)
{
    return a > b ? a : b;
}

/* Columns of row y, in order and apart, that lie within reach of the slice's wanted pixels. */
static int find_intervals(const struct slice *s, int reach, int y)
{
    const struct fovi_exec *e = s->exec;
    int tile_y0 = imax(0, y - reach) / TILE, tile_y1 = imin(e->height - 1, y + reach) / TILE, n = 0;
    if (!e->tiles) {
        s->interval[0][0] = imax(0, s->x0 - reach);
        s->interval[0][1] = imin(e->width, s->x1 + reach);
        return 1;
    }
    for (int x = s->x0 / TILE; x * TILE < s->x1; x++) {
        int any = 0;
        for (int ty = tile_y0; ty <= tile_y1; ty++)
            any |= wanted(e, x, ty);
        if (!any)
            continue;
        int from = imax(0, x * TILE - reach), to = imin(e->width, imin((x + 1) * TILE, s->x1) + reach);
        if (n && from <= s->interval[n - 1][1]) {
            s->interval[n - 1][1] = to;
        } else {
            s->interval[n][0] = from;
            s->interval[n++][1] = to;
        }
    }
    return n;
}

static float *ring_row(const struct slice *s, int index, int y)
{
    const struct plan_layer *p = &s->exec->layer[index];
    return s->ring[index] + (ptrdiff_t)(y % p->capacity) * p->channels * s->stride;
}

/* Row y of the output of index, zeros outside the picture. */
static const float *input_row(const struct slice *s, int index, int y)
{
    return y < 0 || y >= s->exec->height ? s->zero : ring_row(s, index, y);
}

/* Input row y as level / 255. */
static void load_input(struct slice *s, int y)
{
    const struct fovi_exec *e = s->exec;
    if (!find_intervals(s, e->radius, y))
        return;
    const float *luma = fovi_window_row(e->luma, 0, y);
    float *to = ring_row(s, 0, y);
    int from = imax(0, s->origin), end = imin(e->width, s->x1 + e->radius);
    for (int x = from; x < end; x++)
        to[x - s->origin] = luma[x] * (1.0f / 255.0f);
}

static void conv_layer(struct slice *s, int index, int y, float *dst, int n)
{
    const struct plan_layer *p = &s->exec->layer[index];
    const float *rows[5];
    for (int k = 0; k < p->conv.k; k++)
        rows[k] = input_row(s, index - 1, y + k - p->conv.k / 2);
    for (int i = 0; i < n; i++) {
        int x0 = s->interval[i][0] - s->origin, x1 = s->interval[i][1] - s->origin;
        s->exec->conv_row(&p->conv, rows, s->stride, dst, s->stride, x0, x1);
        s->macs += p->macs * (x1 - x0);
    }
}

static void add_layer(struct slice *s, int index, int y, float *dst, int n)
{
    const float *a = ring_row(s, index - 1, y);
    const float *b = ring_row(s, s->exec->graph->layer[index - 1].from + 1, y);
    for (int c = 0; c < s->exec->layer[index].channels; c++)
        for (int i = 0; i < n; i++)
            for (ptrdiff_t x = s->interval[i][0] - s->origin; x < s->interval[i][1] - s->origin; x++)
                dst[c * s->stride + x] = a[c * s->stride + x] + b[c * s->stride + x];
}

/* The last layer's row goes to the output: channel sy * scale + sx is pixel (sx, sy) of each block. */
static void shuffle(const struct slice *s, int y, int n)
{
    const struct fovi_exec *e = s->exec;
    int scale = e->graph->scale;
    for (int sy = 0; sy < scale; sy++) {
        float *out = e->out + ((ptrdiff_t)(y - e->y0) * scale + sy) * e->out_stride;
        for (int sx = 0; sx < scale; sx++) {
            const float *from = s->tail + (ptrdiff_t)(sy * scale + sx) * s->stride - s->origin;
            for (int i = 0; i < n; i++)
                for (ptrdiff_t x = s->interval[i][0]; x < s->interval[i][1]; x++)
                    out[x * scale + sx] = from[x] * 255.0f;
        }
    }
}

/* Make row y of a layer (index as in the arrays) and, before it, all rows that it needs. */
static void advance(struct slice *s, int index, int y)
{
    const struct fovi_exec *e = s->exec;
    const struct fovi_graph *g = e->graph;
    y = imin(y, e->height - 1);
    for (; s->next[index] <= y; s->next[index]++) {
        int row = s->next[index];
        if (index == 0) {
            load_input(s, row);
            continue;
        }
        advance(s, index - 1, row + own_radius(g, index - 1));
        int n = find_intervals(s, e->layer[index].reach, row);
        float *dst = index == g->n_layers ? s->tail : ring_row(s, index, row);
        if (g->layer[index - 1].kind == FOVI_LAYER_CONV)
            conv_layer(s, index, row, dst, n);
        else
            add_layer(s, index, row, dst, n);
        if (index == g->n_layers)
            shuffle(s, row, n);
    }
}

static void slice_job(void *arg, int index, int worker)
{
    (void)worker;
    struct fovi_exec *e = arg;
    advance(&e->slice[index], e->graph->n_layers, e->y1 - 1);
}

void fovi_exec_rows(struct fovi_exec *e, const struct fovi_window *luma, int y0, int y1, float *out,
                    ptrdiff_t out_stride)
{
    e->luma = luma;
    e->y0 = y0;
    e->y1 = y1;
    e->out = out;
    e->out_stride = out_stride;
    fovi_parallel(e->ctx, slice_job, e, e->n_slices);
}

double fovi_exec_px(const struct fovi_exec *e)
{
    int64_t macs = 0, whole = fovi_graph_macs(e->graph);
    for (int i = 0; i < e->n_slices; i++)
        macs += e->slice[i].macs;
    return (double)macs / (double)whole;
}
