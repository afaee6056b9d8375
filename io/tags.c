/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directories of TIFF 6.0, BigTIFF and EXIF as lists of tags. Nothing that is read is trusted: positions and counts are
 * checked against the size of the whole before memory is taken.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tags.h"

#define MOST_TAGS 4096

int fovi_io_type_bytes(int type)
{
    static const char bytes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8 };
    return type > 0 && type < (int)sizeof bytes ? bytes[type] : 0;
}

/* Bytes in which the order is turned: a rational is two numbers. IPTC is a row of bytes, whatever its type says. */
static int unit_bytes(int tag, int type)
{
    if (tag == FOVI_IO_TAG_IPTC)
        return 1;
    return type == 5 || type == 10 ? 4 : fovi_io_type_bytes(type);
}

static int get(const struct fovi_io_tiff *t, int64_t at, void *out, size_t n)
{
    if (at < 0 || (uint64_t)n > (uint64_t)t->size || at > t->size - (int64_t)n)
        return 0;
    if (!t->file) {
        memcpy(out, t->bytes + at, n);
        return 1;
    }
    return fseeko(t->file, (off_t)at, SEEK_SET) == 0 && fread(out, 1, n, t->file) == n;
}

/* A number of n bytes; -1 beyond the end or 63 bits. */
static int64_t number(const struct fovi_io_tiff *t, int64_t at, int n)
{
    unsigned char b[8];
    if (!get(t, at, b, (size_t)n))
        return -1;
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | b[t->is_little ? n - 1 - i : i];
    return v > INT64_MAX ? -1 : (int64_t)v;
}

int fovi_io_tiff_open(struct fovi_io_tiff *t, FILE *file, const void *bytes, int64_t size)
{
    unsigned char b[4];
    *t = (struct fovi_io_tiff){ bytes ? NULL : file, bytes, size, 1, 0, 0 };
    if (!get(t, 0, b, 4) || b[0] != b[1] || (b[0] != 'I' && b[0] != 'M'))
        return 0;
    t->is_little = b[0] == 'I';
    int version = b[t->is_little ? 2 : 3];
    t->is_big = version == 43;
    t->first = t->is_big ? number(t, 8, 8) : number(t, 4, 4);
    return (version == 42 || version == 43) && b[t->is_little ? 3 : 2] == 0 && t->first > 0;
}

static void swap_units(unsigned char *data, size_t n_bytes, int unit)
{
    for (size_t i = 0; unit > 1 && i + (size_t)unit <= n_bytes; i += (size_t)unit)
        for (int k = 0; k < unit / 2; k++) {
            unsigned char b = data[i + (size_t)k];
            data[i + (size_t)k] = data[i + (size_t)(unit - 1 - k)];
            data[i + (size_t)(unit - 1 - k)] = b;
        }
}

/* An empty place for a tag, or its old one. */
static struct fovi_io_tag *place(struct fovi_io_tags *tags, int tag)
{
    int i = 0;
    while (i < tags->n && tags->tag[i].tag < tag)
        i++;
    if (i < tags->n && tags->tag[i].tag == tag)
        return &tags->tag[i];
    if (tags->n == tags->capacity) {
        int capacity = tags->capacity ? 2 * tags->capacity : 32;
        struct fovi_io_tag *more = realloc(tags->tag, (size_t)capacity * sizeof *more);
        if (!more)
            return NULL;
        tags->tag = more;
        tags->capacity = capacity;
    }
    memmove(tags->tag + i + 1, tags->tag + i, (size_t)(tags->n - i) * sizeof *tags->tag);
    tags->n++;
    tags->tag[i] = (struct fovi_io_tag){ .tag = tag };
    return &tags->tag[i];
}

int fovi_io_tags_set(struct fovi_io_tags *tags, int tag, int type, int64_t count, const void *data, size_t n_bytes)
{
    unsigned char *copy = malloc(n_bytes + 1);
    struct fovi_io_tag *t = copy ? place(tags, tag) : NULL;
    if (!t) {
        free(copy);
        return -1;
    }
    memcpy(copy, data, n_bytes);
    free(t->data);
    *t = (struct fovi_io_tag){ tag, type, count, copy, n_bytes };
    return 0;
}

int fovi_io_tags_set_number(struct fovi_io_tags *tags, int tag, int type, uint64_t value)
{
    unsigned char data[8];
    for (int i = 0; i < 8; i++)
        data[i] = (unsigned char)(value >> 8 * i);
    return fovi_io_tags_set(tags, tag, type, 1, data, (size_t)fovi_io_type_bytes(type));
}

void fovi_io_rational(double value, uint32_t fraction[2])
{
    uint32_t below = 1;
    while (below < 1000000 && value * below * 10. < 4e9 &&
           fabs(value * below - floor(value * below + .5)) > 1e-9 * value)
        below *= 10;
    fraction[0] = value * below < 4294967295. ? (uint32_t)(value * below + .5) : 4294967295u;
    fraction[1] = below;
}

int fovi_io_tags_set_rational(struct fovi_io_tags *tags, int tag, double value)
{
    uint32_t fraction[2];
    unsigned char data[8];
    fovi_io_rational(value, fraction);
    for (int i = 0; i < 8; i++)
        data[i] = (unsigned char)(fraction[i / 4] >> 8 * (i % 4));
    return fovi_io_tags_set(tags, tag, FOVI_IO_TYPE_RATIONAL, 1, data, 8);
}

void fovi_io_tags_remove(struct fovi_io_tags *tags, int tag)
{
    struct fovi_io_tag *t = fovi_io_tags_find(tags, tag);
    if (!t)
        return;
    free(t->data);
    memmove(t, t + 1, (size_t)(tags->tag + tags->n - (t + 1)) * sizeof *t);
    tags->n--;
}

/* One entry; what cannot be had, or is more than *most_bytes, from which it is taken, is left out. -1 when memory is
 * short. */
static int read_entry(const struct fovi_io_tiff *t, int64_t at, size_t *most_bytes, struct fovi_io_tags *tags)
{
    int inline_bytes = t->is_big ? 8 : 4, tag = (int)number(t, at, 2), type = (int)number(t, at + 2, 2);
    int64_t count = number(t, at + 4, inline_bytes), value = at + 4 + inline_bytes;
    int bytes = fovi_io_type_bytes(type);
    if (!bytes || count < 1 || count > t->size / bytes || (uint64_t)count * (uint64_t)bytes > *most_bytes)
        return 0;
    size_t n = (size_t)count * (size_t)bytes;
    if (n > (size_t)inline_bytes)
        value = number(t, value, inline_bytes);
    unsigned char *data = malloc(n);
    if (!data)
        return -1;
    int failed = 0;
    if (get(t, value, data, n)) {
        *most_bytes -= n;
        if (!t->is_little)
            swap_units(data, n, unit_bytes(tag, type));
        failed = fovi_io_tags_set(tags, tag, type, count, data, n);
    }
    free(data);
    return failed;
}

int fovi_io_tags_read(const struct fovi_io_tiff *t, int64_t at, size_t most_bytes, struct fovi_io_tags *tags)
{
    int64_t n = number(t, at, t->is_big ? 8 : 2);
    if (at <= 0 || n < 1 || n > MOST_TAGS)
        return 0;
    at += t->is_big ? 8 : 2;
    for (int64_t i = 0; i < n; i++, at += t->is_big ? 20 : 12)
        if (read_entry(t, at, &most_bytes, tags))
            return 0;
    return tags->n > 0;
}

void fovi_io_tags_free(struct fovi_io_tags *tags)
{
    for (int i = 0; i < tags->n; i++)
        free(tags->tag[i].data);
    free(tags->tag);
    *tags = (struct fovi_io_tags){ 0 };
}

struct fovi_io_tag *fovi_io_tags_find(const struct fovi_io_tags *tags, int tag)
{
    for (int i = 0; i < tags->n; i++)
        if (tags->tag[i].tag == tag)
            return &tags->tag[i];
    return NULL;
}

int64_t fovi_io_tags_number(const struct fovi_io_tags *tags, int tag, int64_t fallback)
{
    const struct fovi_io_tag *t = fovi_io_tags_find(tags, tag);
    if (!t || (t->type != 1 && t->type != 3 && t->type != 4 && t->type != 13 && t->type != 16 && t->type != 18))
        return fallback;
    int unit = unit_bytes(t->tag, t->type);
    uint64_t v = 0;
    for (int i = unit - 1; i >= 0; i--)
        v = v << 8 | t->data[i];
    return v > INT64_MAX ? fallback : (int64_t)v;
}

static size_t even(size_t n)
{
    return n + (n & 1);
}

size_t fovi_io_tags_bytes(const struct fovi_io_tags *tags, int is_big)
{
    size_t n = (is_big ? 16 : 6) + (size_t)tags->n * (is_big ? 20 : 12);
    for (int i = 0; i < tags->n; i++)
        if (tags->tag[i].n_bytes > (is_big ? 8u : 4u))
            n += even(tags->tag[i].n_bytes);
    return even(n);
}

static void put(unsigned char *out, uint64_t value, int n, int is_little)
{
    for (int i = 0; i < n; i++)
        out[is_little ? i : n - 1 - i] = (unsigned char)(value >> 8 * i);
}

void fovi_io_tags_write(const struct fovi_io_tags *tags, int64_t at, int is_little, int is_big, unsigned char *out)
{
    int wide = is_big ? 8 : 4, head = is_big ? 8 : 2, entry = is_big ? 20 : 12;
    memset(out, 0, fovi_io_tags_bytes(tags, is_big));
    put(out, (uint64_t)tags->n, head, is_little);
    size_t values = (size_t)head + (size_t)tags->n * (size_t)entry + (size_t)wide;
    for (int i = 0; i < tags->n; i++) {
        const struct fovi_io_tag *t = &tags->tag[i];
        unsigned char *e = out + head + (size_t)i * (size_t)entry, *data = e + 4 + wide;
        put(e, (uint64_t)t->tag, 2, is_little);
        put(e + 2, (uint64_t)t->type, 2, is_little);
        put(e + 4, (uint64_t)t->count, wide, is_little);
        if (t->n_bytes > (size_t)wide) {
            put(data, (uint64_t)at + values, wide, is_little);
            data = out + values;
            values += even(t->n_bytes);
        }
        memcpy(data, t->data, t->n_bytes);
        if (!is_little)
            swap_units(data, t->n_bytes, unit_bytes(t->tag, t->type));
    }
}
