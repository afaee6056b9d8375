/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Every kernel of a 3x3 layer that this processor has, on rows in the cache, one core: billions of operations in a
 * second (two for a multiply-add of the plain sum), medians of repeats, as a JSON object of objects for bench_peers.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fovea/common.h"
#include "net/bf16.h"
#include "net/conv.h"
#include "net/int8.h"
#include "timing.h"

#define REPEATS 15
#define WIDTH 192
#define STRIDE (WIDTH + 80)
#define MOST 64 /* channels */

static void fill(float *p, size_t n)
{
    struct fovi_rng rng = { 1 };
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(fovi_rng_uniform(&rng) - 0.5);
}

/* One layer on rows in the cache. */
struct layer {
    int c_in, c_out;
    const float *rows[6];
    float *out[4], *scratch;
    struct fovi_conv_weights row, quad;
    const uint16_t *bf16_rows[6];
    uint16_t *bf16_out[4];
    struct fovi_bf16_weights bf16;
    struct fovi_graph graph; /* of int8: this layer, behind a first or before a last one */
    struct fovi_int8_weights int8;
    const uint8_t *int8_rows[6];
    uint8_t *int8_out[4];
    float *last_out[16];
};

/* The layer in int8 as the first, the last or an inner one of a network; all zero points and steps are alike. */
static void int8_init(struct layer *l, const float *weight, float *bias)
{
    static uint8_t src[6 * (MOST * STRIDE + 64) * sizeof(float)], dst[4 * MOST * STRIDE];
    static _Alignas(64) float packed[MOST * MOST * 4 + 64 * MOST];
    static float whole[MOST * MOST * 9], ones[MOST], out[16 * 4 * STRIDE];
    int is_first = l->c_in == 1, shuffle = l->c_out == 4 ? 2 : l->c_out == 9 ? 3 : 0, at = is_first ? 0 : 1;
    for (int i = 0; i < MOST * MOST * 9; i++)
        whole[i] = rintf(weight[i] * 254.0f);
    for (int i = 0; i < MOST; i++)
        ones[i] = 1.0f;
    for (size_t i = 0; i < sizeof src && !is_first; i++)
        src[i] = (uint8_t)(i * 37);
    l->graph = (struct fovi_graph){ .scale = shuffle ? shuffle : 2, .unshuffle = 1, .n_layers = shuffle ? 2 : 3 };
    l->graph.layer[0] = l->graph.layer[at] = (struct fovi_layer){
        .kind = FOVI_LAYER_CONV, .k = 3, .c_in = l->c_in, .c_out = l->c_out
    };
    l->graph.layer[0].int8 = l->graph.layer[at].int8 = (struct fovi_int8_layer){
        is_first || shuffle ? weight : whole, ones, bias, ones, ones, ones
    };
    fovi_int8_init(&l->int8, &l->graph, at, shuffle);
    if (fovi_int8_packed_bytes(&l->int8, &l->graph, at) > sizeof packed)
        exit(5);
    fovi_int8_pack(&l->int8, &l->graph, at, packed);
    for (int k = 0; k < 6; k++)
        l->int8_rows[k] = src + MOST + (ptrdiff_t)k * (l->c_in * STRIDE + 64) * (is_first ? 4 : 1);
    for (int k = 0; k < 4; k++)
        l->int8_out[k] = dst + (ptrdiff_t)k * l->c_out * STRIDE;
    for (int k = 0; k < 16; k++)
        l->last_out[k] = out + (ptrdiff_t)k * 4 * STRIDE;
}

/* Random inputs and weights, from memory for the largest layer. */
static void layer_init(struct layer *l, int c_in, int c_out)
{
    static float src[6 * MOST * STRIDE + 128], dst[4 * MOST * STRIDE], weight[MOST * MOST * 9], bias[MOST];
    static float packed[MOST * MOST * 9], packed_quad[MOST * MOST * 18], lanes[MOST + FOVI_BF16_LANES];
    static float scratch[6 * MOST * FOVI_QUAD_COLUMNS] __attribute__((aligned(64)));
    static _Alignas(64) uint16_t bf16_src[6 * (MOST * STRIDE + 64)], bf16_dst[4 * MOST * STRIDE];
    static _Alignas(64) uint16_t bf16_packed[MOST * MOST * 24];
    fill(src, sizeof src / sizeof *src);
    fill(weight, sizeof weight / sizeof *weight);
    for (size_t i = 0; i < sizeof bf16_src / sizeof *bf16_src; i++)
        bf16_src[i] = fovi_bf16_from_float(src[i % (sizeof src / sizeof *src)]);
    fovi_conv_pack(3, c_in, c_out, weight, packed);
    fovi_conv_quad_pack(c_in, c_out, weight, packed_quad);
    *l = (struct layer){ .c_in = c_in, .c_out = c_out, .scratch = scratch };
    l->row = (struct fovi_conv_weights){ 3, c_in, c_out, packed, bias, bias };
    l->quad = (struct fovi_conv_weights){ 3, c_in, c_out, packed_quad, bias, bias };
    for (int k = 0; k < 6; k++) {
        l->rows[k] = src + FOVI_CONV_OVERREAD + (ptrdiff_t)k * c_in * STRIDE;
        /* odd pixels are aligned, as the executor does it */
        l->bf16_rows[k] = bf16_src + 2 * MOST - c_in + (ptrdiff_t)k * (c_in * STRIDE + 32);
    }
    for (int k = 0; k < 4; k++) {
        l->out[k] = dst + (ptrdiff_t)k * c_out * STRIDE;
        l->bf16_out[k] = bf16_dst + (ptrdiff_t)k * c_out * STRIDE;
    }
    int8_init(l, weight, bias);
    if (c_in % 2 == 0 && c_out % 2 == 0) {
        fovi_bf16_init(&l->bf16, 3, c_in, c_out, 0, 0);
        if (fovi_bf16_packed_size(&l->bf16) <= sizeof bf16_packed / sizeof *bf16_packed)
            fovi_bf16_pack(&l->bf16, 0, weight, bias, bias, bf16_packed, lanes, lanes);
    }
}

enum form { ROW_BY_ROW, FOUR_ROWS, BF16, INT8 };

/* Four rows of outputs. */
static void layer_run(const struct layer *l, enum form form, uint32_t cpu)
{
    if (form == INT8) {
        const struct fovi_int8_dsp *dsp = fovi_int8_dsp_get(cpu);
        if (l->c_in == 1)
            dsp->first(&l->int8, (const float *const *)(const void *)l->int8_rows, l->int8_out, 0, WIDTH);
        else if (l->int8.scale)
            dsp->last(&l->int8, l->int8_rows, l->last_out, 4, 0, WIDTH, l->scratch);
        else
            dsp->conv(&l->int8, l->int8_rows, l->int8_out, 0, WIDTH, l->scratch);
    } else if (form == BF16) {
        fovi_bf16_dsp_get(cpu)->conv(&l->bf16, l->bf16_rows, l->bf16_out, 0, WIDTH, l->scratch);
    } else if (form == FOUR_ROWS) {
        fovi_conv_quad_get(cpu)(&l->quad, l->rows, STRIDE, l->out, STRIDE, 0, WIDTH, l->scratch);
    } else {
        for (int i = 0; i < 4; i++)
            fovi_conv_row_get(cpu)(&l->row, l->rows + i % 4, STRIDE, l->out[i], STRIDE, 0, WIDTH);
    }
}

/* GFLOPS on one core, two for a multiply-add of the plain sum. */
static double layer_speed(const struct layer *l, enum form form, uint32_t cpu)
{
    double ms[REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_ms();
        for (int i = 0; i < 16; i++)
            layer_run(l, form, cpu);
        ms[r] = cpu_ms() - start;
    }
    return 2.0 * 9 * l->c_in * l->c_out * WIDTH * 4 * 16 / (median(ms, REPEATS) * 1e6);
}

/* All shapes by all kernels that fit. */
static void bench_layers(uint32_t cpu)
{
    static const int shapes[][2] = { { 1, 16 },  { 16, 16 }, { 16, 4 },  { 16, 9 },
                                     { 28, 28 }, { 32, 32 }, { 48, 48 }, { 64, 64 } };
    static const struct {
        const char *name;
        enum form form;
        uint32_t needs, mask;
    } kernels[] = {
        { "f32 AVX2 row by row", ROW_BY_ROW, FOVEA_CPU_AVX2, FOVEA_CPU_AVX2 },
        { "f32 AVX2 four rows", FOUR_ROWS, FOVEA_CPU_AVX2, FOVEA_CPU_AVX2 },
        { "f32 AVX-512 row by row", ROW_BY_ROW, FOVEA_CPU_AVX512, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 },
        { "f32 AVX-512 four rows", FOUR_ROWS, FOVEA_CPU_AVX512, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 },
        { "f32 NEON row by row", ROW_BY_ROW, FOVEA_CPU_NEON, FOVEA_CPU_NEON },
        { "f32 NEON four rows", FOUR_ROWS, FOVEA_CPU_NEON, FOVEA_CPU_NEON },
        { "bf16 AMX", BF16, FOVEA_CPU_AMX, FOVEA_CPU_ALL },
        { "int8 AVX2", INT8, FOVEA_CPU_AVX2, FOVEA_CPU_AVX2 },
        { "int8 AVX-VNNI", INT8, FOVEA_CPU_AVX_VNNI, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX_VNNI },
        { "int8 AVX-512 VNNI", INT8, FOVEA_CPU_VNNI, ~FOVEA_CPU_AMX },
        { "int8 AMX", INT8, FOVEA_CPU_AMX, FOVEA_CPU_ALL },
    };
    static struct layer l;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        layer_init(&l, shapes[i][0], shapes[i][1]);
        printf("%s\"%d-%d\": {", i ? ", " : "{", l.c_in, l.c_out);
        const char *separator = "";
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
            enum form form = kernels[k].form;
            int fits = form == BF16 ? l.bf16.packed != NULL
                                    : form != FOUR_ROWS || fovi_conv_is_quad(3, l.c_in, l.c_out);
            if (!(cpu & kernels[k].needs) || !fits)
                continue;
            double speed = layer_speed(&l, form, cpu & kernels[k].mask);
            printf("%s\"%s\": %.1f", separator, kernels[k].name, speed);
            separator = ", ";
        }
        printf("}");
    }
    printf("}\n");
}

int main(void)
{
    fovea_context *ctx;
    if (fovea_context_create(&ctx, NULL) != FOVEA_OK)
        return 5;
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    bench_layers(cpu);
    return 0;
}
