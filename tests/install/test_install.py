#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Install into an empty folder, and use the result as a stranger would: pkg-config, headers, library, programs."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile


def fail(text):
    print('failed:', text)
    sys.exit(1)


def run(command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode:
        fail(f'{" ".join(map(str, command))}\n{done.stdout.decode(errors="replace")}')
    return done.stdout.decode()


def one(root, pattern):
    """The only file below root that fits."""
    found = [path for path in root.rglob(pattern) if path.is_file()]
    if len(found) != 1:
        fail(f'{len(found)} files {pattern} were installed')
    return found[0]


def build_examples(source, cc, destination, folder, environment):
    """Build every example by pkg-config alone."""
    package = one(destination, 'fovea.pc')
    environment = dict(environment, PKG_CONFIG_PATH=str(package.parent), PKG_CONFIG_SYSROOT_DIR=str(destination))
    flags = run(['pkg-config', '--cflags', '--libs', 'fovea'], env=environment).split()
    for example in sorted((source / 'examples').glob('*.c')):
        run([cc, '-std=c99', '-Wall', '-Wextra', '-Werror', '-o', folder / example.stem, example, *flags])


def check_enlarge(folder, environment):
    """Enlarge a small picture, and look at the result."""
    program = folder / 'enlarge'
    small, large = folder / 'small.ppm', folder / 'large.ppm'
    pixels = bytes((x * 9 + y * 5 + c * 40) % 256 for y in range(14) for x in range(19) for c in range(3))
    small.write_bytes(b'P6\n# made by a test\n19 14\n255\n' + pixels)
    run([program, small, large, '2'], env=environment)
    data, head = large.read_bytes(), b'P6\n38 28\n255\n'
    if not data.startswith(head) or len(data) != len(head) + 38 * 28 * 3:
        fail('the example wrote something else than 38 x 28 pixels')
    small.write_bytes(b'P6\n19 14\n255\n' + pixels[:-1])
    if subprocess.run([str(program), str(small), str(large), '2'], env=environment, stderr=subprocess.DEVNULL,
                      check=False).returncode != 1:
        fail('the example took a truncated picture')
    return pixels, data[-38 * 28 * 3:]


def check_stream(folder, environment, pixels, enlarged):
    """The same rows come from a stream; an end in the middle is an error."""
    def stream(data):
        return subprocess.run([str(folder / 'stream'), '2'], input=data, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
    done = stream(b'P6\n19 14\n255\n' + pixels)
    if done.returncode or not done.stdout.endswith(b'255\n' + enlarged):
        fail('the stream gives other rows')
    if stream(b'P6\n19 14\n255\n' + pixels[:-1]).returncode != 1:
        fail('the stream took a truncated picture')


def check_others(folder, environment):
    if 'part of the whole' not in run([folder / 'preview'], env=environment):
        fail('the preview differs')
    if subprocess.run([str(folder / 'preview'), '0'], env=environment, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode != 6:
        fail('the preview was not cancelled')
    lines = run([folder / 'describe'], env=environment).splitlines()
    tiles = [line for line in lines if len(line) == 20]
    if not any(line.startswith('tiny') for line in lines) or len(tiles) != 8:
        fail('describe shows no models or no map')
    if not all(line[1] < ' .'[1] and line[18] in '*#%@' for line in tiles[1:-1]):
        fail('the map does not tell flat from noise')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--programs', nargs='*', default=[], help='NAME:ARGUMENT')
    parser.add_argument('--pages', nargs='*', default=[])
    parser.add_argument('--files', nargs='*', default=[], help='paths that end so')
    parser.add_argument('--meson', nargs='+', default=['meson'])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        destination = folder / 'destination'
        run([*options.meson, 'install', '-C', options.build, '--no-rebuild', '--destdir', destination])
        headers = {path.name for path in (options.source / 'include' / 'fovea').glob('*.h')}
        if {path.name for path in one(destination, 'fovea.h').parent.glob('*.h')} != headers:
            fail('the installed headers are not the public headers')
        libraries = one(destination, 'libfovea.so.[0-9]*.*').parent
        environment = dict(os.environ, LD_LIBRARY_PATH=str(libraries))
        for page in options.pages:
            one(destination, page)
        everything = [str(path) for path in destination.rglob('*') if path.is_file() and path.stat().st_size]
        for ending in options.files:
            if not any(path.endswith('/' + ending) for path in everything):
                fail(f'{ending} was not installed, or is empty')
        for words in options.programs:
            program, argument = words.split(':')
            if not run([one(destination, f'bin/{program}'), argument], env=environment).strip():
                fail(f'{program} {argument} says nothing')
        build_examples(options.source, options.cc, destination, folder, environment)
        check_stream(folder, environment, *check_enlarge(folder, environment))
        check_others(folder, environment)
    print('installed, built against and run')


if __name__ == '__main__':
    main()
