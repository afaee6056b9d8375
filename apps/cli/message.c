/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages on standard error, exit codes for the library's errors, JSON on standard output.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static char last_message[1200];

static void print(const struct cli *cli, const char *text)
{
    fprintf(stderr, "fovea%s%s: %s\n", cli->command ? " " : "", cli->command ? cli->command->name : "", text);
}

int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_message, sizeof last_message, format, args);
    va_end(args);
    print(cli, last_message);
    return code;
}

const char *cli_last_message(void)
{
    return last_message;
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    if (cli->is_quiet)
        return;
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print(cli, text);
}

int cli_exit_code(int error, int for_input)
{
    switch (error) {
    case FOVEA_OK: return CLI_OK;
    case FOVEA_E_ARG:
    case FOVEA_E_UNSUPPORTED: return for_input ? CLI_INPUT : CLI_USAGE;
    case FOVEA_E_READ:
    case FOVEA_E_FORMAT: return CLI_INPUT;
    case FOVEA_E_WRITE: return CLI_OUTPUT;
    case FOVEA_E_CANCELLED: return CLI_CANCELLED;
    case FOVEA_E_CHECK: return CLI_CHECK;
    default: return CLI_RESOURCE;
    }
}

int cli_fail_core(const struct cli *cli, int error)
{
    const char *text = fovea_last_error(cli->ctx);
    return cli_fail(cli, cli_exit_code(error, 0), "%s", *text ? text : fovea_error_name(error));
}

int cli_fail_io(const struct cli *cli, int error, int for_input)
{
    const char *text = fovea_io_last_error(cli->io);
    return cli_fail(cli, cli_exit_code(error, for_input), "%s", *text ? text : fovea_error_name(error));
}

int cli_fail_model(const struct cli *cli, int error, const char *path)
{
    const char *text = fovea_last_error(cli->ctx);
    if (strstr(text, path))
        return cli_fail(cli, cli_exit_code(error, 1), "%s", text);
    return cli_fail(cli, cli_exit_code(error, 1), "model '%s': %s", path, *text ? text : fovea_error_name(error));
}

int cli_print_json(const struct cli *cli, json_t *object)
{
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) || fputc('\n', stdout) == EOF ||
                 fflush(stdout);
    json_decref(object);
    return failed ? cli_fail(cli, CLI_OUTPUT, "standard output cannot be written to") : CLI_OK;
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}
