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
 * AMX (Sapphire Rapids); portable C on a Zen 3, medium there by its multiply-adds against small's, at x3, where it does
 * not exist yet, between its neighbours. */
static const double cost_ns[FOVI_ROUTE_N_RUNGS][3][N_SPEEDS] = {
    { { 540, 7.9, 5.5, 5 }, { 1200, 14.5, 14.3, 9.5 }, { 2240, 19.3, 15.7, 12.8 } },
    { { 34500, 110, 82, 16 }, { 38500, 122, 90, 23 }, { 42600, 129, 94.5, 19.4 } },
    { { 197000, 615, 423, 59 }, { 202000, 635, 441, 66 }, { 209000, 655, 450, 63.5 } },
    { { 505000, 1600, 1120, 196 }, { 515000, 1620, 1150, 198 }, { 530000, 1645, 1175, 200 } },
};

/* A pixel of the halo counts as this many others, [rung][speed]: regions are made in whole vectors, and a few columns
 * take as long as a dozen. From bench_route, too. */
static const double edge_cost[FOVI_ROUTE_N_RUNGS][N_SPEEDS] = {
    { 1, 1, 1, 1 },
    { 1, 1.4, 1.8, 5.0 },
    { 1, 1.2, 1.4, 2.3 },
    { 1, 1.1, 1.1, 1.3 },
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
 * for the usual loss saves; in bfloat16, where short intervals take long, more is needed. */
#define LEAST_WORK_MS 15.0
#define LEAST_WORK_BF16_MS 60.0
#define USUAL_LOSS_DB 0.05

/* A network that takes less for a pixel is so fast that analysis, decision and filter take what they save: photographs
 * in bfloat16 with small on top took between 0.96 and 1.14 of its time everywhere, at any loss; with medium on top 0.67
 * to 0.9. */
#define LEAST_NS 100.0

int fovi_route_pays(int top, int scale, int is_bf16, double px, double max_loss_db)
{
    double ns = cost_ns[top][scale - 2][is_bf16 ? SPEED_AMX : SPEED_AVX2];
    double least_ms = is_bf16 ? LEAST_WORK_BF16_MS : LEAST_WORK_MS;
    return top > FOVI_ROUTE_FILTER && ns >= LEAST_NS && px * ns * 1e-6 * max_loss_db >= least_ms * USUAL_LOSS_DB;
}

void fovi_route_params_init(const fovea_context *ctx, int scale, unsigned bf16, struct fovi_route_params *p)
{
    *p = (struct fovi_route_params){ .scale = scale, .bf16 = bf16, .max_loss_db = 0.05, .n_threads = 1 };
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
