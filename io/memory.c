/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures encoded to memory instead of a file, for those who embed them: web pages, messages, archives; and back.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <vips/vips.h>

#include "internal.h"

/* The colour profile says what the numbers mean; a profile for grey does not fit three channels. */
static void copy_profile(const void *like, VipsImage *to)
{
    VipsImage *from = NULL;
    const void *profile = NULL;
    size_t n_bytes = 0;
    memcpy(&from, &like, sizeof from); /* only read through it */
    if (from && (from->Bands < 3) == (to->Bands < 3) && vips_image_get_typeof(from, VIPS_META_ICC_NAME) &&
        !vips_image_get_blob(from, VIPS_META_ICC_NAME, &profile, &n_bytes))
        vips_image_set_blob_copy(to, VIPS_META_ICC_NAME, profile, n_bytes);
}

/* The samples, row after row without gaps, as an image that owns nothing but its description. */
static VipsImage *describe(const void *samples, const struct fovea_image *image, const void *like)
{
    int n = image->format.n_channels;
    size_t n_bytes = (size_t)image->width * (size_t)image->height * (size_t)n;
    VipsImage *raw = vips_image_new_from_memory(samples, n_bytes, image->width, image->height, n, VIPS_FORMAT_UCHAR);
    VipsImage *described = NULL;
    VipsInterpretation meaning = n < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (raw && !vips_copy(raw, &described, "interpretation", meaning, NULL))
        copy_profile(like, described);
    g_clear_object(&raw);
    return described;
}

static int save(VipsImage *image, const char *format, int quality, void **bytes, size_t *n_bytes)
{
    if (!strcasecmp(format, "jpeg"))
        return vips_jpegsave_buffer(image, bytes, n_bytes, "Q", quality ? quality : 95, "subsample_mode",
                                    VIPS_FOREIGN_SUBSAMPLE_OFF, "optimize_coding", TRUE, NULL);
    if (!strcasecmp(format, "webp"))
        return vips_webpsave_buffer(image, bytes, n_bytes, "Q", quality ? quality : 75, "lossless", !quality, NULL);
    return vips_pngsave_buffer(image, bytes, n_bytes, "compression", 6, "filter", VIPS_FOREIGN_PNG_FILTER_ALL, NULL);
}

static int encode(fovea_io *io, const void *samples, const struct fovea_image *image, const char *format, int quality,
                  const fovea_io_reader *like, void **bytes, size_t *n_bytes)
{
    char text[256];
    VipsImage *described = describe(samples, image, fovi_io_reader_vips(like));
    int failed = !described || save(described, format, quality, bytes, n_bytes);
    g_clear_object(&described);
    if (!failed)
        return FOVEA_OK;
    return fovi_io_fail(io, FOVEA_E_WRITE, "a picture of %dx%d pixels could not be made a %s: %s", image->width,
                        image->height, format, fovi_io_vips_text(text, sizeof text, "the encoder failed"));
}

int fovea_io_encode_image(fovea_io *io, const struct fovea_image *image, const char *format, int quality,
                          const fovea_io_reader *like, void **bytes, size_t *n_bytes)
{
    *bytes = NULL;
    *n_bytes = 0;
    int is_jpeg = !strcasecmp(format, "jpeg"), n = image->format.n_channels;
    if (!is_jpeg && strcasecmp(format, "png") && strcasecmp(format, "webp"))
        return fovi_io_fail(io, FOVEA_E_ARG, "a picture in memory can be PNG, JPEG or WebP, not '%s'", format);
    if (image->format.sample != FOVEA_SAMPLE_U8 || n < 1 || n > 4 || image->width < 1 || image->height < 1 ||
        quality < 0 || quality > 100 || (is_jpeg && image->format.has_alpha))
        return fovi_io_fail(io, FOVEA_E_ARG, "%s in memory needs 8-bit samples of 1 to 4 channels%s, quality 0..100",
                            format, is_jpeg ? " without alpha" : "");
    size_t row_bytes = (size_t)image->width * (size_t)n;
    if ((size_t)image->height > PTRDIFF_MAX / row_bytes)
        return fovi_io_fail(io, FOVEA_E_LIMIT, "a picture of %dx%d pixels is too large to encode in memory",
                            image->width, image->height);
    unsigned char *packed = NULL;
    if (image->stride_bytes != (ptrdiff_t)row_bytes) {
        packed = malloc(row_bytes * (size_t)image->height);
        for (int y = 0; packed && y < image->height; y++)
            memcpy(packed + (size_t)y * row_bytes, (const char *)image->data + y * image->stride_bytes, row_bytes);
        if (!packed)
            return fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
    }
    int code = encode(io, packed ? packed : image->data, image, format, quality, like, bytes, n_bytes);
    free(packed);
    return code;
}

void fovea_io_bytes_free(void **bytes)
{
    g_free(*bytes);
    *bytes = NULL;
}

/* The loader of a format by its first bytes, NULL for all but three. */
static const char *loader_of(const void *bytes, size_t n_bytes)
{
    const unsigned char *b = bytes;
    if (n_bytes > 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff)
        return "jpegload_buffer";
    if (n_bytes > 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8))
        return "pngload_buffer";
    return n_bytes > 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4) ? "webpload_buffer" : NULL;
}

static int fail_decode(fovea_io *io, const char *fallback)
{
    char text[256];
    return fovi_io_fail(io, FOVEA_E_FORMAT, "a picture in memory cannot be read: %s",
                        fovi_io_vips_text(text, sizeof text, fallback));
}

/* The header is read, samples are not yet. */
static int open_bytes(fovea_io *io, const void *bytes, size_t n_bytes, VipsImage **out)
{
    const char *loader = loader_of(bytes, n_bytes);
    VipsOperation *operation = loader ? vips_operation_new(loader) : NULL;
    if (!operation)
        return fail_decode(io, "it is no PNG, JPEG or WebP that can be decoded here");
    VipsBlob *blob = vips_blob_copy(bytes, n_bytes);
    g_object_set(operation, "buffer", blob, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    vips_area_unref(VIPS_AREA(blob));
    int failed = vips_cache_operation_buildp(&operation);
    if (!failed)
        g_object_get(operation, "out", out, NULL);
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
    return failed ? fail_decode(io, "it could not be decoded") : FOVEA_OK;
}

static int take_samples(fovea_io *io, VipsImage *image, struct fovea_image *out)
{
    int is_deep = image->BandFmt == VIPS_FORMAT_USHORT, n = image->Bands;
    if ((!is_deep && image->BandFmt != VIPS_FORMAT_UCHAR) || n > 4 || image->Type == VIPS_INTERPRETATION_CMYK)
        return fail_decode(io, "its samples are not grey or RGB of 8 or 16 bits");
    if (image->Xsize > io->max_pixels / image->Ysize)
        return fovi_io_fail(io, FOVEA_E_LIMIT, "a picture in memory has %dx%d pixels, over the limit of %lld",
                            image->Xsize, image->Ysize, (long long)io->max_pixels);
    const struct fovea_format format = { is_deep ? FOVEA_SAMPLE_U16 : FOVEA_SAMPLE_U8, n, n == 2 || n == 4 };
    size_t row_bytes = fovi_io_row_bytes(image->Xsize, &format), n_bytes = 0;
    void *samples = vips_image_write_to_memory(image, &n_bytes);
    if (!samples)
        return fail_decode(io, "it could not be decoded");
    *out = (struct fovea_image){ image->Xsize, image->Ysize, format, malloc(n_bytes), (ptrdiff_t)row_bytes };
    if (out->data)
        memcpy(out->data, samples, n_bytes);
    g_free(samples);
    return out->data ? FOVEA_OK : fovi_io_fail(io, FOVEA_E_NOMEM, "out of memory");
}

int fovea_io_decode_image(fovea_io *io, const void *bytes, size_t n_bytes, struct fovea_image *out)
{
    VipsImage *image = NULL;
    *out = (struct fovea_image){ 0 };
    int code = open_bytes(io, bytes, n_bytes, &image);
    if (!code)
        code = take_samples(io, image, out);
    g_clear_object(&image);
    return code;
}
