/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Planning one axis. Positions are exact fractions: with den = 2 out, output o lies at num / den, where
 * num = (2o+1) in - out, so outputs of one phase get bit-identical weights however far apart they are, and packed
 * weights are shared.
 */
#include "resample/axis.h"

#include <assert.h>
#include <string.h>

#include "base/checked.h"

#define MAX_SIDE (1 << 30)

/* Positions of an axis as fractions, and the kernel over it. */
struct geometry {
    enum fovea_kernel kernel;
    int64_t in, out;
    int64_t unit;    /* den times the kernel's unit of distance: 2 max(in, out) */
    int64_t support; /* den times the widened radius */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static int64_t position(const struct geometry *g, int64_t o)
{
    return (2 * o + 1) * g->in - g->out;
}

/* First input that output o reads were the picture endless, and how many. */
static int64_t span(const struct geometry *g, int64_t o, int64_t *first)
{
    int64_t num = position(g, o), den = 2 * g->out;
    if (g->kernel == FOVEA_KERNEL_NEAREST) {
        *first = floor_div(num + g->out, den);
        return 1;
    }
    *first = floor_div(num - g->support, den) + 1;
    return -floor_div(-(num + g->support), den) - *first;
}

static int count_taps(const struct geometry *g)
{
    int64_t most = 1, first;
    for (int64_t o = 0; o < g->out; o++) {
        int64_t n = span(g, o, &first);
        most = n > most ? n : most;
    }
    return (int)(most < g->in ? most : g->in);
}

static int clamp(int64_t v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : (int)v;
}

/* Input that stands at i: the picture and its mirror image in turn. */
static int64_t reflect(int64_t i, int64_t n)
{
    i -= floor_div(i, 2 * n) * (2 * n);
    return i < n ? i : 2 * n - 1 - i;
}

/* Weights of output o in double, not normalised: sum[k] belongs to input first + k. */
static void gather_weights(const struct geometry *g, int64_t o, int first, int n_taps, double *sum)
{
    int64_t i0, n = span(g, o, &i0), num = position(g, o);
    memset(sum, 0, (size_t)n_taps * sizeof *sum);
    for (int64_t i = i0; i < i0 + n; i++) {
        int64_t k = reflect(i, g->in) - first;
        assert(k >= 0 && k < n_taps);
        if (g->kernel == FOVEA_KERNEL_NEAREST)
            sum[k] = 1.0;
        else
            sum[k] += fovea_kernel_value(g->kernel, (double)(i * 2 * g->out - num) / (double)g->unit);
    }
}

/* Normalise; what rounding to float leaves over goes to the largest weight. */
static void store_weights(const double *sum, int n_taps, float *weights)
{
    double total = 0.0, rest = 1.0;
    int largest = 0;
    for (int k = 0; k < n_taps; k++) {
        total += sum[k];
        largest = sum[k] > sum[largest] ? k : largest;
    }
    for (int k = 0; k < n_taps; k++) {
        weights[k] = (float)(sum[k] / total);
        rest -= (double)weights[k];
    }
    weights[largest] = (float)((double)weights[largest] + rest);
}

static int plan_weights(fovea_context *ctx, const struct geometry *g, struct fovi_axis *axis)
{
    double *sum = fovi_alloc(ctx, (size_t)axis->n_taps, sizeof *sum);
    if (!sum)
        return fovi_alloc_error(ctx);
    for (int o = 0; o < axis->out; o++) {
        int64_t first;
        span(g, o, &first);
        axis->first[o] = clamp(first, 0, axis->in - axis->n_taps);
        gather_weights(g, o, axis->first[o], axis->n_taps, sum);
        store_weights(sum, axis->n_taps, axis->weights + (size_t)o * (size_t)axis->n_taps);
    }
    fovi_free(ctx, sum);
    return FOVEA_OK;
}

/* Does output o read n inputs from its unclamped first one on, all inside the picture? */
static int is_inner(const struct geometry *g, int64_t o, int64_t n)
{
    int64_t first;
    span(g, o, &first);
    return o >= 0 && o < g->out && first >= 0 && first + n <= g->in;
}

static int gcd(int a, int b)
{
    return b ? gcd(b, a % b) : a;
}

/* Number the patterns of groups of `group` outputs: an inner group takes the number of the inner group one period
 * before it, any other a new one. Returns how many there are. */
static int number_patterns(const struct geometry *g, struct fovi_axis *axis, int group)
{
    int period = axis->out / gcd(axis->in, axis->out);
    period /= gcd(period, group);
    int n = 0;
    for (int i = 0; (int64_t)i * group < axis->out; i++) {
        int64_t o = (int64_t)i * group, before = o - (int64_t)period * group;
        int repeats = is_inner(g, o, axis->n_packed) && is_inner(g, o + group - 1, axis->n_packed) &&
                      is_inner(g, before, axis->n_packed);
        axis->pattern[i] = repeats ? axis->pattern[i - period] : n++;
    }
    return n;
}

static void pack_enlarge(struct fovi_axis *axis, int block)
{
    size_t base = (size_t)axis->pattern[block] * FOVI_AXIS_LANES;
    int o0 = block * FOVI_AXIS_LANES;
    for (int j = 0; j < FOVI_AXIS_LANES && o0 + j < axis->out; j++) {
        const float *w = axis->weights + (size_t)(o0 + j) * (size_t)axis->n_taps;
        axis->shift[base + (size_t)j] = axis->first[o0 + j] - axis->first[o0];
        for (int k = 0; k < axis->n_taps; k++)
            axis->packed[base * (size_t)axis->n_taps + (size_t)(k * FOVI_AXIS_LANES + j)] = w[k];
    }
}

static void pack_reduce(struct fovi_axis *axis, int o)
{
    const float *w = axis->weights + (size_t)o * (size_t)axis->n_taps;
    float *packed = axis->packed + (size_t)axis->pattern[o] * (size_t)axis->n_packed;
    axis->start[o] = clamp(axis->first[o], 0, axis->in - axis->n_packed);
    memcpy(packed + (axis->first[o] - axis->start[o]), w, (size_t)axis->n_taps * sizeof *w);
}

/* The inner outputs of an enlargement by a whole 2, 3 or 4, from a multiple of 8 on. */
static void find_enlarge_run(const struct geometry *g, struct fovi_axis *axis)
{
    int ratio = axis->out / axis->in, begin = 0, end = axis->out;
    if (axis->out % axis->in || ratio < 2 || ratio > 4)
        return;
    while (begin < end && !is_inner(g, begin, axis->n_taps))
        begin += FOVI_AXIS_LANES;
    while (begin < end && !is_inner(g, end - 1, axis->n_taps))
        end--;
    if (begin >= end)
        return;
    axis->run_begin = begin;
    axis->run_end = end;
    axis->run_step = ratio;
}

/* The longest run of outputs with one pattern; their starts are evenly spaced because the period is one output. */
static void find_reduce_run(struct fovi_axis *axis)
{
    for (int begin = 0, end; begin < axis->out; begin = end) {
        for (end = begin + 1; end < axis->out && axis->pattern[end] == axis->pattern[begin]; end++)
            continue;
        if (end - begin > axis->run_end - axis->run_begin) {
            axis->run_begin = begin;
            axis->run_end = end;
        }
    }
    if (axis->run_end - axis->run_begin > 1)
        axis->run_step = axis->start[axis->run_begin + 1] - axis->start[axis->run_begin];
}

static int plan_packed(fovea_context *ctx, const struct geometry *g, struct fovi_axis *axis)
{
    int group = axis->form == FOVI_AXIS_ENLARGE ? FOVI_AXIS_LANES : 1;
    int n_groups = (int)(((int64_t)axis->out + group - 1) / group);
    axis->pattern = fovi_alloc(ctx, (size_t)n_groups, sizeof *axis->pattern);
    if (!axis->pattern)
        return fovi_alloc_error(ctx);
    size_t n_patterns = (size_t)number_patterns(g, axis, group), n_weights;
    if (!fovi_mul_size(n_patterns, (size_t)axis->n_packed * (size_t)group, &n_weights))
        return fovi_fail(ctx, FOVEA_E_NOMEM, "the weights of %d to %d pixels overflow", axis->in, axis->out);
    if (!(axis->packed = fovi_alloc(ctx, n_weights, sizeof *axis->packed)))
        return fovi_alloc_error(ctx);
    if (axis->form == FOVI_AXIS_ENLARGE) {
        if (!(axis->shift = fovi_alloc(ctx, n_patterns, FOVI_AXIS_LANES * sizeof *axis->shift)))
            return fovi_alloc_error(ctx);
        for (int i = 0; i < n_groups; i++)
            pack_enlarge(axis, i);
        find_enlarge_run(g, axis);
        return FOVEA_OK;
    }
    if (!(axis->start = fovi_alloc(ctx, (size_t)axis->out, sizeof *axis->start)))
        return fovi_alloc_error(ctx);
    for (int o = 0; o < axis->out; o++)
        pack_reduce(axis, o);
    find_reduce_run(axis);
    return FOVEA_OK;
}

/* Choose how the horizontal kernel sums: a choice by the sizes alone, never by the processor. */
static void choose_form(struct fovi_axis *axis)
{
    int rounded = (axis->n_taps + FOVI_AXIS_LANES - 1) / FOVI_AXIS_LANES * FOVI_AXIS_LANES;
    axis->n_packed = axis->n_taps;
    if (axis->out >= axis->in) {
        axis->form = FOVI_AXIS_ENLARGE;
    } else if (axis->n_taps > 1 && rounded <= axis->in) {
        axis->form = FOVI_AXIS_REDUCE;
        axis->n_packed = rounded;
    }
}

static int plan(fovea_context *ctx, const struct geometry *g, struct fovi_axis *axis)
{
    axis->n_taps = count_taps(g);
    size_t n_weights;
    if (!fovi_mul_size((size_t)axis->out, (size_t)axis->n_taps, &n_weights))
        return fovi_fail(ctx, FOVEA_E_NOMEM, "the weights of %d to %d pixels overflow", axis->in, axis->out);
    axis->first = fovi_alloc(ctx, (size_t)axis->out, sizeof *axis->first);
    if (!axis->first)
        return fovi_alloc_error(ctx);
    axis->weights = fovi_alloc(ctx, n_weights, sizeof *axis->weights);
    if (!axis->weights)
        return fovi_alloc_error(ctx);
    FOVI_TRY(plan_weights(ctx, g, axis));
    choose_form(axis);
    return axis->form == FOVI_AXIS_SCALAR ? FOVEA_OK : plan_packed(ctx, g, axis);
}

int fovi_axis_init(fovea_context *ctx, struct fovi_axis *axis, enum fovea_kernel kernel, int in, int out)
{
    *axis = (struct fovi_axis){ .in = in, .out = out };
    if (!fovea_kernel_name(kernel))
        return fovi_fail(ctx, FOVEA_E_ARG, "kernel %d does not exist", (int)kernel);
    if (in < 1 || out < 1 || in > MAX_SIDE || out > MAX_SIDE)
        return fovi_fail(ctx, FOVEA_E_ARG, "cannot resample %d to %d pixels: 1..2^30 are possible", in, out);
    int64_t larger = in > out ? in : out;
    struct geometry g = { kernel, in, out, 2 * larger, (int64_t)(2.0 * fovea_kernel_radius(kernel)) * larger };
    int code = plan(ctx, &g, axis);
    if (code != FOVEA_OK)
        fovi_axis_free(ctx, axis);
    return code;
}

/* The run, as far as the part has what it reads. first: of the outputs, in the whole axis. */
static void cut_run(struct fovi_axis *axis, const struct fovi_axis_part *part, const int *first)
{
    int last_first = part->n_in - axis->n_packed;
    int begin = axis->run_begin - part->out_first, end = axis->run_end - part->out_first;
    begin = begin > 0 ? begin : 0;
    end = end < part->n_out ? end : part->n_out;
    while (begin < end && first[begin] - part->in_first < 0)
        begin += FOVI_AXIS_LANES;
    while (begin < end && first[end - 1] - part->in_first > last_first)
        end--;
    axis->run_begin = begin < end ? begin : 0;
    axis->run_end = begin < end ? end : 0;
    axis->run_step = begin < end ? axis->run_step : 0;
}

int fovi_axis_cut(fovea_context *ctx, struct fovi_axis *axis, const struct fovi_axis_part *part)
{
    int n_taps = axis->n_taps, group = axis->form == FOVI_AXIS_ENLARGE ? FOVI_AXIS_LANES : 1;
    int least = axis->form == FOVI_AXIS_REDUCE ? axis->n_packed : n_taps;
    if (part->n_in < least || part->out_first % FOVI_AXIS_LANES || part->in_first < 0 || part->out_first < 0 ||
        part->n_in > axis->in - part->in_first || part->n_out > axis->out - part->out_first)
        return fovi_fail(ctx, FOVEA_E_INTERNAL, "%d of %d inputs are no part for %d outputs of %d taps", part->n_in,
                         axis->in, part->n_out, n_taps);
    int *first = axis->first + part->out_first;
    if (axis->form != FOVI_AXIS_SCALAR) {
        int n_groups = (part->n_out + group - 1) / group;
        cut_run(axis, part, axis->form == FOVI_AXIS_REDUCE ? axis->start + part->out_first : first);
        memmove(axis->pattern, axis->pattern + part->out_first / group, (size_t)n_groups * sizeof *axis->pattern);
    }
    for (int o = 0; o < part->n_out; o++) {
        axis->first[o] = clamp((int64_t)first[o] - part->in_first, 0, part->n_in - n_taps);
        if (axis->form == FOVI_AXIS_REDUCE)
            axis->start[o] = clamp((int64_t)axis->start[o + part->out_first] - part->in_first, 0,
                                   part->n_in - axis->n_packed);
    }
    memmove(axis->weights, axis->weights + (size_t)part->out_first * (size_t)n_taps,
            (size_t)part->n_out * (size_t)n_taps * sizeof *axis->weights);
    axis->in = part->n_in;
    axis->out = part->n_out;
    return FOVEA_OK;
}

struct fovi_axis fovi_axis_view(const struct fovi_axis *axis, int begin, int end)
{
    struct fovi_axis view = *axis;
    int group = axis->form == FOVI_AXIS_ENLARGE ? FOVI_AXIS_LANES : 1, from = axis->run_begin - begin;
    assert(begin % FOVI_AXIS_LANES == 0 && begin <= end && end <= axis->out);
    view.out = end - begin;
    view.first += begin;
    view.weights += (ptrdiff_t)begin * axis->n_taps;
    if (axis->form != FOVI_AXIS_SCALAR)
        view.pattern += begin / group;
    if (axis->form == FOVI_AXIS_REDUCE)
        view.start += begin;
    view.run_begin = from > 0 ? from : 0;
    view.run_end = axis->run_end < end ? axis->run_end - begin : end - begin;
    if (view.run_begin >= view.run_end)
        view.run_begin = view.run_end = view.run_step = 0;
    return view;
}

void fovi_axis_free(fovea_context *ctx, struct fovi_axis *axis)
{
    fovi_free(ctx, axis->first);
    fovi_free(ctx, axis->weights);
    fovi_free(ctx, axis->pattern);
    fovi_free(ctx, axis->start);
    fovi_free(ctx, axis->shift);
    fovi_free(ctx, axis->packed);
    *axis = (struct fovi_axis){ 0 };
}
