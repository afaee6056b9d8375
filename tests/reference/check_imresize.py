#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fovea downscale` against imresize.py, byte by byte, on every picture of Set5 and Set14: check_imresize.py PROGRAM"""
import os
import subprocess
import sys
import tempfile

import benchmark
from benchmark import imresize


def check(program, path, scale, folder):
    """True if the program's reduction of the picture equals the reference's."""
    out = os.path.join(folder, 'reduced.ppm')
    if os.path.exists(out):
        os.remove(out)
    subprocess.run([program, 'downscale', path, '-o', out, '-s', str(scale), '--quiet'], check=True)
    ours = imresize.read_pnm(out)
    expected = imresize.imresize(benchmark.crop(benchmark.load(path, folder), scale), scale)
    if ours.shape == expected.shape and (ours == expected).all():
        return True
    if ours.shape != expected.shape:
        print(f'{path} 1/{scale}: {ours.shape} instead of {expected.shape}')
    else:
        print(f'{path} 1/{scale}: {(ours != expected).sum()} of {ours.size} samples differ')
    return False


def main():
    program, failed = benchmark.program(), 0
    for name in ('Set5', 'Set14'):
        paths = benchmark.pictures(name)
        with tempfile.TemporaryDirectory() as folder:
            wrong = sum(not check(program, p, s, folder) for p in paths for s in benchmark.SCALES)
        print(f'{name}: {len(paths)} pictures x {len(benchmark.SCALES)} scales: ' +
              (f'{wrong} differ' if wrong else 'equal'))
        failed += wrong
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
