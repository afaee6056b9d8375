/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is measured of a tile: the reference, and the choice.
 */
#define MEASURE fovi_measure_dsp_c
#include "fovea/common.h"
#include "pipeline/measure_body_dsp.h"

const struct fovi_measure_dsp *fovi_measure_dsp_get(uint32_t cpu)
{
#if defined(__x86_64__)
    if (cpu & FOVEA_CPU_AVX512)
        return &fovi_measure_dsp_avx512;
    if (cpu & FOVEA_CPU_AVX2)
        return &fovi_measure_dsp_avx2;
#endif
    (void)cpu;
    return &fovi_measure_dsp_c;
}
