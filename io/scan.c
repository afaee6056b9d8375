/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a file is by its first bytes, its size by its header, and whether its structure goes on to the end of the
 * picture. Decoders differ in what they call truncated; this walk is the same for all: JPEG to its end-of-image
 * marker, PNG to IEND, WebP by its RIFF length, TIFF by its strip table, PNM by its size. The walks never trust a
 * length they read.
 */
#include <string.h>

#include "internal.h"

/* A file read through a buffer, with cheap skips. */
struct stream {
    FILE *file;
    int64_t size, base; /* of the file; position of the buffer's first byte */
    size_t n, i;        /* bytes in the buffer, the next one */
    unsigned char bytes[65536];
};

static int fill(struct stream *s)
{
    s->base += (int64_t)s->n;
    s->n = fread(s->bytes, 1, sizeof s->bytes, s->file);
    s->i = 0;
    return s->n > 0;
}

static int next(struct stream *s)
{
    return s->i < s->n || fill(s) ? s->bytes[s->i++] : EOF;
}

/* Go n bytes on; 0 if the file ends before. */
static int skip(struct stream *s, int64_t n)
{
    int64_t to = s->base + (int64_t)s->i + n;
    if (n < 0 || to > s->size)
        return 0;
    if (to <= s->base + (int64_t)s->n) {
        s->i = (size_t)(to - s->base);
        return 1;
    }
    s->base = to;
    s->n = s->i = 0;
    return fseeko(s->file, (off_t)to, SEEK_SET) == 0;
}

/* A big-endian number of n bytes; -1 at the end of the file. */
static int64_t next_number(struct stream *s, int n)
{
    int64_t v = 0;
    for (int k = 0; k < n; k++) {
        int c = next(s);
        if (c == EOF)
            return -1;
        v = v << 8 | c;
    }
    return v;
}

/* Go to the byte behind the next 0xff that is followed by neither 0 (a stuffed byte) nor a fill byte; that byte. */
static int next_marker(struct stream *s)
{
    for (;;) {
        if (s->i == s->n && !fill(s))
            return EOF;
        unsigned char *ff = memchr(s->bytes + s->i, 0xff, s->n - s->i);
        s->i = ff ? (size_t)(ff - s->bytes) + 1 : s->n;
        if (!ff)
            continue;
        int c = next(s);
        while (c == 0xff)
            c = next(s);
        if (c != 0)
            return c;
    }
}

static int is_frame_header(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Markers with a length are skipped whole, so that a thumbnail inside one is not taken for the picture; entropy-coded
 * data are searched for the next marker. */
static void scan_jpeg(struct stream *s, struct fovi_io_scan *scan)
{
    for (int marker = next_marker(s); marker != 0xd9; marker = next_marker(s)) {
        if (marker == EOF) {
            scan->truncated = "it ends before its end-of-image marker";
            return;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8))
            continue;
        int64_t length = next_number(s, 2);
        if (is_frame_header(marker) && !scan->width && length >= 7 && next(s) != EOF) {
            scan->height = next_number(s, 2);
            scan->width = next_number(s, 2);
            length -= 5;
        }
        if (length < 2 || !skip(s, length - 2)) {
            scan->truncated = "it ends inside a marker segment";
            return;
        }
    }
}

static void scan_png(struct stream *s, struct fovi_io_scan *scan)
{
    skip(s, 8);
    for (int first = 1;; first = 0) {
        int64_t length = next_number(s, 4), type = next_number(s, 4);
        if (type < 0) {
            scan->truncated = "it ends before its IEND chunk";
            return;
        }
        if (first && type == 0x49484452 && length >= 8) {
            scan->width = next_number(s, 4);
            scan->height = next_number(s, 4);
            length -= 8;
        }
        if (!skip(s, length + 4)) {
            scan->truncated = "it ends inside a chunk";
            return;
        }
        if (type == 0x49454e44)
            return;
    }
}

/* The size is at most 16383 x 16383 and left to the decoder. */
static void scan_webp(struct stream *s, struct fovi_io_scan *scan)
{
    skip(s, 4);
    int64_t length = 0;
    for (int k = 0; k < 4; k++)
        length |= (int64_t)next(s) << 8 * k;
    if (length + 8 > s->size)
        scan->truncated = "it is shorter than its RIFF header says";
}

static void scan_pnm(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan)
{
    struct fovi_io_pnm pnm = { .file = file };
    if (!fovi_io_pnm_header(&pnm)) {
        scan->kind = FOVI_IO_UNKNOWN;
        return;
    }
    scan->width = pnm.width;
    scan->height = pnm.height;
    /* width * height may overflow here, but then the picture is over the pixel limit, which is looked at first */
    if (pnm.width <= 1 << 30 && pnm.height <= 1 << 30 && pnm.data_bytes + fovi_io_pnm_bytes(&pnm) > size_bytes)
        scan->truncated = "it is shorter than its header says";
}

static enum fovi_io_kind sniff(const unsigned char *b, size_t n)
{
    if (n >= 3 && !memcmp(b, "\xff\xd8\xff", 3))
        return FOVI_IO_JPEG;
    if (n >= 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8))
        return FOVI_IO_PNG;
    if (n >= 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4))
        return FOVI_IO_WEBP;
    if (n >= 8 &&
        (!memcmp(b, "II*\0", 4) || !memcmp(b, "MM\0*", 4) || !memcmp(b, "II+\0", 4) || !memcmp(b, "MM\0+", 4)))
        return FOVI_IO_TIFF;
    if (n >= 3 && b[0] == 'P' && ((b[1] >= '1' && b[1] <= '6') || b[1] == 'f' || b[1] == 'F'))
        return FOVI_IO_PNM;
    return FOVI_IO_UNKNOWN;
}

void fovi_io_scan_file(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan)
{
    struct stream s = { .file = file, .size = size_bytes };
    *scan = (struct fovi_io_scan){ 0 };
    rewind(file);
    fill(&s);
    scan->kind = sniff(s.bytes, s.n);
    switch (scan->kind) {
    case FOVI_IO_JPEG: scan_jpeg(&s, scan); break;
    case FOVI_IO_PNG: scan_png(&s, scan); break;
    case FOVI_IO_WEBP: scan_webp(&s, scan); break;
    case FOVI_IO_TIFF: fovi_io_scan_tiff(file, size_bytes, scan); break;
    case FOVI_IO_PNM: scan_pnm(file, size_bytes, scan); break;
    case FOVI_IO_UNKNOWN: break;
    }
}
