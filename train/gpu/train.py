#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Train a network on a GPU by a recipe of fovea-train, and write the container that fovea-train would write.

    train/gpu/train.py --recipe FILE --data DIR [--data DIR]... -o MODEL.safetensors [--init MODEL] [--device cuda]
                       [--log FILE]
    train/gpu/train.py --run MODEL.safetensors IN.npy OUT.npy    the residual of a plane of luma (level / 255), float

Keys of the recipe mean what docs/training.md says; branches and quantise are left to fovea-train. Needs PyTorch and
numpy; pictures are binary PGM and PPM, others where Pillow is installed. One picture in forty is held out, as there.
Patches, seeds and sums are PyTorch's own: a run is not the one of fovea-train, but one like it.
"""
import argparse
import copy
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tests' / 'reference'))
import container  # noqa: E402
from imresize import imresize, read_pnm, resize_axis  # noqa: E402
from network import Network  # noqa: E402

DEFAULTS = {'patch': '32', 'batch': '16', 'lr': '2e-3', 'warmup': '0.01', 'loss': 'l1', 'mse_tail': '0.15',
            'ema': '0.999', 'clip': '1', 'hard': '0', 'fft': '0', 'rescale': '1 0.8 0.6', 'seed': '0', 'teacher': '',
            'branches': '0',
            'quantise': '0', 'sources': '', 'licence': ''}
NEEDED = ('method', 'layers', 'steps')


def read_recipe(path):
    recipe = dict(DEFAULTS)
    with open(path, encoding='utf-8') as f:
        for line in f:
            key, _, value = line.split('#')[0].strip().partition(' ')
            if not key:
                continue
            if key not in DEFAULTS and key not in NEEDED:
                raise SystemExit('%s: no such setting: "%s"' % (path, key))
            recipe[key] = value.strip()
    for key in NEEDED:
        if key not in recipe:
            raise SystemExit('%s: a recipe says %s' % (path, key))
    for key in ('branches', 'quantise'):
        if recipe[key] != '0':
            raise SystemExit('%s: %s is left to fovea-train' % (path, key))
    return recipe


def read_picture(path):
    """Height x width x channels, 8 bits; None where it is no picture."""
    if path.suffix in ('.pgm', '.ppm'):
        return read_pnm(path)
    try:
        from PIL import Image
        with Image.open(path) as image:
            return np.asarray(image.convert('L' if image.mode in ('1', 'L', 'I;16', 'I') else 'RGB')).reshape(
                image.height, image.width, -1)
    except ImportError:
        raise SystemExit('%s: Pillow is not installed, so only PGM and PPM are read' % path)
    except OSError:
        return None


def luma(picture):
    """BT.601 studio luma of RGB in levels, as the network sees it."""
    if picture.shape[2] == 1:
        return picture[:, :, 0].astype(np.float64)
    return 16 + picture.astype(np.float64) @ (np.array([65.481, 128.553, 24.966]) / 255)


def enlarge(plane, scale):
    """Bicubic, unrounded."""
    plane = resize_axis(plane[:, :, None], 0, plane.shape[0] * scale, scale)
    return resize_axis(plane, 1, plane.shape[1] * scale, scale)[:, :, 0]


def make_pair(picture, scale):
    """Luma of the exact reduction, and what its enlargement lacks, both level / 255."""
    picture = picture[:picture.shape[0] // scale * scale, :picture.shape[1] // scale * scale]
    low = luma(imresize(picture, scale))
    return np.float32(low / 255), np.float32((luma(picture) - enlarge(low, scale)) / 255)


def load_pairs(folders, scale, rescale, least):
    paths = sorted(p for folder in folders for p in pathlib.Path(folder).rglob('*') if p.is_file())
    pictures = [(p, read_picture(p)) for p in paths]
    pictures = [picture for _, picture in pictures if picture is not None]
    train, held = [], []
    for i, picture in enumerate(pictures):
        for factor in [1.0] if i % 40 == 39 else rescale:
            small = picture if factor == 1.0 else imresize(picture, 1 / factor)
            if min(small.shape[:2]) < least * scale:
                continue
            (held if i % 40 == 39 else train).append(make_pair(small, scale))
    if not train:
        raise SystemExit('no picture is large enough')
    return train, held


class Patches:
    """Batches of patches, every position of every picture alike, turned at random."""

    def __init__(self, pairs, scale, device, seed):
        self.low = [torch.from_numpy(a).to(device) for a, _ in pairs]
        self.rest = [torch.from_numpy(b).to(device) for _, b in pairs]
        area = np.array([a.size for a, _ in pairs], np.float64)
        self.share, self.scale, self.rng = area / area.sum(), scale, np.random.default_rng(seed)

    def one(self, patch):
        i, s, rng = self.rng.choice(len(self.low), p=self.share), self.scale, self.rng
        y, x = (int(rng.integers(n - patch + 1)) for n in self.low[i].shape)
        a = self.low[i][y:y + patch, x:x + patch]
        b = self.rest[i][y * s:(y + patch) * s, x * s:(x + patch) * s]
        turn = int(rng.integers(8))
        a, b = (torch.rot90(t, turn % 4) for t in (a, b))
        return (a.T, b.T) if turn > 3 else (a, b)

    def batch(self, n, patch, hard):
        drawn = []
        for _ in range(n):
            pair = self.one(patch)
            if self.rng.random() < hard:
                other = self.one(patch)
                pair = max(pair, other, key=lambda p: float((p[1] ** 2).sum()))
            drawn.append(pair)
        return tuple(torch.stack([pair[k] for pair in drawn])[:, None] for k in (0, 1))


def point_loss(kind, d):
    if kind == 'mse':
        return (d * d).mean()
    return (d * d + 1e-6).sqrt().mean() if kind == 'charbonnier' else d.abs().mean()


def spectrum_loss(d):
    f = torch.fft.fft2(d)
    return 0.5 * (f.real.abs().mean() + f.imag.abs().mean())


def rate(recipe, step):
    t, warm = step / int(recipe['steps']), float(recipe['warmup'])
    if t < warm:
        return float(recipe['lr']) * t / warm
    return float(recipe['lr']) * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * (t - warm) / (1 - warm))))


def load_network(path, device):
    meta, tensors = container.read(path)
    net = Network(meta['layers'])
    net.load(tensors)
    return net.to(device).eval()


def validate(net, held, device):
    """Mean PSNR in dB over a patch in the middle of each held-out picture."""
    total = 0.0
    with torch.no_grad():
        for low, rest in held:
            y, x, s = (low.shape[0] - 48) // 2, (low.shape[1] - 48) // 2, net.scale
            a = torch.from_numpy(low[y:y + 48, x:x + 48]).to(device)[None, None]
            b = torch.from_numpy(rest[y * s:(y + 48) * s, x * s:(x + 48) * s]).to(device)[None, None]
            total -= 10 * math.log10(float(((net(a) - b) ** 2).mean()) + 1e-10)
    return total / max(1, len(held))


def train(recipe, options):
    device, steps = torch.device(options.device), int(recipe['steps'])
    torch.manual_seed(int(recipe['seed']))
    net = Network(recipe['layers']).to(device)
    if options.init:
        print('%d tensors taken from %s' % (net.load(container.read(options.init)[1]), options.init))
    patches = [int(p) for p in recipe['patch'].split()]
    pairs, held = load_pairs(options.data, net.scale, [float(r) for r in recipe['rescale'].split()], max(patches))
    held = [pair for pair in held if min(pair[0].shape) >= 48]
    source = Patches(pairs, net.scale, device, int(recipe['seed']))
    average = copy.deepcopy(net)
    teacher, _, share = recipe['teacher'].rpartition(' ')
    teacher, share = (load_network(teacher, device), float(share)) if teacher else (None, 0.0)
    adam = torch.optim.Adam(net.parameters(), betas=(0.9, 0.99), eps=1e-8)
    start = time.time()
    for step in range(steps):
        low, truth = source.batch(int(recipe['batch']), patches[step * len(patches) // steps], float(recipe['hard']))
        is_tail = step >= (1 - float(recipe['mse_tail'])) * steps
        kind, out = 'mse' if is_tail else recipe['loss'], net(low)
        loss = (1 - share) * point_loss(kind, out - truth)
        if teacher:
            with torch.no_grad():
                shown = teacher(low)
            loss = loss + share * point_loss(kind, out - shown)
        if float(recipe['fft']) > 0 and kind == recipe['loss']:
            loss = loss + float(recipe['fft']) * spectrum_loss(out - truth)
        adam.param_groups[0]['lr'] = rate(recipe, step)
        adam.zero_grad()
        loss.backward()
        if float(recipe['clip']) > 0:
            torch.nn.utils.clip_grad_norm_(net.parameters(), float(recipe['clip']))
        adam.step()
        keep = min(float(recipe['ema']), (step + 1) / (step + 11))
        with torch.no_grad():
            for a, p in zip(average.parameters(), net.parameters()):
                a.mul_(keep).add_(p, alpha=1 - keep)
        if options.log and ((step + 1) % 2000 == 0 or step + 1 == steps):
            with open(options.log, 'a', encoding='utf-8') as f:
                f.write('%d %.0f s loss %.6f held-out %.3f dB\n' % (step + 1, time.time() - start, float(loss),
                                                                   validate(average, held, device)))
    save(options.output, recipe, average, 'train/gpu/train.py --recipe ' + os.path.basename(options.recipe))


def save(path, recipe, net, command):
    meta = {'format': 'fovea', 'version': 1, 'method': recipe['method'], 'scale': net.scale, 'layers': net.text,
            'base': 'bicubic', 'base_hash': '', 'command': command, 'sources': recipe['sources'],
            'licence': recipe['licence']}
    container.write(path, meta, {name: t.detach().cpu().numpy() for name, t in net.tensors().items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--recipe')
    parser.add_argument('--data', action='append')
    parser.add_argument('-o', '--output')
    parser.add_argument('--init')
    parser.add_argument('--log')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--run', nargs=3, metavar=('MODEL', 'IN.npy', 'OUT.npy'))
    options = parser.parse_args()
    if options.run:
        net = load_network(options.run[0], options.device)
        with torch.no_grad():
            out = net(torch.from_numpy(np.load(options.run[1]).astype(np.float32)).to(options.device)[None, None])
        np.save(options.run[2], out[0, 0].cpu().numpy())
    elif options.recipe and options.data and options.output:
        train(read_recipe(options.recipe), options)
    else:
        parser.error('--recipe, --data and -o, or --run')


main()
