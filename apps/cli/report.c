/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a run did: some lines for people, and the same as JSON together with the settings that repeat it.
 */
#include <stdio.h>
#include <string.h>

#include "model_text.h"
#include "selftest.h"
#include "upscale.h"

static const char *preset_name(enum fovea_preset preset)
{
    return preset == FOVEA_PRESET_FAST ? "fast" : preset == FOVEA_PRESET_BEST ? "best" : "balanced";
}

static void print_tiles(const struct fovea_report *r)
{
    int64_t total = 0;
    for (int i = 0; i < FOVEA_N_PATHS; i++)
        total += r->n_tiles[i];
    if (!total)
        return;
    printf("  tiles        %lld:", (long long)total);
    const char *separator = "";
    for (int i = 0; i < FOVEA_N_PATHS; i++) {
        if (r->n_tiles[i])
            printf("%s %s %lld (%.1f %%)", separator, fovea_path_name((enum fovea_path)i), (long long)r->n_tiles[i],
                   100. * (double)r->n_tiles[i] / (double)total);
        separator = r->n_tiles[i] ? "," : separator;
    }
    putchar('\n');
}

int64_t cli_count_fallbacks(const struct fovea_report *report, char text[CLI_CAUSES_TEXT])
{
    int64_t total = 0;
    int n = 0;
    *text = 0;
    for (int i = 1; i < FOVEA_N_CAUSES; i++) {
        int64_t count = report->n_fallbacks[i];
        if (count && n < CLI_CAUSES_TEXT)
            n += snprintf(text + n, (size_t)(CLI_CAUSES_TEXT - n), "%s%s %lld", total ? ", " : "",
                          fovea_cause_name((enum fovea_cause)i), (long long)count);
        total += count;
    }
    return total;
}

static void print_checks(const struct fovea_report *r)
{
    char causes[CLI_CAUSES_TEXT];
    int64_t n = cli_count_fallbacks(r, causes);
    if (n)
        printf("  checks       %lld tiles fell back to bicubic: %s\n", (long long)n, causes);
}

static void print_times(const struct fovea_report *r)
{
    printf("  time         %.0f ms (%.2f MP/s):", r->total_ms,
           r->total_ms > 0. ? (double)r->out_width * r->out_height / 1e3 / r->total_ms : 0.);
    const char *separator = "";
    for (int i = 0; i < FOVEA_N_STAGES; i++) {
        if (r->stage_ms[i] < .5)
            continue;
        printf("%s %s %.0f", separator, fovea_stage_name((enum fovea_stage)i), r->stage_ms[i]);
        separator = ",";
    }
    putchar('\n');
}

static void print_reference(const json_t *reference)
{
    static const char *const keys[] = { "result", "bicubic" };
    printf("  reference   ");
    for (int i = 0; i < 2; i++) {
        const json_t *figures = json_object_get(reference, keys[i]);
        printf("%s %s PSNR-Y %.2f dB, SSIM-Y %.4f", i ? ";" : "", keys[i],
               json_number_value(json_object_get(figures, "psnr_y")),
               json_number_value(json_object_get(figures, "ssim_y")));
    }
    putchar('\n');
}

void cli_print_run(const struct cli_run *run)
{
    const struct fovea_report *r = &run->report;
    printf("%s  %dx%d -> %dx%d", run->input, r->in_width, r->in_height, r->out_width, r->out_height);
    if (r->scale_x == r->scale_y)
        printf("  (x%.6g", r->scale_x);
    else
        printf("  (x%.6g by x%.6g", r->scale_x, r->scale_y);
    for (int i = 0; i < r->n_chain && r->n_chain > 1; i++)
        printf("%s%d", i ? " x " : " = ", r->chain[i]);
    static const char *const number_formats[] = { "", "", " in bfloat16", " in int8" };
    printf(", %s%s", r->method, number_formats[r->precision]);
    if (run->params->crop_width)
        printf(", from %d,%d on", run->params->crop_x, run->params->crop_y);
    puts(")");
    print_tiles(r);
    print_checks(r);
    print_times(r);
    int is_left_out = r->n_chain && run->params->method == FOVEA_METHOD_AUTO && run->params->jpeg_quality &&
                      run->params->consistency == FOVEA_CONSISTENCY_DEFAULT;
    if (r->consistency_steps)
        printf("  consistency  %d steps", r->consistency_steps);
    else
        printf("  consistency  off%s", is_left_out ? ": the input's JPEG is too coarse to agree with" : "");
    if (r->consistency_measured)
        printf(": reduced result - input: rms %.3f, largest %.2f of 255; %.2f %% within 2", r->consistency_rms,
               r->consistency_max, 100. * r->consistency_within_2);
    putchar('\n');
    if (run->params->method == FOVEA_METHOD_AUTO)
        printf("  routing      saved %.1f %% of the network's work (%.0f ms), predicted loss %.3f dB\n",
               100. * r->saved_network_share, r->saved_ms, r->predicted_loss_db);
    if (run->params->mode == FOVEA_MODE_VIVID)
        printf("  detail       %.2f levels RMS added, predicted cost %.3f dB\n", r->detail_rms, r->detail_cost_db);
    if (run->params->mode == FOVEA_MODE_FAITHFUL || run->params->mode == FOVEA_MODE_VIVID)
        printf("  spared       %lld tiles like text, %lld like skin\n", (long long)r->n_like_text,
               (long long)r->n_like_skin);
    if (r->expected_error_rms > 0.)
        printf("  expected     error of %.1f levels RMS against the unknown truth; %.1f added to bicubic\n",
               r->expected_error_rms, r->added_rms);
    if (run->reference)
        print_reference(run->reference);
    printf("  memory       %.1f MB at most\n", (double)r->peak_bytes / 1e6);
    if (run->selftest)
        cli_selftest_print(run->selftest);
    printf("  written      %s\n", run->output);
}

static json_t *json_tiles(const struct fovea_report *r)
{
    json_t *tiles = json_object();
    for (int i = 0; i < FOVEA_N_PATHS; i++)
        json_object_set_new(tiles, fovea_path_name((enum fovea_path)i), json_integer(r->n_tiles[i]));
    return tiles;
}

static json_t *json_fallbacks(const struct fovea_report *r)
{
    json_t *causes = json_object();
    for (int i = 1; i < FOVEA_N_CAUSES; i++)
        json_object_set_new(causes, fovea_cause_name((enum fovea_cause)i), json_integer(r->n_fallbacks[i]));
    return causes;
}

static json_t *json_stages(const struct fovea_report *r)
{
    json_t *stages = json_object();
    for (int i = 0; i < FOVEA_N_STAGES; i++)
        json_object_set_new(stages, fovea_stage_name((enum fovea_stage)i), cli_json_number(r->stage_ms[i]));
    return stages;
}

static json_t *json_consistency(const struct fovea_report *r)
{
    json_t *object = json_object();
    json_object_set_new(object, "steps", json_integer(r->consistency_steps));
    json_object_set_new(object, "rms", r->consistency_measured ? cli_json_number(r->consistency_rms) : json_null());
    json_object_set_new(object, "max", r->consistency_measured ? cli_json_number(r->consistency_max) : json_null());
    json_object_set_new(object, "within_2",
                        r->consistency_measured ? cli_json_number(r->consistency_within_2) : json_null());
    return object;
}

static const char *const precisions[] = { "auto", "f32", "bf16", "int8" };

/* The options that give the same bytes again; null = not given. */
/* What --costs needs to decide alike. */
static json_t *json_costs(const struct cli_run *run)
{
    const struct fovea_report *r = &run->report;
    struct fovea_costs costs = { 0 };
    if (run->params->costs)
        return cli_costs_json(run->params->costs);
    if (r->n_chain)
        memcpy(costs.ns_per_px[r->chain[0] - 2], r->ns_per_px, sizeof r->ns_per_px);
    return cli_costs_json(&costs);
}

static json_t *json_settings(const struct cli *cli, const struct cli_run *run)
{
    static const char *const consistencies[] = { "default", "on", "off" };
    static const char *const transfers[] = { "default", "encoded", "linear" };
    static const char *const sizings[] = { "exact", "fit", "cover", "short", "long", "min" };
    static const char *const modes[] = { "balanced", "faithful", "scientific", "vivid" };
    const struct fovea_upscale_params *p = run->params;
    json_t *object = json_object();
    json_object_set_new(object, "method", cli_json_text(run->method));
    json_object_set_new(object, "scale", p->width || p->height ? json_null() : json_real(p->scale));
    json_object_set_new(object, "sizing", json_string(sizings[p->sizing]));
    json_object_set_new(object, "width", p->width ? json_integer(p->width) : json_null());
    json_object_set_new(object, "height", p->height ? json_integer(p->height) : json_null());
    json_object_set_new(object, "crop",
                        p->crop_width ? json_pack("[i, i, i, i]", p->crop_x, p->crop_y, p->crop_width, p->crop_height)
                                      : json_null());
    json_object_set_new(object, "linear", json_boolean(p->linear_light));
    json_object_set_new(object, "transfer", json_string(transfers[p->transfer]));
    json_object_set_new(object, "white", json_real(p->white));
    json_object_set_new(object, "preset", json_string(preset_name(p->preset)));
    json_object_set_new(object, "max_loss", json_real(p->max_loss_db));
    json_object_set_new(object, "budget", p->budget_ms > 0. ? json_real(p->budget_ms) : json_null());
    json_object_set_new(object, "precision", json_string(precisions[p->precision]));
    json_object_set_new(object, "consistency", json_string(consistencies[p->consistency]));
    json_object_set_new(object, "mode", json_string(modes[p->mode]));
    json_object_set_new(object, "strength", json_real(p->strength));
    json_object_set_new(object, "detail_cost",
                        p->mode == FOVEA_MODE_VIVID ? json_real(p->detail_cost_db) : json_null());
    json_object_set_new(object, "jpeg_quality", p->jpeg_quality ? json_integer(p->jpeg_quality) : json_null());
    json_object_set_new(object, "threads", json_integer(fovea_context_threads(cli->ctx)));
    json_object_set_new(object, "cpu", json_integer(fovea_context_cpu(cli->ctx)));
    return object;
}

/* A built-in model for each step of the chain; returns whether there was one. */
static int add_builtin(const struct cli *cli, json_t *list, const struct fovea_report *r, const char *method)
{
    int found = 0;
    for (int i = 0; i < r->n_chain; i++) {
        fovea_model *model;
        int is_repeated = 0;
        for (int k = 0; k < i; k++)
            is_repeated |= r->chain[k] == r->chain[i];
        if (is_repeated || fovea_model_builtin(cli->ctx, method, r->chain[i], &model))
            continue;
        json_array_append_new(list, cli_model_json(model));
        fovea_model_free(&model);
        found = 1;
    }
    return found;
}

/* The coefficients that made the picture. */
static json_t *json_models(const struct cli *cli, const struct cli_run *run)
{
    const struct fovea_report *r = &run->report;
    const struct fovea_upscale_params *p = run->params;
    json_t *list = json_array();
    if (run->model)
        json_array_append_new(list, cli_model_json(run->model));
    else if (p->method == FOVEA_METHOD_NETWORK)
        add_builtin(cli, list, r, p->network);
    else if (p->method == FOVEA_METHOD_FILTER)
        add_builtin(cli, list, r, "filter");
    if (p->method != FOVEA_METHOD_AUTO)
        return list;
    add_builtin(cli, list, r, "filter");
    static const enum fovea_path networks[] = { FOVEA_PATH_TINY, FOVEA_PATH_SMALL, FOVEA_PATH_MEDIUM,
                                                FOVEA_PATH_LARGE };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (r->n_tiles[networks[i]])
            add_builtin(cli, list, r, fovea_path_name(networks[i]));
    return list;
}

static json_t *json_size(int width, int height)
{
    json_t *object = json_object();
    json_object_set_new(object, "width", json_integer(width));
    json_object_set_new(object, "height", json_integer(height));
    return object;
}

/* What was added and what error is expected: over the picture, and quantiles over the tiles. */
static void set_figures(json_t *object, const struct cli_run *run)
{
    const struct fovea_tile_figures *t = &run->tiles;
    if (t->added) {
        json_object_set_new(object, "added_rms", cli_json_number(run->report.added_rms));
        json_object_set_new(object, "added", cli_quantiles(t->added, t->n_tiles_x, t->n_tiles_y));
    }
    if (t->detail) {
        json_t *detail = cli_quantiles(t->detail, t->n_tiles_x, t->n_tiles_y);
        json_object_set_new(detail, "rms", cli_json_number(run->report.detail_rms));
        json_object_set_new(detail, "predicted_cost_db", cli_json_number(run->report.detail_cost_db));
        json_object_set_new(object, "detail", detail);
    }
    if (t->expected_error) {
        json_object_set_new(object, "predicted_rms_error", cli_json_number(run->report.expected_error_rms));
        json_object_set_new(object, "uncertainty", cli_quantiles(t->expected_error, t->n_tiles_x, t->n_tiles_y));
    }
}

json_t *cli_json_run(const struct cli *cli, const struct cli_run *run)
{
    const struct fovea_report *r = &run->report;
    json_t *object = json_object(), *chain = json_array(), *scale = json_array(), *routing = json_object();
    json_array_append_new(scale, cli_json_number(r->scale_x));
    json_array_append_new(scale, cli_json_number(r->scale_y));
    for (int i = 0; i < r->n_chain; i++)
        json_array_append_new(chain, json_integer(r->chain[i]));
    json_object_set_new(routing, "max_loss", json_real(run->params->max_loss_db));
    json_object_set_new(routing, "predicted_loss_db", cli_json_number(r->predicted_loss_db));
    json_object_set_new(routing, "loss_bound_db", cli_json_number(r->loss_bound_db));
    json_object_set_new(routing, "saved_network_share", cli_json_number(r->saved_network_share));
    json_object_set_new(routing, "saved_ms", cli_json_number(r->saved_ms));
    json_object_set_new(object, "input", cli_json_text(run->input));
    json_object_set_new(object, "output", cli_json_text(run->output));
    if (run->page)
        json_object_set_new(object, "page", json_integer(run->page));
    json_object_set_new(object, "in", json_size(r->in_width, r->in_height));
    json_object_set_new(object, "out", json_size(r->out_width, r->out_height));
    json_object_set_new(object, "scale", scale);
    json_object_set_new(object, "method", json_string(r->method));
    json_object_set_new(object, "chain", chain);
    json_object_set_new(object, "stages_ms", json_stages(r));
    json_object_set_new(object, "total_ms", cli_json_number(r->total_ms));
    json_object_set_new(object, "tiles", json_tiles(r));
    json_object_set_new(object, "fallbacks", json_fallbacks(r));
    if (run->params->mode == FOVEA_MODE_FAITHFUL || run->params->mode == FOVEA_MODE_VIVID)
        json_object_set_new(
            object, "spared",
            json_pack("{s:I, s:I}", "text", (json_int_t)r->n_like_text, "skin", (json_int_t)r->n_like_skin));
    json_object_set_new(object, "network_px", json_integer(r->n_network_px));
    json_object_set_new(object, "precision",
                        r->precision == FOVEA_PRECISION_AUTO ? json_null() : json_string(precisions[r->precision]));
    json_object_set_new(object, "consistency", json_consistency(r));
    json_object_set_new(object, "routing", routing);
    json_object_set_new(object, "costs", json_costs(run));
    set_figures(object, run);
    json_object_set_new(object, "peak_bytes", json_integer((json_int_t)r->peak_bytes));
    json_object_set_new(object, "settings", json_settings(cli, run));
    json_object_set_new(object, "models", json_models(cli, run));
    if (run->reference)
        json_object_set(object, "reference", run->reference);
    if (run->selftest)
        json_object_set_new(object, "selftest", cli_selftest_json(run->selftest));
    if (run->loss && run->loss->text[0])
        json_object_set_new(object, "note", json_string(run->loss->text));
    json_object_set_new(object, "command", cli_json_text(cli->command_line));
    json_object_set_new(object, "date", cli_json_date(cli));
    json_object_set_new(object, "version", json_string(fovea_version()));
    return object;
}
