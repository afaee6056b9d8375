/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a page shows of one run besides its figures: the picture before and after, maps, and where it pays to look.
 */
#ifndef FOVEA_CLI_HTML_REPORT_H
#define FOVEA_CLI_HTML_REPORT_H

#include "cli.h"

/* A run that has written its file. */
struct cli_shown {
    const struct cli *cli;
    const struct cli_run *run;
    fovea_io_reader *input;
    const fovea_plan *plan;
    const char *reference; /* the true picture, or NULL */
};

/* The pictures of the page, with sizes and places in pixels of the result:
 *   width, height, whole_scale: pixels of the shown whole for one of the result, 1 = nothing was reduced;
 *   layers: {result, bicubic, input, and reference if there is one}, each {title, pieces: [{x, y, w, h, src}]}, the
 *   whole first, then details;
 *   details: [{x, y, w, h}], places of much fine structure; overlays: [{key, title, src, w, h, legend}].
 * An exit code, after a message; else *out is set. */
int cli_report_pictures(const struct cli_shown *shown, json_t **out);

/* The same, small: a thumbnail of the result, and one detail of result and bicubic. No overlays. */
int cli_review_pictures(const struct cli_shown *shown, json_t **out);

#endif
