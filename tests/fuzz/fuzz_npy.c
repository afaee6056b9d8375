/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NumPy's arrays: header and rows, in C and Fortran order. The rows are read by file descriptor, so it is a real file.
 */
#include <unistd.h>

#include "fuzz.h"
#include "io/internal.h"

/* At most this many samples a row are read. */
#define MAX_ROW 65536

static void read_rows(struct fovi_io_npy *npy, int64_t size)
{
    struct fovea_format format;
    fovi_io_npy_format(npy, &format);
    FUZZ_CHECK(npy->width >= 1 && npy->height >= 1 && format.n_channels >= 1);
    if (format.n_channels > FOVEA_MAX_CHANNELS || npy->width > MAX_ROW / format.n_channels || npy->height > 1 << 30 ||
        npy->data_bytes + fovi_io_npy_bytes(npy) > size)
        return;
    void *row = malloc(fovi_io_row_bytes((int)npy->width, &format));
    FUZZ_CHECK(row);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t y = 0; y < npy->height; y++)
            FUZZ_CHECK(!fovi_io_npy_read_row(npy, row));
        fovi_io_npy_rewind(npy);
    }
    free(row);
    free(npy->strip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *file;
    struct fovi_io_npy npy = { .file = NULL };
    if (!file)
        file = tmpfile();
    FUZZ_CHECK(file);
    fovi_io_npy_parse(&npy, data, size);
    FUZZ_CHECK(!ftruncate(fileno(file), 0) && pwrite(fileno(file), data, size, 0) == (ssize_t)size);
    npy = (struct fovi_io_npy){ .file = file };
    if (fovi_io_npy_header(&npy))
        read_rows(&npy, (int64_t)size);
    return 0;
}
