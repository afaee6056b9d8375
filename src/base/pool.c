/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that wait on a condition, take job numbers from a shared counter, and count down to the end of a loop.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fovea/common.h"

struct worker {
    struct fovi_pool *pool;
    pthread_t thread;
    int number;
};

struct fovi_pool {
    int n_threads, n_started;
    struct worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned long round; /* number of the current loop; a change wakes the workers */
    int n_busy, stop;
    void (*job)(void *arg, int index, int worker);
    void *arg;
    int n_jobs;
    atomic_int next;
};

static void take_jobs(struct fovi_pool *pool, int worker)
{
    for (;;) {
        int index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->n_jobs)
            return;
        pool->job(pool->arg, index, worker);
    }
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct fovi_pool *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        take_jobs(pool, self->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_busy == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int fovi_pool_create(struct fovi_pool **out, int n_threads)
{
    *out = NULL;
    struct fovi_pool *pool = calloc(1, sizeof *pool);
    struct worker *workers = calloc((size_t)n_threads, sizeof *workers);
    if (!pool || !workers) {
        free(pool);
        free(workers);
        return FOVEA_E_NOMEM;
    }
    pool->workers = workers;
    pool->n_threads = n_threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int i = 0; i < n_threads - 1; i++) {
        workers[i].pool = pool;
        workers[i].number = i + 1;
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) {
            fovi_pool_free(pool);
            return FOVEA_E_INTERNAL;
        }
        pool->n_started++;
    }
    *out = pool;
    return FOVEA_OK;
}

void fovi_pool_free(struct fovi_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int fovi_pool_threads(const struct fovi_pool *pool)
{
    return pool->n_threads;
}

void fovi_pool_run(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs)
{
    if (n_jobs <= 1 || pool->n_started == 0) {
        for (int i = 0; i < n_jobs; i++)
            job(arg, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->arg = arg;
    pool->n_jobs = n_jobs;
    atomic_store(&pool->next, 0);
    pool->n_busy = pool->n_started;
    pool->round++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    take_jobs(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->n_busy > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
