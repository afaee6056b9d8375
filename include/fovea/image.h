/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures: what a sample is, pictures in memory, and rows that come from a source and go to a sink.
 *
 * Pixels are interleaved. Eight-bit samples are 0..255, sixteen-bit ones native-endian 0..65535, float ones nominally
 * 0..1 (values outside are kept). The order of channels is grey or red-green-blue first, alpha last; alpha is straight
 * (not premultiplied). Rows run from top to bottom.
 */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include "common.h"

#ifdef __cplusplus
extern "C" {
#endif

enum fovea_sample { FOVEA_SAMPLE_U8 = 0, FOVEA_SAMPLE_U16 = 1, FOVEA_SAMPLE_F32 = 2 };

/* Most channels that a picture may have, alpha included. */
#define FOVEA_MAX_CHANNELS 32

/* How the samples of one pixel are stored and what they mean. With 3 colour channels they are red, green and blue and
 * luma is BT.601; with any other number each channel is refined by itself as grey. */
struct fovea_format {
    enum fovea_sample sample;
    int n_channels; /* 1..FOVEA_MAX_CHANNELS, alpha included */
    int has_alpha;  /* 1: the last channel is alpha */
};

/* Bytes of one sample (1, 2 or 4) and of one pixel; 0 for an invalid format. */
FOVEA_API size_t fovea_sample_bytes(enum fovea_sample sample);
FOVEA_API size_t fovea_pixel_bytes(const struct fovea_format *format);

/* A picture in memory. The caller owns data. stride_bytes may be larger than a row. */
struct fovea_image {
    int width, height; /* 1..2^30 */
    struct fovea_format format;
    void *data;
    ptrdiff_t stride_bytes; /* from one row to the next */
};

/* Where rows come from. read delivers rows y..y+n-1 into rows, stride_bytes apart; it is asked for them in order from
 * the top, without gaps. Returns FOVEA_OK or a negative enum fovea_error, which the run passes on; a source that has a
 * sentence about its failure keeps it for its owner. */
struct fovea_source {
    int width, height;
    struct fovea_format format;
    int (*read)(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes);
    int (*rewind)(void *user); /* start over at row 0; NULL: cannot, so a second pass is spooled to a temporary file */
    void *user;
};

/* Where rows go, in order from the top, without gaps. Same rules as fovea_source. */
struct fovea_sink {
    int (*write)(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes);
    void *user;
};

/* A source that reads, and a sink that fills, a picture in memory. The image struct and its pixels are borrowed and
 * must outlive the source or sink. */
FOVEA_API struct fovea_source fovea_source_from_image(const struct fovea_image *image);
FOVEA_API struct fovea_sink fovea_sink_to_image(struct fovea_image *image);

#ifdef __cplusplus
}
#endif
#endif
