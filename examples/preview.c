/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A picture in memory with progress, with an end when it takes too long, and with a preview: first a piece from the
 * middle of the result, then all of it; the piece has the bytes that the whole has there.
 *
 *     cc -o preview preview.c $(pkg-config --cflags --libs fovea)
 *     ./preview SECONDS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fovea/fovea.h>

enum { EDGE = 256, SCALE = 2, PIECE = 64 };

struct clock {
    double seconds; /* that are left to the run */
    clock_t start;
    double done;
};

/* Called by the library now and then; any value but 0 ends the run. */
static int on_progress(void *user, double done)
{
    struct clock *c = user;
    if (done - c->done >= .25 || done >= 1.) {
        fprintf(stderr, "%3.0f %%\n", 100. * done);
        c->done = done;
    }
    return (double)(clock() - c->start) / CLOCKS_PER_SEC > c->seconds;
}

static void draw(uint8_t *pixels)
{
    for (int y = 0; y < EDGE; y++)
        for (int x = 0; x < EDGE; x++)
            for (int c = 0; c < 3; c++)
                *pixels++ = (uint8_t)((x / 16 + y / 16) % 2 ? x * y / 256 : 255 - (x + c * y) / 3);
}

/* Run with these params; the result is in new memory, NULL where there is none. */
static uint8_t *run(fovea_context *ctx, const struct fovea_image *in, const struct fovea_upscale_params *params,
                    double seconds, int *code)
{
    fovea_plan *plan;
    struct clock limit = { seconds, clock(), 0. };
    const struct fovea_progress progress = { on_progress, &limit };
    *code = fovea_plan_build(&plan, ctx, in->width, in->height, &in->format, params);
    if (*code)
        return NULL;
    struct fovea_image out = { fovea_plan_width(plan), fovea_plan_height(plan), in->format, NULL, 0 };
    out.stride_bytes = (ptrdiff_t)out.width * 3;
    out.data = malloc((size_t)out.stride_bytes * (size_t)out.height);
    struct fovea_source source = fovea_source_from_image(in);
    struct fovea_sink sink = fovea_sink_to_image(&out);
    *code = out.data ? fovea_plan_run(plan, &source, &sink, &progress, NULL) : FOVEA_E_NOMEM;
    fovea_plan_free(&plan);
    return out.data;
}

int main(int argc, char **argv)
{
    static uint8_t pixels[EDGE * EDGE * 3];
    struct fovea_image in = { EDGE, EDGE, { FOVEA_SAMPLE_U8, 3, 0 }, pixels, EDGE * 3 };
    struct fovea_upscale_params whole = FOVEA_UPSCALE_DEFAULTS, piece;
    fovea_context *ctx = NULL;
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 60.;
    int code = fovea_context_create(&ctx, NULL), first = (EDGE * SCALE - PIECE) / 2;
    draw(pixels);
    whole.scale = SCALE;
    piece = whole;
    piece.crop_x = piece.crop_y = first;
    piece.crop_width = piece.crop_height = PIECE;
    uint8_t *small = code ? NULL : run(ctx, &in, &piece, seconds, &code);
    uint8_t *large = code ? NULL : run(ctx, &in, &whole, seconds, &code);
    int is_same = !code;
    for (int y = 0; y < PIECE && is_same; y++)
        is_same = !memcmp(small + y * PIECE * 3, large + ((first + y) * EDGE * SCALE + first) * 3, PIECE * 3);
    if (code == FOVEA_E_CANCELLED)
        puts("it took too long");
    else if (code)
        fprintf(stderr, "preview: %s %s\n", fovea_error_name(code), ctx ? fovea_last_error(ctx) : "");
    else
        puts(is_same ? "the piece is a part of the whole" : "the piece differs");
    free(small);
    free(large);
    fovea_context_free(&ctx);
    return code == FOVEA_E_CANCELLED ? 6 : is_same ? 0 : 1;
}
