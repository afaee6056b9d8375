/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading recipes.
 */
#include "recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/int8.h"

/* A number in [low, high]; 0 if the text is not one. */
static int number(const char *text, double low, double high, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= low && *out <= high;
}

static int whole(const char *text, double low, double high, int *out)
{
    double v;
    if (!number(text, low, high, &v) || v != (double)(int)v)
        return 0;
    *out = (int)v;
    return 1;
}

static int parse_loss(const char *text, enum train_loss *out)
{
    static const char *const names[] = { "l1", "charbonnier", "mse" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum train_loss)i;
            return 1;
        }
    }
    return 0;
}

static int parse_rescale(char *text, struct train_recipe *r)
{
    char *state = NULL;
    r->n_rescale = 0;
    for (char *word = strtok_r(text, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        if (r->n_rescale == TRAIN_MAX_RESCALE || !number(word, 0.1, 1.0, &r->rescale[r->n_rescale]))
            return 0;
        r->n_rescale++;
    }
    return r->n_rescale > 0;
}

static int parse_patches(char *text, struct train_recipe *r)
{
    char *state = NULL;
    r->n_patches = r->patch = 0;
    for (char *word = strtok_r(text, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        int edge;
        if (r->n_patches == TRAIN_MAX_PATCHES || !whole(word, 8, 128, &edge))
            return 0;
        r->patches[r->n_patches++] = edge;
        r->patch = edge > r->patch ? edge : r->patch;
    }
    return r->n_patches > 0;
}

static int copy_text(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    if (n == 0 || n >= size)
        return 0;
    memcpy(to, from, n + 1);
    return 1;
}

/* A file and a share, which is the last word. */
static int parse_teacher(char *text, struct train_recipe *r)
{
    char *last = strrchr(text, ' ');
    if (!last || !number(last + 1, 0.0, 1.0, &r->teacher_share))
        return 0;
    *last = '\0';
    return copy_text(r->teacher, sizeof r->teacher, text);
}

/* One setting; 0 if the value is not possible, -1 if there is no such key. */
static int set(struct train_recipe *r, const char *key, char *value)
{
    double v;
    if (strcmp(key, "method") == 0)
        return copy_text(r->method, sizeof r->method, value);
    if (strcmp(key, "layers") == 0)
        return copy_text(r->layers, sizeof r->layers, value);
    if (strcmp(key, "sources") == 0)
        return copy_text(r->sources, sizeof r->sources, value);
    if (strcmp(key, "licence") == 0)
        return copy_text(r->licence, sizeof r->licence, value);
    if (strcmp(key, "patch") == 0)
        return parse_patches(value, r);
    if (strcmp(key, "teacher") == 0)
        return parse_teacher(value, r);
    if (strcmp(key, "fft") == 0)
        return number(value, 0.0, 100.0, &r->fft);
    if (strcmp(key, "batch") == 0)
        return whole(value, 1, 256, &r->batch);
    if (strcmp(key, "branches") == 0)
        return whole(value, 0, 1, &r->branches);
    if (strcmp(key, "quantise") == 0)
        return whole(value, 0, 8, &r->quantise) && r->quantise % 8 == 0;
    if (strcmp(key, "loss") == 0)
        return parse_loss(value, &r->loss);
    if (strcmp(key, "rescale") == 0)
        return parse_rescale(value, r);
    if (strcmp(key, "steps") == 0 && number(value, 0, 1e9, &v)) {
        r->steps = (long)v;
        return 1;
    }
    if (strcmp(key, "seed") == 0 && number(value, 0, 1e15, &v)) {
        r->seed = (uint64_t)v;
        return 1;
    }
    if (strcmp(key, "lr") == 0)
        return number(value, 1e-7, 1.0, &r->lr);
    if (strcmp(key, "warmup") == 0)
        return number(value, 0.0, 1.0, &r->warmup);
    if (strcmp(key, "mse_tail") == 0)
        return number(value, 0.0, 1.0, &r->mse_tail);
    if (strcmp(key, "ema") == 0)
        return number(value, 0.0, 0.999999, &r->ema);
    if (strcmp(key, "clip") == 0)
        return number(value, 0.0, 1e9, &r->clip);
    if (strcmp(key, "hard") == 0)
        return number(value, 0.0, 1.0, &r->hard);
    return -1;
}

/* Cut comment and blanks at both ends; the start of what is left. */
static char *trim(char *line)
{
    line[strcspn(line, "#\r\n")] = '\0';
    while (*line == ' ' || *line == '\t')
        line++;
    size_t n = strlen(line);
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        line[--n] = '\0';
    return line;
}

static int read_lines(fovea_context *ctx, const char *path, FILE *file, struct train_recipe *out)
{
    char buffer[4608];
    for (int number_of_line = 1; fgets(buffer, sizeof buffer, file); number_of_line++) {
        char *key = trim(buffer);
        if (!*key)
            continue;
        char *value = key + strcspn(key, " \t");
        if (*value)
            *value++ = '\0';
        value += strspn(value, " \t");
        int ok = set(out, key, value);
        if (ok <= 0)
            return fovi_fail(ctx, FOVEA_E_FORMAT, "%s:%d: %s \"%s\"", path, number_of_line,
                             ok < 0 ? "no such setting:" : "this value is not possible:", ok < 0 ? key : value);
    }
    return FOVEA_OK;
}

int train_recipe_read(fovea_context *ctx, const char *path, FILE *file, struct train_recipe *out)
{
    *out = (struct train_recipe){ .steps = -1,
                                  .patch = 32,
                                  .patches = { 32 },
                                  .n_patches = 1,
                                  .batch = 16,
                                  .lr = 2e-3,
                                  .warmup = 0.01,
                                  .mse_tail = 0.15,
                                  .ema = 0.999,
                                  .clip = 1.0,
                                  .rescale = { 1.0, 0.8, 0.6 },
                                  .n_rescale = 3 };
    int code = read_lines(ctx, path, file, out);
    if (!code && (!out->method[0] || !out->layers[0] || out->steps < 0))
        code = fovi_fail(ctx, FOVEA_E_FORMAT, "%s: a recipe says method, layers and steps", path);
    if (!code)
        code = fovi_graph_parse(ctx, out->layers, &out->graph);
    for (int i = 0; !code && i < out->graph.n_layers; i++)
        if (out->graph.layer[i].kind == FOVI_LAYER_CONV && out->graph.layer[i].k > 3)
            code = fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "%s: layer %d: only 1x1 and 3x3 are trained", path, i);
    if (!code && out->quantise && (out->branches || !fovi_int8_fits(&out->graph)))
        code = fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "%s: quantise: %s", path,
                         out->branches ? "not with branches" : "these layers cannot run in int8");
    for (int i = 0; !code && i < out->n_patches; i++)
        if (out->patches[i] % out->graph.unshuffle)
            code = fovi_fail(ctx, FOVEA_E_FORMAT, "%s: patch %d is no multiple of unshuffle %d", path, out->patches[i],
                             out->graph.unshuffle);
    return code;
}

int train_recipe_patch(const struct train_recipe *r, long step)
{
    double part = (double)step / (double)r->steps * r->n_patches;
    return r->patches[part < r->n_patches ? (int)part : r->n_patches - 1];
}

int train_recipe_load(fovea_context *ctx, const char *path, struct train_recipe *out)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return fovi_fail(ctx, FOVEA_E_READ, "%s: cannot open this recipe", path);
    int code = train_recipe_read(ctx, path, file, out);
    fclose(file);
    return code;
}
