/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What describes a picture beside its pixels: gathered from the file that is read, brought up to date for the result,
 * put into the file that is written. Everything works on memory, except where a whole file is rewritten.
 */
#ifndef FOVI_IO_META_H
#define FOVI_IO_META_H

#include "internal.h"

struct fovi_io_blob {
    unsigned char *bytes; /* owned */
    size_t n;
};

struct fovi_io_meta {
    struct fovi_io_blob icc, exif, xmp, iptc; /* exif: from its byte order on; iptc: the bare records */
    double x_per_mm, y_per_mm;                /* 0 = not given */
};

/* How the result differs from the picture that the metadata came with. */
struct fovi_io_change {
    int width, height;       /* of the result */
    double scale_x, scale_y; /* result / picture, after it was turned upright */
    int is_turned;           /* 1: width and height changed places on the way */
};

/* Copy n bytes; 0, or -1 when memory is short. */
int fovi_io_blob_set(struct fovi_io_blob *blob, const void *bytes, size_t n);
void fovi_io_meta_free(struct fovi_io_meta *meta);

/* ---- exif.c ---- */

/* Bring EXIF up to date in place: orientation 1, size and resolution in pixels of the result, the thumbnail blanked out
 * and cut off where it stands last. *n_bytes may shrink. Nothing is moved, so that maker notes stay valid. 0, or -1 if
 * it is no EXIF, or one that contradicts itself. */
int fovi_io_exif_update(unsigned char *bytes, size_t *n_bytes, const struct fovi_io_change *change);
/* The orientation, 1..8; 1 where there is none. */
int fovi_io_exif_orientation(const unsigned char *bytes, size_t n_bytes);
/* Make EXIF of what stands in the directories of a TIFF's page, and find its IPTC; a resolution without a unit is none.
 * 0, or -1 when memory is short. */
int fovi_io_exif_from_tiff(FILE *file, int64_t size_bytes, int page_index, struct fovi_io_meta *meta);
/* Give a TIFF that libvips has written its EXIF, IPTC and resolution: new directories at its end. 0 or -1. */
int fovi_io_exif_into_tiff(FILE *file, int64_t size_bytes, const struct fovi_io_meta *meta);

/* ---- xmp.c ---- */

/* The same for XMP, whose length may change. 0, or -1 when memory is short. */
int fovi_io_xmp_update(struct fovi_io_blob *xmp, const struct fovi_io_change *change);

/* ---- iptc.c ---- */

/* The bare records within Photoshop's image resources, with or without their title; empty where there are none. */
int fovi_io_iptc_extract(const unsigned char *bytes, size_t n_bytes, struct fovi_io_blob *iptc);
/* The records wrapped as an image resource, without title. */
int fovi_io_iptc_wrap(const struct fovi_io_blob *iptc, struct fovi_io_blob *resource);

/* ---- boxes.c: containers of boxes and chunks ---- */

/* Take EXIF and XMP out of a JPEG XL, EXIF, XMP and IPTC out of a JPEG 2000 file. 0, or -1 when memory is short. */
int fovi_io_boxes_read(FILE *file, int64_t size_bytes, struct fovi_io_meta *meta);
/* Rewrite a JPEG XL, JPEG 2000 or WebP file without metadata to one with. 0 or -1. */
int fovi_io_boxes_write(FILE *from, int64_t size_bytes, FILE *to, const struct fovi_io_job *job,
                        const struct fovi_io_meta *meta);

/* ---- embed.c: metadata into the stream of a JPEG or PNG encoder ---- */

struct fovi_io_embed {
    FILE *file;
    enum fovi_io_kind kind;
    const struct fovi_io_meta *meta;
    unsigned char head[64];   /* what came before it could be understood */
    size_t n_head, skip;      /* bytes of a chunk that is left out */
    int is_begun, is_through; /* 1: the metadata are written; and all goes straight to the file */
};

/* Take the next bytes of the encoder. 0, or -1 with errno when the file cannot be written. */
int fovi_io_embed_put(struct fovi_io_embed *embed, const void *bytes, size_t n);

/* ---- meta.c ---- */

/* Gather what an open reader's file has. 0, or -1 when memory is short. */
int fovi_io_meta_gather(struct fovi_io_meta *meta, const fovea_io_reader *reader);
/* Bring it up to date and leave out what the file cannot hold; lost: names of what was left out, "" = nothing. */
int fovi_io_meta_fit(struct fovi_io_meta *meta, const struct fovi_io_job *job, const struct fovi_io_change *change,
                     char *lost, size_t n_bytes);

#endif
