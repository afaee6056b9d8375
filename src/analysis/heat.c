/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The heat scale: dark blue, violet, orange, pale yellow. The nine anchors are own, their CIE lightness L* rises in
 * even steps from 3 to 95.6, so the map reads the same in grey and for the colour-blind.
 */
#include "fovea/analyze.h"

static const uint8_t anchor[9][3] = {
    { 5, 7, 39 },    { 34, 22, 99 },   { 85, 30, 142 },  { 144, 46, 144 },  { 204, 63, 124 },
    { 253, 91, 84 }, { 255, 153, 47 }, { 255, 202, 70 }, { 252, 244, 190 },
};

void fovea_heat_color(float difficulty, uint8_t rgb[3])
{
    float d = difficulty > 0.0f ? difficulty : 0.0f;
    float at = (d < 1.0f ? d : 1.0f) * 8.0f;
    int k = (int)at < 7 ? (int)at : 7;
    float share = at - (float)k;
    for (int c = 0; c < 3; c++) {
        float low = (float)anchor[k][c], high = (float)anchor[k + 1][c];
        rgb[c] = (uint8_t)(low + (high - low) * share + 0.5f);
    }
}
