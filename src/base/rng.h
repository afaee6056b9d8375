/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Repeatable random numbers: splitmix64 (Steele, Lea, Flood 2014), one 64-bit state, the same on every machine.
 */
#ifndef FOVI_BASE_RNG_H
#define FOVI_BASE_RNG_H

#include <stdint.h>

struct fovi_rng {
    uint64_t state;
};

static inline uint64_t fovi_rng_next(struct fovi_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1), 53 bits. */
static inline double fovi_rng_uniform(struct fovi_rng *r)
{
    return (double)(fovi_rng_next(r) >> 11) * (1.0 / 9007199254740992.0);
}

/* Uniform in 0..n-1, n >= 1. */
static inline uint32_t fovi_rng_below(struct fovi_rng *r, uint32_t n)
{
    return (uint32_t)(((fovi_rng_next(r) >> 32) * n) >> 32);
}

#endif
