/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How fast networks are trained: steps a second on patches of noise, with 1 thread and with all, and their arithmetic
 * as a share of what this processor can multiply and add in f32. A step counts as three times the multiply-adds of
 * running the network, less the gradient by the input of the first layer; that filters save products is not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net_train.h"

#define SIDE 128
#define MIN_MS 2000.0

/* A recipe as it comes from a file. */
static const char *const recipes[] = {
    "method tiny\nlayers conv3x3 1 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16 prelu; "
    "conv3x3 16 16 prelu; conv3x3 16 16; shuffle 4; add base\nsteps 1000000\n",
    "method small\nlayers conv3x3 1 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; "
    "conv3x3 32 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; add 0; conv3x3 32 16; shuffle 4; add base\n"
    "steps 1000000\n",
    "method tiny-video\nlayers unshuffle 2; conv3x3 4 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16 prelu; "
    "conv3x3 16 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16 prelu; conv3x3 16 16; add 4; conv3x3 16 16; shuffle 4; "
    "add base\npatch 64\nsteps 1000000\n",
    "method medium\nlayers conv3x3 1 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; "
    "conv3x3 32 32 prelu; conv3x3 32 32 prelu; conv3x3 32 32 prelu; add 0; conv3x3 32 32 prelu; conv3x3 32 32; add 7; "
    "conv3x3 32 32 prelu; conv3x3 32 32; add 10; conv3x3 32 32 prelu; conv3x3 32 32; add 13; conv3x3 32 32 prelu; "
    "conv3x3 32 32; add 16; conv3x3 32 32 prelu; conv3x3 32 32; add 19; conv3x3 32 16; shuffle 4; add base\n"
    "steps 1000000\n",
};

static int make_set(int scale, struct train_set *set)
{
    struct fovi_rng rng = { 1 };
    size_t n = SIDE * SIDE, n_fine = n * (size_t)(scale * scale);
    *set = (struct train_set){ .scale = scale, .n = 1 };
    set->picture = calloc(1, sizeof *set->picture);
    set->area_end = calloc(1, sizeof *set->area_end);
    if (!set->picture || !set->area_end)
        return 0;
    struct train_picture *p = set->picture;
    *p = (struct train_picture){ .width = SIDE, .height = SIDE };
    p->lr = malloc(n * sizeof *p->lr);
    p->residual = malloc(n_fine * sizeof *p->residual);
    for (size_t i = 0; p->lr && i < n; i++)
        p->lr[i] = (uint16_t)fovi_rng_below(&rng, 65280);
    for (size_t i = 0; p->residual && i < n_fine; i++)
        p->residual[i] = (int16_t)((int)fovi_rng_below(&rng, 2000) - 1000);
    set->area_end[0] = (int64_t)n;
    return p->lr && p->residual;
}

/* Multiply-adds of a step. */
static double step_macs(const struct train_recipe *r)
{
    const struct fovi_layer *first = &r->graph.layer[0];
    double px = (double)r->patch * r->patch * r->batch, u = r->graph.unshuffle;
    return px * (3.0 * (double)fovi_graph_macs(&r->graph) - first->k * first->k * first->c_in * first->c_out / (u * u));
}

/* 10^9 multiply-adds a second that one core makes with its widest vectors: ten chains in registers. */
#define PEAK_CHAINS 10
#define PEAK_ROUNDS 20000000
#define FMA(v, one, acc) "vfmadd231ps " one ", " one ", %%" v #acc "\n\t"
#define FIVE(v, one, a, b, c, d, e) FMA(v, one, a) FMA(v, one, b) FMA(v, one, c) FMA(v, one, d) FMA(v, one, e)
#define CLOBBERED                                                                                              \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13", "xmm14", "xmm15"
static double peak_gmacs(uint32_t cpu)
{
    double start = fovi_clock_ms();
    int n = PEAK_ROUNDS;
    if (!(cpu & FOVEA_CPU_AVX2))
        return 0.0;
#if defined(__x86_64__)
    __asm__ volatile("vzeroall" ::: CLOBBERED);
    if (cpu & FOVEA_CPU_AVX512)
        __asm__ volatile("1:\n\t" FIVE("zmm", "%%zmm15", 0, 1, 2, 3, 4)
                             FIVE("zmm", "%%zmm15", 5, 6, 7, 8, 9) "dec %0\n\tjnz 1b\n\tvzeroupper"
                         : "+r"(n)::"cc", CLOBBERED);
    else
        __asm__ volatile("1:\n\t" FIVE("ymm", "%%ymm15", 0, 1, 2, 3, 4)
                             FIVE("ymm", "%%ymm15", 5, 6, 7, 8, 9) "dec %0\n\tjnz 1b\n\tvzeroupper"
                         : "+r"(n)::"cc", CLOBBERED);
#endif
    (void)n;
    return (cpu & FOVEA_CPU_AVX512 ? 16.0 : 8.0) * PEAK_CHAINS * PEAK_ROUNDS / ((fovi_clock_ms() - start) * 1e6);
}

/* Steps a second; 0 on failure. */
static double measure(fovea_context *ctx, const struct train_recipe *recipe, const struct train_set *set)
{
    struct train_net net;
    double rate = 0.0;
    int n = 0;
    if (train_net_init(ctx, &net, recipe, set) == FOVEA_OK) {
        train_net_step(&net);
        double start = fovi_clock_ms(), now = start;
        for (; now - start < MIN_MS; now = fovi_clock_ms(), n++)
            train_net_step(&net);
        rate = n * 1e3 / (now - start);
    }
    train_net_free(&net);
    return rate;
}

static int bench(fovea_context *ctx, const char *text)
{
    static struct train_recipe recipe;
    struct train_set set = { 0 };
    FILE *file = tmpfile();
    if (!file || fputs(text, file) < 0)
        return 0;
    rewind(file);
    int ok = train_recipe_read(ctx, "recipe", file, &recipe) == FOVEA_OK && make_set(recipe.graph.scale, &set);
    fclose(file);
    double rate = ok ? measure(ctx, &recipe, &set) : 0.0, gmacs = rate * step_macs(&recipe) * 1e-9;
    int n_threads = fovea_context_threads(ctx);
    double peak = peak_gmacs(fovea_context_cpu(ctx)) * n_threads;
    if (ok)
        printf("%-10s x%d, %d thread%s: %7.2f steps a second, %6.1f GMAC/s%s", recipe.method, recipe.graph.scale,
               n_threads, n_threads > 1 ? "s" : "", rate, gmacs, peak > 0.0 ? "" : "\n");
    if (ok && peak > 0.0)
        printf(", %.0f %% of %.1f\n", 100.0 * gmacs / peak, peak);
    train_set_free(&set);
    return rate > 0.0;
}

int main(void)
{
    int ok = 1;
    for (int threads = 1; ok && threads >= 0; threads--) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = threads;
        fovea_context *ctx;
        if (fovea_context_create(&ctx, &params))
            return 1;
        for (size_t i = 0; ok && i < sizeof recipes / sizeof *recipes; i++)
            ok = bench(ctx, recipes[i]);
        if (!ok)
            fprintf(stderr, "bench_train: %s\n", fovea_last_error(ctx));
        fovea_context_free(&ctx);
    }
    return !ok;
}
