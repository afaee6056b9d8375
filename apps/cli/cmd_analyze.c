/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea analyze: the difficulty map, in figures and as a heat picture.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct analyze_options {
    const char *output;
};

static const struct cli_option rows[] = {
    { "output", 'o', CLI_WORD, "MAP.png", "write the difficulty as heat over the grey picture",
      offsetof(struct analyze_options, output), 0., 0. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

#define HEAT_SHARE .55
#define N_CLASSES 5

static const char *const feature_names[] = {
    "gradient", "high_frequency", "self_consistency", "half_resolution", "dct_low",
    "dct_mid",  "dct_high",       "blockiness",       "mean_gradient",
};
_Static_assert(sizeof feature_names / sizeof *feature_names == FOVEA_N_FEATURES, "each feature has a name");
static const double quantiles[] = { .1, .25, .5, .75, .9 };
#define N_QUANTILES (int)(sizeof quantiles / sizeof *quantiles)

struct figures {
    int64_t n_tiles, n_class[N_CLASSES];               /* class i: difficulty i/5 .. (i+1)/5 */
    double feature[FOVEA_N_FEATURES + 1][N_QUANTILES]; /* the last is the difficulty */
};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Feature f of a tile; FOVEA_N_FEATURES stands for the difficulty. */
static float value_of(const struct fovea_tile_features *tile, int f)
{
    return f < FOVEA_N_FEATURES ? tile->value[f] : tile->difficulty;
}

static int compute(const struct cli *cli, const struct fovea_map *map, struct figures *out)
{
    size_t n = (size_t)map->n_tiles_x * (size_t)map->n_tiles_y;
    float *values = malloc(n * sizeof *values);
    if (!values)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    *out = (struct figures){ .n_tiles = (int64_t)n };
    for (int f = 0; f <= FOVEA_N_FEATURES; f++) {
        for (size_t i = 0; i < n; i++)
            values[i] = value_of(&map->tiles[i], f);
        qsort(values, n, sizeof *values, by_value);
        for (int q = 0; q < N_QUANTILES; q++)
            out->feature[f][q] = (double)values[(size_t)(quantiles[q] * (double)(n - 1) + .5)];
    }
    for (size_t i = 0; i < n; i++) {
        int k = (int)(map->tiles[i].difficulty * N_CLASSES);
        out->n_class[k < 0 ? 0 : k >= N_CLASSES ? N_CLASSES - 1 : k]++;
    }
    free(values);
    return CLI_OK;
}

static const char *name_of(int f)
{
    return f < FOVEA_N_FEATURES ? feature_names[f] : "difficulty";
}

static void print_figures(const char *input, const struct fovea_map *map, const struct figures *g)
{
    printf("%s  %dx%d, %lld tiles of %d pixels\n\n%-18s", input, map->width, map->height, (long long)g->n_tiles,
           FOVEA_TILE, "quantile");
    for (int q = 0; q < N_QUANTILES; q++)
        printf("%9.0f %%", 100. * quantiles[q]);
    for (int f = 0; f <= FOVEA_N_FEATURES; f++) {
        printf("\n%-18s", name_of(f));
        for (int q = 0; q < N_QUANTILES; q++)
            printf("%11.4g", g->feature[f][q]);
    }
    printf("\n\ndifficulty        share of tiles\n");
    for (int k = 0; k < N_CLASSES; k++)
        printf("  %.1f .. %.1f %14.1f %%\n", (double)k / N_CLASSES, (double)(k + 1) / N_CLASSES,
               100. * (double)g->n_class[k] / (double)g->n_tiles);
}

static int print_json(const struct cli *cli, const char *input, const char *output, const struct fovea_map *map,
                      const struct figures *g)
{
    json_t *features = json_object(), *classes = json_array(), *at = json_array();
    for (int q = 0; q < N_QUANTILES; q++)
        json_array_append_new(at, json_real(quantiles[q]));
    for (int f = 0; f <= FOVEA_N_FEATURES; f++) {
        json_t *values = json_array();
        for (int q = 0; q < N_QUANTILES; q++)
            json_array_append_new(values, cli_json_number(g->feature[f][q]));
        json_object_set_new(features, name_of(f), values);
    }
    for (int k = 0; k < N_CLASSES; k++)
        json_array_append_new(classes, json_real((double)g->n_class[k] / (double)g->n_tiles));
    json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "input", input, "width", map->width,
                               "height", map->height, "tile", FOVEA_TILE, "tiles_x", map->n_tiles_x, "tiles_y",
                               map->n_tiles_y, "quantiles", at, "features", features, "difficulty_classes", classes);
    json_object_set_new(object, "map", output ? json_string(output) : json_null());
    return cli_print_json(cli, object);
}

/* Difficulty between the centres of tiles, linear in both directions. */
static void color_by_difficulty(void *user, int y, int width, uint8_t *rgb)
{
    const struct fovea_map *map = user;
    double v = ((double)y + .5) / FOVEA_TILE - .5;
    int y0 = v < 0. ? 0 : (int)v, y1 = y0 + 1 < map->n_tiles_y ? y0 + 1 : map->n_tiles_y - 1;
    y0 = y0 < map->n_tiles_y ? y0 : map->n_tiles_y - 1;
    double fy = v < 0. ? 0. : v - (int)v;
    const struct fovea_tile_features *upper = map->tiles + (ptrdiff_t)y0 * map->n_tiles_x;
    const struct fovea_tile_features *lower = map->tiles + (ptrdiff_t)y1 * map->n_tiles_x;
    for (int x = 0; x < width; x++) {
        double u = ((double)x + .5) / FOVEA_TILE - .5, fx = u < 0. ? 0. : u - (int)u;
        int x0 = u < 0. ? 0 : (int)u, x1 = x0 + 1 < map->n_tiles_x ? x0 + 1 : map->n_tiles_x - 1;
        x0 = x0 < map->n_tiles_x ? x0 : map->n_tiles_x - 1;
        double top = upper[x0].difficulty * (1. - fx) + upper[x1].difficulty * fx;
        double bottom = lower[x0].difficulty * (1. - fx) + lower[x1].difficulty * fx;
        fovea_heat_color((float)(top * (1. - fy) + bottom * fy), rgb + 3 * x);
    }
}

static int analyze(const struct cli *cli, fovea_io_reader *reader, const char *input, const char *output)
{
    struct cli_progress progress;
    struct figures figures = { 0 };
    struct fovea_map *map;
    struct fovea_source source = fovea_io_reader_source(reader);
    cli_progress_begin(&progress, cli, cli_base_name(input), (double)source.width * source.height / 1e6);
    int code = fovea_analyze(cli->ctx, &source, &progress.callback, &map);
    cli_progress_end(&progress);
    if (code == FOVEA_E_CANCELLED)
        return cli_fail(cli, CLI_CANCELLED, "cancelled");
    if (code)
        return *fovea_io_last_error(cli->io) ? cli_fail_io(cli, code, 1) : cli_fail_core_of(cli, input, code);
    code = compute(cli, map, &figures);
    if (!code && output)
        code = cli_write_map(cli, reader, output, HEAT_SHARE, color_by_difficulty, map);
    if (!code && cli->is_json)
        code = print_json(cli, input, output, map, &figures);
    else if (!code && !cli->is_quiet)
        print_figures(input, map, &figures);
    fovea_map_free(&map);
    return code;
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    const struct analyze_options *o = options;
    if (n_words != 1)
        return cli_fail(cli, CLI_USAGE, "one INPUT is needed (see --help)");
    if (o->output && cli_is_same_file(words[0], o->output))
        return cli_fail(cli, CLI_USAGE, "'%s' is the input: it would be overwritten", o->output);
    if (o->output && !fovea_io_write_format(o->output))
        return cli_fail(cli, CLI_OUTPUT, "option --output: '%s' has no picture's ending, such as .png", o->output);
    int code = o->output ? cli_check_writable(cli, o->output) : CLI_OK;
    if (code)
        return code;
    cli_catch_signals();
    fovea_io_reader *reader;
    code = fovea_io_reader_open(&reader, cli->io, words[0]);
    if (code)
        return cli_fail_io(cli, code, 1);
    code = analyze(cli, reader, words[0], o->output);
    fovea_io_reader_close(&reader);
    return code;
}

const struct cli_command cli_analyze = {
    "analyze", "INPUT [-o MAP.png]",           "Show where a picture holds detail that a plain enlargement loses.",
    rows,      sizeof(struct analyze_options), NULL,
    run,
};
