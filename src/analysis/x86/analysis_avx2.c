/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The features of a row of tiles, compiled for AVX2: the same C, eight columns at a time, without contraction to FMA.
 */
#define ANALYSIS_BLOCK analysis_block_f32_avx2
#include "analysis/block_dsp.h"
