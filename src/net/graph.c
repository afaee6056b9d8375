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

/* Channels that come out of layer l, -1 = the input. */
static int channels_of(const struct fovi_graph *g, int l)
{
    return l < 0 ? g->unshuffle * g->unshuffle : g->layer[l].c_out;
}

/* A word, a blank, a number. */
static int parse_number(const char *piece, const char *word, int *number)
{
    size_t length = strlen(word);
    int n = 0;
    return strncmp(piece, word, length) == 0 && piece[length] == ' ' &&
           sscanf(piece + length + 1, "%2d%n", number, &n) == 1 && piece[length + 1 + (size_t)n] == '\0';
}

/* add 1, gate 1 */
static int parse_pair(const struct fovi_graph *g, const char *piece, const char *word, enum fovi_layer_kind kind,
                      struct fovi_layer *layer)
{
    int from, c = channels_of(g, g->n_layers - 1);
    if (!parse_number(piece, word, &from))
        return 0;
    *layer = (struct fovi_layer){ .kind = kind, .from = from, .c_in = c, .c_out = c };
    return from >= 0 && from < g->n_layers - 1 && channels_of(g, from) == c;
}

/* concat 0 3 9 */
static int parse_concat(const struct fovi_graph *g, const char *piece, struct fovi_layer *layer)
{
    int from, n = 0, has_last = 0;
    if (strncmp(piece, "concat", 6) != 0)
        return 0;
    *layer = (struct fovi_layer){ .kind = FOVI_LAYER_CONCAT, .c_in = channels_of(g, g->n_layers - 1) };
    for (piece += 6; *piece; piece += n) {
        if (layer->n_parts == FOVI_GRAPH_MAX_PARTS || sscanf(piece, " %2d%n", &from, &n) != 1 || *piece != ' ' ||
            from < 0 || from >= g->n_layers)
            return 0;
        layer->part[layer->n_parts++] = from;
        layer->c_out += channels_of(g, from);
        has_last |= from == g->n_layers - 1;
    }
    return has_last && layer->n_parts > 1 && layer->c_out <= FOVI_GRAPH_MAX_CHANNELS;
}

/* A layer that may follow what came before. */
static int add_layer(struct fovi_graph *g, const char *piece)
{
    struct fovi_layer layer = { 0 };
    if (!parse_pair(g, piece, "add", FOVI_LAYER_ADD, &layer) &&
        !parse_pair(g, piece, "gate", FOVI_LAYER_GATE, &layer) && !parse_concat(g, piece, &layer) &&
        !(parse_conv(piece, &layer) && layer.c_in == channels_of(g, g->n_layers - 1)))
        return 0;
    g->layer[g->n_layers++] = layer;
    return 1;
}

static int parse_unshuffle(const char *piece, int *factor)
{
    int n = 0;
    if (!parse_number(piece, "unshuffle", &n) || (n != 2 && n != 4))
        return 0;
    *factor = n;
    return 1;
}

/* The end of a network, when all its text was read. */
static int check_end(fovea_context *ctx, struct fovi_graph *g, int shuffle, int is_complete)
{
    g->scale = shuffle / g->unshuffle;
    if (!is_complete || shuffle % g->unshuffle || g->scale < 2 || g->scale > 4 ||
        channels_of(g, g->n_layers - 1) != shuffle * shuffle)
        return fovi_fail(ctx, FOVEA_E_FORMAT,
                         "a network ends with shuffle^2 channels; shuffle 2..4 (times that of unshuffle); add base");
    return FOVEA_OK;
}

int fovi_graph_parse(fovea_context *ctx, const char *text, struct fovi_graph *out)
{
    char piece[64];
    int shuffle = 0, based = 0;
    memset(out, 0, sizeof *out);
    out->unshuffle = 1;
    for (int i = 0; *text; i++) {
        if (!next_piece(&text, piece, sizeof piece))
            return fovi_fail(ctx, FOVEA_E_FORMAT, "layer %d of the network is too long to be one", i);
        if (based)
            return fovi_fail(ctx, FOVEA_E_FORMAT, "layer %d of the network follows \"add base\"", i);
        if (shuffle) {
            based = strcmp(piece, "add base") == 0;
            if (!based)
                return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "layer %d (\"%s\"): only \"add base\" may follow shuffle", i,
                                 piece);
        } else if (i > 0 && parse_number(piece, "shuffle", &shuffle)) {
            if (shuffle < 2 || shuffle > 8)
                break;
        } else if (i > 0 || !parse_unshuffle(piece, &out->unshuffle)) {
            if (out->n_layers == FOVI_GRAPH_MAX_LAYERS || !add_layer(out, piece))
                return fovi_fail(ctx, FOVEA_E_UNSUPPORTED, "layer %d (\"%s\") is not one that this version can run", i,
                                 piece);
        }
    }
    return check_end(ctx, out, shuffle, based && out->n_layers);
}

int fovi_graph_reads(const struct fovi_graph *graph, int reader, int l)
{
    const struct fovi_layer *layer = &graph->layer[reader];
    for (int i = 0; i < layer->n_parts; i++)
        if (layer->part[i] == l)
            return 1;
    if (layer->kind == FOVI_LAYER_CONCAT)
        return 0;
    return reader == l + 1 || (layer->kind != FOVI_LAYER_CONV && layer->from == l);
}

int fovi_graph_own_radius(const struct fovi_layer *layer)
{
    return layer->kind == FOVI_LAYER_CONV ? layer->k / 2 : 0;
}

int fovi_graph_radius(const struct fovi_graph *graph)
{
    int radius = 0;
    for (int i = 0; i < graph->n_layers; i++)
        radius += fovi_graph_own_radius(&graph->layer[i]);
    return radius * graph->unshuffle + graph->unshuffle - 1;
}

static int64_t count_weights(const struct fovi_graph *graph)
{
    int64_t n = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        const struct fovi_layer *l = &graph->layer[i];
        if (l->kind == FOVI_LAYER_CONV)
            n += (int64_t)l->k * l->k * l->c_in * l->c_out;
    }
    return n;
}

int64_t fovi_graph_macs(const struct fovi_graph *graph)
{
    return count_weights(graph) / (graph->unshuffle * graph->unshuffle);
}

int64_t fovi_graph_parameters(const struct fovi_graph *graph)
{
    int64_t n = count_weights(graph);
    for (int i = 0; i < graph->n_layers; i++) {
        const struct fovi_layer *l = &graph->layer[i];
        if (l->kind == FOVI_LAYER_CONV)
            n += l->c_out * (l->has_prelu ? 2 : 1);
    }
    return n;
}
