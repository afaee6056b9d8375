#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does each public header compile alone, as C99 and as C++11, without a warning?

Each is included twice, so its guard is tested too. Without a C++ compiler the second half is left out and said so.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ['-pedantic', '-Wall', '-Wextra', '-Wshadow', '-Wundef', '-Werror', '-fsyntax-only']


def find_cxx():
    """A C++ compiler that works: gcc may be there without its C++ front end."""
    for name in ('c++', 'g++', 'clang++'):
        path = shutil.which(name)
        if not path:
            continue
        done = subprocess.run([path, '-x', 'c++', '-std=c++11', '-fsyntax-only', '-'], input=b'#include <stdint.h>\n',
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return path
    return None


def compiles(command, include, header):
    text = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run(command + WARNINGS + ['-I', str(include), '-'], input=text.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        print(f'{header}: {" ".join(command)}\n{done.stdout.decode(errors="replace")}')
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--include', default=pathlib.Path(__file__).resolve().parent.parent / 'include',
                        type=pathlib.Path)
    parser.add_argument('--cc', default='cc')
    options = parser.parse_args()
    languages = [[options.cc, '-x', 'c', '-std=c99']]
    cxx = find_cxx()
    if cxx:
        languages.append([cxx, '-x', 'c++', '-std=c++11'])
    else:
        print('no C++ compiler: headers are tested as C only')
    headers = sorted(path.relative_to(options.include).as_posix() for path in options.include.rglob('*.h'))
    bad = [header for header in headers
           if not all([compiles(language, options.include, header) for language in languages])]
    print(f'{len(headers)} headers, {len(bad)} do not compile alone')
    return 1 if bad or not headers else 0


if __name__ == '__main__':
    sys.exit(main())
