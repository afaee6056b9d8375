#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`fovea compare` against the bicubic rows of the literature: check_metrics.py PROGRAM

Each picture is reduced and enlarged by imresize.py (the enlargement in floating point, rounded once), so the figures
depend on nothing of ours but the metrics.
"""
import json
import os
import subprocess
import sys
import tempfile

import benchmark
from benchmark import imresize

# Mean PSNR-Y and SSIM-Y of the bicubic kernel on 8-bit RGB, border of `scale` pixels ignored.
EXPECTED = {
    'Set5': {2: (33.678, 0.9304), 3: (30.404, 0.8690), 4: (28.431, 0.8113)},
    'Set14': {2: (30.327, 0.8700), 3: (27.632, 0.7759), 4: (26.090, 0.7049)},
}


def compare(program, path, scale, folder):
    picture = benchmark.crop(benchmark.load(path, folder), scale)
    enlarged = imresize.enlarge(imresize.imresize(picture, scale), scale)
    reference, test = os.path.join(folder, 'reference.ppm'), os.path.join(folder, 'test.ppm')
    imresize.write_pnm(reference, picture)
    imresize.write_pnm(test, enlarged)
    run = subprocess.run([program, 'compare', reference, test, '--border', str(scale), '--json'], check=True,
                         capture_output=True, text=True)
    figures = json.loads(run.stdout)
    return figures['psnr_y'], figures['ssim_y']


def main():
    program, failed = benchmark.program(), 0
    for name, rows in EXPECTED.items():
        paths = benchmark.pictures(name)
        with tempfile.TemporaryDirectory() as folder:
            for scale, (psnr, ssim) in rows.items():
                figures = [compare(program, p, scale, folder) for p in paths]
                mean = [sum(column) / len(figures) for column in zip(*figures)]
                good = abs(mean[0] - psnr) < 0.001 and abs(mean[1] - ssim) < 0.0001
                print(f'{name} x{scale} bicubic: {mean[0]:.3f} dB {mean[1]:.4f}, expected {psnr:.3f} {ssim:.4f}' +
                      ('' if good else ': WRONG'))
                failed += not good
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
