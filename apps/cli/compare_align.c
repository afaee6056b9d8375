/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Alignment: where one size is a whole number of times the other and both pictures show the same in the same places,
 * the test picture is brought to the reference's size by bicubic resampling; anything else is a shift by whole pixels,
 * and both pictures are cut to what they have in common.
 */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* Below this correlation two pictures do not show the same thing; less than this share of the smaller one in common is
 * an accident. */
#define MIN_CORRELATION .5
#define MIN_SHARE .25

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Is one side a whole number of times the other, the same on both axes, and more than once? */
static int is_whole_ratio(int width, int height, int small_width, int small_height)
{
    int n = width / small_width;
    return n > 1 && width == n * small_width && height == n * small_height;
}

static int resize(const struct compare_job *job, const struct fovea_image *test, int width, int height,
                  struct fovea_image *out)
{
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    params.width = width;
    params.height = height;
    params.method = FOVEA_METHOD_CLASSIC;
    params.kernel = FOVEA_KERNEL_BICUBIC;
    if (!cli_new_image(job->cli, out, width, height, &test->format))
        return CLI_RESOURCE;
    int code = fovea_upscale(job->cli->ctx, test, out, &params, NULL);
    return code ? cli_fail_core(job->cli, code) : CLI_OK;
}

/* Resize test if both then show the same in the same places; a part of half the size is none of that. */
static int try_to_resize(const struct compare_job *job, struct compare_pair *pair, const struct fovea_image *reference,
                         struct fovea_image *test)
{
    struct fovea_image resized = { 0 };
    struct fovea_shift shift = { 0 };
    int code = resize(job, test, reference->width, reference->height, &resized);
    if (!code && (code = fovea_metrics_shift(job->cli->ctx, reference, &resized, &shift)) != FOVEA_OK)
        code = cli_fail_core(job->cli, code);
    int most = 1 + larger(reference->width / test->width, test->width / reference->width);
    if (!code && shift.correlation >= MIN_CORRELATION && abs(shift.dx) <= most && abs(shift.dy) <= most) {
        struct fovea_image original = *test;
        *test = resized;
        resized = original;
        pair->alignment = COMPARE_RESIZED;
    }
    fovea_io_image_free(&resized);
    return code;
}

/* The rows and columns from x, y on move to the beginning of the picture. */
static void crop(struct fovea_image *image, int x, int y, int width, int height)
{
    size_t pixel = fovea_pixel_bytes(&image->format), n = (size_t)width * pixel;
    char *out = image->data;
    const char *from = out + y * image->stride_bytes + (size_t)x * pixel;
    for (int row = 0; row < height; row++, out += n, from += image->stride_bytes)
        memmove(out, from, n);
    image->width = width;
    image->height = height;
    image->stride_bytes = (ptrdiff_t)n;
}

static int cut(const struct compare_job *job, struct compare_pair *pair, struct fovea_image *reference,
               struct fovea_image *test)
{
    int code = fovea_metrics_shift(job->cli->ctx, reference, test, &pair->shift);
    if (code)
        return cli_fail_core(job->cli, code);
    int dx = pair->shift.dx, dy = pair->shift.dy, x = larger(dx, 0), y = larger(dy, 0);
    int width = smaller(reference->width, test->width + dx) - x;
    int height = smaller(reference->height, test->height + dy) - y;
    double least = MIN_SHARE * smaller(reference->width, test->width) * smaller(reference->height, test->height);
    if (pair->shift.correlation < MIN_CORRELATION || width < 1 || height < 1 || (double)width * height < least)
        return cli_fail(job->cli, CLI_INPUT,
                        "'%s' and '%s' cannot be aligned: the best shift, %d,%d, gives a correlation of %.2f only",
                        pair->paths[0], pair->paths[1], dx, dy, pair->shift.correlation);
    crop(reference, x, y, width, height);
    crop(test, x - dx, y - dy, width, height);
    if (dx || dy || pair->width[0] != pair->width[1] || pair->height[0] != pair->height[1])
        pair->alignment = COMPARE_CROPPED;
    return CLI_OK;
}

int compare_align(const struct compare_job *job, struct compare_pair *pair, struct fovea_image *reference,
                  struct fovea_image *test)
{
    int w = reference->width, h = reference->height, code = CLI_OK;
    if (is_whole_ratio(w, h, test->width, test->height) || is_whole_ratio(test->width, test->height, w, h))
        code = try_to_resize(job, pair, reference, test);
    return code || pair->alignment == COMPARE_RESIZED ? code : cut(job, pair, reference, test);
}
