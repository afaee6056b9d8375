/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of a network.
 */
#include "fuzz.h"
#include "net/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fovea_context *ctx;
    static struct fovi_graph graph;
    if (!ctx) {
        struct fovea_context_params params = FOVEA_CONTEXT_DEFAULTS;
        params.n_threads = 1;
        FUZZ_CHECK(fovea_context_create(&ctx, &params) == FOVEA_OK);
    }
    char *text = fuzz_text(data, size);
    if (fovi_graph_parse(ctx, text, &graph) == FOVEA_OK) {
        FUZZ_CHECK(graph.scale >= 2 && graph.scale <= 4 && graph.n_layers >= 1);
        FUZZ_CHECK(fovi_graph_radius(&graph) >= 0 && fovi_graph_parameters(&graph) > 0);
        for (int i = 0; i < graph.n_layers; i++)
            FUZZ_CHECK(graph.layer[i].c_out >= 1 && graph.layer[i].c_out <= FOVI_GRAPH_MAX_CHANNELS);
    } else {
        FUZZ_CHECK(*fovea_last_error(ctx));
    }
    free(text);
    return 0;
}
