/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A libvips saver in its own thread. Rows come in through a ring and go out through the generate callback of an image
 * that libvips pulls from the top (with one worker an operation it asks in order; anything else is refused), so that
 * only the ring and libvips' own strips are in memory. Either side may end first: a failed saver makes put fail, a
 * cancelled encoder makes the saver fail.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vips/vips.h>

#include "meta.h"

/* The ring holds this many bytes, but at least some rows. */
#define RING_BYTES ((size_t)1 << 19)
#define RING_MIN_ROWS 16

/* A band of a TIFF takes about this much. */
#define TIFF_BAND_BYTES ((size_t)2 << 20)

/* How often one who waits for the end is asked whether he still does. */
#define WAIT_NS 100000000

/* Low tiles are wide, since libtiff and readers keep a list of all of them. */
#define TIFF_TILE_PIXELS (256 * 64)

struct fovi_io_encoder {
    struct fovi_io_job job;
    char *path;
    VipsImage *image;
    size_t row_bytes;
    int capacity; /* rows of the ring */
    unsigned char *ring;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    int n_in, n_out;                       /* rows put in and taken out so far */
    int cancelled, ended, failed, is_left; /* is_left: by its caller; the thread frees it */
    char text[256];                        /* why it failed */
};

/* Take row y, waiting for it; 0, or -1 if the encoder was cancelled. */
static int take_row(struct fovi_io_encoder *e, int y, void *row)
{
    pthread_mutex_lock(&e->lock);
    while (e->n_in <= y && !e->cancelled)
        pthread_cond_wait(&e->changed, &e->lock);
    int failed = e->cancelled || y != e->n_out;
    pthread_mutex_unlock(&e->lock);
    if (failed)
        return -1;
    memcpy(row, e->ring + (size_t)(y % e->capacity) * e->row_bytes, e->row_bytes);
    pthread_mutex_lock(&e->lock);
    e->n_out = y + 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return 0;
}

static int generate(VipsRegion *region, void *seq, void *a, void *b, gboolean *stop)
{
    struct fovi_io_encoder *e = a;
    VipsRect *r = &region->valid;
    (void)seq, (void)b, (void)stop;
    if (r->left != 0 || r->width != region->im->Xsize) {
        vips_error("fovea", "part of a row was asked for");
        return -1;
    }
    for (int y = r->top; y < r->top + r->height; y++) {
        if (take_row(e, y, VIPS_REGION_ADDR(region, 0, y))) {
            vips_error("fovea", "cancelled");
            return -1;
        }
    }
    return 0;
}

/* Rows of a TIFF's strips and tiles: libvips keeps three such bands, libtiff one more, so they are lower where rows are
 * long. A multiple of 16, as the standard asks of tiles. */
static int tiff_band_rows(const struct fovi_io_encoder *e)
{
    size_t rows = TIFF_BAND_BYTES / e->row_bytes / 16 * 16;
    return rows < 16 ? 16 : rows > 128 ? 128 : (int)rows;
}

static void set_tiff(const struct fovi_io_encoder *e, VipsOperation *operation)
{
    int is_float = e->job.format.sample == FOVEA_SAMPLE_F32;
    int is_huge = VIPS_IMAGE_SIZEOF_IMAGE(e->image) > 3500000000u, rows = tiff_band_rows(e);
    int tile_width = rows < 64 ? TIFF_TILE_PIXELS / rows / 16 * 16 : 256;
    g_object_set(operation, "compression", e->job.compression, "predictor",
                 is_float ? VIPS_FOREIGN_TIFF_PREDICTOR_FLOAT : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "bigtiff",
                 is_huge, "tile", is_huge, "tile_width", tile_width, "tile_height", rows, NULL);
    if (e->job.compression == VIPS_FOREIGN_TIFF_COMPRESSION_JPEG)
        g_object_set(operation, "Q", e->job.quality, NULL);
}

/* Tiles of 254 pixels that overlap by one at each side, as viewers expect. Each is a picture of its own for them: it
 * carries the profile. */
static void set_pyramid(const struct fovi_io_encoder *e, VipsOperation *operation)
{
    char suffix[48] = ".png[compression=2]";
    if (e->job.compression != FOVI_IO_TILES_PNG)
        snprintf(suffix, sizeof suffix,
                 e->job.compression == FOVI_IO_TILES_JPEG ? ".jpg[Q=%d,subsample_mode=off]" : ".webp[Q=%d]",
                 e->job.quality);
    g_object_set(operation, "suffix", suffix, "tile_size", 254, "overlap", 1, "no_strip", TRUE, NULL);
}

/* Settings: no loss where the format allows it. Measured on 12 megapixels of an enlarged photo: PNG level 2 with the
 * filter "up" takes .45 of the time of libvips' default and half of its bytes; LZW takes a fifth of deflate's time for
 * a tenth more bytes. JPEG XL without loss at effort 3 takes a fifteenth of libvips' default
 * (7) for 7 % more bytes, with loss at 5 two fifths for as many and 0.07 dB less; AVIF at 3 a fifth of its default (4)
 * for as many bytes and 0.25 dB less at 43. */
static void set_options(const struct fovi_io_encoder *e, VipsOperation *operation)
{
    int quality = e->job.quality;
    switch (e->job.kind) {
    case FOVI_IO_JPEG:
        g_object_set(operation, "Q", quality, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF, "strip", TRUE, NULL);
        break;
    case FOVI_IO_PNG:
        g_object_set(operation, "compression", e->job.compression, "filter", VIPS_FOREIGN_PNG_FILTER_UP, NULL);
        break;
    case FOVI_IO_JXL: g_object_set(operation, "effort", quality ? 5 : 3, NULL); /* FALLTHROUGH */
    case FOVI_IO_WEBP:
    case FOVI_IO_JP2:
        g_object_set(operation, "lossless", quality == 0, NULL);
        if (quality)
            g_object_set(operation, "Q", quality, NULL);
        break;
    case FOVI_IO_AVIF:
    case FOVI_IO_HEIC:
        g_object_set(
            operation, "Q", quality, "effort", 3, "bitdepth", e->job.bits, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF,
            "compression",
            e->job.kind == FOVI_IO_AVIF ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1 : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC, NULL);
        break;
    case FOVI_IO_TIFF: set_tiff(e, operation); break;
    case FOVI_IO_DZI: set_pyramid(e, operation); break;
    default: break;
    }
}

int fovi_io_encodes_at_end(enum fovi_io_kind kind)
{
    return kind == FOVI_IO_WEBP || kind == FOVI_IO_AVIF || kind == FOVI_IO_HEIC || kind == FOVI_IO_JXL;
}

static gint64 put_bytes(VipsTargetCustom *target, const void *bytes, gint64 n, void *user)
{
    (void)target;
    return fovi_io_embed_put(user, bytes, (size_t)n) ? -1 : n;
}

/* To a stream that puts the metadata in; libvips may say no more than that it could not write. */
static int save_stream(const struct fovi_io_encoder *e, VipsOperation *operation)
{
    struct fovi_io_embed embed = { .file = fopen(e->path, "wb"), .kind = e->job.kind, .meta = e->job.meta };
    VipsTargetCustom *target = embed.file ? vips_target_custom_new() : NULL;
    int failed = !target;
    if (target) {
        g_signal_connect(target, "write", G_CALLBACK(put_bytes), &embed);
        g_object_set(operation, "target", target, NULL);
        failed = vips_cache_operation_buildp(&operation);
    }
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
    g_clear_object(&target);
    errno = 0;
    int is_bad = embed.file && ferror(embed.file);
    if (embed.file && (fclose(embed.file) || is_bad)) {
        vips_error_clear();
        vips_error("fovea", "%s", errno ? strerror(errno) : "the file cannot take more");
        failed = 1;
    }
    return failed;
}

static int save(const struct fovi_io_encoder *e, VipsImage *image)
{
    int is_stream = e->job.kind == FOVI_IO_PNG || e->job.kind == FOVI_IO_JPEG;
    char name[32];
    snprintf(name, sizeof name, "%s%s", fovi_io_format_of(e->job.kind)->saver, is_stream ? "_target" : "");
    VipsOperation *operation = vips_operation_new(name);
    if (!operation)
        return -1;
    g_object_set(operation, "in", image, NULL);
    set_options(e, operation);
    if (is_stream)
        return save_stream(e, operation);
    char *path = e->job.kind == FOVI_IO_DZI ? g_build_filename(e->path, "p", NULL) : g_strdup(e->path);
    g_object_set(operation, "filename", path, NULL);
    g_free(path);
    int failed = vips_cache_operation_buildp(&operation);
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
    return failed;
}

static void free_encoder(struct fovi_io_encoder *e)
{
    g_clear_object(&e->image);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    free(e->ring);
    free(e->path);
    free(e);
}

static atomic_int n_left; /* encoders at work whose callers have gone */

int fovea_io_encoders_left(void)
{
    return atomic_load(&n_left);
}

static void *run(void *arg)
{
    struct fovi_io_encoder *e = arg;
    int failed = save(e, e->image);
    pthread_mutex_lock(&e->lock);
    e->ended = 1;
    e->failed = failed;
    if (failed)
        fovi_io_vips_text(e->text, sizeof e->text, "the encoder failed");
    int is_left = e->is_left;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    if (is_left)
        free_encoder(e);
    vips_thread_shutdown();
    if (is_left)
        atomic_fetch_sub(&n_left, 1);
    return NULL;
}

static VipsInterpretation interpretation(const struct fovea_format *format)
{
    if (format->n_channels > 4 || (format->n_channels == 4 && !format->has_alpha))
        return VIPS_INTERPRETATION_MULTIBAND;
    int is_grey = format->n_channels < 3;
    switch (format->sample) {
    case FOVEA_SAMPLE_U8: return is_grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    case FOVEA_SAMPLE_U16: return is_grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
    default: return is_grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_scRGB;
    }
}

/* What libvips puts into the file unchanged. */
static void set_metadata(const struct fovi_io_encoder *e, VipsImage *image)
{
    const struct fovi_io_meta *meta = e->job.meta;
    enum fovi_io_kind kind = e->job.kind;
    int is_heif = kind == FOVI_IO_AVIF || kind == FOVI_IO_HEIC;
    if (meta->icc.n && (is_heif || kind == FOVI_IO_TIFF || kind == FOVI_IO_JXL || kind == FOVI_IO_DZI))
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, meta->icc.bytes, meta->icc.n);
    if (meta->xmp.n && (is_heif || kind == FOVI_IO_TIFF))
        vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, meta->xmp.bytes, meta->xmp.n);
    if (meta->exif.n && is_heif)
        vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, meta->exif.bytes, meta->exif.n);
}

static VipsImage *make_image(struct fovi_io_encoder *e)
{
    static const VipsBandFormat formats[] = { VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT };
    const struct fovea_format *format = &e->job.format;
    VipsImage *image = vips_image_new();
    if (!image)
        return NULL;
    vips_image_init_fields(image, e->job.width, e->job.height, format->n_channels, formats[format->sample],
                           VIPS_CODING_NONE, interpretation(format), 1.0, 1.0);
    set_metadata(e, image);
    if (vips_image_pipelinev(image, VIPS_DEMAND_STYLE_THINSTRIP, NULL) ||
        vips_image_generate(image, NULL, generate, NULL, e, NULL))
        g_clear_object(&image);
    return image;
}

int fovi_io_encoder_start(struct fovi_io_encoder **out, const char *path, const struct fovi_io_job *job)
{
    *out = NULL;
    struct fovi_io_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return FOVEA_E_NOMEM;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->job = *job;
    e->row_bytes = fovi_io_row_bytes(job->width, &job->format);
    size_t rows = RING_BYTES / e->row_bytes;
    e->capacity = rows < RING_MIN_ROWS ? RING_MIN_ROWS : rows > (size_t)job->height ? job->height : (int)rows;
    e->path = strdup(path);
    e->ring = malloc((size_t)e->capacity * e->row_bytes);
    int code = FOVEA_E_NOMEM;
    if (e->path && e->ring && (e->image = make_image(e)))
        code = pthread_create(&e->thread, NULL, run, e) ? FOVEA_E_INTERNAL : FOVEA_OK;
    if (code)
        free_encoder(e);
    else
        *out = e;
    return code;
}

int fovi_io_encoder_put(struct fovi_io_encoder *e, const void *row)
{
    pthread_mutex_lock(&e->lock);
    while (e->n_in - e->n_out >= e->capacity && !e->ended)
        pthread_cond_wait(&e->changed, &e->lock);
    int failed = e->ended, y = e->n_in;
    pthread_mutex_unlock(&e->lock);
    if (failed)
        return FOVEA_E_WRITE;
    memcpy(e->ring + (size_t)(y % e->capacity) * e->row_bytes, row, e->row_bytes);
    pthread_mutex_lock(&e->lock);
    e->n_in = y + 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return FOVEA_OK;
}

/* Until the encoder has ended, or the caller wants no more. Nonzero: it is left to its thread, which frees it. */
static int wait_for_end(struct fovi_io_encoder *e, const struct fovea_progress *wait)
{
    pthread_mutex_lock(&e->lock);
    while (!e->ended && !e->cancelled) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&e->changed, &e->lock, &until);
        pthread_mutex_unlock(&e->lock);
        int is_unwanted = wait->report(wait->user, 1.0);
        pthread_mutex_lock(&e->lock);
        e->cancelled = is_unwanted;
        pthread_cond_broadcast(&e->changed);
    }
    int is_left = !e->ended && e->n_out == e->job.height && fovi_io_encodes_at_end(e->job.kind);
    e->is_left = is_left;
    atomic_fetch_add(&n_left, is_left);
    pthread_mutex_unlock(&e->lock);
    return is_left;
}

int fovi_io_encoder_end(struct fovi_io_encoder **encoder, int complete, const struct fovea_progress *wait, char *text,
                        size_t n_bytes)
{
    struct fovi_io_encoder *e = *encoder;
    pthread_t thread = e->thread;
    *encoder = NULL;
    snprintf(text, n_bytes, "cancelled");
    pthread_mutex_lock(&e->lock);
    e->cancelled = !complete;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    if (complete && wait && wait_for_end(e, wait)) {
        pthread_detach(thread);
        return FOVEA_E_CANCELLED;
    }
    pthread_join(thread, NULL);
    int code = !e->failed ? FOVEA_OK : complete && e->cancelled ? FOVEA_E_CANCELLED : FOVEA_E_WRITE;
    if (code != FOVEA_E_CANCELLED)
        snprintf(text, n_bytes, "%s", e->text);
    free_encoder(e);
    return code;
}
