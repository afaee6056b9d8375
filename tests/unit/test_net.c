/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks: the text form; every convolution kernel against the reference; the executor against a direct computation,
 * for any threads, strips and tiles, by memcmp.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/bf16.h"
#include "net/conv.h"
#include "net/exec.h"
#include "net/gate.h"

static fovea_context *make_context(int n_threads, uint32_t mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    params.cpu_mask = mask;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

static void fill(float *p, size_t n, struct fovi_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(2.0 * fovi_rng_uniform(rng) - 1.0);
}

/* ---- the text form ---- */

static const char tiny_text[] = "conv3x3 1 8 prelu; conv3x3 8 8 prelu; conv3x3 8 4; shuffle 2; add base";
static const char skip_text[] =
    "conv3x3 1 8 prelu; conv5x5 8 8 prelu; conv1x1 8 8; add 0; conv3x3 8 9; shuffle 3; add base";

static const char blocks_text[] =
    "unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 8 prelu; conv3x3 8 16; shuffle 4; add base";
static const char gates_text[] = "conv3x3 1 8; conv3x3 8 8 prelu; conv3x3 8 8; gate 0; conv3x3 8 8; gate 3; "
                                 "concat 0 5 3; conv1x1 24 8; conv3x3 8 4; shuffle 2; add base";
static const char residual_text[] = "conv3x3 1 8 prelu; conv3x3 8 8 prelu; conv3x3 8 8; add 0; conv3x3 8 8 prelu; "
                                    "conv3x3 8 8; add 3; conv3x3 8 4; shuffle 2; add base";
static const char mixed_text[] =
    "unshuffle 4; conv3x3 16 8; conv1x1 8 8; gate 0; concat 2 0; conv3x3 16 64; shuffle 8; "
    "add base";

static void text_is_read(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    struct fovi_graph g;
    assert_int_equal(fovi_graph_parse(ctx, skip_text, &g), FOVEA_OK);
    assert_int_equal(g.n_layers, 5);
    assert_int_equal(g.scale, 3);
    assert_int_equal(fovi_graph_radius(&g), 1 + 2 + 0 + 1);
    assert_int_equal(fovi_graph_macs(&g), 72 + 25 * 64 + 64 + 9 * 72);
    assert_int_equal(fovi_graph_parameters(&g), fovi_graph_macs(&g) + 16 + 16 + 8 + 9);
    assert_int_equal(fovi_graph_parse(ctx, blocks_text, &g), FOVEA_OK);
    assert_int_equal(g.n_layers, 3);
    assert_int_equal(g.scale, 2);
    assert_int_equal(g.unshuffle, 2);
    assert_int_equal(fovi_graph_radius(&g), 3 * 2 + 1);
    assert_int_equal(fovi_graph_macs(&g), 9 * 8 * (4 + 8 + 16) / 4);
    assert_int_equal(fovi_graph_parameters(&g), 9 * 8 * (4 + 8 + 16) + 16 + 16 + 16);
    assert_int_equal(fovi_graph_parse(ctx, gates_text, &g), FOVEA_OK);
    assert_int_equal(g.layer[6].c_out, 24);
    assert_int_equal(fovi_graph_radius(&g), 5);
    assert_true(fovi_graph_reads(&g, 6, 0) && fovi_graph_reads(&g, 6, 3) && !fovi_graph_reads(&g, 6, 4));
    assert_true(fovi_graph_reads(&g, 3, 2) && fovi_graph_reads(&g, 3, 0) && !fovi_graph_reads(&g, 4, 2));
    fovea_context_free(&ctx);
}

static void wrong_text_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "conv3x3 1 4; shuffle 2",
        "conv3x3 1 4; add base",
        "conv3x3 1 5; shuffle 2; add base",
        "conv3x3 2 4; shuffle 2; add base",
        "conv3x3 1 8; conv3x3 4 4; shuffle 2; add base",
        "conv2x2 1 4; shuffle 2; add base",
        "conv3x5 1 4; shuffle 2; add base",
        "conv7x7 1 4; shuffle 2; add base",
        "conv3x3 1 4 relu; shuffle 2; add base",
        "conv3x3 1 4 prelu x; shuffle 2; add base",
        "conv3x3 1 4; shuffle 2; add base; conv3x3 1 4",
        "conv3x3 1 4; shuffle 2; shuffle 2; add base",
        "conv3x3 1 4; add 0; shuffle 2; add base",
        "conv3x3 1 4; conv3x3 4 4; add 1; shuffle 2; add base",
        "conv3x3 1 4; conv3x3 4 4; add -1; shuffle 2; add base",
        "conv3x3 1 25; shuffle 5; add base",
        "unshuffle 2; conv3x3 1 16; shuffle 4; add base",
        "unshuffle 2; conv3x3 4 4; shuffle 2; add base",
        "unshuffle 2; conv3x3 4 9; shuffle 3; add base",
        "unshuffle 2; conv3x3 4 100; shuffle 10; add base",
        "unshuffle 3; conv3x3 9 36; shuffle 6; add base",
        "unshuffle 2; shuffle 4; add base",
        "unshuffle -2; conv3x3 4 16; shuffle 4; add base",
        "conv3x3 1 4; unshuffle 2; conv3x3 16 16; shuffle 4; add base",
        "conv3x3 1 4; shuffle 0; add base",
        "shuffle 2; add base",
        "conv3x3 1 4; conv3x3 4 4; gate 1; shuffle 2; add base",
        "conv3x3 1 8; conv3x3 8 4; gate 0; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 4; concat 1; shuffle 2; add base",
        "conv3x3 1 4; conv3x3 4 4; concat 0 0; conv1x1 8 4; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat 0 2; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat 0 -1; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat 0 1x; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat 01; shuffle 2; add base",
        "conv3x3 1 2; conv3x3 2 2; concat 0 1 0 1 0; conv1x1 10 4; shuffle 2; add base",
        "conv3x3 1 200; conv3x3 200 200; concat 0 1; conv1x1 400 4; shuffle 2; add base",
        "conv3x3 1 4; gelu; shuffle 2; add base",
        "conv3x3 1 0; shuffle 2; add base",
        "conv3x3 1 9999; conv3x3 9999 4; shuffle 2; add base",
    };
    fovea_context *ctx = make_context(1, 0);
    struct fovi_graph g;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int code = fovi_graph_parse(ctx, wrong[i], &g);
        if (code != FOVEA_E_FORMAT && code != FOVEA_E_UNSUPPORTED)
            fail_msg("accepted: %s", wrong[i]);
        assert_true(fovea_last_error(ctx)[0] != '\0');
    }
    fovea_context_free(&ctx);
}

/* ---- kernels ---- */

#define STRIDE 272
#define GUARD 1234.5f

struct conv_case {
    int k, c_in, c_out, prelu;
};

/* Run a kernel over columns x0..x1-1 of a guarded output. */
static void run_kernel(fovi_conv_row *kernel, const struct conv_case *c, const float *src, const float *packed,
                       const float *bias, const float *slope, int x0, int x1, float *dst)
{
    const float *rows[5];
    for (int i = 0; i < c->k; i++)
        rows[i] = src + (ptrdiff_t)i * c->c_in * STRIDE + FOVI_CONV_OVERREAD;
    for (int i = 0; i < (c->c_out + 1) * STRIDE; i++)
        dst[i] = GUARD;
    struct fovi_conv_weights w = { c->k, c->c_in, c->c_out, packed, bias, c->prelu ? slope : NULL };
    kernel(&w, rows, STRIDE, dst + FOVI_CONV_OVERREAD, STRIDE, x0, x1);
}

static void compare_kernel(fovi_conv_row *kernel, const struct conv_case *c, struct fovi_rng *rng)
{
    static float src[5 * 48 * STRIDE + 64], weight[48 * 48 * 25], packed[48 * 48 * 25], bias[48], slope[48];
    static float expected[49 * STRIDE], got[49 * STRIDE];
    fill(src, sizeof src / sizeof *src, rng);
    src[700] = 3e38f; /* overflow and what follows from it must agree too */
    src[701] = -3e38f;
    fill(weight, sizeof weight / sizeof *weight, rng);
    fill(bias, 48, rng);
    fill(slope, 48, rng);
    fovi_conv_pack(c->k, c->c_in, c->c_out, weight, packed);
    static const int spans[][2] = { { 0, 1 },  { 0, 7 },  { 0, 8 },   { 3, 12 },  { 1, 24 },   { 0, 25 },
                                    { 5, 64 }, { 0, 97 }, { 16, 80 }, { 0, 200 }, { 11, 112 }, { 9, 9 } };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        run_kernel(fovi_conv_f32_c, c, src, packed, bias, slope, spans[i][0], spans[i][1], expected);
        run_kernel(kernel, c, src, packed, bias, slope, spans[i][0], spans[i][1], got);
        if (memcmp(expected, got, sizeof(float) * (size_t)((c->c_out + 1) * STRIDE)) != 0)
            fail_msg("%dx%d %d -> %d, columns %d..%d differ", c->k, c->k, c->c_in, c->c_out, spans[i][0], spans[i][1]);
    }
}

static void check_kernel(fovi_conv_row *kernel)
{
    static const struct conv_case cases[] = {
        { 3, 1, 16, 1 },  { 3, 16, 16, 1 }, { 3, 16, 4, 0 },  { 3, 16, 9, 0 },  { 3, 4, 16, 1 },
        { 3, 12, 12, 1 }, { 1, 48, 28, 1 }, { 5, 1, 7, 1 },   { 5, 6, 3, 0 },   { 1, 1, 1, 0 },
        { 3, 2, 2, 1 },   { 3, 28, 28, 1 }, { 3, 48, 16, 0 }, { 3, 32, 32, 1 }, { 3, 3, 1, 1 },
    };
    struct fovi_rng rng = { 7 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        compare_kernel(kernel, &cases[i], &rng);
}

/* The same for four rows at once, on GUARD-ed rows that follow each other. */
static void run_quad(fovi_conv_quad *kernel, const struct conv_case *c, const float *src, const float *packed,
                     const float *bias, const float *slope, int x0, int x1, float *dst)
{
    static float memory[6 * 48 * FOVI_QUAD_COLUMNS + 16];
    float *scratch = memory + (64 - (uintptr_t)memory % 64) % 64 / sizeof *memory;
    const float *rows[FOVI_QUAD_INPUTS];
    float *out[FOVI_QUAD_ROWS];
    for (int i = 0; i < FOVI_QUAD_INPUTS; i++)
        rows[i] = src + (ptrdiff_t)i * c->c_in * STRIDE + FOVI_CONV_OVERREAD;
    for (int i = 0; i < FOVI_QUAD_ROWS; i++)
        out[i] = dst + (ptrdiff_t)i * c->c_out * STRIDE + FOVI_CONV_OVERREAD;
    for (int i = 0; i < (4 * c->c_out + 1) * STRIDE; i++)
        dst[i] = GUARD;
    struct fovi_conv_weights w = { 3, c->c_in, c->c_out, packed, bias, c->prelu ? slope : NULL };
    kernel(&w, rows, STRIDE, out, STRIDE, x0, x1, scratch);
}

/* Four rows at once differ from one by one by rounding only. */
static void check_quad_accuracy(const struct conv_case *c, const float *src, const float *weight, const float *bias,
                                const float *slope, const float *quad)
{
    static float packed[48 * 48 * 9], direct[49 * STRIDE];
    double error = 0.0, largest = 0.0;
    fovi_conv_pack(3, c->c_in, c->c_out, weight, packed);
    for (int y = 0; y < FOVI_QUAD_ROWS; y++) {
        run_kernel(fovi_conv_f32_c, c, src + (ptrdiff_t)y * c->c_in * STRIDE, packed, bias, slope, 0, 200, direct);
        for (int i = 0; i < c->c_out * STRIDE; i++) {
            double d = fabs((double)direct[i] - (double)quad[(ptrdiff_t)y * c->c_out * STRIDE + i]);
            error = d > error ? d : error;
            if (direct[i] != GUARD && fabs((double)direct[i]) > largest)
                largest = fabs((double)direct[i]);
        }
    }
    if (!(error <= 1e-5 * largest))
        fail_msg("%d -> %d: error %g, largest %g", c->c_in, c->c_out, error, largest);
}

static void compare_quad(fovi_conv_quad *kernel, const struct conv_case *c, struct fovi_rng *rng)
{
    static float src[6 * 48 * STRIDE + 64], weight[48 * 48 * 9], packed[48 * 48 * 18], bias[48], slope[48];
    static float expected[193 * STRIDE], got[193 * STRIDE];
    fill(src, sizeof src / sizeof *src, rng);
    fill(weight, sizeof weight / sizeof *weight, rng);
    fill(bias, 48, rng);
    fill(slope, 48, rng);
    fovi_conv_quad_pack(c->c_in, c->c_out, weight, packed);
    run_quad(fovi_conv_quad_f32_c, c, src, packed, bias, slope, 0, 200, expected);
    check_quad_accuracy(c, src, weight, bias, slope, expected);
    src[700] = 3e38f; /* overflow and what follows from it must agree too */
    src[701] = -3e38f;
    static const int spans[][2] = { { 0, 1 },  { 0, 7 },  { 0, 8 },   { 3, 12 },  { 1, 24 },   { 0, 25 },
                                    { 5, 64 }, { 0, 97 }, { 16, 80 }, { 0, 200 }, { 11, 112 }, { 9, 9 } };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        run_quad(fovi_conv_quad_f32_c, c, src, packed, bias, slope, spans[i][0], spans[i][1], expected);
        run_quad(kernel, c, src, packed, bias, slope, spans[i][0], spans[i][1], got);
        if (memcmp(expected, got, sizeof(float) * (size_t)((4 * c->c_out + 1) * STRIDE)) != 0)
            fail_msg("four rows, %d -> %d, columns %d..%d differ", c->c_in, c->c_out, spans[i][0], spans[i][1]);
    }
}

static void check_quad(fovi_conv_quad *kernel)
{
    static const struct conv_case cases[] = { { 3, 16, 16, 1 }, { 3, 16, 4, 0 },  { 3, 16, 9, 1 }, { 3, 32, 32, 0 },
                                              { 3, 12, 14, 1 }, { 3, 48, 15, 1 }, { 3, 8, 6, 0 } };
    struct fovi_rng rng = { 8 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        compare_quad(kernel, &cases[i], &rng);
}

static void avx2_equals_reference(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_AVX2);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_AVX2)) {
        print_message("this processor has no AVX2\n");
        skip();
    }
    assert_ptr_not_equal(fovi_conv_row_get(cpu), fovi_conv_f32_c);
    assert_ptr_not_equal(fovi_conv_quad_get(cpu), fovi_conv_quad_f32_c);
    check_kernel(fovi_conv_row_get(cpu));
    check_quad(fovi_conv_quad_get(cpu));
}

static void avx512_equals_reference(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_AVX512)) {
        print_message("this processor has no AVX-512\n");
        skip();
    }
    assert_ptr_not_equal(fovi_conv_row_get(cpu), fovi_conv_row_get(FOVEA_CPU_AVX2));
    assert_ptr_not_equal(fovi_conv_quad_get(cpu), fovi_conv_quad_get(FOVEA_CPU_AVX2));
    check_kernel(fovi_conv_row_get(cpu));
    check_quad(fovi_conv_quad_get(cpu));
}

static void neon_equals_reference(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_NEON)) {
        print_message("this processor has no NEON\n");
        skip();
    }
    assert_ptr_not_equal(fovi_conv_row_get(cpu), fovi_conv_f32_c);
    assert_ptr_not_equal(fovi_conv_quad_get(cpu), fovi_conv_quad_f32_c);
    check_kernel(fovi_conv_row_get(cpu));
    check_quad(fovi_conv_quad_get(cpu));
}

/* ---- the gated sum ---- */

static void check_gate(fovi_gate *kernel)
{
    static float o[600], x[600], expected[600], got[600];
    struct fovi_rng rng = { 13 };
    for (int i = 0; i < 600; i++) {
        o[i] = (float)(40.0 * (fovi_rng_uniform(&rng) - 0.5) * (i % 3 ? 1.0 : 0.01));
        x[i] = (float)(2.0 * fovi_rng_uniform(&rng) - 1.0);
    }
    const float special[] = { 0.0f, -0.0f, 64.0f, -64.0f, 65.0f, 1e30f, -1e30f, 1e-30f, 87.3f, INFINITY, -INFINITY };
    memcpy(o + 100, special, sizeof special);
    for (int n = 0; n <= 130; n++) {
        for (int i = 0; i < 600; i++)
            expected[i] = got[i] = GUARD;
        fovi_gate_f32_c(o + n, x + n, expected + n, n);
        kernel(o + n, x + n, got + n, n);
        assert_memory_equal(expected, got, sizeof got);
    }
}

static void neon_gate_equals_reference(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_NEON)) {
        print_message("this processor has no NEON\n");
        skip();
    }
    assert_ptr_not_equal(fovi_gate_get(cpu), fovi_gate_f32_c);
    check_gate(fovi_gate_get(cpu));
}

static void gates_are_exact_and_alike(void **state)
{
    (void)state;
    double worst = 0.0;
    for (int i = -300000; i <= 300000; i++) {
        float o = (float)i * 1e-4f, y;
        const float zero = 0.0f;
        fovi_gate_f32_c(&o, &zero, &y, 1);
        double exact = (double)o * (1.0 / (1.0 + exp(-(double)o)) - 0.5), error = fabs((double)y - exact);
        error /= 1.0 + fabs((double)o);
        worst = error > worst ? error : worst;
    }
    if (!(worst < 1e-7))
        fail_msg("the gate is off by %g", worst);
    fovea_context *ctx = make_context(1, FOVEA_CPU_ALL);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (cpu & FOVEA_CPU_AVX2) {
        assert_ptr_not_equal(fovi_gate_get(FOVEA_CPU_AVX2), fovi_gate_get(0));
        check_gate(fovi_gate_get(FOVEA_CPU_AVX2));
    }
    if (cpu & FOVEA_CPU_AVX512) {
        assert_ptr_not_equal(fovi_gate_get(cpu), fovi_gate_get(FOVEA_CPU_AVX2));
        check_gate(fovi_gate_get(cpu));
    }
}

/* ---- the executor ---- */

/* A graph with random weights. */
struct network {
    struct fovi_graph graph;
    float *weights;
};

static void network_init(fovea_context *ctx, struct network *n, const char *text)
{
    struct fovi_rng rng = { 11 };
    assert_int_equal(fovi_graph_parse(ctx, text, &n->graph), FOVEA_OK);
    n->weights = calloc((size_t)fovi_graph_parameters(&n->graph), sizeof(float));
    fill(n->weights, (size_t)fovi_graph_parameters(&n->graph), &rng);
    float *p = n->weights;
    for (int l = 0; l < n->graph.n_layers; l++) {
        struct fovi_layer *layer = &n->graph.layer[l];
        if (layer->kind != FOVI_LAYER_CONV)
            continue;
        layer->weight = p;
        p += layer->k * layer->k * layer->c_in * layer->c_out;
        layer->bias = p;
        p += layer->c_out;
        layer->slope = p;
        p += layer->has_prelu ? layer->c_out : 0;
    }
}

/* Planes of a layer's input, zeros outside. */
struct planes {
    const float *data;
    int width, height;
};

static float pixel(const struct planes *p, int channel, int x, int y)
{
    return x < 0 || y < 0 || x >= p->width || y >= p->height
               ? 0.0f
               : p->data[((ptrdiff_t)channel * p->height + y) * p->width + x];
}

static float row_output(const struct fovi_layer *l, const struct planes *src, int o, int x, int y)
{
    float sum = l->bias[o];
    for (int ky = 0; ky < l->k; ky++)
        for (int i = 0; i < l->c_in; i++)
            for (int kx = 0; kx < l->k; kx++)
                sum = fmaf(l->weight[((o * l->c_in + i) * l->k + ky) * l->k + kx],
                           pixel(src, i, x + kx - l->k / 2, y + ky - l->k / 2), sum);
    return sum;
}

/* Sum m of the six whose combinations are the four outputs of the group that starts at row y. */
static float quad_sum(const struct fovi_layer *l, const struct planes *src, int o, int x, int y, int m, float sum)
{
    for (int i = 0; i < l->c_in; i++) {
        for (int kx = 0; kx < 3; kx++) {
            const float *g = &l->weight[(o * l->c_in + i) * 9 + kx];
            double g0 = (double)g[0], g1 = (double)g[3], g2 = (double)g[6];
            float d[6];
            for (int r = 0; r < 6; r++)
                d[r] = pixel(src, i, x + kx - 1, y - 1 + r);
            float a = fmaf(-4.0f, d[2], d[4]), b = fmaf(-4.0f, d[1], d[3]), c = d[4] - d[2], e = d[3] - d[1];
            const float t[6] = {
                fmaf(4.0f, d[0], fmaf(-5.0f, d[2], d[4])), a + b, a - b, fmaf(2.0f, e, c), fmaf(-2.0f, e, c),
                fmaf(4.0f, d[1], fmaf(-5.0f, d[3], d[5]))
            };
            const double u[6] = { g0 / 4.0,
                                  -(g0 + g1 + g2) / 6.0,
                                  -(g0 - g1 + g2) / 6.0,
                                  (g0 + 2.0 * g1 + 4.0 * g2) / 24.0,
                                  (g0 - 2.0 * g1 + 4.0 * g2) / 24.0,
                                  g2 };
            sum = fmaf((float)u[m], t[m], sum);
        }
    }
    return sum;
}

/* The output at (x, y) of a layer whose groups of four rows start at reach modulo 4. */
static float quad_output(const struct fovi_layer *l, const struct planes *src, int o, int x, int y, int reach)
{
    int i = ((y - reach) % 4 + 4) % 4;
    float m[5];
    for (int k = 1; k < 5; k++)
        m[k] = quad_sum(l, src, o, x, y - i, k, 0.0f);
    float p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
    switch (i) {
    case 0: return quad_sum(l, src, o, x, y, 0, p + r + l->bias[o]);
    case 1: return fmaf(2.0f, s, q) + l->bias[o];
    case 2: return fmaf(4.0f, r, p) + l->bias[o];
    default: return quad_sum(l, src, o, x, y - 3, 5, fmaf(8.0f, s, q) + l->bias[o]);
    }
}

static float layer_output(const struct fovi_layer *l, const struct planes *src, const float *other, int o, int x, int y,
                          int reach)
{
    const float *at = other + ((ptrdiff_t)o * src->height + y) * src->width + x;
    float v = l->kind == FOVI_LAYER_CONV ? 0.0f : pixel(src, o, x, y), gated;
    if (l->kind == FOVI_LAYER_ADD)
        return v + *at;
    if (l->kind == FOVI_LAYER_GATE) {
        fovi_gate_f32_c(&v, at, &gated, 1);
        return gated;
    }
    v = fovi_conv_is_quad(l->k, l->c_in, l->c_out) ? quad_output(l, src, o, x, y, reach) : row_output(l, src, o, x, y);
    return l->has_prelu && !(v > 0.0f) ? v * l->slope[o] : v;
}

/* The input of the layers: blocks of u x u pixels as channels, the picture's last row and column repeated. */
static float *direct_input(const float *luma, int u, int width, int height, int grid_width, int grid_height)
{
    float *input = calloc((size_t)(grid_width * grid_height * u * u), sizeof *input), *to = input;
    for (int c = 0; c < u * u; c++) {
        for (int p = 0; p < grid_width * grid_height; p++) {
            int x = p % grid_width * u + c % u, y = p / grid_width * u + c / u;
            *to++ = luma[(y < height ? y : height - 1) * width + (x < width ? x : width - 1)] * (1.0f / 255.0f);
        }
    }
    return input;
}

/* One layer over the whole picture; planes: those of the layers before. */
static float *direct_layer(const struct fovi_graph *g, int l, float *const *planes, const float *input, int w, int h,
                           int reach)
{
    const struct fovi_layer *layer = &g->layer[l];
    struct planes src = { l ? planes[l - 1] : input, w, h };
    float *out = calloc((size_t)(w * h * layer->c_out), sizeof *out), *to = out;
    for (int i = 0; i < layer->n_parts; i++) {
        size_t n = (size_t)(w * h * g->layer[layer->part[i]].c_out);
        memcpy(to, planes[layer->part[i]], n * sizeof *to);
        to += n;
    }
    for (int o = 0; o < layer->c_out && !layer->n_parts; o++)
        for (int p = 0; p < w * h; p++)
            out[(ptrdiff_t)o * w * h + p] = layer_output(layer, &src, l ? planes[layer->from] : input, o, p % w, p / w,
                                                         reach);
    return out;
}

/* The whole network layer by layer over zero-padded planes, from the definition. */
static void direct(const struct network *n, const float *luma, int width, int height, float *out)
{
    const struct fovi_graph *g = &n->graph;
    int u = g->unshuffle, w = (width + u - 1) / u, h = (height + u - 1) / u, s = g->scale, f = s * u;
    float *planes[16] = { 0 }, *input = direct_input(luma, u, width, height, w, h);
    int reach = fovi_graph_radius(g) / u;
    for (int l = 0; l < g->n_layers; l++) {
        reach -= fovi_graph_own_radius(&g->layer[l]);
        planes[l] = direct_layer(g, l, planes, input, w, h, reach);
    }
    for (int y = 0; y < height * s; y++)
        for (int x = 0; x < width * s; x++)
            out[y * width * s + x] = planes[g->n_layers - 1][((y % f * f + x % f) * h + y / f) * w + x / f] * 255.0f;
    for (int l = 0; l < g->n_layers; l++)
        free(planes[l]);
    free(input);
}

/* Run the executor in strips; out is width * scale floats a row. */
static double execute(fovea_context *ctx, const struct network *n, enum fovi_exec_format format, const float *luma,
                      int width, int height, int strip, const uint8_t *tiles, float *out)
{
    struct fovi_exec *exec;
    struct fovi_window window;
    int radius = fovi_graph_radius(&n->graph), s = n->graph.scale;
    assert_int_equal(fovi_exec_create(ctx, &n->graph, format, width, height, &exec), FOVEA_OK);
    assert_int_equal(fovi_window_init(ctx, &window, width, height, 1, strip + radius), FOVEA_OK);
    double px = 0.0;
    for (int run = 0; run < 2; run++) { /* twice: nothing may stay from the first */
        fovi_window_reset(&window);
        fovi_exec_begin(exec, tiles, 2);
        for (int y = 0; y < height; y += strip) {
            int y1 = y + strip < height ? y + strip : height;
            while (window.y1 < height && window.y1 < y1 + radius) {
                memcpy(fovi_window_row(&window, 0, window.y1), luma + window.y1 * width, (size_t)width * sizeof *luma);
                fovi_window_push(&window, 1);
            }
            fovi_exec_rows(exec, &window, y, y1, out + (ptrdiff_t)y * s * width * s, width * s);
        }
        px = fovi_exec_px(exec);
    }
    fovi_window_free(ctx, &window);
    fovi_exec_free(&exec);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    return px;
}

/* A layer's output in bfloat16 with zeros around it. */
struct bf16_plane {
    uint16_t *data;
    int channels;
    ptrdiff_t row; /* numbers of a row */
};

#define MOST_CHANNELS 48
#define BF16_BORDER 8 /* rows above and below; columns to the left */

static uint16_t *bf16_row(const struct bf16_plane *p, int y)
{
    return p->data + (y + BF16_BORDER) * p->row + BF16_BORDER * p->channels;
}

static struct bf16_plane bf16_plane(int channels, int width, int height)
{
    struct bf16_plane p = { NULL, channels, (ptrdiff_t)(width + BF16_BORDER + FOVI_BF16_OVERREAD) * channels };
    p.data = calloc((size_t)(p.row * (height + 2 * BF16_BORDER)) + 64, sizeof *p.data);
    return p;
}

/* One layer over the whole picture by the reference's kernels. */
static void direct_bf16_conv(const struct fovi_layer *layer, int is_first, int scale, const struct bf16_plane *from,
                             const struct bf16_plane *to, int width, int height, float *out)
{
    struct fovi_bf16_weights w;
    float lanes[2 * 4 * MOST_CHANNELS];
    fovi_bf16_init(&w, layer->k, layer->c_in, layer->c_out, is_first, scale);
    uint16_t *packed = calloc(fovi_bf16_packed_size(&w), sizeof *packed);
    uint16_t *spare = calloc((size_t)to->row, sizeof *spare), *dst[4];
    fovi_bf16_pack(&w, is_first, layer->weight, layer->bias, layer->has_prelu ? layer->slope : NULL, packed, lanes,
                   lanes + 4 * MOST_CHANNELS);
    for (int y = 0; y < height; y += 4) {
        const uint16_t *rows[8];
        float *last[16];
        for (int i = 0; i < w.k + 3; i++)
            rows[i] = bf16_row(from, y + i - w.k / 2);
        for (int i = 0; i < 4; i++)
            dst[i] = y + i < height ? bf16_row(to, y + i) : spare;
        for (int i = 0; i < 4 * scale; i++)
            last[i] = out + (ptrdiff_t)(y * scale + i) * width * scale;
        if (scale)
            fovi_bf16_dsp_c.last(&w, rows, last, height - y < 4 ? height - y : 4, 0, width, NULL);
        else
            fovi_bf16_dsp_c.conv(&w, rows, dst, 0, width, NULL);
    }
    free(spare);
    free(packed);
}

/* A row of layer l that is no convolution; plane[l]: its input. */
static void direct_bf16_row(const struct fovi_layer *layer, const struct bf16_plane *plane, int l, int y, int width)
{
    const uint16_t *in = bf16_row(&plane[l], y), *other = bf16_row(&plane[layer->from + 1], y);
    uint16_t *out = bf16_row(&plane[l + 1], y);
    if (layer->kind == FOVI_LAYER_ADD)
        fovi_bf16_dsp_c.add(in, other, out, (ptrdiff_t)width * layer->c_out);
    if (layer->kind == FOVI_LAYER_GATE)
        fovi_bf16_dsp_c.gate(in, other, out, (ptrdiff_t)width * layer->c_out);
    for (int k = 0; k < layer->n_parts; k++) {
        const struct bf16_plane *part = &plane[layer->part[k] + 1];
        fovi_bf16_dsp_c.place(bf16_row(part, y), part->channels, out, layer->c_out, width);
        out += part->channels;
    }
}

/* The whole network in bfloat16, layer by layer. */
static void direct_bf16(const struct network *n, const float *luma, int width, int height, float *out)
{
    const struct fovi_graph *g = &n->graph;
    int u = g->unshuffle, in_width = width, in_height = height, s = g->scale;
    width = (width + u - 1) / u;
    height = (height + u - 1) / u;
    struct bf16_plane plane[16] = { bf16_plane(FOVI_BF16_SPLIT * u * u, width, height) };
    float *blocks = direct_input(luma, u, in_width, in_height, width, height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < u * u; c++)
                fovi_bf16_dsp_c.split(blocks + (c * height + y) * width + x, 1.0f,
                                      bf16_row(plane, y) + (x * u * u + c) * FOVI_BF16_SPLIT, 0, 1);
    float *whole = malloc((size_t)(width * height * s * s * u * u) * sizeof *whole);
    for (int l = 0; l < g->n_layers; l++) {
        const struct fovi_layer *layer = &g->layer[l];
        plane[l + 1] = bf16_plane(layer->c_out, width, height);
        if (layer->kind != FOVI_LAYER_CONV)
            for (int y = 0; y < height; y++)
                direct_bf16_row(layer, plane, l, y, width);
        else
            direct_bf16_conv(layer, l == 0, l == g->n_layers - 1 ? s * u : 0, &plane[l], &plane[l + 1], width, height,
                             whole);
    }
    for (int y = 0; y < in_height * s; y++)
        memcpy(out + y * in_width * s, whole + y * width * s * u, (size_t)(in_width * s) * sizeof *out);
    free(whole);
    free(blocks);
    for (int l = 0; l <= g->n_layers; l++)
        free(plane[l].data);
}

static void direct_in(enum fovi_exec_format format, const struct network *n, const float *luma, int width, int height,
                      float *out)
{
    if (format == FOVI_EXEC_BF16)
        direct_bf16(n, luma, width, height, out);
    else
        direct(n, luma, width, height, out);
}

static float *random_luma(int width, int height)
{
    struct fovi_rng rng = { 5 };
    float *luma = calloc((size_t)(width * height), sizeof *luma);
    for (int i = 0; i < width * height; i++)
        luma[i] = (float)(255.0 * fovi_rng_uniform(&rng));
    return luma;
}

static void check_frames(const char *text, enum fovi_exec_format format, uint32_t mask)
{
    static const int sizes[][2] = { { 1, 1 }, { 2, 7 }, { 7, 2 }, { 17, 33 }, { 63, 20 }, { 70, 67 }, { 257, 21 } };
    static const int strips[] = { 16, 32, 48, 1024 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1];
        float *luma = random_luma(width, height), *expected = NULL;
        for (int threads = 1; threads <= 3; threads++) {
            fovea_context *ctx = make_context(threads, mask);
            struct network n;
            network_init(ctx, &n, text);
            size_t size = (size_t)(width * height * n.graph.scale * n.graph.scale) * sizeof(float);
            float *got = malloc(size);
            if (!expected) {
                expected = malloc(size);
                direct_in(format, &n, luma, width, height, expected);
            }
            for (size_t s = 0; s < sizeof strips / sizeof *strips; s++) {
                memset(got, 0xff, size);
                int strip = strips[s];
                double px = execute(ctx, &n, format, luma, width, height, strip, NULL, got);
                if (memcmp(expected, got, size) != 0)
                    fail_msg("%s, format %d, %dx%d, %d threads, strips of %d", text, (int)format, width, height,
                             threads, strip);
                assert_true(px >= width * height);
            }
            free(got);
            free(n.weights);
            fovea_context_free(&ctx);
        }
        free(expected);
        free(luma);
    }
}

static void frames_equal_direct(void **state)
{
    (void)state;
    static const enum fovi_exec_format formats[] = { FOVI_EXEC_F32, FOVI_EXEC_BF16 };
    static const uint32_t masks[] = { 0, FOVEA_CPU_AVX2, FOVEA_CPU_ALL };
    for (int i = 0; i < 3; i++) {
        check_frames(blocks_text, FOVI_EXEC_F32, masks[i]);
        check_frames(gates_text, FOVI_EXEC_F32, masks[i]);
        check_frames(mixed_text, FOVI_EXEC_F32, masks[i]);
    }
    for (int i = 0; i < 2; i++) {
        check_frames(gates_text, formats[i], FOVEA_CPU_ALL);
        check_frames(residual_text, formats[i], FOVEA_CPU_ALL);
        check_frames(blocks_text, formats[i], 0);
        check_frames(blocks_text, formats[i], FOVEA_CPU_ALL);
        check_frames(tiny_text, formats[i], 0);
        check_frames(skip_text, formats[i], 0);
        check_frames(tiny_text, formats[i], FOVEA_CPU_ALL);
        check_frames(skip_text, formats[i], FOVEA_CPU_ALL);
    }
}

/* Wanted tiles hold the same bytes as in the full frame; the others are not touched. */
static void check_tiles(fovea_context *ctx, const struct network *n, enum fovi_exec_format format, const float *luma,
                        int width, int height, const uint8_t *tiles, const float *full)
{
    int s = n->graph.scale, n_tiles_x = (width + 15) / 16;
    size_t count = (size_t)(width * height * s * s);
    float *got = malloc(count * sizeof *got);
    for (size_t i = 0; i < count; i++)
        got[i] = GUARD;
    double px = execute(ctx, n, format, luma, width, height, 16, tiles, got);
    int wanted_px = 0;
    for (int y = 0; y < height * s; y++) {
        for (int x = 0; x < width * s; x++) {
            int is_wanted = tiles[y / s / 16 * n_tiles_x + x / s / 16] == 2;
            float expected = is_wanted ? full[y * width * s + x] : GUARD;
            wanted_px += is_wanted;
            if (memcmp(&expected, &got[y * width * s + x], sizeof expected) != 0)
                fail_msg("pixel (%d, %d), wanted %d", x, y, is_wanted);
        }
    }
    assert_true(px * s * s >= wanted_px);
    free(got);
}

static void tiles_equal_full_frame(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum fovi_exec_format format;
    } cases[] = { { tiny_text, FOVI_EXEC_F32 },     { skip_text, FOVI_EXEC_F32 },     { tiny_text, FOVI_EXEC_BF16 },
                  { skip_text, FOVI_EXEC_BF16 },    { blocks_text, FOVI_EXEC_F32 },   { blocks_text, FOVI_EXEC_BF16 },
                  { gates_text, FOVI_EXEC_F32 },    { mixed_text, FOVI_EXEC_F32 },    { gates_text, FOVI_EXEC_BF16 },
                  { residual_text, FOVI_EXEC_F32 }, { residual_text, FOVI_EXEC_BF16 } };
    struct fovi_rng rng = { 21 };
    int width = 150, height = 77, n_tiles = 10 * 5;
    float *luma = random_luma(width, height), *full = malloc((size_t)(width * height * 9) * sizeof *full);
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
        enum fovi_exec_format format = cases[t].format;
        for (int threads = 1; threads <= 3; threads++) {
            fovea_context *ctx = make_context(threads, FOVEA_CPU_ALL);
            struct network n;
            network_init(ctx, &n, cases[t].text);
            if (threads == 1)
                direct_in(format, &n, luma, width, height, full);
            for (int round = 0; round < 12; round++) {
                uint8_t tiles[50];
                for (int i = 0; i < n_tiles; i++)
                    tiles[i] = fovi_rng_below(&rng, 12) < (uint32_t)round ? 2 : 1;
                check_tiles(ctx, &n, format, luma, width, height, tiles, full);
            }
            free(n.weights);
            fovea_context_free(&ctx);
        }
    }
    free(full);
    free(luma);
}

static void check_failed_allocations(enum fovi_exec_format format)
{
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct network n;
    struct fovi_exec *exec = NULL;
    network_init(ctx, &n, tiny_text);
    int code = FOVEA_E_NOMEM, tries = 0;
    for (long k = 1; code; k++, tries++) {
        fovi_alloc_fail_nth(ctx, k);
        code = fovi_exec_create(ctx, &n.graph, format, 200, 50, &exec);
        fovi_alloc_fail_nth(ctx, 0);
        if (code) {
            assert_int_equal(code, FOVEA_E_NOMEM);
            assert_null(exec);
            assert_int_equal(fovi_alloc_held(ctx), 0);
        }
    }
    assert_true(tries >= 4);
    fovi_exec_free(&exec);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    free(n.weights);
    fovea_context_free(&ctx);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    check_failed_allocations(FOVI_EXEC_F32);
    check_failed_allocations(FOVI_EXEC_BF16);
}

static void bf16_needs_even_channels(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int has_bf16;
    } cases[] = { { tiny_text, 1 },
                  { skip_text, 1 },
                  { blocks_text, 1 },
                  { gates_text, 1 },
                  { residual_text, 1 },
                  { mixed_text, 0 },
                  { "conv3x3 1 7; conv3x3 7 4; shuffle 2; add base", 0 },
                  { "conv3x3 1 4; shuffle 2; add base", 0 },
                  { "conv3x3 1 4; conv3x3 4 4; add 0; shuffle 2; add base", 0 } };
    fovea_context *ctx = make_context(1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovi_graph g;
        assert_int_equal(fovi_graph_parse(ctx, cases[i].text, &g), FOVEA_OK);
        assert_int_equal(fovi_exec_has_bf16(&g), cases[i].has_bf16);
    }
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read),
        cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(avx2_equals_reference),
        cmocka_unit_test(avx512_equals_reference),
        cmocka_unit_test(neon_equals_reference),
        cmocka_unit_test(neon_gate_equals_reference),
        cmocka_unit_test(gates_are_exact_and_alike),
        cmocka_unit_test(frames_equal_direct),
        cmocka_unit_test(tiles_equal_full_frame),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test(bf16_needs_even_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
