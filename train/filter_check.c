/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The benchmark's protocol for one filter.
 */
#include "filter_check.h"

#include <stdlib.h>

#include "filter_fit.h"
#include "fovea/metrics.h"
#include "fovea/resample.h"
#include "image/convert.h"
#include "pictures.h"

/* One picture on its way. */
struct trial {
    struct fovea_image hr, lr, up; /* 8 bits */
    float *lr_planes, *planes;     /* of lr; bicubic enlargements */
    float *lr_luma, *luma;         /* of lr; the filter's */
};

static int take_memory(fovea_context *ctx, int scale, struct trial *t)
{
    t->hr.width -= t->hr.width % scale;
    t->hr.height -= t->hr.height % scale;
    t->up = t->hr;
    t->up.stride_bytes = (ptrdiff_t)t->hr.width * 3;
    t->lr = (struct fovea_image){ t->hr.width / scale, t->hr.height / scale, t->hr.format, NULL,
                                  (ptrdiff_t)(t->hr.width / scale) * 3 };
    size_t n_lr = (size_t)t->lr.width * (size_t)t->lr.height, n_hr = n_lr * (size_t)(scale * scale);
    t->up.data = fovi_alloc(ctx, n_hr, 3);
    t->lr.data = fovi_alloc(ctx, n_lr, 3);
    t->lr_planes = fovi_alloc(ctx, n_lr * 3, sizeof(float));
    t->planes = fovi_alloc(ctx, n_hr * 3, sizeof(float));
    t->lr_luma = fovi_alloc(ctx, n_lr, sizeof(float));
    t->luma = fovi_alloc(ctx, n_hr, sizeof(float));
    return t->up.data && t->lr.data && t->lr_planes && t->planes && t->lr_luma && t->luma ? FOVEA_OK
                                                                                          : fovi_alloc_error(ctx);
}

static void free_memory(fovea_context *ctx, struct trial *t)
{
    if (t->up.data != t->hr.data)
        fovi_free(ctx, t->up.data);
    fovi_free(ctx, t->lr.data);
    fovi_free(ctx, t->lr_planes);
    fovi_free(ctx, t->planes);
    fovi_free(ctx, t->lr_luma);
    fovi_free(ctx, t->luma);
    free(t->hr.data);
}

/* Planes of row y. */
static void plane_rows(float *planes, int width, int height, int y, float *rows[3])
{
    for (int c = 0; c < 3; c++)
        rows[c] = planes + ((ptrdiff_t)c * height + y) * width;
}

/* Grey as equal R, G and B: the convention, since it is luma on the studio range that is compared. */
static int make_rgb(fovea_context *ctx, struct fovea_image *image)
{
    if (image->format.n_channels == 3)
        return FOVEA_OK;
    size_t n = (size_t)image->width * (size_t)image->height;
    uint8_t *rgb = malloc(3 * n);
    const uint8_t *grey = image->data;
    if (!rgb)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    for (size_t i = 0; i < 3 * n; i++)
        rgb[i] = grey[i / 3];
    free(image->data);
    image->data = rgb;
    image->format.n_channels = 3;
    image->stride_bytes = (ptrdiff_t)image->width * 3;
    return FOVEA_OK;
}

static int enlarge(fovea_context *ctx, const struct fovi_filter *filter, struct trial *t)
{
    const int scale = filter->scale;
    const ptrdiff_t n_lr = (ptrdiff_t)t->lr.width * t->lr.height;
    for (int y = 0; y < t->lr.height; y++) {
        float *rows[3];
        plane_rows(t->lr_planes, t->lr.width, t->lr.height, y, rows);
        fovi_row_load(&t->lr.format, (const char *)t->lr.data + y * t->lr.stride_bytes, t->lr.width, rows);
    }
    for (int c = 0; c < 3; c++)
        FOVI_TRY(train_enlarge(ctx, t->lr_planes + c * n_lr, t->lr.width, t->lr.height, scale,
                               t->planes + c * n_lr * scale * scale));
    train_luma(&t->lr, t->lr_luma);
    return filter_apply_plane(ctx, filter, t->lr_luma, t->lr.width, t->lr.height, t->luma);
}

/* The planes as the 8-bit picture; with is_filtered their luma is replaced. base: a row of scratch. */
static void store(struct trial *t, int is_filtered, float *base)
{
    const int width = t->up.width;
    for (int y = 0; y < t->up.height; y++) {
        float *rows[3];
        plane_rows(t->planes, width, t->up.height, y, rows);
        if (is_filtered) {
            fovi_row_luma((const float *const *)rows, 3, width, base);
            for (int c = 0; c < 3; c++)
                for (int x = 0; x < width; x++)
                    rows[c][x] += (t->luma[(ptrdiff_t)y * width + x] - base[x]) * (255.0f / 219.0f);
        }
        fovi_row_store(&t->up.format, (const float *const *)rows, width, (char *)t->up.data + y * t->up.stride_bytes);
    }
}

static int score_one(fovea_context *ctx, const struct fovi_filter *filter, struct trial *t, struct filter_score *out)
{
    struct fovea_metrics bicubic, filtered;
    FOVI_TRY(make_rgb(ctx, &t->hr));
    FOVI_TRY(take_memory(ctx, filter->scale, t));
    FOVI_TRY(fovea_imresize(ctx, &t->hr, filter->scale, &t->lr));
    FOVI_TRY(enlarge(ctx, filter, t));
    float *base = fovi_alloc(ctx, (size_t)t->up.width, sizeof *base);
    if (!base)
        return fovi_alloc_error(ctx);
    store(t, 0, base);
    int code = fovea_metrics_compare(ctx, &t->hr, &t->up, filter->scale, &bicubic);
    store(t, 1, base);
    if (!code)
        code = fovea_metrics_compare(ctx, &t->hr, &t->up, filter->scale, &filtered);
    fovi_free(ctx, base);
    if (code)
        return code;
    out->n_pictures++;
    out->bicubic_db += bicubic.psnr_y;
    out->filter_db += filtered.psnr_y;
    return FOVEA_OK;
}

int filter_check(fovea_context *ctx, const struct fovi_filter *filter, char *dir, struct filter_score *out)
{
    *out = (struct filter_score){ 0 };
    const struct train_folders folders = { .dir = { dir }, .n_dirs = 1 };
    char **names = NULL;
    int n_names = 0;
    fovea_io *io = NULL;
    int code = train_names_list(ctx, &folders, &names, &n_names);
    if (!code)
        code = fovea_io_create(&io, NULL);
    for (int i = 0; !code && i < n_names; i++) {
        struct trial t = { 0 };
        code = train_picture_read(ctx, io, names[i], &t.hr);
        if (!code) {
            code = score_one(ctx, filter, &t, out);
            free_memory(ctx, &t);
        }
    }
    if (out->n_pictures) {
        out->bicubic_db /= out->n_pictures;
        out->filter_db /= out->n_pictures;
    }
    fovea_io_free(&io);
    train_names_free(names, n_names);
    return code;
}
