/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fused, row-streaming executor.
 */
#include "net/exec.h"

#include <string.h>

#include "base/clock.h"
#include "net/bf16.h"
#include "net/conv.h"
#include "net/gate.h"
#include "net/int8.h"
#include "net/rate.h"

#define TILE 16 /* of the picture; columns and rows below are those of the layers, which unshuffle makes fewer */

/* Columns that a slice has at most, unless that makes too many slices: what lies between them costs memory. */
#define SLICE_COLUMNS 384
#define MAX_SLICES 40

/* Floats before each row of a channel: zeros beside the picture, and those after the row of the channel before. */
#define ROW_PAD 16

/* More rows than pictures have, and their layers may look beyond. */
#define NO_END (1 << 30)

/* Rows that a layer makes at a time. The groups of the last layer start at multiples of it; those of a layer whose
 * output is needed `reach` rows further down start `reach` rows further down: they end where its readers' inputs do.
 * In float the rows of a group are made from each other's inputs (Winograd), so each group needs all of its inputs. In
 * bfloat16 and int8 each is a sum of its own: those above what is needed may be made of rows that were not. */
#define GROUP FOVI_QUAD_ROWS

/* What is fixed about a layer. Number -1, the input, has index 0 in the arrays below; layer l has l + 1. */
struct plan_layer {
    int channels;
    int reach;    /* radius of all that comes after: how far beyond a wanted pixel this output is needed */
    int back;     /* how many groups earlier than the last layer's group, at most, this output's group is needed */
    int keep;     /* how many rows the next group may need of those before it */
    int capacity; /* rows that are in use at one time */
    int own_rows; /* rows of a slice's own ring: those that outlive a call, or all */
    int is_quad;  /* whether it makes its rows four at once */
    int64_t macs; /* for one pixel */
    struct fovi_conv_weights conv;
    struct fovi_bf16_weights bf16; /* in its place where the network runs in bfloat16 */
    struct fovi_int8_weights int8; /* or in int8 */
    ptrdiff_t outside;             /* where its row in e->zero begins: in int8 each has its own */
};

/* Columns that are worked on by one thread at a time. */
struct slice {
    struct fovi_exec *exec;
    int x0, x1;                                /* output columns */
    ptrdiff_t stride;                          /* floats of a row of one channel */
    int next[FOVI_GRAPH_MAX_LAYERS + 1];       /* first row of the next group, from -3 on */
    float *ring[FOVI_GRAPH_MAX_LAYERS + 1];    /* its own first row at the picture's column 0 (which it may not have) */
    float *passing[FOVI_GRAPH_MAX_LAYERS + 1]; /* the same of the ring that belongs to the thread at work */
    float *scratch;                            /* of the thread at work */
    int (*interval)[2];                        /* columns to compute in a group of rows */
    int64_t macs, end_macs;                    /* multiply-adds; of them those of a column for each interval */
    int n_wanted;                              /* tiles of the current call */
    struct fovi_rate rate;
};

struct fovi_exec {
    fovea_context *ctx;
    const struct fovi_graph *graph;
    fovi_conv_row *conv_row;
    fovi_conv_quad *conv_quad;
    fovi_gate *gate;
    const struct fovi_bf16_dsp *bf16; /* NULL: in float or int8 */
    const struct fovi_int8_dsp *int8; /* NULL: in float or bfloat16 */
    int picture_width, picture_height;
    int width, height, radius, tile; /* of the layers: the picture's divided by unshuffle */
    int shuffle;                     /* output columns and rows of a column and row of the layers */
    int n_tiles_x;
    const uint8_t *tiles;
    uint8_t value;
    struct plan_layer layer[FOVI_GRAPH_MAX_LAYERS + 1];
    float *packed, *lanes, *arena, *scratch;
    float *zero;    /* a row of zeros for all channels: above and below the picture */
    float *passing; /* for each thread, rings of the rows that no later call needs */
    int (*intervals)[2];
    int max_intervals;
    int n_slices_wanted, n_slices_max, n_slices;
    int slice_tiles; /* most tile columns of a slice */
    struct slice *slice;
    struct slice **order;                  /* the slices by falling work in the rows of the current call */
    int64_t *column_work;                  /* wanted pixels of each tile column */
    size_t widest;                         /* floats of a column of the widest layer */
    size_t passing_floats, scratch_floats; /* for each thread */
    /* of the current call */
    const struct fovi_window *luma;
    int y0, y1;
    int first, end; /* rows of the last layer made in earlier calls and after this one, as if the picture had no ends */
    float *out;
    ptrdiff_t out_stride;
};

static int imin(int a, int b)
{
    return a < b ? a : b;
}

static int imax(int a, int b)
{
    return a > b ? a : b;
}

static ptrdiff_t row_stride(const struct fovi_exec *e, int width)
{
    ptrdiff_t stride = ((ptrdiff_t)width + 2 * e->radius + 1 + ROW_PAD + 15) / 16 * 16;
    return stride / 16 % 2 ? stride : stride + 16; /* an odd number of cache lines */
}

/* Whether the channels of a pixel lie side by side. */
static int is_interleaved(const struct fovi_exec *e)
{
    return e->bf16 || e->int8;
}

/* Whether a layer makes its rows four at once. */
static int is_quad(const struct fovi_exec *e, const struct fovi_layer *layer)
{
    return layer->kind == FOVI_LAYER_CONV &&
           (is_interleaved(e) || fovi_conv_is_quad(layer->k, layer->c_in, layer->c_out));
}

int fovi_exec_has_bf16(const struct fovi_graph *g)
{
    for (int l = 0; l < g->n_layers - 1; l++)
        if (g->layer[l].c_out % 2)
            return 0;
    return g->n_layers > 1 && g->scale * g->unshuffle <= 4 && g->layer[0].kind == FOVI_LAYER_CONV &&
           g->layer[g->n_layers - 1].kind == FOVI_LAYER_CONV;
}

static void plan_layers(struct fovi_exec *e)
{
    const struct fovi_graph *g = e->graph;
    for (int l = g->n_layers - 1; l >= -1; l--) {
        struct plan_layer *p = &e->layer[l + 1];
        p->channels = l >= 0 ? g->layer[l].c_out : g->layer[0].c_in * (e->bf16 ? FOVI_BF16_SPLIT : 1);
        p->is_quad = l >= 0 && is_quad(e, &g->layer[l]);
        for (int r = l + 1; r < g->n_layers; r++)
            if (fovi_graph_reads(g, r, l))
                p->reach = imax(p->reach, e->layer[r + 1].reach + fovi_graph_own_radius(&g->layer[r]));
        p->keep = 0;
        for (int r = l + 1; r < g->n_layers; r++) {
            if (!fovi_graph_reads(g, r, l))
                continue;
            int ahead = p->reach - (e->layer[r + 1].reach -
                                    fovi_graph_own_radius(&g->layer[r])); /* of the first row that r reads */
            p->keep = imax(p->keep, ahead);
            p->back = imax(p->back, e->layer[r + 1].back + (ahead + GROUP - 1) / GROUP);
        }
        if (is_interleaved(e))
            p->back = (2 * p->reach + GROUP - 1) / GROUP;
        p->capacity = p->keep + GROUP;
        /* With fewer rows in a call those to be kept would be written while the last call's are still in use. */
        p->own_rows = p->capacity <= FOVI_EXEC_LEAST_ROWS / g->unshuffle ? p->keep : p->capacity;
    }
    e->radius = e->layer[0].reach;
}

/* Floats of a layer's packed weights. */
static size_t packed_size(const struct fovi_exec *e, int l)
{
    const struct fovi_layer *layer = &e->graph->layer[l];
    if (e->int8)
        return fovi_int8_packed_bytes(&e->layer[l + 1].int8, e->graph, l) / sizeof(float);
    if (layer->kind != FOVI_LAYER_CONV)
        return 0;
    if (e->bf16)
        return fovi_bf16_packed_size(&e->layer[l + 1].bf16) / 2;
    return fovi_conv_is_quad(layer->k, layer->c_in, layer->c_out)
               ? fovi_conv_quad_packed_size(layer->c_in, layer->c_out)
               : fovi_conv_packed_size(layer->k, layer->c_in, layer->c_out);
}

static void pack_layer(struct fovi_exec *e, int l, float *to, float **lanes)
{
    const struct fovi_layer *layer = &e->graph->layer[l];
    struct plan_layer *p = &e->layer[l + 1];
    const float *slope = layer->has_prelu ? layer->slope : NULL;
    p->macs = layer->kind == FOVI_LAYER_CONV ? (int64_t)layer->k * layer->k * layer->c_in * layer->c_out : 0;
    if (e->int8) {
        fovi_int8_pack(&p->int8, e->graph, l, to);
        return;
    }
    if (e->bf16) {
        int n_lanes = fovi_bf16_tiles(&p->bf16) * FOVI_BF16_LANES;
        fovi_bf16_pack(&p->bf16, l == 0, layer->weight, layer->bias, slope, (uint16_t *)to, *lanes, *lanes + n_lanes);
        *lanes += 2 * n_lanes;
        return;
    }
    if (p->is_quad)
        fovi_conv_quad_pack(layer->c_in, layer->c_out, layer->weight, to);
    else
        fovi_conv_pack(layer->k, layer->c_in, layer->c_out, layer->weight, to);
    p->conv = (struct fovi_conv_weights){ layer->k, layer->c_in, layer->c_out, to, layer->bias, slope };
}

static int pack_weights(struct fovi_exec *e)
{
    const struct fovi_graph *g = e->graph;
    size_t n = 0, n_lanes = 1;
    for (int l = 0; l < g->n_layers; l++) {
        const struct fovi_layer *layer = &g->layer[l];
        struct fovi_bf16_weights *bf16 = &e->layer[l + 1].bf16;
        if (e->bf16 && layer->kind == FOVI_LAYER_CONV) {
            fovi_bf16_init(bf16, layer->k, layer->c_in, layer->c_out, l == 0, l == g->n_layers - 1 ? e->shuffle : 0);
            n_lanes += 2 * FOVI_BF16_LANES * (size_t)fovi_bf16_tiles(bf16);
        }
        if (e->int8)
            fovi_int8_init(&e->layer[l + 1].int8, g, l, e->shuffle);
        n += packed_size(e, l);
    }
    e->packed = fovi_alloc(e->ctx, n, sizeof *e->packed);
    e->lanes = fovi_alloc(e->ctx, n_lanes, sizeof *e->lanes);
    if (!e->packed || !e->lanes)
        return fovi_alloc_error(e->ctx);
    float *to = e->packed, *lanes = e->lanes;
    for (int l = 0; l < g->n_layers; l++) {
        if (g->layer[l].kind == FOVI_LAYER_CONV || e->int8)
            pack_layer(e, l, to, &lanes);
        to += packed_size(e, l);
    }
    return FOVEA_OK;
}

/* Floats of a column of one row of a layer's output. */
static ptrdiff_t pixel_floats(const struct fovi_exec *e, const struct plan_layer *p)
{
    if (e->int8 && p != &e->layer[0])
        return (p->channels + 3) / 4;
    return e->bf16 ? p->channels / 2 : p->channels;
}

/* Floats of the rings for one column: those that each slice has, or those that each thread has. */
static size_t column_floats(const struct fovi_exec *e, int is_passing)
{
    size_t floats = 0;
    for (int l = 0; l <= e->graph->n_layers; l++) {
        const struct plan_layer *p = &e->layer[l];
        int rows = is_passing ? (p->own_rows < p->capacity ? p->capacity : 0) : p->own_rows;
        floats += (size_t)pixel_floats(e, p) * (size_t)rows;
    }
    return floats;
}

/* Floats of a kernel's scratch; behind them, where the last layer's gives the output itself, is a row of that. */
static size_t kernel_scratch(const struct fovi_exec *e)
{
    return e->int8 ? FOVI_INT8_SCRATCH / sizeof(float) : FOVI_BF16_SCRATCH;
}

static size_t scratch_floats(const struct fovi_exec *e)
{
    size_t channels = 0;
    if (is_interleaved(e))
        return kernel_scratch(e) + ((size_t)(e->width * e->shuffle) + 15) / 16 * 16;
    for (int l = 0; l <= e->graph->n_layers; l++)
        if (e->layer[l].is_quad && (size_t)e->layer[l].conv.c_in > channels)
            channels = (size_t)e->layer[l].conv.c_in;
    return FOVI_QUAD_INPUTS * FOVI_QUAD_COLUMNS * channels;
}

/* Fill n floats of a layer's rows with what stands for the outside of the picture. */
static void fill_outside(const struct fovi_exec *e, const struct plan_layer *p, float *to, ptrdiff_t n)
{
    ptrdiff_t index = p - e->layer;
    uint8_t pixel[FOVI_GRAPH_MAX_CHANNELS], *bytes = (uint8_t *)to;
    if (!e->int8 || index == 0 || index == e->graph->n_layers) {
        memset(to, 0, (size_t)n * sizeof *to);
        return;
    }
    for (int c = 0; c < p->channels; c++)
        pixel[c] = (uint8_t)e->graph->layer[index - 1].int8.zero[c];
    for (ptrdiff_t i = 0; i < n * (ptrdiff_t)sizeof *to; i += p->channels)
        memcpy(bytes + i, pixel, (size_t)p->channels);
}

/* A row that stands for those above and below the picture; in int8 one for each layer, as zero points differ. */
static int take_outside(struct fovi_exec *e, size_t stride, size_t overread)
{
    size_t n = e->int8 ? 0 : stride * e->widest;
    for (int l = 0; l <= e->graph->n_layers && e->int8; l++) {
        e->layer[l].outside = (ptrdiff_t)n;
        n += stride * (size_t)pixel_floats(e, &e->layer[l]);
    }
    e->zero = fovi_alloc(e->ctx, n + overread, sizeof *e->zero);
    for (int l = 0; l <= e->graph->n_layers && e->int8 && e->zero; l++)
        fill_outside(e, &e->layer[l], e->zero + e->layer[l].outside, (ptrdiff_t)stride * pixel_floats(e, &e->layer[l]));
    return e->zero != NULL;
}

/* Memory for the rings of all slices together, whatever their widths, and for each thread's work. */
static int take_memory(struct fovi_exec *e)
{
    size_t n_threads = (size_t)fovea_context_threads(e->ctx), n_slices = (size_t)e->n_slices_max;
    e->widest = 1;
    for (int l = 0; l <= e->graph->n_layers; l++)
        if ((size_t)pixel_floats(e, &e->layer[l]) > e->widest)
            e->widest = (size_t)pixel_floats(e, &e->layer[l]);
    size_t overread = e->bf16   ? FOVI_BF16_OVERREAD * e->widest
                      : e->int8 ? FOVI_INT8_OVERREAD * e->widest
                                : FOVI_CONV_OVERREAD;
    size_t stride = (size_t)row_stride(e, imin(e->slice_tiles * e->tile, e->width));
    e->scratch_floats = scratch_floats(e);
    e->passing_floats = (column_floats(e, 1) * stride + overread + 15) / 16 * 16;
    /* Slices are whole tiles but for the last, so that row_stride adds as much to each, at most. */
    size_t columns = (size_t)(e->width + e->tile) + n_slices * (size_t)(row_stride(e, 0) + 16);
    e->arena = fovi_alloc(e->ctx, columns * column_floats(e, 0) + overread, sizeof *e->arena);
    e->passing = fovi_alloc(e->ctx, e->passing_floats * n_threads, sizeof *e->passing);
    e->scratch = fovi_alloc(e->ctx, e->scratch_floats * n_threads, sizeof *e->scratch);
    e->max_intervals = e->slice_tiles / 2 + 2;
    e->intervals = fovi_alloc(e->ctx, n_slices * (size_t)e->max_intervals, sizeof *e->intervals);
    e->slice = fovi_alloc(e->ctx, n_slices, sizeof *e->slice);
    e->order = fovi_alloc(e->ctx, n_slices, sizeof(struct slice *));
    e->column_work = fovi_alloc(e->ctx, (size_t)e->n_tiles_x, sizeof *e->column_work);
    int has_all = take_outside(e, stride, overread) && e->arena && e->passing && e->scratch && e->intervals &&
                  e->slice && e->order && e->column_work;
    return has_all ? FOVEA_OK : fovi_alloc_error(e->ctx);
}

/* Enough slices for the threads, and narrow enough that a slice's rings stay in a core's own cache; each costs the
 * radius twice in columns. */
static int choose_slices(int width, int tile, int n_threads)
{
    int n = (width + SLICE_COLUMNS - 1) / SLICE_COLUMNS, most = width / (4 * tile);
    n = imax(n_threads, imin(n, MAX_SLICES));
    n = (n + n_threads - 1) / n_threads * n_threads; /* as many for each thread */
    return n < most ? n : most > 1 ? most : 1;
}

int fovi_exec_create(fovea_context *ctx, const struct fovi_graph *graph, enum fovi_exec_format format, int width,
                     int height, struct fovi_exec **out)
{
    *out = NULL;
    struct fovi_exec *e = fovi_alloc(ctx, 1, sizeof *e);
    if (!e)
        return fovi_alloc_error(ctx);
    e->ctx = ctx;
    e->graph = graph;
    e->picture_width = width;
    e->picture_height = height;
    e->width = (width + graph->unshuffle - 1) / graph->unshuffle;
    e->height = (height + graph->unshuffle - 1) / graph->unshuffle;
    e->tile = TILE / graph->unshuffle;
    e->shuffle = graph->scale * graph->unshuffle;
    e->gate = fovi_gate_get(fovea_context_cpu(ctx));
    e->conv_row = fovi_conv_row_get(fovea_context_cpu(ctx));
    e->conv_quad = fovi_conv_quad_get(fovea_context_cpu(ctx));
    e->bf16 = format == FOVI_EXEC_BF16 ? fovi_bf16_dsp_get(fovea_context_cpu(ctx)) : NULL;
    e->int8 = format == FOVI_EXEC_INT8 ? fovi_int8_dsp_get(fovea_context_cpu(ctx)) : NULL;
    e->n_tiles_x = (width + TILE - 1) / TILE;
    plan_layers(e);
    e->n_slices_wanted = choose_slices(e->width, e->tile, fovea_context_threads(ctx));
    /* Where little is wanted a slice may be wider than the others, but not so that the threads' rings become large. */
    e->slice_tiles = (e->n_tiles_x + e->n_slices_wanted - 1) / e->n_slices_wanted * 5 / 4;
    e->n_slices_max = e->n_slices_wanted + e->n_tiles_x / e->slice_tiles;
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
    fovi_free(ctx, e->order);
    fovi_free(ctx, e->slice);
    fovi_free(ctx, e->intervals);
    fovi_free(ctx, e->scratch);
    fovi_free(ctx, e->passing);
    fovi_free(ctx, e->zero);
    fovi_free(ctx, e->arena);
    fovi_free(ctx, e->lanes);
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
    int n_tiles_y = (e->picture_height + TILE - 1) / TILE;
    int64_t sum = 0;
    for (int x = 0; x < e->n_tiles_x; x++) {
        e->column_work[x] = 1;
        for (int y = 0; y < n_tiles_y; y++)
            e->column_work[x] += 16 * wanted(e, x, y);
        sum += e->column_work[x];
    }
    return sum;
}

/* Columns from a row's start to where the picture's column 0 would be if the row's first column is `first`, which is
 * aligned; in bfloat16 odd columns are, where a layer begins to read for even ones. */
static ptrdiff_t columns_before_0(const struct slice *s, int first)
{
    return ROW_PAD - first + (s->exec->bf16 ? (first + 1) & 1 : 0);
}

/* That place. Channels of floats lie one after the other, those of bfloat16 and int8 side by side, so that a pixel of
 * them takes `floats` in all. */
static float *column_0(const struct slice *s, float *row, ptrdiff_t floats, int first)
{
    return row + columns_before_0(s, first) * (is_interleaved(s->exec) ? floats : 1);
}

/* Of a ring: the first that is computed, so that reading and writing are aligned in all of them. */
static int first_column(const struct slice *s, const struct plan_layer *p)
{
    return s->x0 ? s->x0 - p->reach : 0;
}

static void slice_init(struct fovi_exec *e, struct slice *s, int x0, int x1, float **arena)
{
    *s = (struct slice){ .exec = e, .x0 = x0, .x1 = x1, .stride = row_stride(e, x1 - x0) };
    s->interval = e->intervals + (s - e->slice) * e->max_intervals;
    for (int l = 0; l <= e->graph->n_layers; l++) {
        const struct plan_layer *p = &e->layer[l];
        s->ring[l] = column_0(s, *arena, pixel_floats(e, p), first_column(s, p));
        fill_outside(e, p, *arena, p->own_rows * pixel_floats(e, p) * s->stride);
        *arena += p->own_rows * pixel_floats(e, p) * s->stride;
        s->next[l] = -((GROUP - p->reach % GROUP) % GROUP);
    }
}

void fovi_exec_begin(struct fovi_exec *e, const uint8_t *tiles, uint8_t value)
{
    e->tiles = tiles;
    e->value = value;
    int64_t total = count_work(e), done = 0;
    float *arena = e->arena;
    int x = 0;
    e->n_slices = 0;
    while (x < e->n_tiles_x) {
        int first = x, end = imin(first + e->slice_tiles, e->n_tiles_x);
        int64_t share = done * e->n_slices_wanted / total + 1; /* of n_slices_wanted: where the slice ends */
        do
            done += e->column_work[x++];
        while (x < end && done * e->n_slices_wanted < total * share);
        slice_init(e, &e->slice[e->n_slices++], first * e->tile, imin(x * e->tile, e->width), &arena);
    }
}

/* Columns of the group that starts at row y, in order and apart, that wanted pixels of the slice depend on. */
static int find_intervals(const struct slice *s, const struct plan_layer *p, int y)
{
    const struct fovi_exec *e = s->exec;
    int first = y - p->reach, last = first + GROUP * (p->back + 1) - 1, n = 0;
    if (!e->tiles) {
        s->interval[0][0] = imax(0, s->x0 - p->reach);
        s->interval[0][1] = imin(e->width, s->x1 + p->reach);
        return 1;
    }
    for (int x = s->x0 / e->tile; x * e->tile < s->x1; x++) {
        int any = 0;
        for (int ty = imax(0, first) / e->tile; ty <= imin(e->height - 1, last) / e->tile; ty++)
            any |= wanted(e, x, ty);
        if (!any)
            continue;
        int from = imax(0, x * e->tile - p->reach);
        int to = imin(e->width, imin((x + 1) * e->tile, s->x1) + p->reach);
        if (n && from <= s->interval[n - 1][1]) {
            s->interval[n - 1][1] = to;
        } else {
            s->interval[n][0] = from;
            s->interval[n++][1] = to;
        }
    }
    return n;
}

/* Where row y of a layer is: in the slice's own ring if an earlier call made it or a later one may need it, else in the
 * thread's. Rows outside the picture, which a group may have at its ends, have a place too. */
static float *ring_row(const struct slice *s, int index, int y)
{
    const struct fovi_exec *e = s->exec;
    const struct plan_layer *p = &e->layer[index];
    int first = e->first + p->reach, kept = e->end + p->reach - p->keep; /* from there on: this call's, to be kept */
    ptrdiff_t row = pixel_floats(e, p) * s->stride;
    if (p->own_rows == p->capacity)
        return s->ring[index] + (y + p->capacity) % p->capacity * row;
    if (y >= first && y < kept)
        return s->passing[index] + (y + p->capacity) % p->capacity * row;
    return s->ring[index] + (y - (y < first ? first - p->keep : kept)) * row;
}

/* Row y of the output of index, zeros outside the picture. */
static const float *input_row(const struct slice *s, int index, int y)
{
    const struct fovi_exec *e = s->exec;
    if (y >= 0 && y < e->height)
        return ring_row(s, index, y);
    return column_0(s, e->zero + e->layer[index].outside, pixel_floats(e, &e->layer[index]), s->x0 - e->radius);
}

/* Every step-th float from in on, n of them, as level / 255. */
static void pick(const float *restrict in, int step, int n, float *restrict to)
{
    if (step == 2) {
        for (int x = 0; x < n; x++)
            to[x] = in[2 * x] * (1.0f / 255.0f);
        return;
    }
    for (int x = 0; x < n; x++)
        to[x] = in[x * step] * (1.0f / 255.0f);
}

/* The same for a network in bfloat16, some columns at a time: each number is split. */
static void unshuffle_bf16(struct slice *s, int y)
{
    enum { COLUMNS = 64 };
    const struct fovi_exec *e = s->exec;
    uint16_t block[COLUMNS * 4 * FOVI_BF16_SPLIT], *to = (uint16_t *)ring_row(s, 0, y);
    int u = e->graph->unshuffle, from = imax(0, s->x0 - e->radius), end = imin(e->width, s->x1 + e->radius);
    ptrdiff_t piece = (ptrdiff_t)u * FOVI_BF16_SPLIT;
    for (int sy = 0; sy < u; sy++) {
        const float *luma = fovi_window_row(e->luma, 0, imin(y * u + sy, e->picture_height - 1));
        for (int x = from; x < end; x += COLUMNS) {
            int n = imin(COLUMNS, end - x), px = imin(n * u, e->picture_width - x * u);
            e->bf16->split(luma + (ptrdiff_t)x * u, 1.0f / 255.0f, block, 0, px);
            for (int i = px; i < n * u; i++)
                memcpy(block + i * FOVI_BF16_SPLIT, block + (px - 1) * FOVI_BF16_SPLIT,
                       FOVI_BF16_SPLIT * sizeof *block);
            for (int i = 0; i < n; i++)
                memcpy(to + ((x + i) * u + sy) * piece, block + i * piece, (size_t)piece * sizeof *block);
        }
    }
}

/* Pieces of u numbers, of columns x0..x1-1, to every u-th place for one, as level / 255. */
static void spread(const float *restrict from, int u, int x0, int x1, float *restrict to)
{
    if (u == 2) {
        for (ptrdiff_t x = x0; x < x1; x++) {
            to[4 * x] = from[2 * x] * (1.0f / 255.0f);
            to[4 * x + 1] = from[2 * x + 1] * (1.0f / 255.0f);
        }
        return;
    }
    for (ptrdiff_t x = x0; x < x1; x++)
        for (int sx = 0; sx < u; sx++)
            to[x * u * u + sx] = from[x * u + sx] * (1.0f / 255.0f);
}

/* The same for a network in int8: the channels of a block lie side by side. */
static void unshuffle_int8(struct slice *s, int y)
{
    const struct fovi_exec *e = s->exec;
    int u = e->graph->unshuffle, from = imax(0, s->x0 - e->radius), end = imin(e->width, s->x1 + e->radius);
    int whole = imin(end, e->picture_width / u);
    for (int sy = 0; sy < u; sy++) {
        const float *luma = fovi_window_row(e->luma, 0, imin(y * u + sy, e->picture_height - 1));
        float *to = ring_row(s, 0, y) + (ptrdiff_t)sy * u;
        spread(luma, u, from, whole, to);
        for (int x = imax(from, whole); x < end; x++)
            for (int sx = 0; sx < u; sx++)
                to[(ptrdiff_t)x * u * u + sx] = luma[imin(x * u + sx, e->picture_width - 1)] * (1.0f / 255.0f);
    }
}

/* The blocks of input row y as channels. The last row and column of the picture stand for those that lack below and
 * right of them. */
static void unshuffle_input(struct slice *s, int y)
{
    const struct fovi_exec *e = s->exec;
    int u = e->graph->unshuffle, from = imax(0, s->x0 - e->radius), end = imin(e->width, s->x1 + e->radius);
    int whole = imin(end, e->picture_width / u);
    float *to = ring_row(s, 0, y);
    for (int sy = 0; sy < u; sy++) {
        const float *luma = fovi_window_row(e->luma, 0, imin(y * u + sy, e->picture_height - 1));
        for (int sx = 0; sx < u; sx++, to += s->stride) {
            if (from < whole)
                pick(luma + (ptrdiff_t)from * u + sx, u, whole - from, to + from);
            if (whole < end)
                to[whole] = luma[imin(whole * u + sx, e->picture_width - 1)] * (1.0f / 255.0f);
        }
    }
}

/* Input row y as level / 255. */
static void load_input(struct slice *s, int y)
{
    const struct fovi_exec *e = s->exec;
    if (e->graph->unshuffle > 1) {
        if (e->bf16)
            unshuffle_bf16(s, y);
        else if (e->int8)
            unshuffle_int8(s, y);
        else
            unshuffle_input(s, y);
        return;
    }
    const float *luma = fovi_window_row(e->luma, 0, y);
    float *to = ring_row(s, 0, y);
    int from = imax(0, s->x0 - e->radius), end = imin(e->width, s->x1 + e->radius);
    if (e->bf16) {
        e->bf16->split(luma, 1.0f / 255.0f, (uint16_t *)to, from, end);
        return;
    }
    for (int x = from; x < end; x++)
        to[x] = luma[x] * (1.0f / 255.0f);
}

static void conv_layer(struct slice *s, int index, int y, int n)
{
    const struct plan_layer *p = &s->exec->layer[index];
    const float *rows[5];
    float *dst = ring_row(s, index, y);
    for (int k = 0; k < p->conv.k; k++)
        rows[k] = input_row(s, index - 1, y + k - p->conv.k / 2);
    for (int i = 0; i < n; i++)
        s->exec->conv_row(&p->conv, rows, s->stride, dst, s->stride, s->interval[i][0], s->interval[i][1]);
}

static void quad_layer(struct slice *s, int index, int y, int n)
{
    const struct plan_layer *p = &s->exec->layer[index];
    const float *rows[FOVI_QUAD_INPUTS];
    float *dst[FOVI_QUAD_ROWS];
    for (int i = 0; i < FOVI_QUAD_INPUTS; i++)
        rows[i] = input_row(s, index - 1, y - 1 + i);
    for (int i = 0; i < FOVI_QUAD_ROWS; i++)
        dst[i] = ring_row(s, index, y + i);
    for (int i = 0; i < n; i++)
        s->exec->conv_quad(&p->conv, rows, s->stride, dst, s->stride, s->interval[i][0], s->interval[i][1], s->scratch);
}

/* Rows and columns of the last layer by its kernel. */
static void last_kernel(const struct slice *s, const void *const *rows, float *const *out, int n_rows, int x0, int x1)
{
    const struct fovi_exec *e = s->exec;
    const struct plan_layer *p = &e->layer[e->graph->n_layers];
    if (e->int8)
        e->int8->last(&p->int8, (const uint8_t *const *)rows, out, n_rows, x0, x1, s->scratch);
    else
        e->bf16->last(&p->bf16, (const uint16_t *const *)rows, out, n_rows, x0, x1, s->scratch);
}

/* Four rows of the last layer in bfloat16 or int8: what of them the picture has goes to the output. */
static void give_last(struct slice *s, const void *const *rows, int y, int x0, int x1)
{
    const struct fovi_exec *e = s->exec;
    int f = e->shuffle, scale = e->graph->scale, n_rows = imin(GROUP, e->height - y), n = n_rows * f;
    int out_width = e->picture_width * scale, whole = imin(x1, out_width / f);
    float *out[4 * GROUP], piece[4 * GROUP][4], *to[4 * GROUP];
    for (int i = 0; i < n; i++) {
        int is_there = y * f + i < e->picture_height * scale;
        out[i] = is_there ? e->out + ((ptrdiff_t)y * f + i - (ptrdiff_t)e->y0 * scale) * e->out_stride
                          : s->scratch + kernel_scratch(e);
        to[i] = piece[i] - (ptrdiff_t)whole * f;
    }
    if (x0 < whole)
        last_kernel(s, rows, out, n_rows, x0, whole);
    if (whole == x1)
        return;
    last_kernel(s, rows, to, n_rows, whole, x1);
    for (int i = 0; i < n; i++)
        memcpy(out[i] + (ptrdiff_t)whole * f, piece[i], (size_t)(out_width - whole * f) * sizeof **out);
}

/* Four rows of a convolution in bfloat16 or int8. */
static void interleaved_layer(struct slice *s, int index, int y, int n)
{
    const struct fovi_exec *e = s->exec;
    const struct plan_layer *p = &e->layer[index];
    int k = e->graph->layer[index - 1].k, is_last = index == e->graph->n_layers;
    const void *rows[GROUP + 4];
    void *dst[GROUP];
    for (int i = 0; i < k + GROUP - 1; i++)
        rows[i] = input_row(s, index - 1, y - k / 2 + i);
    for (int i = 0; i < GROUP && !is_last; i++)
        dst[i] = ring_row(s, index, y + i);
    for (int i = 0; i < n; i++) {
        int x0 = s->interval[i][0], x1 = s->interval[i][1];
        if (is_last)
            give_last(s, rows, y, x0, x1);
        else if (e->bf16)
            e->bf16->conv(&p->bf16, (const uint16_t *const *)rows, (uint16_t *const *)dst, x0, x1, s->scratch);
        else if (index > 1)
            e->int8->conv(&p->int8, (const uint8_t *const *)rows, (uint8_t *const *)dst, x0, x1, s->scratch);
        else
            e->int8->first(&p->int8, (const float *const *)rows, (uint8_t *const *)dst, x0, x1);
    }
}

/* A sum in int8. */
static void int8_add_layer(struct slice *s, int index, int y, int n)
{
    const struct fovi_exec *e = s->exec;
    const struct fovi_int8_weights *w = &e->layer[index].int8;
    const uint8_t *a = (const uint8_t *)ring_row(s, index - 1, y);
    const uint8_t *b = (const uint8_t *)ring_row(s, e->graph->layer[index - 1].from + 1, y);
    uint8_t *dst = (uint8_t *)ring_row(s, index, y);
    for (int i = 0; i < n; i++) {
        ptrdiff_t at = (ptrdiff_t)s->interval[i][0] * w->c_out;
        e->int8->add(w, a + at, b + at, dst + at, s->interval[i][1] - s->interval[i][0]);
    }
}

/* A sum or a gate in bfloat16. */
static void bf16_join_layer(struct slice *s, fovi_bf16_join *join, int index, int y, int n)
{
    int c = s->exec->layer[index].channels;
    const uint16_t *a = (const uint16_t *)ring_row(s, index - 1, y);
    const uint16_t *b = (const uint16_t *)ring_row(s, s->exec->graph->layer[index - 1].from + 1, y);
    uint16_t *dst = (uint16_t *)ring_row(s, index, y);
    for (int i = 0; i < n; i++) {
        ptrdiff_t at = (ptrdiff_t)s->interval[i][0] * c, end = (ptrdiff_t)s->interval[i][1] * c;
        join(a + at, b + at, dst + at, end - at);
    }
}

static void bf16_concat_layer(struct slice *s, int index, int y, int n)
{
    const struct fovi_exec *e = s->exec;
    const struct fovi_layer *layer = &e->graph->layer[index - 1];
    uint16_t *dst = (uint16_t *)ring_row(s, index, y);
    int step = layer->c_out;
    for (int k = 0; k < layer->n_parts; k++) {
        const uint16_t *part = (const uint16_t *)ring_row(s, layer->part[k] + 1, y);
        int c = e->layer[layer->part[k] + 1].channels;
        for (int i = 0; i < n; i++) {
            int x0 = s->interval[i][0], x1 = s->interval[i][1];
            e->bf16->place(part + (ptrdiff_t)x0 * c, c, dst + (ptrdiff_t)x0 * step, step, x1 - x0);
        }
        dst += c;
    }
}

static void add_layer(struct slice *s, int index, int y, int n)
{
    const float *a = ring_row(s, index - 1, y);
    const float *b = ring_row(s, s->exec->graph->layer[index - 1].from + 1, y);
    float *dst = ring_row(s, index, y);
    for (int c = 0; c < s->exec->layer[index].channels; c++, a += s->stride, b += s->stride, dst += s->stride)
        for (int i = 0; i < n; i++)
            for (int x = s->interval[i][0]; x < s->interval[i][1]; x++)
                dst[x] = a[x] + b[x];
}

static void gate_layer(struct slice *s, int index, int y, int n)
{
    const float *o = ring_row(s, index - 1, y);
    const float *x = ring_row(s, s->exec->graph->layer[index - 1].from + 1, y);
    float *dst = ring_row(s, index, y);
    for (int c = 0; c < s->exec->layer[index].channels; c++, o += s->stride, x += s->stride, dst += s->stride) {
        for (int i = 0; i < n; i++) {
            int x0 = s->interval[i][0], x1 = s->interval[i][1];
            s->exec->gate(o + x0, x + x0, dst + x0, x1 - x0);
        }
    }
}

static void concat_layer(struct slice *s, int index, int y, int n)
{
    const struct fovi_layer *layer = &s->exec->graph->layer[index - 1];
    float *dst = ring_row(s, index, y);
    for (int k = 0; k < layer->n_parts; k++) {
        const float *part = ring_row(s, layer->part[k] + 1, y);
        for (int c = 0; c < s->exec->layer[layer->part[k] + 1].channels; c++, part += s->stride, dst += s->stride)
            for (int i = 0; i < n; i++)
                memcpy(dst + s->interval[i][0], part + s->interval[i][0],
                       (size_t)(s->interval[i][1] - s->interval[i][0]) * sizeof *dst);
    }
}

/* Pixels of channels side by side, in levels; four and two at a time for vector instructions. */
static void interleave(const float *restrict from, ptrdiff_t stride, int n_channels, int n, float *restrict out)
{
    const float *a = from, *b = from + stride, *c = b + stride, *d = c + stride;
    if (n_channels == 4) {
        for (int x = 0; x < n; x++, out += 4) {
            out[0] = a[x] * 255.0f;
            out[1] = b[x] * 255.0f;
            out[2] = c[x] * 255.0f;
            out[3] = d[x] * 255.0f;
        }
    } else if (n_channels == 2) {
        for (int x = 0; x < n; x++, out += 2) {
            out[0] = a[x] * 255.0f;
            out[1] = b[x] * 255.0f;
        }
    } else {
        for (int k = 0; k < n_channels; k++, from += stride)
            for (int x = 0; x < n; x++)
                out[x * n_channels + k] = from[x] * 255.0f;
    }
}

/* The last layer's row y goes to the output: channel sy * shuffle + sx is pixel (sx, sy) of each block. What lies
 * beyond the picture is dropped. */
static void shuffle(const struct slice *s, int y, int n)
{
    const struct fovi_exec *e = s->exec;
    int scale = e->graph->scale, f = e->shuffle, out_width = e->picture_width * scale;
    ptrdiff_t top = (ptrdiff_t)y * f - (ptrdiff_t)e->y0 * scale;
    for (int sy = 0; sy < f && y * f + sy < e->picture_height * scale; sy++) {
        float *out = e->out + (top + sy) * e->out_stride;
        const float *from = ring_row(s, e->graph->n_layers, y) + (ptrdiff_t)sy * f * s->stride;
        for (int i = 0; i < n; i++) {
            ptrdiff_t x0 = s->interval[i][0], x1 = s->interval[i][1], whole = imin((int)x1, out_width / f);
            if (x0 < whole)
                interleave(from + x0, s->stride, f, (int)(whole - x0), out + x0 * f);
            if (whole < x1)
                for (ptrdiff_t x = whole * f; x < out_width; x++)
                    out[x] = from[(x - whole * f) * s->stride + whole] * 255.0f;
        }
    }
}

/* Row y of a layer, or the input, where it is not made four rows at once. */
static void make_row(struct slice *s, int index, int y, int n)
{
    if (index == 0) {
        load_input(s, y);
        return;
    }
    const struct fovi_bf16_dsp *bf16 = s->exec->bf16;
    enum fovi_layer_kind kind = s->exec->graph->layer[index - 1].kind;
    if (s->exec->int8) {
        int8_add_layer(s, index, y, n); /* convolutions make four rows */
        return;
    }
    if (bf16 && kind == FOVI_LAYER_CONCAT) {
        bf16_concat_layer(s, index, y, n);
        return;
    }
    if (bf16) {
        bf16_join_layer(s, kind == FOVI_LAYER_ADD ? bf16->add : bf16->gate, index, y, n);
        return;
    }
    switch (kind) {
    case FOVI_LAYER_CONV: conv_layer(s, index, y, n); break;
    case FOVI_LAYER_ADD: add_layer(s, index, y, n); break;
    case FOVI_LAYER_GATE: gate_layer(s, index, y, n); break;
    case FOVI_LAYER_CONCAT: concat_layer(s, index, y, n); break;
    }
}

/* Make the group of rows of a layer that starts at row y; its inputs are there. */
static void make_group(struct slice *s, int index, int y)
{
    const struct fovi_exec *e = s->exec;
    const struct plan_layer *p = &e->layer[index];
    int n = find_intervals(s, p, y), y0 = imax(0, y), y1 = imin(e->height, y + GROUP), last = e->graph->n_layers;
    if (!n)
        return;
    if (p->is_quad && is_interleaved(e))
        interleaved_layer(s, index, y, n);
    else if (p->is_quad)
        quad_layer(s, index, y, n);
    for (int row = y0; row < y1; row++) {
        if (!p->is_quad)
            make_row(s, index, row, n);
        if (index == last && !is_interleaved(e))
            shuffle(s, row, n);
    }
    for (int i = 0; i < n; i++)
        s->macs += p->macs * (s->interval[i][1] - s->interval[i][0]) * (y1 - y0);
    s->end_macs += p->macs * n * (y1 - y0);
}

/* Make row y of a layer (index as in the arrays) and, before it, all rows that it needs. */
static void advance(struct slice *s, int index, int y)
{
    const struct fovi_exec *e = s->exec;
    y = imin(y, e->height - 1);
    for (; s->next[index] <= y; s->next[index] += GROUP) {
        if (index > 0)
            advance(s, index - 1, s->next[index] + GROUP - 1 + fovi_graph_own_radius(&e->graph->layer[index - 1]));
        make_group(s, index, s->next[index]);
    }
}

/* The outside beside the picture in a thread's ring of a layer, where another slice's columns may have been. */
static void clear_sides(const struct slice *s, const struct plan_layer *p, float *ring)
{
    const struct fovi_exec *e = s->exec;
    ptrdiff_t floats = pixel_floats(e, p), unit = is_interleaved(e) ? floats : 1, n = p->capacity * floats / unit;
    ptrdiff_t left = columns_before_0(s, first_column(s, p)), right = left + e->width, row = s->stride * unit;
    for (ptrdiff_t i = 0; i < n && s->x0 == 0; i++)
        fill_outside(e, p, ring + i * row, left * unit);
    for (ptrdiff_t i = 0; i < n && s->x1 == e->width; i++)
        fill_outside(e, p, ring + i * row + right * unit, row - right * unit);
}

static void make_slice(struct fovi_exec *e, struct slice *s, int worker)
{
    double start = fovi_clock_ms(), macs = (double)s->macs, end_macs = (double)s->end_macs;
    float *passing = e->passing + (size_t)worker * e->passing_floats;
    s->scratch = e->scratch + (size_t)worker * e->scratch_floats;
    for (int l = 0; l <= e->graph->n_layers; l++) {
        const struct plan_layer *p = &e->layer[l];
        if (p->own_rows == p->capacity)
            continue;
        clear_sides(s, p, passing);
        s->passing[l] = column_0(s, passing, pixel_floats(e, p), first_column(s, p));
        passing += p->capacity * pixel_floats(e, p) * s->stride;
    }
    advance(s, e->graph->n_layers, (e->y1 - 1) / e->graph->unshuffle);
    fovi_rate_note(&s->rate, fovi_clock_ms() - start, (double)s->macs - macs, (double)s->end_macs - end_macs);
}

/* Slices of all networks, those of the dearest first, so that what comes last is short. */
struct together {
    struct fovi_exec *const *exec;
    int n;
};

static void slice_job(void *arg, int index, int worker)
{
    const struct together *t = arg;
    struct fovi_exec *const *e = t->exec + t->n - 1;
    for (; index >= (*e)->n_slices; e--)
        index -= (*e)->n_slices;
    make_slice(*e, (*e)->order[index], worker);
}

/* The order in which slices are worked on: those with most to do first, of equals from the left. */
static void order_slices(struct fovi_exec *e)
{
    for (int i = 0; i < e->n_slices; i++) {
        struct slice *s = &e->slice[i];
        int at = i, n = 0;
        for (int y = e->y0 / TILE; y * TILE < e->y1 && e->tiles; y++)
            for (int x = s->x0 / e->tile; x * e->tile < s->x1; x++)
                n += wanted(e, x, y);
        for (; at > 0 && e->order[at - 1]->n_wanted < n; at--)
            e->order[at] = e->order[at - 1];
        s->n_wanted = n;
        e->order[at] = s;
    }
}

static void set_rows(struct fovi_exec *e, const struct fovi_window *luma, int y0, int y1, float *out, ptrdiff_t stride)
{
    e->luma = luma;
    e->y0 = y0;
    e->y1 = y1;
    e->first = y0 > 0 ? y0 / e->graph->unshuffle : -NO_END;
    e->end = y1 < e->picture_height ? y1 / e->graph->unshuffle : NO_END;
    e->out = out;
    e->out_stride = stride;
}

void fovi_exec_rows_together(struct fovi_exec *const *exec, int n, const struct fovi_window *luma, int y0, int y1,
                             float *out, ptrdiff_t out_stride)
{
    struct together t = { exec, n };
    int n_slices = 0;
    for (int k = 0; k < n; k++) {
        set_rows(exec[k], luma, y0, y1, out, out_stride);
        order_slices(exec[k]);
        n_slices += exec[k]->n_slices;
    }
    fovi_parallel(exec[0]->ctx, slice_job, &t, n_slices);
}

double fovi_exec_px(const struct fovi_exec *e)
{
    int64_t macs = 0, whole = 0;
    int u = e->graph->unshuffle;
    for (int i = 0; i < e->n_slices; i++)
        macs += e->slice[i].macs;
    for (int l = 1; l <= e->graph->n_layers; l++)
        whole += e->layer[l].macs;
    return (double)macs / (double)whole * u * u;
}

double fovi_exec_whole_ms(const struct fovi_exec *e)
{
    struct fovi_rate rate = { 0 };
    double work = 0.0, ends = 0.0;
    for (int i = 0; i < e->n_slices; i++)
        fovi_rate_add(&rate, &e->slice[i].rate);
    for (int l = 1; l <= e->graph->n_layers; l++) {
        double column = (double)e->layer[l].macs * e->height;
        work += column * (e->width + 2.0 * e->layer[l].reach * (e->n_slices_wanted - 1));
        ends += column * e->n_slices_wanted;
    }
    return fovi_rate_foresee(&rate, work, ends);
}
