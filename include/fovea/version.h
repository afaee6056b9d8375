/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The version of the library, at compile time and at run time.
 */
#ifndef FOVEA_VERSION_H
#define FOVEA_VERSION_H

#include "common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FOVEA_VERSION_MAJOR 0
#define FOVEA_VERSION_MINOR 1
#define FOVEA_VERSION_PATCH 0

/* "major.minor.patch" of the library that is linked now. */
FOVEA_API const char *fovea_version(void);

#ifdef __cplusplus
}
#endif
#endif
