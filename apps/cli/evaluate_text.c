/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An evaluation as JSON, as tables for people, and as CSV.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate.h"

/* ---- JSON ---- */

static json_t *json_pictures(const struct evaluation *e, const struct eval_scale *scale,
                             const struct eval_method *method)
{
    json_t *list = json_array();
    for (int p = 0; p < e->n_pictures; p++) {
        const struct eval_score *score = &method->scores[p];
        json_t *object = json_object();
        json_object_set_new(object, "name", cli_json_text(cli_base_name(e->paths[p])));
        json_object_set_new(object, "width", json_integer(scale->sizes[p].width));
        json_object_set_new(object, "height", json_integer(scale->sizes[p].height));
        for (int i = 0; i < CLI_N_FIGURES; i++)
            if (e->is_asked[i])
                json_object_set_new(object, cli_figures[i].key, cli_json_number(cli_figure_value(&score->metrics, i)));
        json_object_set_new(object, "identical", json_boolean(score->metrics.identical));
        json_object_set_new(object, "ms", json_real(score->ms));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_method(const struct evaluation *e, const struct eval_scale *scale, const struct eval_method *method)
{
    json_t *object = json_object();
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (e->is_asked[i])
            json_object_set_new(object, cli_figures[i].key, cli_json_number(eval_mean(e, method, i)));
    json_object_set_new(object, "ms", cli_json_number(eval_ms(e, method)));
    json_object_set_new(object, "ms_per_mp", cli_json_number(eval_ms_per_mp(e, scale, method)));
    json_object_set_new(object, "consistency_steps", json_integer(method->n_steps));
    json_object_set_new(object, "pictures", json_pictures(e, scale, method));
    return object;
}

static json_t *json_curve(const struct evaluation *e, const struct eval_scale *scale)
{
    json_t *list = json_array();
    int order[EVAL_MAX_METHODS], is_best[EVAL_MAX_METHODS];
    eval_curve(e, scale, order, is_best);
    for (int k = 0; k < scale->n_methods; k++) {
        const struct eval_method *method = &scale->methods[order[k]];
        json_t *object = json_object();
        json_object_set_new(object, "method", json_string(method->word));
        json_object_set_new(object, "ms_per_mp", cli_json_number(eval_ms_per_mp(e, scale, method)));
        json_object_set_new(object, "psnr_y", cli_json_number(eval_mean(e, method, CLI_PSNR_Y)));
        json_object_set_new(object, "best", json_boolean(is_best[k]));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_scale(const struct evaluation *e, const struct eval_scale *scale)
{
    json_t *object = json_object(), *methods = json_object();
    for (int i = 0; i < scale->n_methods; i++)
        json_object_set_new(methods, scale->methods[i].word, json_method(e, scale, &scale->methods[i]));
    json_object_set_new(object, "scale", json_integer(scale->scale));
    json_object_set_new(object, "images", json_integer(e->n_pictures));
    if (e->jpeg_quality)
        json_object_set_new(object, "jpeg_quality", json_integer(e->jpeg_quality));
    json_object_set_new(object, "methods", methods);
    json_object_set_new(object, "curve", json_curve(e, scale));
    return object;
}

json_t *eval_json(const struct evaluation *e)
{
    json_t *object, *scales = json_array();
    if (e->n_scales == 1) {
        json_decref(scales);
        object = json_scale(e, &e->scales[0]);
    } else {
        object = json_object();
        for (int i = 0; i < e->n_scales; i++)
            json_array_append_new(scales, json_scale(e, &e->scales[i]));
        json_object_set_new(object, "images", json_integer(e->n_pictures));
        json_object_set_new(object, "scales", scales);
    }
    json_object_set_new(object, "folder", cli_json_text(e->folder));
    json_object_set_new(object, "threads", json_integer(fovea_context_threads(e->cli->ctx)));
    json_object_set_new(object, "command", cli_json_text(e->cli->command_line));
    json_object_set_new(object, "date", cli_json_date(e->cli));
    json_object_set_new(object, "version", json_string(fovea_version()));
    return object;
}

/* ---- tables ---- */

static void print_scale(const struct evaluation *e, const struct eval_scale *scale)
{
    printf("%s: %d pictures, x%d, border %d\n\n%-16s", e->folder, e->n_pictures, scale->scale, scale->scale, "method");
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (e->is_asked[i])
            printf("%*s%s", i == CLI_PSNR_Y ? 9 : 10, cli_figures[i].name, cli_figures[i].unit);
    printf("%12s%10s  consistency\n", "ms (median)", "ms/MP");
    for (int k = 0; k < scale->n_methods; k++) {
        const struct eval_method *m = &scale->methods[k];
        printf("%-16s", cli_base_name(m->word));
        for (int i = 0; i < CLI_N_FIGURES; i++)
            if (e->is_asked[i])
                printf("%*.*f", (int)strlen(cli_figures[i].unit) + (i == CLI_PSNR_Y ? 9 : 10),
                       cli_figures[i].digits > 4 ? 5 : 4, eval_mean(e, m, i));
        printf("%12.1f%10.1f  ", eval_ms(e, m), eval_ms_per_mp(e, scale, m));
        if (m->n_steps)
            printf("%d steps\n", m->n_steps);
        else
            printf("off\n");
    }
}

void eval_print(const struct evaluation *e)
{
    for (int i = 0; i < e->n_scales; i++) {
        if (i)
            putchar('\n');
        print_scale(e, &e->scales[i]);
    }
}

/* ---- CSV (RFC 4180, but for the line ends) ---- */

static void write_field(FILE *file, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, file);
        return;
    }
    putc('"', file);
    for (; *text; text++)
        fprintf(file, *text == '"' ? "\"\"" : "%c", *text);
    putc('"', file);
}

static void write_row(FILE *file, const struct evaluation *e, const struct eval_scale *scale,
                      const struct eval_method *method, int p)
{
    fprintf(file, "%d,", scale->scale);
    write_field(file, method->word);
    putc(',', file);
    write_field(file, cli_base_name(e->paths[p]));
    fprintf(file, ",%d,%d", scale->sizes[p].width, scale->sizes[p].height);
    for (int i = 0; i < CLI_N_FIGURES; i++) {
        double value = cli_figure_value(&method->scores[p].metrics, i);
        if (!e->is_asked[i])
            continue;
        if (isfinite(value))
            fprintf(file, ",%.*f", cli_figures[i].digits, value);
        else
            fputs(isinf(value) ? ",inf" : ",", file);
    }
    fprintf(file, ",%.3f\n", method->scores[p].ms);
}

static void write_rows(FILE *file, const struct evaluation *e)
{
    fputs("scale,method,picture,width,height", file);
    for (int i = 0; i < CLI_N_FIGURES; i++)
        if (e->is_asked[i])
            fprintf(file, ",%s", cli_figures[i].key);
    fputs(",ms\n", file);
    for (int s = 0; s < e->n_scales; s++)
        for (int k = 0; k < e->scales[s].n_methods; k++)
            for (int p = 0; p < e->n_pictures; p++)
                write_row(file, e, &e->scales[s], &e->scales[s].methods[k], p);
}

int eval_write_csv(const struct evaluation *e, const char *path)
{
    struct cli_new_file out;
    int code = cli_new_file_open(&out, e->cli, path);
    if (code)
        return code;
    write_rows(out.file, e);
    return cli_new_file_finish(&out, e->cli);
}
