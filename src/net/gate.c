/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum: the reference, and the choice.
 */
#include "net/gate.h"

#include <math.h>
#include <string.h>

#include "fovea/common.h"

/* sigmoid(o) - 0.5 */
static float sigmoid(float o)
{
    float a = fabsf(o), v = -(a < FOVI_GATE_MOST ? a : FOVI_GATE_MOST);
    float n = fmaf(v, FOVI_GATE_LOG2E, FOVI_GATE_ROUND);
    uint32_t power;
    memcpy(&power, &n, sizeof power);
    power = (power << 23) + (127u << 23);
    n -= FOVI_GATE_ROUND;
    float r = fmaf(n, -FOVI_GATE_LN2_LOW, fmaf(n, -FOVI_GATE_LN2_HIGH, v)), e;
    float p = fmaf(FOVI_GATE_C6, r, FOVI_GATE_C5);
    p = fmaf(p, r, FOVI_GATE_C4);
    p = fmaf(p, r, FOVI_GATE_C3);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    memcpy(&e, &power, sizeof e);
    e *= p;
    return copysignf((1.0f - e) / fmaf(2.0f, e, 2.0f), o);
}

void fovi_gate_f32_c(const float *o, const float *x, float *dst, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        dst[i] = (o[i] + x[i]) * sigmoid(o[i]);
}

fovi_gate *fovi_gate_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return fovi_gate_f32_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return fovi_gate_f32_avx2;
#elif defined(__aarch64__)
    if (cpu & FOVEA_CPU_NEON)
        return fovi_gate_f32_neon;
#endif
    (void)cpu;
    return fovi_gate_f32_c;
}
