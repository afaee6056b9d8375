#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Consistency of results as written, by the figures that the program measures.

In a test run Set5 at two scales: RMS of D(result) - input at most 0.5 levels, 99.5 % of samples within 2.
`FOVEA_TEST_ALL=1` takes every set and scale; the pictures that miss are named.
"""
import json
import os
import tempfile

import benchmark

PROGRAM = benchmark.program()
ALL = bool(os.environ.get('FOVEA_TEST_ALL'))
SETS = ('Set5', 'Set14', 'BSD100', 'Large') if ALL else ('Set5',)
SCALES = ('1.7', '2', '3', '4') if ALL else ('1.7', '4')
METHODS = ('tiny', 'small', 'medium', 'auto') if ALL else ('auto',)


def measure(picture, scale, method, folder):
    """The report's figures, or None where the method does not exist at the scale."""
    done = benchmark.subprocess.run([PROGRAM, 'upscale', picture, '-o', os.path.join(folder, 'out.ppm'), '-s', scale,
                                     '--method', method, '--json', '--quiet'], stdout=benchmark.subprocess.PIPE,
                                    stderr=benchmark.subprocess.DEVNULL, check=False)
    return json.loads(done.stdout)['consistency'] if done.returncode == 0 else None


def main():
    n = missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            for scale in SCALES:
                for method in METHODS:
                    found = [(p, measure(p, scale, method, folder)) for p in benchmark.pictures(name)]
                    found = [(p, c) for p, c in found if c]
                    if not found:
                        continue
                    worst = max(found, key=lambda pair: pair[1]['rms'])
                    bad = [p for p, c in found if c['rms'] > .5 or c['within_2'] < .995]
                    n += len(found)
                    missed += len(bad)
                    print(f'{name} x{scale} {method}: worst RMS {worst[1]["rms"]:.3f} ({os.path.basename(worst[0])}), '
                          f'least share {min(c["within_2"] for _, c in found):.4f}, missed by '
                          f'{", ".join(map(os.path.basename, bad)) or "none"}')
    print(f'{n - missed} passed, {missed} failed')
    return 1 if missed and not ALL else 0


if __name__ == '__main__':
    raise SystemExit(main())
