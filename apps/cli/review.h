/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which results of many a person should look at: each figure of a run against its limit.
 */
#ifndef FOVEA_CLI_REVIEW_H
#define FOVEA_CLI_REVIEW_H

#include "cli.h"

#define REVIEW_N_CHECKS 7

/* A limit for each check; NaN: not checked. */
struct review_limits {
    double value[REVIEW_N_CHECKS];
};

/* The defaults, changed by list, "rms=0.5,psnr=off" (NULL: nothing is changed). An exit code, after a message. */
int review_parse(const struct cli *cli, const char *list, struct review_limits *limits);

/* The limits as JSON: [{check, title, unit, limit, is_least}], those that are off left out. */
json_t *review_limits_json(const struct review_limits *limits);

/* The verdict on a run, what cli_json_run made: {flagged, severity, failed: [{check, value, limit}],
 * figures: {check: value}}, the figures that the run has. severity: of the
 * worst check, 1 = just at its limit, 2 = twice as far; 0 where nothing could be checked. */
json_t *review_judge(const struct review_limits *limits, const json_t *run);

#endif
