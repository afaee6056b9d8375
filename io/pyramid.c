/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DeepZoom pictures: NAME.dzi and, beside it, the folder NAME_files with the tiles of all levels. No file system
 * replaces both at once. The folder goes to its place first (an old one is exchanged for it in one step where the
 * system can do that), the .dzi last: where that stands, the tiles are there.
 */
#define _GNU_SOURCE /* renameat2 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* What libvips puts beside the levels: the time, and other things that no viewer asks for. */
#define PROPERTIES "vips-properties.xml"

char *fovi_io_pyramid_folder(const char *path)
{
    if (fovi_io_kind_of_path(path) != FOVI_IO_DZI)
        return NULL;
    size_t stem = (size_t)(strrchr(path, '.') - path), n_bytes = stem + sizeof "_files";
    char *folder = malloc(n_bytes);
    if (folder)
        snprintf(folder, n_bytes, "%.*s_files", (int)stem, path);
    return folder;
}

/* Whether a name belongs into a folder of tiles: levels have numbers. */
static int is_usual(const char *name)
{
    return name[strspn(name, "0123456789")] == 0 || !strcmp(name, ".") || !strcmp(name, "..") ||
           !strcmp(name, PROPERTIES);
}

int fovi_io_pyramid_is_foreign(const char *path)
{
    struct stat st;
    char *folder = fovi_io_pyramid_folder(path);
    DIR *dir = folder ? opendir(folder) : NULL;
    int is_foreign = folder && !dir && lstat(folder, &st) == 0;
    for (struct dirent *entry; dir && !is_foreign && (entry = readdir(dir));)
        is_foreign = !is_usual(entry->d_name);
    if (dir)
        closedir(dir);
    free(folder);
    return is_foreign;
}

/* Remove a file, or a folder with all that is in it; links are not followed. */
static void remove_tree(const char *path)
{
    struct stat st;
    DIR *dir = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t n_bytes = strlen(path) + strlen(entry->d_name) + 2;
        char *name = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") ? malloc(n_bytes) : NULL;
        if (!name)
            continue;
        snprintf(name, n_bytes, "%s/%s", path, entry->d_name);
        remove_tree(name);
        free(name);
    }
    if (!dir) {
        unlink(path);
        return;
    }
    closedir(dir);
    rmdir(path);
}

/* Two names for each other's things. The second way leaves a moment without the folder b. */
static int exchange(const char *a, const char *b)
{
#ifdef RENAME_EXCHANGE
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        return 0;
#endif
    size_t n_bytes = strlen(a) + 8;
    char *other = malloc(n_bytes);
    if (!other)
        return -1;
    snprintf(other, n_bytes, "%s-old", a);
    int failed = rename(b, other) || rename(a, b) || rename(other, a);
    free(other);
    return failed ? -1 : 0;
}

static int move_file(const char *from, const char *to, int replaces)
{
    struct stat st;
    if (!replaces) {
        if (link(from, to) == 0)
            return unlink(from);
        if (errno == EEXIST)
            return -1;
        if (lstat(to, &st) == 0) { /* a file system without hard links */
            errno = EEXIST;
            return -1;
        }
    }
    return rename(from, to);
}

/* The tiles to their place, then the .dzi; where that fails all is as before. */
static int move_pyramid(const char *from, const char *to, const char *from_folder, const char *to_folder, int replaces)
{
    struct stat st;
    int is_there = lstat(to_folder, &st) == 0;
    if (!replaces && lstat(to, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    if (fovi_io_pyramid_is_foreign(to)) {
        errno = ENOTEMPTY;
        return -1;
    }
    if (is_there ? exchange(from_folder, to_folder) : rename(from_folder, to_folder))
        return -1;
    if (move_file(from, to, replaces)) {
        int reason = errno;
        if (is_there ? exchange(from_folder, to_folder) : rename(to_folder, from_folder))
            remove_tree(to_folder);
        errno = reason;
        return -1;
    }
    if (is_there)
        remove_tree(from_folder);
    return 0;
}

int fovea_io_output_move(fovea_io *io, const char *from, const char *to, int replaces)
{
    char *from_folder = fovi_io_pyramid_folder(from), *to_folder = fovi_io_pyramid_folder(to);
    int failed = from_folder && to_folder ? move_pyramid(from, to, from_folder, to_folder, replaces)
                                          : from_folder || to_folder || move_file(from, to, replaces);
    int reason = (from_folder != NULL) == (to_folder != NULL) ? errno : EINVAL;
    if (failed && reason == ENOTEMPTY && to_folder)
        fovi_io_fail(io, FOVEA_E_WRITE, "cannot write '%s': the folder '%s' holds other things than tiles", to,
                     to_folder);
    else if (failed)
        fovi_io_fail(io, FOVEA_E_WRITE, "cannot write '%s': %s", to, strerror(reason));
    free(from_folder);
    free(to_folder);
    return failed ? FOVEA_E_WRITE : FOVEA_OK;
}

void fovea_io_output_remove(const char *path)
{
    char *folder = fovi_io_pyramid_folder(path);
    unlink(path);
    if (folder && !fovi_io_pyramid_is_foreign(path))
        remove_tree(folder);
    free(folder);
}

int fovea_io_output_folder(const char *path, char *folder, size_t n_bytes)
{
    char *name = fovi_io_pyramid_folder(path);
    int n = name ? snprintf(folder, n_bytes, "%s", name) : -1;
    free(name);
    return n >= 0 && (size_t)n < n_bytes;
}

int fovi_io_pyramid_begin(const char *folder)
{
    return mkdir(folder, 0777);
}

int fovi_io_pyramid_end(fovea_io *io, const char *folder, const char *path)
{
    size_t n_bytes = strlen(folder) + sizeof "/p_files/" PROPERTIES;
    char *made = malloc(n_bytes);
    if (!made)
        return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    snprintf(made, n_bytes, "%s/p_files/" PROPERTIES, folder);
    unlink(made);
    snprintf(made, n_bytes, "%s/p.dzi", folder);
    int code = fovea_io_output_move(io, made, path, 1);
    free(made);
    return code;
}

void fovi_io_pyramid_drop(const char *folder)
{
    remove_tree(folder);
}
