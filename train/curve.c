/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The validation curve: CSV, and a plot drawn into a picture.
 */
#include "curve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 90, RIGHT = 20, TOP = 20, BOTTOM = 40, DOT = 2 };

struct plot {
    uint8_t *rgb;
    double step0, step1, db0, db1;
};

static const uint8_t ink[3] = { 20, 20, 20 }, line[3] = { 30, 90, 200 }, pale[3] = { 190, 190, 190 };

static void dot(struct plot *p, int x, int y, const uint8_t color[3])
{
    if (x >= 0 && y >= 0 && x < WIDTH && y < HEIGHT)
        memcpy(p->rgb + 3 * ((ptrdiff_t)y * WIDTH + x), color, 3);
}

static void box(struct plot *p, int x0, int y0, int x1, int y1, const uint8_t color[3])
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            dot(p, x, y, color);
}

/* A line, two pixels thick. */
static void stroke(struct plot *p, double x0, double y0, double x1, double y1, const uint8_t color[3])
{
    double dx = x1 - x0, dy = y1 - y0;
    int n = 1 + (int)(dx * dx > dy * dy ? (dx < 0 ? -dx : dx) : (dy < 0 ? -dy : dy));
    for (int i = 0; i <= n; i++) {
        int x = (int)(x0 + dx * i / n + 0.5), y = (int)(y0 + dy * i / n + 0.5);
        box(p, x, y, x + 2, y + 2, color);
    }
}

/* Digits, point and minus of 3 x 5 cells, three pixels each; five rows of three bits. */
static void text(struct plot *p, int x, int y, const char *s)
{
    static const uint16_t digit[10] = {
        075557, 026227, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717
    };
    for (; *s; s++, x += 12) {
        unsigned rows = *s >= '0' && *s <= '9' ? digit[*s - '0'] : *s == '.' ? 02u : *s == '-' ? 0700u : 0u;
        for (int i = 0; i < 15; i++)
            if (rows >> (14 - i) & 1u)
                box(p, x + i % 3 * 3, y + i / 3 * 3, x + i % 3 * 3 + 3, y + i / 3 * 3 + 3, ink);
    }
}

static double at_x(const struct plot *p, double step)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (step - p->step0) / (p->step1 - p->step0);
}

static double at_y(const struct plot *p, double db)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (db - p->db0) / (p->db1 - p->db0);
}

/* The ends of the axes: all points, and a twentieth of a decibel at least. */
static void find_ends(struct plot *p, const struct train_curve *curve)
{
    p->step1 = 1.0;
    p->db0 = p->db1 = curve->n ? curve->point[0].psnr : 0.0;
    for (int i = 0; i < curve->n; i++) {
        double db = curve->point[i].psnr;
        p->step1 = (double)curve->point[i].step > p->step1 ? (double)curve->point[i].step : p->step1;
        p->db0 = db < p->db0 ? db : p->db0;
        p->db1 = db > p->db1 ? db : p->db1;
    }
    p->db0 -= 0.025;
    p->db1 += 0.025;
}

static void draw(struct plot *p, const struct train_curve *curve)
{
    char label[32];
    memset(p->rgb, 255, 3 * WIDTH * HEIGHT);
    find_ends(p, curve);
    for (int i = 0; i <= 4; i++) {
        int y = TOP + (HEIGHT - TOP - BOTTOM) * i / 4;
        box(p, LEFT, y, WIDTH - RIGHT, y + 1, pale);
        snprintf(label, sizeof label, "%.2f", p->db1 - (p->db1 - p->db0) * i / 4);
        text(p, 8, y - 7, label);
    }
    for (int i = 0; i <= 4; i++) {
        int x = LEFT + (WIDTH - LEFT - RIGHT) * i / 4;
        box(p, x, TOP, x + 1, HEIGHT - BOTTOM, pale);
        snprintf(label, sizeof label, "%.0f", p->step0 + (p->step1 - p->step0) * i / 4);
        text(p, x - 12 * (int)strlen(label) * i / 4, HEIGHT - BOTTOM + 12, label);
    }
    double base = curve->n ? curve->point[0].base_psnr : 0.0;
    if (base > p->db0 && base < p->db1)
        stroke(p, LEFT, at_y(p, base), WIDTH - RIGHT, at_y(p, base), pale);
    for (int i = 0; i < curve->n; i++) {
        double x = at_x(p, (double)curve->point[i].step), y = at_y(p, curve->point[i].psnr);
        if (i)
            stroke(p, at_x(p, (double)curve->point[i - 1].step), at_y(p, curve->point[i - 1].psnr), x, y, line);
        box(p, (int)x - DOT, (int)y - DOT, (int)x + DOT + 2, (int)y + DOT + 2, line);
    }
}

static int write_csv(fovea_context *ctx, const struct train_curve *curve, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return fovi_fail(ctx, FOVEA_E_WRITE, "%s: cannot write this file", path);
    fprintf(f, "step,seconds,loss,psnr,bicubic_psnr\n");
    for (int i = 0; i < curve->n; i++)
        fprintf(f, "%ld,%.1f,%.6f,%.4f,%.4f\n", curve->point[i].step, curve->point[i].seconds, curve->point[i].loss,
                curve->point[i].psnr, curve->point[i].base_psnr);
    int failed = ferror(f);
    return fclose(f) != 0 || failed ? fovi_fail(ctx, FOVEA_E_WRITE, "%s: cannot write", path) : FOVEA_OK;
}

int train_curve_write(fovea_context *ctx, fovea_io *io, const struct train_curve *curve, const char *path)
{
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".csv") == 0)
        return write_csv(ctx, curve, path);
    struct plot plot = { .rgb = malloc(3 * WIDTH * HEIGHT) };
    if (!plot.rgb)
        return fovi_fail(ctx, FOVEA_E_NOMEM, "out of memory");
    draw(&plot, curve);
    const struct fovea_image image = { WIDTH, HEIGHT, { FOVEA_SAMPLE_U8, 3, 0 }, plot.rgb, 3 * WIDTH };
    int code = fovea_io_write_image(io, path, &image, NULL, NULL);
    free(plot.rgb);
    return code ? fovi_fail(ctx, code, "%s", fovea_io_last_error(io)) : FOVEA_OK;
}
