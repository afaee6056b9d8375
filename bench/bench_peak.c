/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The largest rates of multiply-adds that one core reaches, for each number format and instruction set that this
 * processor has: independent chains in registers, best of some. Prints one JSON object, billions of operations in a
 * second (two for a multiply-add).
 */
#define _GNU_SOURCE
#include <stdio.h>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REPEATS 7
#define ROUNDS 400000L

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Twelve chains of a vector instruction in three-operand form: acc += x * y. */
#define CHAINS_12(op, r)                                                                                               \
    op " %%" r "13, %%" r "12, %%" r "0\n\t" op " %%" r "13, %%" r "12, %%" r "1\n\t" op " %%" r "13, %%" r "12, %%" r \
       "2\n\t" op " %%" r "13, %%" r "12, %%" r "3\n\t" op " %%" r "13, %%" r "12, %%" r "4\n\t" op " %%" r "13, %%" r \
       "12, %%" r "5\n\t" op " %%" r "13, %%" r "12, %%" r "6\n\t" op " %%" r "13, %%" r "12, %%" r "7\n\t" op " %%" r \
       "13, %%" r "12, %%" r "8\n\t" op " %%" r "13, %%" r "12, %%" r "9\n\t" op " %%" r "13, %%" r "12, %%" r         \
       "10\n\t" op " %%" r "13, %%" r "12, %%" r "11\n\t"
#define REGISTERS \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"
#define ZERO(r) "vpxor %%" r ", %%" r ", %%" r "\n\t"
#define VECTOR_LOOP(name, isa, op, reg)                                                                             \
    __attribute__((target(isa))) static void name(void)                                                             \
    {                                                                                                               \
        __asm__ volatile(ZERO("xmm0") ZERO("xmm1") ZERO("xmm2") ZERO("xmm3") ZERO("xmm4") ZERO("xmm5") ZERO("xmm6") \
                             ZERO("xmm7") ZERO("xmm8") ZERO("xmm9") ZERO("xmm10") ZERO("xmm11") ZERO("xmm12")       \
                                 ZERO("xmm13")::                                                                    \
                                     : REGISTERS);                                                                  \
        for (long i = 0; i < ROUNDS; i++)                                                                           \
            __asm__ volatile(CHAINS_12(op, reg)::: REGISTERS);                                                      \
    }

VECTOR_LOOP(fma_avx2, "avx2,fma", "vfmadd231ps", "ymm")
VECTOR_LOOP(fma_avx512, "avx512f", "vfmadd231ps", "zmm")
VECTOR_LOOP(dot_bf16, "avx512f,avx512bf16", "vdpbf16ps", "zmm")
VECTOR_LOOP(dot_int8, "avx512f,avx512vnni", "vpdpbusd", "zmm")

/* Tiles are all 16 rows of 64 bytes. */
__attribute__((target("amx-tile"))) static void set_tiles(void)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
}

__attribute__((target("amx-tile,amx-bf16"))) static void tiles_bf16(void)
{
    set_tiles();
    for (long i = 0; i < ROUNDS / 16; i++)
        __asm__ volatile("tdpbf16ps %tmm5, %tmm4, %tmm0\n\ttdpbf16ps %tmm5, %tmm4, %tmm1\n\t"
                         "tdpbf16ps %tmm5, %tmm4, %tmm2\n\ttdpbf16ps %tmm5, %tmm4, %tmm3\n\t");
    _tile_release();
}

__attribute__((target("amx-tile,amx-int8"))) static void tiles_int8(void)
{
    set_tiles();
    for (long i = 0; i < ROUNDS / 16; i++)
        __asm__ volatile("tdpbusd %tmm5, %tmm4, %tmm0\n\ttdpbusd %tmm5, %tmm4, %tmm1\n\t"
                         "tdpbusd %tmm5, %tmm4, %tmm2\n\ttdpbusd %tmm5, %tmm4, %tmm3\n\t");
    _tile_release();
}

/* Linux gives the tiles' registers to a process that asks for them. */
static int may_use_tiles(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static void measure(const char *name, int has, void (*loop)(void), double operations)
{
    static const char *separator = "{";
    double best = 0.0;
    if (!has)
        return;
    for (int r = 0; r < REPEATS; r++) {
        double start = cpu_s();
        loop();
        double rate = operations / 1e9 / (cpu_s() - start);
        best = rate > best ? rate : best;
    }
    printf("%s\"%s\": %.1f", separator, name, best);
    separator = ", ";
}

/* Features by cpuid: leaf 7, edx of subleaf 0 and eax of subleaf 1; compilers differ in the names they know. */
static void features(unsigned *edx, unsigned *eax_1)
{
    unsigned a = 7, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *edx = d;
    a = 7;
    c = 1;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *eax_1 = a;
}

int main(void)
{
    const double vectors = 2.0 * 12 * (double)ROUNDS, tiles = 2.0 * 4 * (double)(ROUNDS / 16) * 16 * 16;
    __builtin_cpu_init();
    unsigned edx, eax_1;
    features(&edx, &eax_1);
    int has_avx512 = __builtin_cpu_supports("avx512f");
    int has_tiles = (edx >> 24 & 1) && may_use_tiles();
    measure("f32 AVX2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), fma_avx2, vectors * 8);
    measure("f32 AVX-512", has_avx512, fma_avx512, vectors * 16);
    measure("bf16 AVX-512", has_avx512 && (eax_1 >> 5 & 1), dot_bf16, vectors * 32);
    measure("int8 AVX-512", has_avx512 && __builtin_cpu_supports("avx512vnni"), dot_int8, vectors * 64);
    measure("bf16 AMX", has_tiles && (edx >> 22 & 1), tiles_bf16, tiles * 32);
    measure("int8 AMX", has_tiles && (edx >> 25 & 1), tiles_int8, tiles * 64);
    printf("%s\n", __builtin_cpu_supports("avx2") ? "}" : "{}");
    return 0;
}
#else
int main(void)
{
    puts("{}");
    return 0;
}
#endif
