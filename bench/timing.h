/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the benchmarks share about time: medians of repeats, and the processor's clock.
 */
#ifndef FOVEA_BENCH_TIMING_H
#define FOVEA_BENCH_TIMING_H

#include <stdlib.h>
#include <time.h>

static inline int timing_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of n values, which are sorted: v[0] is then the least. */
static inline double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, timing_by_value);
    return v[n / 2];
}

/* Milliseconds that all threads of this program worked: on a shared machine steadier than the clock. */
static inline double cpu_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

#endif
