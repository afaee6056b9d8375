# SPDX-License-Identifier: BSD-2-Clause
"""fovea compare: figures, depths, bands, alignment, maps, two folders."""
import math

from common import *

ALL = ["psnr_y", "ssim_y", "psnr", "ms_ssim", "fsim", "fsimc", "gmsd", "ergas", "sam", "delta_e"]


def scene(x, y):
    """Grey with edges and a pattern that repeats nowhere."""
    v = 100 + 50 * math.sin(0.11 * x + 0.0013 * x * y) + 30 * math.cos(0.07 * y - 0.002 * x * x)
    return int(v + (25 if (x // 17 + y // 23) % 2 else 0))


def draw(name, width, height, dx=0, dy=0, channels=3, bits=8):
    top = 257 if bits == 16 else 1
    return write_png(name, width, height, channels, lambda x, y, c: (scene(x + dx, y + dy) + 5 * c) * top, bits)


draw("a.png", 120, 90)
draw("a16.png", 120, 90, bits=16)
write_png("b.png", 120, 90, 3, lambda x, y, c: scene(x, y) + 5 * c + (x * 7 + y * 3) % 5)
found = expect_ok("compare", "a.png", "b.png", "--json").json()
check(all(found.get(k) is not None for k in ALL if k != "ms_ssim"), "all figures: %s" % found)
for side in ("reference", "test"):
    check(all(found.get(side, {}).get(k) is not None for k in ("sharpness", "noise", "blockiness")), "alone")
check(found["test"]["noise"] > found["reference"]["noise"], "the noise is in the second picture")
some = expect_ok("compare", "a.png", "b.png", "--json", "--metrics", "gmsd,psnr_y").json()
check([k for k in ALL if k in some] == ["psnr_y", "gmsd"], "only what was asked for: %s" % list(some))
check(some["gmsd"] == found["gmsd"] and "noise" not in some["test"], "the same figures")
quarter = expect_ok("compare", "a.png", "b.png", "--json", "--ergas-scale", "4").json()
check(abs(quarter["ergas"] * 4 - found["ergas"]) < 1e-9, "ERGAS over the scale")
expect(2, "--ergas-scale", "compare", "a.png", "b.png", "--ergas-scale", "0")

# Depths mix; identical pictures are identical in each.
for pair in (("a.png", "a.png"), ("a.png", "a16.png"), ("a16.png", "a16.png")):
    found = expect_ok("compare", *pair, "--json").json()
    check(found.get("psnr") is None and found.get("identical") is True and found.get("ssim_y") == 1, "identical")
    check([found.get(k) for k in ("gmsd", "ergas", "sam", "delta_e")] == [0, 0, 0, 0], "no difference: %s" % found)
check("identical" in expect_ok("compare", "a.png", "a16.png").out, "identical, for people")
write_png("one.png", 1, 1, 1, lambda x, y, c: 7)
found = expect_ok("compare", "one.png", "one.png", "--json").json()
check(found.get("identical") is True and found.get("fsim", 0) is None, "a single pixel: %s" % found)

# Five bands of 16 bits: half as bright is the same spectrum, another order is not.
for name, gain, order in (("t1.tif", 200, 1), ("t2.tif", 100, 1), ("t3.tif", 200, -1)):
    values = [(scene(x, y) + 20 * k) * gain for y in range(40) for x in range(50) for k in range(5)[::order]]
    write_file(name, tiff_bytes(50, 40, 5, 16, 1, struct.pack("<%dH" % len(values), *values), extra=[0] * 4))
found = expect_ok("compare", "t1.tif", "t2.tif", "--json").json()
check(found["sam"] < 1e-4 and abs(found["ergas"] - 50) < 5, "half as bright: %s" % found)
check(found["delta_e"] is None and found["fsim"] is not None, "five bands have no colour: %s" % found)
found = expect_ok("compare", "t1.tif", "t3.tif", "--json").json()
check(found["sam"] > 5 and found["psnr_y"] > 60, "the mean of the bands alone does not tell: %s" % found)

# Sizes and channels.
draw("crop.png", 80, 60, 21, 13)
draw("large.png", 240, 180)
draw("grey.png", 120, 90, channels=1)
expect(3, ["120x90", "80x60", "--align"], "compare", "a.png", "crop.png")
expect(3, ["channels", "grey.png"], "compare", "a.png", "grey.png")
expect(3, "channels", "compare", "a.png", "grey.png", "--align")
found = expect_ok("compare", "a.png", "crop.png", "--align", "--json").json()
align = found.get("align", {})
check((align.get("method"), align.get("dx"), align.get("dy")) == ("shift", 21, 13), "a part is found: %s" % align)
check((align["width"], align["height"]) == (80, 60) and found["identical"] is True, "and equal: %s" % found)
found = expect_ok("compare", "crop.png", "a.png", "--align", "--json").json()
check((found["align"]["dx"], found["align"]["dy"], found["identical"]) == (-21, -13, True), "the other way round")
expect_ok("upscale", "a.png", "-o", "x2.png", "-s", "2", "--method", "bicubic", "--quiet")
found = expect_ok("compare", "a.png", "x2.png", "--align", "--json").json()
check(found["align"]["method"] == "resize" and found["psnr_y"] > 30, "twice the size is reduced: %s" % found["align"])
found = expect_ok("compare", "x2.png", "a.png", "--align", "--json").json()
check(found["identical"] is True and found["align"]["width"] == 240, "half the size is enlarged: %s" % found["align"])
draw("part.png", 60, 45, 33, 20)
found = expect_ok("compare", "a.png", "part.png", "--align", "--json").json()
check(found["align"]["method"] == "shift" and found["identical"], "a part of half the size is no reduction: %s" % found)
found = expect_ok("compare", "a.png", "a.png", "--align", "--json").json()
check(found["align"]["method"] == "none" and found["identical"], "nothing to align")
check("+21+13" in expect_ok("compare", "a.png", "crop.png", "--align").out, "it says what was done")
write_png("noise.png", 100, 70, 3, lambda x, y, c: (x * 7919 + y * 104729 + c * 31 + x * y * 613) % 251)
expect(3, ["aligned", "correlation"], "compare", "a.png", "noise.png", "--align")

# Maps.
write_png("dot.png", 120, 90, 3, lambda x, y, c: scene(x, y) + 5 * c + (40 if (x, y, c) == (30, 20, 1) else
                                                                        -40 if (x, y, c) == (60, 50, 2) else 0))
for kind in ("absolute", "signed"):
    expect_ok("compare", "a.png", "dot.png", "--map", "map.png", "--map-kind", kind, "--metrics", "psnr")
    width, height, channels, bits, samples = read_png("map.png")
    check((width, height, channels, bits) == (120, 90, 3, 8), "the map's size")
    pixels = [tuple(samples[i:i + 3]) for i in range(0, len(samples), 3)]
    colored = [i for i, p in enumerate(pixels) if len(set(p)) > 1]
    check(colored == [20 * 120 + 30, 50 * 120 + 60], "%s: colour where they differ, grey elsewhere" % kind)
    up, down = pixels[20 * 120 + 30], pixels[50 * 120 + 60]
    check((up == down) == (kind == "absolute"), "the sign shows: %s %s" % (up, down))
check(up == (215, 48, 39) and down == (33, 102, 214), "full colour beyond the scale: %s %s" % (up, down))
expect_ok("compare", "a.png", "dot.png", "--map", "weak.png", "--map-kind", "signed", "--map-scale", "160")
half = read_png("weak.png")[4][3 * (20 * 120 + 30):][:3]
check(abs(half[0] - (up[0] + pixels[20 * 120 + 29][0]) / 2) < 20, "a quarter of the scale: half the colour, %s" % half)
expect_ok("compare", "a.png", "a16.png", "--map", "same.png")
samples = read_png("same.png")[4]
check(samples[0::3] == samples[1::3] == samples[2::3], "no difference, no colour")
expect(2, "overwritten", "compare", "a.png", "b.png", "--map", "b.png")
expect(4, "ending", "compare", "a.png", "b.png", "--map", "map.txt")
expect(4, "nowhere", "compare", "a.png", "b.png", "--map", "nowhere/map.png")

# Folders.
for name in ("ref", "out", "none"):
    os.mkdir(path(name))
for i in range(13):
    draw("ref/p%02d.png" % i, 40, 40, 10 * i)
    write_png("out/p%02d.%s" % (i, "png" if i else "PNG"), 40, 40, 3,
              lambda x, y, c, i=i: scene(x + 10 * i, y) + 5 * c + (0 if i == 5 else (x * y) % (2 + i)))
draw("ref/lonely.png", 40, 40)
draw("out/stray.png", 40, 40)
run = expect_ok("compare", "ref", "out", "--json")
found = run.json()
check(found.get("images") == 13 and len(found.get("pictures", [])) == 13, "thirteen pairs")
check(found["only_reference"] == ["lonely.png"] and found["only_test"] == ["stray.png"], "what has no counterpart")
values = {p["name"]: p["psnr_y"] for p in found["pictures"]}
check(values["p05.png"] is None and found["pictures"][5]["identical"] is True, "the identical one")
finite = [v for v in values.values() if v is not None]
check(abs(found["mean"]["psnr_y"] - sum(finite) / len(finite)) < 1e-9, "the mean of what is finite")
order = sorted((v, k) for k, v in values.items() if v is not None)
check(found["worst"] == [k for _, k in order[:10]] and found["worst_by"] == "psnr_y", "the worst: %s" % found["worst"])
found = expect_ok("compare", "ref", "out", "--json", "--worst-by", "gmsd", "--metrics", "ssim").json()
check(list(found["mean"]) == ["ssim_y", "gmsd"], "what they are chosen by is made too: %s" % list(found["mean"]))
order = sorted(((p["gmsd"], p["name"]) for p in found["pictures"]), reverse=True)
check(found["worst"][0] == order[0][1] and len(found["worst"]) == 10, "for GMSD the largest are worst")
text = expect_ok("compare", "ref", "out").out
check(all(w in text for w in ("mean", "worst 10", "lonely.png", "stray.png", "identical")), "the table: %s" % text)
write_file("out/p03.png", read_file("out/p03.png")[:200])
draw("out/p04.png", 30, 40)
run = expect(1, ["p03.png", "p04.png"], "compare", "ref", "out", "--json")
check([f["name"] for f in run.json().get("failed", [])] == ["p03.png", "p04.png"], "each failure is named")
check(run.json().get("images") == 11, "the others are compared")
expect(3, "in common", "compare", "ref", "none")
expect(3, "is a folder", "compare", "ref", "a.png")
expect(2, "folders", "compare", "ref", "out", "--map", "map.png")
expect(2, "--worst-by", "compare", "ref", "out", "--worst-by", "all")
expect(2, "--worst-by", "compare", "ref", "out", "--worst-by", "beauty")
expect(2, "--metrics", "compare", "a.png", "b.png", "--metrics", "psnr,")
finish()
