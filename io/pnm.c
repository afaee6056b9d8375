/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PBM, PGM, PPM (plain and raw) and PFM, read and written row by row. Done here rather than by libvips, which neither
 * scales a maximum value below 255 or 65535 nor refuses a plain file that ends early. Numbers are scaled to the full
 * range with rounding; PFM rows stand from bottom to top and are reached by seeking.
 */
#include <ctype.h>
#include <string.h>

#include "internal.h"

/* The next character that is not part of a comment. */
static int header_char(FILE *file)
{
    int c = getc(file);
    if (c == '#')
        while (c != '\n' && c != EOF)
            c = getc(file);
    return c;
}

/* A word of the header and the one white space behind it; 0 if there is none or it is too long. */
static int header_word(FILE *file, char *word, size_t n_bytes)
{
    int c = header_char(file);
    while (c != EOF && isspace(c))
        c = header_char(file);
    size_t n = 0;
    for (; c != EOF && !isspace(c); c = header_char(file)) {
        if (n + 1 >= n_bytes)
            return 0;
        word[n++] = (char)c;
    }
    word[n] = 0;
    return n > 0;
}

/* A number 1..top; 0 if it is none. */
static int header_number(FILE *file, int64_t top, int64_t *value)
{
    char word[20];
    if (!header_word(file, word, sizeof word))
        return 0;
    *value = 0;
    for (const char *p = word; *p; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        *value = *value * 10 + (*p - '0');
        if (*value > top)
            return 0;
    }
    return *value >= 1;
}

int fovi_io_pnm_header(struct fovi_io_pnm *pnm)
{
    const int64_t top = INT64_C(1) << 40;
    char word[64];
    rewind(pnm->file);
    if (!header_word(pnm->file, word, sizeof word) || word[0] != 'P' || !word[1] || word[2])
        return 0;
    pnm->type = word[1];
    pnm->max_value = 1;
    if (!strchr("123456fF", pnm->type) || !header_number(pnm->file, top, &pnm->width) ||
        !header_number(pnm->file, top, &pnm->height))
        return 0;
    int64_t max_value;
    if (pnm->type == 'f' || pnm->type == 'F') {
        if (!header_word(pnm->file, word, sizeof word))
            return 0;
        pnm->is_little = word[0] == '-';
    } else if (pnm->type != '1' && pnm->type != '4') {
        if (!header_number(pnm->file, 65535, &max_value))
            return 0;
        pnm->max_value = (long)max_value;
    }
    pnm->data_bytes = (int64_t)ftello(pnm->file);
    pnm->row = 0;
    return pnm->data_bytes > 0;
}

static int is_float(const struct fovi_io_pnm *pnm)
{
    return pnm->type == 'f' || pnm->type == 'F';
}

static int is_plain(const struct fovi_io_pnm *pnm)
{
    return pnm->type >= '1' && pnm->type <= '3';
}

static int is_bitmap(const struct fovi_io_pnm *pnm)
{
    return pnm->type == '1' || pnm->type == '4';
}

void fovi_io_pnm_format(const struct fovi_io_pnm *pnm, struct fovea_format *format)
{
    format->n_channels = pnm->type == '3' || pnm->type == '6' || pnm->type == 'F' ? 3 : 1;
    format->sample = is_float(pnm) ? FOVEA_SAMPLE_F32 : pnm->max_value > 255 ? FOVEA_SAMPLE_U16 : FOVEA_SAMPLE_U8;
    format->has_alpha = 0;
}

/* Bytes of a row in a raw file. */
static int64_t file_row_bytes(const struct fovi_io_pnm *pnm)
{
    if (pnm->type == '4')
        return (pnm->width + 7) / 8;
    struct fovea_format format;
    fovi_io_pnm_format(pnm, &format);
    return pnm->width * format.n_channels * (int64_t)fovi_io_sample_bytes(format.sample);
}

int64_t fovi_io_pnm_bytes(const struct fovi_io_pnm *pnm)
{
    return is_plain(pnm) ? 0 : file_row_bytes(pnm) * pnm->height;
}

static unsigned scaled(unsigned long v, unsigned long max_value, unsigned long top)
{
    return v >= max_value ? (unsigned)top : (unsigned)((v * top + max_value / 2) / max_value);
}

/* The next number of a plain file; PBM digits need no space between them. -1 where there is none. */
static long plain_number(struct fovi_io_pnm *pnm)
{
    int c = header_char(pnm->file);
    while (c != EOF && isspace(c))
        c = header_char(pnm->file);
    if (c == EOF || !isdigit(c))
        return -1;
    if (pnm->type == '1')
        return c - '0';
    long v = 0;
    for (; c != EOF && isdigit(c); c = getc(pnm->file)) {
        v = v * 10 + (c - '0');
        if (v > pnm->max_value)
            return -1;
    }
    return v;
}

static int read_plain(struct fovi_io_pnm *pnm, const struct fovea_format *format, void *row)
{
    unsigned long max_value = (unsigned long)pnm->max_value;
    for (size_t i = 0; i < (size_t)pnm->width * (size_t)format->n_channels; i++) {
        long v = plain_number(pnm);
        if (v < 0)
            return -1;
        if (is_bitmap(pnm))
            ((uint8_t *)row)[i] = v ? 0 : 255;
        else if (format->sample == FOVEA_SAMPLE_U8)
            ((uint8_t *)row)[i] = (uint8_t)scaled((unsigned long)v, max_value, 255);
        else
            ((uint16_t *)row)[i] = (uint16_t)scaled((unsigned long)v, max_value, 65535);
    }
    return 0;
}

/* Bits to bytes, from the end so that it works in place: 1 is black. */
static void expand_bits(uint8_t *row, int64_t width)
{
    for (int64_t x = width - 1; x >= 0; x--)
        row[x] = row[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

static void finish_u16(struct fovi_io_pnm *pnm, void *row, size_t n)
{
    uint8_t *bytes = row;
    for (size_t i = 0; i < n; i++) {
        unsigned v = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
        uint16_t s = (uint16_t)(pnm->max_value == 65535 ? v : scaled(v, (unsigned long)pnm->max_value, 65535));
        memcpy(bytes + 2 * i, &s, 2);
    }
}

static void finish_f32(const struct fovi_io_pnm *pnm, void *row, size_t n)
{
    uint8_t *b = row;
    for (size_t i = 0; i < n; i++, b += 4) {
        uint32_t v = pnm->is_little
                         ? (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24
                         : (uint32_t)b[3] | (uint32_t)b[2] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[0] << 24;
        memcpy(b, &v, 4);
    }
}

static int read_raw(struct fovi_io_pnm *pnm, const struct fovea_format *format, void *row)
{
    int64_t bytes = file_row_bytes(pnm);
    if (is_float(pnm) && fseeko(pnm->file, (off_t)(pnm->data_bytes + (pnm->height - 1 - pnm->row) * bytes), SEEK_SET))
        return -1;
    if (fread(row, 1, (size_t)bytes, pnm->file) != (size_t)bytes)
        return -1;
    size_t n = (size_t)pnm->width * (size_t)format->n_channels;
    uint8_t *u8 = row;
    if (pnm->type == '4')
        expand_bits(row, pnm->width);
    else if (format->sample == FOVEA_SAMPLE_F32)
        finish_f32(pnm, row, n);
    else if (format->sample == FOVEA_SAMPLE_U16)
        finish_u16(pnm, row, n);
    else if (pnm->max_value != 255)
        for (size_t i = 0; i < n; i++)
            u8[i] = (uint8_t)scaled(u8[i], (unsigned long)pnm->max_value, 255);
    return 0;
}

int fovi_io_pnm_read_row(struct fovi_io_pnm *pnm, void *row)
{
    struct fovea_format format;
    fovi_io_pnm_format(pnm, &format);
    int failed = is_plain(pnm) ? read_plain(pnm, &format, row) : read_raw(pnm, &format, row);
    pnm->row += !failed;
    return failed;
}

int fovi_io_pnm_rewind(struct fovi_io_pnm *pnm)
{
    pnm->row = 0;
    return fseeko(pnm->file, (off_t)pnm->data_bytes, SEEK_SET) ? -1 : 0;
}

int fovi_io_pnm_begin(struct fovi_io_pnm *pnm, int width, int height, const struct fovea_format *format)
{
    int is_color = format->n_channels == 3;
    pnm->width = width;
    pnm->height = height;
    pnm->row = 0;
    if (format->sample == FOVEA_SAMPLE_F32) {
        pnm->type = is_color ? 'F' : 'f';
        pnm->is_little = 1;
        fprintf(pnm->file, "P%c\n%d %d\n-1.0\n", pnm->type, width, height);
    } else {
        pnm->type = is_color ? '6' : '5';
        pnm->max_value = format->sample == FOVEA_SAMPLE_U8 ? 255 : 65535;
        fprintf(pnm->file, "P%c\n%d %d\n%ld\n", pnm->type, width, height, pnm->max_value);
    }
    pnm->data_bytes = (int64_t)ftello(pnm->file);
    return ferror(pnm->file) || pnm->data_bytes < 0 ? -1 : 0;
}

/* Samples in the machine's order to big-endian ones. */
static void to_big_endian(void *row, size_t n)
{
    uint8_t *b = row;
    for (size_t i = 0; i < n; i++, b += 2) {
        uint16_t v;
        memcpy(&v, b, 2);
        b[0] = (uint8_t)(v >> 8);
        b[1] = (uint8_t)v;
    }
}

int fovi_io_pnm_write_row(struct fovi_io_pnm *pnm, void *row)
{
    int64_t bytes = file_row_bytes(pnm);
    if (is_float(pnm)) {
        finish_f32(pnm, row, (size_t)bytes / 4);
        if (fseeko(pnm->file, (off_t)(pnm->data_bytes + (pnm->height - 1 - pnm->row) * bytes), SEEK_SET))
            return -1;
    } else if (pnm->max_value > 255) {
        to_big_endian(row, (size_t)bytes / 2);
    }
    pnm->row++;
    return fwrite(row, 1, (size_t)bytes, pnm->file) == (size_t)bytes ? 0 : -1;
}
