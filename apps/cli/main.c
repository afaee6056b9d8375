/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea: finds the command, parses its options, makes the context, runs it. Exit codes stand in cli.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct cli_command *const cli_commands[] = {
    &cli_upscale, &cli_downscale, &cli_compare, &cli_analyze,     &cli_evaluate, &cli_bench,
    &cli_info,    &cli_models,    &cli_version, &cli_completions, NULL,
};

static void print_overview(FILE *file)
{
    fprintf(file, "usage: fovea COMMAND ...\n\n");
    for (int i = 0; cli_commands[i]; i++)
        fprintf(file, "  fovea %s %s\n", cli_commands[i]->name, cli_commands[i]->arguments);
    fprintf(file, "\nevery command: [--threads N] [--json] [--quiet] [--help]\n");
}

int cli_open_libraries(struct cli *cli)
{
    if (!cli_parse_cpu(getenv("FOVEA_CPU"), &cli->cpu_mask))
        return cli_fail(cli, CLI_USAGE,
                        "FOVEA_CPU is '%s': c, avx2, avxvnni, avx512, vnni, amx, neon and all are possible",
                        getenv("FOVEA_CPU"));
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = cli->n_threads;
    params.cpu_mask = cli->cpu_mask;
    params.memory_bytes = cli->memory_bytes;
    struct fovea_io_params io_params = FOVEA_IO_DEFAULTS;
    if (cli->max_pixels)
        io_params.max_pixels = cli->max_pixels;
    int code = fovea_context_create(&cli->ctx, &params);
    if (!code)
        code = fovea_io_create(&cli->io, &io_params);
    return code ? cli_fail(cli, cli_exit_code(code, 0), "it could not start: %s", fovea_error_name(code)) : CLI_OK;
}

void cli_close_libraries(struct cli *cli)
{
    fovea_io_free(&cli->io);
    fovea_context_free(&cli->ctx);
}

static int is_plain(const char *word)
{
    return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_")];
}

/* The words with quotes where a shell needs them, in new memory; NULL without memory. */
static char *quote_words(int n_words, char **words)
{
    size_t n_bytes = sizeof "fovea";
    for (int i = 0; i < n_words; i++)
        n_bytes += 4 * strlen(words[i]) + 3;
    char *line = malloc(n_bytes), *end = line;
    if (!line)
        return NULL;
    end += sprintf(end, "fovea");
    for (int i = 0; i < n_words; i++) {
        if (is_plain(words[i])) {
            end += sprintf(end, " %s", words[i]);
            continue;
        }
        end += sprintf(end, " '");
        for (const char *p = words[i]; *p; p++)
            end += sprintf(end, *p == '\'' ? "'\\''" : "%c", *p);
        end += sprintf(end, "'");
    }
    return line;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    const struct cli_command *command = cli->command;
    void *options = calloc(1, command->options_bytes + 1);
    if (!options)
        return cli_fail(cli, CLI_RESOURCE, "out of memory");
    if (command->defaults)
        memcpy(options, command->defaults, command->options_bytes);
    int n_words = cli_parse_options(cli, options, argc, argv);
    int code = n_words == -1 ? CLI_OK : CLI_USAGE;
    if (n_words >= 0) {
        code = cli_open_libraries(cli);
        if (!code)
            code = command->run(cli, options, n_words, argv);
        cli_close_libraries(cli);
    }
    if (fflush(stdout) && !code)
        code = cli_fail(cli, CLI_OUTPUT, "standard output cannot be written to");
    free(options);
    return code;
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        print_overview(stdout);
        return CLI_OK;
    }
    if (!strcmp(word, "--version"))
        word = "version";
    for (int i = 0; cli_commands[i] && !cli.command; i++)
        if (!strcmp(word, cli_commands[i]->name))
            cli.command = cli_commands[i];
    if (!cli.command) {
        if (*word)
            fprintf(stderr, "fovea: there is no command '%s'\n", word);
        print_overview(stderr);
        return CLI_USAGE;
    }
    cli_ignore_write_signals();
    char *line = quote_words(argc - 1, argv + 1);
    cli.command_line = line ? line : "";
    cli.begun = time(NULL);
    int code = run_command(&cli, argc - 1, argv + 1);
    free(line);
    if (fovea_io_encoders_left()) {
        fflush(NULL);
        _exit(code);
    }
    return code;
}
