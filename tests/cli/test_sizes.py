# SPDX-License-Identifier: BSD-2-Clause
"""Every way to say how large the result is, and what is refused."""
import random

from common import *

soft_png("wide.png", 60, 40)
soft_png("tall.png", 41, 83)


def size_of(name, *options):
    run = expect_ok("upscale", name, "-o", "out.png", "--quiet", *options)
    width, height, channels, bits = read_png("out.png")[:4] if run.code == 0 else (0, 0, 0, 0)
    return width, height


def expect_size(width, height, name, *options):
    got = size_of(name, *options)
    check(got == (width, height), "%s %s: %s" % (name, " ".join(options), got))


def rounded(size, numerator, denominator):
    return max(1, (2 * size * numerator + denominator) // (2 * denominator))


expect_size(82, 55, "wide.png", "--scale", "1.37")
expect_size(101, 67, "wide.png", "--width", "101")
expect_size(100, 101, "wide.png", "--width", "100", "--height", "101")
expect_size(77, 51, "wide.png", "--fit", "100x51", "--method", "bicubic")
expect_size(100, 67, "wide.png", "--fit", "100x1000")
expect_size(100, 67, "wide.png", "--cover", "100x51")
expect_size(105, 70, "wide.png", "--cover", "100x70")
expect_size(90, 60, "wide.png", "--short", "60")
expect_size(60, 121, "tall.png", "--short", "60")
expect_size(49, 100, "tall.png", "--long", "100")
expect_size(99, 200, "tall.png", "--long", "200", "--method", "filter")
expect_size(90, 60, "wide.png", "--min", "60")
expect_size(60, 40, "wide.png", "--min", "40")
check(read_png("out.png") == read_png("wide.png"), "a picture that is large enough keeps its pixels")

random.seed(1)
for i in range(12):
    method = random.choice(["bicubic", "bicubic", "bicubic", "lanczos3", "filter", "tiny", "auto"])
    if i % 2:
        width = random.randint(10, 300)
        expect_size(width, rounded(40, width, 60), "wide.png", "--width", str(width), "--method", method)
    else:
        scale = random.randint(200, 4000)
        text = "%d.%03d" % (scale // 1000, scale % 1000)
        expect_size(rounded(41, scale, 1000), rounded(83, scale, 1000), "tall.png", "-s", text, "--method", method)

run = expect_ok("upscale", "wide.png", "-o", "out.png", "--fit", "100x51", "--json")
check(run.json()["settings"]["sizing"] == "fit" and run.json()["settings"]["width"] == 100, "the report repeats it")
run = expect_ok("upscale", "wide.png", "-o", "out.png", "-s", "0.5", "--method", "tiny")
check("reduced" in run.err and "tiny" in run.err, "a network that cannot be used is named: %r" % run.err)
check(read_png("out.png")[:2] == (30, 20), "a reduction by half")
tiny = read_file("out.png")
expect_ok("upscale", "wide.png", "-o", "out.png", "-s", "0.5", "--method", "bicubic")
check(read_file("out.png") == tiny, "reducing is bicubic's work whatever the network")

to = ["wide.png", "-o", "never.png"]
for text in ("100", "x", "100x", "x100", "0x10", "10x10x10", "-5x10", "10.5x10", "10X10"):
    for option in ("--fit", "--cover"):
        expect(2, option, "upscale", *to, option, text)
for option in ("--short", "--long", "--min"):
    for text in ("0", "1.5", ""):
        expect(2, option, "upscale", *to, option, text)
expect(2, "exclude", "upscale", *to, "-s", "2", "--fit", "100x100")
expect(2, "exclude", "upscale", *to, "--width", "100", "--short", "100")
expect(2, "exclude", "upscale", *to, "--fit", "100x100", "--cover", "100x100")
expect(2, "exclude", "upscale", *to, "--min", "100", "--long", "100")
expect(2, "1/64..16", "upscale", *to, "--long", "2000")
check(not os.path.exists(path("never.png")), "something was written")
finish()
