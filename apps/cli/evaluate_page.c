/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The page of an evaluation: its figures, and of each scale the worst pictures, cut out around the largest error, by
 * every method.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"
#include "html_page.h"
#include "preview.h"

#define N_WORST 3
#define CELL 16
#define SIDE 144 /* of a piece, in pixels */

/* One picture while it is made again. */
struct scene {
    struct evaluation *e;
    struct eval_scale *scale;
    int picture;
    struct cli_window window;
    json_t *pieces;
};

/* The method with the highest mean PSNR-Y; NULL if no mean is finite. */
static struct eval_method *best_method(const struct evaluation *e, struct eval_scale *scale)
{
    struct eval_method *best = NULL;
    double most = -HUGE_VAL;
    for (int i = 0; i < scale->n_methods; i++) {
        double psnr = eval_mean(e, &scale->methods[i], CLI_PSNR_Y);
        if (psnr > most) {
            most = psnr;
            best = &scale->methods[i];
        }
    }
    return best;
}

/* The pictures where the method has the lowest PSNR-Y, worst first: their number. */
static int find_worst(const struct evaluation *e, const struct eval_method *method, int worst[N_WORST])
{
    int n = 0;
    for (int p = 0; p < e->n_pictures; p++) {
        double psnr = cli_figure_value(&method->scores[p].metrics, CLI_PSNR_Y);
        int at = n;
        if (!isfinite(psnr))
            continue;
        while (at > 0 && psnr < cli_figure_value(&method->scores[worst[at - 1]].metrics, CLI_PSNR_Y))
            at--;
        if (at == N_WORST)
            continue;
        n = n < N_WORST ? n + 1 : n;
        memmove(worst + at + 1, worst + at, (size_t)(n - 1 - at) * sizeof *worst);
        worst[at] = p;
    }
    return n;
}

/* Squared error of luma, summed over cells of CELL x CELL pixels. */
static void add_errors(const struct fovea_image *a, const struct fovea_image *b, uint8_t *grey, double *cells)
{
    int w = a->width, n_x = (w + CELL - 1) / CELL;
    for (int y = 0; y < a->height; y++) {
        cli_row_grey(&a->format, (const char *)a->data + y * a->stride_bytes, w, grey);
        cli_row_grey(&b->format, (const char *)b->data + y * b->stride_bytes, w, grey + w);
        for (int x = 0; x < w; x++) {
            double d = (double)grey[x] - grey[w + x];
            cells[y / CELL * n_x + x / CELL] += d * d;
        }
    }
}

/* Sum of the cells from (x, y) on that a window covers. */
static double sum_cells(const double *cells, int n_x, int n_y, int x, int y)
{
    double sum = 0.;
    for (int v = y; v < y + SIDE / CELL && v < n_y; v++)
        for (int u = x; u < x + SIDE / CELL && u < n_x; u++)
            sum += cells[v * n_x + u];
    return sum;
}

/* Choose the window with the largest error. */
static int choose_window(void *user, const struct eval_method *method, const struct fovea_image *original,
                         const struct fovea_image *enlarged)
{
    (void)method;
    struct scene *s = user;
    int w = original->width, h = original->height, n_x = (w + CELL - 1) / CELL, n_y = (h + CELL - 1) / CELL;
    double *cells = calloc((size_t)n_x * (size_t)n_y, sizeof *cells), most = -1.;
    uint8_t *grey = malloc(2 * (size_t)w);
    if (!cells || !grey) {
        free(cells);
        free(grey);
        return cli_fail(s->e->cli, CLI_RESOURCE, "out of memory");
    }
    add_errors(original, enlarged, grey, cells);
    s->window = (struct cli_window){ 0, 0, w < SIDE ? w : SIDE, h < SIDE ? h : SIDE };
    for (int y = 0; y < n_y; y++) {
        for (int x = 0; x < n_x; x++) {
            double sum = sum_cells(cells, n_x, n_y, x, y);
            if (sum <= most)
                continue;
            most = sum;
            s->window.x = x * CELL < w - s->window.width ? x * CELL : w - s->window.width;
            s->window.y = y * CELL < h - s->window.height ? y * CELL : h - s->window.height;
        }
    }
    free(cells);
    free(grey);
    return CLI_OK;
}

static int add_piece(struct scene *s, const char *title, const struct fovea_image *image, double psnr_y)
{
    struct fovea_image piece = *image;
    piece.width = s->window.width;
    piece.height = s->window.height;
    piece.data = (char *)image->data + s->window.y * image->stride_bytes +
                 (size_t)s->window.x * fovea_pixel_bytes(&image->format);
    json_t *src = cli_data_uri(s->e->cli, &piece, 0, NULL);
    if (!src)
        return CLI_OUTPUT;
    json_array_append_new(s->pieces, json_pack("{s:o, s:o, s:o}", "title", cli_json_text(title), "src", src, "psnr_y",
                                               cli_json_number(psnr_y)));
    return CLI_OK;
}

static int cut_out(void *user, const struct eval_method *method, const struct fovea_image *original,
                   const struct fovea_image *enlarged)
{
    struct scene *s = user;
    int code = json_array_size(s->pieces) ? CLI_OK : add_piece(s, "original", original, NAN);
    if (code)
        return code;
    return add_piece(s, method->word, enlarged, cli_figure_value(&method->scores[s->picture].metrics, CLI_PSNR_Y));
}

static int add_scene(struct evaluation *e, struct eval_scale *scale, const struct eval_method *best, int picture,
                     json_t *list)
{
    struct scene s = { e, scale, picture, { 0, 0, 0, 0 }, json_array() };
    int code = eval_again(e, scale, picture, best, choose_window, &s);
    if (!code)
        code = eval_again(e, scale, picture, NULL, cut_out, &s);
    json_array_append_new(
        list, json_pack("{s:i, s:o, s:o, s:i, s:i, s:o}", "scale", scale->scale, "method", cli_json_text(best->word),
                        "name", cli_json_text(cli_base_name(e->paths[picture])), "width", scale->sizes[picture].width,
                        "height", scale->sizes[picture].height, "pieces", s.pieces));
    return code;
}

int eval_write_page(struct evaluation *e, const char *path)
{
    json_t *report = eval_json(e), *pictures = json_object(), *list = json_array();
    int code = CLI_OK;
    json_object_set_new(pictures, "worst", list);
    for (int i = 0; i < e->n_scales && !code; i++) {
        int worst[N_WORST + 1];
        struct eval_method *best = best_method(e, &e->scales[i]);
        int n = best ? find_worst(e, best, worst) : 0;
        for (int k = 0; k < n && !code; k++)
            code = add_scene(e, &e->scales[i], best, worst[k], list);
    }
    if (!code)
        code = cli_write_page(e->cli, path, &cli_page_evaluation, report, pictures);
    json_decref(report);
    json_decref(pictures);
    return code;
}
