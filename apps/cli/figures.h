/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures of a comparison in the order in which they are shown: names, units, and which way is better.
 */
#ifndef FOVEA_CLI_FIGURES_H
#define FOVEA_CLI_FIGURES_H

#include "cli.h"

struct cli_figure {
    const char *name, *key, *unit; /* for people; in JSON, CSV and options; "" or with a space before it */
    size_t offset;                 /* of the double in struct fovea_metrics */
    unsigned bit;                  /* FOVEA_METRIC_*, 0: always made */
    int digits;                    /* behind the point */
    int is_lower_better;
};

#define CLI_N_FIGURES 10
extern const struct cli_figure cli_figures[CLI_N_FIGURES];

/* The first of them, which every evaluation has. */
enum { CLI_PSNR_Y, CLI_SSIM_Y };

/* Figure i of a comparison: NaN where it is not defined, infinite where the pictures are identical. */
double cli_figure_value(const struct fovea_metrics *metrics, int i);

/* Figures by their keys, a list with commas, or "all"; is_asked[i] becomes 1. CLI_OK or CLI_USAGE after a message. */
int cli_figures_parse(const struct cli *cli, const char *option, const char *list, int is_asked[CLI_N_FIGURES]);

/* Bits for fovea_metrics_compare_wanted. */
unsigned cli_figures_wanted(const int is_asked[CLI_N_FIGURES]);

#endif
