# SPDX-License-Identifier: BSD-2-Clause
"""Memory does not grow with the picture: 12 megapixels of JPEG go through in strips."""
import subprocess

from common import *


def peak_mb(*args):
    """Largest resident size of a run, in MB."""
    code = ("import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", code, FOVEA, *args], stdout=subprocess.PIPE, cwd=folder, check=True)
    result, kilobytes = done.stdout.split()
    check(result == b"0", "fovea %s: exit %s" % (" ".join(args), result))
    return int(kilobytes) / 1000


def draw(name, height):
    row = bytes((x * 5 + c * 9) % 251 for x in range(4000) for c in range(3))
    write_file("t.ppm", b"P6\n4000 %d\n255\n" % height + row * height)
    expect_ok("upscale", "t.ppm", "-o", name, "-s", "1", "--method", "nearest")


draw("small.jpg", 300)
draw("large.jpg", 3000)  # 36 MB of samples
for output in ("o.jpg", "o.ppm", "o.png", "o.tif"):
    small = peak_mb("upscale", "small.jpg", "-o", output, "-s", "1", "--method", "nearest")
    large = peak_mb("upscale", "large.jpg", "-o", output, "-s", "1", "--method", "nearest")
    check(large - small < 16, "%s: %.0f MB for 1.2 megapixels, %.0f MB for 12" % (output, small, large))
# Wide rows: 40000 pixels of the result.
row = bytes((x * 5 + c * 9 + x * x // 97) % 251 for x in range(20000) for c in range(3))
write_file("wide.ppm", b"P6\n20000 96\n255\n" + row * 96)
for precision in ("auto", "f32"):
    wide = peak_mb("upscale", "wide.ppm", "-o", "o.tif", "-s", "2", "--precision", precision)
    check(wide < 300, "a result 40000 pixels wide, %s: %.0f MB" % (precision, wide))
small = peak_mb("analyze", "small.jpg")
large = peak_mb("analyze", "large.jpg")
check(large - small < 16, "analyze: %.0f MB for 1.2 megapixels, %.0f MB for 12" % (small, large))
finish()
