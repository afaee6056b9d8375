#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ceilings: 100 lines a function, 1000 a file, 120 columns; a licence line first; no stray blanks.

Generated files are free of the first two, files of one instruction set of the first.
"""
import argparse
import pathlib
import re
import sys

import sources

MAX_FUNCTION, MAX_FILE, MAX_COLUMNS = 100, 1000, 120
CHECKED = {'.c', '.h', '.py', '.sh'}
NAMES = {'meson.build', 'meson_options.txt', 'Makefile', 'run'}
FUNCTION_NAME = re.compile(r'(\w+)\s*\(')


def functions(lines):
    """(name, first line, length) of each function, as clang-format lays them out: braces alone at column 0."""
    start = None
    for i, line in enumerate(lines):
        if line == '{':
            start = i
        elif line == '}' and start is not None:
            head = next((n for n in range(start - 1, -1, -1) if lines[n] and lines[n][0] not in ' \t'), start)
            match = FUNCTION_NAME.search(lines[head])
            yield match.group(1) if match else '?', head + 1, i - head + 1
            start = None


def faults(path, root):
    text = path.read_text(errors='replace')
    lines = text.split('\n')
    generated = sources.is_generated(text)
    first = lines[1] if lines[0].startswith('#!') and len(lines) > 1 else lines[0]
    if 'SPDX-License-Identifier: BSD-2-Clause' not in first:
        yield 1, 'the first line is not the licence line'
    if text and not text.endswith('\n'):
        yield len(lines), 'no newline at the end'
    if len(lines) - 1 > MAX_FILE and not generated:
        yield len(lines), f'{len(lines) - 1} lines, at most {MAX_FILE}'
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield number, f'{len(line)} columns, at most {MAX_COLUMNS}'
        if line != line.rstrip():
            yield number, 'blanks at the end of the line'
        if '\t' in line and path.name != 'Makefile':
            yield number, 'a tab'
    if path.suffix == '.c' and not generated and not sources.is_isa_file(path.relative_to(root)):
        for name, number, length in functions(lines):
            if length > MAX_FUNCTION:
                yield number, f'{name} has {length} lines, at most {MAX_FUNCTION}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    parser.add_argument('--statistics', action='store_true', help='median and longest function too')
    options = parser.parse_args()
    n_files = n_bad = 0
    lengths = []
    for path in sources.project_files(options.root):
        if path.suffix not in CHECKED and path.name not in NAMES:
            continue
        n_files += 1
        for number, what in faults(path, options.root):
            n_bad += 1
            print(f'{path.relative_to(options.root)}:{number}: {what}')
        if path.suffix == '.c':
            lengths += [(length, name) for name, _, length in functions(path.read_text(errors='replace').split('\n'))]
    if options.statistics and lengths:
        lengths.sort()
        print(f'{len(lengths)} functions, median {lengths[len(lengths) // 2][0]} lines, '
              f'95 % {lengths[len(lengths) * 95 // 100][0]}, longest {lengths[-1]}')
    print(f'{n_files} files, {n_bad} over a ceiling')
    return 1 if n_bad else 0


if __name__ == '__main__':
    sys.exit(main())
