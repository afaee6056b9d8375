/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of fovea-train, and what they share.
 */
#ifndef TRAIN_COMMANDS_H
#define TRAIN_COMMANDS_H

#include <stdio.h>

#include "fovea/common.h"

/* Each takes its own arguments (argv[0] is the command's name) and returns the exit code of the process. */
int train_filter_main(int argc, char **argv);
int train_net_main(int argc, char **argv);
int train_route_main(int argc, char **argv);
int train_error_main(int argc, char **argv);

/* "fovea-train net --recipe ..." as one string, for the container; free with free(). NULL without memory. */
char *train_command_text(int argc, char **argv);

/* It as lines of a C comment, broken before an option. */
void train_write_command(FILE *f, const char *command);

/* Do a command's work on a context with n_threads threads (0 = all); command: its text. What fails is said; returns the
 * exit code of the process. */
typedef int train_job(fovea_context *ctx, const void *options, const char *command);
int train_run(int argc, char **argv, int n_threads, train_job *job, const void *options);

/* The exit code for a negative enum fovea_error: 0 done, 2 usage, 3 input, 4 output, 5 memory or limit, 6 cancelled. */
int train_exit_code(int error);

#endif
