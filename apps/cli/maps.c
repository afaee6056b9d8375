/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The maps of upscale: pictures of the input's size that say of each place how it was made. A value of --map is a file,
 * or a kind, a colon and a file. Also the quantiles of the tiles' figures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "upscale.h"

/* What the map's legend says. */
const uint8_t cli_path_colors[FOVEA_N_PATHS][3] = {
    { 128, 128, 128 }, /* classic: grey */
    { 40, 90, 200 },   /* filter: blue */
    { 40, 180, 90 },   /* tiny: green */
    { 90, 200, 220 },  /* network: cyan */
    { 220, 30, 30 },   /* fallback: red */
    { 235, 205, 40 },  /* small: yellow */
    { 240, 120, 40 },  /* medium: orange */
    { 200, 60, 160 },  /* large: magenta */
};

/* ---- the kinds ---- */

enum what { PROVENANCE, ADDED, UNCERTAINTY, DETAIL, CONSISTENCY };

static const struct kind {
    const char *name;
    enum what what;
    int is_16;    /* the figures themselves, a pixel a tile: 256 for a level, or enum fovea_path */
    double share; /* of colour */
    float full;   /* levels of 255 at which heat is brightest */
} kinds[] = {
    { "provenance", PROVENANCE, 0, .45, 0.f }, /* a file without a kind */
    { "added", ADDED, 0, .6, CLI_MAP_FULL },      { "uncertainty", UNCERTAINTY, 0, .6, CLI_MAP_FULL },
    { "detail", DETAIL, 0, .6, CLI_DETAIL_FULL }, { "consistency", CONSISTENCY, 0, .6, CLI_DEVIATION_FULL },
    { "provenance16", PROVENANCE, 1, 0., 0.f },   { "added16", ADDED, 1, 0., 0.f },
    { "uncertainty16", UNCERTAINTY, 1, 0., 0.f }, { "detail16", DETAIL, 1, 0., 0.f },
    { "consistency16", CONSISTENCY, 1, 0., 0.f },
};

/* What a map shows of each tile: path, or figure. */
struct tiles {
    int n_tiles_x, n_tiles_y;
    const uint8_t *path;
    const float *figure;
    float full;
};

/* 0 where the run has none. */
static int get_tiles(const fovea_plan *plan, const struct kind *kind, struct tiles *out)
{
    struct fovea_provenance p;
    struct fovea_tile_figures f;
    fovea_plan_provenance(plan, &p);
    fovea_plan_tile_figures(plan, &f);
    *out = (struct tiles){ p.n_tiles_x, p.n_tiles_y, NULL, NULL, kind->full };
    switch (kind->what) {
    case PROVENANCE: out->path = p.path; break;
    case ADDED: out->figure = f.added; break;
    case UNCERTAINTY: out->figure = f.expected_error; break;
    case DETAIL: out->figure = f.detail; break;
    case CONSISTENCY: out->figure = f.deviation; break;
    }
    return out->path || out->figure;
}

static void color_row(void *user, int y, int width, uint8_t *rgb)
{
    const struct tiles *t = user;
    int ty = y / FOVEA_TILE < t->n_tiles_y ? y / FOVEA_TILE : t->n_tiles_y - 1;
    for (int x = 0; x < width; x++) {
        int tx = x / FOVEA_TILE < t->n_tiles_x ? x / FOVEA_TILE : t->n_tiles_x - 1;
        size_t i = (size_t)ty * (size_t)t->n_tiles_x + (size_t)tx;
        if (t->path)
            memcpy(rgb + 3 * x, cli_path_colors[t->path[i] % FOVEA_N_PATHS], 3);
        else
            fovea_heat_color(fminf(t->figure[i] / t->full, 1.f), rgb + 3 * x);
    }
}

static int write_16(const struct cli *cli, const char *path, const struct tiles *t)
{
    const struct fovea_format grey = { FOVEA_SAMPLE_U16, 1, 0 };
    struct fovea_image image;
    if (!cli_new_image(cli, &image, t->n_tiles_x, t->n_tiles_y, &grey))
        return CLI_RESOURCE;
    for (int y = 0; y < t->n_tiles_y; y++) {
        uint16_t *row = (uint16_t *)(void *)((char *)image.data + y * image.stride_bytes);
        for (int x = 0; x < t->n_tiles_x; x++) {
            size_t i = (size_t)y * (size_t)t->n_tiles_x + (size_t)x;
            row[x] = t->path ? t->path[i] : (uint16_t)fminf(t->figure[i] * 256.f + .5f, 65535.f);
        }
    }
    int code = fovea_io_write_image(cli->io, path, &image, NULL, NULL);
    fovea_io_image_free(&image);
    return code ? cli_fail_io(cli, code, 0) : CLI_OK;
}

/* The kind of a value, and where its file's name begins. */
static const struct kind *find_kind(const char *value, const char **file)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].name);
        if (!strncmp(value, kinds[i].name, n) && value[n] == ':') {
            *file = value + n + 1;
            return &kinds[i];
        }
    }
    *file = value;
    return &kinds[0];
}

const char *cli_maps_file(const struct upscale_options *o, int i)
{
    const char *file = NULL;
    if (i < o->maps.n)
        find_kind(o->maps.word[i], &file);
    return file;
}

int cli_maps_expect(const struct upscale_options *o)
{
    const char *file;
    for (int i = 0; i < o->maps.n; i++)
        if (find_kind(o->maps.word[i], &file)->what == UNCERTAINTY)
            return 1;
    return 0;
}

int cli_maps_check(const struct cli *cli, const struct upscale_options *o)
{
    for (int i = 0; i < o->maps.n; i++) {
        const char *file = cli_maps_file(o, i), *colon = strchr(file, ':');
        if (colon && file == o->maps.word[i] && strcspn(file, "/.") > (size_t)(colon - file))
            return cli_fail(cli, CLI_USAGE, "option --map: there is no kind '%.*s' (see --help)", (int)(colon - file),
                            file);
        if (!fovea_io_write_format(file))
            return cli_fail(cli, CLI_OUTPUT, "option --map: '%s' has no picture's ending, such as .png", file);
        if (!strcmp(file, o->output))
            return cli_fail(cli, CLI_USAGE, "--map and --output name one file");
        for (int k = 0; k < i; k++)
            if (!strcmp(file, cli_maps_file(o, k)))
                return cli_fail(cli, CLI_USAGE, "option --map: '%s' twice", file);
        int code = cli_check_writable(cli, file);
        if (code)
            return code;
    }
    return CLI_OK;
}

int cli_maps_write(const struct upscale_job *job, fovea_io_reader *reader, const fovea_plan *plan)
{
    int code = CLI_OK;
    for (int i = 0; i < job->options->maps.n && !code; i++) {
        const char *file;
        const struct kind *kind = find_kind(job->options->maps.word[i], &file);
        struct tiles tiles;
        if (!get_tiles(plan, kind, &tiles))
            code = cli_fail(job->cli, CLI_OUTPUT, "'%s': this method or mode leaves no map", file);
        else if (kind->is_16)
            code = write_16(job->cli, file, &tiles);
        else
            code = cli_write_map(job->cli, reader, file, kind->share, color_row, &tiles);
    }
    return code;
}

/* ---- quantiles ---- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

json_t *cli_quantiles(const float *figures, int n_tiles_x, int n_tiles_y)
{
    static const struct {
        const char *key;
        double share;
    } wanted[] = { { "p10", .1 }, { "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "max", 1. } };
    size_t n = (size_t)n_tiles_x * (size_t)n_tiles_y;
    float *sorted = figures && n ? malloc(n * sizeof *sorted) : NULL;
    if (!sorted)
        return NULL;
    memcpy(sorted, figures, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        json_object_set_new(object, wanted[i].key,
                            cli_json_number((double)sorted[(size_t)(wanted[i].share * (double)(n - 1) + .5)]));
    free(sorted);
    return object;
}
