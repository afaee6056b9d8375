/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing a self-contained page.
 */
#include <stdlib.h>
#include <string.h>

#include "html_page.h"

/* JSON within HTML: "<" stands in strings only, and there \u003c says the same; so no element ends or begins in it. */
static int print_escaped(const char *buffer, size_t size, void *user)
{
    FILE *file = user;
    size_t begin = 0;
    for (size_t i = 0; i < size; i++) {
        if (buffer[i] != '<')
            continue;
        fwrite(buffer + begin, 1, i - begin, file);
        fputs("\\u003c", file);
        begin = i + 1;
    }
    fwrite(buffer + begin, 1, size - begin, file);
    return ferror(file) ? -1 : 0;
}

static void print_island(FILE *file, const char *id, const json_t *json)
{
    fprintf(file, "<script type=\"application/json\" id=\"%s\">", id);
    json_dump_callback(json, print_escaped, file, JSON_COMPACT | JSON_REAL_PRECISION(15));
    fputs("</script>\n", file);
}

int cli_write_page(const struct cli *cli, const char *path, const struct cli_page *page, const json_t *report,
                   const json_t *pictures)
{
    struct cli_new_file out;
    int code = cli_new_file_open(&out, cli, path);
    if (code)
        return code;
    /* What fails here shows in the file too. */
    fwrite(page->head, 1, page->head_bytes, out.file);
    print_island(out.file, "report", report);
    print_island(out.file, "pictures", pictures);
    fwrite(page->tail, 1, page->tail_bytes, out.file);
    return cli_new_file_finish(&out, cli);
}
