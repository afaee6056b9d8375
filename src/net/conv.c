/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution: packing, choice of kernel, and the reference that says what is right.
 */
#include "net/conv.h"

#include <math.h>
#include <string.h>

size_t fovi_conv_packed_size(int k, int c_in, int c_out)
{
    size_t groups = ((size_t)c_out + FOVI_CONV_GROUP - 1) / FOVI_CONV_GROUP;
    return groups * FOVI_CONV_GROUP * (size_t)c_in * (size_t)(k * k);
}

void fovi_conv_pack(int k, int c_in, int c_out, const float *weight, float *packed)
{
    memset(packed, 0, fovi_conv_packed_size(k, c_in, c_out) * sizeof *packed);
    ptrdiff_t group_size = (ptrdiff_t)k * k * c_in * FOVI_CONV_GROUP;
    for (int o = 0; o < c_out; o++)
        for (int i = 0; i < c_in; i++)
            for (int ky = 0; ky < k; ky++)
                for (int kx = 0; kx < k; kx++)
                    packed[o / FOVI_CONV_GROUP * group_size + ((ky * c_in + i) * k + kx) * FOVI_CONV_GROUP +
                           o % FOVI_CONV_GROUP] = weight[((o * c_in + i) * k + ky) * k + kx];
}

/* One output. */
static float dot(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, int o, int x)
{
    const float *weight = w->packed + (ptrdiff_t)(o / FOVI_CONV_GROUP) * w->k * w->k * w->c_in * FOVI_CONV_GROUP +
                          o % FOVI_CONV_GROUP;
    float sum = w->bias[o];
    for (int ky = 0; ky < w->k; ky++)
        for (int i = 0; i < w->c_in; i++)
            for (int kx = 0; kx < w->k; kx++, weight += FOVI_CONV_GROUP)
                sum = fmaf(*weight, rows[ky][i * src_stride + x + kx - w->k / 2], sum);
    return sum;
}

void fovi_conv_f32_c(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride, float *dst,
                     ptrdiff_t dst_stride, int x0, int x1)
{
    for (int o = 0; o < w->c_out; o++) {
        for (int x = x0; x < x1; x++) {
            float v = dot(w, rows, src_stride, o, x);
            dst[o * dst_stride + x] = w->slope && !(v > 0.0f) ? v * w->slope[o] : v;
        }
    }
}

/* ---- four rows at once ---- */

int fovi_conv_is_quad(int k, int c_in, int c_out)
{
    return k == 3 && c_in >= 8 && c_out >= 4; /* below that the transform costs more than it saves */
}

size_t fovi_conv_quad_packed_size(int c_in, int c_out)
{
    return fovi_conv_packed_size(3, c_in, c_out) / 3 * FOVI_QUAD_INPUTS;
}

/* A kernel column g0 g1 g2 at the points 0, 1, -1, 2, -2 and infinity, with the divisors that the others share. */
static void transform_weights(double g0, double g1, double g2, double u[FOVI_QUAD_INPUTS])
{
    u[0] = g0 / 4.0;
    u[1] = -(g0 + g1 + g2) / 6.0;
    u[2] = -(g0 - g1 + g2) / 6.0;
    u[3] = (g0 + 2.0 * g1 + 4.0 * g2) / 24.0;
    u[4] = (g0 - 2.0 * g1 + 4.0 * g2) / 24.0;
    u[5] = g2;
}

void fovi_conv_quad_pack(int c_in, int c_out, const float *weight, float *packed)
{
    memset(packed, 0, fovi_conv_quad_packed_size(c_in, c_out) * sizeof *packed);
    ptrdiff_t group_size = (ptrdiff_t)FOVI_QUAD_INPUTS * c_in * 3 * FOVI_CONV_GROUP;
    for (int o = 0; o < c_out; o++) {
        float *to = packed + o / FOVI_CONV_GROUP * group_size + o % FOVI_CONV_GROUP;
        for (int i = 0; i < c_in; i++) {
            for (int kx = 0; kx < 3; kx++) {
                const float *g = weight + (o * c_in + i) * 9 + kx;
                double u[FOVI_QUAD_INPUTS];
                transform_weights((double)g[0], (double)g[3], (double)g[6], u);
                for (int m = 0; m < FOVI_QUAD_INPUTS; m++)
                    to[((m * c_in + i) * 3 + kx) * FOVI_CONV_GROUP] = (float)u[m];
            }
        }
    }
}

/* Six inputs of a column, one below the other, at the same points. */
static void transform_inputs(const float d[FOVI_QUAD_INPUTS], float t[FOVI_QUAD_INPUTS])
{
    float a = fmaf(-4.0f, d[2], d[4]), b = fmaf(-4.0f, d[1], d[3]), c = d[4] - d[2], e = d[3] - d[1];
    t[0] = fmaf(4.0f, d[0], fmaf(-5.0f, d[2], d[4]));
    t[1] = a + b;
    t[2] = a - b;
    t[3] = fmaf(2.0f, e, c);
    t[4] = fmaf(-2.0f, e, c);
    t[5] = fmaf(4.0f, d[1], fmaf(-5.0f, d[3], d[5]));
}

/* Four outputs of one channel, one below the other. t: [6][c_in][3]. */
static void quad_dot(const struct fovi_conv_weights *w, const float *t, int o, float y[FOVI_QUAD_ROWS])
{
    int n = w->c_in * 3;
    const float *u = w->packed + (ptrdiff_t)(o / FOVI_CONV_GROUP) * FOVI_QUAD_INPUTS * n * FOVI_CONV_GROUP +
                     o % FOVI_CONV_GROUP;
    float m[FOVI_QUAD_INPUTS] = { 0 };
    for (int i = 1; i < 5; i++)
        for (int j = 0; j < n; j++)
            m[i] = fmaf(u[(i * n + j) * FOVI_CONV_GROUP], t[i * n + j], m[i]);
    float p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
    y[0] = p + r + w->bias[o];
    y[1] = fmaf(2.0f, s, q) + w->bias[o];
    y[2] = fmaf(4.0f, r, p) + w->bias[o];
    y[3] = fmaf(8.0f, s, q) + w->bias[o];
    for (int j = 0; j < n; j++)
        y[0] = fmaf(u[j * FOVI_CONV_GROUP], t[j], y[0]);
    for (int j = 0; j < n; j++)
        y[3] = fmaf(u[(5 * n + j) * FOVI_CONV_GROUP], t[5 * n + j], y[3]);
}

void fovi_conv_quad_f32_c(const struct fovi_conv_weights *w, const float *const *rows, ptrdiff_t src_stride,
                          float *const *dst, ptrdiff_t dst_stride, int x0, int x1, float *scratch)
{
    int n = w->c_in * 3;
    for (int x = x0; x < x1; x++) {
        for (int j = 0; j < n; j++) {
            float d[FOVI_QUAD_INPUTS], t[FOVI_QUAD_INPUTS];
            for (int i = 0; i < FOVI_QUAD_INPUTS; i++)
                d[i] = rows[i][j / 3 * src_stride + x + j % 3 - 1];
            transform_inputs(d, t);
            for (int i = 0; i < FOVI_QUAD_INPUTS; i++)
                scratch[i * n + j] = t[i];
        }
        for (int o = 0; o < w->c_out; o++) {
            float y[FOVI_QUAD_ROWS];
            quad_dot(w, scratch, o, y);
            for (int i = 0; i < FOVI_QUAD_ROWS; i++)
                dst[i][o * dst_stride + x] = w->slope && !(y[i] > 0.0f) ? y[i] * w->slope[o] : y[i];
        }
    }
}

/* ---- choice ---- */

fovi_conv_row *fovi_conv_row_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return fovi_conv_f32_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return fovi_conv_f32_avx2;
#elif defined(__aarch64__)
    if (cpu & FOVEA_CPU_NEON)
        return fovi_conv_f32_neon;
#endif
    (void)cpu;
    return fovi_conv_f32_c;
}

fovi_conv_quad *fovi_conv_quad_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return fovi_conv_quad_f32_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return fovi_conv_quad_f32_avx2;
#elif defined(__aarch64__)
    if (cpu & FOVEA_CPU_NEON)
        return fovi_conv_quad_f32_neon;
#endif
    (void)cpu;
    return fovi_conv_quad_f32_c;
}
