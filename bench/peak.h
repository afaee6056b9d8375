/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The largest rates of this processor's multiply-adds, measured: GFLOPS of one core, two operations for each, with
 * independent chains that need no memory. Best of some tries.
 */
#ifndef FOVEA_BENCH_PEAK_H
#define FOVEA_BENCH_PEAK_H

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "fovea/common.h"

enum peak_kind { PEAK_AVX2, PEAK_AVX512, PEAK_AMX_BF16 };

#if defined(__x86_64__)
#define PEAK_CHAINS(op, r)                                                                                          \
    op "%%" r "14, %%" r "15, %%" r "0\n\t" op "%%" r "14, %%" r "15, %%" r "1\n\t" op "%%" r "14, %%" r "15, %%" r \
       "2\n\t" op "%%" r "14, %%" r "15, %%" r "3\n\t" op "%%" r "14, %%" r "15, %%" r "4\n\t" op "%%" r "14, %%" r \
       "15, %%" r "5\n\t" op "%%" r "14, %%" r "15, %%" r "6\n\t" op "%%" r "14, %%" r "15, %%" r "7\n\t" op "%%" r \
       "14, %%" r "15, %%" r "8\n\t" op "%%" r "14, %%" r "15, %%" r "9\n\t" op "%%" r "14, %%" r "15, %%" r        \
       "10\n\t" op "%%" r "14, %%" r "15, %%" r "11\n\t"
#define PEAK_USED \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"

/* n rounds of instructions; returns the operations done. */
static inline double peak_run(enum peak_kind kind, long n)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = { 1, 0, { 0 }, { 64, 64, 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16, 16, 16 } };
    switch (kind) {
    case PEAK_AVX2:
        __asm__ volatile("vxorps %%ymm14, %%ymm14, %%ymm14\n\tvxorps %%ymm15, %%ymm15, %%ymm15" : : : PEAK_USED);
        for (long i = 0; i < n; i++)
            __asm__ volatile(PEAK_CHAINS("vfmadd231ps ", "ymm") : : : PEAK_USED);
        return 12.0 * 8 * 2 * (double)n;
    case PEAK_AVX512:
        __asm__ volatile("vxorps %%ymm14, %%ymm14, %%ymm14\n\tvxorps %%ymm15, %%ymm15, %%ymm15" : : : PEAK_USED);
        for (long i = 0; i < n; i++)
            __asm__ volatile(PEAK_CHAINS("vfmadd231ps ", "zmm") : : : PEAK_USED);
        return 12.0 * 16 * 2 * (double)n;
    default:
        __asm__ volatile("ldtilecfg %0" : : "m"(config));
        for (long i = 0; i < n; i++)
            __asm__ volatile("tdpbf16ps %%tmm7, %%tmm6, %%tmm0\n\ttdpbf16ps %%tmm7, %%tmm6, %%tmm1\n\t"
                             "tdpbf16ps %%tmm7, %%tmm6, %%tmm2\n\ttdpbf16ps %%tmm7, %%tmm6, %%tmm3" ::);
        __asm__ volatile("tilerelease" ::);
        return 4.0 * 16 * 16 * 32 * 2 * (double)n;
    }
}

static inline int peak_is_there(enum peak_kind kind, uint32_t cpu)
{
    static const uint32_t needed[] = { FOVEA_CPU_AVX2, FOVEA_CPU_AVX512, FOVEA_CPU_AMX };
    return (cpu & needed[kind]) != 0;
}
#else
static inline double peak_run(enum peak_kind kind, long n)
{
    (void)kind;
    (void)n;
    return 0.0;
}

static inline int peak_is_there(enum peak_kind kind, uint32_t cpu)
{
    (void)kind;
    (void)cpu;
    return 0;
}
#endif

/* 0 where the context may not use these instructions. */
static inline double peak_gflops(enum peak_kind kind, uint32_t cpu)
{
    double best = 0.0;
    for (int r = 0; r < 9 && peak_is_there(kind, cpu); r++) {
        double start = (double)clock(), done = peak_run(kind, kind == PEAK_AMX_BF16 ? 300000 : 3000000);
        double rate = done / (((double)clock() - start) * 1e9 / CLOCKS_PER_SEC);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Of floats, with the widest vectors allowed; of bfloat16. */
static inline double peak_f32(uint32_t cpu)
{
    double wide = peak_gflops(PEAK_AVX512, cpu);
    return wide > 0.0 ? wide : peak_gflops(PEAK_AVX2, cpu);
}

static inline double peak_bf16(uint32_t cpu)
{
    return peak_gflops(PEAK_AMX_BF16, cpu);
}

#endif
