#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Is every C file formatted as clang-format 14 with the project's .clang-format would?

Another version formats differently, so without version 14 the check is skipped (exit code 77). --fix formats.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

import sources

SKIP = 77


def find_formatter():
    for name in ('clang-format-14', 'clang-format'):
        path = shutil.which(name)
        if path and ' version 14.' in subprocess.run([path, '--version'], stdout=subprocess.PIPE,
                                                     check=True).stdout.decode():
            return path
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    parser.add_argument('--fix', action='store_true')
    options = parser.parse_args()
    formatter = find_formatter()
    if not formatter:
        print('clang-format 14 is not here')
        return SKIP
    files = [str(path) for path in sources.c_files(options.root)
             if not sources.is_generated(path.read_text(errors='replace'))]
    what = ['-i'] if options.fix else ['--dry-run', '-Werror']
    done = subprocess.run([formatter, '--style=file'] + what + files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    code = done.returncode if files else 0
    if code:
        lines = done.stdout.decode(errors='replace').splitlines()
        print('\n'.join([line.split(': ')[0] for line in lines if ': error: ' in line][:40]))
    print(f'{len(files)} files', 'are not all formatted: tools/check_format.py --fix' if code else 'are formatted')
    return 1 if code else 0


if __name__ == '__main__':
    sys.exit(main())
