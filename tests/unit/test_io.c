/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Picture files: round trips by memcmp for each format and depth, truncation at every tenth, limits from the header,
 * orientation, losses that are announced, and that a failed write leaves nothing.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fovea-io/io.h"

static fovea_io *io;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "fovea-test-io-XXXXXX");
    return !mkdtemp(folder) || fovea_io_create(&io, NULL);
}

static int count_files(int remove_them)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' && (!entry->d_name[1] || entry->d_name[1] == '.'))
            continue;
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        n++;
        if (remove_them)
            unlink(path);
    }
    if (dir)
        closedir(dir);
    return n;
}

static int teardown(void **state)
{
    (void)state;
    count_files(1);
    fovea_io_free(&io);
    return rmdir(folder);
}

/* A path in the test folder; four can be in use at one time. */
static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
    return paths[i];
}

static size_t sample_bytes(enum fovea_sample sample)
{
    return sample == FOVEA_SAMPLE_U8 ? 1 : sample == FOVEA_SAMPLE_U16 ? 2 : 4;
}

/* A picture with soft and with noisy parts. Alpha is never 0, since a colour under it means nothing, and never all
 * opaque, since WebP leaves such an alpha out. */
static struct fovea_image draw(int width, int height, enum fovea_sample sample, int n_channels, int has_alpha)
{
    struct fovea_image image = { width, height, { sample, n_channels, has_alpha }, NULL, 0 };
    image.stride_bytes = (ptrdiff_t)((size_t)width * (size_t)n_channels * sample_bytes(sample));
    image.data = malloc((size_t)image.stride_bytes * (size_t)height);
    assert_non_null(image.data);
    struct fovi_rng rng = { 7 };
    size_t n = (size_t)width * (size_t)height * (size_t)n_channels;
    for (size_t i = 0; i < n; i++) {
        size_t x = i / (size_t)n_channels % (size_t)width, y = i / (size_t)n_channels / (size_t)width;
        double v = .5 + .4 * sin((double)x * .05 + (double)y * .03) + .1 * (y % 64 < 32 ? fovi_rng_uniform(&rng) : 0.);
        if (has_alpha && i % (size_t)n_channels == (size_t)n_channels - 1)
            v = .1 + .8 * (double)(x + 1) / width;
        if (sample == FOVEA_SAMPLE_U8)
            ((uint8_t *)image.data)[i] = (uint8_t)(v * 255.);
        else if (sample == FOVEA_SAMPLE_U16)
            ((uint16_t *)image.data)[i] = (uint16_t)(v * 65535.);
        else
            ((float *)image.data)[i] = (float)(v * 3. - 1.);
    }
    return image;
}

static void assert_same(const struct fovea_image *a, const struct fovea_image *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_memory_equal(&a->format, &b->format, sizeof a->format);
    assert_memory_equal(a->data, b->data, (size_t)a->stride_bytes * (size_t)a->height);
}

static void assert_ok(int code)
{
    if (code)
        fail_msg("%d: %s", code, fovea_io_last_error(io));
}

static const struct {
    const char *name;
    enum fovea_sample sample;
    int n_channels, has_alpha;
} lossless[] = {
    { "g8.png", FOVEA_SAMPLE_U8, 1, 0 },      { "ga8.png", FOVEA_SAMPLE_U8, 2, 1 },
    { "c8.png", FOVEA_SAMPLE_U8, 3, 0 },      { "ca8.PNG", FOVEA_SAMPLE_U8, 4, 1 },
    { "g16.png", FOVEA_SAMPLE_U16, 1, 0 },    { "ga16.png", FOVEA_SAMPLE_U16, 2, 1 },
    { "c16.png", FOVEA_SAMPLE_U16, 3, 0 },    { "ca16.png", FOVEA_SAMPLE_U16, 4, 1 },
    { "g8.tif", FOVEA_SAMPLE_U8, 1, 0 },      { "ga8.tif", FOVEA_SAMPLE_U8, 2, 1 },
    { "c8.tiff", FOVEA_SAMPLE_U8, 3, 0 },     { "ca8.tif", FOVEA_SAMPLE_U8, 4, 1 },
    { "c16.tif", FOVEA_SAMPLE_U16, 3, 0 },    { "ca16.tif", FOVEA_SAMPLE_U16, 4, 1 },
    { "g32.tif", FOVEA_SAMPLE_F32, 1, 0 },    { "c32.tif", FOVEA_SAMPLE_F32, 3, 0 },
    { "ca32.tif", FOVEA_SAMPLE_F32, 4, 1 },   { "c8.webp", FOVEA_SAMPLE_U8, 3, 0 },
    { "ca8.webp", FOVEA_SAMPLE_U8, 4, 1 },    { "g8.pgm", FOVEA_SAMPLE_U8, 1, 0 },
    { "c8.ppm", FOVEA_SAMPLE_U8, 3, 0 },      { "g16.pgm", FOVEA_SAMPLE_U16, 1, 0 },
    { "c16.pnm", FOVEA_SAMPLE_U16, 3, 0 },    { "g32.pfm", FOVEA_SAMPLE_F32, 1, 0 },
    { "c32.pfm", FOVEA_SAMPLE_F32, 3, 0 },    { "n8.tif", FOVEA_SAMPLE_U8, 7, 0 },
    { "nir[x].tif", FOVEA_SAMPLE_U16, 4, 0 }, { "na8.tif", FOVEA_SAMPLE_U8, 6, 1 },
    { "g8.jxl", FOVEA_SAMPLE_U8, 1, 0 },      { "ca8.jxl", FOVEA_SAMPLE_U8, 4, 1 },
    { "c16.jxl", FOVEA_SAMPLE_U16, 3, 0 },    { "ga8.jp2", FOVEA_SAMPLE_U8, 2, 1 },
    { "c8.jp2", FOVEA_SAMPLE_U8, 3, 0 },      { "ca16.jp2", FOVEA_SAMPLE_U16, 4, 1 },
    { "g8.npy", FOVEA_SAMPLE_U8, 1, 0 },      { "c16.npy", FOVEA_SAMPLE_U16, 3, 0 },
    { "n32.npy", FOVEA_SAMPLE_F32, 7, 0 },
};

/* Does this libvips write and read the format? Not all of them have JPEG XL. */
static int is_built_in(const char *path)
{
    for (int i = 0; i < fovea_io_format_count(); i++) {
        struct fovea_io_format_info info;
        fovea_io_format_describe(i, &info);
        if (!strcmp(info.name, fovea_io_write_format(path)))
            return info.can_read && info.can_write;
    }
    return 0;
}

static void each_format_gives_back_what_it_got(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 37, 23 }, { 1, 1 }, { 1, 70 }, { 301, 1 }, { 500, 211 } };
    for (size_t i = 0; i < sizeof lossless / sizeof *lossless; i++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct fovea_image out,
                in = draw(sizes[s][0], sizes[s][1], lossless[i].sample, lossless[i].n_channels, lossless[i].has_alpha);
            struct fovea_io_loss loss;
            const char *path = in_folder(lossless[i].name);
            if (!is_built_in(path)) {
                fovea_io_image_free(&in);
                continue;
            }
            assert_ok(fovea_io_write_image(io, path, &in, NULL, &loss));
            assert_string_equal(loss.text, "");
            assert_ok(fovea_io_read_image(io, path, &out));
            assert_same(&in, &out);
            fovea_io_image_free(&in);
            fovea_io_image_free(&out);
        }
    }
    assert_true(count_files(1) >= 31);
}

static void jpeg_is_near_and_grey_stays_grey(void **state)
{
    (void)state;
    for (int n_channels = 1; n_channels <= 3; n_channels += 2) {
        struct fovea_image out, in = draw(317, 201, FOVEA_SAMPLE_U8, n_channels, 0);
        assert_ok(fovea_io_write_image(io, in_folder("a.jpg"), &in, NULL, NULL));
        assert_ok(fovea_io_read_image(io, in_folder("a.jpg"), &out));
        assert_memory_equal(&in.format, &out.format, sizeof in.format);
        double sum = 0.;
        size_t n = (size_t)in.stride_bytes * (size_t)in.height;
        for (size_t i = 0; i < n; i++) {
            double d = ((uint8_t *)in.data)[i] - ((uint8_t *)out.data)[i];
            sum += d * d;
        }
        assert_true(sum / (double)n < 16.);
        fovea_io_image_free(&in);
        fovea_io_image_free(&out);
    }
}

static void losses_are_announced_and_rounded(void **state)
{
    (void)state;
    struct fovea_image out, in = draw(64, 40, FOVEA_SAMPLE_U16, 4, 1);
    struct fovea_io_loss loss;
    assert_ok(fovea_io_write_image(io, in_folder("a.ppm"), &in, NULL, &loss));
    assert_true(loss.alpha_flattened && !loss.depth_reduced && loss.bits == 16);
    assert_non_null(strstr(loss.text, "white"));
    assert_ok(fovea_io_read_image(io, in_folder("a.ppm"), &out));
    for (size_t i = 0; i < 64 * 40; i++) {
        const uint16_t *p = (const uint16_t *)in.data + 4 * i;
        double alpha = p[3] / 65535., expect = floor(p[1] * alpha + 65535. * (1. - alpha) + .5);
        assert_true(fabs(((const uint16_t *)out.data)[3 * i + 1] - expect) <= 1.);
    }
    fovea_io_image_free(&out);
    assert_ok(fovea_io_write_image(io, in_folder("a.webp"), &in, NULL, &loss));
    assert_true(!loss.alpha_flattened && loss.depth_reduced && loss.bits == 8 && loss.text[0]);
    assert_ok(fovea_io_read_image(io, in_folder("a.webp"), &out));
    for (size_t i = 0; i < 64 * 40 * 4; i++)
        assert_int_equal(((const uint8_t *)out.data)[i], (((const uint16_t *)in.data)[i] + 128) / 257);
    fovea_io_image_free(&out);
    fovea_io_image_free(&in);
}

static void floats_are_clipped_where_the_file_has_integers(void **state)
{
    (void)state;
    float values[] = { -1.f, 0.f, .5f, 1.f, 7.f, NAN };
    static const uint16_t expected[] = { 0, 0, 32768, 65535, 65535, 0 };
    struct fovea_image out, in = { 6, 1, { FOVEA_SAMPLE_F32, 1, 0 }, values, sizeof values };
    struct fovea_io_loss loss;
    assert_ok(fovea_io_write_image(io, in_folder("a.png"), &in, NULL, &loss));
    assert_true(loss.depth_reduced && loss.bits == 16);
    assert_ok(fovea_io_read_image(io, in_folder("a.png"), &out));
    assert_memory_equal(out.data, expected, sizeof expected);
    fovea_io_image_free(&out);
}

static char *slurp(const char *path, size_t *n_bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n_bytes = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n_bytes + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n_bytes, file), *n_bytes);
    bytes[*n_bytes] = 0;
    fclose(file);
    return bytes;
}

static void spill(const char *path, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "t.jpg",  "t.png", "t.webp", "t.tif", "t.ppm", "t.pfm",
                                         "t.avif", "t.jxl", "t.jp2",  "t.hdr", "t.npy" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!is_built_in(names[i]))
            continue;
        struct fovea_image out, in = draw(200, 150, FOVEA_SAMPLE_U8, 3, 0);
        const char *path = in_folder(names[i]);
        assert_ok(fovea_io_write_image(io, path, &in, NULL, NULL));
        size_t n_bytes;
        char *bytes = slurp(path, &n_bytes);
        for (int tenth = 0; tenth <= 10; tenth++) {
            size_t cut = tenth == 10 ? n_bytes - 2 : n_bytes * (size_t)tenth / 10;
            spill(path, bytes, cut);
            int code = fovea_io_read_image(io, path, &out);
            if (code != FOVEA_E_READ && code != FOVEA_E_FORMAT)
                fail_msg("%s cut at %zu of %zu: code %d", names[i], cut, n_bytes, code);
            assert_null(out.data);
            assert_non_null(strstr(fovea_io_last_error(io), names[i]));
        }
        free(bytes);
        fovea_io_image_free(&in);
    }
}

static void plain_pnm_is_strict_and_scaled(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int n; /* of expected samples, 0 = must fail */
        uint8_t expected[8];
    } cases[] = {
        { "P2\n# note\n4 1\n15\n0 5 10 15", 4, { 0, 85, 170, 255 } },
        { "P1 3 2 10 1\n0#x\n11", 6, { 0, 255, 0, 255, 0, 0 } },
        { "P3\n1 1\n255\n1 2 3", 3, { 1, 2, 3 } },
        { "P5 2 1 3 \1\2", 2, { 85, 170 } },
        { "P4 9 1\n\x80\x80", 8, { 0, 255, 255, 255, 255, 255, 255, 255 } },
        { "P2\n4 1\n15\n0 5 10", 0, { 0 } },
        { "P2\n4 1\n15\n0 5 10 16", 0, { 0 } },
        { "P2\n4 1\n15\n0 5 -1 3", 0, { 0 } },
        { "P2\n4 0\n15\n", 0, { 0 } },
        { "P2\n4 1\n70000\n0 5 10 15", 0, { 0 } },
        { "P5 2 2 255 abc", 0, { 0 } },
        { "P7\nWIDTH 1", 0, { 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_image out;
        spill(in_folder("a.pnm"), cases[i].text, strlen(cases[i].text));
        int code = fovea_io_read_image(io, in_folder("a.pnm"), &out);
        if (!cases[i].n) {
            assert_true(code == FOVEA_E_READ || code == FOVEA_E_FORMAT);
            continue;
        }
        assert_ok(code);
        assert_memory_equal(out.data, cases[i].expected, (size_t)cases[i].n);
        fovea_io_image_free(&out);
    }
}

static void settings_are_met_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct fovea_io_write_params params;
        int bits; /* of the file, 0 = refused */
    } cases[] = {
        { "s.png", { FOVEA_API_VERSION, 0, "9", 0, 0, 0., 0. }, 16 },
        { "s.png", { FOVEA_API_VERSION, 0, "x", 0, 0, 0., 0. }, 0 },
        { "s.png", { FOVEA_API_VERSION, 0, NULL, 8, 0, 0., 0. }, 8 },
        { "s.png", { FOVEA_API_VERSION, 0, NULL, 32, 0, 0., 0. }, 0 },
        { "s.png", { FOVEA_API_VERSION, 90, NULL, 0, 0, 0., 0. }, 0 },
        { "s.tif", { FOVEA_API_VERSION, 0, "zstd", 0, 0, 0., 0. }, 16 },
        { "s.tif", { FOVEA_API_VERSION, 0, "none", 32, 0, 0., 0. }, 32 },
        { "s.tif", { FOVEA_API_VERSION, 80, "jpeg", 8, 0, 0., 0. }, 8 },
        { "s.tif", { FOVEA_API_VERSION, 80, "jpeg", 16, 0, 0., 0. }, 0 },
        { "s.tif", { FOVEA_API_VERSION, 80, "lzw", 0, 0, 0., 0. }, 0 },
        { "s.webp", { FOVEA_API_VERSION, 80, NULL, 0, 0, 0., 0. }, 8 },
        { "s.webp", { FOVEA_API_VERSION, 0, "lossless", 0, 0, 0., 0. }, 8 },
        { "s.webp", { FOVEA_API_VERSION, 80, "lossless", 0, 0, 0., 0. }, 0 },
        { "s.jpg", { FOVEA_API_VERSION, 101, NULL, 0, 0, 0., 0. }, 0 },
        { "s.npy", { FOVEA_API_VERSION, 0, NULL, 32, 0, 0., 0. }, 32 },
        { "s.ppm", { FOVEA_API_VERSION, 0, NULL, 10, 0, 0., 0. }, 0 },
    };
    struct fovea_image out, in = draw(70, 40, FOVEA_SAMPLE_U16, 3, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder(cases[i].name);
        fovea_io_writer *writer;
        int code = fovea_io_writer_open_with(&writer, io, path, in.width, in.height, &in.format, NULL,
                                             &cases[i].params);
        if (!cases[i].bits) {
            assert_int_equal(code, FOVEA_E_ARG);
            continue;
        }
        assert_ok(code);
        struct fovea_sink sink = fovea_io_writer_sink(writer);
        assert_ok(sink.write(sink.user, 0, in.height, in.data, in.stride_bytes));
        assert_ok(fovea_io_writer_finish(&writer));
        assert_ok(fovea_io_read_image(io, path, &out));
        assert_int_equal(8 * (int)sample_bytes(out.format.sample), cases[i].bits);
        fovea_io_image_free(&out);
    }
    fovea_io_image_free(&in);
    count_files(1);
}

static void samples_are_widened_before_the_work(void **state)
{
    (void)state;
    struct fovea_image in = draw(20, 10, FOVEA_SAMPLE_U8, 3, 0);
    assert_ok(fovea_io_write_image(io, in_folder("w.png"), &in, NULL, NULL));
    for (int bits = 16; bits <= 32; bits += 16) {
        struct fovea_io_read_params params = FOVEA_IO_READ_DEFAULTS;
        params.least_bits = bits;
        fovea_io_reader *reader;
        assert_ok(fovea_io_reader_open_with(&reader, io, in_folder("w.png"), &params));
        struct fovea_source source = fovea_io_reader_source(reader);
        assert_int_equal(source.format.sample, bits == 16 ? FOVEA_SAMPLE_U16 : FOVEA_SAMPLE_F32);
        union {
            uint16_t u16[60];
            float f32[60];
        } row;
        assert_ok(source.read(source.user, 0, 1, &row, sizeof row));
        for (int i = 0; i < 60; i++) {
            int v = ((uint8_t *)in.data)[i];
            assert_true(bits == 16 ? row.u16[i] == v * 257 : fabs((double)row.f32[i] - v / 255.) < 1e-7);
        }
        fovea_io_reader_close(&reader);
    }
    struct fovea_io_read_params wrong = FOVEA_IO_READ_DEFAULTS;
    wrong.least_bits = 8;
    fovea_io_reader *reader;
    assert_int_equal(fovea_io_reader_open_with(&reader, io, in_folder("w.png"), &wrong), FOVEA_E_ARG);
    fovea_io_image_free(&in);
    count_files(1);
}

/* Arrays of both orders, both byte orders and each type; a row of three columns in each. */
static void arrays_are_read_as_numpy_wrote_them(void **state)
{
    (void)state;
    static const struct {
        const char *descr, *order, *shape;
        int version, n_bytes;
        char data[49];
        enum fovea_sample sample;
        double expected[6]; /* as numbers; the first = -1: must fail */
    } cases[] = {
        { "|u1", "False", "(2, 3)", 1, 6, "\1\2\3\4\5\6", FOVEA_SAMPLE_U8, { 1, 2, 3, 4, 5, 6 } },
        { "|u1", "True", "(2, 3)", 1, 6, "\1\4\2\5\3\6", FOVEA_SAMPLE_U8, { 1, 2, 3, 4, 5, 6 } },
        { "|u1", "True", "(1, 3, 2)", 2, 6, "\1\3\5\2\4\6", FOVEA_SAMPLE_U8, { 1, 2, 3, 4, 5, 6 } },
        { "<u2", "False", "(2,3)", 3, 12, "\1\0\2\0\3\0\4\0\5\0\6\1", FOVEA_SAMPLE_U16, { 1, 2, 3, 4, 5, 262 } },
        { ">u2", "True", "(2, 3,)", 1, 12, "\0\1\0\4\0\2\0\5\0\3\1\6", FOVEA_SAMPLE_U16, { 1, 2, 3, 4, 5, 262 } },
        { ">f4", "False", "(1, 3)", 1, 12, "\x3f\x80\0\0\xc0\0\0\0\0\0\0\0", FOVEA_SAMPLE_F32, { 1, -2, 0, 0, 0, 0 } },
        { "<f8",
          "False",
          "(1, 3)",
          1,
          24,
          "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0\0",
          FOVEA_SAMPLE_F32,
          { 1, -2, 0, 0, 0, 0 } },
        { "|b1", "False", "(1, 3)", 1, 3, "\0\1\1", FOVEA_SAMPLE_U8, { 0, 255, 255, 0, 0, 0 } },
        { "|u1", "False", "(2, 3)", 1, 5, "\1\2\3\4\5", FOVEA_SAMPLE_U8, { -1 } },
        { "<i4", "False", "(1, 3)", 1, 12, "", FOVEA_SAMPLE_U8, { -1 } },
        { "|u1", "False", "(3,)", 1, 3, "", FOVEA_SAMPLE_U8, { -1 } },
        { "|u1", "False", "(0, 3)", 1, 3, "", FOVEA_SAMPLE_U8, { -1 } },
        { "|u1", "Falsch", "(1, 3)", 1, 3, "", FOVEA_SAMPLE_U8, { -1 } },
        { "|u1", "False", "(1, 3, 33)", 1, 99, "", FOVEA_SAMPLE_U8, { -1 } },
        { "|u1", "False", "(1, 99999999999999999999)", 1, 3, "", FOVEA_SAMPLE_U8, { -1 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[400] = "\x93NUMPY";
        int start = cases[i].version == 1 ? 10 : 12;
        file[6] = (char)cases[i].version;
        int n = snprintf(file + start, 200, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", cases[i].descr,
                         cases[i].order, cases[i].shape);
        file[8] = (char)n;
        memcpy(file + start + n, cases[i].data, sizeof cases[i].data);
        spill(in_folder("a.npy"), file, (size_t)(start + n + cases[i].n_bytes));
        struct fovea_image out;
        int code = fovea_io_read_image(io, in_folder("a.npy"), &out);
        if (cases[i].expected[0] < 0) {
            assert_true(code == FOVEA_E_READ || code == FOVEA_E_FORMAT || code == FOVEA_E_UNSUPPORTED ||
                        code == FOVEA_E_LIMIT);
            continue;
        }
        assert_ok(code);
        assert_int_equal(out.format.sample, cases[i].sample);
        for (int k = 0; k < out.width * out.height * out.format.n_channels; k++) {
            double v = out.format.sample == FOVEA_SAMPLE_U8    ? ((uint8_t *)out.data)[k]
                       : out.format.sample == FOVEA_SAMPLE_U16 ? ((uint16_t *)out.data)[k]
                                                               : (double)((float *)out.data)[k];
            assert_true(v == cases[i].expected[k]);
        }
        fovea_io_image_free(&out);
    }
}

static void put32(char *bytes, unsigned v)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(v >> 8 * i);
}

/* A little-endian TIFF of one uncompressed strip with the entries that are given, at most 12. */
static size_t make_tiff(char *file, const unsigned (*entries)[3], int n_entries, const char *data, size_t n_bytes)
{
    memcpy(file, "II*\0\10\0\0\0", 8);
    file[8] = (char)n_entries;
    file[9] = 0;
    unsigned data_at = 8 + 2 + 12 * (unsigned)n_entries + 4;
    for (int i = 0; i < n_entries; i++) {
        char *e = file + 10 + 12 * i;
        put32(e, entries[i][0] | entries[i][1] << 16);
        put32(e + 4, 1);
        put32(e + 8, entries[i][0] == 273 ? data_at : entries[i][2]);
    }
    put32(file + data_at - 4, 0);
    memcpy(file + data_at, data, n_bytes);
    return data_at + n_bytes;
}

static void orientation_is_applied(void **state)
{
    (void)state;
    /* the picture 1 2 3 / 4 5 6 as each tag says it is to be seen */
    static const struct {
        int width;
        char expected[6];
    } seen[] = { { 3, { 1, 2, 3, 4, 5, 6 } }, { 3, { 3, 2, 1, 6, 5, 4 } }, { 3, { 6, 5, 4, 3, 2, 1 } },
                 { 3, { 4, 5, 6, 1, 2, 3 } }, { 2, { 1, 4, 2, 5, 3, 6 } }, { 2, { 4, 1, 5, 2, 6, 3 } },
                 { 2, { 6, 3, 5, 2, 4, 1 } }, { 2, { 3, 6, 2, 5, 1, 4 } } };
    for (unsigned tag = 1; tag <= 8; tag++) {
        const unsigned entries[][3] = { { 256, 3, 3 }, { 257, 3, 2 },   { 258, 3, 8 }, { 259, 3, 1 }, { 262, 3, 1 },
                                        { 273, 4, 0 }, { 274, 3, tag }, { 277, 3, 1 }, { 278, 3, 2 }, { 279, 4, 6 } };
        char file[256];
        spill(in_folder("o.tif"), file, make_tiff(file, entries, 10, "\1\2\3\4\5\6", 6));
        struct fovea_image out;
        assert_ok(fovea_io_read_image(io, in_folder("o.tif"), &out));
        assert_int_equal(out.width, seen[tag - 1].width);
        assert_memory_equal(out.data, seen[tag - 1].expected, 6);
        struct fovea_io_info info;
        assert_ok(fovea_io_probe(io, in_folder("o.tif"), &info));
        assert_int_equal(info.orientation, (int)tag);
        assert_int_equal(info.width, out.width);
        fovea_io_image_free(&out);
    }
}

/* Headers that promise 100000x100000 pixels and nothing behind them. */
static void size_limits_come_before_decoding(void **state)
{
    (void)state;
    static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\15IHDR\0\1\x86\xa0\0\1\x86\xa0\10\2\0\0\0";
    const unsigned entries[][3] = { { 256, 4, 100000 }, { 257, 4, 100000 }, { 258, 3, 8 },
                                    { 259, 3, 1 },      { 262, 3, 1 },      { 273, 4, 0 },
                                    { 277, 3, 1 },      { 278, 4, 100000 }, { 279, 4, 1410065408u } };
    char tiff[256];
    size_t tiff_bytes = make_tiff(tiff, entries, 9, "", 0);
    spill(in_folder("a.png"), png, sizeof png - 1);
    spill(in_folder("a.ppm"), "P6 100000 100000 255\n", 21);
    spill(in_folder("b.ppm"), "P6 4000000000 4000000000 255\n", 29);
    spill(in_folder("a.tif"), tiff, tiff_bytes);
    static const char *const names[] = { "a.png", "a.ppm", "a.tif", "b.ppm" };
    for (int i = 0; i < 4; i++) {
        struct fovea_image out;
        assert_int_equal(fovea_io_read_image(io, in_folder(names[i]), &out), FOVEA_E_LIMIT);
        assert_non_null(strstr(fovea_io_last_error(io), i < 3 ? "100000x100000 pixels is over the limit" : "over the"));
    }
    fovea_io *strict;
    const struct fovea_io_params params = { FOVEA_API_VERSION, 99 };
    assert_int_equal(fovea_io_create(&strict, &params), FOVEA_OK);
    struct fovea_image out, in = draw(10, 10, FOVEA_SAMPLE_U8, 1, 0);
    assert_ok(fovea_io_write_image(io, in_folder("s.webp"), &in, NULL, NULL));
    assert_int_equal(fovea_io_read_image(strict, in_folder("s.webp"), &out), FOVEA_E_LIMIT);
    fovea_io_image_free(&in);
    fovea_io_free(&strict);
}

static void rows_come_in_any_portions_and_again(void **state)
{
    (void)state;
    static const char *const names[] = { "r.jpg", "r.png", "r.tif", "r.webp", "r.ppm", "r.pfm" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fovea_image whole, in = draw(123, 211, FOVEA_SAMPLE_U8, 3, 0);
        assert_ok(fovea_io_write_image(io, in_folder(names[i]), &in, NULL, NULL));
        assert_ok(fovea_io_read_image(io, in_folder(names[i]), &whole));
        fovea_io_reader *reader;
        assert_ok(fovea_io_reader_open(&reader, io, in_folder(names[i])));
        struct fovea_source source = fovea_io_reader_source(reader);
        size_t row_bytes = (size_t)whole.stride_bytes;
        char *rows = malloc(row_bytes * 211);
        for (int pass = 0; pass < 3; pass++) {
            int stop = pass == 0 ? 20 : 211; /* the first pass gives up early */
            assert_ok(source.rewind(source.user));
            memset(rows, 0, row_bytes * 211);
            for (int y = 0, n; y < stop; y += n) {
                n = 1 + (y * 7 + pass) % 50;
                n = n < stop - y ? n : stop - y;
                assert_ok(source.read(source.user, y, n, rows + (size_t)y * row_bytes, (ptrdiff_t)row_bytes));
            }
            assert_memory_equal(rows, whole.data, row_bytes * (size_t)stop);
        }
        assert_int_equal(source.read(source.user, 5, 1, rows, (ptrdiff_t)row_bytes), FOVEA_E_ARG);
        free(rows);
        fovea_io_reader_close(&reader);
        fovea_io_image_free(&whole);
        fovea_io_image_free(&in);
    }
}

static void what_is_no_picture_is_named(void **state)
{
    (void)state;
    struct fovea_image out;
    spill(in_folder("text.png"), "hello, this is no picture", 25);
    assert_int_equal(fovea_io_read_image(io, in_folder("text.png"), &out), FOVEA_E_FORMAT);
    assert_non_null(strstr(fovea_io_last_error(io), "text.png"));
    spill(in_folder("empty.jpg"), "", 0);
    assert_int_equal(fovea_io_read_image(io, in_folder("empty.jpg"), &out), FOVEA_E_FORMAT);
    assert_int_equal(fovea_io_read_image(io, in_folder("absent.jpg"), &out), FOVEA_E_READ);
    assert_int_equal(fovea_io_read_image(io, folder, &out), FOVEA_E_READ);
}

/* Write all but the last rows of a picture, then give up. */
static void write_part(const char *path, int n_rows)
{
    struct fovea_image in = draw(400, 300, FOVEA_SAMPLE_U8, 3, 0);
    fovea_io_writer *writer;
    assert_ok(fovea_io_writer_open(&writer, io, path, 400, 300, &in.format, NULL));
    struct fovea_sink sink = fovea_io_writer_sink(writer);
    assert_ok(sink.write(sink.user, 0, n_rows, in.data, in.stride_bytes));
    assert_int_equal(sink.write(sink.user, 0, 1, in.data, in.stride_bytes), FOVEA_E_ARG);
    if (n_rows % 2) {
        fovea_io_writer_abandon(&writer);
    } else {
        assert_int_equal(fovea_io_writer_finish(&writer), FOVEA_E_ARG);
    }
    assert_null(writer);
    fovea_io_image_free(&in);
}

static void an_unfinished_write_leaves_nothing(void **state)
{
    (void)state;
    static const char *const names[] = { "u.png", "u.jpg", "u.webp", "u.tif", "u.ppm", "u.pfm" };
    count_files(1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int n_rows = 99; n_rows <= 298; n_rows += 199)
            write_part(in_folder(names[i]), n_rows);
        assert_int_equal(count_files(0), 0);
    }
    spill(in_folder("old.png"), "old", 3);
    write_part(in_folder("old.png"), 10);
    size_t n_bytes;
    char *bytes = slurp(in_folder("old.png"), &n_bytes);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_int_equal(count_files(1), 1);
}

static void what_cannot_be_written_is_refused_at_once(void **state)
{
    (void)state;
    fovea_io_writer *writer;
    const struct fovea_format color = { FOVEA_SAMPLE_U8, 3, 0 }, many = { FOVEA_SAMPLE_U8, 5, 0 };
    spill(in_folder("file"), "x", 1);
    const struct {
        const char *name;
        int width;
        const struct fovea_format *format;
        const char *word;
    } cases[] = {
        { "a.bmp", 9, &color, ".png" },         { "png", 9, &color, ".png" },
        { "no/a.png", 9, &color, "not exist" }, { "file/a.png", 9, &color, "folder" },
        { "a.png", 9, &many, "5 channels" },    { "a.pgm", 9, &color, "3 channels" },
        { "a.webp", 16384, &color, "16383" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = fovea_io_writer_open(&writer, io, in_folder(cases[i].name), cases[i].width, 9, cases[i].format,
                                        NULL);
        assert_int_equal(code, FOVEA_E_WRITE);
        assert_null(writer);
        assert_non_null(strstr(fovea_io_last_error(io), cases[i].word));
    }
    assert_int_equal(count_files(1), 1);
}

/* Damaged files may be read or refused, but nothing else. */
static void damage_is_survived(void **state)
{
    (void)state;
    static const char *const names[] = { "d.jpg", "d.png", "d.webp", "d.tif", "d.ppm" };
    struct fovi_rng rng = { 11 };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fovea_image out, in = draw(61, 47, FOVEA_SAMPLE_U8, 3, 0);
        const char *path = in_folder(names[i]);
        assert_ok(fovea_io_write_image(io, path, &in, NULL, NULL));
        size_t n_bytes;
        char *bytes = slurp(path, &n_bytes), *damaged = malloc(n_bytes);
        for (int trial = 0; trial < 40; trial++) {
            memcpy(damaged, bytes, n_bytes);
            for (int k = 0; k < 3; k++) /* the header more often than the rest */
                damaged[fovi_rng_below(&rng, trial % 2 ? (uint32_t)n_bytes : 64)] = (char)fovi_rng_next(&rng);
            spill(path, damaged, n_bytes);
            int code = fovea_io_read_image(io, path, &out);
            assert_true(code == FOVEA_OK || code == FOVEA_E_READ || code == FOVEA_E_FORMAT || code == FOVEA_E_LIMIT ||
                        code == FOVEA_E_UNSUPPORTED);
            fovea_io_image_free(&out);
        }
        free(bytes);
        free(damaged);
        fovea_io_image_free(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_gives_back_what_it_got),
        cmocka_unit_test(jpeg_is_near_and_grey_stays_grey),
        cmocka_unit_test(losses_are_announced_and_rounded),
        cmocka_unit_test(floats_are_clipped_where_the_file_has_integers),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(plain_pnm_is_strict_and_scaled),
        cmocka_unit_test(arrays_are_read_as_numpy_wrote_them),
        cmocka_unit_test(settings_are_met_or_refused),
        cmocka_unit_test(samples_are_widened_before_the_work),
        cmocka_unit_test(orientation_is_applied),
        cmocka_unit_test(size_limits_come_before_decoding),
        cmocka_unit_test(rows_come_in_any_portions_and_again),
        cmocka_unit_test(what_is_no_picture_is_named),
        cmocka_unit_test(an_unfinished_write_leaves_nothing),
        cmocka_unit_test(what_cannot_be_written_is_refused_at_once),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
