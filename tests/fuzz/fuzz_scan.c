/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The walk over a picture file before a decoder sees it: JPEG, PNG, WebP, TIFF, PNM; and the change of a TIFF's alpha.
 */
#include "fuzz.h"
#include "io/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *copy = malloc(size);
    FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    FILE *file = fmemopen(copy, size, "r+b");
    FUZZ_CHECK(file);
    struct fovi_io_scan scan = { 0 };
    fovi_io_scan_file(file, (int64_t)size, &scan);
    FUZZ_CHECK(scan.kind != FOVI_IO_UNKNOWN || !scan.truncated);
    if (scan.kind == FOVI_IO_TIFF)
        fovi_io_tiff_set_alpha(file, (int64_t)size, 1);
    fclose(file);
    free(copy);
    return 0;
}
