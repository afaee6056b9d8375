/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum (o + x) * (sigmoid(o) - 0.5), and how its sigmoid is computed: the same operations in the same order on
 * every machine, so that all kernels give the same bytes.
 *
 * sigmoid(o) - 0.5 = sign(o) * (1 - e) / (2 + 2 e), e = exp(-|o|). exp(v) = 2^n * p(r), n = v / ln 2 rounded, r = v -
 * n ln 2 in two steps, p the Taylor polynomial of degree 6, whose error at |r| <= ln 2 / 2 is 1e-7. |o| is cut off at
 * 64, where e no longer counts.
 */
#ifndef FOVI_NET_GATE_DSP_H
#define FOVI_NET_GATE_DSP_H

#include <stddef.h>

#define FOVI_GATE_MOST 64.0f
#define FOVI_GATE_LOG2E 1.44269504f
#define FOVI_GATE_ROUND 12582912.0f /* 1.5 * 2^23: added, it leaves an integer in the low bits */
#define FOVI_GATE_LN2_HIGH 0.693359375f
#define FOVI_GATE_LN2_LOW -2.12194440e-4f
#define FOVI_GATE_C6 (1.0f / 720.0f)
#define FOVI_GATE_C5 (1.0f / 120.0f)
#define FOVI_GATE_C4 (1.0f / 24.0f)
#define FOVI_GATE_C3 (1.0f / 6.0f)

/* dst[i] = (o[i] + x[i]) * (sigmoid(o[i]) - 0.5) for n floats; dst may be o or x. */
typedef void fovi_gate(const float *o, const float *x, float *dst, ptrdiff_t n);

fovi_gate fovi_gate_f32_c;
fovi_gate fovi_gate_f32_avx2;
fovi_gate fovi_gate_f32_avx512;
fovi_gate fovi_gate_f32_neon;

#endif
