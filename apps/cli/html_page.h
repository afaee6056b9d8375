/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Self-contained pages: the frame, style and script of html/, embedded when the program is built, with the data of a
 * run in between as JSON.
 */
#ifndef FOVEA_CLI_HTML_PAGE_H
#define FOVEA_CLI_HTML_PAGE_H

#include "cli.h"

/* What stands before and after the data. */
struct cli_page {
    const unsigned char *head;
    size_t head_bytes;
    const unsigned char *tail;
    size_t tail_bytes;
};

/* One picture; many pictures; a benchmark. */
extern const struct cli_page cli_page_report, cli_page_review, cli_page_evaluation;

/* Write a page. report: what --json prints; pictures: what only the page shows. Nothing in them can end the element
 * that they stand in. An exit code, after a message. */
int cli_write_page(const struct cli *cli, const char *path, const struct cli_page *page, const json_t *report,
                   const json_t *pictures);

#endif
