/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the processor can do.
 */
#ifndef FOVI_BASE_CPU_H
#define FOVI_BASE_CPU_H

#include <stdint.h>

/* FOVEA_CPU_* bits of this machine. */
uint32_t fovi_cpu_detect(void);

/* Cores that this process may use, at least 1. */
int fovi_cpu_count(void);

#endif
