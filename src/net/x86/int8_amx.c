/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in int8 with AMX: tiles of 16 pixels x 16 outputs, four rows of outputs at once, as in bf16_amx.c.
 *
 * Tile registers: 0..3 the sums of the four rows, 4..6 inputs of the last three rows loaded, 7 weights. A block's sums
 * go to scratch, and become activations while the matrix unit works on the next block.
 */
#include "net/x86/amx.h"
#include "net/x86/int8_avx512.h"
#include "net/x86/int8_template.h"

#define TILE_INTS 256
#define BLOCK_INTS (FOVI_INT8_ROWS * TILE_INTS)

/* Row ky of the kernel; a, b, c hold input rows ky, ky + 1, ky + 2, and row ky + 3 takes the place of ky. */
#define KERNEL_ROW(ky, a, b, c)                      \
    do {                                             \
        TILE_LOAD(7, weight, 64);                    \
        weight += FOVI_INT8_CHUNK * FOVI_INT8_LANES; \
        TILE_DOT_INT8(0, a, 7);                      \
        TILE_DOT_INT8(1, b, 7);                      \
        TILE_DOT_INT8(2, c, 7);                      \
        TILE_LOAD(a, rows[(ky) + 3] + at, stride);   \
        TILE_DOT_INT8(3, a, 7);                      \
    } while (0)

/* Sums of one block of a tile, to scratch. at: number of the first byte of its first pixel. */
INLINE void sum_block(int k, const struct fovi_int8_weights *w, int tile, const uint8_t *const *rows, ptrdiff_t at,
                      int32_t *to)
{
    ptrdiff_t stride = (ptrdiff_t)w->span * w->c_in;
    const int8_t *weight = w->packed + (ptrdiff_t)tile * w->n_chunks * k * FOVI_INT8_CHUNK * FOVI_INT8_LANES;
    const int32_t *start = w->start + (ptrdiff_t)tile * FOVI_INT8_LANES;
    TILE_LOAD(0, start, 0); /* sixteen times the same row */
    TILE_LOAD(1, start, 0);
    TILE_LOAD(2, start, 0);
    TILE_LOAD(3, start, 0);
    for (int j = 0; j < w->n_chunks; j++, at += FOVI_INT8_CHUNK) {
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
    TILE_STORE(0, to);
    TILE_STORE(1, to + TILE_INTS);
    TILE_STORE(2, to + 2 * TILE_INTS);
    TILE_STORE(3, to + 3 * TILE_INTS);
}

/* Sums that wait in scratch to become outputs. */
struct block {
    const int32_t *sums;
    int tile, x, n; /* pixels x .. x + n - 1 */
};

static void emit_block(const struct fovi_int8_weights *w, const struct block *b, uint8_t *const *dst)
{
    ptrdiff_t at = (ptrdiff_t)b->x * w->c_out + (ptrdiff_t)b->tile * FOVI_INT8_LANES;
    for (int i = 0; i < FOVI_INT8_ROWS; i++) {
        if (b->n == BLOCK)
            emit(w, b->tile, b->sums + (ptrdiff_t)i * TILE_INTS, BLOCK, dst[i] + at);
        else
            emit(w, b->tile, b->sums + (ptrdiff_t)i * TILE_INTS, b->n, dst[i] + at);
    }
}

INLINE void conv_rows(int k, const struct fovi_int8_weights *w, const uint8_t *const *rows, uint8_t *const *dst, int x0,
                      int x1, int32_t *scratch)
{
    struct block waiting = { 0 };
    for (int x = x0; x < x1; x += BLOCK) {
        for (int t = 0; t * FOVI_INT8_LANES < w->c_out; t++) {
            int32_t *sums = waiting.sums == scratch ? scratch + BLOCK_INTS : scratch;
            sum_block(k, w, t, rows, (ptrdiff_t)(x - k / 2) * w->c_in, sums);
            if (waiting.n)
                emit_block(w, &waiting, dst);
            waiting = (struct block){ sums, t, x, x1 - x < BLOCK ? x1 - x : BLOCK };
        }
    }
    if (waiting.n)
        emit_block(w, &waiting, dst);
}

static void conv_amx(const struct fovi_int8_weights *w, const uint8_t *const *rows, uint8_t *const *dst, int x0, int x1,
                     void *scratch)
{
    tiles_configure();
    switch (w->k) {
    case 1: conv_rows(1, w, rows, dst, x0, x1, scratch); break;
    case 3: conv_rows(3, w, rows, dst, x0, x1, scratch); break;
    default: conv_rows(5, w, rows, dst, x0, x1, scratch); break;
    }
    tiles_release();
}

/* A block of the last layer: both parts of the sums, one behind the other. */
static void emit_parts(const struct fovi_int8_weights *w, const struct block *b, float *const *out, int n_rows)
{
    for (int i = 0; i < n_rows; i++)
        emit_last(w, b->sums + (ptrdiff_t)i * TILE_INTS, b->sums + BLOCK_INTS + (ptrdiff_t)i * TILE_INTS, b->n, b->x,
                  out + i * w->scale);
}

INLINE void last_rows(int k, const struct fovi_int8_weights *w, const uint8_t *const *rows, float *const *out,
                      int n_rows, int x0, int x1, int32_t *scratch)
{
    int width = BLOCK * w->span;
    struct block waiting = { 0 };
    for (int x = x0; x < x1; x += width) {
        ptrdiff_t at = (ptrdiff_t)(x - k / 2) * w->c_in;
        int32_t *sums = waiting.sums == scratch ? scratch + 2 * BLOCK_INTS : scratch;
        sum_block(k, w, 0, rows, at, sums);
        sum_block(k, w, 1, rows, at, sums + BLOCK_INTS);
        if (waiting.n)
            emit_parts(w, &waiting, out, n_rows);
        waiting = (struct block){ sums, 0, x, x1 - x < width ? x1 - x : width };
    }
    if (waiting.n)
        emit_parts(w, &waiting, out, n_rows);
}

static void last_amx(const struct fovi_int8_weights *w, const uint8_t *const *rows, float *const *out, int n_rows,
                     int x0, int x1, void *scratch)
{
    tiles_configure();
    switch (w->k) {
    case 1: last_rows(1, w, rows, out, n_rows, x0, x1, scratch); break;
    case 3: last_rows(3, w, rows, out, n_rows, x0, x1, scratch); break;
    default: last_rows(5, w, rows, out, n_rows, x0, x1, scratch); break;
    }
    tiles_release();
}

const struct fovi_int8_dsp fovi_int8_dsp_amx = { conv_amx, first_layer, last_amx, add_pixels };
