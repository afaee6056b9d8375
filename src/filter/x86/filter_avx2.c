/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for AVX2: a row of the window lies twice in a vector and is multiplied with that row of two
 * outputs' filters; what comes together is summed across by a tree of shuffles for eight outputs at a time.
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

void filter_levels_f32_avx2(const float *row, int x0, int x1, int16_t *levels)
{
    for (int x = x0; x < x1; x += 8) {
        __m256 v = mul(sub(load(row + x), CONST(FILTER_MIDDLE)), CONST(FILTER_STEPS));
        v = _mm256_min_ps(_mm256_max_ps(v, CONST(FILTER_LEAST)), CONST(FILTER_MOST));
        __m256i i = _mm256_cvtps_epi32(v);
        __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
        _mm_storeu_si128((__m128i *)(void *)(levels + x), packed);
    }
}

#define ROWS FOVI_FILTER_TAPS
#define LANES FOVI_FILTER_LANES
#define LEFT (FOVI_FILTER_TAPS / 2)
#define INLINE static inline __attribute__((always_inline))

/* Sums of n pairs of outputs of one pixel, each as four parts. w: of the first pair. */
INLINE void chains(const int16_t *const rows[ROWS], int x, const int16_t *w, int n_columns, int n, __m256i *sum)
{
    for (int r = 0; r < ROWS; r++) {
        __m256i pixels = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)(rows[r] + x - LEFT)));
        for (int i = 0; i < n; i++) {
            const int16_t *taps = w + (r * n_columns + 2 * i) * LANES;
            __m256i part = _mm256_madd_epi16(_mm256_load_si256((const __m256i *)(const void *)taps), pixels);
            sum[i] = r ? _mm256_add_epi32(sum[i], part) : part;
        }
    }
}

/* The parts of four pairs summed; in order: first and second of c[0], of c[1] ... */
INLINE __m256i sum_across(const __m256i c[4])
{
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i a = _mm256_add_epi32(_mm256_unpacklo_epi32(c[0], c[1]), _mm256_unpackhi_epi32(c[0], c[1]));
    __m256i b = _mm256_add_epi32(_mm256_unpacklo_epi32(c[2], c[3]), _mm256_unpackhi_epi32(c[2], c[3]));
    __m256i sums = _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    return _mm256_permutevar8x32_epi32(sums, in_order);
}

INLINE __m256 to_levels(__m256i sums, __m256 unit)
{
    return mul(_mm256_cvtepi32_ps(sums), unit);
}

INLINE const int16_t *filter_of(const int16_t *coef, int class_number, int n_columns)
{
    return coef + (ptrdiff_t)class_number * (ROWS * LANES * n_columns);
}

/* Pixels x .. x + n - 1, n <= 4, by 2. */
INLINE void apply2_some(const int16_t *const rows[ROWS], const int16_t *coef, __m256 unit, const int32_t *classes,
                        int x, int n, float *const *out)
{
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(2 * n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    __m256i top[4], bottom[4];
    for (int p = 0; p < 4; p++) {
        __m256i c[2];
        int at = p < n ? x + p : x;
        chains(rows, at, filter_of(coef, classes[at], 4), 4, 2, c);
        top[p] = c[0];
        bottom[p] = c[1];
    }
    _mm256_maskstore_ps(out[0] + 2 * x, mask, to_levels(sum_across(top), unit));
    _mm256_maskstore_ps(out[1] + 2 * x, mask, to_levels(sum_across(bottom), unit));
}

void filter_apply2_s16_avx2(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    int x = x0;
    for (; x + 4 <= x1; x += 4)
        apply2_some(rows, coef, CONST(unit), classes, x, 4, out);
    if (x < x1)
        apply2_some(rows, coef, CONST(unit), classes, x, x1 - x, out);
}

/* The ninth output is summed on its own. */
void filter_apply3_s16_avx2(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    float sums[8];
    for (int x = x0; x < x1; x++) {
        __m256i c[5];
        chains(rows, x, filter_of(coef, classes[x], 12), 12, 5, c);
        _mm256_storeu_ps(sums, to_levels(sum_across(c), CONST(unit)));
        for (int o = 0; o < 8; o++)
            out[o / 3][3 * x + o % 3] = sums[o];
        __m128i ninth = _mm256_castsi256_si128(c[4]);
        ninth = _mm_add_epi32(ninth, _mm_unpackhi_epi64(ninth, ninth));
        ninth = _mm_add_epi32(ninth, _mm_shuffle_epi32(ninth, 0x55));
        out[2][3 * x + 2] = (float)_mm_cvtsi128_si32(ninth) * unit;
    }
}

void filter_apply4_s16_avx2(const int16_t *const rows[ROWS], const int16_t *coef, float unit, const int32_t *classes,
                            int x0, int x1, float *const *out)
{
    for (int x = x0; x < x1; x++) {
        __m256i c[8];
        chains(rows, x, filter_of(coef, classes[x], 16), 16, 8, c);
        for (int half = 0; half < 2; half++) {
            __m256 levels = to_levels(sum_across(c + 4 * half), CONST(unit));
            _mm_storeu_ps(out[2 * half] + 4 * x, _mm256_castps256_ps128(levels));
            _mm_storeu_ps(out[2 * half + 1] + 4 * x, _mm256_extractf128_ps(levels, 1));
        }
    }
}
