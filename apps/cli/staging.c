/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hidden folder where files are made.
 */
#include "staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".fovea-work-"

/* Remove a folder with all that is in it. */
static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *name = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") ? cli_join(path, entry->d_name) : NULL;
        if (name && unlink(name))
            remove_folder(name);
        free(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static void remove_dead(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        char *path = cli_join(folder, entry->d_name);
        int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_folder(path);
        if (fd >= 0)
            close(fd);
        free(path);
    }
    if (dir)
        closedir(dir);
}

/* Make and lock a folder; another process may take it for dead before it is locked, then another one is made. */
static int make_locked(struct cli_staging *s, const char *folder)
{
    for (int i = 0; i < 100; i++) {
        struct stat a, b;
        s->path = cli_join(folder, PREFIX "XXXXXX");
        if (!s->path || !mkdtemp(s->path))
            return -1;
        s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->fd >= 0) {
            flock(s->fd, LOCK_EX); /* where the file system has no locks, nothing is ever taken for dead */
            if (fstat(s->fd, &a) == 0 && stat(s->path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
                return 0;
            close(s->fd);
        }
        free(s->path);
        s->path = NULL;
    }
    errno = EAGAIN;
    return -1;
}

int cli_staging_open(struct cli_staging *staging, const struct cli *cli, const char *folder)
{
    *staging = (struct cli_staging){ NULL, -1 };
    remove_dead(folder);
    if (make_locked(staging, folder) == 0)
        return CLI_OK;
    int reason = errno;
    free(staging->path);
    staging->path = NULL;
    return cli_fail(cli, CLI_OUTPUT, "cannot write to the folder '%s': %s", folder, strerror(reason));
}

void cli_staging_close(struct cli_staging *staging)
{
    if (!staging->path)
        return;
    remove_folder(staging->path);
    close(staging->fd);
    free(staging->path);
    *staging = (struct cli_staging){ NULL, -1 };
}
