/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The operation "fovea" for libvips, as a module that libvips loads by itself:
 *
 *     vips fovea in.png out.png --scale 2 --method auto
 *
 * The input is pulled from the top in strips; the result goes to memory, or to a temporary file where it is large (the
 * limit is libvips' own, VIPS_DISC_THRESHOLD), since libvips may ask for any part of it in any order.
 */
#include <gmodule.h>
#include <string.h>
#include <vips/vips.h>

#include <fovea/fovea.h>

typedef struct {
    VipsOperation parent;
    VipsImage *in, *out;
    double scale;
    char *method;
} FoveaVips;

typedef struct {
    VipsOperationClass parent;
} FoveaVipsClass;

GType fovea_vips_get_type(void);
G_MODULE_EXPORT const gchar *g_module_check_init(GModule *module);

G_DEFINE_TYPE(FoveaVips, fovea_vips, VIPS_TYPE_OPERATION)

/* Everything of one call. */
struct call {
    FoveaVips *op;
    VipsRegion *region;
    VipsImage *result;
    fovea_context *ctx;
    fovea_model *model;
    fovea_plan *plan;
};

static int fail(int code, const char *text)
{
    vips_error("fovea", "%s: %s", fovea_error_name(code), text);
    return -1;
}

static int read_rows(void *user, int y, int n, void *rows, ptrdiff_t stride_bytes)
{
    struct call *call = user;
    VipsImage *in = call->region->im;
    const int step = 32; /* keeps libvips' buffer small */
    for (int i = 0; i < n; i += step) {
        VipsRect part = { 0, y + i, in->Xsize, n - i < step ? n - i : step };
        if (vips_region_prepare(call->region, &part))
            return FOVEA_E_READ;
        for (int k = 0; k < part.height; k++)
            memcpy((char *)rows + (i + k) * stride_bytes, VIPS_REGION_ADDR(call->region, 0, part.top + k),
                   VIPS_IMAGE_SIZEOF_LINE(in));
    }
    return FOVEA_OK;
}

static int write_rows(void *user, int y, int n, const void *rows, ptrdiff_t stride_bytes)
{
    struct call *call = user;
    for (int i = 0; i < n; i++) {
        const char *row = (const char *)rows + i * stride_bytes;
        VipsPel *pixels;
        memcpy(&pixels, &row, sizeof pixels); /* only read through it */
        if (vips_image_write_line(call->result, y + i, pixels))
            return FOVEA_E_WRITE;
    }
    return FOVEA_OK;
}

static int report(void *user, double done)
{
    struct call *call = user;
    (void)done;
    return vips_image_iskilled(call->op->in) != 0;
}

static int describe(VipsImage *in, struct fovea_format *format)
{
    switch (in->BandFmt) {
    case VIPS_FORMAT_UCHAR: format->sample = FOVEA_SAMPLE_U8; break;
    case VIPS_FORMAT_USHORT: format->sample = FOVEA_SAMPLE_U16; break;
    case VIPS_FORMAT_FLOAT: format->sample = FOVEA_SAMPLE_F32; break;
    default:
        vips_error("fovea", "%s samples: uchar, ushort and float are possible",
                   vips_enum_nick(VIPS_TYPE_BAND_FORMAT, in->BandFmt));
        return -1;
    }
    format->n_channels = in->Bands;
    format->has_alpha = in->Bands > 1 && vips_image_hasalpha(in);
    return 0;
}

/* The method's word: auto, filter, a kernel, a built-in network, or a model file. */
static int choose(struct call *call, struct fovea_upscale_params *params)
{
    const char *word = call->op->method;
    int kernel = fovea_kernel_find(word), n = (int)strlen(word), code = FOVEA_OK;
    if (!strcmp(word, "auto")) {
        params->method = FOVEA_METHOD_AUTO;
    } else if (!strcmp(word, "filter")) {
        params->method = FOVEA_METHOD_FILTER;
    } else if (kernel >= 0) {
        params->method = FOVEA_METHOD_CLASSIC;
        params->kernel = (enum fovea_kernel)kernel;
    } else {
        params->method = FOVEA_METHOD_NETWORK;
        params->network = word;
        if (n > 12 && !strcmp(word + n - 12, ".safetensors")) {
            code = fovea_model_load(call->ctx, word, &call->model);
            params->model = call->model;
        }
    }
    return code ? fail(code, fovea_last_error(call->ctx)) : 0;
}

/* An empty picture of the result's size with the input's metadata. */
static int make_result(struct call *call)
{
    VipsImage *in = call->op->in;
    call->result = vips_image_new_memory();
    double bytes = (double)VIPS_IMAGE_SIZEOF_PEL(in) * fovea_plan_width(call->plan) * fovea_plan_height(call->plan);
    if (call->result && bytes > (double)vips_get_disc_threshold())
        VIPS_UNREF(call->result);
    if (!call->result)
        call->result = vips_image_new_temp_file("%s.v");
    if (!call->result || vips_image_pipelinev(call->result, VIPS_DEMAND_STYLE_ANY, in, NULL))
        return -1;
    call->result->Xsize = fovea_plan_width(call->plan);
    call->result->Ysize = fovea_plan_height(call->plan);
    call->result->Xres = in->Xres * call->result->Xsize / in->Xsize;
    call->result->Yres = in->Yres * call->result->Ysize / in->Ysize;
    return 0;
}

static int work(struct call *call)
{
    VipsImage *in = call->op->in;
    struct fovea_format format;
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    struct fovea_context_params context = FOVEA_CONTEXT_DEFAULTS;
    context.n_threads = vips_concurrency_get() < 256 ? vips_concurrency_get() : 256;
    if (describe(in, &format))
        return -1;
    int code = fovea_context_create(&call->ctx, &context);
    if (code)
        return fail(code, "it could not start");
    params.scale = call->op->scale;
    if (choose(call, &params))
        return -1;
    code = fovea_plan_build(&call->plan, call->ctx, in->Xsize, in->Ysize, &format, &params);
    if (code)
        return fail(code, fovea_last_error(call->ctx));
    call->region = vips_region_new(in);
    if (!call->region || make_result(call))
        return -1;
    struct fovea_source source = { in->Xsize, in->Ysize, format, read_rows, NULL, call };
    struct fovea_sink sink = { write_rows, call };
    struct fovea_progress progress = { report, call };
    code = fovea_plan_run(call->plan, &source, &sink, &progress, NULL);
    return code ? fail(code, "the picture could not be made") : 0;
}

static int build(VipsObject *object)
{
    FoveaVips *op = (FoveaVips *)object;
    if (VIPS_OBJECT_CLASS(fovea_vips_parent_class)->build(object))
        return -1;
    struct call call = { .op = op };
    int failed = vips_image_pio_input(op->in) || work(&call);
    fovea_plan_free(&call.plan);
    fovea_model_free(&call.model);
    fovea_context_free(&call.ctx);
    VIPS_UNREF(call.region);
    if (failed)
        VIPS_UNREF(call.result);
    else
        g_object_set(object, "out", call.result, NULL);
    return failed ? -1 : 0;
}

static void fovea_vips_class_init(FoveaVipsClass *class)
{
    GObjectClass *gobject_class = G_OBJECT_CLASS(class);
    VipsObjectClass *vobject_class = VIPS_OBJECT_CLASS(class);
    gobject_class->set_property = vips_object_set_property;
    gobject_class->get_property = vips_object_get_property;
    vobject_class->nickname = "fovea";
    vobject_class->description = "enlarge a picture the hybrid way";
    vobject_class->build = build;
    VIPS_ARG_IMAGE(class, "in", 1, "Input", "Input image", VIPS_ARGUMENT_REQUIRED_INPUT,
                   G_STRUCT_OFFSET(FoveaVips, in));
    VIPS_ARG_IMAGE(class, "out", 2, "Output", "Output image", VIPS_ARGUMENT_REQUIRED_OUTPUT,
                   G_STRUCT_OFFSET(FoveaVips, out));
    VIPS_ARG_DOUBLE(class, "scale", 3, "Scale", "Output pixels per input pixel", VIPS_ARGUMENT_OPTIONAL_INPUT,
                    G_STRUCT_OFFSET(FoveaVips, scale), 1. / 64., 16., 2.);
    VIPS_ARG_STRING(class, "method", 4, "Method", "auto, filter, a kernel, a network, or a model file",
                    VIPS_ARGUMENT_OPTIONAL_INPUT, G_STRUCT_OFFSET(FoveaVips, method), "auto");
}

static void fovea_vips_init(FoveaVips *op)
{
    op->scale = 2.;
    op->method = g_strdup("auto");
}

const gchar *g_module_check_init(GModule *module)
{
    g_module_make_resident(module); /* its type cannot be taken back */
    fovea_vips_get_type();
    return NULL;
}
