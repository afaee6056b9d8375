/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The self-test: choice of crops, the methods, and what is shown of them.
 */
#include "selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Edge of a crop of a large picture; pixels of all crops; rows that are read at a time. */
enum { EDGE = 256, MAX_PX = 1 << 20, MAX_CROPS = 64, ROWS = 32 };

struct crop {
    int x, y;
    struct fovea_image image;
};

/* A place where a crop may lie. */
struct block {
    int x, y;
    double difficulty;
};

struct work {
    const struct cli *cli;
    const struct fovea_source *source;
    struct cli_selftest *out;
    int width, height; /* of a crop */
    struct crop crops[MAX_CROPS];
    struct fovea_upscale_params params[CLI_SELFTEST_METHODS];
    double sse[CLI_SELFTEST_METHODS]; /* mean squared errors, summed over the crops */
};

static int fail_source(const struct work *w, int code)
{
    return *fovea_io_last_error(w->cli->io) ? cli_fail_io(w->cli, code, 1) : cli_fail_core(w->cli, code);
}

/* ---- where the crops lie ---- */

static double mean_difficulty(const struct fovea_map *map, int x, int y, int width, int height)
{
    double sum = 0.;
    int n = 0;
    for (int ty = y / FOVEA_TILE; ty <= (y + height - 1) / FOVEA_TILE; ty++)
        for (int tx = x / FOVEA_TILE; tx <= (x + width - 1) / FOVEA_TILE; tx++, n++)
            sum += (double)map->tiles[(ptrdiff_t)ty * map->n_tiles_x + tx].difficulty;
    return sum / n;
}

static int by_difficulty(const void *a, const void *b)
{
    const struct block *p = a, *q = b;
    if (p->difficulty != q->difficulty)
        return p->difficulty < q->difficulty ? -1 : 1;
    return p->y != q->y ? p->y - q->y : p->x - q->x;
}

/* Spread blocks over the whole picture, and take one from the middle of each of n equal parts of their order. */
static int choose_blocks(struct work *w, const struct fovea_map *map, int n)
{
    int n_x = map->width / w->width, n_y = map->height / w->height;
    size_t n_blocks = (size_t)n_x * (size_t)n_y;
    struct block *blocks = calloc(n_blocks, sizeof *blocks);
    if (!blocks)
        return cli_fail(w->cli, CLI_RESOURCE, "out of memory");
    for (int j = 0; j < n_y; j++)
        for (int i = 0; i < n_x; i++) {
            struct block *b = &blocks[(size_t)j * (size_t)n_x + (size_t)i];
            b->x = n_x > 1 ? (int)((int64_t)i * (map->width - w->width) / (n_x - 1)) : 0;
            b->y = n_y > 1 ? (int)((int64_t)j * (map->height - w->height) / (n_y - 1)) : 0;
            b->difficulty = mean_difficulty(map, b->x, b->y, w->width, w->height);
        }
    qsort(blocks, n_blocks, sizeof *blocks, by_difficulty);
    n = (size_t)n < n_blocks ? n : (int)n_blocks;
    for (int k = 0; k < n; k++) {
        const struct block *b = &blocks[(size_t)(((double)k + .5) * (double)n_blocks / n)];
        w->crops[k].x = b->x;
        w->crops[k].y = b->y;
    }
    w->out->n_crops = n;
    free(blocks);
    return CLI_OK;
}

/* A side of a crop: a multiple of the scale. */
static int side_of(int side, int scale)
{
    return side - side % scale;
}

static int choose_crops(struct work *w)
{
    const struct fovea_source *s = w->source;
    int scale = w->out->scale, is_large = (int64_t)s->width * s->height > MAX_PX;
    w->width = side_of(is_large && s->width > EDGE ? EDGE : s->width, scale);
    w->height = side_of(is_large && s->height > EDGE ? EDGE : s->height, scale);
    if (w->width <= 2 * scale || w->height <= 2 * scale)
        return CLI_OK;
    w->out->n_crops = 1;
    if (!is_large)
        return CLI_OK;
    /* A long and thin picture has small crops, but not more of them than there is room for. */
    int64_t n = MAX_PX / ((int64_t)w->width * w->height);
    struct fovea_map *map;
    int code = s->rewind(s->user);
    if (!code)
        code = fovea_analyze(w->cli->ctx, s, NULL, &map);
    if (code)
        return fail_source(w, code);
    code = choose_blocks(w, map, n < MAX_CROPS ? (int)n : MAX_CROPS);
    fovea_map_free(&map);
    return code;
}

/* ---- their pixels ---- */

/* Rows y..y+n-1 of the picture to the crops that they belong to. */
static void copy_rows(struct work *w, const char *rows, ptrdiff_t row_bytes, int y, int n)
{
    size_t pixel = fovea_pixel_bytes(&w->source->format);
    for (int k = 0; k < w->out->n_crops; k++) {
        struct crop *c = &w->crops[k];
        for (int i = 0; i < n; i++)
            if (y + i >= c->y && y + i < c->y + w->height)
                memcpy((char *)c->image.data + (y + i - c->y) * c->image.stride_bytes,
                       rows + i * row_bytes + (size_t)c->x * pixel, (size_t)w->width * pixel);
    }
}

static int read_crops(struct work *w)
{
    const struct fovea_source *s = w->source;
    ptrdiff_t row_bytes = (ptrdiff_t)((size_t)s->width * fovea_pixel_bytes(&s->format));
    for (int k = 0; k < w->out->n_crops; k++)
        if (!cli_new_image(w->cli, &w->crops[k].image, w->width, w->height, &s->format))
            return CLI_RESOURCE;
    char *rows = malloc((size_t)row_bytes * ROWS);
    if (!rows)
        return cli_fail(w->cli, CLI_RESOURCE, "out of memory");
    int code = s->rewind(s->user);
    for (int y = 0; y < s->height && !code; y += ROWS) {
        int n = s->height - y < ROWS ? s->height - y : ROWS;
        code = s->read(s->user, y, n, rows, row_bytes);
        if (!code)
            copy_rows(w, rows, row_bytes, y, n);
    }
    free(rows);
    if (code)
        return fail_source(w, code);
    for (int k = 0; k < w->out->n_crops && !code; k++) {
        cli_to_u8(&w->crops[k].image);
        code = cli_grey_to_rgb(w->cli, &w->crops[k].image);
    }
    return code;
}

/* ---- the methods ---- */

static void add_method(struct work *w, const char *word, const struct fovea_upscale_params *params)
{
    const struct fovea_format *format = &w->crops[0].image.format;
    int i = w->out->n_methods;
    fovea_plan *plan = NULL;
    if (i == CLI_SELFTEST_METHODS || cli_selftest_find(w->out, word))
        return;
    w->params[i] = *params;
    w->params[i].scale = w->out->scale;
    w->params[i].sizing = FOVEA_SIZING_EXACT;
    w->params[i].width = w->params[i].height = 0;
    w->params[i].budget_ms = 0.;
    /* What this build or a model of a file cannot do at this scale is left out. */
    if (fovea_plan_build(&plan, w->cli->ctx, 64, 64, format, &w->params[i]) == FOVEA_OK)
        w->out->scores[w->out->n_methods++].word = word;
    fovea_plan_free(&plan);
}

static void add_methods(struct work *w, const char *word, const struct fovea_upscale_params *chosen)
{
    static const char *const ladder[] = { "bicubic", "lanczos3", "filter", "tiny-video",
                                          "tiny",    "small",    "medium", "large" };
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++) {
        struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
        fovea_model *none;
        if (strcmp(word, ladder[i]) && !cli_how_method(w->cli, ladder[i], &params, &none))
            add_method(w, ladder[i], &params);
    }
    add_method(w, word, chosen);
}

static int score(struct work *w, int i, const struct fovea_image *original, const struct fovea_image *reduced,
                 struct fovea_image *enlarged)
{
    struct cli_selftest_score *out = &w->out->scores[i];
    struct fovea_metrics m;
    double begin_ms = cli_clock_ms();
    int code = fovea_upscale(w->cli->ctx, reduced, enlarged, &w->params[i], NULL);
    out->ms += cli_clock_ms() - begin_ms;
    if (!code)
        code = fovea_metrics_compare_wanted(w->cli->ctx, original, enlarged, w->out->scale, FOVEA_METRIC_FSIM, &m);
    if (code)
        return cli_fail_core(w->cli, code);
    w->sse[i] += isinf(m.psnr_y) ? 0. : 255. * 255. * pow(10., -m.psnr_y / 10.);
    out->ssim_y += m.ssim_y / w->out->n_crops;
    out->fsim += m.fsim / w->out->n_crops;
    return CLI_OK;
}

static int score_crop(struct work *w, const struct fovea_image *original)
{
    struct fovea_image reduced = { 0 }, enlarged = { 0 };
    int s = w->out->scale, code = CLI_RESOURCE;
    if (cli_new_image(w->cli, &reduced, original->width / s, original->height / s, &original->format) &&
        cli_new_image(w->cli, &enlarged, original->width, original->height, &original->format)) {
        code = fovea_imresize(w->cli->ctx, original, s, &reduced);
        if (code)
            code = cli_fail_core(w->cli, code);
    }
    for (int i = 0; i < w->out->n_methods && !code; i++)
        code = cli_is_interrupted() ? cli_fail(w->cli, CLI_CANCELLED, "cancelled")
                                    : score(w, i, original, &reduced, &enlarged);
    fovea_io_image_free(&reduced);
    fovea_io_image_free(&enlarged);
    return code;
}

static int run(struct work *w, const char *word, const struct fovea_upscale_params *params)
{
    int code = choose_crops(w);
    if (code || !w->out->n_crops)
        return code;
    code = read_crops(w);
    if (!code)
        add_methods(w, word, params);
    for (int k = 0; k < w->out->n_crops && !code; k++)
        code = score_crop(w, &w->crops[k].image);
    w->out->pixels = (double)w->out->n_crops * w->width * w->height;
    w->out->share = w->out->pixels / ((double)w->source->width * w->source->height);
    for (int i = 0; i < w->out->n_methods; i++) {
        double mse = w->sse[i] / w->out->n_crops;
        w->out->scores[i].psnr_y = mse == 0. ? HUGE_VAL : 10. * log10(255. * 255. / mse);
    }
    return code;
}

int cli_selftest(const struct cli *cli, const struct fovea_source *source, double scale, const char *word,
                 const struct fovea_upscale_params *params, struct cli_selftest *out)
{
    int rounded = (int)(scale + .5);
    *out = (struct cli_selftest){ .scale = rounded < 2 ? 2 : rounded > 4 ? 4 : rounded, .word = word };
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    w->cli = cli;
    w->source = source;
    w->out = out;
    int code = run(w, word, params);
    for (int k = 0; k < MAX_CROPS; k++)
        fovea_io_image_free(&w->crops[k].image);
    free(w);
    return code;
}

/* ---- what is shown ---- */

const struct cli_selftest_score *cli_selftest_find(const struct cli_selftest *test, const char *word)
{
    for (int i = 0; i < test->n_methods; i++)
        if (!strcmp(test->scores[i].word, word))
            return &test->scores[i];
    return NULL;
}

const struct cli_selftest_score *cli_selftest_best(const struct cli_selftest *test)
{
    const struct cli_selftest_score *best = NULL;
    for (int i = 0; i < test->n_methods; i++)
        if (!best || test->scores[i].psnr_y > best->psnr_y)
            best = &test->scores[i];
    return best;
}

void cli_selftest_print(const struct cli_selftest *test)
{
    if (!test->n_crops) {
        printf("  self-test    the picture is too small for it\n");
        return;
    }
    printf("  self-test    reduced by %d and enlarged again, %.2f MP (%.1f %% of the picture):\n", test->scale,
           test->pixels / 1e6, 100. * test->share);
    printf("               %-16s%12s%10s%10s%10s\n", "method", "PSNR-Y dB", "SSIM-Y", "FSIM", "ms");
    for (int i = 0; i < test->n_methods; i++) {
        const struct cli_selftest_score *s = &test->scores[i];
        printf("             %c %-16s%12.3f%10.5f%10.5f%10.1f\n", strcmp(s->word, test->word) ? ' ' : '*',
               cli_base_name(s->word), s->psnr_y, s->ssim_y, s->fsim, s->ms);
    }
}

json_t *cli_selftest_json(const struct cli_selftest *test)
{
    const struct cli_selftest_score *best = cli_selftest_best(test);
    json_t *object = json_object(), *methods = json_object();
    for (int i = 0; i < test->n_methods; i++) {
        const struct cli_selftest_score *s = &test->scores[i];
        json_t *row = json_object();
        json_object_set_new(row, "psnr_y", cli_json_number(s->psnr_y));
        json_object_set_new(row, "ssim_y", cli_json_number(s->ssim_y));
        json_object_set_new(row, "fsim", cli_json_number(s->fsim));
        json_object_set_new(row, "ms", cli_json_number(s->ms));
        json_object_set_new(methods, s->word, row);
    }
    json_object_set_new(object, "scale", json_integer(test->scale));
    json_object_set_new(object, "crops", json_integer(test->n_crops));
    json_object_set_new(object, "pixels", json_real(test->pixels));
    json_object_set_new(object, "share", json_real(test->share));
    json_object_set_new(object, "method", json_string(test->word));
    json_object_set_new(object, "best", best ? json_string(best->word) : json_null());
    json_object_set_new(object, "methods", methods);
    return object;
}
