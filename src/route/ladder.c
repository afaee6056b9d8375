/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ladder and what its rungs cost.
 */
#include "route/route.h"

const struct fovi_route_rung fovi_route_ladder[FOVI_ROUTE_N_RUNGS] = {
    { "filter", FOVEA_PATH_FILTER, 0, { 0 } },
    { "tiny", FOVEA_PATH_TINY, 6, { 144, 2304, 2304, 2304, 2304, 144 } },
    { "small", FOVEA_PATH_SMALL, 8, { 288, 9216, 9216, 9216, 9216, 9216, 9216, 288 } },
    { "medium",
      FOVEA_PATH_MEDIUM,
      18,
      { 288, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 9216, 288 } },
};

/* What a machine has: portable C, AVX2 (and NEON), AVX-512, bfloat16 by AMX. */
enum speed { SPEED_C, SPEED_AVX2, SPEED_AVX512, SPEED_AMX, N_SPEEDS };

/* Nanoseconds for an input pixel on one thread, [rung][scale - 2][speed]: as bench_route measured them on a Xeon with
 * AMX (Sapphire Rapids); portable C on a Zen 3,
 * medium by its multiply-adds against small's. */
static const double cost_ns[FOVI_ROUTE_N_RUNGS][3][N_SPEEDS] = {
    { { 540, 9.0, 6.5, 6.5 }, { 1200, 17.5, 16.5, 16.5 }, { 2240, 21, 17.5, 17.5 } },
    { { 34500, 116, 102, 22 }, { 38500, 128, 112, 27 }, { 42600, 136, 123, 28 } },
    { { 197000, 645, 540, 84 }, { 202000, 670, 562, 90 }, { 209000, 690, 585, 92 } },
    { { 505000, 1650, 1380, 215 }, { 515000, 1710, 1430, 230 }, { 530000, 1760, 1490, 235 } },
};

/* A pixel of the halo counts as this many others, [rung][speed]: regions are made in whole vectors, and a few columns
 * take as long as a dozen. */
static const double edge_cost[FOVI_ROUTE_N_RUNGS][N_SPEEDS] = {
    { 1, 1, 1, 1 },
    { 1, 1.3, 2.0, 2.3 },
    { 1, 1.3, 1.9, 1.6 },
    { 1, 1.6, 2.0, 1.8 },
};

static enum speed speed_of(uint32_t cpu, int is_bf16)
{
    if (is_bf16 && (cpu & FOVEA_CPU_AMX))
        return SPEED_AMX;
    return cpu & FOVEA_CPU_AVX512 ? SPEED_AVX512 : cpu & (FOVEA_CPU_AVX2 | FOVEA_CPU_NEON) ? SPEED_AVX2 : SPEED_C;
}

double fovi_route_macs(int rung, int scale)
{
    const struct fovi_route_rung *r = &fovi_route_ladder[rung];
    double macs = 0.0;
    for (int l = 0; l < r->n_layers; l++)
        macs += (double)r->macs[l] * (l == r->n_layers - 1 ? scale * scale : 1);
    return macs;
}

double fovi_route_cost(int rung, int scale, uint32_t cpu, int is_bf16)
{
    return cost_ns[rung][scale - 2][speed_of(cpu, is_bf16)];
}

/* Below this much work of the top network, on one thread, a decision and the models for it take longer than a decision
 * for the usual loss saves. */
#define LEAST_WORK_MS 15.0
#define USUAL_LOSS_DB 0.05

/* A network that takes less for a pixel is so fast that analysis, decision and filter take what they save: photographs
 * in bfloat16 with small on top took between 0.96 and 1.14 of its time everywhere, at any loss. */
#define LEAST_NS 100.0

int fovi_route_pays(int top, int scale, int is_bf16, double px, double max_loss_db)
{
    double ns = cost_ns[top][scale - 2][is_bf16 ? SPEED_AMX : SPEED_AVX2];
    return top > FOVI_ROUTE_FILTER && ns >= LEAST_NS && px * ns * 1e-6 * max_loss_db >= LEAST_WORK_MS * USUAL_LOSS_DB;
}

void fovi_route_params_init(const fovea_context *ctx, int scale, unsigned bf16, struct fovi_route_params *p)
{
    *p = (struct fovi_route_params){ .scale = scale, .max_loss_db = 0.05, .n_threads = 1 };
    p->allow = 1u << FOVI_ROUTE_FILTER;
    for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS; rung++)
        if (fovi_route_model_builtin(rung, scale))
            p->allow |= 1u << rung;
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++) {
        /* in float alike everywhere; bfloat16 only runs where it is fast, unless it is asked for */
        enum speed reference = bf16 ? SPEED_AMX : SPEED_AVX2;
        p->ns_per_px[rung] = cost_ns[rung][scale - 2][reference];
        p->edge[rung] = edge_cost[rung][reference];
        p->budget_ns_per_px[rung] = fovi_route_cost(rung, scale, fovea_context_cpu(ctx), (int)(bf16 >> rung & 1u));
    }
}
