/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recipes of the trainer.
 */
#include "fuzz.h"
#include "recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fovea_context *ctx;
    static struct train_recipe recipe;
    if (!size)
        return 0;
    if (!ctx) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = 1;
        FUZZ_CHECK(fovea_context_create(&ctx, &params) == FOVEA_OK);
    }
    char *text = fuzz_text(data, size);
    FILE *file = fmemopen(text, size, "r");
    FUZZ_CHECK(file);
    if (train_recipe_read(ctx, "recipe", file, &recipe) == FOVEA_OK) {
        FUZZ_CHECK(recipe.patch >= 8 && recipe.patch <= 128 && recipe.batch >= 1 && recipe.batch <= 256);
        FUZZ_CHECK(recipe.steps >= 1 && recipe.n_rescale >= 1 && recipe.n_rescale <= TRAIN_MAX_RESCALE);
        FUZZ_CHECK(recipe.lr > 0 && recipe.lr <= 1 && recipe.ema < 1);
    } else {
        FUZZ_CHECK(*fovea_last_error(ctx));
    }
    fclose(file);
    free(text);
    return 0;
}
