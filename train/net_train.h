/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The training of a network: state, steps, checkpoints.
 */
#ifndef TRAIN_NET_TRAIN_H
#define TRAIN_NET_TRAIN_H

#include "backprop.h"
#include "base/rng.h"
#include "patches.h"
#include "quant.h"
#include "spectrum.h"
#include "teacher.h"

/* Everything that a step changes; what a checkpoint holds. The vectors have n_master values: the parameters of the
 * layout and the branches. */
struct train_state {
    long step;
    struct fovi_rng rng;
    double loss; /* running mean of the training loss, level / 255 */
    ptrdiff_t n_master;
    float *master, *moment1, *moment2, *average;
};

struct train_net {
    fovea_context *ctx;
    const struct train_recipe *recipe;
    const struct train_set *set;
    struct train_layout layout;
    struct train_state state;
    struct train_packed packed;
    struct train_quant quant;
    float *merged;    /* parameters of the network, from master or average */
    float *gradients; /* n_master for each patch of a batch, summed in order: the same for any number of threads */
    double *losses;   /* of each patch */
    struct train_patch *patches;
    struct train_work *work;         /* one a thread, for the current patch */
    struct train_spectrum *spectrum; /* one a thread; NULL without that loss */
    struct train_teacher teacher;    /* with a recipe that names one */
    enum train_loss loss;            /* of the current step */
    int patch;                       /* edge at the current step */
};

/* Start with random weights: He et al. 2015, the last layer near zero, so that the first picture is the base. */
int train_net_init(fovea_context *ctx, struct train_net *net, const struct train_recipe *recipe,
                   const struct train_set *set);
void train_net_free(struct train_net *net);

/* For a recipe with quantise: find steps, zero points and scales for the weights that the state holds. */
int train_net_calibrate(struct train_net *net);

/* One step: draw, forward, backward, Adam, average. FOVEA_E_NOMEM, FOVEA_E_LIMIT where the patches change. */
int train_net_step(struct train_net *net);

/* Parameters of the averaged network, layout.n values, valid until the next step. */
const float *train_net_result(struct train_net *net);

/* PSNR in dB of the averaged network (and of the base alone), the mean over held-out pictures: of each a patch in the
 * middle, or n_side^2 patches that are spread evenly over it, as one. */
int train_net_validate(struct train_net *net, const struct train_set *held_out, int n_side, double *psnr,
                       double *base_psnr);

/* Write the state (atomically), or read one of the same recipe. recipe_hash ties both together. */
int train_state_save(fovea_context *ctx, const struct train_state *state, uint64_t recipe_hash, const char *path);
int train_state_load(fovea_context *ctx, struct train_state *state, uint64_t recipe_hash, const char *path);

#endif
