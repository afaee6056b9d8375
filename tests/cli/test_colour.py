# SPDX-License-Identifier: BSD-2-Clause
"""No colour shift: the result, reduced again, has the input's colours; neutral grey and white stay what they are."""
from common import *


def tone(x, y, c):
    """Soft patches of many hues, with edges and some texture."""
    base = (40 + 150 * ((x // 23 * (c + 2) + y // 19 * (3 - c)) % 7) // 6) + (x * (1 + c) + y) % 21
    return min(255, base + (12 if (x * y) % 17 == 0 else 0))


write_png("in.png", 144, 120, 3, tone)
for scale in (2, 3, 4):
    for options in (["--method", "auto"], ["--method", "tiny"], ["--method", "filter", "--consistency", "on"]):
        expect_ok("upscale", "in.png", "-o", "large.png", "-s", str(scale), *options)
        expect_ok("downscale", "large.png", "-o", "back.png", "-s", str(scale))
        shift = expect_ok("compare", "in.png", "back.png", "--metrics", "delta_e", "--json").json().get("delta_e", 99)
        check(shift <= .2, "x%d, %s: mean CIEDE2000 of the reduced result is %.3f" % (scale, options, shift))

for level in (0, 1, 118, 254, 255):
    write_png("grey.png", 40, 30, 3, lambda x, y, c, level=level: level)
    for method in ("auto", "tiny", "filter", "bicubic", "lanczos3"):
        expect_ok("upscale", "grey.png", "-o", "large.png", "-s", "2.5", "--method", method)
        check(set(read_png("large.png")[4]) == {level}, "%s: level %d stays" % (method, level))
write_png("ramp.png", 96, 40, 3, lambda x, y, c: (x * 2 + y + (x * y) % 13) % 256)
expect_ok("upscale", "ramp.png", "-o", "large.png")
samples = read_png("large.png")[4]
check(samples[::3] == samples[1::3] == samples[2::3], "neutral grey stays neutral, whatever its texture")
finish()
