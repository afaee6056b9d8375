/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EXIF 2.32 for pictures that have changed their size: patched in place, made from a TIFF's directories, written into a
 * TIFF's directories. In place, because the offsets in maker notes, whose meaning only their makers know, stay right
 * only where nothing moves.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meta.h"
#include "tags.h"

/* ---- in place ---- */

struct patch {
    unsigned char *bytes;
    size_t n;
    int is_little;
};

static uint32_t get(const struct patch *p, size_t at, int n)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p->bytes[at + (size_t)(p->is_little ? n - 1 - i : i)];
    return v;
}

static void put(struct patch *p, size_t at, int n, uint32_t v)
{
    for (int i = 0; i < n; i++)
        p->bytes[at + (size_t)(p->is_little ? i : n - 1 - i)] = (unsigned char)(v >> 8 * i);
}

/* Entries of a directory that lies inside; 0 where it does not. */
static size_t n_entries(const struct patch *p, size_t at)
{
    if (at < 8 || at > p->n - 2)
        return 0;
    size_t n = get(p, at, 2);
    return n * 12 <= p->n - at - 2 ? n : 0;
}

/* Position of the entry of a tag; 0 if there is none. */
static size_t find(const struct patch *p, size_t directory, int tag)
{
    size_t n = n_entries(p, directory);
    for (size_t i = 0; i < n; i++)
        if ((int)get(p, directory + 2 + 12 * i, 2) == tag)
            return directory + 2 + 12 * i;
    return 0;
}

/* An integer of one value; fallback for others. */
static uint32_t integer(const struct patch *p, size_t entry, uint32_t fallback)
{
    if (!entry || get(p, entry + 4, 4) < 1)
        return fallback;
    uint32_t type = get(p, entry + 2, 2);
    return type == FOVI_IO_TYPE_SHORT                ? get(p, entry + 8, 2)
           : type == FOVI_IO_TYPE_LONG || type == 13 ? get(p, entry + 8, 4)
                                                     : fallback;
}

static void set_integer(struct patch *p, size_t entry, uint32_t value)
{
    if (!entry)
        return;
    int is_long = get(p, entry + 2, 2) == FOVI_IO_TYPE_LONG || value > 65535;
    put(p, entry + 2, 2, is_long ? FOVI_IO_TYPE_LONG : FOVI_IO_TYPE_SHORT);
    put(p, entry + 4, 4, 1);
    put(p, entry + 8, 4, 0);
    put(p, entry + 8, is_long ? 4 : 2, value);
}

/* Position of the fraction of an entry; 0 if it is none or lies outside. */
static size_t fraction_at(const struct patch *p, size_t entry)
{
    if (!entry || get(p, entry + 2, 2) != FOVI_IO_TYPE_RATIONAL || get(p, entry + 4, 4) != 1)
        return 0;
    size_t at = get(p, entry + 8, 4);
    return at >= 8 && at <= p->n - 8 ? at : 0;
}

static double fraction(const struct patch *p, size_t at)
{
    double below = get(p, at + 4, 4);
    return below > 0. ? get(p, at, 4) / below : 0.;
}

static void set_fraction(struct patch *p, size_t at, double value)
{
    uint32_t below = get(p, at + 4, 4), made[2];
    double above = value * below;
    if (above < 4294967295. && fabs(above - floor(above + .5)) < 1e-6) {
        made[0] = (uint32_t)(above + .5);
        made[1] = below;
    } else {
        fovi_io_rational(value, made);
    }
    put(p, at, 4, made[0]);
    put(p, at + 4, 4, made[1]);
}

/* Resolutions along x and y, which may share one fraction. */
static void scale_pair(struct patch *p, size_t x_entry, size_t y_entry, const struct fovi_io_change *change)
{
    size_t at[2] = { fraction_at(p, x_entry), fraction_at(p, y_entry) };
    double old[2];
    for (int i = 0; i < 2; i++)
        old[i] = at[i] ? fraction(p, at[i]) : 0.;
    for (int i = 0; i < 2; i++) {
        double value = change->is_turned && at[!i] ? old[!i] : old[i];
        value *= i ? change->scale_y : change->scale_x;
        if (at[i] && value > 0.)
            set_fraction(p, at[i], value);
    }
}

/* Blank bytes out; cut them off if they stand at the end. */
static void blank(struct patch *p, size_t at, size_t n)
{
    if (at < 8 || at > p->n || n > p->n - at)
        return;
    memset(p->bytes + at, 0, n);
    if (at + n + 1 >= p->n)
        p->n = at + (at & 1);
}

/* The second directory describes the thumbnail. */
static void drop_thumbnail(struct patch *p, size_t first)
{
    size_t n = n_entries(p, first), link = first + 2 + 12 * n;
    if (!n || link + 4 > p->n)
        return;
    size_t directory = get(p, link, 4), count = n_entries(p, directory);
    put(p, link, 4, 0);
    if (!count || directory == first)
        return;
    uint32_t at = integer(p, find(p, directory, FOVI_IO_TAG_THUMBNAIL), 0);
    uint32_t bytes = integer(p, find(p, directory, FOVI_IO_TAG_THUMBNAIL_BYTES), 0);
    uint32_t strip = integer(p, find(p, directory, FOVI_IO_TAG_STRIPS), 0);
    uint32_t strip_bytes = integer(p, find(p, directory, FOVI_IO_TAG_STRIP_COUNTS), 0);
    for (size_t i = 0; i < count; i++) { /* values that stand outside their entries, fractions as a rule */
        size_t entry = directory + 2 + 12 * i;
        uint64_t size = (uint64_t)fovi_io_type_bytes((int)get(p, entry + 2, 2)) * get(p, entry + 4, 4);
        size_t value = get(p, entry + 8, 4);
        if (size > 4 && value > directory && size < p->n)
            blank(p, value, (size_t)size);
    }
    blank(p, strip, strip_bytes);
    blank(p, at, bytes);
    if (directory + 2 + 12 * count + 4 <= p->n)
        blank(p, directory, 2 + 12 * count + 4);
}

static int open_patch(struct patch *p, unsigned char *bytes, size_t n_bytes, size_t *first)
{
    struct fovi_io_tiff tiff;
    if (n_bytes < 14 || n_bytes > INT32_MAX || !fovi_io_tiff_open(&tiff, NULL, bytes, (int64_t)n_bytes) || tiff.is_big)
        return 0;
    *p = (struct patch){ bytes, n_bytes, tiff.is_little };
    *first = (size_t)tiff.first;
    return n_entries(p, *first) > 0;
}

int fovi_io_exif_update(unsigned char *bytes, size_t *n_bytes, const struct fovi_io_change *change)
{
    struct patch p;
    size_t first;
    if (!open_patch(&p, bytes, *n_bytes, &first))
        return -1;
    drop_thumbnail(&p, first);
    set_integer(&p, find(&p, first, FOVI_IO_TAG_ORIENTATION), 1);
    set_integer(&p, find(&p, first, FOVI_IO_TAG_WIDTH), (uint32_t)change->width);
    set_integer(&p, find(&p, first, FOVI_IO_TAG_HEIGHT), (uint32_t)change->height);
    scale_pair(&p, find(&p, first, FOVI_IO_TAG_X_RESOLUTION), find(&p, first, FOVI_IO_TAG_Y_RESOLUTION), change);
    size_t exif = integer(&p, find(&p, first, FOVI_IO_TAG_EXIF), 0);
    set_integer(&p, find(&p, exif, FOVI_IO_TAG_PIXEL_X), (uint32_t)change->width);
    set_integer(&p, find(&p, exif, FOVI_IO_TAG_PIXEL_Y), (uint32_t)change->height);
    scale_pair(&p, find(&p, exif, FOVI_IO_TAG_FOCAL_X), find(&p, exif, FOVI_IO_TAG_FOCAL_Y), change);
    *n_bytes = p.n;
    /* where a tag stands twice, or directories lie over one another, it cannot be brought up to date */
    return fovi_io_exif_orientation(bytes, p.n) == 1 ? 0 : -1;
}

int fovi_io_exif_orientation(const unsigned char *bytes, size_t n_bytes)
{
    struct fovi_io_tiff tiff;
    struct fovi_io_tags tags = { 0 };
    int64_t value = 1;
    if (fovi_io_tiff_open(&tiff, NULL, bytes, (int64_t)n_bytes) && fovi_io_tags_read(&tiff, tiff.first, n_bytes, &tags))
        value = fovi_io_tags_number(&tags, FOVI_IO_TAG_ORIENTATION, 1);
    fovi_io_tags_free(&tags);
    return value >= 1 && value <= 8 ? (int)value : 1;
}

/* ---- from and to a TIFF ---- */

/* Does the tag describe how a TIFF's pixels are stored, or something that has a place of its own? */
static int is_structural(int tag)
{
    static const int ranges[][2] = {
        { 0x0fe, 0x10a },   { 0x111, 0x111 },   { 0x115, 0x119 },   { 0x11c, 0x11d },   { 0x120, 0x125 },
        { 0x129, 0x12d },   { 0x13d, 0x13d },   { 0x140, 0x15b },   { 0x200, 0x209 },   { 0x212, 0x212 },
        { 0x22f, 0x22f },   { 0x2bc, 0x2bc },   { 0x828d, 0x828f }, { 0x830e, 0x830e }, { 0x83bb, 0x83bb },
        { 0x8480, 0x8482 }, { 0x85d8, 0x85d8 }, { 0x8649, 0x8649 }, { 0x8769, 0x8769 }, { 0x8773, 0x8773 },
        { 0x87af, 0x87b1 }, { 0x8825, 0x8825 }, { 0xa480, 0xa481 }, { 0xa005, 0xa005 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (tag >= ranges[i][0] && tag <= ranges[i][1])
            return 1;
    return 0;
}

/* The directories of EXIF. */
struct tree {
    struct fovi_io_tags first, exif, gps, interop;
};

static void free_tree(struct tree *t)
{
    fovi_io_tags_free(&t->first);
    fovi_io_tags_free(&t->exif);
    fovi_io_tags_free(&t->gps);
    fovi_io_tags_free(&t->interop);
}

/* What a file may carry of them: an APP1 segment of a JPEG holds 65527 bytes. */
#define MOST_BYTES ((size_t)60000)

/* The directory whose position stands in a tag; the tag goes. */
static void read_below(const struct fovi_io_tiff *tiff, struct fovi_io_tags *above, int tag, size_t most_bytes,
                       struct fovi_io_tags *below)
{
    int64_t at = fovi_io_tags_number(above, tag, 0);
    if (at > 0)
        fovi_io_tags_read(tiff, at, most_bytes, below);
    fovi_io_tags_remove(above, tag);
}

static void read_tree(const struct fovi_io_tiff *tiff, int64_t at, size_t most_bytes, struct tree *t)
{
    *t = (struct tree){ 0 };
    fovi_io_tags_read(tiff, at, most_bytes, &t->first);
    read_below(tiff, &t->first, FOVI_IO_TAG_EXIF, most_bytes, &t->exif);
    read_below(tiff, &t->first, FOVI_IO_TAG_GPS, most_bytes, &t->gps);
    read_below(tiff, &t->exif, FOVI_IO_TAG_INTEROP, most_bytes, &t->interop);
    for (int i = t->first.n - 1; i >= 0; i--)
        if (is_structural(t->first.tag[i].tag))
            fovi_io_tags_remove(&t->first, t->first.tag[i].tag);
}

/* Give the directories their positions from at on, the first one last, and point to them. The position of the first
 * one, -1 when memory is short; *end: where it ends. */
static int64_t lay_out(struct tree *t, int64_t at, int is_big, int64_t *end)
{
    int type = is_big ? FOVI_IO_TYPE_LONG8 : FOVI_IO_TYPE_LONG, failed = 0;
    struct {
        struct fovi_io_tags *tags, *above;
        int tag;
    } below[] = { { &t->interop, &t->exif, FOVI_IO_TAG_INTEROP },
                  { &t->exif, &t->first, FOVI_IO_TAG_EXIF },
                  { &t->gps, &t->first, FOVI_IO_TAG_GPS } };
    for (int i = 0; i < 3; i++) {
        if (!below[i].tags->n)
            continue;
        failed |= fovi_io_tags_set_number(below[i].above, below[i].tag, type, (uint64_t)at);
        at += (int64_t)fovi_io_tags_bytes(below[i].tags, is_big);
    }
    *end = at + (int64_t)fovi_io_tags_bytes(&t->first, is_big);
    return failed ? -1 : at;
}

/* Write the directories as lay_out placed them; out is position at. */
static void write_tree(const struct tree *t, int64_t at, int is_little, int is_big, unsigned char *out)
{
    const struct fovi_io_tags *order[] = { &t->interop, &t->exif, &t->gps, &t->first };
    for (int i = 0; i < 4; i++) {
        if (!order[i]->n && i < 3)
            continue;
        fovi_io_tags_write(order[i], at, is_little, is_big, out);
        size_t n = fovi_io_tags_bytes(order[i], is_big);
        at += (int64_t)n;
        out += n;
    }
}

static int has_exif(const struct tree *t)
{
    if (t->exif.n || t->gps.n)
        return 1;
    for (int i = 0; i < t->first.n; i++) {
        int tag = t->first.tag[i].tag;
        if (tag != FOVI_IO_TAG_ORIENTATION && tag != FOVI_IO_TAG_X_RESOLUTION && tag != FOVI_IO_TAG_Y_RESOLUTION &&
            tag != FOVI_IO_TAG_UNIT)
            return 1;
    }
    return 0;
}

static int to_blob(struct tree *t, struct fovi_io_blob *exif)
{
    int64_t end, at = lay_out(t, 8, 0, &end);
    exif->bytes = at < 0 ? NULL : malloc((size_t)end);
    if (!exif->bytes)
        return -1;
    memcpy(exif->bytes, "II*\0", 4);
    for (int i = 0; i < 4; i++)
        exif->bytes[4 + i] = (unsigned char)(at >> 8 * i);
    write_tree(t, 8, 1, 0, exif->bytes + 8);
    exif->n = (size_t)end;
    return 0;
}

/* A number of the file; -1 beyond its end. */
static int64_t number_at(const struct fovi_io_tiff *tiff, int64_t at, int n)
{
    unsigned char b[8];
    if (at < 0 || fseeko(tiff->file, (off_t)at, SEEK_SET) || fread(b, 1, (size_t)n, tiff->file) != (size_t)n)
        return -1;
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | b[tiff->is_little ? n - 1 - i : i];
    return v > INT64_MAX ? -1 : (int64_t)v;
}

/* Position of a page's directory; 0 or less if there is none. */
static int64_t page_directory(const struct fovi_io_tiff *tiff, int page_index)
{
    int64_t at = tiff->first;
    for (int i = 0; i < page_index && at > 0; i++) {
        int64_t n = number_at(tiff, at, tiff->is_big ? 8 : 2);
        if (n < 0 || n > 65535)
            return -1;
        at = number_at(tiff, at + (tiff->is_big ? 8 + n * 20 : 2 + n * 12), tiff->is_big ? 8 : 4);
    }
    return at;
}

int fovi_io_exif_from_tiff(FILE *file, int64_t size_bytes, int page_index, struct fovi_io_meta *meta)
{
    struct fovi_io_tiff tiff;
    struct fovi_io_tags all = { 0 };
    struct tree t;
    if (!fovi_io_tiff_open(&tiff, file, NULL, size_bytes))
        return 0;
    int64_t at = page_directory(&tiff, page_index);
    read_tree(&tiff, at, MOST_BYTES, &t);
    if (fovi_io_tags_number(&t.first, FOVI_IO_TAG_UNIT, 2) == 1)
        meta->x_per_mm = meta->y_per_mm = 0.;
    int failed = has_exif(&t) && to_blob(&t, &meta->exif);
    free_tree(&t);
    const struct fovi_io_tag *tag = NULL;
    if (!failed && fovi_io_tags_read(&tiff, at, (size_t)1 << 22, &all)) {
        if ((tag = fovi_io_tags_find(&all, FOVI_IO_TAG_IPTC)))
            failed = fovi_io_iptc_extract(tag->data, tag->n_bytes, &meta->iptc);
        else if ((tag = fovi_io_tags_find(&all, FOVI_IO_TAG_PHOTOSHOP)))
            failed = fovi_io_iptc_extract(tag->data, tag->n_bytes, &meta->iptc);
    }
    fovi_io_tags_free(&all);
    return failed ? -1 : 0;
}

/* By custom the records count as numbers of 32 bits. */
static int set_iptc(struct fovi_io_tags *tags, const struct fovi_io_blob *iptc)
{
    size_t n = (iptc->n + 3) / 4;
    unsigned char *bytes = calloc(n, 4);
    if (!bytes)
        return -1;
    memcpy(bytes, iptc->bytes, iptc->n);
    int failed = fovi_io_tags_set(tags, FOVI_IO_TAG_IPTC, FOVI_IO_TYPE_LONG, (int64_t)n, bytes, n * 4);
    free(bytes);
    return failed;
}

/* EXIF allows 16 bits for the size in pixels, libtiff in its directories does not. */
static int pixels_to_long(struct fovi_io_tags *exif)
{
    for (int tag = FOVI_IO_TAG_PIXEL_X; tag <= FOVI_IO_TAG_PIXEL_Y; tag++) {
        int64_t value = fovi_io_tags_number(exif, tag, -1);
        if (value >= 0 && fovi_io_tags_set_number(exif, tag, FOVI_IO_TYPE_LONG, (uint64_t)value))
            return -1;
    }
    return 0;
}

/* The first directory of the file, together with what the metadata say. */
static int merge(const struct fovi_io_tiff *tiff, const struct fovi_io_meta *meta, struct tree *t)
{
    struct fovi_io_tiff blob;
    struct fovi_io_tags own = { 0 };
    *t = (struct tree){ 0 };
    if (meta->exif.n && fovi_io_tiff_open(&blob, NULL, meta->exif.bytes, (int64_t)meta->exif.n))
        read_tree(&blob, blob.first, meta->exif.n * 2, t);
    int failed = pixels_to_long(&t->exif) || !fovi_io_tags_read(tiff, tiff->first, (size_t)1 << 30, &own);
    int keeps_unit = fovi_io_tags_find(&t->first, FOVI_IO_TAG_X_RESOLUTION) != NULL;
    for (int i = 0; i < own.n && !failed; i++) {
        const struct fovi_io_tag *o = &own.tag[i];
        int is_resolution = o->tag == FOVI_IO_TAG_X_RESOLUTION || o->tag == FOVI_IO_TAG_Y_RESOLUTION ||
                            o->tag == FOVI_IO_TAG_UNIT;
        if (!is_resolution || !keeps_unit)
            failed = fovi_io_tags_set(&t->first, o->tag, o->type, o->count, o->data, o->n_bytes);
    }
    fovi_io_tags_free(&own);
    if (!keeps_unit && !failed) { /* resolution is not known: only the shape of a pixel */
        double x = meta->x_per_mm > 0. ? meta->x_per_mm * 25.4 : 1.,
               y = meta->x_per_mm > 0. ? meta->y_per_mm * 25.4 : 1.;
        failed = fovi_io_tags_set_rational(&t->first, FOVI_IO_TAG_X_RESOLUTION, x) ||
                 fovi_io_tags_set_rational(&t->first, FOVI_IO_TAG_Y_RESOLUTION, y) ||
                 fovi_io_tags_set_number(&t->first, FOVI_IO_TAG_UNIT, FOVI_IO_TYPE_SHORT, meta->x_per_mm > 0. ? 2 : 1);
    }
    if (!failed && meta->iptc.n)
        failed = set_iptc(&t->first, &meta->iptc);
    return failed;
}

int fovi_io_exif_into_tiff(FILE *file, int64_t size_bytes, const struct fovi_io_meta *meta)
{
    struct fovi_io_tiff tiff;
    struct tree t;
    if (!fovi_io_tiff_open(&tiff, file, NULL, size_bytes))
        return -1;
    int failed = merge(&tiff, meta, &t), wide = tiff.is_big ? 8 : 4;
    int64_t end = 0, begin = size_bytes + (size_bytes & 1), at = failed ? -1 : lay_out(&t, begin, tiff.is_big, &end);
    unsigned char *out = at < 0 || (!tiff.is_big && end > UINT32_MAX) ? NULL : malloc((size_t)(end - begin)), link[8];
    if (out) {
        write_tree(&t, begin, tiff.is_little, tiff.is_big, out);
        for (int i = 0; i < wide; i++)
            link[tiff.is_little ? i : wide - 1 - i] = (unsigned char)(at >> 8 * i);
        failed = fseeko(file, (off_t)begin, SEEK_SET) ||
                 fwrite(out, 1, (size_t)(end - begin), file) != (size_t)(end - begin) || fflush(file) ||
                 fseeko(file, tiff.is_big ? 8 : 4, SEEK_SET) || fwrite(link, 1, (size_t)wide, file) != (size_t)wide;
    }
    free(out);
    free_tree(&t);
    return failed || !out ? -1 : 0;
}
