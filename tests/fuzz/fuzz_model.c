/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Model files: the safetensors container, its metadata, the graph's text. What is accepted must also run.
 */
#include "fovea/fovea.h"
#include "fuzz.h"

/* A network of more than this many thousand multiply-adds a pixel is not run here. */
#define MAX_KMAC 100.0

static fovea_context *ctx;

static void enlarge(const fovea_model *model, int scale, enum fovea_precision precision)
{
    uint8_t in_data[6 * 5], out_data[6 * 5 * 16];
    struct fovea_image in = { 6, 5, { FOVEA_SAMPLE_U8, 1, 0 }, in_data, 6 };
    struct fovea_image out = { 6 * scale, 5 * scale, in.format, out_data, 6 * scale };
    struct fovea_upscale_params params = FOVEA_UPSCALE_DEFAULTS;
    for (int i = 0; i < 30; i++)
        in_data[i] = (uint8_t)(i * 37);
    params.method = FOVEA_METHOD_NETWORK;
    params.model = model;
    params.scale = scale;
    params.precision = precision;
    int code = fovea_upscale(ctx, &in, &out, &params, NULL);
    FUZZ_CHECK(code == FOVEA_OK || *fovea_last_error(ctx));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fovea_model *model;
    if (!ctx) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = 1;
        params.memory_bytes = (size_t)256 << 20;
        FUZZ_CHECK(fovea_context_create(&ctx, &params) == FOVEA_OK);
    }
    int code = fovea_model_parse(ctx, data, size, &model);
    FUZZ_CHECK((code == FOVEA_OK) == (model != NULL));
    if (!model) {
        FUZZ_CHECK(*fovea_last_error(ctx));
        return 0;
    }
    struct fovea_model_info info;
    fovea_model_describe(model, &info);
    if (info.kmac_per_px < MAX_KMAC)
        enlarge(model, info.scale, FOVEA_PRECISION_AUTO);
    if (info.kmac_per_px < MAX_KMAC && info.has_int8)
        enlarge(model, info.scale, FOVEA_PRECISION_INT8);
    fovea_model_free(&model);
    return 0;
}
