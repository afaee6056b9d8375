# SPDX-License-Identifier: BSD-2-Clause
"""What a picture is stays what it is: depth, grey, alpha, palettes, orientation, metadata; losses are announced."""
from common import *
from dressed import ink_profile

same = ["-s", "1", "--method", "nearest"]


def info(name):
    return expect_ok("info", name, "--json").json()


def deep(x, y, c):
    return (x * 1021 + y * 257 + c * 17777) % 65536


# depth and channels, through every format that can hold them
for channels in (1, 2, 3, 4):
    for bits, pixel in ((8, soft), (16, deep)):
        name = "c%d_%d.png" % (channels, bits)
        write_png(name, 31, 17, channels, pixel, bits)
        before = read_png(name)
        for ending in ("png", "tif", "webp", "pnm"):
            if ending == "webp" and (bits, channels) != (8, 3) or ending == "pnm" and channels in (2, 4):
                continue
            expect_ok("upscale", name, "-o", "t." + ending, *same)
            expect_ok("upscale", "t." + ending, "-o", "back.png", *same)
            check(read_png("back.png") == before, "%s through %s" % (name, ending))
        found = info(name)
        check((found.get("channels"), found.get("bits"), found.get("alpha")) == (channels, bits, channels in (2, 4)),
              "info of %s: %s" % (name, found))
        expect_ok("upscale", name, "-o", "up.png", "-s", "2", "--method", "bicubic")
        check(read_png("up.png")[:4] == (62, 34, channels, bits), "%s enlarged keeps depth and channels" % name)

# a dark picture of 16 bits is not taken for one of 8
write_png("dark.png", 16, 16, 1, lambda x, y, c: x + y, 16)
expect_ok("upscale", "dark.png", "-o", "dark_up.png", "-s", "2", "--method", "nearest")
check(max(read_png("dark_up.png")[4]) == 30 and read_png("dark_up.png")[3] == 16, "a dark picture keeps 16 bits")

# palettes and single bits
write_file("bits.png", png_bytes(9, 1, 0, 1, [b"\xaa\x80"]))
expect_ok("upscale", "bits.png", "-o", "back.png", *same)
check(read_png("back.png") == (9, 1, 1, 8, [255, 0] * 4 + [255]), "one bit becomes 8")
write_file("palette.png", png_bytes(4, 1, 3, 2, [b"\x1b"], bytes(range(12))))
expect_ok("upscale", "palette.png", "-o", "back.png", *same)
check(read_png("back.png") == (4, 1, 3, 8, list(range(12))), "a palette becomes colours")

# orientation: the row 1 2 3 over 4 5 6, turned as the tag says
seen = {1: [1, 2, 3, 4, 5, 6], 2: [3, 2, 1, 6, 5, 4], 3: [6, 5, 4, 3, 2, 1], 4: [4, 5, 6, 1, 2, 3],
        5: [1, 4, 2, 5, 3, 6], 6: [4, 1, 5, 2, 6, 3], 7: [6, 3, 5, 2, 4, 1], 8: [3, 6, 2, 5, 1, 4]}
for tag, samples in seen.items():
    write_file("o.tif", tiff_bytes(3, 2, 1, 8, 1, bytes([1, 2, 3, 4, 5, 6]), orientation=tag))
    expect_ok("upscale", "o.tif", "-o", "back.png", *same)
    check(read_png("back.png")[4] == samples, "orientation %d" % tag)
    expect_ok("upscale", "o.tif", "-o", "o2.tif", *same)
    check(info("o2.tif").get("orientation") == 1, "the tag is not applied twice")

# a fourth channel that is no alpha stays none, premultiplied alpha becomes straight
write_file("nir.tif", tiff_bytes(2, 1, 4, 8, 2, bytes([10, 20, 30, 0, 40, 50, 60, 255]), extra=[0]))
expect_ok("upscale", "nir.tif", "-o", "nir2.tif", *same)
check(info("nir2.tif").get("channels") == 4 and info("nir2.tif").get("alpha") is False, "infrared is not alpha")
write_file("pre.tif", tiff_bytes(1, 1, 4, 8, 2, bytes([64, 0, 32, 128]), extra=[1]))
expect_ok("upscale", "pre.tif", "-o", "back.png", *same)
check(abs(read_png("back.png")[4][0] - 127.5) <= .5, "premultiplied colours are divided by alpha")

# CMYK becomes RGB: no ink is white, all ink is nearly black
write_file("cmyk.tif", tiff_bytes(3, 1, 4, 8, 5, bytes([0, 0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0])))
check((info("cmyk.tif").get("colour"), info("cmyk.tif").get("channels")) == ("cmyk", 3), "CMYK: %s" % info("cmyk.tif"))
expect_ok("upscale", "cmyk.tif", "-o", "back.png", *same)
ink = read_png("back.png")
check(ink[2:4] == (3, 8) and min(ink[4][:3]) > 250 and max(ink[4][3:6]) < 60, "CMYK to sRGB: %s" % ink[4])
check(ink[4][6] < ink[4][7] and ink[4][6] < ink[4][8], "cyan ink is not red: %s" % ink[4])

# through the file's own profile, whose first ink is red, all four are green; that is said, and the profile goes
def ink_colour(c, m, y, k):
    return (140, 50, 200) if c + m + y + k == 4 else (130, 200, 180) if c else (255, 128, 128)


ink = bytes([0, 0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0])
for tables in ((b"A2B0",), (b"A2B0", b"A2B1"), ()):  # perceptual, which a profile must have; relative; none
    write_file("inks.tif", tiff_bytes(3, 1, 4, 8, 5, ink, icc=ink_profile(ink_colour, tables)))
    said = "by the file's colour profile" if tables else "by a common profile, since the file's own"
    for ending in ("png", "tif"):
        run = expect(0, "CMYK was converted to sRGB " + said, "upscale", "inks.tif", "-o", "b." + ending, *same)
        check("left out" not in run.err and info("b." + ending).get("icc") is False, "the profile of inks is gone")
    expect_ok("upscale", "b.tif", "-o", "back.png", *same)
    white, green, red = (read_png("b.png")[4][i:i + 3] for i in (0, 3, 6))
    is_own = green[1] > 1.5 * max(green[0], green[2]) and red[0] > 1.5 * max(red[1:])
    check(min(white) > 250 and is_own == bool(tables), "by %s: %s %s %s" % (tables, white, green, red))
    check(read_png("back.png")[4] == read_png("b.png")[4], "in a TIFF, too")

# losses are said
write_png("rgba16.png", 8, 8, 4, lambda x, y, c: 0 if c == 3 else 30000, 16)
run = expect_ok("upscale", "rgba16.png", "-o", "flat.jpg", *same)
check("8 bits" in run.err and "white" in run.err, "losses are said: %r" % run.err)
run = expect_ok("upscale", "rgba16.png", "-o", "flat.jpg", "--quiet", *same)
check(run.err == "" and run.out == "", "--quiet says nothing")
expect_ok("upscale", "flat.jpg", "-o", "back.png", *same)
check(read_png("back.png")[2] == 3 and min(read_png("back.png")[4]) > 250, "transparent becomes white")

# names are taken literally
soft_png("odd name [x=1]%d.png", 9, 9)
expect_ok("upscale", "odd name [x=1]%d.png", "-o", "out [Q=3].png", *same)
check(read_png("out [Q=3].png") == read_png("odd name [x=1]%d.png"), "brackets in names are no options")

# metadata that the formats share
png = read_file("odd name [x=1]%d.png")
at = 8 + 25
write_file("phys.png", png[:at] + chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + png[at:])
expect_ok("upscale", "phys.png", "-o", "phys.tif", *same)
check(abs((info("phys.tif").get("pixels_per_mm") or 0) - 11.811) < .01, "resolution is kept")

# a JPEG's EXIF with date and orientation, XMP and ICC profile
def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


date, note = b"2026:01:02 03:04:05\0", b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
exif = (b"Exif\0\0II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) +
        struct.pack("<HHII", 0x132, 2, len(date), 38) + b"\0\0\0\0" + date)
profile = struct.pack(">IIBB", 132, 0, 2, 16) + b"\0\0mntrRGB XYZ " + b"\0" * 12 + b"acsp" + b"\0" * 92
expect_ok("upscale", "c3_8.png", "-o", "plain.jpg", *same)
jpeg = read_file("plain.jpg")
write_file("meta.jpg", jpeg[:2] + segment(0xe1, exif) + segment(0xe1, note) +
           segment(0xe2, b"ICC_PROFILE\0\x01\x01" + profile) + jpeg[2:])
found = info("meta.jpg")
size = found.get("width"), found.get("height"), found.get("orientation")
check(size == (17, 31, 6), "EXIF orientation: %s" % found)
check(found.get("icc") and found.get("exif") and found.get("xmp"), "metadata are seen: %s" % found)
expect_ok("upscale", "meta.jpg", "-o", "meta2.jpg", "-s", "2", "--method", "bicubic")
jpeg, found = read_file("meta2.jpg"), info("meta2.jpg")
check((found.get("width"), found.get("height"), found.get("orientation")) == (34, 62, 1), "turned once: %s" % found)
check(date in jpeg and b"xmpmeta" in jpeg and profile in jpeg, "date, XMP and profile are kept")
finish()
