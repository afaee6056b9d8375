/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The gated sum: choice of kernel.
 */
#ifndef FOVI_NET_GATE_H
#define FOVI_NET_GATE_H

#include <stdint.h>

#include "net/gate_dsp.h"

/* The fastest kernel that the instruction sets allow. */
fovi_gate *fovi_gate_get(uint32_t cpu);

#endif
