/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Colour and alpha: the transfer curve, plain levels that stay, light, float pictures, masks.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "color/transfer.h"
#include "fovea/fovea.h"

static const struct fovea_upscale_params defaults = FOVEA_UPSCALE_DEFAULTS;

static struct fovea_image new_image(int width, int height, enum fovea_sample sample, int n_channels, int has_alpha)
{
    struct fovea_image image = { width, height, { sample, n_channels, has_alpha }, NULL, 0 };
    image.stride_bytes = (ptrdiff_t)((size_t)width * fovea_pixel_bytes(&image.format));
    image.data = calloc((size_t)height, (size_t)image.stride_bytes);
    assert_non_null(image.data);
    return image;
}

static struct fovea_image enlarge(const struct fovea_image *in, const struct fovea_upscale_params *params)
{
    struct fovea_context_params context = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    int width, height;
    context.n_threads = 2;
    assert_int_equal(fovea_context_create(&ctx, &context), FOVEA_OK);
    assert_int_equal(fovea_output_size(ctx, in->width, in->height, params, &width, &height), FOVEA_OK);
    struct fovea_image out = new_image(width, height, in->format.sample, in->format.n_channels, in->format.has_alpha);
    if (fovea_upscale(ctx, in, &out, params, NULL))
        fail_msg("%s", fovea_last_error(ctx));
    fovea_context_free(&ctx);
    return out;
}

static void curve_and_inverse_agree(void **state)
{
    (void)state;
    assert_true(fovi_transfer_encode(0.0f) == 0.0f && fabsf(fovi_transfer_encode(1.0f) - 1.0f) < 1e-7f);
    assert_true(fabsf(fovi_transfer_encode(0.5f) - 0.735357f) < 1e-6f); /* IEC 61966-2-1 */
    assert_true(fabsf(fovi_transfer_encode(0.001f) - 0.01292f) < 1e-7f);
    float before = -1e30f;
    for (double v = 1e-6; v < 1e5; v *= 1.003) {
        float linear = (float)v, e = fovi_transfer_encode(linear), back = fovi_transfer_decode(e);
        assert_true(e > before);
        before = e;
        if (!(fabs((double)back - (double)linear) <= 3e-6 * v))
            fail_msg("%g became %g", v, (double)back);
        assert_true(fovi_transfer_encode(-linear) == -e);
    }
    assert_true(isnan(fovi_transfer_encode(NAN)) && isinf(fovi_transfer_encode(INFINITY)));
}

static void plain_levels_stay_at_every_scale(void **state)
{
    (void)state;
    static const double scales[] = { 0.6, 1.37, 2.0, 3.0, 4.0, 5.0 };
    static const int levels[] = { 0, 127, 255 };
    for (int i = 0; i < 3 * 6 * 4; i++) {
        struct fovea_image in = new_image(40, 37, FOVEA_SAMPLE_U8, 4, 1);
        struct fovea_upscale_params p = defaults;
        int level = levels[i % 3];
        memset(in.data, 255, (size_t)in.height * (size_t)in.stride_bytes);
        for (int k = 0; k < in.width * in.height * 4; k++)
            if (k % 4 < 3)
                ((uint8_t *)in.data)[k] = (uint8_t)level;
        p.scale = scales[i / 3 % 6];
        p.method = (enum fovea_method)(i / 18);
        p.network = "tiny";
        struct fovea_image out = enlarge(&in, &p);
        for (int k = 0; k < out.width * out.height * 4; k++)
            assert_int_equal(((uint8_t *)out.data)[k], k % 4 < 3 ? level : 255);
        free(out.data);
        free(in.data);
    }
}

/* Black and white pixels in turn, reduced: half the light, or half the level. */
static void light_is_averaged_as_light(void **state)
{
    (void)state;
    struct fovea_image in = new_image(64, 64, FOVEA_SAMPLE_U8, 1, 0);
    for (int i = 0; i < 64 * 64; i++)
        ((uint8_t *)in.data)[i] = (i + i / 64) % 2 ? 255 : 0;
    for (int linear = 0; linear < 2; linear++) {
        struct fovea_upscale_params p = defaults;
        p.scale = 0.25;
        p.method = FOVEA_METHOD_CLASSIC;
        p.linear_light = linear;
        struct fovea_image out = enlarge(&in, &p);
        assert_in_range(((uint8_t *)out.data)[8 * 16 + 8], linear ? 187 : 127, linear ? 189 : 129);
        free(out.data);
    }
    free(in.data);
}

/* A float picture with a highlight of 50 on dark grey: it keeps its brightness, and nothing turns negative far off. */
static void highlights_are_kept(void **state)
{
    (void)state;
    struct fovea_image in = new_image(64, 64, FOVEA_SAMPLE_F32, 3, 0);
    for (int i = 0; i < 64 * 64 * 3; i++) {
        int x = i / 3 % 64, y = i / 3 / 64;
        ((float *)in.data)[i] = hypot(x - 31.5, y - 31.5) < 12.0 ? 50.0f : 0.05f + 0.01f * (float)((x + y) % 7);
    }
    for (int m = 0; m <= (int)FOVEA_METHOD_NETWORK; m++) {
        struct fovea_upscale_params p = defaults;
        p.method = (enum fovea_method)m;
        p.network = "tiny";
        struct fovea_image out = enlarge(&in, &p);
        float centre = ((float *)out.data)[(64 * 128 + 64) * 3], corner = ((float *)out.data)[(8 * 128 + 8) * 3];
        assert_true(fabsf(centre - 50.0f) < 0.01f);
        assert_true(corner > 0.03f && corner < 0.13f);
        free(out.data);
    }
    free(in.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve_and_inverse_agree),
        cmocka_unit_test(plain_levels_stay_at_every_scale),
        cmocka_unit_test(light_is_averaged_as_light),
        cmocka_unit_test(highlights_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
