/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole pictures from and to files, and what a file holds.
 */
#include <stdlib.h>

#include "internal.h"

int fovea_io_read_image(fovea_io *io, const char *path, struct fovea_image *out)
{
    *out = (struct fovea_image){ 0 };
    fovea_io_reader *reader;
    int code = fovea_io_reader_open(&reader, io, path);
    if (code)
        return code;
    struct fovea_source source = fovea_io_reader_source(reader);
    size_t row_bytes = fovi_io_row_bytes(source.width, &source.format);
    *out = (struct fovea_image){ source.width, source.height, source.format, NULL, (ptrdiff_t)row_bytes };
    if (row_bytes <= PTRDIFF_MAX / (size_t)source.height)
        out->data = malloc(row_bytes * (size_t)source.height);
    code = out->data ? source.read(source.user, 0, source.height, out->data, out->stride_bytes)
                     : fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory: '%s' has %dx%d pixels of %d channels", path,
                                    source.width, source.height, source.format.n_channels);
    fovea_io_reader_close(&reader);
    if (code)
        fovea_io_image_free(out);
    return code;
}

void fovea_io_image_free(struct fovea_image *image)
{
    free(image->data);
    *image = (struct fovea_image){ 0 };
}

int fovea_io_write_image(fovea_io *io, const char *path, const struct fovea_image *image, const fovea_io_reader *like,
                         struct fovea_io_loss *loss)
{
    fovea_io_writer *writer;
    int code = fovea_io_writer_open(&writer, io, path, image->width, image->height, &image->format, like);
    if (code)
        return code;
    if (loss)
        fovea_io_writer_loss(writer, loss);
    struct fovea_sink sink = fovea_io_writer_sink(writer);
    code = sink.write(sink.user, 0, image->height, image->data, image->stride_bytes);
    if (!code)
        return fovea_io_writer_finish(&writer);
    fovea_io_writer_abandon(&writer);
    return code;
}

int fovea_io_probe(fovea_io *io, const char *path, struct fovea_io_info *info)
{
    struct fovea_io_read_params params = FOVEA_IO_READ_DEFAULTS;
    params.page = 1;
    fovea_io_reader *reader;
    int code = fovea_io_reader_open_with(&reader, io, path, &params);
    if (!code)
        fovea_io_reader_describe(reader, info);
    fovea_io_reader_close(&reader);
    return code;
}
