/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checkpoints: a header and the four vectors of the state, in the machine's own byte order; replaced atomically.
 */
#include <stdio.h>
#include <string.h>

#include "net_train.h"

struct header {
    char magic[8];
    uint64_t recipe_hash;
    int64_t step, n_master;
    uint64_t rng;
    double loss;
};

static const char magic[8] = "fovtrn1";

int train_state_save(fovea_context *ctx, const struct train_state *state, uint64_t recipe_hash, const char *path)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *file = fopen(temporary, "wb");
    if (!file)
        return fovi_fail(ctx, FOVEA_E_WRITE, "%s: cannot write this checkpoint", temporary);
    struct header header = { .recipe_hash = recipe_hash,
                             .step = state->step,
                             .n_master = state->n_master,
                             .rng = state->rng.state,
                             .loss = state->loss };
    memcpy(header.magic, magic, sizeof magic);
    size_t n = 4 * (size_t)state->n_master;
    int ok = fwrite(&header, sizeof header, 1, file) == 1 && fwrite(state->master, sizeof(float), n, file) == n;
    ok = fclose(file) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        remove(temporary);
        return fovi_fail(ctx, FOVEA_E_WRITE, "%s: the checkpoint could not be written", path);
    }
    return FOVEA_OK;
}

int train_state_load(fovea_context *ctx, struct train_state *state, uint64_t recipe_hash, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fovi_fail(ctx, FOVEA_E_READ, "%s: cannot open this checkpoint", path);
    struct header header;
    size_t n = 4 * (size_t)state->n_master;
    int code = FOVEA_OK;
    if (fread(&header, sizeof header, 1, file) != 1 || memcmp(header.magic, magic, sizeof magic) != 0)
        code = fovi_fail(ctx, FOVEA_E_FORMAT, "%s: not a checkpoint", path);
    else if (header.recipe_hash != recipe_hash || header.n_master != state->n_master)
        code = fovi_fail(ctx, FOVEA_E_FORMAT, "%s: the checkpoint of another recipe", path);
    else if (fread(state->master, sizeof(float), n, file) != n)
        code = fovi_fail(ctx, FOVEA_E_FORMAT, "%s: the checkpoint ends early", path);
    fclose(file);
    if (!code) {
        state->step = (long)header.step;
        state->rng.state = header.rng;
        state->loss = header.loss;
    }
    return code;
}
