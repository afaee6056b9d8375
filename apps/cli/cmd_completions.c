/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea completions: what a shell needs to complete the program's commands, options and values, written from the tables
 * that the parser itself reads, so that it cannot grow stale. The build runs it and installs the result.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Text inside single quotes; special: characters that get a backslash besides. A line's end becomes a space. */
static void put_quoted(const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stdout);
        else if (*text == '\n')
            putchar(' ');
        else
            printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

static int is_shown(const struct cli_option *o)
{
    return *o->help != 0;
}

/* Does a value of this option name a file or a folder? */
static int takes_file(const struct cli_option *o)
{
    static const char *const words[] = { "FILE", "PATH", "DIR", "FOLDER", "." };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((o->kind == CLI_WORD || o->kind == CLI_WORDS) && strstr(o->argument, words[i]))
            return 1;
    return 0;
}

static int takes_method(const struct cli_option *o)
{
    return (o->kind == CLI_WORD || o->kind == CLI_WORDS) && !strcmp(o->argument, "METHOD");
}

static int has_words(const struct cli_option *o)
{
    return o->kind == CLI_CHOICE || takes_method(o);
}

/* The words that the option takes, between blanks. */
static void put_words(const struct cli_option *o)
{
    if (takes_method(o)) {
        const char *word;
        for (int i = 0; (word = cli_method_word(i)); i++)
            printf("%s%s", i ? " " : "", word);
        return;
    }
    for (const char *p = o->argument; *p; p++)
        putchar(*p == '|' ? ' ' : *p);
}

/* ---- bash ---- */

/* "upscale,--output|upscale,-o", the pattern of the case below. */
static void put_bash_pattern(const struct cli_command *command, const struct cli_option *o)
{
    printf("    %s,--%s", command->name, o->name);
    if (o->letter)
        printf(" | %s,-%c", command->name, o->letter);
}

static void put_bash_values(const struct cli_command *command, const struct cli_option *o)
{
    if (!is_shown(o) || o->kind == CLI_FLAG)
        return;
    put_bash_pattern(command, o);
    fputs(") ", stdout);
    if (has_words(o)) {
        fputs("words='", stdout);
        put_words(o);
        puts("' ;;");
    } else {
        puts(takes_file(o) ? "return ;;" : "compopt +o default +o bashdefault 2>/dev/null; return ;;");
    }
}

static void write_bash(void)
{
    const struct cli_option *rows[CLI_MAX_OPTIONS];
    puts("# bash completion for fovea, written by: fovea completions bash\n"
         "# shellcheck shell=bash disable=SC2207\n"
         "_fovea()\n"
         "{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words=\n"
         "    COMPREPLY=()\n"
         "    if [ \"$prev\" = = ]; then\n"
         "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    elif [ \"$cur\" = = ]; then\n"
         "        cur=\n"
         "    fi\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    fputs("        COMPREPLY=($(compgen -W '", stdout);
    for (int i = 0; cli_commands[i]; i++)
        printf("%s ", cli_commands[i]->name);
    puts("--help --version' -- \"$cur\"))\n"
         "        return\n"
         "    fi\n"
         "    case $command,$prev in");
    for (int i = 0; cli_commands[i]; i++) {
        int n = cli_collect_options(cli_commands[i], rows);
        for (int k = 0; k < n; k++)
            put_bash_values(cli_commands[i], rows[k]);
    }
    puts("    *,*)\n"
         "        case $command,$cur in");
    for (int i = 0; cli_commands[i]; i++) {
        int n = cli_collect_options(cli_commands[i], rows);
        printf("        %s,-*) words='", cli_commands[i]->name);
        for (int k = 0; k < n; k++)
            if (is_shown(rows[k]))
                printf("%s--%s", k ? " " : "", rows[k]->name);
        puts("' ;;");
    }
    puts("        completions,*) words='bash zsh fish' ;;\n"
         "        esac\n"
         "        ;;\n"
         "    esac\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o bashdefault -o default -F _fovea fovea");
}

/* ---- zsh ---- */

/* '(-o --output)'{-o,--output}'[help]:PATH:_files' */
static void put_zsh_option(const struct cli_option *o)
{
    const char *again = o->kind == CLI_WORDS ? "*" : "";
    printf(" \\\n        ");
    if (o->letter && *again)
        printf("'*'{-%c,--%s}'[", o->letter, o->name);
    else if (o->letter)
        printf("'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter, o->name);
    else
        printf("'%s--%s[", again, o->name);
    put_quoted(o->help, "[]:\\", "'\\''");
    putchar(']');
    if (o->kind != CLI_FLAG) {
        putchar(':');
        put_quoted(o->kind == CLI_CHOICE ? o->name : o->argument, "[]:\\", "'\\''");
        putchar(':');
        if (takes_method(o))
            fputs("_fovea_methods", stdout);
        else if (has_words(o))
            putchar('('), put_words(o), putchar(')');
        else if (takes_file(o))
            fputs("_files", stdout);
        else
            putchar(' ');
    }
    putchar('\'');
}

static void write_zsh(void)
{
    const struct cli_option *rows[CLI_MAX_OPTIONS];
    const char *word;
    fputs("#compdef fovea\n# zsh completion for fovea, written by: fovea completions zsh\n\n"
          "_fovea_methods() {\n    compadd -",
          stdout);
    for (int i = 0; (word = cli_method_word(i)); i++)
        printf(" %s", word);
    puts("\n    _files -g '*.safetensors'\n}\n\n"
         "_fovea() {\n"
         "    if (( CURRENT == 2 )); then\n"
         "        local -a commands=(");
    for (int i = 0; cli_commands[i]; i++) {
        printf("            '%s:", cli_commands[i]->name);
        put_quoted(cli_commands[i]->summary, ":\\", "'\\''");
        puts("'");
    }
    puts("        )\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case $words[1] in");
    for (int i = 0; cli_commands[i]; i++) {
        int n = cli_collect_options(cli_commands[i], rows);
        printf("    %s)\n        _arguments -s -S", cli_commands[i]->name);
        for (int k = 0; k < n; k++)
            if (is_shown(rows[k]))
                put_zsh_option(rows[k]);
        puts(strcmp(cli_commands[i]->name, "completions") ? " \\\n        '*:file:_files'"
                                                          : " \\\n        '1:shell:(bash zsh fish)'");
        puts("        ;;");
    }
    puts("    *) _files ;;\n"
         "    esac\n"
         "}\n\n"
         "if [[ $funcstack[1] = _fovea ]]; then\n"
         "    _fovea \"$@\"\n"
         "else\n"
         "    compdef _fovea fovea\n"
         "fi");
}

/* ---- fish ---- */

static void put_fish_option(const struct cli_command *command, const struct cli_option *o)
{
    printf("complete -c fovea -n '__fish_seen_subcommand_from %s' -l %s", command->name, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (takes_file(o))
        fputs(" -r -F", stdout);
    else if (o->kind != CLI_FLAG)
        fputs(takes_method(o) ? " -r" : " -x", stdout);
    if (has_words(o)) {
        fputs(" -a '", stdout);
        put_words(o);
        putchar('\'');
    }
    fputs(" -d '", stdout);
    put_quoted(o->help, "\\", "\\'");
    puts("'");
}

static void write_fish(void)
{
    const struct cli_option *rows[CLI_MAX_OPTIONS];
    puts("# fish completion for fovea, written by: fovea completions fish\n"
         "complete -c fovea -n __fish_use_subcommand -f -l help -s h -d 'list the commands'\n"
         "complete -c fovea -n __fish_use_subcommand -f -l version -d 'print the version'");
    for (int i = 0; cli_commands[i]; i++) {
        printf("complete -c fovea -n __fish_use_subcommand -f -a %s -d '", cli_commands[i]->name);
        put_quoted(cli_commands[i]->summary, "\\", "\\'");
        puts("'");
    }
    for (int i = 0; cli_commands[i]; i++) {
        int n = cli_collect_options(cli_commands[i], rows);
        for (int k = 0; k < n; k++)
            if (is_shown(rows[k]))
                put_fish_option(cli_commands[i], rows[k]);
    }
    puts("complete -c fovea -n '__fish_seen_subcommand_from completions' -f -a 'bash zsh fish'");
}

static int run(struct cli *cli, void *options, int n_words, char **words)
{
    static const struct {
        const char *shell;
        void (*write)(void);
    } shells[] = { { "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish } };
    (void)options;
    for (size_t i = 0; n_words == 1 && i < sizeof shells / sizeof *shells; i++) {
        if (!strcmp(words[0], shells[i].shell)) {
            shells[i].write();
            return CLI_OK;
        }
    }
    return cli_fail(cli, CLI_USAGE, "one of bash, zsh and fish is needed");
}

const struct cli_command cli_completions = {
    "completions", "bash|zsh|fish", "Print what a shell needs to complete fovea's commands and options.", NULL, 0, NULL,
    run,
};
