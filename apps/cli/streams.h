/* SPDX-License-Identifier: BSD-2-Clause
 *
 * "-" as a file: standard input and output.
 */
#ifndef FOVEA_CLI_STREAMS_H
#define FOVEA_CLI_STREAMS_H

#include "cli.h"

int cli_is_stream(const char *path);

/* Standard input in a temporary file. */
struct cli_spool {
    char path[1024]; /* opens it */
    int fd, has_name;
};
/* Read everything; CLI_OK or an exit code after a message. Free in any case. */
int cli_spool_input(const struct cli *cli, struct cli_spool *spool);
void cli_spool_free(struct cli_spool *spool);

/* A temporary file that goes to standard output once it is complete. */
struct cli_outlet {
    char folder[1024], path[1200];
};
/* Make its folder; path has the ending, without a dot. Free in any case. */
int cli_outlet_open(const struct cli *cli, const char *ending, struct cli_outlet *outlet);
/* The same for a file that goes nowhere. */
int cli_outlet_make(const struct cli *cli, const char *ending, struct cli_outlet *outlet);
int cli_outlet_flush(const struct cli *cli, const struct cli_outlet *outlet);
void cli_outlet_free(struct cli_outlet *outlet);

#endif
