/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NumPy's .npy (format versions 1 to 3): arrays of shape (height, width) or (height, width, channels), of bool, u1, u2,
 * f4 or f8, in either byte order. In C order a row stands in one piece; in Fortran order a column does, and rows are
 * gathered in strips with one read a column, so that no more than a strip is in memory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* A strip of a Fortran array takes about this many bytes. */
#define STRIP_BYTES ((size_t)8 << 20)

/* The header's text while it is parsed; at stays below end. */
struct text {
    const char *at, *end;
};

static int peek(struct text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t'))
        t->at++;
    return t->at < t->end ? (unsigned char)*t->at : 0;
}

static int accept(struct text *t, char c)
{
    if (peek(t) != (unsigned char)c)
        return 0;
    t->at++;
    return 1;
}

/* A word in quotes. */
static int quoted(struct text *t, char *word, size_t n_bytes)
{
    int quote = peek(t);
    if (quote != '\'' && quote != '"')
        return 0;
    size_t n = 0;
    for (t->at++; t->at < t->end && *t->at != quote; t->at++) {
        if (n + 1 >= n_bytes)
            return 0;
        word[n++] = *t->at;
    }
    word[n] = 0;
    return accept(t, (char)quote);
}

/* A number 1..2^40. */
static int number(struct text *t, int64_t *value)
{
    *value = 0;
    peek(t);
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
        *value = *value * 10 + (*t->at - '0');
        if (*value > INT64_C(1) << 40)
            return 0;
    }
    return *value > 0;
}

/* A tuple of 2 or 3 numbers. */
static int shape(struct text *t, struct fovi_io_npy *npy)
{
    int64_t size[3] = { 0, 0, 1 };
    int n = 0;
    if (!accept(t, '('))
        return 0;
    while (peek(t) != ')') {
        if (n == 3 || !number(t, &size[n++]) || (!accept(t, ',') && peek(t) != ')'))
            return 0;
    }
    npy->height = size[0];
    npy->width = size[1];
    npy->n_channels = size[2] > FOVEA_MAX_CHANNELS ? FOVEA_MAX_CHANNELS + 1 : (int)size[2];
    return accept(t, ')') && n >= 2;
}

/* '<u2' and its like. */
static int description(struct text *t, struct fovi_io_npy *npy)
{
    static const char *const types[] = { "u1", "b1", "u2", "f4", "f8" };
    char word[8];
    if (!quoted(t, word, sizeof word) || strlen(word) != 3 || !strchr("<>|=", word[0]))
        return 0;
    npy->is_big_endian = word[0] == '>';
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(word + 1, types[i])) {
            npy->type = word[1];
            npy->item_bytes = word[2] - '0';
            return 1;
        }
    }
    return 0;
}

static int truth(struct text *t, int *value)
{
    peek(t);
    for (*value = 0; *value < 2; ++*value) {
        const char *word = *value ? "True" : "False";
        size_t n = strlen(word);
        if ((size_t)(t->end - t->at) >= n && !memcmp(t->at, word, n)) {
            t->at += n;
            return 1;
        }
    }
    return 0;
}

/* A dictionary of exactly the three entries that the format has. */
static int dictionary(struct text *t, struct fovi_io_npy *npy)
{
    char key[16];
    int found = 0;
    if (!accept(t, '{'))
        return 0;
    while (peek(t) != '}') {
        int ok = quoted(t, key, sizeof key) && accept(t, ':'), bit = 0;
        if (ok && !strcmp(key, "descr"))
            bit = description(t, npy) ? 1 : 0;
        else if (ok && !strcmp(key, "fortran_order"))
            bit = truth(t, &npy->is_fortran) ? 2 : 0;
        else if (ok && !strcmp(key, "shape"))
            bit = shape(t, npy) ? 4 : 0;
        if (!bit || found & bit || (!accept(t, ',') && peek(t) != '}'))
            return 0;
        found |= bit;
    }
    return found == 7;
}

int fovi_io_npy_parse(struct fovi_io_npy *npy, const void *bytes, size_t n_bytes)
{
    const unsigned char *b = bytes;
    if (n_bytes < 12 || memcmp(b, "\x93NUMPY", 6) != 0 || b[6] < 1 || b[6] > 3)
        return 0;
    size_t at = b[6] == 1 ? 10 : 12;
    size_t n = (size_t)b[8] | (size_t)b[9] << 8 | (at == 12 ? (size_t)b[10] << 16 | (size_t)b[11] << 24 : 0);
    if (n > n_bytes - at)
        return 0;
    struct text t = { (const char *)b + at, (const char *)b + at + n };
    npy->data_bytes = (int64_t)(at + n);
    npy->row = 0;
    return dictionary(&t, npy);
}

int fovi_io_npy_header(struct fovi_io_npy *npy)
{
    unsigned char *bytes = malloc(FOVI_IO_NPY_HEADER_BYTES);
    if (!bytes)
        return 0;
    rewind(npy->file);
    size_t n = fread(bytes, 1, FOVI_IO_NPY_HEADER_BYTES, npy->file);
    int ok = fovi_io_npy_parse(npy, bytes, n);
    free(bytes);
    return ok;
}

void fovi_io_npy_format(const struct fovi_io_npy *npy, struct fovea_format *format)
{
    format->sample = npy->type == 'f' ? FOVEA_SAMPLE_F32 : npy->item_bytes == 2 ? FOVEA_SAMPLE_U16 : FOVEA_SAMPLE_U8;
    format->n_channels = npy->n_channels;
    format->has_alpha = 0;
}

static size_t row_items(const struct fovi_io_npy *npy)
{
    return (size_t)npy->width * (size_t)npy->n_channels;
}

int64_t fovi_io_npy_bytes(const struct fovi_io_npy *npy)
{
    return npy->width * npy->n_channels * npy->height * npy->item_bytes;
}

/* One item to the sample that the picture has. */
static void convert_item(const struct fovi_io_npy *npy, const unsigned char *item, unsigned char *sample)
{
    unsigned char b[8] = { 0 };
    const uint16_t one = 1;
    int n = npy->item_bytes, is_little_machine = *(const unsigned char *)&one;
    for (int i = 0; i < n; i++)
        b[i] = item[npy->is_big_endian == is_little_machine ? n - 1 - i : i];
    double wide;
    float narrow;
    if (npy->type == 'b')
        sample[0] = b[0] ? 255 : 0;
    else if (n < 8)
        memcpy(sample, b, (size_t)n);
    else {
        memcpy(&wide, b, 8);
        narrow = (float)wide;
        memcpy(sample, &narrow, 4);
    }
}

/* Is an item in the file the same bytes as the sample in memory? */
static int is_plain(const struct fovi_io_npy *npy)
{
    const uint16_t one = 1;
    int is_little_machine = *(const unsigned char *)&one;
    return npy->type != 'b' &&
           (npy->item_bytes == 1 || (npy->item_bytes < 8 && npy->is_big_endian != is_little_machine));
}

static int read_at(struct fovi_io_npy *npy, void *bytes, size_t n, int64_t at)
{
    for (char *p = bytes; n;) {
        ssize_t got = pread(fileno(npy->file), p, n, (off_t)at);
        if (got <= 0)
            return -1;
        p += got;
        n -= (size_t)got;
        at += got;
    }
    return 0;
}

/* The next rows of a Fortran array: column by column into the strip, whose items then stand row by row. */
static int fill_strip(struct fovi_io_npy *npy)
{
    size_t n = row_items(npy), item = (size_t)npy->item_bytes, rows = STRIP_BYTES / (n * item) + 1;
    if (rows > (size_t)(npy->height - npy->row))
        rows = (size_t)(npy->height - npy->row);
    unsigned char *column = malloc(rows * item);
    if (!npy->strip)
        npy->strip = malloc(rows * n * item);
    int failed = !column || !npy->strip;
    for (size_t i = 0; i < n && !failed; i++) {
        size_t x = i / (size_t)npy->n_channels, c = i % (size_t)npy->n_channels;
        int64_t first = (int64_t)((c * (size_t)npy->width + x) * (size_t)npy->height) + npy->row;
        failed = read_at(npy, column, rows * item, npy->data_bytes + first * (int64_t)item);
        for (size_t y = 0; y < rows && !failed; y++)
            memcpy(npy->strip + (y * n + i) * item, column + y * item, item);
    }
    free(column);
    npy->strip_row = npy->row;
    npy->strip_rows = failed ? 0 : (int64_t)rows;
    return failed ? -1 : 0;
}

/* The bytes of the next row as they stand in the file. */
static const unsigned char *raw_row(struct fovi_io_npy *npy)
{
    size_t row_bytes = row_items(npy) * (size_t)npy->item_bytes;
    if (npy->is_fortran) {
        if (npy->row >= npy->strip_row + npy->strip_rows && fill_strip(npy))
            return NULL;
        return npy->strip + (size_t)(npy->row - npy->strip_row) * row_bytes;
    }
    if (!npy->strip)
        npy->strip = malloc(row_bytes);
    if (!npy->strip || read_at(npy, npy->strip, row_bytes, npy->data_bytes + npy->row * (int64_t)row_bytes))
        return NULL;
    return npy->strip;
}

int fovi_io_npy_read_row(struct fovi_io_npy *npy, void *row)
{
    const unsigned char *raw = raw_row(npy);
    if (!raw)
        return -1;
    struct fovea_format format;
    fovi_io_npy_format(npy, &format);
    size_t n = row_items(npy), item = (size_t)npy->item_bytes, sample = fovi_io_sample_bytes(format.sample);
    if (is_plain(npy))
        memcpy(row, raw, n * item);
    else
        for (size_t i = 0; i < n; i++)
            convert_item(npy, raw + i * item, (unsigned char *)row + i * sample);
    npy->row++;
    return 0;
}

void fovi_io_npy_rewind(struct fovi_io_npy *npy)
{
    npy->row = npy->strip_rows = npy->strip_row = 0;
}

void fovi_io_npy_free(struct fovi_io_npy *npy)
{
    free(npy->strip);
    npy->strip = NULL;
    if (npy->file)
        fclose(npy->file);
    npy->file = NULL;
}

int fovi_io_npy_begin(struct fovi_io_npy *npy, int width, int height, const struct fovea_format *format)
{
    static const char *const types[] = { "u1", "u2", "f4" };
    const uint16_t one = 1;
    char text[118], channels[16] = "";
    if (format->n_channels > 1)
        snprintf(channels, sizeof channels, ", %d", format->n_channels);
    int order = format->sample == FOVEA_SAMPLE_U8 ? '|' : *(const unsigned char *)&one ? '<' : '>';
    int n = snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%d, %d%s), }", order,
                     types[format->sample], height, width, channels);
    memset(text + n, ' ', sizeof text - (size_t)n); /* so that the data begin at byte 128 */
    text[sizeof text - 1] = '\n';
    npy->width = width;
    npy->n_channels = format->n_channels;
    npy->item_bytes = (int)fovi_io_sample_bytes(format->sample);
    return fwrite("\x93NUMPY\1\0\x76\0", 1, 10, npy->file) == 10 && fwrite(text, sizeof text, 1, npy->file) == 1 ? 0
                                                                                                                 : -1;
}

int fovi_io_npy_write_row(struct fovi_io_npy *npy, const void *row)
{
    size_t n = row_items(npy);
    return fwrite(row, (size_t)npy->item_bytes, n, npy->file) == n ? 0 : -1;
}
