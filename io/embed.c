/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Metadata into the stream of an encoder, so that a large file is written once. JPEG: behind the start-of-image marker
 * come JFIF, EXIF, XMP, the profile and IPTC. PNG: behind its header come iCCP, pHYs, eXIf, XMP (iTXt) and IPTC (a raw
 * profile, as exiftool and ImageMagick write it); the encoder's own chunks of before the pixels are left out, but for
 * the palette. The encoder itself is given no metadata.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "meta.h"

static void put32(unsigned char *out, size_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(v >> 8 * (3 - i));
}

static int put(struct fovi_io_embed *e, const void *bytes, size_t n)
{
    return n && fwrite(bytes, 1, n, e->file) != n ? -1 : 0;
}

/* ---- JPEG ---- */

/* A segment of a title (its terminating 0s are its own) and data. */
static int put_segment(struct fovi_io_embed *e, int marker, const char *title, size_t title_bytes, const void *data,
                       size_t n)
{
    unsigned char head[4] = { 0xff, (unsigned char)marker, (unsigned char)((n + title_bytes + 2) >> 8),
                              (unsigned char)(n + title_bytes + 2) };
    return put(e, head, 4) || put(e, title, title_bytes) || put(e, data, n);
}

/* Pixels an inch are whole numbers here. */
static int put_jfif(struct fovi_io_embed *e)
{
    double x = e->meta->x_per_mm * 25.4, y = e->meta->y_per_mm * 25.4;
    unsigned char data[] = { 1, 1, 0, 0, 1, 0, 1, 0, 0 };
    if (x >= 1. && y >= 1. && x < 65535. && y < 65535.) {
        unsigned xi = (unsigned)(x + .5), yi = (unsigned)(y + .5);
        data[2] = 1;
        data[3] = (unsigned char)(xi >> 8);
        data[4] = (unsigned char)xi;
        data[5] = (unsigned char)(yi >> 8);
        data[6] = (unsigned char)yi;
    }
    return put_segment(e, 0xe0, "JFIF", 5, data, sizeof data);
}

#define PROFILE_PIECE ((size_t)65519)

static int put_jpeg(struct fovi_io_embed *e)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/", photoshop[] = "Photoshop 3.0";
    const struct fovi_io_meta *m = e->meta;
    if (put_jfif(e) || (m->exif.n && put_segment(e, 0xe1, exif, sizeof exif, m->exif.bytes, m->exif.n)) ||
        (m->xmp.n && put_segment(e, 0xe1, xmp, sizeof xmp, m->xmp.bytes, m->xmp.n)))
        return -1;
    size_t n_pieces = (m->icc.n + PROFILE_PIECE - 1) / PROFILE_PIECE;
    for (size_t i = 0; i < n_pieces; i++) {
        char title[14] = "ICC_PROFILE";
        title[12] = (char)(i + 1);
        title[13] = (char)n_pieces;
        size_t at = i * PROFILE_PIECE, n = m->icc.n - at < PROFILE_PIECE ? m->icc.n - at : PROFILE_PIECE;
        if (put_segment(e, 0xe2, title, sizeof title, m->icc.bytes + at, n))
            return -1;
    }
    struct fovi_io_blob resource = { 0 };
    int failed = m->iptc.n && (fovi_io_iptc_wrap(&m->iptc, &resource) ||
                               put_segment(e, 0xed, photoshop, sizeof photoshop, resource.bytes, resource.n));
    free(resource.bytes);
    return failed;
}

/* ---- PNG ---- */

static int put_chunk(struct fovi_io_embed *e, const char *type, const void *data, size_t n)
{
    unsigned char head[8], tail[4];
    put32(head, n);
    memcpy(head + 4, type, 4);
    uLong crc = crc32(0, head + 4, 4);
    for (size_t at = 0; at < n;) {
        uInt part = n - at < 1 << 30 ? (uInt)(n - at) : 1 << 30;
        crc = crc32(crc, (const Bytef *)data + at, part);
        at += part;
    }
    put32(tail, (size_t)crc);
    return put(e, head, 8) || put(e, data, n) || put(e, tail, 4);
}

/* A chunk of a keyword, its ending, and data that are deflated. */
static int put_deflated(struct fovi_io_embed *e, const char *type, const char *keyword, size_t keyword_bytes,
                        const void *data, size_t n)
{
    uLongf room = compressBound((uLong)n);
    unsigned char *out = malloc(keyword_bytes + room);
    int failed = !out || compress2(out + keyword_bytes, &room, data, (uLong)n, 9) != Z_OK;
    if (!failed) {
        memcpy(out, keyword, keyword_bytes);
        failed = put_chunk(e, type, out, keyword_bytes + room);
    }
    free(out);
    return failed;
}

/* The records as ImageMagick's "raw profile": a name, a length, and hexadecimal lines of 36 bytes. */
static int put_raw_profile(struct fovi_io_embed *e, const struct fovi_io_blob *iptc)
{
    static const char keyword[] = "Raw profile type iptc\0"; /* and the method, 0 */
    struct fovi_io_blob resource = { 0 };
    if (fovi_io_iptc_wrap(iptc, &resource))
        return -1;
    char *text = malloc(resource.n * 2 + resource.n / 36 + 40);
    int failed = !text, n = 0;
    if (text) {
        n = sprintf(text, "\niptc\n%8zu", resource.n);
        for (size_t i = 0; i < resource.n; i++)
            n += sprintf(text + n, "%s%02x", i % 36 ? "" : "\n", resource.bytes[i]);
        text[n++] = '\n';
        failed = put_deflated(e, "zTXt", keyword, sizeof keyword, text, (size_t)n);
    }
    free(text);
    free(resource.bytes);
    return failed;
}

static int put_xmp_chunk(struct fovi_io_embed *e, const struct fovi_io_blob *xmp)
{
    static const char keyword[] = "XML:com.adobe.xmp\0\0\0\0"; /* not compressed, no language, no translation */
    size_t n = sizeof keyword + xmp->n;
    unsigned char *data = malloc(n);
    if (!data)
        return -1;
    memcpy(data, keyword, sizeof keyword);
    memcpy(data + sizeof keyword, xmp->bytes, xmp->n);
    int failed = put_chunk(e, "iTXt", data, n);
    free(data);
    return failed;
}

static int put_png(struct fovi_io_embed *e)
{
    static const char profile[] = "icc\0"; /* a name, and the method, 0 */
    const struct fovi_io_meta *m = e->meta;
    if (m->icc.n && put_deflated(e, "iCCP", profile, sizeof profile, m->icc.bytes, m->icc.n))
        return -1;
    if (m->x_per_mm > 0. && m->x_per_mm < 1e6 && m->y_per_mm < 1e6) {
        unsigned char data[9] = { 0 };
        put32(data, (size_t)(m->x_per_mm * 1000. + .5));
        put32(data + 4, (size_t)(m->y_per_mm * 1000. + .5));
        data[8] = 1;
        if (put_chunk(e, "pHYs", data, sizeof data))
            return -1;
    }
    if (m->exif.n && put_chunk(e, "eXIf", m->exif.bytes, m->exif.n))
        return -1;
    return (m->xmp.n && put_xmp_chunk(e, &m->xmp)) || (m->iptc.n && put_raw_profile(e, &m->iptc));
}

/* ---- the stream ---- */

/* Look at the chunk whose head (length, type) is in e->head; 1 if the pixels begin. */
static int begins_pixels(struct fovi_io_embed *e)
{
    const unsigned char *h = e->head;
    size_t n = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
    if (!memcmp(h + 4, "IDAT", 4) || !memcmp(h + 4, "PLTE", 4) || !memcmp(h + 4, "tRNS", 4))
        return 1;
    e->skip = n + 4;
    return 0;
}

/* Behind the header: everything before the pixels is ours. */
static int put_png_part(struct fovi_io_embed *e, const unsigned char **bytes, size_t *n)
{
    while (*n && !e->is_through) {
        size_t part = e->skip < *n ? e->skip : *n;
        e->skip -= part;
        *bytes += part;
        *n -= part;
        for (; *n && !e->skip && e->n_head < 8; --*n)
            e->head[e->n_head++] = *(*bytes)++;
        if (e->n_head == 8 && begins_pixels(e)) {
            e->is_through = 1;
            return put(e, e->head, 8);
        }
        if (e->n_head == 8)
            e->n_head = 0;
    }
    return 0;
}

#define PNG_HEAD_BYTES 33 /* signature and IHDR */

int fovi_io_embed_put(struct fovi_io_embed *e, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    size_t head = e->kind == FOVI_IO_PNG ? PNG_HEAD_BYTES : 2;
    if (!e->is_begun) {
        for (; n && e->n_head < head; n--)
            e->head[e->n_head++] = *bytes++;
        if (e->n_head < head)
            return 0;
        e->is_begun = 1;
        e->n_head = 0;
        if (put(e, e->head, head) || (e->kind == FOVI_IO_PNG ? put_png(e) : put_jpeg(e)))
            return -1;
        e->is_through = e->kind != FOVI_IO_PNG;
    }
    return put_png_part(e, &bytes, &n) || put(e, bytes, n) ? -1 : 0;
}
