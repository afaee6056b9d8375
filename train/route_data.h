/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the router is fitted on: tiles of pictures with their features and the true worth of the network there.
 */
#ifndef TRAIN_ROUTE_DATA_H
#define TRAIN_ROUTE_DATA_H

#include "fovea-io/io.h"
#include "route/route.h"
#include "route_makers.h"

/* Who made the luma of a tile. */
enum route_maker { ROUTE_BASE, ROUTE_FILTER, ROUTE_NETWORK, ROUTE_N_MAKERS };

/* A tile. Errors are means of squares for an output pixel, luma in levels. */
struct route_tile {
    double area;                  /* low-resolution pixels */
    double correction;            /* |network - filter|^2 */
    double gain;                  /* |filter - truth|^2 - |network - truth|^2; may be negative */
    double residual;              /* |network - truth|^2 */
    double error[ROUTE_N_MAKERS]; /* |maker - truth|^2 */
    double added[ROUTE_N_MAKERS]; /* |maker - bicubic base|^2 */
    double
        rung_error[FOVI_ROUTE_N_RUNGS]; /* |rung - truth|^2 of the filter, the network and those below that were made */
};

/* What a picture is used for: fits, the margin, the bound. */
enum route_role { ROUTE_FIT, ROUTE_MARGIN, ROUTE_BOUND };

struct route_picture {
    enum route_role role;
    struct fovea_map *map; /* of the low-resolution luma; NULL: the picture was too small */
    size_t n;
    struct route_tile *tile; /* n, as in the map */
};

/* Read a file, reduce it exactly, enlarge it both ways and measure. */
int route_picture_make(fovea_context *ctx, fovea_io *io, const char *path, struct route_makers *makers,
                       struct route_picture *out);

/* The same from an 8-bit picture. jpeg: quality of a JPEG that the reduced picture passes through; 0 = none. */
int route_picture_from(fovea_context *ctx, fovea_io *io, const struct fovea_image *image, int jpeg,
                       struct route_makers *makers, struct route_picture *out);
void route_picture_free(fovea_context *ctx, struct route_picture *picture);

#endif
