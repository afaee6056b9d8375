/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Models: what is built in, what a container must hold to be one, saving and loading.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"

#define N_META 10
#define N_TENSORS 5

/* A small network: conv3x3 1 2 prelu; conv3x3 2 4; shuffle 2; add base. */
struct sample {
    struct fovi_meta meta[N_META];
    struct fovi_tensor tensor[N_TENSORS];
    float values[128];
};

static void make_sample(struct sample *s)
{
    *s = (struct sample){
        .meta = { { "format", "fovea" },
                  { "version", "1" },
                  { "method", "mini" },
                  { "scale", "2" },
                  { "layers", "conv3x3 1 2 prelu; conv3x3 2 4; shuffle 2; add base" },
                  { "base", "bicubic" },
                  { "base_hash", "" },
                  { "command", "fovea-train net" },
                  { "sources", "none" },
                  { "licence", "free" } },
        .tensor = { { "0.weight", FOVI_DTYPE_F32, 4, { 2, 1, 3, 3 }, 18, s->values },
                    { "0.bias", FOVI_DTYPE_F32, 1, { 2, 1, 1, 1 }, 2, s->values },
                    { "0.slope", FOVI_DTYPE_F32, 1, { 2, 1, 1, 1 }, 2, s->values },
                    { "1.weight", FOVI_DTYPE_F16, 4, { 4, 2, 3, 3 }, 72, s->values },
                    { "1.bias", FOVI_DTYPE_F32, 1, { 4, 1, 1, 1 }, 4, s->values } },
    };
    for (int i = 0; i < 128; i++)
        s->values[i] = (float)i * 0.125f;
}

static int parse(fovea_context *ctx, const struct sample *s, fovea_model **model)
{
    void *bytes;
    size_t n;
    assert_int_equal(fovi_container_encode(ctx, s->tensor, N_TENSORS, s->meta, N_META, &bytes, &n), FOVEA_OK);
    int code = fovea_model_parse(ctx, bytes, n, model);
    fovi_free(ctx, bytes);
    if (code) {
        assert_null(*model);
        assert_true(strlen(fovea_last_error(ctx)) > 10);
    }
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

static void a_network_is_read(void **state)
{
    struct sample s;
    struct fovea_model_info info;
    fovea_model *model;
    make_sample(&s);
    assert_int_equal(parse(*state, &s, &model), FOVEA_OK);
    fovea_model_describe(model, &info);
    assert_string_equal(info.method, "mini");
    assert_int_equal(info.scale, 2);
    assert_string_equal(info.licence, "free");
    assert_int_equal(info.n_parameters, 18 + 2 + 2 + 72 + 4);
    assert_true(fabs(info.kmac_per_px - 0.090) < 1e-9);
    assert_int_equal(strlen(info.hash), 16);
    assert_null(fovi_model_filter(model));
    const struct fovi_graph *graph = fovi_model_graph(model);
    assert_int_equal(graph->n_layers, 2);
    assert_true(graph->layer[0].slope[1] == 0.125f);
    assert_true(graph->layer[1].weight[71] == 71 * 0.125f);
    fovea_model_free(&model);
    assert_null(model);
    fovea_model_free(&model);
}

/* Weights that are no numbers load: the checks of a run are there for what they do. */
static void odd_weights_load(void **state)
{
    struct sample s;
    fovea_model *model;
    make_sample(&s);
    s.values[3] = NAN;
    s.values[4] = INFINITY;
    assert_int_equal(parse(*state, &s, &model), FOVEA_OK);
    assert_true(isnan(fovi_model_graph(model)->layer[1].weight[3]));
    fovea_model_free(&model);
}

static void faulty_metadata_are_refused(void **state)
{
    static const struct {
        int index;
        const char *value;
        int code;
    } cases[] = {
        { 0, "other", FOVEA_E_FORMAT },
        { 1, "2", FOVEA_E_UNSUPPORTED },
        { 2, "", FOVEA_E_FORMAT },
        { 2, "a/b", FOVEA_E_FORMAT },
        { 2, "a-name-that-is-longer-than-31-characters", FOVEA_E_FORMAT },
        { 2, "filter", FOVEA_E_UNSUPPORTED }, /* the layers are not a filter's */
        { 3, "5", FOVEA_E_FORMAT },
        { 3, "3", FOVEA_E_FORMAT }, /* the layers enlarge by 2 */
        { 3, "02", FOVEA_E_FORMAT },
        { 4, "", FOVEA_E_FORMAT },
        { 4, "pool 2; shuffle 2; add base", FOVEA_E_UNSUPPORTED },
        { 4, "conv3x3 1 2 prelu; conv3x3 2 4 prelu; shuffle 2; add base", FOVEA_E_FORMAT }, /* no slopes */
        { 4, "conv3x3 1 3 prelu; conv3x3 3 4; shuffle 2; add base", FOVEA_E_FORMAT },       /* shapes */
        { 5, "sinc", FOVEA_E_UNSUPPORTED },
        { 5, "filter", FOVEA_E_UNSUPPORTED }, /* without its hash */
        { 6, "0123456789abcdef", FOVEA_E_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample s;
        fovea_model *model;
        make_sample(&s);
        s.meta[cases[i].index].value = cases[i].value;
        int code = parse(*state, &s, &model);
        if (code != cases[i].code)
            fail_msg("%s = \"%s\": code %d", s.meta[cases[i].index].key, cases[i].value, code);
    }
}

static void faulty_tensors_are_refused(void **state)
{
    struct sample s;
    fovea_model *model;
    make_sample(&s);
    s.tensor[4].name = "1.offset";
    assert_int_equal(parse(*state, &s, &model), FOVEA_E_FORMAT);
    make_sample(&s);
    s.tensor[1].n_dims = 2; /* [2, 1] is not [2] */
    assert_int_equal(parse(*state, &s, &model), FOVEA_E_FORMAT);
    make_sample(&s);
    s.tensor[0].shape[0] = 1;
    s.tensor[0].shape[1] = 2;
    assert_int_equal(parse(*state, &s, &model), FOVEA_E_FORMAT);
}

/* A network over the filter names the hash of its coefficients. */
static void a_base_must_match(void **state)
{
    struct sample s;
    struct fovea_model_info info;
    fovea_model *filter, *model;
    assert_int_equal(fovea_model_builtin(*state, "filter", 2, &filter), FOVEA_OK);
    fovea_model_describe(filter, &info);
    make_sample(&s);
    s.meta[5].value = "filter";
    s.meta[6].value = info.hash;
    assert_int_equal(parse(*state, &s, &model), FOVEA_OK);
    fovea_model_free(&model);
    s.meta[6].value = "0123456789abcdef";
    assert_int_equal(parse(*state, &s, &model), FOVEA_E_UNSUPPORTED);
    fovea_model_free(&filter);
}

static void builtin_models_load(void **state)
{
    fovea_context *ctx = *state;
    int n = fovea_model_builtin_count();
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        fovea_model *model, *same;
        struct fovea_model_info info, info_same;
        assert_int_equal(fovea_model_builtin_at(ctx, i, &model), FOVEA_OK);
        fovea_model_describe(model, &info);
        assert_int_equal(fovea_model_builtin(ctx, info.method, info.scale, &same), FOVEA_OK);
        fovea_model_describe(same, &info_same);
        assert_string_equal(info.hash, info_same.hash);
        assert_true(info.n_parameters > 0 && info.kmac_per_px > 0.0);
        assert_true(strlen(info.command) > 0 && strlen(info.sources) > 0 && strlen(info.licence) > 0);
        assert_true((fovi_model_graph(model) == NULL) == (fovi_model_filter(model) != NULL));
        fovea_model_free(&model);
        fovea_model_free(&same);
    }
    fovea_model *model;
    assert_int_equal(fovea_model_builtin_at(ctx, n, &model), FOVEA_E_ARG);
    assert_int_equal(fovea_model_builtin_at(ctx, -1, &model), FOVEA_E_ARG);
    assert_int_equal(fovea_model_builtin(ctx, "filter", 5, &model), FOVEA_E_UNSUPPORTED);
    assert_int_equal(fovea_model_builtin(ctx, "nothing", 2, &model), FOVEA_E_UNSUPPORTED);
    assert_null(model);
}

static void saved_models_come_back(void **state)
{
    fovea_context *ctx = *state;
    char folder[] = "fovea-model-XXXXXX", path[64], missing[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    snprintf(missing, sizeof missing, "%s/no/m.safetensors", folder);
    for (int i = 0; i < fovea_model_builtin_count(); i++) {
        fovea_model *model, *again;
        struct fovea_model_info info, info_again;
        assert_int_equal(fovea_model_builtin_at(ctx, i, &model), FOVEA_OK);
        assert_int_equal(fovea_model_save(ctx, model, path), FOVEA_OK);
        assert_int_equal(fovea_model_load(ctx, path, &again), FOVEA_OK);
        fovea_model_describe(model, &info);
        fovea_model_describe(again, &info_again);
        assert_string_equal(info.hash, info_again.hash);
        assert_string_equal(info.command, info_again.command);
        assert_int_equal(fovea_model_save(ctx, model, missing), FOVEA_E_WRITE);
        fovea_model_free(&model);
        fovea_model_free(&again);
    }
    fovea_model *model;
    assert_int_equal(truncate(path, 10000), 0);
    assert_int_equal(fovea_model_load(ctx, path, &model), FOVEA_E_FORMAT);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(fovea_model_load(ctx, path, &model), FOVEA_E_FORMAT);
    assert_int_equal(fovea_model_load(ctx, missing, &model), FOVEA_E_READ);
    assert_int_equal(fovea_model_load(ctx, folder, &model), FOVEA_E_READ);
    assert_null(model);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void no_memory_is_reported(void **state)
{
    struct sample s;
    make_sample(&s);
    void *bytes;
    size_t n;
    fovea_model *model;
    assert_int_equal(fovi_container_encode(*state, s.tensor, N_TENSORS, s.meta, N_META, &bytes, &n), FOVEA_OK);
    int code = FOVEA_E_NOMEM;
    for (long nth = 1; code == FOVEA_E_NOMEM && nth < 50; nth++) {
        fovi_alloc_fail_nth(*state, nth);
        code = fovea_model_parse(*state, bytes, n, &model);
    }
    assert_int_equal(code, FOVEA_OK);
    fovi_alloc_fail_nth(*state, 0);
    fovea_model_free(&model);
    fovi_free(*state, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_network_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_weights_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faulty_metadata_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faulty_tensors_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_base_must_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(builtin_models_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(saved_models_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory_is_reported, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
