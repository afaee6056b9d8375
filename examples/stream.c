/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rows in, rows out: enlarges a binary PPM from standard input to standard output, with memory that does not grow with
 * the picture's height. The source cannot be read twice, so the library keeps the rows for its second pass in a
 * temporary file.
 *
 *     cc -o stream stream.c $(pkg-config --cflags --libs fovea)
 *     ./stream 2 < small.ppm > large.ppm
 */
#include <stdio.h>
#include <stdlib.h>

#include <fovea/fovea.h>

/* The source: the next rows from a file. */
static int read_rows(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    FILE *file = user;
    (void)y;
    for (int i = 0; i < n; i++)
        if (fread((char *)rows + i * stride_bytes, (size_t)stride_bytes, 1, file) != 1)
            return FOVEA_E_READ;
    return FOVEA_OK;
}

/* The sink: rows to a file. */
struct output {
    FILE *file;
    size_t row_bytes;
};

static int write_rows(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes)
{
    const struct output *out = user;
    (void)y;
    for (int i = 0; i < n; i++)
        if (fwrite((const char *)rows + i * stride_bytes, out->row_bytes, 1, out->file) != 1)
            return FOVEA_E_WRITE;
    return FOVEA_OK;
}

static int enlarge(fovea_context *ctx, struct fovea_source *source, double scale)
{
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    fovea_plan *plan;
    params.scale = scale;
    int code = fovea_plan_build(&plan, ctx, source->width, source->height, &source->format, &params);
    if (code)
        return code;
    struct output out = { stdout, (size_t)fovea_plan_width(plan) * 3 };
    struct fovea_sink sink = { write_rows, &out };
    code = printf("P6\n%d %d\n255\n", fovea_plan_width(plan), fovea_plan_height(plan)) < 0 ? FOVEA_E_WRITE : FOVEA_OK;
    if (!code)
        code = fovea_plan_run(plan, source, &sink, NULL, NULL);
    fovea_plan_free(&plan);
    return code;
}

int main(int argc, char **argv)
{
    double scale = argc == 2 ? strtod(argv[1], NULL) : 0;
    int width, height;
    if (!(scale > 0)) {
        fprintf(stderr, "usage: stream SCALE < IN.ppm > OUT.ppm\n");
        return 2;
    }
    if (scanf("P6 %9d %9d 255", &width, &height) != 2 || getchar() == EOF || width < 1 || height < 1) {
        fprintf(stderr, "stream: standard input is no binary PPM of eight bits (without comments)\n");
        return 1;
    }
    struct fovea_source source = { width, height, { FOVEA_SAMPLE_U8, 3, 0 }, read_rows, NULL, stdin };
    fovea_context *ctx = NULL;
    int code = fovea_context_create(&ctx, NULL);
    if (!code)
        code = enlarge(ctx, &source, scale);
    if (fflush(stdout) && !code)
        code = FOVEA_E_WRITE;
    if (code)
        fprintf(stderr, "stream: %s %s\n", fovea_error_name(code), ctx ? fovea_last_error(ctx) : "");
    fovea_context_free(&ctx);
    return code ? 1 : 0;
}
