# SPDX-License-Identifier: BSD-2-Clause
"""Inputs that are broken, missing or too large: exit code 3 or 5, a sentence with the name, and no output."""
import struct
import zlib

from common import *

soft_png("good.png")
for name in ("good.jpg", "good.webp", "good.tif", "good.ppm", "good.pfm"):
    expect_ok("upscale", "good.png", "-o", name, "-s", "1", "--method", "nearest")


def refuse(code, words, name):
    """Every command that reads a picture refuses it alike and leaves nothing."""
    before = names_in()
    expect(code, [name] + words, "upscale", name, "-o", "out.png", "--method", "bicubic")
    expect(code, [name], "downscale", name, "-o", "out.png", "-s", "2")
    expect(code, [name], "analyze", name, "-o", "out.png")
    expect(code, [name], "compare", "good.png", name)
    check(names_in() == before, "%s left something: %s" % (name, set(names_in()) - set(before)))


for ending in ("png", "jpg", "webp", "tif", "ppm", "pfm"):
    whole = read_file("good." + ending)
    for cut in (1, 20, len(whole) // 3, len(whole) * 9 // 10, len(whole) - 3):
        name = "cut%d.%s" % (cut, ending)
        write_file(name, whole[:cut])
        refuse(3, [], name)

whole = read_file("good.png")
middle = len(whole) // 2
write_file("flipped.png", whole[:middle] + bytes([whole[middle] ^ 0x55]) + whole[middle + 1:])
refuse(3, [], "flipped.png")
write_file("text.png", b"this is no picture\n" * 20)
refuse(3, ["no picture"], "text.png")
write_file("empty.png", b"")
refuse(3, ["empty"], "empty.png")
refuse(3, ["No such file"], "absent.png")
refuse(3, ["folder"], ".")
write_file("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>")
refuse(3, [], "a.svg")

size = struct.pack(">II", 100000, 100000)
header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0")
write_file("huge.png", header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
write_file("huge.ppm", b"P6\n100000 100000\n255\n" + b"\0" * 1000)
write_file("huge.tif", tiff_bytes(100000, 100000, 1, 8, 1, b"\0" * 1000))
for name in ("huge.png", "huge.ppm", "huge.tif"):
    refuse(5, ["100000x100000 pixels is over the limit"], name)

write_file("int32.tif", tiff_bytes(2, 2, 1, 32, 1, b"\0" * 16))
refuse(3, [], "int32.tif")
write_file("bad.safetensors", b"\xff" * 64)
expect(3, "bad.safetensors", "upscale", "good.png", "-o", "out.png", "--method", "bad.safetensors")
expect(3, "absent.safetensors", "upscale", "good.png", "-o", "out.png", "--method", "absent.safetensors")
expect(3, "./none", "upscale", "good.png", "-o", "out.png", "--method", "./none")
expect(3, "bad.safetensors", "info", "bad.safetensors")
expect(3, "absent", "evaluate", "absent", "-s", "2")
finish()
