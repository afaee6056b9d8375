/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea version: version, instruction sets in use, what was compiled in, and the terms of what is linked.
 */
#include <stdio.h>

#include "cli.h"

struct library {
    const char *name, *licence, *note;
};

static const struct library libraries[] = {
    { "libvips", "LGPL-2.1-or-later", "binds a bundle: distributions link it with GPL parts (FFTW, poppler, x265)" },
    { "GLib", "LGPL-2.1-or-later", "binds a bundle: must stay replaceable" },
    { "jansson", "MIT", "keep its notice" },
    { "kissfft", "BSD-3-Clause", "keep its notice" },
};

static const char *instruction_sets(uint32_t cpu)
{
    return cpu & FOVEA_CPU_AMX      ? "AMX"
           : cpu & FOVEA_CPU_AVX512 ? "AVX-512"
           : cpu & FOVEA_CPU_AVX2   ? "AVX2"
                                    : "portable C";
}

static const char *library_version(int i)
{
    return i == 0 ? fovea_io_vips_version() : i == 2 ? JANSSON_VERSION : "";
}

/* Which picture formats this libvips reads and writes. */
static json_t *formats_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < fovea_io_format_count(); i++) {
        struct fovea_io_format_info f;
        fovea_io_format_describe(i, &f);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:s, s:s}", "name", f.name, "extensions",
                                              f.extensions, "read", f.can_read, "write", f.can_write, "loader",
                                              f.loader, "saver", f.saver));
    }
    return list;
}

static void print_formats(const char *verb, int is_writing)
{
    printf("  %-13s", verb);
    const char *separator = "";
    for (int i = 0; i < fovea_io_format_count(); i++) {
        struct fovea_io_format_info f;
        fovea_io_format_describe(i, &f);
        int can = is_writing ? f.can_write : f.can_read;
        if (!can && (is_writing && !*f.saver))
            continue;
        printf("%s %s", separator, f.name);
        if (!can)
            printf(" (not: this libvips has no %s)", is_writing ? f.saver : f.loader);
        separator = ",";
    }
    putchar('\n');
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    (void)options;
    if (n_words)
        return cli_fail(cli, CLI_USAGE, "'%s' is not understood (see --help)", words[0]);
    const char *sets = instruction_sets(fovea_context_cpu(cli->ctx));
    int n_libraries = (int)(sizeof libraries / sizeof *libraries), n_models = fovea_model_builtin_count();
    if (cli->is_json) {
        json_t *list = json_array();
        for (int i = 0; i < n_libraries; i++)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", libraries[i].name, "version",
                                                  library_version(i), "licence", libraries[i].licence, "note",
                                                  libraries[i].note));
        return cli_print_json(cli, json_pack("{s:s, s:s, s:i, s:[s], s:o, s:i, s:o}", "version", fovea_version(),
                                             "instruction_set", sets, "threads", fovea_context_threads(cli->ctx),
                                             "features", "pictures (libvips)", "formats", formats_json(), "models",
                                             n_models, "libraries", list));
    }
    printf("fovea %s\n", fovea_version());
    printf("  instructions  %s, %d threads\n", sets, fovea_context_threads(cli->ctx));
    printf("  compiled in   pictures (libvips), %d models\n", n_models);
    print_formats("reads", 0);
    print_formats("writes", 1);
    for (int i = 0; i < n_libraries; i++)
        printf("  linked with   %s%s%s (%s): %s\n", libraries[i].name, *library_version(i) ? " " : "",
               library_version(i), libraries[i].licence, libraries[i].note);
    printf("  own licence   BSD-2-Clause\n");
    return CLI_OK;
}

const struct cli_command cli_version = {
    "version", "", "Print the version, the instruction sets in use, and what is compiled in.", NULL, 0, NULL, run,
};
