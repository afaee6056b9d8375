/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers for int8 in containers: all of them or none, each within what int8 can use; and what precision int8 does with
 * networks that have them, and with those that do not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fovea/fovea.h"
#include "model/model.h"

#define N_META 9
#define N_FLOAT 8 /* tensors of the network in float */
#define N_TENSORS 21

static const char layers[] = "conv3x3 1 4 prelu; conv3x3 4 4 prelu; conv3x3 4 4; shuffle 2; add base";
static const char gated[] = "conv3x3 1 4 prelu; conv3x3 4 4 prelu; gate 0; conv3x3 4 4; shuffle 2; add base";

/* A small network with numbers for int8. values[0]: of all tensors in float; each of the others has its own. */
struct sample {
    struct fovi_meta meta[N_META];
    struct fovi_tensor tensor[N_TENSORS];
    float values[N_TENSORS][144];
};

static void set_tensor(struct sample *s, int i, const char *name, size_t c_in, float value)
{
    static const struct fovi_tensor list = { NULL, FOVI_DTYPE_F32, 1, { 4, 1, 1, 1 }, 4, NULL };
    s->tensor[i] = list;
    s->tensor[i].name = name;
    s->tensor[i].data = s->values[i];
    if (c_in) {
        s->tensor[i].n_dims = 4;
        s->tensor[i].shape[1] = c_in;
        s->tensor[i].shape[2] = s->tensor[i].shape[3] = 3;
        s->tensor[i].n = 4 * c_in * 9;
    }
    for (int k = 0; k < 144; k++)
        s->values[i][k] = value;
}

static void make_sample(struct sample *s)
{
    static const struct {
        const char *name;
        size_t c_in; /* of weights */
        float value;
    } rows[N_TENSORS] = {
        { "0.weight", 1, 0.1f },     { "0.bias", 0, 0.0f },          { "0.slope", 0, 0.2f },
        { "1.weight", 4, 0.01f },    { "1.bias", 0, 0.0f },          { "1.slope", 0, 0.2f },
        { "2.weight", 4, 0.01f },    { "2.bias", 0, 0.0f },          { "0.int8.weight", 1, 0.1f },
        { "0.int8.bias", 0, 0.0f },  { "0.int8.slope", 0, 0.2f },    { "0.int8.step", 0, 0.004f },
        { "0.int8.zero", 0, 10.0f }, { "1.int8.weight", 4, 100.0f }, { "1.int8.scale", 0, 4e-7f },
        { "1.int8.bias", 0, 0.0f },  { "1.int8.slope", 0, 0.2f },    { "1.int8.step", 0, 0.002f },
        { "1.int8.zero", 0, 20.0f }, { "2.int8.weight", 4, 0.01f },  { "2.int8.bias", 0, 0.0f },
    };
    static const struct fovi_meta meta[N_META] = {
        { "format", "fovea" }, { "version", "1" },    { "method", "mini" },
        { "scale", "2" },      { "layers", layers },  { "base", "bicubic" },
        { "sources", "none" }, { "licence", "free" }, { "int8", "fovea-train net --recipe q" }
    };
    memcpy(s->meta, meta, sizeof meta);
    for (int i = 0; i < N_TENSORS; i++)
        set_tensor(s, i, rows[i].name, rows[i].c_in, rows[i].value);
    s->tensor[13].dtype = FOVI_DTYPE_I8;
}

static int parse(fovea_context *ctx, const struct sample *s, int n_tensors, fovea_model **model)
{
    void *bytes;
    size_t n;
    assert_int_equal(fovi_container_encode(ctx, s->tensor, n_tensors, s->meta, N_META, &bytes, &n), FOVEA_OK);
    int code = fovea_model_parse(ctx, bytes, n, model);
    fovi_free(ctx, bytes);
    assert_true(!code == (*model != NULL));
    return code;
}

static int set_up(void **state)
{
    return fovea_context_create((fovea_context **)state, NULL);
}

static int tear_down(void **state)
{
    assert_int_equal(fovi_alloc_held(*state), 0);
    fovea_context_free((fovea_context **)state);
    return 0;
}

static void numbers_are_read(void **state)
{
    static struct sample s;
    struct fovea_model_info info;
    fovea_model *model;
    make_sample(&s);
    assert_int_equal(parse(*state, &s, N_TENSORS, &model), FOVEA_OK);
    fovea_model_describe(model, &info);
    assert_int_equal(info.has_int8, 1);
    assert_string_equal(info.int8_command, "fovea-train net --recipe q");
    const struct fovi_graph *g = fovi_model_graph(model);
    assert_int_equal(g->has_int8, 1);
    assert_true(g->layer[1].int8.weight[143] == 100.0f && g->layer[1].int8.scale[3] == 4e-7f);
    assert_true(g->layer[0].int8.zero[0] == 10.0f && g->layer[1].int8.step[0] == 0.002f);
    assert_null(g->layer[2].int8.step);
    fovea_model_free(&model);
    assert_int_equal(parse(*state, &s, N_FLOAT, &model), FOVEA_OK);
    fovea_model_describe(model, &info);
    assert_int_equal(info.has_int8, 0);
    fovea_model_free(&model);
}

static void a_part_is_refused(void **state)
{
    static struct sample s;
    fovea_model *model;
    for (int lacking = N_FLOAT; lacking < N_TENSORS; lacking++) {
        make_sample(&s);
        s.tensor[lacking] = s.tensor[N_TENSORS - 1];
        assert_int_equal(parse(*state, &s, N_TENSORS - 1, &model), FOVEA_E_FORMAT);
        if (lacking < N_TENSORS - 1)
            assert_non_null(strstr(fovea_last_error(*state), "int8."));
    }
    make_sample(&s);
    s.tensor[12].n_dims = 4; /* the wrong shape */
    assert_int_equal(parse(*state, &s, N_TENSORS, &model), FOVEA_E_FORMAT);
    make_sample(&s);
    s.meta[4].value = gated; /* layers that int8 does not have; their weights are those of other numbers */
    s.tensor[6].name = "3.weight";
    s.tensor[7].name = "3.bias";
    assert_int_equal(parse(*state, &s, N_TENSORS, &model), FOVEA_E_FORMAT);
    assert_non_null(strstr(fovea_last_error(*state), "layers that cannot run in it"));
}

static void odd_numbers_are_refused(void **state)
{
    static const struct {
        int tensor;
        float value;
        int is_fine;
    } cases[] = {
        { 8, NAN, 0 },    { 8, INFINITY, 0 }, { 9, -INFINITY, 0 }, { 10, 1.0f, 1 },  { 10, 1.001f, 0 },
        { 10, -3.0f, 1 }, { 11, 0.0f, 0 },    { 11, -1.0f, 0 },    { 11, 1e13f, 0 }, { 11, 1e-13f, 0 },
        { 12, 0.0f, 1 },  { 12, 255.0f, 1 },  { 12, 256.0f, 0 },   { 12, -1.0f, 0 }, { 12, 3.5f, 0 },
        { 12, NAN, 0 },   { 13, -127.0f, 1 }, { 13, -128.0f, 0 },  { 14, 0.0f, 0 },  { 14, NAN, 0 },
        { 16, 2.0f, 0 },  { 17, NAN, 0 },     { 19, NAN, 0 },      { 20, 1e13f, 0 },
    };
    static struct sample s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fovea_model *model;
        make_sample(&s);
        s.values[cases[i].tensor][2] = cases[i].value;
        assert_int_equal(parse(*state, &s, N_TENSORS, &model), cases[i].is_fine ? FOVEA_OK : FOVEA_E_FORMAT);
        if (!cases[i].is_fine)
            assert_non_null(strstr(fovea_last_error(*state), "a number that int8 cannot use"));
        fovea_model_free(&model);
    }
}

/* Enlarge a pattern; the report's precision. */
static int enlarge(fovea_context *ctx, const fovea_model *model, enum fovea_precision precision, uint8_t *out,
                   struct fovea_report *report)
{
    static uint8_t pixels[40 * 24];
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    for (int i = 0; i < 40 * 24; i++)
        pixels[i] = (uint8_t)(i % 40 / 7 * 23 + i / 40 * 4 + i % 3);
    struct fovea_image in = { 40, 24, { FOVEA_SAMPLE_U8, 1, 0 }, pixels, 40 };
    struct fovea_image big = { 80, 48, in.format, out, 80 };
    params.method = model ? FOVEA_METHOD_NETWORK : FOVEA_METHOD_AUTO;
    params.model = model;
    params.scale = 2.0;
    params.precision = precision;
    return fovea_upscale(ctx, &in, &big, &params, report);
}

static void precision_takes_them(void **state)
{
    static struct sample s;
    static uint8_t in_float[80 * 48], in_int8[80 * 48];
    struct fovea_report report;
    fovea_model *model;
    make_sample(&s);
    assert_int_equal(parse(*state, &s, N_TENSORS, &model), FOVEA_OK);
    assert_int_equal(enlarge(*state, model, FOVEA_PRECISION_F32, in_float, &report), FOVEA_OK);
    assert_int_equal(report.precision, FOVEA_PRECISION_F32);
    assert_int_equal(enlarge(*state, model, FOVEA_PRECISION_INT8, in_int8, &report), FOVEA_OK);
    assert_int_equal(report.precision, FOVEA_PRECISION_INT8);
    int sum = 0;
    for (int i = 0; i < 80 * 48; i++)
        sum += abs(in_float[i] - in_int8[i]);
    assert_true(sum > 0 && sum < 80 * 48); /* the same network, within a level on average */
    fovea_model_free(&model);
    assert_int_equal(parse(*state, &s, N_FLOAT, &model), FOVEA_OK);
    assert_int_equal(enlarge(*state, model, FOVEA_PRECISION_INT8, in_int8, &report), FOVEA_E_UNSUPPORTED);
    assert_non_null(strstr(fovea_last_error(*state), "mini cannot run in int8"));
    fovea_model_free(&model);
    assert_int_equal(enlarge(*state, NULL, FOVEA_PRECISION_INT8, in_int8, &report), FOVEA_OK);
}

/* The built-in networks that have weights for it give nearly the picture that they give in float. */
static void built_in_networks_have_them(void **state)
{
    static uint8_t in_float[80 * 48 * 4], in_int8[80 * 48 * 4];
    int n_tiny = 0;
    for (int i = 0; i < fovea_model_builtin_count(); i++) {
        fovea_model *model;
        struct fovea_model_info info;
        struct fovea_report report;
        assert_int_equal(fovea_model_builtin_at(*state, i, &model), FOVEA_OK);
        fovea_model_describe(model, &info);
        assert_true(info.has_int8 == (*info.int8_command != '\0'));
        n_tiny += info.has_int8 && strcmp(info.method, "tiny") == 0;
        if (info.has_int8 && info.scale == 2) {
            assert_int_equal(enlarge(*state, model, FOVEA_PRECISION_F32, in_float, &report), FOVEA_OK);
            assert_int_equal(enlarge(*state, model, FOVEA_PRECISION_INT8, in_int8, &report), FOVEA_OK);
            double sum = 0.0;
            for (int k = 0; k < 80 * 48; k++)
                sum += (in_float[k] - in_int8[k]) * (in_float[k] - in_int8[k]);
            print_message("%s-x2: RMS difference %.3f levels\n", info.method, sqrt(sum / (80 * 48)));
            assert_true(sum > 0.0 && sum / (80 * 48) < 1.0);
        }
        fovea_model_free(&model);
    }
    assert_int_equal(n_tiny, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_numbers_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(precision_takes_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(built_in_networks_have_them, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
