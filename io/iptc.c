/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IPTC records (IIM 4) inside Photoshop's image resources: the way JPEG and PNG carry them. Of the resources only the
 * records are kept; the others describe Photoshop's view of the old picture, its thumbnail above all.
 */
#include <stdlib.h>
#include <string.h>

#include "meta.h"

static const char title[] = "Photoshop 3.0";
#define IPTC_RESOURCE 0x0404

/* Bytes of the records at the start; what follows is padding. */
static size_t records_bytes(const unsigned char *bytes, size_t n_bytes)
{
    size_t at = 0;
    while (n_bytes - at >= 5 && bytes[at] == 0x1c) {
        size_t n = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        if (n & 0x8000 || n > n_bytes - at - 5) /* a long record: its length has a length */
            return n_bytes;
        at += 5 + n;
    }
    return at;
}

int fovi_io_iptc_extract(const unsigned char *bytes, size_t n_bytes, struct fovi_io_blob *iptc)
{
    size_t at = n_bytes >= sizeof title && !memcmp(bytes, title, sizeof title) ? sizeof title : 0;
    if (!at && n_bytes > 4 && bytes[0] == 0x1c)
        return fovi_io_blob_set(iptc, bytes, records_bytes(bytes, n_bytes));
    while (n_bytes - at >= 12 && !memcmp(bytes + at, "8BIM", 4)) {
        int id = bytes[at + 4] << 8 | bytes[at + 5];
        size_t name = (size_t)bytes[at + 6] + 1;
        at += 6 + name + (name & 1);
        if (at > n_bytes || n_bytes - at < 4)
            return 0;
        size_t n = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        at += 4;
        if (n > n_bytes - at)
            return 0;
        if (id == IPTC_RESOURCE && n > 0)
            return fovi_io_blob_set(iptc, bytes + at, records_bytes(bytes + at, n));
        at += n;
        at += at < n_bytes && (n & 1);
    }
    return 0;
}

int fovi_io_iptc_wrap(const struct fovi_io_blob *iptc, struct fovi_io_blob *resource)
{
    size_t n = 12 + iptc->n + (iptc->n & 1);
    resource->bytes = calloc(1, n);
    if (!resource->bytes)
        return -1;
    resource->n = n;
    memcpy(resource->bytes, "8BIM\4\4\0\0", 8);
    for (int i = 0; i < 4; i++)
        resource->bytes[8 + i] = (unsigned char)(iptc->n >> 8 * (3 - i));
    memcpy(resource->bytes + 12, iptc->bytes, iptc->n);
    return 0;
}
