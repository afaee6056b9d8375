/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Routing: which tiles of a picture are worth a network.
 *
 * The rungs of a ladder are ordered by cost: the filter below, networks above. The analysis predicts for each tile what
 * a network gains over the filter and how much error remains even so; the decision weighs gain against cost, the halo
 * of the network's region counted.
 */
#ifndef FOVI_ROUTE_ROUTE_H
#define FOVI_ROUTE_ROUTE_H

#include "base/context.h"
#include "fovea/analyze.h"
#include "fovea/upscale.h"

/* The ladder: rung 0 is the filter, each further one a network. */
enum { FOVI_ROUTE_FILTER = 0, FOVI_ROUTE_TINY, FOVI_ROUTE_SMALL, FOVI_ROUTE_MEDIUM, FOVI_ROUTE_N_RUNGS };
enum { FOVI_ROUTE_MAX_LAYERS = 24 };

struct fovi_route_rung {
    const char *name;                /* as in the model's method */
    enum fovea_path path;            /* what its tiles are marked with */
    int n_layers;                    /* 3x3 convolutions in a row: the radius in input pixels; 0 for the filter */
    int macs[FOVI_ROUTE_MAX_LAYERS]; /* multiply-adds of each for an input pixel; of the last for one output channel */
};
extern const struct fovi_route_rung fovi_route_ladder[FOVI_ROUTE_N_RUNGS];

/* Prediction from a tile's features: z = log(feature + 0.01); the terms are 1, z and all products; both regressions
 * give the log of a mean squared error for an output pixel (luma, levels^2). Far from what was seen in training a
 * quadratic goes anywhere: z is drawn towards the mean until its Mahalanobis distance is at most radius, which 999 in
 * 1000 training tiles are within. whiten: the inverse of the lower Cholesky factor of the covariance, row by row. */
enum { FOVI_ROUTE_N_Z = 6, FOVI_ROUTE_N_TERMS = 28, FOVI_ROUTE_N_WHITEN = 21, FOVI_ROUTE_N_KINDS = 3 };
struct fovi_route_model {
    double mean[FOVI_ROUTE_N_Z], whiten[FOVI_ROUTE_N_WHITEN], radius;
    double gain[FOVI_ROUTE_N_TERMS];     /* of the network over the filter, calibrated with ground truth */
    double residual[FOVI_ROUTE_N_TERMS]; /* what remains with the network */
    double margin;                       /* >= 1: a lost gain counts this many times, in the forecast too */
    /* loss <= bound * forecast on 95 % of pictures of a kind (split conformal prediction: Papadopoulos et al. 2002,
     * Vovk et al. 2005; by kinds: Vovk 2012). The kind: how many of the splits the expected error of a pixel reaches */
    double split[FOVI_ROUTE_N_KINDS - 1], bound[FOVI_ROUTE_N_KINDS];
};

/* The committed coefficients; NULL where there are none. scale: 2, 3 or 4. */
const struct fovi_route_model *fovi_route_model_builtin(int rung, int scale);

/* Multiply-adds of a rung's network for an input pixel; 0 for the filter. */
double fovi_route_macs(int rung, int scale);

/* Nanoseconds for an input pixel on one thread, as committed for an instruction level (FOVEA_CPU_* bits of the context)
 * and number format. */
double fovi_route_cost(int rung, int scale, uint32_t cpu, int is_bf16);

/* Whether a decision can save its own time, for px input pixels with a network on top; the same on every machine. */
int fovi_route_pays(int top, int scale, int is_bf16, double px, double max_loss_db);

struct fovi_route_params {
    int scale;          /* 2, 3 or 4 */
    unsigned allow;     /* bit k: rung k may be used; at least one */
    unsigned bf16;      /* bit k: rung k runs in bfloat16 or int8 */
    double max_loss_db; /* >= 0, against the top allowed rung everywhere; 0 = the top rung everywhere */
    double budget_ms;   /* most wall time, > 0; 0 = no limit. Goes before max_loss_db */
    int n_threads;      /* that share the budgeted work */
    double ns_per_px[FOVI_ROUTE_N_RUNGS];        /* for an input pixel on one thread: what gains are weighed against */
    double edge[FOVI_ROUTE_N_RUNGS];             /* a pixel of the halo costs as much as this many others */
    double budget_ns_per_px[FOVI_ROUTE_N_RUNGS]; /* as the budget counts, on this machine */
    const struct fovi_route_model *model;        /* of the top allowed rung; NULL = the committed one */
};

struct fovi_route_result {
    int top;                  /* rung */
    double predicted_loss_db; /* of the picture's PSNR-Y, against the top rung everywhere */
    double bound_db;          /* the loss stays below this on 95 % of pictures of this kind */
    double residual;          /* error expected of an output pixel with the top network everywhere, levels^2 */
    double predicted_ms;      /* of filter and networks together */
    int64_t network_px;       /* input pixels that networks make, halos averaged over the layers */
    double saved_share;       /* of the multiply-adds of the top rung everywhere */
};

/* Fill p with the defaults for a scale on this context: every rung whose gain can be predicted, 0.05 dB, no budget,
 * committed costs. bf16: as in the params. What is weighed depends on the number format alone, so that
 * without a budget one precision decides the same everywhere; the budget counts the machine's own costs. */
void fovi_route_params_init(const fovea_context *ctx, int scale, unsigned bf16, struct fovi_route_params *p);

/* Decide. path: map->n_tiles_x * map->n_tiles_y of enum fovea_path, filled. FOVEA_E_ARG, FOVEA_E_UNSUPPORTED (no
 * coefficients for this scale), FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_route_decide(fovea_context *ctx, const struct fovea_map *map, const struct fovi_route_params *p, uint8_t *path,
                      struct fovi_route_result *result);

/* ---- the parts, for the trainer and the tests ---- */

/* Mahalanobis distance of z; and z drawn in until that is at most radius. */
double fovi_route_distance(const double mean[FOVI_ROUTE_N_Z], const double whiten[FOVI_ROUTE_N_WHITEN],
                           const double z[FOVI_ROUTE_N_Z]);
void fovi_route_draw_in(const double mean[FOVI_ROUTE_N_Z], const double whiten[FOVI_ROUTE_N_WHITEN], double radius,
                        double z[FOVI_ROUTE_N_Z]);

/* z of a tile, not drawn in, and the terms of a z that is. */
void fovi_route_z(const struct fovea_tile_features *tile, double z[FOVI_ROUTE_N_Z]);
void fovi_route_terms(const double z[FOVI_ROUTE_N_Z], double terms[FOVI_ROUTE_N_TERMS]);

/* Predicted gain and remaining error of a tile, for an output pixel. */
void fovi_route_predict(const struct fovi_route_model *model, const struct fovea_tile_features *tile, double *gain,
                        double *residual);

/* The same from a z that is not drawn in; gain or residual may be NULL. A flat tile (one level, so there is nothing to
 * gain) gains nothing, whatever this says. */
void fovi_route_predict_z(const struct fovi_route_model *model, const double z[FOVI_ROUTE_N_Z], double *gain,
                          double *residual);
int fovi_route_is_flat(const struct fovea_tile_features *tile);

/* Which bound holds for a picture. residual: expected error of an output pixel with the network everywhere. */
int fovi_route_kind(const struct fovi_route_model *model, double residual);

/* How much a network computes for a tile that lies beside its region. is_float: it does not run in bfloat16 or int8. */
struct fovi_route_halo;
int fovi_route_halo_create(fovea_context *ctx, const struct fovi_route_rung *rung, int scale, int is_float, int width,
                           int height, struct fovi_route_halo **out);
void fovi_route_halo_free(fovea_context *ctx, struct fovi_route_halo *halo);

/* Input pixels of the region of the tiles of one level, halo included. level: one byte a tile. */
double fovi_route_halo_px(const struct fovi_route_halo *halo, const uint8_t *level, uint8_t which);

/* What the choice weighs: errors summed over tiles, and costs. */
enum { FOVI_ROUTE_MAX_LEVELS = FOVI_ROUTE_N_RUNGS };
struct fovi_route_problem {
    int n_levels; /* level 0 is the filter, each further one a network, by rising cost */
    struct fovi_route_level {
        const struct fovi_route_halo *halo; /* NULL for the filter; of all the others for the same picture */
        const double *gain;                 /* over the filter of each tile, summed over its pixels; not below that of
                                               the level before; NULL for the filter */
        double ns, budget_ns;               /* for an input pixel: weighed against the gain, and as the budget counts */
        double edge;                        /* a pixel of the halo costs as much as this many others */
    } level[FOVI_ROUTE_MAX_LEVELS];
    double residual;               /* of the whole picture with the last level everywhere; > 0 */
    double max_loss_db, budget_ns; /* as in the params; 0 = no limit for the budget */
};

/* Choose a level for each tile. */
int fovi_route_select(fovea_context *ctx, const struct fovi_route_problem *problem, uint8_t *level);

/* Loss in dB of a choice, and its cost as the budget counts. */
double fovi_route_loss_db(const struct fovi_route_problem *problem, const uint8_t *level);
double fovi_route_cost_ns(const struct fovi_route_problem *problem, const uint8_t *level);

#endif
