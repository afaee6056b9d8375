#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Nothing in the project names the machine it was made on, or where its neighbours lie there.

The words are put together from pieces here, so that this file does not find itself.
"""
import argparse
import pathlib
import re
import sys

import sources

# Paths of one machine. The home and temporary folders count only as the start of a path.
MACHINE = [rb'(?<![\w.])/wo' + rb'rk/', rb'(?<![\w.])/ro' + rb'ot/', rb'(?<![\w.])/tm' + rb'p/[\w.]',
           rb'(?<![\w.])/ho' + rb'me/\w+/']
# The data folder beside a checkout; the script that a build machine runs may look there.
NEIGHBOUR = rb'(?<!\w)sha' + rb'red/'
MAY_NAME_NEIGHBOUR = {'.ci/run'}
OTHER = [rb'(?i)co-auth' + rb'ored-by', rb'(?i)\bsub-?age' + rb'nts?\b', rb'<<<<' + rb'<<< ', rb'>>>>' + rb'>>> ']


def faults(name, data):
    patterns = MACHINE + OTHER + ([] if name in MAY_NAME_NEIGHBOUR else [NEIGHBOUR])
    for pattern in patterns:
        for match in re.finditer(pattern, data):
            yield data.count(b'\n', 0, match.start()) + 1, match.group(0).decode(errors='replace')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    root = parser.parse_args().root
    n_files = n_bad = 0
    for path in sources.project_files(root):
        n_files += 1
        name = path.relative_to(root).as_posix()
        for line, word in faults(name, path.read_bytes()):
            n_bad += 1
            print(f'{name}:{line}: says "{word}"')
    print(f'{n_files} files, {n_bad} words that do not belong')
    return 1 if n_bad else 0


if __name__ == '__main__':
    sys.exit(main())
