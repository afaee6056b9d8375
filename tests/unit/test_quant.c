/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training for int8: rounding and its gradients against their formulas, and a trained network that runs in int8 as it
 * did in training.
 */
#include <math.h>
#include <unistd.h>

#include "model/model.h"
#include "net/exec.h"
#include "net_model.h"
#include "train_fixture.h"

static const char recipe_text[] = "method test\nlayers conv3x3 1 8 prelu; conv3x3 8 8 prelu; conv3x3 8 8; add 0; "
                                  "conv3x3 8 4; shuffle 2; add base\nquantise 8\npatch 12\nbatch 4\nsteps 30\nlr 1e-3\n"
                                  "sources none\nlicence free\n";

/* A residual that has to do with the input. */
static struct train_set make_set(void)
{
    struct train_set set = make_noise(2, 40, 30);
    struct train_picture *p = set.picture;
    for (int i = 0; i < 40 * 30 * 4; i++)
        p->residual[i] = (int16_t)((p->lr[i / 8 * 2 + i % 2] % 257 - 128) * 4);
    return set;
}

static void recipes_say_what_cannot_be(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(2);
    char text[sizeof recipe_text + 32];
    read_recipe(ctx, recipe_text, FOVEA_OK, &recipe);
    assert_int_equal(recipe.quantise, 8);
    snprintf(text, sizeof text, "%squantise 4\n", recipe_text);
    read_recipe(ctx, text, FOVEA_E_FORMAT, &recipe);
    snprintf(text, sizeof text, "%sbranches 1\n", recipe_text);
    read_recipe(ctx, text, FOVEA_E_UNSUPPORTED, &recipe);
    read_recipe(ctx,
                "method t\nlayers conv3x3 1 6 prelu; conv3x3 6 4; shuffle 2; add base\nsteps 1\n"
                "quantise 8\n",
                FOVEA_E_UNSUPPORTED, &recipe);
    fovea_context_free(&ctx);
}

/* The output of layer l, a plane of each channel, against the formulas in double. */
static void check_rounding(struct train_net *net, int l)
{
    enum { RUN = 32 }; /* less than the pixels of a plane */
    const struct train_recipe *recipe = net->recipe;
    struct train_work *work = &net->work[0];
    float *master = net->state.master, *gradient = calloc((size_t)net->state.n_master, sizeof *gradient);
    struct fovi_rng rng = { 9 };
    net->quant.parameters = master;
    int n_clipped = 0;
    for (int c = 0; c < 8; c++) {
        ptrdiff_t at = c * work->grid.stride;
        float step = expf(master[net->quant.step[l] + c]), zero = master[net->quant.zero[l] + c];
        float slope = recipe->graph.layer[l].has_prelu ? master[net->layout.slope[l] + c] : 1.0f;
        double expected = 0.0;
        float pre[RUN], grad[RUN];
        for (int i = 0; i < RUN; i++) {
            pre[i] = (float)(700.0 * fovi_rng_uniform(&rng) - 350.0) * step;
            work->pre[l][at + i] = pre[i];
            grad[i] = work->grad[l][at + i] = (float)fovi_rng_uniform(&rng) - 0.5f;
            work->post[l][at + i] = pre[i] > 0.0f ? pre[i] : pre[i] * slope;
        }
        train_quant_forward(&net->quant, &recipe->graph, l, work);
        train_quant_backward(&net->quant, &recipe->graph, &net->layout, l, work, gradient);
        for (int i = 0; i < RUN; i++) {
            double x = (double)(pre[i] > 0.0f ? pre[i] : pre[i] * slope), q = rint(x / (double)step + (double)zero);
            int is_clipped = x / (double)step + (double)zero < 0.0 || x / (double)step + (double)zero > 255.0;
            double value = (fmin(fmax(q, 0.0), 255.0) - (double)zero) * (double)step;
            n_clipped += is_clipped;
            assert_true(fabs((double)work->post[l][at + i] - value) <= 1.01 * (double)step);
            assert_true(work->grad[l][at + i] == (is_clipped ? 0.0f : grad[i]));
            expected += (double)grad[i] * ((double)work->post[l][at + i] - (is_clipped ? 0.0 : x));
        }
        double got = (double)gradient[net->quant.step[l] + c];
        assert_true(fabs(got - expected) < 1e-3 * (double)step * 100.0);
        memset(work->grad[l] + at, 0, RUN * sizeof(float));
    }
    assert_true(n_clipped > 20 && n_clipped < 200);
    free(gradient);
}

static void rounding_passes_gradients(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(2);
    struct train_set set = make_set();
    struct train_net net;
    read_recipe(ctx, recipe_text, FOVEA_OK, &recipe);
    assert_int_equal(train_net_init(ctx, &net, &recipe, &set), FOVEA_OK);
    assert_int_equal(train_net_calibrate(&net), FOVEA_OK);
    check_rounding(&net, 0);
    check_rounding(&net, 2); /* without PReLU */
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

/* A whole number of steps in every weight, and a gradient for every scale. */
static void weights_are_whole_numbers(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(2);
    struct train_set set = make_set();
    struct train_net net;
    read_recipe(ctx, recipe_text, FOVEA_OK, &recipe);
    assert_int_equal(train_net_init(ctx, &net, &recipe, &set), FOVEA_OK);
    assert_int_equal(train_net_calibrate(&net), FOVEA_OK);
    float *master = net.state.master, *gradient = calloc((size_t)net.state.n_master, sizeof *gradient);
    const float *merged = train_net_result(&net);
    ptrdiff_t at = net.layout.weight[1];
    master[net.quant.scale[1]] -= 1.0f; /* so that some weights of the first channel are clipped */
    train_quant_merge(&net.quant, &recipe.graph, &net.layout, master, net.merged);
    for (int i = 0; i < 576; i++)
        gradient[at + i] = 1.0f;
    train_quant_merge_backward(&net.quant, &recipe.graph, &net.layout, master, gradient);
    double sum = 0.0;
    int n_clipped = 0;
    for (int i = 0; i < 576; i++) {
        double unit = exp((double)master[net.quant.scale[1] + i / 72] - (double)master[net.quant.step[0] + i / 9 % 8]);
        double whole = (double)merged[at + i] / unit;
        int is_clipped = fabs((double)master[at + i]) > 127.0 * unit;
        assert_true(fabs(whole - rint(whole)) < 1e-3 && fabs(whole) < 127.001);
        assert_true(gradient[at + i] == (is_clipped ? 0.0f : 1.0f));
        n_clipped += is_clipped;
        if (i < 72)
            sum += (double)merged[at + i] - (is_clipped ? 0.0 : (double)master[at + i]);
    }
    assert_true(n_clipped > 0 && n_clipped <= 72);
    assert_true(fabs(sum - (double)gradient[net.quant.scale[1]]) < 1e-4);
    free(gradient);
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

/* A container that was just written. */
static struct fovi_container *read_container(fovea_context *ctx, const char *path)
{
    static char bytes[1 << 16];
    struct fovi_container *container;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(fovi_container_parse(ctx, bytes, n, &container), FOVEA_OK);
    return container;
}

/* Residual of a patch by the executor in int8, as a fraction of 1. */
static void run_int8(fovea_context *ctx, const struct fovi_graph *graph, const struct train_work *work, float *out)
{
    struct fovi_exec *exec;
    struct fovi_window window;
    assert_int_equal(fovi_exec_create(ctx, graph, FOVI_EXEC_INT8, 12, 12, &exec), FOVEA_OK);
    assert_int_equal(fovi_window_init(ctx, &window, 12, 12, 1, 24), FOVEA_OK);
    for (int y = 0; y < 12; y++)
        for (int x = 0; x < 12; x++)
            fovi_window_row(&window, 0, y)[x] = work->input[train_grid_row(&work->grid, y) + x] * 255.0f;
    fovi_window_push(&window, 12);
    fovi_exec_begin(exec, NULL, 0);
    fovi_exec_rows(exec, &window, 0, 12, out, 24);
    for (int i = 0; i < 24 * 24; i++)
        out[i] /= 255.0f;
    fovi_window_free(ctx, &window);
    fovi_exec_free(&exec);
}

static void int8_runs_as_it_was_trained(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    static float out[24 * 24];
    char first[] = "fovea-quant-first-XXXXXX", second[] = "fovea-quant-second-XXXXXX";
    fovea_context *ctx = make_context(2);
    struct train_set set = make_set();
    struct train_net net;
    close(mkstemp(first));
    close(mkstemp(second));
    read_recipe(ctx, recipe_text, FOVEA_OK, &recipe);
    assert_int_equal(train_net_init(ctx, &net, &recipe, &set), FOVEA_OK);
    net.state.master[net.layout.slope[1]] = net.state.average[net.layout.slope[1]] = 1.5f; /* over what int8 can do */
    assert_int_equal(train_model_save(&net, "float", first), FOVEA_OK);
    assert_int_equal(train_net_calibrate(&net), FOVEA_OK);
    for (int i = 0; i < 30; i++)
        train_net_step(&net);
    fovea_model *from, *model;
    struct fovi_container *container = read_container(ctx, first);
    assert_int_equal(fovea_model_load(ctx, first, &from), FOVEA_OK);
    assert_int_equal(train_quant_save(&net, container, "quantised", second), FOVEA_OK);
    assert_int_equal(fovea_model_load(ctx, second, &model), FOVEA_OK);
    struct fovea_model_info info;
    fovea_model_describe(model, &info);
    assert_true(info.has_int8);
    assert_string_equal(info.int8_command, "quantised");
    assert_string_equal(info.command, "float"); /* the network in float is as it was */
    assert_memory_equal(fovi_model_graph(model)->layer[1].weight, fovi_model_graph(from)->layer[1].weight, 576 * 4);
    struct train_patch patch = { set.picture, 5, 7, 0 };
    train_patch_fill(&patch, 2, &net.work[0]);
    train_net_result(&net);
    train_forward(&recipe.graph, &net.layout, &net.packed, net.merged, fovea_context_cpu(ctx), &net.work[0]);
    run_int8(ctx, fovi_model_graph(model), &net.work[0], out);
    double power = 0.0, error = 0.0;
    for (int i = 0; i < 24 * 24; i++) {
        int x = i % 24, y = i / 24, channel = y % 2 * 2 + x % 2;
        ptrdiff_t at = channel * net.work[0].grid.stride + train_grid_row(&net.work[0].grid, y / 2) + x / 2;
        double expected = (double)net.work[0].post[4][at], d = expected - (double)out[i];
        power += expected * expected;
        error += d * d;
    }
    assert_true(power > 0.0 && error < 1e-5 * power); /* a sum may be rounded to another step here and there */
    fovi_container_free(ctx, &container);
    fovea_model_free(&from);
    fovea_model_free(&model);
    remove(first);
    remove(second);
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_say_what_cannot_be),
        cmocka_unit_test(rounding_passes_gradients),
        cmocka_unit_test(weights_are_whole_numbers),
        cmocka_unit_test(int8_runs_as_it_was_trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
