/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The progress line.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

void train_progress_start(struct train_progress *p, const char *what, long total)
{
    *p = (struct train_progress){ .what = what, .total = total, .start_ms = fovi_clock_ms() };
    p->shown_ms = p->start_ms;
    p->is_terminal = isatty(STDERR_FILENO);
}

void train_progress_step(struct train_progress *p, long done, const char *note)
{
    double now = fovi_clock_ms();
    if (now - p->shown_ms < (p->is_terminal ? 1000.0 : 60000.0) || done <= p->first)
        return;
    p->shown_ms = now;
    double seconds = (now - p->start_ms) * 1e-3, rate = (double)(done - p->first) / seconds;
    long left = (long)((double)(p->total - done) / rate + 0.5);
    fprintf(stderr, "%s%s %ld/%ld (%.1f %%), %.1f/s, %ld:%02ld:%02ld left%s%s%s", p->is_terminal ? "\r" : "", p->what,
            done, p->total, 100.0 * (double)done / (double)p->total, rate, left / 3600, left / 60 % 60, left % 60,
            note[0] ? ", " : "", note, p->is_terminal ? "   " : "\n");
}

void train_progress_end(struct train_progress *p)
{
    if (p->is_terminal)
        fprintf(stderr, "\r%78s\r", "");
}
