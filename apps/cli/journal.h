/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The journal of a batch: which output was made from what, so that a batch that was ended in the middle goes on.
 *
 * A file of JSON lines in the output folder that is only ever appended to, a line in one write. A line is written
 * before its output gets its name, and counts only while the output has the hash that it says; so whatever moment a
 * process dies in, the folder and the journal agree. docs/batches.md describes the lines.
 */
#ifndef FOVEA_CLI_JOURNAL_H
#define FOVEA_CLI_JOURNAL_H

#include "cli.h"
#include "sha256.h"

struct cli_journal;

/* Read the journals in the folder (each shard has its own) and open this one's for appending; NULL after a message.
 * shard, n_shards: 1..n_shards; n_shards 1 = undivided. */
struct cli_journal *cli_journal_open(const struct cli *cli, const char *folder, int shard, int n_shards);
void cli_journal_close(struct cli_journal *journal);

/* What an output is made from and by. name: its path within the folder. */
struct cli_journal_line {
    const char *name, *input;
    char input_sha256[CLI_SHA256_TEXT], settings_sha256[CLI_SHA256_TEXT], output_sha256[CLI_SHA256_TEXT];
};

/* 1 if a line says that the file at path was made from the same input by the same settings, and it is still that file.
 * May be called from several threads at a time, before and after cli_journal_add. */
int cli_journal_has(const struct cli_journal *journal, const struct cli_journal_line *line, const char *path);
/* Append a line. 0, or -1 with errno set. Thread-safe. */
int cli_journal_add(struct cli_journal *journal, const struct cli_journal_line *line);

/* Hash of all settings that can change a byte of a result: the options of the command that are not about where and
 * when, the model's hash ("" without one), the version. */
void cli_settings_sha256(const struct cli_command *command, const void *options, const char *model_hash,
                         char text[CLI_SHA256_TEXT]);

#endif
