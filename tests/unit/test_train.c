/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training: gradients against finite differences, kernels against the reference, branches, recipes, and runs that are
 * the same for any number of threads and after a resume.
 */
#include <math.h>

#include "branches.h"
#include "train_fixture.h"
#include "wgrad.h"

static float random_value(struct fovi_rng *rng)
{
    return (float)(fovi_rng_uniform(rng) - 0.5);
}

/* ---- gradients ---- */

#define PATCH 11

struct problem {
    struct fovi_graph graph;
    struct train_layout layout;
    struct train_packed packed;
    struct train_work work;
    float *parameters;
};

static const char skips[] = "conv3x3 1 6 prelu; conv3x3 6 6 prelu; conv1x1 6 6 prelu; add 0; conv3x3 6 9; shuffle 3; "
                            "add base";
static const char gates[] = "unshuffle 2; conv3x3 4 8; conv3x3 8 8 prelu; conv3x3 8 8; gate 0; conv3x3 8 8; gate 3; "
                            "concat 0 3 5; conv1x1 24 8; conv3x3 8 16; shuffle 4; add base";

static void problem_init(fovea_context *ctx, const char *text, struct problem *p)
{
    struct fovi_rng rng = { 3 };
    assert_int_equal(fovi_graph_parse(ctx, text, &p->graph), FOVEA_OK);
    train_layout_init(&p->layout, &p->graph);
    assert_int_equal(train_packed_init(ctx, &p->packed, &p->graph), FOVEA_OK);
    assert_int_equal(train_work_init(ctx, &p->work, &p->graph, PATCH * p->graph.unshuffle), FOVEA_OK);
    p->parameters = calloc((size_t)p->layout.n, sizeof(float));
    for (ptrdiff_t i = 0; i < p->layout.n; i++)
        p->parameters[i] = random_value(&rng);
    int n_in = p->graph.layer[0].c_in, n_out = p->graph.layer[p->graph.n_layers - 1].c_out;
    for (int y = 0; y < p->work.grid.patch; y++) {
        for (int x = 0; x < p->work.grid.patch; x++) {
            ptrdiff_t at = train_grid_row(&p->work.grid, y) + x;
            for (int c = 0; c < n_in; c++)
                p->work.input[c * p->work.grid.stride + at] = random_value(&rng);
            for (int c = 0; c < n_out; c++)
                p->work.target[c * p->work.grid.stride + at] = random_value(&rng);
        }
    }
}

static void problem_free(fovea_context *ctx, struct problem *p)
{
    train_packed_free(ctx, &p->packed);
    train_work_free(ctx, &p->work);
    free(p->parameters);
}

static double loss_now(struct problem *p, enum train_loss loss, uint32_t cpu)
{
    for (int l = 0; l < p->graph.n_layers; l++)
        train_packed_set(&p->packed, &p->graph, &p->layout, p->parameters, l);
    train_forward(&p->graph, &p->layout, &p->packed, p->parameters, cpu, &p->work);
    return train_loss(&p->graph, loss, 1.0f, &p->work);
}

static void gradient_now(struct problem *p, enum train_loss loss, uint32_t cpu, float *gradient)
{
    memset(gradient, 0, (size_t)p->layout.n * sizeof *gradient);
    loss_now(p, loss, cpu);
    train_backward(&p->graph, &p->layout, &p->packed, p->parameters, cpu, &p->work, gradient);
}

static void check_gradients(const char *text)
{
    static const enum train_loss losses[] = { TRAIN_LOSS_MSE, TRAIN_LOSS_CHARBONNIER };
    fovea_context *ctx = make_context(1);
    uint32_t cpu = fovea_context_cpu(ctx);
    struct problem p;
    problem_init(ctx, text, &p);
    float *gradient = malloc((size_t)p.layout.n * sizeof *gradient);
    for (int k = 0; k < 2; k++) {
        int kinks = 0;
        gradient_now(&p, losses[k], cpu, gradient);
        for (ptrdiff_t i = 0; i < p.layout.n; i++) {
            float keep = p.parameters[i];
            const double h = 2e-3;
            p.parameters[i] = (float)(keep + h);
            double above = loss_now(&p, losses[k], cpu);
            p.parameters[i] = (float)(keep - h);
            double slope = (above - loss_now(&p, losses[k], cpu)) / (2.0 * h);
            p.parameters[i] = keep;
            kinks += fabs(slope - (double)gradient[i]) > 0.02 * fabs(slope) + 2e-4;
        }
        assert_true(kinks * 50 < p.layout.n); /* a PReLU that changes side within the difference */
    }
    free(gradient);
    problem_free(ctx, &p);
    fovea_context_free(&ctx);
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
    (void)state;
    check_gradients(skips);
    check_gradients(gates);
}

/* A patch of noise with zeros around, as the kernels find it. */
static float *random_planes(const struct train_grid *g, int n_channels, uint64_t seed)
{
    struct fovi_rng rng = { seed };
    float *data = calloc((size_t)(n_channels * g->stride + 128), sizeof *data);
    for (int c = 0; c < n_channels; c++)
        for (int y = 0; y < g->patch; y++)
            for (int x = 0; x < g->patch; x++)
                data[64 + c * g->stride + train_grid_row(g, y) + x] = random_value(&rng);
    return data;
}

static void check_wgrad(train_wgrad *kernel, int k, int c_in, int c_out, int patch)
{
    struct train_grid g = train_grid_make(patch);
    float *x = random_planes(&g, c_in, 5), *dy = random_planes(&g, c_out, 6);
    size_t n = (size_t)(c_in * c_out * k * k), n_scratch = train_wgrad_scratch(&g, c_in, c_out);
    float *scratch = malloc((n_scratch + 1) * sizeof *scratch), *grad[2];
    scratch[n_scratch] = 77.0f;
    for (int j = 0; j < 2; j++) {
        grad[j] = calloc(n + 1, sizeof(float));
        grad[j][0] = 1.0f; /* gradients are added to what is there */
        grad[j][n] = 77.0f;
        (j ? kernel : train_wgrad_f32_c)(&g, k, c_in, c_out, x + 64, dy + 64, scratch, grad[j]);
    }
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(grad[0][i] - grad[1][i]) <= 1e-4f))
            fail_msg("%dx%d %d -> %d, patch %d, weight %zu: %g, not %g", k, k, c_in, c_out, patch, i,
                     (double)grad[1][i], (double)grad[0][i]);
    assert_true(grad[1][n] == 77.0f && scratch[n_scratch] == 77.0f);
    for (int j = 0; j < 2; j++)
        free(grad[j]);
    free(scratch);
    free(dy);
    free(x);
}

static void weight_gradients_agree(void **state)
{
    (void)state;
    static const int shapes[][3] = { { 3, 1, 5 }, { 3, 4, 4 }, { 3, 5, 9 }, { 3, 16, 16 }, { 3, 7, 3 }, { 1, 6, 5 } };
    fovea_context *ctx = make_context(1);
    const uint32_t levels[] = { FOVEA_CPU_AVX2, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 };
    for (int j = 0; j < 2; j++) {
        if ((fovea_context_cpu(ctx) & levels[j]) != levels[j])
            continue;
        train_wgrad *kernel = train_wgrad_get(levels[j]);
        assert_ptr_not_equal(kernel, train_wgrad_get(j ? levels[0] : 0));
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int patch = 8; patch <= 32; patch += patch == 9 ? 23 : 1)
                check_wgrad(kernel, shapes[i][0], shapes[i][1], shapes[i][2], patch);
    }
    fovea_context_free(&ctx);
}

static void check_levels(const char *text)
{
    fovea_context *ctx = make_context(1);
    struct problem p;
    problem_init(ctx, text, &p);
    float *a = malloc((size_t)p.layout.n * sizeof *a), *b = malloc((size_t)p.layout.n * sizeof *b);
    gradient_now(&p, TRAIN_LOSS_MSE, 0, a);
    gradient_now(&p, TRAIN_LOSS_MSE, fovea_context_cpu(ctx), b);
    for (ptrdiff_t i = 0; i < p.layout.n; i++)
        assert_true(fabsf(a[i] - b[i]) <= 1e-5f * (1.0f + fabsf(a[i])));
    free(a);
    free(b);
    problem_free(ctx, &p);
    fovea_context_free(&ctx);
}

static void kernels_agree(void **state)
{
    (void)state;
    check_levels(skips);
    check_levels(gates);
}

/* The merged kernel's gradient, handed to a branch, is the slope by that branch's weight. */
static void branches_merge_and_pass_gradients(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1);
    struct problem p;
    problem_init(ctx, skips, &p);
    ptrdiff_t n = p.layout.n, n_master = n + train_branches_count(&p.graph);
    assert_int_equal(n_master - n, 4 * (6 + 36 + 54));
    float *master = calloc((size_t)n_master, sizeof *master), *gradient = calloc((size_t)n_master, sizeof *gradient);
    struct fovi_rng rng = { 8 };
    for (ptrdiff_t i = 0; i < n_master; i++)
        master[i] = random_value(&rng);
    train_branches_merge(&p.graph, &p.layout, master, p.parameters);
    gradient_now(&p, TRAIN_LOSS_MSE, 0, gradient);
    train_branches_backward(&p.graph, &p.layout, gradient);
    for (ptrdiff_t i = n; i < n_master; i += 5) {
        float keep = master[i];
        master[i] = keep + 2e-3f;
        train_branches_merge(&p.graph, &p.layout, master, p.parameters);
        double above = loss_now(&p, TRAIN_LOSS_MSE, 0);
        master[i] = keep - 2e-3f;
        train_branches_merge(&p.graph, &p.layout, master, p.parameters);
        double slope = (above - loss_now(&p, TRAIN_LOSS_MSE, 0)) / 4e-3;
        master[i] = keep;
        if (fabs(slope - (double)gradient[i]) > 0.02 * fabs(slope) + 2e-4)
            fail_msg("branch weight %td: slope %g, gradient %g", i, slope, (double)gradient[i]);
    }
    free(master);
    free(gradient);
    problem_free(ctx, &p);
    fovea_context_free(&ctx);
}

/* ---- patches ---- */

static struct train_set make_set(int scale)
{
    struct train_set set = make_noise(scale, 40, 30);
    struct train_picture *p = set.picture;
    for (int i = 0; i < 40 * 30 * scale * scale; i++)
        p->residual[i] = (int16_t)((p->lr[i / (scale * scale)] % 257 - 128) * 4);
    return set;
}

/* Turning the patch turns input and target alike: each output pixel lies in the block of its input pixel. */
static void symmetries_keep_input_and_target_together(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1);
    struct fovi_graph graph;
    struct train_work work;
    assert_int_equal(fovi_graph_parse(ctx, "conv3x3 1 4; shuffle 2; add base", &graph), FOVEA_OK);
    assert_int_equal(train_work_init(ctx, &work, &graph, 8), FOVEA_OK);
    struct train_set set = make_set(2);
    struct train_picture *p = set.picture;
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 40; x++)
            for (int k = 0; k < 4; k++)
                p->residual[(2 * y + k / 2) * 80 + 2 * x + k % 2] = (int16_t)(p->lr[y * 40 + x] / 4);
    for (int symmetry = 0; symmetry < 8; symmetry++) {
        struct train_patch patch = { p, 5, 7, symmetry };
        train_patch_fill(&patch, 2, &work);
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++)
                for (int k = 0; k < 4; k++) {
                    ptrdiff_t at = train_grid_row(&work.grid, y) + x;
                    assert_true(fabsf(work.target[k * work.grid.stride + at] - work.input[at]) < 1e-3f);
                }
    }
    train_set_free(&set);
    train_work_free(ctx, &work);
    fovea_context_free(&ctx);
}

/* ---- runs ---- */

static const char recipe_text[] = "method test # a comment\nlayers conv3x3 1 8 prelu; conv3x3 8 8 prelu; conv3x3 8 4; "
                                  "shuffle 2; add base\npatch 12\nbatch 5\nsteps 40\nlr 3e-3\nbranches 1\nhard 0.5\n"
                                  "rescale 1 0.5\nseed 7\n";

static void load_recipe(fovea_context *ctx, const char *text, int expected, struct train_recipe *out)
{
    char path[] = "test-train-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(text, file);
    fclose(file);
    int code = train_recipe_load(ctx, path, out);
    remove(path);
    if (code != expected)
        fail_msg("%s: %d, %s", text, code, fovea_last_error(ctx));
}

static void train_steps(fovea_context *ctx, const struct train_recipe *recipe, const struct train_set *set, int steps,
                        int break_at, float *result)
{
    struct train_net net;
    assert_int_equal(train_net_init(ctx, &net, recipe, set), FOVEA_OK);
    for (int i = 0; i < steps; i++) {
        train_net_step(&net);
        if (i + 1 != break_at)
            continue;
        assert_int_equal(train_state_save(ctx, &net.state, 42, "test-train.state"), FOVEA_OK);
        train_net_free(&net);
        assert_int_equal(train_net_init(ctx, &net, recipe, set), FOVEA_OK);
        assert_int_equal(train_state_load(ctx, &net.state, 41, "test-train.state"), FOVEA_E_FORMAT);
        assert_int_equal(train_state_load(ctx, &net.state, 42, "test-train.state"), FOVEA_OK);
        remove("test-train.state");
    }
    memcpy(result, train_net_result(&net), (size_t)net.layout.n * sizeof *result);
    train_net_free(&net);
}

static void runs_repeat_bit_for_bit(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    static float first[2000], other[2000];
    fovea_context *one = make_context(1), *three = make_context(3);
    load_recipe(one, recipe_text, FOVEA_OK, &recipe);
    struct train_set set = make_set(2);
    train_steps(one, &recipe, &set, 40, 0, first);
    train_steps(three, &recipe, &set, 40, 0, other);
    assert_memory_equal(first, other, sizeof first);
    train_steps(three, &recipe, &set, 40, 17, other);
    assert_memory_equal(first, other, sizeof first);
    train_steps(one, &recipe, &set, 39, 0, other);
    assert_memory_not_equal(first, other, sizeof first);
    train_set_free(&set);
    fovea_context_free(&one);
    fovea_context_free(&three);
}

static void training_learns(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(2);
    load_recipe(ctx, recipe_text, FOVEA_OK, &recipe);
    recipe.steps = 600;
    struct train_set set = make_set(2);
    struct train_net net;
    ask_for_quarter(set.picture);
    assert_int_equal(train_net_init(ctx, &net, &recipe, &set), FOVEA_OK);
    train_net_step(&net);
    double start = net.state.loss;
    for (int i = 1; i < 600; i++)
        train_net_step(&net);
    net.state.loss = 0.0;
    double sum = 0.0;
    for (int b = 0; b < recipe.batch; b++)
        sum += net.losses[b] / recipe.batch;
    if (!(sum < 0.01 * start))
        fail_msg("the loss went from %g to %g", start, sum);
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

static void wrong_recipes_are_refused(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(1);
    load_recipe(ctx, "method a\nsteps 5\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "flavour sweet\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "batch 0\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "batch 2.5\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "lr fast\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "rescale 1 2\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "loss l3\n", FOVEA_E_FORMAT, &recipe);
    load_recipe(ctx, "method a\nsteps 5\nlayers conv5x5 1 4; shuffle 2; add base\n", FOVEA_E_UNSUPPORTED, &recipe);
    assert_int_equal(train_recipe_load(ctx, "no-such-file", &recipe), FOVEA_E_READ);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(weight_gradients_agree),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(branches_merge_and_pass_gradients),
        cmocka_unit_test(symmetries_keep_input_and_target_together),
        cmocka_unit_test(runs_repeat_bit_for_bit),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(wrong_recipes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
