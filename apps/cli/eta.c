/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The time left of a run.
 */
#include "eta.h"

void cli_eta_push(struct cli_eta *eta, double seconds, double done)
{
    if (eta->n && seconds < eta->seconds[eta->n - 1] + eta->step_seconds)
        return;
    if (eta->n == CLI_ETA_POINTS) {
        for (int i = 0; i < CLI_ETA_POINTS / 2; i++) {
            eta->seconds[i] = eta->seconds[2 * i];
            eta->done[i] = eta->done[2 * i];
        }
        eta->n = CLI_ETA_POINTS / 2;
        eta->step_seconds = 2. * (eta->step_seconds > .05 ? eta->step_seconds : .05);
    }
    eta->seconds[eta->n] = seconds;
    eta->done[eta->n++] = done;
}

double cli_eta_left(const struct cli_eta *eta, double seconds, double done)
{
    double from_seconds = 0., from_done = 0.;
    for (int i = 0; i < eta->n && eta->seconds[i] <= seconds / 2.; i++) {
        from_seconds = eta->seconds[i];
        from_done = eta->done[i];
    }
    if (!(done > from_done) || !(seconds > from_seconds) || seconds < .3)
        return -1.;
    double left = (1. - done) * (seconds - from_seconds) / (done - from_done);
    return left > 0. ? left : 0.;
}
