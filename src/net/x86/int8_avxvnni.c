/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-VNNI, for processors that have dot products but no AVX-512: 8 sums of 8 lanes.
 */
#include "net/x86/int8_ymm.h"

#define NP 8
#define dot_quad(np, nv, sum, in, stride, first, other)                     \
    do {                                                                    \
        __m256i lanes = vi_load(first), more = lanes;                       \
        if ((nv) > 1)                                                       \
            more = vi_load(other);                                          \
        UNROLL                                                              \
        for (int p = 0; p < (np); p++) {                                    \
            int32_t four;                                                   \
            __builtin_memcpy(&four, (in) + p * (stride), sizeof four);      \
            __m256i quad = _mm256_set1_epi32(four);                         \
            sum[0][p] = _mm256_dpbusd_avx_epi32(sum[0][p], quad, lanes);    \
            if ((nv) > 1)                                                   \
                sum[1][p] = _mm256_dpbusd_avx_epi32(sum[1][p], quad, more); \
        }                                                                   \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_avxvnni = { conv, first_layer, last, add_pixels };
