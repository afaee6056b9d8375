/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the kernels of int8 do around the sums, and the sums by dot products, written once for every vector width. The
 * including file defines
 *     LV                          lanes of a vector, a part of FOVI_INT8_LANES
 *     vf, vi                      vectors of floats and of 32-bit integers
 *     vf_load, vf_set1, vf_fma(a, b, c): a * b + c, vf_max (its second operand where one is no number)
 *     vi_load, vi_store, vf_from(vi), vi_from(vf) to nearest even
 *     vi_bytes(p)                 LV bytes as integers
 *     store_bytes(p, v, n)        n <= LV integers, a multiple of 4, limited to bytes
 *     store_four(p, pitch, v, n)  the same with four of them, pitch bytes apart
 *     store_rows(out, at, v, s, piece, width)  16 lanes in v[...]: of each of s pieces the first `width` go to
 *                                 out[0] + at, out[1] + at ...
 * and for the sums, where it wants them,
 *     NV_MAX, N_POSITIONS(nv)     most vectors of lanes (2 or 4) and positions whose sums are kept in registers
 *     dot_quad(np, nv, sum, in, stride, weight, at)  to sum[k][p], k < nv, the products of the four bytes at in +
 *                                 p * stride with those of each lane at weight[k] + at
 */
#define INLINE static inline __attribute__((always_inline))
#define N_PARTS (FOVI_INT8_LANES / LV) /* vectors of a tile */
#define BLOCK 16
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Sums become bytes: both branches of the PReLU, the larger counts. */
INLINE vi from_sum(vf sum, vf mul0, vf add0, vf mul1, vf add1)
{
    return vi_from(vf_max(vf_fma(sum, mul0, add0), vf_fma(sum, mul1, add1)));
}

/* Lanes of a vector that are channels. */
INLINE int count_channels(const struct fovi_int8_weights *w, int first)
{
    int left = w->c_out - first;
    return left < LV ? left : LV;
}

/* A tile of sums of n pixels to bytes; dst: its first channel of the first pixel. */
INLINE void emit(const struct fovi_int8_weights *w, int tile, const int32_t *sums, int n, uint8_t *dst)
{
    for (int h = 0; h < N_PARTS; h++) {
        int first = tile * FOVI_INT8_LANES + h * LV, n_channels = count_channels(w, first);
        if (n_channels <= 0)
            return;
        vf mul0 = vf_load(w->mul[0] + first), add0 = vf_load(w->add[0] + first);
        vf mul1 = vf_load(w->mul[1] + first), add1 = vf_load(w->add[1] + first);
        const int32_t *sum = sums + h * LV;
        uint8_t *to = dst + h * LV;
        int m = 0;
        for (; m + 4 <= n; m += 4, to += (ptrdiff_t)4 * w->c_out) {
            vi v[4];
            UNROLL
            for (int p = 0; p < 4; p++, sum += FOVI_INT8_LANES)
                v[p] = from_sum(vf_from(vi_load(sum)), mul0, add0, mul1, add1);
            store_four(to, w->c_out, v, n_channels);
        }
        for (; m < n; m++, sum += FOVI_INT8_LANES, to += w->c_out)
            store_bytes(to, from_sum(vf_from(vi_load(sum)), mul0, add0, mul1, add1), n_channels);
    }
}

/* The last layer: lanes [sy][pixel of span][sx] of positions become pieces of the rows of the enlarged picture. s: the
 * scale, n: pixels of the input from x on. */
INLINE void emit_pieces(int s, const struct fovi_int8_weights *w, const int32_t *high, const int32_t *low, int n, int x,
                        float *const *out)
{
    int span = s == 2 ? 4 : 1, piece = span * s;
    ptrdiff_t at = (ptrdiff_t)x * s;
    vf mul0[N_PARTS], mul1[N_PARTS], add[N_PARTS];
    UNROLL
    for (int h = 0; h < N_PARTS; h++) {
        mul0[h] = vf_load(w->mul[0] + h * LV);
        mul1[h] = vf_load(w->mul[1] + h * LV);
        add[h] = vf_load(w->add[0] + h * LV);
    }
    for (int m = 0; m < n; m += span, high += FOVI_INT8_LANES, low += FOVI_INT8_LANES, at += piece) {
        vf v[N_PARTS];
        UNROLL
        for (int h = 0; h < N_PARTS; h++)
            v[h] = vf_fma(vf_from(vi_load(high + h * LV)), mul0[h],
                          vf_fma(vf_from(vi_load(low + h * LV)), mul1[h], add[h]));
        if (n - m >= span)
            store_rows(out, at, v, s, piece, piece);
        else
            store_rows(out, at, v, s, piece, (n - m) * s);
    }
}

INLINE void emit_last(const struct fovi_int8_weights *w, const int32_t *high, const int32_t *low, int n, int x,
                      float *const *out)
{
    switch (w->scale) {
    case 2: emit_pieces(2, w, high, low, n, x, out); break;
    case 3: emit_pieces(3, w, high, low, n, x, out); break;
    default: emit_pieces(4, w, high, low, n, x, out); break;
    }
}

/* np pixels of one row, LV channels; k and c_in are those of w. */
INLINE void first_block(int np, int k, int c_in, const struct fovi_int8_weights *w, const float *const *rows,
                        int channel, ptrdiff_t n_lanes, ptrdiff_t x, int n, uint8_t *dst)
{
    vf sum[8];
    const float *tap = w->taps + channel;
    UNROLL
    for (int p = 0; p < np; p++)
        sum[p] = vf_load(w->bias + channel);
    for (int ky = 0; ky < k; ky++) {
        const float *in = rows[ky] + (x - k / 2) * c_in;
        for (int t = 0; t < k * c_in; t++, tap += n_lanes, in++) {
            vf weight = vf_load(tap);
            UNROLL
            for (int p = 0; p < np; p++)
                sum[p] = vf_fma(vf_set1(in[p * c_in]), weight, sum[p]);
        }
    }
    vf mul0 = vf_load(w->mul[0] + channel), add0 = vf_load(w->add[0] + channel);
    vf mul1 = vf_load(w->mul[1] + channel), add1 = vf_load(w->add[1] + channel);
    vi v[8];
    uint8_t *to = dst + x * w->c_out + channel;
    UNROLL
    for (int p = 0; p < np; p++)
        v[p] = from_sum(sum[p], mul0, add0, mul1, add1);
    if (np == 1)
        store_bytes(to, v[0], n);
    UNROLL
    for (int p = 0; p + 4 <= np; p += 4)
        store_four(to + (ptrdiff_t)p * w->c_out, w->c_out, v + p, n);
}

INLINE void first_rows(int k, int c_in, const struct fovi_int8_weights *w, const float *const *rows,
                       uint8_t *const *dst, int x0, int x1)
{
    ptrdiff_t n_lanes = (w->c_out + FOVI_INT8_LANES - 1) / FOVI_INT8_LANES * FOVI_INT8_LANES;
    for (int i = 0; i < FOVI_INT8_ROWS; i++) {
        for (int channel = 0; channel < w->c_out; channel += LV) {
            int n = count_channels(w, channel);
            ptrdiff_t x = x0;
            for (; x + 8 <= x1; x += 8)
                first_block(8, k, c_in, w, rows + i, channel, n_lanes, x, n, dst[i]);
            for (; x < x1; x++)
                first_block(1, k, c_in, w, rows + i, channel, n_lanes, x, n, dst[i]);
        }
    }
}

static void first_layer(const struct fovi_int8_weights *w, const float *const *rows, uint8_t *const *dst, int x0,
                        int x1)
{
    if (w->k == 3 && w->c_in == 1)
        first_rows(3, 1, w, rows, dst, x0, x1);
    else if (w->k == 3 && w->c_in == 4)
        first_rows(3, 4, w, rows, dst, x0, x1);
    else
        first_rows(w->k, w->c_in, w, rows, dst, x0, x1);
}

INLINE vi add_bytes(const uint8_t *a, const uint8_t *b, vf mul0, vf mul1, vf add)
{
    return vi_from(vf_fma(vf_from(vi_bytes(a)), mul0, vf_fma(vf_from(vi_bytes(b)), mul1, add)));
}

static void add_pixels(const struct fovi_int8_weights *w, const uint8_t *a, const uint8_t *b, uint8_t *dst, ptrdiff_t n)
{
    for (int c = 0; c < w->c_out; c += LV) {
        vf mul0 = vf_load(w->mul[0] + c), mul1 = vf_load(w->mul[1] + c), add = vf_load(w->add[0] + c);
        int n_channels = count_channels(w, c);
        ptrdiff_t i = 0, at = c;
        for (; i + 4 <= n; i += 4, at += (ptrdiff_t)4 * w->c_out) {
            vi v[4];
            UNROLL
            for (int p = 0; p < 4; p++)
                v[p] = add_bytes(a + at + p * w->c_out, b + at + p * w->c_out, mul0, mul1, add);
            store_four(dst + at, w->c_out, v, n_channels);
        }
        for (; i < n; i++, at += w->c_out)
            store_bytes(dst + at, add_bytes(a + at, b + at, mul0, mul1, add), n_channels);
    }
}

#ifdef dot_quad
/* Sums of np positions, stride bytes apart, in nv vectors of lanes from number v on; those of a tile go to its place in
 * scratch, [tile % 4][position][lane]. */
INLINE void sum_positions(int np, int nv, const struct fovi_int8_weights *w, int v, const uint8_t *const *rows,
                          ptrdiff_t at, ptrdiff_t stride, int32_t *to)
{
    vi sum[NV_MAX][BLOCK];
    const int8_t *weight[NV_MAX];
    int32_t *out[NV_MAX];
    UNROLL
    for (int k = 0; k < nv; k++) {
        int tile = (v + k) / N_PARTS, part = (v + k) % N_PARTS;
        weight[k] = w->packed + (ptrdiff_t)tile * w->n_chunks * w->k * FOVI_INT8_CHUNK * FOVI_INT8_LANES +
                    (ptrdiff_t)4 * LV * part;
        out[k] = to + tile % 4 * BLOCK * FOVI_INT8_LANES + part * LV;
        UNROLL
        for (int p = 0; p < np; p++)
            sum[k][p] = vi_load(w->start + (ptrdiff_t)(v + k) * LV);
    }
    for (int j = 0; j < w->n_chunks; j++, at += FOVI_INT8_CHUNK) {
        int left = w->n_quads - j * (FOVI_INT8_CHUNK / 4), n = left < FOVI_INT8_CHUNK / 4 ? left : FOVI_INT8_CHUNK / 4;
        for (int ky = 0; ky < w->k; ky++) {
            const uint8_t *in = rows[ky] + at;
            for (int q = 0; q < n; q++, in += 4)
                dot_quad(np, nv, sum, in, stride, weight, (ptrdiff_t)4 * FOVI_INT8_LANES * q);
            UNROLL
            for (int k = 0; k < nv; k++)
                weight[k] += FOVI_INT8_CHUNK * FOVI_INT8_LANES;
        }
    }
    UNROLL
    for (int k = 0; k < nv; k++) {
        UNROLL
        for (int p = 0; p < np; p++)
            vi_store(out[k] + p * FOVI_INT8_LANES, sum[k][p]);
    }
}

/* Sums of nv vectors of lanes at n <= 16 positions of one row, from pixel x on. */
INLINE void sum_vectors(int nv, const struct fovi_int8_weights *w, int v, const uint8_t *const *rows, int x, int n,
                        int32_t *to)
{
    ptrdiff_t stride = (ptrdiff_t)w->span * w->c_in, at = (ptrdiff_t)(x - w->k / 2) * w->c_in;
    int p = 0, np = N_POSITIONS(nv);
    for (; p + np <= n; p += np)
        sum_positions(np, nv, w, v, rows, at + p * stride, stride, to + p * FOVI_INT8_LANES);
    for (; np > 4 && p + 4 <= n; p += 4)
        sum_positions(4, nv, w, v, rows, at + p * stride, stride, to + p * FOVI_INT8_LANES);
    for (; p < n; p++)
        sum_positions(1, nv, w, v, rows, at + p * stride, stride, to + p * FOVI_INT8_LANES);
}

static void sum_row(const struct fovi_int8_weights *w, int v, int nv, const uint8_t *const *rows, int x, int n,
                    int32_t *to)
{
    switch (nv) {
    case 1: sum_vectors(1, w, v, rows, x, n, to); break;
    case 2: sum_vectors(2, w, v, rows, x, n, to); break;
#if NV_MAX > 2
    case 3: sum_vectors(3, w, v, rows, x, n, to); break;
#endif
    default: sum_vectors(NV_MAX, w, v, rows, x, n, to); break;
    }
}

static void conv(const struct fovi_int8_weights *w, const uint8_t *const *rows, uint8_t *const *dst, int x0, int x1,
                 void *scratch)
{
    int n_tiles = (w->c_out + FOVI_INT8_LANES - 1) / FOVI_INT8_LANES, n_vectors = n_tiles * N_PARTS;
    for (int x = x0; x < x1; x += BLOCK) {
        int n = x1 - x < BLOCK ? x1 - x : BLOCK;
        for (int v = 0, nv; v < n_vectors; v += nv) {
            nv = n_vectors - v <= NV_MAX ? n_vectors - v : 2;
            for (int i = 0; i < FOVI_INT8_ROWS; i++) {
                sum_row(w, v, nv, rows + i, x, n, scratch);
                for (int tile = v / N_PARTS; tile < (v + nv) / N_PARTS; tile++)
                    emit(w, tile, (int32_t *)scratch + tile % 4 * BLOCK * FOVI_INT8_LANES, n,
                         dst[i] + (ptrdiff_t)x * w->c_out + (ptrdiff_t)tile * FOVI_INT8_LANES);
            }
        }
    }
}

static void last(const struct fovi_int8_weights *w, const uint8_t *const *rows, float *const *out, int n_rows, int x0,
                 int x1, void *scratch)
{
    int32_t *high = scratch, *low = high + BLOCK * FOVI_INT8_LANES;
    int width = BLOCK * w->span;
    for (int x = x0; x < x1; x += width) {
        int n = x1 - x < width ? x1 - x : width, positions = (n + w->span - 1) / w->span;
        for (int i = 0; i < n_rows; i++) {
            for (int v = 0; v < 2 * N_PARTS; v += 2)
                sum_row(w, v, 2, rows + i, x, positions, scratch);
            emit_last(w, high, low, n, x, out + i * w->scale);
        }
    }
}
#endif
