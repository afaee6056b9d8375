/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Containers: round trips, equal bytes for equal content, and hostile input of every kind, which must give an error
 * with a sentence and never more.
 */
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
#include "model/container.h"
#include "model/half.h"

static const float values_a[6] = { 1.0f, -2.5f, 0.0f, 3.0e-5f, 65504.0f, -0.125f };
static const float values_b[3] = { 1.0f / 3.0f, -1.0e-30f, 7.0e20f };
static const float value_c[1] = { 42.0f };

static const struct fovi_tensor tensors[] = {
    { "b.weight", FOVI_DTYPE_F16, 2, { 2, 3, 1, 1 }, 6, values_a },
    { "a.weight", FOVI_DTYPE_F32, 1, { 3, 1, 1, 1 }, 3, values_b },
    { "c", FOVI_DTYPE_F32, 0, { 1, 1, 1, 1 }, 1, value_c },
};
static const struct fovi_meta meta[] = { { "method", "tiny" },
                                         { "licence", "quotes \" and \xc3\xa4" },
                                         { "format", "x" } };

static int set_up(void **state)
{
    return fovea_context_create((fovea_context **)state, NULL);
}

static int tear_down(void **state)
{
    assert_int_equal(fovi_alloc_held(*state), 0);
    fovea_context_free((fovea_context **)state);
    return 0;
}

static void check_content(const struct fovi_container *c)
{
    assert_int_equal(c->n_tensors, 3);
    assert_int_equal(c->n_meta, 3);
    assert_string_equal(c->tensor[0].name, "a.weight");
    const struct fovi_tensor *b = fovi_container_find(c, "b.weight");
    assert_non_null(b);
    assert_int_equal(b->n_dims, 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->shape[2], 1);
    for (int i = 0; i < 6; i++)
        assert_true(b->data[i] == fovi_half_to_float(fovi_half_from_float(values_a[i])));
    assert_memory_equal(fovi_container_find(c, "a.weight")->data, values_b, sizeof values_b);
    assert_true(fovi_container_find(c, "c")->data[0] == 42.0f);
    for (int i = 0; i < 3; i++)
        assert_int_equal((uintptr_t)c->tensor[i].data % 64, 0);
    assert_null(fovi_container_find(c, "d"));
    assert_string_equal(fovi_container_meta(c, "licence"), meta[1].value);
    assert_string_equal(fovi_container_meta(c, "nothing"), "");
}

static void test_round_trip(void **state)
{
    fovea_context *ctx = *state;
    void *bytes, *again;
    size_t n, n_again;
    struct fovi_container *c;
    assert_int_equal(fovi_container_encode(ctx, tensors, 3, meta, 3, &bytes, &n), FOVEA_OK);
    assert_int_equal(fovi_container_parse(ctx, bytes, n, &c), FOVEA_OK);
    check_content(c);
    /* what was read, in its other order, gives the same bytes */
    assert_int_equal(fovi_container_encode(ctx, c->tensor, 3, c->meta, 3, &again, &n_again), FOVEA_OK);
    assert_int_equal(n, n_again);
    assert_memory_equal(bytes, again, n);
    assert_int_equal((size_t)((const unsigned char *)bytes)[0] + 256 * (size_t)((const unsigned char *)bytes)[1] + 8,
                     n - 4 * 4 - 6 * 2);
    fovi_container_free(ctx, &c);
    assert_null(c);
    fovi_free(ctx, bytes);
    fovi_free(ctx, again);
}

static void test_write(void **state)
{
    fovea_context *ctx = *state;
    char folder[] = "fovea-container-XXXXXX", path[64], missing[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    snprintf(missing, sizeof missing, "%s/no/m.safetensors", folder);
    assert_int_equal(fovi_container_write(ctx, path, tensors, 3, meta, 3), FOVEA_OK);
    assert_int_equal(fovi_container_write(ctx, path, tensors, 3, meta, 3), FOVEA_OK);
    assert_int_equal(fovi_container_write(ctx, missing, tensors, 3, meta, 3), FOVEA_E_WRITE);
    assert_non_null(strstr(fovea_last_error(ctx), missing));
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char bytes[4096];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    struct fovi_container *c;
    assert_int_equal(fovi_container_parse(ctx, bytes, n, &c), FOVEA_OK);
    check_content(c);
    fovi_container_free(ctx, &c);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left */
}

static void test_write_refuses(void **state)
{
    fovea_context *ctx = *state;
    const struct fovi_tensor twice[] = { tensors[0], tensors[0] };
    const struct fovi_meta not_utf8[] = { { "method", "\xff" } };
    void *bytes;
    size_t n;
    assert_int_equal(fovi_container_encode(ctx, twice, 2, NULL, 0, &bytes, &n), FOVEA_E_ARG);
    assert_int_equal(fovi_container_encode(ctx, tensors, 1, not_utf8, 1, &bytes, &n), FOVEA_E_ARG);
    const struct fovi_meta key_twice[] = { meta[0], meta[0] };
    assert_int_equal(fovi_container_encode(ctx, tensors, 1, key_twice, 2, &bytes, &n), FOVEA_E_ARG);
}

/* A container with this header and n_data zero bytes after it. */
static int parse_header(fovea_context *ctx, const char *header, size_t n_data)
{
    unsigned char bytes[4096] = { 0 };
    size_t n = strlen(header);
    assert_true(n + n_data + 8 <= sizeof bytes);
    bytes[0] = (unsigned char)(n & 255);
    bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, header, n);
    struct fovi_container *c;
    int code = fovi_container_parse(ctx, bytes, 8 + n + n_data, &c);
    assert_true((code == FOVEA_OK) == (c != NULL));
    if (code)
        assert_true(strlen(fovea_last_error(ctx)) > 10);
    fovi_container_free(ctx, &c);
    return code;
}

#define T(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    size_t n_data;
    int code;
} cases[] = {
    { "{}", 0, FOVEA_OK },
    { "{\"a\":" T("F32", "[2]", "[0,8]") "}", 8, FOVEA_OK },
    { "{\"a\":" T("F32", "[]", "[0,4]") "}   ", 4, FOVEA_OK },
    { "{\"a\":" T("F16", "[1,1,1,2]", "[0,4]") ",\"__metadata__\":{\"k\":\"v\"}}", 4, FOVEA_OK },
    { "{}", 1, FOVEA_E_FORMAT }, /* bytes of no tensor */
    { "[]", 0, FOVEA_E_FORMAT },
    { " {}", 0, FOVEA_E_FORMAT },
    { "{", 0, FOVEA_E_FORMAT },
    { "{}x", 0, FOVEA_E_FORMAT },
    { "{\"a\":1}", 0, FOVEA_E_FORMAT },
    { "{\"a\":{}}", 0, FOVEA_E_FORMAT },
    { "{\"__metadata__\":[]}", 0, FOVEA_E_FORMAT },
    { "{\"__metadata__\":{\"k\":1}}", 0, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[2]", "[0,8]") "}", 7, FOVEA_E_FORMAT }, /* truncated */
    { "{\"a\":" T("F32", "[2]", "[0,4]") "}", 4, FOVEA_E_FORMAT }, /* shape against offsets */
    { "{\"a\":" T("F32", "[1]", "[4,8]") "}", 8, FOVEA_E_FORMAT }, /* gap */
    { "{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[1]", "[4,8]") "}", 8, FOVEA_E_FORMAT }, /* overlap */
    { "{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[2]", "[0,8]") "}", 8, FOVEA_E_FORMAT },
    { "{\"a\":" T("F16", "[1]", "[0,2]") ",\"b\":" T("F32", "[1]", "[2,6]") "}", 6, FOVEA_E_FORMAT }, /* alignment */
    { "{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[4,8]") "}", 8, FOVEA_E_FORMAT }, /* name twice */
    { "{\"a\":" T("F32", "[0]", "[0,0]") "}", 0, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[-1]", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1.0]", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1,1,1,1,1]", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "3", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[4611686018427387904,4]", "[0,0]") "}", 0, FOVEA_E_FORMAT }, /* product overflows to 0 */
    { "{\"a\":" T("F32", "[4611686018427387905]", "[0,4]") "}", 4, FOVEA_E_FORMAT },   /* bytes overflow to 4 */
    { "{\"a\":" T("F32", "[99999999999999999999]", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1]", "[-4,0]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1]", "[4,0]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1]", "[0,4,8]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F32", "[1]", "[0,9223372036854775807]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("F33", "[1]", "[0,4]") "}", 4, FOVEA_E_FORMAT },
    { "{\"a\":" T("BF16", "[2]", "[0,4]") "}", 4, FOVEA_E_UNSUPPORTED },
};

static void test_hostile_headers(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = parse_header(*state, cases[i].header, cases[i].n_data);
        if (code != cases[i].code)
            fail_msg("case %zu, %s: code %d in place of %d: %s", i, cases[i].header, code, cases[i].code,
                     fovea_last_error(*state));
    }
}

static void test_hostile_lengths(void **state)
{
    fovea_context *ctx = *state;
    struct fovi_container *c;
    unsigned char bytes[64] = { 0 };
    static const uint64_t lengths[] = {
        57, 1u << 24, (1u << 24) + 1, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7, 0, 1
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(bytes, '{', sizeof bytes);
        for (int k = 0; k < 8; k++)
            bytes[k] = (unsigned char)(lengths[i] >> 8 * k & 255);
        assert_int_equal(fovi_container_parse(ctx, bytes, sizeof bytes, &c), FOVEA_E_FORMAT);
    }
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(fovi_container_parse(ctx, bytes, n, &c), FOVEA_E_FORMAT);
}

/* Cut short at every length, and with random bytes changed: an error or a container, never a crash. */
static void test_damage(void **state)
{
    fovea_context *ctx = *state;
    void *bytes;
    size_t n;
    struct fovi_container *c;
    assert_int_equal(fovi_container_encode(ctx, tensors, 3, meta, 3, &bytes, &n), FOVEA_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fovi_container_parse(ctx, bytes, i, &c), FOVEA_E_FORMAT);
    struct fovi_rng rng = { 1 };
    unsigned char *damaged = malloc(n);
    assert_non_null(damaged);
    for (int round = 0; round < 20000; round++) {
        memcpy(damaged, bytes, n);
        for (int k = 0; k < 1 + round % 3; k++)
            damaged[fovi_rng_below(&rng, (uint32_t)n)] = (unsigned char)fovi_rng_next(&rng);
        if (fovi_container_parse(ctx, damaged, n, &c) == FOVEA_OK)
            fovi_container_free(ctx, &c);
    }
    free(damaged);
    fovi_free(ctx, bytes);
}

static void test_no_memory(void **state)
{
    fovea_context *ctx = *state;
    void *bytes;
    size_t n;
    struct fovi_container *c;
    int code = FOVEA_E_NOMEM;
    for (long nth = 1; code == FOVEA_E_NOMEM && nth < 50; nth++) {
        fovi_alloc_fail_nth(ctx, nth);
        code = fovi_container_encode(ctx, tensors, 3, meta, 3, &bytes, &n);
    }
    assert_int_equal(code, FOVEA_OK);
    code = FOVEA_E_NOMEM;
    for (long nth = 1; code == FOVEA_E_NOMEM && nth < 50; nth++) {
        fovi_alloc_fail_nth(ctx, nth);
        code = fovi_container_parse(ctx, bytes, n, &c);
    }
    assert_int_equal(code, FOVEA_OK);
    fovi_alloc_fail_nth(ctx, 0);
    fovi_container_free(ctx, &c);
    fovi_free(ctx, bytes);
}

static void test_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++)
        assert_int_equal(fovi_half_from_float(fovi_half_to_float((uint16_t)h)), h);
    static const struct {
        float f;
        uint16_t h;
    } known[] = { { 1.0f, 0x3c00 },       { -2.0f, 0xc000 },        { 65504.0f, 0x7bff },     { 65519.0f, 0x7bff },
                  { 65520.0f, 0x7c00 },   { 1.0e30f, 0x7c00 },      { 0x1p-24f, 0x0001 },     { 0x1p-25f, 0x0000 },
                  { 0x1.8p-25f, 0x0001 }, { 0x1.ff8p-15f, 0x03ff }, { 0x1.ffcp-15f, 0x0400 }, { 0x1.002p0f, 0x3c00 },
                  { 0x1.006p0f, 0x3c02 }, { 0x1.003p0f, 0x3c01 },   { -0.0f, 0x8000 },        { INFINITY, 0x7c00 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(fovi_half_from_float(known[i].f), known[i].h);
    assert_true(isnan(fovi_half_to_float(fovi_half_from_float(NAN))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test(test_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
