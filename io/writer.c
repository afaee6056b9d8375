/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files as sinks of rows. The extension chooses the format, the format decides what of the picture it can hold; rows
 * are converted and go to libvips' saver or, for PNM, straight to the file. The file is made under a temporary name
 * beside its final one and renamed at the very end, so that a failed or cancelled write leaves nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meta.h"

struct fovea_io_writer {
    fovea_io *io;
    char *path;      /* final name */
    char *temporary; /* name while it is written */
    int is_made;     /* 1: the temporary file exists */
    int row;
    struct fovea_format from; /* the picture's; the file's is in job */
    struct fovi_io_job job;
    enum fovi_io_curve curve;
    struct fovea_io_loss loss;
    struct fovi_io_meta meta;
    unsigned char *buffer; /* one converted row */
    FILE *file;            /* of a format that is written here */
    struct fovi_io_pnm pnm;
    struct fovi_io_npy npy;
    struct fovi_io_encoder *encoder;
};

/* The channels that a file can have; the name of a PNM file narrows them. */
static const char *channels_of(const struct fovi_io_format *f, const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".pgm") ? "g" : dot && !strcasecmp(dot, ".ppm") ? "cf" : f->channels;
}

/* The format's name; of a PNM file, that of its kind. */
static const char *name_of(const struct fovi_io_format *f, const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".pgm") ? "PGM" : dot && !strcasecmp(dot, ".ppm") ? "PPM" : f->name;
}

/* Decide on the channels; 0 if the format cannot hold them at all. */
static int adapt_channels(fovea_io_writer *w, const char *channels)
{
    struct fovea_format *to = &w->job.format;
    if (*channels == '*')
        return 1;
    int n_color = to->n_channels - to->has_alpha, is_grey = n_color == 1;
    if (!is_grey && (n_color != 3 || !strchr(channels, 'c')))
        return 0;
    if (is_grey && strchr(channels, 'f'))
        n_color = 3;
    w->loss.alpha_flattened = to->has_alpha && !strchr(channels, 'a');
    to->has_alpha = to->has_alpha && !w->loss.alpha_flattened;
    to->n_channels = n_color + to->has_alpha;
    return 1;
}

static int is_heif(enum fovi_io_kind kind)
{
    return kind == FOVI_IO_AVIF || kind == FOVI_IO_HEIC;
}

/* Which numbers of bits the file can have. */
static int may_have_bits(enum fovi_io_kind kind, int bits)
{
    const struct fovi_io_format *f = fovi_io_format_of(kind);
    if (is_heif(kind))
        return bits == 8 || bits == 10 || bits == 12;
    return bits == 32 ? f->bits == 32 : !f->is_float_only && (bits == 8 || bits == 16) && bits <= f->bits;
}

/* Decide on depth: what was asked for, else the picture's, else the most that the format has. */
static int adapt_bits(fovea_io_writer *w, const char *path, int wanted)
{
    const struct fovi_io_format *f = fovi_io_format_of(w->job.kind);
    int bits = 8 * (int)fovi_io_sample_bytes(w->from.sample), from_bits = bits;
    if (wanted && !may_have_bits(w->job.kind, wanted))
        return fovi_io_fail(w->io, FOVEA_E_ARG, "cannot write '%s': %s has no samples of %d bits", path, f->name,
                            wanted);
    bits = wanted ? wanted : f->is_float_only ? 32 : bits < f->bits ? bits : f->bits;
    if (!wanted && is_heif(w->job.kind) && bits > 8)
        bits = w->job.kind == FOVI_IO_AVIF ? 12 : 10;
    w->job.bits = w->loss.bits = bits;
    w->job.format.sample = bits == 8 ? FOVEA_SAMPLE_U8 : bits == 32 ? FOVEA_SAMPLE_F32 : FOVEA_SAMPLE_U16;
    w->loss.depth_reduced = bits < from_bits;
    return FOVEA_OK;
}

static void say_losses(fovea_io_writer *w, const char *lost)
{
    const char *name = fovi_io_format_of(w->job.kind)->name;
    int n = 0;
    if (w->loss.depth_reduced)
        n = snprintf(w->loss.text, sizeof w->loss.text, "%s holds %d bits: the samples were rounded", name,
                     w->loss.bits);
    if (w->loss.alpha_flattened)
        n += snprintf(w->loss.text + n, sizeof w->loss.text - (size_t)n,
                      "%s%s holds no transparency: colours were blended over white", n ? "; " : "", name);
    if (*lost)
        snprintf(w->loss.text + n, sizeof w->loss.text - (size_t)n, "%s%s cannot hold all metadata: %s left out",
                 n ? "; " : "", name, lost);
}

static int fail_setting(const fovea_io_writer *w, const char *path, const char *what, const char *value)
{
    return fovi_io_fail(w->io, FOVEA_E_ARG, "cannot write '%s': %s has no %s%s%s", path,
                        fovi_io_format_of(w->job.kind)->name, what, *value ? " " : "", value);
}

/* Order of enum VipsForeignTiffCompression, of which libvips has more. */
static int find_tiff_compression(const char *word)
{
    static const char *const words[] = { "none", "jpeg", "deflate", "packbits", "", "lzw", "", "zstd" };
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (*words[i] && !strcmp(words[i], word))
            return i;
    return -1;
}

/* The kind of a DeepZoom picture's tiles, -1 if there is no such. JPEG has no alpha. */
static int choose_tiles(const fovea_io_writer *w, const char *word)
{
    static const char *const words[] = { "jpeg", "png", "webp" };
    if (!*word)
        return w->job.format.has_alpha ? FOVI_IO_TILES_PNG : FOVI_IO_TILES_JPEG;
    for (int i = w->job.format.has_alpha; i < (int)(sizeof words / sizeof *words); i++)
        if (!strcmp(words[i], word))
            return i;
    return -1;
}

static int adapt_settings(fovea_io_writer *w, const char *path, const struct fovea_io_write_params *p)
{
    const struct fovi_io_format *f = fovi_io_format_of(w->job.kind);
    const char *compression = p->compression ? p->compression : "";
    int is_tiff = w->job.kind == FOVI_IO_TIFF, is_jpeg_tiff = is_tiff && !strcmp(compression, "jpeg");
    int is_lossless = f->has_quality == 2 && !strcmp(compression, "lossless");
    if (p->quality < 0 || p->quality > 100)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': quality %d is not within 1..100", path, p->quality);
    if (p->quality && ((!f->has_quality && !is_jpeg_tiff) || is_lossless))
        return fail_setting(w, path, "quality setting", is_lossless ? "without loss" : "");
    w->job.strips_metadata = p->strips_metadata;
    w->job.quality = p->quality                        ? p->quality
                     : w->job.kind == FOVI_IO_JPEG     ? 95
                     : is_heif(w->job.kind) || is_tiff ? 90
                     : w->job.kind == FOVI_IO_DZI      ? 90
                                                       : 0;
    if (w->job.kind == FOVI_IO_DZI) {
        w->job.compression = choose_tiles(w, compression);
        if (p->quality && w->job.compression == FOVI_IO_TILES_PNG)
            return fail_setting(w, path, "quality setting for tiles of PNG", "");
    } else if (is_tiff)
        w->job.compression = find_tiff_compression(*compression ? compression : "lzw");
    else if (w->job.kind == FOVI_IO_PNG)
        w->job.compression = !*compression                                                       ? 2
                             : compression[0] >= '0' && compression[0] <= '9' && !compression[1] ? compression[0] - '0'
                                                                                                 : -1;
    else
        w->job.compression = !*compression || is_lossless ? 0 : -1;
    if (w->job.compression < 0)
        return fail_setting(w, path, "compression", compression);
    if (is_jpeg_tiff && (w->job.bits != 8 || w->job.format.has_alpha || w->job.format.n_channels > 3))
        return fail_setting(w, path, "compression jpeg for such samples", "");
    return FOVEA_OK;
}

/* Where a symbolic link leads, else the path itself: the link stays a link. */
static char *final_path(const char *path)
{
    struct stat st;
    char *target = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
    return target ? target : strdup(path);
}

/* A name in the same folder that nobody else uses: process number and a count. */
static char *temporary_path(const char *path)
{
    static atomic_uint count;
    const char *slash = strrchr(path, '/');
    int folder_length = slash ? (int)(slash - path) + 1 : 0;
    size_t n_bytes = (size_t)folder_length + 64;
    char *name = malloc(n_bytes);
    if (name)
        snprintf(name, n_bytes, "%.*s.fovea-%ld-%u.tmp", folder_length, path, (long)getpid(),
                 atomic_fetch_add(&count, 1u));
    return name;
}

static int fail_open(const fovea_io_writer *w)
{
    const char *slash = strrchr(w->path, '/');
    int length = slash ? slash == w->path ? 1 : (int)(slash - w->path) : 1;
    const char *folder = slash ? w->path : ".";
    int reason = errno;
    char *where = strndup(folder, (size_t)length);
    int is_missing = reason == ENOENT && where && access(where, F_OK);
    free(where);
    if (is_missing)
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': the folder '%.*s' does not exist", w->path,
                            length, folder);
    return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': folder '%.*s': %s", w->path, length, folder,
                        strerror(reason));
}

/* Take the temporary name, so that a folder that cannot be written to shows before any work is done. */
static int make_temporary(fovea_io_writer *w)
{
    struct stat st;
    if (w->job.kind == FOVI_IO_DZI && fovi_io_pyramid_is_foreign(w->path))
        return fovi_io_fail(w->io, FOVEA_E_WRITE,
                            "cannot write '%s': the tiles' folder beside it exists and holds other things", w->path);
    if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': it is %s", w->path,
                            S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    int is_folder = w->job.kind == FOVI_IO_DZI;
    int fd = is_folder ? fovi_io_pyramid_begin(w->temporary) : open(w->temporary, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd < 0)
        return fail_open(w);
    w->is_made = 1;
    if (!is_folder)
        close(fd);
    return FOVEA_OK;
}

static int start(fovea_io_writer *w)
{
    int code = make_temporary(w);
    if (code)
        return code;
    if (*fovi_io_format_of(w->job.kind)->saver) {
        code = fovi_io_encoder_start(&w->encoder, w->temporary, &w->job);
        return code ? fovi_io_fail(w->io, code, "cannot write '%s': the encoder did not start", w->path) : FOVEA_OK;
    }
    w->file = fopen(w->temporary, "wb");
    w->pnm.file = w->npy.file = w->file;
    if (!w->file ||
        (w->job.kind == FOVI_IO_NPY ? fovi_io_npy_begin(&w->npy, w->job.width, w->job.height, &w->job.format)
                                    : fovi_io_pnm_begin(&w->pnm, w->job.width, w->job.height, &w->job.format)))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
    return FOVEA_OK;
}

/* The metadata of the reader's file, as they are to stand in this one. */
static int adapt_metadata(fovea_io_writer *w, const fovea_io_reader *like, const struct fovea_io_info *info,
                          const struct fovea_io_write_params *p, char *lost, size_t n_bytes)
{
    struct fovi_io_change change = { w->job.width, w->job.height, 1., 1., info->orientation > 4 };
    w->job.meta = &w->meta;
    if (!like)
        return FOVEA_OK;
    change.scale_x = p->scale_x > 0.0 ? p->scale_x : (double)w->job.width / info->width;
    change.scale_y = p->scale_y > 0.0 ? p->scale_y : (double)w->job.height / info->height;
    return fovi_io_meta_gather(&w->meta, like) || fovi_io_meta_fit(&w->meta, &w->job, &change, lost, n_bytes)
               ? fovi_io_fail(w->io, FOVEA_E_NOMEM, "out of memory")
               : FOVEA_OK;
}

/* What the format can hold of the picture. */
static int adapt(fovea_io_writer *w, const char *path, const fovea_io_reader *like,
                 const struct fovea_io_write_params *params)
{
    static const struct fovea_io_write_params defaults = FOVEA_IO_WRITE_DEFAULTS;
    const struct fovea_io_write_params *p = params ? params : &defaults;
    const struct fovi_io_format *f = fovi_io_format_of(w->job.kind);
    if (w->job.width > f->max_side || w->job.height > f->max_side)
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s holds at most %d pixels a side, not %dx%d",
                            path, f->name, f->max_side, w->job.width, w->job.height);
    if (!adapt_channels(w, channels_of(f, path)))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s cannot hold a picture of %d channels%s", path,
                            name_of(f, path), w->from.n_channels, w->from.has_alpha ? " with alpha" : "");
    int code = adapt_bits(w, path, p->bits);
    if (code || (code = adapt_settings(w, path, p)))
        return code;
    struct fovea_io_info info = { 0 };
    if (like)
        fovea_io_reader_describe(like, &info);
    if (info.is_linear && w->job.format.sample != FOVEA_SAMPLE_F32)
        w->curve = FOVI_IO_CURVE_ENCODE;
    else if (!info.is_linear && f->is_linear)
        w->curve = FOVI_IO_CURVE_DECODE;
    char lost[80] = "";
    code = adapt_metadata(w, like, &info, p, lost, sizeof lost);
    say_losses(w, lost);
    return code;
}

static int open_writer(fovea_io_writer *w, const char *path, const fovea_io_reader *like,
                       const struct fovea_io_write_params *params)
{
    w->job.kind = fovi_io_kind_of_path(path);
    const struct fovi_io_format *f = fovi_io_format_of(w->job.kind);
    if (!w->job.kind)
        return fovi_io_fail(w->io, FOVEA_E_WRITE,
                            "cannot write '%s': its ending is none of .png .jpg .webp .tif .avif .heic .jxl .jp2 .ppm "
                            ".pgm .pnm .pfm .hdr .npy .dzi",
                            path);
    if (!fovi_io_has_operation(f->saver))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': this libvips (%s) has no %s, which writes %s",
                            path, fovea_io_vips_version(), f->saver, f->name);
    if (w->job.width < 1 || w->job.height < 1 || w->from.n_channels < 1 || w->from.n_channels > FOVEA_MAX_CHANNELS)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': %dx%d pixels of %d channels is no picture", path, w->job.width,
                            w->job.height, w->from.n_channels);
    int code = adapt(w, path, like, params);
    if (code)
        return code;
    w->path = final_path(path);
    w->temporary = w->path ? temporary_path(w->path) : NULL;
    w->buffer = malloc(fovi_io_row_bytes(w->job.width, &w->job.format));
    if (!w->temporary || !w->buffer)
        return fovi_io_fail(w->io, FOVEA_E_NOMEM, "out of memory");
    return start(w);
}

int fovea_io_writer_open_with(fovea_io_writer **out, fovea_io *io, const char *path, int width, int height,
                              const struct fovea_format *format, const fovea_io_reader *like,
                              const struct fovea_io_write_params *params)
{
    *out = NULL;
    fovea_io_writer *w = calloc(1, sizeof *w);
    if (!w)
        return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    w->io = io;
    w->job.width = width;
    w->job.height = height;
    w->job.format = w->from = *format;
    int code = open_writer(w, path, like, params);
    if (code)
        fovea_io_writer_abandon(&w);
    *out = w;
    return code;
}

int fovea_io_writer_open(fovea_io_writer **out, fovea_io *io, const char *path, int width, int height,
                         const struct fovea_format *format, const fovea_io_reader *like)
{
    return fovea_io_writer_open_with(out, io, path, width, height, format, like, NULL);
}

/* The encoder has failed: end it and keep its reason. */
static int fail_encoder(fovea_io_writer *w)
{
    char text[256];
    fovi_io_encoder_end(&w->encoder, 0, NULL, text, sizeof text);
    return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, text);
}

static int put_row(fovea_io_writer *w, const void *row)
{
    fovi_io_row_convert(&w->from, row, &w->job.format, w->buffer, w->job.width, w->curve);
    if (w->encoder)
        return fovi_io_encoder_put(w->encoder, w->buffer) ? fail_encoder(w) : FOVEA_OK;
    if (!w->file || (w->job.kind == FOVI_IO_NPY ? fovi_io_npy_write_row(&w->npy, w->buffer)
                                                : fovi_io_pnm_write_row(&w->pnm, w->buffer)))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path,
                            w->file ? strerror(errno) : "the encoder has ended");
    return FOVEA_OK;
}

static int sink_write(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes)
{
    fovea_io_writer *w = user;
    if (y != w->row || n < 0 || n > w->job.height - y)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': rows %d+%d were given, %d comes next", w->path, y, n, w->row);
    for (int i = 0; i < n; i++, w->row++) {
        int code = put_row(w, (const char *)rows + i * stride_bytes);
        if (code)
            return code;
    }
    return FOVEA_OK;
}

struct fovea_sink fovea_io_writer_sink(fovea_io_writer *writer)
{
    struct fovea_sink sink = { sink_write, writer };
    return sink;
}

void fovea_io_writer_loss(const fovea_io_writer *writer, struct fovea_io_loss *loss)
{
    *loss = writer->loss;
}

/* A TIFF gets its metadata; and libvips takes every fourth channel for alpha and none beyond it: say what is true. */
static int complete_tiff(fovea_io_writer *w)
{
    const struct fovea_format *format = &w->job.format;
    struct stat st;
    errno = 0;
    FILE *file = fopen(w->temporary, "r+b");
    int failed = !file || fstat(fileno(file), &st);
    if (!failed && (format->n_channels > 4 || (format->n_channels == 4 && !format->has_alpha)))
        failed = fovi_io_tiff_set_alpha(file, (int64_t)st.st_size, format->has_alpha);
    failed = failed || fovi_io_exif_into_tiff(file, (int64_t)st.st_size, &w->meta);
    if (file && fclose(file))
        failed = 1;
    return failed ? fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path,
                                 errno ? strerror(errno) : "its metadata could not be added")
                  : FOVEA_OK;
}

/* Files whose metadata need room at their start are written a second time. */
static int complete_boxes(fovea_io_writer *w)
{
    struct stat st;
    char *second = temporary_path(w->path);
    errno = 0;
    FILE *from = second ? fopen(w->temporary, "rb") : NULL, *to = from ? fopen(second, "wb") : NULL;
    int failed = !to || fstat(fileno(from), &st) ||
                 fovi_io_boxes_write(from, (int64_t)st.st_size, to, &w->job, &w->meta);
    if (from)
        fclose(from);
    if (to && fclose(to))
        failed = 1;
    if (failed || rename(second, w->temporary))
        failed = fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path,
                              errno ? strerror(errno) : "its metadata could not be added");
    if (failed && to)
        unlink(second);
    free(second);
    return failed;
}

/* What libvips does not put into a file. */
static int complete_metadata(fovea_io_writer *w)
{
    const struct fovi_io_meta *m = &w->meta;
    int has_any = m->icc.n || m->exif.n || m->xmp.n || m->iptc.n;
    switch (w->job.kind) {
    case FOVI_IO_TIFF: return complete_tiff(w);
    case FOVI_IO_JP2: return has_any ? complete_boxes(w) : FOVEA_OK;
    case FOVI_IO_JXL: return m->exif.n || m->xmp.n ? complete_boxes(w) : FOVEA_OK;
    case FOVI_IO_WEBP: return complete_boxes(w);
    default: return FOVEA_OK;
    }
}

/* Complete the temporary file. */
static int complete(fovea_io_writer *w, const struct fovea_progress *wait)
{
    char text[256];
    if (w->row != w->job.height)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': %d of %d rows were given", w->path, w->row, w->job.height);
    int code = w->encoder ? fovi_io_encoder_end(&w->encoder, 1, wait, text, sizeof text) : FOVEA_OK;
    if (code)
        return fovi_io_fail(w->io, code, "cannot write '%s': %s", w->path, text);
    if (w->file) {
        int failed = fclose(w->file);
        w->file = NULL;
        if (failed)
            return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
    }
    return complete_metadata(w);
}

int fovea_io_writer_encodes_at_end(const fovea_io_writer *writer)
{
    return fovi_io_encodes_at_end(writer->job.kind);
}

int fovea_io_writer_finish(fovea_io_writer **writer)
{
    return fovea_io_writer_finish_watched(writer, NULL);
}

int fovea_io_writer_finish_watched(fovea_io_writer **writer, const struct fovea_progress *wait)
{
    fovea_io_writer *w = *writer;
    int code = complete(w, wait);
    if (!code && w->job.kind == FOVI_IO_DZI)
        code = fovi_io_pyramid_end(w->io, w->temporary, w->path);
    else if (!code && rename(w->temporary, w->path))
        code = fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
    else if (!code)
        w->is_made = 0;
    fovea_io_writer_abandon(writer);
    return code;
}

void fovea_io_writer_abandon(fovea_io_writer **writer)
{
    if (!writer || !*writer)
        return;
    fovea_io_writer *w = *writer;
    char text[256];
    if (w->encoder)
        fovi_io_encoder_end(&w->encoder, 0, NULL, text, sizeof text);
    if (w->file)
        fclose(w->file);
    if (w->is_made && w->job.kind == FOVI_IO_DZI)
        fovi_io_pyramid_drop(w->temporary);
    else if (w->is_made)
        unlink(w->temporary);
    fovi_io_meta_free(&w->meta);
    free(w->buffer);
    free(w->temporary);
    free(w->path);
    free(w);
    *writer = NULL;
}
