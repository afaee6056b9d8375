/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Regressions with a log link for the router.
 */
#ifndef TRAIN_ROUTE_FIT_H
#define TRAIN_ROUTE_FIT_H

#include <stddef.h>

#include "route/route.h"

/* One observation: terms of a tile, its weight (pixels) and what is to be predicted (>= 0). */
struct route_observation {
    double terms[FOVI_ROUTE_N_TERMS];
    double weight, label;
};

/* Coefficients w such that exp(w . terms) is near the label in the sense of the gamma deviance, which asks for the
 * right mean where relative errors are alike; a small ridge on all but the constant. Returns 0 where the matrix is
 * singular. */
int route_fit(const struct route_observation *observations, size_t n, double w[FOVI_ROUTE_N_TERMS]);

/* exp(w . terms). */
double route_fit_value(const double w[FOVI_ROUTE_N_TERMS], const double terms[FOVI_ROUTE_N_TERMS]);

/* Spearman's rank correlation of two lists. Needs memory; NaN without. */
double route_rank_correlation(const double *a, const double *b, size_t n);

/* Mean of z over observations, the inverse of the lower Cholesky factor of its covariance, row by row, and the
 * Mahalanobis distance that 999 in 1000 are within. 0: out of memory. */
int route_fit_spread(const struct route_observation *o, size_t n, double mean[FOVI_ROUTE_N_Z],
                     double whiten[FOVI_ROUTE_N_WHITEN], double *radius);

#endif
