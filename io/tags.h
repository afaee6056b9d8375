/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directories of TIFF and EXIF: read from a file or from memory into lists of tags, written back in either byte order,
 * classic or big. Inside the lists all numbers are little-endian.
 */
#ifndef FOVI_IO_TAGS_H
#define FOVI_IO_TAGS_H

#include "internal.h"

/* A TIFF structure, in a file or in memory. */
struct fovi_io_tiff {
    FILE *file;
    const unsigned char *bytes; /* where file is NULL */
    int64_t size;
    int is_little, is_big;
    int64_t first; /* position of the first directory */
};

struct fovi_io_tag {
    int tag, type;
    int64_t count;
    unsigned char *data; /* owned, little-endian */
    size_t n_bytes;
};

struct fovi_io_tags {
    struct fovi_io_tag *tag; /* sorted by number */
    int n, capacity;
};

enum {
    FOVI_IO_TAG_WIDTH = 0x100,
    FOVI_IO_TAG_HEIGHT = 0x101,
    FOVI_IO_TAG_STRIPS = 0x111,
    FOVI_IO_TAG_ORIENTATION = 0x112,
    FOVI_IO_TAG_STRIP_COUNTS = 0x117,
    FOVI_IO_TAG_X_RESOLUTION = 0x11a,
    FOVI_IO_TAG_Y_RESOLUTION = 0x11b,
    FOVI_IO_TAG_UNIT = 0x128,
    FOVI_IO_TAG_THUMBNAIL = 0x201,
    FOVI_IO_TAG_THUMBNAIL_BYTES = 0x202,
    FOVI_IO_TAG_IPTC = 0x83bb,
    FOVI_IO_TAG_PHOTOSHOP = 0x8649,
    FOVI_IO_TAG_EXIF = 0x8769,
    FOVI_IO_TAG_GPS = 0x8825,
    FOVI_IO_TAG_INTEROP = 0xa005,
    FOVI_IO_TAG_PIXEL_X = 0xa002,
    FOVI_IO_TAG_PIXEL_Y = 0xa003,
    FOVI_IO_TAG_FOCAL_X = 0xa20e,
    FOVI_IO_TAG_FOCAL_Y = 0xa20f
};

enum { FOVI_IO_TYPE_SHORT = 3, FOVI_IO_TYPE_LONG = 4, FOVI_IO_TYPE_RATIONAL = 5, FOVI_IO_TYPE_LONG8 = 16 };

/* Bytes of a value; 0 for an unknown type. */
int fovi_io_type_bytes(int type);
/* Look at the header of bytes or, where that is NULL, of file; 0 if it is none. */
int fovi_io_tiff_open(struct fovi_io_tiff *tiff, FILE *file, const void *bytes, int64_t size);
/* Read a directory into an empty list; tags beyond most_bytes in all, of unknown types or beyond the end are left
 * out. 0 if there is no directory. Free the list in any case. */
int fovi_io_tags_read(const struct fovi_io_tiff *tiff, int64_t at, size_t most_bytes, struct fovi_io_tags *tags);
void fovi_io_tags_free(struct fovi_io_tags *tags);
struct fovi_io_tag *fovi_io_tags_find(const struct fovi_io_tags *tags, int tag);
/* Set or replace; data are copied. 0, or -1 when memory is short. */
int fovi_io_tags_set(struct fovi_io_tags *tags, int tag, int type, int64_t count, const void *data, size_t n_bytes);
int fovi_io_tags_set_number(struct fovi_io_tags *tags, int tag, int type, uint64_t value);
int fovi_io_tags_set_rational(struct fovi_io_tags *tags, int tag, double value);
void fovi_io_tags_remove(struct fovi_io_tags *tags, int tag);
/* The first value of an integer tag, fallback where there is none. */
int64_t fovi_io_tags_number(const struct fovi_io_tags *tags, int tag, int64_t fallback);
/* Bytes that a directory takes with its values. */
size_t fovi_io_tags_bytes(const struct fovi_io_tags *tags, int is_big);
/* Write it as it stands at position at of the whole; out has room for fovi_io_tags_bytes. No next directory. */
void fovi_io_tags_write(const struct fovi_io_tags *tags, int64_t at, int is_little, int is_big, unsigned char *out);

/* A value as a fraction of two 32-bit numbers. */
void fovi_io_rational(double value, uint32_t fraction[2]);

#endif
