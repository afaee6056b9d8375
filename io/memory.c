/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures encoded to memory instead of a file, for those who embed them: web pages, messages, archives.
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
