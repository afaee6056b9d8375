/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A result against the true picture, where there is one.
 */
#ifndef FOVEA_CLI_REFERENCE_H
#define FOVEA_CLI_REFERENCE_H

#include "cli.h"

/* Can a result of this size and format be compared with the file? An exit code, after a message. */
int cli_reference_check(const struct cli *cli, const char *path, int width, int height,
                        const struct fovea_format *format);

/* All figures of the written result, and of a bicubic enlargement of the input, against the reference: {file, border,
 * result: {psnr_y ...}, bicubic: {...}}. input is rewound and read again; reference and result are held in memory. An
 * exit code, after a message. */
int cli_reference_compare(const struct cli *cli, const char *path, const struct cli_run *run,
                          const struct fovea_source *input, json_t **out);

#endif
