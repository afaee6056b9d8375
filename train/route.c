/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train route: fit the router's regressions for one network and scale, check them on held-out pictures, write
 * them as a C table.
 *
 * The gain is fitted to the energy of the network's correction, which needs no ground truth, and is then scaled by one
 * constant that ground truth gives. The margin is the least factor on predicted gains with which the measured mean loss
 * of pieces that are held out, routed at 0.05 dB, is half of that.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "progress.h"
#include "route_fit.h"
#include "route_study.h"

/* One picture of this many is held out for the margin, and one for the bound, which nothing else looks at. */
#define HELD_OUT_EVERY 8
#define BOUND_SHARE 0.95

/* Pieces along each side of a picture that is held out. */
#define HELD_OUT_PIECES 2

/* Share of the limit that is lost on them on average: other sets of pictures lose more, smooth ones above all. */
#define MEAN_SHARE 0.5

static const char usage[] =
    "Usage: fovea-train route -s SCALE --data DIR [--data DIR]... -o TABLE.c\n"
    "       [--method tiny] [--network MODEL] [--filter MODEL] [--skip PREFIX]... [--count 1200]\n"
    "       [--threads N]\n"
    "       fovea-train route -s SCALE [--method tiny] [--data DIR]... [--check DIR]... [--jpeg Q] [--piece 384]\n"
    "Fit the router's predictions for a network and write them as a C table. Pictures come from the folders and the\n"
    "folders in them, evenly from the sorted list; one in four is held out: half of these\n"
    "set the margin, half the bound that 95 in 100 pictures keep.\n"
    "  --network MODEL, --filter MODEL  their containers (default: the built-in ones)\n"
    "  --skip PREFIX    leave out the files whose names start so\n"
    "  --count N        pictures used\n"
    "Without -o nothing is fitted: the built-in predictions are checked on the pictures of --data that trainings and "
    "fits\n"
    "hold out, one in forty, and on all of --check: how often the loss stays within its bound.\n"
    "  --jpeg Q         check: the reduced pictures pass through a JPEG of this quality\n"
    "  --piece N        check: larger pictures are cut into equal pieces of at most N pixels a side\n";

static int parse(int argc, char **argv, struct route_options *o)
{
    static const struct option table[] = {
        { "scale", required_argument, NULL, 's' },   { "data", required_argument, NULL, 'd' },
        { "output", required_argument, NULL, 'o' },  { "method", required_argument, NULL, 'm' },
        { "network", required_argument, NULL, 'n' }, { "filter", required_argument, NULL, 'f' },
        { "count", required_argument, NULL, 'c' },   { "threads", required_argument, NULL, 't' },
        { "skip", required_argument, NULL, 'k' },    { "check", required_argument, NULL, 'C' },
        { "jpeg", required_argument, NULL, 'j' },    { "piece", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
    };
    *o = (struct route_options){ .method = "tiny", .count = 1200, .piece = 384 };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "s:o:h", table, NULL)) != -1;) {
        switch (c) {
        case 's': o->scale = atoi(optarg); break;
        case 'o': o->output = optarg; break;
        case 'm': o->method = optarg; break;
        case 'n': o->network = optarg; break;
        case 'f': o->filter = optarg; break;
        case 'c': o->count = atoi(optarg); break;
        case 't': o->n_threads = atoi(optarg); break;
        case 'j': o->jpeg = atoi(optarg); break;
        case 'p': o->piece = atoi(optarg); break;
        case 'h': fputs(usage, stdout); exit(0);
        case 'C':
            if (!train_folders_add(&o->check, optarg))
                return 0;
            break;
        case 'd':
            if (!train_folders_add(&o->folders, optarg))
                return 0;
            break;
        case 'k':
            if (!train_folders_skip(&o->folders, optarg))
                return 0;
            break;
        default: return 0;
        }
    }
    int has_pictures = o->output ? o->folders.n_dirs && !o->check.n_dirs : o->folders.n_dirs || o->check.n_dirs;
    return has_pictures && o->scale >= 2 && o->scale <= 4 && o->count >= 8 && o->jpeg >= 0 && o->jpeg <= 100 &&
           o->piece >= 64 && optind == argc;
}

static enum route_role role_of(int picture)
{
    int k = picture % HELD_OUT_EVERY;
    return k == HELD_OUT_EVERY - 1 ? ROUTE_BOUND : k == HELD_OUT_EVERY / 2 - 1 ? ROUTE_MARGIN : ROUTE_FIT;
}

static int add_picture(struct route_study *s, fovea_io *io, const struct fovea_image *image, enum route_role role,
                       struct route_makers *makers)
{
    struct route_picture *p = &s->picture[s->n_pictures];
    FOVI_TRY(route_picture_from(s->ctx, io, image, 0, makers, p));
    p->role = role;
    s->n_pictures += p->map != NULL;
    return FOVEA_OK;
}

/* What is held out comes in quarters: the training crops were chosen for their detail, and smooth pieces, of which
 * large photographs are full, are among their quarters only. */
static int load_picture(struct route_study *s, fovea_io *io, const char *path, int i, struct route_makers *makers)
{
    struct fovea_image image, part;
    enum route_role role = role_of(i);
    FOVI_TRY(train_picture_read(s->ctx, io, path, &image));
    int n = role == ROUTE_FIT ? 1 : HELD_OUT_PIECES, code = FOVEA_OK;
    for (int k = 0; k < n * n && !code; k++) {
        train_piece(&image, n, n, k, &part);
        code = add_picture(s, io, &part, role, makers);
    }
    free(image.data);
    return code;
}

static int load(struct route_study *s, fovea_io *io, struct route_makers *makers)
{
    char **names;
    int n_names, code;
    FOVI_TRY(train_names_list(s->ctx, &s->options->folders, &names, &n_names));
    int count = s->options->count < n_names ? s->options->count : n_names, n_used = 0;
    struct train_progress progress;
    train_progress_start(&progress, "enlarging", count);
    s->picture = calloc((size_t)count * HELD_OUT_PIECES * HELD_OUT_PIECES, sizeof *s->picture);
    code = s->picture ? FOVEA_OK : fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    for (int i = 0; i < count && !code; i++) {
        int k = (int)((int64_t)i * n_names / count);
        if (train_is_held_out(k))
            continue;
        code = load_picture(s, io, names[k], n_used++, makers);
        train_progress_step(&progress, i + 1, "");
    }
    train_progress_end(&progress);
    train_names_free(names, n_names);
    return code;
}

enum label { LABEL_CORRECTION, LABEL_RESIDUAL };

/* The tiles that are fitted, with their labels, z as it is; *n of them. NULL: out of memory. */
static struct route_observation *observe(struct route_study *s, enum label label, size_t *n)
{
    size_t n_tiles = 0;
    for (int k = 0; k < s->n_pictures; k++)
        n_tiles += s->picture[k].n;
    struct route_observation *o = malloc((n_tiles + 1) * sizeof *o);
    *n = 0;
    for (int k = 0; k < s->n_pictures && o; k++) {
        const struct route_picture *p = &s->picture[k];
        for (size_t t = 0; t < p->n && p->role == ROUTE_FIT; t++, ++*n) {
            double z[FOVI_ROUTE_N_Z];
            fovi_route_z(&p->map->tiles[t], z);
            fovi_route_terms(z, o[*n].terms);
            o[*n].weight = p->tile[t].area / (FOVEA_TILE * FOVEA_TILE);
            o[*n].label = label == LABEL_RESIDUAL ? p->tile[t].residual : p->tile[t].correction;
        }
    }
    return o;
}

/* The first fit finds the spread of z, too. */
static int fit(struct route_study *s, enum label label, double w[FOVI_ROUTE_N_TERMS])
{
    struct fovi_route_model *m = &s->model;
    size_t n = 0;
    struct route_observation *o = observe(s, label, &n);
    int ok = o && n > 2 * FOVI_ROUTE_N_TERMS;
    if (ok && label == LABEL_CORRECTION)
        ok = route_fit_spread(o, n, m->mean, m->whiten, &m->radius);
    for (size_t t = 0; t < n && ok; t++) {
        double z[FOVI_ROUTE_N_Z];
        memcpy(z, o[t].terms + 1, sizeof z);
        fovi_route_draw_in(m->mean, m->whiten, m->radius, z);
        fovi_route_terms(z, o[t].terms);
    }
    ok = ok && route_fit(o, n, w);
    free(o);
    return ok ? FOVEA_OK : fovi_fail(s->ctx, FOVEA_E_ARG, "%zu tiles are too few for a fit", n);
}

/* The constant that makes predicted gains right in total, from ground truth. */
static double calibrate(struct route_study *s)
{
    double real = 0.0, predicted = 0.0;
    for (int k = 0; k < s->n_pictures; k++) {
        const struct route_picture *p = &s->picture[k];
        for (size_t t = 0; t < p->n && s->picture[k].role == ROUTE_FIT; t++) {
            double gain, residual;
            fovi_route_predict(&s->model, &p->map->tiles[t], &gain, &residual);
            real += p->tile[t].gain * p->tile[t].area;
            predicted += gain * p->tile[t].area;
        }
    }
    double c = real > 0.0 ? real / predicted : 1.0;
    s->model.gain[0] += log(c);
    return c;
}

/* Means over the held-out pictures of one role, routed with a loss limit. */
struct outcome {
    int n;
    double loss_db, worst_db, predicted_db, saved;
};

/* What rounding to whole levels costs: smaller squared errors (a plain picture) are as good as none. */
#define ROUNDING_ERROR (1.0 / 12.0)

int route_study_loss(struct route_study *s, const struct route_picture *p, double max_loss_db, double *loss_db,
                     struct fovi_route_result *result)
{
    struct fovi_route_params params;
    fovi_route_params_init(s->ctx, s->options->scale, 0, &params);
    params.allow &= (1u << s->top) - 1;
    params.allow |= 1u << s->top;
    params.max_loss_db = max_loss_db;
    params.model = &s->model;
    uint8_t *path = malloc(p->n);
    int code = path ? fovi_route_decide(s->ctx, p->map, &params, path, result) : FOVEA_E_NOMEM;
    double made = 0.0, best = 0.0, least = 0.0;
    for (size_t t = 0; t < p->n && !code; t++) {
        int rung = s->top;
        while (rung > 0 && (int)fovi_route_ladder[rung].path != path[t])
            rung--;
        best += p->tile[t].residual * p->tile[t].area;
        made += p->tile[t].rung_error[rung] * p->tile[t].area;
        least += ROUNDING_ERROR * p->tile[t].area;
    }
    free(path);
    *loss_db = least > 0.0 ? 10.0 * log10(fmax(made, least) / fmax(best, least)) : 0.0;
    return code;
}

static int route_held_out(struct route_study *s, double max_loss_db, struct outcome *out)
{
    *out = (struct outcome){ 0 };
    for (int k = 0; k < s->n_pictures; k++) {
        struct fovi_route_result result;
        double loss;
        if (s->picture[k].role != ROUTE_MARGIN)
            continue;
        FOVI_TRY(route_study_loss(s, &s->picture[k], max_loss_db, &loss, &result));
        out->loss_db += loss;
        out->worst_db = fmax(out->worst_db, loss);
        out->predicted_db += result.predicted_loss_db;
        out->saved += result.saved_share;
        out->n++;
    }
    out->loss_db /= out->n;
    out->predicted_db /= out->n;
    out->saved /= out->n;
    return FOVEA_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What a picture for the bound says. */
struct bound_case {
    double residual, ratio; /* expected error of a pixel; measured over predicted loss */
};

static int by_residual(const void *a, const void *b)
{
    return by_value(&((const struct bound_case *)a)->residual, &((const struct bound_case *)b)->residual);
}

static int find_cases(struct route_study *s, struct bound_case *cases, int *n)
{
    for (int k = 0; k < s->n_pictures; k++) {
        struct fovi_route_result result;
        double loss;
        if (s->picture[k].role != ROUTE_BOUND)
            continue;
        FOVI_TRY(route_study_loss(s, &s->picture[k], ROUTE_LIMIT_DB, &loss, &result));
        if (result.predicted_loss_db > 0.0)
            cases[(*n)++] = (struct bound_case){ result.residual, loss / result.predicted_loss_db };
    }
    return FOVEA_OK;
}

/* The ceil((n + 1) * 0.95)-th smallest ratio. */
static double quantile(const struct bound_case *cases, int n, double *ratio)
{
    for (int k = 0; k < n; k++)
        ratio[k] = cases[k].ratio;
    qsort(ratio, (size_t)n, sizeof *ratio, by_value);
    int rank = (int)ceil((n + 1) * BOUND_SHARE);
    return fmax(1.0, ratio[rank < n ? rank - 1 : n - 1]);
}

/* Split conformal bound for each kind of picture, by the expected error, as many of each; from pictures that neither
 * fit nor margin have seen. */
static int find_bound(struct route_study *s)
{
    struct bound_case *cases = malloc(((size_t)s->n_pictures + 1) * sizeof *cases);
    double *ratio = malloc(((size_t)s->n_pictures + 1) * sizeof *ratio);
    int n = 0, code = cases && ratio ? find_cases(s, cases, &n) : fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    if (!code && n < 19 * FOVI_ROUTE_N_KINDS)
        code = fovi_fail(s->ctx, FOVEA_E_ARG, "%d pieces are too few for a bound", n);
    if (!code)
        qsort(cases, (size_t)n, sizeof *cases, by_residual);
    for (int kind = 0; kind < FOVI_ROUTE_N_KINDS && !code; kind++) {
        int from = n * kind / FOVI_ROUTE_N_KINDS, to = n * (kind + 1) / FOVI_ROUTE_N_KINDS;
        if (kind)
            s->model.split[kind - 1] = cases[from].residual;
        s->model.bound[kind] = quantile(cases + from, to - from, ratio);
        printf("bound: %.3f times the prediction, expected error from %.1f on, from %d pieces\n", s->model.bound[kind],
               cases[from].residual, to - from);
    }
    free(ratio);
    free(cases);
    return code;
}

/* The least margin with which what is held out loses no more than its share of the limit, in twentieths. */
static int find_margin(struct route_study *s)
{
    struct outcome o;
    for (s->model.margin = 1.0; s->model.margin < 4.0; s->model.margin += 0.05) {
        FOVI_TRY(route_held_out(s, ROUTE_LIMIT_DB, &o));
        if (o.loss_db <= MEAN_SHARE * ROUTE_LIMIT_DB)
            break;
    }
    return FOVEA_OK;
}

/* Rank correlation of predicted and real values over the held-out tiles. */
static int report_ranks(const struct route_study *s)
{
    size_t n = 0, n_tiles = 0;
    for (int k = 0; k < s->n_pictures; k++)
        n_tiles += s->picture[k].n;
    double *v = malloc((4 * n_tiles + 1) * sizeof *v);
    if (!v)
        return fovi_fail(s->ctx, FOVEA_E_NOMEM, "out of memory");
    for (int k = 0; k < s->n_pictures; k++) {
        const struct route_picture *p = &s->picture[k];
        for (size_t t = 0; t < p->n && s->picture[k].role != ROUTE_FIT; t++, n++) {
            fovi_route_predict(&s->model, &p->map->tiles[t], &v[n], &v[n_tiles + n]);
            v[2 * n_tiles + n] = p->tile[t].gain;
            v[3 * n_tiles + n] = p->tile[t].residual;
        }
    }
    printf("held-out tiles: %zu; rank correlation of predicted and real gain %.3f, residual %.3f\n", n,
           route_rank_correlation(v, v + 2 * n_tiles, n), route_rank_correlation(v + n_tiles, v + 3 * n_tiles, n));
    free(v);
    return FOVEA_OK;
}

static int report_losses(struct route_study *s)
{
    static const double limits[] = { 0.01, 0.02, 0.05, 0.1, 0.2 };
    printf("limit dB  predicted dB  measured dB  worst dB  saved work\n");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct outcome o;
        FOVI_TRY(route_held_out(s, limits[i], &o));
        printf("%8.2f  %12.4f  %11.4f  %8.4f  %9.1f %%\n", limits[i], o.predicted_db, o.loss_db, o.worst_db,
               100.0 * o.saved);
    }
    return FOVEA_OK;
}

static void write_numbers(FILE *f, const double *v, int n)
{
    fprintf(f, "    {");
    for (int i = 0; i < n; i++)
        fprintf(f, "%s%.9g%s", i % 6 == 0 && n > 6 ? "\n        " : " ", v[i], i < n - 1 ? "," : "");
    fprintf(f, n > 6 ? "\n    },\n" : " },\n");
}

static int write_table(const struct route_study *s, const char *command)
{
    const struct route_options *o = s->options;
    FILE *f = fopen(o->output, "w");
    if (!f)
        return fovi_fail(s->ctx, FOVEA_E_WRITE, "%s: cannot write this file", o->output);
    fprintf(f, "/* SPDX-License-Identifier: BSD-2-Clause\n *\n * Generated, do not edit. Written by:\n");
    train_write_command(f, command);
    fprintf(f, " */\n");
    fprintf(f, "#include \"route/route_table.h\"\n\n/* clang-format off */\n");
    fprintf(f, "const struct fovi_route_model fovi_route_%s_x%d = {\n", o->method, o->scale);
    write_numbers(f, s->model.mean, FOVI_ROUTE_N_Z);
    write_numbers(f, s->model.whiten, FOVI_ROUTE_N_WHITEN);
    fprintf(f, "    %.9g,\n", s->model.radius);
    write_numbers(f, s->model.gain, FOVI_ROUTE_N_TERMS);
    write_numbers(f, s->model.residual, FOVI_ROUTE_N_TERMS);
    fprintf(f, "    %.9g,\n", s->model.margin);
    write_numbers(f, s->model.split, FOVI_ROUTE_N_KINDS - 1);
    write_numbers(f, s->model.bound, FOVI_ROUTE_N_KINDS);
    fprintf(f, "};\n");
    int failed = ferror(f);
    return fclose(f) != 0 || failed ? fovi_fail(s->ctx, FOVEA_E_WRITE, "%s: cannot write", o->output) : FOVEA_OK;
}

static int work(struct route_study *s, fovea_io *io, struct route_makers *makers, const char *command)
{
    FOVI_TRY(route_makers_add_lower(makers));
    if (!s->options->output) {
        const struct fovi_route_model *model = fovi_route_model_builtin(s->top, s->options->scale);
        if (!model)
            return fovi_fail(s->ctx, FOVEA_E_UNSUPPORTED, "no predictions for %s at scale %d are built in",
                             s->options->method, s->options->scale);
        s->model = *model;
        return route_check(s, io, makers);
    }
    FOVI_TRY(load(s, io, makers));
    s->model.margin = 1.0;
    FOVI_TRY(fit(s, LABEL_CORRECTION, s->model.gain));
    FOVI_TRY(fit(s, LABEL_RESIDUAL, s->model.residual));
    double c = calibrate(s);
    FOVI_TRY(find_margin(s));
    FOVI_TRY(find_bound(s));
    printf("%d pictures and pieces, gain / energy of the correction %.3f, margin %.2f\n", s->n_pictures, c,
           s->model.margin);
    FOVI_TRY(report_ranks(s));
    FOVI_TRY(report_losses(s));
    return write_table(s, command);
}

static int run(fovea_context *ctx, const void *options, const char *command)
{
    const struct route_options *o = options;
    struct route_study s = { .ctx = ctx, .options = o, .top = route_rung_of(o->method) };
    struct route_makers *makers = NULL;
    fovea_io *io = NULL;
    int code = fovea_io_create(&io, NULL);
    if (code)
        return fovi_fail(ctx, code, "picture files cannot be read here");
    code = route_makers_create(ctx, o->scale, o->filter, o->method, o->network, &makers);
    if (!code)
        code = work(&s, io, makers, command);
    for (int k = 0; k < s.n_pictures; k++)
        route_picture_free(ctx, &s.picture[k]);
    free(s.picture);
    route_makers_free(&makers);
    fovea_io_free(&io);
    return code;
}

int train_route_main(int argc, char **argv)
{
    struct route_options o;
    if (!parse(argc, argv, &o) || route_rung_of(o.method) < 0) {
        fputs(usage, stderr);
        return 2;
    }
    return train_run(argc, argv, o.n_threads, run, &o);
}
