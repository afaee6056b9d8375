/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pictures of a report. Small results are embedded whole and without loss; of large ones a reduced whole, and
 * without loss the places where most fine structure is. The size of a page is bounded, and so is its memory.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html_report.h"
#include "preview.h"
#include "upscale.h"

#define WHOLE_QUALITY 90
#define MAX_DETAILS 3

/* How much of a picture a page shows. Wholes of up to whole_pixels are shown as they are, larger ones reduced. */
struct measure {
    double whole_pixels;
    int whole_side, detail_width, detail_height, n_details, is_review;
};

static const struct measure report_measure = { 1.5e6, 8000, 512, 384, MAX_DETAILS, 0 };
static const struct measure review_measure = { 1e5, 1000, 240, 180, 1, 1 };

struct maker {
    const struct cli_shown *shown;
    const struct measure *measure;
    int width, height;             /* of the result */
    int is_full;                   /* the whole is not reduced */
    int whole_width, whole_height; /* as shown */
    double scale_x, scale_y;       /* result pixels per input pixel */
    int n_details;
    struct cli_window details[MAX_DETAILS]; /* in pixels of the result */
};

static json_t *json_rect(double x, double y, double width, double height)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "x", x, "y", y, "w", width, "h", height);
}

/* ---- where to look ---- */

/* Sums of difficulty: sum[y * stride + x] holds those of all tiles above and left of (x, y). */
static double *integrate(const struct fovea_map *map)
{
    size_t stride = (size_t)map->n_tiles_x + 1;
    double *sum = calloc(stride * ((size_t)map->n_tiles_y + 1), sizeof *sum);
    for (size_t y = 0; sum && y < (size_t)map->n_tiles_y; y++)
        for (size_t x = 0; x < (size_t)map->n_tiles_x; x++)
            sum[(y + 1) * stride + x + 1] = (double)map->tiles[y * (size_t)map->n_tiles_x + x].difficulty +
                                            sum[y * stride + x + 1] + sum[(y + 1) * stride + x] - sum[y * stride + x];
    return sum;
}

static int overlaps(const struct cli_window *a, const struct cli_window *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

/* The window of the most difficult tiles that touches none chosen before; 0 if there is none. */
static int find_detail(struct maker *m, const struct fovea_map *map, const double *sum, int width, int height)
{
    int nx = map->n_tiles_x, ny = map->n_tiles_y, found = 0;
    double tile_w = FOVEA_TILE * m->scale_x, tile_h = FOVEA_TILE * m->scale_y, best = 0.;
    int tw = (int)ceil(width / tile_w), th = (int)ceil(height / tile_h);
    size_t stride = (size_t)nx + 1;
    tw = tw < nx ? tw : nx;
    th = th < ny ? th : ny;
    for (int y = 0; y + th <= ny; y++) {
        for (int x = 0; x + tw <= nx; x++) {
            struct cli_window w = { (int)(x * tile_w), (int)(y * tile_h), width, height };
            w.x = w.x + width > m->width ? m->width - width : w.x;
            w.y = w.y + height > m->height ? m->height - height : w.y;
            const double *top = sum + (size_t)y * stride + x, *bottom = top + (size_t)th * stride;
            double value = bottom[tw] - bottom[0] - top[tw] + top[0];
            int is_free = value > best;
            for (int i = 0; i < m->n_details && is_free; i++)
                is_free = !overlaps(&w, &m->details[i]);
            if (is_free) {
                best = value;
                m->details[m->n_details] = w;
                found = 1;
            }
        }
    }
    m->n_details += found;
    return found;
}

static int find_details(struct maker *m, const struct fovea_map *map)
{
    int width = m->is_full ? m->width / 3 : m->measure->detail_width,
        height = m->is_full ? m->height / 3 : m->measure->detail_height;
    if (width < 48 || height < 48 || width > m->width || height > m->height)
        return CLI_OK;
    double *sum = integrate(map);
    if (!sum)
        return cli_fail(m->shown->cli, CLI_RESOURCE, "out of memory");
    while (m->n_details < m->measure->n_details && find_detail(m, map, sum, width, height))
        ;
    free(sum);
    return CLI_OK;
}

/* ---- layers ---- */

static int add_piece(struct maker *m, json_t *pieces, struct fovea_image *image, int quality, json_t *rect)
{
    json_t *src = cli_data_uri(m->shown->cli, image, quality, m->shown->input);
    fovea_io_image_free(image);
    if (!src) {
        json_decref(rect);
        return CLI_OUTPUT;
    }
    json_object_set_new(rect, "src", src);
    json_array_append_new(pieces, rect);
    return CLI_OK;
}

/* The details of a source that is brought to width x height, which cover the same place as the result. */
static int add_details(struct maker *m, json_t *pieces, const struct fovea_source *source, int width, int height)
{
    struct cli_window windows[MAX_DETAILS];
    struct fovea_image images[MAX_DETAILS];
    double sx = (double)m->width / width, sy = (double)m->height / height;
    for (int i = 0; i < m->n_details; i++) {
        const struct cli_window *d = &m->details[i];
        struct cli_window *w = &windows[i];
        w->x = (int)(d->x / sx);
        w->y = (int)(d->y / sy);
        w->width = (int)fmin(ceil((d->x + d->width) / sx), width) - w->x;
        w->height = (int)fmin(ceil((d->y + d->height) / sy), height) - w->y;
    }
    int code = cli_preview(m->shown->cli, source, width, height, m->n_details, windows, images);
    for (int i = 0; i < m->n_details && !code; i++) {
        const struct cli_window *w = &windows[i];
        code = add_piece(m, pieces, &images[i], 0, json_rect(w->x * sx, w->y * sy, w->width * sx, w->height * sy));
        for (int k = i + 1; code && k < m->n_details; k++)
            fovea_io_image_free(&images[k]);
    }
    return code;
}

/* A source as a layer: the whole, brought to whole_width x whole_height, and the details at width x height. */
static int add_layer(struct maker *m, json_t *layers, const char *key, const char *title, fovea_io_reader *reader,
                     int width, int height, int whole_width, int whole_height)
{
    struct fovea_source source = fovea_io_reader_source(reader);
    struct cli_window all = { 0, 0, whole_width, whole_height };
    struct fovea_image image;
    json_t *pieces = json_array();
    int is_reduced = whole_width < width || whole_height < height;
    int code = cli_preview(m->shown->cli, &source, whole_width, whole_height, 1, &all, &image);
    if (!code)
        code = add_piece(m, pieces, &image, is_reduced ? WHOLE_QUALITY : 0, json_rect(0., 0., m->width, m->height));
    if (!code && is_reduced && m->n_details)
        code = add_details(m, pieces, &source, width, height);
    json_object_set_new(layers, key, json_pack("{s:s, s:o}", "title", title, "pieces", pieces));
    return code;
}

static int add_layers(struct maker *m, json_t *layers, fovea_io_reader *result)
{
    fovea_io_reader *input = m->shown->input;
    struct fovea_source source = fovea_io_reader_source(input);
    int w = source.width, h = source.height;
    cli_fit(&w, &h, m->measure->whole_pixels, m->measure->whole_side);
    int code = add_layer(m, layers, "result", m->shown->run->report.method, result, m->width, m->height, m->whole_width,
                         m->whole_height);
    if (!code)
        code = add_layer(m, layers, "bicubic", "bicubic", input, m->width, m->height, m->whole_width, m->whole_height);
    if (!code && !m->measure->is_review)
        code = add_layer(m, layers, "input", "input pixels", input, source.width, source.height, w, h);
    return code;
}

/* The true picture, which has the result's size. */
static int add_reference(struct maker *m, json_t *layers)
{
    fovea_io_reader *reader;
    int code = fovea_io_reader_open(&reader, m->shown->cli->io, m->shown->reference);
    if (code)
        return cli_fail_io(m->shown->cli, code, 1);
    code = add_layer(m, layers, "reference", "reference", reader, m->width, m->height, m->whole_width, m->whole_height);
    fovea_io_reader_close(&reader);
    return code;
}

/* ---- overlays: one pixel a tile ---- */

static json_t *legend_entry(const char *name, const uint8_t rgb[3])
{
    char color[8];
    snprintf(color, sizeof color, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return json_pack("{s:s, s:s}", "name", name, "color", color);
}

/* Takes legend. */
static int add_overlay(struct maker *m, json_t *overlays, const char *key, const char *title, struct fovea_image *tiles,
                       json_t *legend)
{
    json_t *src = cli_data_uri(m->shown->cli, tiles, 0, NULL);
    if (!src) {
        json_decref(legend);
        return CLI_OUTPUT;
    }
    json_array_append_new(overlays, json_pack("{s:s, s:s, s:f, s:f, s:o, s:o}", "key", key, "title", title, "w",
                                              tiles->width * FOVEA_TILE * m->scale_x, "h",
                                              tiles->height * FOVEA_TILE * m->scale_y, "legend", legend, "src", src));
    return CLI_OK;
}

static int add_provenance(struct maker *m, json_t *overlays)
{
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_provenance p;
    struct fovea_image tiles;
    fovea_plan_provenance(m->shown->plan, &p);
    if (!p.path)
        return CLI_OK;
    if (!cli_new_image(m->shown->cli, &tiles, p.n_tiles_x, p.n_tiles_y, &rgb))
        return CLI_RESOURCE;
    for (size_t i = 0; i < (size_t)p.n_tiles_x * (size_t)p.n_tiles_y; i++)
        memcpy((uint8_t *)tiles.data + 3 * i, cli_path_colors[p.path[i] % FOVEA_N_PATHS], 3);
    json_t *legend = json_array();
    for (int i = 0; i < FOVEA_N_PATHS; i++)
        json_array_append_new(legend, legend_entry(fovea_path_name((enum fovea_path)i), cli_path_colors[i]));
    int code = add_overlay(m, overlays, "provenance", "which method made it", &tiles, legend);
    fovea_io_image_free(&tiles);
    return code;
}

/* A value of each tile as heat; they lie step floats apart, full is the brightest. low, high: what the ends mean. */
struct heat {
    const char *key, *title, *low, *high;
    const float *values;
    size_t step;
    int n_tiles_x, n_tiles_y;
    float full;
};

static int add_heat(struct maker *m, json_t *overlays, const struct heat *h)
{
    const struct fovea_format rgb = { FOVEA_SAMPLE_U8, 3, 0 };
    struct fovea_image tiles;
    if (!h->values)
        return CLI_OK;
    if (!cli_new_image(m->shown->cli, &tiles, h->n_tiles_x, h->n_tiles_y, &rgb))
        return CLI_RESOURCE;
    for (size_t i = 0; i < (size_t)h->n_tiles_x * (size_t)h->n_tiles_y; i++)
        fovea_heat_color(fminf(h->values[i * h->step] / h->full, 1.f), (uint8_t *)tiles.data + 3 * i);
    json_t *legend = json_array();
    for (int i = 0; i < 5; i++) {
        uint8_t color[3];
        fovea_heat_color((float)i / 4.f, color);
        json_array_append_new(legend, legend_entry(i ? i < 4 ? "" : h->high : h->low, color));
    }
    int code = add_overlay(m, overlays, h->key, h->title, &tiles, legend);
    fovea_io_image_free(&tiles);
    return code;
}

static int add_maps(struct maker *m, json_t *overlays, const struct fovea_map *map)
{
    const struct heat difficulty = { .key = "difficulty",
                                     .title = "where detail was lost",
                                     .low = "flat",
                                     .high = "hard",
                                     .values = &map->tiles[0].difficulty,
                                     .step = sizeof map->tiles[0] / sizeof(float),
                                     .n_tiles_x = map->n_tiles_x,
                                     .n_tiles_y = map->n_tiles_y,
                                     .full = 1.f };
    const struct fovea_tile_figures *t = &m->shown->run->tiles;
    struct heat added = { .key = "added",
                          .title = "what was added",
                          .low = "nothing",
                          .high = "24 levels or more",
                          .values = t->added,
                          .step = 1,
                          .n_tiles_x = t->n_tiles_x,
                          .n_tiles_y = t->n_tiles_y,
                          .full = CLI_MAP_FULL };
    struct heat error = added;
    error.key = "uncertainty";
    error.title = "expected error";
    error.values = t->expected_error;
    struct heat detail = added;
    detail.key = "detail";
    detail.title = "detail of mode vivid";
    detail.high = "8 levels or more";
    detail.values = t->detail;
    detail.full = CLI_DETAIL_FULL;
    struct heat deviation = added;
    deviation.key = "consistency";
    deviation.title = "input not given back";
    deviation.low = "given back";
    deviation.high = "4 levels off or more";
    deviation.values = t->deviation;
    deviation.full = CLI_DEVIATION_FULL;
    int code = add_provenance(m, overlays);
    if (!code)
        code = add_heat(m, overlays, &difficulty);
    if (!code)
        code = add_heat(m, overlays, &deviation);
    if (!code)
        code = add_heat(m, overlays, &detail);
    if (!code)
        code = add_heat(m, overlays, &added);
    return code ? code : add_heat(m, overlays, &error);
}

/* ---- all of it ---- */

static int fill(struct maker *m, json_t *out, fovea_io_reader *result, const struct fovea_map *map)
{
    json_t *layers = json_object(), *overlays = json_array(), *details = json_array();
    json_object_set_new(out, "width", json_integer(m->width));
    json_object_set_new(out, "height", json_integer(m->height));
    json_object_set_new(out, "whole_scale", json_real((double)m->whole_width / m->width));
    json_object_set_new(out, "layers", layers);
    json_object_set_new(out, "overlays", overlays);
    json_object_set_new(out, "details", details);
    int code = find_details(m, map);
    for (int i = 0; i < m->n_details; i++)
        json_array_append_new(details,
                              json_rect(m->details[i].x, m->details[i].y, m->details[i].width, m->details[i].height));
    if (!code)
        code = add_layers(m, layers, result);
    if (code || m->measure->is_review)
        return code;
    if (m->shown->reference)
        code = add_reference(m, layers);
    return code ? code : add_maps(m, overlays, map);
}

static int analyze(const struct cli_shown *shown, struct fovea_map **map)
{
    struct fovea_source source = fovea_io_reader_source(shown->input);
    int code = source.rewind(source.user);
    if (!code)
        code = fovea_analyze(shown->cli->ctx, &source, NULL, map);
    if (code && *fovea_io_last_error(shown->cli->io))
        return cli_fail_io(shown->cli, code, 1);
    return code ? cli_fail_core(shown->cli, code) : CLI_OK;
}

static int make_pictures(const struct cli_shown *shown, const struct measure *measure, json_t **out)
{
    const struct fovea_report *r = &shown->run->report;
    struct maker m = { .shown = shown, .measure = measure, .width = r->out_width, .height = r->out_height };
    struct fovea_map *map = NULL;
    fovea_io_reader *result;
    *out = NULL;
    m.scale_x = r->scale_x;
    m.scale_y = r->scale_y;
    m.whole_width = m.width;
    m.whole_height = m.height;
    cli_fit(&m.whole_width, &m.whole_height, measure->whole_pixels, measure->whole_side);
    m.is_full = m.whole_width == m.width && m.whole_height == m.height;
    int code = fovea_io_reader_open(&result, shown->cli->io, shown->run->output);
    if (code)
        return cli_fail_io(shown->cli, code, 0);
    json_t *pictures = json_object();
    code = analyze(shown, &map);
    if (!code)
        code = fill(&m, pictures, result, map);
    fovea_map_free(&map);
    fovea_io_reader_close(&result);
    if (code)
        json_decref(pictures);
    else
        *out = pictures;
    return code;
}

int cli_report_pictures(const struct cli_shown *shown, json_t **out)
{
    return make_pictures(shown, &report_measure, out);
}

int cli_review_pictures(const struct cli_shown *shown, json_t **out)
{
    return make_pictures(shown, &review_measure, out);
}
