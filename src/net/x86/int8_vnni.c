/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-512 VNNI: 16 or 24 sums of 16 lanes. The compiler would keep a pointer for each position,
 * more than there are registers: the loads are written out, with one for four positions.
 */
#include "net/x86/int8_avx512.h"

#define N_POSITIONS(nv) ((nv) == 4 ? 6 : (nv) == 1 ? 16 : 8)
#define NV_MAX 4

/* dot += four bytes at base + index, for all lanes, times weight. */
#define BROADCAST(quad, base, index) __asm__ volatile("vpbroadcastd (%1,%2), %0" : "=v"(quad) : "r"(base), "r"(index))
#define DOT(sum, quad, weight) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(quad), "v"(weight))

#define dot_quad(np, nv, sum, in, stride, weight, at)                                \
    do {                                                                             \
        const ptrdiff_t index[4] = { 0, (stride), 2 * (stride), 3 * (stride) };      \
        __m512i lanes[NV_MAX];                                                       \
        UNROLL                                                                       \
        for (int k = 0; k < (nv); k++)                                               \
            lanes[k] = _mm512_loadu_si512((weight)[k] + (at));                       \
        UNROLL                                                                       \
        for (int p = 0; p < (np); p++) {                                             \
            __m512i quad;                                                            \
            BROADCAST(quad, (in) + (ptrdiff_t)4 * (stride) * (p / 4), index[p % 4]); \
            UNROLL                                                                   \
            for (int k = 0; k < (nv); k++)                                           \
                DOT(sum[k][p], quad, lanes[k]);                                      \
        }                                                                            \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_vnni = { conv, first_layer, last, add_pixels };
