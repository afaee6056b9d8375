/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Many pictures into a folder, several at a time where --jobs says so. Everything that can be refused is refused before
 * the first one starts; after that one failing file does not stop the others, and each is named. A picture is made in a
 * hidden folder, noted in the journal, and then gets its name.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "estimate.h"
#include "html_page.h"
#include "journal.h"
#include "names.h"
#include "staging.h"

enum status { PENDING, MADE, UP_TO_DATE, SKIPPED, FAILED, N_STATUS };
static const char *const status_names[N_STATUS] = { "pending", "made", "up-to-date", "skipped", "failed" };

struct batch {
    const struct upscale_job *job;
    struct cli_items items;
    int rank, n_shards;
    struct cli_staging staging;
    struct cli_journal *journal; /* NULL: none */
    char settings[CLI_SHA256_TEXT];
    json_t **results; /* one an item, NULL = not of this shard or not started */
    double begin_ms;
    pthread_mutex_t lock; /* guards the fields below */
    int next, count[N_STATUS], is_cancelled;
};

static int make_folder(const struct cli *cli, const char *folder)
{
    if (cli_is_folder(folder))
        return CLI_OK;
    if (cli_exists(folder))
        return cli_fail(cli, CLI_OUTPUT, "several inputs need a folder, and '%s' is none", folder);
    return mkdir(folder, 0777) && errno != EEXIST
               ? cli_fail(cli, CLI_OUTPUT, "cannot make the folder '%s': %s", folder, strerror(errno))
               : CLI_OK;
}

/* ---- one picture ---- */

static int fail_exists(const struct cli *cli, const struct cli_item *item)
{
    return cli_fail(cli, CLI_OUTPUT, "'%s' exists: --force overwrites it, --skip-existing leaves it", item->output);
}

/* A finished picture to its place, by way of the journal. */
static int publish(struct batch *b, const struct upscale_job *job, const struct cli_item *item, const char *path,
                   struct cli_journal_line *line)
{
    const struct cli *cli = job->cli;
    if (b->journal && (cli_sha256_output(path, line->output_sha256) || cli_journal_add(b->journal, line)))
        return cli_fail(cli, CLI_OUTPUT, "cannot write the journal: %s", strerror(errno));
    int code = fovea_io_output_move(cli->io, path, item->output, job->options->is_forced);
    if (code && !job->options->is_forced && cli_exists(item->output))
        return fail_exists(cli, item);
    return code ? cli_fail_io(cli, code, 0) : CLI_OK;
}

static int make(struct batch *b, const struct upscale_job *job, int i, struct cli_journal_line *line, json_t **result)
{
    const struct cli_item *item = &b->items.item[i];
    const char *dot = strrchr(cli_base_name(item->output), '.');
    char name[64];
    snprintf(name, sizeof name, "%d%s", i, dot ? dot : "");
    char *path = cli_join(b->staging.path, name);
    if (!path)
        return cli_fail(job->cli, CLI_RESOURCE, "out of memory");
    int code = cli_items_make_folders(job->options->output, item)
                   ? cli_fail(job->cli, CLI_OUTPUT, "cannot write '%s': %s", item->output, strerror(errno))
                   : cli_upscale_file(job, item->input, path, item->output, result);
    if (!code && cli_exists(path)) /* pages lie in their places already */
        code = publish(b, job, item, path, line);
    if (code) {
        fovea_io_output_remove(path);
        json_decref(*result);
        *result = NULL;
    }
    free(path);
    return code;
}

/* Whether the picture is to be made at all. A file that cannot be read is left to the reader, which says why. */
static enum status look(struct batch *b, const struct upscale_job *job, const struct cli_item *item,
                        struct cli_journal_line *line, int *code)
{
    const struct upscale_options *o = job->options;
    int exists = cli_exists(item->output);
    *code = CLI_OK;
    line->name = item->name;
    line->input = item->input;
    memcpy(line->settings_sha256, b->settings, sizeof b->settings);
    if (exists && o->skips_existing)
        return SKIPPED;
    if (b->journal && cli_sha256_file(item->input, line->input_sha256) == 0 && exists &&
        cli_journal_has(b->journal, line, item->output))
        return UP_TO_DATE;
    if (!exists || o->is_forced)
        return PENDING;
    *code = fail_exists(job->cli, item);
    return FAILED;
}

/* One picture from start to end; its result or its failure is kept. */
static void run_item(struct batch *b, const struct upscale_job *job, int i)
{
    const struct cli_item *item = &b->items.item[i];
    struct cli_journal_line line = { 0 };
    json_t *result = NULL;
    int code;
    enum status status = look(b, job, item, &line, &code);
    if (status == PENDING) {
        code = make(b, job, i, &line, &result);
        status = code ? FAILED : MADE;
    }
    if (code == CLI_CANCELLED)
        return;
    if (!result) {
        result = json_object();
        json_object_set_new(result, "input", cli_json_text(item->input));
        json_object_set_new(result, "output", cli_json_text(item->output));
    }
    json_object_set_new(result, "status", json_string(status_names[status]));
    if (code) {
        json_object_set_new(result, "exit_code", json_integer(code));
        json_object_set_new(result, "error", cli_json_text(cli_last_message()));
        cli_fail(job->cli, code, "'%s' failed", item->input);
    }
    pthread_mutex_lock(&b->lock);
    b->results[i] = result;
    b->count[status]++;
    pthread_mutex_unlock(&b->lock);
}

/* ---- several at a time ---- */

struct worker {
    struct batch *batch;
    struct cli cli;
    struct upscale_job job;
    pthread_t thread;
    int is_started, is_open;
};

/* The next item of this shard; -1 at the end, or when the batch was cancelled. */
static int take_item(struct batch *b)
{
    pthread_mutex_lock(&b->lock);
    if (cli_is_interrupted())
        b->is_cancelled = b->next < b->items.n;
    while (b->next < b->items.n && b->next % b->n_shards != b->rank)
        b->next++;
    int i = b->next < b->items.n && !cli_is_interrupted() ? b->next++ : -1;
    pthread_mutex_unlock(&b->lock);
    return i;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i; (i = take_item(w->batch)) >= 0;)
        run_item(w->batch, &w->job, i);
    return NULL;
}

/* A worker with libraries and pictures of its own, and its share of the threads. */
static int open_worker(struct worker *w, struct batch *b, int index, int n_workers)
{
    const struct upscale_job *job = b->job;
    int n_threads = fovea_context_threads(job->cli->ctx);
    *w = (struct worker){ .batch = b, .cli = *job->cli, .job = *job };
    w->cli.n_threads = n_threads / n_workers + (index < n_threads % n_workers);
    w->cli.n_threads = w->cli.n_threads < 1 ? 1 : w->cli.n_threads;
    w->cli.memory_bytes = job->cli->memory_bytes / (size_t)n_workers;
    w->cli.is_one_of_several = 1;
    w->cli.ctx = NULL;
    w->cli.io = NULL;
    w->job.cli = &w->cli;
    w->job.pictures = job->pictures ? json_object() : NULL;
    int code = cli_open_libraries(&w->cli);
    w->is_open = !code;
    return code;
}

static int run_workers(struct batch *b, int n_workers)
{
    struct worker *workers = calloc((size_t)n_workers, sizeof *workers);
    int code = workers ? CLI_OK : cli_fail(b->job->cli, CLI_RESOURCE, "out of memory");
    for (int i = 0; i < n_workers && !code; i++)
        code = open_worker(&workers[i], b, i, n_workers);
    for (int i = 0; i < n_workers && !code; i++) {
        code = pthread_create(&workers[i].thread, NULL, work, &workers[i])
                   ? cli_fail(b->job->cli, CLI_RESOURCE, "a thread could not be started")
                   : CLI_OK;
        workers[i].is_started = !code;
    }
    for (int i = 0; workers && i < n_workers; i++) {
        if (workers[i].is_started)
            pthread_join(workers[i].thread, NULL);
        if (workers[i].job.pictures)
            json_object_update(b->job->pictures, workers[i].job.pictures);
        json_decref(workers[i].job.pictures);
        if (workers[i].is_open)
            cli_close_libraries(&workers[i].cli);
    }
    free(workers);
    return code;
}

/* ---- what is said at the end ---- */

static int count_items(const struct batch *b)
{
    return (b->items.n - b->rank + b->n_shards - 1) / b->n_shards;
}

/* The limits, and how many results are past one. */
static json_t *json_review(const struct upscale_job *job, const json_t *results)
{
    size_t i, n_flagged = 0;
    json_t *result;
    json_array_foreach(results, i, result)
        n_flagged += json_is_true(json_object_get(json_object_get(result, "review"), "flagged"));
    return job->limits ? json_pack("{s:o, s:i}", "limits", review_limits_json(job->limits), "flagged", (int)n_flagged)
                       : json_null();
}

static int write_report(const struct upscale_job *job, const json_t *object)
{
    const char *path = job->options->report;
    return job->pictures ? cli_write_page(job->cli, path, &cli_page_review, object, job->pictures)
                         : cli_write_json(job->cli, path, object);
}

static json_t *json_summary(const struct batch *b)
{
    json_t *list = json_array(), *object = json_object();
    for (int i = 0; i < b->items.n; i++)
        if (b->results[i])
            json_array_append(list, b->results[i]);
    json_object_set_new(object, "inputs", json_integer(count_items(b)));
    json_object_set_new(object, "made", json_integer(b->count[MADE]));
    json_object_set_new(object, "up_to_date", json_integer(b->count[UP_TO_DATE]));
    json_object_set_new(object, "skipped", json_integer(b->count[SKIPPED]));
    json_object_set_new(object, "failed", json_integer(b->count[FAILED]));
    if (b->n_shards > 1)
        json_object_set_new(object, "shard", json_pack("[i, i]", b->rank + 1, b->n_shards));
    json_object_set_new(object, "total_ms", cli_json_number(cli_clock_ms() - b->begin_ms));
    json_object_set_new(object, "results", list);
    json_object_set_new(object, "date", cli_json_date(b->job->cli));
    json_object_set_new(object, "command", cli_json_text(b->job->cli->command_line));
    json_object_set_new(object, "review", json_review(b->job, list));
    json_object_set_new(object, "version", json_string(fovea_version()));
    return object;
}

static double megapixels(const struct batch *b, const char *side)
{
    double sum = 0.;
    for (int i = 0; i < b->items.n; i++) {
        const json_t *size = json_object_get(b->results[i], side);
        sum += json_number_value(json_object_get(size, "width")) * json_number_value(json_object_get(size, "height"));
    }
    return sum / 1e6;
}

static void print_summary(const struct batch *b)
{
    double seconds = (cli_clock_ms() - b->begin_ms) / 1e3;
    printf("\nmade %d, up to date %d, skipped %d, failed %d of %d pictures", b->count[MADE], b->count[UP_TO_DATE],
           b->count[SKIPPED], b->count[FAILED], count_items(b));
    if (b->n_shards > 1)
        printf(" (shard %d of %d)", b->rank + 1, b->n_shards);
    printf("\n%.2f megapixels in, %.2f out, %.1f s\n", megapixels(b, "in"), megapixels(b, "out"), seconds);
    for (int i = 0; i < b->items.n; i++)
        if (json_object_get(b->results[i], "error"))
            printf("  failed  %s\n", b->items.item[i].input);
}

static int finish(struct batch *b)
{
    const struct upscale_job *job = b->job;
    struct cli *cli = job->cli;
    if (b->is_cancelled || cli_is_interrupted())
        return cli_fail(cli, CLI_CANCELLED,
                        "cancelled: %d of %d pictures are done; the same command goes on from there",
                        b->count[MADE] + b->count[UP_TO_DATE] + b->count[SKIPPED], count_items(b));
    int verdict = b->count[FAILED] ? CLI_SOME_FAILED : CLI_OK, code = CLI_OK;
    if (b->count[FAILED])
        cli_fail(cli, verdict, "%d of %d inputs failed", b->count[FAILED], count_items(b));
    json_t *object = json_summary(b);
    if (job->options->report)
        code = write_report(job, object);
    verdict = verdict ? verdict : code;
    if (cli->is_json) {
        code = cli_print_json(cli, object);
        return verdict ? verdict : code;
    }
    if (!cli->is_quiet && b->items.n > 1)
        print_summary(b);
    json_decref(object);
    return verdict;
}

/* ---- --dry-run ---- */

static int dry_run(struct batch *b)
{
    const struct upscale_job *job = b->job;
    struct cli *cli = job->cli;
    json_t *list = json_array();
    for (int i = b->rank; i < b->items.n; i += b->n_shards) {
        const struct cli_item *item = &b->items.item[i];
        struct fovea_io_info info = { 0 };
        int width = 0, height = 0, exists = cli_exists(item->output);
        int code = fovea_io_probe(cli->io, item->input, &info);
        if (!code)
            code = fovea_output_size(cli->ctx, info.width, info.height, &job->params, &width, &height);
        const char *what = code                           ? "fail"
                           : !exists                      ? "make"
                           : job->options->is_forced      ? "overwrite"
                           : job->options->skips_existing ? "skip"
                                                          : "exists";
        json_t *object = json_pack("{s:s, s:[i, i], s:[i, i]}", "action", what, "in", info.width, info.height, "out",
                                   width, height);
        json_object_set_new(object, "input", cli_json_text(item->input));
        json_object_set_new(object, "output", cli_json_text(item->output));
        json_array_append_new(list, object);
        if (!cli->is_json)
            printf("%-9s  %s  %dx%d -> %s  %dx%d\n", what, item->input, info.width, info.height, item->output, width,
                   height);
    }
    json_t *object = json_pack("{s:b, s:i, s:o}", "dry_run", 1, "inputs", count_items(b), "items", list);
    if (cli->is_json)
        return cli_print_json(cli, object);
    json_decref(object);
    return CLI_OK;
}

/* ---- the batch ---- */

static int open_batch(struct batch *b, int has_journal)
{
    struct cli *cli = b->job->cli;
    struct fovea_model_info info = { 0 };
    int code = make_folder(cli, b->job->options->output);
    if (!code)
        code = cli_staging_open(&b->staging, cli, b->job->options->output);
    if (code || !has_journal)
        return code;
    if (b->job->model)
        fovea_model_describe(b->job->model, &info);
    cli_settings_sha256(cli->command, b->job->options, info.hash, b->settings);
    b->journal = cli_journal_open(cli, b->job->options->output, b->rank + 1, b->n_shards);
    return b->journal ? CLI_OK : CLI_OUTPUT;
}

static int run_batch(struct batch *b, int has_journal)
{
    int n_jobs = b->job->options->n_jobs, n = count_items(b);
    b->results = calloc((size_t)b->items.n, sizeof *b->results);
    if (!b->results)
        return cli_fail(b->job->cli, CLI_RESOURCE, "out of memory");
    int code = open_batch(b, has_journal);
    n_jobs = n_jobs < n ? n_jobs : n;
    if (!code && n_jobs > 1)
        code = run_workers(b, n_jobs);
    for (int i; !code && n_jobs <= 1 && (i = take_item(b)) >= 0;)
        run_item(b, b->job, i);
    cli_staging_close(&b->staging);
    if (!code)
        code = finish(b);
    cli_journal_close(b->journal);
    for (int i = 0; i < b->items.n; i++)
        json_decref(b->results[i]);
    free(b->results);
    return code;
}

int cli_upscale_batch(const struct upscale_job *job, int n_words, char **words)
{
    const struct upscale_options *o = job->options;
    struct batch b = { .job = job, .n_shards = 1, .staging = { NULL, -1 }, .begin_ms = cli_clock_ms() };
    int code = o->shard ? cli_parse_shard(job->cli, o->shard, &b.rank, &b.n_shards) : CLI_OK;
    if (code)
        return code;
    code = cli_items_collect(&b.items, job, n_words, words);
    pthread_mutex_init(&b.lock, NULL);
    if (!code && o->is_estimated)
        code = cli_estimate(job, &b.items, b.rank, b.n_shards);
    else if (!code && o->is_dry)
        code = dry_run(&b);
    else if (!code)
        code = run_batch(&b, !o->journal && (b.items.n > 1 || cli_is_folder(words[0])));
    pthread_mutex_destroy(&b.lock);
    cli_items_free(&b.items);
    return code;
}
