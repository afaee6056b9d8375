/* SPDX-License-Identifier: BSD-2-Clause
 *
 * "-" as a file: standard input and output. Pictures are read twice and written with their headers last, so both go by
 * a temporary file; what comes out is a complete picture or nothing.
 */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_is_stream(const char *path)
{
    return !strcmp(path, "-");
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

/* All bytes of one descriptor to another; 0, -1 for reading or -2 for writing that failed, with errno. */
static int copy(int from, int to)
{
    char buffer[65536];
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR && !cli_is_interrupted())
            continue;
        if (n < 0)
            return -1;
        for (ssize_t done = 0; done < n;) {
            ssize_t k = write(to, buffer + done, (size_t)(n - done));
            if (k < 0 && (errno != EINTR || cli_is_interrupted()))
                return -2;
            done += k > 0 ? k : 0;
        }
    }
}

/* Once it is open the file needs no name where the system has one for every descriptor. */
static void drop_name(struct cli_spool *spool)
{
    char by_number[64];
    snprintf(by_number, sizeof by_number, "/proc/self/fd/%d", spool->fd);
    if (access(by_number, R_OK))
        return;
    unlink(spool->path);
    snprintf(spool->path, sizeof spool->path, "%s", by_number);
    spool->has_name = 0;
}

int cli_spool_input(const struct cli *cli, struct cli_spool *spool)
{
    *spool = (struct cli_spool){ .fd = -1 };
    if (isatty(STDIN_FILENO))
        return cli_fail(cli, CLI_USAGE, "standard input is a terminal: \"-\" reads a picture from a pipe or a file");
    int n = snprintf(spool->path, sizeof spool->path, "%s/fovea-XXXXXX", temporary_folder());
    spool->fd = n < (int)sizeof spool->path ? mkstemp(spool->path) : -1;
    if (spool->fd < 0)
        return cli_fail(cli, CLI_OUTPUT, "no temporary file can be made in '%s': %s", temporary_folder(),
                        strerror(errno));
    spool->has_name = 1;
    int failed = copy(STDIN_FILENO, spool->fd), reason = errno;
    if (failed && cli_is_interrupted())
        return cli_fail(cli, CLI_CANCELLED, "cancelled; nothing was written");
    if (failed)
        return cli_fail(cli, failed == -1 ? CLI_INPUT : CLI_OUTPUT, "cannot %s: %s",
                        failed == -1 ? "read standard input" : "write the temporary file", strerror(reason));
    drop_name(spool);
    return CLI_OK;
}

void cli_spool_free(struct cli_spool *spool)
{
    if (spool->has_name)
        unlink(spool->path);
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (struct cli_spool){ .fd = -1 };
}

int cli_outlet_open(const struct cli *cli, const char *ending, struct cli_outlet *outlet)
{
    *outlet = (struct cli_outlet){ .folder = "" };
    if (isatty(STDOUT_FILENO))
        return cli_fail(cli, CLI_USAGE, "standard output is a terminal: \"-o -\" writes a picture to a pipe or a file");
    return cli_outlet_make(cli, ending, outlet);
}

int cli_outlet_make(const struct cli *cli, const char *ending, struct cli_outlet *outlet)
{
    *outlet = (struct cli_outlet){ .folder = "" };
    int n = snprintf(outlet->folder, sizeof outlet->folder, "%s/fovea-XXXXXX", temporary_folder());
    if (n >= (int)sizeof outlet->folder || !mkdtemp(outlet->folder)) {
        *outlet->folder = 0;
        return cli_fail(cli, CLI_OUTPUT, "no temporary folder can be made in '%s': %s", temporary_folder(),
                        strerror(errno));
    }
    snprintf(outlet->path, sizeof outlet->path, "%s/out.%s", outlet->folder, ending);
    return CLI_OK;
}

int cli_outlet_flush(const struct cli *cli, const struct cli_outlet *outlet)
{
    FILE *file = fopen(outlet->path, "rb");
    int failed = !file || copy(fileno(file), STDOUT_FILENO), reason = errno;
    if (file)
        fclose(file);
    return failed ? cli_fail(cli, CLI_OUTPUT, "cannot write to standard output: %s", strerror(reason)) : CLI_OK;
}

void cli_outlet_free(struct cli_outlet *outlet)
{
    if (!*outlet->folder)
        return;
    fovea_io_output_remove(outlet->path);
    rmdir(outlet->folder);
    *outlet->folder = 0;
}
