/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Filter and network on whole planes in memory.
 */
#include "route_makers.h"

#include <string.h>

#include "model/model.h"
#include "net/exec.h"
#include "pictures.h"
#include "route/route.h"

struct route_makers {
    fovea_context *ctx;
    int scale, top;
    fovea_model *filter, *network[FOVI_ROUTE_N_RUNGS];
};

int route_rung_of(const char *method)
{
    for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS; rung++)
        if (strcmp(fovi_route_ladder[rung].name, method) == 0)
            return rung;
    return -1;
}

static int load(fovea_context *ctx, const char *path, const char *method, int scale, fovea_model **out)
{
    struct fovea_model_info info;
    if (!path)
        return fovea_model_builtin(ctx, method, scale, out);
    FOVI_TRY(fovea_model_load(ctx, path, out));
    fovea_model_describe(*out, &info);
    if (info.scale == scale && strcmp(info.method, method) == 0)
        return FOVEA_OK;
    return fovi_fail(ctx, FOVEA_E_ARG, "%s is %s x%d, not %s x%d", path, info.method, info.scale, method, scale);
}

int route_makers_create(fovea_context *ctx, int scale, const char *filter_path, const char *method,
                        const char *network_path, struct route_makers **out)
{
    struct route_makers *m = *out = fovi_alloc(ctx, 1, sizeof *m);
    if (!m)
        return fovi_alloc_error(ctx);
    m->ctx = ctx;
    m->scale = scale;
    m->top = route_rung_of(method);
    if (m->top < 0)
        return fovi_fail(ctx, FOVEA_E_ARG, "%s is no network of the router's ladder", method);
    FOVI_TRY(load(ctx, filter_path, "filter", scale, &m->filter));
    return load(ctx, network_path, method, scale, &m->network[m->top]);
}

int route_makers_add_lower(struct route_makers *m)
{
    for (int rung = 1; rung < m->top; rung++)
        if (fovi_route_model_builtin(rung, m->scale))
            FOVI_TRY(fovea_model_builtin(m->ctx, fovi_route_ladder[rung].name, m->scale, &m->network[rung]));
    return FOVEA_OK;
}

void route_makers_free(struct route_makers **makers)
{
    if (!*makers)
        return;
    fovea_model_free(&(*makers)->filter);
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++)
        fovea_model_free(&(*makers)->network[rung]);
    fovi_free((*makers)->ctx, *makers);
    *makers = NULL;
}

int route_makers_scale(const struct route_makers *makers)
{
    return makers->scale;
}

int route_makers_top(const struct route_makers *makers)
{
    return makers->top;
}

int route_makers_has(const struct route_makers *makers, int rung)
{
    return makers->network[rung] != NULL;
}

/* The plane as a window that holds all of it, edge pixels repeated beyond both sides. */
static int make_window(fovea_context *ctx, const float *in, int width, int height, struct fovi_window *w)
{
    FOVI_TRY(fovi_window_init(ctx, w, width, height, 1, height));
    for (int y = 0; y < height; y++) {
        float *row = fovi_window_row(w, 0, y);
        memcpy(row, in + (ptrdiff_t)y * width, (size_t)width * sizeof *in);
        for (int x = 1; x <= FOVI_WINDOW_PAD; x++) {
            row[-x] = row[0];
            row[width - 1 + x] = row[width - 1];
        }
    }
    fovi_window_push(w, height);
    return FOVEA_OK;
}

int route_makers_filter(struct route_makers *m, const float *in, int width, int height, float *out)
{
    struct fovi_window luma = { 0 };
    struct fovi_filter_run *run = NULL;
    ptrdiff_t n_row = (ptrdiff_t)width * m->scale, n_rows = n_row * m->scale;
    float *added = fovi_alloc(m->ctx, (size_t)n_rows, sizeof *added);
    int code = added ? make_window(m->ctx, in, width, height, &luma) : fovi_alloc_error(m->ctx);
    if (!code)
        code = fovi_filter_run_create(m->ctx, fovi_model_filter(m->filter), width, &run);
    if (!code)
        code = train_enlarge(m->ctx, in, width, height, m->scale, out);
    for (int y = 0; y < height && !code; y++) {
        const float *rows[FOVI_FILTER_TAPS];
        float *to[4];
        for (int k = 0; k < FOVI_FILTER_TAPS; k++)
            rows[k] = fovi_window_row_clamped(&luma, 0, y - FOVI_FILTER_RADIUS + k);
        for (int k = 0; k < m->scale; k++)
            to[k] = added + k * n_row;
        fovi_filter_row(run, y, rows, 0, width, to);
        for (ptrdiff_t i = 0; i < n_rows; i++)
            out[y * n_rows + i] += added[i];
    }
    fovi_filter_run_free(m->ctx, &run);
    fovi_window_free(m->ctx, &luma);
    fovi_free(m->ctx, added);
    return code;
}

int route_makers_network(struct route_makers *m, int rung, const float *in, int width, int height, float *out)
{
    struct fovi_window luma = { 0 };
    struct fovi_exec *exec = NULL;
    size_t n_out = (size_t)width * (size_t)height * (size_t)(m->scale * m->scale);
    float *residual = fovi_alloc(m->ctx, n_out, sizeof *residual);
    int code = residual ? make_window(m->ctx, in, width, height, &luma) : fovi_alloc_error(m->ctx);
    if (!code)
        code = fovi_exec_create(m->ctx, fovi_model_graph(m->network[rung]), FOVI_EXEC_F32, width, height, &exec);
    if (!code)
        code = train_enlarge(m->ctx, in, width, height, m->scale, out);
    if (!code) {
        fovi_exec_begin(exec, NULL, 0);
        fovi_exec_rows(exec, &luma, 0, height, residual, (ptrdiff_t)width * m->scale);
        for (size_t i = 0; i < n_out; i++)
            out[i] += residual[i];
    }
    fovi_exec_free(&exec);
    fovi_window_free(m->ctx, &luma);
    fovi_free(m->ctx, residual);
    return code;
}
