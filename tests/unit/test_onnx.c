/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks as ONNX: the bytes are read back with a small reader of the wire format, written from onnx.proto.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"
#include "model/onnx.h"

/* ---- the wire format ---- */

struct span {
    const unsigned char *p, *end;
};

/* One field of a message: its number, wire type, and value as a number or as bytes. */
struct field {
    int number, type;
    uint64_t value;
    struct span bytes;
};

static uint64_t varint(struct span *s)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(s->p < s->end && shift < 64);
        v |= (uint64_t)(*s->p & 127u) << shift;
        if (!(*s->p++ & 128u))
            return v;
    }
}

static int next_field(struct span *s, struct field *f)
{
    if (s->p == s->end)
        return 0;
    uint64_t key = varint(s);
    f->number = (int)(key >> 3);
    f->type = (int)(key & 7);
    assert_true(f->type == 0 || f->type == 2 || f->type == 5);
    if (f->type == 0) {
        f->value = varint(s);
        return 1;
    }
    uint64_t n = f->type == 5 ? 4 : varint(s);
    assert_true(n <= (uint64_t)(s->end - s->p));
    f->bytes = (struct span){ s->p, s->p + n };
    s->p += n;
    return 1;
}

static int is_text(struct span s, const char *text)
{
    return (size_t)(s.end - s.p) == strlen(text) && memcmp(s.p, text, strlen(text)) == 0;
}

/* The n-th field of this number (0 = the first); fails the test if there is none. */
static struct field find(struct span s, int number, int n)
{
    struct field f;
    while (next_field(&s, &f))
        if (f.number == number && n-- == 0)
            return f;
    fail_msg("a message lacks field %d", number);
    return f;
}

static int count(struct span s, int number)
{
    struct field f;
    int n = 0;
    while (next_field(&s, &f))
        n += f.number == number;
    return n;
}

/* ---- the graph ---- */

static fovea_context *make_context(void)
{
    fovea_context *ctx;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    return ctx;
}

static struct span tensor(struct span graph, const char *name)
{
    for (int i = 0; i < count(graph, 5); i++) {
        struct span t = find(graph, 5, i).bytes;
        if (is_text(find(t, 8, 0).bytes, name))
            return t;
    }
    fail_msg("no tensor '%s'", name);
    return graph;
}

static void check_tensor(struct span graph, const char *name, const float *values, const size_t *shape, int n_dims)
{
    struct span t = tensor(graph, name), raw = find(t, 9, 0).bytes;
    size_t n = 1;
    assert_int_equal(count(t, 1), n_dims);
    for (int i = 0; i < n_dims; n *= shape[i++])
        assert_int_equal(find(t, 1, i).value, shape[i]);
    assert_int_equal(find(t, 2, 0).value, 1);
    assert_int_equal(raw.end - raw.p, 4 * n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = raw.p[4 * i] | (uint32_t)raw.p[4 * i + 1] << 8 | (uint32_t)raw.p[4 * i + 2] << 16 |
                        (uint32_t)raw.p[4 * i + 3] << 24;
        assert_memory_equal(&bits, &values[i], 4);
    }
}

/* Every input of a node is the graph's, a tensor, left out, or the output of a node before. */
static void check_wiring(struct span graph)
{
    int n_nodes = count(graph, 1);
    for (int i = 0; i < n_nodes; i++) {
        struct span node = find(graph, 1, i).bytes;
        for (int k = 0; k < count(node, 1); k++) {
            struct span name = find(node, 1, k).bytes;
            int found = name.p == name.end || is_text(name, "luma");
            for (int t = 0; t < count(graph, 5) && !found; t++) {
                struct span other = find(find(graph, 5, t).bytes, 8, 0).bytes;
                found = other.end - other.p == name.end - name.p &&
                        memcmp(other.p, name.p, (size_t)(name.end - name.p)) == 0;
            }
            for (int j = 0; j < i && !found; j++) {
                struct span other = find(find(graph, 1, j).bytes, 2, 0).bytes;
                found = other.end - other.p == name.end - name.p &&
                        memcmp(other.p, name.p, (size_t)(name.end - name.p)) == 0;
            }
            if (!found)
                fail_msg("input %d of node %d comes from nowhere", k, i);
        }
    }
    assert_true(is_text(find(find(graph, 1, n_nodes - 1).bytes, 2, 0).bytes, "output"));
}

static int count_nodes(struct span graph, const char *op)
{
    int n = 0;
    for (int i = 0; i < count(graph, 1); i++)
        n += is_text(find(find(graph, 1, i).bytes, 4, 0).bytes, op);
    return n;
}

static void networks_are_written_whole(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    for (int scale = 2; scale <= 4; scale++) {
        fovea_model *model;
        struct fovea_model_info info;
        assert_int_equal(fovea_model_builtin(ctx, "tiny", scale, &model), FOVEA_OK);
        fovea_model_describe(model, &info);
        const struct fovi_graph *g = fovi_model_graph(model);
        for (int variant = 0; variant < 4; variant++) {
            const struct fovi_onnx_params params = { .has_base = variant & 1, .is_leaky = variant >> 1 };
            void *bytes;
            size_t n;
            assert_int_equal(fovi_onnx_encode(ctx, g, &info, &params, &bytes, &n), FOVEA_OK);
            struct span file = { bytes, (unsigned char *)bytes + n }, graph = find(file, 7, 0).bytes;
            assert_int_equal(find(file, 1, 0).value, 7);
            assert_int_equal(find(find(file, 8, 0).bytes, 2, 0).value, 13);
            assert_int_equal(count_nodes(graph, "Conv"), g->n_layers);
            assert_int_equal(count_nodes(graph, params.is_leaky ? "LeakyRelu" : "PRelu"), g->n_layers - 1);
            assert_int_equal(count_nodes(graph, "Resize"), params.has_base);
            check_wiring(graph);
            for (int l = 0; l < g->n_layers; l++) {
                const struct fovi_layer *y = &g->layer[l];
                const size_t shape[4] = { (size_t)y->c_out, (size_t)y->c_in, (size_t)y->k, (size_t)y->k };
                char name[24];
                snprintf(name, sizeof name, "%d.weight", l);
                check_tensor(graph, name, y->weight, shape, 4);
                snprintf(name, sizeof name, "%d.bias", l);
                check_tensor(graph, name, y->bias, shape, 1);
            }
            fovi_free(ctx, bytes);
        }
        fovea_model_free(&model);
    }
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

/* Skips stay skips. */
static void skips_are_additions(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    static const float zeros[4 * 4 * 9] = { 0 };
    const struct fovea_model_info info = { .method = "m", .layers = "", .base = "", .sources = "", .licence = "" };
    const struct fovi_onnx_params params = { .has_base = 0 };
    struct fovi_graph g;
    const char *text = "conv3x3 1 4; conv1x1 4 4; add 0; shuffle 2; add base";
    assert_int_equal(fovi_graph_parse(ctx, text, &g), FOVEA_OK);
    for (int l = 0; l < 2; l++)
        g.layer[l].weight = g.layer[l].bias = zeros;
    void *bytes;
    size_t n;
    assert_int_equal(fovi_onnx_encode(ctx, &g, &info, &params, &bytes, &n), FOVEA_OK);
    struct span file = { bytes, (unsigned char *)bytes + n }, graph = find(file, 7, 0).bytes;
    struct span node = find(graph, 1, 2).bytes;
    assert_true(is_text(find(node, 4, 0).bytes, "Add"));
    assert_true(is_text(find(node, 1, 0).bytes, "1"));
    assert_true(is_text(find(node, 1, 1).bytes, "0"));
    check_wiring(graph);
    fovi_free(ctx, bytes);
    fovea_context_free(&ctx);
}

/* A gate is four nodes, parts are one, blocks are a convolution with a stride; what is too much is cut off. */
static void other_layers_are_written(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    static const float zeros[16 * 8 * 9] = { 0 };
    const struct fovea_model_info info = { .method = "m", .layers = "", .base = "", .sources = "", .licence = "" };
    struct fovi_graph g;
    const char *text = "unshuffle 2; conv3x3 4 4; conv1x1 4 4; gate 0; concat 0 2; conv3x3 8 16; shuffle 4; add base";
    assert_int_equal(fovi_graph_parse(ctx, text, &g), FOVEA_OK);
    for (int l = 0; l < g.n_layers; l++)
        g.layer[l].weight = g.layer[l].bias = zeros;
    for (int has_base = 0; has_base < 2; has_base++) {
        const struct fovi_onnx_params params = { .has_base = has_base };
        void *bytes;
        size_t n;
        assert_int_equal(fovi_onnx_encode(ctx, &g, &info, &params, &bytes, &n), FOVEA_OK);
        struct span file = { bytes, (unsigned char *)bytes + n }, graph = find(file, 7, 0).bytes;
        assert_int_equal(count_nodes(graph, "Conv"), 4);
        assert_int_equal(count_nodes(graph, "Sigmoid"), 1);
        assert_int_equal(count_nodes(graph, "Concat"), has_base ? 3 : 1);
        assert_int_equal(count_nodes(graph, "Pad"), 1);
        check_wiring(graph);
        fovi_free(ctx, bytes);
    }
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    fovea_context *ctx = make_context();
    fovea_model *model, *filter;
    char path[64];
    snprintf(path, sizeof path, "test_onnx.%ld.onnx", (long)getpid());
    assert_int_equal(fovea_model_builtin(ctx, "tiny", 2, &model), FOVEA_OK);
    assert_int_equal(fovea_model_builtin(ctx, "filter", 2, &filter), FOVEA_OK);
    size_t held = fovi_alloc_held(ctx);
    int code = FOVEA_E_NOMEM, tries = 0;
    for (long k = 1; code; k += 7, tries++) {
        fovi_alloc_fail_nth(ctx, k);
        code = fovea_model_save_onnx(ctx, model, path);
        fovi_alloc_fail_nth(ctx, 0);
        assert_true(code == FOVEA_OK || code == FOVEA_E_NOMEM);
        assert_int_equal(access(path, F_OK) == 0, code == FOVEA_OK);
        assert_int_equal(fovi_alloc_held(ctx), held);
    }
    assert_true(tries > 5);
    remove(path);
    assert_int_equal(fovea_model_save_onnx(ctx, filter, path), FOVEA_E_UNSUPPORTED);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(fovea_model_save_onnx(ctx, model, "no/such/folder.onnx"), FOVEA_E_WRITE);
    fovea_model_free(&filter);
    fovea_model_free(&model);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_written_whole),
        cmocka_unit_test(skips_are_additions),
        cmocka_unit_test(other_layers_are_written),
        cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
