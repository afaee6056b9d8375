# SPDX-License-Identifier: BSD-2-Clause
"""Broken files: a small picture in every readable format, and some 550 mutations of them (truncations, flipped bits,
zeroed and inserted ranges, a fixed seed). All are read in one process by read_files, a sample by the program: no crash,
no hang, no endless memory, the right exit codes, a sentence with the name, nothing half-written."""
import random

from common import *

READ_FILES = os.environ["READ_FILES"]
# Libraries that are not ours leak: OpenEXR's loader on broken files, fontconfig for text in SVG, x265 when it writes.
# Every other fault that a sanitizer finds counts; our own leaks on damaged files show in the unit tests.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
N_TOTAL = 550

soft_png("drawn.png", 24, 18)
write_png("alpha.png", 24, 18, 4, lambda x, y, c: 255 - y * 9 if c == 3 else soft(x, y, c))
write_png("deep.png", 24, 18, 3, lambda x, y, c: soft(x, y, c) * 257, bits=16)
good = {"drawn.png": read_file("drawn.png"), "deep.png": read_file("deep.png")}
for ending in ("jpg", "webp", "tif", "avif", "heic", "jxl", "jp2", "ppm", "pgm", "pfm", "hdr", "npy"):
    run = Run("upscale", "alpha.png" if ending == "tif" else "drawn.png", "-o", "good." + ending, "-s", "1", "--method",
              "nearest")
    if run.code == 0:
        good["good." + ending] = read_file("good." + ending)
    else:
        print("skipped: %s cannot be written here: %s" % (ending, run.err.strip()))

# What is only read, by hand.
others = {
    "good.gif": b"GIF89a\4\0\4\0\x80\0\0\xff\0\0\0\0\xff\x2c\0\0\0\0\4\0\4\0\0\2\x0a\x84\x8f\xa9\xcb\xed\x0f\xa3\x9c"
                b"\xb4\x50\0\x3b",
    "good.svg": b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'><defs>"
                b"<linearGradient id='g'><stop offset='0' stop-color='red'/></linearGradient></defs>"
                b"<rect width='10' height='10' fill='url(#g)'/><text x='2' y='9'>a</text></svg>",
    "good.fits": "".join(card.ljust(80) for card in (
        "SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2",
        "NAXIS1  =                   12", "NAXIS2  =                    8", "END")).ljust(2880).encode() +
                 struct.pack(">96h", *range(96)).ljust(2880, b"\0"),
    "plain.ppm": b"P3\n# plain\n3 2\n255\n1 2 3  4 5 6  7 8 9\n10 11 12  13 14 15  16 17 18\n",
    "turned.tif": tiff_bytes(5, 4, 3, 8, 2, bytes(60), orientation=6),
}


def exr_attribute(name, kind, data):
    return name + b"\0" + kind + b"\0" + struct.pack("<I", len(data)) + data


channels = b"".join(c + b"\0" + struct.pack("<IIII", 2, 0, 1, 1) for c in (b"B", b"G", b"R")) + b"\0"
box = struct.pack("<4i", 0, 0, 7, 5)
head = b"\x76\x2f\x31\x01\2\0\0\0" + b"".join(exr_attribute(*a) for a in (
    (b"channels", b"chlist", channels), (b"compression", b"compression", b"\0"), (b"dataWindow", b"box2i", box),
    (b"displayWindow", b"box2i", box), (b"lineOrder", b"lineOrder", b"\0"),
    (b"pixelAspectRatio", b"float", struct.pack("<f", 1)), (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
    (b"screenWindowWidth", b"float", struct.pack("<f", 1)))) + b"\0"
lines = [struct.pack("<iI", y, 96) + struct.pack("<24f", *[(i * 7 + y) % 24 / 24 for i in range(24)]) for y in range(6)]
at = len(head) + 8 * 6
others["good.exr"] = head + b"".join(struct.pack("<Q", at + 104 * y) for y in range(6)) + b"".join(lines)
for name, data in others.items():
    write_file(name, data)
    run = Run("info", name)
    if run.code == 0:
        good[name] = data
    else:
        print("skipped: %s cannot be read here: %s" % (name, run.err.strip()))
check(len(good) >= 10, "at least ten kinds of files: %s" % sorted(good))


def mutate(rng, data):
    """One of the four kinds of damage, or several."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        where = rng.randrange(min(len(data), 200)) if rng.random() < .5 else rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0 and len(data) > 8:
            del data[max(where, 4):]
        elif kind == 1:
            data[where] ^= 1 << rng.randrange(8)
        elif kind == 2:
            n = min(rng.randrange(1, 20), len(data) - where)
            data[where:where + n] = bytes([rng.choice((0, 0, 255))]) * n
        elif kind == 3:
            data[where:where] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
        else:
            data[where] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(data)


rng = random.Random(2026)
per_file = -(-N_TOTAL // len(good))
os.mkdir(path("broken"))
names = []
for name in sorted(good):
    ending = name.rsplit(".", 1)[1]
    for i in range(per_file):
        cut = good[name][:len(good[name]) * (i + 1) // 8]
        names.append(os.path.join("broken", "%s-%02d.%s" % (name.rsplit(".", 1)[0], i, ending)))
        write_file(names[-1], cut if i < 7 else mutate(rng, good[name]))
check(len(names) >= 500, "%d mutations" % len(names))


def read_all(files):
    """{name: code} by read_files; says which file ended the process, and goes on behind it."""
    codes, left = {}, list(files)
    while left:
        done = subprocess.run([READ_FILES, "kept.png", *left], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=folder, check=False, timeout=280)
        lines = done.stdout.decode().split("\n")
        for line in lines:
            if line.endswith(" MB"):
                check(int(line.split()[0]) < 1500, "reading took " + line)
                print("most memory: " + line)
            elif line:
                code, spent_ms, name = line.split(" ", 2)
                codes[name] = int(code)
                check(float(spent_ms) < 10000, "%s took %s ms" % (name, spent_ms))
        left = [name for name in left if name not in codes]
        if done.returncode or left:
            check(False, "%s: the process ended with %d: %s" % (left[:1], done.returncode,
                                                                done.stderr.decode(errors="replace")[-3000:]))
            left = left[1:]
    return codes


codes = read_all(sorted(good))
check(set(codes.values()) == {0}, "the unbroken files are read: %s" % codes)
codes = read_all(names)
READ_CODES = {0, -2, -3, -4, -5, -6}  # ok, unsupported, out of memory, limit, read, format
for name, code in codes.items():
    check(code in READ_CODES, "%s gives %d" % (name, code))
refused = [name for name in codes if codes[name]]
check(len(refused) > len(names) // 3, "only %d of %d are refused" % (len(refused), len(names)))
print("%d files of %d kinds, %d refused" % (len(names), len(good), len(refused)))
check(not [n for n in names_in() if n.startswith(".") or "tmp" in n], "something half-written: %s" % names_in())

EXIT = {0: 0, -2: 3, -3: 5, -4: 5, -5: 3, -6: 3}
os.mkdir(path("out"))
for name in rng.sample(sorted(codes), 20):
    run = Run("upscale", name, "-o", "out/x.png", "--method", "bicubic", "--page", "1", "--quiet", timeout=30)
    expected = EXIT.get(codes[name])
    check(run.code == expected, "%s: exit %d, expected %s: %s" % (name, run.code, expected, run.err[-300:]))
    check((run.code == 0) == (names_in("out") == ["x.png"]), "%s: exit %d and %s" % (name, run.code, names_in("out")))
    check(run.code == 0 or os.path.basename(name) in run.err, "%s is not named: %s" % (name, run.err))
    if run.code == 0:
        os.remove(path("out/x.png"))
finish()
