/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AVX2: 8 lanes, 4 positions at once. The bytes are widened, the even and the odd ones apart, and
 * multiplied by pmaddwd: pmaddubsw would saturate.
 */
#include "net/x86/int8_ymm.h"

#define NP 4
#define dot_quad(n, sum, in, stride, weight)                                                                   \
    do {                                                                                                       \
        __m256i lanes = vi_load(weight), odd = _mm256_srai_epi16(lanes, 8);                                    \
        __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(lanes, 8), 8);                                      \
        UNROLL                                                                                                 \
        for (int p = 0; p < (n); p++) {                                                                        \
            int32_t quad;                                                                                      \
            __builtin_memcpy(&quad, (in) + p * (stride), sizeof quad);                                         \
            __m256i bytes = _mm256_set1_epi32(quad);                                                           \
            __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi16(255)), high = _mm256_srli_epi16(bytes, 8); \
            sum[p] = _mm256_add_epi32(sum[p], _mm256_madd_epi16(low, even));                                   \
            sum[p] = _mm256_add_epi32(sum[p], _mm256_madd_epi16(high, odd));                                   \
        }                                                                                                      \
    } while (0)

#include "net/x86/int8_template.h"

const struct fovi_int8_dsp fovi_int8_dsp_avx2 = { conv, first_layer, last, add_pixels };
