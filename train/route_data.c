/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tiles with features and truth, from picture files.
 */
#include "route_data.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "fovea/resample.h"
#include "pictures.h"

/* Planes of one picture in one block of memory. */
struct planes {
    int width, height, scale; /* of lr */
    float *lr, *truth, *base, *filter, *network;
};

static int analyse(fovea_context *ctx, const struct planes *p, struct fovea_map **out)
{
    struct fovi_analysis *a;
    FOVI_TRY(fovi_analysis_create(ctx, p->width, p->height, &a));
    int code = FOVEA_OK;
    for (int y = 0; y < p->height && !code; y++) {
        memcpy(fovi_analysis_row(a), p->lr + (ptrdiff_t)y * p->width, (size_t)p->width * sizeof *p->lr);
        code = fovi_analysis_push(a);
    }
    if (!code)
        code = fovi_analysis_finish(a, out);
    fovi_analysis_free(&a);
    return code;
}

static struct route_tile measure_tile(const struct planes *p, int x0, int y0)
{
    int x1 = x0 + FOVEA_TILE < p->width ? x0 + FOVEA_TILE : p->width;
    int y1 = y0 + FOVEA_TILE < p->height ? y0 + FOVEA_TILE : p->height;
    const float *made[ROUTE_N_MAKERS] = { p->base, p->filter, p->network };
    double area = (double)((x1 - x0) * (y1 - y0)), n_px = area * p->scale * p->scale;
    struct route_tile tile = { .area = area };
    for (int y = y0 * p->scale; y < y1 * p->scale; y++) {
        for (int x = x0 * p->scale; x < x1 * p->scale; x++) {
            ptrdiff_t i = (ptrdiff_t)y * p->width * p->scale + x;
            double difference = (double)p->network[i] - (double)p->filter[i];
            tile.correction += difference * difference / n_px;
            for (int k = 0; k < ROUTE_N_MAKERS; k++) {
                double e = (double)made[k][i] - (double)p->truth[i], a = (double)made[k][i] - (double)p->base[i];
                tile.error[k] += e * e / n_px;
                tile.added[k] += a * a / n_px;
            }
        }
    }
    tile.residual = tile.error[ROUTE_NETWORK];
    tile.gain = tile.error[ROUTE_FILTER] - tile.residual;
    return tile;
}

static int measure(fovea_context *ctx, const struct planes *p, struct route_picture *out)
{
    FOVI_TRY(analyse(ctx, p, &out->map));
    out->n = (size_t)out->map->n_tiles_x * (size_t)out->map->n_tiles_y;
    out->tile = fovi_alloc(ctx, out->n, sizeof *out->tile);
    if (!out->tile)
        return fovi_alloc_error(ctx);
    for (size_t t = 0; t < out->n; t++) {
        int x = (int)(t % (size_t)out->map->n_tiles_x), y = (int)(t / (size_t)out->map->n_tiles_x);
        out->tile[t] = measure_tile(p, x * FOVEA_TILE, y * FOVEA_TILE);
    }
    return FOVEA_OK;
}

/* Reduce, enlarge both ways, measure. hr: cropped to a multiple of the scale. */
static int make_from(fovea_context *ctx, const struct fovea_image *hr, struct route_makers *makers, float *memory,
                     struct route_picture *out)
{
    int scale = route_makers_scale(makers);
    struct planes p = { .width = hr->width / scale, .height = hr->height / scale, .scale = scale };
    size_t n_hr = (size_t)hr->width * (size_t)hr->height;
    p.truth = memory;
    p.filter = memory + n_hr;
    p.network = memory + 2 * n_hr;
    p.base = memory + 3 * n_hr;
    p.lr = memory + 4 * n_hr;
    struct fovea_image lr = *hr;
    lr.width = p.width;
    lr.height = p.height;
    lr.stride_bytes = (ptrdiff_t)p.width * hr->format.n_channels;
    lr.data = malloc((size_t)p.height * (size_t)lr.stride_bytes);
    if (!lr.data)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    int code = fovea_imresize(ctx, hr, scale, &lr);
    if (!code) {
        train_luma(hr, p.truth);
        train_luma(&lr, p.lr);
    }
    free(lr.data);
    if (!code)
        code = train_enlarge(ctx, p.lr, p.width, p.height, scale, p.base);
    if (!code)
        code = route_makers_filter(makers, p.lr, p.width, p.height, p.filter);
    if (!code)
        code = route_makers_network(makers, p.lr, p.width, p.height, p.network);
    return code ? code : measure(ctx, &p, out);
}

int route_picture_make(fovea_context *ctx, fovea_io *io, const char *path, struct route_makers *makers,
                       struct route_picture *out)
{
    struct fovea_image image;
    int scale = route_makers_scale(makers);
    *out = (struct route_picture){ 0 };
    FOVI_TRY(train_picture_read(ctx, io, path, &image));
    image.width -= image.width % scale;
    image.height -= image.height % scale;
    int code = FOVEA_OK;
    if (image.width / scale >= FOVEA_TILE && image.height / scale >= FOVEA_TILE) {
        float *memory = fovi_alloc(ctx, 5 * (size_t)image.width * (size_t)image.height, sizeof *memory);
        code = memory ? make_from(ctx, &image, makers, memory, out) : fovi_alloc_error(ctx);
        fovi_free(ctx, memory);
    }
    free(image.data);
    return code;
}

void route_picture_free(fovea_context *ctx, struct route_picture *picture)
{
    fovea_map_free(&picture->map);
    fovi_free(ctx, picture->tile);
    *picture = (struct route_picture){ 0 };
}
