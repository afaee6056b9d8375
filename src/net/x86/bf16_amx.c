/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in bfloat16 with AMX: tiles of 16 pixels x 16 outputs, four rows of outputs at once.
 *
 * Tile registers: 0..3 the outputs of the four rows, 4..6 inputs, 7 weights. A product takes 16 cycles (also one that
 * adds to the sums of the one before), a load 8, but about 20 where half of a tile's rows cross lines of the cache and
 * 50 where all do, a store 15. The processor looks ahead by some hundred instructions only. So that the matrix unit
 * never waits, everything else is spread between products: the sums of a block are stored during its last products and
 * the first ones of the next block, whose other products have the block's outputs between them, a few pixels each.
 */
#include <immintrin.h>

#include "net/bf16_dsp.h"
#include "net/gate_dsp.h"
#include "net/x86/amx.h"

#define INLINE static inline __attribute__((always_inline))

#define TILE_FLOATS 256
#define TILE_NUMBERS (FOVI_BF16_CHUNK * FOVI_BF16_LANES)
#define TILE_PIXELS 16
#define BLOCK_PIXELS (FOVI_BF16_ROWS * TILE_PIXELS)
#define BLOCK_FLOATS (FOVI_BF16_ROWS * TILE_FLOATS)

/* A block of outputs: 16 pixels of each of four rows, 16 lanes. Its sums go through scratch. */
struct block {
    const struct fovi_bf16_weights *w;
    float *sums;               /* of four rows, a tile each */
    int n_pixels;              /* to become outputs, of four rows: BLOCK_PIXELS, or 0: there is no block */
    const float *bias, *slope; /* of the lanes; no slope: NULL */
    int first, end;            /* pixels of the tile that are wanted */
    uint16_t *const *dst;      /* to dst[i] + at, pixels step numbers apart */
    ptrdiff_t at, step;
    int n_channels;
    float *const *out; /* the last layer, in place of dst: pixel x of the picture, n_rows rows */
    int x, n_rows;
    void (*emit_row)(const struct block *b, int i); /* makes row i of the outputs; NULL: all pixels and lanes of dst */
};

INLINE __m512 prelu(__m512 v, __m512 slope)
{
    return _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NGT_UQ), v, slope);
}

/* ---- outputs ---- */

/* Pixels that become outputs one after the other: sixteen channels of each, to places step numbers apart. */
struct run {
    const float *sums;
    uint16_t *to;
    ptrdiff_t step;
};

/* Pixels i .. i + n - 1 of a run. */
INLINE void emit_pixels(struct run run, int i, int n, __m512 bias, __m512 slope)
{
    for (int m = i; m < i + n; m++) {
        __m512 v = prelu(_mm512_add_ps(_mm512_load_ps(run.sums + m * FOVI_BF16_LANES), bias), slope);
        _mm256_storeu_si256((__m256i *)(run.to + m * run.step), (__m256i)_mm512_cvtneps_pbh(v));
    }
}

/* Fewer channels or pixels. */
static void emit_some(const struct block *b, int i)
{
    __mmask16 mask = (__mmask16)((1u << b->n_channels) - 1u);
    for (int m = b->first; m < b->end; m++) {
        __m512 v = _mm512_add_ps(_mm512_load_ps(b->sums + i * TILE_FLOATS + m * FOVI_BF16_LANES),
                                 _mm512_loadu_ps(b->bias));
        if (b->slope)
            v = prelu(v, _mm512_loadu_ps(b->slope));
        _mm256_mask_storeu_epi16(b->dst[i] + b->at + m * b->step, mask, (__m256i)_mm512_cvtneps_pbh(v));
    }
}

/* The last layer at x2 without PReLU, whole blocks: the halves of two vectors make one of each row. */
static void emit_double(const struct block *b, int i)
{
    const __m512 levels = _mm512_set1_ps(255.0f), bias = _mm512_loadu_ps(b->bias);
    if (i >= b->n_rows)
        return;
    const float *sums = b->sums + i * TILE_FLOATS;
    float *upper = b->out[2 * i] + 2 * (ptrdiff_t)b->x, *lower = b->out[2 * i + 1] + 2 * (ptrdiff_t)b->x;
    for (int m = 0; m < 16; m += 2, sums += 32, upper += 16, lower += 16) {
        __m512 p = _mm512_mul_ps(_mm512_add_ps(_mm512_load_ps(sums), bias), levels);
        __m512 q = _mm512_mul_ps(_mm512_add_ps(_mm512_load_ps(sums + 16), bias), levels);
        _mm512_storeu_ps(upper, _mm512_shuffle_f32x4(p, q, 0x44));
        _mm512_storeu_ps(lower, _mm512_shuffle_f32x4(p, q, 0xee));
    }
}

/* The same for blocks of 4x4: the quarters of four vectors make one of each row. */
static void emit_fourfold(const struct block *b, int i)
{
    const __m512 levels = _mm512_set1_ps(255.0f), bias = _mm512_loadu_ps(b->bias);
    if (i >= b->n_rows)
        return;
    const float *sums = b->sums + i * TILE_FLOATS;
    for (int m = 0; m < 16; m += 4, sums += 64) {
        __m512 p = _mm512_add_ps(_mm512_load_ps(sums), bias), q = _mm512_add_ps(_mm512_load_ps(sums + 16), bias);
        __m512 r = _mm512_add_ps(_mm512_load_ps(sums + 32), bias), s = _mm512_add_ps(_mm512_load_ps(sums + 48), bias);
        __m512 upper[2] = { _mm512_shuffle_f32x4(p, q, 0x44), _mm512_shuffle_f32x4(r, s, 0x44) };
        __m512 lower[2] = { _mm512_shuffle_f32x4(p, q, 0xee), _mm512_shuffle_f32x4(r, s, 0xee) };
        __m512 row[4] = { _mm512_shuffle_f32x4(upper[0], upper[1], 0x88),
                          _mm512_shuffle_f32x4(upper[0], upper[1], 0xdd),
                          _mm512_shuffle_f32x4(lower[0], lower[1], 0x88),
                          _mm512_shuffle_f32x4(lower[0], lower[1], 0xdd) };
        for (int k = 0; k < 4; k++)
            _mm512_storeu_ps(b->out[4 * i + k] + 4 * (ptrdiff_t)(b->x + m), _mm512_mul_ps(row[k], levels));
    }
}

/* Lanes [sy][pixel of span][sx] are pieces of the rows of the enlarged picture. */
static void emit_last(const struct block *b, int i)
{
    int span = b->w->span, s = b->w->scale, piece = span * s;
    const float *sums = b->sums + i * TILE_FLOATS;
    for (int m = 0; m * span < b->end && i < b->n_rows; m++, sums += FOVI_BF16_LANES) {
        int left = b->end - m * span, n = (left < span ? left : span) * s;
        ptrdiff_t x = (ptrdiff_t)(b->x + m * span) * s;
        __mmask8 mask = (__mmask8)((1u << n) - 1u);
        for (int sy = 0; sy < s; sy++) {
            __m256 v = _mm256_add_ps(_mm256_maskz_loadu_ps(mask, sums + sy * piece),
                                     _mm256_maskz_loadu_ps(mask, b->bias + sy * piece));
            if (b->slope) {
                __m256 scaled = _mm256_mul_ps(v, _mm256_maskz_loadu_ps(mask, b->slope + sy * piece));
                v = _mm256_mask_mov_ps(v, _mm256_cmp_ps_mask(v, _mm256_setzero_ps(), _CMP_NGT_UQ), scaled);
            }
            _mm256_mask_storeu_ps(b->out[i * s + sy] + x, mask, _mm256_mul_ps(v, _mm256_set1_ps(255.0f)));
        }
    }
}

/* ---- sums ---- */

#define STORE_ROW(b, i) TILE_STORE(i, (b)->sums + (i)*TILE_FLOATS)

/* What is left to make of a block's outputs: n pixels after each product, or a row after every fourth. */
struct rest {
    const struct block *b;
    int n;
    unsigned done; /* pixels */
    __m512 bias, slope;
};

INLINE struct rest rest_of(const struct block *b, int n)
{
    struct rest r = { b, n, 0, _mm512_setzero_ps(), _mm512_set1_ps(1.0f) };
    if (b->n_pixels)
        r.bias = _mm512_loadu_ps(b->bias);
    if (b->n_pixels && b->slope)
        r.slope = _mm512_loadu_ps(b->slope);
    return r;
}

/* The next pixels. */
INLINE struct run next_run(const struct rest *r)
{
    const struct block *b = r->b;
    return (struct run){ b->sums + r->done * FOVI_BF16_LANES,
                         b->dst[r->done / TILE_PIXELS] + b->at + r->done % TILE_PIXELS * b->step, b->step };
}

INLINE int has_pixels(const struct rest *r)
{
    return r->done < (unsigned)r->b->n_pixels && !r->b->emit_row;
}

/* What four products would have had between them. */
INLINE void emit_four(struct rest *r)
{
    if (has_pixels(r)) {
        emit_pixels(next_run(r), 0, 4 * r->n, r->bias, r->slope);
        r->done += (unsigned)(4 * r->n);
    } else if (r->done < (unsigned)r->b->n_pixels) {
        r->b->emit_row(r->b, (int)r->done / TILE_PIXELS);
        r->done += TILE_PIXELS;
    }
}

INLINE void emit_rest(struct rest *r)
{
    while (r->done < (unsigned)r->b->n_pixels)
        emit_four(r);
}

/* The four products of row ky of the kernel; tiles p, q, r hold input rows ky, ky + 1, ky + 2, and row ky + 3 takes the
 * place of ky. What comes after each product is given. */
#define FOUR_PRODUCTS(ky, p, q, r, first, second, third, fourth) \
    do {                                                         \
        TILE_LOAD(7, weight + (ky)*TILE_NUMBERS, 64);            \
        TILE_DOT_BF16(0, p, 7);                                  \
        first;                                                   \
        TILE_DOT_BF16(1, q, 7);                                  \
        second;                                                  \
        TILE_DOT_BF16(2, r, 7);                                  \
        third;                                                   \
        TILE_LOAD(p, rows[(ky) + 3] + at, stride);               \
        TILE_DOT_BF16(3, p, 7);                                  \
        fourth;                                                  \
    } while (0)

#define FEW(i) emit_pixels(run, (i)*left->n, left->n, left->bias, left->slope)

#define STORE_LATE(i)          \
    if (is_first) {            \
        STORE_ROW(left->b, i); \
        TILE_ZERO(i);          \
    }

#define STORE_EARLY(i) \
    if (is_last)       \
    STORE_ROW(b, i)

/* Row ky of the kernel in chunk j of n. In a block's first row what is left to store of the block before is stored, in
 * its last row what can be stored of the block itself; the others have outputs of the block before between them. */
#define KERNEL_ROW(ky, p, q, r)                                                                       \
    do {                                                                                              \
        int is_first = (ky) == 0 && j == 0, is_last = (ky) == k - 1 && j == n - 1;                    \
        if (is_last && !is_first)                                                                     \
            emit_rest(left);                                                                          \
        if (is_first || is_last) {                                                                    \
            FOUR_PRODUCTS(ky, p, q, r, STORE_LATE(2), STORE_LATE(3), STORE_EARLY(0), STORE_EARLY(1)); \
        } else if (has_pixels(left)) {                                                                \
            struct run run = next_run(left);                                                          \
            FOUR_PRODUCTS(ky, p, q, r, FEW(0), FEW(1), FEW(2), FEW(3));                               \
            left->done += (unsigned)(4 * left->n);                                                    \
        } else {                                                                                      \
            FOUR_PRODUCTS(ky, p, q, r, (void)0, (void)0, (void)0, emit_four(left));                   \
        }                                                                                             \
    } while (0)

/* Make block b, and the outputs of the block before it, whose last two rows are in tiles still. at: number of the first
 * input of its first pixel. */
INLINE void make_block(int k, const uint16_t *weight, const uint16_t *const *rows, ptrdiff_t at, struct rest *left,
                       const struct block *b)
{
    ptrdiff_t stride = (ptrdiff_t)b->w->span * b->w->c_in * 2;
    int n = b->w->n_chunks;
    TILE_ZERO(0);
    TILE_ZERO(1);
    for (int j = 0; j < n; j++, weight += k * TILE_NUMBERS, at += FOVI_BF16_CHUNK) {
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
    emit_rest(left);
}

/* The last block's outputs. */
INLINE void finish(const struct block *b)
{
    struct rest left = rest_of(b, TILE_PIXELS / 4);
    STORE_ROW(b, 2);
    STORE_ROW(b, 3);
    emit_rest(&left);
}

/* Set block b to tile t of pixels x .. x + 16 * span - 1, those of x0 .. x1 - 1. */
INLINE void set_block(struct block *b, int t, int x, int x0, int x1)
{
    const struct fovi_bf16_weights *w = b->w;
    int span = w->span, n_tiles = (w->c_out + FOVI_BF16_LANES - 1) / FOVI_BF16_LANES;
    int pixel = t / n_tiles, channel = t % n_tiles * FOVI_BF16_LANES, left = (x1 - x - pixel + span - 1) / span;
    b->first = x + pixel < x0;
    b->end = left < 16 ? left : 16;
    b->step = (ptrdiff_t)span * w->c_out;
    b->at = (ptrdiff_t)(x + pixel) * w->c_out + channel;
    b->n_channels = w->c_out - channel < FOVI_BF16_LANES ? w->c_out - channel : FOVI_BF16_LANES;
    b->bias = w->bias + t * FOVI_BF16_LANES;
    b->slope = w->slope ? w->slope + t * FOVI_BF16_LANES : NULL;
    b->emit_row = b->first || b->end < TILE_PIXELS || b->n_channels < FOVI_BF16_LANES ? emit_some : NULL;
    b->n_pixels = BLOCK_PIXELS;
}

/* n: pixels that become outputs at a time. */
INLINE void conv(int k, int n, const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst,
                 int x0, int x1, float *scratch)
{
    int n_tiles = (w->c_out + FOVI_BF16_LANES - 1) / FOVI_BF16_LANES * w->span;
    ptrdiff_t tile_size = (ptrdiff_t)w->n_chunks * k * TILE_NUMBERS;
    struct block blocks[2] = { { .w = w, .sums = scratch, .dst = dst },
                               { .w = w, .sums = scratch + BLOCK_FLOATS, .dst = dst } };
    struct block *b = blocks, *before = blocks + 1;
    for (int x = x0 - x0 % w->span; x < x1; x += TILE_PIXELS * w->span) {
        for (int t = 0; t < n_tiles; t++) {
            struct rest left = rest_of(before, n);
            set_block(b, t, x, x0, x1);
            make_block(k, w->packed + t * tile_size, rows, (ptrdiff_t)(x - k / 2) * w->c_in, &left, b);
            struct block *next = before;
            before = b;
            b = next;
        }
    }
    finish(before);
}

/* Few pixels at a time where there are products enough. */
static void conv_amx(const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst, int x0,
                     int x1, float *scratch)
{
    tiles_configure();
    switch (w->k) {
    case 1: conv(1, 4, w, rows, dst, x0, x1, scratch); break;
    case 3:
        if (w->n_chunks < 3)
            conv(3, 4, w, rows, dst, x0, x1, scratch);
        else
            conv(3, 2, w, rows, dst, x0, x1, scratch);
        break;
    default: conv(5, 4, w, rows, dst, x0, x1, scratch); break;
    }
    tiles_release();
}

INLINE void last(int k, const struct fovi_bf16_weights *w, const uint16_t *const *rows, float *const *out, int n_rows,
                 int x0, int x1, float *scratch)
{
    int width = TILE_PIXELS * w->span;
    struct block blocks[2] = {
        { .w = w, .sums = scratch, .bias = w->bias, .slope = w->slope, .out = out, .n_rows = n_rows }
    };
    blocks[1] = blocks[0];
    blocks[1].sums += BLOCK_FLOATS;
    struct block *b = blocks, *before = blocks + 1;
    for (int x = x0; x < x1; x += width) {
        struct rest left = rest_of(before, TILE_PIXELS / 4);
        b->x = x;
        b->n_pixels = BLOCK_PIXELS;
        b->end = x1 - x < width ? x1 - x : width;
        b->emit_row = b->end < width || w->slope || w->scale == 3 || w->scale == 1 ? emit_last
                      : w->scale == 2                                              ? emit_double
                                                                                   : emit_fourfold;
        make_block(k, w->packed, rows, (ptrdiff_t)(x - k / 2) * w->c_in, &left, b);
        struct block *next = before;
        before = b;
        b = next;
    }
    finish(before);
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

/* ---- rows ---- */

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

/* Of 32 bfloat16 the even or the odd ones as floats. */
INLINE __m512 even_floats(__m512i v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}

INLINE __m512 odd_floats(__m512i v)
{
    return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32((int)0xffff0000u)));
}

/* What was apart in both halves, in turn. */
INLINE __m512i in_turn(__m512i halves)
{
    const __m512i places = _mm512_or_si512(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        _mm512_slli_epi32(_mm512_setr_epi32(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31), 16));
    return _mm512_permutexvar_epi16(places, halves);
}

static void add_amx(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n)
{
    for (; n > 0; n -= 32, a += 32, b += 32, dst += 32) {
        __mmask32 mask = n >= 32 ? 0xffffffffu : (1u << n) - 1u;
        __m512i v = _mm512_maskz_loadu_epi16(mask, a), w = _mm512_maskz_loadu_epi16(mask, b);
        __m512 even = _mm512_add_ps(even_floats(v), even_floats(w)), odd = _mm512_add_ps(odd_floats(v), odd_floats(w));
        _mm512_mask_storeu_epi16(dst, mask, in_turn((__m512i)_mm512_cvtne2ps_pbh(odd, even)));
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
