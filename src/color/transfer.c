/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The sRGB curve and its continuation.
 */
#include "color/transfer.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Where the straight piece ends: the exact intersection of 12.92 v and 1.055 v^(1/2.4) - 0.055. */
#define BREAK 0.0031306684425005883
#define ENCODED_BREAK (12.92 * BREAK)
#define SLOPE (1.055 / 2.4)
#define LN2 0.69314718055994530942

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static double from_bits(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Logarithm to base 2 of a positive normal number, relative error below 1e-10: 2^e m with m in sqrt(1/2)..sqrt(2), and
 * log m = 2 artanh((m - 1) / (m + 1)). */
static double log_2(double v)
{
    const uint64_t root = 0x3fe6a09e667f3bcd; /* sqrt(1/2) */
    uint64_t u = bits_of(v);
    int64_t e = ((int64_t)u - (int64_t)root) >> 52;
    double m = from_bits(u - ((uint64_t)e << 52));
    double s = (m - 1.0) / (m + 1.0), q = s * s;
    double series = 1.0 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11)))));
    return (double)e + s * series * (2.0 / LN2);
}

/* 2^x for |x| < 1000: 2^n times the Taylor series of exp over |r| <= log 2 / 2. */
static double exp_2(double x)
{
    const double shift = 0x1.8p52;
    double n = (x + shift) - shift, r = (x - n) * LN2;
    double series = 1.0 +
                    r * (1.0 +
                         r * (1.0 / 2 +
                              r * (1.0 / 6 +
                                   r * (1.0 / 24 +
                                        r * (1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040 + r * (1.0 / 40320))))))));
    return series * from_bits((uint64_t)((int64_t)n + 1023) << 52);
}

float fovi_transfer_encode(float linear)
{
    double v = fabs((double)linear), e = v;
    if (v <= BREAK)
        e = 12.92 * v;
    else if (v <= 1.0)
        e = 1.055 * exp_2(log_2(v) * (1.0 / 2.4)) - 0.055;
    else if (v < INFINITY)
        e = 1.0 + SLOPE * LN2 * log_2(v);
    return (float)copysign(e, (double)linear);
}

float fovi_transfer_decode(float encoded)
{
    double e = fabs((double)encoded), v = e;
    if (e <= ENCODED_BREAK)
        v = e / 12.92;
    else if (e <= 1.0)
        v = exp_2(log_2((e + 0.055) * (1.0 / 1.055)) * 2.4);
    else if (e < 100.0) /* more than the largest float gives */
        v = exp_2((e - 1.0) / (SLOPE * LN2));
    else if (e < INFINITY)
        v = INFINITY;
    return (float)copysign(v, (double)encoded);
}

void fovi_transfer_encode_row(float *row, int n, float white)
{
    for (int x = 0; x < n; x++)
        row[x] = 255.0f * fovi_transfer_encode(row[x] / white);
}

void fovi_transfer_decode_row(float *row, int n, float white)
{
    for (int x = 0; x < n; x++)
        row[x] = white * fovi_transfer_decode(row[x] / 255.0f);
}
