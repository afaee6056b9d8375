/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The directories of a TIFF or BigTIFF: size, kind of the last extra channel, and whether every strip or tile
 * lies inside the file. (libtiff may deliver grey for a strip that is cut off.)
 */
#include <string.h>

#include "internal.h"

enum {
    TAG_SUBFILE_TYPE = 254,
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_STRIP_OFFSETS = 273,
    TAG_STRIP_COUNTS = 279,
    TAG_TILE_OFFSETS = 324,
    TAG_TILE_COUNTS = 325,
    TAG_EXTRA_SAMPLES = 338
};

struct tiff {
    FILE *file;
    int64_t size;
    int is_little, is_big;
};

/* An entry of the directory: n values of value_bytes each from position at on. */
struct entry {
    int tag, value_bytes;
    int64_t n, at;
};

/* A number of n_bytes at a position; -1 outside the file or beyond 63 bits. */
static int64_t number_at(const struct tiff *t, int64_t at, int n_bytes)
{
    unsigned char b[8];
    if (at < 0 || at > t->size - n_bytes || fseeko(t->file, (off_t)at, SEEK_SET) ||
        fread(b, 1, (size_t)n_bytes, t->file) != (size_t)n_bytes)
        return -1;
    uint64_t v = 0;
    for (int k = 0; k < n_bytes; k++)
        v = v << 8 | b[t->is_little ? n_bytes - 1 - k : k];
    return v > INT64_MAX ? -1 : (int64_t)v;
}

/* Bytes of a value of an integer field type; 0 for the others, which are not needed here. */
static int type_bytes(int64_t type)
{
    switch (type) {
    case 1: return 1;
    case 3: return 2;
    case 4: return 4;
    case 16: return 8;
    default: return 0;
    }
}

/* Values that fit into the entry stand in it, others where it points to. */
static int read_entry(const struct tiff *t, int64_t at, struct entry *e)
{
    int inline_bytes = t->is_big ? 8 : 4;
    e->tag = (int)number_at(t, at, 2);
    e->value_bytes = type_bytes(number_at(t, at + 2, 2));
    e->n = number_at(t, at + 4, inline_bytes);
    e->at = at + 4 + inline_bytes;
    if (e->n < 0 || e->n > t->size || e->value_bytes == 0)
        return 0;
    if (e->n * e->value_bytes > inline_bytes)
        e->at = number_at(t, e->at, inline_bytes);
    return e->at >= 0;
}

static int64_t value_at(const struct tiff *t, const struct entry *e, int64_t i)
{
    return i < e->n ? number_at(t, e->at + i * e->value_bytes, e->value_bytes) : -1;
}

/* 1 if all pieces lie inside the file; pieces of no bytes are holes, which TIFF allows. */
static int pieces_complete(const struct tiff *t, const struct entry *offsets, const struct entry *counts)
{
    if (!offsets->n)
        return 0;
    for (int64_t i = 0; i < offsets->n; i++) {
        int64_t offset = value_at(t, offsets, i), count = counts->n ? value_at(t, counts, i) : 1;
        if (offset < 0 || count < 0 || (count > 0 && offset > t->size - count))
            return 0;
    }
    return 1;
}

/* Position of the first entry of the directory that the number at link points to, and how many it has; 0 if the file
 * ends before. */
static int open_directory(const struct tiff *t, int64_t link, int64_t *first, int64_t *n_entries)
{
    int64_t directory = number_at(t, link, t->is_big ? 8 : 4);
    *n_entries = directory <= 0 ? -1 : number_at(t, directory, t->is_big ? 8 : 2);
    *first = directory + (t->is_big ? 8 : 2);
    int entry_bytes = t->is_big ? 20 : 12;
    return *n_entries > 0 && *n_entries < 65536 && *first + *n_entries * entry_bytes <= t->size;
}

static int64_t first_link(const struct tiff *t)
{
    return t->is_big ? 8 : 4;
}

/* 1 for a smaller copy of another page. */
static int is_reduced(const struct tiff *t, int64_t at, int64_t n_entries)
{
    struct entry e;
    for (int64_t i = 0; i < n_entries; i++, at += t->is_big ? 20 : 12)
        if (read_entry(t, at, &e) && e.tag == TAG_SUBFILE_TYPE)
            return (value_at(t, &e, 0) & 1) != 0;
    return 0;
}

/* Count the pages of full size and find the wanted one: its link and its number among all. Directories that take more
 * bytes than the file has are a ring. */
static int64_t find_page(const struct tiff *t, struct fovi_io_scan *scan)
{
    int64_t link = first_link(t), found = link, at, n_entries, left_bytes = t->size;
    for (int i = 0; left_bytes > 0 && open_directory(t, link, &at, &n_entries); i++) {
        if (i == 0 || !is_reduced(t, at, n_entries)) {
            if (++scan->n_pages == scan->page) {
                found = link;
                scan->page_index = i;
            }
        }
        link = at + n_entries * (t->is_big ? 20 : 12);
        left_bytes -= n_entries * (t->is_big ? 20 : 12);
    }
    return found;
}

/* Look at the header; 0 if the file is too short for one. */
static int open_tiff(struct tiff *t, FILE *file, int64_t size_bytes)
{
    char order[4] = { 0 };
    rewind(file);
    if (fread(order, 1, 4, file) != 4)
        return 0;
    *t = (struct tiff){ file, size_bytes, order[0] == 'I', memchr(order, '+', 4) != NULL };
    return 1;
}

void fovi_io_scan_tiff(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan)
{
    struct tiff t;
    struct entry offsets = { 0 }, counts = { 0 }, e;
    int64_t at, n_entries;
    if (!open_tiff(&t, file, size_bytes) || !open_directory(&t, find_page(&t, scan), &at, &n_entries)) {
        scan->truncated = "its directory lies beyond its end";
        return;
    }
    for (int64_t i = 0; i < n_entries; i++, at += t.is_big ? 20 : 12) {
        if (!read_entry(&t, at, &e))
            continue;
        switch (e.tag) {
        case TAG_WIDTH: scan->width = value_at(&t, &e, 0); break;
        case TAG_HEIGHT: scan->height = value_at(&t, &e, 0); break;
        case TAG_EXTRA_SAMPLES: scan->tiff_extra = (int)value_at(&t, &e, e.n - 1); break;
        case TAG_STRIP_OFFSETS:
        case TAG_TILE_OFFSETS: offsets = e; break;
        case TAG_STRIP_COUNTS:
        case TAG_TILE_COUNTS: counts = e; break;
        default: break;
        }
    }
    if (!pieces_complete(&t, &offsets, &counts))
        scan->truncated = "a strip or tile lies beyond its end";
}

int fovi_io_tiff_set_alpha(FILE *file, int64_t size_bytes, int has_alpha)
{
    struct tiff t;
    struct entry e;
    int64_t at, n_entries;
    if (!open_tiff(&t, file, size_bytes) || !open_directory(&t, first_link(&t), &at, &n_entries))
        return -1;
    for (int64_t i = 0; i < n_entries; i++, at += t.is_big ? 20 : 12) {
        if (!read_entry(&t, at, &e) || e.tag != TAG_EXTRA_SAMPLES || e.value_bytes != 2)
            continue;
        for (int64_t k = 0; k < e.n; k++) {
            char value[2] = { 0, 0 };
            value[t.is_little ? 0 : 1] = has_alpha && k == e.n - 1 ? 2 : 0;
            if (fseeko(file, (off_t)(e.at + 2 * k), SEEK_SET) || fwrite(value, 1, 2, file) != 2)
                return -1;
        }
    }
    return 0;
}
