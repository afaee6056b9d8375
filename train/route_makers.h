/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The two ways to enlarge a luma plane that the router chooses between: the filter and a network.
 */
#ifndef TRAIN_ROUTE_MAKERS_H
#define TRAIN_ROUTE_MAKERS_H

#include "base/context.h"

struct route_makers;

/* Load filter and network of a scale. The paths name containers, or are NULL for the built-in ones. */
int route_makers_create(fovea_context *ctx, int scale, const char *filter_path, const char *method,
                        const char *network_path, struct route_makers **out);
void route_makers_free(struct route_makers **makers);
int route_makers_scale(const struct route_makers *makers);

/* Load the built-in networks of the rungs below that auto would use. */
int route_makers_add_lower(struct route_makers *makers);

/* The rung of the network, and whether a rung's network is there. */
int route_makers_top(const struct route_makers *makers);
int route_makers_has(const struct route_makers *makers, int rung);

/* Enlarge width x height floats (levels) to scale times the size, by the filter or the network of a rung. */
int route_makers_filter(struct route_makers *makers, const float *in, int width, int height, float *out);
int route_makers_network(struct route_makers *makers, int rung, const float *in, int width, int height, float *out);

/* The rung with a network's name; -1 if there is none. */
int route_rung_of(const char *method);

#endif
