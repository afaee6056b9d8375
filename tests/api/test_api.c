/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The library as a user has it: documented defaults, what NULL means, error names and sentences, destroyers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fovea/fovea.h"

static void context_defaults(void **state)
{
    (void)state;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    assert_int_equal(params.api, FOVEA_API_VERSION);
    assert_int_equal(params.n_threads, 0);
    assert_true(params.cpu_mask == FOVEA_CPU_ALL);
    assert_int_equal(params.memory_bytes, 0);
    fovea_context *a = NULL, *b = NULL;
    assert_int_equal(fovea_context_create(&a, NULL), FOVEA_OK);
    assert_int_equal(fovea_context_create(&b, &params), FOVEA_OK);
    assert_true(fovea_context_threads(a) >= 1);
    assert_int_equal(fovea_context_threads(a), fovea_context_threads(b));
    assert_int_equal(fovea_context_cpu(a), fovea_context_cpu(b));
    fovea_context_free(&a);
    fovea_context_free(&b);
}

static void contexts_are_independent(void **state)
{
    (void)state;
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *a = NULL, *b = NULL;
    params.n_threads = 3;
    params.cpu_mask = 0;
    assert_int_equal(fovea_context_create(&a, &params), FOVEA_OK);
    params.n_threads = 1;
    params.cpu_mask = FOVEA_CPU_ALL;
    assert_int_equal(fovea_context_create(&b, &params), FOVEA_OK);
    assert_int_equal(fovea_context_threads(a), 3);
    assert_int_equal(fovea_context_cpu(a), 0);
    assert_int_equal(fovea_context_threads(b), 1);
    fovea_context_free(&a);
    assert_string_equal(fovea_last_error(b), "");
    fovea_context_free(&b);
}

static void destroyers_take_null_and_give_null(void **state)
{
    (void)state;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    fovea_context_free(&ctx);
    assert_null(ctx);
    fovea_context_free(&ctx);
    fovea_context_free(NULL);
}

static void every_error_has_its_own_name(void **state)
{
    (void)state;
    for (int a = FOVEA_E_INTERNAL; a <= FOVEA_OK; a++) {
        assert_non_null(fovea_error_name(a));
        assert_true(strlen(fovea_error_name(a)) > 4);
        for (int b = FOVEA_E_INTERNAL; b < a; b++)
            assert_string_not_equal(fovea_error_name(a), fovea_error_name(b));
    }
    assert_string_equal(fovea_error_name(FOVEA_E_NOMEM), "out of memory");
    assert_string_equal(fovea_error_name(1), fovea_error_name(-1000));
    assert_string_equal(fovea_last_error(NULL), "");
}

static void pixel_sizes(void **state)
{
    (void)state;
    struct fovea_format format = { FOVEA_SAMPLE_U16, 4, 1 };
    assert_int_equal(fovea_sample_bytes(FOVEA_SAMPLE_F32), 4);
    assert_int_equal(fovea_pixel_bytes(&format), 8);
    format.n_channels = FOVEA_MAX_CHANNELS + 1;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
    format.n_channels = 0;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
    format.n_channels = 3;
    format.sample = (enum fovea_sample)99;
    assert_int_equal(fovea_pixel_bytes(&format), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_defaults),
        cmocka_unit_test(contexts_are_independent),
        cmocka_unit_test(destroyers_take_null_and_give_null),
        cmocka_unit_test(every_error_has_its_own_name),
        cmocka_unit_test(pixel_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
