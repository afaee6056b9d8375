/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reconstruction kernels by name: box, triangle, the cubics of Keys (1981) and of Mitchell and Netravali (1988),
 * and the windowed sinc of Lanczos (Duchon 1979).
 */
#include <math.h>
#include <string.h>

#include "fovea/resample.h"

#define PI 3.14159265358979323846

static double nearest(double x)
{
    return x < 0.5 ? 1.0 : x > 0.5 ? 0.0 : 0.5;
}

static double bilinear(double x)
{
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* The two-parameter family of cubics; B = 0 gives Keys' with a = -C. */
static double cubic(double x, double b, double c)
{
    if (x < 1.0)
        return ((12.0 - 9.0 * b - 6.0 * c) * x * x * x + (-18.0 + 12.0 * b + 6.0 * c) * x * x + (6.0 - 2.0 * b)) / 6.0;
    if (x < 2.0)
        return ((-b - 6.0 * c) * x * x * x + (6.0 * b + 30.0 * c) * x * x + (-12.0 * b - 48.0 * c) * x +
                (8.0 * b + 24.0 * c)) /
               6.0;
    return 0.0;
}

static double keys(double x)
{
    return cubic(x, 0.0, 0.5);
}

static double mitchell(double x)
{
    return cubic(x, 1.0 / 3.0, 1.0 / 3.0);
}

static double lanczos(double x, double lobes)
{
    if (x >= lobes)
        return 0.0;
    /* Exactly zero at whole distances: sin(pi x) only comes near it. */
    if (x == floor(x))
        return x == 0.0 ? 1.0 : 0.0;
    return lobes * sin(PI * x) * sin(PI * x / lobes) / (PI * PI * x * x);
}

static double lanczos2(double x)
{
    return lanczos(x, 2.0);
}

static double lanczos3(double x)
{
    return lanczos(x, 3.0);
}

static const struct {
    const char *name;
    double radius;
    double (*value)(double x); /* x >= 0 */
} kernels[FOVEA_N_KERNELS] = {
    [FOVEA_KERNEL_NEAREST] = { "nearest", 0.5, nearest },    [FOVEA_KERNEL_BILINEAR] = { "bilinear", 1.0, bilinear },
    [FOVEA_KERNEL_BICUBIC] = { "bicubic", 2.0, keys },       [FOVEA_KERNEL_CATMULL_ROM] = { "catmull-rom", 2.0, keys },
    [FOVEA_KERNEL_MITCHELL] = { "mitchell", 2.0, mitchell }, [FOVEA_KERNEL_LANCZOS2] = { "lanczos2", 2.0, lanczos2 },
    [FOVEA_KERNEL_LANCZOS3] = { "lanczos3", 3.0, lanczos3 },
};

static int known(enum fovea_kernel kernel)
{
    return (int)kernel >= 0 && (int)kernel < FOVEA_N_KERNELS;
}

const char *fovea_kernel_name(enum fovea_kernel kernel)
{
    return known(kernel) ? kernels[kernel].name : NULL;
}

int fovea_kernel_find(const char *name)
{
    for (int i = 0; name && i < FOVEA_N_KERNELS; i++)
        if (strcmp(name, kernels[i].name) == 0)
            return i;
    return -1;
}

double fovea_kernel_radius(enum fovea_kernel kernel)
{
    return known(kernel) ? kernels[kernel].radius : 0.0;
}

double fovea_kernel_value(enum fovea_kernel kernel, double x)
{
    return known(kernel) ? kernels[kernel].value(fabs(x)) : 0.0;
}
