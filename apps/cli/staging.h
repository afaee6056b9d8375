/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A hidden folder within the output folder, where files are made before they get their names. A lock says that its
 * process lives: what a killed one left behind is removed by the next.
 */
#ifndef FOVEA_CLI_STAGING_H
#define FOVEA_CLI_STAGING_H

#include "cli.h"

struct cli_staging {
    char *path;
    int fd; /* holds the lock */
};

/* Remove what dead processes left in the folder, then make one. CLI_OK or CLI_OUTPUT after a message. */
int cli_staging_open(struct cli_staging *staging, const struct cli *cli, const char *folder);
/* Remove it with all that is in it. */
void cli_staging_close(struct cli_staging *staging);

#endif
