/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ground floor: contexts, the memory account with its ceiling and failure hook, the thread pool, random numbers.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/cpu.h"
#include "base/pool.h"
#include "base/rng.h"

static fovea_context *make_context(int n_threads, size_t memory_bytes)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    params.n_threads = n_threads;
    params.memory_bytes = memory_bytes;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    assert_non_null(ctx);
    return ctx;
}

static void context_defaults_use_the_machine(void **state)
{
    (void)state;
    fovea_context *ctx = NULL;
    assert_int_equal(fovea_context_create(&ctx, NULL), FOVEA_OK);
    assert_int_equal(fovea_context_threads(ctx), fovi_cpu_count());
    assert_int_equal(fovea_context_cpu(ctx), fovi_cpu_detect());
    assert_string_equal(fovea_last_error(ctx), "");
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
    assert_null(ctx);
    fovea_context_free(&ctx);
    fovea_context_free(NULL);
}

static void context_refuses_bad_thread_counts(void **state)
{
    (void)state;
    static const int bad[] = { -1, 257, INT_MAX, INT_MIN };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = bad[i];
        int sentinel;
        fovea_context *ctx = (fovea_context *)&sentinel;
        assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_E_ARG);
        assert_null(ctx);
    }
}

/* A mask takes instruction sets away and never adds one; AVX-512 does not stand without AVX2. */
static void cpu_mask_only_takes_away(void **state)
{
    (void)state;
    static const uint32_t masks[] = {
        0, FOVEA_CPU_AVX2, FOVEA_CPU_AVX512, FOVEA_CPU_AVX2 | FOVEA_CPU_AVX512, FOVEA_CPU_VNNI, FOVEA_CPU_AVX_VNNI
    };
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.cpu_mask = masks[i];
        fovea_context *ctx = NULL;
        assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
        uint32_t cpu = fovea_context_cpu(ctx);
        assert_int_equal(cpu & ~(masks[i] & fovi_cpu_detect()), 0);
        assert_true((cpu & FOVEA_CPU_AVX2) || cpu == 0);
        fovea_context_free(&ctx);
    }
}

static void failures_keep_their_sentence(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    assert_int_equal(fovi_fail(ctx, FOVEA_E_ARG, "scale %d: too %s", 99, "large"), FOVEA_E_ARG);
    assert_string_equal(fovea_last_error(ctx), "scale 99: too large");
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    assert_int_equal(fovi_fail(ctx, FOVEA_E_READ, "%s", text), FOVEA_E_READ);
    assert_true(strlen(fovea_last_error(ctx)) > 100);
    assert_true(strlen(fovea_last_error(ctx)) < sizeof text - 1);
    fovea_context_free(&ctx);
}

static void blocks_are_zero_aligned_and_counted(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    static const size_t sizes[] = { 0, 1, 63, 64, 65, 4096, 100001 };
    enum { N = sizeof sizes / sizeof *sizes };
    unsigned char *block[N];
    size_t sum = 0;
    for (int i = 0; i < N; i++) {
        block[i] = fovi_alloc(ctx, sizes[i], 1);
        assert_non_null(block[i]);
        assert_int_equal((uintptr_t)block[i] % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(block[i][k], 0);
        memset(block[i], 0xa5, sizes[i]);
        sum += sizes[i];
        assert_true(fovi_alloc_held(ctx) >= sum);
    }
    size_t peak = fovi_alloc_held(ctx);
    assert_int_equal(fovea_context_peak_bytes(ctx), peak);
    for (int i = 0; i < N; i++)
        fovi_free(ctx, block[i]);
    fovi_free(ctx, NULL);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    assert_int_equal(fovea_context_peak_bytes(ctx), peak);
    fovea_context_free(&ctx);
}

static void overflow_is_out_of_memory(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    assert_null(fovi_alloc(ctx, SIZE_MAX / 2, 3));
    assert_int_equal(fovi_alloc_error(ctx), FOVEA_E_NOMEM);
    assert_null(fovi_alloc(ctx, SIZE_MAX - 8, 1));
    assert_int_equal(fovi_alloc_error(ctx), FOVEA_E_NOMEM);
    assert_true(strlen(fovea_last_error(ctx)) > 0);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

static void ceiling_refuses_and_recovers(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 10000);
    void *a = fovi_alloc(ctx, 6000, 1);
    assert_non_null(a);
    size_t held = fovi_alloc_held(ctx);
    assert_null(fovi_alloc(ctx, 6000, 1));
    assert_int_equal(fovi_alloc_error(ctx), FOVEA_E_LIMIT);
    assert_non_null(strstr(fovea_last_error(ctx), "limit"));
    assert_int_equal(fovi_alloc_held(ctx), held);
    fovi_free(ctx, a);
    a = fovi_alloc(ctx, 6000, 1);
    assert_non_null(a);
    fovi_free(ctx, a);
    assert_true(fovea_context_peak_bytes(ctx) <= 10000);
    fovea_context_free(&ctx);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    fovea_context *ctx = make_context(1, 0);
    for (long n = 1; n <= 4; n++) {
        fovi_alloc_fail_nth(ctx, n);
        for (long i = 1; i <= 6; i++) {
            void *p = fovi_alloc(ctx, 10, 10);
            if (i == n) {
                assert_null(p);
                assert_int_equal(fovi_alloc_error(ctx), FOVEA_E_NOMEM);
            } else {
                assert_non_null(p);
            }
            fovi_free(ctx, p);
        }
    }
    fovi_alloc_fail_nth(ctx, 1);
    fovi_alloc_fail_nth(ctx, 0);
    void *p = fovi_alloc(ctx, 1, 1);
    assert_non_null(p);
    fovi_free(ctx, p);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    fovea_context_free(&ctx);
}

struct loop {
    fovea_context *ctx;
    atomic_int *seen;     /* per job */
    atomic_flag *working; /* per worker */
    atomic_int n_collisions;
    atomic_size_t blocks;
    int n_workers;
};

static void count_job(void *arg, int index, int worker)
{
    struct loop *loop = arg;
    if (worker < 0 || worker >= loop->n_workers || atomic_flag_test_and_set(&loop->working[worker])) {
        atomic_fetch_add(&loop->n_collisions, 1);
        return;
    }
    void *block = fovi_alloc(loop->ctx, (size_t)index % 100, 8);
    if (block)
        atomic_fetch_add(&loop->blocks, 1);
    sched_yield();
    fovi_free(loop->ctx, block);
    atomic_fetch_add(&loop->seen[index], 1);
    atomic_flag_clear(&loop->working[worker]);
}

static void run_loop(fovea_context *ctx, int n_jobs, void (*parallel)(fovea_context *, fovi_job *, void *, int))
{
    int n_workers = fovea_context_threads(ctx);
    struct loop loop = { .ctx = ctx, .n_workers = n_workers };
    loop.seen = calloc((size_t)n_jobs + 1, sizeof *loop.seen);
    loop.working = calloc((size_t)n_workers, sizeof *loop.working);
    assert_non_null(loop.seen);
    assert_non_null(loop.working);
    for (int i = 0; i < n_workers; i++)
        atomic_flag_clear(&loop.working[i]);
    parallel(ctx, count_job, &loop, n_jobs);
    for (int i = 0; i < n_jobs; i++)
        assert_int_equal(atomic_load(&loop.seen[i]), 1);
    assert_int_equal(atomic_load(&loop.n_collisions), 0);
    assert_int_equal(atomic_load(&loop.blocks), n_jobs);
    assert_int_equal(fovi_alloc_held(ctx), 0);
    free(loop.seen);
    free(loop.working);
}

/* Every job runs once, no worker number is used by two jobs at one time, and loops follow each other safely. */
static void the_pool_runs_every_job_once(void **state)
{
    (void)state;
    static const int threads[] = { 1, 2, 3, 7 };
    static const int jobs[] = { 0, 1, 2, 5, 64, 3000 };
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        fovea_context *ctx = make_context(threads[t], 0);
        assert_int_equal(fovea_context_threads(ctx), threads[t]);
        for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++)
            run_loop(ctx, jobs[j], j % 2 ? fovi_parallel : fovi_parallel_near);
        for (int round = 0; round < 300; round++)
            run_loop(ctx, 1 + round % 9, round % 5 < 2 ? fovi_parallel : fovi_parallel_near);
        fovea_context_free(&ctx);
    }
}

static void note_worker(void *arg, int index, int worker)
{
    (void)index;
    atomic_fetch_or((atomic_uint *)arg, 1u << worker);
    double end = fovi_clock_ms() + 2.0;
    while (fovi_clock_ms() < end)
        ;
}

/* Jobs that take a while are really shared out: more than one worker takes part. */
static void the_pool_uses_its_threads(void **state)
{
    (void)state;
    struct fovi_pool *pool = NULL;
    assert_int_equal(fovi_pool_create(&pool, 3), FOVEA_OK);
    for (int stays = 0; stays < 2; stays++) {
        atomic_uint workers = 0;
        fovi_pool_run(pool, note_worker, &workers, 60, stays);
        assert_true((workers & (workers - 1)) != 0);
        assert_int_equal(workers & ~7u, 0);
    }
    fovi_pool_free(pool);
    fovi_pool_free(NULL);
}

struct beside {
    struct fovi_pool *pool;
    pthread_t caller;
    atomic_int done[40], inner, shared;
    int is_caller, inner_before;
};

static void count_inner(void *arg, int index, int worker)
{
    struct beside *b = arg;
    (void)index;
    (void)worker;
    atomic_fetch_add(&b->inner, 1);
    if (!pthread_equal(pthread_self(), b->caller))
        atomic_store(&b->shared, 1);
}

static void count_done(void *arg, int index, int worker)
{
    struct beside *b = arg;
    (void)worker;
    atomic_fetch_add(&b->done[index], 1);
}

/* What the caller's thread does meanwhile: a loop of its own, which the others have no time for. */
static void own_work(void *arg)
{
    struct beside *b = arg;
    b->is_caller = pthread_equal(pthread_self(), b->caller);
    fovi_pool_run(b->pool, count_inner, b, 5, 1);
    b->inner_before = atomic_load(&b->inner);
}

static void the_pool_works_beside_its_caller(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 3; n_threads++)
        for (int n_jobs = 1; n_jobs <= 40; n_jobs += 13) { /* without jobs the inner loop would be shared */
            struct beside b = { .caller = pthread_self() };
            assert_int_equal(fovi_pool_create(&b.pool, n_threads), FOVEA_OK);
            fovi_pool_run_beside(b.pool, count_done, &b, n_jobs, own_work, &b);
            assert_true(b.is_caller);
            assert_int_equal(b.inner_before, 5);
            assert_true(n_jobs == 0 || !b.shared); /* beside nothing its loop is one like others */
            for (int i = 0; i < 40; i++)
                assert_int_equal(b.done[i], i < n_jobs);
            fovi_pool_free(b.pool);
        }
}

static void checked_arithmetic_sees_overflow(void **state)
{
    (void)state;
    size_t r = 0;
    assert_true(fovi_mul_size(SIZE_MAX / 2, 2, &r));
    assert_int_equal(r, SIZE_MAX - 1);
    assert_false(fovi_mul_size(SIZE_MAX / 2 + 1, 2, &r));
    assert_true(fovi_add_size(SIZE_MAX - 1, 1, &r));
    assert_int_equal(r, SIZE_MAX);
    assert_false(fovi_add_size(SIZE_MAX, 1, &r));
}

/* splitmix64 from state 1234567; the numbers are those of the authors' program. */
static void random_numbers_are_the_published_ones(void **state)
{
    (void)state;
    static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u };
    struct fovi_rng rng = { 1234567 };
    for (int i = 0; i < 3; i++)
        assert_true(fovi_rng_next(&rng) == want[i]);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double u = fovi_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
        assert_true(fovi_rng_below(&rng, 7) < 7);
        assert_int_equal(fovi_rng_below(&rng, 1), 0);
    }
    assert_true(sum > 4900 && sum < 5100);
}

static void the_clock_goes_forward(void **state)
{
    (void)state;
    double last = fovi_clock_ms(), first = last;
    while (last < first + 3.0) {
        double now = fovi_clock_ms();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_defaults_use_the_machine),
        cmocka_unit_test(context_refuses_bad_thread_counts),
        cmocka_unit_test(cpu_mask_only_takes_away),
        cmocka_unit_test(failures_keep_their_sentence),
        cmocka_unit_test(blocks_are_zero_aligned_and_counted),
        cmocka_unit_test(overflow_is_out_of_memory),
        cmocka_unit_test(ceiling_refuses_and_recovers),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(the_pool_runs_every_job_once),
        cmocka_unit_test(the_pool_uses_its_threads),
        cmocka_unit_test(the_pool_works_beside_its_caller),
        cmocka_unit_test(checked_arithmetic_sees_overflow),
        cmocka_unit_test(random_numbers_are_the_published_ones),
        cmocka_unit_test(the_clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
