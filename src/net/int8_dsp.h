/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernels of networks in int8: unsigned activations, signed weights, sums of 32 bits; four rows of outputs at once.
 *
 * Activations are rows of pixels whose channels lie side by side, [x][c]: a byte q of channel c stands for
 * (q - zero[c]) * step[c], so that zero[c] stands for what lies outside the picture. The first layer computes in float
 * and rounds its outputs; the last one has weights of 15 bits, in two parts, and gives floats.
 *
 * Exactness: sums of integers are the same in any order; all that follows a sum is a fixed sequence of float
 * operations, each rounded to nearest even. So all kernels give the same bytes as the reference in C.
 */
#ifndef FOVI_NET_INT8_DSP_H
#define FOVI_NET_INT8_DSP_H

#include <stddef.h>
#include <stdint.h>

#define FOVI_INT8_LANES 16 /* outputs of a tile */
#define FOVI_INT8_CHUNK 64 /* inputs of a tile */
#define FOVI_INT8_ROWS 4   /* rows of outputs that are made at once */

/* Pixels behind the last one asked for that a kernel may read. It writes none. */
#define FOVI_INT8_OVERREAD 80

/* Bytes of scratch for a kernel, aligned to 64. */
#define FOVI_INT8_SCRATCH 16384

struct fovi_int8_weights {
    int k, c_in, c_out;    /* c_in of all but the first layer, and c_out of all but the last, are multiples of 4 */
    int span;              /* pixels whose outputs are lanes of the same tile: 1, or 4 in the last layer of x2 */
    int scale;             /* last layer: the pixel shuffle, else 0 */
    int n_chunks, n_quads; /* of the (k + span - 1) * c_in bytes of a row: pieces of 64, rounded up, and of 4 */
    const int8_t *packed;  /* [tile][chunk][ky][16 quads][16 lanes][4]; the bytes of a row are [kx][c_in], lanes are
                              channels; in the last layer [sy][pixel of span][sx], a tile of the high parts of the
                              weights, multiples of 128, and one of the low parts, -64..63; zeros elsewhere */
    const int32_t *start;  /* for each lane of all tiles: what the sum starts at, which takes the zero points away */
    const float *taps;     /* first layer: [k][k][c_in][lanes] */
    const float *bias;     /* first layer: [lanes] */
    const float *mul[2], *add[2]; /* [lanes], see the functions */
};

/* Columns x0..x1-1 of four rows y..y+3. rows[i]: pixel 0 of input row y - k/2 + i, k + 3 of them, of which pixels x0 -
 * k/2 .. x1 - 1 + k/2 count. dst[i]: pixel 0 of output row y + i, which must not overlap the inputs. Output: the larger
 * of sum * mul[0] + add[0] and sum * mul[1] + add[1] (the two branches of a PReLU with a slope of at most 1), each a
 * fused multiply-add, rounded to even and limited to a byte; what has no 32-bit integer becomes 0. */
typedef void fovi_int8_conv(const struct fovi_int8_weights *w, const uint8_t *const *rows, uint8_t *const *dst, int x0,
                            int x1, void *scratch);

/* The first layer: the same from floats [x][c_in]; the sum is a chain of fused multiply-adds from the bias on, over ky,
 * kx and channel. */
typedef void fovi_int8_first(const struct fovi_int8_weights *w, const float *const *rows, uint8_t *const *dst, int x0,
                             int x1);

/* The last layer: high * mul[0] + (low * mul[1] + add[0]) as floats, shuffled. out[i * scale + sy]: column 0 of a row
 * of the enlarged picture, for n_rows rows. */
typedef void fovi_int8_last(const struct fovi_int8_weights *w, const uint8_t *const *rows, float *const *out,
                            int n_rows, int x0, int x1, void *scratch);

/* Sums of n pixels of c_out channels: a * mul[0] + (b * mul[1] + add[0]), rounded as above. */
typedef void fovi_int8_add(const struct fovi_int8_weights *w, const uint8_t *a, const uint8_t *b, uint8_t *dst,
                           ptrdiff_t n);

struct fovi_int8_dsp {
    fovi_int8_conv *conv;
    fovi_int8_first *first;
    fovi_int8_last *last;
    fovi_int8_add *add;
};

extern const struct fovi_int8_dsp fovi_int8_dsp_c, fovi_int8_dsp_avx2, fovi_int8_dsp_avxvnni, fovi_int8_dsp_vnni,
    fovi_int8_dsp_amx;

#endif
