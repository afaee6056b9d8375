/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inside of a plan: what plan.c builds and run.c runs.
 */
#ifndef FOVI_PIPELINE_PLAN_H
#define FOVI_PIPELINE_PLAN_H

#include "pipeline/chain.h"
#include "pipeline/stage.h"
#include "route/error.h"

/* Steps of back-projection where consistency is on: pairs of local ones at whole ratios and at others; steps close to a
 * ratio of one. By mode; docs/how-it-works.md says how the numbers were found. */
#define FOVI_CONSISTENCY_PAIRS 2
#define FOVI_FRACTION_PAIRS 4
#define FOVI_FAITHFUL_PAIRS 5
#define FOVI_BLUNT_STEPS 3
#define FOVI_FAITHFUL_BLUNT_STEPS 5

/* How far an enlargement looks at least, in its input: bicubic, the filter's window. */
#define FOVI_STEP_MIN_RADIUS 4

/* Those of mode vivid: zero, luma, gain, sum, and two projections. */
#define FOVI_VIVID_STAGES 6

#define FOVI_MAX_STAGES (1 + 2 * FOVI_CHAIN_MAX + 2 + FOVI_VIVID_STAGES)

/* One integer step of the chain. */
struct fovi_step {
    int scale, width, height; /* of the part of its input that it sees */
    int n_tiles_x, n_tiles_y;
    fovea_model *filter; /* owned; NULL where the step does without */
    int n_networks;
    struct fovi_step_network {
        fovea_model *owned; /* NULL for the caller's model */
        const struct fovi_graph *graph;
        enum fovea_path path;
        enum fovi_exec_format format;
    } network[FOVI_MAX_NETWORKS]; /* by rising cost */
    uint8_t *path, *cause;        /* of each tile */
    uint8_t *likeness;            /* of each tile, in the modes that look for it; else NULL */
    struct fovi_stage *stage;
};

struct fovea_plan {
    struct fovi_run run;
    struct fovea_upscale_params params;
    struct fovea_costs costs;                       /* all 0: the committed ones */
    int in_width, in_height, out_width, out_height; /* of the whole pictures */
    int is_cropped;
    struct fovi_frame in_part, out_part, crop; /* what is read, what is made, what of that is written */
    uint8_t *whole_path;                       /* cropped, auto: the path of each tile of the whole input */
    char method[32];
    int n_chain, chain[FOVI_CHAIN_MAX];
    struct fovi_step step[FOVI_CHAIN_MAX];
    struct fovi_project_params consistency; /* without steps: none */
    int n_stages;
    struct fovi_stage *stage[FOVI_MAX_STAGES]; /* from the source to the result */
    struct fovi_meter *meter;                  /* NULL: not measured */
    void *rows;                                /* run.piece rows of the result as they are written */
    ptrdiff_t rows_stride;
    void *in_rows; /* run.piece rows of the source in the first pass */
    ptrdiff_t in_stride;
    void *kept;                       /* all rows of the source, where two passes are made of a small one; else NULL */
    int is_analyzed;                  /* in the last run: features holds its tiles */
    struct fovi_error_tile *features; /* NULL: no run is analysed */
    double *detail_squares;           /* mode vivid, else NULL: sums over the first step's tiles */
    float *detail, *detail_source;    /* the second after a run: the root of what the detail costs */
    float *added, *expected; /* of the first step's tiles, fovea_tile_figures; while a run lasts added is a square, and
                                features are where expected will be */
};

/* ---- vivid.c ---- */

/* FOVEA_E_ARG, FOVEA_E_UNSUPPORTED (neither grey nor RGB). */
int fovi_vivid_check(const fovea_plan *plan);

/* Rows of the result that the stage before must hold for it, more than rows_in_use; 0 without it. */
int fovi_vivid_rows(const fovea_plan *plan, int rows_in_use);

/* How far it looks, in pixels of the input. */
double fovi_vivid_reach(const fovea_plan *plan);

/* Append its stages, if the mode asks for it. */
int fovi_vivid_add(fovea_plan *plan, int rows_in_use);

/* ---- figures.c ---- */

/* Take memory for the figures of the tiles. */
int fovi_figures_create(fovea_plan *plan);
void fovi_figures_free(fovea_plan *plan);

/* Before a run; with its analysis, whose map may be freed then; after its last row; into its report. */
void fovi_figures_reset(fovea_plan *plan);
void fovi_figures_analyzed(fovea_plan *plan, const struct fovea_map *map);
void fovi_figures_finish(fovea_plan *plan);
void fovi_figures_report(const fovea_plan *plan, struct fovea_report *report);

/* Expected mean square error of a tile whose features and added are known, while a run lasts. */
float fovi_figures_expect(const fovea_plan *plan, size_t tile);

/* Input pixels that the step's methods look at around a pixel. */
int fovi_step_radius(const fovea_plan *plan, const struct fovi_step *step);

/* part.c: set in_part, out_part and crop. FOVEA_E_ARG where the crop does not lie in the result. */
int fovi_plan_choose_parts(fovea_plan *plan);

/* The number format that a precision stands for, for a network on this context. */
enum fovi_exec_format fovi_plan_format(const fovea_context *ctx, enum fovea_precision precision,
                                       const struct fovi_graph *graph);

/* Whether auto decides tile by tile in this plan; else one method makes every tile. */
int fovi_plan_decides(const fovea_plan *plan);

#endif
