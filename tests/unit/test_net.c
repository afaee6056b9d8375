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
#include "net/conv.h"
#include "net/exec.h"

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
    check_kernel(fovi_conv_row_get(cpu));
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
    check_kernel(fovi_conv_row_get(cpu));
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

/* The whole network layer by layer over zero-padded planes, from the definition. */
static void direct(const struct network *n, const float *luma, int width, int height, float *out)
{
    const struct fovi_graph *g = &n->graph;
    float *planes[8] = { 0 }, *input = calloc((size_t)(width * height), sizeof *input);
    for (int i = 0; i < width * height; i++)
        input[i] = luma[i] * (1.0f / 255.0f);
    for (int l = 0; l < g->n_layers; l++) {
        const struct fovi_layer *y = &g->layer[l];
        const float *src = l ? planes[l - 1] : input;
        planes[l] = calloc((size_t)(width * height * y->c_out), sizeof *input);
        for (int o = 0; o < y->c_out; o++) {
            for (int p = 0; p < width * height; p++) {
                ptrdiff_t at = (ptrdiff_t)o * width * height + p;
                if (y->kind == FOVI_LAYER_ADD) {
                    planes[l][at] = src[at] + planes[y->from][at];
                    continue;
                }
                float sum = y->bias[o];
                for (int ky = 0; ky < y->k; ky++) {
                    for (int i = 0; i < y->c_in; i++) {
                        for (int kx = 0; kx < y->k; kx++) {
                            int sx = p % width + kx - y->k / 2, sy = p / width + ky - y->k / 2;
                            float v = sx < 0 || sy < 0 || sx >= width || sy >= height
                                          ? 0.0f
                                          : src[((ptrdiff_t)i * height + sy) * width + sx];
                            sum = fmaf(y->weight[((o * y->c_in + i) * y->k + ky) * y->k + kx], v, sum);
                        }
                    }
                }
                planes[l][at] = y->has_prelu && !(sum > 0.0f) ? sum * y->slope[o] : sum;
            }
        }
    }
    int s = g->scale;
    for (int y = 0; y < height * s; y++)
        for (int x = 0; x < width * s; x++)
            out[y * width * s + x] = planes[g->n_layers - 1][((y % s * s + x % s) * height + y / s) * width + x / s] *
                                     255.0f;
    for (int l = 0; l < g->n_layers; l++)
        free(planes[l]);
    free(input);
}

/* Run the executor in strips; out is width * scale floats a row. */
static double execute(fovea_context *ctx, const struct network *n, const float *luma, int width, int height, int strip,
                      const uint8_t *tiles, float *out)
{
    struct fovi_exec *exec;
    struct fovi_window window;
    int radius = fovi_graph_radius(&n->graph), s = n->graph.scale;
    assert_int_equal(fovi_exec_create(ctx, &n->graph, width, height, &exec), FOVEA_OK);
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

static float *random_luma(int width, int height)
{
    struct fovi_rng rng = { 5 };
    float *luma = calloc((size_t)(width * height), sizeof *luma);
    for (int i = 0; i < width * height; i++)
        luma[i] = (float)(255.0 * fovi_rng_uniform(&rng));
    return luma;
}

static void check_frames(const char *text, uint32_t mask)
{
    static const int sizes[][2] = { { 1, 1 }, { 2, 7 }, { 7, 2 }, { 17, 33 }, { 63, 20 }, { 70, 19 }, { 257, 21 } };
    static const int strips[] = { 1, 5, 16, 1000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1];
        float *luma = random_luma(width, height);
        for (int threads = 1; threads <= 3; threads++) {
            fovea_context *ctx = make_context(threads, mask);
            struct network n;
            network_init(ctx, &n, text);
            size_t size = (size_t)(width * height * n.graph.scale * n.graph.scale) * sizeof(float);
            float *expected = malloc(size), *got = malloc(size);
            direct(&n, luma, width, height, expected);
            for (size_t s = 0; s < sizeof strips / sizeof *strips; s++) {
                memset(got, 0xff, size);
                double px = execute(ctx, &n, luma, width, height, strips[s], NULL, got);
                if (memcmp(expected, got, size) != 0)
                    fail_msg("%dx%d, %d threads, strips of %d", width, height, threads, strips[s]);
                assert_true(px >= width * height);
            }
            free(expected);
            free(got);
            free(n.weights);
            fovea_context_free(&ctx);
        }
        free(luma);
    }
}

static void frames_equal_direct(void **state)
{
    (void)state;
    check_frames(tiny_text, 0);
    check_frames(skip_text, 0);
    check_frames(tiny_text, FOVEA_CPU_ALL);
    check_frames(skip_text, FOVEA_CPU_ALL);
}

/* Wanted tiles hold the same bytes as in the full frame; the others are not touched. */
static void check_tiles(fovea_context *ctx, const struct network *n, const float *luma, int width, int height,
                        const uint8_t *tiles, const float *full)
{
    int s = n->graph.scale, n_tiles_x = (width + 15) / 16;
    size_t count = (size_t)(width * height * s * s);
    float *got = malloc(count * sizeof *got);
    for (size_t i = 0; i < count; i++)
        got[i] = GUARD;
    double px = execute(ctx, n, luma, width, height, 9, tiles, got);
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
    static const char *const texts[] = { tiny_text, skip_text };
    struct fovi_rng rng = { 21 };
    int width = 150, height = 77, n_tiles = 10 * 5;
    float *luma = random_luma(width, height), *full = malloc((size_t)(width * height * 9) * sizeof *full);
    for (int t = 0; t < 2; t++) {
        for (int threads = 1; threads <= 3; threads++) {
            fovea_context *ctx = make_context(threads, FOVEA_CPU_ALL);
            struct network n;
            network_init(ctx, &n, texts[t]);
            direct(&n, luma, width, height, full);
            for (int round = 0; round < 12; round++) {
                uint8_t tiles[50];
                for (int i = 0; i < n_tiles; i++)
                    tiles[i] = fovi_rng_below(&rng, 12) < (uint32_t)round ? 2 : 1;
                check_tiles(ctx, &n, luma, width, height, tiles, full);
            }
            free(n.weights);
            fovea_context_free(&ctx);
        }
    }
    free(full);
    free(luma);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct network n;
    struct fovi_exec *exec = NULL;
    network_init(ctx, &n, tiny_text);
    int code = FOVEA_E_NOMEM, tries = 0;
    for (long k = 1; code; k++, tries++) {
        fovi_alloc_fail_nth(ctx, k);
        code = fovi_exec_create(ctx, &n.graph, 200, 50, &exec);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read),
        cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(avx2_equals_reference),
        cmocka_unit_test(avx512_equals_reference),
        cmocka_unit_test(frames_equal_direct),
        cmocka_unit_test(tiles_equal_full_frame),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
