/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The maps of upscale: pictures of the input's size that say of each place how it was made. A value of --map is a file,
 * or a kind, a colon and a file.
 */
#include <string.h>

#include "upscale.h"

/* Share of colour in the map of paths. */
#define PATH_SHARE .45

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

static void color_by_path(void *user, int y, int width, uint8_t *rgb)
{
    const struct fovea_provenance *p = user;
    int ty = y / FOVEA_TILE < p->n_tiles_y ? y / FOVEA_TILE : p->n_tiles_y - 1;
    for (int x = 0; x < width; x++) {
        int tx = x / FOVEA_TILE < p->n_tiles_x ? x / FOVEA_TILE : p->n_tiles_x - 1;
        memcpy(rgb + 3 * x, cli_path_colors[p->path[ty * p->n_tiles_x + tx] % FOVEA_N_PATHS], 3);
    }
}

static int write_provenance(const struct upscale_job *job, fovea_io_reader *reader, const fovea_plan *plan,
                            const char *path)
{
    struct fovea_provenance provenance;
    fovea_plan_provenance(plan, &provenance);
    if (!provenance.path)
        return cli_fail(job->cli, CLI_OUTPUT, "'%s': this method leaves no map", path);
    return cli_write_map(job->cli, reader, path, PATH_SHARE, color_by_path, &provenance);
}

/* ---- the kinds ---- */

typedef int write_map(const struct upscale_job *job, fovea_io_reader *reader, const fovea_plan *plan, const char *path);

static const struct kind {
    const char *name;
    write_map *write;
} kinds[] = {
    { "provenance", write_provenance }, /* a file without a kind */
};

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
        code = kind->write(job, reader, plan, file);
    }
    return code;
}
