/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Distillation: a larger network that is already trained shows a smaller one what it makes of each patch (Hinton,
 * Vinyals, Dean 2015; on pixels: Gao et al. 2018).
 */
#ifndef TRAIN_TEACHER_H
#define TRAIN_TEACHER_H

#include "backprop.h"

struct train_teacher {
    struct fovi_graph graph; /* without weights */
    struct train_layout layout;
    struct train_packed packed;
    float *parameters;
    struct train_work *work; /* one a thread */
    int n_threads;
};

/* Load a container for patches of `patch` input pixels. graph: of the network that learns; FOVEA_E_ARG where scale or
 * unshuffle are others. */
int train_teacher_init(fovea_context *ctx, struct train_teacher *teacher, const char *path,
                       const struct fovi_graph *graph, int patch);
void train_teacher_free(fovea_context *ctx, struct train_teacher *teacher);

/* Other patches from now on. */
int train_teacher_resize(fovea_context *ctx, struct train_teacher *teacher, int patch);

/* What the teacher makes of the patch whose input lies in work, in the layout of work->target; the thread's own memory,
 * until it is called again. */
float *train_teacher_run(fovea_context *ctx, struct train_teacher *teacher, int thread, const struct train_work *work);

#endif
