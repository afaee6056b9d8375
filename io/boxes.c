/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files made of boxes (ISO base media: JPEG XL, JPEG 2000) and of chunks (RIFF: WebP). libvips 8.14 neither reads nor
 * writes EXIF and XMP there, or not as they are; here they are taken out of boxes, and files are rewritten with them,
 * piece by piece. EXIF in JPEG 2000 goes into the uuid box that exiftool and others know.
 */
#include <stdlib.h>
#include <string.h>

#include "meta.h"

/* Boxes of more bytes are not taken for metadata. */
#define MOST_BYTES ((int64_t)1 << 24)

static const unsigned char uuids[3][16] = {
    "JpgTiffExif->JP2",
    { 0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac },
    { 0x33, 0xc7, 0xa4, 0xd2, 0xb8, 0x1d, 0x47, 0x23, 0xa0, 0xba, 0xf1, 0xa3, 0xe0, 0x97, 0xad, 0x38 }
};

struct box {
    char type[5];
    int64_t at, body, end; /* positions of the box, of what is in it, and behind it */
};

static int64_t big_endian(const unsigned char *b, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | b[i];
    return v > INT64_MAX ? -1 : (int64_t)v;
}

static int read_at(FILE *file, int64_t at, void *bytes, size_t n)
{
    return fseeko(file, (off_t)at, SEEK_SET) == 0 && fread(bytes, 1, n, file) == n;
}

/* The box at a position, within end; 0 if there is none. */
static int next_box(FILE *file, int64_t at, int64_t end, struct box *box)
{
    unsigned char b[16];
    if (at > end - 8 || !read_at(file, at, b, 8))
        return 0;
    int64_t size = big_endian(b, 4);
    *box = (struct box){ "", at, at + 8, 0 };
    memcpy(box->type, b + 4, 4);
    if (size == 1) {
        if (!read_at(file, at + 8, b + 8, 8))
            return 0;
        size = big_endian(b + 8, 8);
        box->body += 8;
    }
    if (size == 0)
        size = end - at;
    if (size < box->body - at || size > end - at)
        return 0;
    box->end = at + size;
    return 1;
}

/* What stands in a box from a position on; -1 when memory is short. */
static int take(FILE *file, int64_t at, int64_t end, struct fovi_io_blob *blob)
{
    if (blob->n || at >= end || end - at > MOST_BYTES)
        return 0;
    unsigned char *bytes = malloc((size_t)(end - at));
    if (!bytes)
        return -1;
    int failed = read_at(file, at, bytes, (size_t)(end - at)) && fovi_io_blob_set(blob, bytes, (size_t)(end - at));
    free(bytes);
    return failed ? -1 : 0;
}

/* The profile of a JPEG 2000 header, which libvips does not look for. */
static int read_profile(FILE *file, const struct box *header, struct fovi_io_blob *icc)
{
    unsigned char method;
    struct box box;
    for (int64_t at = header->body; next_box(file, at, header->end, &box); at = box.end)
        if (!strcmp(box.type, "colr") && read_at(file, box.body, &method, 1) && (method == 2 || method == 3))
            return take(file, box.body + 3, box.end, icc);
    return 0;
}

static int read_box(FILE *file, const struct box *box, struct fovi_io_meta *meta)
{
    struct fovi_io_blob *const blobs[] = { &meta->exif, &meta->xmp, &meta->iptc };
    unsigned char b[16];
    if (!strcmp(box->type, "Exif") && box->end - box->body > 4 && read_at(file, box->body, b, 4))
        return take(file, box->body + 4 + big_endian(b, 4), box->end, &meta->exif);
    if (!strcmp(box->type, "xml "))
        return take(file, box->body, box->end, &meta->xmp);
    if (!strcmp(box->type, "jp2h"))
        return read_profile(file, box, &meta->icc);
    if (strcmp(box->type, "uuid") != 0 || box->end - box->body <= 16 || !read_at(file, box->body, b, 16))
        return 0;
    for (int i = 0; i < 3; i++)
        if (!memcmp(b, uuids[i], 16))
            return take(file, box->body + 16, box->end, blobs[i]);
    return 0;
}

int fovi_io_boxes_read(FILE *file, int64_t size_bytes, struct fovi_io_meta *meta)
{
    struct box box;
    for (int64_t at = 0; next_box(file, at, size_bytes, &box); at = box.end)
        if (read_box(file, &box, meta))
            return -1;
    return 0;
}

/* ---- writing ---- */

static int put(FILE *to, const void *bytes, size_t n)
{
    return n && fwrite(bytes, 1, n, to) != n ? -1 : 0;
}

static int copy(FILE *from, int64_t at, int64_t end, FILE *to)
{
    static const size_t step = 1 << 16;
    unsigned char *bytes = malloc(step);
    int failed = !bytes || fseeko(from, (off_t)at, SEEK_SET);
    while (at < end && !failed) {
        size_t n = (int64_t)step < end - at ? step : (size_t)(end - at);
        failed = fread(bytes, 1, n, from) != n || put(to, bytes, n);
        at += (int64_t)n;
    }
    free(bytes);
    return failed ? -1 : 0;
}

/* A box of up to two parts; sizes above 32 bits do not occur. */
static int put_box(FILE *to, const char *type, const void *first, size_t n_first, const void *second, size_t n_second)
{
    unsigned char head[8];
    for (int i = 0; i < 4; i++)
        head[i] = (unsigned char)((n_first + n_second + 8) >> 8 * (3 - i));
    memcpy(head + 4, type, 4);
    return put(to, head, 8) || put(to, first, n_first) || put(to, second, n_second) ? -1 : 0;
}

static int put_jxl_boxes(FILE *to, const struct fovi_io_meta *m)
{
    return (m->exif.n && put_box(to, "Exif", "\0\0\0\0", 4, m->exif.bytes, m->exif.n)) ||
                   (m->xmp.n && put_box(to, "xml ", NULL, 0, m->xmp.bytes, m->xmp.n))
               ? -1
               : 0;
}

/* A bare codestream gets its container; in one that is there, the boxes go in front of the codestream. */
static int write_jxl(FILE *from, int64_t size, FILE *to, const struct fovi_io_meta *m)
{
    static const char start[] = "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14"
                                "ftypjxl \0\0\0\0jxl ";
    unsigned char b[2];
    struct box box;
    int is_done = 0;
    if (!read_at(from, 0, b, 2))
        return -1;
    if (b[0] == 0xff) {
        unsigned char head[8] = { 0, 0, 0, 0, 'j', 'x', 'l', 'c' }; /* of no size: to the end of the file */
        return put(to, start, sizeof start - 1) || put_jxl_boxes(to, m) || put(to, head, 8) || copy(from, 0, size, to);
    }
    for (int64_t at = 0; next_box(from, at, size, &box); at = box.end) {
        if (!is_done && !strncmp(box.type, "jxl", 3) && (box.type[3] == 'c' || box.type[3] == 'p')) {
            is_done = 1;
            if (put_jxl_boxes(to, m))
                return -1;
        }
        if (copy(from, box.at, box.end, to))
            return -1;
    }
    return is_done ? 0 : -1;
}

/* The header box anew: the profile in place of a named colour space. */
static int put_jp2_header(FILE *from, const struct box *header, FILE *to, const struct fovi_io_meta *m)
{
    unsigned char head[8] = { 0, 0, 0, 0, 'j', 'p', '2', 'h' };
    int64_t size = 8 + (m->icc.n ? 8 + 3 + (int64_t)m->icc.n : 0);
    struct box box;
    for (int64_t at = header->body; next_box(from, at, header->end, &box); at = box.end)
        if (strcmp(box.type, "colr") != 0 || !m->icc.n)
            size += box.end - box.at;
    for (int i = 0; i < 4; i++)
        head[i] = (unsigned char)(size >> 8 * (3 - i));
    int failed = put(to, head, 8);
    for (int64_t at = header->body; next_box(from, at, header->end, &box) && !failed; at = box.end) {
        if (!strcmp(box.type, "colr") && m->icc.n)
            failed = put_box(to, "colr", "\2\0\0", 3, m->icc.bytes, m->icc.n);
        else
            failed = copy(from, box.at, box.end, to);
    }
    return failed;
}

static int write_jp2(FILE *from, int64_t size, FILE *to, const struct fovi_io_meta *m)
{
    const struct fovi_io_blob *const blobs[] = { &m->exif, &m->xmp, &m->iptc };
    struct box box;
    int failed = 0, is_done = 0;
    for (int64_t at = 0; next_box(from, at, size, &box) && !failed; at = box.end) {
        int is_header = !strcmp(box.type, "jp2h");
        failed = is_header ? put_jp2_header(from, &box, to, m) : copy(from, box.at, box.end, to);
        for (int i = 0; i < 3 && is_header && !failed; i++)
            failed = blobs[i]->n && put_box(to, "uuid", uuids[i], 16, blobs[i]->bytes, blobs[i]->n);
        is_done |= is_header;
    }
    return failed || !is_done ? -1 : 0;
}

static void put_little(unsigned char *out, size_t v, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (unsigned char)(v >> 8 * i);
}

static int put_chunk(FILE *to, const char *type, const struct fovi_io_blob *blob)
{
    unsigned char head[8];
    memcpy(head, type, 4);
    put_little(head + 4, blob->n, 4);
    return blob->n && (put(to, head, 8) || put(to, blob->bytes, blob->n) || put(to, "", blob->n & 1)) ? -1 : 0;
}

static size_t chunk_bytes(const struct fovi_io_blob *blob)
{
    return blob->n ? 8 + blob->n + (blob->n & 1) : 0;
}

/* One chunk of a WebP file; 0 behind the last. */
static int next_chunk(FILE *file, int64_t at, int64_t end, struct box *box)
{
    unsigned char b[8];
    if (at > end - 8 || !read_at(file, at, b, 8))
        return 0;
    int64_t n = (int64_t)b[4] | (int64_t)b[5] << 8 | (int64_t)b[6] << 16 | (int64_t)b[7] << 24;
    *box = (struct box){ "", at, at + 8, at + 8 + n + (n & 1) };
    memcpy(box->type, b, 4);
    return box->end <= end;
}

static int is_picture(const struct box *box)
{
    return !strcmp(box->type, "VP8 ") || !strcmp(box->type, "VP8L") || !strcmp(box->type, "ALPH");
}

/* Only the chunks of the picture are copied, since libvips makes up an EXIF of its own. Flags and order are those of
 * the extended format, which is needed for metadata and for alpha beside a lossy picture. */
static int write_webp(FILE *from, int64_t size, FILE *to, const struct fovi_io_job *job, const struct fovi_io_meta *m)
{
    unsigned char b[5], head[30] = "RIFF....WEBPVP8X\x0a";
    int64_t bytes = 0;
    int has_alpha = 0, is_extended = m->icc.n || m->exif.n || m->xmp.n;
    struct box box;
    for (int64_t at = 12; next_chunk(from, at, size, &box); at = box.end) {
        if (!is_picture(&box))
            continue;
        bytes += box.end - box.at;
        is_extended |= !strcmp(box.type, "ALPH");
        has_alpha |= !strcmp(box.type, "ALPH");
        has_alpha |= !strcmp(box.type, "VP8L") && read_at(from, box.body, b, 5) && (b[4] & 0x10);
    }
    put_little(head + 4,
               4 + (is_extended ? 18 : 0) + (size_t)bytes + chunk_bytes(&m->icc) + chunk_bytes(&m->exif) +
                   chunk_bytes(&m->xmp),
               4);
    head[20] = (unsigned char)((m->icc.n ? 0x20 : 0) | (has_alpha ? 0x10 : 0) | (m->exif.n ? 8 : 0) |
                               (m->xmp.n ? 4 : 0));
    put_little(head + 24, (size_t)job->width - 1, 3);
    put_little(head + 27, (size_t)job->height - 1, 3);
    int failed = bytes == 0 || put(to, head, is_extended ? sizeof head : 12) || put_chunk(to, "ICCP", &m->icc);
    for (int64_t at = 12; next_chunk(from, at, size, &box) && !failed; at = box.end)
        failed = is_picture(&box) && copy(from, box.at, box.end, to);
    return failed || put_chunk(to, "EXIF", &m->exif) || put_chunk(to, "XMP ", &m->xmp) ? -1 : 0;
}

int fovi_io_boxes_write(FILE *from, int64_t size_bytes, FILE *to, const struct fovi_io_job *job,
                        const struct fovi_io_meta *meta)
{
    switch (job->kind) {
    case FOVI_IO_JXL: return write_jxl(from, size_bytes, to, meta);
    case FOVI_IO_JP2: return write_jp2(from, size_bytes, to, meta);
    case FOVI_IO_WEBP: return write_webp(from, size_bytes, to, job, meta);
    default: return -1;
    }
}
