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

/* ---- formats.c: the table of file formats ---- */

enum fovi_io_kind {
    FOVI_IO_UNKNOWN,
    FOVI_IO_JPEG,
    FOVI_IO_PNG,
    FOVI_IO_WEBP,
    FOVI_IO_TIFF,
    FOVI_IO_AVIF,
    FOVI_IO_HEIC,
    FOVI_IO_JXL,
    FOVI_IO_JP2,
    FOVI_IO_PNM,
    FOVI_IO_PFM,
    FOVI_IO_HDR,
    FOVI_IO_NPY,
    FOVI_IO_DZI,
    FOVI_IO_GIF,
    FOVI_IO_EXR,
    FOVI_IO_FITS,
    FOVI_IO_SVG,
    FOVI_IO_N_KINDS
};

/* What a format is and can hold. */
struct fovi_io_format {
    char name[12];
    char extensions[24];          /* "jpg jpeg"; the first is the usual one */
    char loader[16], saver[12];   /* libvips' operations; "" = done here, "-" = not at all; saver: see bits */
    char channels[4];             /* g grey, c colour, a alpha beside them, * any; f: grey becomes colour */
    int bits;                     /* most bits of a sample written, 32 = float; 0 = it is not written */
    int is_float_only, is_linear; /* written; light is linear by definition */
    int has_quality;              /* 1: --quality means something; 2: and without it nothing is lost */
    int is_streamed;              /* read and written row by row */
    int max_side;
};

/* The row of a kind, never NULL. */
const struct fovi_io_format *fovi_io_format_of(enum fovi_io_kind kind);
/* The kind that an ending stands for when it is written, FOVI_IO_UNKNOWN if none. */
enum fovi_io_kind fovi_io_kind_of_path(const char *path);
/* 1 if the libvips that is linked has the operation ("" = done here). */
int fovi_io_has_operation(const char *nickname);

/* ---- scan.c: what a file is, before a decoder is trusted with it ---- */

struct fovi_io_scan {
    int page; /* in: the page that is wanted, 1..; 0 = the first */
    enum fovi_io_kind kind;
    int64_t width, height;   /* from the header, before orientation; 0 = not found */
    const char *truncated;   /* NULL, or where the file ends too early */
    int tiff_extra;          /* TIFF: last ExtraSamples value, 1 premultiplied, 2 straight alpha, 0 none of them */
    int n_pages, page_index; /* TIFF: pages of full size, and which directory the wanted one is, from 0 */
    int has_alpha, is_grey;  /* EXR: by its list of channels */
    int jpeg_quality;        /* JPEG: 1..100, as libjpeg counts; 0 = no table found */
    int is_whole;            /* JPEG of several scans, interlaced PNG: its decoder needs all of the picture at once */
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

/* ---- npy.c: NumPy's arrays ---- */

/* Most bytes of a header that are looked at. */
#define FOVI_IO_NPY_HEADER_BYTES ((size_t)65536 + 12)

struct fovi_io_npy {
    FILE *file;
    int64_t width, height;
    int n_channels; /* FOVEA_MAX_CHANNELS + 1 stands for more */
    char type;      /* 'b' bool, 'u' unsigned, 'f' float */
    int item_bytes, is_big_endian, is_fortran;
    int64_t data_bytes; /* where the items begin */
    int64_t row;        /* the next one */
    unsigned char *strip;
    int64_t strip_row, strip_rows; /* Fortran order: what the strip holds */
};

/* Parse a header in memory; 0 if it is none, or of an array that is no picture. */
int fovi_io_npy_parse(struct fovi_io_npy *npy, const void *bytes, size_t n_bytes);
/* The same at the start of npy->file. */
int fovi_io_npy_header(struct fovi_io_npy *npy);
/* Bytes of the items; to be asked only where width and height are within reason. */
int64_t fovi_io_npy_bytes(const struct fovi_io_npy *npy);
void fovi_io_npy_format(const struct fovi_io_npy *npy, struct fovea_format *format);
/* Read the next row; 0, or -1 where the file ends or memory is short. */
int fovi_io_npy_read_row(struct fovi_io_npy *npy, void *row);
void fovi_io_npy_rewind(struct fovi_io_npy *npy);
/* Close the file and free what was taken for reading. */
void fovi_io_npy_free(struct fovi_io_npy *npy);
/* Write the header; then rows, in the machine's byte order. 0 or -1. */
int fovi_io_npy_begin(struct fovi_io_npy *npy, int width, int height, const struct fovea_format *format);
int fovi_io_npy_write_row(struct fovi_io_npy *npy, const void *row);

/* ---- convert.c ---- */

enum fovi_io_curve { FOVI_IO_CURVE_NONE, FOVI_IO_CURVE_ENCODE, FOVI_IO_CURVE_DECODE };

/* One row to another format: depth with rounding, alpha blended over white where the target has none, grey to three
 * channels, colours through the curve. */
void fovi_io_row_convert(const struct fovea_format *from, const void *src, const struct fovea_format *to, void *dst,
                         int width, enum fovi_io_curve curve);

/* ---- encoder.c: a libvips saver in its own thread, fed row by row ---- */

struct fovi_io_encoder;

struct fovi_io_meta;

/* What the tiles of a DeepZoom picture are. */
enum fovi_io_tiles { FOVI_IO_TILES_JPEG, FOVI_IO_TILES_PNG, FOVI_IO_TILES_WEBP };

/* What is encoded, and how. */
struct fovi_io_job {
    enum fovi_io_kind kind;
    int width, height;
    struct fovea_format format;
    int bits;        /* of a sample in the file; may be fewer than those of the rows */
    int quality;     /* 1..100, 0 = without loss */
    int compression; /* PNG: level; TIFF: a VipsForeignTiffCompression; DeepZoom: enum fovi_io_tiles */
    int strips_metadata;
    const struct fovi_io_meta *meta; /* what is to be put into the file; valid until the end */
};

/* The saver begins when it has all rows, and cannot be stopped then. */
int fovi_io_encodes_at_end(enum fovi_io_kind kind);
/* Start libvips' saver, which writes to path, or DeepZoom into the folder path. It puts into the file what it can as it
 * stands (the profile into TIFF, AVIF, HEIC, JPEG XL and each tile of DeepZoom, XMP into TIFF, AVIF and HEIC, EXIF into
 * AVIF and HEIC, all into JPEG and PNG). */
int fovi_io_encoder_start(struct fovi_io_encoder **out, const char *path, const struct fovi_io_job *job);
/* Hand over one row; FOVEA_OK, or FOVEA_E_WRITE when the saver has failed. */
int fovi_io_encoder_put(struct fovi_io_encoder *encoder, const void *row);
/* Wait for the end (complete: all rows were given) and free. FOVEA_OK, or FOVEA_E_WRITE with the reason in text. wait:
 * NULL, or called meanwhile; nonzero from it ends the waiting: FOVEA_E_CANCELLED. */
int fovi_io_encoder_end(struct fovi_io_encoder **encoder, int complete, const struct fovea_progress *wait, char *text,
                        size_t n_bytes);

/* ---- pyramid.c: DeepZoom's file and folder ---- */

/* The folder of the tiles that belong to a path, to be freed; NULL for other formats. */
char *fovi_io_pyramid_folder(const char *path);
/* 1 if what has the name of that folder is none, or holds other things than levels of tiles. */
int fovi_io_pyramid_is_foreign(const char *path);
/* Make the folder in which the picture is written, give the picture its name and place, remove the folder. 0 or -1 with
 * errno; FOVEA_OK, FOVEA_E_WRITE, FOVEA_E_NOMEM. */
int fovi_io_pyramid_begin(const char *folder);
int fovi_io_pyramid_end(fovea_io *io, const char *folder, const char *path);
void fovi_io_pyramid_drop(const char *folder);

/* Where a reader's metadata come from. */
struct fovi_io_origin {
    const char *path;
    enum fovi_io_kind kind;
    int page_index;            /* of a TIFF's directory */
    const void *image;         /* VipsImage; NULL for PNM and NumPy */
    double x_per_mm, y_per_mm; /* resolution before the picture was turned; 0 = not given */
};
void fovi_io_reader_origin(const fovea_io_reader *reader, struct fovi_io_origin *origin);

/* The VipsImage of a reader, NULL for PNM. */
const void *fovi_io_reader_vips(const fovea_io_reader *reader);

#endif
