/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an evaluation holds: every figure of every picture by every method at every scale.
 */
#ifndef FOVEA_CLI_EVALUATE_H
#define FOVEA_CLI_EVALUATE_H

#include "figures.h"

#define EVAL_MAX_SCALES 8
#define EVAL_MAX_METHODS 32

/* One picture by one method at one scale. */
struct eval_score {
    double ms; /* wall time of enlarging in memory */
    struct fovea_metrics metrics;
};

/* One picture at one scale: its size after it was cropped to a multiple of the scale. */
struct eval_size {
    int width, height;
};

/* One method at one scale. */
struct eval_method {
    const char *word; /* as it was asked for */
    struct fovea_upscale_params params;
    fovea_model *model;        /* of a file, or NULL */
    int n_steps;               /* of consistency, 0 = off */
    struct eval_score *scores; /* one a picture */
};

struct eval_scale {
    int scale, n_methods;
    struct eval_method methods[EVAL_MAX_METHODS];
    struct eval_size *sizes; /* one a picture */
};

struct evaluation {
    struct cli *cli;
    const char *folder;
    int n_pictures;
    char **paths;                /* sorted by name */
    int is_asked[CLI_N_FIGURES]; /* which figures were made; PSNR-Y and SSIM-Y always are */
    int n_scales;
    struct eval_scale scales[EVAL_MAX_SCALES]; /* in the order in which they were asked for */
    int jpeg_quality; /* reduced pictures pass through a JPEG of this quality, 1..100; 0 = they do not */
};

/* ---- evaluate_run.c ---- */

/* Make the figures of all pictures; an exit code. */
int eval_run(struct evaluation *e);

/* Make one picture again at one scale, by every method or by only one, and show what comes out. seen: an exit code. */
typedef int eval_seen(void *user, const struct eval_method *method, const struct fovea_image *original,
                      const struct fovea_image *enlarged);
int eval_again(struct evaluation *e, struct eval_scale *scale, int picture, const struct eval_method *only,
               eval_seen *seen, void *user);

/* Mean of figure i over the pictures where it is finite; NaN where it never is. */
double eval_mean(const struct evaluation *e, const struct eval_method *method, int i);
/* Median over the pictures: milliseconds, and milliseconds for each million pixels of the result. NaN: no memory. */
double eval_ms(const struct evaluation *e, const struct eval_method *method);
double eval_ms_per_mp(const struct evaluation *e, const struct eval_scale *scale, const struct eval_method *method);
/* The methods from fast to slow, as indices; is_best[k]: no faster one has as high a mean PSNR-Y as order[k]. */
void eval_curve(const struct evaluation *e, const struct eval_scale *scale, int order[EVAL_MAX_METHODS],
                int is_best[EVAL_MAX_METHODS]);

/* ---- evaluate_text.c ---- */

/* The whole evaluation as JSON, what --json prints. */
json_t *eval_json(const struct evaluation *e);
void eval_print(const struct evaluation *e);
/* A line for each picture, method and scale. An exit code. */
int eval_write_csv(const struct evaluation *e, const char *path);

/* ---- evaluate_page.c ---- */

/* A page with tables, curves and the worst pictures, which are made again. An exit code. */
int eval_write_page(struct evaluation *e, const char *path);

#endif
