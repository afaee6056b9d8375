/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Enlarging one file and a batch of files: what the two halves of the command share.
 */
#ifndef FOVEA_CLI_UPSCALE_H
#define FOVEA_CLI_UPSCALE_H

#include "review.h"

struct upscale_options {
    const char *output, *method, *report, *review_limits, *reference, *name, *format, *shard, *max_memory, *crop,
        *costs;
    struct cli_words maps;
    struct cli_size size;
    int is_linear, transfer; /* transfer: index of its choice */
    double white;
    struct cli_how how;
    struct cli_inout inout;
    int is_forced, is_self_tested, is_strict, is_recursive, skips_existing, keeps_existing, is_dry, is_huge_allowed;
    int is_estimated;
    int n_jobs, journal; /* journal: 0 on, 1 off */
};

/* Everything that is the same for all inputs. */
struct upscale_job {
    struct cli *cli;
    const struct upscale_options *options;
    struct fovea_upscale_params params;
    fovea_model *model; /* of a file, or NULL */
    json_t *pictures;   /* NULL, or an object that gets what a page shows of each result, by the result's name */
    const struct review_limits *limits; /* several inputs: which results to look at; else NULL */
};

/* ---- costs.c ---- */

/* What --costs stands for: measured now, or from a file, a report or its object "costs". CLI_OK or an exit code after a
 * message. */
int cli_costs_get(const struct cli *cli, const char *word, enum fovea_precision precision, struct fovea_costs *out);

/* {"x2": {"filter": ..., ...}, ...}, what is known. */
json_t *cli_costs_json(const struct fovea_costs *costs);

/* ---- maps.c: the pictures of --map ---- */

/* The colour of each path in maps and pages. */
extern const uint8_t cli_path_colors[FOVEA_N_PATHS][3];

/* Levels of 255 at which the heat of added and uncertainty is brightest. */
#define CLI_MAP_FULL 24.f
/* The same for detail. */
#define CLI_DETAIL_FULL 8.f
/* The same for deviations of the reduced result: two levels, which are allowed, are half way. */
#define CLI_DEVIATION_FULL 4.f

/* The values of --map are kinds that exist and files that can be written, not the output and none of them twice;
 * CLI_OK or an exit code after a message. */
int cli_maps_check(const struct cli *cli, const struct upscale_options *o);
/* The file of value i of --map, NULL behind the last. */
const char *cli_maps_file(const struct upscale_options *o, int i);
/* Whether one of them shows expected errors. */
int cli_maps_expect(const struct upscale_options *o);
/* Write the maps of a plan's last run. */
int cli_maps_write(const struct upscale_job *job, fovea_io_reader *reader, const fovea_plan *plan);

/* Enlarge one file. path: where the result is written to; output: what it is called in messages and reports. result:
 * NULL, or set to the run as JSON on success. An exit code. */
int cli_upscale_file(const struct upscale_job *job, const char *input, const char *path, const char *output,
                     json_t **result);

/* Name of the output for an input in a folder, in new memory: by --name and --format, else the same name, with .png
 * where its ending cannot be written. */
char *cli_name_in_folder(const struct upscale_job *job, const char *folder, const char *input);

/* Enlarge files, and the pictures of folders, into the folder options->output. */
int cli_upscale_batch(const struct upscale_job *job, int n_words, char **words);

/* Which part of a list --shard stands for: item i belongs to it where i % *n == *rank. auto takes rank and size from
 * the environment of Open MPI, MPICH, Slurm or PBS. CLI_OK, or CLI_USAGE after a message. */
int cli_parse_shard(const struct cli *cli, const char *word, int *rank, int *n);

#endif
