/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The version as text.
 */
#include "fovea/version.h"

#define TEXT(x) #x
#define JOIN(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *fovea_version(void)
{
    return JOIN(FOVEA_VERSION_MAJOR, FOVEA_VERSION_MINOR, FOVEA_VERSION_PATCH);
}
