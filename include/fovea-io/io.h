/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-io: picture files as sources and sinks of rows. A separate library on top of libvips; the core does not need
 * it.
 *
 * Read: JPEG, PNG, WebP, TIFF (BigTIFF too), AVIF, HEIC, JPEG XL, JPEG 2000, PBM/PGM/PPM, PFM, Radiance HDR, NumPy
 * arrays, GIF, OpenEXR, FITS, SVG. Written, chosen by the extension: all of these up to NumPy, and DeepZoom. Which of
 * them this libvips can read and write is told by fovea_io_format_describe. The conventions (error codes, NULL =
 * defaults, destroyers) are those of <fovea/common.h>.
 *
 * What a reader delivers: 8 and 16 bits and float stay what they are, whole numbers of more bits and doubles become
 * float; palettes and samples of fewer than 8 bits are expanded to 8; grey stays grey, alpha stays alpha (straight);
 * CMYK, Lab and their kin become sRGB, by the file's profile where it has one; the orientation tag is applied. A file
 * that ends early is refused, never completed with grey, and one of several pages is refused unless a page is chosen.
 */
#ifndef FOVEA_IO_H
#define FOVEA_IO_H

#include <fovea/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holds the limits and the last error. Thread safety: one call at a time per handle; handles are independent. The first
 * handle starts libvips for the process, with its operation cache off and its messages silenced; libvips itself ends it
 * when the process exits. */
typedef struct fovea_io fovea_io;

struct fovea_io_params {
    unsigned api;       /* FOVEA_API_VERSION */
    int64_t max_pixels; /* a file whose header says more is refused before a pixel is decoded, 1..2^40; default 2^30 */
};
#define FOVEA_IO_DEFAULTS                   \
    {                                       \
        FOVEA_API_VERSION, INT64_C(1) << 30 \
    }

/* Make a handle. params: NULL = defaults. FOVEA_E_ARG, FOVEA_E_NOMEM, FOVEA_E_INTERNAL (libvips did not start); *out is
 * then NULL. Free with fovea_io_free, after every reader and writer made with it. */
FOVEA_API int fovea_io_create(fovea_io **out, const struct fovea_io_params *params);
FOVEA_API void fovea_io_free(fovea_io **io);

/* The sentence that explains the last failure with this handle, of a source or sink too; it names the file. "" if there
 * was none since a reader was opened. Valid until the next failing call. */
FOVEA_API const char *fovea_io_last_error(const fovea_io *io);

/* What a file holds. */
struct fovea_io_info {
    int width, height;          /* as delivered: after the orientation is applied */
    struct fovea_format format; /* as delivered */
    char file_format[12];       /* "JPEG", "PNG" ..., see fovea_io_format_describe */
    char loader[16];            /* libvips' name of the operation that reads it, e.g. "jpegload" */
    char colour[16];            /* libvips' name of the file's colour space, e.g. "srgb", "b-w", "cmyk" */
    int orientation;            /* the tag, 1..8; 1 = upright */
    int n_pages;                /* pages of a TIFF, frames of a GIF or WebP, pictures of a HEIC; 1 for the others */
    int is_streamed;            /* 1: rows are decoded when asked for; 0: the whole picture is decoded first */
    int has_icc, has_exif, has_xmp;
    double pixels_per_mm; /* horizontal resolution; 0 = not given */
    int page;             /* the one that is read, 1.. */
    int is_linear;        /* 1: samples are proportional to light (HDR, EXR); 0: encoded for display, or not known */
    int jpeg_quality;     /* JPEG: by its table for luma, 1..100 as libjpeg counts; 0 for other files */
    char note[120];       /* a sentence on what was converted on the way ("CMYK became sRGB ..."), else "" */
};

/* A file that is read from the top. Streamed files hold some dozen rows; a turned picture (orientation 3..8) is decoded
 * to memory first, or to a temporary file where that would take more than 100 MB. */
typedef struct fovea_io_reader fovea_io_reader;

struct fovea_io_read_params {
    unsigned api;
    int page;         /* 1..n_pages; 0 (default) = the only one: a file of several pages is then refused */
    int least_bits;   /* 16 or 32 (float): samples of fewer bits are widened to this many; 0 (default) = as they are */
    int svg_width;    /* SVG: draw it that many pixels wide, up to 2^20; 0 (default) = by svg_dpi */
    double svg_dpi;   /* SVG: pixels an inch, .1..10000; default 72, at which a user unit is a pixel */
    const char *name; /* what messages call the file, read during the call only; NULL (default) = by its path */
};
#define FOVEA_IO_READ_DEFAULTS                 \
    {                                          \
        FOVEA_API_VERSION, 0, 0, 0, 72.0, NULL \
    }

/* Open a file. params: NULL = defaults. Errors: FOVEA_E_READ (missing, unreadable, truncated), FOVEA_E_FORMAT (not a
 * picture, corrupt), FOVEA_E_LIMIT (more than max_pixels), FOVEA_E_UNSUPPORTED (several pages and none chosen, a page
 * that is not there, complex samples, more channels than FOVEA_MAX_CHANNELS, a format that this libvips cannot read),
 * FOVEA_E_ARG, FOVEA_E_NOMEM. Free with fovea_io_reader_close. */
FOVEA_API int fovea_io_reader_open_with(fovea_io_reader **out, fovea_io *io, const char *path,
                                        const struct fovea_io_read_params *params);
FOVEA_API int fovea_io_reader_open(fovea_io_reader **out, fovea_io *io, const char *path);
FOVEA_API void fovea_io_reader_close(fovea_io_reader **reader);

/* The rows, for fovea_plan_run and its like; it can be rewound. Valid as long as the reader. */
FOVEA_API struct fovea_source fovea_io_reader_source(fovea_io_reader *reader);
FOVEA_API void fovea_io_reader_describe(const fovea_io_reader *reader, struct fovea_io_info *info);

/* A file that is written from the top under a temporary name in the same folder (DeepZoom: in a folder with a temporary
 * name), by an encoder in its own thread; it gets its name in fovea_io_writer_finish. Rows wait in a queue of some
 * dozen; WebP, AVIF, HEIC, JPEG XL and JPEG 2000 need the whole picture. */
typedef struct fovea_io_writer fovea_io_writer;

/* What the file format could not keep. */
struct fovea_io_loss {
    int bits;            /* bits of a sample in the file, 32 = float */
    int depth_reduced;   /* 1: samples were rounded to fewer bits */
    int alpha_flattened; /* 1: the format has no alpha, colours were blended over white */
    char text[320];      /* these and metadata left out, as a sentence; "" if nothing was lost */
};

struct fovea_io_write_params {
    unsigned api;
    int quality;             /* 1..100 for JPEG, WebP, AVIF, HEIC, JPEG XL, JPEG 2000, TIFF with jpeg and DeepZoom; 0
                                (default) = JPEG 95, AVIF, HEIC, DeepZoom and TIFF with jpeg 90, the others lossless */
    const char *compression; /* PNG: "0".."9"; TIFF: "none", "lzw", "deflate", "zstd", "packbits", "jpeg"; WebP, JPEG
                                XL, JPEG 2000: "lossless"; DeepZoom: its tiles, "jpeg", "png", "webp"; NULL (default) =
                                PNG 2, TIFF lzw, DeepZoom jpeg, png for pictures with alpha */
    int bits;                /* of a sample in the file: 8, 10, 12, 16, 32 (float), what the format has; 0 (default) =
                                as many as the picture's, or the most that the format holds */
    int strips_metadata;     /* 1: leave out EXIF, XMP, IPTC; the colour profile and the resolution stay */
    double scale_x,
        scale_y; /* > 0: how much larger pixels of like became, for the resolution; 0 (default) = by sizes */
};
#define FOVEA_IO_WRITE_DEFAULTS                    \
    {                                              \
        FOVEA_API_VERSION, 0, NULL, 0, 0, 0.0, 0.0 \
    }

/* Begin a file. The extension chooses the format. like: NULL, or a reader whose colour profile, EXIF, XMP, IPTC and
 * resolution the file takes over, where the format can hold them; needed during the call only. params: NULL = defaults.
 * Errors: FOVEA_E_WRITE (unknown extension, missing or unwritable folder, a picture that the format cannot hold, a
 * format that this libvips cannot write), FOVEA_E_ARG (a setting that the format does not have), FOVEA_E_NOMEM,
 * FOVEA_E_INTERNAL. */
FOVEA_API int fovea_io_writer_open_with(fovea_io_writer **out, fovea_io *io, const char *path, int width, int height,
                                        const struct fovea_format *format, const fovea_io_reader *like,
                                        const struct fovea_io_write_params *params);
FOVEA_API int fovea_io_writer_open(fovea_io_writer **out, fovea_io *io, const char *path, int width, int height,
                                   const struct fovea_format *format, const fovea_io_reader *like);

/* Where rows go, in order. Valid until the writer ends. */
FOVEA_API struct fovea_sink fovea_io_writer_sink(fovea_io_writer *writer);
FOVEA_API void fovea_io_writer_loss(const fovea_io_writer *writer, struct fovea_io_loss *loss);

/* After the last row: complete the file and give it its name. FOVEA_E_WRITE on failure, FOVEA_E_ARG if rows are
 * missing; nothing is then left. Ends the writer in any case: *writer becomes NULL. */
FOVEA_API int fovea_io_writer_finish(fovea_io_writer **writer);

/* WebP, AVIF, HEIC and JPEG XL: the encoder begins when it has all rows, so that completing the file takes most of the
 * time. */
FOVEA_API int fovea_io_writer_encodes_at_end(const fovea_io_writer *writer);

/* fovea_io_writer_finish that calls wait ten times a second (with 1.0) while the encoder works; where that returns
 * nonzero, the file is given up: FOVEA_E_CANCELLED. An encoder that cannot be stopped is then left behind in its
 * thread. */
FOVEA_API int fovea_io_writer_finish_watched(fovea_io_writer **writer, const struct fovea_progress *wait);

/* How many encoders were left so and are still at work. Exit handlers of their libraries must not meet them: a process
 * that has any should end by _exit. */
FOVEA_API int fovea_io_encoders_left(void);

/* Give up: nothing is left in the folder. NULL is fine. */
FOVEA_API void fovea_io_writer_abandon(fovea_io_writer **writer);

/* What a finished picture is made of. All formats are one file but DeepZoom: NAME.dzi has its tiles in a folder,
 * NAME_files beside it. */

/* Give a finished picture another name and place on the same file system, with all that belongs to it. replaces: 1 =
 * over one that is there; 0 = it is then left, and the call fails. A folder of tiles without its .dzi is no picture and
 * always replaced, one that holds other things never. The .dzi comes last: where it is the tiles are. FOVEA_OK, or
 * FOVEA_E_WRITE: all is as before. */
FOVEA_API int fovea_io_output_move(fovea_io *io, const char *from, const char *to, int replaces);
/* Remove a picture with all that belongs to it. */
FOVEA_API void fovea_io_output_remove(const char *path);
/* 1 and the folder's name if the picture with this name has one, else 0. */
FOVEA_API int fovea_io_output_folder(const char *path, char *folder, size_t n_bytes);

/* The name of the format that a path's extension chooses for writing ("PNG" ...), NULL if none. */
FOVEA_API const char *fovea_io_write_format(const char *path);

/* The same for reading, by the extension alone: reading itself goes by what is in a file, not by its name. */
FOVEA_API const char *fovea_io_read_format(const char *path);

/* The file formats: what can be read and written with the libvips that is linked. */
struct fovea_io_format_info {
    const char *name, *extensions; /* "JPEG", "jpg jpeg jpe" */
    const char *loader, *saver;    /* libvips' operations, or "built in"; "": it is not read or written */
    int can_read, can_write;
};
FOVEA_API int fovea_io_format_count(void);
/* i: 0..count-1. The strings stay valid. */
FOVEA_API void fovea_io_format_describe(int i, struct fovea_io_format_info *info);

/* A whole file to memory. out is filled, data included; free with fovea_io_image_free. Errors as reader_open. */
FOVEA_API int fovea_io_read_image(fovea_io *io, const char *path, struct fovea_image *out);
FOVEA_API void fovea_io_image_free(struct fovea_image *image);

/* A whole picture to a file. like and errors as in writer_open, loss may be NULL. */
FOVEA_API int fovea_io_write_image(fovea_io *io, const char *path, const struct fovea_image *image,
                                   const fovea_io_reader *like, struct fovea_io_loss *loss);

/* A picture as the bytes of a file. image: 8-bit samples, 1 to 4 channels. format: "png", "jpeg" (no alpha) or "webp".
 * quality: 1..100 for JPEG and WebP; 0 (default): JPEG 95, WebP lossless; PNG is always lossless. like: NULL, or a
 * reader whose colour profile is taken over. *bytes is taken; free with fovea_io_bytes_free. Errors: FOVEA_E_ARG,
 * FOVEA_E_WRITE (the encoder's; WebP holds at most 16383 pixels a side), FOVEA_E_LIMIT, FOVEA_E_NOMEM. */
FOVEA_API int fovea_io_encode_image(fovea_io *io, const struct fovea_image *image, const char *format, int quality,
                                    const fovea_io_reader *like, void **bytes, size_t *n_bytes);
FOVEA_API void fovea_io_bytes_free(void **bytes);

/* The way back: the bytes of a PNG, JPEG or WebP file of 8 or 16 bits a sample as a picture, as it is stored (it is not
 * turned, its profile is not used). out is filled; free with fovea_io_image_free. Errors: FOVEA_E_FORMAT (another
 * format, or damaged), FOVEA_E_LIMIT (more pixels than the session allows), FOVEA_E_NOMEM. */
FOVEA_API int fovea_io_decode_image(fovea_io *io, const void *bytes, size_t n_bytes, struct fovea_image *out);

/* What a file holds, from its header; of several pages, the first. Errors as reader_open. */
FOVEA_API int fovea_io_probe(fovea_io *io, const char *path, struct fovea_io_info *info);

/* Version of libvips that is linked, e.g. "8.14.1". */
FOVEA_API const char *fovea_io_vips_version(void);

#ifdef __cplusplus
}
#endif
#endif
