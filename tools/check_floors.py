#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom.

The folders of src/ stand on floors. A folder includes itself, lower floors and public headers: never a neighbour on its
own floor, never a higher one. Files for one instruction set see their module's _dsp.h only. io/, apps/ and examples/
see public headers and their own folder; train/ may use what lies below the pipeline, and io; nothing includes train/,
tests/, bench/, tools/ or a .c file.
"""
import argparse
import pathlib
import re
import sys

import sources

FLOORS = {'base': 0, 'image': 1, 'xform': 2, 'color': 3, 'resample': 3, 'filter': 3, 'metrics': 3, 'net': 3,
          'analysis': 4, 'model': 4, 'route': 5, 'pipeline': 6, 'video': 7, 'api': 8}
PUBLIC = {'fovea', 'fovea-io'}
INTRINSICS = {'immintrin.h', 'x86intrin.h', 'arm_neon.h'}
PLAIN_C = {'stddef.h', 'stdint.h', 'string.h', 'math.h', 'float.h', 'limits.h', 'stdbool.h'}

COMMENT = re.compile(r'/\*.*?\*/', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def includes(text):
    """(quote, name, line) for each include that is not commented out."""
    text = COMMENT.sub(lambda m: '\n' * m.group(0).count('\n'), text)
    return [(m.group(1), m.group(2), text.count('\n', 0, m.start()) + 1) for m in INCLUDE.finditer(text)]


def is_ours(name):
    return name.split('/')[0] in PUBLIC or name.split('/')[0] in FLOORS and '/' in name


def below_fault(name, limit):
    """Fault of an include of a src/ header from code that stands on floor `limit`; None if it is fine."""
    folder = name.split('/')[0]
    if folder not in FLOORS:
        return 'is no folder of src/'
    if FLOORS[folder] >= limit:
        return f'{folder} stands on floor {FLOORS[folder]}, not below {limit}'
    return None


def isa_fault(module, quote, name):
    """Files of one instruction set, and the _dsp.h that they see."""
    if quote == '<' and name in INTRINSICS | PLAIN_C:
        return None
    if name == 'base/attr.h' or name.startswith(f'{module}/') and (name.endswith('_dsp.h') or '/x86/' in name
                                                                 or '/arm/' in name):
        return None
    return 'an instruction set\'s file sees intrinsics, base/attr.h and its own _dsp.h only'


def src_fault(parts, quote, name):
    module = parts[1]
    if len(parts) < 3 or module not in FLOORS:
        return 'stands in no folder with a floor'
    if 'x86' in parts or 'arm' in parts:
        return isa_fault(module, quote, name)
    if parts[-1].endswith('_dsp.h') and is_ours(name) and name != 'fovea/common.h':
        return isa_fault(module, quote, name)
    if quote == '<' and not is_ours(name):
        return None
    if '/' not in name:
        return 'is not written from the root of src/'
    folder = name.split('/')[0]
    if folder == 'fovea' or folder == module:
        return None
    if folder == 'fovea-io':
        return 'the library does not know io'
    return below_fault(name, FLOORS[module])


def outer_fault(parts, quote, name, root):
    """io/, apps/, examples/, train/, include/: public headers, or a file beside or below themselves."""
    top, folder = parts[0], name.split('/')[0]
    if quote == '<' and not is_ours(name):
        return None
    if folder == 'fovea' or folder == 'fovea-io' and top in ('io', 'apps', 'train', 'include'):
        return None
    if top == 'include':
        here = root.joinpath(*parts[:-1])
        return None if '/' not in name and (here / name).exists() else 'a public header sees its neighbours only'
    here, up = root.joinpath(*parts[:-1]), root / top
    if '..' not in name and ((here / name).exists() or (up / name).exists()):
        return None
    if top == 'train':
        return below_fault(name, FLOORS['pipeline'])
    return 'sees installed headers only'


def fault(path, root, quote, name):
    parts = path.relative_to(root).parts
    if name.endswith('.c'):
        return 'a .c file is compiled, not included'
    if name.split('/')[0] in ('train', 'tests', 'bench', 'tools') and parts[0] != name.split('/')[0]:
        return 'nothing includes this folder'
    if parts[0] == 'src':
        return src_fault(parts, quote, name)
    if parts[0] in ('io', 'apps', 'examples', 'train', 'include'):
        return outer_fault(parts, quote, name, root)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    root = parser.parse_args().root
    n_bad = n_seen = 0
    for path in sources.c_files(root):
        for quote, name, line in includes(path.read_text(errors='replace')):
            n_seen += 1
            why = fault(path, root, quote, name)
            if why:
                n_bad += 1
                print(f'{path.relative_to(root)}:{line}: includes {name}: {why}')
    print(f'{n_seen} includes, {n_bad} against the floors')
    return 1 if n_bad else 0


if __name__ == '__main__':
    sys.exit(main())
