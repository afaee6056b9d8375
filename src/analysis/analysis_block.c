/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The features of a row of tiles, for any processor: the reference.
 */
#define ANALYSIS_BLOCK analysis_block_f32_c
#include "analysis/block_dsp.h"
