/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Boxes of JPEG XL and JPEG 2000 and chunks of WebP: metadata taken out, and put into the same file.
 */
#include <unistd.h>

#include "fuzz.h"
#include "io/meta.h"

static void rewrite(FILE *file, FILE *to, int64_t size, enum fovi_io_kind kind)
{
    static unsigned char exif[] = "II*\0\10\0\0\0\0\0\0\0\0", xmp[] = "<x:xmpmeta/>", iptc[] = "\x1c\2\5\0\1a";
    const struct fovi_io_meta meta = { .exif = { exif, sizeof exif },
                                       .xmp = { xmp, sizeof xmp - 1 },
                                       .iptc = { iptc, sizeof iptc - 1 } };
    const struct fovi_io_job job = { .kind = kind, .width = 8, .height = 8, .format = { FOVEA_SAMPLE_U8, 3, 0 } };
    FUZZ_CHECK(!ftruncate(fileno(to), 0));
    rewind(file);
    rewind(to);
    fovi_io_boxes_write(file, size, to, &job, &meta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *file, *to;
    struct fovi_io_meta meta = { .x_per_mm = 0.0 };
    if (!file)
        file = tmpfile();
    if (!to)
        to = tmpfile();
    FUZZ_CHECK(file && to);
    FUZZ_CHECK(!ftruncate(fileno(file), 0) && pwrite(fileno(file), data, size, 0) == (ssize_t)size);
    rewind(file);
    FUZZ_CHECK(!fovi_io_boxes_read(file, (int64_t)size, &meta));
    FUZZ_CHECK(meta.exif.n <= size && meta.xmp.n <= size && meta.iptc.n <= size);
    fovi_io_meta_free(&meta);
    rewrite(file, to, (int64_t)size, FOVI_IO_JXL);
    rewrite(file, to, (int64_t)size, FOVI_IO_JP2);
    rewrite(file, to, (int64_t)size, FOVI_IO_WEBP);
    return 0;
}
