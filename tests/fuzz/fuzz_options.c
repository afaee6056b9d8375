/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What people type: each line of the input is a word of a command line, and is tried as a number and as FOVEA_CPU
 * besides. The parser runs with a table that has a row of every kind.
 */
#include <getopt.h>
#include <stdarg.h>

#include "cli.h"
#include "fuzz.h"

struct values {
    int flag, choice, integer;
    const char *word;
    struct cli_words words;
    double number;
};

static const struct cli_option rows[] = {
    { "flag", 'f', CLI_FLAG, NULL, "a flag", offsetof(struct values, flag), 0., 0. },
    { "word", 'w', CLI_WORD, "FILE", "a word", offsetof(struct values, word), 0., 0. },
    { "words", 0, CLI_WORDS, "WORD", "words", offsetof(struct values, words), 0., 0. },
    { "choice", 'c', CLI_CHOICE, "one|two|three", "a choice", offsetof(struct values, choice), 0., 0. },
    { "integer", 'i', CLI_INTEGER, "N", "an integer", offsetof(struct values, integer), 1., 1 << 30 },
    { "number", 'n', CLI_NUMBER, "X", "a number", offsetof(struct values, number), .5, 1000. },
    { NULL, 0, CLI_FLAG, NULL, NULL, 0, 0., 0. },
};

static char message[512];

/* In place of message.c: the sentence is made, not shown. */
int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
    va_list args;
    (void)cli;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return code;
}

static void try_numbers(const char *text)
{
    double value = -1.;
    uint32_t mask = 77;
    if (cli_parse_number(text, &value))
        FUZZ_CHECK(value >= 0. && value < 1e16);
    FUZZ_CHECK(!cli_parse_cpu(text, &mask) || mask != 77);
}

static void try_line(char *text)
{
    static const struct cli_command command = { "test", "", "", rows, sizeof(struct values), NULL, NULL };
    struct values values = { .integer = 1, .number = 1. };
    struct cli cli = { .command = &command };
    char *argv[64] = { (char[]){ "fovea" } };
    int argc = 1;
    for (char *word = text, *end; word && argc < 63; word = end) {
        end = strchr(word, '\n');
        if (end)
            *end++ = 0;
        try_numbers(word);
        argv[argc++] = word;
    }
    *message = 0;
    optind = 0; /* getopt starts afresh */
    int n = cli_parse_options(&cli, &values, argc, argv);
    FUZZ_CHECK(n >= -2 && n < argc);
    FUZZ_CHECK(n != -2 || *message);
    FUZZ_CHECK(values.integer >= 1 && values.integer <= 1 << 30 && values.number >= .5 && values.number <= 1000.);
    FUZZ_CHECK(n == -2 || (values.choice >= 0 && values.choice <= 2));
    FUZZ_CHECK(cli.n_threads >= 0 && cli.n_threads <= 256 && values.words.n <= 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int is_quiet;
    if (!is_quiet) /* the help goes to standard output */
        FUZZ_CHECK(freopen("/dev/null", "w", stdout));
    is_quiet = 1;
    char *text = fuzz_text(data, size);
    try_line(text);
    free(text);
    return 0;
}
