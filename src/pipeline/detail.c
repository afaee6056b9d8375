/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode vivid: detail that the input neither proves nor forbids, amplified up to a stated cost.
 *
 * A network near the conditional mean keeps of fine structure only what it is sure of, so its texture is too weak. What
 * it keeps beyond the input's Nyquist is the part of the result x that the reduction D does not see, P x with
 * P = I - D+ D; it is made by back-projection towards nothing. In tiles of texture that part, its strong edges
 * compressed, is added once more: x + P(a s(P x)). The second projection takes out what the gain a, which varies from
 * tile to tile, and the compression s would put below Nyquist, so D of the sum is D x.
 *
 * The error of the conditional mean is orthogonal to whatever is computed from the input. A tile whose expected squared
 * error is e is then e + |detail|^2 off. A network is a little too sure of its texture s(P x): its error, result less
 * truth, holds slope times that, and a costs a^2 + 2 slope a times the energy of s(P x). So a follows from the decibels
 * that it may cost; nor may it add more than the energy that the mean has lost, which is e.
 */
#include "pipeline/detail.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "image/convert.h"

/* Values beyond this many times a tile's RMS are edges more than texture: the curve bends there. */
#define BEND 2.0f

/* Squared levels of rounding that are in any tile's part above Nyquist: weaker structure is none. */
#define ROUNDING 0.25

/* What detail costs: PRICE (gain^2 + 2 slope gain) times the energy that it amplifies. The price would be 1 if each
 * picture's error were as expected; but the dearest are those whose error is overestimated. The better a network, the
 * nearer it is to the conditional mean, and the less the slope. Both were set so that on average over the training
 * pictures, none of which is in Set14 or BSD100, the predicted cost is the measured one (bench/detail_cost.py train
 * --scale S --method M). */
#define PRICE 1.1

static const struct {
    enum fovea_path path;
    double at[3]; /* x2, x3, x4 */
} slopes[] = {
    { FOVEA_PATH_FILTER, { 0.04, 0.09, 0.07 } },
    { FOVEA_PATH_TINY, { 0.03, 0.095, 0.09 } },
    { FOVEA_PATH_SMALL, { 0.0, 0.05, 0.06 } },
    { FOVEA_PATH_MEDIUM, { 0.0, 0.05, 0.05 } },
};

double fovi_detail_slope(enum fovea_path path, int scale)
{
    size_t n = sizeof slopes / sizeof *slopes, i = 0;
    while (i + 1 < n && slopes[i].path != path)
        i++;
    return slopes[i].at[scale - 2];
}

float fovi_detail_price(float detail, float source, double slope)
{
    return (float)PRICE * (detail + 2.0f * (float)slope * sqrtf(detail * source));
}

/* Edge of the blocks whose structure tensor tells lines from texture, and the coherence up to which a tile is texture
 * and from which it is lines: fur and grass have about 0.5, letters and stripes 0.75 and more. */
#define BLOCK 8
#define TEXTURE 0.55
#define LINES 0.75

/* A row or column of the output between the centres of two tiles. */
struct between {
    int first;   /* the tile before; -1 where there is none */
    float share; /* of the one behind */
};

static struct between find_between(int at, const struct fovi_detail_axis *axis)
{
    double v = (axis->first + at + 0.5) / axis->tile - 0.5, first = floor(v);
    return (struct between){ (int)first - axis->first_tile, (float)(v - first) };
}

/* The tile that a row or column lies in. */
static int find_tile(int at, const struct fovi_detail_axis *axis)
{
    return (int)floor((axis->first + at + 0.5) / axis->tile) - axis->first_tile;
}

static int clamp(int v, int n)
{
    return v < 0 ? 0 : v < n ? v : n - 1;
}

/* ---- nothing: the input that the detail is projected towards ---- */

/* The window holds one row, which stands for all: none of them ever falls out. */
static int zero_advance(struct fovi_stage *stage, int y_end)
{
    stage->out.y1 = y_end;
    return FOVEA_OK;
}

static void plain_reset(struct fovi_stage *stage)
{
    fovi_window_reset(&stage->out);
}

static void plain_free(struct fovi_stage *stage)
{
    fovi_window_free(stage->run->ctx, &stage->out);
    fovi_free(stage->run->ctx, stage);
}

int fovi_zero_create(struct fovi_run *run, const struct fovi_frame *frame, struct fovi_stage **out)
{
    struct fovi_stage *stage = *out = fovi_alloc(run->ctx, 1, sizeof *stage);
    if (!stage)
        return fovi_alloc_error(run->ctx);
    *stage = (struct fovi_stage){
        .run = run, .frame = *frame, .advance = zero_advance, .reset = plain_reset, .free = plain_free
    };
    int code = fovi_window_init(run->ctx, &stage->out, frame->width, frame->height, 1, 1);
    if (code) {
        plain_free(stage);
        *out = NULL;
        return code;
    }
    memset(fovi_window_row(&stage->out, 0, 0), 0, (size_t)frame->width * sizeof(float));
    return FOVEA_OK;
}

/* ---- luma ---- */

struct luma {
    struct fovi_stage stage;
    struct fovi_stage *in;
};

static void luma_job(void *arg, int index, int worker)
{
    (void)worker;
    struct luma *l = arg;
    const float *planes[3];
    int y = l->stage.out.y1 + index, n = l->stage.run->is_rgb ? 3 : 1;
    for (int c = 0; c < n; c++)
        planes[c] = fovi_window_row(&l->in->out, c, y);
    fovi_row_luma(planes, n, l->stage.out.width, fovi_window_row(&l->stage.out, 0, y));
}

static int luma_advance(struct fovi_stage *stage, int y_end)
{
    struct luma *l = (struct luma *)stage;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        FOVI_TRY(fovi_stage_need(l->in, stage->out.y1 + n));
        double start = fovi_clock_ms();
        fovi_parallel(stage->run->ctx, luma_job, l, n);
        fovi_window_push(&stage->out, n);
        stage->run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

int fovi_luma_create(struct fovi_run *run, struct fovi_stage *in, int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct luma *l = fovi_alloc(run->ctx, 1, sizeof *l);
    if (!l)
        return fovi_alloc_error(run->ctx);
    l->stage = (struct fovi_stage){
        .run = run, .frame = in->frame, .advance = luma_advance, .reset = plain_reset, .free = plain_free
    };
    l->in = in;
    int code = fovi_window_init(run->ctx, &l->stage.out, in->out.width, in->out.height, 1, capacity + run->piece);
    if (code)
        plain_free(&l->stage);
    else
        *out = &l->stage;
    return code;
}

/* ---- gain: how much of it each tile gets ---- */

struct gain {
    struct fovi_stage stage;
    struct fovi_stage *in;
    struct fovi_detail_params params;
    int n_ready;           /* rows of tiles whose gain is known */
    float *level, *bend;   /* of each tile: RMS of its detail before compression; where the curve bends */
    float *columns;        /* of each worker: level and bend between two rows of tiles */
    struct between *place; /* of each column */
};

static void gain_free(struct fovi_stage *stage)
{
    struct gain *g = (struct gain *)stage;
    fovea_context *ctx = stage->run->ctx;
    fovi_free(ctx, g->level);
    fovi_free(ctx, g->bend);
    fovi_free(ctx, g->columns);
    fovi_free(ctx, g->place);
    plain_free(stage);
}

static void gain_reset(struct fovi_stage *stage)
{
    fovi_window_reset(&stage->out);
    ((struct gain *)stage)->n_ready = 0;
}

static float compress(float v, float bend)
{
    float r = v / bend;
    return v / sqrtf(1.0f + r * r);
}

/* First output row of a row of tiles, of n in the part; the same along the other axis. */
static int tile_start(int tile, const struct fovi_detail_axis *axis, int n)
{
    double start = ceil((axis->first_tile + tile) * axis->tile - 0.5) - axis->first;
    return tile >= axis->n_tiles || start > n ? n : start < 0.0 ? 0 : (int)start;
}

/* Mean square over a tile, of what compress makes of it where bend is given. */
static double tile_energy(const struct gain *g, int tx, int ty, float bend)
{
    const struct fovi_detail_params *p = &g->params;
    int width = g->stage.out.width, height = g->stage.out.height;
    int x0 = tile_start(tx, &p->x, width), x1 = tile_start(tx + 1, &p->x, width);
    int y0 = tile_start(ty, &p->y, height), y1 = tile_start(ty + 1, &p->y, height);
    double sum = 0.0;
    for (int y = y0; y < y1; y++) {
        const float *row = fovi_window_row(&g->in->out, 0, y);
        float part = 0.0f;
        for (int x = x0; x < x1; x++) {
            float v = bend > 0.0f ? compress(row[x], bend) : row[x];
            part += v * v;
        }
        sum += (double)part;
    }
    return x1 > x0 && y1 > y0 ? sum / ((double)(x1 - x0) * (y1 - y0)) : 0.0;
}

/* How much of a tile's structure has one direction in each small block, 0 isotropic .. 1 lines: the structure tensor
 * over blocks of BLOCK x BLOCK pixels. */
static double tile_coherence(const struct gain *g, int tx, int ty)
{
    const struct fovi_detail_params *p = &g->params;
    int width = g->stage.out.width, height = g->stage.out.height;
    int x0 = tile_start(tx, &p->x, width), x1 = tile_start(tx + 1, &p->x, width);
    int y0 = tile_start(ty, &p->y, height), y1 = tile_start(ty + 1, &p->y, height);
    double along = 0.0, all = 1e-6;
    for (int y = y0; y + BLOCK < y1; y += BLOCK)
        for (int x = x0; x + BLOCK < x1; x += BLOCK) {
            float xx = 0.0f, yy = 0.0f, xy = 0.0f;
            for (int i = 0; i < BLOCK; i++) {
                const float *row = fovi_window_row(&g->in->out, 0, y + i) + x;
                const float *next = fovi_window_row(&g->in->out, 0, y + i + 1) + x;
                for (int k = 0; k < BLOCK; k++) {
                    float dx = row[k + 1] - row[k], dy = next[k] - row[k];
                    xx += dx * dx;
                    yy += dy * dy;
                    xy += dx * dy;
                }
            }
            along += sqrt((double)((xx - yy) * (xx - yy) + 4.0f * xy * xy));
            all += (double)(xx + yy);
        }
    return along / all;
}

static double isotropy(double coherence)
{
    double t = (LINES - coherence) / (LINES - TEXTURE);
    t = t > 0.0 ? t < 1.0 ? t : 1.0 : 0.0;
    return t * t * (3.0 - 2.0 * t);
}

static void tile_job(void *arg, int index, int worker)
{
    (void)worker;
    struct gain *g = arg;
    size_t tile = (size_t)g->n_ready * (size_t)g->params.x.n_tiles + (size_t)index;
    double rms = sqrt(tile_energy(g, index, g->n_ready, 0.0f));
    float bend = BEND * (float)rms + 1e-3f;
    g->bend[tile] = bend;
    double energy = tile_energy(g, index, g->n_ready, bend) + ROUNDING;
    const struct fovi_detail_tile known = g->params.ask(g->params.user, tile);
    double share = known.share * isotropy(tile_coherence(g, index, g->n_ready));
    double by_cost = sqrt(known.slope * known.slope + g->params.cost * known.lost / (PRICE * energy)) - known.slope;
    double by_energy = sqrt(1.0 + known.lost / energy) - 1.0;
    double gain = share * (by_cost < by_energy ? by_cost : by_energy);
    g->level[tile] = (float)(rms * gain);
    g->params.source[tile] = share > 0.0 ? (float)energy : 0.0f;
}

/* Make gains known that row y depends on: those of the tiles whose centres lie around it. */
static int need_gains(struct gain *g, int y)
{
    const struct fovi_detail_params *p = &g->params;
    int last = clamp(find_between(y, &p->y).first + 1, p->y.n_tiles);
    for (; g->n_ready <= last; g->n_ready++) {
        FOVI_TRY(fovi_stage_need(g->in, tile_start(g->n_ready + 1, &p->y, g->stage.out.height)));
        double start = fovi_clock_ms();
        fovi_parallel(g->stage.run->ctx, tile_job, g, p->x.n_tiles);
        g->stage.run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

/* Level and bend are interpolated each for itself: beside an edge, whose tile has a high bend and no level, the detail
 * of weak texture does not grow with the edge. */
static void gain_job(void *arg, int index, int worker)
{
    struct gain *g = arg;
    const struct fovi_detail_params *p = &g->params;
    int y = g->stage.out.y1 + index, n = p->x.n_tiles;
    float *level = g->columns + (ptrdiff_t)2 * n * worker, *bend = level + n;
    struct between b = find_between(y, &p->y);
    ptrdiff_t above = (ptrdiff_t)clamp(b.first, p->y.n_tiles) * n,
              below = (ptrdiff_t)clamp(b.first + 1, p->y.n_tiles) * n;
    for (int t = 0; t < n; t++) {
        level[t] = g->level[above + t] + b.share * (g->level[below + t] - g->level[above + t]);
        bend[t] = g->bend[above + t] + b.share * (g->bend[below + t] - g->bend[above + t]);
    }
    const float *in = fovi_window_row(&g->in->out, 0, y);
    float *out = fovi_window_row(&g->stage.out, 0, y);
    for (int x = 0; x < g->stage.out.width; x++) {
        int left = clamp(g->place[x].first, n), right = clamp(g->place[x].first + 1, n);
        float share = g->place[x].share, here = bend[left] + share * (bend[right] - bend[left]);
        out[x] = (level[left] + share * (level[right] - level[left])) * BEND / here * compress(in[x], here);
    }
}

static int gain_advance(struct fovi_stage *stage, int y_end)
{
    struct gain *g = (struct gain *)stage;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        FOVI_TRY(need_gains(g, stage->out.y1 + n - 1));
        double start = fovi_clock_ms();
        fovi_parallel(stage->run->ctx, gain_job, g, n);
        fovi_window_push(&stage->out, n);
        stage->run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

static int gain_memory(struct gain *g, int capacity)
{
    fovea_context *ctx = g->stage.run->ctx;
    const struct fovi_detail_params *p = &g->params;
    int width = g->in->out.width;
    g->level = fovi_alloc(ctx, (size_t)p->x.n_tiles * (size_t)p->y.n_tiles, sizeof *g->level);
    g->bend = fovi_alloc(ctx, (size_t)p->x.n_tiles * (size_t)p->y.n_tiles, sizeof *g->bend);
    g->columns = fovi_alloc(ctx, 2 * (size_t)p->x.n_tiles * (size_t)fovea_context_threads(ctx), sizeof *g->columns);
    g->place = fovi_alloc(ctx, (size_t)width, sizeof *g->place);
    if (!g->level || !g->bend || !g->columns || !g->place)
        return fovi_alloc_error(ctx);
    for (int x = 0; x < width; x++)
        g->place[x] = find_between(x, &p->x);
    return fovi_window_init(ctx, &g->stage.out, width, g->in->out.height, 1, capacity + g->stage.run->piece);
}

int fovi_gain_create(struct fovi_run *run, struct fovi_stage *in, const struct fovi_detail_params *params, int capacity,
                     struct fovi_stage **out)
{
    *out = NULL;
    struct gain *g = fovi_alloc(run->ctx, 1, sizeof *g);
    if (!g)
        return fovi_alloc_error(run->ctx);
    g->stage = (struct fovi_stage){
        .run = run, .frame = in->frame, .advance = gain_advance, .reset = gain_reset, .free = gain_free
    };
    g->in = in;
    g->params = *params;
    int code = gain_memory(g, capacity);
    if (code)
        gain_free(&g->stage);
    else
        *out = &g->stage;
    return code;
}

/* ---- sum: the result ---- */

struct sum {
    struct fovi_stage stage;
    struct fovi_stage *in, *detail;
    struct fovi_detail_params params;
    double *parts; /* of each row of a piece: squares of detail, by column of tiles */
};

static void sum_free(struct fovi_stage *stage)
{
    fovi_free(stage->run->ctx, ((struct sum *)stage)->parts);
    plain_free(stage);
}

static void sum_reset(struct fovi_stage *stage)
{
    const struct fovi_detail_params *p = &((struct sum *)stage)->params;
    fovi_window_reset(&stage->out);
    memset(p->added, 0, (size_t)p->x.n_tiles * (size_t)p->y.n_tiles * sizeof *p->added);
}

static void sum_job(void *arg, int index, int worker)
{
    (void)worker;
    struct sum *s = arg;
    const struct fovi_run *run = s->stage.run;
    const struct fovi_detail_params *p = &s->params;
    int y = s->stage.out.y1 + index, width = s->stage.out.width;
    const float *detail = fovi_window_row(&s->detail->out, 0, y);
    float factor = run->is_rgb ? 255.0f / 219.0f : 1.0f;
    for (int c = 0; c < s->stage.out.n_planes; c++) {
        const float *in = fovi_window_row(&s->in->out, c, y);
        float *out = fovi_window_row(&s->stage.out, c, y), k = c < run->n_color ? factor : 0.0f;
        for (int x = 0; x < width; x++)
            out[x] = in[x] + k * detail[x];
    }
    for (int t = 0; t < p->x.n_tiles; t++) {
        int x1 = tile_start(t + 1, &p->x, width);
        float part = 0.0f;
        for (int x = tile_start(t, &p->x, width); x < x1; x++)
            part += detail[x] * detail[x];
        s->parts[(ptrdiff_t)index * p->x.n_tiles + t] = (double)part;
    }
}

/* Add the parts of n rows, in their order, so that nothing depends on strips. */
static void gather(struct sum *s, int n)
{
    const struct fovi_detail_params *p = &s->params;
    for (int i = 0; i < n; i++) {
        int ty = clamp(find_tile(s->stage.out.y1 + i, &p->y), p->y.n_tiles);
        for (int t = 0; t < p->x.n_tiles; t++)
            p->added[(ptrdiff_t)ty * p->x.n_tiles + t] += s->parts[(ptrdiff_t)i * p->x.n_tiles + t];
    }
}

static int sum_advance(struct fovi_stage *stage, int y_end)
{
    struct sum *s = (struct sum *)stage;
    while (stage->out.y1 < y_end) {
        int n = y_end - stage->out.y1 < stage->run->piece ? y_end - stage->out.y1 : stage->run->piece;
        FOVI_TRY(fovi_stage_need(s->detail, stage->out.y1 + n));
        FOVI_TRY(fovi_stage_need(s->in, stage->out.y1 + n));
        double start = fovi_clock_ms();
        fovi_parallel(stage->run->ctx, sum_job, s, n);
        gather(s, n);
        fovi_window_push(&stage->out, n);
        stage->run->ms[FOVEA_STAGE_CONSISTENCY] += fovi_clock_ms() - start;
    }
    return FOVEA_OK;
}

int fovi_sum_create(struct fovi_run *run, struct fovi_stage *in, struct fovi_stage *detail,
                    const struct fovi_detail_params *params, int capacity, struct fovi_stage **out)
{
    *out = NULL;
    struct sum *s = fovi_alloc(run->ctx, 1, sizeof *s);
    if (!s)
        return fovi_alloc_error(run->ctx);
    s->stage = (struct fovi_stage){
        .run = run, .frame = in->frame, .advance = sum_advance, .reset = sum_reset, .free = sum_free
    };
    s->in = in;
    s->detail = detail;
    s->params = *params;
    s->parts = fovi_alloc(run->ctx, (size_t)params->x.n_tiles * (size_t)run->piece, sizeof *s->parts);
    int code = s->parts ? fovi_window_init(run->ctx, &s->stage.out, in->out.width, in->out.height, in->out.n_planes,
                                           capacity + run->piece)
                        : fovi_alloc_error(run->ctx);
    if (code)
        sum_free(&s->stage);
    else
        *out = &s->stage;
    return code;
}
