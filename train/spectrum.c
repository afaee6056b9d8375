/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loss on frequencies. With F = sum d exp(-i t), the derivative of |Re F| + |Im F| by d is the real part of
 * S exp(i t), S = sign Re F + i sign Im F: the inverse transform of the signs.
 */
#include "spectrum.h"

#include <math.h>

int train_spectrum_init(fovea_context *ctx, struct train_spectrum *s, int edge)
{
    *s = (struct train_spectrum){ .edge = edge };
    FOVI_TRY(fovi_fft_init(ctx, &s->forward, edge, 0));
    int code = fovi_fft_init(ctx, &s->inverse, edge, 1);
    size_t n = (size_t)edge * (size_t)edge, scratch = s->forward.n_scratch;
    scratch = s->inverse.n_scratch > scratch ? s->inverse.n_scratch : scratch;
    if (!code) {
        s->plane = fovi_alloc(ctx, n + 2 * (size_t)edge + scratch, sizeof *s->plane);
        s->line = s->plane + n;
        code = s->plane ? FOVEA_OK : fovi_alloc_error(ctx);
    }
    if (code)
        train_spectrum_free(ctx, s);
    return code;
}

void train_spectrum_free(fovea_context *ctx, struct train_spectrum *s)
{
    fovi_fft_free(ctx, &s->forward);
    fovi_fft_free(ctx, &s->inverse);
    fovi_free(ctx, s->plane);
    *s = (struct train_spectrum){ 0 };
}

/* Transform each line of the plane, step numbers apart within it, in its place. */
static void transform_lines(const struct train_spectrum *s, const struct fovi_fft *fft, ptrdiff_t step, ptrdiff_t next)
{
    struct fovi_complex *in = s->line, *out = in + s->edge;
    for (int i = 0; i < s->edge; i++) {
        struct fovi_complex *line = s->plane + i * next;
        for (int k = 0; k < s->edge; k++)
            in[k] = line[k * step];
        fovi_fft_run(fft, in, out, out + s->edge);
        for (int k = 0; k < s->edge; k++)
            line[k * step] = out[k];
    }
}

static void transform(const struct train_spectrum *s, const struct fovi_fft *fft)
{
    transform_lines(s, fft, 1, s->edge);
    transform_lines(s, fft, s->edge, 1);
}

static float sign(float v)
{
    return (float)((v > 0.0f) - (v < 0.0f));
}

double train_spectrum_loss(const struct train_spectrum *s, const struct fovi_graph *graph, float weight,
                           struct train_work *work)
{
    const struct train_grid *g = &work->grid;
    int last = graph->n_layers - 1, factor = s->edge / g->patch;
    ptrdiff_t n = (ptrdiff_t)s->edge * s->edge;
    for (int y = 0; y < s->edge; y++) {
        for (int x = 0; x < s->edge; x++) {
            ptrdiff_t at = train_grid_place(g, factor, x, y);
            s->plane[y * s->edge + x] = (struct fovi_complex){ work->post[last][at] - work->target[at], 0.0f };
        }
    }
    transform(s, &s->forward);
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        struct fovi_complex *f = &s->plane[i];
        sum += fabs((double)f->re) + fabs((double)f->im);
        *f = (struct fovi_complex){ sign(f->re), sign(f->im) };
    }
    transform(s, &s->inverse);
    float scale = weight / (float)(2 * n);
    for (int y = 0; y < s->edge; y++)
        for (int x = 0; x < s->edge; x++)
            work->grad[last][train_grid_place(g, factor, x, y)] += scale * s->plane[y * s->edge + x].re;
    return sum / (double)(2 * n);
}
