/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The context as the inside sees it: errors, memory, threads, instruction sets.
 */
#ifndef FOVI_BASE_CONTEXT_H
#define FOVI_BASE_CONTEXT_H

#include "fovea/common.h"

/* Keep a sentence about a failure and give the code back: return fovi_fail(ctx, FOVEA_E_ARG, "scale %g: ...", s); */
int fovi_fail(fovea_context *ctx, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Zeroed memory for n items of size bytes, aligned to 64 bytes, counted in the context; NULL (with the error text set:
 * out of memory, or over the ceiling) on failure or overflow. n or size 0 gives a valid pointer. */
void *fovi_alloc(fovea_context *ctx, size_t n, size_t size);

/* Free what fovi_alloc gave; NULL is fine. */
void fovi_free(fovea_context *ctx, void *p);

/* Code of the last failed fovi_alloc: FOVEA_E_NOMEM or FOVEA_E_LIMIT. */
int fovi_alloc_error(const fovea_context *ctx);

/* Test hook: the n-th call of fovi_alloc from now fails (1 = the next), 0 = none. */
void fovi_alloc_fail_nth(fovea_context *ctx, long n);

/* Bytes held now. */
size_t fovi_alloc_held(const fovea_context *ctx);

/* One job of a parallel loop: index 0..n_jobs-1; worker 0..threads-1 is never shared by two jobs at one time. */
typedef void fovi_job(void *arg, int index, int worker);

/* Run n_jobs jobs on the context's threads and wait for all. Jobs start in order of index. */
void fovi_parallel(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs);

/* The same, but each thread begins with the part of the numbers that it has in every such loop, so that what it wrote
 * in one loop lies in its own cache in the next. Jobs start in no particular order. */
void fovi_parallel_near(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs);

/* The same while the caller's thread does own(own_arg) first; loops within that take place on that thread alone. */
void fovi_parallel_beside(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs, void (*own)(void *own_arg),
                          void *own_arg);

/* Return early with the error code of a failing call. */
#define FOVI_TRY(expr)                 \
    do {                               \
        int fovi_try_code = (expr);    \
        if (fovi_try_code != FOVEA_OK) \
            return fovi_try_code;      \
    } while (0)

#endif
