/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files as sources of rows. The file is scanned first (kind, size, truncation), then opened by the one libvips loader
 * that its first bytes name, in sequential mode: rows are decoded as they are asked for. Colour spaces other than grey
 * and RGB become sRGB; orientations that need more than a mirrored row make libvips decode to memory or to disc. PNM
 * and NumPy files are read here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vips/vips.h>

#include "internal.h"

struct fovea_io_reader {
    fovea_io *io;
    char *path, *name; /* name: in messages */
    struct fovea_io_read_params params;
    struct fovi_io_scan scan;
    struct fovea_io_info info;
    struct fovea_format native; /* of the decoded rows; info.format may be wider */
    int row;                    /* the next one */
    int is_random;              /* 1: libvips holds the whole picture */
    struct fovi_io_pnm pnm;
    struct fovi_io_npy npy;
    double y_per_mm;
    unsigned char *buffer; /* one native row, where rows are widened */
    VipsImage *image;
    VipsRegion *region;
};

/* Rows that one request to libvips asks for at most, so that its buffer stays small. */
#define STEP_ROWS 32

static int fail_vips(fovea_io_reader *r, int code, const char *fallback)
{
    char text[256];
    return fovi_io_fail(r->io, code, "cannot read '%s': %s", r->name, fovi_io_vips_text(text, sizeof text, fallback));
}

/* Replace *image by the result of an operation on it. */
static void replace(VipsImage **image, VipsImage *result)
{
    g_object_unref(*image);
    *image = result;
}

/* Does the loader have pages? JPEG 2000's are levels of resolution, which are not meant here. */
static int has_pages(enum fovi_io_kind kind)
{
    return kind == FOVI_IO_TIFF || kind == FOVI_IO_WEBP || kind == FOVI_IO_GIF || kind == FOVI_IO_AVIF ||
           kind == FOVI_IO_HEIC;
}

/* page_index: from 0, as libvips counts. svg_scale: on top of the resolution. */
static int load(fovea_io_reader *r, VipsAccess access, int page_index, double svg_scale)
{
    VipsOperation *operation = vips_operation_new(r->info.loader);
    VipsImage *image = NULL;
    if (!operation)
        return fail_vips(r, FOVEA_E_UNSUPPORTED, "its loader is missing");
    g_object_set(operation, "filename", r->path, "access", access, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    if (has_pages(r->scan.kind))
        g_object_set(operation, "page", page_index, NULL);
    if (r->scan.kind == FOVI_IO_SVG)
        g_object_set(operation, "scale", svg_scale, "dpi", r->params.svg_dpi, NULL);
    if (vips_cache_operation_buildp(&operation)) {
        vips_object_unref_outputs(VIPS_OBJECT(operation));
        g_object_unref(operation);
        return fail_vips(r, FOVEA_E_FORMAT, "it could not be decoded");
    }
    g_object_get(operation, "out", &image, NULL);
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
    g_clear_object(&r->image);
    r->image = image;
    return FOVEA_OK;
}

/* Whether an ICC profile has a tag, by its table (ICC.1:2010, 7.3). */
static int has_tag(const unsigned char *profile, size_t n_bytes, const char *tag)
{
    for (size_t at = 132; at + 12 <= n_bytes && at - 132 < 12 * (size_t)profile[131]; at += 12)
        if (!memcmp(profile + at, tag, 4))
            return 1;
    return 0;
}

/* By the file's own profile for inks. libvips takes its common one instead where that has no table for the intent that
 * is asked for, and does not say so; the table for the perceptual intent is the one that a profile must have. */
static int to_srgb_by_profile(const fovea_io_reader *r, int depth, VipsImage **result)
{
    const void *profile;
    size_t n_bytes;
    if (r->image->Type != VIPS_INTERPRETATION_CMYK || !vips_image_get_typeof(r->image, VIPS_META_ICC_NAME) ||
        vips_image_get_blob(r->image, VIPS_META_ICC_NAME, &profile, &n_bytes) || n_bytes < 132 ||
        memcmp((const char *)profile + 16, "CMYK", 4) != 0)
        return 0;
    int is_relative = has_tag(profile, n_bytes, "A2B1");
    return (is_relative || has_tag(profile, n_bytes, "A2B0")) &&
           !vips_icc_transform(r->image, result, "srgb", "embedded", TRUE, "depth", depth, "intent",
                               is_relative ? VIPS_INTENT_RELATIVE : VIPS_INTENT_PERCEPTUAL, NULL);
}

/* CMYK, Lab and their kin to sRGB, by the file's own profile where it has one for inks. The profile then says nothing
 * true any more and is dropped. */
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
    int is_deep = r->image->BandFmt != VIPS_FORMAT_UCHAR && space != VIPS_INTERPRETATION_LABQ;
    int has_profile = vips_image_get_typeof(r->image, VIPS_META_ICC_NAME) != 0;
    int is_by_profile = to_srgb_by_profile(r, is_deep ? 16 : 8, &result);
    if (!is_by_profile &&
        vips_colourspace(r->image, &result, is_deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL))
        return fail_vips(r, FOVEA_E_UNSUPPORTED, "its colour space cannot be converted");
    vips_error_clear();
    replace(&r->image, result);
    if (vips_copy(r->image, &result, NULL))
        return fail_vips(r, FOVEA_E_NOMEM, "out of memory");
    vips_image_remove(result, VIPS_META_ICC_NAME);
    replace(&r->image, result);
    snprintf(r->info.note, sizeof r->info.note, "%s was converted to sRGB by %s",
             space == VIPS_INTERPRETATION_CMYK ? "CMYK" : vips_enum_nick(VIPS_TYPE_INTERPRETATION, space),
             is_by_profile                       ? "the file's colour profile"
             : space != VIPS_INTERPRETATION_CMYK ? "its definition"
             : has_profile                       ? "a common profile, since the file's own cannot be used"
                                                 : "a common profile, since the file has none");
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

/* Radiance's packed pixels, doubles and FITS's whole numbers become floats of the same value. (Premultiplied TIFFs come
 * as straight alpha from libvips.) */
static int to_known_samples(fovea_io_reader *r)
{
    VipsImage *result = NULL;
    if (r->image->Coding == VIPS_CODING_RAD) {
        if (vips_rad2float(r->image, &result, NULL))
            return fail_vips(r, FOVEA_E_FORMAT, "its samples could not be converted");
        replace(&r->image, result);
    }
    /* A range of integers that only its maker knows: FITS, where such samples are common, is read as numbers. */
    if (r->scan.kind != FOVI_IO_FITS && r->image->BandFmt != VIPS_FORMAT_DOUBLE)
        return FOVEA_OK;
    switch (r->image->BandFmt) {
    case VIPS_FORMAT_CHAR:
    case VIPS_FORMAT_SHORT:
    case VIPS_FORMAT_UINT:
    case VIPS_FORMAT_INT:
        snprintf(r->info.note, sizeof r->info.note, "whole numbers (%s) became floating-point ones of the same value",
                 vips_enum_nick(VIPS_TYPE_BAND_FORMAT, r->image->BandFmt));
        break;
    case VIPS_FORMAT_DOUBLE: break;
    default: return FOVEA_OK;
    }
    if (vips_cast(r->image, &result, VIPS_FORMAT_FLOAT, NULL))
        return fail_vips(r, FOVEA_E_FORMAT, "its samples could not be converted");
    replace(&r->image, result);
    return FOVEA_OK;
}

/* OpenEXR: libvips makes red, green, blue and alpha of any file, the colours multiplied by alpha. */
static int to_exr_channels(fovea_io_reader *r)
{
    VipsImage *result = NULL;
    if (r->scan.kind != FOVI_IO_EXR || r->image->Bands != 4)
        return FOVEA_OK;
    if (r->scan.has_alpha) {
        if (vips_unpremultiply(r->image, &result, "max_alpha", 1.0, NULL))
            return fail_vips(r, FOVEA_E_FORMAT, "its alpha could not be taken out");
        replace(&r->image, result);
        if (!r->scan.is_grey)
            return FOVEA_OK;
    }
    int n = r->scan.is_grey ? 1 : 3;
    VipsImage *alpha = NULL, *joined = NULL;
    int failed = vips_extract_band(r->image, &result, 0, "n", n, NULL);
    if (!failed && r->scan.has_alpha) {
        failed = vips_extract_band(r->image, &alpha, 3, NULL) || vips_bandjoin2(result, alpha, &joined, NULL);
        g_clear_object(&alpha);
        g_object_unref(result);
        result = joined;
    }
    if (failed)
        return fail_vips(r, FOVEA_E_FORMAT, "its channels could not be taken apart");
    replace(&r->image, result);
    return FOVEA_OK;
}

static int describe_format(fovea_io_reader *r)
{
    struct fovea_format *format = &r->native;
    switch (r->image->BandFmt) {
    case VIPS_FORMAT_UCHAR: format->sample = FOVEA_SAMPLE_U8; break;
    case VIPS_FORMAT_USHORT: format->sample = FOVEA_SAMPLE_U16; break;
    case VIPS_FORMAT_FLOAT: format->sample = FOVEA_SAMPLE_F32; break;
    default:
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has %s samples: 8 and 16 bits and float are possible",
                            r->name, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, r->image->BandFmt));
    }
    if (r->image->Bands > FOVEA_MAX_CHANNELS)
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has %d channels: at most %d are possible", r->name,
                            r->image->Bands, FOVEA_MAX_CHANNELS);
    format->n_channels = r->image->Bands;
    /* A TIFF says itself whether its last channel is alpha: the fourth one may be infrared. FITS has none. */
    if (r->scan.kind == FOVI_IO_TIFF)
        format->has_alpha = r->scan.tiff_extra == 1 || r->scan.tiff_extra == 2;
    else
        format->has_alpha = r->scan.kind != FOVI_IO_FITS && (format->n_channels == 2 || format->n_channels == 4);
    format->has_alpha = format->has_alpha && format->n_channels > 1;
    return FOVEA_OK;
}

static void describe_metadata(fovea_io_reader *r)
{
    struct fovea_io_info *info = &r->info;
    snprintf(info->colour, sizeof info->colour, "%s", vips_enum_nick(VIPS_TYPE_INTERPRETATION, r->image->Type));
    info->orientation = vips_image_get_orientation(r->image);
    info->has_icc = vips_image_get_typeof(r->image, VIPS_META_ICC_NAME) != 0;
    info->has_exif = vips_image_get_typeof(r->image, VIPS_META_EXIF_NAME) != 0;
    info->has_xmp = vips_image_get_typeof(r->image, VIPS_META_XMP_NAME) != 0;
    /* libvips names no unit for a PNG's pHYs, and 1 stands for none */
    int is_png = r->scan.kind == FOVI_IO_PNG && (r->image->Xres != 1.0 || r->image->Yres != 1.0);
    int has_resolution = is_png || vips_image_get_typeof(r->image, VIPS_META_RESOLUTION_UNIT) != 0;
    info->pixels_per_mm = has_resolution ? r->image->Xres : 0.0;
    r->y_per_mm = has_resolution ? r->image->Yres : 0.0;
}

/* Is the size of the header within reason? Done before anything is decoded. */
static int check_size(fovea_io_reader *r, int64_t width, int64_t height)
{
    if (width > 0 && height > 0 && (width > 1 << 30 || height > 1 << 30 || width > r->io->max_pixels / height))
        return fovi_io_fail(r->io, FOVEA_E_LIMIT, "'%s': %lldx%lld pixels is over the limit of %lld pixels", r->name,
                            (long long)width, (long long)height, (long long)r->io->max_pixels);
    return FOVEA_OK;
}

/* Several pages need a choice. */
static int choose_page(fovea_io_reader *r)
{
    int n_pages = has_pages(r->scan.kind) ? vips_image_get_n_pages(r->image) : 1;
    if (r->scan.kind == FOVI_IO_TIFF && r->scan.n_pages > 0)
        n_pages = r->scan.n_pages;
    r->info.n_pages = n_pages;
    if (r->params.page > n_pages)
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has no page %d: it has %d", r->name, r->params.page,
                            n_pages);
    if (r->params.page == 0 && n_pages > 1)
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has %d pages and none of them was chosen", r->name,
                            n_pages);
    r->info.page = r->params.page ? r->params.page : 1;
    return FOVEA_OK;
}

/* Open the page in its final size and access. */
static int load_page(fovea_io_reader *r)
{
    int index = r->scan.kind == FOVI_IO_TIFF ? r->scan.page_index : 0,
        code = load(r, VIPS_ACCESS_SEQUENTIAL, index, 1.0);
    if (code || (code = choose_page(r)))
        return code;
    if (has_pages(r->scan.kind) && r->scan.kind != FOVI_IO_TIFF)
        index = r->info.page - 1;
    double scale = 1.0;
    if (r->scan.kind == FOVI_IO_SVG && r->params.svg_width)
        scale = (double)r->params.svg_width / r->image->Xsize;
    if ((index != r->scan.page_index || scale != 1.0) && (code = load(r, VIPS_ACCESS_SEQUENTIAL, index, scale)))
        return code;
    if ((code = check_size(r, r->image->Xsize, r->image->Ysize)))
        return code;
    describe_metadata(r);
    r->is_random = r->info.orientation > 2;
    r->info.is_streamed = !r->is_random && !r->scan.is_whole && fovi_io_format_of(r->scan.kind)->is_streamed;
    return r->is_random ? load(r, VIPS_ACCESS_RANDOM, index, scale) : FOVEA_OK;
}

/* The format that is delivered: at least as many bits as were asked for. */
static void widen(fovea_io_reader *r)
{
    r->info.format = r->native;
    if (r->params.least_bits == 32)
        r->info.format.sample = FOVEA_SAMPLE_F32;
    else if (r->params.least_bits == 16 && r->native.sample == FOVEA_SAMPLE_U8)
        r->info.format.sample = FOVEA_SAMPLE_U16;
}

static int open_vips(fovea_io_reader *r)
{
    int code = load_page(r);
    if (code || (code = to_srgb(r)) || (code = orient(r)) || (code = to_known_samples(r)) ||
        (code = to_exr_channels(r)) || (code = describe_format(r)))
        return code;
    widen(r);
    r->info.width = r->image->Xsize;
    r->info.height = r->image->Ysize;
    r->region = vips_region_new(r->image);
    return r->region ? FOVEA_OK : fail_vips(r, FOVEA_E_NOMEM, "out of memory");
}

/* Files that are read here: PNM and NumPy. */
static int open_rows(fovea_io_reader *r)
{
    int is_array = r->scan.kind == FOVI_IO_NPY;
    FILE *file = fopen(r->path, "rb");
    if (!file)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->name, strerror(errno));
    *(is_array ? &r->npy.file : &r->pnm.file) = file;
    if (is_array ? !fovi_io_npy_header(&r->npy) : !fovi_io_pnm_header(&r->pnm))
        return fovi_io_fail(r->io, FOVEA_E_FORMAT, "cannot read '%s': %s", r->name,
                            is_array ? "it is no array of shape (height, width[, channels]) of bool, u1, u2, f4 or f8"
                                     : "its header makes no sense");
    if (is_array)
        fovi_io_npy_format(&r->npy, &r->native);
    else
        fovi_io_pnm_format(&r->pnm, &r->native);
    if (r->native.n_channels > FOVEA_MAX_CHANNELS)
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "'%s' has more than %d channels", r->name, FOVEA_MAX_CHANNELS);
    widen(r);
    r->info.width = (int)(is_array ? r->npy.width : r->pnm.width);
    r->info.height = (int)(is_array ? r->npy.height : r->pnm.height);
    r->info.orientation = r->info.n_pages = r->info.page = r->info.is_streamed = 1;
    snprintf(r->info.colour, sizeof r->info.colour, "%s",
             r->native.n_channels == 3   ? "srgb"
             : r->native.n_channels == 1 ? "b-w"
                                         : "multiband");
    r->buffer = malloc(fovi_io_row_bytes(r->info.width, &r->native));
    return r->buffer ? FOVEA_OK : fovi_io_fail(r->io, FOVEA_E_NOMEM, "out of memory");
}

/* What must be known before a decoder sees the file. */
static int scan_file(fovea_io_reader *r, FILE *file)
{
    struct stat st;
    if (fstat(fileno(file), &st))
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->name,
                            S_ISDIR(st.st_mode) ? "it is a folder" : "it is not a regular file");
    if (st.st_size == 0)
        return fovi_io_fail(r->io, FOVEA_E_FORMAT, "cannot read '%s': it is empty", r->name);
    r->scan.page = r->params.page;
    fovi_io_scan_file(file, (int64_t)st.st_size, &r->scan);
    if (r->scan.kind == FOVI_IO_UNKNOWN)
        return fovi_io_fail(r->io, FOVEA_E_FORMAT, "cannot read '%s': it is no picture of a known format", r->name);
    int code = check_size(r, r->scan.width, r->scan.height);
    if (code)
        return code;
    if (r->scan.truncated)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': the file is truncated, %s", r->name,
                            r->scan.truncated);
    return FOVEA_OK;
}

static int open_file(fovea_io_reader *r)
{
    struct stat st; /* to open a pipe would wait for who writes to it */
    int is_odd = stat(r->path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    FILE *file = is_odd ? NULL : fopen(r->path, "rb");
    if (!file)
        return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': %s", r->name,
                            is_odd ? "it is not a regular file" : strerror(errno));
    int code = scan_file(r, file);
    fclose(file);
    if (code)
        return code;
    const struct fovi_io_format *format = fovi_io_format_of(r->scan.kind);
    strcpy(r->info.file_format, format->name);
    strcpy(r->info.loader, *format->loader ? format->loader : "built in");
    r->info.is_linear = format->is_linear;
    r->info.jpeg_quality = r->scan.jpeg_quality;
    if (!fovi_io_has_operation(format->loader))
        return fovi_io_fail(r->io, FOVEA_E_UNSUPPORTED, "cannot read '%s': this libvips (%s) has no %s, which reads %s",
                            r->name, fovea_io_vips_version(), format->loader, format->name);
    return *format->loader ? open_vips(r) : open_rows(r);
}

static int check_params(fovea_io *io, const struct fovea_io_read_params *p)
{
    if (p->page < 0 || (p->least_bits != 0 && p->least_bits != 16 && p->least_bits != 32) || p->svg_width < 0 ||
        p->svg_width > 1 << 20 || !(p->svg_dpi >= 0.1 && p->svg_dpi <= 10000.0))
        return fovi_io_fail(io, FOVEA_E_ARG, "page, least_bits, svg_width or svg_dpi is out of range");
    return FOVEA_OK;
}

int fovea_io_reader_open_with(fovea_io_reader **out, fovea_io *io, const char *path,
                              const struct fovea_io_read_params *params)
{
    static const struct fovea_io_read_params defaults = FOVEA_IO_READ_DEFAULTS;
    *out = NULL;
    if (params && check_params(io, params))
        return FOVEA_E_ARG;
    fovea_io_reader *r = calloc(1, sizeof *r);
    char *copy = strdup(path), *name = strdup(params && params->name ? params->name : path);
    if (!r || !copy || !name) {
        free(r);
        free(copy);
        free(name);
        return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    }
    r->io = io;
    r->path = copy;
    r->name = name;
    r->params = params ? *params : defaults;
    int code = open_file(r);
    if (code)
        fovea_io_reader_close(&r);
    else
        io->error[0] = 0;
    *out = r;
    return code;
}

int fovea_io_reader_open(fovea_io_reader **out, fovea_io *io, const char *path)
{
    return fovea_io_reader_open_with(out, io, path, NULL);
}

static void close_streams(fovea_io_reader *r)
{
    g_clear_object(&r->region);
    g_clear_object(&r->image);
    if (r->pnm.file)
        fclose(r->pnm.file);
    r->pnm.file = NULL;
    fovi_io_npy_free(&r->npy);
}

void fovea_io_reader_close(fovea_io_reader **reader)
{
    if (!reader || !*reader)
        return;
    close_streams(*reader);
    free((*reader)->buffer);
    free((*reader)->path);
    free((*reader)->name);
    free(*reader);
    *reader = NULL;
}

static int read_rows(fovea_io_reader *r, int n, char *rows, ptrdiff_t stride_bytes)
{
    for (int i = 0; i < n; i++) {
        if (r->npy.file ? fovi_io_npy_read_row(&r->npy, r->buffer) : fovi_io_pnm_read_row(&r->pnm, r->buffer))
            return fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s': row %d of %d is cut off or makes no sense",
                                r->name, r->row + i + 1, r->info.height);
        fovi_io_row_convert(&r->native, r->buffer, &r->info.format, rows + i * stride_bytes, r->info.width,
                            FOVI_IO_CURVE_NONE);
    }
    return FOVEA_OK;
}

static int read_vips(fovea_io_reader *r, int n, char *rows, ptrdiff_t stride_bytes)
{
    for (int i = 0; i < n; i += STEP_ROWS) {
        VipsRect part = { 0, r->row + i, r->info.width, n - i < STEP_ROWS ? n - i : STEP_ROWS };
        if (vips_region_prepare(r->region, &part))
            return fail_vips(r, FOVEA_E_FORMAT, "it could not be decoded");
        for (int k = 0; k < part.height; k++)
            fovi_io_row_convert(&r->native, VIPS_REGION_ADDR(r->region, 0, part.top + k), &r->info.format,
                                rows + (i + k) * stride_bytes, r->info.width, FOVI_IO_CURVE_NONE);
    }
    return FOVEA_OK;
}

static int source_read(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    fovea_io_reader *r = user;
    if (y != r->row || n < 0 || n > r->info.height - y)
        return fovi_io_fail(r->io, FOVEA_E_ARG, "'%s': rows %d+%d were asked for, %d comes next", r->name, y, n,
                            r->row);
    int code = r->image ? read_vips(r, n, rows, stride_bytes) : read_rows(r, n, rows, stride_bytes);
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
        return fovi_io_pnm_rewind(&r->pnm) ? fovi_io_fail(r->io, FOVEA_E_READ, "cannot read '%s' again", r->name) : 0;
    if (r->npy.file)
        fovi_io_npy_rewind(&r->npy);
    if (r->npy.file || r->is_random)
        return FOVEA_OK;
    struct fovea_io_info before = r->info;
    close_streams(r);
    int code = open_vips(r);
    if (!code && (before.width != r->info.width || before.height != r->info.height ||
                  memcmp(&before.format, &r->info.format, sizeof before.format) != 0))
        code = fovi_io_fail(r->io, FOVEA_E_READ, "'%s' changed while it was read", r->name);
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

void fovi_io_reader_origin(const fovea_io_reader *r, struct fovi_io_origin *origin)
{
    int index = r->scan.kind == FOVI_IO_TIFF ? r->scan.page_index : 0;
    *origin = (struct fovi_io_origin){ r->path, r->scan.kind, index, r->image, r->info.pixels_per_mm, r->y_per_mm };
}

const void *fovi_io_reader_vips(const fovea_io_reader *reader)
{
    return reader ? reader->image : NULL;
}
