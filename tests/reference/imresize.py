#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""MATLAB's imresize(picture, 1/divisor, 'bicubic') on 8-bit pictures, written from the published rules with numpy.

It knows nothing of the C sources and is there to check them: python3 imresize.py DIVISOR IN.ppm OUT.ppm
"""
import sys

import numpy as np


def read_pnm(path):
    """A binary PGM or PPM of 8 bits as an array height x width x channels."""
    with open(path, 'rb') as f:
        data = f.read()
    fields, at = [], 0
    while len(fields) < 4:
        while data[at:at + 1].isspace():
            at += 1
        if data[at:at + 1] == b'#':
            at = data.index(b'\n', at)
            continue
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end
    magic, width, height, top = fields[0], int(fields[1]), int(fields[2]), int(fields[3])
    if magic not in (b'P5', b'P6') or top != 255:
        raise ValueError(f'{path}: not a binary PGM or PPM of 8 bits')
    channels = 3 if magic == b'P6' else 1
    pixels = np.frombuffer(data, np.uint8, width * height * channels, at + 1)
    return pixels.reshape(height, width, channels)


def write_pnm(path, picture):
    height, width, channels = picture.shape
    with open(path, 'wb') as f:
        f.write(b'P%d\n%d %d\n255\n' % (6 if channels == 3 else 5, width, height))
        f.write(np.ascontiguousarray(picture).tobytes())


def cubic(x):
    x = np.abs(x)
    near = 1.5 * x ** 3 - 2.5 * x ** 2 + 1
    far = -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2
    return near * (x <= 1) + far * ((1 < x) & (x <= 2))


def contributions(n_in, n_out, scale):
    """Weights and 0-based inputs, both n_out x taps."""
    width = 4.0
    if scale < 1:
        width /= scale
    position = np.arange(1, n_out + 1, dtype=np.float64) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(position - width / 2)
    taps = int(np.ceil(width)) + 2
    index = left[:, None] + np.arange(taps)
    distance = position[:, None] - index
    weight = scale * cubic(scale * distance) if scale < 1 else cubic(distance)
    # Added tap by tap: exact ties between two grey levels hang on the last bit of a weight.
    weight = weight / np.add.accumulate(weight, axis=1)[:, -1:]
    mirror = np.concatenate([np.arange(n_in), np.arange(n_in)[::-1]])
    return weight, mirror[np.mod(index - 1, 2 * n_in).astype(np.int64)]


def to_uint8(values):
    """Half away from zero, clipped."""
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def resize_axis(picture, axis, n_out, scale):
    weight, index = contributions(picture.shape[axis], n_out, scale)
    shape = [1, 1, 1]
    shape[axis] = n_out
    total = 0.0
    for tap in range(weight.shape[1]):
        total = total + weight[:, tap].reshape(shape) * np.take(picture, index[:, tap], axis=axis).astype(np.float64)
    return total


def imresize(picture, divisor):
    """8-bit in, 8-bit out and between the two passes. Both axes have one scale, so the first dimension comes first."""
    scale = 1.0 / divisor
    height, width = picture.shape[:2]
    picture = to_uint8(resize_axis(picture, 0, int(np.ceil(height * scale)), scale))
    return to_uint8(resize_axis(picture, 1, int(np.ceil(width * scale)), scale))


def enlarge(picture, factor):
    """The same in floating point, rounded once at the end: the bicubic row of benchmark tables."""
    height, width = picture.shape[:2]
    picture = resize_axis(picture, 0, height * factor, float(factor))
    return to_uint8(resize_axis(picture, 1, width * factor, float(factor)))


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit('usage: imresize.py DIVISOR IN.ppm OUT.ppm')
    write_pnm(sys.argv[3], imresize(read_pnm(sys.argv[2]), float(sys.argv[1])))
