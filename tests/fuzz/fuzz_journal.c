/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The journal of a batch, as something else than fovea may have left it: it is read, asked, and appended to.
 */
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "journal.h"

/* In place of message.c and files.c. */
int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
    (void)cli, (void)format;
    return code;
}

json_t *cli_json_text(const char *text)
{
    return json_string(text);
}

int cli_is_folder(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

char *cli_join(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    FUZZ_CHECK(path);
    snprintf(path, n, "%s/%s", folder, name);
    return path;
}

static char folder[1024], path[1100];

static void clean_up(void)
{
    unlink(path);
    rmdir(folder);
}

static void make_folder(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/fuzz-journal-XXXXXX", where ? where : "/tmp");
    FUZZ_CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/.fovea-journal", folder);
    atexit(clean_up);
}

static void write_journal(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    FUZZ_CHECK(file);
    FUZZ_CHECK(fwrite(data, 1, size, file) == size && !fclose(file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli cli = { 0 };
    struct cli_journal_line line = { .name = "a.png", .input = "in/a.png" };
    if (!*folder)
        make_folder();
    write_journal(data, size);
    /* what is appended counts, whatever stood before; the file that it speaks of is the journal's folder's neighbour */
    memset(line.input_sha256, 'a', CLI_SHA256_TEXT - 1);
    memset(line.settings_sha256, 'b', CLI_SHA256_TEXT - 1);
    FUZZ_CHECK(!cli_sha256_file("/dev/null", line.output_sha256));
    for (int pass = 0; pass < 2; pass++) {
        struct cli_journal *journal = cli_journal_open(&cli, folder, 1, 1);
        FUZZ_CHECK(journal);
        int has = cli_journal_has(journal, &line, "/dev/null");
        FUZZ_CHECK(pass == 0 || has);
        FUZZ_CHECK(pass == 1 || !cli_journal_add(journal, &line));
        cli_journal_close(journal);
    }
    return 0;
}
