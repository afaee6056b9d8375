/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The handle of fovea-io and the one place where libvips is started: no cache, one worker an operation (rows are pulled
 * in order anyway), no messages on standard error.
 */
#include <glib.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "internal.h"

static pthread_once_t vips_once = PTHREAD_ONCE_INIT;
static int vips_started;

static void drop_message(const char *domain, GLogLevelFlags level, const char *message, void *user)
{
    (void)domain, (void)level, (void)message, (void)user;
}

/* Rows of libvips' buffers before an encoder and behind a decoder, which are 128 by default: 15 MB each where a row has
 * 40000 pixels. There is no call for it but the one that parses its options. */
static void set_buffer_rows(void)
{
    char *words[] = { (char[]){ "fovea" }, (char[]){ "--vips-tile-height=16" }, NULL };
    char **argv = words;
    int argc = 2;
    GOptionContext *options = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("vips", "", "", NULL, NULL);
    vips_add_option_entries(group);
    g_option_context_set_main_group(options, group);
    g_option_context_parse(options, &argc, &argv, NULL);
    g_option_context_free(options);
}

/* vips_init sets the locale of the whole process, which would turn every decimal point of the caller into a comma. */
static void start_vips(void)
{
    const char *now = setlocale(LC_ALL, NULL);
    char *before = now ? strdup(now) : NULL;
    vips_started = vips_init("fovea") == 0;
    if (before)
        setlocale(LC_ALL, before);
    free(before);
    if (!vips_started)
        return;
    set_buffer_rows();
    vips_cache_set_max(0);
    vips_concurrency_set(1);
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION, drop_message, NULL);
}

int fovea_io_create(fovea_io **out, const struct fovea_io_params *params)
{
    static const struct fovea_io_params defaults = FOVEA_IO_DEFAULTS;
    const struct fovea_io_params *p = params ? params : &defaults;
    *out = NULL;
    if (p->max_pixels < 1 || p->max_pixels > INT64_C(1) << 40)
        return FOVEA_E_ARG;
    pthread_once(&vips_once, start_vips);
    if (!vips_started)
        return FOVEA_E_INTERNAL;
    fovea_io *io = calloc(1, sizeof *io);
    if (!io)
        return FOVEA_E_NOMEM;
    io->max_pixels = p->max_pixels;
    *out = io;
    return FOVEA_OK;
}

void fovea_io_free(fovea_io **io)
{
    if (!io)
        return;
    free(*io);
    *io = NULL;
}

const char *fovea_io_last_error(const fovea_io *io)
{
    return io ? io->error : "";
}

const char *fovea_io_vips_version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", vips_version(0), vips_version(1), vips_version(2));
    return text;
}

int fovi_io_fail(fovea_io *io, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(io->error, sizeof io->error, format, args);
    va_end(args);
    return code;
}

const char *fovi_io_vips_text(char *text, size_t n_bytes, const char *fallback)
{
    char *all = vips_error_buffer_copy();
    size_t n = all ? strcspn(all, "\n") : 0;
    snprintf(text, n_bytes, "%.*s", (int)(n ? n : strlen(fallback)), n ? all : fallback);
    g_free(all);
    return text;
}
