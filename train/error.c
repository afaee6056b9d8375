/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train error: fit the expected error of a tile for the base, the filter and every built-in network of a scale,
 * check it on held-out pictures and on a folder of others, write it as a C table.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "pictures.h"
#include "progress.h"
#include "route/error_table.h"
#include "route_data.h"
#include "route_fit.h"

/* One picture of this many is held out. */
#define HELD_OUT_EVERY 4

struct options {
    const char *output;
    struct train_folders folders, check;
    int scale, count, n_threads;
};

/* Pictures of a list of folders as one network makes them. */
struct pictures {
    struct route_picture *picture;
    int n;
};

struct study {
    fovea_context *ctx;
    fovea_io *io;
    const struct options *options;
    struct fovi_error_table table;
};

static const char usage[] =
    "Usage: fovea-train error -s SCALE --data DIR [--data DIR]... -o TABLE.c\n"
    "       [--check DIR] [--skip PREFIX]... [--count 600] [--threads N]\n"
    "Fit the expected error of a tile for the base, the filter and the built-in networks, and write it as a C table.\n"
    "Pictures come from the folders and the folders in them, evenly from the sorted list; one in four is held out.\n"
    "  --check DIR      measure the fit on these pictures too; nothing is fitted to them\n"
    "  --skip PREFIX    leave out the files whose names start so\n"
    "  --count N        pictures used\n";

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        { "scale", required_argument, NULL, 's' },
        { "data", required_argument, NULL, 'd' },
        { "output", required_argument, NULL, 'o' },
        { "check", required_argument, NULL, 'C' },
        { "count", required_argument, NULL, 'c' },
        { "threads", required_argument, NULL, 't' },
        { "skip", required_argument, NULL, 'k' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    *o = (struct options){ .count = 600 };
    optind = 1;
    for (int c, ok = 1; (c = getopt_long(argc, argv, "s:o:h", table, NULL)) != -1;) {
        switch (c) {
        case 's': o->scale = atoi(optarg); break;
        case 'o': o->output = optarg; break;
        case 'c': o->count = atoi(optarg); break;
        case 't': o->n_threads = atoi(optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        case 'd': ok = train_folders_add(&o->folders, optarg); break;
        case 'C': ok = train_folders_add(&o->check, optarg); break;
        case 'k': ok = train_folders_skip(&o->folders, optarg); break;
        default: ok = 0;
        }
        if (!ok)
            return 0;
    }
    return o->folders.n_dirs && o->output && o->scale >= 2 && o->scale <= 4 && o->count >= 8 && optind == argc;
}

static void free_pictures(fovea_context *ctx, struct pictures *p)
{
    for (int k = 0; k < p->n; k++)
        route_picture_free(ctx, &p->picture[k]);
    free(p->picture);
    *p = (struct pictures){ 0 };
}

static int load(struct study *s, const struct train_folders *folders, int count, struct route_makers *makers,
                struct pictures *out)
{
    char **names;
    int n_names, code;
    *out = (struct pictures){ 0 };
    FOVI_TRY(train_names_list(s->ctx, folders, &names, &n_names));
    count = count < n_names ? count : n_names;
    struct train_progress progress;
    train_progress_start(&progress, "enlarging", count);
    out->picture = calloc((size_t)count + 1, sizeof *out->picture);
    code = out->picture ? FOVEA_OK : fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    for (int i = 0; i < count && !code; i++) {
        const char *name = names[(int64_t)i * n_names / count];
        code = route_picture_make(s->ctx, s->io, name, makers, &out->picture[out->n]);
        out->n += out->picture[out->n].map != NULL;
        train_progress_step(&progress, i + 1, "");
    }
    train_progress_end(&progress);
    train_names_free(names, n_names);
    return code;
}

static int is_held_out(int picture)
{
    return picture % HELD_OUT_EVERY == HELD_OUT_EVERY - 1;
}

static size_t count_tiles(const struct pictures *p)
{
    size_t n = 0;
    for (int k = 0; k < p->n; k++)
        n += p->picture[k].n;
    return n;
}

/* Fit one maker to the tiles of the pictures that are not held out. */
static int fit(struct study *s, const struct pictures *p, enum route_maker maker, struct fovi_error_model *model)
{
    size_t n = 0;
    struct route_observation *o = malloc((count_tiles(p) + 1) * sizeof *o);
    if (!o)
        return fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    for (int k = 0; k < p->n; k++) {
        const struct route_picture *picture = &p->picture[k];
        for (size_t t = 0; t < picture->n && !is_held_out(k); t++, n++) {
            double z[FOVI_ROUTE_N_Z];
            struct fovi_error_tile packed;
            fovi_error_pack(&picture->map->tiles[t], &packed);
            fovi_error_z(&packed, picture->tile[t].added[maker], z);
            fovi_route_terms(z, o[n].terms);
            o[n].weight = picture->tile[t].area / (FOVEA_TILE * FOVEA_TILE);
            o[n].label = picture->tile[t].error[maker];
        }
    }
    int ok = n > 2 * FOVI_ROUTE_N_TERMS && route_fit_spread(o, n, model->mean, model->whiten, &model->radius) &&
             route_fit(o, n, model->w);
    free(o);
    return ok ? FOVEA_OK : fovi_fail(s->ctx, FOVEA_E_ARG, "%zu tiles are too few for a fit", n);
}

/* How well a model does on pictures. */
struct quality {
    size_t n;
    double ranks, plain_ranks; /* Spearman with the true error: of the prediction, of high-frequency energy alone */
    double share_within;       /* of tiles whose error is at most twice the expected one (RMS) */
    double total;              /* predicted over true squared error, pooled */
    double spread;             /* mean over pictures of |log2(predicted / true)| of the squared error */
};

static int measure(struct study *s, const struct pictures *p, enum route_maker maker,
                   const struct fovi_error_model *model, int held_out_only, struct quality *q)
{
    size_t n_tiles = count_tiles(p);
    double *v = malloc((3 * n_tiles + 1) * sizeof *v), predicted = 0.0, real = 0.0, n_pictures = 0.0;
    if (!v)
        return fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    *q = (struct quality){ 0 };
    for (int k = 0; k < p->n; k++) {
        const struct route_picture *picture = &p->picture[k];
        double own_predicted = 0.0, own_real = 0.0;
        for (size_t t = 0; t < picture->n && (!held_out_only || is_held_out(k)); t++) {
            const struct route_tile *tile = &picture->tile[t];
            struct fovi_error_tile packed;
            fovi_error_pack(&picture->map->tiles[t], &packed);
            double expected = fovi_error_predict(model, &packed, tile->added[maker]);
            v[q->n] = expected;
            v[n_tiles + q->n] = tile->error[maker];
            v[2 * n_tiles + q->n++] = (double)picture->map->tiles[t].value[FOVEA_FEATURE_HIGH_FREQUENCY];
            own_predicted += expected * tile->area;
            own_real += tile->error[maker] * tile->area;
            q->share_within += tile->error[maker] <= 4.0 * expected;
        }
        predicted += own_predicted;
        real += own_real;
        if (own_real > 0.0 && own_predicted > 0.0) {
            q->spread += fabs(log2(own_predicted / own_real));
            n_pictures += 1.0;
        }
    }
    q->ranks = route_rank_correlation(v, v + n_tiles, q->n);
    q->plain_ranks = route_rank_correlation(v + 2 * n_tiles, v + n_tiles, q->n);
    q->share_within /= (double)q->n;
    q->total = predicted / real;
    q->spread /= n_pictures;
    free(v);
    return FOVEA_OK;
}

static void print_quality(const char *what, const char *set, const struct quality *q)
{
    printf("%-8s %-9s %7zu  %8.4f  %8.4f  %7.1f %%  %8.3f  %8.3f\n", what, set, q->n, q->ranks, q->plain_ranks,
           100.0 * q->share_within, q->total, q->spread);
}

static int add_model(struct study *s, const struct pictures *p, const struct pictures *check, enum route_maker maker,
                     enum fovea_path path)
{
    struct fovi_error_model *model = &s->table.model[s->table.n++];
    struct quality q = { 0 };
    model->path = path;
    FOVI_TRY(fit(s, p, maker, model));
    FOVI_TRY(measure(s, p, maker, model, 1, &q));
    print_quality(fovea_path_name(path), "held out", &q);
    if (!check->n)
        return FOVEA_OK;
    FOVI_TRY(measure(s, check, maker, model, 0, &q));
    print_quality(fovea_path_name(path), "check", &q);
    return FOVEA_OK;
}

/* One rung of the ladder; with the first of them base and filter too, which are the same for all. */
static int add_rung(struct study *s, int rung)
{
    const struct options *o = s->options;
    struct pictures p = { 0 }, check = { 0 };
    struct route_makers *makers = NULL;
    int code = route_makers_create(s->ctx, o->scale, NULL, fovi_route_ladder[rung].name, NULL, &makers);
    if (!code)
        code = load(s, &o->folders, o->count, makers, &p);
    if (!code && o->check.n_dirs)
        code = load(s, &o->check, 1 << 20, makers, &check);
    if (!code && s->table.n == 0)
        code = add_model(s, &p, &check, ROUTE_BASE, FOVEA_PATH_CLASSIC);
    if (!code && s->table.n == 1)
        code = add_model(s, &p, &check, ROUTE_FILTER, FOVEA_PATH_FILTER);
    if (!code)
        code = add_model(s, &p, &check, ROUTE_NETWORK, fovi_route_ladder[rung].path);
    route_makers_free(&makers);
    free_pictures(s->ctx, &p);
    free_pictures(s->ctx, &check);
    return code == FOVEA_E_UNSUPPORTED ? FOVEA_OK : code; /* no such network at this scale */
}

static void write_numbers(FILE *f, const double *v, int n, const char *end)
{
    fprintf(f, "      {");
    for (int i = 0; i < n; i++)
        fprintf(f, "%s%.9g%s", i % 6 == 0 && n > 6 ? "\n          " : " ", v[i], i < n - 1 ? "," : "");
    fprintf(f, n > 6 ? "\n      }%s" : " }%s", end);
}

static int write_table(const struct study *s, const char *command)
{
    FILE *f = fopen(s->options->output, "w");
    if (!f)
        return fovi_fail(s->ctx, FOVEA_E_WRITE, "%s: cannot write this file", s->options->output);
    fprintf(f, "/* SPDX-License-Identifier: BSD-2-Clause\n *\n * Generated, do not edit. Written by:\n");
    train_write_command(f, command);
    fprintf(f, " */\n#include \"route/error_table.h\"\n\n/* clang-format off */\n");
    fprintf(f, "const struct fovi_error_table fovi_error_x%d = { %d, {\n", s->options->scale, s->table.n);
    for (int k = 0; k < s->table.n; k++) {
        const struct fovi_error_model *m = &s->table.model[k];
        fprintf(f, "    { (enum fovea_path)%d, /* %s */\n", (int)m->path, fovea_path_name(m->path));
        write_numbers(f, m->mean, FOVI_ROUTE_N_Z, ",\n");
        write_numbers(f, m->whiten, FOVI_ROUTE_N_WHITEN, ",\n");
        fprintf(f, "      %.9g,\n", m->radius);
        write_numbers(f, m->w, FOVI_ROUTE_N_TERMS, " },\n");
    }
    fprintf(f, "} };\n");
    int failed = ferror(f);
    return fclose(f) != 0 || failed ? fovi_fail(s->ctx, FOVEA_E_WRITE, "%s: cannot write", s->options->output)
                                    : FOVEA_OK;
}

static int run(fovea_context *ctx, const void *options, const char *command)
{
    const struct options *o = options;
    struct study s = { .ctx = ctx, .options = o };
    int code = fovea_io_create(&s.io, NULL);
    if (code)
        return fovi_fail(ctx, code, "picture files cannot be read here");
    printf("%-8s %-9s %7s  %8s  %8s  %9s  %8s  %8s\n", "maker", "pictures", "tiles", "rank", "HF rank", "within 2x",
           "total", "spread");
    for (int rung = 1; rung < FOVI_ROUTE_N_RUNGS && !code; rung++)
        code = add_rung(&s, rung);
    if (!code && s.table.n == 0)
        code = fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "there is no network at scale %d", o->scale);
    if (!code)
        code = write_table(&s, command);
    fovea_io_free(&s.io);
    return code;
}

int train_error_main(int argc, char **argv)
{
    struct options o;
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    return train_run(argc, argv, o.n_threads, run, &o);
}
