# SPDX-License-Identifier: BSD-2-Clause
"""Metadata, depth and alpha through every pair of formats that can hold them, by bytes; warnings of other programs."""
import itertools
import shutil
import subprocess
from common import *

same = ["-s", "1", "--method", "nearest", "--quiet"]
# what a format holds: ICC, EXIF, XMP; IPTC; more than 8 bits without loss; alpha
holds = {"png": "idax", "tif": "idax", "jp2": "idax", "jxl": "dax", "webp": "a", "avif": "a", "heic": "a", "jpg": "i"}
known = [f for f in expect_ok("version", "--json").json()["formats"] if f["read"] and f["write"]]
endings = [e for e in holds if any(e in f["extensions"].split() for f in known)]
if len(endings) < len(holds):
    print("skipped: this libvips lacks", sorted(set(holds) - set(endings)))


# ---- a PNG with everything ----
def entry(tag, kind, count, value):
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def exif_block(orientation=1):
    """IFD0 (make, orientation, 300 dpi, date), EXIF (original date, size, maker note), GPS, a thumbnail."""
    date, make = b"2026:01:02 03:04:05\0", b"Retina Works\0\0"
    at = {"ifd": 8, "make": 110, "x": 124, "date": 132, "exif": 152, "original": 208, "note": 228, "gps": 240,
          "lat": 296, "ifd1": 344, "thumb": 374}
    ifd = struct.pack("<H", 8) + entry(0x10f, 2, 13, struct.pack("<I", at["make"]))
    ifd += entry(0x112, 3, 1, struct.pack("<H", orientation)) + entry(0x11a, 5, 1, struct.pack("<I", at["x"]))
    ifd += entry(0x11b, 5, 1, struct.pack("<I", at["x"])) + entry(0x128, 3, 1, struct.pack("<H", 2))
    ifd += entry(0x132, 2, 20, struct.pack("<I", at["date"])) + entry(0x8769, 4, 1, struct.pack("<I", at["exif"]))
    ifd += entry(0x8825, 4, 1, struct.pack("<I", at["gps"])) + struct.pack("<I", at["ifd1"])
    exif = struct.pack("<H", 4) + entry(0x9003, 2, 20, struct.pack("<I", at["original"]))
    exif += entry(0x927c, 7, 12, struct.pack("<I", at["note"])) + entry(0xa002, 3, 1, struct.pack("<H", 32))
    exif += entry(0xa003, 3, 1, struct.pack("<H", 24)) + b"\0\0\0\0"
    gps = struct.pack("<H", 4) + entry(1, 2, 2, b"N\0") + entry(2, 5, 3, struct.pack("<I", at["lat"]))
    gps += entry(3, 2, 2, b"E\0") + entry(4, 5, 3, struct.pack("<I", at["lat"] + 24)) + b"\0\0\0\0"
    degrees = struct.pack("<12I", 48, 1, 31, 1, 0, 1, 9, 1, 3, 1, 0, 1)
    ifd1 = struct.pack("<H", 2) + entry(0x201, 4, 1, struct.pack("<I", at["thumb"]))
    ifd1 += entry(0x202, 4, 1, struct.pack("<I", 8)) + b"\0\0\0\0"
    out = bytearray(at["thumb"] + 8)
    for where, part in (("ifd", ifd), ("make", make), ("x", struct.pack("<II", 300, 1)), ("date", date), ("exif", exif),
                        ("original", date.replace(b"05\0", b"09\0")), ("note", b"MAKERSNOTE12"), ("gps", gps),
                        ("lat", degrees), ("ifd1", ifd1), ("thumb", b"THUMBNAI")):
        out[at[where]:at[where] + len(part)] = part
    out[:8] = b"II*\0\x08\0\0\0"
    return bytes(out)


def profile(space=b"RGB "):
    """A small profile that is right: primaries and white of sRGB, gamma 2.2; or a grey one."""
    def xyz(*v):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(x * 65536) for x in v])
    name = b"made for a test"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * 80
    tags = [(b"desc", desc), (b"cprt", b"text\0\0\0\0no rights\0"), (b"wtpt", xyz(.9642, 1, .8249))]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        tags += [(b"rXYZ", xyz(.4361, .2225, .0139)), (b"gXYZ", xyz(.3851, .7169, .0971)),
                 (b"bXYZ", xyz(.1431, .0606, .7141)), (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    return (struct.pack(">I", size) + b"\0\0\0\0\2\x10\0\0mntr" + space + b"XYZ " +
            struct.pack(">6H", 2026, 1, 2, 3, 4, 5) + b"acsp" + b"\0" * 28 +
            struct.pack(">3i", 63190, 65536, 54061) + b"\0" * 48 + table + body)


xmp = (b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
       b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
       b"xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' tiff:Orientation='%d' "
       b"exif:PixelXDimension='%d'><tiff:Make>Retina Works</tiff:Make></rdf:Description></rdf:RDF></x:xmpmeta>"
       b"<?xpacket end='w'?>")
iptc = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x19\x00\x05fovea"
resource = b"8BIM\4\4\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) & 1)
raw = b"\niptc\n%8d\n" % len(resource) + resource.hex().encode() + b"\n"


def chunks(data):
    at, found = 8, []
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        found.append((kind, data[at + 8:at + 8 + n]))
        at += 12 + n
    return found


def dress(name, orientation=1, icc=profile()):
    """Put all metadata into a PNG."""
    data = read_file(name)
    extra = chunk(b"iCCP", b"p\0\0" + zlib.compress(icc)) + chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))
    extra += chunk(b"eXIf", exif_block(orientation))
    extra += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp % (orientation, 32))
    extra += chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(raw))
    write_file(name, data[:33] + extra + data[33:])


def metadata_of(name):
    """ICC, EXIF, XMP and IPTC of a PNG that fovea wrote."""
    found = {}
    for kind, body in chunks(read_file(name)):
        if kind == b"iCCP":
            found["icc"] = zlib.decompress(body[body.index(b"\0") + 2:])
        elif kind == b"eXIf":
            found["exif"] = body
        elif kind == b"iTXt":
            found["xmp"] = body[22:]
        elif kind == b"zTXt":
            text = zlib.decompress(body[body.index(b"\0") + 2:])
            found["iptc"] = bytes.fromhex(text.split(b"\n", 3)[3].replace(b"\n", b"").decode())[12:12 + len(iptc)]
    return found


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
    # ImageMagick 6.9.11 calls the XMP of every WebP corrupt, whoever wrote it; libvips says that AVIF names its colours
    lines = [line for line in done.stderr.decode().splitlines()
             if "ignoring nclx" not in line and not ("webp" in line and "(XMP)" in line)]
    check(done.returncode == 0 and not [line for line in lines if line.strip()], "%s: %s" % (program, lines))
finish()
