/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Processor features by the compiler's own detection (which asks the operating system about wide registers too).
 */
#define _GNU_SOURCE
#include "base/cpu.h"

#include <sched.h>

#include "fovea/common.h"

uint32_t fovi_cpu_detect(void)
{
    uint32_t flags = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags |= FOVEA_CPU_AVX2;
    if (flags && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        flags |= FOVEA_CPU_AVX512;
#elif defined(__aarch64__)
    flags |= FOVEA_CPU_NEON; /* every such processor has it */
#endif
    return flags;
}

int fovi_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > 256 ? 256 : n;
}
