/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures encoded to memory: the bytes are a file that gives the samples back, strides and alpha too; decoded from
 * memory they give them back as well; what cannot be encoded or decoded is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fovea-io/io.h"

#define WIDTH 61
#define HEIGHT 37
#define STRIDE 300

static fovea_io *io;
static uint8_t samples[HEIGHT * STRIDE];

static struct fovea_image picture(int n_channels, int has_alpha)
{
    struct fovea_image image = { WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, n_channels, has_alpha }, samples, STRIDE };
    for (int i = 0; i < HEIGHT * STRIDE; i++)
        samples[i] = (uint8_t)(40 + i % STRIDE / 2 + i / STRIDE +
                               i % 3); /* no alpha of 0: colours under it mean nothing */
    return image;
}

/* Write bytes to a file, read it as a picture, compare; most: largest difference of a sample. */
static void check_bytes(const void *bytes, size_t n_bytes, const struct fovea_image *image, int most)
{
    char path[] = "fovea-test-encode-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes && close(fd) == 0);
    struct fovea_image out;
    int code = fovea_io_read_image(io, path, &out);
    unlink(path);
    if (code)
        fail_msg("%s", fovea_io_last_error(io));
    assert_int_equal(out.width, WIDTH);
    assert_int_equal(out.height, HEIGHT);
    assert_int_equal(out.format.n_channels, image->format.n_channels);
    assert_int_equal(out.format.has_alpha, image->format.has_alpha);
    int worst = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int i = 0; i < WIDTH * image->format.n_channels; i++) {
            int d = samples[y * STRIDE + i] - ((const uint8_t *)out.data)[y * out.stride_bytes + i];
            worst = abs(d) > worst ? abs(d) : worst;
        }
    }
    if (worst > most)
        fail_msg("a sample differs by %d, at most %d", worst, most);
    fovea_io_image_free(&out);
}

static void the_bytes_are_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int quality, n_channels, has_alpha, most;
    } cases[] = {
        { "png", 0, 1, 0, 0 },    { "png", 0, 2, 1, 0 },  { "PNG", 50, 3, 0, 0 },
        { "png", 0, 4, 1, 0 },    { "webp", 0, 3, 0, 0 }, { "webp", 0, 4, 1, 0 },
        { "webp", 90, 3, 0, 20 }, { "jpeg", 0, 1, 0, 8 }, { "jpeg", 0, 3, 0, 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_image image = picture(cases[i].n_channels, cases[i].has_alpha);
        void *bytes;
        size_t n_bytes;
        if (fovea_io_encode_image(io, &image, cases[i].format, cases[i].quality, NULL, &bytes, &n_bytes))
            fail_msg("%s: %s", cases[i].format, fovea_io_last_error(io));
        check_bytes(bytes, n_bytes, &image, cases[i].most);
        fovea_io_bytes_free(&bytes);
        assert_null(bytes);
    }
}

static void quality_is_heeded(void **state)
{
    (void)state;
    struct fovea_image image = picture(3, 0);
    void *low, *high;
    size_t n_low, n_high;
    assert_int_equal(fovea_io_encode_image(io, &image, "jpeg", 20, NULL, &low, &n_low), 0);
    assert_int_equal(fovea_io_encode_image(io, &image, "jpeg", 95, NULL, &high, &n_high), 0);
    assert_true(n_low < n_high);
    fovea_io_bytes_free(&low);
    fovea_io_bytes_free(&high);
}

/* The largest difference of a sample; sizes and channels must agree. */
static int difference(const struct fovea_image *image, const struct fovea_image *out)
{
    int worst = 0;
    assert_true(out->width == WIDTH && out->height == HEIGHT && out->format.sample == FOVEA_SAMPLE_U8);
    assert_int_equal(out->format.n_channels, image->format.n_channels);
    assert_int_equal(out->format.has_alpha, image->format.has_alpha);
    for (int y = 0; y < HEIGHT; y++)
        for (int i = 0; i < WIDTH * image->format.n_channels; i++) {
            int d = samples[y * STRIDE + i] - ((const uint8_t *)out->data)[y * out->stride_bytes + i];
            worst = abs(d) > worst ? abs(d) : worst;
        }
    return worst;
}

static void bytes_in_memory_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int quality, n_channels, has_alpha, most;
    } cases[] = { { "png", 0, 4, 1, 0 },   { "png", 0, 1, 0, 0 },   { "webp", 0, 3, 0, 0 },
                  { "jpeg", 95, 3, 0, 9 }, { "jpeg", 95, 1, 0, 9 }, { "png", 0, 2, 1, 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fovea_image image = picture(cases[i].n_channels, cases[i].has_alpha), out;
        void *bytes;
        size_t n_bytes;
        assert_int_equal(fovea_io_encode_image(io, &image, cases[i].format, cases[i].quality, NULL, &bytes, &n_bytes),
                         0);
        assert_int_equal(fovea_io_decode_image(io, bytes, n_bytes, &out), FOVEA_OK);
        assert_true(difference(&image, &out) <= cases[i].most);
        fovea_io_image_free(&out);
        /* cut off: an error, and nothing is held */
        assert_int_equal(fovea_io_decode_image(io, bytes, n_bytes / 2, &out), FOVEA_E_FORMAT);
        assert_null(out.data);
        fovea_io_bytes_free(&bytes);
    }
}

static void what_is_no_picture_is_not_decoded(void **state)
{
    (void)state;
    struct fovea_image image = picture(3, 0), out;
    struct fovea_io_params few = FOVEA_IO_DEFAULTS;
    fovea_io *small_io = NULL;
    void *bytes;
    size_t n_bytes;
    assert_int_equal(fovea_io_decode_image(io, "GIF89a, which is another format", 31, &out), FOVEA_E_FORMAT);
    assert_int_equal(fovea_io_decode_image(io, "", 0, &out), FOVEA_E_FORMAT);
    few.max_pixels = WIDTH * HEIGHT - 1;
    assert_int_equal(fovea_io_create(&small_io, &few), FOVEA_OK);
    assert_int_equal(fovea_io_encode_image(io, &image, "png", 0, NULL, &bytes, &n_bytes), 0);
    assert_int_equal(fovea_io_decode_image(small_io, bytes, n_bytes, &out), FOVEA_E_LIMIT);
    fovea_io_bytes_free(&bytes);
    fovea_io_free(&small_io);
}

static void what_cannot_be_encoded_is_refused(void **state)
{
    (void)state;
    struct fovea_image image = picture(4, 1), deep = picture(3, 0), wide = picture(3, 0);
    void *bytes = &image;
    size_t n_bytes;
    deep.format.sample = FOVEA_SAMPLE_U16;
    wide.format.n_channels = 5;
    assert_int_equal(fovea_io_encode_image(io, &image, "jpeg", 90, NULL, &bytes, &n_bytes), FOVEA_E_ARG);
    assert_null(bytes);
    assert_int_equal(fovea_io_encode_image(io, &image, "gif", 0, NULL, &bytes, &n_bytes), FOVEA_E_ARG);
    assert_int_equal(fovea_io_encode_image(io, &image, "png", 101, NULL, &bytes, &n_bytes), FOVEA_E_ARG);
    assert_int_equal(fovea_io_encode_image(io, &deep, "png", 0, NULL, &bytes, &n_bytes), FOVEA_E_ARG);
    assert_int_equal(fovea_io_encode_image(io, &wide, "png", 0, NULL, &bytes, &n_bytes), FOVEA_E_ARG);
    assert_non_null(strstr(fovea_io_last_error(io), "8-bit"));
    fovea_io_bytes_free(&bytes);
}

static int setup(void **state)
{
    (void)state;
    return fovea_io_create(&io, NULL);
}

static int teardown(void **state)
{
    (void)state;
    fovea_io_free(&io);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_a_file),
        cmocka_unit_test(quality_is_heeded),
        cmocka_unit_test(bytes_in_memory_are_decoded),
        cmocka_unit_test(what_is_no_picture_is_not_decoded),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
