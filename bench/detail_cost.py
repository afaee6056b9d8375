#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the detail of mode vivid costs, as predicted and as measured.

    bench/detail_cost.py FOLDER [--scale 4] [--method tiny] [--detail-cost 0.2] [--count N]

Reduces the pictures of a folder by the exact bicubic, enlarges them with and without --mode vivid, and compares the
predicted cost with the loss of PSNR-Y against the original. --count takes N pictures evenly from the sorted list. The
program is that of $FOVEA, or build/fovea.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FOVEA = os.environ.get('FOVEA', 'build/fovea')


def fovea(*args):
    run = subprocess.run([FOVEA, *args, '--json'], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return json.loads(run.stdout)


def measure(picture, folder, o):
    small, cut, result = (os.path.join(folder, name) for name in ('small.png', 'cut.png', 'result.png'))
    size = fovea('downscale', str(picture), '-o', small, '-s', str(o.scale))
    crop = '0,0,%d,%d' % (size['width'] * o.scale, size['height'] * o.scale)
    fovea('upscale', str(picture), '-o', cut, '-s', '1', '--crop', crop)
    common = ('upscale', small, '-o', result, '-s', str(o.scale), '--method', o.method, '--reference', cut)
    plain = fovea(*common)
    vivid = fovea(*common, '--mode', 'vivid', '--detail-cost', str(o.detail_cost))
    return {'predicted': vivid['detail']['predicted_cost_db'],
            'measured': plain['reference']['result']['psnr_y'] - vivid['reference']['result']['psnr_y'],
            'rms': vivid['consistency']['rms'], 'plain_rms': plain['consistency']['rms'],
            'within': vivid['consistency']['within_2']}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--scale', type=int, default=4)
    parser.add_argument('--method', default='tiny')
    parser.add_argument('--detail-cost', type=float, default=.2)
    parser.add_argument('--count', type=int, default=1 << 30)
    o = parser.parse_args()
    pictures = sorted(p for p in o.folder.rglob('*') if p.suffix.lower() in ('.png', '.jpg', '.webp', '.tif'))
    n = min(o.count, len(pictures))
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(pictures[i * len(pictures) // n], folder, o) for i in range(n)]
    mean = {key: sum(row[key] for row in rows) / n for key in rows[0]}
    print('%s x%d %s, %d pictures: predicted %.4f dB, measured %.4f dB, ratio %.3f; RMS of the reduction %.3f, without '
          '%.3f; least share within 2 levels %.4f' %
          (o.folder, o.scale, o.method, n, mean['predicted'], mean['measured'], mean['predicted'] / mean['measured'],
           mean['rms'], mean['plain_rms'], min(row['within'] for row in rows)))


main()
