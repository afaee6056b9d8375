/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernels between samples and planes: each instruction level gives the reference's bytes at every width and number
 * of channels, and touches nothing beyond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fovea/common.h"
#include "image/convert_dsp.h"

enum { MOST_CHANNELS = 6, MOST_WIDTH = 150, GUARD = 0x5a };

static const uint32_t levels[] = { FOVEA_CPU_AVX2, FOVEA_CPU_ALL };
#define N_LEVELS (sizeof levels / sizeof *levels)

static const struct fovi_convert_dsp *kernels(size_t level)
{
    const struct fovi_convert_dsp *dsp = fovi_convert_dsp_get(levels[level] & fovi_cpu_detect());
    assert_true((levels[level] & fovi_cpu_detect() & (FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512)) == 0 ||
                dsp != fovi_convert_dsp_get(0));
    return dsp;
}

/* Levels of all kinds: within the range, at exact halves, beyond it, no numbers. */
static float level_at(struct fovi_rng *rng)
{
    static const float odd[] = { NAN, INFINITY, -INFINITY, -0.0f, 254.5f, 255.0f, 255.5f, 1e30f, -1e30f, 1e-40f, 0.5f };
    uint32_t kind = fovi_rng_below(rng, 8);
    if (kind == 0)
        return odd[fovi_rng_below(rng, sizeof odd / sizeof *odd)];
    if (kind == 1)
        return (float)fovi_rng_below(rng, 256) + 0.5f;
    if (kind == 2)
        return (float)fovi_rng_below(rng, 65536) / 257.0f;
    return (float)(fovi_rng_uniform(rng) * 300.0 - 20.0);
}

/* Memory that ends exactly where it may be touched. */
struct planes {
    float *plane[MOST_CHANNELS];
};

static struct planes make_planes(int n_channels, int n, struct fovi_rng *rng)
{
    struct planes p;
    for (int c = 0; c < n_channels; c++) {
        p.plane[c] = malloc(sizeof(float) * (size_t)n);
        assert_non_null(p.plane[c]);
        for (int x = 0; x < n; x++)
            p.plane[c][x] = rng ? level_at(rng) : -1.0f;
    }
    return p;
}

static void free_planes(const struct planes *p, int n_channels)
{
    for (int c = 0; c < n_channels; c++)
        free(p->plane[c]);
}

static void check_load(const struct fovi_convert_dsp *dsp, int n_channels, int n, struct fovi_rng *rng)
{
    const struct fovi_convert_dsp *reference = fovi_convert_dsp_get(0);
    size_t n_samples = (size_t)(n * n_channels);
    uint8_t *bytes = malloc(n_samples);
    uint16_t *words = malloc(2 * n_samples);
    assert_true(bytes && words);
    for (size_t i = 0; i < n_samples; i++) {
        words[i] = (uint16_t)fovi_rng_below(rng, 65536);
        bytes[i] = (uint8_t)words[i];
    }
    for (int is_word = 0; is_word < 2; is_word++) {
        struct planes want = make_planes(n_channels, n, NULL), have = make_planes(n_channels, n, NULL);
        if (is_word) {
            reference->load_u16(words, n_channels, n, want.plane);
            dsp->load_u16(words, n_channels, n, have.plane);
        } else {
            reference->load_u8(bytes, n_channels, n, want.plane);
            dsp->load_u8(bytes, n_channels, n, have.plane);
        }
        for (int c = 0; c < n_channels; c++)
            assert_memory_equal(want.plane[c], have.plane[c], sizeof(float) * (size_t)n);
        free_planes(&want, n_channels);
        free_planes(&have, n_channels);
    }
    free(bytes);
    free(words);
}

static void check_store(const struct fovi_convert_dsp *dsp, int n_channels, int n, struct fovi_rng *rng)
{
    const struct fovi_convert_dsp *reference = fovi_convert_dsp_get(0);
    struct planes p = make_planes(n_channels, n, rng);
    const float *planes[MOST_CHANNELS];
    for (int c = 0; c < n_channels; c++)
        planes[c] = p.plane[c];
    size_t n_bytes = 2 * (size_t)(n * n_channels);
    char *want = malloc(n_bytes), *have = malloc(n_bytes);
    assert_true(want && have);
    memset(want, GUARD, n_bytes);
    memset(have, GUARD, n_bytes);
    reference->store_u8(planes, n_channels, n, (uint8_t *)want);
    dsp->store_u8(planes, n_channels, n, (uint8_t *)have);
    assert_memory_equal(want, have, n_bytes);
    reference->store_u16(planes, n_channels, n, (uint16_t *)(void *)want);
    dsp->store_u16(planes, n_channels, n, (uint16_t *)(void *)have);
    assert_memory_equal(want, have, n_bytes);
    free(want);
    free(have);
    free_planes(&p, n_channels);
}

static void check_luma(const struct fovi_convert_dsp *dsp, int n, struct fovi_rng *rng)
{
    struct planes p = make_planes(5, n, rng);
    for (int c = 0; c < 3; c++)
        for (int x = 0; x < n; x++)
            p.plane[c][x] = p.plane[c][x] > -1e5f && p.plane[c][x] < 1e5f ? p.plane[c][x] : 0.0f;
    const float *planes[3] = { p.plane[0], p.plane[1], p.plane[2] };
    fovi_convert_dsp_get(0)->luma(planes, n, p.plane[3]);
    dsp->luma(planes, n, p.plane[4]);
    assert_memory_equal(p.plane[3], p.plane[4], sizeof(float) * (size_t)n);
    free_planes(&p, 5);
}

static void kernels_give_the_bytes_of_the_reference(void **state)
{
    (void)state;
    struct fovi_rng rng = { 3 };
    for (size_t level = 0; level < N_LEVELS; level++) {
        const struct fovi_convert_dsp *dsp = kernels(level);
        for (int n_channels = 1; n_channels <= MOST_CHANNELS; n_channels++) {
            for (int n = 1; n <= MOST_WIDTH; n += 1 + n / 40) {
                check_load(dsp, n_channels, n, &rng);
                check_store(dsp, n_channels, n, &rng);
            }
        }
        for (int n = 1; n <= MOST_WIDTH; n++)
            check_luma(dsp, n, &rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(kernels_give_the_bytes_of_the_reference) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
