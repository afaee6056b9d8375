/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tile registers of AMX: 8 of 16 rows of 64 bytes.
 */
#ifndef FOVI_NET_X86_AMX_H
#define FOVI_NET_X86_AMX_H

#include <stdint.h>

#define TILE_LOAD(t, p, stride) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(p), "r"((long)(stride)) : "memory")
#define TILE_STORE(t, p) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(p), "r"(64L) : "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t : : : "memory")

/* sum += in x weight: pairs of bfloat16, or fours of u8 and s8. */
#define TILE_DOT_BF16(sum, in, weight) \
    __asm__ volatile("tdpbf16ps %%tmm" #weight ", %%tmm" #in ", %%tmm" #sum : : : "memory")
#define TILE_DOT_INT8(sum, in, weight) \
    __asm__ volatile("tdpbusd %%tmm" #weight ", %%tmm" #in ", %%tmm" #sum : : : "memory")

/* All tiles have 16 rows of 64 bytes. */
static inline __attribute__((always_inline)) void tiles_configure(void)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = { 1, 0, { 0 }, { 64, 64, 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16, 16, 16 } };
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

static inline __attribute__((always_inline)) void tiles_release(void)
{
    __asm__ volatile("tilerelease" : : : "memory");
}

#endif
