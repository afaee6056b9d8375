/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the library knows: its models and their terms, and how hard the tiles of a picture are, as a map of letters.
 *
 *     cc -o describe describe.c $(pkg-config --cflags --libs fovea)
 *     ./describe
 */
#include <stdint.h>
#include <stdio.h>

#include <fovea/fovea.h>

enum { WIDTH = 320, HEIGHT = 128 };

static int print_models(fovea_context *ctx)
{
    int code = FOVEA_OK;
    for (int i = 0; i < fovea_model_builtin_count() && !code; i++) {
        fovea_model *model;
        struct fovea_model_info info;
        code = fovea_model_builtin_at(ctx, i, &model);
        if (code)
            break;
        fovea_model_describe(model, &info);
        printf("%-8s x%d %8lld parameters, terms: %s\n", info.method, info.scale, (long long)info.n_parameters,
               info.licence);
        fovea_model_free(&model);
    }
    return code;
}

/* A bright half, stripes, and noise. */
static void draw(uint8_t *pixels)
{
    uint32_t state = 1;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            state = state * 1664525u + 1013904223u;
            pixels[y * WIDTH + x] = (uint8_t)(x < WIDTH / 3       ? 200
                                              : x < 2 * WIDTH / 3 ? (x / 6 + y / 9) % 2 * 180
                                                                  : 60 + (int)(state >> 25));
        }
    }
}

static int print_map(fovea_context *ctx)
{
    static uint8_t pixels[WIDTH * HEIGHT];
    const struct fovea_image image = { WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, 1, 0 }, pixels, WIDTH };
    struct fovea_map *map;
    draw(pixels);
    struct fovea_source source = fovea_source_from_image(&image);
    int code = fovea_analyze(ctx, &source, NULL, &map);
    if (code)
        return code;
    for (int y = 0; y < map->n_tiles_y; y++) {
        for (int x = 0; x < map->n_tiles_x; x++)
            putchar(" .:-=+*#%@"[(int)(map->tiles[y * map->n_tiles_x + x].difficulty * 9.99f)]);
        putchar('\n');
    }
    fovea_map_free(&map);
    return FOVEA_OK;
}

int main(void)
{
    fovea_context *ctx = NULL;
    int code = fovea_context_create(&ctx, NULL);
    if (!code)
        code = print_models(ctx);
    if (!code)
        code = print_map(ctx);
    if (code)
        fprintf(stderr, "describe: %s %s\n", fovea_error_name(code), ctx ? fovea_last_error(ctx) : "");
    fovea_context_free(&ctx);
    return code ? 1 : 0;
}
