/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CIEDE2000 (CIE 142-2001, by the notes of Sharma, Wu, Dalal 2005). Hues are unit vectors here, not angles: their mean
 * is the bisector, and the cosines of its multiples follow without calls of cos. Strips of rows in parallel, their
 * sums added in order.
 */
#include "metrics/delta_e.h"

#include <math.h>
#include <string.h>

enum { STRIP = 32 };

static const double pi = 3.14159265358979323846;

struct hue {
    double x, y; /* cosine, sine */
};

/* ---- colours ---- */

/* Cube root of a positive number: a third of the exponent, right to 3 %, then two steps of Halley's method, each of
 * which triples the digits that are right. */
static double cube_root(double t)
{
    uint64_t bits;
    double r;
    memcpy(&bits, &t, sizeof bits);
    bits = bits / 3 + 0x2a9f7893782da1ceu;
    memcpy(&r, &bits, sizeof r);
    for (int i = 0; i < 2; i++) {
        double cube = r * r * r;
        r *= (cube + 2.0 * t) / (2.0 * cube + t);
    }
    return r;
}

static double lab_curve(double t)
{
    return t > 216.0 / 24389.0 ? cube_root(t) : (24389.0 / 27.0 * t + 16.0) / 116.0;
}

struct fovi_lab fovi_lab_from_linear(double red, double green, double blue)
{
    /* IEC 61966-2-1 to XYZ, over the sums of the rows, which are the white. */
    double x = lab_curve((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    double y = lab_curve(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    double z = lab_curve((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.0890);
    return (struct fovi_lab){ 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z) };
}

/* c^7 / (c^7 + 25^7), under a root. */
static double chroma_root(double c)
{
    double c7 = c * c * c;
    c7 = c7 * c7 * c;
    return sqrt(c7 / (c7 + 6103515625.0));
}

/* Is the hue in 180..360 degrees? */
static int is_lower(struct hue h)
{
    return h.y < 0.0 || (h.y == 0.0 && h.x < 0.0);
}

/* Middle of two hues on the shorter way. It stands at right angles to their difference, which is exact where they are
 * nearly opposite; where they are exactly opposite, the mean of the angles of 0..360 degrees counts. */
static struct hue middle_hue(struct hue p, struct hue q)
{
    double sx = p.x + q.x, sy = p.y + q.y, dx = q.x - p.x, dy = q.y - p.y;
    if (sx * sx + sy * sy > dx * dx + dy * dy) {
        double norm = 1.0 / sqrt(sx * sx + sy * sy);
        return (struct hue){ sx * norm, sy * norm };
    }
    double norm = 1.0 / sqrt(dx * dx + dy * dy);
    struct hue middle = { dy * norm, -dx * norm };
    double along = middle.x * sx + middle.y * sy;
    int is_opposite = sx == 0.0 && sy == 0.0;
    /* middle is q turned back by a right angle, which is right where q is the larger angle. */
    if (is_opposite ? is_lower(p) : along < 0.0)
        return (struct hue){ -middle.x, -middle.y };
    return middle;
}

/* Weight of hue differences at a hue: 1 - .17 cos(h - 30) + .24 cos(2h) + .32 cos(3h + 6) - .2 cos(4h - 63). */
static double hue_weight(struct hue h)
{
    static const double cos30 = 0.86602540378443865, sin30 = 0.5, cos6 = 0.99452189536827333,
                        sin6 = 0.10452846326765347, cos63 = 0.45399049973954675, sin63 = 0.89100652418836786;
    double c2 = h.x * h.x - h.y * h.y, s2 = 2.0 * h.x * h.y;
    double c3 = c2 * h.x - s2 * h.y, s3 = s2 * h.x + c2 * h.y;
    double c4 = c2 * c2 - s2 * s2, s4 = 2.0 * c2 * s2;
    return 1.0 - 0.17 * (h.x * cos30 + h.y * sin30) + 0.24 * c2 + 0.32 * (c3 * cos6 - s3 * sin6) -
           0.20 * (c4 * cos63 + s4 * sin63);
}

/* The term that turns the axes of chroma and hue against each other in blue, 275 degrees. */
static double rotation(struct hue h, double chroma)
{
    /* From 30 to 150 degrees it is below 1e-10. */
    if (h.y > 0.5)
        return 0.0;
    double degrees = atan2(h.y, h.x) * (180.0 / pi),
           away = ((degrees < 0.0 ? degrees + 360.0 : degrees) - 275.0) / 25.0;
    return -2.0 * chroma_root(chroma) * sin(pi / 3.0 * exp(-away * away));
}

double fovi_ciede2000(struct fovi_lab p, struct fovi_lab q)
{
    double c_mean = 0.5 * (sqrt(p.a * p.a + p.b * p.b) + sqrt(q.a * q.a + q.b * q.b));
    double stretch = 1.5 - 0.5 * chroma_root(c_mean), pa = p.a * stretch, qa = q.a * stretch;
    double cp = sqrt(pa * pa + p.b * p.b), cq = sqrt(qa * qa + q.b * q.b), chroma = 0.5 * (cp + cq);
    double dl = q.l - p.l, dc = cq - cp, dh = 0.0;
    struct hue hp = cp > 0.0 ? (struct hue){ pa / cp, p.b / cp } : (struct hue){ 0.0, 0.0 };
    struct hue hq = cq > 0.0 ? (struct hue){ qa / cq, q.b / cq } : (struct hue){ 0.0, 0.0 };
    /* A grey has no hue: the other's counts. */
    struct hue h = { hp.x + hq.x, hp.y + hq.y };
    if (cp > 0.0 && cq > 0.0) {
        double turn = hp.x * hq.y - hp.y * hq.x, x = hq.x - hp.x, y = hq.y - hp.y;
        h = middle_hue(hp, hq);
        dh = sqrt(cp * cq * (x * x + y * y));
        if (turn < 0.0 || (turn == 0.0 && is_lower(hp)))
            dh = -dh;
    }
    double l50 = 0.5 * (p.l + q.l) - 50.0;
    dl /= 1.0 + 0.015 * l50 * l50 / sqrt(20.0 + l50 * l50);
    dc /= 1.0 + 0.045 * chroma;
    dh /= 1.0 + 0.015 * chroma * hue_weight(h);
    double square = dl * dl + dc * dc + dh * dh + rotation(h, chroma) * dc * dh;
    return square > 0.0 ? sqrt(square) : square < 0.0 ? 0.0 : square;
}

/* ---- pictures ---- */

struct work {
    const struct fovi_pair *pair;
    double linear[256]; /* of levels that are whole numbers */
    float *rows;        /* for each thread: a row of each picture */
    size_t rows_size;
    double *strips;
};

/* Level 0..255 of sRGB to linear light; levels outside go on along the curve, negative ones mirrored. */
static double decode(double level)
{
    double v = fabs(level) / 255.0, linear = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    return level < 0.0 ? -linear : linear;
}

static double get_linear(const struct work *w, float level)
{
    if (level >= 0.0f && level <= 255.0f && level == (float)(int)level)
        return w->linear[(int)level];
    return decode((double)level);
}

static struct fovi_lab get_lab(const struct work *w, const float *row, size_t x)
{
    size_t width = (size_t)w->pair->width;
    return fovi_lab_from_linear(get_linear(w, row[x]), get_linear(w, row[x + width]),
                                get_linear(w, row[x + 2 * width]));
}

static void sum_strip(void *arg, int index, int worker)
{
    const struct work *w = arg;
    size_t width = (size_t)w->pair->width;
    float *a = w->rows + (size_t)worker * w->rows_size, *b = a + fovi_pair_row_size(w->pair);
    int end = (index + 1) * STRIP < w->pair->height ? (index + 1) * STRIP : w->pair->height;
    double sum = 0.0;
    for (int y = index * STRIP; y < end; y++) {
        fovi_pair_load(w->pair, 0, y, a);
        fovi_pair_load(w->pair, 1, y, b);
        for (size_t x = 0; x < width; x++) {
            int is_equal = a[x] == b[x] && a[x + width] == b[x + width] && a[x + 2 * width] == b[x + 2 * width];
            sum += is_equal ? 0.0 : fovi_ciede2000(get_lab(w, a, x), get_lab(w, b, x));
        }
    }
    w->strips[index] = sum;
}

int fovi_delta_e(fovea_context *ctx, const struct fovi_pair *pair, double *out)
{
    struct work work = { .pair = pair, .rows_size = 2 * fovi_pair_row_size(pair) };
    int n_strips = (pair->height + STRIP - 1) / STRIP, code = FOVEA_OK;
    *out = (double)NAN;
    if (pair->n_color != 3)
        return FOVEA_OK;
    for (int i = 0; i < 256; i++)
        work.linear[i] = decode(i);
    work.rows = fovi_alloc(ctx, (size_t)fovea_context_threads(ctx), work.rows_size * sizeof *work.rows);
    if (work.rows)
        work.strips = fovi_alloc(ctx, (size_t)n_strips, sizeof *work.strips);
    if (work.strips) {
        double sum = 0.0;
        fovi_parallel(ctx, sum_strip, &work, n_strips);
        for (int i = 0; i < n_strips; i++)
            sum += work.strips[i];
        *out = sum / ((double)pair->width * (double)pair->height);
    } else {
        code = fovi_alloc_error(ctx);
    }
    fovi_free(ctx, work.strips);
    fovi_free(ctx, work.rows);
    return code;
}
