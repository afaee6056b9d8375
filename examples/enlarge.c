/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The smallest useful program on libfovea: reads a binary PPM, enlarges it, writes a binary PPM.
 *
 *     cc -o enlarge enlarge.c $(pkg-config --cflags --libs fovea)
 *     ./enlarge small.ppm large.ppm 2
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fovea/fovea.h>

#define MAX_EDGE 30000

/* Next number of a PPM header; comments run from # to the end of the line. -1 if there is none. */
static int header_number(FILE *file)
{
    int c = getc(file);
    while (isspace(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = getc(file);
        c = getc(file);
    }
    int n = -1;
    for (; c >= '0' && c <= '9' && n <= MAX_EDGE; c = getc(file))
        n = (n < 0 ? 0 : n) * 10 + (c - '0');
    return n;
}

/* Take memory for eight-bit RGB pixels. */
static int image_create(struct fovea_image *image, int width, int height)
{
    *image = (struct fovea_image){ width, height, { FOVEA_SAMPLE_U8, 3, 0 }, NULL, (ptrdiff_t)width * 3 };
    image->data = malloc((size_t)width * 3 * (size_t)height);
    return image->data != NULL;
}

/* 0 on success; else the reason is printed. */
static int ppm_read(const char *path, struct fovea_image *image)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    const char *fault = NULL;
    int is_ppm = getc(file) == 'P' && getc(file) == '6';
    int width = header_number(file), height = header_number(file), top = header_number(file);
    if (!is_ppm || width < 1 || width > MAX_EDGE || height < 1 || height > MAX_EDGE || top != 255)
        fault = "not a binary PPM of eight bits";
    else if (!image_create(image, width, height))
        fault = "out of memory";
    else if (fread(image->data, (size_t)width * 3, (size_t)height, file) != (size_t)height)
        fault = "truncated";
    if (fault)
        fprintf(stderr, "%s: %s\n", path, fault);
    fclose(file);
    return fault ? -1 : 0;
}

static int ppm_write(const char *path, const struct fovea_image *image)
{
    FILE *file = fopen(path, "wb");
    int is_good = file && fprintf(file, "P6\n%d %d\n255\n", image->width, image->height) > 0 &&
                  fwrite(image->data, (size_t)image->width * 3, (size_t)image->height, file) == (size_t)image->height;
    if (file && fclose(file) != 0)
        is_good = 0;
    if (!is_good)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return is_good ? 0 : -1;
}

/* Everything that concerns the library: a context, the output size, one call. */
static int enlarge(const struct fovea_image *in, struct fovea_image *out, double scale)
{
    fovea_context *ctx = NULL;
    int code = fovea_context_create(&ctx, NULL);
    if (code) {
        fprintf(stderr, "fovea: %s\n", fovea_error_name(code));
        return -1;
    }
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    struct fovea_report report;
    int width, height;
    params.scale = scale;
    code = fovea_output_size(ctx, in->width, in->height, &params, &width, &height);
    if (!code && !image_create(out, width, height))
        fprintf(stderr, "out of memory\n");
    else if (!code)
        code = fovea_upscale(ctx, in, out, &params, &report);
    if (code)
        fprintf(stderr, "fovea: %s: %s\n", fovea_error_name(code), fovea_last_error(ctx));
    else if (out->data)
        printf("%dx%d -> %dx%d in %.0f ms\n", in->width, in->height, width, height, report.total_ms);
    fovea_context_free(&ctx);
    return code || !out->data ? -1 : 0;
}

int main(int argc, char **argv)
{
    double scale = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (!(scale > 0)) {
        fprintf(stderr, "usage: enlarge IN.ppm OUT.ppm SCALE\n");
        return 2;
    }
    struct fovea_image in = { 0 }, out = { 0 };
    int failed = ppm_read(argv[1], &in) || enlarge(&in, &out, scale) || ppm_write(argv[2], &out);
    free(in.data);
    free(out.data);
    return failed ? 1 : 0;
}
