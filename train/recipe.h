/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recipes: text files that say all that a training run of a network depends on but the pictures.
 *
 * Lines of "key value"; '#' begins a comment. Keys and defaults stand at the fields below.
 */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include <stdio.h>

#include "base/context.h"
#include "net/graph.h"

#define TRAIN_MAX_RESCALE 8
#define TRAIN_MAX_PATCHES 8

enum train_loss { TRAIN_LOSS_L1, TRAIN_LOSS_CHARBONNIER, TRAIN_LOSS_MSE };

struct train_recipe {
    char method[32];   /* method NAME: no default */
    char layers[4096]; /* layers TEXT: the graph (src/net/graph.h); no default */
    struct fovi_graph graph;
    int patch, batch;               /* batch 16: patches a step, 1..256; patch: the largest of those below */
    int patches[TRAIN_MAX_PATCHES]; /* patch 32: edge in low-resolution pixels, 8..128; several, as patch 24 32 48, one
                                       after the other for equal shares of the steps */
    int n_patches;
    long steps;           /* steps N: no default; 0 = what it starts from */
    double lr;            /* lr 2e-3: highest rate; cosine down to a thousandth of it */
    double warmup;        /* warmup 0.01: share of the steps with a linearly rising rate */
    enum train_loss loss; /* loss l1|charbonnier|mse (charbonnier: epsilon 1e-3) */
    double fft;           /* fft 0: weight of the loss on frequencies beside it (spectrum.h), but for the MSE tail */
    char teacher[1024];   /* teacher FILE WEIGHT: the loss is against this network's result, too (teacher.h) ... */
    double teacher_share; /* ... by this share, the truth by the rest; no default */
    double mse_tail;      /* mse_tail 0.15: last share of the steps, trained with MSE */
    double ema;           /* ema 0.999: decay of the averaged weights, which are those that are saved */
    double clip;          /* clip 1: ceiling of the gradient's norm; 0 = none */
    int branches;         /* branches 0|1: train with parallel branches that are merged on export */
    int quantise;         /* quantise 0: train what is in float; 8: for int8, from --init (quant.h) */
    double hard;          /* hard 0: probability that a patch is the harder one of two draws */
    double rescale[TRAIN_MAX_RESCALE]; /* rescale 1 0.8 0.6: pictures are also used at these sizes */
    int n_rescale;
    uint64_t seed;      /* seed 0 */
    char sources[1024]; /* sources TEXT: what the pictures are; goes into the container */
    char licence[1024]; /* licence TEXT: terms of the weights; goes into the container */
};

/* Edge of the patches at a step. */
int train_recipe_patch(const struct train_recipe *recipe, long step);

/* Read a recipe. FOVEA_E_READ, or FOVEA_E_FORMAT with file and line. */
int train_recipe_load(fovea_context *ctx, const char *path, struct train_recipe *out);

/* The same from an open file; path: its name for messages. */
int train_recipe_read(fovea_context *ctx, const char *path, FILE *file, struct train_recipe *out);

#endif
