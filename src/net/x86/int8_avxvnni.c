/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-VNNI, for processors that have dot products but no AVX-512: 8 sums of 8 lanes.
 */
#include "net/x86/int8_ymm.h"

#define N_POSITIONS(nv) (8 / (nv))
#define NV_MAX 2
#define dot_quad(np, nv, sum, in, stride, weight, at)                           \
    do {                                                                        \
        __m256i lanes[NV_MAX];                                                  \
        UNROLL                                                                  \
        for (int k = 0; k < (nv); k++)                                          \
            lanes[k] = vi_load((weight)[k] + (at));                             \
        UNROLL                                                                  \
        for (int p = 0; p < (np); p++) {                                        \
            int32_t four;                                                       \
            __builtin_memcpy(&four, (in) + p * (stride), sizeof four);          \
            __m256i quad = _mm256_set1_epi32(four);                             \
            UNROLL                                                              \
            for (int k = 0; k < (nv); k++)                                      \
                sum[k][p] = _mm256_dpbusd_avx_epi32(sum[k][p], quad, lanes[k]); \
        }                                                                       \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_avxvnni = { conv, first_layer, last, add_pixels };
