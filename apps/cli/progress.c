/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bar with rate and time left on standard error, drawn at most ten times a second, or a line of JSON twice a second;
 * and the wish to stop (SIGINT, SIGTERM), which reaches the library through the same callback. A later signal ends the
 * program at once; one right behind the first does not, since timeout(1) signals the process and then its group.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* Signals this close are one wish. */
#define SAME_MS 300.

static volatile sig_atomic_t interrupted;

double cli_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void on_signal(int signal_number)
{
    static volatile double first_ms;
    if (!interrupted)
        first_ms = cli_clock_ms();
    else if (cli_clock_ms() > first_ms + SAME_MS)
        signal(signal_number, SIG_DFL), raise(signal_number);
    interrupted = 1;
}

void cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void cli_ignore_write_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int cli_is_interrupted(void)
{
    return interrupted != 0;
}

static void draw(const struct cli_progress *p, double done, double seconds, double left)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1];
    const char *no_color = getenv("NO_COLOR");
    int has_color = !no_color || !*no_color, n = (int)(done * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < n ? '#' : '.';
    bar[WIDTH] = 0;
    fprintf(stderr, "\r%.24s %s[%s]%s %3.0f %%", p->label, has_color ? "\033[36m" : "", bar, has_color ? "\033[0m" : "",
            done * 100.);
    if (done >= 1. && p->has_long_end)
        fprintf(stderr, "  encoding, %.0f s", seconds);
    else if (done > 0. && seconds > .3 && p->megapixels > 0.)
        fprintf(stderr, "  %.2f MP/s", done * p->megapixels / seconds);
    if (left >= 0.)
        fprintf(stderr, "  %.0f s left", left);
    fputs("   ", stderr);
    fflush(stderr);
}

static void print_line(const struct cli_progress *p, double done, double seconds, double left)
{
    json_t *line = json_object();
    json_object_set_new(line, "progress", cli_json_text(p->label));
    json_object_set_new(line, "done", json_real(done));
    json_object_set_new(line, "seconds", json_real(seconds));
    json_object_set_new(line, "seconds_left", left >= 0. ? json_real(left) : json_null());
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fprintf(stderr, "%s\n", text ? text : "{}");
    free(text);
    json_decref(line);
}

static int on_progress(void *user, double done)
{
    struct cli_progress *p = user;
    double now_ms = cli_clock_ms(), seconds = (now_ms - p->start_ms) / 1e3;
    done = done < 0. ? 0. : done > 1. ? 1. : done;
    p->done = done;
    cli_eta_push(&p->eta, seconds, done);
    if (p->kind == CLI_PROGRESS_NONE || now_ms - p->last_ms < (p->kind == CLI_PROGRESS_BAR ? 100. : 500.))
        return interrupted != 0;
    double left = p->has_long_end ? -1. : cli_eta_left(&p->eta, seconds, done);
    if (p->kind == CLI_PROGRESS_BAR)
        draw(p, done, seconds, left);
    else
        print_line(p, done, seconds, left);
    p->last_ms = now_ms;
    return interrupted != 0;
}

/* What --progress, --quiet and the terminal come to. */
static enum cli_progress_kind choose_kind(const struct cli *cli)
{
    const char *terminal = getenv("TERM");
    if (cli->progress == CLI_PROGRESS_JSON || cli->progress == CLI_PROGRESS_NONE)
        return (enum cli_progress_kind)cli->progress;
    if (cli->is_quiet || cli->is_one_of_several)
        return CLI_PROGRESS_NONE;
    if (cli->progress == CLI_PROGRESS_BAR)
        return CLI_PROGRESS_BAR;
    return isatty(STDERR_FILENO) && (!terminal || strcmp(terminal, "dumb") != 0) ? CLI_PROGRESS_BAR : CLI_PROGRESS_NONE;
}

void cli_progress_begin(struct cli_progress *p, const struct cli *cli, const char *label, double megapixels)
{
    *p = (struct cli_progress){ .kind = choose_kind(cli), .label = label, .megapixels = megapixels };
    p->start_ms = p->last_ms = cli_clock_ms();
    p->callback = (struct fovea_progress){ on_progress, p };
}

void cli_progress_end(struct cli_progress *p)
{
    double seconds = (cli_clock_ms() - p->start_ms) / 1e3;
    if (p->kind == CLI_PROGRESS_BAR)
        fprintf(stderr, "\r%96s\r", "");
    else if (p->kind == CLI_PROGRESS_JSON && p->eta.n)
        print_line(p, p->done, seconds, p->done < 1. || interrupted ? -1. : 0.);
}
