/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What tests of training share: a context, a recipe from text, pictures of noise to train on.
 */
#ifndef TEST_TRAIN_FIXTURE_H
#define TEST_TRAIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net_train.h"
#include "recipe.h"

static inline fovea_context *make_context(int n_threads)
{
    struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
    fovea_context *ctx;
    params.n_threads = n_threads;
    assert_int_equal(fovea_context_create(&ctx, &params), FOVEA_OK);
    return ctx;
}

static inline void read_recipe(fovea_context *ctx, const char *text, int expected, struct train_recipe *out)
{
    FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int code = train_recipe_read(ctx, "recipe", file, out);
    fclose(file);
    if (code != expected)
        fail_msg("%s: %d, %s", text, code, fovea_last_error(ctx));
}

/* One picture of noise; the residual is zero and left to the test. Free with train_set_free. */
static inline struct train_set make_noise(int scale, int width, int height)
{
    struct train_set set = { .scale = scale, .n = 1 };
    struct fovi_rng rng = { 4 };
    int n = width * height;
    struct train_picture *p = set.picture = calloc(1, sizeof *set.picture);
    set.area_end = calloc(1, sizeof *set.area_end);
    assert_true(p && set.area_end);
    p->width = width;
    p->height = height;
    p->lr = malloc((size_t)n * sizeof *p->lr);
    p->residual = calloc((size_t)(n * scale * scale), sizeof *p->residual);
    assert_true(p->lr && p->residual);
    for (int i = 0; i < n; i++)
        p->lr[i] = (uint16_t)fovi_rng_below(&rng, 60000);
    set.area_end[0] = n;
    return set;
}

/* The residual of a picture at x2 is a quarter of its input. */
static inline void ask_for_quarter(struct train_picture *p)
{
    for (int i = 0; i < 4 * p->width * p->height; i++)
        p->residual[i] = (int16_t)(p->lr[i / (4 * p->width) * p->width + i % (2 * p->width) / 2] / 16);
}

#endif
