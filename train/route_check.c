/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How often the bound on the loss holds, on pictures that neither a fit nor a training has seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "progress.h"
#include "route_study.h"

/* Sums over pictures. */
struct count {
    int n, n_within;
    double loss_db, worst_db, predicted_db, bound_db, saved;
};

struct check {
    struct route_study *study;
    fovea_io *io;
    struct route_makers *makers;
    struct count total;
};

static void add(struct count *sum, const struct count *more)
{
    sum->n += more->n;
    sum->n_within += more->n_within;
    sum->loss_db += more->loss_db;
    sum->worst_db = more->worst_db > sum->worst_db ? more->worst_db : sum->worst_db;
    sum->predicted_db += more->predicted_db;
    sum->bound_db += more->bound_db;
    sum->saved += more->saved;
}

static void print(const struct count *c, const char *name)
{
    if (c->n)
        printf("%-24s %5d  %5.1f %%  %9.4f  %9.4f  %9.4f  %9.4f  %6.1f %%\n", name, c->n, 100.0 * c->n_within / c->n,
               c->predicted_db / c->n, c->bound_db / c->n, c->loss_db / c->n, c->worst_db, 100.0 * c->saved / c->n);
}

/* One piece of a picture. */
static int check_piece(struct check *c, const struct fovea_image *piece, struct count *count)
{
    struct route_picture picture = { 0 };
    struct fovi_route_result result;
    double loss = 0.0;
    int code = route_picture_from(c->study->ctx, c->io, piece, c->study->options->jpeg, c->makers, &picture);
    if (!code && picture.map) {
        code = route_study_loss(c->study, &picture, ROUTE_LIMIT_DB, &loss, &result);
        const struct count one = {
            1, loss <= result.bound_db, loss, loss, result.predicted_loss_db, result.bound_db, result.saved_share
        };
        if (!code)
            add(count, &one);
    }
    route_picture_free(c->study->ctx, &picture);
    return code;
}

/* A picture in as few equal pieces as keep to the longest side. */
static int check_file(struct check *c, const char *path, struct count *count)
{
    struct fovea_image image;
    FOVI_TRY(train_picture_read(c->study->ctx, c->io, path, &image));
    int most = c->study->options->piece, code = FOVEA_OK;
    int n_x = (image.width + most - 1) / most, n_y = (image.height + most - 1) / most;
    for (int i = 0; i < n_x * n_y && !code; i++) {
        struct fovea_image piece;
        train_piece(&image, n_x, n_y, i, &piece);
        code = check_piece(c, &piece, count);
    }
    free(image.data);
    return code;
}

/* The pictures of a list of folders, all or only those that trainings hold out. */
static int check_folders(struct check *c, const struct train_folders *folders, int only_held_out, const char *name)
{
    char **names;
    int n_names, code;
    struct count count = { 0 };
    struct train_progress progress;
    FOVI_TRY(train_names_list(c->study->ctx, folders, &names, &n_names));
    train_progress_start(&progress, "checking", n_names);
    code = FOVEA_OK;
    for (int i = 0; i < n_names && !code; i++) {
        if (!only_held_out || train_is_held_out(i))
            code = check_file(c, names[i], &count);
        train_progress_step(&progress, i + 1, "");
    }
    train_progress_end(&progress);
    train_names_free(names, n_names);
    print(&count, name);
    add(&c->total, &count);
    return code;
}

int route_check(struct route_study *study, fovea_io *io, struct route_makers *makers)
{
    const struct route_options *o = study->options;
    struct check c = { .study = study, .io = io, .makers = makers };
    int code = FOVEA_OK;
    printf("x%d, %s on top, limit %.2f dB, pieces of at most %d pixels a side", o->scale, o->method, ROUTE_LIMIT_DB,
           o->piece);
    if (o->jpeg)
        printf(", reduced pictures through a JPEG of quality %d", o->jpeg);
    printf("\n%-24s %5s  %7s  %9s  %9s  %9s  %9s  %8s\n", "pictures", "n", "within", "forecast", "bound", "loss dB",
           "worst dB", "saved");
    if (o->folders.n_dirs)
        code = check_folders(&c, &o->folders, 1, "held out of training");
    for (int i = 0; i < o->check.n_dirs && !code; i++) {
        struct train_folders one = { .n_dirs = 1 };
        const char *slash = strrchr(o->check.dir[i], '/');
        one.dir[0] = o->check.dir[i];
        code = check_folders(&c, &one, 0, slash && slash[1] ? slash + 1 : o->check.dir[i]);
    }
    if (!code)
        print(&c.total, "all");
    return code;
}
