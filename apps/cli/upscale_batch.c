/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Several files into a folder. Everything that can be refused is refused before the first one starts; after that one
 * failing file does not stop the others, and each is named.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "html_page.h"
#include "upscale.h"

char *cli_name_in_folder(const char *folder, const char *input)
{
    char *path = cli_join(folder, cli_base_name(input));
    if (!path || fovea_io_write_format(path))
        return path;
    char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (dot && dot > slash + 1)
        *dot = 0;
    size_t n_bytes = strlen(path) + sizeof ".png";
    char *named = realloc(path, n_bytes);
    if (!named)
        free(path);
    else
        strcat(named, ".png");
    return named;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two inputs that would give one name? */
static int check_collisions(const struct cli *cli, int n, char *const *outputs)
{
    char **sorted = malloc((size_t)n * sizeof *sorted);
    if (!sorted)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    memcpy(sorted, outputs, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    int code = CLI_OK;
    for (int i = 1; i < n && !code; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            code = cli_fail(cli, CLI_USAGE, "two inputs would be written to '%s'; nothing was started", sorted[i]);
    free(sorted);
    return code;
}

/* An output that is one of the inputs would be destroyed. */
static int check_overwriting(const struct cli *cli, int n, char **inputs, char *const *outputs)
{
    for (int i = 0; i < n; i++) {
        if (!cli_exists(outputs[i]))
            continue;
        for (int k = 0; k < n; k++)
            if (cli_is_same_file(inputs[k], outputs[i]))
                return cli_fail(cli, CLI_USAGE, "'%s' is the input '%s': it would be overwritten; nothing was started",
                                outputs[i], inputs[k]);
    }
    return CLI_OK;
}

static int make_folder(const struct cli *cli, const char *folder)
{
    if (cli_is_folder(folder))
        return CLI_OK;
    if (cli_exists(folder))
        return cli_fail(cli, CLI_OUTPUT, "several inputs need a folder, and '%s' is none", folder);
    return mkdir(folder, 0777) ? cli_fail(cli, CLI_OUTPUT, "cannot make the folder '%s': %s", folder, strerror(errno))
                               : CLI_OK;
}

/* One file of the batch; its result or its failure goes to the list. */
static int run_one(const struct upscale_job *job, const char *input, const char *output, json_t *list)
{
    json_t *result = NULL;
    int code;
    if (cli_exists(output) && !job->options->is_forced)
        code = cli_fail(job->cli, CLI_OUTPUT, "'%s' exists: --force overwrites it", output);
    else
        code = cli_upscale_file(job, input, output, &result);
    if (!result)
        result = json_pack("{s:o, s:o, s:i, s:o}", "input", cli_json_text(input), "output", cli_json_text(output),
                           "exit_code", code, "error", cli_json_text(cli_last_message()));
    json_array_append_new(list, result);
    return code;
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

static int run_all(const struct upscale_job *job, int n, char **inputs, char **outputs)
{
    struct cli *cli = job->cli;
    json_t *list = json_array();
    int n_failed = 0, code = CLI_OK;
    for (int i = 0; i < n && code != CLI_CANCELLED; i++) {
        code = cli_is_interrupted() ? CLI_CANCELLED : run_one(job, inputs[i], outputs[i], list);
        if (code && code != CLI_CANCELLED) {
            cli_fail(cli, code, "'%s' failed", inputs[i]);
            n_failed++;
        }
    }
    int verdict = code == CLI_CANCELLED ? CLI_CANCELLED : n_failed ? CLI_SOME_FAILED : CLI_OK;
    if (n_failed)
        cli_fail(cli, verdict, "%d of %d inputs failed", n_failed, n);
    json_t *object = json_pack("{s:i, s:i, s:o, s:s, s:o, s:o, s:o}", "inputs", n, "failed", n_failed, "results", list,
                               "version", fovea_version(), "date", cli_json_date(), "command",
                               cli_json_text(cli->command_line), "review", json_review(job, list));
    if (job->options->report && verdict != CLI_CANCELLED) {
        code = write_report(job, object);
        verdict = verdict ? verdict : code;
    }
    if (cli->is_json && verdict != CLI_CANCELLED) {
        code = cli_print_json(cli, object);
        return verdict ? verdict : code;
    }
    json_decref(object);
    return verdict;
}

int cli_upscale_batch(const struct upscale_job *job, int n_inputs, char **inputs)
{
    struct cli *cli = job->cli;
    char **outputs = calloc((size_t)n_inputs, sizeof *outputs);
    if (!outputs)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    int code = CLI_OK;
    for (int i = 0; i < n_inputs && !code; i++) {
        outputs[i] = cli_name_in_folder(job->options->output, inputs[i]);
        if (!outputs[i])
            code = cli_fail(cli, CLI_RESOURCE, "out of memory");
    }
    if (!code && !(code = check_collisions(cli, n_inputs, outputs)) &&
        !(code = check_overwriting(cli, n_inputs, inputs, outputs)) && !(code = make_folder(cli, job->options->output)))
        code = run_all(job, n_inputs, inputs, outputs);
    cli_free_names(outputs, n_inputs);
    return code;
}
