/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sliding windows of rows: memory. The stride is made an odd multiple of 64 bytes, so that the rows of a column do not
 * fall into one cache set.
 */
#include "image/window.h"

#include "base/checked.h"

int fovi_window_init(fovea_context *ctx, struct fovi_window *w, int width, int height, int n_planes, int capacity)
{
    *w = (struct fovi_window){
        .width = width, .height = height, .n_planes = n_planes, .capacity = capacity < height ? capacity : height
    };
    w->stride = ((ptrdiff_t)width + 2 * FOVI_WINDOW_PAD + 15) / 16 * 16;
    if (w->stride / 16 % 2 == 0)
        w->stride += 16;
    size_t rows;
    if (!fovi_mul_size((size_t)n_planes, (size_t)w->capacity, &rows) || !fovi_mul_size(rows, (size_t)w->stride, &rows))
        return fovi_fail(ctx, FOVEA_E_NOMEM, "a window of %d rows of %d pixels overflows", capacity, width);
    w->data = fovi_alloc(ctx, rows, sizeof *w->data);
    return w->data ? FOVEA_OK : fovi_alloc_error(ctx);
}

void fovi_window_free(fovea_context *ctx, struct fovi_window *w)
{
    fovi_free(ctx, w->data);
    w->data = NULL;
}

void fovi_window_reset(struct fovi_window *w)
{
    w->y0 = w->y1 = 0;
}
