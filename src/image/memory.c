/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures in memory as sources and sinks.
 */
#include "image/memory.h"

#include <stdint.h>
#include <string.h>

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

static int is_aligned(const struct fovea_image *image)
{
    size_t bytes = fovea_sample_bytes(image->format.sample);
    return bytes && (uintptr_t)image->data % bytes == 0 && image->stride_bytes % (ptrdiff_t)bytes == 0;
}

const struct fovea_image *fovi_source_image(const struct fovea_source *source)
{
    return source->read == memory_read && is_aligned(source->user) ? source->user : NULL;
}

struct fovea_image *fovi_sink_image(const struct fovea_sink *sink)
{
    return sink->write == memory_write && is_aligned(sink->user) ? sink->user : NULL;
}
