/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EXIF in memory, brought up to date; the same bytes as a TIFF file, whose directories become EXIF and IPTC; and that
 * put back into the file.
 */
#include <unistd.h>

#include "fuzz.h"
#include "io/meta.h"

static void try_memory(const uint8_t *data, size_t size)
{
    const struct fovi_io_change change = { 640, 480, 2.0, 2.0, 0 };
    unsigned char *copy = malloc(size ? size : 1);
    size_t n = size;
    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    int orientation = fovi_io_exif_orientation(copy, size);
    FUZZ_CHECK(orientation >= 1 && orientation <= 8);
    if (fovi_io_exif_update(copy, &n, &change) == 0) {
        FUZZ_CHECK(n <= size);
        FUZZ_CHECK(fovi_io_exif_orientation(copy, n) == 1);
    }
    free(copy);
}

static void try_file(const uint8_t *data, size_t size)
{
    static FILE *file;
    struct fovi_io_meta meta = { .x_per_mm = 0.0 };
    if (!file)
        file = tmpfile();
    FUZZ_CHECK(file);
    FUZZ_CHECK(!ftruncate(fileno(file), 0) && pwrite(fileno(file), data, size, 0) == (ssize_t)size);
    rewind(file);
    for (int page = 0; page < 2; page++) {
        FUZZ_CHECK(!fovi_io_exif_from_tiff(file, (int64_t)size, page, &meta));
        if (page == 0)
            fovi_io_exif_into_tiff(file, (int64_t)size, &meta);
        fovi_io_meta_free(&meta);
        meta = (struct fovi_io_meta){ .x_per_mm = 0.0 };
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_memory(data, size);
    try_file(data, size);
    return 0;
}
