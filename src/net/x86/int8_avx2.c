/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX2: 8 sums of 8 lanes. The bytes are widened, the even and the odd ones apart, and multiplied
 * by pmaddwd: pmaddubsw would saturate.
 */
#include "net/x86/int8_ymm.h"

#define EVEN(bytes) _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8)
#define ODD(bytes) _mm256_srai_epi16(bytes, 8)

#define N_POSITIONS(nv) (8 / (nv))
#define NV_MAX 2
#define dot_quad(np, nv, sum, in, stride, weight, at)                                                     \
    do {                                                                                                  \
        __m256i even[NV_MAX], odd[NV_MAX];                                                                \
        UNROLL                                                                                            \
        for (int k = 0; k < (nv); k++) {                                                                  \
            even[k] = EVEN(vi_load((weight)[k] + (at)));                                                  \
            odd[k] = ODD(vi_load((weight)[k] + (at)));                                                    \
        }                                                                                                 \
        UNROLL                                                                                            \
        for (int p = 0; p < (np); p++) {                                                                  \
            int32_t four;                                                                                 \
            __builtin_memcpy(&four, (in) + p * (stride), sizeof four);                                    \
            __m256i quad = _mm256_set1_epi32(four), low = _mm256_and_si256(quad, _mm256_set1_epi16(255)); \
            __m256i high = _mm256_srli_epi16(quad, 8);                                                    \
            UNROLL                                                                                        \
            for (int k = 0; k < (nv); k++) {                                                              \
                sum[k][p] = _mm256_add_epi32(sum[k][p], _mm256_madd_epi16(low, even[k]));                 \
                sum[k][p] = _mm256_add_epi32(sum[k][p], _mm256_madd_epi16(high, odd[k]));                 \
            }                                                                                             \
        }                                                                                                 \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_avx2 = { conv, first_layer, last, add_pixels };
