/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chains of integer steps.
 */
#include "pipeline/chain.h"

#include <stddef.h>

static int repeat(double ratio, int step, int *chain)
{
    int n = 0;
    for (double product = 1.0; product < ratio && n < FOVI_CHAIN_MAX; product *= step)
        chain[n++] = step;
    return n;
}

int fovi_chain_choose(double ratio, int only, int *chain)
{
    static const int table[][2] = { { 2, 0 }, { 3, 0 }, { 4, 0 }, { 2, 3 }, { 2, 4 }, { 3, 3 }, { 3, 4 }, { 4, 4 } };
    if (ratio <= 1.0)
        return 0;
    if (only)
        return repeat(ratio, only, chain);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int product = table[i][0] * (table[i][1] ? table[i][1] : 1);
        if (product < ratio)
            continue;
        chain[0] = table[i][0];
        chain[1] = table[i][1];
        return table[i][1] ? 2 : 1;
    }
    return repeat(ratio, 4, chain);
}
