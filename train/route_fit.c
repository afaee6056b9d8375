/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Gamma regression with a log link by Fisher scoring. With that link every observation keeps its weight, so one matrix
 * is factored once and each iteration is a least-squares step; steps that raise the deviance are halved.
 */
#include "route_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = FOVI_ROUTE_N_TERMS };

/* Labels below this many squared levels are rounding. */
#define LEAST_LABEL 1e-3

double route_fit_value(const double w[N], const double terms[N])
{
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        sum += w[i] * terms[i];
    return exp(sum);
}

/* Lower triangle L of A = L L^T in place; 0 where A is not positive. */
static int factor(double a[N][N])
{
    for (int j = 0; j < N; j++) {
        for (int i = j; i < N; i++) {
            double sum = a[i][j];
            for (int k = 0; k < j; k++)
                sum -= a[i][k] * a[j][k];
            if (i == j && sum <= 0.0)
                return 0;
            a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
        }
    }
    return 1;
}

static void solve(double l[N][N], double x[N])
{
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < i; k++)
            x[i] -= l[i][k] * x[k];
        x[i] /= l[i][i];
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int k = i + 1; k < N; k++)
            x[i] -= l[k][i] * x[k];
        x[i] /= l[i][i];
    }
}

static double label_of(const struct route_observation *o)
{
    return o->label > LEAST_LABEL ? o->label : LEAST_LABEL;
}

static void normal_matrix(const struct route_observation *o, size_t n, double a[N][N], double ridge[N])
{
    memset(a, 0, N * sizeof *a);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j <= i; j++)
                a[i][j] += o[t].weight * o[t].terms[i] * o[t].terms[j];
    for (int i = 0; i < N; i++) {
        ridge[i] = i == 0 ? 0.0 : 1e-4 * a[0][0];
        a[i][i] += ridge[i] + 1e-9 * a[i][i];
    }
}

static double deviance(const struct route_observation *o, size_t n, const double w[N], const double ridge[N])
{
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        sum += 0.5 * ridge[i] * w[i] * w[i];
    for (size_t t = 0; t < n; t++) {
        double mean = route_fit_value(w, o[t].terms);
        sum += o[t].weight * (label_of(&o[t]) / mean + log(mean));
    }
    return sum;
}

/* The direction of one step of scoring; from_log: the step from nothing to the least squares of log labels. */
static void find_step(const struct route_observation *o, size_t n, const double w[N], const double ridge[N],
                      double l[N][N], int from_log, double step[N])
{
    for (int i = 0; i < N; i++)
        step[i] = -ridge[i] * w[i];
    for (size_t t = 0; t < n; t++) {
        double y = label_of(&o[t]);
        double error = from_log ? log(y) : y / route_fit_value(w, o[t].terms) - 1.0;
        for (int i = 0; i < N; i++)
            step[i] += o[t].weight * error * o[t].terms[i];
    }
    solve(l, step);
}

int route_fit(const struct route_observation *o, size_t n, double w[N])
{
    double a[N][N], ridge[N], step[N], next[N];
    normal_matrix(o, n, a, ridge);
    memset(w, 0, N * sizeof *w);
    if (!factor(a))
        return 0;
    find_step(o, n, w, ridge, a, 1, w);
    double best = deviance(o, n, w, ridge);
    for (int iteration = 0; iteration < 50; iteration++) {
        find_step(o, n, w, ridge, a, 0, step);
        double length = 1.0, d = INFINITY;
        for (; length > 1e-3; length /= 2.0) {
            for (int i = 0; i < N; i++)
                next[i] = w[i] + length * step[i];
            d = deviance(o, n, next, ridge);
            if (d < best)
                break;
        }
        if (!(d < best))
            break;
        double fall = best - d;
        memcpy(w, next, sizeof next);
        best = d;
        if (fall < 1e-10 * fabs(best))
            break;
    }
    return 1;
}

/* z of an observation: the terms behind the constant. */
static const double *z_of(const struct route_observation *o)
{
    return o->terms + 1;
}

/* Lower Cholesky factor of the covariance of z, every variance a little larger than it is, so that what is constant
 * does no harm. */
static void find_factor(const struct route_observation *o, size_t n, double mean[FOVI_ROUTE_N_Z],
                        double l[FOVI_ROUTE_N_Z][FOVI_ROUTE_N_Z])
{
    enum { Z = FOVI_ROUTE_N_Z };
    memset(mean, 0, Z * sizeof *mean);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < Z; i++)
            mean[i] += z_of(&o[t])[i] / (double)n;
    memset(l, 0, Z * sizeof *l);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < Z; i++)
            for (int k = 0; k <= i; k++)
                l[i][k] += (z_of(&o[t])[i] - mean[i]) * (z_of(&o[t])[k] - mean[k]) / (double)n;
    for (int k = 0; k < Z; k++)
        for (int i = k; i < Z; i++) {
            double sum = l[i][k] + (i == k ? 1e-3 : 0.0);
            for (int j = 0; j < k; j++)
                sum -= l[i][j] * l[k][j];
            l[i][k] = i == k ? sqrt(sum) : sum / l[k][k];
        }
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int route_fit_spread(const struct route_observation *o, size_t n, double mean[FOVI_ROUTE_N_Z],
                     double whiten[FOVI_ROUTE_N_WHITEN], double *radius)
{
    enum { Z = FOVI_ROUTE_N_Z };
    double l[Z][Z], inverse[Z][Z] = { { 0 } }, *to = whiten;
    find_factor(o, n, mean, l);
    for (int i = 0; i < Z; i++)
        for (int k = 0; k <= i; k++) {
            double sum = i == k ? 1.0 : 0.0;
            for (int j = k; j < i; j++)
                sum -= l[i][j] * inverse[j][k];
            *to++ = inverse[i][k] = sum / l[i][i];
        }
    double *distance = malloc(n * sizeof *distance);
    if (!distance)
        return 0;
    for (size_t t = 0; t < n; t++)
        distance[t] = fovi_route_distance(mean, whiten, z_of(&o[t]));
    qsort(distance, n, sizeof *distance, by_number);
    *radius = distance[(size_t)(0.999 * (double)n)];
    free(distance);
    return 1;
}

struct ranked {
    double value;
    size_t index;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Ranks, their mean taken away; equal values share their mean rank. */
static void find_ranks(const double *values, size_t n, struct ranked *work, double *rank)
{
    for (size_t i = 0; i < n; i++)
        work[i] = (struct ranked){ values[i], i };
    qsort(work, n, sizeof *work, by_value);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && work[end].value == work[i].value; end++)
            ;
        for (size_t k = i; k < end; k++)
            rank[work[k].index] = 0.5 * (double)(i + end - 1) - 0.5 * (double)(n - 1);
    }
}

double route_rank_correlation(const double *a, const double *b, size_t n)
{
    struct ranked *work = malloc((n + 1) * sizeof *work);
    double *rank = malloc((2 * n + 1) * sizeof *rank), ab = 0.0, aa = 0.0, bb = 0.0;
    if (work && rank) {
        find_ranks(a, n, work, rank);
        find_ranks(b, n, work, rank + n);
        for (size_t i = 0; i < n; i++) {
            ab += rank[i] * rank[n + i];
            aa += rank[i] * rank[i];
            bb += rank[n + i] * rank[n + i];
        }
    }
    free(work);
    free(rank);
    return ab / sqrt(aa * bb);
}
