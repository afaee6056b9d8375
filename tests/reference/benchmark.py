# SPDX-License-Identifier: BSD-2-Clause
"""What the checks on benchmark pictures share. Exit status 77 means skipped: something that is not ours is missing."""
import os
import shutil
import subprocess
import sys

SCALES = (2, 3, 4)


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(77)


try:
    import imresize
except ImportError:
    skip('numpy is missing (package python3-numpy)')


def program():
    """The fovea program: the first argument."""
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        skip('usage: check_*.py PROGRAM, and PROGRAM must exist')
    if not shutil.which('vips'):
        skip('the vips command is missing (package libvips-tools)')
    return sys.argv[1]


def pictures(name):
    """Paths of the PNG files of a set in $FOVEA_TEST_DATA."""
    folder = os.path.join(os.environ.get('FOVEA_TEST_DATA', ''), name)
    if not os.environ.get('FOVEA_TEST_DATA') or not os.path.isdir(folder):
        skip(f'FOVEA_TEST_DATA does not name a folder with {name} in it')
    found = sorted(f for f in os.listdir(folder) if f.endswith('.png'))
    if not found:
        skip(f'{name} in FOVEA_TEST_DATA holds no PNG')
    return [os.path.join(folder, f) for f in found]


def load(path, folder):
    """A picture as an array, by way of a PPM that vips writes."""
    middle = os.path.join(folder, 'loaded.ppm')
    subprocess.run(['vips', 'copy', path, middle], check=True)
    return imresize.read_pnm(middle)


def crop(picture, scale):
    height, width = picture.shape[:2]
    return picture[:height // scale * scale, :width // scale * scale]
