/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files as sources of rows. The file is scanned first (kind, size, truncation), then opened by the one libvips loader
 * that its first bytes name, in sequential mode: rows are decoded as they are asked for. Colour spaces other than grey
 * and RGB become sRGB; orientations that need more than a mirrored row make libvips decode to memory or to disc.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vips/vips.h>

#include "internal.h"

struct fovea_io_reader {
    fovea_io *io;
    char *path;
    struct fovi_io_scan scan;
    struct fovea_io_info info;
    int row; /* the next one */
    struct fovi_io_pnm pnm;
    VipsImage *image;
    VipsRegion *region;
};

/* By enum fovi_io_kind. */
static const struct {
    char name[8], loader[16];
} kinds[] = {
    { "", "" },          { "JPEG", "jpegload" }, { "PNG", "pngload" }, { "WebP", "webpload" }, { "TIFF", "tiffload" },
    { "PNM", "ppmload" }
};

/* Rows that one request to libvips asks for at most, so that its buffer stays small. */
#define STEP_ROWS 32

static int fail_vips(fovea_io_reader *r, int code, const char *fallback)
{
    char text[256];
    return fovi_io_fail(r->io, code, "cannot read '%s': %s", r->path, fovi_io_vips_text(text, sizeof text, fallback));
}

/* Replace *image by the result of an operation on it. */
static void replace(VipsImage **image, VipsImage *result)
{
    g_object_unref(*image);
    *image = result;
}

static int load(fovea_io_reader *r, VipsAccess access)
{
    VipsImage *image = NULL;
    if (vips_call(kinds[r->scan.kind].loader, r->path, &image, "access", access, "fail_on", VIPS_FAIL_ON_ERROR, NULL))
        return fail_vips(r, FOVEA_E_FORMAT, "it could not be decoded");
    if (r->image)
        g_object_unref(r->image);
    r->image = image;
    return FOVEA_OK;
}

/* CMYK, Lab and their kin to sRGB, by the file's own profile where it has one. The profile then says nothing true any
 * more and is dropped. */
static int to_srgb(fovea_io_reader *r)
{
    VipsImage *result = NULL;
    VipsInterpretation space = r->image->Type;
    switch (space) {
    case VIPS_INTERPRETATION_CMYK:
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_LCH:
    case VIPS_INTERPRETATION_CMC:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_YXY:
    case VIPS_INTERPRETATION_HSV: break;
    default: return FOVEA_OK;
    }
    int has_profile = vips_image_get_typeof(r->image, VIPS_META_ICC_NAME) != 0;
    if (!has_profile || vips_icc_transform(r->image, &result, "srgb", "embedded", TRUE, NULL))
        if (vips_colourspace(r->image, &result, VIPS_INTERPRETATION_sRGB, NULL))
            return fail_vips(r, FOVEA_E_UNSUPPORTED, "its colour space cannot be converted");
    vips_error_clear();
    replace(&r->image, result);
    if (vips_copy(r->image, &result, NULL))
        return fail_vips(r, FOVEA_E_NOMEM, "out of memory");
    vips_image_remove(result, VIPS_META_ICC_NAME);
    replace(&r->image, result);
    return FOVEA_OK;
}

static int orient(fovea_io_reader *r)
{
    VipsImage *result = NULL;
    if (r->info.orientation == 1)
        return FOVEA_OK;
    if (vips_autorot(r->image, &result, NULL))
        return fail_vips(r, FOVEA_E_FORMAT, "it could not be turned");
    replace(&r->image, result);
    return FOVEA_OK;
}

/* Doubles become floats. (Premultiplied TIFFs come as straight alpha from libvips.) */
static int to_known_samples(fovea_io_reader *r)
{
    VipsImage *result = NULL;
    if (r->image->BandFmt != VIPS_FORMAT_DOUBLE)
        return FOVEA_OK;
    if (vips_cast(r->image, &result, VIPS_FORMAT_FLOAT, NULL))
        return fail_vips(r, FOVEA_E_FORMAT, "its samples could not be converted");
    replace(&r->image, result);
    return FOVEA_OK;
}

static int describe_format(fovea_io_reader *r)
{
    struct fovea_format *format = &r->info.format;
    switch (r->image->BandFmt) {
    case VIPS_FORMAT_UCHAR: format->sample = FOVEA_SAMPLE_U8; break;
    case VIPS_FORMAT_USHORT: format->sample = FOVEA_SAMPLE_U16; break;
    case VIPS_FORMAT_FLOAT: format->sample = FOVEA_SAMPLE_F32; break;
    default:
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has %s samples: 8 and 16 bits and float are possible",
                            r->path, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, r->image->BandFmt));
    }
    if (r->image->Bands > FOVEA_MAX_CHANNELS)
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has %d channels: at most %d are possible", r->path,
                            r->image->Bands, FOVEA_MAX_CHANNELS);
    format->n_channels = r->image->Bands;
    /* A TIFF says itself whether its last channel is alpha: the fourth one may be infrared. */
    format->has_alpha = r->scan.kind == FOVI_IO_TIFF ? r->scan.tiff_extra == 1 || r->scan.tiff_extra == 2
                                                     : format->n_channels == 2 || format->n_channels == 4;
    format->has_alpha = format->has_alpha && format->n_channels > 1;
    return FOVEA_OK;
}

static void describe_metadata(fovea_io_reader *r)
{
    struct fovea_io_info *info = &r->info;
    snprintf(info->colour, sizeof info->colour, "%s", vips_enum_nick(VIPS_TYPE_INTERPRETATION, r->image->Type));
    info->orientation = vips_image_get_orientation(r->image);
    info->n_pages = vips_image_get_n_pages(r->image);
    info->has_icc = vips_image_get_typeof(r->image, VIPS_META_ICC_NAME) != 0;
    info->has_exif = vips_image_get_typeof(r->image, VIPS_META_EXIF_NAME) != 0;
    info->has_xmp = vips_image_get_typeof(r->image, VIPS_META_XMP_NAME) != 0;
    info->pixels_per_mm = vips_image_get_typeof(r->image, VIPS_META_RESOLUTION_UNIT) ? r->image->Xres : 0.0;
}

static int open_vips(fovea_io_reader *r)
{
    int code = load(r, VIPS_ACCESS_SEQUENTIAL);
    if (code)
        return code;
    describe_metadata(r);
    r->info.is_streamed = r->info.orientation <= 2;
    if ((!r->info.is_streamed && (code = load(r, VIPS_ACCESS_RANDOM))) || (code = to_srgb(r)) || (code = orient(r)) ||
        (code = to_known_samples(r)) || (code = describe_format(r)))
        return code;
    r->info.width = r->image->Xsize;
    r->info.height = r->image->Ysize;
    r->region = vips_region_new(r->image);
    return r->region ? FOVEA_OK : fail_vips(r, FOVEA_E_NOMEM, "out of memory");
}

static int open_pnm(fovea_io_reader *r)
{
    r->pnm.file = fopen(r->path, "rb");
    if (!r->pnm.file)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->path, strerror(errno));
    if (!fovi_io_pnm_header(&r->pnm))
        return fovi_io_fail(r->io, FOVEA_E_FORMAT, "cannot read '%s': its header makes no sense", r->path);
    fovi_io_pnm_format(&r->pnm, &r->info.format);
    r->info.width = (int)r->pnm.width;
    r->info.height = (int)r->pnm.height;
    r->info.orientation = r->info.n_pages = r->info.is_streamed = 1;
    if (r->info.format.sample == FOVEA_SAMPLE_F32)
        strcpy(r->info.file_format, "PFM");
    strcpy(r->info.loader, "built in");
    snprintf(r->info.colour, sizeof r->info.colour, "%s", r->info.format.n_channels == 3 ? "srgb" : "b-w");
    return FOVEA_OK;
}

/* Is the size of the header within reason? Done before anything is decoded. */
static int check_size(fovea_io_reader *r, int64_t width, int64_t height)
{
    if (width > 0 && height > 0 && (width > 1 << 30 || height > 1 << 30 || width > r->io->max_pixels / height))
        return fovi_io_fail(r->io, FOVEA_E_LIMIT, "'%s': %lldx%lld pixels is over the limit of %lld pixels", r->path,
                            (long long)width, (long long)height, (long long)r->io->max_pixels);
    return FOVEA_OK;
}

/* What must be known before a decoder sees the file. */
static int scan_file(fovea_io_reader *r, FILE *file)
{
    struct stat st;
    if (fstat(fileno(file), &st))
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->path,
                            S_ISDIR(st.st_mode) ? "it is a folder" : "it is not a regular file");
    if (st.st_size == 0)
        return fovi_io_fail(r->io, FOVEA_E_FORMAT, "cannot read '%s': it is empty", r->path);
    fovi_io_scan_file(file, (int64_t)st.st_size, &r->scan);
    if (r->scan.kind == FOVI_IO_UNKNOWN)
        return fovi_io_fail(r->io, FOVEA_E_FORMAT,
                            "cannot read '%s': it is not a JPEG, PNG, WebP, TIFF, PNM or PFM file", r->path);
    int code = check_size(r, r->scan.width, r->scan.height);
    if (code)
        return code;
    if (r->scan.truncated)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': the file is truncated, %s", r->path,
                            r->scan.truncated);
    return FOVEA_OK;
}

static int open_file(fovea_io_reader *r)
{
    FILE *file = fopen(r->path, "rb");
    if (!file)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->path, strerror(errno));
    int code = scan_file(r, file);
    fclose(file);
    if (code)
        return code;
    strcpy(r->info.file_format, kinds[r->scan.kind].name);
    strcpy(r->info.loader, kinds[r->scan.kind].loader);
    code = r->scan.kind == FOVI_IO_PNM ? open_pnm(r) : open_vips(r);
    return code ? code : check_size(r, r->info.width, r->info.height);
}

int fovea_io_reader_open(fovea_io_reader **out, fovea_io *io, const char *path)
{
    *out = NULL;
    fovea_io_reader *r = calloc(1, sizeof *r);
    char *copy = strdup(path);
    if (!r || !copy) {
        free(r);
        free(copy);
        return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    }
    r->io = io;
    r->path = copy;
    int code = open_file(r);
    if (code)
        fovea_io_reader_close(&r);
    else
        io->error[0] = 0;
    *out = r;
    return code;
}

static void close_streams(fovea_io_reader *r)
{
    g_clear_object(&r->region);
    g_clear_object(&r->image);
    if (r->pnm.file)
        fclose(r->pnm.file);
    r->pnm.file = NULL;
}

void fovea_io_reader_close(fovea_io_reader **reader)
{
    if (!reader || !*reader)
        return;
    close_streams(*reader);
    free((*reader)->path);
    free(*reader);
    *reader = NULL;
}

static int read_pnm(fovea_io_reader *r, int n, char *rows, ptrdiff_t stride_bytes)
{
    for (int i = 0; i < n; i++)
        if (fovi_io_pnm_read_row(&r->pnm, rows + i * stride_bytes))
            return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': row %d of %d is cut off or makes no sense",
                                r->path, r->row + i + 1, r->info.height);
    return FOVEA_OK;
}

static int read_vips(fovea_io_reader *r, int n, char *rows, ptrdiff_t stride_bytes)
{
    size_t row_bytes = fovi_io_row_bytes(r->info.width, &r->info.format);
    for (int i = 0; i < n; i += STEP_ROWS) {
        VipsRect part = { 0, r->row + i, r->info.width, n - i < STEP_ROWS ? n - i : STEP_ROWS };
        if (vips_region_prepare(r->region, &part))
            return fail_vips(r, FOVEA_E_FORMAT, "it could not be decoded");
        for (int k = 0; k < part.height; k++)
            memcpy(rows + (i + k) * stride_bytes, VIPS_REGION_ADDR(r->region, 0, part.top + k), row_bytes);
    }
    return FOVEA_OK;
}

static int source_read(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    fovea_io_reader *r = user;
    if (y != r->row || n < 0 || n > r->info.height - y)
        return fovi_io_fail(r->io, FOVEA_E_ARG, "'%s': rows %d+%d were asked for, %d comes next", r->path, y, n,
                            r->row);
    int code = r->image ? read_vips(r, n, rows, stride_bytes) : read_pnm(r, n, rows, stride_bytes);
    r->row += code ? 0 : n;
    return code;
}

static int source_rewind(void *user)
{
    fovea_io_reader *r = user;
    if (r->row == 0)
        return FOVEA_OK;
    r->row = 0;
    if (r->pnm.file)
        return fovi_io_pnm_rewind(&r->pnm) ? fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s' again", r->path) : 0;
    if (!r->info.is_streamed)
        return FOVEA_OK;
    struct fovea_io_info before = r->info;
    close_streams(r);
    int code = open_vips(r);
    if (!code && (before.width != r->info.width || before.height != r->info.height ||
                  memcmp(&before.format, &r->info.format, sizeof before.format) != 0))
        code = fovi_io_fail(r->io, FOVEA_E_READ, "'%s' changed while it was read", r->path);
    return code;
}

struct fovea_source fovea_io_reader_source(fovea_io_reader *r)
{
    struct fovea_source source = { r->info.width, r->info.height, r->info.format, source_read, source_rewind, r };
    return source;
}

void fovea_io_reader_describe(const fovea_io_reader *reader, struct fovea_io_info *info)
{
    *info = reader->info;
}

const void *fovi_io_reader_vips(const fovea_io_reader *reader)
{
    return reader ? reader->image : NULL;
}
