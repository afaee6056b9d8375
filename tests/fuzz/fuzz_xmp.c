/* SPDX-License-Identifier: BSD-2-Clause
 *
 * XMP brought up to date, and Photoshop's image resources with IPTC in them.
 */
#include "fuzz.h"
#include "io/meta.h"

static void try_xmp(const uint8_t *data, size_t size)
{
    const struct fovi_io_change change = { 640, 480, 1.5, 3.0, 0 };
    struct fovi_io_blob xmp = { NULL, 0 };
    FUZZ_CHECK(!fovi_io_blob_set(&xmp, data, size));
    FUZZ_CHECK(!fovi_io_xmp_update(&xmp, &change));
    FUZZ_CHECK(xmp.n <= 16 * size + 4096);
    free(xmp.bytes);
}

static void try_iptc(const uint8_t *data, size_t size)
{
    struct fovi_io_blob iptc = { NULL, 0 }, resource = { NULL, 0 }, again = { NULL, 0 };
    uint8_t *copy = malloc(size);
    FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    FUZZ_CHECK(!fovi_io_iptc_extract(copy, size, &iptc));
    free(copy);
    FUZZ_CHECK(iptc.n <= size);
    if (iptc.n) {
        FUZZ_CHECK(!fovi_io_iptc_wrap(&iptc, &resource) && resource.n >= iptc.n);
        FUZZ_CHECK(!fovi_io_iptc_extract(resource.bytes, resource.n, &again));
        FUZZ_CHECK(again.n <= iptc.n);
    }
    free(iptc.bytes);
    free(resource.bytes);
    free(again.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    try_xmp(data, size);
    try_iptc(data, size);
    return 0;
}
