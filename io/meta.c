/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Metadata between files: gathered from libvips where it delivers them as they stand in the file, from the file itself
 * where it does not (TIFF, JPEG XL, JPEG 2000); brought up to date; fitted to what the other format holds.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vips/vips.h>

#include "meta.h"

int fovi_io_blob_set(struct fovi_io_blob *blob, const void *bytes, size_t n)
{
    unsigned char *copy = malloc(n + 1);
    if (!copy)
        return -1;
    memcpy(copy, bytes, n);
    free(blob->bytes);
    *blob = (struct fovi_io_blob){ copy, n };
    return 0;
}

static void drop(struct fovi_io_blob *blob)
{
    free(blob->bytes);
    *blob = (struct fovi_io_blob){ 0 };
}

void fovi_io_meta_free(struct fovi_io_meta *meta)
{
    drop(&meta->icc);
    drop(&meta->exif);
    drop(&meta->xmp);
    drop(&meta->iptc);
}

static int take(const VipsImage *image, const char *name, struct fovi_io_blob *blob)
{
    const void *bytes;
    size_t n;
    if (!vips_image_get_typeof(image, name) || vips_image_get_blob(image, name, &bytes, &n) || !n)
        return 0;
    return fovi_io_blob_set(blob, bytes, n);
}

/* EXIF begins with its byte order; JPEG puts a title before it, HEIF an offset. */
static void trim_exif(struct fovi_io_blob *exif)
{
    size_t at = 0;
    while (at < 16 && at + 4 < exif->n && memcmp(exif->bytes + at, "II*\0", 4) != 0 &&
           memcmp(exif->bytes + at, "MM\0*", 4) != 0)
        at++;
    if (at < 16 && at + 4 < exif->n) {
        memmove(exif->bytes, exif->bytes + at, exif->n - at);
        exif->n -= at;
    } else {
        drop(exif);
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A PNG's "raw profile": a name, a length, hexadecimal digits. */
static int take_raw_profile(const char *text, struct fovi_io_blob *iptc)
{
    const char *p = text + strspn(text, " \n");
    p += strcspn(p, "\n");
    p += strspn(p, "\n ");
    size_t n = 0, room = (size_t)strtoul(p, NULL, 10);
    p += strspn(p, "0123456789");
    if (!room || room > strlen(p) / 2)
        return 0;
    unsigned char *bytes = malloc(room);
    if (!bytes)
        return -1;
    for (int high = -1; *p && n < room; p++) {
        int digit = hex(*p);
        if (digit >= 0 && high >= 0) {
            bytes[n++] = (unsigned char)(high << 4 | digit);
            high = -1;
        } else if (digit >= 0) {
            high = digit;
        }
    }
    int failed = n == room && fovi_io_iptc_extract(bytes, n, iptc);
    free(bytes);
    return failed;
}

/* Fields with numbers in their names. */
static void *look(VipsImage *image, const char *name, GValue *value, void *user)
{
    struct fovi_io_meta *meta = user;
    const char *text = NULL;
    int failed = 0;
    if (!strncmp(name, "png-comment-", 12) && strstr(name, "Raw profile type iptc") &&
        !vips_image_get_string(image, name, &text))
        failed = take_raw_profile(text, &meta->iptc);
    else if (!strncmp(name, "heif-mime-", 10) && !meta->xmp.n)
        failed = take(image, name, &meta->xmp);
    (void)value;
    return failed ? user : NULL;
}

static int gather_from_file(struct fovi_io_meta *meta, const struct fovi_io_origin *origin)
{
    struct stat st;
    FILE *file = fopen(origin->path, "rb");
    int failed = 0;
    if (file && fstat(fileno(file), &st) == 0) {
        if (origin->kind == FOVI_IO_TIFF)
            failed = fovi_io_exif_from_tiff(file, (int64_t)st.st_size, origin->page_index, meta);
        else
            failed = fovi_io_boxes_read(file, (int64_t)st.st_size, meta);
    }
    if (file)
        fclose(file);
    return failed;
}

int fovi_io_meta_gather(struct fovi_io_meta *meta, const fovea_io_reader *reader)
{
    *meta = (struct fovi_io_meta){ 0 };
    struct fovi_io_origin origin;
    fovi_io_reader_origin(reader, &origin);
    if (!origin.image)
        return 0;
    VipsImage *image = NULL;
    memcpy(&image, &origin.image, sizeof image); /* only read through it */
    struct fovi_io_blob resources = { 0 };
    meta->x_per_mm = origin.x_per_mm;
    meta->y_per_mm = origin.y_per_mm;
    int failed = take(image, VIPS_META_ICC_NAME, &meta->icc) || take(image, VIPS_META_XMP_NAME, &meta->xmp);
    if (!failed && (origin.kind == FOVI_IO_TIFF || origin.kind == FOVI_IO_JXL || origin.kind == FOVI_IO_JP2))
        failed = gather_from_file(meta, &origin);
    else if (!failed)
        failed = take(image, VIPS_META_EXIF_NAME, &meta->exif) || take(image, VIPS_META_IPTC_NAME, &resources) ||
                 (resources.n && fovi_io_iptc_extract(resources.bytes, resources.n, &meta->iptc)) ||
                 vips_image_map(image, look, meta) != NULL;
    drop(&resources);
    if (failed)
        fovi_io_meta_free(meta);
    else
        trim_exif(&meta->exif);
    return failed ? -1 : 0;
}

/* ---- for the file that is written ---- */

/* Does the profile describe as many colours as the file has? */
static int fits_channels(const struct fovi_io_blob *icc, const struct fovi_io_job *job)
{
    int n_color = job->format.n_channels - job->format.has_alpha;
    return icc->n >= 128 && (!memcmp(icc->bytes + 16, "RGB ", 4)   ? n_color >= 3
                             : !memcmp(icc->bytes + 16, "GRAY", 4) ? n_color < 3
                                                                   : 0);
}

static size_t most_bytes(enum fovi_io_kind kind, int what)
{
    static const size_t in_jpeg[] = { (size_t)65519 * 255, 65527, 65504, 65507 };
    switch (kind) {
    case FOVI_IO_JPEG: return in_jpeg[what];
    case FOVI_IO_PNG:
    case FOVI_IO_TIFF:
    case FOVI_IO_JP2: return (size_t)1 << 30;
    case FOVI_IO_WEBP:
    case FOVI_IO_AVIF:
    case FOVI_IO_HEIC:
    case FOVI_IO_JXL: return what == 3 ? 0 : (size_t)1 << 30;
    case FOVI_IO_DZI: return what ? 0 : (size_t)65519 * 255;
    default: return 0;
    }
}

int fovi_io_meta_fit(struct fovi_io_meta *meta, const struct fovi_io_job *job, const struct fovi_io_change *change,
                     char *lost, size_t n_bytes)
{
    static const char *const names[] = { "colour profile", "EXIF", "XMP", "IPTC" };
    struct fovi_io_blob *const blobs[] = { &meta->icc, &meta->exif, &meta->xmp, &meta->iptc };
    if (job->strips_metadata)
        for (int i = 1; i < 4; i++)
            drop(blobs[i]);
    if (meta->exif.n && fovi_io_exif_update(meta->exif.bytes, &meta->exif.n, change))
        drop(&meta->exif);
    if (fovi_io_xmp_update(&meta->xmp, change))
        return -1;
    double x = change->is_turned ? meta->y_per_mm : meta->x_per_mm;
    meta->y_per_mm = (change->is_turned ? meta->x_per_mm : meta->y_per_mm) * change->scale_y;
    meta->x_per_mm = x * change->scale_x;
    size_t n = 0;
    lost[0] = 0;
    for (int i = 0; i < 4; i++) {
        if (!blobs[i]->n || (blobs[i]->n <= most_bytes(job->kind, i) && (i || fits_channels(blobs[i], job))))
            continue;
        drop(blobs[i]);
        n += (size_t)snprintf(lost + n, n_bytes - n, "%s%s", n ? ", " : "", names[i]);
        n = n < n_bytes ? n : n_bytes - 1;
    }
    return 0;
}
