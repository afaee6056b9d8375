/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Phase congruency by log-Gabor filters of 4 scales and 4 orientations (Kovesi 1999, with the constants of FSIM, Zhang
 * et al. 2011). For each orientation: energy in the direction of the mean phase, less what noise would give; all that
 * over the sum of amplitudes.
 */
#include "metrics/phase.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { N_SCALES = FOVI_PHASE_SCALES, N_ORIENTATIONS = 4, ROWS = 8 };

static const double pi = 3.14159265358979323846;
static const double min_wavelength = 6.0, scale_step = 2.0, sigma_on_frequency = 0.55;
static const double angle_on_sigma = 1.2, noise_sigmas = 2.0, noise_overestimate = 1.7;
static const double cutoff = 0.45; /* of the low-pass that keeps the corners of the spectrum out, order 15 */

/* One picture at one orientation; rows of it are jobs. */
struct work {
    struct fovi_phase *phase;
    const float *plane;
    float *congruency;
    double mean;      /* of the plane */
    double direction; /* of the filters */
    float threshold;  /* of noise */
    int scale;
};

static size_t radial_width(const struct fovi_phase *p)
{
    return (size_t)p->width / 2 + 1;
}

/* Frequency in cycles a pixel of index k of n: 0..0.5 up to the middle, then from the other end, negative. For an odd n
 * both ends are 0.5, as in Kovesi's program. */
static double frequency(int k, int n)
{
    int whole = n % 2 ? n - 1 : n;
    return k > (n - 1) / 2 ? (double)(k - n) / whole : k ? (double)k / whole : 0.0;
}

static void fill_radial(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    int n = (int)radial_width(p);
    for (int x = 0; x < n; x++) {
        double u = frequency(x, p->width), v = frequency(index, p->height), radius = sqrt(u * u + v * v);
        double low_pass = 1.0 / (1.0 + pow(radius / cutoff, 30.0)), width = log(sigma_on_frequency);
        for (int s = 0; s < N_SCALES; s++) {
            double octave = log(radius * min_wavelength * pow(scale_step, s));
            double value = radius > 0.0 ? low_pass * exp(-octave * octave / (2.0 * width * width)) : 0.0;
            p->radial[s][(size_t)index * (size_t)n + (size_t)x] = (float)value;
        }
    }
}

static void fill_angular(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    double sigma = pi / N_ORIENTATIONS / angle_on_sigma, v = frequency(index, p->height);
    for (int x = 0; x < p->width; x++) {
        double away = fabs(atan2(-v, frequency(x, p->width)) - w->direction);
        away = away > pi ? 2.0 * pi - away : away;
        p->angular[(size_t)index * (size_t)p->width + (size_t)x] = (float)exp(-away * away / (2.0 * sigma * sigma));
    }
}

/* Radial part of a row of the plane's frequencies. */
static const float *radial_row(const struct fovi_phase *p, int scale, int y)
{
    return p->radial[scale] + (size_t)(2 * y > p->height ? p->height - y : y) * radial_width(p);
}

/* What the noise estimate needs to know of the filters, for each row: the sum of squares of the finest one, and of the
 * even part of the sum of all scales. The even part is what the real part of the filter in space is made of. */
static void measure_filters(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    const float *row = p->angular + (size_t)index * (size_t)p->width;
    const float *mirror = p->angular + (size_t)((p->height - index) % p->height) * (size_t)p->width;
    double finest = 0.0, even = 0.0;
    for (int x = 0; x < p->width; x++) {
        int folded = 2 * x > p->width ? p->width - x : x;
        double sum = 0.0, first = (double)radial_row(p, 0, index)[folded] * (double)row[x];
        for (int s = 0; s < N_SCALES; s++)
            sum += (double)radial_row(p, s, index)[folded];
        sum *= ((double)row[x] + (double)mirror[(p->width - x) % p->width]) * 0.5;
        finest += first * first;
        even += sum * sum;
    }
    p->row_sums[2 * index] = finest;
    p->row_sums[2 * index + 1] = even;
}

static void sum_row(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const float *row = w->plane + (size_t)index * (size_t)w->phase->width;
    double sum = 0.0;
    for (int x = 0; x < w->phase->width; x++)
        sum += (double)row[x];
    w->phase->row_sums[index] = sum;
}

/* Without its mean, so that a flat plane gives exactly nothing, and scaled for the way there and back. */
static void fill_plane(void *arg, int y, struct fovi_complex *out)
{
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    const float *row = w->plane + (size_t)y * (size_t)p->width;
    double scale = 1.0 / ((double)p->width * (double)p->height);
    for (int x = 0; x < p->width; x++)
        out[x] = (struct fovi_complex){ (float)(((double)row[x] - w->mean) * scale), 0.0f };
}

static void fill_filtered(void *arg, int y, struct fovi_complex *out)
{
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    size_t at = (size_t)y * (size_t)p->width;
    const float *radial = radial_row(p, w->scale, y), *angular = p->angular + at;
    const struct fovi_complex *in = p->spectrum + at;
    for (int x = 0; x < p->width; x++) {
        float filter = radial[2 * x > p->width ? p->width - x : x] * angular[x];
        out[x] = (struct fovi_complex){ in[x].re * filter, in[x].im * filter };
    }
}

static float power(struct fovi_complex c)
{
    return c.re * c.re + c.im * c.im;
}

/* Median (the lower of two) of the power of n responses, by a radix search over their bits: floats that are not
 * negative are in the order of their bits. */
static float median_power(const struct fovi_complex *c, size_t n)
{
    static const int shifts[] = { 21, 10, 0 }, digits[] = { 11, 11, 10 };
    uint32_t prefix = 0, mask = 0;
    size_t rank = (n - 1) / 2;
    for (int pass = 0; pass < 3; pass++) {
        size_t counts[1 << 11] = { 0 };
        uint32_t digit = 0, digit_mask = (1u << digits[pass]) - 1;
        for (size_t i = 0; i < n; i++) {
            float value = power(c[i]);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            if ((bits & mask) == prefix)
                counts[bits >> shifts[pass] & digit_mask]++;
        }
        for (; rank >= counts[digit]; digit++)
            rank -= counts[digit];
        prefix |= digit << shifts[pass];
        mask |= digit_mask << shifts[pass];
    }
    float median;
    memcpy(&median, &prefix, sizeof median);
    return median;
}

/* Energy that noise may have: it is Rayleigh distributed with a power known from the median of the finest scale, which
 * is hardly anything but noise; mean and some deviations, over what Kovesi found to be too much. */
static float noise_threshold(const struct fovi_phase *p, double finest, double even)
{
    double median = (double)median_power(p->responses[0], (size_t)p->width * (size_t)p->height);
    double noise_power = finest > 0.0 ? median / log(2.0) / finest : 0.0, tau = sqrt(noise_power * even);
    return (float)(tau * (sqrt(pi / 2.0) + noise_sigmas * sqrt(2.0 - pi / 2.0)) / noise_overestimate);
}

static void add_energy(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    size_t end = (size_t)(index + 1) * ROWS < (size_t)p->height ? (size_t)(index + 1) * ROWS : (size_t)p->height;
    const struct fovi_complex *c0 = p->responses[0], *c1 = p->responses[1], *c2 = p->responses[2],
                              *c3 = p->responses[3];
    for (size_t i = (size_t)index * ROWS * (size_t)p->width; i < end * (size_t)p->width; i++) {
        struct fovi_complex c[N_SCALES] = { c0[i], c1[i], c2[i], c3[i] };
        float re = (c[0].re + c[1].re) + (c[2].re + c[3].re), im = (c[0].im + c[1].im) + (c[2].im + c[3].im);
        float norm = 1.0f / (sqrtf(re * re + im * im) + FLT_EPSILON), energy = 0.0f, amplitude = 0.0f;
        re *= norm;
        im *= norm;
        for (int s = 0; s < N_SCALES; s++) {
            energy += (c[s].re * re + c[s].im * im) - fabsf(c[s].re * im - c[s].im * re);
            amplitude += sqrtf(power(c[s]));
        }
        energy -= w->threshold;
        p->energy[i] += energy > 0.0f ? energy : 0.0f;
        p->amplitude[i] += amplitude;
    }
}

static void finish_row(void *arg, int index, int worker)
{
    (void)worker;
    const struct work *w = arg;
    const struct fovi_phase *p = w->phase;
    size_t at = (size_t)index * (size_t)p->width;
    for (size_t i = at; i < at + (size_t)p->width; i++) {
        w->congruency[i] = (p->energy[i] + FLT_EPSILON) / (p->amplitude[i] + FLT_EPSILON);
        p->energy[i] = p->amplitude[i] = 0.0f;
    }
}

static void run_orientation(fovea_context *ctx, struct work *w)
{
    struct fovi_phase *p = w->phase;
    double finest = 0.0, even = 0.0;
    fovi_parallel(ctx, fill_angular, w, p->height);
    fovi_parallel(ctx, measure_filters, w, p->height);
    for (int y = 0; y < p->height; y++) {
        finest += p->row_sums[2 * y];
        even += p->row_sums[2 * y + 1];
    }
    for (w->scale = 0; w->scale < N_SCALES; w->scale++)
        fovi_fft2_run(ctx, &p->inverse, fill_filtered, w, p->responses[w->scale]);
    w->threshold = noise_threshold(p, finest, even);
    fovi_parallel(ctx, add_energy, w, (p->height + ROWS - 1) / ROWS);
}

void fovi_phase_run(fovea_context *ctx, struct fovi_phase *phase, const float *plane, float *congruency)
{
    struct work work = { .phase = phase, .plane = plane, .congruency = congruency };
    double sum = 0.0;
    fovi_parallel(ctx, sum_row, &work, phase->height);
    for (int y = 0; y < phase->height; y++)
        sum += phase->row_sums[y];
    work.mean = sum / ((double)phase->width * (double)phase->height);
    fovi_fft2_run(ctx, &phase->forward, fill_plane, &work, phase->spectrum);
    for (int k = 0; k < N_ORIENTATIONS; k++) {
        work.direction = k * pi / N_ORIENTATIONS;
        run_orientation(ctx, &work);
    }
    fovi_parallel(ctx, finish_row, &work, phase->height);
}

static int allocate(fovea_context *ctx, struct fovi_phase *p)
{
    size_t width = (size_t)p->width, height = (size_t)p->height;
    for (int s = 0; s < N_SCALES; s++) {
        p->radial[s] = fovi_alloc(ctx, height / 2 + 1, radial_width(p) * sizeof(float));
        if (!p->radial[s])
            return fovi_alloc_error(ctx);
        p->responses[s] = fovi_alloc(ctx, height, width * sizeof(struct fovi_complex));
        if (!p->responses[s])
            return fovi_alloc_error(ctx);
    }
    p->spectrum = fovi_alloc(ctx, height, width * sizeof(struct fovi_complex));
    if (!p->spectrum)
        return fovi_alloc_error(ctx);
    float **planes[] = { &p->angular, &p->energy, &p->amplitude };
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++) {
        *planes[i] = fovi_alloc(ctx, height, width * sizeof(float));
        if (!*planes[i])
            return fovi_alloc_error(ctx);
    }
    p->row_sums = fovi_alloc(ctx, height, 2 * sizeof(double));
    return p->row_sums ? FOVEA_OK : fovi_alloc_error(ctx);
}

int fovi_phase_init(fovea_context *ctx, struct fovi_phase *phase, int width, int height)
{
    *phase = (struct fovi_phase){ .width = width, .height = height };
    int code = fovi_fft2_init(ctx, &phase->forward, width, height, 0);
    if (code == FOVEA_OK)
        code = fovi_fft2_init(ctx, &phase->inverse, width, height, 1);
    if (code == FOVEA_OK)
        code = allocate(ctx, phase);
    if (code != FOVEA_OK) {
        fovi_phase_free(ctx, phase);
        return code;
    }
    struct work work = { .phase = phase };
    fovi_parallel(ctx, fill_radial, &work, height / 2 + 1);
    return FOVEA_OK;
}

void fovi_phase_free(fovea_context *ctx, struct fovi_phase *phase)
{
    fovi_fft2_free(ctx, &phase->forward);
    fovi_fft2_free(ctx, &phase->inverse);
    for (int s = 0; s < N_SCALES; s++) {
        fovi_free(ctx, phase->radial[s]);
        fovi_free(ctx, phase->responses[s]);
    }
    fovi_free(ctx, phase->angular);
    fovi_free(ctx, phase->spectrum);
    fovi_free(ctx, phase->energy);
    fovi_free(ctx, phase->amplitude);
    fovi_free(ctx, phase->row_sums);
    *phase = (struct fovi_phase){ 0 };
}
