/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the text form of a network, and its figures.
 */
#include "net/graph.h"

#include <stdio.h>
#include <string.h>

/* One layer's text, trimmed; 0 when it is too long. */
static int next_piece(const char **text, char *piece, size_t size)
{
    const char *end = strchr(*text, ';');
    size_t n = end ? (size_t)(end - *text) : strlen(*text);
    const char *start = *text;
    *text = end ? end + 1 : *text + n;
    while (n && *start == ' ')
        start++, n--;
    while (n && start[n - 1] == ' ')
        n--;
    if (n >= size)
        return 0;
    memcpy(piece, start, n);
    piece[n] = '\0';
    return 1;
}

/* conv3x3 16 16 prelu */
static int parse_conv(const char *piece, struct fovi_layer *layer)
{
    int k, k2, n = 0;
    char rest[16] = "";
    if (sscanf(piece, "conv%1dx%1d %4d %4d%n", &k, &k2, &layer->c_in, &layer->c_out, &n) != 4)
        return 0;
    if (piece[n] != '\0' &&
        (sscanf(piece + n, " %15s", rest) != 1 || strcmp(rest, "prelu") != 0 || strlen(piece + n) != strlen(" prelu")))
        return 0;
    layer->kind = FOVI_LAYER_CONV;
    layer->k = k;
    layer->has_prelu = rest[0] != '\0';
    return k == k2 && (k == 1 || k == 3 || k == 5) && layer->c_in >= 1 && layer->c_in <= FOVI_GRAPH_MAX_CHANNELS &&
           layer->c_out >= 1 && layer->c_out <= FOVI_GRAPH_MAX_CHANNELS;
}

static int channels_after(const struct fovi_graph *g)
{
    return g->n_layers ? g->layer[g->n_layers - 1].c_out : 1;
}

/* A convolution or a skip; 1 when it fits what came before. */
static int add_layer(struct fovi_graph *g, const char *piece)
{
    struct fovi_layer layer = { 0 };
    int from, n = 0;
    if (sscanf(piece, "add %2d%n", &from, &n) == 1 && piece[n] == '\0') {
        layer = (struct fovi_layer){ .kind = FOVI_LAYER_ADD, .from = from, .c_in = channels_after(g) };
        layer.c_out = layer.c_in;
        if (from < 0 || from >= g->n_layers - 1 || g->layer[from].c_out != layer.c_in)
            return 0;
    } else if (!parse_conv(piece, &layer) || layer.c_in != channels_after(g)) {
        return 0;
    }
    g->layer[g->n_layers++] = layer;
    return 1;
}

int fovi_graph_parse(fovea_context *ctx, const char *text, struct fovi_graph *out)
{
    char piece[64];
    int shuffled = 0, based = 0, n = 0;
    memset(out, 0, sizeof *out);
    for (int i = 0; *text; i++) {
        if (!next_piece(&text, piece, sizeof piece))
            return fovi_fail(ctx, FOVEA_E_FORMAT, "layer %d of the network is too long to be one", i);
        if (based)
            return fovi_fail(ctx, FOVEA_E_FORMAT, "layer %d of the network follows \"add base\"", i);
        if (shuffled) {
            based = strcmp(piece, "add base") == 0;
            if (!based)
                return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "layer %d (\"%s\"): only \"add base\" may follow shuffle", i,
                                 piece);
        } else if (sscanf(piece, "shuffle %1d%n", &out->scale, &n) == 1 && piece[n] == '\0') {
            shuffled = 1;
        } else if (out->n_layers == FOVI_GRAPH_MAX_LAYERS || !add_layer(out, piece)) {
            return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "layer %d (\"%s\") is not one that this version can run", i,
                             piece);
        }
    }
    if (!based || out->scale < 2 || out->scale > 4 || channels_after(out) != out->scale * out->scale)
        return fovi_fail(ctx, FOVEA_E_FORMAT, "a network ends with scale^2 channels; shuffle 2..4; add base");
    return FOVEA_OK;
}

int fovi_graph_radius(const struct fovi_graph *graph)
{
    int radius = 0;
    for (int i = 0; i < graph->n_layers; i++)
        radius += graph->layer[i].kind == FOVI_LAYER_CONV ? graph->layer[i].k / 2 : 0;
    return radius;
}

int64_t fovi_graph_macs(const struct fovi_graph *graph)
{
    int64_t macs = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        const struct fovi_layer *l = &graph->layer[i];
        if (l->kind == FOVI_LAYER_CONV)
            macs += (int64_t)l->k * l->k * l->c_in * l->c_out;
    }
    return macs;
}

int64_t fovi_graph_parameters(const struct fovi_graph *graph)
{
    int64_t n = fovi_graph_macs(graph);
    for (int i = 0; i < graph->n_layers; i++) {
        const struct fovi_layer *l = &graph->layer[i];
        if (l->kind == FOVI_LAYER_CONV)
            n += l->c_out * (l->has_prelu ? 2 : 1);
    }
    return n;
}
