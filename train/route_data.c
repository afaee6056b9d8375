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
    float *lr, *truth, *base, *filter, *network, *lower;
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

/* Error of one more network, in p->lower. */
static void measure_rung(const struct planes *p, int rung, struct route_picture *out)
{
    ptrdiff_t stride = (ptrdiff_t)p->width * p->scale;
    for (size_t t = 0; t < out->n; t++) {
        int x0 = (int)(t % (size_t)out->map->n_tiles_x) * FOVEA_TILE, x1 = x0 + FOVEA_TILE;
        int y0 = (int)(t / (size_t)out->map->n_tiles_x) * FOVEA_TILE, y1 = y0 + FOVEA_TILE;
        double sum = 0.0;
        x1 = x1 < p->width ? x1 : p->width;
        y1 = y1 < p->height ? y1 : p->height;
        for (int y = y0 * p->scale; y < y1 * p->scale; y++)
            for (int x = x0 * p->scale; x < x1 * p->scale; x++) {
                double e = (double)p->lower[y * stride + x] - (double)p->truth[y * stride + x];
                sum += e * e;
            }
        out->tile[t].rung_error[rung] = sum / (out->tile[t].area * p->scale * p->scale);
    }
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

/* What a JPEG file makes of an 8-bit picture; in its place. */
static int compress(fovea_context *ctx, fovea_io *io, int quality, struct fovea_image *image)
{
    struct fovea_image decoded;
    void *bytes;
    size_t n_bytes;
    int code = fovea_io_encode_image(io, image, "jpeg", quality, NULL, &bytes, &n_bytes);
    if (!code)
        code = fovea_io_decode_image(io, bytes, n_bytes, &decoded);
    fovea_io_bytes_free(&bytes);
    if (code)
        return fovi_fail(ctx, code, "%s", fovea_io_last_error(io));
    free(image->data);
    *image = decoded;
    return FOVEA_OK;
}

/* The lumas of a picture and of its exact reduction. */
static int reduce(fovea_context *ctx, fovea_io *io, const struct fovea_image *hr, int jpeg, struct planes *p)
{
    struct fovea_image lr = *hr;
    lr.width = p->width;
    lr.height = p->height;
    lr.stride_bytes = (ptrdiff_t)p->width * hr->format.n_channels;
    lr.data = malloc((size_t)p->height * (size_t)lr.stride_bytes);
    if (!lr.data)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    int code = fovea_imresize(ctx, hr, p->scale, &lr);
    if (!code && jpeg)
        code = compress(ctx, io, jpeg, &lr);
    if (!code) {
        train_luma(hr, p->truth);
        train_luma(&lr, p->lr);
    }
    free(lr.data);
    return code;
}

/* Enlarge in every way, measure. */
static int make_from(fovea_context *ctx, struct planes *p, struct route_makers *makers, struct route_picture *out)
{
    int top = route_makers_top(makers);
    FOVI_TRY(train_enlarge(ctx, p->lr, p->width, p->height, p->scale, p->base));
    FOVI_TRY(route_makers_filter(makers, p->lr, p->width, p->height, p->filter));
    FOVI_TRY(route_makers_network(makers, top, p->lr, p->width, p->height, p->network));
    FOVI_TRY(measure(ctx, p, out));
    for (size_t t = 0; t < out->n; t++) {
        out->tile[t].rung_error[FOVI_ROUTE_FILTER] = out->tile[t].error[ROUTE_FILTER];
        out->tile[t].rung_error[top] = out->tile[t].error[ROUTE_NETWORK];
    }
    for (int rung = 1; rung < top; rung++) {
        if (!route_makers_has(makers, rung))
            continue;
        FOVI_TRY(route_makers_network(makers, rung, p->lr, p->width, p->height, p->lower));
        measure_rung(p, rung, out);
    }
    return FOVEA_OK;
}

int route_picture_from(fovea_context *ctx, fovea_io *io, const struct fovea_image *image, int jpeg,
                       struct route_makers *makers, struct route_picture *out)
{
    int scale = route_makers_scale(makers);
    struct fovea_image hr = *image;
    *out = (struct route_picture){ 0 };
    hr.width -= hr.width % scale;
    hr.height -= hr.height % scale;
    struct planes p = { .width = hr.width / scale, .height = hr.height / scale, .scale = scale };
    if (p.width < FOVEA_TILE || p.height < FOVEA_TILE)
        return FOVEA_OK;
    size_t n_hr = (size_t)hr.width * (size_t)hr.height;
    float *memory = fovi_alloc(ctx, 6 * n_hr, sizeof *memory);
    if (!memory)
        return fovi_alloc_error(ctx);
    p.truth = memory;
    p.filter = memory + n_hr;
    p.network = memory + 2 * n_hr;
    p.base = memory + 3 * n_hr;
    p.lower = memory + 4 * n_hr;
    p.lr = memory + 5 * n_hr;
    int code = reduce(ctx, io, &hr, jpeg, &p);
    if (!code)
        code = make_from(ctx, &p, makers, out);
    fovi_free(ctx, memory);
    return code;
}

int route_picture_make(fovea_context *ctx, fovea_io *io, const char *path, struct route_makers *makers,
                       struct route_picture *out)
{
    struct fovea_image image;
    *out = (struct route_picture){ 0 };
    FOVI_TRY(train_picture_read(ctx, io, path, &image));
    int code = route_picture_from(ctx, io, &image, 0, makers, out);
    free(image.data);
    return code;
}

void route_picture_free(fovea_context *ctx, struct route_picture *picture)
{
    fovea_map_free(&picture->map);
    fovi_free(ctx, picture->tile);
    *picture = (struct route_picture){ 0 };
}
