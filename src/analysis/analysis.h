/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The difficulty map while rows stream in: what fovea_analyze and a run that routes share.
 */
#ifndef FOVI_ANALYSIS_ANALYSIS_H
#define FOVI_ANALYSIS_ANALYSIS_H

#include "base/context.h"
#include "fovea/analyze.h"

/* One picture being analysed; its luma rows are fed from the top. */
struct fovi_analysis;

/* Take all memory. FOVEA_E_ARG (a size below 1), FOVEA_E_NOMEM, FOVEA_E_LIMIT. */
int fovi_analysis_create(fovea_context *ctx, int width, int height, struct fovi_analysis **out);

/* Where the next luma row (width floats, levels of 255) is to be written; NULL when all rows are there. */
float *fovi_analysis_row(struct fovi_analysis *a);

/* Say that the row is there. Now and then the complete tiles are computed, on the context's threads. */
int fovi_analysis_push(struct fovi_analysis *a);

/* After the last row: hand the map over (free it with fovea_map_free). The analysis is then spent. FOVEA_E_ARG where
 * rows are missing. */
int fovi_analysis_finish(struct fovi_analysis *a, struct fovea_map **out);

void fovi_analysis_free(struct fovi_analysis **a);

#endif
