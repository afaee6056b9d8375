/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a training aims at besides the plain loss: frequencies, a teacher, patches that grow.
 */
#include <math.h>

#include "net_model.h"
#include "train_fixture.h"

/* Residuals that have nothing to do with the input. */
static struct train_set make_set(void)
{
    struct train_set set = make_noise(2, 60, 50);
    struct fovi_rng rng = { 5 };
    for (int i = 0; i < 4 * 60 * 50; i++)
        set.picture->residual[i] = (int16_t)((int)fovi_rng_below(&rng, 2000) - 1000);
    return set;
}

/* A transform of 2 * 6 by 2 * 6 by its definition, in double. */
static double spectrum_of(const struct train_work *work, int edge)
{
    double sum = 0.0, step = 2.0 * acos(-1.0) / edge;
    for (int v = 0; v < edge; v++) {
        for (int u = 0; u < edge; u++) {
            double re = 0.0, im = 0.0;
            for (int y = 0; y < edge; y++)
                for (int x = 0; x < edge; x++) {
                    ptrdiff_t at = train_grid_place(&work->grid, 2, x, y);
                    double d = (double)work->post[0][at] - (double)work->target[at], t = step * (u * x + v * y);
                    re += d * cos(t);
                    im -= d * sin(t);
                }
            sum += fabs(re) + fabs(im);
        }
    }
    return sum / (2.0 * edge * edge);
}

static void loss_on_frequencies_has_its_slopes(void **state)
{
    (void)state;
    enum { EDGE = 12 };
    fovea_context *ctx = make_context(1);
    struct fovi_graph graph;
    struct train_work work;
    struct train_spectrum spectrum;
    struct fovi_rng rng = { 8 };
    assert_int_equal(fovi_graph_parse(ctx, "conv3x3 1 4; shuffle 2; add base", &graph), FOVEA_OK);
    assert_int_equal(train_work_init(ctx, &work, &graph, EDGE / 2), FOVEA_OK);
    assert_int_equal(train_spectrum_init(ctx, &spectrum, EDGE), FOVEA_OK);
    for (int y = 0; y < EDGE; y++)
        for (int x = 0; x < EDGE; x++) {
            ptrdiff_t at = train_grid_place(&work.grid, 2, x, y);
            work.post[0][at] = (float)(fovi_rng_uniform(&rng) - 0.5);
            work.target[at] = (float)(fovi_rng_uniform(&rng) - 0.5);
            work.grad[0][at] = 1.0f; /* is added to */
        }
    double loss = train_spectrum_loss(&spectrum, &graph, 3.0f, &work), direct = spectrum_of(&work, EDGE);
    if (!(fabs(loss - direct) < 1e-4 * direct))
        fail_msg("loss %g, by definition %g", loss, direct);
    for (int i = 0; i < 30; i++) {
        ptrdiff_t at = train_grid_place(&work.grid, 2, (int)fovi_rng_below(&rng, EDGE),
                                        (int)fovi_rng_below(&rng, EDGE));
        const float h = 1e-3f, keep = work.post[0][at];
        work.post[0][at] = keep + h;
        double above = spectrum_of(&work, EDGE);
        work.post[0][at] = keep - h;
        double slope = 3.0 * (above - spectrum_of(&work, EDGE)) / (2.0 * (double)h);
        work.post[0][at] = keep;
        if (!(fabs(slope - ((double)work.grad[0][at] - 1.0)) < 0.03 * fabs(slope) + 0.02))
            fail_msg("slope %g, gradient %g", slope, (double)work.grad[0][at] - 1.0);
    }
    train_spectrum_free(ctx, &spectrum);
    train_work_free(ctx, &work);
    fovea_context_free(&ctx);
}

#define LAYERS "layers conv3x3 1 8 prelu; conv3x3 8 8 prelu; conv3x3 8 4; shuffle 2; add base\n"
#define REST "batch 3\nsteps 90\nlr 3e-3\nrescale 1\nmse_tail 0\n"

/* Losses of the patches that a certain seed draws, summed. */
static double drawn_loss(struct train_net *net)
{
    double sum = 0.0;
    net->state.rng = (struct fovi_rng){ 9 };
    assert_int_equal(train_net_step(net), FOVEA_OK);
    for (int b = 0; b < net->recipe->batch; b++)
        sum += net->losses[b];
    return sum;
}

/* A network that is its own teacher loses nothing against it, so what is left of the loss is the truth's share; a
 * network that learns from the teacher alone comes near it. */
static void teachers_are_followed(void **state)
{
    (void)state;
    static const char path[] = "test-train-losses.safetensors";
    static struct train_recipe plain, taught, only;
    fovea_context *ctx = make_context(2);
    read_recipe(ctx, "method test\n" LAYERS REST "patch 12\nseed 4\n", FOVEA_OK, &plain);
    read_recipe(ctx, "method test\n" LAYERS REST "patch 12\nseed 4\nteacher test-train-losses.safetensors 0.75\n",
                FOVEA_OK, &taught);
    read_recipe(ctx, "method test\n" LAYERS REST "patch 12\nseed 6\nteacher test-train-losses.safetensors 1\n",
                FOVEA_OK, &only);
    only.steps = 600;
    struct train_set set = make_set();
    struct train_net net;
    assert_int_equal(train_net_init(ctx, &net, &plain, &set), FOVEA_OK);
    assert_int_equal(train_model_save(&net, "test", path), FOVEA_OK);
    double truth = drawn_loss(&net);
    train_net_free(&net);
    assert_int_equal(train_net_init(ctx, &net, &taught, &set), FOVEA_OK); /* the same seed, so the same weights */
    double loss = drawn_loss(&net);
    if (!(fabs(loss - 0.25 * truth) < 1e-5 * truth))
        fail_msg("loss %g, against the truth alone %g", loss, truth);
    train_net_free(&net);
    assert_int_equal(train_net_init(ctx, &net, &only, &set), FOVEA_OK);
    double first = drawn_loss(&net), last = 0.0;
    for (int i = 1; i < only.steps; i++)
        assert_int_equal(train_net_step(&net), FOVEA_OK);
    for (int b = 0; b < only.batch; b++)
        last += net.losses[b];
    if (!(last < 0.2 * first))
        fail_msg("the loss against the teacher went from %g to %g", first, last);
    train_net_free(&net);
    remove(path);
    assert_int_not_equal(train_net_init(ctx, &net, &only, &set), FOVEA_OK); /* no such file any more */
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

static void run(fovea_context *ctx, const struct train_recipe *recipe, const struct train_set *set, int break_at,
                float *result)
{
    struct train_net net;
    int seen = 0;
    assert_int_equal(train_net_init(ctx, &net, recipe, set), FOVEA_OK);
    for (int i = 0; i < recipe->steps; i++) {
        assert_int_equal(train_net_step(&net), FOVEA_OK);
        assert_int_equal(net.patch, i < 30 ? 8 : i < 60 ? 12 : 10);
        seen |= 1 << net.work[0].grid.patch;
        if (i + 1 != break_at)
            continue;
        assert_int_equal(train_state_save(ctx, &net.state, 1, "test-train-losses.state"), FOVEA_OK);
        train_net_free(&net);
        assert_int_equal(train_net_init(ctx, &net, recipe, set), FOVEA_OK);
        assert_int_equal(train_state_load(ctx, &net.state, 1, "test-train-losses.state"), FOVEA_OK);
        remove("test-train-losses.state");
    }
    assert_int_equal(seen, 1 << 8 | 1 << 12 | 1 << 10);
    memcpy(result, train_net_result(&net), (size_t)net.layout.n * sizeof *result);
    train_net_free(&net);
}

/* Patches change at their steps, a run that was broken off included; bytes do not depend on threads. */
static void patches_grow(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    static float first[1200], other[1200];
    fovea_context *one = make_context(1), *three = make_context(3);
    read_recipe(one, "method test\n" LAYERS REST "patch 8 12 10\nfft 0.05\n", FOVEA_OK, &recipe);
    assert_int_equal(recipe.patch, 12);
    struct train_set set = make_set();
    run(one, &recipe, &set, 0, first);
    run(three, &recipe, &set, 47, other);
    assert_memory_equal(first, other, sizeof first);
    recipe.fft = 0.0;
    run(one, &recipe, &set, 0, other);
    assert_memory_not_equal(first, other, sizeof first);
    train_set_free(&set);
    fovea_context_free(&one);
    fovea_context_free(&three);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    static struct train_recipe recipe;
    fovea_context *ctx = make_context(1);
    read_recipe(ctx, "patch 32 200\n", FOVEA_E_FORMAT, &recipe);
    read_recipe(ctx, "patch 8 8 8 8 8 8 8 8 8\n", FOVEA_E_FORMAT, &recipe);
    read_recipe(ctx, "fft -1\n", FOVEA_E_FORMAT, &recipe);
    read_recipe(ctx, "teacher file\n", FOVEA_E_FORMAT, &recipe);
    read_recipe(ctx, "teacher file 1.5\n", FOVEA_E_FORMAT, &recipe);
    read_recipe(ctx, "method a\nsteps 5\nlayers unshuffle 2; conv3x3 4 16; shuffle 4; add base\npatch 8 9\n",
                FOVEA_E_FORMAT, &recipe);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_on_frequencies_has_its_slopes),
        cmocka_unit_test(teachers_are_followed),
        cmocka_unit_test(patches_grow),
        cmocka_unit_test(wrong_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
