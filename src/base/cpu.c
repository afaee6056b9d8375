/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Processor features by the compiler's own detection (which asks the operating system about wide registers too).
 */
#define _GNU_SOURCE
#include "base/cpu.h"

#include <sched.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "fovea/common.h"

#if defined(__x86_64__)
/* Whether there are matrix tiles with bfloat16 and int8, and the system lets this process use them. Linux gives out the
 * tiles' registers, 8 KiB a thread, on request only (arch_prctl; Documentation/arch/x86/xstate.rst). */
static int may_use_tiles(void)
{
    const unsigned tile_bits = 1u << 25 | 1u << 24 | 1u << 22; /* AMX-INT8, AMX-TILE, AMX-BF16 */
    unsigned a, b, c, d, request = 0x1023, tile_data = 18;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tile_bits) != tile_bits)
        return 0;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & 1u << 5)) /* AVX512-BF16 */
        return 0;
#if defined(__linux__)
    return syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
    (void)request;
    (void)tile_data;
    return 0;
#endif
}
#endif

#if defined(__x86_64__)
static int has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}
#endif

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
    if ((flags & FOVEA_CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
        flags |= FOVEA_CPU_VNNI;
    if (flags && has_avx_vnni())
        flags |= FOVEA_CPU_AVX_VNNI;
    if ((flags & FOVEA_CPU_AVX512) && may_use_tiles())
        flags |= FOVEA_CPU_AMX;
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
