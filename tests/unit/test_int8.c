/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8: every kernel against the reference by memcmp, over all channel counts, odd widths, single pixels
 * and extreme values, with guards around every row; the executor against whole planes, for any threads, strips, tiles
 * and instruction sets, by memcmp too.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/exec.h"
#include "net/int8.h"

#define WIDTH 90   /* pixels of the rows */
#define BORDER 8   /* pixels before the first */
#define MAX_ROWS 8 /* of inputs; outputs have up to 16 */
#define GUARD 0xa5

static const struct {
    const char *name;
    uint32_t needed; /* FOVEA_CPU_* bit; 0: always there */
    uint32_t mask;
    const struct fovi_int8_dsp *dsp;
} levels[] = {
#if defined(__x86_64__)
    { "AVX2", FOVEA_CPU_AVX2, FOVEA_CPU_AVX2, &fovi_int8_dsp_avx2 },
    { "AVX-VNNI", FOVEA_CPU_AVX_VNNI, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX_VNNI, &fovi_int8_dsp_avxvnni },
    { "AVX-512 VNNI", FOVEA_CPU_VNNI, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 | FOVEA_CPU_VNNI, &fovi_int8_dsp_vnni },
    { "AMX", FOVEA_CPU_AMX, FOVEA_CPU_ALL, &fovi_int8_dsp_amx },
#endif
    { "C", 0, 0, &fovi_int8_dsp_c },
};
#define N_LEVELS (sizeof levels / sizeof *levels)

static uint32_t cpu_of(uint32_t mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = 1;
    params.cpu_mask = mask;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    return cpu;
}

static float *take(size_t n)
{
    float *p = calloc(n, sizeof *p);
    assert_non_null(p);
    return p;
}

/* Random numbers for int8 of a layer. is_wild: ranges that overflow, clip and saturate. */
static void draw_layer(struct fovi_graph *g, int l, int is_wild, struct fovi_rng *rng)
{
    struct fovi_layer *layer = &g->layer[l];
    int is_end = l == 0 || l == g->n_layers - 1, n = layer->k * layer->k * layer->c_in * layer->c_out;
    float *weight = take((size_t)n + 1), *list = take(5 * (size_t)layer->c_out);
    layer->int8 = (struct fovi_int8_layer){
        weight, list, list + layer->c_out, list + 2 * layer->c_out, list + 3 * layer->c_out, list + 4 * layer->c_out
    };
    for (int i = 0; i < n && layer->kind == FOVI_LAYER_CONV; i++) {
        double v = is_wild ? (fovi_rng_below(rng, 2) ? 1.0 : -1.0) : 2.0 * fovi_rng_uniform(rng) - 1.0;
        weight[i] = (float)(is_end ? v : rint(127.0 * v));
    }
    for (int o = 0; o < layer->c_out; o++) {
        list[o] = (float)((0.2 + fovi_rng_uniform(rng)) / 127.0);
        list[layer->c_out + o] = (float)(fovi_rng_uniform(rng) - 0.5);
        list[2 * layer->c_out + o] = (float)(1.5 * fovi_rng_uniform(rng) - 0.5);
        list[3 * layer->c_out + o] = (float)(is_wild ? pow(10.0, 24.0 * fovi_rng_uniform(rng) - 12.0)
                                                     : (0.5 + fovi_rng_uniform(rng)) * 0.02 * layer->c_in);
        list[4 * layer->c_out + o] = (float)fovi_rng_below(rng, 256);
    }
    if (!layer->has_prelu)
        layer->int8.slope = NULL;
}

/* A network of three layers, convolutions or a sum in the middle. */
struct fixture {
    struct fovi_graph graph;
    struct fovi_int8_weights w;
    void *memory;
    int tested; /* the layer that w has */
};

static void fixture_init(struct fixture *f, const char *text, int tested, int is_wild, struct fovi_rng *rng)
{
    fovea_context *ctx;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    assert_int_equal(fovi_graph_parse(ctx, text, &f->graph), FOVEA_OK);
    fovea_context_free(&ctx);
    assert_true(fovi_int8_fits(&f->graph));
    for (int l = 0; l < f->graph.n_layers; l++)
        draw_layer(&f->graph, l, is_wild, rng);
    f->tested = tested;
    fovi_int8_init(&f->w, &f->graph, tested, f->graph.scale * f->graph.unshuffle);
    size_t n = fovi_int8_packed_bytes(&f->w, &f->graph, tested);
    assert_int_equal(n % 64, 0);
    f->memory = aligned_alloc(64, n);
    assert_non_null(f->memory);
    fovi_int8_pack(&f->w, &f->graph, tested, f->memory);
}

static void fixture_free(struct fixture *f)
{
    for (int l = 0; l < f->graph.n_layers; l++) {
        free((void *)(uintptr_t)f->graph.layer[l].int8.weight);
        free((void *)(uintptr_t)f->graph.layer[l].int8.scale);
    }
    free(f->memory);
}

/* Bytes of a row of pixels of n bytes, and where its pixel 0 is. */
static size_t row_bytes(size_t n)
{
    return (BORDER + WIDTH + FOVI_INT8_OVERREAD) * n;
}

/* Run what the fixture tests over columns x0..x1-1; out: 16 rows, filled with guards first. */
static void run(const struct fovi_int8_dsp *dsp, const struct fixture *f, const uint8_t *in, size_t in_pixel, int x0,
                int x1, uint8_t *out, size_t out_pixel)
{
    static _Alignas(64) uint8_t scratch[FOVI_INT8_SCRATCH];
    const uint8_t *rows[MAX_ROWS];
    const float *float_rows[MAX_ROWS];
    uint8_t *dst[16];
    float *out_rows[16];
    memset(out, GUARD, 16 * row_bytes(out_pixel));
    for (int i = 0; i < MAX_ROWS; i++) {
        rows[i] = in + (size_t)i * row_bytes(in_pixel) + BORDER * in_pixel;
        float_rows[i] = (const float *)(const void *)rows[i];
    }
    for (int i = 0; i < 16; i++) {
        dst[i] = out + (size_t)i * row_bytes(out_pixel) + BORDER * out_pixel;
        out_rows[i] = (float *)(void *)dst[i];
    }
    if (f->graph.layer[f->tested].kind == FOVI_LAYER_ADD)
        dsp->add(&f->w, rows[0] + (size_t)x0 * in_pixel, rows[1] + (size_t)x0 * in_pixel,
                 dst[0] + (size_t)x0 * out_pixel, x1 - x0);
    else if (f->tested == 0)
        dsp->first(&f->w, float_rows, dst, x0, x1);
    else if (f->w.scale)
        dsp->last(&f->w, rows, out_rows, 4 - x1 % 2, x0, x1, scratch);
    else
        dsp->conv(&f->w, rows, dst, x0, x1, scratch);
}

static void fill_inputs(const struct fixture *f, uint8_t *in, size_t n, int is_wild, struct fovi_rng *rng)
{
    if (f->tested == 0) {
        float *to = (float *)(void *)in;
        for (size_t i = 0; i < n / sizeof *to; i++)
            to[i] = (float)((fovi_rng_uniform(rng) - 0.1) * (is_wild && fovi_rng_below(rng, 4) == 0 ? 1e30 : 1.0));
        return;
    }
    for (size_t i = 0; i < n; i++)
        in[i] = (uint8_t)(is_wild ? 255 * (fovi_rng_below(rng, 8) > 0) : fovi_rng_below(rng, 256));
}

/* All widths of all kernels there are; returns a bit for each level that ran. */
static unsigned compare(const char *text, int tested, int is_wild, struct fovi_rng *rng)
{
    static const int spans[][2] = { { 0, 1 }, { 3, 4 }, { 0, 15 }, { 0, 16 }, { 1, 18 }, { 5, 69 }, { 0, WIDTH } };
    struct fixture f;
    unsigned ran = 0;
    fixture_init(&f, text, tested, is_wild, rng);
    size_t in_pixel = (size_t)f.w.c_in * (tested ? 1 : sizeof(float));
    size_t out_pixel = f.w.scale ? (size_t)f.w.scale * sizeof(float) : (size_t)f.w.c_out;
    size_t n_in = MAX_ROWS * row_bytes(in_pixel), n_out = 16 * row_bytes(out_pixel);
    uint8_t *in = malloc(n_in), *expected = malloc(n_out), *got = malloc(n_out);
    assert_true(in && expected && got);
    fill_inputs(&f, in, n_in, is_wild, rng);
    for (size_t s = 0; s < sizeof spans / sizeof *spans; s++) {
        run(&fovi_int8_dsp_c, &f, in, in_pixel, spans[s][0], spans[s][1], expected, out_pixel);
        for (size_t i = 0; i < N_LEVELS; i++) {
            if ((cpu_of(levels[i].mask) & levels[i].needed) != levels[i].needed)
                continue;
            run(levels[i].dsp, &f, in, in_pixel, spans[s][0], spans[s][1], got, out_pixel);
            if (memcmp(expected, got, n_out) != 0)
                fail_msg("%s: layer %d of \"%s\", columns %d..%d", levels[i].name, tested, text, spans[s][0],
                         spans[s][1]);
            ran |= 1u << i;
        }
    }
    fixture_free(&f);
    free(in);
    free(expected);
    free(got);
    return ran;
}

static void kernels_match_the_reference(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int tested;
    } cases[] = {
        { "conv3x3 1 16 prelu; conv3x3 16 4; shuffle 2; add base", 0 },
        { "conv3x3 1 28 prelu; conv3x3 28 9; shuffle 3; add base", 0 },
        { "conv5x5 1 32 prelu; conv3x3 32 4; shuffle 2; add base", 0 },
        { "unshuffle 2; conv3x3 4 48 prelu; conv3x3 48 16; shuffle 4; add base", 0 },
        { "conv1x1 1 4 prelu; conv3x3 4 4 prelu; conv3x3 4 4; shuffle 2; add base", 1 },
        { "conv3x3 1 16 prelu; conv3x3 16 16 prelu; conv3x3 16 4; shuffle 2; add base", 1 },
        { "conv3x3 1 28 prelu; conv3x3 28 28 prelu; conv3x3 28 9; shuffle 3; add base", 1 },
        { "conv3x3 1 16; conv3x3 16 16; conv3x3 16 4; shuffle 2; add base", 0 },
        { "conv3x3 1 16; conv3x3 16 16; conv3x3 16 4; shuffle 2; add base", 1 },
        { "conv3x3 1 32 prelu; conv3x3 32 32 prelu; conv3x3 32 16; shuffle 4; add base", 1 },
        { "conv3x3 1 48 prelu; conv3x3 48 48 prelu; conv3x3 48 16; shuffle 4; add base", 1 },
        { "conv3x3 1 64 prelu; conv3x3 64 64 prelu; conv3x3 64 16; shuffle 4; add base", 1 },
        { "conv3x3 1 32 prelu; conv1x1 32 12 prelu; conv3x3 12 4; shuffle 2; add base", 1 },
        { "conv3x3 1 12 prelu; conv5x5 12 48 prelu; conv3x3 48 4; shuffle 2; add base", 1 },
        { "conv3x3 1 16 prelu; conv3x3 16 16 prelu; conv3x3 16 4; shuffle 2; add base", 2 },
        { "conv3x3 1 28 prelu; conv5x5 28 28 prelu; conv5x5 28 4; shuffle 2; add base", 2 },
        { "conv3x3 1 32 prelu; conv3x3 32 32 prelu; conv3x3 32 9; shuffle 3; add base", 2 },
        { "conv3x3 1 64 prelu; conv3x3 64 64 prelu; conv1x1 64 16; shuffle 4; add base", 2 },
        { "conv3x3 1 32 prelu; conv3x3 32 32 prelu; add 0; conv3x3 32 4; shuffle 2; add base", 2 },
        { "conv3x3 1 28 prelu; conv3x3 28 28 prelu; add 0; conv3x3 28 4; shuffle 2; add base", 2 },
    };
    struct fovi_rng rng = { 5 };
    unsigned ran = ~0u, expected = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int is_wild = 0; is_wild < 2; is_wild++)
            ran &= compare(cases[i].text, cases[i].tested, is_wild, &rng);
    for (size_t i = 0; i < N_LEVELS; i++)
        expected |= (unsigned)((cpu_of(levels[i].mask) & levels[i].needed) == levels[i].needed) << i;
    assert_int_equal(ran, expected);
}

/* Each mask gives the kernels of its level, none of which is another's. */
static void every_level_has_its_own_kernels(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_LEVELS; i++) {
        if ((cpu_of(levels[i].mask) & levels[i].needed) != levels[i].needed)
            continue;
        assert_ptr_equal(fovi_int8_dsp_get(cpu_of(levels[i].mask)), levels[i].dsp);
        for (size_t k = 0; k < i; k++)
            assert_ptr_not_equal(levels[k].dsp->conv, levels[i].dsp->conv);
    }
}

/* What a byte stands for, a weight and a sum: a layer that copies one channel gives its numbers back, and a byte at the
 * zero point adds nothing wherever it stands. */
static void numbers_mean_what_they_should(void **state)
{
    (void)state;
    static const char text[] = "conv3x3 1 4 prelu; conv1x1 4 4 prelu; conv1x1 4 4; shuffle 2; add base";
    struct fixture f;
    struct fovi_rng rng = { 7 };
    fixture_init(&f, text, 1, 0, &rng);
    float *weight = (float *)(uintptr_t)f.graph.layer[1].int8.weight;
    float *list = (float *)(uintptr_t)f.graph.layer[1].int8.scale;
    const struct fovi_int8_layer *in = &f.graph.layer[0].int8, *out = &f.graph.layer[1].int8;
    memset(weight, 0, 16 * sizeof *weight);
    for (int o = 0; o < 4; o++) {
        weight[o * 4 + o] = 100.0f;
        list[o] = in->step[o] / 100.0f;
        list[4 + o] = 0.0f;
        list[8 + o] = 1.0f;
    }
    fovi_int8_pack(&f.w, &f.graph, 1, f.memory);
    uint8_t pixel[8][4 * 100] = { { 0 } }, result[4][4 * 100], *dst[4];
    const uint8_t *rows[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = pixel[i];
        dst[i] = result[i];
        for (int c = 0; c < 4; c++)
            pixel[i][c] = (uint8_t)(i ? fovi_rng_below(&rng, 256) : (uint32_t)in->zero[c]);
    }
    fovi_int8_dsp_c.conv(&f.w, rows, dst, 0, 1, NULL);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 4; c++) {
            float value = ((float)pixel[i][c] - in->zero[c]) * in->step[c];
            float expected = value / out->step[c] + out->zero[c];
            expected = expected < 0.0f ? 0.0f : expected > 255.0f ? 255.0f : expected;
            assert_true(fabsf((float)result[i][c] - expected) <= 0.501f);
            assert_true(i || (float)result[i][c] == out->zero[c]);
        }
    }
    fixture_free(&f);
}

/* The two parts of a last layer's weights stand for 15 bits. */
static void last_weights_have_fifteen_bits(void **state)
{
    (void)state;
    static const char text[] = "conv3x3 1 4 prelu; conv1x1 4 4; shuffle 2; add base";
    struct fixture f;
    struct fovi_rng rng = { 11 };
    fixture_init(&f, text, 1, 0, &rng);
    uint8_t pixel[4 * 100] = { 0 };
    const uint8_t *rows[4] = { pixel, pixel, pixel, pixel };
    float top[2] = { 0 }, bottom[2] = { 0 }, *out[2] = { top, bottom };
    const struct fovi_int8_layer *in = &f.graph.layer[0].int8, *w = &f.graph.layer[1].int8;
    for (int c = 0; c < 4; c++)
        pixel[c] = (uint8_t)fovi_rng_below(&rng, 256);
    fovi_int8_dsp_c.last(&f.w, rows, out, 1, 0, 1, NULL);
    for (int o = 0; o < 4; o++) {
        double expected = (double)w->bias[o], most = 0.0;
        for (int c = 0; c < 4; c++) {
            double value = ((double)pixel[c] - (double)in->zero[c]) * (double)in->step[c];
            expected += (double)w->weight[o * 4 + c] * value;
            most += fabs(value) / (double)in->step[c] * 0.5 / 16319.0 * 0.06 * 1.5 * 4.0;
        }
        assert_true(fabs(out[o / 2][o % 2] - 255.0 * expected) <= 255.0 * most + 1e-3);
    }
    fixture_free(&f);
}

/* No PReLU is one with slope 1. */
static void no_slope_is_slope_one(void **state)
{
    (void)state;
    static const char text[] = "conv3x3 1 16; conv3x3 16 16; conv3x3 16 4; shuffle 2; add base";
    for (int l = 0; l < 2; l++) {
        struct fixture f;
        struct fovi_rng rng = { 12 };
        float ones[16];
        for (int o = 0; o < 16; o++)
            ones[o] = 1.0f;
        fixture_init(&f, text, l, 0, &rng);
        size_t n = fovi_int8_packed_bytes(&f.w, &f.graph, l);
        void *memory = aligned_alloc(64, n);
        assert_non_null(memory);
        assert_null(f.graph.layer[l].int8.slope);
        f.graph.layer[l].int8.slope = ones;
        fovi_int8_pack(&f.w, &f.graph, l, memory);
        assert_memory_equal(memory, f.memory, n);
        free(memory);
        fixture_free(&f);
    }
}

static void forms_that_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int fits;
    } cases[] = {
        { "conv3x3 1 8 prelu; conv3x3 8 8 prelu; add 0; conv3x3 8 4; shuffle 2; add base", 1 },
        { "unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 16; shuffle 4; add base", 1 },
        { "conv3x3 1 4; shuffle 2; add base", 0 },
        { "conv3x3 1 6 prelu; conv3x3 6 4; shuffle 2; add base", 0 },
        { "conv3x3 1 8; conv3x3 8 8; conv3x3 8 4; shuffle 2; add base", 1 },
        { "conv3x3 1 8 prelu; conv3x3 8 4 prelu; shuffle 2; add base", 0 },
        { "conv3x3 1 8 prelu; conv3x3 8 8 prelu; gate 0; conv3x3 8 4; shuffle 2; add base", 0 },
        { "unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 64; shuffle 8; add base", 0 },
    };
    fovea_context *ctx;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovi_graph g;
        assert_int_equal(fovi_graph_parse(ctx, cases[i].text, &g), FOVEA_OK);
        assert_int_equal(fovi_int8_fits(&g), cases[i].fits);
    }
    fovea_context_free(&ctx);
}

/* ---- whole frames ---- */

#define MARGIN 4 /* pixels and rows around a plane */
#define GUARD_FLOAT 1234.5f

static const char *const frame_texts[] = {
    "conv3x3 1 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16 prelu; conv3x3 16 4; shuffle 2; add base",
    "conv3x3 1 12 prelu; conv5x5 12 12 prelu; conv1x1 12 12 prelu; add 0; conv3x3 12 9; shuffle 3; add base",
    "unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 28 prelu; conv3x3 28 16; shuffle 4; add base",
};
#define N_TEXTS (sizeof frame_texts / sizeof *frame_texts)

/* The output of a layer in one piece, or the input as floats; around it what stands for nothing. */
struct plane {
    uint8_t *data;
    size_t pixel; /* bytes */
    int width, height;
};

static uint8_t *plane_row(const struct plane *p, int y)
{
    size_t row = (size_t)(p->width + MARGIN + FOVI_INT8_OVERREAD) * p->pixel;
    return p->data + (size_t)(y + MARGIN) * row + MARGIN * p->pixel;
}

static struct plane plane_make(size_t pixel, int width, int height, const float *zero)
{
    struct plane p = { NULL, pixel, width, height };
    size_t n = (size_t)(width + MARGIN + FOVI_INT8_OVERREAD) * (size_t)(height + 2 * MARGIN + 4);
    p.data = calloc(n, pixel);
    assert_non_null(p.data);
    for (size_t i = 0; zero && i < n * pixel; i++)
        p.data[i] = (uint8_t)zero[i % pixel];
    return p;
}

static void direct_input(const struct plane *p, const float *luma, int width, int height, int u)
{
    for (int y = 0; y < p->height; y++) {
        float *to = (float *)(void *)plane_row(p, y);
        for (int i = 0; i < p->width * u * u; i++) {
            int sx = i % u, sy = i / u % u, x = i / (u * u) * u + sx, row = y * u + sy;
            x = x < width ? x : width - 1;
            row = row < height ? row : height - 1;
            to[i] = luma[row * width + x] * (1.0f / 255.0f);
        }
    }
}

/* The last layer, cut to the picture. */
static void direct_last(const struct fovi_int8_weights *w, const struct plane *in, int width, int height, float *out)
{
    int f = w->scale, row = in->width * f;
    float *rows[16], *made = malloc((size_t)(row * (in->height + 4) * f) * sizeof *made);
    const uint8_t *from[MAX_ROWS];
    assert_non_null(made);
    for (int y = 0; y < in->height; y += 4) {
        for (int i = 0; i < MAX_ROWS; i++)
            from[i] = plane_row(in, y + i - w->k / 2);
        for (int i = 0; i < 4 * f; i++)
            rows[i] = made + (y * f + i) * row;
        fovi_int8_dsp_c.last(w, from, rows, in->height - y < 4 ? in->height - y : 4, 0, in->width, NULL);
    }
    for (int y = 0; y < height; y++)
        memcpy(out + y * width, made + y * row, (size_t)width * sizeof *out);
    free(made);
}

static void direct_layer(const struct fovi_graph *g, int l, const struct fovi_int8_weights *w, const struct plane *all)
{
    const struct plane *in = &all[l], *out = &all[l + 1], *other = &all[g->layer[l].from + 1];
    uint8_t *spare[4], *dst[4];
    const uint8_t *rows[MAX_ROWS];
    for (int i = 0; i < 4; i++)
        spare[i] = calloc((size_t)in->width, out->pixel);
    for (int y = 0; y < in->height; y += 4) {
        for (int i = 0; i < MAX_ROWS; i++)
            rows[i] = plane_row(in, y + i - w->k / 2);
        for (int i = 0; i < 4; i++)
            dst[i] = y + i < in->height ? plane_row(out, y + i) : spare[i];
        if (g->layer[l].kind == FOVI_LAYER_ADD)
            for (int i = 0; i < 4 && y + i < in->height; i++)
                fovi_int8_dsp_c.add(w, plane_row(in, y + i), plane_row(other, y + i), dst[i], in->width);
        else if (l)
            fovi_int8_dsp_c.conv(w, rows, dst, 0, in->width, NULL);
        else
            fovi_int8_dsp_c.first(w, (const float *const *)(const void *)rows, dst, 0, in->width);
    }
    for (int i = 0; i < 4; i++)
        free(spare[i]);
}

/* The residual of a whole picture by the reference kernels, layer by layer. */
static void direct(const struct fovi_graph *g, const float *luma, int width, int height, float *out)
{
    int u = g->unshuffle, w = (width + u - 1) / u, h = (height + u - 1) / u;
    struct plane plane[FOVI_GRAPH_MAX_LAYERS + 1];
    plane[0] = plane_make((size_t)(u * u) * sizeof(float), w, h, NULL);
    direct_input(&plane[0], luma, width, height, u);
    for (int l = 0; l < g->n_layers; l++) {
        struct fovi_int8_weights weights;
        fovi_int8_init(&weights, g, l, g->scale * u);
        void *memory = aligned_alloc(64, fovi_int8_packed_bytes(&weights, g, l));
        fovi_int8_pack(&weights, g, l, memory);
        if (weights.scale) {
            direct_last(&weights, &plane[l], width * g->scale, height * g->scale, out);
        } else {
            plane[l + 1] = plane_make((size_t)g->layer[l].c_out, w, h, g->layer[l].int8.zero);
            direct_layer(g, l, &weights, plane);
        }
        free(memory);
    }
    for (int l = 0; l < g->n_layers; l++)
        free(plane[l].data);
}

/* The executor, strip by strip. */
static void execute(fovea_context *ctx, const struct fovi_graph *g, const float *luma, int width, int height, int strip,
                    const uint8_t *tiles, float *out)
{
    struct fovi_exec *exec;
    struct fovi_window window;
    int radius = fovi_graph_radius(g), s = g->scale;
    assert_int_equal(fovi_exec_create(ctx, g, FOVI_EXEC_INT8, width, height, &exec), FOVEA_OK);
    assert_int_equal(fovi_window_init(ctx, &window, width, height, 1, strip + radius), FOVEA_OK);
    fovi_exec_begin(exec, tiles, 2);
    for (int y = 0; y < height; y += strip) {
        int y1 = y + strip < height ? y + strip : height, end = y1 + radius < height ? y1 + radius : height;
        int first = window.y1;
        fovi_window_push(&window, end - window.y1);
        for (int row = first; row < end; row++)
            memcpy(fovi_window_row(&window, 0, row), luma + row * width, (size_t)width * sizeof *luma);
        fovi_exec_rows(exec, &window, y, y1, out + (ptrdiff_t)y * s * width * s, (ptrdiff_t)width * s);
    }
    fovi_window_free(ctx, &window);
    fovi_exec_free(&exec);
}

static float *random_luma(int width, int height, struct fovi_rng *rng)
{
    float *luma = take((size_t)(width * height));
    for (int i = 0; i < width * height; i++)
        luma[i] = (float)(255.0 * fovi_rng_uniform(rng));
    return luma;
}

/* One picture by one instruction set: threads and strips do not matter. */
static void check_frame(const struct fovi_graph *g, uint32_t mask, const float *luma, int width, int height,
                        const float *expected)
{
    size_t n = (size_t)(width * height * g->scale * g->scale);
    float *got = take(n);
    for (int threads = 1; threads <= 3; threads++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        fovea_context *ctx;
        params.n_threads = threads;
        params.cpu_mask = mask;
        assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
        memset(got, 0, n * sizeof *got);
        execute(ctx, g, luma, width, height, threads == 2 ? 16 : 64, NULL, got);
        assert_memory_equal(got, expected, n * sizeof *got);
        assert_int_equal(fovi_alloc_held(ctx), 0);
        fovea_context_free(&ctx);
    }
    free(got);
}

static void frames_equal_direct(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 1, 1 }, { 2, 7 }, { 37, 5 }, { 150, 41 } };
    struct fovi_rng rng = { 3 };
    for (size_t t = 0; t < N_TEXTS; t++) {
        struct fixture f;
        fixture_init(&f, frame_texts[t], 0, 0, &rng);
        f.graph.has_int8 = 1;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            int width = sizes[i][0], height = sizes[i][1];
            float *luma = random_luma(width, height, &rng), *expected = take((size_t)(width * height) * 9);
            direct(&f.graph, luma, width, height, expected);
            for (size_t k = 0; k < N_LEVELS; k++)
                check_frame(&f.graph, levels[k].mask, luma, width, height, expected);
            free(expected);
            free(luma);
        }
        fixture_free(&f);
    }
}

/* Where only some tiles are wanted they are as in the full frame, and nothing else is touched. */
static void tiles_equal_full_frame(void **state)
{
    (void)state;
    enum { W = 150, H = 77, TILES_X = 10, N_TILES = 50 };
    struct fovi_rng rng = { 21 };
    float *luma = random_luma(W, H, &rng), *full = take((size_t)(W * H) * 9), *got = take((size_t)(W * H) * 9);
    for (size_t t = 0; t < N_TEXTS; t++) {
        struct fixture f;
        fixture_init(&f, frame_texts[t], 0, 0, &rng);
        int s = f.graph.scale;
        direct(&f.graph, luma, W, H, full);
        fovea_context *ctx;
        assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
        for (uint32_t round = 0; round < 12; round++) {
            uint8_t tiles[N_TILES];
            for (int i = 0; i < N_TILES; i++)
                tiles[i] = fovi_rng_below(&rng, 12) < round ? 2 : 1;
            for (int i = 0; i < W * H * s * s; i++)
                got[i] = GUARD_FLOAT;
            execute(ctx, &f.graph, luma, W, H, 16, tiles, got);
            for (int i = 0; i < W * H * s * s; i++) {
                int x = i % (W * s), y = i / (W * s);
                float expected = tiles[y / s / 16 * TILES_X + x / s / 16] == 2 ? full[i] : GUARD_FLOAT;
                if (memcmp(&expected, &got[i], sizeof expected) != 0)
                    fail_msg("\"%s\": pixel (%d, %d)", frame_texts[t], x, y);
            }
        }
        fovea_context_free(&ctx);
        fixture_free(&f);
    }
    free(luma);
    free(full);
    free(got);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct fovi_rng rng = { 1 };
    struct fovi_exec *exec = NULL;
    fovea_context *ctx;
    int code = FOVEA_E_NOMEM, tries = 0;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    fixture_init(&f, frame_texts[0], 0, 0, &rng);
    for (long k = 1; code; k++, tries++) {
        fovi_alloc_fail_nth(ctx, k);
        code = fovi_exec_create(ctx, &f.graph, FOVI_EXEC_INT8, 200, 50, &exec);
        fovi_alloc_fail_nth(ctx, 0);
        assert_true(!code || (code == FOVEA_E_NOMEM && !exec && fovi_alloc_held(ctx) == 0));
    }
    assert_true(tries >= 4);
    fovi_exec_free(&exec);
    fovea_context_free(&ctx);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_match_the_reference),
        cmocka_unit_test(every_level_has_its_own_kernels),
        cmocka_unit_test(numbers_mean_what_they_should),
        cmocka_unit_test(last_weights_have_fifteen_bits),
        cmocka_unit_test(no_slope_is_slope_one),
        cmocka_unit_test(forms_that_fit),
        cmocka_unit_test(frames_equal_direct),
        cmocka_unit_test(tiles_equal_full_frame),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
