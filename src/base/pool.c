/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that take job numbers from shared counters. A loop is over when the caller has found no more jobs and every
 * worker that joined has left; workers that are asleep need not wake up for it.
 *
 * A pipeline starts thousands of short loops, and to wake a thread takes longer than many of them do. So who waits for
 * the next loop, or for its end, looks for it for a short while before going to sleep.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "fovea/common.h"

/* Looks before sleep: about a tenth of a millisecond. */
#define N_LOOKS 2500

struct worker {
    struct fovi_pool *pool;
    pthread_t thread;
    int number;
};

/* Jobs next .. end - 1 are to be taken; alone in its line of the cache. */
struct range {
    _Alignas(64) atomic_int next;
    int end;
};

struct fovi_pool {
    int n_threads, n_started;
    int n_looks; /* 0 where threads outnumber cores: they would only stand in one another's way */
    struct worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_ulong round;  /* number of the current loop; changed under the lock, as are the following */
    atomic_int n_active; /* workers that joined and have not left */
    atomic_int stop;
    int is_open; /* workers may join */
    int n_asleep;
    void (*job)(void *arg, int index, int worker);
    void *arg;
    int n_ranges; /* 1, or one for each thread */
    struct range *ranges;
};

static void pause_a_moment(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A worker begins with its own range and helps with the others then. */
static void take_jobs(struct fovi_pool *pool, int worker)
{
    for (int i = 0; i < pool->n_ranges; i++) {
        struct range *r = &pool->ranges[(worker + i) % pool->n_ranges];
        for (;;) {
            int index = atomic_fetch_add(&r->next, 1);
            if (index >= r->end)
                break;
            pool->job(pool->arg, index, worker);
        }
    }
}

static int is_news(struct fovi_pool *pool, unsigned long seen)
{
    return atomic_load_explicit(&pool->round, memory_order_relaxed) != seen ||
           atomic_load_explicit(&pool->stop, memory_order_relaxed);
}

/* Called with the lock; so it returns. */
static void wait_for_news(struct fovi_pool *pool, unsigned long seen)
{
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_looks && !is_news(pool, seen); i++)
        pause_a_moment();
    pthread_mutex_lock(&pool->lock);
    pool->n_asleep++;
    while (!is_news(pool, seen))
        pthread_cond_wait(&pool->wake, &pool->lock);
    pool->n_asleep--;
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct fovi_pool *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        wait_for_news(pool, seen);
        if (atomic_load(&pool->stop))
            break;
        seen = atomic_load(&pool->round);
        if (!pool->is_open)
            continue;
        atomic_fetch_add(&pool->n_active, 1);
        pthread_mutex_unlock(&pool->lock);
        take_jobs(pool, self->number);
        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub(&pool->n_active, 1) == 1)
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
    struct range *ranges = aligned_alloc(sizeof *ranges, (size_t)n_threads * sizeof *ranges);
    if (!pool || !workers || !ranges) {
        free(pool);
        free(workers);
        free(ranges);
        return FOVEA_E_NOMEM;
    }
    pool->workers = workers;
    pool->ranges = ranges;
    pool->n_threads = n_threads;
    pool->n_looks = n_threads <= fovi_cpu_count() ? N_LOOKS : 0;
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
    atomic_store(&pool->stop, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool->ranges);
    free(pool);
}

int fovi_pool_threads(const struct fovi_pool *pool)
{
    return pool->n_threads;
}

/* Let the workers begin. */
static void open_loop(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs,
                      int stays)
{
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->arg = arg;
    pool->n_ranges = stays ? pool->n_threads : 1;
    for (int i = 0; i < pool->n_ranges; i++) {
        atomic_store(&pool->ranges[i].next, (int)((int64_t)n_jobs * i / pool->n_ranges));
        pool->ranges[i].end = (int)((int64_t)n_jobs * (i + 1) / pool->n_ranges);
    }
    pool->is_open = 1;
    atomic_fetch_add(&pool->round, 1);
    if (pool->n_asleep > 0)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* Help them and wait for them. */
static void close_loop(struct fovi_pool *pool)
{
    take_jobs(pool, 0);
    pthread_mutex_lock(&pool->lock);
    pool->is_open = 0;
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_looks && atomic_load(&pool->n_active) > 0; i++)
        pause_a_moment();
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->n_active) > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void fovi_pool_run(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs,
                   int stays)
{
    if (n_jobs <= 1 || pool->n_started == 0 || pool->is_open) { /* only the caller's thread opens */
        for (int i = 0; i < n_jobs; i++)
            job(arg, i, 0);
        return;
    }
    open_loop(pool, job, arg, n_jobs, stays);
    close_loop(pool);
}

void fovi_pool_run_beside(struct fovi_pool *pool, void (*job)(void *arg, int index, int worker), void *arg, int n_jobs,
                          void (*own)(void *own_arg), void *own_arg)
{
    if (n_jobs < 1 || pool->n_started == 0 || pool->is_open) {
        own(own_arg);
        fovi_pool_run(pool, job, arg, n_jobs, 1);
        return;
    }
    open_loop(pool, job, arg, n_jobs, 1);
    own(own_arg);
    close_loop(pool);
}
