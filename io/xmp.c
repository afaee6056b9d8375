/* SPDX-License-Identifier: BSD-2-Clause
 *
 * XMP packets for pictures that have changed their size, edited as text: the few properties that a new size makes wrong
 * are replaced where they stand, as attributes or as elements, and all else keeps its bytes. Packets in UTF-16 or with
 * other prefixes than the usual ones are left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "meta.h"
#include "tags.h"

/* Replace n bytes at a place by text. */
static int splice(struct fovi_io_blob *xmp, size_t at, size_t n, const char *text)
{
    size_t length = strlen(text), tail = xmp->n - at - n;
    unsigned char *bytes = malloc(at + length + tail + 1);
    if (!bytes)
        return -1;
    memcpy(bytes, xmp->bytes, at);
    memcpy(bytes + at, text, length);
    memcpy(bytes + at + length, xmp->bytes + at + n, tail);
    free(xmp->bytes);
    xmp->bytes = bytes;
    xmp->n = at + length + tail;
    return 0;
}

/* The next place of text from at on; xmp->n if there is none. */
static size_t search(const struct fovi_io_blob *xmp, size_t at, const char *text)
{
    size_t n = strlen(text);
    for (; at + n <= xmp->n; at++)
        if (xmp->bytes[at] == (unsigned char)*text && !memcmp(xmp->bytes + at, text, n))
            return at;
    return xmp->n;
}

/* Where the value of a property begins behind its name at a place, and how long it is; 0 if this is none. */
static int value_of(const struct fovi_io_blob *xmp, size_t at, size_t name_length, size_t *begin, size_t *length)
{
    size_t i = at + name_length;
    unsigned char end = '<';
    if (at > 0 && xmp->bytes[at - 1] == '<' && i < xmp->n && xmp->bytes[i] == '>') {
        i++;
    } else if (at > 0 && strchr(" \t\r\n", xmp->bytes[at - 1]) && i + 1 < xmp->n && xmp->bytes[i] == '=' &&
               (xmp->bytes[i + 1] == '"' || xmp->bytes[i + 1] == '\'')) {
        end = xmp->bytes[i + 1];
        i += 2;
    } else {
        return 0;
    }
    const unsigned char *found = memchr(xmp->bytes + i, end, xmp->n - i);
    *begin = i;
    *length = found ? (size_t)(found - xmp->bytes) - i : 0;
    return found && *length < 64;
}

static int set_number(struct fovi_io_blob *xmp, const char *name, int value)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    size_t begin, length, n = strlen(name);
    for (size_t at = 0; (at = search(xmp, at, name)) < xmp->n; at++)
        if (value_of(xmp, at, n, &begin, &length) && splice(xmp, begin, length, text))
            return -1;
    return 0;
}

/* A resolution, "72/1" or "72"; others are left alone. */
static int scale(struct fovi_io_blob *xmp, const char *name, double factor)
{
    size_t begin, length, n = strlen(name);
    for (size_t at = 0; (at = search(xmp, at, name)) < xmp->n; at++) {
        char text[64];
        unsigned above = 0, below = 1;
        uint32_t made[2];
        if (!value_of(xmp, at, n, &begin, &length))
            continue;
        memcpy(text, xmp->bytes + begin, length);
        text[length] = 0;
        if (sscanf(text, "%9u/%9u", &above, &below) < 1 || !above || !below)
            continue;
        fovi_io_rational((double)above / below * factor, made);
        snprintf(text, sizeof text, "%u/%u", made[0], made[1]);
        if (splice(xmp, begin, length, text))
            return -1;
    }
    return 0;
}

/* <xmp:Thumbnails> ... </xmp:Thumbnails> shows the old picture. */
static int drop_thumbnails(struct fovi_io_blob *xmp)
{
    static const char open_tag[] = "<xmp:Thumbnails", close_tag[] = "</xmp:Thumbnails>";
    size_t at = search(xmp, 0, open_tag), end = search(xmp, at, close_tag);
    return end < xmp->n ? splice(xmp, at, end + sizeof close_tag - 1 - at, "") : 0;
}

int fovi_io_xmp_update(struct fovi_io_blob *xmp, const struct fovi_io_change *change)
{
    if (!xmp->n || memchr(xmp->bytes, 0, xmp->n))
        return 0;
    return drop_thumbnails(xmp) || set_number(xmp, "tiff:Orientation", 1) ||
                   set_number(xmp, "tiff:ImageWidth", change->width) ||
                   set_number(xmp, "tiff:ImageLength", change->height) ||
                   set_number(xmp, "exif:PixelXDimension", change->width) ||
                   set_number(xmp, "exif:PixelYDimension", change->height) ||
                   scale(xmp, "tiff:XResolution", change->scale_x) || scale(xmp, "tiff:YResolution", change->scale_y) ||
                   scale(xmp, "exif:FocalPlaneXResolution", change->scale_x) ||
                   scale(xmp, "exif:FocalPlaneYResolution", change->scale_y)
               ? -1
               : 0;
}
