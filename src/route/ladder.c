/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ladder and what its rungs cost.
 */
#include "route/route.h"

const struct fovi_route_rung fovi_route_ladder[FOVI_ROUTE_N_RUNGS] = {
    { "filter", FOVEA_PATH_FILTER, 0, { 0 } },
    { "tiny", FOVEA_PATH_TINY, 6, { 144, 2304, 2304, 2304, 2304, 144 } },
    { "small", FOVEA_PATH_SMALL, 8, { 288, 9216, 9216, 9216, 9216, 9216, 9216, 288 } },
};

/* Nanoseconds for an input pixel on one thread, [rung][scale - 2][instruction level]: portable C, AVX2, AVX-512. C and
 * AVX2 at x2 and x4 were measured on one core of a Zen 3 at 960x540, x3 lies between, AVX-512 is an estimate; `fovea
 * bench` measures them. NEON counts as AVX2. */
static const double cost_ns[FOVI_ROUTE_N_RUNGS][3][3] = {
    { { 540, 13, 13 }, { 1200, 22, 22 }, { 2240, 34, 34 } },
    { { 34500, 260, 150 }, { 38500, 285, 165 }, { 42600, 305, 180 } },
    { { 197000, 1480, 700 }, { 202000, 1520, 720 }, { 209000, 1570, 740 } },
};

double fovi_route_macs(int rung, int scale)
{
    const struct fovi_route_rung *r = &fovi_route_ladder[rung];
    double macs = 0.0;
    for (int l = 0; l < r->n_layers; l++)
        macs += (double)r->macs[l] * (l == r->n_layers - 1 ? scale * scale : 1);
    return macs;
}

double fovi_route_cost(int rung, int scale, uint32_t cpu)
{
    int level = cpu & FOVEA_CPU_AVX512 ? 2 : cpu & (FOVEA_CPU_AVX2 | FOVEA_CPU_NEON) ? 1 : 0;
    return cost_ns[rung][scale - 2][level];
}

void fovi_route_params_init(const fovea_context *ctx, int scale, struct fovi_route_params *p)
{
    *p = (struct fovi_route_params){ .scale = scale, .max_loss_db = 0.05, .n_threads = 1 };
    p->allow = 1u << FOVI_ROUTE_FILTER;
    for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS; rung++)
        if (fovi_route_model_builtin(rung, scale))
            p->allow |= 1u << rung;
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++)
        p->ns_per_px[rung] = fovi_route_cost(rung, scale, fovea_context_cpu(ctx));
}
