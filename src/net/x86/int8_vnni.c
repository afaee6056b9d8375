/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-512 VNNI: 16 lanes, 16 positions at once.
 */
#include "net/x86/int8_avx512.h"

#define NP 16
#define dot_quad(n, sum, in, stride, weight)                                                          \
    do {                                                                                              \
        __m512i lanes = _mm512_loadu_si512(weight);                                                   \
        UNROLL                                                                                        \
        for (int p = 0; p < (n); p++) {                                                               \
            int32_t quad;                                                                             \
            __builtin_memcpy(&quad, (in) + p * (stride), sizeof quad);                                \
            __asm__("vpdpbusd %2, %1, %0" : "+v"(sum[p]) : "v"(_mm512_set1_epi32(quad)), "v"(lanes)); \
        }                                                                                             \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_vnni = { conv, first_layer, last, add_pixels };
