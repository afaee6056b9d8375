#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A bound that no result can beat: the least RMS of D(x) - y over all pictures x within 0..255.

    tests/reference/least_rms.py PICTURE.ppm SCALE

Squares of the input are taken one by one, each with an x of its own, which can only lower the sum. Of each the convex
problem is solved by accelerated projected gradient, and what is counted is not its value but that of the dual, which is
below the minimum however far the iteration came: for any l, min |A x - y|^2 / 2 >= -l y - |l|^2 / 2 + sum of
min(0, 255 A^T l). Minutes for a large picture.
"""
import re
import sys

import numpy

SIDE, STEPS = 192, 120


def cubic(x):
    x = numpy.abs(x)
    return numpy.where(x < 1, 1.5 * x ** 3 - 2.5 * x ** 2 + 1,
                       numpy.where(x < 2, -.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2, 0))


def reduction(n_in, n_out):
    """The matrix of the antialiased bicubic reduction of an axis; beyond the ends the picture is mirrored."""
    ratio, matrix = n_in / n_out, numpy.zeros((n_out, n_in))
    for i in range(n_out):
        center = (i + .5) * ratio - .5
        at = numpy.arange(int(numpy.floor(center - 2 * ratio)), int(numpy.ceil(center + 2 * ratio)) + 1)
        weights = cubic((at - center) / ratio)
        mirrored = numpy.mod(at, 2 * n_in)
        mirrored = numpy.where(mirrored < n_in, mirrored, 2 * n_in - 1 - mirrored)
        numpy.add.at(matrix[i], mirrored, weights / weights.sum())
    return matrix


def part(matrix, begin):
    """The rows of a square and the columns that they use."""
    rows = matrix[begin:begin + SIDE]
    used = numpy.flatnonzero(rows.any(0))
    return numpy.ascontiguousarray(rows[:, used[0]:used[-1] + 1], numpy.float32)


def least_square(down, across, y):
    step = 1 / (numpy.linalg.norm(down, 2) * numpy.linalg.norm(across, 2)) ** 2
    x = z = numpy.full((down.shape[1], across.shape[1]), y.mean(), numpy.float32)
    t = 1.
    for _ in range(STEPS):
        after = numpy.clip(z - step * (down.T @ (down @ z @ across.T - y) @ across), 0, 255)
        t, before = (1 + numpy.sqrt(1 + 4 * t * t)) / 2, t
        x, z = after, after + numpy.float32((before - 1) / t) * (after - x)
    dual = (down @ x @ across.T - y).astype(numpy.float64)
    slope = numpy.minimum(0, down.T.astype(numpy.float64) @ dual @ across).sum()
    return max(0., 2 * (255 * slope - (dual * y).sum()) - (dual * dual).sum())


def main():
    with open(sys.argv[1], 'rb') as file:
        data = file.read()
    head = re.match(rb'P6\s+(\d+)\s+(\d+)\s+255\s', data)
    width, height, scale = int(head[1]), int(head[2]), float(sys.argv[2])
    y = numpy.frombuffer(data[head.end():], numpy.uint8).reshape(height, width, 3).astype(numpy.float32)
    down, across = (reduction(int(n * scale + .5), n) for n in (height, width))
    total = sum(least_square(part(down, y0), part(across, x0), y[y0:y0 + SIDE, x0:x0 + SIDE, c])
                for y0 in range(0, height, SIDE) for x0 in range(0, width, SIDE) for c in range(3))
    print(f'RMS at least {numpy.sqrt(total / y.size):.3f} levels')


if __name__ == '__main__':
    main()
