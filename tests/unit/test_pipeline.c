/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pipeline: the same bytes for any threads, strips and instruction sets; routing, the gate, consistency, errors of
 * source and sink, cancelling, memory.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/context.h"
#include "base/rng.h"
#include "fovea/fovea.h"
#include "model/container.h"
#include "pipeline/chain.h"

static fovea_context *make_context(int n_threads, uint32_t mask)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    params.cpu_mask = mask;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

/* A drawn picture: a soft gradient above, stripes, discs and noise below, so that routing has something to choose. */
static double draw(int x, int y, int c, int height, struct fovi_rng *rng)
{
    double v = 0.3 + 0.4 * sin(x * 0.011 + c) * cos(y * 0.013);
    if (y > height / 2) {
        v = 0.5 + 0.3 * sin(x * 0.7 + y * 0.31 * (c + 1)) + 0.2 * fovi_rng_uniform(rng);
        v = (x / 9 + y / 7) % 2 ? v : 1.0 - v;
    }
    return v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v;
}

static struct fovea_image make_image(int width, int height, enum fovea_sample sample, int n_channels, int has_alpha)
{
    struct fovea_image image = { width, height, { sample, n_channels, has_alpha }, NULL, 0 };
    struct fovi_rng rng = { 99 };
    size_t pixel = fovea_pixel_bytes(&image.format);
    image.stride_bytes = (ptrdiff_t)((size_t)width * pixel);
    image.data = malloc((size_t)height * (size_t)width * pixel);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < n_channels; c++) {
                double v = has_alpha && c == n_channels - 1 ? (x * 3 > width ? 1.0 : x % 5 / 4.0)
                                                            : draw(x, y, c, height, &rng);
                size_t at = ((size_t)y * (size_t)width + (size_t)x) * (size_t)n_channels + (size_t)c;
                if (sample == FOVEA_SAMPLE_U8)
                    ((uint8_t *)image.data)[at] = (uint8_t)(v * 255.0);
                else if (sample == FOVEA_SAMPLE_U16)
                    ((uint16_t *)image.data)[at] = (uint16_t)(v * 65535.0);
                else
                    ((float *)image.data)[at] = (float)(v * 1.5 - 0.25);
            }
        }
    }
    return image;
}

static size_t image_bytes(const struct fovea_image *image)
{
    return (size_t)image->height * (size_t)image->stride_bytes;
}

/* Enlarge into a new picture. */
static int enlarge(fovea_context *ctx, const struct fovea_image *in, const struct fovea_upscale_params *params,
                   struct fovea_image *out, struct fovea_report *report)
{
    *out = *in;
    int code = fovea_output_size(ctx, in->width, in->height, params, &out->width, &out->height);
    assert_int_equal(code, FOVEA_OK);
    out->stride_bytes = (ptrdiff_t)((size_t)out->width * fovea_pixel_bytes(&in->format));
    out->data = calloc((size_t)out->height, (size_t)out->stride_bytes);
    return fovea_upscale(ctx, in, out, params, report);
}

static const struct fovea_upscale_params defaults = FOVEA_UPSCALE_DEFAULTS;

/* ---- chains and sizes ---- */

static void chains_reach_their_ratio(void **state)
{
    (void)state;
    for (double ratio = 1.01; ratio <= 16.0; ratio += 0.13) {
        int chain[FOVI_CHAIN_MAX], product = 1, n = fovi_chain_choose(ratio, 0, chain);
        assert_in_range(n, 1, 2);
        for (int i = 0; i < n; i++)
            product *= chain[i];
        assert_true(product >= ratio);
        n = fovi_chain_choose(ratio, 2, chain);
        assert_in_range(n, 1, 4);
    }
    int chain[FOVI_CHAIN_MAX];
    assert_int_equal(fovi_chain_choose(1.0, 0, chain), 0);
    assert_int_equal(fovi_chain_choose(2.0, 0, chain), 1);
    assert_int_equal(chain[0], 2);
    assert_int_equal(fovi_chain_choose(5.0, 0, chain), 2);
    assert_int_equal(chain[0] * chain[1], 6);
}

static void sizes_follow_the_rule(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    struct fovea_upscale_params p = defaults;
    int w, h;
    p.scale = 1.37;
    assert_int_equal(fovea_output_size(ctx, 101, 53, &p, &w, &h), FOVEA_OK);
    assert_int_equal(w, 138);
    assert_int_equal(h, 73);
    p.scale = 1.0 / 64.0;
    assert_int_equal(fovea_output_size(ctx, 10, 10, &p, &w, &h), FOVEA_OK);
    assert_int_equal(w * h, 1);
    p.width = 1001;
    assert_int_equal(fovea_output_size(ctx, 500, 250, &p, &w, &h), FOVEA_OK);
    assert_int_equal(w, 1001);
    assert_int_equal(h, 501);
    static const double wrong[] = { 0.0, -1.0, 17.0, 1e9, 0.001, NAN, INFINITY };
    p = defaults;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        p.scale = wrong[i];
        assert_int_equal(fovea_output_size(ctx, 10, 10, &p, &w, &h), FOVEA_E_ARG);
    }
    fovea_context_free(&ctx);
}

/* ---- wide pictures ---- */

/* Wide pictures go in lower strips and smaller pieces: what they hold far from the right edge is what their left part
 * alone gives. */
static void wide_pictures_have_the_same_bytes(void **state)
{
    (void)state;
    enum { WIDE = 8400, NARROW = 400, SAFE = 300, HEIGHT = 90 };
    static const double scales[] = { 2.0, 2.3 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image wide = make_image(WIDE, HEIGHT, FOVEA_SAMPLE_U8, 1, 0), narrow = wide, a, b;
    narrow.width = NARROW;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct fovea_upscale_params p = defaults;
        p.method = FOVEA_METHOD_NETWORK;
        p.network = "tiny";
        p.width = (int)(WIDE * scales[i] + .5); /* exact ratios, so that both have the same phases */
        p.height = (int)(HEIGHT * scales[i] + .5);
        assert_int_equal(enlarge(ctx, &wide, &p, &a, NULL), FOVEA_OK);
        p.width = (int)(NARROW * scales[i] + .5);
        assert_int_equal(enlarge(ctx, &narrow, &p, &b, NULL), FOVEA_OK);
        for (int y = 0; y < b.height; y++)
            assert_memory_equal((char *)a.data + y * a.stride_bytes, (char *)b.data + y * b.stride_bytes,
                                (size_t)(SAFE * scales[i]));
        free(a.data);
        free(b.data);
    }
    free(wide.data);
    fovea_context_free(&ctx);
}

/* What 400 megapixels of colour take: the plan's windows, the tiles' paths and figures, the networks' rings. */
static void wide_pictures_take_little_memory(void **state)
{
    (void)state;
    static const enum fovea_precision precisions[] = { FOVEA_PRECISION_F32, FOVEA_PRECISION_BF16 };
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    for (int i = 0; i < 2; i++) {
        fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
        fovea_plan *plan;
        struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
        params.precision = precisions[i];
        assert_int_equal(fovea_plan_build(&plan, ctx, 20000, 20000, &rgb, &params), FOVEA_OK);
        assert_in_range(fovea_context_peak_bytes(ctx), 50000000, i ? 240000000 : 280000000);
        fovea_plan_free(&plan);
        fovea_context_free(&ctx);
    }
}

/* ---- the same bytes ---- */

struct variant {
    int n_threads, strip;
    uint32_t mask;
};

/* with_reference: also by plain C, which is slow. */
static void check_invariance(const struct fovea_image *in, const struct fovea_upscale_params *params,
                             int with_reference, const char *what)
{
    static const struct variant variants[] = { { 1, 0, FOVEA_CPU_ALL },
                                               { 2, 1, FOVEA_CPU_ALL },
                                               { 3, 17, FOVEA_CPU_AVX2 },
                                               { 2, 4096, FOVEA_CPU_ALL },
                                               { 2, 48, 0 } };
    struct fovea_image first = { 0 };
    size_t n = sizeof variants / sizeof *variants - (with_reference ? 0 : 1);
    for (size_t i = 0; i < n; i++) {
        fovea_context *ctx = make_context(variants[i].n_threads, variants[i].mask);
        struct fovea_upscale_params p = *params;
        struct fovea_image out;
        struct fovea_report report;
        p.strip_rows = variants[i].strip;
        int code = enlarge(ctx, in, &p, &out, &report);
        if (code)
            fail_msg("%s: %s", what, fovea_last_error(ctx));
        if (i == 0)
            first = out;
        else if (memcmp(first.data, out.data, image_bytes(&out)) != 0)
            fail_msg("%s: %d threads, strips of %d, mask %x give other bytes", what, variants[i].n_threads,
                     variants[i].strip, variants[i].mask);
        if (i)
            free(out.data);
        fovea_context_free(&ctx);
    }
    free(first.data);
}

static void bytes_do_not_depend_on_the_machine(void **state)
{
    (void)state;
    static const struct {
        int width, height, n_channels, has_alpha;
        enum fovea_sample sample;
    } pictures[] = { { 131, 75, 3, 0, FOVEA_SAMPLE_U8 },
                     { 37, 61, 1, 0, FOVEA_SAMPLE_U16 },
                     { 50, 70, 4, 1, FOVEA_SAMPLE_U8 },
                     { 33, 17, 2, 0, FOVEA_SAMPLE_F32 },
                     { 1, 1, 3, 0, FOVEA_SAMPLE_U8 } };
    static const double scales[] = { 2.0, 3.0, 4.0, 1.37, 5.0, 0.6 };
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        struct fovea_image in = make_image(pictures[i].width, pictures[i].height, pictures[i].sample,
                                           pictures[i].n_channels, pictures[i].has_alpha);
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            static const enum fovea_method methods[] = { FOVEA_METHOD_CLASSIC, FOVEA_METHOD_FILTER,
                                                         FOVEA_METHOD_NETWORK, FOVEA_METHOD_AUTO };
            for (int m = 0; m < 4; m++) {
                struct fovea_upscale_params p = defaults;
                char what[96];
                p.scale = scales[s];
                p.method = methods[m];
                p.network = "tiny";
                p.precision = FOVEA_PRECISION_F32;
                p.max_loss_db = 0.5; /* else pictures this small are not routed */
                p.consistency = m == 0 && s % 2 ? FOVEA_CONSISTENCY_ON : FOVEA_CONSISTENCY_DEFAULT;
                snprintf(what, sizeof what, "%dx%d, %d channels, x%g, method %d", in.width, in.height,
                         in.format.n_channels, p.scale, (int)p.method);
                check_invariance(&in, &p, s == 0 || s == 3, what);
            }
        }
        free(in.data);
    }
}

/* In bfloat16, also where it is emulated. */
static void bf16_does_not_depend_on_the_machine(void **state)
{
    (void)state;
    static const double scales[] = { 2.0, 3.0, 4.0 };
    struct fovea_image in = make_image(37, 41, FOVEA_SAMPLE_U8, 3, 0);
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < 4; i++) {
            struct fovea_upscale_params p = defaults;
            char what[96];
            p.scale = scales[s];
            p.method = i % 2 ? FOVEA_METHOD_AUTO : FOVEA_METHOD_NETWORK;
            p.network = "tiny";
            p.preset = FOVEA_PRESET_FAST;
            p.precision = i / 2 ? FOVEA_PRECISION_INT8 : FOVEA_PRECISION_BF16;
            snprintf(what, sizeof what, "precision %d, x%g, method %d", (int)p.precision, p.scale, (int)p.method);
            check_invariance(&in, &p, s == 0, what);
        }
    }
    free(in.data);
}

static void precision_is_chosen_and_reported(void **state)
{
    (void)state;
    struct fovea_image in = make_image(60, 50, FOVEA_SAMPLE_U8, 3, 0), out[3];
    for (int is_all = 0; is_all < 2; is_all++) {
        fovea_context *ctx = make_context(2, is_all ? FOVEA_CPU_ALL : FOVEA_CPU_AVX2);
        int has_amx = (fovea_context_cpu(ctx) & FOVEA_CPU_AMX) != 0;
        struct fovea_report report;
        for (int precision = 0; precision < 3; precision++) {
            struct fovea_upscale_params p = defaults;
            p.method = FOVEA_METHOD_NETWORK;
            p.network = "tiny";
            p.precision = (enum fovea_precision)precision;
            assert_int_equal(enlarge(ctx, &in, &p, &out[precision], &report), FOVEA_OK);
            enum fovea_precision expected = p.precision;
            if (!precision)
                expected = has_amx ? FOVEA_PRECISION_BF16 : FOVEA_PRECISION_F32;
            assert_int_equal(report.precision, expected);
        }
        int largest = 0, n_different = 0;
        for (size_t i = 0; i < image_bytes(&out[1]); i++) {
            int d = abs((int)((uint8_t *)out[1].data)[i] - (int)((uint8_t *)out[2].data)[i]);
            largest = d > largest ? d : largest;
            n_different += d > 0;
        }
        assert_true(n_different > 0 && largest <= 4);
        assert_int_equal(memcmp(out[0].data, out[has_amx ? 2 : 1].data, image_bytes(&out[0])), 0);
        for (int i = 0; i < 3; i++)
            free(out[i].data);
        fovea_context_free(&ctx);
    }
    free(in.data);
}

static void no_loss_allowed_means_the_top_network_everywhere(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(150, 90, FOVEA_SAMPLE_U8, 3, 0), a, b;
    struct fovea_upscale_params p = defaults;
    struct fovea_report report;
    p.max_loss_db = 0.0;
    assert_int_equal(enlarge(ctx, &in, &p, &a, &report), FOVEA_OK);
    assert_int_equal(report.n_tiles[FOVEA_PATH_SMALL], 10 * 6);
    p.method = FOVEA_METHOD_NETWORK;
    p.network = "small";
    assert_int_equal(enlarge(ctx, &in, &p, &b, &report), FOVEA_OK);
    assert_memory_equal(a.data, b.data, image_bytes(&a));
    free(a.data);
    free(b.data);
    free(in.data);
    fovea_context_free(&ctx);
}

/* Where all neighbours within reach take the same path, a routed picture equals that path's picture. */
static void routed_tiles_equal_whole_pictures(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(320, 240, FOVEA_SAMPLE_U8, 3, 0), mixed, tiny, filter;
    struct fovea_upscale_params p = defaults;
    struct fovea_report report;
    struct fovea_provenance map;
    fovea_plan *plan;
    p.consistency = FOVEA_CONSISTENCY_OFF;
    p.precision = FOVEA_PRECISION_F32;
    p.method = FOVEA_METHOD_FILTER;
    assert_int_equal(enlarge(ctx, &in, &p, &filter, &report), FOVEA_OK);
    p.method = FOVEA_METHOD_NETWORK;
    p.network = "tiny";
    assert_int_equal(enlarge(ctx, &in, &p, &tiny, &report), FOVEA_OK);
    p.method = FOVEA_METHOD_AUTO;
    p.preset = FOVEA_PRESET_FAST;
    p.max_loss_db = 0.3;
    assert_int_equal(enlarge(ctx, &in, &p, &mixed, &report), FOVEA_OK);
    assert_int_equal(fovea_plan_build(&plan, ctx, 320, 240, &in.format, &p), FOVEA_OK);
    struct fovea_source source = fovea_source_from_image(&in);
    struct fovea_sink sink = fovea_sink_to_image(&mixed);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, &report), FOVEA_OK);
    fovea_plan_provenance(plan, &map);
    assert_true(report.n_tiles[FOVEA_PATH_TINY] > 0 && report.n_tiles[FOVEA_PATH_FILTER] > 0);
    assert_true(report.saved_network_share > 0.0 && report.saved_network_share < 1.0);
    for (int y = 0; y < mixed.height; y++) {
        for (int x = 0; x < mixed.width * 3; x++) {
            int path = map.path[y / 32 * map.n_tiles_x + x / 3 / 32];
            const struct fovea_image *like = path == FOVEA_PATH_TINY ? &tiny : &filter;
            ptrdiff_t at = y * mixed.stride_bytes + x;
            if (((uint8_t *)mixed.data)[at] != ((uint8_t *)like->data)[at])
                fail_msg("sample (%d, %d) of a tile of path %d", x, y, path);
        }
    }
    fovea_plan_free(&plan);
    free(mixed.data);
    free(tiny.data);
    free(filter.data);
    free(in.data);
    fovea_context_free(&ctx);
}

/* ---- models given by the caller, the gate ---- */

/* A container of "conv3x3 1 4; shuffle 2; add base" with one weight in the middle and one around it. */
struct plant {
    float middle, around, bias;
    enum fovea_cause cause;
};

static fovea_model *make_model(fovea_context *ctx, const struct plant *plant)
{
    float weights[36], bias[4] = { plant->bias, plant->bias, plant->bias, plant->bias };
    void *bytes;
    size_t n_bytes;
    fovea_model *model;
    for (int i = 0; i < 36; i++)
        weights[i] = i % 9 == 4 ? plant->middle : plant->around;
    struct fovi_tensor tensors[] = { { "0.weight", FOVI_DTYPE_F32, 4, { 4, 1, 3, 3 }, 36, weights },
                                     { "0.bias", FOVI_DTYPE_F32, 1, { 4, 1, 1, 1 }, 4, bias } };
    struct fovi_meta meta[] = { { "format", "fovea" },
                                { "version", "1" },
                                { "method", "planted" },
                                { "scale", "2" },
                                { "layers", "conv3x3 1 4; shuffle 2; add base" },
                                { "base", "bicubic" },
                                { "base_hash", "" },
                                { "command", "none" },
                                { "sources", "none" },
                                { "licence", "none" } };
    assert_int_equal(fovi_container_encode(ctx, tensors, 2, meta, 10, &bytes, &n_bytes), FOVEA_OK);
    assert_int_equal(fovea_model_parse(ctx, bytes, n_bytes, &model), FOVEA_OK);
    fovi_free(ctx, bytes);
    return model;
}

static void bad_networks_fall_back_to_the_base(void **state)
{
    (void)state;
    static const struct plant plants[] = {
        { NAN, 0.0f, 0.0f, FOVEA_CAUSE_NOT_FINITE }, { 0.0f, INFINITY, 0.0f, FOVEA_CAUSE_NOT_FINITE },
        { 1e6f, 1e6f, 0.0f, FOVEA_CAUSE_RANGE },     { -1.0f, 0.0f, 0.0f, FOVEA_CAUSE_DRIFT }, /* black */
        { 0.0f, 0.0f, -0.3f, FOVEA_CAUSE_DRIFT },  /* darker by a constant */
        { 8.0f, -1.0f, 0.0f, FOVEA_CAUSE_ENERGY }, /* noise, amplified */
        { 0.0f, 0.0f, 0.0f, FOVEA_CAUSE_NOTHING },   { 0.0f, 0.0f, 0.005f, FOVEA_CAUSE_NOTHING },
    };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(70, 40, FOVEA_SAMPLE_U8, 3, 0), base, out;
    struct fovea_upscale_params p = defaults;
    struct fovea_report report;
    for (size_t i = 0; i < image_bytes(&in); i++) /* detail everywhere, but so little that noise stays in range */
        ((uint8_t *)in.data)[i] = (uint8_t)(100 + ((uint8_t *)in.data)[i] / 16 + i % 11);
    p.consistency = FOVEA_CONSISTENCY_OFF;
    p.method = FOVEA_METHOD_CLASSIC;
    assert_int_equal(enlarge(ctx, &in, &p, &base, &report), FOVEA_OK);
    p.method = FOVEA_METHOD_NETWORK;
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        fovea_model *model = make_model(ctx, &plants[i]);
        p.model = model;
        assert_int_equal(enlarge(ctx, &in, &p, &out, &report), FOVEA_OK);
        if (report.n_fallbacks[plants[i].cause] < 3) /* at the border zeros are read, which can be worse */
            fail_msg("plant %zu: %d tiles for its cause", i, (int)report.n_fallbacks[plants[i].cause]);
        assert_int_equal(report.n_tiles[FOVEA_PATH_FALLBACK], 5 * 3);
        assert_memory_equal(out.data, base.data, image_bytes(&out));
        assert_string_equal(report.method, "planted");
        free(out.data);
        fovea_model_free(&model);
    }
    free(base.data);
    free(in.data);
    fovea_context_free(&ctx);
}

static void unknown_networks_are_refused(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    struct fovea_format format = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_upscale_params p = defaults;
    fovea_plan *plan;
    p.method = FOVEA_METHOD_NETWORK;
    p.network = "gigantic";
    assert_int_equal(fovea_plan_build(&plan, ctx, 10, 10, &format, &p), FOVEA_E_UNSUPPORTED);
    assert_null(plan);
    p.network = NULL;
    assert_int_equal(fovea_plan_build(&plan, ctx, 10, 10, &format, &p), FOVEA_E_ARG);
    p = defaults;
    p.max_loss_db = -1.0;
    assert_int_equal(fovea_plan_build(&plan, ctx, 10, 10, &format, &p), FOVEA_E_ARG);
    p = defaults;
    p.strip_rows = 5000;
    assert_int_equal(fovea_plan_build(&plan, ctx, 10, 10, &format, &p), FOVEA_E_ARG);
    assert_int_equal(fovea_plan_build(&plan, ctx, 0, 10, &format, NULL), FOVEA_E_ARG);
    format.n_channels = 0;
    assert_int_equal(fovea_plan_build(&plan, ctx, 10, 10, &format, NULL), FOVEA_E_ARG);
    fovea_context_free(&ctx);
}

/* ---- consistency ---- */

static void results_agree_with_the_input(void **state)
{
    (void)state;
    static const double scales[] = { 2.0, 3.0, 4.0, 1.5, 2.7 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(120, 100, FOVEA_SAMPLE_U8, 3, 0), out;
    for (int i = 0; i < in.width * in.height * 3; i++) /* away from the range's ends, where clipping decides */
        ((uint8_t *)in.data)[i] = (uint8_t)(60 + ((uint8_t *)in.data)[i] / 2);
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        struct fovea_upscale_params p = defaults;
        struct fovea_report on;
        p.scale = scales[s];
        assert_int_equal(enlarge(ctx, &in, &p, &out, &on), FOVEA_OK);
        assert_true(on.consistency_measured);
        if (!(on.consistency_rms <= 0.5))
            fail_msg("x%g: RMS %g", p.scale, on.consistency_rms);
        assert_true(on.consistency_within_2 >= 0.99 && on.consistency_within_2 <= 1.0);
        assert_true(on.consistency_max >= on.consistency_rms);
        free(out.data);
    }
    free(in.data);
    fovea_context_free(&ctx);
}

/* Where nothing undoes D U three steps, or five, must do: with other weights more is left of noise. */
static void close_ratios_agree_too(void **state)
{
    (void)state;
    static const double scales[] = { 1.17, 1.23 }, limits[2][2] = { { 0.8, 0.19 }, { 0.65, 0.09 } };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(120, 100, FOVEA_SAMPLE_F32, 3, 0), out;
    struct fovi_rng rng = { 3 };
    for (int i = 0; i < in.width * in.height * 3; i++)
        ((float *)in.data)[i] = (float)(0.3 + 0.4 * fovi_rng_uniform(&rng));
    for (int s = 0; s < 2; s++)
        for (int is_strict = 0; is_strict < 2; is_strict++) {
            struct fovea_upscale_params p = defaults;
            struct fovea_report report;
            p.scale = scales[s];
            p.method = FOVEA_METHOD_NETWORK;
            p.network = "tiny";
            p.mode = is_strict ? FOVEA_MODE_FAITHFUL : FOVEA_MODE_BALANCED;
            assert_int_equal(enlarge(ctx, &in, &p, &out, &report), FOVEA_OK);
            if (!(report.consistency_rms <= limits[s][is_strict]))
                fail_msg("x%g: RMS %g", p.scale, report.consistency_rms);
            free(out.data);
        }
    free(in.data);
    fovea_context_free(&ctx);
}

static void grey_and_white_stay(void **state)
{
    (void)state;
    static const int levels[] = { 0, 1, 77, 128, 254, 255 };
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct fovea_image in = make_image(40, 40, FOVEA_SAMPLE_U8, 3, 0), out;
        struct fovea_upscale_params p = defaults;
        memset(in.data, levels[i], image_bytes(&in));
        for (int m = 0; m <= (int)FOVEA_METHOD_FILTER; m++) {
            p.method = (enum fovea_method)m;
            p.max_loss_db = 0.5;
            assert_int_equal(enlarge(ctx, &in, &p, &out, NULL), FOVEA_OK);
            for (size_t k = 0; k < image_bytes(&out); k++)
                assert_int_equal(((uint8_t *)out.data)[k], levels[i]);
            free(out.data);
        }
        free(in.data);
    }
    fovea_context_free(&ctx);
}

/* A white disc on transparent black: no dark rim. */
static void hidden_colour_does_not_bleed(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(80, 80, FOVEA_SAMPLE_U8, 4, 1), out;
    for (int y = 0; y < 80; y++) {
        for (int x = 0; x < 80; x++) {
            double r = hypot(x - 40.3, y - 39.6), a = 25.5 - r;
            uint8_t *p = (uint8_t *)in.data + (y * 80 + x) * 4;
            p[3] = (uint8_t)(255.0 * (a < 0.0 ? 0.0 : a > 1.0 ? 1.0 : a));
            p[0] = p[1] = p[2] = p[3] ? 255 : 0;
        }
    }
    for (int scale = 2; scale <= 4; scale += 2) {
        for (int m = 0; m <= (int)FOVEA_METHOD_FILTER; m++) {
            struct fovea_upscale_params p = defaults;
            p.scale = scale;
            p.method = (enum fovea_method)m;
            p.max_loss_db = 0.5;
            assert_int_equal(enlarge(ctx, &in, &p, &out, NULL), FOVEA_OK);
            for (size_t k = 0; k < image_bytes(&out); k += 4) {
                const uint8_t *px = (uint8_t *)out.data + k;
                if (px[3] && (px[0] < 254 || px[1] < 254 || px[2] < 254))
                    fail_msg("x%d, method %d: %d %d %d under alpha %d", scale, m, px[0], px[1], px[2], px[3]);
            }
            free(out.data);
        }
    }
    free(in.data);
    fovea_context_free(&ctx);
}

/* ---- sources, sinks, cancelling ---- */

struct tap {
    struct fovea_source source;
    int rows, fail_at, rewinds;
};

static int tap_read(void *user, int y, int n, void *rows, ptrdiff_t stride)
{
    struct tap *t = user;
    t->rows += n;
    if (t->fail_at && t->rows > t->fail_at)
        return FOVEA_E_READ;
    return t->source.read(t->source.user, y, n, rows, stride);
}

static int stop_early(void *user, double done)
{
    int *calls = user;
    assert_true(done >= 0.0 && done <= 1.0);
    return ++*calls == 5;
}

static int refuse(void *user, int y, int n, const void *rows, ptrdiff_t stride)
{
    (void)user, (void)n, (void)rows, (void)stride;
    return y > 50 ? FOVEA_E_WRITE : FOVEA_OK;
}

static void sources_and_sinks_speak_for_themselves(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(90, 100, FOVEA_SAMPLE_U8, 3, 0), expected, out;
    struct fovea_report report;
    fovea_plan *plan;
    assert_int_equal(enlarge(ctx, &in, NULL, &expected, &report), FOVEA_OK);
    assert_int_equal(fovea_plan_build(&plan, ctx, 90, 100, &in.format, NULL), FOVEA_OK);
    out = expected;
    out.data = calloc(1, image_bytes(&out));
    struct tap tap = { .source = fovea_source_from_image(&in) };
    struct fovea_source source = tap.source;
    struct fovea_sink sink = fovea_sink_to_image(&out), wall = { refuse, NULL };
    source.read = tap_read;
    source.user = &tap;
    source.rewind = NULL; /* the second pass comes from a temporary file */
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, &report), FOVEA_OK);
    assert_int_equal(tap.rows, 100);
    assert_memory_equal(out.data, expected.data, image_bytes(&out));
    tap.rows = 0;
    tap.fail_at = 60;
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_E_READ);
    source = tap.source;
    assert_int_equal(fovea_plan_run(plan, &source, &wall, NULL, NULL), FOVEA_E_WRITE);
    int calls = 0;
    struct fovea_progress progress = { stop_early, &calls };
    assert_int_equal(fovea_plan_run(plan, &source, &sink, &progress, NULL), FOVEA_E_CANCELLED);
    memset(out.data, 0, image_bytes(&out)); /* and the plan still works */
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_OK);
    assert_memory_equal(out.data, expected.data, image_bytes(&out));
    source.width = 89;
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_E_ARG);
    fovea_plan_free(&plan);
    free(out.data);
    free(expected.data);
    free(in.data);
    fovea_context_free(&ctx);
}

/* ---- memory ---- */

static int blank_read(void *user, int y, int n, void *rows, ptrdiff_t stride)
{
    (void)user;
    for (int i = 0; i < n; i++)
        memset((char *)rows + i * stride, (y + i) & 255, 600 * 3);
    return FOVEA_OK;
}

static int blank_rewind(void *user)
{
    (void)user;
    return FOVEA_OK;
}

static int swallow(void *user, int y, int n, const void *rows, ptrdiff_t stride)
{
    (void)user, (void)y, (void)n, (void)rows, (void)stride;
    return FOVEA_OK;
}

static int sum_rows(void *user, int y, int n, const void *rows, ptrdiff_t stride)
{
    uint64_t *sum = user;
    (void)y;
    for (int i = 0; i < n; i++)
        for (int x = 0; x < 1200 * 3; x++)
            *sum = *sum * 31 + ((const uint8_t *)rows)[i * stride + x];
    return FOVEA_OK;
}

static int striped_read(void *user, int y, int n, void *rows, ptrdiff_t stride)
{
    (void)user;
    for (int i = 0; i < n; i++)
        for (int x = 0; x < 600 * 3; x++)
            ((uint8_t *)rows)[i * stride + x] = (uint8_t)((y + i) * (x % 96 / 3 + 1) % 251);
    return FOVEA_OK;
}

/* More than is kept in memory from the first pass to the second: by the source's rewind, or a temporary file. */
static void large_pictures_are_read_back(void **state)
{
    (void)state;
    enum { HEIGHT = 2400 };
    uint64_t sum[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
        struct fovea_source source = { 600, HEIGHT, { FOVEA_SAMPLE_U8, 3, 0 }, striped_read, i ? blank_rewind : NULL,
                                       NULL };
        struct fovea_sink sink = { sum_rows, &sum[i] };
        struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
        fovea_plan *plan;
        params.preset = FOVEA_PRESET_FAST;
        params.precision = FOVEA_PRECISION_F32;
        assert_int_equal(fovea_plan_build(&plan, ctx, 600, HEIGHT, &source.format, &params), FOVEA_OK);
        assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_OK);
        fovea_plan_free(&plan);
        fovea_context_free(&ctx);
    }
    assert_true(sum[0] == sum[1]);
}

static size_t peak_of_height(int height)
{
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_source source = { 600, height, { FOVEA_SAMPLE_U8, 3, 0 }, blank_read, blank_rewind, NULL };
    struct fovea_sink sink = { swallow, NULL };
    fovea_plan *plan;
    assert_int_equal(fovea_plan_build(&plan, ctx, 600, height, &source.format, NULL), FOVEA_OK);
    assert_int_equal(fovea_plan_run(plan, &source, &sink, NULL, NULL), FOVEA_OK);
    fovea_plan_free(&plan);
    size_t peak = fovea_context_peak_bytes(ctx);
    fovea_context_free(&ctx);
    return peak;
}

static void memory_does_not_grow_with_height(void **state)
{
    (void)state;
    size_t low = peak_of_height(600), high = peak_of_height(2400);
    print_message("peak for 600 rows %zu bytes, for 2400 rows %zu\n", low, high);
    assert_true(high < low + low / 10);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(2, FOVEA_CPU_ALL);
    struct fovea_image in = make_image(40, 40, FOVEA_SAMPLE_U8, 4, 1), out;
    size_t held = fovi_alloc_held(ctx);
    int code = FOVEA_E_NOMEM;
    long k = 1;
    for (; code; k++) {
        fovi_alloc_fail_nth(ctx, k);
        code = enlarge(ctx, &in, NULL, &out, NULL);
        fovi_alloc_fail_nth(ctx, 0);
        free(out.data);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
        assert_int_equal(fovi_alloc_held(ctx), held);
    }
    assert_true(k > 30);
    free(in.data);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_reach_their_ratio),
        cmocka_unit_test(sizes_follow_the_rule),
        cmocka_unit_test(bytes_do_not_depend_on_the_machine),
        cmocka_unit_test(bf16_does_not_depend_on_the_machine),
        cmocka_unit_test(precision_is_chosen_and_reported),
        cmocka_unit_test(no_loss_allowed_means_the_top_network_everywhere),
        cmocka_unit_test(routed_tiles_equal_whole_pictures),
        cmocka_unit_test(bad_networks_fall_back_to_the_base),
        cmocka_unit_test(unknown_networks_are_refused),
        cmocka_unit_test(results_agree_with_the_input),
        cmocka_unit_test(close_ratios_agree_too),
        cmocka_unit_test(grey_and_white_stay),
        cmocka_unit_test(hidden_colour_does_not_bleed),
        cmocka_unit_test(sources_and_sinks_speak_for_themselves),
        cmocka_unit_test(wide_pictures_have_the_same_bytes),
        cmocka_unit_test(wide_pictures_take_little_memory),
        cmocka_unit_test(memory_does_not_grow_with_height),
        cmocka_unit_test(large_pictures_are_read_back),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
