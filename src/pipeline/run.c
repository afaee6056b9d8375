/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Running a plan: the first pass of auto (analysis and routing), the pass that makes the picture, the report.
 */
#include <stdio.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/clock.h"
#include "image/convert.h"
#include "image/memory.h"
#include "net/graph.h"
#include "pipeline/plan.h"
#include "route/route.h"

/* Share of the progress that the first pass counts for. */
#define FIRST_PASS 0.1

struct job {
    fovea_plan *plan;
    const struct fovea_source *source;
    const struct fovea_sink *sink;
    const struct fovea_progress *progress;
    FILE *spool;    /* the source's rows, where they are neither kept nor to be read twice */
    int is_spooled; /* the second pass does not read the source */
    struct fovi_route_result route;
    double ns_per_px[FOVEA_N_PATHS]; /* costs that were weighed */
    double first_read_ms;            /* what reading took in the first pass */
    int routed;
};

static int report_progress(const struct job *job, double done)
{
    const struct fovea_progress *p = job->progress;
    if (p && p->report && p->report(p->user, done))
        return fovi_fail(job->plan->run.ctx, FOVEA_E_CANCELLED, "cancelled");
    return FOVEA_OK;
}

/* ---- reading a source twice ---- */

/* Small pictures stay in memory after the first pass, since to decode them again takes longer than the analysis; of
 * others those that cannot be read twice go to a temporary file. */
static int spool_open(struct job *job)
{
    if (job->plan->kept || job->source->rewind)
        return FOVEA_OK;
    job->spool = tmpfile();
    return job->spool ? FOVEA_OK : fovi_fail(job->plan->run.ctx, FOVEA_E_WRITE, "no temporary file can be made");
}

static int spool_write(struct job *job, const void *rows, int y, int n)
{
    fovea_plan *plan = job->plan;
    size_t bytes = (size_t)n * (size_t)plan->in_stride;
    if (plan->kept)
        memcpy((char *)plan->kept + y * plan->in_stride, rows, bytes);
    if (job->spool && fwrite(rows, 1, bytes, job->spool) != bytes)
        return fovi_fail(plan->run.ctx, FOVEA_E_WRITE, "no room for the temporary file");
    return FOVEA_OK;
}

static int spool_read(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    struct job *job = user;
    const fovea_plan *plan = job->plan;
    size_t bytes = (size_t)plan->in_stride;
    for (int i = 0; i < n; i++) {
        char *row = (char *)rows + i * stride_bytes;
        if (plan->kept)
            memcpy(row, (const char *)plan->kept + (y + i) * plan->in_stride, bytes);
        else if (fread(row, 1, bytes, job->spool) != bytes)
            return fovi_fail(plan->run.ctx, FOVEA_E_READ, "the temporary file cannot be read back");
    }
    return FOVEA_OK;
}

/* Go back to the first row. */
static int spool_rewind(struct job *job)
{
    job->is_spooled = job->plan->kept || job->spool;
    if (job->spool)
        rewind(job->spool);
    return job->is_spooled ? FOVEA_OK : job->source->rewind(job->source->user);
}

/* ---- the first pass ---- */

/* Luma of one row as the analysis wants it. planes: room for n_channels rows. */
static int analyze_row(const struct job *job, const void *row, float *planes, struct fovi_analysis *analysis)
{
    const struct fovi_run *run = &job->plan->run;
    float *plane[FOVEA_MAX_CHANNELS];
    for (int c = 0; c < run->format.n_channels; c++)
        plane[c] = planes + (ptrdiff_t)c * job->plan->in_width;
    float *luma = fovi_analysis_row(analysis), low, high;
    fovi_run_load_row(run, row, job->plan->in_width, plane);
    fovi_convert_luma(run->convert, (const float *const *)plane, run->n_color, job->plan->in_width, luma);
    fovi_run_luma_range(run, 0, &low, &high);
    if (run->format.sample == FOVEA_SAMPLE_F32)
        fovi_run_clamp_luma(low, high, job->plan->in_width, luma);
    return fovi_analysis_push(analysis);
}

static int analyze_rows(struct job *job, float *planes, struct fovi_analysis *analysis)
{
    fovea_plan *plan = job->plan;
    double *ms = plan->run.ms;
    int piece = plan->run.piece;
    for (int y = 0; y < plan->in_height; y += piece) {
        int n = plan->in_height - y < piece ? plan->in_height - y : piece;
        double start = fovi_clock_ms();
        FOVI_TRY(job->source->read(job->source->user, y, n, plan->in_rows, plan->in_stride));
        FOVI_TRY(spool_write(job, plan->in_rows, y, n));
        double middle = fovi_clock_ms();
        for (int i = 0; i < n; i++)
            FOVI_TRY(analyze_row(job, (char *)plan->in_rows + i * plan->in_stride, planes, analysis));
        ms[FOVEA_STAGE_READ] += middle - start;
        ms[FOVEA_STAGE_ANALYSIS] += fovi_clock_ms() - middle;
        FOVI_TRY(report_progress(job, FIRST_PASS * (y + n) / plan->in_height));
    }
    return FOVEA_OK;
}

static int analyze(struct job *job, struct fovea_map **map)
{
    fovea_plan *plan = job->plan;
    fovea_context *ctx = plan->run.ctx;
    struct fovi_analysis *analysis;
    FOVI_TRY(fovi_analysis_create(ctx, plan->in_width, plan->in_height, &analysis));
    float *planes = fovi_alloc(ctx, (size_t)plan->in_width * (size_t)plan->run.format.n_channels, sizeof *planes);
    int code = planes ? analyze_rows(job, planes, analysis) : fovi_alloc_error(ctx);
    if (!code)
        code = fovi_analysis_finish(analysis, map);
    fovi_analysis_free(&analysis);
    fovi_free(ctx, planes);
    return code;
}

static int step_has(const struct fovi_step *step, int path)
{
    for (int i = 0; i < step->n_networks; i++)
        if (step->network[i].path == (enum fovea_path)path)
            return 1;
    return path == FOVEA_PATH_FILTER && step->filter;
}

/* The paths of the part that is made. */
static void cut_paths(fovea_plan *plan, int n_tiles_x)
{
    const struct fovi_step *s = &plan->step[0];
    int x0 = plan->in_part.x / FOVEA_TILE, y0 = plan->in_part.y / FOVEA_TILE;
    for (int y = 0; y < s->n_tiles_y; y++)
        memcpy(s->path + (ptrdiff_t)y * s->n_tiles_x, plan->whole_path + (ptrdiff_t)(y0 + y) * n_tiles_x + x0,
               (size_t)s->n_tiles_x);
}

/* The rung whose tiles are marked with a path. */
static int rung_of(enum fovea_path path)
{
    int rung = FOVI_ROUTE_N_RUNGS - 1;
    while (rung > 0 && fovi_route_ladder[rung].path != path)
        rung--;
    return rung;
}

/* The rungs of the ladder that a step has, and those that do not run in float. */
static void find_rungs(const struct fovi_step *step, unsigned *allow, unsigned *bf16)
{
    *allow = 1u << FOVI_ROUTE_FILTER;
    *bf16 = 0;
    for (int i = 0; i < step->n_networks; i++) {
        int rung = rung_of(step->network[i].path);
        *allow |= 1u << rung;
        *bf16 |= (unsigned)(step->network[i].format != FOVI_EXEC_F32) << rung;
    }
}

/* The caller's costs in place of the committed ones, where they are known. */
static void take_costs(const fovea_plan *plan, struct fovi_route_params *p)
{
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++) {
        double ns = plan->costs.ns_per_px[plan->chain[0] - 2][fovi_route_ladder[rung].path];
        if (ns > 0.0)
            p->ns_per_px[rung] = p->budget_ns_per_px[rung] = ns;
    }
}

static int decide(struct job *job, const struct fovea_map *map)
{
    fovea_plan *plan = job->plan;
    struct fovi_route_params p;
    double start = fovi_clock_ms();
    unsigned allow, bf16;
    find_rungs(&plan->step[0], &allow, &bf16);
    fovi_route_params_init(plan->run.ctx, plan->chain[0], bf16, &p);
    p.allow = allow;
    take_costs(plan, &p);
    p.max_loss_db = plan->params.max_loss_db;
    p.budget_ms = plan->params.budget_ms;
    p.n_threads = fovea_context_threads(plan->run.ctx);
    FOVI_TRY(fovi_route_decide(plan->run.ctx, map, &p, plan->is_cropped ? plan->whole_path : plan->step[0].path,
                               &job->route));
    if (plan->is_cropped)
        cut_paths(plan, map->n_tiles_x);
    for (int rung = 0; rung < FOVI_ROUTE_N_RUNGS; rung++)
        if (allow >> rung & 1u)
            job->ns_per_px[fovi_route_ladder[rung].path] = p.ns_per_px[rung];
    job->routed = 1;
    plan->run.ms[FOVEA_STAGE_ROUTING] += fovi_clock_ms() - start;
    return FOVEA_OK;
}

/* The path in this step for a tile that took a path in the first one: the same, or the next cheaper that exists. */
static uint8_t step_path(const struct fovi_step *step, uint8_t path)
{
    int rung = rung_of((enum fovea_path)path);
    while (rung > 0 && !step_has(step, fovi_route_ladder[rung].path))
        rung--;
    return step_has(step, fovi_route_ladder[rung].path) ? (uint8_t)fovi_route_ladder[rung].path : FOVEA_PATH_CLASSIC;
}

/* Later steps follow the first: a tile takes the path of the tile that it came from. */
static void spread_paths(fovea_plan *plan)
{
    const struct fovi_step *first = &plan->step[0];
    int ratio = 1;
    for (int i = 1; i < plan->n_chain; i++) {
        struct fovi_step *s = &plan->step[i];
        uint8_t here[FOVEA_N_PATHS];
        for (int path = 0; path < FOVEA_N_PATHS; path++)
            here[path] = step_path(s, (uint8_t)path);
        ratio *= plan->step[i - 1].scale;
        for (int y = 0; y < s->n_tiles_y; y++)
            for (int x = 0; x < s->n_tiles_x; x++)
                s->path[(ptrdiff_t)y * s->n_tiles_x + x] =
                    here[first->path[(ptrdiff_t)(y / ratio) * first->n_tiles_x + x / ratio]];
    }
}

/* One path for all: the best that a step has. */
static void set_paths(fovea_plan *plan)
{
    for (int i = 0; i < plan->n_chain; i++) {
        const struct fovi_step *s = &plan->step[i];
        enum fovea_path path = s->filter ? FOVEA_PATH_FILTER : FOVEA_PATH_CLASSIC;
        if (plan->params.strength == 0.0)
            path = FOVEA_PATH_CLASSIC;
        else if (s->n_networks)
            path = s->network[s->n_networks - 1].path;
        memset(s->path, path, (size_t)s->n_tiles_x * (size_t)s->n_tiles_y);
    }
}

/* The path of every tile. For auto, and where errors are expected, that takes a pass over the source. */
static int route(struct job *job)
{
    fovea_plan *plan = job->plan;
    if (!plan->n_chain)
        return FOVEA_OK;
    int decides = fovi_plan_decides(plan);
    if (!decides)
        set_paths(plan);
    if (!decides && !plan->params.expects_error)
        return FOVEA_OK;
    struct fovea_map *map = NULL;
    FOVI_TRY(spool_open(job));
    int code = analyze(job, &map);
    job->first_read_ms = plan->run.ms[FOVEA_STAGE_READ];
    if (!code)
        fovi_figures_analyzed(plan, map);
    if (!code && decides)
        code = decide(job, map);
    fovea_map_free(&map);
    if (!code && decides)
        spread_paths(plan);
    return code ? code : spool_rewind(job);
}

/* ---- the pass that makes the picture ---- */

/* The picture in memory that the result is for, if its rows can be stored there as they are. */
static const struct fovea_image *find_picture(const struct job *job)
{
    const fovea_plan *plan = job->plan;
    const struct fovea_image *image = fovi_sink_image(job->sink);
    const struct fovea_format *format = &plan->run.format;
    if (!image || image->width != plan->crop.width || image->height != plan->crop.height ||
        image->format.sample != format->sample || image->format.n_channels != format->n_channels)
        return NULL;
    return image;
}

/* Where the rows of the result from y on are stored: in that picture, else where the meter or plan->rows keep them, to
 * be written. */
static void *find_place(const struct job *job, const struct fovea_image *picture, int y, ptrdiff_t *stride)
{
    const fovea_plan *plan = job->plan;
    void *place = plan->meter ? fovi_meter_place(plan->meter, stride) : NULL;
    if (place)
        return place;
    *stride = picture ? picture->stride_bytes : plan->rows_stride;
    return picture ? (char *)picture->data + y * picture->stride_bytes : (char *)plan->rows;
}

/* Rows that go to the sink. */
struct writing {
    const struct fovea_sink *sink;
    int y, n, code;
    const void *rows;
    ptrdiff_t stride;
    double ms;
};

static void write_rows(void *arg)
{
    struct writing *w = arg;
    double start = fovi_clock_ms();
    if (w->sink)
        w->code = w->sink->write(w->sink->user, w->y, w->n, w->rows, w->stride);
    w->ms = fovi_clock_ms() - start;
}

/* Make n rows of the result from y on and store them. */
static int store_rows(struct job *job, int y, int n, void *rows, ptrdiff_t stride)
{
    fovea_plan *plan = job->plan;
    struct fovi_stage *last = plan->stage[plan->n_stages - 1];
    const struct fovi_frame *crop = &plan->crop;
    const struct fovi_samples samples = {
        crop->x - plan->out_part.x, crop->y - plan->out_part.y + y, n, crop->width, rows, stride
    };
    if (last->store)
        return last->store(last, &samples);
    FOVI_TRY(fovi_stage_need(last, samples.y + n));
    double start = fovi_clock_ms();
    fovi_run_store_rows(&plan->run, &last->out, &samples);
    plan->run.ms[FOVEA_STAGE_WRITE] += fovi_clock_ms() - start;
    return FOVEA_OK;
}

/* Make n rows of the result from y on, write them unless they are stored in picture, and meter them meanwhile. */
static int make_rows(struct job *job, const struct fovea_image *picture, int y, int n)
{
    fovea_plan *plan = job->plan;
    double *ms = plan->run.ms;
    struct writing w = { .sink = picture ? NULL : job->sink, .y = y, .n = n, .code = FOVEA_OK };
    void *rows = find_place(job, picture, y, &w.stride);
    w.rows = rows;
    FOVI_TRY(store_rows(job, y, n, rows, w.stride));
    double start = fovi_clock_ms();
    if (plan->meter)
        fovi_meter_push(plan->meter, rows, w.stride, n, write_rows, &w);
    else
        write_rows(&w);
    ms[FOVEA_STAGE_WRITE] += w.ms;
    ms[FOVEA_STAGE_CHECKS] += fovi_clock_ms() - start - w.ms;
    return w.code;
}

static int make_picture(struct job *job)
{
    fovea_plan *plan = job->plan;
    const struct fovi_frame *crop = &plan->crop;
    const struct fovea_image *picture = find_picture(job);
    double before = plan->is_analyzed ? FIRST_PASS : 0.0;
    int piece = plan->run.piece;
    if (plan->meter)
        fovi_meter_reset(plan->meter, picture);
    for (int y = 0; y < crop->height; y += piece) {
        int n = crop->height - y < piece ? crop->height - y : piece;
        FOVI_TRY(make_rows(job, picture, y, n));
        FOVI_TRY(report_progress(job, before + (1.0 - before) * (y + n) / crop->height));
    }
    return FOVEA_OK;
}

/* ---- the report ---- */

static void report_tiles(const fovea_plan *plan, struct fovea_report *r)
{
    const struct fovi_step *s = &plan->step[0];
    if (!plan->n_chain) { /* one classical step: counted as if it had tiles */
        r->n_tiles[FOVEA_PATH_CLASSIC] = (int64_t)((plan->in_part.width + FOVEA_TILE - 1) / FOVEA_TILE) *
                                         ((plan->in_part.height + FOVEA_TILE - 1) / FOVEA_TILE);
        return;
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)s->n_tiles_x * s->n_tiles_y; i++) {
        r->n_tiles[s->path[i]]++;
        r->n_like_text += s->likeness && s->likeness[i] == FOVI_LIKE_TEXT;
        r->n_like_skin += s->likeness && s->likeness[i] == FOVI_LIKE_SKIN;
    }
    for (int k = 0; k < plan->n_chain; k++) {
        s = &plan->step[k];
        for (ptrdiff_t i = 0; i < (ptrdiff_t)s->n_tiles_x * s->n_tiles_y; i++)
            r->n_fallbacks[s->cause[i]] += s->cause[i] != FOVEA_CAUSE_NONE;
    }
}

/* Of the best network. */
static enum fovea_precision network_precision(const fovea_plan *plan)
{
    if (!plan->n_chain || !plan->step[0].n_networks)
        return FOVEA_PRECISION_AUTO;
    static const enum fovea_precision precisions[] = { [FOVI_EXEC_F32] = FOVEA_PRECISION_F32,
                                                       [FOVI_EXEC_BF16] = FOVEA_PRECISION_BF16,
                                                       [FOVI_EXEC_INT8] = FOVEA_PRECISION_INT8 };
    return precisions[plan->step[0].network[plan->step[0].n_networks - 1].format];
}

/* Wall time that the top network of a step would take everywhere, at the speed that it had in this run; where it made
 * too little to tell, at that of the next one below, by what their pixels should take. */
static double top_ms(const fovea_plan *plan, const struct fovi_step *step)
{
    uint32_t cpu = fovea_context_cpu(plan->run.ctx);
    double cost[FOVI_MAX_NETWORKS], ms = 0.0;
    int top = step->n_networks - 1;
    for (int k = 0; k <= top; k++)
        cost[k] = fovi_route_cost(rung_of(step->network[k].path), step->scale, cpu,
                                  step->network[k].format != FOVI_EXEC_F32);
    for (int k = top; k >= 0 && ms == 0.0; k--)
        ms = fovi_refine_whole_ms(step->stage, k) * cost[top] / cost[k];
    return ms / fovea_context_threads(plan->run.ctx);
}

/* What the top networks would take everywhere, less what filter, networks and routing took: below zero where routing
 * was not worth its time. To read twice counts, too; masks take the same either way. */
static double saved_ms(const struct job *job)
{
    const fovea_plan *plan = job->plan;
    const double *ms = plan->run.ms;
    double saved = -ms[FOVEA_STAGE_NETWORK] - ms[FOVEA_STAGE_FILTER] - ms[FOVEA_STAGE_ANALYSIS] -
                   ms[FOVEA_STAGE_ROUTING] - (ms[FOVEA_STAGE_READ] - job->first_read_ms);
    for (int i = 0; i < plan->n_chain; i++)
        if (plan->step[i].n_networks)
            saved += top_ms(plan, &plan->step[i]) + fovi_refine_mask_ms(plan->step[i].stage);
    return saved;
}

/* Pixels and multiply-adds of the networks of all steps, and what the top ones would need everywhere. */
static void report_network(const struct job *job, struct fovea_report *r)
{
    const fovea_plan *plan = job->plan;
    double px = 0.0, made = 0.0, full = 0.0;
    for (int i = 0; i < plan->n_chain; i++) {
        const struct fovi_step *s = &plan->step[i];
        for (int k = 0; k < s->n_networks; k++) {
            double step_px = fovi_refine_network_px(s->stage, k), macs = (double)fovi_graph_macs(s->network[k].graph);
            px += step_px;
            made += step_px * macs;
            if (k == s->n_networks - 1)
                full += (double)s->width * s->height * macs;
        }
    }
    r->n_network_px = (int64_t)(px + 0.5);
    r->precision = network_precision(plan);
    if (!job->routed)
        return;
    memcpy(r->ns_per_px, job->ns_per_px, sizeof r->ns_per_px);
    r->predicted_loss_db = job->route.predicted_loss_db;
    r->loss_bound_db = job->route.bound_db;
    r->saved_network_share = made < full ? 1.0 - made / full : 0.0;
    r->saved_ms = saved_ms(job);
}

static void fill_report(const struct job *job, double total_ms, struct fovea_report *r)
{
    const fovea_plan *plan = job->plan;
    *r = (struct fovea_report){ .in_width = plan->in_width,
                                .in_height = plan->in_height,
                                .out_width = plan->crop.width,
                                .out_height = plan->crop.height,
                                .n_chain = plan->n_chain,
                                .consistency_steps = plan->consistency.n_steps,
                                .total_ms = total_ms };
    r->scale_x = (double)plan->out_width / plan->in_width;
    r->scale_y = (double)plan->out_height / plan->in_height;
    memcpy(r->chain, plan->chain, sizeof r->chain);
    memcpy(r->method, plan->method, sizeof r->method);
    memcpy(r->stage_ms, plan->run.ms, sizeof r->stage_ms);
    report_tiles(plan, r);
    report_network(job, r);
    if (plan->meter)
        fovi_meter_result(plan->meter, r);
    fovi_figures_report(plan, r);
    r->peak_bytes = fovea_context_peak_bytes(plan->run.ctx);
}

static int check_source(const fovea_plan *plan, const struct fovea_source *source)
{
    const struct fovea_format *a = &source->format, *b = &plan->run.format;
    if (source->width != plan->in_width || source->height != plan->in_height || a->sample != b->sample ||
        a->n_channels != b->n_channels || a->has_alpha != b->has_alpha)
        return fovi_fail(plan->run.ctx, FOVEA_E_ARG, "the source is not what the plan was built for");
    return FOVEA_OK;
}

int fovea_plan_run(fovea_plan *plan, const struct fovea_source *source, const struct fovea_sink *sink,
                   const struct fovea_progress *progress, struct fovea_report *report)
{
    struct job job = { .plan = plan, .source = source, .sink = sink, .progress = progress };
    double start = fovi_clock_ms();
    FOVI_TRY(check_source(plan, source));
    memset(plan->run.ms, 0, sizeof plan->run.ms);
    fovi_figures_reset(plan);
    for (int i = 0; i < plan->n_chain; i++)
        if (plan->step[i].likeness)
            memset(plan->step[i].likeness, 0, (size_t)plan->step[i].n_tiles_x * (size_t)plan->step[i].n_tiles_y);
    for (int i = 0; i < plan->n_chain; i++)
        memset(plan->step[i].cause, 0, (size_t)plan->step[i].n_tiles_x * (size_t)plan->step[i].n_tiles_y);
    int code = route(&job);
    struct fovea_source spooled = *source;
    if (!code && job.is_spooled) {
        spooled.read = spool_read;
        spooled.user = &job;
    }
    plan->run.source = &spooled;
    for (int i = 0; i < plan->n_stages; i++)
        plan->stage[i]->reset(plan->stage[i]);
    if (!code)
        code = make_picture(&job);
    plan->run.source = NULL;
    if (job.spool)
        fclose(job.spool);
    if (!code)
        fovi_figures_finish(plan);
    if (!code && report)
        fill_report(&job, fovi_clock_ms() - start, report);
    return code;
}

int fovea_upscale(fovea_context *ctx, const struct fovea_image *in, struct fovea_image *out,
                  const struct fovea_upscale_params *params, struct fovea_report *report)
{
    fovea_plan *plan;
    FOVI_TRY(fovea_plan_build(&plan, ctx, in->width, in->height, &in->format, params));
    int code = FOVEA_OK;
    if (out->width != plan->crop.width || out->height != plan->crop.height || out->format.sample != in->format.sample ||
        out->format.n_channels != in->format.n_channels)
        code = fovi_fail(ctx, FOVEA_E_ARG, "the result is %dx%d in the input's format, not %dx%d", plan->crop.width,
                         plan->crop.height, out->width, out->height);
    struct fovea_source source = fovea_source_from_image(in);
    struct fovea_sink sink = fovea_sink_to_image(out);
    if (!code)
        code = fovea_plan_run(plan, &source, &sink, NULL, report);
    fovea_plan_free(&plan);
    return code;
}

const char *fovea_path_name(enum fovea_path path)
{
    static const char *const names[FOVEA_N_PATHS] = { "classic",  "filter", "tiny",   "network",
                                                      "fallback", "small",  "medium", "large" };
    return (unsigned)path < FOVEA_N_PATHS ? names[path] : "";
}

const char *fovea_stage_name(enum fovea_stage stage)
{
    static const char *const names[FOVEA_N_STAGES] = { "read",    "analysis",    "routing", "base", "filter",
                                                       "network", "consistency", "checks",  "write" };
    return (unsigned)stage < FOVEA_N_STAGES ? names[stage] : "";
}
