/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernels of networks in bfloat16: four rows of outputs at once, products and sums by matrix tiles (AMX).
 *
 * Activations are rows of pixels whose channels lie side by side: [x][c]. The inputs of an output in one row of the
 * kernel are then consecutive numbers, and a tile of 16 pixels x 32 numbers is 16 overlapping pieces of that row.
 *
 * Exactness: an output starts at zero; for each chunk of 32 numbers, and in it for each row of the kernel, two chains
 * of fused multiply-adds, over the even and over the odd numbers, start at zero, are added to each other, and their sum
 * is added to the output. All is rounded to nearest even, numbers too small to be normal become zero: TDPBF16PS (Intel
 * 64 and IA-32 Architectures Software Developer's Manual, volume 2). Then the bias is added. So all kernels give the
 * same bytes as the reference in C.
 */
#ifndef FOVI_NET_BF16_DSP_H
#define FOVI_NET_BF16_DSP_H

#include <stddef.h>
#include <stdint.h>

#define FOVI_BF16_LANES 16 /* outputs of a tile */
#define FOVI_BF16_CHUNK 32 /* inputs of a tile */
#define FOVI_BF16_ROWS 4   /* rows of outputs that are made at once */

/* Pixels behind the last one asked for that a kernel may read. It writes none. */
#define FOVI_BF16_OVERREAD 80

/* Pixels before the first one asked for that it may read besides. */
#define FOVI_BF16_UNDERREAD 1

/* Floats of scratch for a kernel, aligned to 64 bytes. */
#define FOVI_BF16_SCRATCH 2048

struct fovi_bf16_weights {
    int k, c_in, c_out;     /* c_in is even; so is c_out but in the last layer */
    int span;               /* pixels whose outputs come from the same inputs: 4 in the last layer of x2, 2 where 16
                               channels come in, so that inputs are whole lines of the cache; else 1. They start at
                               multiples of span */
    int n_chunks;           /* of the (k + span - 1) * c_in numbers of a row, rounded up */
    int scale;              /* last layer: the pixel shuffle, else 0 */
    const uint16_t *packed; /* [tile][chunk][ky][16 pairs of inputs][16 lanes][2]; the numbers of a row are [kx][c_in],
                               lanes are [pixel of span][channel, to whole tiles], or in the last layer [sy][pixel of
                               span][sx]; zeros elsewhere */
    const float *bias;      /* for each lane of all tiles */
    const float *slope;     /* the same, of the PReLU, or NULL: none */
};

/* Compute columns x0..x1-1 of four rows y..y+3. rows[i]: pixel 0 of input row y - k/2 + i, k + 3 of them; pixels
 * x0 - k/2 .. x1 - 1 + k/2 must hold the inputs, zeros outside the picture, and those read beyond them no infinity or
 * NaN. It is fastest where odd pixels start at multiples of 64 bytes, or all of them. dst[i]: pixel 0 of output row
 * y + i, which must not overlap the inputs. */
typedef void fovi_bf16_conv(const struct fovi_bf16_weights *w, const uint16_t *const *rows, uint16_t *const *dst,
                            int x0, int x1, float *scratch);

/* The last layer: outputs times 255 as floats, shuffled. out[i * scale + sy]: column 0 of a row of the enlarged
 * picture, for n_rows rows; x0 is a multiple of 4. */
typedef void fovi_bf16_last(const struct fovi_bf16_weights *w, const uint16_t *const *rows, float *const *out,
                            int n_rows, int x0, int x1, float *scratch);

/* Columns x0..x1-1 of src times factor as pixels of 4 channels: twice the number rounded to bfloat16, twice what is
 * missing, rounded too. With weights that are split in the same way (high, low, high, low) the first layer has a
 * precision of 16 bits. */
typedef void fovi_bf16_split(const float *src, float factor, uint16_t *dst, int x0, int x1);

/* n numbers from two rows: their sums, or a and b gated, (a + b) * (sigmoid(a) - 0.5). */
typedef void fovi_bf16_join(const uint16_t *a, const uint16_t *b, uint16_t *dst, ptrdiff_t n);

/* The gate's sigmoid is that of gate_dsp.h, as exact as bfloat16 can tell: |a| is cut off at 16, one step reduces the
 * exponent, the polynomial has degree 4, and 1 / (1 + e) comes from a line through two steps of Newton's: 2e-4 of the
 * exact value and 1e-7, where bfloat16 rounds by 4e-3. */
#define FOVI_BF16_GATE_MOST 16.0f
#define FOVI_BF16_GATE_LN2 0.693147181f
#define FOVI_BF16_GATE_LINE_0 (24.0f / 17.0f)
#define FOVI_BF16_GATE_LINE_1 (-8.0f / 17.0f)

/* The c channels of n pixels to those of dst, whose pixels are dst_step numbers apart; c and dst_step are even. */
typedef void fovi_bf16_place(const uint16_t *src, int c, uint16_t *dst, int dst_step, int n);

struct fovi_bf16_dsp {
    fovi_bf16_conv *conv;
    fovi_bf16_last *last;
    fovi_bf16_split *split;
    fovi_bf16_join *add, *gate;
    fovi_bf16_place *place;
};

extern const struct fovi_bf16_dsp fovi_bf16_dsp_c, fovi_bf16_dsp_amx;

#endif
