/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Layers in bfloat16: rounding, and every kernel against the reference by memcmp.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/bf16.h"

static void fill(float *p, size_t n, struct fovi_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(2.0 * fovi_rng_uniform(rng) - 1.0);
}

static void bf16_is_nearest_even(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t bits;
    } cases[] = { { 0.0f, 0 },
                  { -0.0f, 0x8000 },
                  { 1.0f, 0x3f80 },
                  { 0x1.01p0f, 0x3f80 },       /* half way, to even */
                  { 0x1.03p0f, 0x3f82 },       /* half way, to even */
                  { 0x1.010002p0f, 0x3f81 },   /* a little more */
                  { -0x1.03p0f, 0xbf82 },      /* */
                  { 0x1.fffffep127f, 0x7f80 }, /* beyond the largest */
                  { 0x1p-126f, 0x0080 },       /* the least normal one */
                  { 0x1.fcp-127f, 0 },         /* less becomes zero */
                  { INFINITY, 0x7f80 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(fovi_bf16_from_float(cases[i].value), cases[i].bits);
    uint16_t nan = fovi_bf16_from_float(NAN);
    assert_true((nan & 0x7fff) > 0x7f80);
    for (unsigned b = 0; b < 0x10000u; b++)
        if ((b & 0x7f80u) && ((b & 0x7f80u) != 0x7f80u || !(b & 0x7fu)))
            assert_int_equal(fovi_bf16_from_float(fovi_bf16_to_float((uint16_t)b)), b);
}

#define BF16_STRIDE (200 + 2 * FOVI_BF16_OVERREAD) /* pixels of a row */
#define BF16_MOST 48                               /* channels */

struct bf16_case {
    int k, c_in, c_out, prelu, is_first, scale;
};

struct bf16_layer {
    struct fovi_bf16_weights w;
    uint16_t *packed, *in, *out;
    float lanes[2 * 4 * BF16_MOST];
    const uint16_t *rows[8];
};

/* Random weights and inputs; some of each so small or large that products underflow or cancel. */
static void bf16_layer_init(struct bf16_layer *l, const struct bf16_case *c, struct fovi_rng *rng)
{
    static float weight[BF16_MOST * BF16_MOST * 25], bias[BF16_MOST], slope[BF16_MOST];
    fill(weight, sizeof weight / sizeof *weight, rng);
    fill(bias, BF16_MOST, rng);
    fill(slope, BF16_MOST, rng);
    weight[3] = 1e-38f;
    weight[5] = 0x1p-100f;
    fovi_bf16_init(&l->w, c->k, c->c_in, c->c_out, c->is_first, c->scale);
    l->packed = malloc(fovi_bf16_packed_size(&l->w) * sizeof *l->packed);
    fovi_bf16_pack(&l->w, c->is_first, weight, bias, c->prelu ? slope : NULL, l->packed, l->lanes,
                   l->lanes + 4 * BF16_MOST);
    ptrdiff_t row = (ptrdiff_t)BF16_STRIDE * l->w.c_in;
    l->in = malloc((size_t)(8 * row) * sizeof *l->in);
    for (ptrdiff_t i = 0; i < 8 * row; i++) {
        double v = 2.0 * fovi_rng_uniform(rng) - 1.0;
        l->in[i] = fovi_bf16_from_float((float)(fovi_rng_below(rng, 50) ? v : v * 1e-36));
    }
    for (int i = 0; i < 8; i++)
        l->rows[i] = l->in + i * row + (ptrdiff_t)FOVI_BF16_OVERREAD / 2 * l->w.c_in;
}

/* Outputs of the kernel, with guards around. */
static void bf16_run(const struct fovi_bf16_dsp *dsp, const struct bf16_layer *l, int x0, int x1, unsigned char *out,
                     size_t size)
{
    static float memory[FOVI_BF16_SCRATCH + 16];
    float *scratch = memory + (64 - (uintptr_t)memory % 64) % 64 / sizeof *memory;
    memset(out, 0x5a, size);
    uint16_t *dst[4];
    float *last[16];
    for (int i = 0; i < 4; i++)
        dst[i] = (uint16_t *)(void *)out + (ptrdiff_t)i * BF16_STRIDE * l->w.c_out + 64;
    for (int i = 0; i < 4 * l->w.scale; i++)
        last[i] = (float *)(void *)out + (ptrdiff_t)i * BF16_STRIDE * l->w.scale + 64;
    if (l->w.scale)
        dsp->last(&l->w, l->rows, last, x1 % 4 + 1, x0, x1, scratch);
    else
        dsp->conv(&l->w, l->rows, dst, x0, x1, scratch);
}

static void bf16_compare(const struct fovi_bf16_dsp *dsp, const struct bf16_case *c, struct fovi_rng *rng)
{
    static const int spans[][2] = { { 0, 1 },   { 0, 15 },   { 0, 16 },  { 4, 20 }, { 12, 29 },
                                    { 0, 130 }, { 16, 113 }, { 4, 199 }, { 8, 8 } };
    struct bf16_layer l;
    bf16_layer_init(&l, c, rng);
    size_t size = (size_t)(4 * BF16_STRIDE) * (size_t)(c->scale ? c->scale * c->scale * 4 : c->c_out * 2) + 512;
    unsigned char *expected = malloc(size), *got = malloc(size);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        bf16_run(&fovi_bf16_dsp_c, &l, spans[i][0], spans[i][1], expected, size);
        bf16_run(dsp, &l, spans[i][0], spans[i][1], got, size);
        if (memcmp(expected, got, size) != 0)
            fail_msg("bfloat16, %dx%d %d -> %d, columns %d..%d differ", c->k, c->k, c->c_in, c->c_out, spans[i][0],
                     spans[i][1]);
    }
    free(expected);
    free(got);
    free(l.packed);
    free(l.in);
}

static void bf16_compare_rows(const struct fovi_bf16_dsp *dsp, struct fovi_rng *rng)
{
    static float src[100];
    static uint16_t expected[500], got[500];
    fill(src, 100, rng);
    src[7] = 1e-39f;
    src[8] = 3e38f;
    for (int n = 0; n < 70; n++) {
        memset(expected, 0x5a, sizeof expected);
        memset(got, 0x5a, sizeof got);
        fovi_bf16_dsp_c.split(src, 1.0f / 255.0f, expected, n % 5, n);
        dsp->split(src, 1.0f / 255.0f, got, n % 5, n);
        assert_memory_equal(expected, got, sizeof got);
        memcpy(got, expected, sizeof got);
        fovi_bf16_dsp_c.add(expected, expected + 61, expected + 300, n);
        dsp->add(got, got + 61, got + 300, n);
        assert_memory_equal(expected, got, sizeof got);
        fovi_bf16_dsp_c.place(expected + n, n / 2 * 2, expected + 200, n + 2 - n % 2, 3);
        dsp->place(got + n, n / 2 * 2, got + 200, n + 2 - n % 2, 3);
        assert_memory_equal(expected, got, sizeof got);
    }
}

/* The gate in bfloat16 for every o, x of several sizes: near the exact value, and the same bytes. */
static void bf16_compare_gates(const struct fovi_bf16_dsp *dsp)
{
    static uint16_t o[0x10000], x[0x10000], expected[0x10000], got[0x10000 + 8];
    double worst = 0.0;
    for (unsigned i = 0; i < 0x10000u; i++) {
        o[i] = (uint16_t)i;
        x[i] = fovi_bf16_from_float((float)(i % 7) * 0.3f - 0.9f);
    }
    fovi_bf16_dsp_c.gate(o, x, expected, 0x10000);
    for (unsigned i = 0; i < 0x10000u; i++) {
        double v = (double)fovi_bf16_to_float(o[i]), u = (double)fovi_bf16_to_float(x[i]);
        if (!(fabs(v) < 1e30 && fabs(v) > 1e-30))
            continue;
        double sum = (double)(float)(v + u), exact = sum * 0.5 * tanh(0.5 * v);
        double error = fabs((double)fovi_bf16_to_float(expected[i]) - exact);
        error /= (0x1p-8 + 3e-4) * fabs(exact) + 1e-7 * fabs(sum) + 1e-37;
        worst = error > worst ? error : worst;
    }
    if (!(worst < 1.0))
        fail_msg("the gate in bfloat16 is off by %g", worst);
    for (int n = 0; n <= 70; n++) {
        memset(got, 0x5a, sizeof got);
        int first = 0x3f80 + n;
        dsp->gate(o + first, x + first, got, n);
        assert_memory_equal(expected + first, got, (size_t)n * sizeof *got);
        assert_int_equal(got[n], 0x5a5a);
    }
    dsp->gate(o, x, got, 0x10000);
    assert_memory_equal(expected, got, sizeof expected);
}

static void amx_equals_reference(void **state)
{
    (void)state;
    static const struct bf16_case cases[] = {
        { 3, 16, 16, 1, 0, 0 }, { 3, 1, 16, 1, 1, 0 },  { 3, 16, 4, 0, 0, 2 },  { 3, 16, 9, 0, 0, 3 },
        { 3, 32, 16, 1, 0, 4 }, { 3, 32, 32, 1, 0, 0 }, { 3, 48, 48, 0, 0, 0 }, { 5, 16, 16, 1, 0, 0 },
        { 1, 16, 32, 0, 0, 0 }, { 3, 12, 14, 1, 0, 0 }, { 3, 28, 28, 1, 0, 0 }, { 5, 1, 8, 1, 1, 0 },
        { 1, 8, 4, 1, 0, 2 },   { 5, 6, 4, 1, 0, 2 },   { 3, 2, 2, 1, 0, 0 },
    };
    fovea_context *ctx;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    uint32_t cpu = fovea_context_cpu(ctx);
    fovea_context_free(&ctx);
    if (!(cpu & FOVEA_CPU_AMX)) {
        print_message("this processor has no AMX\n");
        skip();
    }
    const struct fovi_bf16_dsp *dsp = fovi_bf16_dsp_get(cpu);
    struct fovi_rng rng = { 9 };
    assert_ptr_not_equal(dsp->conv, fovi_bf16_dsp_c.conv);
    assert_ptr_not_equal(dsp->last, fovi_bf16_dsp_c.last);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        bf16_compare(dsp, &cases[i], &rng);
    bf16_compare_rows(dsp, &rng);
    bf16_compare_gates(dsp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_is_nearest_even),
        cmocka_unit_test(amx_equals_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
