/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between linear light and the display's encoding, also for what lies outside 0..1.
 *
 * Within 0..1 the curve is that of sRGB (IEC 61966-2-1), with the break where its two pieces meet exactly. Above 1 it
 * goes on as a logarithm of the same value and slope, 1 + s ln v with s = 1.055 / 2.4, so that highlights a thousand
 * times as bright as white stay within a few times the range; below 0 it is the mirror image. The curve and its inverse
 * are series of additions and multiplications in double: the same bytes with every C library and processor.
 */
#ifndef FOVI_COLOR_TRANSFER_H
#define FOVI_COLOR_TRANSFER_H

/* One sample, 1 = display white. The inverse of each other to some 1e-7. Infinite and undefined samples stay so. */
float fovi_transfer_encode(float linear);
float fovi_transfer_decode(float encoded);

/* n samples in place, on the scale where 255 is white: 255 encode(v / white), and back again. white > 0: the linear
 * sample of display white, on the same scale. */
void fovi_transfer_encode_row(float *row, int n, float white);
void fovi_transfer_decode_row(float *row, int n, float white);

#endif
