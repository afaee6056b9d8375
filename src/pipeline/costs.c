/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What filter and networks cost on this machine: the least time of several runs over a strip of made-up luma.
 */
#include <math.h>

#include "base/clock.h"
#include "base/rng.h"
#include "filter/filter.h"
#include "model/model.h"
#include "net/exec.h"
#include "pipeline/plan.h"
#include "route/route.h"

enum { WIDTH = 512, HEIGHT = 64, RUNS = 5 };

/* What all are timed on. */
struct strip {
    fovea_context *ctx;
    struct fovi_window luma;
    float *out;
};

static int make_strip(fovea_context *ctx, struct strip *s)
{
    struct fovi_rng rng = { 3 };
    *s = (struct strip){ .ctx = ctx };
    FOVI_TRY(fovi_window_init(ctx, &s->luma, WIDTH, HEIGHT, 1, HEIGHT));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = -FOVI_WINDOW_PAD; x < WIDTH + FOVI_WINDOW_PAD; x++)
            fovi_window_row(&s->luma, 0, y)[x] = (float)(100 + y % 16 * 5) + (float)(40.0 * fovi_rng_uniform(&rng));
    fovi_window_push(&s->luma, HEIGHT);
    s->out = fovi_alloc(ctx, (size_t)WIDTH * HEIGHT * 16, sizeof *s->out);
    return s->out ? FOVEA_OK : fovi_alloc_error(ctx);
}

static int time_network(struct strip *s, const struct fovi_graph *graph, enum fovi_exec_format format, double *ms)
{
    struct fovi_exec *exec;
    FOVI_TRY(fovi_exec_create(s->ctx, graph, format, WIDTH, HEIGHT, &exec));
    for (int i = 0; i < RUNS; i++) {
        double start = fovi_clock_ms();
        fovi_exec_begin(exec, NULL, 0);
        fovi_exec_rows(exec, &s->luma, 0, HEIGHT, s->out, (ptrdiff_t)WIDTH * graph->scale);
        *ms = fmin(*ms, fovi_clock_ms() - start);
    }
    fovi_exec_free(&exec);
    return FOVEA_OK;
}

/* By one thread, for the share of one thread. */
static int time_filter(struct strip *s, const struct fovi_filter *filter, int scale, double *ms)
{
    struct fovi_filter_run *run;
    FOVI_TRY(fovi_filter_run_create(s->ctx, filter, WIDTH, &run));
    for (int i = 0; i < RUNS; i++) {
        double start = fovi_clock_ms();
        for (int y = 0; y < HEIGHT; y++) {
            const float *rows[FOVI_FILTER_TAPS];
            float *to[4];
            for (int k = 0; k < FOVI_FILTER_TAPS; k++)
                rows[k] = fovi_window_row_clamped(&s->luma, 0, y - FOVI_FILTER_RADIUS + k);
            for (int k = 0; k < scale; k++)
                to[k] = s->out + ((ptrdiff_t)y * scale + k) * WIDTH * scale;
            fovi_filter_row(run, y, rows, 0, WIDTH, to);
        }
        *ms = fmin(*ms, (fovi_clock_ms() - start) / fovea_context_threads(s->ctx));
    }
    fovi_filter_run_free(s->ctx, &run);
    return FOVEA_OK;
}

static int time_rung(struct strip *s, int rung, int scale, enum fovea_precision precision, double *ns_per_px)
{
    fovea_model *model;
    int code = fovea_model_builtin(s->ctx, fovi_route_ladder[rung].name, scale, &model);
    double ms = INFINITY;
    if (code == FOVEA_E_UNSUPPORTED)
        return FOVEA_OK;
    if (code)
        return code;
    const struct fovi_graph *graph = fovi_model_graph(model);
    code = graph ? time_network(s, graph, fovi_plan_format(s->ctx, precision, graph), &ms)
                 : time_filter(s, fovi_model_filter(model), scale, &ms);
    if (!code)
        *ns_per_px = ms * 1e6 / (WIDTH * HEIGHT) * fovea_context_threads(s->ctx);
    fovea_model_free(&model);
    return code;
}

int fovea_costs_measure(fovea_context *ctx, enum fovea_precision precision, struct fovea_costs *out)
{
    struct strip s;
    *out = (struct fovea_costs){ 0 };
    if ((unsigned)precision > FOVEA_PRECISION_INT8)
        return fovi_fail(ctx, FOVEA_E_ARG, "precision %d does not exist", (int)precision);
    int code = make_strip(ctx, &s);
    for (int scale = 2; scale <= 4; scale++)
        for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS && !code; rung++)
            code = time_rung(&s, rung, scale, precision, &out->ns_per_px[scale - 2][fovi_route_ladder[rung].path]);
    fovi_window_free(ctx, &s.luma);
    fovi_free(ctx, s.out);
    return code;
}
