# SPDX-License-Identifier: BSD-2-Clause
"""Metadata, depth and alpha through every pair of formats that can hold them, by bytes; warnings of other programs."""
import itertools
import random
import shutil
import subprocess
from common import *
from dressed import *

same = ["-s", "1", "--method", "nearest", "--quiet"]
# what a format holds: ICC, EXIF, XMP; IPTC; more than 8 bits without loss; alpha
holds = {"png": "idax", "tif": "idax", "jp2": "idax", "jxl": "dax", "webp": "a", "avif": "a", "heic": "a", "jpg": "i"}
known = [f for f in expect_ok("version", "--json").json()["formats"] if f["read"] and f["write"]]
endings = [e for e in holds if any(e in f["extensions"].split() for f in known)]
if len(endings) < len(holds):
    print("skipped: this libvips lacks", sorted(set(holds) - set(endings)))


def number(data, tag):
    """The first integer of a tag, anywhere in a block."""
    at = data.find(struct.pack("<H", tag))
    while at >= 0 and data[at + 2:at + 4] not in (b"\3\0", b"\4\0"):
        at = data.find(struct.pack("<H", tag), at + 1)
    return struct.unpack("<I", data[at + 8:at + 12])[0] if at >= 0 else None


def check_metadata(what, png, has_iptc, width):
    found = metadata_of(png)
    exif = found.get("exif", b"")
    check(found.get("icc") == profile(), what + ": the profile, byte for byte")
    check(found.get("xmp") == xmp % (1, width), what + ": XMP %s" % found.get("xmp"))
    check(b"2026:01:02 03:04:05" in exif and b"2026:01:02 03:04:09" in exif and b"Retina Works" in exif,
          what + ": dates")
    check(struct.pack("<12I", 48, 1, 31, 1, 0, 1, 9, 1, 3, 1, 0, 1) in exif, what + ": GPS")
    check(number(exif, 0x112) == 1 and number(exif, 0xa002) == width, what + ": orientation and size in EXIF")
    at = number(exif, 0xa005) or 0
    check(exif[at:at + 14] == struct.pack("<H", 1) + entry(1, 2, 4, b"R98\0"), what + ": interoperability")
    check(b"MAKERSNOTE12" in exif and b"THUMB" not in exif, what + ": maker note kept, thumbnail gone")
    check((found.get("iptc") == iptc) == has_iptc, what + ": IPTC %s" % found.get("iptc"))


# ---- every pair ----
def deep(x, y, c):
    return 20000 + 40 * x * y if c == 3 else (x * 1021 + y * 257 + c * 17777) % 65536


write_png("all.png", 32, 24, 4, deep, 16)
dress("all.png")
expect_ok("upscale", "all.png", "-o", "from.png", *same)
pixels = read_png("from.png")
for ending in endings:
    if ending != "png":
        expect_ok("upscale", "all.png", "-o", "from." + ending, *same)
for first, second in itertools.product(endings, endings):
    name = "%s-to-%s.%s" % (first, second, second)
    what = "%s to %s" % (first, second)
    expect_ok("upscale", "from." + first, "-o", name, *same)
    expect_ok("upscale", name, "-o", "back.png", *same)
    has = set(holds[first]) & set(holds[second])
    found = read_png("back.png")
    check_metadata(what, "back.png", "i" in has, 32)
    check(found[2] == (4 if "a" in has else 3), what + ": alpha")
    is_deep = all("d" in holds[e] or e in ("avif", "heic") for e in (first, second))
    check(found[3] == (16 if is_deep else 8), what + ": %d bits" % found[3])
    if "x" in has:
        check(found == pixels, what + ": every sample")

# ---- the numbers of another size, and none of them ----
expect_ok("upscale", "all.png", "-o", "big.png", "-s", "2", "--method", "bicubic", "--quiet")
check_metadata("twice the size", "big.png", True, 64)
check(struct.pack("<II", 600, 1) in metadata_of("big.png")["exif"], "the resolution follows the size")
check(dict(chunks(read_file("big.png")))[b"pHYs"][:8] == struct.pack(">II", 23622, 23622), "pHYs follows the size")
expect_ok("upscale", "all.png", "-o", "bare.png", "--strip-metadata", *same)
check(set(metadata_of("bare.png")) == {"icc"}, "stripped but for the profile: %s" % metadata_of("bare.png"))
run = Run("upscale", "all.png", "-o", "bare.ppm", "-s", "1", "--method", "nearest")
check(run.code == 0 and "EXIF" in run.err and "profile" in run.err, "what PPM loses is said: %r" % run.err)
write_png("grey.png", 8, 8, 1, soft)
dress("grey.png", icc=profile(b"GRAY"))
expect_ok("upscale", "grey.png", "-o", "back.png", *same)
check(metadata_of("back.png").get("icc") == profile(b"GRAY") and read_png("back.png")[2] == 1, "a profile for grey")

# ---- orientation ----
seen = {1: [1, 2, 3, 4, 5, 6], 2: [3, 2, 1, 6, 5, 4], 3: [6, 5, 4, 3, 2, 1], 4: [4, 5, 6, 1, 2, 3],
        5: [1, 4, 2, 5, 3, 6], 6: [4, 1, 5, 2, 6, 3], 7: [6, 3, 5, 2, 4, 1], 8: [3, 6, 2, 5, 1, 4]}
for tag, samples in seen.items():
    write_png("turn.png", 3, 2, 3, lambda x, y, c: 1 + x + 3 * y)
    dress("turn.png", tag)
    for ending in ("png", "tif"):
        expect_ok("upscale", "turn.png", "-o", "turned." + ending, *same)
        expect_ok("upscale", "turned." + ending, "-o", "back.png", *same)
        check(read_png("back.png")[4][::3] == samples, "orientation %d through %s" % (tag, ending))
        found = metadata_of("back.png")
        check(number(found["exif"], 0x112) == 1 and found["xmp"].count(b"tiff:Orientation='1'") == 1,
              "orientation %d is reset in %s" % (tag, ending))

# ---- pixels that are not square: each axis keeps its resolution, and takes it along where the picture is turned ----
def fraction(data, tag):
    at = data.index(struct.pack("<HHI", tag, 5, 1))
    above, below = struct.unpack("<II", data[struct.unpack("<I", data[at + 8:at + 12])[0]:][:8])
    return above / below


for tag, dpi in ((1, (300, 200)), (3, (300, 200)), (6, (200, 300)), (8, (200, 300))):
    write_png("oblong.png", 32, 24, 3, soft)
    dress("oblong.png", tag, dpi=(300, 200))
    for ending in ("png", "tif", "jpg"):
        what = "orientation %d through %s" % (tag, ending)
        expect_ok("upscale", "oblong.png", "-o", "larger." + ending, "-s", "2", "--method", "bicubic")
        expect_ok("upscale", "larger." + ending, "-o", "back.png", *same)
        exif = metadata_of("back.png")["exif"]
        check((fraction(exif, 0x11a), fraction(exif, 0x11b)) == (2 * dpi[0], 2 * dpi[1]), what + ": dots per inch")
        check((fraction(exif, 0xa20e), fraction(exif, 0xa20f)) == (20 * dpi[0], 20 * dpi[1]), what + ": of the sensor")
        check((number(exif, 0xa002), number(exif, 0xa003)) == ((64, 48) if tag < 5 else (48, 64)), what + ": size")
        check(dict(chunks(read_file("back.png")))[b"pHYs"] == per_metre([2 * v for v in dpi]) + b"\1", what + ": pHYs")
    check(read_file("larger.jpg")[11:18] == struct.pack(">2BB2H", 1, 1, 1, 2 * dpi[0], 2 * dpi[1]), "JFIF")

# ---- a page's own ----
pages, at = b"II*\0\x08\0\0\0", 8
for number_of_page, artist in enumerate((b"the first one\0", b"another one\0\0\0")):
    tags = [(0x100, 3, 1, 4), (0x101, 3, 1, 4), (0x102, 3, 1, 8), (0x103, 3, 1, 1), (0x106, 3, 1, 1),
            (0x111, 4, 1, at + 114), (0x115, 3, 1, 1), (0x117, 4, 1, 16), (0x13b, 2, 14, at + 130)]
    pages += struct.pack("<H", len(tags)) + b"".join(entry(t, k, n, struct.pack("<I", v)) for t, k, n, v in tags)
    pages += struct.pack("<I", 0 if number_of_page else at + 144) + bytes(range(16)) + artist
    at += 144
write_file("pages.tif", pages)
for page, own, other in (("1", b"the first", b"another"), ("2", b"another", b"the first")):
    expect_ok("upscale", "pages.tif", "-o", "page.png", "--page", page, *same)
    exif = metadata_of("page.png").get("exif", b"")
    check(own in exif and other not in exif, "EXIF of page %s: %s" % (page, exif))

# ---- a profile for colours does not belong to grey ----
write_file("tinted.tif", tiff_bytes(4, 4, 1, 8, 1, bytes(range(16)), icc=profile()))
run = expect(0, ["PNG", "colour profile", "left out"], "upscale", "tinted.tif", "-o", "tinted.png", *same[:-1])
check(read_png("tinted.png")[2] == 1 and "icc" not in metadata_of("tinted.png"), "a grey PNG without it")

# ---- a profile of many pieces, in a JPEG of 65519 bytes each ----
noise = random.Random(4).randbytes(150000)
large = profile() + noise
large = struct.pack(">I", len(large)) + large[4:]
write_png("pieces.png", 32, 24, 3, soft)
dress("pieces.png", icc=large)
for ending in ("jpg", "png", "tif"):
    expect_ok("upscale", "pieces.png", "-o", "pieces-out." + ending, *same)
    expect_ok("upscale", "pieces-out." + ending, "-o", "back.png", *same)
    check(metadata_of("back.png").get("icc") == large, "a profile of %d bytes through %s" % (len(large), ending))

# ---- what other programs say ----
outputs = [n for n in names_in() if "-to-" in n]
if shutil.which("exiftool"):
    done = subprocess.run(["exiftool", "-q", "-j", "-warning", "-error", "-DateTimeOriginal", "-GPSLatitude", "-Make"] +
                          outputs, cwd=folder, stdout=subprocess.PIPE, check=False)
    for tags in json.loads(done.stdout):
        name = tags["SourceFile"]
        check(not {"Warning", "Error"} & set(tags), "exiftool on %s: %s" % (name, tags))
        check(tags.get("Make") == "Retina Works" and tags.get("DateTimeOriginal") == "2026:01:02 03:04:09" and
              str(tags.get("GPSLatitude", "")).startswith("48 deg 31"), "exiftool reads %s: %s" % (name, tags))
else:
    print("skipped: no exiftool")
for program, kinds in (("pngcheck", ["png"]), ("identify", ["png", "jpg", "tif", "webp", "jp2"]),
                       ("vipsheader", endings)):
    if not shutil.which(program):
        print("skipped: no", program)
        continue
    files = [n for n in outputs if n.startswith("png-to-") and n.rsplit(".")[-1] in kinds]
    done = subprocess.run([program, "-q"] + files if program == "pngcheck" else [program] + files, cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # ImageMagick 6.9.11 calls the XMP of every WebP corrupt, whoever wrote it; libvips says AVIF names its colours;
    # libtiff does not know EXIF's pointer to the rules of interoperability
    lines = [line for line in done.stderr.decode().splitlines()
             if "ignoring nclx" not in line and not ("webp" in line and "(XMP)" in line) and "0xa005" not in line]
    check(done.returncode == 0 and not [line for line in lines if line.strip()], "%s: %s" % (program, lines))
finish()
