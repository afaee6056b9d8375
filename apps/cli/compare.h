/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Comparing two files, or the files of two folders: what the parts of the command share.
 */
#ifndef FOVEA_CLI_COMPARE_H
#define FOVEA_CLI_COMPARE_H

#include "figures.h"

enum compare_map { COMPARE_MAP_ABSOLUTE, COMPARE_MAP_SIGNED };

struct compare_options {
    int border;
    const char *metrics, *worst_by, *map;
    int map_kind; /* enum compare_map */
    double map_scale, ergas_scale;
    int is_aligned;
};

struct compare_job {
    struct cli *cli;
    const struct compare_options *options;
    int is_asked[CLI_N_FIGURES];
    int worst_by;             /* a figure */
    int is_quality_asked;     /* the figures of each picture alone */
    const char *const *words; /* reference and test */
};

/* What --align did to the test picture. */
enum compare_alignment { COMPARE_AS_IT_IS, COMPARE_CROPPED, COMPARE_RESIZED };

/* Two pictures, and their figures. */
struct compare_pair {
    const char *paths[2];            /* reference, test */
    int width[2], height[2];         /* of the files */
    int common_width, common_height; /* what was compared */
    struct fovea_metrics metrics;
    struct fovea_quality quality[2];
    enum compare_alignment alignment;
    struct fovea_shift shift; /* COMPARE_CROPPED */
};

/* ---- compare_pair.c ---- */

/* Read, align where asked, and compare; an exit code. map: NULL, or where to write the map. */
int compare_files(const struct compare_job *job, struct compare_pair *pair, const char *map);
void compare_print(const struct compare_job *job, const struct compare_pair *pair);
/* The figures, without the names of the files. */
json_t *compare_json(const struct compare_job *job, const struct compare_pair *pair);

/* ---- compare_align.c ---- */

/* Bring test to what reference shows, by resizing or by cutting both: the structs are changed to what is common. An
 * exit code after a message. */
int compare_align(const struct compare_job *job, struct compare_pair *pair, struct fovea_image *reference,
                  struct fovea_image *test);

/* ---- compare_map.c ---- */

/* Write where two pictures of one size and number of channels differ; an exit code. */
int compare_write_map(const struct compare_job *job, const struct fovea_image *reference,
                      const struct fovea_image *test, const char *path);

/* ---- compare_folder.c ---- */

/* Two folders; an exit code. */
int compare_folders(const struct compare_job *job);

#endif
