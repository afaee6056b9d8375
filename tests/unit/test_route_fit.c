/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The regressions of the router's trainer: known coefficients come back, the mean is kept, ranks with ties.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "route_fit.h"

enum { N_OBSERVATIONS = 4000 };

/* Standard exponential. */
static double draw_exponential(struct fovi_rng *rng)
{
    return -log(1.0 - fovi_rng_uniform(rng));
}

/* Labels of mean exp(1 + 0.8 z0 - 0.3 z1 + 0.05 z0 z2); noise 0: exactly that, 1: exponentially distributed. */
static struct route_observation *make_observations(int noise)
{
    struct fovi_rng rng = { 12 };
    struct route_observation *o = calloc(N_OBSERVATIONS, sizeof *o);
    assert_non_null(o);
    for (int t = 0; t < N_OBSERVATIONS; t++) {
        double z[FOVI_ROUTE_N_Z];
        for (int i = 0; i < FOVI_ROUTE_N_Z; i++)
            z[i] = 6.0 * fovi_rng_uniform(&rng) - 3.0;
        fovi_route_terms(z, o[t].terms);
        o[t].weight = 0.25 + fovi_rng_uniform(&rng);
        o[t].label = exp(1.0 + 0.8 * z[0] - 0.3 * z[1] + 0.05 * z[0] * z[2]) * (noise ? draw_exponential(&rng) : 1.0);
    }
    return o;
}

static void known_coefficients_come_back(void **state)
{
    (void)state;
    double w[FOVI_ROUTE_N_TERMS];
    struct route_observation *o = make_observations(0);
    assert_true(route_fit(o, N_OBSERVATIONS, w));
    for (int t = 0; t < N_OBSERVATIONS; t++)
        assert_true(fabs(route_fit_value(w, o[t].terms) / o[t].label - 1.0) < 0.01);
    assert_true(fabs(w[0] - 1.0) < 0.01 && fabs(w[1] - 0.8) < 0.01 && fabs(w[2] + 0.3) < 0.01);
    free(o);
}

/* The logarithm of an exponential variable is too low by 0.577 on average; the fit must not be. */
static void noise_does_not_shift_the_mean(void **state)
{
    (void)state;
    double w[FOVI_ROUTE_N_TERMS], ratio = 0.0, weight = 0.0;
    struct route_observation *o = make_observations(1);
    assert_true(route_fit(o, N_OBSERVATIONS, w));
    for (int t = 0; t < N_OBSERVATIONS; t++) {
        ratio += o[t].weight * o[t].label / route_fit_value(w, o[t].terms);
        weight += o[t].weight;
    }
    assert_true(fabs(ratio / weight - 1.0) < 0.01);
    assert_true(fabs(w[1] - 0.8) < 0.1 && fabs(w[2] + 0.3) < 0.1);
    free(o);
}

static void ranks_are_correlated(void **state)
{
    (void)state;
    const double a[] = { 1, 2, 3, 4, 5 }, up[] = { 1, 8, 27, 64, 125 }, down[] = { 9, 7, 5, 3, 1 };
    const double mixed[] = { 1, 3, 2, 5, 4 }, ties[] = { 1, 1, 2, 2, 3 };
    assert_true(fabs(route_rank_correlation(a, up, 5) - 1.0) < 1e-12);
    assert_true(fabs(route_rank_correlation(a, down, 5) + 1.0) < 1e-12);
    assert_true(fabs(route_rank_correlation(a, mixed, 5) - 0.8) < 1e-12);
    assert_true(fabs(route_rank_correlation(a, ties, 5) - 9.0 / sqrt(90.0)) < 1e-12); /* 9 / sqrt(10 * 9) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_coefficients_come_back),
        cmocka_unit_test(noise_does_not_shift_the_mean),
        cmocka_unit_test(ranks_are_correlated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
