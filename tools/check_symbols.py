#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does the shared library export exactly the listed symbols, and do the public headers declare exactly these?

--update rewrites the list: a changed list is a changed interface and shows in review.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECLARATION = re.compile(r'\bFOVEA_API\b[^;{]*?\b(fovea_\w+)\s*(?:\(|\[|;)')
COMMENT = re.compile(r'/\*.*?\*/', re.S)


def exported(library):
    out = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', str(library)], stdout=subprocess.PIPE,
                         check=True).stdout.decode()
    return sorted(line.split()[0] for line in out.splitlines() if line)


def declared(include):
    names = set()
    for header in sorted(include.glob('*.h')):
        names.update(DECLARATION.findall(COMMENT.sub('', header.read_text())))
    return sorted(names)


def differences(name_a, a, name_b, b):
    return [f'{x}: in {name_a}, not in {name_b}' for x in sorted(set(a) - set(b))] + \
           [f'{x}: in {name_b}, not in {name_a}' for x in sorted(set(b) - set(a))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('library', type=pathlib.Path)
    parser.add_argument('--list', default=ROOT / 'tests' / 'api' / 'symbols.txt', type=pathlib.Path)
    parser.add_argument('--include', default=ROOT / 'include' / 'fovea', type=pathlib.Path)
    parser.add_argument('--update', action='store_true')
    options = parser.parse_args()
    names = exported(options.library)
    if options.update:
        options.list.write_text('\n'.join(names) + '\n')
    listed = options.list.read_text().split()
    bad = differences('the library', names, 'the list', listed)
    bad += differences('the library', names, 'the headers', declared(options.include))
    for line in bad:
        print(line)
    print(f'{len(names)} symbols, {len(bad)} differences')
    return 1 if bad or not names else 0


if __name__ == '__main__':
    sys.exit(main())
