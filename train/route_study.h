/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What fovea-train route works with: its options, the pictures, the model that is fitted or checked.
 */
#ifndef TRAIN_ROUTE_STUDY_H
#define TRAIN_ROUTE_STUDY_H

#include "pictures.h"
#include "route_data.h"

/* The loss at which the margin is chosen and the bound is found and counted. */
#define ROUTE_LIMIT_DB 0.05

struct route_options {
    const char *filter, *method, *network, *output;
    struct train_folders folders, check;
    int scale, count, n_threads;
    int jpeg, piece; /* of the check: quality, 0 = not compressed; longest side of a piece */
};

/* All pictures, held out ones included, and their tiles' observations. */
struct route_study {
    fovea_context *ctx;
    const struct route_options *options;
    int top; /* rung of the method */
    struct route_picture *picture;
    int n_pictures;
    struct fovi_route_model model;
};

/* Route a picture between the filter and the networks up to the method; its loss against that one everywhere, measured
 * with ground truth and (in result) as predicted. */
int route_study_loss(struct route_study *study, const struct route_picture *picture, double max_loss_db,
                     double *loss_db, struct fovi_route_result *result);

/* Count over the folders to be checked, and over the training pictures that are held out, how often the bound holds. */
int route_check(struct route_study *study, fovea_io *io, struct route_makers *makers);

#endif
