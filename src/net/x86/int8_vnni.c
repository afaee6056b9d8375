/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-512 VNNI: 16 sums of 16 lanes. The compiler would keep a pointer for each position, more
 * than there are registers: the loads are written out, with one for four positions.
 */
#include "net/x86/int8_avx512.h"

#define NP 16

/* dot += four bytes at base + index, for all lanes, times weight. */
#define BROADCAST(quad, base, index) __asm__ volatile("vpbroadcastd (%1,%2), %0" : "=v"(quad) : "r"(base), "r"(index))
#define DOT(sum, quad, weight) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(quad), "v"(weight))

#define dot_quad(np, nv, sum, in, stride, first, other)                              \
    do {                                                                             \
        __m512i lanes = _mm512_loadu_si512(first), more = lanes;                     \
        const ptrdiff_t index[4] = { 0, (stride), 2 * (stride), 3 * (stride) };      \
        if ((nv) > 1)                                                                \
            more = _mm512_loadu_si512(other);                                        \
        UNROLL                                                                       \
        for (int p = 0; p < (np); p++) {                                             \
            __m512i quad;                                                            \
            BROADCAST(quad, (in) + (ptrdiff_t)4 * (stride) * (p / 4), index[p % 4]); \
            DOT(sum[0][p], quad, lanes);                                             \
            if ((nv) > 1)                                                            \
                DOT(sum[1][p], quad, more);                                          \
        }                                                                            \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_vnni = { conv, first_layer, last, add_pixels };
