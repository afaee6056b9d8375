/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every other header needs: error codes, the context, progress and cancelling.
 *
 * Conventions of the whole library:
 *  - Functions that can fail return FOVEA_OK (0) or a negative enum fovea_error; the sentence that explains the last
 *    failure is kept in the context (fovea_last_error).
 *  - The library never prints, exits or aborts.
 *  - A params struct begins with `api`; start from its FOVEA_*_DEFAULTS macro or its _init function.
 *    NULL in place of params means all defaults.
 *  - Destroyers take the address of the handle, set it to NULL, and accept a handle that is already NULL.
 *  - Strings returned are owned by the library unless the function says otherwise.
 */
#ifndef FOVEA_COMMON_H
#define FOVEA_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FOVEA_API __attribute__((visibility("default")))
#else
#define FOVEA_API
#endif

/* Number of the programming interface; params structs carry it so that older callers keep working. */
#define FOVEA_API_VERSION 1

/* Why a call failed. */
enum fovea_error {
    FOVEA_OK = 0,
    FOVEA_E_ARG = -1,         /* caller's fault: a value out of its documented range */
    FOVEA_E_UNSUPPORTED = -2, /* valid, but not something this build or this model can do */
    FOVEA_E_NOMEM = -3,       /* the system has no more memory */
    FOVEA_E_LIMIT = -4,       /* a limit that the caller set, or a built-in safety limit, was exceeded */
    FOVEA_E_READ = -5,        /* a source could not deliver (missing, unreadable, truncated) */
    FOVEA_E_FORMAT = -6,      /* data were read but make no sense (corrupt picture or model) */
    FOVEA_E_WRITE = -7,       /* a sink could not take the result */
    FOVEA_E_CANCELLED = -8,   /* the progress callback asked to stop */
    FOVEA_E_CHECK = -9,       /* a check of the result failed where that was declared fatal */
    FOVEA_E_INTERNAL = -10    /* the system refused something basic, such as a thread */
};

/* Instruction sets, bits of fovea_context_params.cpu_mask. No bit at all = portable C. */
#define FOVEA_CPU_AVX2 1u       /* AVX2 and FMA */
#define FOVEA_CPU_AVX512 2u     /* AVX-512 F, BW, DQ, VL (implies AVX2) */
#define FOVEA_CPU_AMX 4u        /* AMX tiles for bfloat16 and int8, AVX-512 with bfloat16 (implies AVX-512) */
#define FOVEA_CPU_VNNI 8u       /* AVX-512 VNNI (implies AVX-512) */
#define FOVEA_CPU_AVX_VNNI 16u  /* AVX-VNNI (implies AVX2) */
#define FOVEA_CPU_NEON 0x10000u /* NEON of 64-bit ARM, with its fused multiply-add */
#define FOVEA_CPU_ALL (~0u)

/* A context owns a thread pool, the memory account and the last error. Thread safety: one run at a time per context;
 * different contexts are independent. */
typedef struct fovea_context fovea_context;

struct fovea_context_params {
    unsigned api;        /* FOVEA_API_VERSION */
    int n_threads;       /* 1..256; 0 (default) = as many as the cores this process may use */
    uint32_t cpu_mask;   /* instruction sets allowed, FOVEA_CPU_* bits; default FOVEA_CPU_ALL */
    size_t memory_bytes; /* ceiling for all memory of this context, in bytes; 0 (default) = none */
};
#define FOVEA_CONTEXT_DEFAULTS                 \
    {                                          \
        FOVEA_API_VERSION, 0, FOVEA_CPU_ALL, 0 \
    }

/* Make a context. params: NULL = defaults. On failure *out is NULL and the code says why (FOVEA_E_ARG,
 * FOVEA_E_NOMEM, FOVEA_E_INTERNAL when a thread could not be started). Free with fovea_context_free. */
FOVEA_API int fovea_context_create(fovea_context **out, const struct fovea_context_params *params);
FOVEA_API void fovea_context_free(fovea_context **ctx);

/* The sentence that explains the last failure of a call with this context; "" if there was none. Valid until the next
 * failing call with the same context. */
FOVEA_API const char *fovea_last_error(const fovea_context *ctx);

/* A short English name of an error code, e.g. "out of memory". Never NULL. */
FOVEA_API const char *fovea_error_name(int code);

/* Number of threads of the context, and the instruction sets in use (FOVEA_CPU_* bits: what the machine has, and the
 * mask allows). */
FOVEA_API int fovea_context_threads(const fovea_context *ctx);
FOVEA_API uint32_t fovea_context_cpu(const fovea_context *ctx);

/* Most memory that this context held at one time so far, in bytes. */
FOVEA_API size_t fovea_context_peak_bytes(const fovea_context *ctx);

/* Called now and then during long work, always from the thread that started it. done: 0..1.
 * Return nonzero to cancel: the work then ends with FOVEA_E_CANCELLED. */
struct fovea_progress {
    int (*report)(void *user, double done);
    void *user;
};

#ifdef __cplusplus
}
#endif
#endif
