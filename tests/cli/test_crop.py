# SPDX-License-Identifier: BSD-2-Clause
"""--crop: a piece of the result has the bytes of the whole one; what is no piece is refused."""
from common import *

write_png("in.png", 150, 110, 3, lambda x, y, c: (x * 3 + y * 2 + (x * y * 7 % 93 if x > 70 else 0)) % 256)


def rows_of(name):
    width, height, channels, _, samples = read_png(name)
    step = width * channels
    return width, height, [samples[y * step:(y + 1) * step] for y in range(height)]


for options in (["-s", "2"], ["-s", "2.6", "--method", "tiny"], ["--width", "211", "--method", "lanczos3"],
                ["-s", "0.5"], ["-s", "3", "--method", "filter", "--consistency", "on"]):
    expect_ok("upscale", "in.png", "-o", "whole.png", *options)
    width, height, whole = rows_of("whole.png")
    for x, y, w, h in ((0, 0, 20, 10), (width - 31, height - 17, 31, 17), (width // 3, height // 2, 40, 1)):
        run = expect_ok("upscale", "in.png", "-o", "piece.png", "--crop", "%d,%d,%d,%d" % (x, y, w, h), "--json",
                        *options)
        check(run.json()["settings"]["crop"] == [x, y, w, h], "the crop is in the report")
        check(run.json()["out"] == {"width": w, "height": h}, "the size of the piece: %s" % run.json()["out"])
        check(rows_of("piece.png") == (w, h, [row[3 * x:3 * (x + w)] for row in whole[y:y + h]]),
              "%s, crop %d,%d,%d,%d: the bytes of the whole result" % (options, x, y, w, h))

for bad in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "-1,0,5,5", "0,0,0,5", "1.5,0,5,5", ""):
    expect(2, "--crop", "upscale", "in.png", "-o", "o.png", "--crop", bad)
expect(2, "300x220", "upscale", "in.png", "-o", "o.png", "--crop", "290,0,11,5")
expect(2, "--crop", "upscale", "in.png", "-o", "o.png", "--crop", "0,0,9,9", "--map", "m.png")
check("o.png" not in names_in(), "nothing was written")

# In a batch each picture gives its piece; a picture without one fails alone.
write_png("small.png", 10, 10, 1, lambda x, y, c: x * 20)
os.mkdir(path("out"))
run = expect(1, "100x100", "upscale", "in.png", "small.png", "-o", "out", "-s", "10", "--method", "bicubic", "--crop",
             "500,500,60,50")
check(names_in("out") == ["in.png"], "one of two: %s" % names_in("out"))

# The resolution is that of the whole result.
write_file("dpi.png", read_file("in.png")[:33] + chunk(b"pHYs", struct.pack(">IIB", 4000, 4000, 1)) +
           read_file("in.png")[33:])
expect_ok("upscale", "dpi.png", "-o", "piece.png", "--crop", "5,5,20,30")
data = read_file("piece.png")
at = data.index(b"pHYs") + 4
check(struct.unpack(">II", data[at:at + 8]) == (8000, 8000), "resolution %s" % (struct.unpack(">II", data[at:at + 8]),))
finish()
