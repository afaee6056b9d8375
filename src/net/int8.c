/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8: packing, choice of kernels, and the reference that says what is right.
 */
#include "net/int8.h"

#include <math.h>
#include <string.h>

#define LOW_BITS 128  /* the high part of a last layer's weight counts so many low ones */
#define MOST_HIGH 127 /* the largest high part */
#define MOST_WIDE (LOW_BITS * MOST_HIGH + LOW_BITS / 2 - 1)

int fovi_int8_fits(const struct fovi_graph *g)
{
    int last = g->n_layers - 1;
    for (int l = 0; l <= last; l++) {
        const struct fovi_layer *layer = &g->layer[l];
        int is_end = l == 0 || l == last;
        if ((layer->kind != FOVI_LAYER_CONV && (is_end || layer->kind != FOVI_LAYER_ADD)) ||
            (layer->has_prelu && l == last) || (l < last && layer->c_out % 4))
            return 0;
    }
    return last > 0 && g->scale * g->unshuffle <= 4;
}

void fovi_int8_init(struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, int shuffle)
{
    const struct fovi_layer *layer = &graph->layer[l];
    *w = (struct fovi_int8_weights){ .k = layer->k, .c_in = layer->c_in, .c_out = layer->c_out };
    w->scale = l == graph->n_layers - 1 ? shuffle : 0;
    w->span = w->scale == 2 ? 4 : 1;
    w->n_quads = (w->k + w->span - 1) * w->c_in / 4;
    w->n_chunks = (4 * w->n_quads + FOVI_INT8_CHUNK - 1) / FOVI_INT8_CHUNK;
}

/* ---- packing ---- */

/* Tiles of sums. */
static int count_tiles(const struct fovi_int8_weights *w)
{
    return w->scale ? 2 : (w->c_out + FOVI_INT8_LANES - 1) / FOVI_INT8_LANES;
}

static size_t tile_bytes(const struct fovi_int8_weights *w)
{
    return (size_t)(w->n_chunks * w->k) * FOVI_INT8_CHUNK * FOVI_INT8_LANES;
}

/* Numbers of an array for each lane. */
static size_t count_lanes(const struct fovi_int8_weights *w)
{
    return (size_t)count_tiles(w) * FOVI_INT8_LANES;
}

static size_t count_taps(const struct fovi_int8_weights *w)
{
    return (size_t)(w->k * w->k * w->c_in) * count_lanes(w);
}

size_t fovi_int8_packed_bytes(const struct fovi_int8_weights *w, const struct fovi_graph *graph, int l)
{
    size_t lists = 6 * count_lanes(w) * sizeof(float);
    if (graph->layer[l].kind != FOVI_LAYER_CONV)
        return lists;
    return lists + (l ? (size_t)count_tiles(w) * tile_bytes(w) : count_taps(w) * sizeof(float));
}

/* Output channel and pixel of a lane of a tile; 0 where there is none. */
static int find_lane(const struct fovi_int8_weights *w, int tile, int lane, int *channel, int *pixel)
{
    *channel = tile * FOVI_INT8_LANES + lane;
    *pixel = 0;
    if (w->scale) {
        int row = w->span * w->scale, sx = lane % row % w->scale;
        *pixel = lane % row / w->scale;
        *channel = lane / row * w->scale + sx;
    }
    return *channel < w->c_out;
}

/* A weight of the last layer in steps of the channel: a whole number of 15 bits; the high and the low part of it. */
static int8_t part_of_wide(float weight, float unit, int is_low)
{
    float v = weight / unit;
    int wide = (int)lrintf(v < -MOST_WIDE ? -MOST_WIDE : v > MOST_WIDE ? MOST_WIDE : v);
    int high = (wide + MOST_WIDE + 1) / LOW_BITS - (MOST_WIDE + 1) / LOW_BITS;
    return (int8_t)(is_low ? wide - LOW_BITS * high : high);
}

/* Size of a step of the weights of an output channel of the last layer. */
static float wide_unit(const struct fovi_layer *layer, const float *step, int o)
{
    float most = 0.0f;
    int taps = layer->k * layer->k;
    for (int i = 0; i < layer->c_in * taps; i++)
        most = fmaxf(most, fabsf(layer->int8.weight[o * layer->c_in * taps + i]) * step[i / taps]);
    return most > 0.0f ? most / MOST_WIDE : 1.0f;
}

/* The byte that joins input channel c and tap (ky, kx) with output channel o. */
static int8_t find_weight(const struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, int tile, int o,
                          int c, int ky, int kx, const float *units)
{
    const struct fovi_layer *layer = &graph->layer[l];
    float weight = layer->int8.weight[((o * w->c_in + c) * w->k + ky) * w->k + kx];
    return w->scale ? part_of_wide(weight * graph->layer[l - 1].int8.step[c], units[o], tile) : (int8_t)weight;
}

/* One tile, and what its sums start at. */
static void pack_tile(const struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, int tile,
                      const float *units, int8_t *packed, int32_t *start)
{
    const float *zero = graph->layer[l - 1].int8.zero;
    for (int j = 0; j < w->n_chunks; j++)
        for (int ky = 0; ky < w->k; ky++)
            for (int i = 0; i < FOVI_INT8_CHUNK * FOVI_INT8_LANES; i++, packed++) {
                int lane = i / 4 % FOVI_INT8_LANES, n = j * FOVI_INT8_CHUNK + i / 64 * 4 + i % 4, channel, pixel;
                int kx = n / w->c_in, c = n % w->c_in, is_there = find_lane(w, tile, lane, &channel, &pixel);
                *packed = 0;
                if (!is_there || kx < pixel || kx >= pixel + w->k)
                    continue;
                *packed = find_weight(w, graph, l, tile, channel, c, ky, kx - pixel, units);
                start[lane] -= *packed * (int32_t)zero[c];
            }
}

static void pack_sums(struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, int8_t *packed,
                      int32_t *start)
{
    float units[FOVI_INT8_LANES] = { 0 };
    for (int o = 0; w->scale && o < w->c_out; o++)
        units[o] = wide_unit(&graph->layer[l], graph->layer[l - 1].int8.step, o);
    w->packed = packed;
    for (int t = 0; t < count_tiles(w); t++, packed += tile_bytes(w), start += FOVI_INT8_LANES)
        pack_tile(w, graph, l, t, units, packed, start);
}

static void pack_taps(struct fovi_int8_weights *w, const struct fovi_layer *layer, float *taps, float *bias)
{
    int n_lanes = (int)count_lanes(w), n = w->k * w->k;
    w->taps = taps;
    w->bias = bias;
    for (int o = 0; o < w->c_out; o++) {
        bias[o] = layer->int8.bias[o];
        for (int c = 0; c < w->c_in; c++)
            for (int t = 0; t < n; t++)
                taps[(t * w->c_in + c) * n_lanes + o] = layer->int8.weight[(o * w->c_in + c) * n + t];
    }
}

/* From a sum, of convolutions, to the output's steps: the factor, what is added, and both with the slope. */
static void pack_steps(const struct fovi_graph *graph, int l, float *mul[2], float *add[2])
{
    const struct fovi_int8_layer *p = &graph->layer[l].int8;
    for (int o = 0; o < graph->layer[l].c_out; o++) {
        float scale = l ? p->scale[o] : 1.0f, bias = l ? p->bias[o] : 0.0f, slope = p->slope ? p->slope[o] : 1.0f;
        mul[0][o] = scale / p->step[o];
        add[0][o] = bias / p->step[o] + p->zero[o];
        mul[1][o] = scale * slope / p->step[o];
        add[1][o] = bias * slope / p->step[o] + p->zero[o];
    }
}

/* To levels of 255, for each lane of a tile. */
static void pack_levels(const struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, float *mul[2],
                        float *add[2])
{
    for (int lane = 0; lane < FOVI_INT8_LANES; lane++) {
        int channel, pixel;
        if (!find_lane(w, 0, lane, &channel, &pixel))
            continue;
        float unit = wide_unit(&graph->layer[l], graph->layer[l - 1].int8.step, channel) * 255.0f;
        mul[0][lane] = unit * LOW_BITS;
        mul[1][lane] = unit;
        add[0][lane] = graph->layer[l].int8.bias[channel] * 255.0f;
    }
}

static void pack_sum(const struct fovi_graph *graph, int l, float *mul[2], float *add[2])
{
    const struct fovi_int8_layer *p = &graph->layer[l].int8, *a = &graph->layer[l - 1].int8;
    const struct fovi_int8_layer *b = &graph->layer[graph->layer[l].from].int8;
    for (int c = 0; c < graph->layer[l].c_out; c++) {
        mul[0][c] = a->step[c] / p->step[c];
        mul[1][c] = b->step[c] / p->step[c];
        add[0][c] = p->zero[c] - a->zero[c] * mul[0][c] - b->zero[c] * mul[1][c];
    }
}

void fovi_int8_pack(struct fovi_int8_weights *w, const struct fovi_graph *graph, int l, void *memory)
{
    size_t n = count_lanes(w);
    int32_t *start = memory;
    float *list = (float *)memory + n, *mul[2] = { list, list + n }, *add[2] = { list + 2 * n, list + 3 * n };
    memset(memory, 0, fovi_int8_packed_bytes(w, graph, l));
    w->start = start;
    for (int i = 0; i < 2; i++) {
        w->mul[i] = mul[i];
        w->add[i] = add[i];
    }
    if (graph->layer[l].kind == FOVI_LAYER_ADD) {
        pack_sum(graph, l, mul, add);
        return;
    }
    if (l)
        pack_sums(w, graph, l, (int8_t *)(list + 5 * n), start);
    else
        pack_taps(w, &graph->layer[0], list + 5 * n, list + 4 * n);
    if (w->scale)
        pack_levels(w, graph, l, mul, add);
    else
        pack_steps(graph, l, mul, add);
}

/* ---- the reference ---- */

static uint8_t to_byte(float v)
{
    if (!(v > 0.0f && v < 2147483648.0f))
        return 0;
    return (uint8_t)(v >= 255.0f ? 255 : lrintf(v));
}

static uint8_t from_sum(const struct fovi_int8_weights *w, float sum, int o)
{
    float over = fmaf(sum, w->mul[0][o], w->add[0][o]), under = fmaf(sum, w->mul[1][o], w->add[1][o]);
    return to_byte(over > under ? over : under);
}

/* A lane of a tile at pixel x (the first of span). rows: of this row of outputs. */
static int32_t lane_sum(const struct fovi_int8_weights *w, const uint8_t *const *rows, int tile, int lane, int x)
{
    const int8_t *weight = w->packed + (size_t)tile * tile_bytes(w) + 4 * lane;
    int32_t sum = w->start[tile * FOVI_INT8_LANES + lane];
    for (int j = 0; j < w->n_chunks; j++) {
        for (int ky = 0; ky < w->k; ky++, weight += FOVI_INT8_CHUNK * FOVI_INT8_LANES) {
            const uint8_t *in = rows[ky] + (ptrdiff_t)(x - w->k / 2) * w->c_in + (ptrdiff_t)j * FOVI_INT8_CHUNK;
            for (int i = 0; i < FOVI_INT8_CHUNK && j * FOVI_INT8_CHUNK + i < 4 * w->n_quads; i++)
                sum += in[i] * weight[i / 4 * 4 * FOVI_INT8_LANES + i % 4];
        }
    }
    return sum;
}

static void conv_c(const struct fovi_int8_weights *w, const uint8_t *const *rows, uint8_t *const *dst, int x0, int x1,
                   void *scratch)
{
    (void)scratch;
    for (int i = 0; i < FOVI_INT8_ROWS; i++)
        for (int x = x0; x < x1; x++)
            for (int o = 0; o < w->c_out; o++)
                dst[i][(ptrdiff_t)x * w->c_out + o] = from_sum(
                    w, (float)lane_sum(w, rows + i, o / FOVI_INT8_LANES, o % FOVI_INT8_LANES, x), o);
}

static void first_c(const struct fovi_int8_weights *w, const float *const *rows, uint8_t *const *dst, int x0, int x1)
{
    ptrdiff_t n_lanes = (ptrdiff_t)count_lanes(w);
    int n = w->k * w->c_in;
    for (int i = 0; i < FOVI_INT8_ROWS; i++) {
        for (int x = x0; x < x1; x++) {
            for (int o = 0; o < w->c_out; o++) {
                float sum = w->bias[o];
                for (int t = 0; t < w->k * n; t++)
                    sum = fmaf(rows[i + t / n][(ptrdiff_t)(x - w->k / 2) * w->c_in + t % n], w->taps[t * n_lanes + o],
                               sum);
                dst[i][(ptrdiff_t)x * w->c_out + o] = from_sum(w, sum, o);
            }
        }
    }
}

static void last_c(const struct fovi_int8_weights *w, const uint8_t *const *rows, float *const *out, int n_rows, int x0,
                   int x1, void *scratch)
{
    (void)scratch;
    int s = w->scale, width = w->span * s;
    for (int i = 0; i < n_rows; i++) {
        for (int sy = 0; sy < s; sy++) {
            for (int x = x0 * s; x < x1 * s; x++) {
                int lane = sy * width + (x - x0 * s) % width, at = x0 + (x / s - x0) / w->span * w->span;
                float high = (float)lane_sum(w, rows + i, 0, lane, at), low = (float)lane_sum(w, rows + i, 1, lane, at);
                out[i * s + sy][x] = fmaf(high, w->mul[0][lane], fmaf(low, w->mul[1][lane], w->add[0][lane]));
            }
        }
    }
}

static void add_c(const struct fovi_int8_weights *w, const uint8_t *a, const uint8_t *b, uint8_t *dst, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n * w->c_out; i++) {
        ptrdiff_t c = i % w->c_out;
        dst[i] = to_byte(fmaf((float)a[i], w->mul[0][c], fmaf((float)b[i], w->mul[1][c], w->add[0][c])));
    }
}

const struct fovi_int8_dsp fovi_int8_dsp_c = { conv_c, first_c, last_c, add_c };

/* ---- choice ---- */

const struct fovi_int8_dsp *fovi_int8_dsp_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AMX)
        return &fovi_int8_dsp_amx;
    if (cpu & FOVEA_CPU_VNNI)
        return &fovi_int8_dsp_vnni;
    if (cpu & FOVEA_CPU_AVX_VNNI)
        return &fovi_int8_dsp_avxvnni;
    if (cpu & FOVEA_CPU_AVX2)
        return &fovi_int8_dsp_avx2;
#endif
    (void)cpu;
    return &fovi_int8_dsp_c;
}
