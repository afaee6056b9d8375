/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Building a plan: check what the caller asks, choose the chain, load models, make the stages.
 */
#include "pipeline/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "filter/filter.h"
#include "image/convert.h"
#include "model/model.h"
#include "net/bf16.h"
#include "net/graph.h"
#include "route/route.h"

static const struct fovea_upscale_params default_params = FOVEA_UPSCALE_DEFAULTS;

static int check_light(fovea_context *ctx, const struct fovea_upscale_params *p)
{
    if ((unsigned)p->transfer > FOVEA_TRANSFER_LINEAR)
        return fovi_fail(ctx, FOVEA_E_ARG, "transfer %d does not exist", (int)p->transfer);
    if (!(p->white >= 1e-30 && p->white <= 1e30))
        return fovi_fail(ctx, FOVEA_E_ARG, "white %g is not in 1e-30..1e30", p->white);
    if (p->linear_light && p->method != FOVEA_METHOD_CLASSIC)
        return fovi_fail(ctx, FOVEA_E_ARG,
                         "linear light is for the classical methods: filter and networks were trained on "
                         "encoded pictures");
    return FOVEA_OK;
}

static int check_params(fovea_context *ctx, const struct fovea_upscale_params *p)
{
    if ((unsigned)p->method > FOVEA_METHOD_NETWORK)
        return fovi_fail(ctx, FOVEA_E_ARG, "method %d does not exist", (int)p->method);
    if (p->method == FOVEA_METHOD_CLASSIC && !fovea_kernel_name(p->kernel))
        return fovi_fail(ctx, FOVEA_E_ARG, "kernel %d does not exist", (int)p->kernel);
    if (p->method == FOVEA_METHOD_NETWORK && !p->network && !p->model)
        return fovi_fail(ctx, FOVEA_E_ARG, "method network needs the name of a network or a model");
    if ((unsigned)p->preset > FOVEA_PRESET_BEST)
        return fovi_fail(ctx, FOVEA_E_ARG, "preset %d does not exist", (int)p->preset);
    if (!(p->max_loss_db >= 0.0 && p->max_loss_db <= 100.0))
        return fovi_fail(ctx, FOVEA_E_ARG, "max_loss_db %g is not in 0..100", p->max_loss_db);
    if (!(p->budget_ms >= 0.0 && p->budget_ms <= 1e12))
        return fovi_fail(ctx, FOVEA_E_ARG, "budget_ms %g is not a time", p->budget_ms);
    if ((unsigned)p->precision > FOVEA_PRECISION_INT8)
        return fovi_fail(ctx, FOVEA_E_ARG, "precision %d does not exist", (int)p->precision);
    if ((unsigned)p->consistency > FOVEA_CONSISTENCY_OFF)
        return fovi_fail(ctx, FOVEA_E_ARG, "consistency %d does not exist", (int)p->consistency);
    if (p->jpeg_quality < 0 || p->jpeg_quality > 100)
        return fovi_fail(ctx, FOVEA_E_ARG, "jpeg_quality %d is not in 0..100", p->jpeg_quality);
    if (!(p->strength >= 0.0 && p->strength <= 1.0))
        return fovi_fail(ctx, FOVEA_E_ARG, "strength %g is not in 0..1", p->strength);
    if ((unsigned)p->mode > FOVEA_MODE_VIVID)
        return fovi_fail(ctx, FOVEA_E_ARG, "mode %d does not exist", (int)p->mode);
    if (p->strip_rows < 0 || p->strip_rows > 4096)
        return fovi_fail(ctx, FOVEA_E_ARG, "strip_rows %d is not in 0..4096", p->strip_rows);
    return check_light(ctx, p);
}

/* What the report calls the method. */
static void name_method(fovea_plan *plan)
{
    const struct fovea_upscale_params *p = &plan->params;
    const char *name = "auto";
    struct fovea_model_info info;
    if (p->method == FOVEA_METHOD_CLASSIC)
        name = fovea_kernel_name(p->kernel);
    else if (p->method == FOVEA_METHOD_FILTER)
        name = "filter";
    else if (p->method == FOVEA_METHOD_NETWORK && p->model) {
        fovea_model_describe(p->model, &info);
        name = info.method;
    } else if (p->method == FOVEA_METHOD_NETWORK) {
        name = p->network;
    }
    snprintf(plan->method, sizeof plan->method, "%s", name);
}

/* The path that a network's tiles are marked with: that of its name, else the caller's own. */
static enum fovea_path path_of(const char *method)
{
    static const enum fovea_path named[] = { FOVEA_PATH_TINY, FOVEA_PATH_SMALL, FOVEA_PATH_MEDIUM, FOVEA_PATH_LARGE };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(fovea_path_name(named[i]), method) == 0)
            return named[i];
    return FOVEA_PATH_NETWORK;
}

static int load_network(fovea_plan *plan, struct fovi_step *step, const char *name)
{
    struct fovi_step_network *n = &step->network[step->n_networks];
    FOVI_TRY(fovea_model_builtin(plan->run.ctx, name, step->scale, &n->owned));
    n->graph = fovi_model_graph(n->owned);
    n->path = path_of(name);
    step->n_networks++;
    return FOVEA_OK;
}

/* The rungs that a preset may use. */
static int top_rung(enum fovea_preset preset)
{
    static const enum fovea_path last[] = { [FOVEA_PRESET_BALANCED] = FOVEA_PATH_SMALL,
                                            [FOVEA_PRESET_FAST] = FOVEA_PATH_TINY,
                                            [FOVEA_PRESET_BEST] = FOVEA_PATH_LARGE };
    int top = 0;
    while (top + 1 < FOVI_ROUTE_N_RUNGS && fovi_route_ladder[top + 1].path <= last[preset])
        top++;
    return top;
}

/* Whether a precision means bfloat16, for networks that can run in it. */
static int is_bf16(const fovea_context *ctx, enum fovea_precision precision)
{
    return precision == FOVEA_PRECISION_BF16 ||
           (precision == FOVEA_PRECISION_AUTO && fovi_bf16_is_fast(fovea_context_cpu(ctx)));
}

enum fovi_exec_format fovi_plan_format(const fovea_context *ctx, enum fovea_precision precision,
                                       const struct fovi_graph *graph)
{
    if (precision == FOVEA_PRECISION_INT8 && graph->has_int8)
        return FOVI_EXEC_INT8;
    return is_bf16(ctx, precision) && fovi_exec_has_bf16(graph) ? FOVI_EXEC_BF16 : FOVI_EXEC_F32;
}

/* Qualities of a JPEG from which on more than the filter pays, and more than tiny: of coarser ones a network enlarges
 * the artefacts with the rest, a large one better than a small one (docs/how-it-works.md). */
#define LEAST_QUALITY_FOR_TINY 45
#define LEAST_QUALITY 63

/* Of the preset's rungs the top one that exists at a scale and whose gain can be predicted. */
static int top_rung_at(const fovea_plan *plan, int scale)
{
    int quality = plan->params.jpeg_quality, top = top_rung(plan->params.preset);
    if (quality > 0 && quality < LEAST_QUALITY)
        top = quality < LEAST_QUALITY_FOR_TINY ? FOVI_ROUTE_FILTER : FOVI_ROUTE_TINY;
    while (top > FOVI_ROUTE_FILTER && !fovi_route_model_builtin(top, scale))
        top--;
    return top;
}

/* Whether a decision tile by tile is worth its time. */
static int decision_pays(const fovea_plan *plan)
{
    double px = (double)plan->in_width * plan->in_height;
    int scale = plan->chain[0], top = top_rung_at(plan, scale);
    return plan->params.budget_ms > 0.0 ||
           fovi_route_pays(top, scale, is_bf16(plan->run.ctx, plan->params.precision), px, plan->params.max_loss_db);
}

/* What auto may use at this scale: the filter and the preset's rungs, or the top one alone. */
static int load_ladder(fovea_plan *plan, struct fovi_step *step)
{
    int top = top_rung_at(plan, step->scale), is_routed = top > FOVI_ROUTE_FILTER && decision_pays(plan),
        code = FOVEA_OK;
    if (is_routed || top == FOVI_ROUTE_FILTER)
        code = fovea_model_builtin(plan->run.ctx, "filter", step->scale, &step->filter);
    for (int rung = is_routed ? 1 : top; (!code || code == FOVEA_E_UNSUPPORTED) && rung && rung <= top; rung++)
        if (fovi_route_model_builtin(rung, step->scale))
            code = load_network(plan, step, fovi_route_ladder[rung].name);
    return code == FOVEA_E_UNSUPPORTED ? FOVEA_OK : code;
}

static int load_models(fovea_plan *plan, struct fovi_step *step)
{
    const struct fovea_upscale_params *p = &plan->params;
    switch (p->method) {
    case FOVEA_METHOD_AUTO: return load_ladder(plan, step);
    case FOVEA_METHOD_FILTER: return fovea_model_builtin(plan->run.ctx, "filter", step->scale, &step->filter);
    case FOVEA_METHOD_NETWORK: {
        struct fovea_model_info info;
        if (!p->model)
            return load_network(plan, step, p->network);
        fovea_model_describe(p->model, &info);
        step->network[step->n_networks++] = (struct fovi_step_network){ NULL, fovi_model_graph(p->model),
                                                                        path_of(info.method), FOVI_EXEC_F32 };
        break;
    }
    case FOVEA_METHOD_CLASSIC: break;
    }
    return FOVEA_OK;
}

/* Number formats of a step's networks. Auto may mix them, one network alone must be able to do what was asked. */
static int choose_formats(fovea_plan *plan, struct fovi_step *step)
{
    enum fovea_precision precision = plan->params.precision;
    for (int i = 0; i < step->n_networks; i++) {
        struct fovi_step_network *n = &step->network[i];
        n->format = fovi_plan_format(plan->run.ctx, precision, n->graph);
        if (precision == FOVEA_PRECISION_INT8 && !n->graph->has_int8 && plan->params.method == FOVEA_METHOD_NETWORK)
            return fovi_fail(plan->run.ctx, FOVEA_E_UNSUPPORTED,
                             "%s cannot run in int8: it was not trained for that, and has no weights for it",
                             plan->method);
        if (precision == FOVEA_PRECISION_BF16 && n->format != FOVI_EXEC_BF16 &&
            plan->params.method == FOVEA_METHOD_NETWORK)
            return fovi_fail(plan->run.ctx, FOVEA_E_UNSUPPORTED, "%s has layers that cannot run in bfloat16",
                             plan->method);
    }
    return FOVEA_OK;
}

static int count_tiles(int pixels)
{
    return (pixels + FOVEA_TILE - 1) / FOVEA_TILE;
}

static int looks_for_likeness(const fovea_plan *plan)
{
    return plan->params.mode == FOVEA_MODE_FAITHFUL || plan->params.mode == FOVEA_MODE_VIVID;
}

int fovi_step_radius(const fovea_plan *plan, const struct fovi_step *step)
{
    int radius = looks_for_likeness(plan) ? FOVI_LIKENESS_REACH : FOVI_STEP_MIN_RADIUS;
    for (int k = 0; k < step->n_networks; k++)
        if (fovi_graph_radius(step->network[k].graph) > radius)
            radius = fovi_graph_radius(step->network[k].graph);
    return radius;
}

/* What each step of the chain sees, once its part is known. */
static int size_steps(fovea_plan *plan)
{
    fovea_context *ctx = plan->run.ctx;
    struct fovi_frame frame = plan->in_part;
    for (int i = 0; i < plan->n_chain; i++) {
        struct fovi_step *step = &plan->step[i];
        step->width = frame.width;
        step->height = frame.height;
        step->n_tiles_x = count_tiles(frame.width);
        step->n_tiles_y = count_tiles(frame.height);
        step->path = fovi_alloc(ctx, (size_t)step->n_tiles_x, (size_t)step->n_tiles_y);
        step->cause = fovi_alloc(ctx, (size_t)step->n_tiles_x, (size_t)step->n_tiles_y);
        if (!step->path || !step->cause)
            return fovi_alloc_error(ctx);
        if (looks_for_likeness(plan) &&
            !(step->likeness = fovi_alloc(ctx, (size_t)step->n_tiles_x, (size_t)step->n_tiles_y)))
            return fovi_alloc_error(ctx);
        frame = fovi_frame_scaled(&frame, step->scale);
    }
    if (!plan->is_cropped || !plan->n_chain || plan->params.method != FOVEA_METHOD_AUTO)
        return FOVEA_OK;
    plan->whole_path = fovi_alloc(ctx, (size_t)count_tiles(plan->in_width), (size_t)count_tiles(plan->in_height));
    return plan->whole_path ? FOVEA_OK : fovi_alloc_error(ctx);
}

/* The one step that a caller's model can do; 0 without one. FOVEA_E_UNSUPPORTED for a model that is no network. */
static int model_scale(fovea_plan *plan, int *scale)
{
    struct fovea_model_info info;
    *scale = 0;
    if (plan->params.method != FOVEA_METHOD_NETWORK || !plan->params.model)
        return FOVEA_OK;
    fovea_model_describe(plan->params.model, &info);
    if (!fovi_model_graph(plan->params.model))
        return fovi_fail(plan->run.ctx, FOVEA_E_UNSUPPORTED, "the model \"%s\" is not a network", info.method);
    *scale = info.scale;
    return FOVEA_OK;
}

static int choose_chain(fovea_plan *plan)
{
    double rx = (double)plan->out_width / plan->in_width, ry = (double)plan->out_height / plan->in_height;
    int only, width = plan->in_width, height = plan->in_height;
    FOVI_TRY(model_scale(plan, &only));
    if (plan->params.method != FOVEA_METHOD_CLASSIC && rx >= 1.0 && ry >= 1.0)
        plan->n_chain = fovi_chain_choose(rx > ry ? rx : ry, only, plan->chain);
    for (int i = 0; i < plan->n_chain; i++) {
        if (width > (1 << 30) / plan->chain[i] || height > (1 << 30) / plan->chain[i])
            return fovi_fail(plan->run.ctx, FOVEA_E_LIMIT, "the chain's pictures are too large");
        plan->step[i].scale = plan->chain[i];
        FOVI_TRY(load_models(plan, &plan->step[i]));
        FOVI_TRY(choose_formats(plan, &plan->step[i]));
        width *= plan->chain[i];
        height *= plan->chain[i];
    }
    return FOVEA_OK;
}

/* Pairs of local steps for what the range of the output cut off. At ratios that are not whole all but the first leave P
 * out, and there are more of them. */
static void choose_pairs(struct fovi_project_params *p, int n_pairs, int is_whole, int is_strict)
{
    p->n_steps = p->n_whole + 2 * n_pairs;
    p->n_sharp = is_whole ? p->n_steps : p->n_whole + 2;
    for (int i = 0; i < p->n_steps; i++) {
        float give = i >= p->n_sharp || is_strict ? 4.0f : 5.0f, repair = i >= p->n_sharp ? 1.2f : 1.0f;
        p->weight[i] = i < p->n_whole ? 1.0f : (i - p->n_whole) % 2 ? repair : give;
    }
}

/* Steps of back-projection. The first does nearly all of what can be done linearly: it leaves less than what rounding
 * to 8 bits does; for finer samples, and where a mode is strict about it, a second one leaves nothing to speak of. Then
 * steps in pairs for what the range of the output cut off, and only there: the first gives it to the neighbours,
 * several times, since it will be cut again; the second repairs what was then too much. Close to a ratio of one, where
 * nothing undoes D U, a step multiplies a frequency by 1 at rest and by about a quarter where both axes are at Nyquist;
 * the weights are then those for which the error over that range falls fastest (the inverse roots of the Chebyshev
 * polynomial), starting from the middle one. */
static void choose_steps(fovea_plan *plan, int is_strict)
{
    struct fovi_project_params *p = &plan->consistency;
    double rx = (double)plan->out_width / plan->in_width, ry = (double)plan->out_height / plan->in_height;
    const double low = 0.24, high = 1.02;
    if (fovi_project_is_sharp(rx, ry)) {
        int is_whole = plan->out_width % plan->in_width == 0 && plan->out_height % plan->in_height == 0;
        p->n_whole = is_strict || plan->run.format.sample != FOVEA_SAMPLE_U8 ? 2 : 1;
        choose_pairs(p,
                     is_strict  ? FOVI_FAITHFUL_PAIRS
                     : is_whole ? FOVI_CONSISTENCY_PAIRS
                                : FOVI_FRACTION_PAIRS,
                     is_whole, is_strict);
        return;
    }
    int n = p->n_whole = p->n_steps = is_strict ? FOVI_FAITHFUL_BLUNT_STEPS : FOVI_BLUNT_STEPS;
    for (int i = 0; i < n; i++) {
        double root = cos((2 * ((i + n / 2) % n) + 1) * 3.141592653589793 / (2 * n));
        p->weight[i] = (float)(1.0 / ((high + low) / 2.0 + (high - low) / 2.0 * root));
    }
}

/* Below LEAST_QUALITY the values of a JPEG are not worth agreement: at 50 that costs all that networks gain over the
 * filter, at 75 a quarter of it. */
static void choose_consistency(fovea_plan *plan)
{
    enum fovea_consistency c = plan->params.consistency;
    int is_strict = plan->params.mode == FOVEA_MODE_FAITHFUL || plan->params.mode == FOVEA_MODE_SCIENTIFIC;
    int is_auto = plan->params.method == FOVEA_METHOD_AUTO, quality = plan->params.jpeg_quality;
    int would_harm = is_auto && !is_strict && quality > 0 && quality < LEAST_QUALITY;
    int wanted = c == FOVEA_CONSISTENCY_ON || (c == FOVEA_CONSISTENCY_DEFAULT && plan->n_chain > 0 && !would_harm &&
                                               (is_strict || plan->params.method != FOVEA_METHOD_FILTER));
    int enlarges = plan->out_width >= plan->in_width && plan->out_height >= plan->in_height;
    int same = plan->out_width == plan->in_width && plan->out_height == plan->in_height;
    plan->consistency = (struct fovi_project_params){ .has_range = 1, .strength = (float)plan->params.strength };
    if (wanted && enlarges && !same)
        choose_steps(plan, is_strict);
}

/* The curve between samples and levels: none where samples pass as they are or are only reduced. */
static void choose_curve(fovea_plan *plan)
{
    struct fovi_run *run = &plan->run;
    int is_float = run->format.sample == FOVEA_SAMPLE_F32;
    int is_linear = plan->params.transfer == FOVEA_TRANSFER_LINEAR ||
                    (plan->params.transfer == FOVEA_TRANSFER_DEFAULT && is_float);
    run->curve = FOVI_CURVE_NONE;
    run->white = is_float && plan->n_chain ? (float)plan->params.white : 1.0f;
    if (plan->n_chain && is_linear)
        run->curve = FOVI_CURVE_ENCODE;
    else if (plan->params.linear_light && !is_linear && !run->copies)
        run->curve = FOVI_CURVE_DECODE;
}

static int append(fovea_plan *plan, int code, struct fovi_stage *stage)
{
    if (!code)
        plan->stage[plan->n_stages++] = stage;
    return code;
}

/* Rows of a result that lie between what a step of back-projection makes and the farthest that it looks at: it adds a
 * correction that is made of rows up to five input rows farther down, each the reduction of rows up to three input rows
 * around it. */
static int rows_of_step(const fovea_plan *plan, int height)
{
    double ratio = (double)height / plan->in_height;
    return (int)((ratio > 1.0 ? ratio : 1.0) * 8.0) + 1;
}

/* Rows that the consumers of a stage of this height keep in use. */
static int rows_in_use(const fovea_plan *plan, int height)
{
    return rows_of_step(plan, height) + plan->run.piece + 3;
}

/* Input rows that lie between what one step of the chain has made and what it has read: a strip, and what its network
 * sees below. */
static int rows_ahead(const fovea_plan *plan, const struct fovi_step *step)
{
    int radius = fovi_step_radius(plan, step);
    /* for a mask a step looks farther ahead */
    return plan->run.strip + (plan->run.format.has_alpha ? 3 * radius + FOVEA_TILE : radius) + plan->run.piece;
}

/* Input rows that are in use at one time: by each enlargement, and by each step of back-projection the few rows that
 * it lags behind the one before. */
static int input_rows_in_use(const fovea_plan *plan)
{
    double ratio = (double)plan->out_height / plan->in_height;
    int rows = (int)(fovi_vivid_rows(plan, rows_in_use(plan, plan->out_height)) / ratio);
    rows += 3 * plan->run.piece + 8 + (plan->consistency.n_steps + 1) * 9;
    for (int i = 0; i < plan->n_chain; i++)
        rows += rows_ahead(plan, &plan->step[i]);
    return rows;
}

/* Strips and pieces: lower ones for wide pictures, whose rows are work enough, so that memory grows slower than the
 * width; pieces of as many rows as leave each thread some of every loop. */
static void choose_strips(fovea_plan *plan)
{
    struct fovi_run *run = &plan->run;
    int is_wide = plan->out_part.width > 16384, n_threads = fovea_context_threads(run->ctx);
    int strip = plan->params.strip_rows ? plan->params.strip_rows : is_wide ? FOVEA_TILE : 32;
    run->strip = (strip + FOVEA_TILE - 1) / FOVEA_TILE * FOVEA_TILE;
    run->piece = !is_wide ? FOVI_STAGE_PIECE : n_threads < FOVI_STAGE_PIECE / 8 ? n_threads : FOVI_STAGE_PIECE / 8;
}

static int add_refinement(fovea_plan *plan, struct fovi_step *step, int capacity)
{
    struct fovi_refine_params params = { .scale = step->scale,
                                         .n_networks = step->n_networks,
                                         .is_strict = plan->params.mode == FOVEA_MODE_FAITHFUL,
                                         .path = step->path,
                                         .cause = step->cause,
                                         .likeness = step->likeness };
    if (plan->params.strength == 0.0) /* whatever they would say */
        params.n_networks = 0;
    else if (step->filter)
        params.filter = fovi_model_filter(step->filter);
    for (int i = 0; i < step->n_networks; i++)
        params.network[i] = (struct fovi_refine_network){ step->network[i].graph, step->network[i].path,
                                                          step->network[i].format };
    if (step == &plan->step[0])
        params.added = plan->added;
    int code = fovi_refine_create(&plan->run, plan->stage[plan->n_stages - 1], &params, capacity, &step->stage);
    return append(plan, code, step->stage);
}

/* Base and refinement of one step of the chain; with consistency, if that comes next. rows: that later stages hold, 0
 * where there are none. */
static int add_enlargement(fovea_plan *plan, struct fovi_step *step, int is_consistent, int rows)
{
    struct fovi_stage *in = plan->stage[plan->n_stages - 1], *next;
    int in_use = rows_in_use(plan, in->frame.full_height * step->scale);
    FOVI_TRY(add_refinement(plan, step, in_use));
    struct fovi_stage *gain = plan->stage[plan->n_stages - 1];
    int code = is_consistent ? fovi_base_create(&plan->run, in, gain, &plan->consistency, rows, &next)
                             : fovi_plain_base_create(&plan->run, in, gain, (float)plan->params.strength, rows, &next);
    return append(plan, code, next);
}

/* Whether the chain's last base is the result. */
static int ends_with_base(const fovea_plan *plan)
{
    int ratio = 1;
    for (int i = 0; i < plan->n_chain; i++)
        ratio *= plan->chain[i];
    return !plan->consistency.n_steps && !fovi_vivid_rows(plan, 0) && ratio * plan->in_height == plan->out_height &&
           ratio * plan->in_width == plan->out_width;
}

/* Rows that consumers of the base of step i of the chain keep in use; behind: those of the result. */
static int base_rows(const fovea_plan *plan, int i, int height, int is_consistent, int behind)
{
    if (i < plan->n_chain - 1)
        return rows_in_use(plan, height) + rows_ahead(plan, &plan->step[i + 1]);
    return ends_with_base(plan) ? 0 : behind - is_consistent * rows_of_step(plan, height);
}

/* From the source to the result; nothing is read yet. */
static int build_stages(fovea_plan *plan)
{
    struct fovi_run *run = &plan->run;
    struct fovi_stage *next;
    int rows = rows_in_use(plan, plan->out_height), n_steps = plan->consistency.n_steps, is_done = 0;
    /* rows of the result in use: the steps lie apart, the first of them is ahead where it is the base's */
    int behind = n_steps * rows_of_step(plan, plan->out_height) + run->piece + 3 + fovi_vivid_rows(plan, rows);
    int code = fovi_load_create(run, &plan->in_part, input_rows_in_use(plan), &next);
    FOVI_TRY(append(plan, code, next));
    for (int i = 0; i < plan->n_chain; i++) {
        int height = plan->stage[plan->n_stages - 1]->frame.full_height * plan->step[i].scale;
        is_done = n_steps > 0 && i == 0 && plan->chain[0] * plan->in_height == plan->out_height &&
                  plan->chain[0] * plan->in_width == plan->out_width;
        FOVI_TRY(add_enlargement(plan, &plan->step[i], is_done, base_rows(plan, i, height, is_done, behind)));
    }
    const struct fovi_frame *last = &plan->stage[plan->n_stages - 1]->frame;
    if (last->full_width != plan->out_width || last->full_height != plan->out_height) {
        enum fovea_kernel kernel = plan->params.method == FOVEA_METHOD_CLASSIC ? plan->params.kernel
                                                                               : FOVEA_KERNEL_BICUBIC;
        code = fovi_resize_create(run, plan->stage[plan->n_stages - 1], kernel, &plan->out_part, behind, &next);
        FOVI_TRY(append(plan, code, next));
    }
    if (n_steps > 0 && !is_done) {
        code = fovi_project_create(run, plan->stage[plan->n_stages - 1], plan->stage[0], &plan->consistency, &next);
        FOVI_TRY(append(plan, code, next));
    }
    return fovi_vivid_add(plan, rows);
}

/* Bytes of a source that is kept from the first pass to the second. */
#define MOST_KEPT (4 << 20)

static int takes_two_passes(const fovea_plan *plan)
{
    return plan->n_chain && (fovi_plan_decides(plan) || plan->params.expects_error);
}

static int take_buffers(fovea_plan *plan)
{
    fovea_context *ctx = plan->run.ctx;
    size_t pixel = fovea_pixel_bytes(&plan->run.format);
    plan->rows_stride = (ptrdiff_t)((size_t)plan->crop.width * pixel);
    plan->rows = fovi_alloc(ctx, (size_t)plan->run.piece, (size_t)plan->rows_stride);
    plan->in_stride = (ptrdiff_t)((size_t)plan->in_width * pixel);
    plan->in_rows = fovi_alloc(ctx, (size_t)plan->run.piece, (size_t)plan->in_stride);
    if (!plan->rows || !plan->in_rows)
        return fovi_alloc_error(ctx);
    if (takes_two_passes(plan) && plan->in_stride <= MOST_KEPT / plan->in_height &&
        !(plan->kept = fovi_alloc(ctx, (size_t)plan->in_height, (size_t)plan->in_stride)))
        return fovi_alloc_error(ctx);
    if (!plan->consistency.n_steps || plan->is_cropped)
        return FOVEA_OK;
    return fovi_meter_create(&plan->run, plan->stage[0], &plan->out_part, &plan->meter);
}

static int build(fovea_plan *plan, int width, int height)
{
    struct fovi_run *run = &plan->run;
    FOVI_TRY(fovi_format_check(run->ctx, &run->format));
    FOVI_TRY(check_params(run->ctx, &plan->params));
    plan->in_width = width;
    plan->in_height = height;
    FOVI_TRY(fovea_output_size(run->ctx, width, height, &plan->params, &plan->out_width, &plan->out_height));
    run->n_color = run->format.n_channels - run->format.has_alpha;
    run->is_rgb = run->n_color == 3;
    run->copies = plan->out_width == width && plan->out_height == height;
    name_method(plan);
    FOVI_TRY(choose_chain(plan));
    choose_consistency(plan);
    FOVI_TRY(fovi_plan_choose_parts(plan));
    FOVI_TRY(size_steps(plan));
    choose_strips(plan);
    choose_curve(plan);
    FOVI_TRY(fovi_vivid_check(plan));
    FOVI_TRY(fovi_figures_create(plan));
    FOVI_TRY(build_stages(plan));
    return take_buffers(plan);
}

int fovea_plan_build(fovea_plan **out, fovea_context *ctx, int width, int height, const struct fovea_format *format,
                     const struct fovea_upscale_params *params)
{
    *out = NULL;
    fovea_plan *plan = fovi_alloc(ctx, 1, sizeof *plan);
    if (!plan)
        return fovi_alloc_error(ctx);
    plan->run.ctx = ctx;
    plan->run.format = *format;
    plan->run.convert = fovi_convert_dsp_get(fovea_context_cpu(ctx));
    plan->params = params ? *params : default_params;
    plan->params.expects_error |= plan->params.mode == FOVEA_MODE_VIVID;
    if (plan->params.costs)
        plan->costs = *plan->params.costs;
    plan->params.costs = NULL; /* the caller's */
    int code = build(plan, width, height);
    if (code)
        fovea_plan_free(&plan);
    *out = plan;
    return code;
}

void fovea_plan_free(fovea_plan **plan)
{
    if (!plan || !*plan)
        return;
    fovea_plan *p = *plan;
    fovea_context *ctx = p->run.ctx;
    fovi_meter_free(&p->meter);
    fovi_figures_free(p);
    for (int i = p->n_stages - 1; i >= 0; i--)
        p->stage[i]->free(p->stage[i]);
    for (int i = 0; i < p->n_chain; i++) {
        for (int k = 0; k < p->step[i].n_networks; k++)
            fovea_model_free(&p->step[i].network[k].owned);
        fovea_model_free(&p->step[i].filter);
        fovi_free(ctx, p->step[i].path);
        fovi_free(ctx, p->step[i].cause);
        fovi_free(ctx, p->step[i].likeness);
    }
    fovi_free(ctx, p->whole_path);
    fovi_free(ctx, p->rows);
    fovi_free(ctx, p->in_rows);
    fovi_free(ctx, p->kept);
    fovi_free(ctx, p);
    *plan = NULL;
}

int fovi_plan_decides(const fovea_plan *plan)
{
    const struct fovi_step *step = &plan->step[0];
    return plan->params.method == FOVEA_METHOD_AUTO && plan->n_chain && step->n_networks && step->filter &&
           plan->params.strength > 0.0;
}

int fovea_plan_width(const fovea_plan *plan)
{
    return plan->crop.width;
}

int fovea_plan_height(const fovea_plan *plan)
{
    return plan->crop.height;
}

void fovea_plan_provenance(const fovea_plan *plan, struct fovea_provenance *out)
{
    *out = (struct fovea_provenance){ 0 };
    if (plan->n_chain)
        *out = (struct fovea_provenance){ plan->step[0].n_tiles_x, plan->step[0].n_tiles_y, plan->step[0].path,
                                          plan->step[0].cause };
}
