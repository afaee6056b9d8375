/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Self-test: how well each method does on this very picture, without a reference. The picture is reduced exactly,
 * enlarged again by each method, and compared with itself.
 */
#ifndef FOVEA_CLI_SELFTEST_H
#define FOVEA_CLI_SELFTEST_H

#include "cli.h"

#define CLI_SELFTEST_METHODS 8

struct cli_selftest_score {
    const char *word; /* of the method; borrowed */
    double psnr_y, ssim_y,
        fsim;  /* PSNR of the mean squared error over all crops, means of the others; NaN: not defined */
    double ms; /* of enlarging all crops */
};

struct cli_selftest {
    int scale;        /* at which it was made: that of the run, rounded, 2..4 */
    int n_crops;      /* 0: the picture is too small for it */
    double pixels;    /* of all crops */
    double share;     /* of the picture's pixels that they are, at most 1 */
    const char *word; /* the method that made the picture */
    int n_methods;
    struct cli_selftest_score scores[CLI_SELFTEST_METHODS];
};

/* Test the built-in methods, and the one that params stand for under the name `word`, on the source's picture; it is
 * rewound and read twice. Of more than a million pixels only crops are used: the picture's blocks are sorted by their
 * difficulty, and one is taken from the middle of each of equal parts of them, so that easy and hard places count as
 * they do in the whole. An exit code after a message. */
int cli_selftest(const struct cli *cli, const struct fovea_source *source, double scale, const char *word,
                 const struct fovea_upscale_params *params, struct cli_selftest *out);

/* The score of a method, NULL if it was not tested; and the best of all by PSNR-Y. */
const struct cli_selftest_score *cli_selftest_find(const struct cli_selftest *test, const char *word);
const struct cli_selftest_score *cli_selftest_best(const struct cli_selftest *test);

void cli_selftest_print(const struct cli_selftest *test);
json_t *cli_selftest_json(const struct cli_selftest *test);

#endif
