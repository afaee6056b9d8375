/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Small pictures of large ones, for pages: a whole picture brought to another size, and windows of it, as 8-bit
 * pictures that a browser shows. The large picture is only streamed through.
 */
#ifndef FOVEA_CLI_PREVIEW_H
#define FOVEA_CLI_PREVIEW_H

#include "cli.h"

struct cli_window {
    int x, y, width, height;
};

/* Bring source to width x height by bicubic, antialiased where that is smaller, and keep n windows of the result, which
 * must lie inside. images[i] gets 8-bit grey or RGB, alpha kept; of pictures with other channels the first one as grey.
 * Free them with fovea_io_image_free; on failure nothing is left. An exit code, after a message. */
int cli_preview(const struct cli *cli, const struct fovea_source *source, int width, int height, int n,
                const struct cli_window *windows, struct fovea_image *images);

/* Make a size smaller, its aspect kept, until it has at most so many pixels and no longer side than max_side. */
void cli_fit(int *width, int *height, double max_pixels, int max_side);

/* The picture as "data:image/...;base64,..."; quality 0: PNG, else JPEG of that quality (WebP where it has alpha).
 * like: a reader whose colour profile is taken over, or NULL. NULL after a message. */
json_t *cli_data_uri(const struct cli *cli, const struct fovea_image *image, int quality, const fovea_io_reader *like);

#endif
