/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training pictures from folders: decoding, rescaling, the exact reduction, the residual of bicubic.
 */
#include "pictures.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/resample.h"
#include "progress.h"
#include "resample/axis.h"

static int is_picture(const char *name)
{
    static const char *const endings[] = { ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".ppm", ".pgm" };
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);
        if (n > m && strcmp(name + n - m, endings[i]) == 0)
            return 1;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Append dir/name to a growing list. */
static int append(char ***names, int *n, const char *dir, const char *name)
{
    char **grown = realloc(*names, ((size_t)*n + 1) * sizeof **names);
    if (!grown)
        return 0;
    *names = grown;
    size_t size = strlen(dir) + strlen(name) + 2;
    grown[*n] = malloc(size);
    if (!grown[*n])
        return 0;
    snprintf(grown[*n], size, "%s/%s", dir, name);
    (*n)++;
    return 1;
}

int train_folders_add(struct train_folders *folders, char *dir)
{
    if (folders->n_dirs == TRAIN_MAX_FOLDERS)
        return 0;
    folders->dir[folders->n_dirs++] = dir;
    return 1;
}

int train_folders_skip(struct train_folders *folders, char *prefix)
{
    if (folders->n_skips == TRAIN_MAX_FOLDERS)
        return 0;
    folders->skip[folders->n_skips++] = prefix;
    return 1;
}

static int is_wanted(const struct train_folders *folders, const char *name)
{
    for (int i = 0; i < folders->n_skips; i++)
        if (strncmp(name, folders->skip[i], strlen(folders->skip[i])) == 0)
            return 0;
    return is_picture(name);
}

static int list_dir(fovea_context *ctx, const struct train_folders *folders, const char *dir, int depth, char ***names,
                    int *n)
{
    DIR *d = opendir(dir);
    if (!d)
        return fovi_fail(ctx, FOVEA_E_READ, "%s: cannot open this folder", dir);
    int code = FOVEA_OK;
    struct dirent *e;
    while (!code && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        if (is_wanted(folders, e->d_name)) {
            if (!append(names, n, dir, e->d_name))
                code = fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
        } else if (depth > 0 && !strchr(e->d_name, '.')) {
            char sub[4096];
            snprintf(sub, sizeof sub, "%s/%s", dir, e->d_name);
            code = list_dir(ctx, folders, sub, depth - 1, names, n);
        }
    }
    closedir(d);
    return code;
}

int train_names_list(fovea_context *ctx, const struct train_folders *folders, char ***names, int *n_names)
{
    *names = NULL;
    *n_names = 0;
    for (int i = 0; i < folders->n_dirs; i++)
        FOVI_TRY(list_dir(ctx, folders, folders->dir[i], 2, names, n_names));
    if (*n_names == 0)
        return fovi_fail(ctx, FOVEA_E_READ, "%s: no pictures there", folders->n_dirs ? folders->dir[0] : "--data");
    qsort(*names, (size_t)*n_names, sizeof **names, by_name);
    return FOVEA_OK;
}

void train_names_free(char **names, int n_names)
{
    for (int i = 0; i < n_names; i++)
        free(names[i]);
    free(names);
}

/* One sample as 8 bits. */
static uint8_t sample_u8(const struct fovea_image *image, const void *row, ptrdiff_t i)
{
    switch (image->format.sample) {
    case FOVEA_SAMPLE_U8: return ((const uint8_t *)row)[i];
    case FOVEA_SAMPLE_U16: return (uint8_t)((((const uint16_t *)row)[i] + 128) / 257);
    case FOVEA_SAMPLE_F32: break;
    }
    float v = ((const float *)row)[i] * 255.0f + 0.5f;
    return (uint8_t)(v > 0.0f ? (v < 255.0f ? v : 255.0f) : 0.0f);
}

int train_picture_read(fovea_context *ctx, fovea_io *io, const char *path, struct fovea_image *out)
{
    struct fovea_image image;
    int code = fovea_io_read_image(io, path, &image);
    if (code)
        return fovi_fail(ctx, code, "%s", fovea_io_last_error(io));
    int n_color = image.format.n_channels - image.format.has_alpha, n = n_color >= 3 ? 3 : 1;
    *out = (struct fovea_image){
        image.width, image.height, { FOVEA_SAMPLE_U8, n, 0 }, NULL, (ptrdiff_t)image.width * n
    };
    out->data = malloc((size_t)image.height * (size_t)out->stride_bytes);
    if (out->data) {
        for (int y = 0; y < image.height; y++) {
            const char *row = (const char *)image.data + y * image.stride_bytes;
            uint8_t *to = (uint8_t *)out->data + y * out->stride_bytes;
            for (int x = 0; x < image.width; x++)
                for (int c = 0; c < n; c++)
                    to[x * n + c] = sample_u8(&image, row, (ptrdiff_t)x * image.format.n_channels + c);
        }
    }
    fovea_io_image_free(&image);
    return out->data ? FOVEA_OK : fovi_fail(ctx, FOVEA_E_NOMEM, "%s: out of memory", path);
}

void train_piece(const struct fovea_image *image, int n_x, int n_y, int i, struct fovea_image *piece)
{
    int x = (int)((int64_t)image->width * (i % n_x) / n_x), y = (int)((int64_t)image->height * (i / n_x) / n_y);
    *piece = *image;
    piece->width = (int)((int64_t)image->width * (i % n_x + 1) / n_x) - x;
    piece->height = (int)((int64_t)image->height * (i / n_x + 1) / n_y) - y;
    piece->data = (char *)image->data + y * image->stride_bytes + (ptrdiff_t)x * image->format.n_channels;
}

void train_luma(const struct fovea_image *image, float *luma)
{
    for (int y = 0; y < image->height; y++) {
        const uint8_t *row = (const uint8_t *)image->data + y * image->stride_bytes;
        float *to = luma + (ptrdiff_t)y * image->width;
        for (int x = 0; x < image->width; x++) {
            const uint8_t *p = row + (ptrdiff_t)x * image->format.n_channels;
            to[x] = image->format.n_channels == 3
                        ? 16.0f + (p[0] * (65.481f / 255.0f) + p[1] * (128.553f / 255.0f) + p[2] * (24.966f / 255.0f))
                        : p[0];
        }
    }
}

/* A new 8-bit picture: in reduced by divisor. */
static int reduce(fovea_context *ctx, const struct fovea_image *in, double divisor, struct fovea_image *out)
{
    *out = *in;
    out->width = (int)ceil(in->width * (1.0 / divisor));
    out->height = (int)ceil(in->height * (1.0 / divisor));
    out->stride_bytes = (ptrdiff_t)out->width * in->format.n_channels;
    out->data = malloc((size_t)out->height * (size_t)out->stride_bytes);
    if (!out->data)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    return fovea_imresize(ctx, in, divisor, out);
}

/* Bicubic enlargement of a whole plane. middle: in-height x out-width floats. */
struct enlarge {
    const struct fovi_resample_dsp *dsp;
    struct fovi_axis ax, ay;
    const float *in;
    float *middle, *out;
};

static void enlarge_rows(void *arg, int y, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    float padded[8192 + 64];
    memcpy(padded + 32, e->in + (ptrdiff_t)y * e->ax.in, (size_t)e->ax.in * sizeof *padded);
    e->dsp->h(&e->ax, padded + 32, e->middle + (ptrdiff_t)y * e->ax.out);
}

static void enlarge_columns(void *arg, int y, int worker)
{
    (void)worker;
    struct enlarge *e = arg;
    const float *rows[64];
    for (int k = 0; k < e->ay.n_taps; k++)
        rows[k] = e->middle + (ptrdiff_t)(e->ay.first[y] + k) * e->ax.out;
    e->dsp->v(rows, e->ay.weights + (ptrdiff_t)y * e->ay.n_taps, e->ay.n_taps, e->ax.out,
              e->out + (ptrdiff_t)y * e->ax.out);
}

int train_enlarge(fovea_context *ctx, const float *in, int width, int height, int scale, float *out)
{
    struct enlarge e = { .dsp = fovi_resample_dsp_get(fovea_context_cpu(ctx)), .in = in, .out = out };
    if (width > 8192)
        return fovi_fail(ctx, FOVEA_E_LIMIT, "training pictures may be 8192 low-resolution pixels wide, not %d", width);
    int code = fovi_axis_init(ctx, &e.ax, FOVEA_KERNEL_BICUBIC, width, width * scale);
    if (!code)
        code = fovi_axis_init(ctx, &e.ay, FOVEA_KERNEL_BICUBIC, height, height * scale);
    if (!code && !(e.middle = fovi_alloc(ctx, (size_t)height * (size_t)width * (size_t)scale, sizeof *e.middle)))
        code = fovi_alloc_error(ctx);
    if (!code) {
        fovi_parallel(ctx, enlarge_rows, &e, height);
        fovi_parallel(ctx, enlarge_columns, &e, height * scale);
    }
    fovi_free(ctx, e.middle);
    fovi_axis_free(ctx, &e.ax);
    fovi_axis_free(ctx, &e.ay);
    return code;
}

/* Fixed-point planes of a pair from the lumas; base is overwritten. */
static int store_pair(fovea_context *ctx, struct train_picture *p, int scale, const float *lr, const float *hr,
                      float *base)
{
    size_t n_lr = (size_t)p->width * (size_t)p->height, n_hr = n_lr * (size_t)(scale * scale);
    FOVI_TRY(train_enlarge(ctx, lr, p->width, p->height, scale, base));
    p->lr = malloc(n_lr * sizeof *p->lr);
    p->residual = malloc(n_hr * sizeof *p->residual);
    if (!p->lr || !p->residual)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n_lr; i++)
        p->lr[i] = (uint16_t)lrintf(lr[i] * 256.0f);
    double energy = 0.0;
    for (size_t i = 0; i < n_hr; i++) {
        float r = hr[i] - base[i];
        p->residual[i] = (int16_t)lrintf(r * 64.0f);
        energy += (double)(r * r);
    }
    p->hardness = (float)(energy / (double)n_hr);
    return FOVEA_OK;
}

static void crop_to_multiple(struct fovea_image *image, int scale)
{
    image->width -= image->width % scale;
    image->height -= image->height % scale;
}

/* One pair from one 8-bit picture. */
static int make_pair(fovea_context *ctx, const struct fovea_image *image, int scale, struct train_picture *out)
{
    struct fovea_image hr = *image, small = { 0 };
    crop_to_multiple(&hr, scale);
    size_t n_hr = (size_t)hr.width * (size_t)hr.height;
    float *planes = fovi_alloc(ctx, 3 * n_hr, sizeof *planes);
    int code = planes ? reduce(ctx, &hr, scale, &small) : fovi_alloc_error(ctx);
    if (!code) {
        out->width = small.width;
        out->height = small.height;
        train_luma(&hr, planes);
        train_luma(&small, planes + n_hr);
        code = store_pair(ctx, out, scale, planes + n_hr, planes, planes + 2 * n_hr);
    }
    free(small.data);
    fovi_free(ctx, planes);
    return code;
}

/* All pairs of one file are appended to the set. */
static int add_file(fovea_context *ctx, fovea_io *io, const char *path, const double *rescale, int n_rescale,
                    int min_side, struct train_set *set)
{
    struct fovea_image image;
    FOVI_TRY(train_picture_read(ctx, io, path, &image));
    int code = FOVEA_OK;
    for (int i = 0; i < n_rescale && !code; i++) {
        struct fovea_image scaled = image;
        if (rescale[i] < 1.0)
            code = reduce(ctx, &image, 1.0 / rescale[i], &scaled);
        if (!code && scaled.width / set->scale >= min_side && scaled.height / set->scale >= min_side) {
            code = make_pair(ctx, &scaled, set->scale, &set->picture[set->n]);
            set->n++;
        }
        if (scaled.data != image.data)
            free(scaled.data);
    }
    free(image.data);
    return code;
}

int train_set_load(fovea_context *ctx, fovea_io *io, char *const *names, int n_names, int scale, const double *rescale,
                   int n_rescale, int min_side, struct train_set *out)
{
    *out = (struct train_set){ .scale = scale };
    out->picture = calloc((size_t)n_names * (size_t)n_rescale, sizeof *out->picture);
    out->area_end = calloc((size_t)n_names * (size_t)n_rescale, sizeof *out->area_end);
    if (!out->picture || !out->area_end)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    struct train_progress progress;
    train_progress_start(&progress, "reading", n_names);
    for (int i = 0; i < n_names; i++) {
        FOVI_TRY(add_file(ctx, io, names[i], rescale, n_rescale, min_side, out));
        train_progress_step(&progress, i + 1, "");
    }
    train_progress_end(&progress);
    int64_t sum = 0;
    for (int i = 0; i < out->n; i++) {
        sum += (int64_t)out->picture[i].width * out->picture[i].height;
        out->area_end[i] = sum;
    }
    if (out->n == 0)
        return fovi_fail(ctx, FOVEA_E_READ, "no picture is large enough for a patch of %d pixels", min_side * scale);
    return FOVEA_OK;
}

void train_set_free(struct train_set *set)
{
    for (int i = 0; i < set->n; i++) {
        free(set->picture[i].lr);
        free(set->picture[i].residual);
    }
    free(set->picture);
    free(set->area_end);
    *set = (struct train_set){ 0 };
}
