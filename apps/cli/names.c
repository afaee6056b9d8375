/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Inputs and the names of their outputs.
 */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cli_items_free(struct cli_items *items)
{
    for (int i = 0; i < items->n; i++) {
        free(items->item[i].input);
        free(items->item[i].output);
    }
    free(items->item);
    *items = (struct cli_items){ 0 };
}

/* ---- the name of an output ---- */

struct text {
    char bytes[4096];
    size_t n;
    int is_full;
};

static void add(struct text *t, const char *bytes, size_t n)
{
    if (n >= sizeof t->bytes - t->n) {
        t->is_full = 1;
        return;
    }
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    t->bytes[t->n] = 0;
}

/* What stands for {word}, added to t; 0 if there is no such word. */
static int add_field(struct text *t, const struct upscale_job *job, const char *word, size_t n, const char *stem,
                     size_t stem_bytes, const char *extension)
{
    char scale[32];
    snprintf(scale, sizeof scale, "%.6g", job->params.scale);
    if (n == 4 && !strncmp(word, "stem", n))
        add(t, stem, stem_bytes);
    else if (n == 3 && !strncmp(word, "ext", n))
        add(t, extension, strlen(extension));
    else if (n == 5 && !strncmp(word, "scale", n))
        add(t, scale, strlen(scale));
    else if (n == 6 && !strncmp(word, "method", n))
        add(t, cli_base_name(job->options->method), strlen(cli_base_name(job->options->method)));
    else
        return 0;
    return 1;
}

/* Fill the template for a file name: {stem} {ext} {scale} {method}; {{ and }} are braces. 0 if it makes no sense. */
static int fill_template(struct text *t, const struct upscale_job *job, const char *base)
{
    const char *pattern = job->options->name ? job->options->name : "{stem}{ext}";
    const char *dot = strrchr(base, '.');
    size_t stem_bytes = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    char own[64] = "";
    if (job->options->format)
        snprintf(own, sizeof own, ".%s", job->options->format);
    const char *extension = *own ? own : fovea_io_write_format(base) ? base + stem_bytes : ".png";
    for (const char *p = pattern; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            add(t, p++, 1);
        } else if (*p == '{') {
            size_t n = strcspn(p + 1, "{}");
            if (p[1 + n] != '}' || !add_field(t, job, p + 1, n, base, stem_bytes, extension))
                return 0;
            p += n + 1;
        } else if (*p == '}') {
            return 0;
        } else {
            add(t, p, 1);
        }
    }
    return 1;
}

int cli_check_template(const struct upscale_job *job)
{
    struct text t = { .n = 0 };
    const struct upscale_options *o = job->options;
    if (o->format && (strchr(o->format, '/') || strlen(o->format) > 8))
        return cli_fail(job->cli, CLI_USAGE, "option --format: '%s' is no file format", o->format);
    if (!fill_template(&t, job, "a.png") || (o->name && strchr(o->name, '/')))
        return cli_fail(job->cli, CLI_USAGE,
                        "option --name: '%s': {stem} {ext} {scale} {method} are possible, {{ and }} for braces, and no "
                        "slash",
                        o->name);
    if (o->name && strstr(o->name, "{scale}") &&
        (job->params.sizing != FOVEA_SIZING_EXACT || job->params.width || job->params.height))
        return cli_fail(job->cli, CLI_USAGE, "option --name: {scale} needs --scale, not a size");
    if (!fovea_io_write_format(t.bytes))
        return cli_fail(job->cli, CLI_OUTPUT, "'%s' has no ending of a format that can be written, such as .png",
                        t.bytes);
    return CLI_OK;
}

char *cli_name_in_folder(const struct upscale_job *job, const char *folder, const char *input)
{
    struct text t = { .n = 0 };
    return fill_template(&t, job, cli_base_name(input)) && !t.is_full ? cli_join(folder, t.bytes) : NULL;
}

/* ---- the list ---- */

static int fail_memory(const struct upscale_job *job)
{
    return cli_fail(job->cli, CLI_RESOURCE, "out of memory");
}

/* One picture to one file, not into a folder. */
static int is_single(const struct upscale_job *job, int n_words, char **words)
{
    const char *output = job->options->output;
    return n_words == 1 && !cli_is_folder(words[0]) && !cli_is_folder(output) && output[strlen(output) - 1] != '/';
}

/* Append an input whose output lies in the subfolder ("" = none) of the output folder. */
static int add_item(struct cli_items *items, const struct upscale_job *job, const char *input, const char *subfolder)
{
    struct stat st;
    if (items->n == items->capacity) {
        int capacity = items->capacity ? 2 * items->capacity : 64;
        struct cli_item *grown = realloc(items->item, (size_t)capacity * sizeof *grown);
        if (!grown)
            return fail_memory(job);
        items->item = grown;
        items->capacity = capacity;
    }
    const char *folder = job->options->output;
    char *below = *subfolder ? cli_join(folder, subfolder) : NULL;
    struct cli_item *item = &items->item[items->n];
    *item = (struct cli_item){ .input = strdup(input) };
    if (item->input && (below || !*subfolder))
        item->output = cli_name_in_folder(job, below ? below : folder, input);
    free(below);
    items->n++;
    if (!item->input || !item->output)
        return fail_memory(job);
    size_t n = strlen(folder);
    item->name = item->output + n + (n && folder[n - 1] == '/' ? 0 : 1);
    item->bytes = stat(input, &st) == 0 ? (double)st.st_size : 0.;
    return CLI_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the real subfolders, sorted; count or -1 when memory is short. */
static int list_folders(const char *folder, char ***names)
{
    int n = 0;
    DIR *dir = opendir(folder);
    *names = NULL;
    for (struct dirent *entry; dir && n >= 0 && (entry = readdir(dir));) {
        struct stat st;
        char *path = entry->d_name[0] != '.' ? cli_join(folder, entry->d_name) : NULL;
        int is_folder = path && lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
        free(path);
        if (!is_folder)
            continue;
        char **grown = realloc(*names, (size_t)(n + 1) * sizeof **names);
        if (grown)
            *names = grown;
        n = grown && (grown[n] = strdup(entry->d_name)) ? n + 1 : -1;
    }
    if (dir)
        closedir(dir);
    if (n > 1)
        qsort(*names, (size_t)n, sizeof **names, by_name);
    return n;
}

static int add_folder(struct cli_items *items, const struct upscale_job *job, const char *folder, const char *subfolder)
{
    char **paths, **names;
    int n = cli_list_pictures(job->cli, folder, &paths);
    int code = n < 0 ? CLI_INPUT : CLI_OK;
    for (int i = 0; i < n && !code; i++)
        code = add_item(items, job, paths[i], subfolder);
    cli_free_names(paths, n > 0 ? n : 0);
    if (code || !job->options->is_recursive)
        return code;
    n = list_folders(folder, &names);
    code = n < 0 ? fail_memory(job) : CLI_OK;
    for (int i = 0; i < n && !code; i++) {
        char *path = cli_join(folder, names[i]), *below = *subfolder ? cli_join(subfolder, names[i]) : strdup(names[i]);
        code = !path || !below ? fail_memory(job) : CLI_OK;
        if (!code && !cli_is_same_file(path, job->options->output))
            code = add_folder(items, job, path, below);
        free(path);
        free(below);
    }
    cli_free_names(names, n > 0 ? n : 0);
    return code;
}

/* Two inputs that would give one name? */
static int check_collisions(const struct cli *cli, const struct cli_items *items)
{
    const char **sorted = malloc((size_t)(items->n + 1) * sizeof *sorted);
    if (!sorted)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    for (int i = 0; i < items->n; i++)
        sorted[i] = items->item[i].output;
    qsort(sorted, (size_t)items->n, sizeof *sorted, by_name);
    int code = CLI_OK;
    for (int i = 1; i < items->n && !code; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            code = cli_fail(cli, CLI_USAGE, "two inputs would be written to '%s'; nothing was started", sorted[i]);
    free(sorted);
    return code;
}

struct file_id {
    dev_t device;
    ino_t inode;
    const char *path;
};

static int by_id(const void *a, const void *b)
{
    const struct file_id *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

/* An output that is one of the inputs would be destroyed. */
static int check_overwriting(const struct cli *cli, const struct cli_items *items)
{
    struct file_id *ids = malloc((size_t)(items->n + 1) * sizeof *ids);
    if (!ids)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    size_t n = 0;
    struct stat st;
    for (int i = 0; i < items->n; i++)
        if (stat(items->item[i].input, &st) == 0)
            ids[n++] = (struct file_id){ st.st_dev, st.st_ino, items->item[i].input };
    qsort(ids, n, sizeof *ids, by_id);
    int code = CLI_OK;
    for (int i = 0; i < items->n && !code; i++) {
        const char *output = items->item[i].output;
        if (stat(output, &st) != 0)
            continue;
        const struct file_id key = { st.st_dev, st.st_ino, NULL };
        const struct file_id *found = bsearch(&key, ids, n, sizeof *ids, by_id);
        if (found)
            code = cli_fail(cli, CLI_USAGE, "'%s' is the input '%s': it would be overwritten; nothing was started",
                            output, found->path);
    }
    free(ids);
    return code;
}

/* The output of a single picture is called what the options call it. */
static int rename_single(struct cli_items *items, const struct upscale_job *job)
{
    struct cli_item *item = &items->item[0];
    free(item->output);
    item->output = strdup(job->options->output);
    item->name = item->output;
    if (!item->output)
        return fail_memory(job);
    if (!fovea_io_write_format(item->output))
        return cli_fail(job->cli, CLI_OUTPUT, "'%s' has no ending of a format that can be written, such as .png",
                        item->output);
    return CLI_OK;
}

int cli_items_collect(struct cli_items *items, const struct upscale_job *job, int n_words, char **words)
{
    *items = (struct cli_items){ 0 };
    int code = CLI_OK;
    for (int i = 0; i < n_words && !code; i++)
        code = cli_is_folder(words[i]) ? add_folder(items, job, words[i], "") : add_item(items, job, words[i], "");
    if (!code && items->n == 0)
        code = cli_fail(job->cli, CLI_INPUT, "there is no picture in '%s'%s", words[0],
                        job->options->is_recursive ? "" : " (--recursive looks into its folders)");
    if (!code && is_single(job, n_words, words))
        code = rename_single(items, job);
    if (!code)
        code = check_collisions(job->cli, items);
    return code ? code : check_overwriting(job->cli, items);
}

int cli_items_make_folders(const char *folder, const struct cli_item *item)
{
    size_t at = strlen(folder);
    for (const char *slash; (slash = strchr(item->output + at + 1, '/')); at = (size_t)(slash - item->output)) {
        char *path = strdup(item->output);
        if (!path)
            return -1;
        path[slash - item->output] = 0;
        int failed = mkdir(path, 0777) && errno != EEXIST;
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}
