#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The PyTorch recipe (train/gpu) beside the library: the same weights give the same residual within 1e-4 of
level / 255, for every kind of layer, and what it trains and writes is a container that the library runs alike.

    check_torch.py FOVEA      skipped (77) where no Python here has PyTorch
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from imresize import write_pnm

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'train' / 'gpu'))
import container  # noqa: E402

RECIPE = """method trial
layers unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 8; gate 0; conv1x1 8 8 prelu; add 2; concat 0 4; conv3x3 16 16; \
shuffle 4; add base
patch 12 16
batch 4
steps 30
fft 0.02
hard 0.5
rescale 1
sources noise  # of this test
"""


def find_torch():
    for python in (sys.executable, '/usr/bin/python3', 'python3'):
        try:
            run = subprocess.run([python, '-c', 'import torch, numpy'], stderr=subprocess.DEVNULL, check=False)
            if run.returncode == 0:
                return python
        except OSError:
            pass
    return None


def residual_of_library(fovea, folder, model, scale):
    found = []
    for method in (model, 'bicubic'):
        subprocess.run([fovea, 'upscale', folder / 'in.npy', '-o', folder / 'out.npy', '--force', '-s', str(scale),
                        '--method', method, '--precision', 'f32', '--consistency', 'off', '--transfer', 'encoded',
                        '--quiet'], check=True)
        found.append(np.load(folder / 'out.npy').squeeze())
    return found[0] - found[1]


def compare(fovea, python, folder, model, scale):
    subprocess.run([python, ROOT / 'train' / 'gpu' / 'train.py', '--device', 'cpu', '--run', model, folder / 'in.npy',
                    folder / 'residual.npy'], check=True)
    there, here = np.load(folder / 'residual.npy'), residual_of_library(fovea, folder, model, scale)
    largest, strongest = float(np.abs(there - here).max()), float(np.abs(here).max())
    print('%s: largest difference %.1e of residuals up to %.3f' % (model.name, largest, strongest))
    if there.shape != here.shape or not largest < 1e-4 or not strongest > 1e-3:
        raise SystemExit('%s: PyTorch and the library differ' % model.name)


def main():
    fovea, python = sys.argv[1], find_torch()
    if not python:
        print('no Python with PyTorch and numpy here')
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        y, x = np.mgrid[0:61, 0:83]
        rng = np.random.default_rng(1)
        np.save(folder / 'in.npy', np.float32(0.5 + 0.2 * np.sin(y / 3 + x / 5) + 0.05 * rng.random(y.shape)))
        for model, scale in (('tiny-x2', 2), ('small-x3', 3), ('tiny-video-x2', 2)):
            path = folder / (model + '.safetensors')
            subprocess.run([fovea, 'models', '--export', model, path], stdout=subprocess.DEVNULL, check=True)
            compare(fovea, python, folder, path, scale)
        (folder / 'pictures').mkdir()
        for i in range(2):
            picture = 128 + 60 * np.sin(y / (2 + i) + x / 7)[:, :, None] + rng.normal(0, 9, y.shape + (3,))
            write_pnm(folder / 'pictures' / ('%d.ppm' % i), np.uint8(np.clip(picture, 0, 255)))
        (folder / 'trial.recipe').write_text(RECIPE)
        trial = folder / 'trial.safetensors'
        subprocess.run([python, ROOT / 'train' / 'gpu' / 'train.py', '--device', 'cpu', '--recipe',
                        folder / 'trial.recipe', '--data', folder / 'pictures', '-o', trial], check=True)
        compare(fovea, python, folder, trial, 2)
        meta, tensors = container.read(trial)
        container.write(folder / 'again.safetensors', meta, tensors)
        if trial.read_bytes() != (folder / 'again.safetensors').read_bytes() or meta['sources'] != 'noise':
            raise SystemExit('the container does not survive reading and writing')
    return 0


sys.exit(main())
