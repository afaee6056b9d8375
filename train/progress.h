/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Progress of long work on standard error: rate and time left, once a second on a terminal, once a minute elsewhere.
 */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

struct train_progress {
    const char *what;
    long total, first; /* first: where a resumed run began */
    double start_ms, shown_ms;
    int is_terminal;
};

void train_progress_start(struct train_progress *p, const char *what, long total);

/* done of total steps are there; note is put behind. */
void train_progress_step(struct train_progress *p, long done, const char *note);

/* Finish the line. */
void train_progress_end(struct train_progress *p);

#endif
