#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fovea compare` against what piq gives for Set5 x4 bicubic: check_similarity.py PROGRAM

PSNR and SSIM leave 4 pixels out at each side; FSIM, GMSD and MS-SSIM are those of piq on the whole studio luma, FSIMc
on the whole RGB picture. The enlarged pictures are made by imresize.py in floating point and rounded once.
"""
import json
import os
import subprocess
import sys
import tempfile

import benchmark
from benchmark import imresize

SCALE = 4
KEYS = ('psnr_y', 'ssim_y', 'fsimc', 'fsim', 'gmsd', 'ms_ssim')
LIMITS = (1e-3, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4)
EXPECTED = {
    'baby': (31.786, .85766, .94891, .95316, .07454, .96930),
    'bird': (30.184, .87381, .87936, .88843, .08094, .97122),
    'butterfly': (22.0995, .73748, .72523, .73826, .16191, .94885),
    'head': (31.615, .75467, .83531, .85074, .06819, .95643),
    'woman': (26.468, .83270, .84303, .85094, .10557, .96166),
}


def compare(program, path, folder):
    picture = benchmark.crop(benchmark.load(path, folder), SCALE)
    enlarged = imresize.enlarge(imresize.imresize(picture, SCALE), SCALE)
    reference, test = os.path.join(folder, 'reference.ppm'), os.path.join(folder, 'test.ppm')
    imresize.write_pnm(reference, picture)
    imresize.write_pnm(test, enlarged)
    run = subprocess.run([program, 'compare', reference, test, '--border', str(SCALE), '--json'], check=True,
                         capture_output=True, text=True)
    figures = json.loads(run.stdout)
    return [figures[key] for key in KEYS]


def main():
    program, failed = benchmark.program(), 0
    paths = {os.path.splitext(os.path.basename(p))[0]: p for p in benchmark.pictures('Set5')}
    if not EXPECTED.keys() <= paths.keys():
        benchmark.skip('Set5 in FOVEA_TEST_DATA does not hold ' + ', '.join(sorted(EXPECTED.keys() - paths.keys())))
    with tempfile.TemporaryDirectory() as folder:
        for name, expected in EXPECTED.items():
            found = compare(program, paths[name], folder)
            wrong = [key for key, value, target, limit in zip(KEYS, found, expected, LIMITS)
                     if not abs(value - target) < limit]
            print(name, ' '.join(f'{key} {value:.5f}' for key, value in zip(KEYS, found)),
                  'WRONG: ' + ' '.join(wrong) if wrong else '')
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
