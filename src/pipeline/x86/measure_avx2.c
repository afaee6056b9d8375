/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is measured of a tile, compiled for AVX2.
 */
#define MEASURE fovi_measure_dsp_avx2
#include "pipeline/measure_body_dsp.h"
