/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A pool of threads for parallel loops.
 */
#ifndef FOVI_BASE_POOL_H
#define FOVI_BASE_POOL_H

struct fovi_pool;

/* Start n_threads - 1 threads (the caller's is the last). FOVEA_E_NOMEM or FOVEA_E_INTERNAL on failure. */
int fovi_pool_create(struct fovi_pool **out, int n_threads);

/* Stop and join; NULL is fine. */
void fovi_pool_free(struct fovi_pool *pool);

int fovi_pool_threads(const struct fovi_pool *pool);

/* Run job(arg, i, worker) for i = 0..n_jobs-1 and wait. Not reentrant: a job must not call it. stays: 0, jobs start in
 * order; 1, each thread begins with a part of the numbers of its own, the same in every such loop. */
void fovi_pool_run(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs,
                   int stays);

/* The same with stays = 1, while the caller's thread does own(own_arg) first, which may run loops: they take place on
 * that thread alone (where there are jobs to be beside). */
void fovi_pool_run_beside(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs,
                          void (*own)(void *own_arg), void *own_arg);

#endif
