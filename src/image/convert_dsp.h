/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernels between interleaved samples and planes, and luma. Each level of instructions gives the reference's bytes:
 * one expression a sample in the order of the reference, nothing fused.
 */
#ifndef FOVI_IMAGE_CONVERT_DSP_H
#define FOVI_IMAGE_CONVERT_DSP_H

#include <stdint.h>

/* n pixels of n_channels interleaved samples to levels of 255 in planes, and back (rounded half up, clipped, NaN to 0).
 * Nothing beyond the n pixels is read or written. */
typedef void fovi_load_u8(const uint8_t *src, int n_channels, int n, float *const *planes);
typedef void fovi_load_u16(const uint16_t *src, int n_channels, int n, float *const *planes);
typedef void fovi_store_u8(const float *const *planes, int n_channels, int n, uint8_t *dst);
typedef void fovi_store_u16(const float *const *planes, int n_channels, int n, uint16_t *dst);

/* BT.601 studio luma of red, green and blue planes. */
typedef void fovi_luma(const float *const *planes, int n, float *luma);

struct fovi_convert_dsp {
    fovi_load_u8 *load_u8;
    fovi_load_u16 *load_u16;
    fovi_store_u8 *store_u8;
    fovi_store_u16 *store_u16;
    fovi_luma *luma;
};

/* The table for FOVEA_CPU_* bits. */
const struct fovi_convert_dsp *fovi_convert_dsp_get(uint32_t cpu);

fovi_load_u8 load_u8_c, load_u8_avx2, load_u8_avx512;
fovi_load_u16 load_u16_c, load_u16_avx2, load_u16_avx512;
fovi_store_u8 store_u8_c, store_u8_avx2, store_u8_avx512;
fovi_store_u16 store_u16_c, store_u16_avx2, store_u16_avx512;
fovi_luma luma_rgb_f32_c, luma_rgb_f32_avx2, luma_rgb_f32_avx512;

#define LUMA_OFFSET 16.0f
#define LUMA_RED (65.481f / 255.0f)
#define LUMA_GREEN (128.553f / 255.0f)
#define LUMA_BLUE (24.966f / 255.0f)

/* Levels of 255 in 16-bit steps. */
#define STEPS_U16 257.0f

#endif
