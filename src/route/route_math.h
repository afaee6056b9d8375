/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Logarithm and exponential from exact operations and fixed series, so that a decision is the same with every C
 * library. Relative error below 1e-14.
 */
#ifndef FOVI_ROUTE_MATH_H
#define FOVI_ROUTE_MATH_H

#include <math.h>

#define FOVI_LN2 0.69314718055994530942
#define FOVI_LN10 2.30258509299404568402

/* x > 0, finite. log x = log m + e log 2 with m near 1; log m = 2 artanh((m - 1) / (m + 1)). */
static inline double fovi_route_log(double x)
{
    int e = 0;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) {
        m *= 2.0;
        e--;
    }
    double s = (m - 1.0) / (m + 1.0), q = s * s, sum = 0.0;
    static const double term[11] = { 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                     1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0 };
    for (int k = 0; k < 11; k++)
        sum = sum * q + term[k];
    return 2.0 * s * sum + e * FOVI_LN2;
}

/* |x| < 700. exp x = 2^n exp r with |r| <= log 2 / 2; Taylor. */
static inline double fovi_route_exp(double x)
{
    double n = floor(x / FOVI_LN2 + 0.5), r = x - n * 0.693147180369123816490, sum = 1.0;
    r -= n * 1.90821492927058770002e-10; /* log 2 in two parts */
    static const double part[14] = { 1.0 / 14, 1.0 / 13, 1.0 / 12, 1.0 / 11, 1.0 / 10, 1.0 / 9, 1.0 / 8,
                                     1.0 / 7,  1.0 / 6,  1.0 / 5,  1.0 / 4,  1.0 / 3,  1.0 / 2, 1.0 };
    for (int k = 0; k < 14; k++)
        sum = 1.0 + sum * (r * part[k]);
    return ldexp(sum, (int)n);
}

#endif
