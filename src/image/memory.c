/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures in memory as sources and sinks.
 */
#include <string.h>

#include "fovea/image.h"

static int copy_rows(char *dst, ptrdiff_t dst_stride, const char *src, ptrdiff_t src_stride, size_t bytes, int n)
{
    for (int i = 0; i < n; i++)
        memcpy(dst + i * dst_stride, src + i * src_stride, bytes);
    return FOVEA_OK;
}

static int memory_read(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    const struct fovea_image *image = user;
    return copy_rows(rows, stride_bytes, (const char *)image->data + y * image->stride_bytes, image->stride_bytes,
                     (size_t)image->width * fovea_pixel_bytes(&image->format), n);
}

static int memory_write(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes)
{
    struct fovea_image *image = user;
    return copy_rows((char *)image->data + y * image->stride_bytes, image->stride_bytes, rows, stride_bytes,
                     (size_t)image->width * fovea_pixel_bytes(&image->format), n);
}

static int memory_rewind(void *user)
{
    (void)user;
    return FOVEA_OK;
}

struct fovea_source fovea_source_from_image(const struct fovea_image *image)
{
    struct fovea_source source = { image->width, image->height, image->format, memory_read, memory_rewind, NULL };
    memcpy(&source.user, &image, sizeof image); /* only read through it */
    return source;
}

struct fovea_sink fovea_sink_to_image(struct fovea_image *image)
{
    struct fovea_sink sink = { memory_write, image };
    return sink;
}
