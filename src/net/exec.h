/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Running a network over a picture that comes row by row.
 *
 * All layers advance together, four rows at a time; each keeps only the last few rows of its output, so that
 * activations stay in the cache and memory does not grow with the picture's height. The columns are cut into slices,
 * which the threads share out: a seam costs the network's radius in columns, and no rows at all. A slice keeps the few
 * rows of each layer that the next call needs; those that come and go within a call lie in rings of the thread at work.
 * Where only some tiles are wanted, each layer computes in each group of rows just the columns that those tiles depend
 * on: a halo that shrinks layer by layer. The bytes do not depend on threads, strips or tiles.
 */
#ifndef FOVI_NET_EXEC_H
#define FOVI_NET_EXEC_H

#include "image/window.h"
#include "net/graph.h"

struct fovi_exec;

/* Number formats of the layers. Each gives the same bytes with any instruction sets, but bfloat16 is emulated, and
 * slow, without FOVEA_CPU_AMX. */
enum fovi_exec_format { FOVI_EXEC_F32, FOVI_EXEC_BF16, FOVI_EXEC_INT8 };

/* Whether a network can run in bfloat16: all its operators have kernels for it. */
int fovi_exec_has_bf16(const struct fovi_graph *graph);

/* Rows of the picture that a call makes at least, but the last. */
enum { FOVI_EXEC_LEAST_ROWS = 16 };

/* Prepare a network for pictures of one size: all memory is taken here. The graph (with its weights) must outlive
 * it. FOVI_EXEC_BF16 only where fovi_exec_has_bf16, FOVI_EXEC_INT8 only where graph->has_int8. */
int fovi_exec_create(fovea_context *ctx, const struct fovi_graph *graph, enum fovi_exec_format format, int width,
                     int height, struct fovi_exec **out);
void fovi_exec_free(struct fovi_exec **exec);

/* Begin a picture. tiles: NULL = everywhere, else a byte for each 16x16 tile, row by row, borrowed until the picture
 * ends: the network runs where it equals value. */
void fovi_exec_begin(struct fovi_exec *exec, const uint8_t *tiles, uint8_t value);

/* Compute the residual (in levels of 255) of input rows y0..y1-1; y0 is where the last call ended, y1 a multiple of 4
 * (times the graph's unshuffle) and at least FOVI_EXEC_LEAST_ROWS further down, or the picture's end. Plane 0 of luma
 * must hold the rows up to y1 - 1 + the network's radius (or the picture's end) that were not yet consumed. out: output
 * row y0 * scale, out_stride floats from row to row; columns of tiles that are not wanted are left alone.
 *
 * By n networks for one picture, the dearest last, each for the tiles that it was begun with: their slices share the
 * threads, so that none waits for another network. */
void fovi_exec_rows_together(struct fovi_exec *const *exec, int n, const struct fovi_window *luma, int y0, int y1,
                             float *out, ptrdiff_t out_stride);

/* By one network. */
static inline void fovi_exec_rows(struct fovi_exec *exec, const struct fovi_window *luma, int y0, int y1, float *out,
                                  ptrdiff_t out_stride)
{
    fovi_exec_rows_together(&exec, 1, luma, y0, y1, out, out_stride);
}

/* Work done since begin, in input pixels of the whole network (halo included). */
double fovi_exec_px(const struct fovi_exec *exec);

/* Milliseconds, of all threads together, that the whole picture would take without tiles, by the calls since begin;
 * 0: they were too few. */
double fovi_exec_whole_ms(const struct fovi_exec *exec);

#endif
