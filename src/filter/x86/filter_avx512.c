/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for AVX-512: classes by masks, and the filter without VNNI.
 */
#include <immintrin.h>

#define APPLY(scale) filter_apply##scale##_s16_avx512
#include "filter/x86/apply_avx512.h"

#define CONST(v) _mm512_set1_ps(v)
#define WIDE 16

INLINE __m512 mul(__m512 a, __m512 b)
{
    return _mm512_mul_ps(a, b);
}

INLINE __m512 add(__m512 a, __m512 b)
{
    return _mm512_add_ps(a, b);
}

INLINE __m512 sub(__m512 a, __m512 b)
{
    return _mm512_sub_ps(a, b);
}

/* The columns of a vector that begins at x, of those from x0 to before x1. */
INLINE __mmask16 columns(int x, int x0, int x1)
{
    unsigned m = x1 - x >= WIDE ? 0xffff : (1u << (x1 - x)) - 1;
    return (__mmask16)(x < x0 ? m & (0xffffu << (x0 - x)) : m);
}

/* The first vector's begin: rows are stored and read in whole lines of the cache, wherever the columns begin. */
INLINE int line_of(int x0)
{
    return x0 & -WIDE;
}

void filter_products_f32_avx512(const float *const rows[3], int x0, int x1, float *const products[3])
{
    for (int x = line_of(x0); x < x1; x += WIDE) {
        const __mmask16 m = columns(x, x0, x1);
        __m512 right = _mm512_maskz_loadu_ps(m, rows[1] + x + 1), left = _mm512_maskz_loadu_ps(m, rows[1] + x - 1);
        __m512 down = _mm512_maskz_loadu_ps(m, rows[2] + x), up = _mm512_maskz_loadu_ps(m, rows[0] + x);
        __m512 gx = mul(sub(right, left), CONST(0.5f)), gy = mul(sub(down, up), CONST(0.5f));
        _mm512_mask_storeu_ps(products[0] + x, m, mul(gx, gx));
        _mm512_mask_storeu_ps(products[1] + x, m, mul(gx, gy));
        _mm512_mask_storeu_ps(products[2] + x, m, mul(gy, gy));
    }
}

INLINE __m512 gauss(__m512 a, __m512 b, __m512 c, __m512 d, __m512 e)
{
    __m512 sides = add(mul(CONST(FILTER_GAUSS_2), add(a, e)), mul(CONST(FILTER_GAUSS_1), add(b, d)));
    return add(sides, mul(CONST(FILTER_GAUSS_0), c));
}

void filter_smooth_f32_avx512(const float *const rows[5], int x0, int x1, float *out)
{
    for (int x = line_of(x0); x < x1; x += WIDE) {
        const __mmask16 m = columns(x, x0, x1);
        __m512 v[5];
        for (int i = 0; i < 5; i++)
            v[i] = _mm512_maskz_loadu_ps(m, rows[i] + x);
        _mm512_mask_storeu_ps(out + x, m, gauss(v[0], v[1], v[2], v[3], v[4]));
    }
}

INLINE __m512 across(const float *p, __mmask16 m)
{
    __m512 v[5];
    for (int i = 0; i < 5; i++)
        v[i] = _mm512_maskz_loadu_ps(m, p - 2 + i);
    return gauss(v[0], v[1], v[2], v[3], v[4]);
}

struct slope {
    __m512 off, gx, gy;
};

/* rows: the pixels above, beside and below, at the vector's first column. */
INLINE struct slope slope_at(const float *const *rows, int x, __mmask16 m)
{
    __m512 column[3], rise[3], middle = _mm512_maskz_loadu_ps(m, rows[1] + x);
    for (int i = 0; i < 3; i++) {
        __m512 up = _mm512_maskz_loadu_ps(m, rows[0] + x - 1 + i), down = _mm512_maskz_loadu_ps(m, rows[2] + x - 1 + i);
        __m512 mid = i == 1 ? middle : _mm512_maskz_loadu_ps(m, rows[1] + x - 1 + i);
        column[i] = add(add(up, down), mul(CONST(2.0f), mid));
        rise[i] = sub(down, up);
    }
    __m512 blur = mul(add(add(column[0], column[2]), mul(CONST(2.0f), column[1])), CONST(0.0625f));
    return (struct slope){ sub(blur, middle), sub(column[2], column[0]),
                           add(add(rise[0], rise[2]), mul(CONST(2.0f), rise[1])) };
}

INLINE __mmask16 at_least(__m512 a, __m512 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

INLINE __mmask16 is_negative(__m512 a)
{
    return _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_LT_OQ);
}

/* v + n where the mask is set. */
INLINE __m512i raise(__m512i v, __mmask16 m, int n)
{
    return _mm512_mask_add_epi32(v, m, v, _mm512_set1_epi32(n));
}

/* Where the gradient along the eigenvector and off have opposite signs. */
INLINE __mmask16 opposite(__m512 half, __m512 b, __m512 root, __mmask16 behind, __mmask16 below, struct slope s)
{
    __m512 flat = add(mul(s.gx, add(half, root)), mul(s.gy, b));
    __m512 upright = add(mul(s.gx, b), mul(s.gy, sub(root, half)));
    flat = _mm512_mask_xor_ps(flat, below, flat, CONST(-0.0f));
    return is_negative(mul(_mm512_mask_blend_ps(behind, flat, upright), s.off));
}

INLINE __m512i class_of(__m512 a, __m512 b, __m512 d, struct slope s)
{
    enum { N = FOVI_FILTER_DIRECTIONS, CELL = FOVI_FILTER_CELL, STRENGTH = FOVI_FILTER_COHERENCES * CELL };
    __m512 mean = mul(add(a, d), CONST(0.5f)), half = mul(sub(a, d), CONST(0.5f));
    __m512 root = _mm512_sqrt_ps(add(mul(half, half), mul(b, b))), l1 = add(mean, root), l2 = sub(mean, root);
    __m512i c = _mm512_maskz_set1_epi32(at_least(l1, CONST(FILTER_STRENGTH_0)), STRENGTH);
    c = raise(c, at_least(l1, CONST(FILTER_STRENGTH_1)), STRENGTH);
    c = raise(c, at_least(l1, CONST(FILTER_STRENGTH_2)), STRENGTH);
    c = raise(c, at_least(mul(l1, CONST(FILTER_COHERENCE_1)), mul(l2, CONST(FILTER_COHERENCE_2))), CELL);

    /* The octant: 4 below + (below != behind ? 3 - steep : steep). */
    __mmask16 below = is_negative(b), behind = is_negative(half), crossed = below ^ behind;
    __mmask16 steep = at_least(_mm512_abs_ps(b), _mm512_abs_ps(half));
    c = raise(c, below, 4);
    c = raise(c, crossed, 2);
    c = raise(c, crossed ^ steep, 1);

    __m512 bent = mul(s.off, s.off), scale = add(l1, CONST(FILTER_CURVATURE_FLOOR));
    __mmask16 curved = at_least(bent, mul(CONST(FILTER_CURVATURE_0), scale));
    c = raise(c, curved, N);
    c = raise(c, curved & opposite(half, b, root, behind, below, s), N);
    return raise(c, at_least(bent, mul(CONST(FILTER_CURVATURE_1), scale)), 2 * N);
}

void filter_classify_f32_avx512(const float *const rows[3], const float *const smoothed[3], int x0, int x1,
                                int32_t *classes)
{
    for (int x = x0; x < x1; x += WIDE) {
        const __mmask16 m = columns(x, x0, x1);
        struct slope s = slope_at(rows, x, m);
        __m512i c = class_of(across(smoothed[0] + x, m), across(smoothed[1] + x, m), across(smoothed[2] + x, m), s);
        _mm512_mask_storeu_epi32(classes + x, m, c);
    }
}

void filter_levels_f32_avx512(const float *row, int x0, int x1, int16_t *levels)
{
    for (int x = x0; x < x1; x += WIDE) {
        const __mmask16 m = columns(x, x0, x1);
        __m512 v = mul(sub(_mm512_maskz_loadu_ps(m, row + x), CONST(FILTER_MIDDLE)), CONST(FILTER_STEPS));
        v = _mm512_min_ps(_mm512_max_ps(v, CONST(FILTER_LEAST)), CONST(FILTER_MOST));
        _mm256_mask_storeu_epi16(levels + x, m, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)));
    }
}
