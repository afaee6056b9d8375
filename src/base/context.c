/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The context: last error, memory account with a ceiling and a failure hook, creation and end.
 */
#include "base/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/pool.h"

struct fovea_context {
    char error[512];
    uint32_t cpu;
    struct fovi_pool *pool;
    pthread_mutex_t memory_lock; /* guards the fields below */
    size_t ceiling_bytes, held_bytes, peak_bytes;
    long fail_countdown;
    int alloc_error;
};

/* Stands before each block; 64 bytes keep the alignment. */
struct block_header {
    size_t bytes;
    void *base; /* what calloc gave */
    char pad[64 - sizeof(size_t) - sizeof(void *)];
};

int fovi_fail(fovea_context *ctx, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ctx->error, sizeof ctx->error, format, args);
    va_end(args);
    return code;
}

/* Reserve bytes in the account; 0, or the error code that forbids it. */
static int account_take(fovea_context *ctx, size_t bytes)
{
    int code = FOVEA_OK;
    pthread_mutex_lock(&ctx->memory_lock);
    if (ctx->fail_countdown > 0 && --ctx->fail_countdown == 0) {
        code = FOVEA_E_NOMEM;
    } else if (ctx->ceiling_bytes && bytes > ctx->ceiling_bytes - ctx->held_bytes) {
        code = FOVEA_E_LIMIT;
    } else {
        ctx->held_bytes += bytes;
        if (ctx->held_bytes > ctx->peak_bytes)
            ctx->peak_bytes = ctx->held_bytes;
    }
    if (code)
        ctx->alloc_error = code;
    pthread_mutex_unlock(&ctx->memory_lock);
    return code;
}

static void account_return(fovea_context *ctx, size_t bytes)
{
    pthread_mutex_lock(&ctx->memory_lock);
    ctx->held_bytes -= bytes;
    pthread_mutex_unlock(&ctx->memory_lock);
}

void *fovi_alloc(fovea_context *ctx, size_t n, size_t size)
{
    size_t bytes, total;
    if (!fovi_mul_size(n, size, &bytes) || !fovi_add_size(bytes, sizeof(struct block_header) + 2 * 63, &total)) {
        ctx->alloc_error = FOVEA_E_NOMEM;
        fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory: %zu items of %zu bytes overflow", n, size);
        return NULL;
    }
    total = (total - 63) & ~(size_t)63;
    int code = account_take(ctx, total);
    /* calloc, since it leaves large blocks out of memory until they are touched. */
    char *base = code ? NULL : calloc(1, total + 63);
    if (!base) {
        if (!code) {
            account_return(ctx, total);
            ctx->alloc_error = code = FOVEA_E_NOMEM;
        }
        fovi_fail(ctx, code,
                  code == FOVEA_E_LIMIT ? "%zu more bytes are over the memory limit" : "out of memory: %zu bytes",
                  total);
        return NULL;
    }
    struct block_header *block = (struct block_header *)(void *)(base + (-(uintptr_t)base & 63));
    block->bytes = total;
    block->base = base;
    return block + 1;
}

void fovi_free(fovea_context *ctx, void *p)
{
    if (!p)
        return;
    struct block_header *block = (struct block_header *)p - 1;
    account_return(ctx, block->bytes);
    free(block->base);
}

int fovi_alloc_error(const fovea_context *ctx)
{
    return ctx->alloc_error ? ctx->alloc_error : FOVEA_E_NOMEM;
}

void fovi_alloc_fail_nth(fovea_context *ctx, long n)
{
    ctx->fail_countdown = n;
}

size_t fovi_alloc_held(const fovea_context *ctx)
{
    return ctx->held_bytes;
}

void fovi_parallel(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs)
{
    fovi_pool_run(ctx->pool, job, arg, n_jobs, 0);
}

void fovi_parallel_near(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs)
{
    fovi_pool_run(ctx->pool, job, arg, n_jobs, 1);
}

void fovi_parallel_beside(fovea_context *ctx, fovi_job *job, void *arg, int n_jobs, void (*own)(void *own_arg),
                          void *own_arg)
{
    fovi_pool_run_beside(ctx->pool, job, arg, n_jobs, own, own_arg);
}

int fovea_context_create(fovea_context **out, const struct fovea_context_params *params)
{
    static const struct fovea_context_params defaults = FOVEA_CONTEXT_DEFAULTS;
    const struct fovea_context_params *p = params ? params : &defaults;
    *out = NULL;
    if (p->n_threads < 0 || p->n_threads > 256)
        return FOVEA_E_ARG;
    fovea_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return FOVEA_E_NOMEM;
    pthread_mutex_init(&ctx->memory_lock, NULL);
    ctx->cpu = fovi_cpu_detect() & p->cpu_mask;
    if (!(ctx->cpu & FOVEA_CPU_AVX2))
        ctx->cpu &= FOVEA_CPU_NEON;
    if (!(ctx->cpu & FOVEA_CPU_AVX512))
        ctx->cpu &= ~(FOVEA_CPU_AMX | FOVEA_CPU_VNNI);
    ctx->ceiling_bytes = p->memory_bytes;
    int code = fovi_pool_create(&ctx->pool, p->n_threads ? p->n_threads : fovi_cpu_count());
    if (code)
        fovea_context_free(&ctx);
    *out = ctx;
    return code;
}

void fovea_context_free(fovea_context **ctx)
{
    if (!ctx || !*ctx)
        return;
    fovi_pool_free((*ctx)->pool);
    pthread_mutex_destroy(&(*ctx)->memory_lock);
    free(*ctx);
    *ctx = NULL;
}

const char *fovea_last_error(const fovea_context *ctx)
{
    return ctx ? ctx->error : "";
}

const char *fovea_error_name(int code)
{
    switch (code) {
    case FOVEA_OK: return "no error";
    case FOVEA_E_ARG: return "invalid argument";
    case FOVEA_E_UNSUPPORTED: return "unsupported";
    case FOVEA_E_NOMEM: return "out of memory";
    case FOVEA_E_LIMIT: return "limit exceeded";
    case FOVEA_E_READ: return "cannot read";
    case FOVEA_E_FORMAT: return "invalid data";
    case FOVEA_E_WRITE: return "cannot write";
    case FOVEA_E_CANCELLED: return "cancelled";
    case FOVEA_E_CHECK: return "a check failed";
    case FOVEA_E_INTERNAL: return "internal failure";
    default: return "unknown error";
    }
}

int fovea_context_threads(const fovea_context *ctx)
{
    return fovi_pool_threads(ctx->pool);
}

uint32_t fovea_context_cpu(const fovea_context *ctx)
{
    return ctx->cpu;
}

size_t fovea_context_peak_bytes(const fovea_context *ctx)
{
    return ctx->peak_bytes;
}
