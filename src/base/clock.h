/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A clock that only goes forward.
 */
#ifndef FOVI_BASE_CLOCK_H
#define FOVI_BASE_CLOCK_H

/* Milliseconds since some fixed moment. */
double fovi_clock_ms(void);

#endif
