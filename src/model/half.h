/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IEEE 754 half precision by integer arithmetic: the same bits on every machine, payloads of NaN kept.
 */
#ifndef FOVI_MODEL_HALF_H
#define FOVI_MODEL_HALF_H

#include <stdint.h>
#include <string.h>

static inline float fovi_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31u, fraction = h & 0x3ffu, bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | fraction << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        float subnormal = (float)fraction * 0x1p-24f; /* exact */
        memcpy(&bits, &subnormal, sizeof bits);
        bits |= sign;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Rounded to nearest, ties to even; beyond the largest half: infinity. */
static inline uint16_t fovi_half_from_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        uint32_t payload = magnitude >> 13 & 0x3ffu;
        return (uint16_t)(sign | 0x7c00u | (payload ? payload : 0x200u));
    }
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) { /* normal */
        uint32_t rebased = magnitude - (112u << 23);
        return (uint16_t)(sign | (rebased + 0xfffu + (rebased >> 13 & 1u)) >> 13);
    }
    if (magnitude < 0x33000000u) /* at most half of the smallest subnormal */
        return (uint16_t)sign;
    uint32_t shift = 126u - (magnitude >> 23), fraction = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t rest = fraction & ((1u << shift) - 1u), half = 1u << (shift - 1u), result = fraction >> shift;
    result += rest > half || (rest == half && (result & 1u));
    return (uint16_t)(sign | result);
}

#endif
