/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The time left, by simulation: from a quarter of the run on it is right within 20 %, whether the first pass is faster
 * or slower than its share of the progress says, and with parts that are easier than others.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../apps/cli/eta.h"
#include "base/rng.h"

/* Largest error of the time left, as a share of it, from a quarter of the run on until 2 % before its end. first: time
 * of the first pass, which counts for a tenth of the progress, as a share of the run. wave: how much the speed of the
 * second pass swings, eight times. */
static double worst_error(double total_seconds, double first, double wave, double noise)
{
    enum { STEPS = 4000 };
    struct cli_eta eta = { 0 };
    struct fovi_rng rng = { 7 };
    double cost[STEPS], sum = 0., first_sum = 0., at = 0., worst = 0.;
    for (int i = 0; i < STEPS; i++) {
        cost[i] = 1. + wave * sin(8. * 6.2831853 * i / STEPS) + noise * (fovi_rng_uniform(&rng) - .5);
        if (i < STEPS / 10)
            first_sum += cost[i];
        else
            sum += cost[i];
    }
    for (int i = 0; i < STEPS; i++) {
        at += i < STEPS / 10 ? cost[i] / first_sum * first * total_seconds
                             : cost[i] / sum * (1. - first) * total_seconds;
        double done = (i + 1.) / STEPS, left = total_seconds - at;
        cli_eta_push(&eta, at, done);
        if (at < total_seconds / 4. || left < .02 * total_seconds)
            continue;
        double error = fabs(cli_eta_left(&eta, at, done) - left) / left;
        worst = error > worst ? error : worst;
    }
    return worst;
}

static void the_time_left_is_right(void **state)
{
    (void)state;
    static const double firsts[] = { .05, .1, .125 };
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        assert_true(worst_error(10., firsts[i], 0., 0.) < .02);
        assert_true(worst_error(600., firsts[i], 0., .8) < .1);
        assert_true(worst_error(7200., firsts[i], .15, .4) < .2);
    }
    assert_true(worst_error(600., .5, 0., 0.) > .2); /* a first pass that is half of the run is not foreseen */
}

static void nothing_is_said_too_early(void **state)
{
    (void)state;
    struct cli_eta eta = { 0 };
    assert_true(cli_eta_left(&eta, 0., 0.) < 0.);
    assert_true(cli_eta_left(&eta, .1, .5) < 0.);
    assert_true(cli_eta_left(&eta, 5., 0.) < 0.);
    assert_true(fabs(cli_eta_left(&eta, 5., .5) - 5.) < 1e-9);
    assert_true(cli_eta_left(&eta, 5., 1.) == 0.);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_left_is_right),
        cmocka_unit_test(nothing_is_said_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
