/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for AVX2: one vector for a row of the window and one chain for each output, so that a pixel needs
 * no shuffling until the chains of eight outputs are summed together by a tree of shuffles.
 */
#include <immintrin.h>

#include "filter/filter_dsp.h"

#define CONST(v) _mm256_set1_ps(v)

static inline __m256 mul(__m256 a, __m256 b)
{
    return _mm256_mul_ps(a, b);
}

static inline __m256 add(__m256 a, __m256 b)
{
    return _mm256_add_ps(a, b);
}

static inline __m256 sub(__m256 a, __m256 b)
{
    return _mm256_sub_ps(a, b);
}

static inline __m256 load(const float *p)
{
    return _mm256_loadu_ps(p);
}

void filter_products_f32_avx2(const float *const rows[3], int x0, int x1, float *const products[3])
{
    for (int x = x0; x < x1; x += 8) {
        __m256 gx = mul(sub(load(rows[1] + x + 1), load(rows[1] + x - 1)), CONST(0.5f));
        __m256 gy = mul(sub(load(rows[2] + x), load(rows[0] + x)), CONST(0.5f));
        _mm256_storeu_ps(products[0] + x, mul(gx, gx));
        _mm256_storeu_ps(products[1] + x, mul(gx, gy));
        _mm256_storeu_ps(products[2] + x, mul(gy, gy));
    }
}

static inline __m256 gauss(__m256 a, __m256 b, __m256 c, __m256 d, __m256 e)
{
    __m256 sides = add(mul(CONST(FILTER_GAUSS_2), add(a, e)), mul(CONST(FILTER_GAUSS_1), add(b, d)));
    return add(sides, mul(CONST(FILTER_GAUSS_0), c));
}

void filter_smooth_f32_avx2(const float *const rows[5], int x0, int x1, float *out)
{
    for (int x = x0; x < x1; x += 8)
        _mm256_storeu_ps(out + x, gauss(load(rows[0] + x), load(rows[1] + x), load(rows[2] + x), load(rows[3] + x),
                                        load(rows[4] + x)));
}

static inline __m256 across(const float *p)
{
    return gauss(load(p - 2), load(p - 1), load(p), load(p + 1), load(p + 2));
}

/* Columns of three rows, [1 2 1]. */
static inline __m256 column(const float *up, const float *mid, const float *down)
{
    return add(add(load(up), load(down)), mul(CONST(2.0f), load(mid)));
}

struct slope {
    __m256 off, gx, gy;
};

static inline struct slope slope_at(const float *up, const float *mid, const float *down)
{
    __m256 left = column(up - 1, mid - 1, down - 1), right = column(up + 1, mid + 1, down + 1);
    __m256 blur = mul(add(add(left, right), mul(CONST(2.0f), column(up, mid, down))), CONST(0.0625f));
    __m256 sides = add(sub(load(down - 1), load(up - 1)), sub(load(down + 1), load(up + 1)));
    return (struct slope){ sub(blur, load(mid)), sub(right, left),
                           add(sides, mul(CONST(2.0f), sub(load(down), load(up)))) };
}

/* -1 where a >= b, else 0. */
static inline __m256i at_least(__m256 a, __m256 b)
{
    return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

/* The eight octants of half the angle of (half, b). */
static inline __m256i octant_of(__m256 half, __m256 b, __m256 behind, __m256 below)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    __m256i steep = at_least(_mm256_and_ps(b, magnitude), _mm256_and_ps(half, magnitude));
    __m256i same = _mm256_sub_epi32(_mm256_setzero_si256(), steep);
    __m256i other = _mm256_add_epi32(_mm256_set1_epi32(3), steep);
    __m256i within = _mm256_blendv_epi8(same, other, _mm256_castps_si256(_mm256_xor_ps(behind, below)));
    return _mm256_add_epi32(within, _mm256_and_si256(_mm256_castps_si256(below), _mm256_set1_epi32(4)));
}

/* -1 where the gradient along the eigenvector and off have opposite signs. */
static inline __m256i opposite(__m256 half, __m256 b, __m256 root, __m256 behind, __m256 below, struct slope s)
{
    __m256 flat = add(mul(s.gx, add(half, root)), mul(s.gy, b));
    __m256 upright = add(mul(s.gx, b), mul(s.gy, sub(root, half)));
    flat = _mm256_xor_ps(flat, _mm256_and_ps(below, CONST(-0.0f)));
    __m256 uphill = _mm256_blendv_ps(flat, upright, behind);
    return _mm256_castps_si256(_mm256_cmp_ps(mul(uphill, s.off), _mm256_setzero_ps(), _CMP_LT_OQ));
}

static inline __m256i class_of(__m256 a, __m256 b, __m256 d, struct slope s)
{
    const __m256i n = _mm256_set1_epi32(FOVI_FILTER_DIRECTIONS);
    __m256 mean = mul(add(a, d), CONST(0.5f)), half = mul(sub(a, d), CONST(0.5f));
    __m256 root = _mm256_sqrt_ps(add(mul(half, half), mul(b, b))), l1 = add(mean, root), l2 = sub(mean, root);
    __m256i strength = _mm256_add_epi32(
        _mm256_add_epi32(at_least(l1, CONST(FILTER_STRENGTH_0)), at_least(l1, CONST(FILTER_STRENGTH_1))),
        at_least(l1, CONST(FILTER_STRENGTH_2)));
    __m256i coherent = at_least(mul(l1, CONST(FILTER_COHERENCE_1)), mul(l2, CONST(FILTER_COHERENCE_2)));
    __m256i cell = _mm256_add_epi32(_mm256_add_epi32(strength, strength), coherent); /* negative so far */

    __m256 below = _mm256_cmp_ps(b, _mm256_setzero_ps(), _CMP_LT_OQ);
    __m256 behind = _mm256_cmp_ps(half, _mm256_setzero_ps(), _CMP_LT_OQ);
    __m256 bent = mul(s.off, s.off), scale = add(l1, CONST(FILTER_CURVATURE_FLOOR));
    __m256i curved = at_least(bent, mul(CONST(FILTER_CURVATURE_0), scale));
    __m256i much = at_least(bent, mul(CONST(FILTER_CURVATURE_1), scale));
    __m256i turn = _mm256_add_epi32(n, _mm256_and_si256(opposite(half, b, root, behind, below, s), n));
    __m256i place = _mm256_add_epi32(octant_of(half, b, behind, below), _mm256_and_si256(curved, turn));
    place = _mm256_add_epi32(place, _mm256_and_si256(much, _mm256_add_epi32(n, n)));
    return _mm256_sub_epi32(place, _mm256_mullo_epi32(cell, _mm256_set1_epi32(FOVI_FILTER_CELL)));
}

void filter_classify_f32_avx2(const float *const rows[3], const float *const smoothed[3], int x0, int x1,
                              int32_t *classes)
{
    for (int x = x0; x < x1; x += 8) {
        struct slope s = slope_at(rows[0] + x, rows[1] + x, rows[2] + x);
        __m256i c = class_of(across(smoothed[0] + x), across(smoothed[1] + x), across(smoothed[2] + x), s);
        _mm256_storeu_si256((__m256i *)(void *)(classes + x), c);
    }
}

#define ROWS FOVI_FILTER_TAPS
#define LANES FOVI_FILTER_LANES
#define LEFT (FOVI_FILTER_TAPS / 2)

/* Chains of the outputs first..first+n-1 of one pixel. */
static inline __attribute__((always_inline)) void chains(const float *const rows[ROWS], int x, const float *w,
                                                         int n_out, int first, int n, __m256 *chain)
{
    w += first * LANES;
    __m256 pixels = _mm256_loadu_ps(rows[0] + x - LEFT);
    for (int o = 0; o < n; o++)
        chain[o] = _mm256_mul_ps(_mm256_load_ps(w + o * LANES), pixels);
    for (int r = 1; r < ROWS; r++) {
        pixels = _mm256_loadu_ps(rows[r] + x - LEFT);
        for (int o = 0; o < n; o++)
            chain[o] = _mm256_fmadd_ps(_mm256_load_ps(w + (r * n_out + o) * LANES), pixels, chain[o]);
    }
}

/* Lower halves: c0's four sums s_i, upper: c4's. */
static inline __m256 fold(__m256 c0, __m256 c4)
{
    return _mm256_add_ps(_mm256_permute2f128_ps(c0, c4, 0x20), _mm256_permute2f128_ps(c0, c4, 0x31));
}

/* The sums of eight chains, in order. */
static inline __m256 sum8(const __m256 c[8])
{
    __m256 s0 = fold(c[0], c[4]), s1 = fold(c[1], c[5]), s2 = fold(c[2], c[6]), s3 = fold(c[3], c[7]);
    __m256 a = _mm256_add_ps(_mm256_unpacklo_ps(s0, s1),
                             _mm256_unpackhi_ps(s0, s1)); /* 0: s0+s2, 1: s0+s2, 0, 1: s1+s3 */
    __m256 b = _mm256_add_ps(_mm256_unpacklo_ps(s2, s3), _mm256_unpackhi_ps(s2, s3));
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
}

static inline float sum1(__m256 c)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline const float *filter_of(const float *coef, const int32_t *classes, int x, int n_out)
{
    return coef + (ptrdiff_t)classes[x] * (ROWS * LANES * n_out);
}

void filter_apply2_f32_avx2(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    const __m256i by_row = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    __m256 c[8];
    int x = x0;
    for (; x + 2 <= x1; x += 2) {
        chains(rows, x, filter_of(coef, classes, x, 4), 4, 0, 4, c);
        chains(rows, x + 1, filter_of(coef, classes, x + 1, 4), 4, 0, 4, c + 4);
        __m256 sums = _mm256_permutevar8x32_ps(sum8(c), by_row);
        _mm_storeu_ps(out[0] + 2 * x, _mm256_castps256_ps128(sums));
        _mm_storeu_ps(out[1] + 2 * x, _mm256_extractf128_ps(sums, 1));
    }
    if (x < x1) {
        chains(rows, x, filter_of(coef, classes, x, 4), 4, 0, 4, c);
        for (int o = 0; o < 4; o++)
            out[o / 2][2 * x + o % 2] = sum1(c[o]);
    }
}

void filter_apply3_f32_avx2(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    __m256 c[9];
    float sums[8];
    for (int x = x0; x < x1; x++) {
        chains(rows, x, filter_of(coef, classes, x, 9), 9, 0, 9, c);
        _mm256_storeu_ps(sums, sum8(c));
        for (int o = 0; o < 8; o++)
            out[o / 3][3 * x + o % 3] = sums[o];
        out[2][3 * x + 2] = sum1(c[8]);
    }
}

void filter_apply4_f32_avx2(const float *const rows[ROWS], const float *coef, const int32_t *classes, int x0, int x1,
                            float *const *out)
{
    __m256 c[8];
    for (int x = x0; x < x1; x++) {
        const float *w = filter_of(coef, classes, x, 16);
        for (int half = 0; half < 2; half++) {
            chains(rows, x, w, 16, 8 * half, 8, c);
            __m256 sums = sum8(c);
            _mm_storeu_ps(out[2 * half] + 4 * x, _mm256_castps256_ps128(sums));
            _mm_storeu_ps(out[2 * half + 1] + 4 * x, _mm256_extractf128_ps(sums, 1));
        }
    }
}
