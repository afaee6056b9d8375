/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inside of a plan: what plan.c builds and run.c runs.
 */
#ifndef FOVI_PIPELINE_PLAN_H
#define FOVI_PIPELINE_PLAN_H

#include "pipeline/chain.h"
#include "pipeline/stage.h"

/* Steps of back-projection where consistency is on, by mode; docs/how-it-works.md says how the numbers were found. */
#define FOVI_CONSISTENCY_STEPS 3
#define FOVI_FAITHFUL_STEPS 6

#define FOVI_MAX_STAGES (1 + FOVI_CHAIN_MAX + 1 + FOVI_FAITHFUL_STEPS)

/* One integer step of the chain. */
struct fovi_step {
    int scale, width, height; /* of its input */
    int n_tiles_x, n_tiles_y;
    fovea_model *filter; /* owned; NULL where the step does without */
    int n_networks;
    struct fovi_step_network {
        fovea_model *owned; /* NULL for the caller's model */
        const struct fovi_graph *graph;
        enum fovea_path path;
    } network[FOVI_MAX_NETWORKS]; /* by rising cost */
    uint8_t *path;
    struct fovi_stage *stage;
};

struct fovea_plan {
    struct fovi_run run;
    struct fovea_upscale_params params;
    int in_width, in_height, out_width, out_height;
    char method[32];
    int n_chain, chain[FOVI_CHAIN_MAX];
    struct fovi_step step[FOVI_CHAIN_MAX];
    int consistency_steps;
    int n_stages;
    struct fovi_stage *stage[FOVI_MAX_STAGES]; /* from the source to the result */
    struct fovi_meter *meter;                  /* NULL: not measured */
    void *rows;                                /* run.piece rows of the result as they are written */
    ptrdiff_t rows_stride;
    void *in_rows; /* run.piece rows of the source in the first pass of auto */
    ptrdiff_t in_stride;
};

#endif
