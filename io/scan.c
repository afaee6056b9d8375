/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a file is by its first bytes, its size by its header, and whether its structure goes on to the end of the
 * picture. Decoders differ in what they call truncated; this walk is the same for all that need it: JPEG to its
 * end-of-image marker, PNG to IEND, GIF to its trailer, WebP by its RIFF length, TIFF by its strip table, PNM and
 * arrays by their size. The walks never trust a length they read.
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

/* The quality that libjpeg would have been asked for, from the sum of the 64 steps of luma: 100 where all are 1, 50
 * where they are those of the standard's example (ISO 10918-1, table K.1). */
static int quality_of(double sum)
{
    const double standard = 3688;
    double percent = 100.0 * sum / standard, quality = percent > 100.0 ? 5000.0 / percent : (200.0 - percent) / 2.0;
    return quality < 1.0 ? 1 : quality > 100.0 ? 100 : (int)(quality + 0.5);
}

/* Tables of quantisation in a segment of so many bytes; returns how many are left. */
static int64_t scan_tables(struct stream *s, struct fovi_io_scan *scan, int64_t length)
{
    while (length > 64) {
        int head = next(s), n_bytes = head >> 4 ? 2 : 1;
        if (head == EOF || length < 1 + 64 * n_bytes)
            return length - 1;
        double sum = 0.0;
        for (int k = 0; k < 64; k++)
            sum += (double)next_number(s, n_bytes);
        if ((head & 15) == 0)
            scan->jpeg_quality = quality_of(sum);
        length -= 1 + 64 * n_bytes;
    }
    return length;
}

/* Markers with a length are skipped whole, so that a thumbnail inside one is not taken for the picture; entropy-coded
 * data are searched for the next marker. */
static void scan_jpeg(struct stream *s, struct fovi_io_scan *scan)
{
    int n_scans = 0;
    for (int marker = next_marker(s); marker != 0xd9; marker = next_marker(s)) {
        if (marker == EOF) {
            scan->truncated = "it ends before its end-of-image marker";
            return;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8))
            continue;
        n_scans += marker == 0xda;
        if (n_scans > 1 || (is_frame_header(marker) && (marker & 3) == 2))
            scan->is_whole = 1;
        int64_t length = next_number(s, 2);
        if (is_frame_header(marker) && !scan->width && length >= 7 && next(s) != EOF) {
            scan->height = next_number(s, 2);
            scan->width = next_number(s, 2);
            length -= 5;
        }
        if (marker == 0xdb && length > 2)
            length = 2 + scan_tables(s, scan, length - 2);
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
            if (length >= 5 && skip(s, 4)) {
                scan->is_whole = next(s) == 1;
                length -= 5;
            }
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

/* An array that is no picture keeps width 0, and the reader says why. */
static void scan_npy(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan)
{
    struct fovi_io_npy npy = { .file = file };
    if (!fovi_io_npy_header(&npy))
        return;
    scan->width = npy.width;
    scan->height = npy.height;
    if (npy.width <= 1 << 30 && npy.height <= (1 << 30) / npy.width &&
        npy.data_bytes + fovi_io_npy_bytes(&npy) > size_bytes)
        scan->truncated = "it is shorter than its header says";
}

/* Blocks of at most 255 bytes up to an empty one; 0 if the file ends before. */
static int skip_gif_blocks(struct stream *s)
{
    for (int n; (n = next(s)) != 0;)
        if (n == EOF || !skip(s, n))
            return 0;
    return 1;
}

/* Up to the trailer; what one frame takes is a descriptor, perhaps a colour table, and blocks. */
static void scan_gif(struct stream *s, struct fovi_io_scan *scan)
{
    skip(s, 6);
    for (int k = 0; k < 2; k++) {
        int low = next(s), high = next(s);
        if (high != EOF)
            *(k ? &scan->height : &scan->width) = low | high << 8;
    }
    int flags = next(s);
    int ok = flags != EOF && skip(s, 2 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0));
    for (int kind = 0; ok && (kind = next(s)) != 0x3b;) {
        if (kind == 0x21) {
            ok = next(s) != EOF && skip_gif_blocks(s);
        } else if (kind == 0x2c) {
            ok = skip(s, 8) && (flags = next(s)) != EOF && skip(s, 1 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0)) &&
                 skip_gif_blocks(s);
        } else {
            ok = 0;
        }
    }
    if (!ok)
        scan->truncated = "it ends before its trailer";
}

/* A name that ends in 0, cut to what fits; 0 at the end of the file. */
static int next_name(struct stream *s, char *name, size_t n_bytes)
{
    size_t n = 0;
    int c;
    while ((c = next(s)) > 0)
        if (n + 1 < n_bytes)
            name[n++] = (char)c;
    name[n] = 0;
    return c == 0;
}

/* The list of channels: libvips makes red, green, blue and alpha of any. */
static void scan_exr(struct stream *s, struct fovi_io_scan *scan)
{
    char name[32], type[32];
    skip(s, 8);
    for (int k = 0; k < 64 && next_name(s, name, sizeof name) && *name && next_name(s, type, sizeof type); k++) {
        int64_t size = 0;
        for (int i = 0; i < 4; i++)
            size |= (int64_t)(next(s) & 255) << 8 * i;
        if (strcmp(type, "chlist") != 0) {
            if (!skip(s, size))
                return;
            continue;
        }
        int has_luma = 0, has_chroma = 0;
        for (int i = 0; i < 64 && next_name(s, name, sizeof name) && *name && skip(s, 16); i++) {
            scan->has_alpha |= !strcmp(name, "A");
            has_luma |= !strcmp(name, "Y");
            has_chroma |= !strcmp(name, "RY") || !strcmp(name, "R");
        }
        scan->is_grey = has_luma && !has_chroma;
        return;
    }
}

/* ISO base media files name their kind in a list of brands. */
static enum fovi_io_kind sniff_heif(const unsigned char *b, size_t n)
{
    static const char brands[][5] = { "avif", "avis", "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1" };
    size_t length = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    int best = (int)(sizeof brands / sizeof *brands);
    for (size_t at = 8; at + 4 <= n && at + 4 <= length; at += at == 8 ? 8 : 4)
        for (int k = 0; k < best; k++)
            if (!memcmp(b + at, brands[k], 4))
                best = k;
    return best == (int)(sizeof brands / sizeof *brands) ? FOVI_IO_UNKNOWN : best < 2 ? FOVI_IO_AVIF : FOVI_IO_HEIC;
}

/* Text that has an svg element near its start. */
static int is_svg(const unsigned char *b, size_t n)
{
    size_t i = n >= 3 && !memcmp(b, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < n && strchr(" \t\r\n", b[i]) && b[i])
        i++;
    if (i == n || b[i] != '<')
        return 0;
    for (n = n < 4096 ? n : 4096; i + 4 < n; i++)
        if (!memcmp(b + i, "<svg", 4) && strchr(" \t\r\n>", b[i + 4]))
            return 1;
    return 0;
}

static enum fovi_io_kind sniff(const unsigned char *b, size_t n)
{
    static const struct {
        unsigned char n, bytes[13];
        enum fovi_io_kind kind;
    } starts[] = {
        { 3, "\xff\xd8\xff", FOVI_IO_JPEG },
        { 8, "\x89PNG\r\n\x1a\n", FOVI_IO_PNG },
        { 4, "II*\0", FOVI_IO_TIFF },
        { 4, "MM\0*", FOVI_IO_TIFF },
        { 4, "II+\0", FOVI_IO_TIFF },
        { 4, "MM\0+", FOVI_IO_TIFF },
        { 2, "\xff\x0a", FOVI_IO_JXL },
        { 12, "\0\0\0\x0cJXL \r\n\x87\n", FOVI_IO_JXL },
        { 12, "\0\0\0\x0cjP  \r\n\x87\n", FOVI_IO_JP2 },
        { 4, "\xff\x4f\xff\x51", FOVI_IO_JP2 },
        { 10, "#?RADIANCE", FOVI_IO_HDR },
        { 6, "#?RGBE", FOVI_IO_HDR },
        { 6, "\x93NUMPY", FOVI_IO_NPY },
        { 6, "GIF87a", FOVI_IO_GIF },
        { 6, "GIF89a", FOVI_IO_GIF },
        { 4, "\x76\x2f\x31\x01", FOVI_IO_EXR },
        { 9, "SIMPLE  =", FOVI_IO_FITS },
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (n >= starts[i].n && !memcmp(b, starts[i].bytes, starts[i].n))
            return starts[i].kind;
    if (n >= 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4))
        return FOVI_IO_WEBP;
    if (n >= 16 && !memcmp(b + 4, "ftyp", 4))
        return sniff_heif(b, n);
    if (n >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6')
        return FOVI_IO_PNM;
    if (n >= 3 && b[0] == 'P' && (b[1] == 'f' || b[1] == 'F'))
        return FOVI_IO_PFM;
    return is_svg(b, n) ? FOVI_IO_SVG : FOVI_IO_UNKNOWN;
}

void fovi_io_scan_file(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan)
{
    struct stream s = { .file = file, .size = size_bytes };
    *scan = (struct fovi_io_scan){ .page = scan->page };
    rewind(file);
    fill(&s);
    scan->kind = sniff(s.bytes, s.n);
    switch (scan->kind) {
    case FOVI_IO_JPEG: scan_jpeg(&s, scan); break;
    case FOVI_IO_PNG: scan_png(&s, scan); break;
    case FOVI_IO_WEBP: scan_webp(&s, scan); break;
    case FOVI_IO_TIFF: fovi_io_scan_tiff(file, size_bytes, scan); break;
    case FOVI_IO_PNM:
    case FOVI_IO_PFM: scan_pnm(file, size_bytes, scan); break;
    case FOVI_IO_NPY: scan_npy(file, size_bytes, scan); break;
    case FOVI_IO_GIF: scan_gif(&s, scan); break;
    case FOVI_IO_EXR: scan_exr(&s, scan); break;
    default: break; /* their decoders notice a missing end */
    }
}
