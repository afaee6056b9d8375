# SPDX-License-Identifier: BSD-2-Clause
"""File formats beyond PNG and TIFF: what is read, pages, drawings, arrays, light and display, settings of writing."""
from common import *

same = ["-s", "1", "--method", "nearest"]
formats = {f["name"]: f for f in expect_ok("version", "--json").json().get("formats", [])}
check(len(formats) == 17 and formats["PNG"]["read"] and formats["PNG"]["write"], "version lists formats: %s" % formats)
check(formats["DeepZoom"]["read"] is False and formats["GIF"]["write"] is False, "and which way each goes")
check(formats["GIF"]["saver"] == "" and not formats["GIF"]["write"], "GIF is only read")
check("reads" in Run("version").out and "JPEG 2000" in Run("version").out, "version names the formats")


def has(name):
    if not formats[name]["read"]:
        print("skipped: this libvips has no", formats[name]["loader"])
    return formats[name]["read"]


# frames: never the first one silently
frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2%s\1\0"
gif = b"GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\xff" + frame % b"\x44" + frame % b"\x4c" + b"\x3b"
if has("GIF"):
    write_file("anim.gif", gif)
    expect(3, ["2 pages", "--page"], "upscale", "anim.gif", "-o", "out.png", *same)
    expect(3, ["no page 3"], "upscale", "anim.gif", "-o", "out.png", "--page", "3", *same)
    expect(2, ["--page"], "upscale", "anim.gif", "-o", "out.png", "--page", "0", *same)
    expect(2, ["--page"], "upscale", "anim.gif", "-o", "out.png", "--page", "some", *same)
    check("out.png" not in names_in(), "nothing is written for a refused page")
    for page, color in ((1, [255, 0, 0]), (2, [0, 0, 255])):
        expect_ok("upscale", "anim.gif", "-o", "out.png", "--page", str(page), *same)
        check(read_png("out.png")[4][:3] == color, "frame %d: %s" % (page, read_png("out.png")))
    run = expect_ok("upscale", "anim.gif", "-o", "all.png", "--page", "all", "--json", *same)
    check([n for n in names_in() if n.startswith("all")] == ["all-1.png", "all-2.png"], "numbered: %s" % names_in())
    check(read_png("all-2.png")[4][:3] == [0, 0, 255], "the second file is the second frame")
    found = run.json()
    check(found.get("pages") == 2 and [r["page"] for r in found["results"]] == [1, 2], "JSON of all: %s" % found)
    expect(4, "exists", "upscale", "anim.gif", "-o", "all.png", "--page", "all", *same)
    expect_ok("upscale", "anim.gif", "-o", "all.png", "--page", "all", "--force", *same)
    expect(3, "2 pages", "compare", "anim.gif", "out.png")
    check(expect_ok("info", "anim.gif", "--json").json().get("pages") == 2, "info counts the frames")
    for cut in (len(gif) - 1, len(gif) - 5, 20):
        write_file("cut.gif", gif[:cut])
        expect(3, "cut.gif", "upscale", "cut.gif", "-o", "never.png", "--page", "1", *same)


# pages of a TIFF; a smaller copy is none
def pages_of_tiff(values):
    data, link = b"II*\0", 8
    for value, is_reduced in values:
        tags = [(254, 4, int(is_reduced)), (256, 3, 1), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1),
                (273, 4, link + 2 + 12 * 10 + 4), (277, 3, 1), (278, 3, 1), (279, 4, 1)]
        data += struct.pack("<I", link) if len(data) == 4 else b""
        data += struct.pack("<H", 10) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in tags)
        link += 2 + 120 + 4 + 2
        data += struct.pack("<I", 0 if (value, is_reduced) == values[-1] else link) + bytes([value, 0])
    return data


write_file("pages.tif", pages_of_tiff([(10, 0), (20, 1), (30, 0)]))
expect(3, "2 pages", "upscale", "pages.tif", "-o", "out.png", *same)
expect_ok("upscale", "pages.tif", "-o", "out.png", "--page", "2", *same)
check(read_png("out.png")[4] == [30], "the second page of full size: %s" % read_png("out.png")[4])
write_file("copy.tif", pages_of_tiff([(10, 0), (20, 1)]))
expect_ok("upscale", "copy.tif", "-o", "out.png", *same)
check(read_png("out.png")[4] == [10], "a smaller copy is no page")

# drawings at a chosen size
if has("SVG"):
    write_file("a.svg", b"<?xml version='1.0'?>\n<!-- x -->\n"
               b"<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'>"
               b"<rect width='10' height='10' fill='#102030'/></svg>")
    for options, size in (([], (40, 20)), (["--svg-width", "100"], (200, 100)), (["--svg-dpi", "144"], (80, 40))):
        expect_ok("upscale", "a.svg", "-o", "out.png", "--method", "bicubic", *options)
        found = read_png("out.png")
        check(found[:4] == size + (4, 8) and found[4][:4] == [16, 32, 48, 255] and found[4][-1] == 0,
              "drawn with %s: %s" % (options, found[:4]))
    expect(2, "exclude", "upscale", "a.svg", "-o", "out.png", "--svg-width", "9", "--svg-dpi", "9")

# FITS: whole numbers become floats of the same value, and bands are no alpha
if has("FITS"):
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2",
             "NAXIS1  =                    2", "NAXIS2  =                    1", "END"]
    write_file("a.fits", "".join(c.ljust(80) for c in cards).ljust(2880).encode() +
               struct.pack(">hh", -5, 300).ljust(2880, b"\0"))
    run = expect_ok("upscale", "a.fits", "-o", "out.npy", *same)
    check(read_file("out.npy")[-8:] == struct.pack("<ff", -5, 300), "FITS values: %r" % read_file("out.npy")[-8:])
    check("whole numbers" in run.err, "the conversion is said: %r" % run.err)

# arrays
write_file("a.npy", b"\x93NUMPY\1\0\x3a\0" +
           b"{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3)}".ljust(57) + b"\n" +
           struct.pack(">6H", 1, 4, 2, 5, 3, 6))
expect_ok("upscale", "a.npy", "-o", "out.png", *same)
check(read_png("out.png") == (3, 2, 1, 16, [1, 2, 3, 4, 5, 6]), "an array in Fortran order")
write_png("bands.png", 5, 4, 3, soft)
expect_ok("upscale", "bands.png", "-o", "out.npy", *same)
data = read_file("out.npy")
check(b"'|u1'" in data and b"(4, 5, 3)" in data and list(data[128:]) == read_png("bands.png")[4], "an array is written")

# Radiance: light there, display here; mid grey 188 of sRGB is .5 of the light
write_png("grey.png", 8, 8, 3, lambda x, y, c: 188)
expect_ok("upscale", "grey.png", "-o", "light.hdr", *same)
expect_ok("upscale", "light.hdr", "-o", "light.npy", *same)
value = struct.unpack("<f", read_file("light.npy")[128:132])[0]
check(abs(value - .5) < .01, "HDR holds light: %g" % value)
expect_ok("upscale", "light.hdr", "-o", "out.png", *same, "--bitdepth", "8")
check(abs(read_png("out.png")[4][0] - 188) <= 1, "and comes back for display: %s" % read_png("out.png")[4][:3])

# settings
size = {}
for quality in (20, 90):
    for ending in ("jpg", "webp", "avif", "jxl", "jp2"):
        if any(ending in f["extensions"].split() and f["write"] for f in formats.values()):
            expect_ok("upscale", "bands.png", "-o", "q." + ending, "--quality", str(quality), "--width", "80",
                      "--method", "bicubic")
            size.setdefault(ending, []).append(len(read_file("q." + ending)))
check(len(size) >= 2 and all(a < b for a, b in size.values()), "less quality, fewer bytes: %s" % size)
expect(2, "PNG has no quality", "upscale", "bands.png", "-o", "out.png", "--quality", "50", *same)
expect(2, "compression lzw", "upscale", "bands.png", "-o", "out.png", "--compression", "lzw", *same)
expect(2, "--bitdepth", "upscale", "bands.png", "-o", "out.png", "--bitdepth", "4", *same)
expect(2, "12 bits", "upscale", "bands.png", "-o", "out.png", "--bitdepth", "12", *same)
expect_ok("upscale", "bands.png", "-o", "deep.png", "--bitdepth", "16", "-s", "2", "--method", "bicubic")
deep = read_png("deep.png")
check(deep[3] == 16 and any(v % 257 for v in deep[4]), "more bits are made, not padded")
for word in ("none", "lzw", "deflate", "zstd", "packbits"):
    expect_ok("upscale", "bands.png", "-o", word + ".tif", "--compression", word, *same)
    expect_ok("upscale", word + ".tif", "-o", "out.png", *same)
    check(read_png("out.png") == read_png("bands.png"), "TIFF by " + word)
check(len({read_file(w + ".tif")[8:200] for w in ("none", "lzw", "deflate")}) == 3, "compressions differ")
finish()
