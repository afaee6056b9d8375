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

#include "internal.h"

/* What a file format can hold. channels: g grey, c colour, a alpha beside them, * any; f: grey becomes colour. */
struct file_format {
    char extension[6], name[6], saver[10], channels[4];
    int most_bits, is_float_only, max_side;
};

static const struct file_format formats[] = {
    { "png", "PNG", "pngsave", "gca", 16, 0, 1000000 },  { "jpg", "JPEG", "jpegsave", "gc", 8, 0, 65500 },
    { "jpeg", "JPEG", "jpegsave", "gc", 8, 0, 65500 },   { "webp", "WebP", "webpsave", "cfa", 8, 0, 16383 },
    { "tif", "TIFF", "tiffsave", "*", 32, 0, 10000000 }, { "tiff", "TIFF", "tiffsave", "*", 32, 0, 10000000 },
    { "pgm", "PGM", "", "g", 16, 0, 1 << 30 },           { "ppm", "PPM", "", "cf", 16, 0, 1 << 30 },
    { "pnm", "PNM", "", "gc", 16, 0, 1 << 30 },          { "pfm", "PFM", "", "gc", 32, 1, 1 << 30 },
};

struct fovea_io_writer {
    fovea_io *io;
    char *path;      /* final name */
    char *temporary; /* name while it is written */
    int is_made;     /* 1: the temporary file exists */
    int width, height, row;
    struct fovea_format from, to; /* the picture's, the file's */
    struct fovea_io_loss loss;
    unsigned char *buffer; /* one converted row */
    struct fovi_io_pnm pnm;
    struct fovi_io_encoder *encoder;
};

static const struct file_format *find_format(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(dot + 1, formats[i].extension))
            return &formats[i];
    return NULL;
}

const char *fovea_io_write_format(const char *path)
{
    const struct file_format *format = find_format(path);
    return format ? format->name : NULL;
}

/* Decide what the file holds of a picture; 0 if the format cannot hold it at all. */
static int adapt(fovea_io_writer *w, const struct file_format *f)
{
    struct fovea_format *to = &w->to;
    *to = w->from;
    if (f->channels[0] != '*') {
        int n_color = to->n_channels - to->has_alpha, is_grey = n_color == 1;
        if (!is_grey && (n_color != 3 || !strchr(f->channels, 'c')))
            return 0;
        if (is_grey && strchr(f->channels, 'f'))
            n_color = 3;
        w->loss.alpha_flattened = to->has_alpha && !strchr(f->channels, 'a');
        to->has_alpha = to->has_alpha && !w->loss.alpha_flattened;
        to->n_channels = n_color + to->has_alpha;
    }
    if (f->is_float_only)
        to->sample = FOVEA_SAMPLE_F32;
    else if (f->most_bits == 8)
        to->sample = FOVEA_SAMPLE_U8;
    else if (f->most_bits == 16 && to->sample == FOVEA_SAMPLE_F32)
        to->sample = FOVEA_SAMPLE_U16;
    w->loss.bits = 8 * (int)fovi_io_sample_bytes(to->sample);
    w->loss.depth_reduced = fovi_io_sample_bytes(to->sample) < fovi_io_sample_bytes(w->from.sample);
    int n = 0;
    if (w->loss.depth_reduced)
        n = snprintf(w->loss.text, sizeof w->loss.text, "%s holds %d bits: the samples were rounded", f->name,
                     w->loss.bits);
    if (w->loss.alpha_flattened)
        snprintf(w->loss.text + n, sizeof w->loss.text - (size_t)n,
                 "%s%s holds no transparency: colours were blended over white", n ? "; " : "", f->name);
    return 1;
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
    if (errno == ENOENT)
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': the folder '%.*s' does not exist", w->path,
                            length, folder);
    return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': folder '%.*s': %s", w->path, length, folder,
                        strerror(errno));
}

/* Take the temporary name, so that a folder that cannot be written to shows before any work is done. */
static int make_temporary(fovea_io_writer *w)
{
    struct stat st;
    if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': it is %s", w->path,
                            S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    int fd = open(w->temporary, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd < 0)
        return fail_open(w);
    w->is_made = 1;
    close(fd);
    return FOVEA_OK;
}

static int start(fovea_io_writer *w, const struct file_format *f, const fovea_io_reader *like)
{
    int code = make_temporary(w);
    if (code)
        return code;
    if (!f->saver[0]) {
        w->pnm.file = fopen(w->temporary, "wb");
        if (!w->pnm.file || fovi_io_pnm_begin(&w->pnm, w->width, w->height, &w->to))
            return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
        return FOVEA_OK;
    }
    code = fovi_io_encoder_start(&w->encoder, f->saver, w->temporary, w->width, w->height, &w->to,
                                 fovi_io_reader_vips(like));
    return code ? fovi_io_fail(w->io, code, "cannot write '%s': the encoder did not start", w->path) : FOVEA_OK;
}

static int open_writer(fovea_io_writer *w, const char *path, const fovea_io_reader *like)
{
    const struct file_format *f = find_format(path);
    if (!f)
        return fovi_io_fail(
            w->io, FOVEA_E_WRITE,
            "cannot write '%s': its ending is none of .png .jpg .jpeg .webp .tif .tiff .pgm .ppm .pnm .pfm", path);
    if (w->width < 1 || w->height < 1 || w->from.n_channels < 1 || w->from.n_channels > FOVEA_MAX_CHANNELS)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': %dx%d pixels of %d channels is no picture", path, w->width,
                            w->height, w->from.n_channels);
    if (w->width > f->max_side || w->height > f->max_side)
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s holds at most %d pixels a side, not %dx%d",
                            path, f->name, f->max_side, w->width, w->height);
    if (!adapt(w, f))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s cannot hold a picture of %d channels%s", path,
                            f->name, w->from.n_channels, w->from.has_alpha ? " with alpha" : "");
    w->path = final_path(path);
    w->temporary = w->path ? temporary_path(w->path) : NULL;
    w->buffer = malloc(fovi_io_row_bytes(w->width, &w->to));
    if (!w->temporary || !w->buffer)
        return fovi_io_fail(w->io, FOVEA_E_NOMEM, "out of memory");
    return start(w, f, like);
}

int fovea_io_writer_open(fovea_io_writer **out, fovea_io *io, const char *path, int width, int height,
                         const struct fovea_format *format, const fovea_io_reader *like)
{
    *out = NULL;
    fovea_io_writer *w = calloc(1, sizeof *w);
    if (!w)
        return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    w->io = io;
    w->width = width;
    w->height = height;
    w->from = *format;
    int code = open_writer(w, path, like);
    if (code)
        fovea_io_writer_abandon(&w);
    *out = w;
    return code;
}

/* The encoder has failed: end it and keep its reason. */
static int fail_encoder(fovea_io_writer *w)
{
    char text[256];
    fovi_io_encoder_end(&w->encoder, 0, text, sizeof text);
    return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, text);
}

static int put_row(fovea_io_writer *w, const void *row)
{
    fovi_io_row_convert(&w->from, row, &w->to, w->buffer, w->width);
    if (w->encoder)
        return fovi_io_encoder_put(w->encoder, w->buffer) ? fail_encoder(w) : FOVEA_OK;
    if (!w->pnm.file || fovi_io_pnm_write_row(&w->pnm, w->buffer))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path,
                            w->pnm.file ? strerror(errno) : "the encoder has ended");
    return FOVEA_OK;
}

static int sink_write(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes)
{
    fovea_io_writer *w = user;
    if (y != w->row || n < 0 || n > w->height - y)
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

/* libvips takes every fourth channel of a TIFF for alpha and none beyond it: say what is true. */
static int set_tiff_alpha(fovea_io_writer *w)
{
    struct stat st;
    FILE *file = fopen(w->temporary, "r+b");
    int failed = !file || fstat(fileno(file), &st) ||
                 fovi_io_tiff_set_alpha(file, (int64_t)st.st_size, w->to.has_alpha);
    if (file && fclose(file))
        failed = 1;
    return failed ? fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno)) : FOVEA_OK;
}

/* Complete the temporary file. */
static int complete(fovea_io_writer *w)
{
    char text[256];
    if (w->row != w->height)
        return fovi_io_fail(w->io, FOVEA_E_ARG, "'%s': %d of %d rows were given", w->path, w->row, w->height);
    if (w->encoder && fovi_io_encoder_end(&w->encoder, 1, text, sizeof text))
        return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, text);
    if (w->to.n_channels > 4 || (w->to.n_channels == 4 && !w->to.has_alpha))
        return set_tiff_alpha(w);
    if (w->pnm.file) {
        int failed = fclose(w->pnm.file);
        w->pnm.file = NULL;
        if (failed)
            return fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
    }
    return FOVEA_OK;
}

int fovea_io_writer_finish(fovea_io_writer **writer)
{
    fovea_io_writer *w = *writer;
    int code = complete(w);
    if (!code && rename(w->temporary, w->path))
        code = fovi_io_fail(w->io, FOVEA_E_WRITE, "cannot write '%s': %s", w->path, strerror(errno));
    if (!code)
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
        fovi_io_encoder_end(&w->encoder, 0, text, sizeof text);
    if (w->pnm.file)
        fclose(w->pnm.file);
    if (w->is_made)
        unlink(w->temporary);
    free(w->buffer);
    free(w->temporary);
    free(w->path);
    free(w);
    *writer = NULL;
}
