/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fovea: pictures enlarged the hybrid way. This header includes all others.
 */
#ifndef FOVEA_H
#define FOVEA_H

#include "analyze.h"
#include "common.h"
#include "image.h"
#include "metrics.h"
#include "model.h"
#include "resample.h"
#include "upscale.h"
#include "version.h"

#endif
