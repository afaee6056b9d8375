/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum with NEON.
 */
#include <arm_neon.h>

#include "net/gate_dsp.h"

static inline float32x4_t sigmoid(float32x4_t o)
{
    const float32x4_t one = vdupq_n_f32(1.0f), two = vdupq_n_f32(2.0f), round = vdupq_n_f32(FOVI_GATE_ROUND);
    const uint32x4_t sign = vdupq_n_u32(0x80000000u);
    float32x4_t v = vnegq_f32(vminnmq_f32(vabsq_f32(o), vdupq_n_f32(FOVI_GATE_MOST)));
    float32x4_t n = vfmaq_f32(round, v, vdupq_n_f32(FOVI_GATE_LOG2E));
    uint32x4_t power = vaddq_u32(vshlq_n_u32(vreinterpretq_u32_f32(n), 23), vdupq_n_u32(127u << 23));
    n = vsubq_f32(n, round);
    float32x4_t r = vfmaq_f32(v, n, vdupq_n_f32(-FOVI_GATE_LN2_HIGH));
    r = vfmaq_f32(r, n, vdupq_n_f32(-FOVI_GATE_LN2_LOW));
    float32x4_t p = vfmaq_f32(vdupq_n_f32(FOVI_GATE_C5), vdupq_n_f32(FOVI_GATE_C6), r);
    p = vfmaq_f32(vdupq_n_f32(FOVI_GATE_C4), p, r);
    p = vfmaq_f32(vdupq_n_f32(FOVI_GATE_C3), p, r);
    p = vfmaq_f32(vdupq_n_f32(0.5f), p, r);
    p = vfmaq_f32(one, p, r);
    p = vfmaq_f32(one, p, r);
    float32x4_t e = vmulq_f32(vreinterpretq_f32_u32(power), p);
    float32x4_t g = vdivq_f32(vsubq_f32(one, e), vfmaq_f32(two, two, e));
    return vbslq_f32(sign, o, g);
}

static inline float32x4_t gate(float32x4_t o, float32x4_t x)
{
    return vmulq_f32(vaddq_f32(o, x), sigmoid(o));
}

void fovi_gate_f32_neon(const float *o, const float *x, float *dst, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(dst + i, gate(vld1q_f32(o + i), vld1q_f32(x + i)));
    for (; i < n; i++)
        vst1q_lane_f32(dst + i, gate(vld1q_dup_f32(o + i), vld1q_dup_f32(x + i)), 0);
}
