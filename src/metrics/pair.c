/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows of two pictures, whatever their depths, on the 0..255 scale.
 */
#include "metrics/pair.h"

#include "image/convert.h"

void fovi_pair_init(struct fovi_pair *pair, const struct fovea_image *reference, const struct fovea_image *test,
                    int border)
{
    *pair = (struct fovi_pair){ .image = { reference, test }, .border = border };
    pair->width = reference->width - 2 * border;
    pair->height = reference->height - 2 * border;
    pair->n_channels = reference->format.n_channels;
    pair->n_color = pair->n_channels - (reference->format.has_alpha ? 1 : 0);
}

size_t fovi_pair_row_size(const struct fovi_pair *pair)
{
    return ((size_t)pair->n_channels + 1) * (size_t)pair->width;
}

void fovi_pair_load(const struct fovi_pair *pair, int i, int y, float *memory)
{
    const struct fovea_image *image = pair->image[i];
    const unsigned char *row = (const unsigned char *)image->data +
                               (pair->border + (ptrdiff_t)y) * image->stride_bytes +
                               (size_t)pair->border * fovea_pixel_bytes(&image->format);
    float *planes[FOVEA_MAX_CHANNELS];
    for (int c = 0; c < pair->n_channels; c++)
        planes[c] = fovi_pair_plane(pair, memory, c);
    fovi_row_load(&image->format, row, pair->width, planes);
    fovi_row_luma((const float *const *)planes, pair->n_color, pair->width,
                  fovi_pair_plane(pair, memory, pair->n_channels));
}
