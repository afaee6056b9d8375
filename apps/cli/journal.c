/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The journal of a batch.
 */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME ".fovea-journal"

struct cli_journal {
    int fd;
    pthread_mutex_t lock;
    json_t *lines; /* the last one for each output, by its key */
};

/* Key of an output: its path; one that is no UTF-8, which JSON cannot hold, as hexadecimal digits. */
static json_t *make_key(const char *name)
{
    json_t *key = json_string(name);
    size_t n = strlen(name);
    char *text = key ? NULL : malloc(2 * n + 8);
    if (!text)
        return key;
    size_t at = (size_t)sprintf(text, "//hex:"); /* no path within a folder begins so */
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "%02x", (unsigned char)name[i]);
    key = json_string(text);
    free(text);
    return key;
}

/* Take over the lines of one file; what is no line (a torn write) is passed over. */
static void read_lines(struct cli_journal *journal, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t capacity = 0;
    if (!file)
        return;
    for (ssize_t n; (n = getline(&text, &capacity, file)) > 0;) {
        json_t *line = text[n - 1] == '\n' ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
        const char *key = json_string_value(json_object_get(line, "output"));
        if (key)
            json_object_set(journal->lines, key, line);
        json_decref(line);
    }
    free(text);
    fclose(file);
}

static int read_folder(struct cli_journal *journal, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strncmp(entry->d_name, NAME, sizeof NAME - 1) != 0)
            continue;
        char *path = cli_join(folder, entry->d_name);
        if (path)
            read_lines(journal, path);
        free(path);
    }
    closedir(dir);
    return 0;
}

/* Open for appending; a torn last line is ended, so that the next one stands by itself. */
static int open_file(const char *folder, int shard, int n_shards)
{
    char name[64], last;
    snprintf(name, sizeof name, n_shards > 1 ? NAME "-%d-of-%d" : NAME, shard, n_shards);
    char *path = cli_join(folder, name);
    int fd = path ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    free(path);
    if (fd >= 0 && lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1 && last != '\n' && write(fd, "\n", 1) != 1) {
        close(fd);
        return -1;
    }
    return fd;
}

struct cli_journal *cli_journal_open(const struct cli *cli, const char *folder, int shard, int n_shards)
{
    struct cli_journal *journal = calloc(1, sizeof *journal);
    if (!journal || !(journal->lines = json_object())) {
        free(journal);
        cli_fail(cli, CLI_RESOURCE, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&journal->lock, NULL);
    journal->fd = read_folder(journal, folder) ? -1 : open_file(folder, shard, n_shards);
    if (journal->fd < 0) {
        cli_fail(cli, CLI_OUTPUT, "cannot write the journal '%s/" NAME "': %s", folder, strerror(errno));
        cli_journal_close(journal);
        return NULL;
    }
    return journal;
}

void cli_journal_close(struct cli_journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    json_decref(journal->lines);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

static int is_text(const json_t *line, const char *field, const char *text)
{
    const char *value = json_string_value(json_object_get(line, field));
    return value && !strcmp(value, text);
}

int cli_journal_has(const struct cli_journal *journal, const struct cli_journal_line *line, const char *path)
{
    char hash[CLI_SHA256_TEXT];
    json_t *key = make_key(line->name);
    const json_t *known = json_object_get(journal->lines, json_string_value(key) ? json_string_value(key) : "");
    json_decref(key);
    return known && is_text(known, "input_sha256", line->input_sha256) &&
           is_text(known, "settings_sha256", line->settings_sha256) && cli_sha256_output(path, hash) == 0 &&
           is_text(known, "output_sha256", hash);
}

int cli_journal_add(struct cli_journal *journal, const struct cli_journal_line *line)
{
    json_t *object = json_object();
    json_object_set_new(object, "output", make_key(line->name));
    json_object_set_new(object, "input", cli_json_text(line->input));
    json_object_set_new(object, "input_sha256", json_string(line->input_sha256));
    json_object_set_new(object, "settings_sha256", json_string(line->settings_sha256));
    json_object_set_new(object, "output_sha256", json_string(line->output_sha256));
    json_object_set_new(object, "version", json_string(fovea_version()));
    char *text = json_dumps(object, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    json_decref(object);
    errno = ENOMEM;
    if (!text)
        return -1;
    text[n] = '\n'; /* in place of the end: n + 1 bytes are written */
    pthread_mutex_lock(&journal->lock);
    ssize_t written = write(journal->fd, text, n + 1);
    pthread_mutex_unlock(&journal->lock);
    free(text);
    return written == (ssize_t)n + 1 ? 0 : -1;
}

/* ---- settings ---- */

/* Options that say where, when and how fast, but not what. */
static int is_beside(const char *name)
{
    static const char *const names[] = {
        "output",  "force",   "skip-existing", "no-clobber", "strict",     "report",
        "map",     "strip",   "jobs",          "shard",      "recursive",  "name",
        "journal", "dry-run", "progress",      "max-memory", "allow-huge", "estimate"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return 1;
    return 0;
}

/* "name=value" and a line's end for an option; its length. */
static int print_option(const struct cli_option *o, const void *options, char *to, size_t n_bytes)
{
    const char *field = (const char *)options + o->offset;
    const char *word = NULL;
    int number = 0;
    double value = 0.;
    const struct cli_words *words = NULL;
    switch (o->kind) {
    case CLI_WORD: memcpy(&word, field, sizeof word); break;
    case CLI_WORDS: words = (const void *)field; break;
    case CLI_NUMBER: memcpy(&value, field, sizeof value); break;
    default: memcpy(&number, field, sizeof number); break;
    }
    int n = snprintf(to, n_bytes, "%s=%s %d %.17g", o->name, word ? word : "", number, value);
    for (int i = 0; words && i < words->n && n >= 0 && (size_t)n < n_bytes; i++)
        n += snprintf(to + n, n_bytes - (size_t)n, " %s", words->word[i]);
    if (n >= 0 && (size_t)n < n_bytes)
        n += snprintf(to + n, n_bytes - (size_t)n, "\n");
    return n < 0 ? 0 : (size_t)n < n_bytes ? n : (int)n_bytes - 1;
}

void cli_settings_sha256(const struct cli_command *command, const void *options, const char *model_hash,
                         char text[CLI_SHA256_TEXT])
{
    char all[8192];
    size_t n = (size_t)snprintf(all, sizeof all, "fovea %s\nmodel=%s\n", fovea_version(), model_hash);
    for (const struct cli_option *o = command->options; o->name; o++)
        if (!is_beside(o->name))
            n += (size_t)print_option(o, options, all + n, sizeof all - n);
    cli_sha256(all, n, text);
}
