/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of fovea-io share: the handle, errors, the scan of a file before libvips sees it, PNM, conversion.
 */
#ifndef FOVI_IO_INTERNAL_H
#define FOVI_IO_INTERNAL_H

#include <stdio.h>

#include "fovea-io/io.h"

struct fovea_io {
    char error[1024];
    int64_t max_pixels;
};

/* Keep a sentence about a failure and give the code back. */
int fovi_io_fail(fovea_io *io, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The first line of libvips' error buffer, which is emptied, or fallback where it is empty. Returns text. */
const char *fovi_io_vips_text(char *text, size_t n_bytes, const char *fallback);

static inline size_t fovi_io_sample_bytes(enum fovea_sample sample)
{
    return sample == FOVEA_SAMPLE_U8 ? 1 : sample == FOVEA_SAMPLE_U16 ? 2 : 4;
}

static inline size_t fovi_io_row_bytes(int width, const struct fovea_format *format)
{
    return (size_t)width * (size_t)format->n_channels * fovi_io_sample_bytes(format->sample);
}

/* ---- scan.c: what a file is, before a decoder is trusted with it ---- */

enum fovi_io_kind { FOVI_IO_UNKNOWN, FOVI_IO_JPEG, FOVI_IO_PNG, FOVI_IO_WEBP, FOVI_IO_TIFF, FOVI_IO_PNM };

struct fovi_io_scan {
    enum fovi_io_kind kind;
    int64_t width, height; /* from the header, before orientation; 0 = not found */
    const char *truncated; /* NULL, or where the file ends too early */
    int tiff_extra;        /* TIFF: last ExtraSamples value, 1 premultiplied, 2 straight alpha, 0 none of them */
};

/* Sniff the file and walk its structure up to the end of its first picture. size_bytes: of the file. */
void fovi_io_scan_file(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan);
void fovi_io_scan_tiff(FILE *file, int64_t size_bytes, struct fovi_io_scan *scan);
/* Make a TIFF's ExtraSamples say that its last channel is alpha, or that none is (libvips calls every fourth one
 * alpha). 0, or -1 if the file cannot be changed. */
int fovi_io_tiff_set_alpha(FILE *file, int64_t size_bytes, int has_alpha);

/* ---- pnm.c: PBM, PGM, PPM, PFM ---- */

struct fovi_io_pnm {
    FILE *file;
    char type; /* '1'..'6', 'f', 'F' */
    int64_t width, height;
    long max_value;     /* 1..65535 */
    int is_little;      /* PFM: little-endian floats */
    int64_t data_bytes; /* where the samples begin */
    int row;            /* the next one */
};

/* Parse the header at the start of pnm->file; 0 if it is not one. */
int fovi_io_pnm_header(struct fovi_io_pnm *pnm);
/* Bytes of the samples; 0 for the plain formats, whose length shows only when they are read. */
int64_t fovi_io_pnm_bytes(const struct fovi_io_pnm *pnm);
void fovi_io_pnm_format(const struct fovi_io_pnm *pnm, struct fovea_format *format);
/* Read the next row; 0, or -1 where the file ends or a number is wrong. */
int fovi_io_pnm_read_row(struct fovi_io_pnm *pnm, void *row);
int fovi_io_pnm_rewind(struct fovi_io_pnm *pnm);
/* Write the header for a format of 1 or 3 channels and remember where the samples begin; 0 or -1. */
int fovi_io_pnm_begin(struct fovi_io_pnm *pnm, int width, int height, const struct fovea_format *format);
/* Write the next row, whose samples may be changed; 0 or -1. */
int fovi_io_pnm_write_row(struct fovi_io_pnm *pnm, void *row);

/* ---- convert.c ---- */

/* One row to another format: depth with rounding, alpha blended over white where the target has none, grey to three
 * channels. */
void fovi_io_row_convert(const struct fovea_format *from, const void *src, const struct fovea_format *to, void *dst,
                         int width);

/* ---- encoder.c: a libvips saver in its own thread, fed row by row ---- */

struct fovi_io_encoder;

/* Start a saver ("pngsave" ...) that writes to path. like: VipsImage whose metadata are taken over, or NULL. */
int fovi_io_encoder_start(struct fovi_io_encoder **out, const char *saver, const char *path, int width, int height,
                          const struct fovea_format *format, const void *like);
/* Hand over one row; FOVEA_OK, or FOVEA_E_WRITE when the saver has failed. */
int fovi_io_encoder_put(struct fovi_io_encoder *encoder, const void *row);
/* Wait for the end (complete: all rows were given) and free. FOVEA_OK, or FOVEA_E_WRITE with the reason in text. */
int fovi_io_encoder_end(struct fovi_io_encoder **encoder, int complete, char *text, size_t n_bytes);

/* The VipsImage of a reader, NULL for PNM. */
const void *fovi_io_reader_vips(const fovea_io_reader *reader);

#endif
