/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX-VNNI, for processors that have dot products but no AVX-512: 8 lanes, 8 positions at once.
 */
#include "net/x86/int8_ymm.h"

#define NP 8
#define dot_quad(n, sum, in, stride, weight)                                          \
    do {                                                                              \
        __m256i lanes = vi_load(weight);                                              \
        UNROLL                                                                        \
        for (int p = 0; p < (n); p++) {                                               \
            int32_t quad;                                                             \
            __builtin_memcpy(&quad, (in) + p * (stride), sizeof quad);                \
            sum[p] = _mm256_dpbusd_avx_epi32(sum[p], _mm256_set1_epi32(quad), lanes); \
        }                                                                             \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_avxvnni = { conv, first_layer, last, add_pixels };
