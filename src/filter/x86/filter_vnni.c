/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hashed filter for AVX-512 with VNNI, which multiplies and adds up in one.
 */
#define APPLY(scale) filter_apply##scale##_s16_vnni
#include "filter/x86/apply_avx512.h"
