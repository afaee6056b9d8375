/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For test_broken.py: opens each file named, reads all rows, enlarges small pictures into a file, and prints a line
 * with the library's code, the milliseconds and the name. A file that takes more than ten seconds ends the program by
 * SIGALRM. The last line is the most memory that the process held, in MB.
 *
 *     read_files OUTPUT.png FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <fovea-io/io.h>
#include <fovea/fovea.h>

#define STEP 16

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* All rows, and none of them kept. */
static int read_rows(const struct fovea_source *source)
{
    size_t row_bytes = (size_t)source->width * fovea_pixel_bytes(&source->format);
    void *rows = malloc(row_bytes * STEP);
    int code = rows ? FOVEA_OK : FOVEA_E_NOMEM;
    for (int y = 0; y < source->height && !code; y += STEP)
        code = source->read(source->user, y, source->height - y < STEP ? source->height - y : STEP, rows,
                            (ptrdiff_t)row_bytes);
    free(rows);
    return code;
}

static int enlarge(fovea_context *ctx, fovea_io *io, fovea_io_reader *reader, const char *output)
{
    struct fovea_source source = fovea_io_reader_source(reader);
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.method = FOVEA_METHOD_CLASSIC;
    fovea_plan *plan = NULL;
    fovea_io_writer *writer = NULL;
    int code = fovea_plan_build(&plan, ctx, source.width, source.height, &source.format, &params);
    if (!code)
        code = fovea_io_writer_open(&writer, io, output, fovea_plan_width(plan), fovea_plan_height(plan),
                                    &source.format, reader);
    if (!code) {
        struct fovea_sink sink = fovea_io_writer_sink(writer);
        code = fovea_plan_run(plan, &source, &sink, NULL, NULL);
    }
    if (!code)
        code = fovea_io_writer_finish(&writer);
    fovea_io_writer_abandon(&writer);
    fovea_plan_free(&plan);
    return code;
}

static int try_file(fovea_context *ctx, fovea_io *io, const char *path, const char *output)
{
    struct fovea_io_read_params params = FOVEA_IO_READ_DEFAULTS;
    fovea_io_reader *reader;
    params.page = 1;
    int code = fovea_io_reader_open_with(&reader, io, path, &params);
    if (code)
        return code;
    struct fovea_source source = fovea_io_reader_source(reader);
    code = read_rows(&source);
    if (!code && source.width <= 64 && source.height <= 64 && source.rewind && !(code = source.rewind(source.user)))
        code = enlarge(ctx, io, reader, output);
    fovea_io_reader_close(&reader);
    return code;
}

int main(int argc, char **argv)
{
    fovea_context *ctx;
    fovea_io *io;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = 1;
    if (argc < 3 || fovea_context_create(&ctx, &params) || fovea_io_create(&io, NULL))
        return 2;
    for (int i = 2; i < argc; i++) {
        alarm(10);
        double start = now_ms();
        int code = try_file(ctx, io, argv[i], argv[1]);
        if (code && code != FOVEA_E_WRITE && !strstr(fovea_io_last_error(io), argv[i]))
            code = -100; /* a failure without a sentence that names the file */
        printf("%d %.0f %s\n", code, now_ms() - start, argv[i]);
        fflush(stdout);
    }
    alarm(0);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld MB\n", usage.ru_maxrss / 1024);
    fovea_io_free(&io);
    fovea_context_free(&ctx);
    return 0;
}
