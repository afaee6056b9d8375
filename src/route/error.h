/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The error that a tile is expected to have against the unknown truth.
 *
 * Two things tell it: what the analysis finds in the input, and how far the makers disagree, that is how much filter
 * or network changed the bicubic base there. A quadratic ridge regression with a log link, one for each maker and
 * scale, was fitted to the true errors of training pictures (gamma deviance, which keeps the mean right).
 */
#ifndef FOVI_ROUTE_ERROR_H
#define FOVI_ROUTE_ERROR_H

#include "route/route.h"

struct fovi_error_model {
    enum fovea_path path; /* the maker; FOVEA_PATH_CLASSIC is the bicubic base */
    double mean[FOVI_ROUTE_N_Z], whiten[FOVI_ROUTE_N_WHITEN], radius; /* as in route.h */
    double w[FOVI_ROUTE_N_TERMS]; /* log of the mean squared error of luma, in levels */
};

/* The committed regression of a maker. For a maker without one (a model from a file): that of the best built-in
 * network of the scale; for a tile that fell back: that of the base. scale: 2, 3 or 4. */
const struct fovi_error_model *fovi_error_model_builtin(enum fovea_path path, int scale);

/* What of a tile's features the expectation needs, small, since it is kept while the picture is made: log(feature +
 * 0.01) in steps of 1/2048 from -5 on. */
enum { FOVI_ERROR_N_FEATURES = FOVI_ROUTE_N_Z - 1 };
struct fovi_error_tile {
    uint16_t z[FOVI_ERROR_N_FEATURES];
};
void fovi_error_pack(const struct fovea_tile_features *tile, struct fovi_error_tile *out);

/* z of a tile: five features of the analysis and log(added + 0.01), not clamped. added: mean square of what the maker
 * put on the bicubic luma, in squared levels, for an output pixel. */
void fovi_error_z(const struct fovi_error_tile *tile, double added, double z[FOVI_ROUTE_N_Z]);

/* Expected mean squared error of luma for an output pixel, in squared levels. */
double fovi_error_predict(const struct fovi_error_model *model, const struct fovi_error_tile *tile, double added);

#endif
