/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names and places of files.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

int cli_is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

int cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int cli_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int cli_has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcasecmp(path + n - m, ending);
}

const char *cli_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *cli_join(const char *folder, const char *name)
{
    size_t n_bytes = strlen(folder) + strlen(name) + 2, n = strlen(folder);
    char *path = malloc(n_bytes);
    if (path)
        snprintf(path, n_bytes, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

int cli_check_writable(const struct cli *cli, const char *path)
{
    char folder[4096];
    int length = (int)(cli_base_name(path) - path);
    if (length >= (int)sizeof folder)
        return cli_fail(cli, CLI_OUTPUT, "cannot write '%s': the name is too long", path);
    snprintf(folder, sizeof folder, "%.*s", length ? length : 1, length ? path : ".");
    if (!cli_is_folder(folder))
        return cli_fail(cli, CLI_OUTPUT, "cannot write '%s': the folder '%s' does not exist", path, folder);
    if (access(folder, W_OK))
        return cli_fail(cli, CLI_OUTPUT, "cannot write '%s': folder '%s': %s", path, folder, strerror(errno));
    if (cli_is_folder(path))
        return cli_fail(cli, CLI_OUTPUT, "cannot write '%s': it is a folder", path);
    return CLI_OK;
}

int cli_check_report(const struct cli *cli, const char *path)
{
    if (!cli_has_ending(path, ".html") && !cli_has_ending(path, ".json"))
        return cli_fail(cli, CLI_USAGE, "option --report: '%s' ends in neither .html nor .json", path);
    return cli_check_writable(cli, path);
}

static int is_picture_name(const char *name)
{
    return name[0] != '.' && fovea_io_read_format(name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Read the names of an open folder; count, or -1 when memory is short. */
static int read_names(DIR *dir, const char *folder, char ***paths)
{
    int n = 0, capacity = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!is_picture_name(entry->d_name))
            continue;
        if (n == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            char **grown = realloc(*paths, (size_t)capacity * sizeof **paths);
            if (!grown)
                return -1;
            *paths = grown;
        }
        if (!((*paths)[n] = cli_join(folder, entry->d_name)))
            return -1;
        n++;
    }
    return n;
}

int cli_list_pictures(const struct cli *cli, const char *folder, char ***paths)
{
    *paths = NULL;
    DIR *dir = opendir(folder);
    if (!dir) {
        cli_fail(cli, CLI_INPUT, "cannot read the folder '%s': %s", folder, strerror(errno));
        return -1;
    }
    int n = read_names(dir, folder, paths);
    closedir(dir);
    if (n < 0)
        cli_fail(cli, CLI_RESOURCE, "out of memory");
    else if (n > 1)
        qsort(*paths, (size_t)n, sizeof **paths, by_name);
    return n;
}

void cli_free_names(char **paths, int n)
{
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

int cli_new_file_open(struct cli_new_file *out, const struct cli *cli, const char *path)
{
    size_t n_bytes = strlen(path) + 32;
    *out = (struct cli_new_file){ .path = path, .temporary = malloc(n_bytes) };
    if (!out->temporary)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    snprintf(out->temporary, n_bytes, "%s.%ld.tmp", path, (long)getpid());
    out->file = fopen(out->temporary, "w");
    if (out->file)
        return CLI_OK;
    int code = cli_fail(cli, CLI_OUTPUT, "cannot write '%s': %s", path, strerror(errno));
    free(out->temporary);
    return code;
}

int cli_new_file_finish(struct cli_new_file *file, const struct cli *cli)
{
    int failed = ferror(file->file);
    errno = failed ? EIO : 0;
    failed |= fclose(file->file);
    failed = failed || rename(file->temporary, file->path);
    int code = failed ? cli_fail(cli, CLI_OUTPUT, "cannot write '%s': %s", file->path, strerror(errno)) : CLI_OK;
    if (failed)
        unlink(file->temporary);
    free(file->temporary);
    return code;
}

int cli_write_json(const struct cli *cli, const char *path, const json_t *object)
{
    struct cli_new_file out;
    int code = cli_new_file_open(&out, cli, path);
    if (code)
        return code;
    /* What fails here shows in the file too. */
    json_dumpf(object, out.file, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    return cli_new_file_finish(&out, cli);
}
