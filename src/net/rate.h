/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long work takes that is done in many calls, from the calls that were: time is work and what each interval of
 * columns takes on top of it.
 */
#ifndef FOVI_NET_RATE_H
#define FOVI_NET_RATE_H

/* Sums over calls of products of time, work and intervals' ends; all 0 to begin with. */
struct fovi_rate {
    int n_calls;
    double work2, work_ends, ends2, ms_work, ms_ends;
};

/* A call. work: in any unit; ends: work of a column of each interval. Calls without work are none; the first, which
 * touches its memory for the first time, too, is not counted. */
void fovi_rate_note(struct fovi_rate *rate, double ms, double work, double ends);

/* More calls of the same kind, made by another thread. */
void fovi_rate_add(struct fovi_rate *sum, const struct fovi_rate *more);

/* Milliseconds for other work, by least squares; 0 where the calls are too few to tell. */
double fovi_rate_foresee(const struct fovi_rate *rate, double work, double ends);

#endif
