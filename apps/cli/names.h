/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the words of the command line to a list of inputs with the names of their outputs, in one order for everybody.
 */
#ifndef FOVEA_CLI_NAMES_H
#define FOVEA_CLI_NAMES_H

#include "upscale.h"

struct cli_item {
    char *input;
    char *output;     /* folder and name */
    const char *name; /* the part of output behind the output folder */
    double bytes;     /* of the input; 0 where it cannot be told */
};

struct cli_items {
    int n, capacity;
    struct cli_item *item;
};

/* Collect all inputs: files as they are, folders by the pictures in them (with --recursive in their subfolders too,
 * whose tree is kept; hidden folders, links to folders and the output folder are passed over). Names of outputs follow
 * --name and --format. Refuses outputs that collide or that are inputs. CLI_OK or an exit code after a message; free
 * with cli_items_free in any case. */
int cli_items_collect(struct cli_items *items, const struct upscale_job *job, int n_words, char **words);
void cli_items_free(struct cli_items *items);

/* Make the folders that an output below the output folder needs. 0, or -1 with errno set. */
int cli_items_make_folders(const char *folder, const struct cli_item *item);

/* Check --name; CLI_OK, or CLI_USAGE after a message. */
int cli_check_template(const struct upscale_job *job);

#endif
