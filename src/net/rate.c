/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long work takes, from calls that were timed.
 */
#include "net/rate.h"

/* An interval of columns takes as long as about this many more; taken to do so by this share. */
#define END_COLUMNS 24.0
#define BELIEF 0.005

/* Calls that say something about the time of others. */
#define LEAST_CALLS 8

void fovi_rate_note(struct fovi_rate *r, double ms, double work, double ends)
{
    if (work <= 0.0 || r->n_calls++ == 0)
        return;
    r->work2 += work * work;
    r->work_ends += work * ends;
    r->ends2 += ends * ends;
    r->ms_work += ms * work;
    r->ms_ends += ms * ends;
}

void fovi_rate_add(struct fovi_rate *sum, const struct fovi_rate *more)
{
    sum->n_calls += more->n_calls > 0 ? more->n_calls - 1 : 0;
    sum->work2 += more->work2;
    sum->work_ends += more->work_ends;
    sum->ends2 += more->ends2;
    sum->ms_work += more->ms_work;
    sum->ms_ends += more->ms_ends;
}

double fovi_rate_foresee(const struct fovi_rate *r, double work, double ends)
{
    double weight = BELIEF * r->ends2; /* of ms / end = END_COLUMNS * ms / work, as one more thing to explain */
    double a = r->work2 + weight * END_COLUMNS * END_COLUMNS, b = r->work_ends - weight * END_COLUMNS;
    double c = r->ends2 + weight, det = a * c - b * b;
    if (r->n_calls < LEAST_CALLS || !(det > 0.0))
        return 0.0;
    double ms = (work * (c * r->ms_work - b * r->ms_ends) + ends * (a * r->ms_ends - b * r->ms_work)) / det;
    return ms > 0.0 ? ms : 0.0;
}
