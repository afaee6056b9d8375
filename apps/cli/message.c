/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages on standard error, exit codes for the library's errors, JSON on standard output.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static _Thread_local char last_message[1200];

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

int cli_fail_core_of(const struct cli *cli, const char *input, int error)
{
    const char *text = fovea_last_error(cli->ctx);
    return cli_fail(cli, cli_exit_code(error, 0), "'%s': %s", input, *text ? text : fovea_error_name(error));
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

/* Bytes of the UTF-8 character at text; 0 if it is none (RFC 3629: no overlong forms, no surrogates). */
static int character_bytes(const unsigned char *text)
{
    int n = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return n;
}

json_t *cli_json_text(const char *text)
{
    json_t *value = json_string(text);
    char *repaired = value ? NULL : malloc(3 * strlen(text) + 1);
    if (!repaired)
        return value;
    size_t at = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int n = character_bytes(p);
        memcpy(repaired + at, n ? (const char *)p : "\xef\xbf\xbd", n ? (size_t)n : 3);
        at += n ? (size_t)n : 3;
        p += n ? n : 1;
    }
    value = json_stringn(repaired, at);
    free(repaired);
    return value;
}

json_t *cli_json_date(const struct cli *cli)
{
    char text[32];
    struct tm tm;
    return gmtime_r(&cli->begun, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? json_string(text)
                                                                                                : json_null();
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}
