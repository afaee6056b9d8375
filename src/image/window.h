/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A sliding window over the rows of a float picture: the working form of everything between source and sink.
 *
 * Samples are floats on a 0..255 scale whatever the file's depth. Planes are separate. Row y lives in slot
 * y % capacity, so rows y0..y1-1 are valid at one time, and neighbouring rows need not be neighbours in memory.
 */
#ifndef FOVI_IMAGE_WINDOW_H
#define FOVI_IMAGE_WINDOW_H

#include <assert.h>

#include "base/context.h"

struct fovi_window {
    int width, height, n_planes; /* of the whole picture */
    int capacity;                /* rows held at most */
    int y0, y1;                  /* rows that are valid now */
    ptrdiff_t stride;            /* floats from one slot to the next; a multiple of 16 */
    float *data;                 /* n_planes x capacity x stride */
};

/* Floats of padding at each side of a row that may be read (not relied upon) and written. */
#define FOVI_WINDOW_PAD 16

/* Take memory for capacity rows (at most height are taken). */
int fovi_window_init(fovea_context *ctx, struct fovi_window *w, int width, int height, int n_planes, int capacity);
void fovi_window_free(fovea_context *ctx, struct fovi_window *w);

/* Forget all rows: y0 = y1 = 0. */
void fovi_window_reset(struct fovi_window *w);

/* Row y of a plane. The caller keeps y within y0..y1-1 (or is about to write row y1). */
static inline float *fovi_window_row(const struct fovi_window *w, int plane, int y)
{
    assert(y >= w->y0);
    return w->data + ((ptrdiff_t)plane * w->capacity + y % w->capacity) * w->stride + FOVI_WINDOW_PAD;
}

/* Row y with y clamped into the picture (the edge row repeated). */
static inline const float *fovi_window_row_clamped(const struct fovi_window *w, int plane, int y)
{
    return fovi_window_row(w, plane, y < 0 ? 0 : y >= w->height ? w->height - 1 : y);
}

/* Say that n more rows were written below y1; the oldest fall out when the window is full. */
static inline void fovi_window_push(struct fovi_window *w, int n)
{
    w->y1 += n;
    if (w->y1 - w->y0 > w->capacity)
        w->y0 = w->y1 - w->capacity;
}

#endif
