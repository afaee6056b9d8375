/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of file formats: names, endings, which operation of libvips reads and writes them, what they can hold.
 * Which of them a certain libvips has shows at run time, since distributions build it differently.
 */
#include <string.h>
#include <strings.h>
#include <vips/vips.h>

#include "internal.h"

#define ANY_SIDE (1 << 30)

static const struct fovi_io_format formats[FOVI_IO_N_KINDS] = {
    [FOVI_IO_JPEG] = { "JPEG", "jpg jpeg jpe", "jpegload", "jpegsave", "gc", 8, 0, 0, 1, 1, 65500 },
    [FOVI_IO_PNG] = { "PNG", "png", "pngload", "pngsave", "gca", 16, 0, 0, 0, 1, 1000000 },
    [FOVI_IO_WEBP] = { "WebP", "webp", "webpload", "webpsave", "cfa", 8, 0, 0, 2, 0, 16383 },
    [FOVI_IO_TIFF] = { "TIFF", "tif tiff", "tiffload", "tiffsave", "*", 32, 0, 0, 0, 1, 10000000 },
    [FOVI_IO_AVIF] = { "AVIF", "avif", "heifload", "heifsave", "cfa", 16, 0, 0, 1, 0, 16384 },
    [FOVI_IO_HEIC] = { "HEIC", "heic heif hif", "heifload", "heifsave", "cfa", 16, 0, 0, 1, 0, 16384 },
    [FOVI_IO_JXL] = { "JPEG XL", "jxl", "jxlload", "jxlsave", "gca", 16, 0, 0, 2, 0, ANY_SIDE },
    [FOVI_IO_JP2] = { "JPEG 2000", "jp2", "jp2kload", "jp2ksave", "gca", 16, 0, 0, 2, 0, ANY_SIDE },
    [FOVI_IO_PNM] = { "PNM", "ppm pgm pnm", "", "", "gc", 16, 0, 0, 0, 1, ANY_SIDE },
    [FOVI_IO_PFM] = { "PFM", "pfm", "", "", "gc", 32, 1, 0, 0, 1, ANY_SIDE },
    [FOVI_IO_HDR] = { "HDR", "hdr", "radload", "radsave", "cf", 32, 1, 1, 0, 1, ANY_SIDE },
    [FOVI_IO_NPY] = { "NumPy", "npy", "", "", "*", 32, 0, 0, 0, 1, ANY_SIDE },
    [FOVI_IO_DZI] = { "DeepZoom", "dzi", "-", "dzsave", "gca", 8, 0, 0, 1, 1, ANY_SIDE },
    [FOVI_IO_GIF] = { "GIF", "gif", "gifload", "", "", 0, 0, 0, 0, 0, 0 },
    [FOVI_IO_EXR] = { "EXR", "exr", "openexrload", "", "", 0, 0, 1, 0, 0, 0 },
    [FOVI_IO_FITS] = { "FITS", "fits fit fts", "fitsload", "", "", 0, 0, 0, 0, 0, 0 },
    [FOVI_IO_SVG] = { "SVG", "svg", "svgload", "", "", 0, 0, 0, 0, 0, 0 },
};

const struct fovi_io_format *fovi_io_format_of(enum fovi_io_kind kind)
{
    return &formats[kind];
}

/* Is the word of n characters among the words of a list? */
static int is_listed(const char *list, const char *word, size_t n)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        if (length == n && !strncasecmp(list, word, n))
            return 1;
        list += length + (list[length] == ' ');
    }
    return 0;
}

static enum fovi_io_kind find(const char *path, int is_read)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    for (int k = FOVI_IO_UNKNOWN + 1; dot && k < FOVI_IO_N_KINDS; k++)
        if ((is_read ? strcmp(formats[k].loader, "-") : formats[k].bits) &&
            is_listed(formats[k].extensions, dot + 1, strlen(dot + 1)))
            return (enum fovi_io_kind)k;
    if (is_read && dot && !strcasecmp(dot, ".pbm"))
        return FOVI_IO_PNM;
    return is_read && dot && is_listed("j2k j2c jpf jpx", dot + 1, strlen(dot + 1)) ? FOVI_IO_JP2 : FOVI_IO_UNKNOWN;
}

enum fovi_io_kind fovi_io_kind_of_path(const char *path)
{
    return find(path, 0);
}

const char *fovea_io_read_format(const char *path)
{
    enum fovi_io_kind kind = find(path, 1);
    return kind ? formats[kind].name : NULL;
}

const char *fovea_io_write_format(const char *path)
{
    enum fovi_io_kind kind = fovi_io_kind_of_path(path);
    return kind ? formats[kind].name : NULL;
}

int fovi_io_has_operation(const char *nickname)
{
    return !*nickname || vips_type_find("VipsOperation", nickname) != 0;
}

int fovea_io_format_count(void)
{
    return FOVI_IO_N_KINDS - 1;
}

void fovea_io_format_describe(int i, struct fovea_io_format_info *info)
{
    const struct fovi_io_format *f = &formats[i >= 0 && i < fovea_io_format_count() ? i + 1 : 0];
    *info = (struct fovea_io_format_info){ f->name,
                                           f->extensions,
                                           !*f->loader              ? "built in"
                                           : strcmp(f->loader, "-") ? f->loader
                                                                    : "",
                                           f->bits == 0 ? ""
                                           : *f->saver  ? f->saver
                                                        : "built in",
                                           *f->name && fovi_io_has_operation(f->loader),
                                           f->bits && fovi_io_has_operation(f->saver) };
}
