/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bar with rate and time left on standard error, drawn at most ten times a second and only on a terminal; and the
 * wish to stop (SIGINT, SIGTERM), which reaches the library through the same callback. A second signal ends the
 * program at once.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
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

double cli_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void draw(const struct cli_progress *p, double done, double now_ms)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1];
    const char *no_color = getenv("NO_COLOR");
    int has_color = !no_color || !*no_color, n = (int)(done * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < n ? '#' : '.';
    bar[WIDTH] = 0;
    double seconds = (now_ms - p->start_ms) / 1e3;
    fprintf(stderr, "\r%.24s %s[%s]%s %3.0f %%", p->label, has_color ? "\033[36m" : "", bar, has_color ? "\033[0m" : "",
            done * 100.);
    if (done > 0. && seconds > .3 && p->megapixels > 0.)
        fprintf(stderr, "  %.2f MP/s", done * p->megapixels / seconds);
    if (done > 0. && seconds > .3)
        fprintf(stderr, "  %.0f s left", seconds / done * (1. - done));
    fputs("   ", stderr);
    fflush(stderr);
}

static int on_progress(void *user, double done)
{
    struct cli_progress *p = user;
    double now_ms = cli_clock_ms();
    if (p->is_shown && now_ms - p->last_ms > 100.) {
        draw(p, done < 0. ? 0. : done > 1. ? 1. : done, now_ms);
        p->last_ms = now_ms;
    }
    return interrupted != 0;
}

void cli_progress_begin(struct cli_progress *p, const struct cli *cli, const char *label, double megapixels)
{
    const char *terminal = getenv("TERM");
    p->label = label;
    p->megapixels = megapixels;
    p->is_shown = !cli->is_quiet && isatty(STDERR_FILENO) && (!terminal || strcmp(terminal, "dumb") != 0);
    p->start_ms = p->last_ms = cli_clock_ms();
    p->callback = (struct fovea_progress){ on_progress, p };
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->is_shown)
        fprintf(stderr, "\r%96s\r", "");
}
