/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Arithmetic that says when it overflows.
 */
#ifndef FOVI_BASE_CHECKED_H
#define FOVI_BASE_CHECKED_H

#include <stddef.h>

/* *r = a * b (or a + b); 0 when that does not fit. */
static inline int fovi_mul_size(size_t a, size_t b, size_t *r)
{
    return !__builtin_mul_overflow(a, b, r);
}

static inline int fovi_add_size(size_t a, size_t b, size_t *r)
{
    return !__builtin_add_overflow(a, b, r);
}

#endif
