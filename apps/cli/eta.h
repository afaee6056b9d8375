/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long work will go on: from how fast it went of late.
 */
#ifndef FOVEA_CLI_ETA_H
#define FOVEA_CLI_ETA_H

#define CLI_ETA_POINTS 128

/* Points of time and share done. When they fill up every other one is dropped, so that they always span the whole run.
 * Zeros are a valid start. */
struct cli_eta {
    int n;
    double seconds[CLI_ETA_POINTS], done[CLI_ETA_POINTS], step_seconds;
};

/* Note that the share done (0..1) was reached so many seconds after the start. */
void cli_eta_push(struct cli_eta *eta, double seconds, double done);

/* Seconds left by the mean speed over the last half of the time so far; -1 where that cannot be told yet. Half of the
 * time is long enough to even out easy and hard parts, and short enough to forget a first pass of another speed. */
double cli_eta_left(const struct cli_eta *eta, double seconds, double done);

#endif
