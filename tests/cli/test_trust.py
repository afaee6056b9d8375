# SPDX-License-Identifier: BSD-2-Clause
"""How far a result may go beyond its input: strength, mode, maps."""
import math

from common import *

soft_png("a.png")
up = ("upscale", "a.png", "-s", "2", "-o")


def pixels(name):
    return read_png(name)[4]


expect_ok(*up, "bicubic.png", "--method", "bicubic")
for method in ("tiny", "filter", "auto"):
    plain = (*up, "x.png", "--consistency", "off", "--method", method)
    expect_ok(*plain, "--strength", "0")
    check(pixels("x.png") == pixels("bicubic.png"), "%s: strength 0 is the base" % method)
    run = expect_ok(*plain, "--strength", "0", "--json").json()
    check(run.get("tiles", {}).get("classic") == 12, "%s: strength 0 counts as classic: %s" % (method, run["tiles"]))
    expect_ok(*plain)
    full = pixels("x.png")
    expect_ok(*plain, "--strength", "1")
    check(pixels("x.png") == full, "%s: strength 1 is the default" % method)
    expect_ok(*plain, "--strength", ".5")
    off = [abs(2 * half - a - b) for half, a, b in zip(pixels("x.png"), full, pixels("bicubic.png"))]
    clipped = [0 < a < 255 and 0 < b < 255 for a, b in zip(full, pixels("bicubic.png"))]
    check(max(d for d, inside in zip(off, clipped) if inside) <= 2, "%s: strength 0.5 is half way" % method)
expect(2, "--strength", *up, "x.png", "--strength", "1.5")

for mode in ("balanced", "faithful", "scientific"):
    run = expect_ok(*up, "x.png", "--mode", mode, "--json").json()
    check(run.get("settings", {}).get("mode") == mode, "the report says the mode %s" % mode)
expect(2, "--mode", *up, "x.png", "--mode", "wild")
steps = [expect_ok(*up, "x.png", "--method", "filter", "--mode", mode, "--json").json()["consistency"]["steps"]
         for mode in ("balanced", "faithful", "scientific")]
check(steps[0] == 0 and steps[1] > 3 and steps[2] > 3, "strict modes make the filter consistent too: %s" % steps)



def sign(x, y, c):
    """Dense strokes, white on full red and white on black: their reduction leaves corrections no room in the range."""
    on = (x // 7 * 3 + y // 9 * 5 + x // 31 * y // 23) % 5 < 2 or (x + 2 * y) % 37 < 4
    return 255 if on else (255, 0, 0)[c] if x < 192 else 0


# Enlarged from a half. At x2 and x4 one pair of local steps leaves 1.0 and 2.6 levels here; at x1.7 two pairs, or steps
# that all have P, more than 4.5. Strict modes leave less; with two pairs of theirs 0.8, 2.1 and 4.5.
write_png("sign.png", 384, 256, 3, sign)
expect_ok("downscale", "sign.png", "-o", "reduced.png", "-s", "2")
for scale, most, strict in (("1.7", 4.48, 4.45), ("2", .75, .56), ("4", 1.95, 1.56)):
    for mode, limit in (("balanced", most), ("faithful", strict)):
        run = expect_ok("upscale", "reduced.png", "-o", "x.png", "-s", scale, "--method", "tiny", "--mode", mode,
                        "--precision", "f32", "--json").json()
        check(run["consistency"]["rms"] < limit, "x%s %s: saturated strokes: %s" % (scale, mode, run["consistency"]))

# Faithful: what is like text or skin stays within 4 levels of luma of the base; anything else may go farther.
GLYPHS = (0x3e4149493a, 0x7f09090906, 0x7f41413e00, 0x0101017f01, 0x63140814e3)


def letter(x, y, c):
    """Strokes of two pixels: five letters of 5x7, row after row, dark on a light ground; above them no letters."""
    column, row, glyph = x // 2 % 7, y // 2 % 9, GLYPHS[(x // 14 + y // 18) % 5]
    return 25 if column < 5 and row < 7 and glyph >> (8 * (4 - column) + row) & 1 else 235


def face(x, y, c):
    """Skin with soft shapes and creases in it."""
    shade = 1 + .1 * math.sin((x + y) * .35) - (.16 if (x + y // 3) % 19 == 0 else 0)
    return int((200, 140, 110)[c] * shade)


def bark(x, y, c):
    return int(128 + 60 * math.sin(x * 1.3 + y * .4) * math.cos(y * 1.1 - x * .2))


# Float without clipping: nothing but black and white, which no range can give back, stays within two levels everywhere.
write_png("dots.png", 96, 80, 1, lambda x, y, c: 255 if x % 16 == 8 and y % 16 == 8 else 0)
write_png("strokes.png", 96, 80, 1, lambda x, y, c: 255 if letter(2 * x, 2 * y, c) > 128 else 0)
for name in ("dots.png", "strokes.png"):
    for scale in ("1.3", "1.7", "2", "4"):
        run = expect_ok("upscale", name, "-o", "x.tif", "-s", scale, "--method", "tiny", "--mode", "scientific",
                        "--bitdepth", "32", "--json").json()
        check(run["consistency"]["max"] <= 2, "%s x%s scientific: %s" % (name, scale, run["consistency"]))

for name, draw, kind in (("letter", letter, "text"), ("face", face, "skin"), ("bark", bark, None)):
    write_png("in.png", 96, 80, 3, draw)
    plain = ("upscale", "in.png", "-s", "2", "--consistency", "off", "-o")
    expect_ok(*plain, "base.png", "--method", "bicubic")
    off = {}
    for mode in ("balanced", "faithful"):
        run = expect_ok(*plain, "x.png", "--method", "tiny", "--mode", mode, "--json").json()
        off[mode] = max(abs(a - b) for a, b in zip(pixels("x.png"), pixels("base.png")))
    spared = run["spared"]
    if kind:
        check(spared[kind] == 30 and sum(spared.values()) == 30, "%s: every tile is like %s: %s" % (name, kind, spared))
        check(off["faithful"] <= 4 * 255 / 219 + 1 < off["balanced"], "%s is held near the base: %s" % (name, off))
    else:
        check(sum(spared.values()) == 0, "%s is like nothing: %s" % (name, spared))
        check(off["faithful"] > 6, "%s is not held: %s" % (name, off))
    vivid = expect_ok(*plain, "x.png", "--method", "tiny", "--mode", "vivid", "--json").json()
    check(vivid["spared"] == spared, "%s: vivid knows the same: %s" % (name, vivid["spared"]))
    check(not kind or vivid["detail"]["rms"] == 0, "%s: no detail there: %s" % (name, vivid["detail"]))

expect_ok(*up, "x.png", "--map", "m.png")
expect_ok(*up, "x.png", "--map", "provenance:n.png")
check(read_file("m.png") == read_file("n.png") and read_png("m.png")[:2] == (64, 48), "provenance is the usual map")
expect_ok(*up, "x.png", "--method", "tiny", "--map", "consistency:c.png", "--map", "consistency16:c16.png")
run = expect_ok(*up, "x.png", "--method", "tiny", "--json").json()
width, height, _, bits, figures = read_png("c16.png")
check((width, height, bits) == (4, 3, 16), "a figure for each tile")
check(abs(max(figures) / 256 - run["consistency"]["max"]) < .01, "the largest of the tiles' deviations is the run's")
check(read_png("c.png")[:2] == (64, 48), "consistency as a picture")
expect(4, "leaves no map", *up, "x.png", "--method", "filter", "--map", "consistency:c.png")
expect(2, "kind 'colour'", *up, "x.png", "--map", "colour:n.png")
expect(2, "twice", *up, "x.png", "--map", "n.png", "--map", "provenance:n.png")
expect(2, "one file", *up, "x.png", "--map", "provenance:x.png")
expect(2, "input", *up, "x.png", "--map", "provenance:a.png")
expect(4, "ending", *up, "x.png", "--map", "provenance:n.txt")

# Networks that are broken: the base, bit for bit, a warning, and exit code 7 under --strict. The last two return black,
# and nothing.
for cause, weight, bias in (("not_finite", float("nan"), 0), ("range", 1e6, 0), ("drift", 0, -.3),
                            ("drift", -1 / 9, 0), ("nothing", 0, 0)):
    plant("bad.safetensors", weight, bias)
    bad = (*up, "x.png", "--consistency", "off", "--method", "bad.safetensors")
    run = expect(0, "fell back", *bad, "--json")
    found = run.json().get("fallbacks", {})
    check(found.get(cause, 0) > 0 and cause in run.err, "cause %s: %s" % (cause, found))
    check(pixels("x.png") == pixels("bicubic.png"), "%s: the base bit for bit" % cause)
    os.remove(path("x.png"))
    expect(7, "fell back", *bad, "--strict")
    check(not os.path.exists(path("x.png")), "--strict leaves nothing")
run = expect_ok(*up, "x.png", "--method", "tiny", "--json").json()
check(sum(run.get("fallbacks", {"": 1}).values()) == 0, "a sound network passes: %s" % run.get("fallbacks"))
finish()
