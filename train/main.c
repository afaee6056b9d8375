/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea-train: the trainer. Finds the command and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fovea/version.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    { "filter", train_filter_main, "fit the hashed filter, or measure one" },
    { "net", train_net_main, "train a network by a recipe" },
    { "route", train_route_main, "fit the router to a network" },
    { "error", train_error_main, "fit the expected error of a tile" },
};

#define N_COMMANDS ((int)(sizeof commands / sizeof *commands))

static void print_usage(FILE *to)
{
    fprintf(to, "Usage: fovea-train COMMAND [OPTIONS]\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
    fprintf(to, "\nfovea-train COMMAND --help tells the options of a command.\n");
}

char *train_command_text(int argc, char **argv)
{
    size_t size = sizeof "fovea-train";
    for (int i = 0; i < argc; i++)
        size += strlen(argv[i]) + 1;
    char *text = malloc(size);
    if (!text)
        return NULL;
    strcpy(text, "fovea-train");
    for (int i = 0; i < argc; i++) {
        strcat(text, " ");
        strcat(text, argv[i]);
    }
    return text;
}

void train_write_command(FILE *f, const char *command)
{
    while (*command) {
        size_t n = strlen(command);
        if (n > 100)
            for (n = 100; n > 1 && strncmp(command + n, " -", 2) != 0;)
                n--;
        fprintf(f, " *   %.*s\n", (int)n, command);
        command += n;
        command += *command == ' ';
    }
}

int train_exit_code(int error)
{
    switch (error) {
    case FOVEA_OK: return 0;
    case FOVEA_E_ARG:
    case FOVEA_E_UNSUPPORTED: return 2;
    case FOVEA_E_WRITE: return 4;
    case FOVEA_E_NOMEM:
    case FOVEA_E_LIMIT:
    case FOVEA_E_INTERNAL: return 5;
    case FOVEA_E_CANCELLED: return 6;
    default: return 3;
    }
}

int train_run(int argc, char **argv, int n_threads, train_job *job, const void *options)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = n_threads;
    fovea_context *ctx;
    char *command = train_command_text(argc, argv);
    int code = command ? fovea_context_create(&ctx, &params) : FOVEA_E_NOMEM;
    if (code) {
        fprintf(stderr, "fovea-train: %s\n", fovea_error_name(code));
    } else {
        code = job(ctx, options, command);
        if (code)
            fprintf(stderr, "fovea-train %s: %s\n", argv[0], fovea_last_error(ctx));
        fovea_context_free(&ctx);
    }
    free(command);
    return train_exit_code(code);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "fovea-train: there is no command \"%s\"\n", argv[1]);
    print_usage(stderr);
    return 2;
}
