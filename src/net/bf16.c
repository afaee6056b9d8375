/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in bfloat16: packing, choice of kernels, and the reference that says what is right.
 */
#include "net/bf16.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "net/gate_dsp.h"

uint16_t fovi_bf16_from_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u); /* a quiet NaN */
    if (!(bits & 0x7f800000u))
        bits &= 0x80000000u;
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float fovi_bf16_to_float(uint16_t b)
{
    uint32_t bits = (uint32_t)b << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* ---- packing ---- */

void fovi_bf16_init(struct fovi_bf16_weights *w, int k, int c_in, int c_out, int is_first, int scale)
{
    *w = (struct fovi_bf16_weights){ .k = k, .c_in = is_first ? FOVI_BF16_SPLIT * c_in : c_in, .c_out = c_out };
    w->scale = scale;
    w->span = scale == 2 ? 4 : !scale && 2 * w->c_in == FOVI_BF16_CHUNK && k > 1 ? 2 : 1;
    w->n_chunks = ((k + w->span - 1) * w->c_in + FOVI_BF16_CHUNK - 1) / FOVI_BF16_CHUNK;
}

int fovi_bf16_tiles(const struct fovi_bf16_weights *w)
{
    if (!w->scale)
        return (w->c_out + FOVI_BF16_LANES - 1) / FOVI_BF16_LANES * w->span;
    return (w->c_out * w->span + FOVI_BF16_LANES - 1) / FOVI_BF16_LANES;
}

size_t fovi_bf16_packed_size(const struct fovi_bf16_weights *w)
{
    return (size_t)fovi_bf16_tiles(w) * (size_t)(w->n_chunks * w->k) * FOVI_BF16_CHUNK * FOVI_BF16_LANES;
}

/* Output channel and pixel of a lane, counted over all tiles; 0 where there is none. */
static int find_lane(const struct fovi_bf16_weights *w, int lane, int *channel, int *pixel)
{
    int n_lanes = fovi_bf16_tiles(w) / w->span * FOVI_BF16_LANES; /* of a pixel */
    *channel = w->scale ? lane : lane % n_lanes;
    *pixel = w->scale ? 0 : lane / n_lanes;
    if (w->scale) {
        int row = w->span * w->scale, sx = lane % row % w->scale;
        *pixel = lane % row / w->scale;
        *channel = lane / row * w->scale + sx;
    }
    return *channel < w->c_out;
}

/* The weight that joins number i of row ky and a lane. */
static uint16_t find_weight(const struct fovi_bf16_weights *w, int is_first, const float *weight, int lane, int ky,
                            int i)
{
    int channel, pixel, kx = i / w->c_in, c = i % w->c_in;
    if (!find_lane(w, lane, &channel, &pixel) || kx < pixel || kx >= pixel + w->k)
        return 0;
    int split = is_first ? FOVI_BF16_SPLIT : 1, c_in = w->c_in / split;
    float value = weight[((channel * c_in + c / split) * w->k + ky) * w->k + kx - pixel];
    uint16_t high = fovi_bf16_from_float(value);
    return is_first && c % 2 ? fovi_bf16_from_float(value - fovi_bf16_to_float(high)) : high;
}

void fovi_bf16_pack(struct fovi_bf16_weights *w, int is_first, const float *weight, const float *bias,
                    const float *slope, uint16_t *packed, float *bias_lanes, float *slope_lanes)
{
    w->packed = packed;
    w->bias = bias_lanes;
    w->slope = slope ? slope_lanes : NULL;
    int n_lanes = fovi_bf16_tiles(w) * FOVI_BF16_LANES;
    for (int t = 0; t < n_lanes; t += FOVI_BF16_LANES)
        for (int j = 0; j < w->n_chunks; j++)
            for (int ky = 0; ky < w->k; ky++)
                for (int p = 0; p < FOVI_BF16_CHUNK / 2; p++)
                    for (int n = 0; n < 2 * FOVI_BF16_LANES; n++)
                        *packed++ = find_weight(w, is_first, weight, t + n / 2, ky,
                                                j * FOVI_BF16_CHUNK + 2 * p + n % 2);
    for (int lane = 0; lane < n_lanes; lane++) {
        int channel, pixel, is_there = find_lane(w, lane, &channel, &pixel);
        bias_lanes[lane] = is_there ? bias[channel] : 0.0f;
        if (slope)
            slope_lanes[lane] = is_there ? slope[channel] : 0.0f;
    }
}

/* ---- the reference ---- */

/* Numbers too small to be normal become zero. */
static float flush(float v)
{
    return fabsf(v) < FLT_MIN ? copysignf(0.0f, v) : v;
}

static float load(uint16_t b)
{
    return flush(fovi_bf16_to_float(b));
}

/* A lane of the output at pixel x (the first of span). rows: of this row of outputs. */
static float lane(const struct fovi_bf16_weights *w, const uint16_t *const *rows, int number, int x)
{
    const size_t tile = FOVI_BF16_CHUNK * FOVI_BF16_LANES;
    const uint16_t *weight = w->packed + (size_t)(number / FOVI_BF16_LANES) * (size_t)(w->n_chunks * w->k) * tile +
                             2 * (number % FOVI_BF16_LANES);
    float sum = 0.0f;
    for (int j = 0; j < w->n_chunks; j++) {
        for (int ky = 0; ky < w->k; ky++, weight += tile) {
            const uint16_t *in = rows[ky] + (ptrdiff_t)(x - w->k / 2) * w->c_in + (ptrdiff_t)j * FOVI_BF16_CHUNK;
            float even = 0.0f, odd = 0.0f;
            for (int p = 0; p < FOVI_BF16_CHUNK; p += 2) {
                even = flush(fmaf(load(in[p]), load(weight[p * FOVI_BF16_LANES]), even));
                odd = flush(fmaf(load(in[p + 1]), load(weight[p * FOVI_BF16_LANES + 1]), odd));
            }
            sum = flush(sum + flush(even + odd));
        }
    }
    sum += w->bias[number];
    return w->slope && !(sum > 0.0f) ? sum * w->slope[number] : sum;
}

static void conv_c(const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst, int x0, int x1,
                   float *scratch)
{
    (void)scratch;
    int n_lanes = fovi_bf16_tiles(w) / w->span * FOVI_BF16_LANES; /* of a pixel */
    for (int i = 0; i < FOVI_BF16_ROWS; i++)
        for (int x = x0; x < x1; x++)
            for (int o = 0; o < w->c_out; o++)
                dst[i][(ptrdiff_t)x * w->c_out + o] = fovi_bf16_from_float(
                    lane(w, rows + i, x % w->span * n_lanes + o, x - x % w->span));
}

static void last_c(const struct fovi_bf16_weights *w, const uint16_t *const *rows, float *const *out, int n_rows,
                   int x0, int x1, float *scratch)
{
    (void)scratch;
    int s = w->scale, width = w->span * s;
    for (int i = 0; i < n_rows; i++)
        for (int sy = 0; sy < s; sy++)
            for (int x = x0 * s; x < x1 * s; x++)
                out[i * s + sy][x] = lane(w, rows + i, sy * width + (x - x0 * s) % width,
                                          x0 + (x / s - x0) / w->span * w->span) *
                                     255.0f;
}

static void split_c(const float *src, float factor, uint16_t *dst, int x0, int x1)
{
    for (ptrdiff_t x = x0; x < x1; x++) {
        float v = src[x] * factor;
        uint16_t high = fovi_bf16_from_float(v), low = fovi_bf16_from_float(v - fovi_bf16_to_float(high));
        dst[4 * x] = dst[4 * x + 1] = high;
        dst[4 * x + 2] = dst[4 * x + 3] = low;
    }
}

static void add_c(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        dst[i] = fovi_bf16_from_float(fovi_bf16_to_float(a[i]) + fovi_bf16_to_float(b[i]));
}

/* sigmoid(o) - 0.5 */
static float sigmoid(float o)
{
    float a = fabsf(o), v = -(a < FOVI_BF16_GATE_MOST ? a : FOVI_BF16_GATE_MOST);
    float n = fmaf(v, FOVI_GATE_LOG2E, FOVI_GATE_ROUND), power;
    uint32_t bits;
    memcpy(&bits, &n, sizeof bits);
    bits = (bits << 23) + (127u << 23);
    memcpy(&power, &bits, sizeof power);
    float r = fmaf(n - FOVI_GATE_ROUND, -FOVI_BF16_GATE_LN2, v);
    float p = fmaf(FOVI_GATE_C4, r, FOVI_GATE_C3);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    float e = power * p, d = e + 1.0f, q = fmaf(d, FOVI_BF16_GATE_LINE_1, FOVI_BF16_GATE_LINE_0);
    q = fmaf(q, fmaf(-d, q, 1.0f), q);
    q = fmaf(q, fmaf(-d, q, 1.0f), q);
    return copysignf(fmaf(e, -0.5f, 0.5f) * q, o);
}

static void gate_c(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        float o = fovi_bf16_to_float(a[i]), x = fovi_bf16_to_float(b[i]);
        dst[i] = fovi_bf16_from_float((o + x) * sigmoid(o));
    }
}

static void place_c(const uint16_t *src, int c, uint16_t *dst, int dst_step, int n)
{
    for (int x = 0; x < n; x++, src += c, dst += dst_step)
        memcpy(dst, src, (size_t)c * sizeof *dst);
}

const struct fovi_bf16_dsp fovi_bf16_dsp_c = { conv_c, last_c, split_c, add_c, gate_c, place_c };

/* ---- choice ---- */

int fovi_bf16_is_fast(uint32_t cpu)
{
    return (cpu & FOVEA_CPU_AMX) != 0;
}

const struct fovi_bf16_dsp *fovi_bf16_dsp_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AMX)
        return &fovi_bf16_dsp_amx;
#endif
    (void)cpu;
    return &fovi_bf16_dsp_c;
}
