/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in bfloat16 with AMX: tiles of 16 pixels x 16 outputs, four rows of outputs at once.
 *
 * Tile registers: 0..3 the outputs of the four rows, 4..6 inputs of the last three rows loaded, 7 weights. Every input
 * is loaded once a chunk and serves the four rows; four independent sums in turn hide the latency. A block's sums go
 * to scratch, and become activations while the matrix unit works on the next block.
 */
#include <immintrin.h>

#include "net/bf16_dsp.h"
#include "net/gate_dsp.h"

#define INLINE static inline __attribute__((always_inline))

#define TILE_LOAD(t, p, stride) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(p), "r"((long)(stride)) : "memory")
#define TILE_STORE(t, p) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(p), "r"(64L) : "memory")
#define TILE_DOT(sum, in, weight) \
    __asm__ volatile("tdpbf16ps %%tmm" #weight ", %%tmm" #in ", %%tmm" #sum : : : "memory")

#define TILE_FLOATS 256
#define BLOCK_FLOATS (FOVI_BF16_ROWS * TILE_FLOATS)

/* All tiles have 16 rows of 64 bytes. */
INLINE void tiles_configure(void)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = { 1, 0, { 0 }, { 64, 64, 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16, 16, 16 } };
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

INLINE void tiles_release(void)
{
    __asm__ volatile("tilerelease" : : : "memory");
}

/* Row ky of the kernel; a, b, c hold input rows ky, ky + 1, ky + 2, and row ky + 3 takes the place of ky. */
#define KERNEL_ROW(ky, a, b, c)                      \
    do {                                             \
        TILE_LOAD(7, weight, 64);                    \
        weight += FOVI_BF16_CHUNK * FOVI_BF16_LANES; \
        TILE_DOT(0, a, 7);                           \
        TILE_DOT(1, b, 7);                           \
        TILE_DOT(2, c, 7);                           \
        TILE_LOAD(a, rows[(ky) + 3] + at, stride);   \
        TILE_DOT(3, a, 7);                           \
    } while (0)

/* Sums of one block into tiles 0..3. at: number of the first input of its first pixel. */
INLINE void sum_block(int k, const struct fovi_bf16_weights *w, const uint16_t *weight, const float *bias,
                      const uint16_t *const *rows, ptrdiff_t at)
{
    ptrdiff_t stride = (ptrdiff_t)w->span * w->c_in * 2;
    TILE_LOAD(0, bias, 0); /* sixteen times the same row */
    TILE_LOAD(1, bias, 0);
    TILE_LOAD(2, bias, 0);
    TILE_LOAD(3, bias, 0);
    for (int j = 0; j < w->n_chunks; j++, at += FOVI_BF16_CHUNK) {
        TILE_LOAD(4, rows[0] + at, stride);
        TILE_LOAD(5, rows[1] + at, stride);
        TILE_LOAD(6, rows[2] + at, stride);
        KERNEL_ROW(0, 4, 5, 6);
        if (k >= 3) {
            KERNEL_ROW(1, 5, 6, 4);
            KERNEL_ROW(2, 6, 4, 5);
        }
        if (k >= 5) {
            KERNEL_ROW(3, 4, 5, 6);
            KERNEL_ROW(4, 5, 6, 4);
        }
    }
}

INLINE void store_sums(float *to)
{
    TILE_STORE(0, to);
    TILE_STORE(1, to + TILE_FLOATS);
    TILE_STORE(2, to + 2 * TILE_FLOATS);
    TILE_STORE(3, to + 3 * TILE_FLOATS);
}

INLINE __m512 prelu(__m512 v, __m512 slope)
{
    return _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NGT_UQ), v, slope);
}

/* Sums that wait in scratch to become outputs. */
struct block {
    const float *sums;
    int tile, x, n; /* pixels x .. x + n - 1 */
};

/* 16 channels a pixel, whole blocks: two pixels fill a vector. */
INLINE void emit_pairs(const float *sums, __m512 slope, int has_slope, uint16_t *const *dst, ptrdiff_t at)
{
    for (int i = 0; i < FOVI_BF16_ROWS; i++) {
        uint16_t *to = dst[i] + at;
        for (int m = 0; m < 16; m += 2, sums += 32, to += 32) {
            __m512 a = _mm512_load_ps(sums), b = _mm512_load_ps(sums + 16);
            if (has_slope) {
                a = prelu(a, slope);
                b = prelu(b, slope);
            }
            _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(b, a));
        }
    }
}

/* Sixteen channels of more, n pixels. */
INLINE void emit_full(const struct fovi_bf16_weights *w, const float *sums, __m512 slope, int has_slope, int n,
                      uint16_t *const *dst, ptrdiff_t at)
{
    for (int i = 0; i < FOVI_BF16_ROWS; i++) {
        uint16_t *to = dst[i] + at;
        for (int m = 0; m < n; m++, to += w->c_out) {
            __m512 v = _mm512_load_ps(sums + i * TILE_FLOATS + m * FOVI_BF16_LANES);
            if (has_slope)
                v = prelu(v, slope);
            _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(v));
        }
    }
}

/* Fewer channels than sixteen. */
static void emit_some(const struct fovi_bf16_weights *w, const struct block *b, __m512 slope, uint16_t *const *dst)
{
    int first = b->tile * FOVI_BF16_LANES;
    __mmask16 mask = (__mmask16)((1u << (w->c_out - first)) - 1u);
    for (int i = 0; i < FOVI_BF16_ROWS; i++) {
        uint16_t *to = dst[i] + (ptrdiff_t)b->x * w->c_out + first;
        for (int m = 0; m < b->n; m++, to += w->c_out) {
            __m512 v = _mm512_load_ps(b->sums + i * TILE_FLOATS + m * FOVI_BF16_LANES);
            if (w->slope)
                v = prelu(v, slope);
            _mm256_mask_storeu_epi16(to, mask, (__m256i)_mm512_cvtneps_pbh(v));
        }
    }
}

static void emit(const struct fovi_bf16_weights *w, const struct block *b, uint16_t *const *dst)
{
    int first = b->tile * FOVI_BF16_LANES;
    ptrdiff_t at = (ptrdiff_t)b->x * w->c_out + first;
    __m512 slope = w->slope ? _mm512_loadu_ps(w->slope + first) : _mm512_setzero_ps();
    if (w->c_out - first < FOVI_BF16_LANES)
        emit_some(w, b, slope, dst);
    else if (w->c_out == FOVI_BF16_LANES && b->n == 16 && w->slope)
        emit_pairs(b->sums, slope, 1, dst, at);
    else if (b->n == 16 && w->slope)
        emit_full(w, b->sums, slope, 1, 16, dst, at);
    else
        emit_full(w, b->sums, slope, w->slope != NULL, b->n, dst, at);
}

INLINE void conv(int k, const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst, int x0,
                 int x1, float *scratch)
{
    int n_tiles = (w->c_out + FOVI_BF16_LANES - 1) / FOVI_BF16_LANES;
    ptrdiff_t tile_size = (ptrdiff_t)w->n_chunks * k * FOVI_BF16_CHUNK * FOVI_BF16_LANES;
    struct block waiting = { 0 };
    for (int x = x0; x < x1; x += 16) {
        for (int t = 0; t < n_tiles; t++) {
            sum_block(k, w, w->packed + t * tile_size, w->bias + t * FOVI_BF16_LANES, rows,
                      (ptrdiff_t)(x - k / 2) * w->c_in);
            if (waiting.n)
                emit(w, &waiting, dst);
            float *sums = waiting.sums == scratch ? scratch + BLOCK_FLOATS : scratch;
            store_sums(sums);
            waiting = (struct block){ sums, t, x, x1 - x < 16 ? x1 - x : 16 };
        }
    }
    if (waiting.n)
        emit(w, &waiting, dst);
}

static void conv_amx(const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst, int x0,
                     int x1, float *scratch)
{
    tiles_configure();
    switch (w->k) {
    case 1: conv(1, w, rows, dst, x0, x1, scratch); break;
    case 3: conv(3, w, rows, dst, x0, x1, scratch); break;
    default: conv(5, w, rows, dst, x0, x1, scratch); break;
    }
    tiles_release();
}

/* A whole block at x2 without PReLU: the halves of two vectors make one of each row. */
static void emit_double(const float *sums, int x, float *const *out, int n_rows)
{
    const __m512 levels = _mm512_set1_ps(255.0f);
    for (int i = 0; i < n_rows; i++) {
        float *upper = out[2 * i] + 2 * (ptrdiff_t)x, *lower = out[2 * i + 1] + 2 * (ptrdiff_t)x;
        for (int m = 0; m < 16; m += 2, sums += 32, upper += 16, lower += 16) {
            __m512 a = _mm512_mul_ps(_mm512_load_ps(sums), levels);
            __m512 b = _mm512_mul_ps(_mm512_load_ps(sums + 16), levels);
            _mm512_storeu_ps(upper, _mm512_shuffle_f32x4(a, b, 0x44));
            _mm512_storeu_ps(lower, _mm512_shuffle_f32x4(a, b, 0xee));
        }
    }
}

/* Lanes [sy][pixel of span][sx] are pieces of the rows of the enlarged picture. */
static void emit_last(const struct fovi_bf16_weights *w, const struct block *b, float *const *out, int n_rows)
{
    int s = w->scale, piece = w->span * s;
    if (s == 2 && b->n == 64 && !w->slope) {
        emit_double(b->sums, b->x, out, n_rows);
        return;
    }
    for (int i = 0; i < n_rows; i++) {
        const float *sums = b->sums + i * TILE_FLOATS;
        for (int m = 0; m * w->span < b->n; m++, sums += FOVI_BF16_LANES) {
            int left = b->n - m * w->span, n = (left < w->span ? left : w->span) * s;
            ptrdiff_t x = (ptrdiff_t)(b->x + m * w->span) * s;
            for (int sy = 0; sy < s; sy++) {
                __mmask8 mask = (__mmask8)((1u << n) - 1u);
                __m256 v = _mm256_maskz_loadu_ps(mask, sums + sy * piece);
                if (w->slope) {
                    __m256 scaled = _mm256_mul_ps(v, _mm256_maskz_loadu_ps(mask, w->slope + sy * piece));
                    v = _mm256_mask_mov_ps(v, _mm256_cmp_ps_mask(v, _mm256_setzero_ps(), _CMP_NGT_UQ), scaled);
                }
                _mm256_mask_storeu_ps(out[i * s + sy] + x, mask, _mm256_mul_ps(v, _mm256_set1_ps(255.0f)));
            }
        }
    }
}

INLINE void last(int k, const struct fovi_bf16_weights *w, const uint16_t *const *rows, float *const *out, int n_rows,
                 int x0, int x1, float *scratch)
{
    int width = 16 * w->span;
    struct block waiting = { 0 };
    for (int x = x0; x < x1; x += width) {
        sum_block(k, w, w->packed, w->bias, rows, (ptrdiff_t)(x - k / 2) * w->c_in);
        if (waiting.n)
            emit_last(w, &waiting, out, n_rows);
        float *sums = waiting.sums == scratch ? scratch + BLOCK_FLOATS : scratch;
        store_sums(sums);
        waiting = (struct block){ sums, 0, x, x1 - x < width ? x1 - x : width };
    }
    if (waiting.n)
        emit_last(w, &waiting, out, n_rows);
}

static void last_amx(const struct fovi_bf16_weights *w, const uint16_t *const *rows, float *const *out, int n_rows,
                     int x0, int x1, float *scratch)
{
    tiles_configure();
    switch (w->k) {
    case 1: last(1, w, rows, out, n_rows, x0, x1, scratch); break;
    case 3: last(3, w, rows, out, n_rows, x0, x1, scratch); break;
    default: last(5, w, rows, out, n_rows, x0, x1, scratch); break;
    }
    tiles_release();
}

/* Sixteen bfloat16 as 32-bit numbers. */
INLINE __m512i widen(__m256i b)
{
    return _mm512_cvtepu16_epi32(b);
}

INLINE __m512 as_floats(__m256i b)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(widen(b), 16));
}

static void split_amx(const float *src, float factor, uint16_t *dst, int x0, int x1)
{
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    for (ptrdiff_t x = x0; x < x1; x += 16) {
        ptrdiff_t n = x1 - x < 16 ? x1 - x : 16;
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), src + x), _mm512_set1_ps(factor));
        __m256i high = (__m256i)_mm512_cvtneps_pbh(v);
        __m256i low = (__m256i)_mm512_cvtneps_pbh(_mm512_sub_ps(v, as_floats(high)));
        __m512i h = _mm512_or_si512(widen(high), _mm512_slli_epi32(widen(high), 16));
        __m512i l = _mm512_or_si512(widen(low), _mm512_slli_epi32(widen(low), 16));
        uint32_t mask = n == 16 ? 0xffffffffu : (1u << 2 * n) - 1u;
        _mm512_mask_storeu_epi32(dst + 4 * x, (__mmask16)mask, _mm512_permutex2var_epi32(h, first, l));
        _mm512_mask_storeu_epi32(dst + 4 * x + 32, (__mmask16)(mask >> 16), _mm512_permutex2var_epi32(h, second, l));
    }
}

static void add_amx(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n)
{
    for (; n > 0; n -= 16, a += 16, b += 16, dst += 16) {
        __mmask16 mask = (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1u);
        __m512 sum = _mm512_add_ps(as_floats(_mm256_maskz_loadu_epi16(mask, a)),
                                   as_floats(_mm256_maskz_loadu_epi16(mask, b)));
        _mm256_mask_storeu_epi16(dst, mask, (__m256i)_mm512_cvtneps_pbh(sum));
    }
}

/* sigmoid(o) - 0.5 */
INLINE __m512 sigmoid(__m512 o)
{
    const __m512 sign = _mm512_set1_ps(-0.0f), one = _mm512_set1_ps(1.0f), half = _mm512_set1_ps(0.5f);
    const __m512 round = _mm512_set1_ps(FOVI_GATE_ROUND), line_0 = _mm512_set1_ps(FOVI_BF16_GATE_LINE_0);
    __m512 v = _mm512_or_ps(_mm512_min_ps(_mm512_andnot_ps(sign, o), _mm512_set1_ps(FOVI_BF16_GATE_MOST)), sign);
    __m512 n = _mm512_fmadd_ps(v, _mm512_set1_ps(FOVI_GATE_LOG2E), round);
    __m512i power = _mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(n), 23), _mm512_set1_epi32(127 << 23));
    __m512 r = _mm512_fmadd_ps(_mm512_sub_ps(n, round), _mm512_set1_ps(-FOVI_BF16_GATE_LN2), v);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(FOVI_GATE_C4), r, _mm512_set1_ps(FOVI_GATE_C3));
    p = _mm512_fmadd_ps(p, r, half);
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    __m512 e = _mm512_mul_ps(_mm512_castsi512_ps(power), p), d = _mm512_add_ps(e, one);
    __m512 q = _mm512_fmadd_ps(d, _mm512_set1_ps(FOVI_BF16_GATE_LINE_1), line_0);
    q = _mm512_fmadd_ps(q, _mm512_fnmadd_ps(d, q, one), q);
    q = _mm512_fmadd_ps(q, _mm512_fnmadd_ps(d, q, one), q);
    __m512 s = _mm512_mul_ps(_mm512_fnmadd_ps(e, half, half), q);
    return _mm512_or_ps(s, _mm512_and_ps(sign, o));
}

INLINE __m512 gate(__m512 o, __m512 x)
{
    return _mm512_mul_ps(_mm512_add_ps(o, x), sigmoid(o));
}

static void gate_amx(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n)
{
    for (; n > 0; n -= 16, a += 16, b += 16, dst += 16) {
        __mmask16 mask = (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1u);
        __m512 v = gate(as_floats(_mm256_maskz_loadu_epi16(mask, a)), as_floats(_mm256_maskz_loadu_epi16(mask, b)));
        _mm256_mask_storeu_epi16(dst, mask, (__m256i)_mm512_cvtneps_pbh(v));
    }
}

static void place_amx(const uint16_t *src, int c, uint16_t *dst, int dst_step, int n)
{
    for (int x = 0; x < n; x++, src += c, dst += dst_step) {
        for (int i = 0; i < c; i += 32) {
            __mmask32 mask = c - i >= 32 ? 0xffffffffu : (1u << (c - i)) - 1u;
            _mm512_mask_storeu_epi16(dst + i, mask, _mm512_maskz_loadu_epi16(mask, src + i));
        }
    }
}

const struct fovi_bf16_dsp fovi_bf16_dsp_amx = { conv_amx, last_amx, split_amx, add_amx, gate_amx, place_amx };
