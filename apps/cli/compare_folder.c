/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two folders: pictures of one name are compared; then the mean, the worst, and what had no counterpart.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

enum { N_WORST = 10 };

/* A picture of the reference folder and what became of it. */
struct entry {
    struct compare_pair pair; /* pair.paths[1]: NULL without a counterpart */
    char *failure;            /* NULL: it was compared */
};

struct folders {
    const struct compare_job *job;
    char **paths[2]; /* sorted by name */
    int n[2];
    int *is_used; /* of the test folder */
    struct entry *entries;
    int n_pairs, n_failed;
};

/* Length of a name without its ending. */
static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static int is_match(const char *a, const char *b, int is_exact)
{
    size_t n = stem_length(a);
    return is_exact ? !strcmp(a, b) : n == stem_length(b) && !strncmp(a, b, n);
}

/* Names that are equal first, then those that are but for their endings. */
static void match(struct folders *f)
{
    for (int is_exact = 1; is_exact >= 0; is_exact--)
        for (int i = 0; i < f->n[0]; i++) {
            struct compare_pair *pair = &f->entries[i].pair;
            pair->paths[0] = f->paths[0][i];
            for (int k = 0; k < f->n[1] && !pair->paths[1]; k++) {
                if (f->is_used[k] || !is_match(cli_base_name(pair->paths[0]), cli_base_name(f->paths[1][k]), is_exact))
                    continue;
                pair->paths[1] = f->paths[1][k];
                f->is_used[k] = 1;
                f->n_pairs++;
            }
        }
}

static int compare_all(struct folders *f)
{
    struct cli *cli = f->job->cli;
    struct cli_progress progress;
    int code = CLI_OK, done = 0;
    cli_progress_begin(&progress, cli, f->job->words[1], 0.);
    for (int i = 0; i < f->n[0] && code != CLI_CANCELLED; i++) {
        struct entry *entry = &f->entries[i];
        if (!entry->pair.paths[1])
            continue;
        progress.callback.report(progress.callback.user, (double)done++ / f->n_pairs);
        if (cli_is_interrupted()) {
            code = cli_fail(cli, CLI_CANCELLED, "cancelled");
        } else if (compare_files(f->job, &entry->pair, NULL)) {
            entry->failure = strdup(cli_last_message());
            f->n_failed++;
        }
    }
    cli_progress_end(&progress);
    return code;
}

static int is_done(const struct entry *entry)
{
    return entry->pair.paths[1] && !entry->failure;
}

/* Mean of a figure where it is finite; NaN where it never is. */
static double mean(const struct folders *f, int figure)
{
    double sum = 0.;
    int n = 0;
    for (int i = 0; i < f->n[0]; i++) {
        double value = is_done(&f->entries[i]) ? cli_figure_value(&f->entries[i].pair.metrics, figure) : NAN;
        sum += isfinite(value) ? value : 0.;
        n += isfinite(value) != 0;
    }
    return n ? sum / n : NAN;
}

/* Indices of the worst entries by one figure, NaN left out; their number. */
static int find_worst(const struct folders *f, int worst[N_WORST])
{
    int n = 0, figure = f->job->worst_by;
    double sign = cli_figures[figure].is_lower_better ? -1. : 1., values[N_WORST];
    for (int i = 0; i < f->n[0]; i++) {
        double value = is_done(&f->entries[i]) ? sign * cli_figure_value(&f->entries[i].pair.metrics, figure) : NAN;
        if (isnan(value) || (n == N_WORST && value >= values[n - 1]))
            continue;
        int k = n < N_WORST ? n++ : n - 1;
        for (; k > 0 && value < values[k - 1]; k--) {
            values[k] = values[k - 1];
            worst[k] = worst[k - 1];
        }
        values[k] = value;
        worst[k] = i;
    }
    return n;
}

/* ---- for people ---- */

static void print_row(const struct folders *f, const char *name, const struct entry *entry)
{
    printf("%-28s", name);
    for (int i = 0; i < CLI_N_FIGURES; i++) {
        if (!f->job->is_asked[i])
            continue;
        double value = entry ? cli_figure_value(&entry->pair.metrics, i) : mean(f, i);
        if (isfinite(value))
            printf("%10.*f", cli_figures[i].digits > 4 ? 5 : 4, value);
        else
            printf("%10s", isinf(value) ? (entry && entry->pair.metrics.identical ? "identical" : "inf") : "-");
    }
    putchar('\n');
}

static void print_header(const struct folders *f, const char *title)
{
    printf("%-28s", title);
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (f->job->is_asked[i])
            printf("%10s", cli_figures[i].name);
    putchar('\n');
}

static void print_unmatched(const struct folders *f)
{
    for (int side = 0; side < 2; side++) {
        int n = 0;
        for (int i = 0; i < f->n[side]; i++) {
            if (side ? f->is_used[i] : f->entries[i].pair.paths[1] != NULL)
                continue;
            if (!n++)
                printf("\nonly in %s:\n", f->job->words[side]);
            printf("  %s\n", cli_base_name(f->paths[side][i]));
        }
    }
}

static void print_all(const struct folders *f)
{
    int worst[N_WORST], n = find_worst(f, worst);
    print_header(f, "picture");
    for (int i = 0; i < f->n[0]; i++)
        if (is_done(&f->entries[i]))
            print_row(f, cli_base_name(f->paths[0][i]), &f->entries[i]);
    if (n > 1) {
        char title[40];
        snprintf(title, sizeof title, "worst %d by %s", n, cli_figures[f->job->worst_by].name);
        putchar('\n');
        print_header(f, title);
        for (int i = 0; i < n; i++)
            print_row(f, cli_base_name(f->paths[0][worst[i]]), &f->entries[worst[i]]);
    }
    putchar('\n');
    print_row(f, "mean", NULL);
    print_unmatched(f);
    printf("\n%d pictures compared, %d failed\n", f->n_pairs - f->n_failed, f->n_failed);
}

/* ---- JSON ---- */

static json_t *json_names(const struct folders *f, int side)
{
    json_t *list = json_array();
    for (int i = 0; i < f->n[side]; i++)
        if (side ? !f->is_used[i] : !f->entries[i].pair.paths[1])
            json_array_append_new(list, json_string(cli_base_name(f->paths[side][i])));
    return list;
}

static json_t *json_worst(const struct folders *f)
{
    json_t *list = json_array();
    int worst[N_WORST], n = find_worst(f, worst);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_string(cli_base_name(f->paths[0][worst[i]])));
    return list;
}

static json_t *json_all(const struct folders *f)
{
    json_t *object = json_object(), *means = json_object(), *pictures = json_array(), *failed = json_array();
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (f->job->is_asked[i])
            json_object_set_new(means, cli_figures[i].key, cli_json_number(mean(f, i)));
    for (int i = 0; i < f->n[0]; i++) {
        const struct entry *entry = &f->entries[i];
        const char *name = cli_base_name(f->paths[0][i]);
        if (entry->failure) {
            json_array_append_new(failed, json_pack("{s:s, s:s}", "name", name, "error", entry->failure));
        } else if (is_done(entry)) {
            json_t *figures = compare_json(f->job, &entry->pair), *row = json_pack("{s:s}", "name", name);
            json_object_update(row, figures);
            json_decref(figures);
            json_array_append_new(pictures, row);
        }
    }
    json_object_set_new(object, "reference", json_string(f->job->words[0]));
    json_object_set_new(object, "test", json_string(f->job->words[1]));
    json_object_set_new(object, "images", json_integer(f->n_pairs - f->n_failed));
    json_object_set_new(object, "mean", means);
    json_object_set_new(object, "pictures", pictures);
    json_object_set_new(object, "worst_by", json_string(cli_figures[f->job->worst_by].key));
    json_object_set_new(object, "worst", json_worst(f));
    json_object_set_new(object, "only_reference", json_names(f, 0));
    json_object_set_new(object, "only_test", json_names(f, 1));
    json_object_set_new(object, "failed", failed);
    return object;
}

/* ---- the whole ---- */

static int run(struct folders *f)
{
    struct cli *cli = f->job->cli;
    f->is_used = calloc((size_t)f->n[1] + 1, sizeof *f->is_used);
    f->entries = calloc((size_t)f->n[0] + 1, sizeof *f->entries);
    if (!f->is_used || !f->entries)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    match(f);
    if (!f->n_pairs)
        return cli_fail(cli, CLI_INPUT, "the folders '%s' and '%s' have no picture's name in common", f->job->words[0],
                        f->job->words[1]);
    int code = compare_all(f);
    if (code)
        return code;
    if (cli->is_json)
        code = cli_print_json(cli, json_all(f));
    else
        print_all(f);
    if (code || !f->n_failed)
        return code;
    return f->n_failed == f->n_pairs ? CLI_INPUT : CLI_SOME_FAILED;
}

int compare_folders(const struct compare_job *job)
{
    struct folders f = { .job = job };
    int code = CLI_OK;
    cli_catch_signals();
    for (int side = 0; side < 2 && !code; side++) {
        f.n[side] = cli_list_pictures(job->cli, job->words[side], &f.paths[side]);
        if (f.n[side] < 0) {
            f.n[side] = 0;
            code = CLI_INPUT;
        }
    }
    if (!code)
        code = run(&f);
    for (int i = 0; i < f.n[0] && f.entries; i++)
        free(f.entries[i].failure);
    free(f.entries);
    free(f.is_used);
    cli_free_names(f.paths[0], f.n[0]);
    cli_free_names(f.paths[1], f.n[1]);
    return code;
}
