/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures in memory behind sources and sinks, so that their rows need not be copied.
 */
#ifndef FOVI_IMAGE_MEMORY_H
#define FOVI_IMAGE_MEMORY_H

#include "fovea/image.h"

/* The picture that a source reads or a sink fills; NULL where it is not one in memory whose samples are aligned. */
const struct fovea_image *fovi_source_image(const struct fovea_source *source);
struct fovea_image *fovi_sink_image(const struct fovea_sink *sink);

#endif
