/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the row kernels of the resampler see: the plan of an axis as plain data, and the table of kernels.
 */
#ifndef FOVI_RESAMPLE_RESAMPLE_DSP_H
#define FOVI_RESAMPLE_RESAMPLE_DSP_H

#include <stdint.h>

/* How the horizontal kernel sums. The order of a sum is part of the result, so it is a property of the plan. */
enum fovi_axis_form {
    FOVI_AXIS_SCALAR = 0, /* taps in order */
    FOVI_AXIS_ENLARGE,    /* taps in order; blocks of 8 outputs read from 8 neighbouring inputs for each tap */
    FOVI_AXIS_REDUCE      /* 8 partial sums, tap t goes to sum t % 8; then ((0+2)+(1+3)) + ((4+6)+(5+7)) */
};

/* Outputs of a block of FOVI_AXIS_ENLARGE, partial sums of FOVI_AXIS_REDUCE. */
#define FOVI_AXIS_LANES 8

/* Weights of one axis: output o reads inputs first[o] .. first[o] + n_taps - 1, all inside the picture. */
struct fovi_axis {
    int in, out, n_taps;
    int *first;     /* out values, never falling */
    float *weights; /* out x n_taps */

    /* The same for the horizontal kernel, packed. Outputs (blocks of 8 outputs when enlarging) with equal weights share
     * a pattern.
     * ENLARGE: pattern[block], packed [pattern][n_taps][8], shift [pattern][8] = first[o] - first[8 * block]; by a
     *          whole run_step = 2, 3 or 4, outputs run_begin (a multiple of 8) .. run_end - 1 have the weights of those
     *          run_step before them and read one input further; else the run is empty.
     * REDUCE:  pattern[o], packed [pattern][n_packed], start[o] = the first input that packed weights are meant for;
     *          outputs run_begin .. run_end - 1 share one pattern and start run_step inputs apart. */
    enum fovi_axis_form form;
    int n_packed; /* taps of a packed pattern: n_taps, or that rounded up to a multiple of 8 */
    int *pattern, *start;
    int32_t *shift;
    float *packed;
    int run_begin, run_end, run_step;
};

struct fovi_resample_dsp {
    /* One whole row horizontally: src has axis->in floats (and 16 more at each side may be read, whose values do not
     * matter), dst gets exactly axis->out. */
    void (*h)(const struct fovi_axis *axis, const float *src, float *dst);
    /* dst[x] = weights[0] * rows[0][x] + weights[1] * rows[1][x] + ..., summed in this order, x = 0..width-1. */
    void (*v)(const float *const *rows, const float *weights, int n_taps, int width, float *dst);
    /* dst[x] = that sum + gain * add[x] (dst may be add). Where cut is given the result is held to 0..255 (NaN: 0), and
     * cut[i] is the farthest that a value of columns 16 i .. 16 i + 15 was moved. */
    void (*v_add)(const float *const *rows, const float *weights, int n_taps, int width, const float *add, float gain,
                  float *cut, float *dst);
    /* v of rows of bytes: each becomes a float as it is read. */
    void (*v_u8)(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst);
};

/* Columns that one value of cut stands for. */
#define FOVI_CUT_COLUMNS 16

/* The best kernels for the FOVEA_CPU_* bits. All give the same bytes. */
const struct fovi_resample_dsp *fovi_resample_dsp_get(uint32_t cpu);

void resample_h_f32_c(const struct fovi_axis *axis, const float *src, float *dst);
void resample_v_f32_c(const float *const *rows, const float *weights, int n_taps, int width, float *dst);
void resample_v_add_f32_c(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                          float gain, float *cut, float *dst);
void resample_v_u8_c(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst);
#if defined(__x86_64__)
void resample_h_f32_avx2(const struct fovi_axis *axis, const float *src, float *dst);
void resample_v_f32_avx2(const float *const *rows, const float *weights, int n_taps, int width, float *dst);
void resample_v_add_f32_avx2(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                             float gain, float *cut, float *dst);
void resample_v_u8_avx2(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst);
void resample_h_f32_avx512(const struct fovi_axis *axis, const float *src, float *dst);
void resample_v_f32_avx512(const float *const *rows, const float *weights, int n_taps, int width, float *dst);
void resample_v_add_f32_avx512(const float *const *rows, const float *weights, int n_taps, int width, const float *add,
                               float gain, float *cut, float *dst);
void resample_v_u8_avx512(const uint8_t *const *rows, const float *weights, int n_taps, int width, float *dst);

/* Outputs o .. end - 1 of an axis of form ENLARGE (o a multiple of 8) or REDUCE. */
void resample_enlarge_some_avx2(const struct fovi_axis *axis, const float *src, float *dst, int o, int end);
void resample_reduce_some_avx2(const struct fovi_axis *axis, const float *src, float *dst, int o, int end);
#elif defined(__aarch64__)
void resample_h_f32_neon(const struct fovi_axis *axis, const float *src, float *dst);
void resample_v_f32_neon(const float *const *rows, const float *weights, int n_taps, int width, float *dst);
#endif

#endif
