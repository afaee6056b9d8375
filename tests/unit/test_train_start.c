/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a training starts from: the layers of another network, which may be less deep.
 */
#include <math.h>

#include "net_model.h"
#include "train_fixture.h"

static void layers_are_paired(void **state)
{
    (void)state;
    static const char skips[] = "conv3x3 1 6 prelu; conv3x3 6 6 prelu; conv1x1 6 6 prelu; add 0; conv3x3 6 9; "
                                "shuffle 3; add base";
    static const char gates[] = "unshuffle 2; conv3x3 4 8; conv3x3 8 8 prelu; conv3x3 8 8; gate 0; conv3x3 8 8; "
                                "gate 3; concat 0 3 5; conv1x1 24 8; conv3x3 8 16; shuffle 4; add base";
    static const char deep[] = "conv3x3 1 6 prelu; conv3x3 6 6 prelu; conv1x1 6 6 prelu; add 0; conv3x3 6 6 prelu; "
                               "conv3x3 6 6 prelu; conv3x3 6 6; add 3; conv3x3 6 9; shuffle 3; add base";
    static const int deeper[] = {
        0, 1, 2, TRAIN_NEW_LAYER, TRAIN_NEW_LAYER, TRAIN_NEW_LAYER, TRAIN_NEW_BLOCK_END, TRAIN_NEW_LAYER, 4
    };
    struct fovi_graph have, want;
    int from[FOVI_GRAPH_MAX_LAYERS];
    fovea_context *ctx = make_context(2);
    assert_int_equal(fovi_graph_parse(ctx, skips, &have), FOVEA_OK);
    assert_int_equal(fovi_graph_parse(ctx, deep, &want), FOVEA_OK);
    train_model_pairs(&have, &want, from);
    assert_memory_equal(from, deeper, sizeof deeper);
    assert_int_equal(fovi_graph_parse(ctx, gates, &have), FOVEA_OK);
    train_model_pairs(&have, &have, from);
    for (int l = 0; l < have.n_layers; l++)
        assert_int_equal(from[l], have.layer[l].kind == FOVI_LAYER_CONV ? l : TRAIN_NEW_LAYER);
    fovea_context_free(&ctx);
}

/* Loss over the patches that a certain seed draws. */
static double drawn_loss(struct train_net *net)
{
    double sum = 0.0;
    net->state.rng = (struct fovi_rng){ 9 };
    train_net_step(net);
    for (int b = 0; b < net->recipe->batch; b++)
        sum += net->losses[b];
    return sum;
}

static void load_written(fovea_context *ctx, const char *path, struct fovi_container **container)
{
    static unsigned char bytes[65536];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    remove(path);
    assert_int_equal(fovi_container_parse(ctx, bytes, n, container), FOVEA_OK);
}

/* Train a little, write, and start a deeper network from that. */
static void deeper_network_begins_as_shallower(void **state)
{
    (void)state;
    static const char rest[] = "shuffle 2; add base\npatch 12\nbatch 5\nsteps 200\nlr 3e-3\nrescale 1\n";
    static const char path[] = "test-train-start.safetensors";
    static struct train_recipe recipe[2];
    char text[500];
    fovea_context *ctx = make_context(2);
    for (int deep = 0; deep < 2; deep++) {
        snprintf(text, sizeof text, "method test\nlayers conv3x3 1 8 prelu; conv3x3 8 8 prelu; %sconv3x3 8 4; %s",
                 deep ? "conv3x3 8 8 prelu; conv3x3 8 8; add 1; " : "", rest);
        read_recipe(ctx, text, FOVEA_OK, &recipe[deep]);
    }
    struct train_set set = make_noise(2, 40, 30);
    ask_for_quarter(set.picture);
    struct train_net net;
    assert_int_equal(train_net_init(ctx, &net, &recipe[0], &set), FOVEA_OK);
    for (int i = 0; i < 100; i++)
        train_net_step(&net);
    memcpy(net.state.average, net.state.master, (size_t)net.state.n_master * sizeof(float));
    assert_int_equal(train_model_save(&net, "test", path), FOVEA_OK);
    double shallow = drawn_loss(&net);
    train_net_free(&net);

    struct fovi_container *container;
    load_written(ctx, path, &container);
    assert_int_equal(train_net_init(ctx, &net, &recipe[1], &set), FOVEA_OK);
    double fresh = drawn_loss(&net);
    train_net_free(&net);
    assert_int_equal(train_net_init(ctx, &net, &recipe[1], &set), FOVEA_OK);
    assert_int_equal(train_model_start(&net, container, path), FOVEA_OK);
    double deep = drawn_loss(&net);
    if (!(fabs(deep - shallow) < 1e-5 * shallow) || !(fabs(fresh - shallow) > 1e-2 * shallow))
        fail_msg("loss %g of the shallow one, %g of the deeper one, %g without a start", shallow, deep, fresh);
    fovi_container_free(ctx, &container);
    train_net_free(&net);
    train_set_free(&set);
    fovea_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_paired),
        cmocka_unit_test(deeper_network_begins_as_shallower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
