/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One table a command describes its options; parser (getopt_long underneath) and help are made from it. Numbers are
 * parsed here, strictly and without regard to the locale.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* What every command understands; the values lie in struct cli, except help. */
static const struct cli_option common[] = {
    { "threads", 0, CLI_INTEGER, "N", "threads to use (default: all cores)", offsetof(struct cli, n_threads), 1.,
      256. },
    { "json", 0, CLI_FLAG, NULL, "print one JSON object on standard output", offsetof(struct cli, is_json), 0., 0. },
    { "progress", 0, CLI_CHOICE, "auto|bar|json|none", "how it is shown (default: a bar on terminals)",
      offsetof(struct cli, progress), 0., 0. },
    { "quiet", 0, CLI_FLAG, NULL, "errors only", offsetof(struct cli, is_quiet), 0., 0. },
    { "help", 'h', CLI_FLAG, NULL, "this text", 0, 0., 0. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

int cli_parse_number(const char *text, double *value)
{
    double mantissa = 0., divisor = 1.;
    int n_digits = 0, has_point = 0;
    const char *p = text;
    for (; *p; p++) {
        if (*p == '.' && !has_point && p[1]) {
            has_point = 1;
            continue;
        }
        if (*p < '0' || *p > '9' || (n_digits == 15 && !has_point))
            return 0;
        if (n_digits == 15)
            continue;
        n_digits++;
        mantissa = mantissa * 10. + (*p - '0');
        divisor *= has_point ? 10. : 1.;
    }
    *value = mantissa / divisor; /* both exact below 10^15, so this is rounded once */
    return n_digits > 0;
}

int cli_parse_cpu(const char *word, uint32_t *mask)
{
    static const struct {
        const char *word;
        uint32_t mask;
    } words[] = { { "c", 0 },
                  { "avx2", FOVEA_CPU_AVX2 },
                  { "avx512", FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 },
                  { "avxvnni", FOVEA_CPU_AVX2 | FOVEA_CPU_AVX_VNNI },
                  { "vnni", FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 | FOVEA_CPU_VNNI },
                  { "amx", FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512 | FOVEA_CPU_VNNI | FOVEA_CPU_AMX },
                  { "neon", FOVEA_CPU_NEON },
                  { "all", FOVEA_CPU_ALL } };
    *mask = FOVEA_CPU_ALL;
    if (!word || !*word)
        return 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcmp(word, words[i].word)) {
            *mask = words[i].mask;
            return 1;
        }
    }
    return 0;
}

/* Index of word in "one|two|three", -1 if it is not there. */
static int find_choice(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (int i = 0;; i++) {
        size_t n = strcspn(choices, "|");
        if (n == length && !strncmp(choices, word, n))
            return i;
        if (!choices[n])
            return -1;
        choices += n + 1;
    }
}

static int store_number(const struct cli *cli, const struct cli_option *o, void *field, const char *text)
{
    double value;
    int is_integer = o->kind == CLI_INTEGER;
    if (!cli_parse_number(text, &value) || (is_integer && strchr(text, '.')))
        return cli_fail(cli, CLI_USAGE, "option --%s: '%s' is not a %s", o->name, text,
                        is_integer ? "whole number" : "number");
    if (value < o->low || value > o->high)
        return cli_fail(cli, CLI_USAGE, "option --%s: %s is not within %g..%.10g", o->name, text, o->low, o->high);
    if (is_integer)
        *(int *)field = (int)value;
    else
        *(double *)field = value;
    return CLI_OK;
}

static int store(const struct cli *cli, const struct cli_option *o, void *base, const char *text)
{
    void *field = (char *)base + o->offset;
    struct cli_words *words = field;
    switch (o->kind) {
    case CLI_FLAG: *(int *)field = 1; return CLI_OK;
    case CLI_WORD:
        *(const char **)field = text;
        return *text ? CLI_OK : cli_fail(cli, CLI_USAGE, "option --%s: an empty %s", o->name, o->argument);
    case CLI_WORDS:
        if (words->n == (int)(sizeof words->word / sizeof *words->word))
            return cli_fail(cli, CLI_USAGE, "option --%s: given too often", o->name);
        words->word[words->n++] = text;
        return CLI_OK;
    case CLI_CHOICE:
        *(int *)field = find_choice(o->argument, text);
        return *(int *)field >= 0
                   ? CLI_OK
                   : cli_fail(cli, CLI_USAGE, "option --%s: '%s' is none of %s", o->name, text, o->argument);
    case CLI_INTEGER:
    case CLI_NUMBER: return store_number(cli, o, field, text);
    }
    return CLI_USAGE;
}

int cli_collect_options(const struct cli_command *command, const struct cli_option **rows)
{
    int n = 0;
    for (const struct cli_option *o = command->options; o && o->name && n < CLI_MAX_OPTIONS; o++)
        rows[n++] = o;
    for (const struct cli_option *o = common; o->name && n < CLI_MAX_OPTIONS; o++)
        rows[n++] = o;
    return n;
}

static int is_common(const struct cli_option *o)
{
    return o >= common && o < common + sizeof common / sizeof *common;
}

int cli_parse_options(struct cli *cli, void *options, int argc, char **argv)
{
    const struct cli_option *rows[CLI_MAX_OPTIONS];
    struct option longs[CLI_MAX_OPTIONS + 1] = { { 0 } };
    char shorts[2 * CLI_MAX_OPTIONS + 2] = ":";
    int n = cli_collect_options(cli->command, rows);
    for (int i = 0; i < n; i++) {
        int has_argument = rows[i]->kind == CLI_FLAG ? no_argument : required_argument;
        longs[i] = (struct option){ rows[i]->name, has_argument, NULL, 1000 + i };
        if (rows[i]->letter)
            strcat(strncat(shorts, &rows[i]->letter, 1), has_argument ? ":" : "");
    }
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const char *given = optopt && c == '?' && optopt < 256 ? (char[]){ '-', (char)optopt, 0 } : argv[optind - 1];
        if (c == '?' || c == ':') {
            cli_fail(cli, CLI_USAGE, c == ':' ? "option %s needs a value" : "unknown option '%s' (see --help)", given);
            return -2;
        }
        int i = c - 1000;
        for (int k = 0; c < 1000 && k < n; k++)
            i = rows[k]->letter == c ? k : i;
        if (is_common(rows[i]) && rows[i]->letter == 'h') {
            cli_print_help(cli->command);
            return -1;
        }
        if (store(cli, rows[i], is_common(rows[i]) ? (void *)cli : options, optarg))
            return -2;
    }
    int n_words = argc - optind;
    memmove(argv, argv + optind, (size_t)n_words * sizeof *argv);
    return n_words;
}

static void print_row(const struct cli_option *o)
{
    char left[80];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->argument)
        snprintf(left + n, sizeof left - (size_t)n, " %s", o->argument);
    printf("%-32s", left);
    if (strlen(left) >= 32)
        printf("\n%32s", "");
    for (const char *p = o->help; *p; p++) {
        if (*p == '\n')
            printf("\n%32s", "");
        else
            putchar(*p);
    }
    putchar('\n');
}

void cli_print_help(const struct cli_command *command)
{
    const struct cli_option *rows[CLI_MAX_OPTIONS];
    int n = cli_collect_options(command, rows);
    printf("usage: fovea %s %s\n\n%s\n\noptions:\n", command->name, command->arguments, command->summary);
    for (int i = 0; i < n; i++)
        if (*rows[i]->help)
            print_row(rows[i]);
}
