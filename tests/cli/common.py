# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command line share: pictures drawn and read with the standard library, runs, counting."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

FOVEA = os.environ.get("FOVEA", "fovea")
folder = tempfile.mkdtemp(prefix="fovea-cli-")
counts = {True: 0, False: 0}


def path(name):
    return os.path.join(folder, name)


def check(ok, what):
    """Count one claim; a wrong one is printed."""
    counts[bool(ok)] += 1
    if not ok:
        print("FAILED:", what)


def plant(name, weight, bias=0.):
    """A model file for x2 of one layer whose weights are all the same."""
    meta = {"format": "fovea", "version": "1", "method": "planted", "scale": "2", "base": "bicubic", "base_hash": "",
            "layers": "conv3x3 1 4; shuffle 2; add base", "command": "none", "sources": "none", "licence": "none"}
    tensors = {"0.weight": {"dtype": "F32", "shape": [4, 1, 3, 3], "data_offsets": [0, 144]},
               "0.bias": {"dtype": "F32", "shape": [4], "data_offsets": [144, 160]}}
    header = json.dumps({"__metadata__": meta, **tensors}).encode()
    header += b" " * (-len(header) % 8)
    return write_file(name, struct.pack("<Q", len(header)) + header + struct.pack("<40f", *[weight] * 36, *[bias] * 4))


def finish():
    shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (counts[True], counts[False]))
    sys.exit(1 if counts[False] else 0)


class Run:
    """One run of the program: code, out, err."""

    def __init__(self, *args, env=None, timeout=120):
        env = dict(os.environ, **(env or {}))
        done = subprocess.run([FOVEA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=timeout,
                              cwd=folder, check=False)
        self.args, self.code = args, done.returncode
        self.out, self.err = done.stdout.decode(), done.stderr.decode()

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            return {}


def expect(code, words, *args, **more):
    """Run and check the exit code and that standard error holds each word."""
    run = Run(*args, **more)
    shown = "fovea %s: exit %d, %r" % (" ".join(args), run.code, run.err[-300:])
    check(run.code == code, "%s, expected exit %d" % (shown, code))
    for word in [words] if isinstance(words, str) else words:
        check(word in run.err, "%s, expected %r" % (shown, word))
    return run


def expect_ok(*args, **more):
    return expect(0, "", *args, **more)


def write_file(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def read_file(name):
    with open(path(name), "rb") as file:
        return file.read()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(width, height, color_type, bits, rows, palette=None):
    """A PNG; rows are the packed bytes of each row."""
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0))
    if palette:
        data += chunk(b"PLTE", palette)
    return data + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b"")


COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def write_png(name, width, height, channels, pixel, bits=8):
    """A PNG whose samples are pixel(x, y, channel)."""
    code = ">%d%s" % (width * channels, "B" if bits == 8 else "H")
    rows = [struct.pack(code, *[pixel(x, y, c) for x in range(width) for c in range(channels)]) for y in range(height)]
    return write_file(name, png_bytes(width, height, COLOR_TYPES[channels], bits, rows))


def soft(x, y, c):
    """A soft picture of 8 bits with some texture."""
    return (x * 3 + y * 2 + c * 40 + (x * y * 7 % 23)) % 256


def soft_png(name, width=64, height=48, channels=3):
    return write_png(name, width, height, channels, soft)


def unfilter(kind, row, above, step):
    for i in range(len(row)):
        left = row[i - step] if i >= step else 0
        up, corner = above[i], above[i - step] if i >= step else 0
        if kind == 1:
            row[i] = (row[i] + left) & 255
        elif kind == 2:
            row[i] = (row[i] + up) & 255
        elif kind == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        elif kind == 4:
            p = left + up - corner
            near = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))
            row[i] = (row[i] + near[2]) & 255
    return row


def read_png(name):
    """width, height, channels, bits, samples as a flat list."""
    data, at, packed = read_file(name), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, bits, color_type = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[color_type]
    raw, step = zlib.decompress(packed), channels * bits // 8
    row_bytes, above, samples = width * step, bytearray(width * step), []
    for y in range(height):
        line = raw[y * (row_bytes + 1):(y + 1) * (row_bytes + 1)]
        above = unfilter(line[0], bytearray(line[1:]), above, step)
        samples += struct.unpack(">%d%s" % (width * channels, "B" if bits == 8 else "H"), bytes(above))
    return width, height, channels, bits, samples


def tiff_bytes(width, height, channels, bits, photometric, data, extra=None, orientation=None, icc=None):
    """A little-endian TIFF of one uncompressed strip; the length of a profile is even."""
    tags = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [1]), (262, 3, [photometric]),
            (273, 4, [0]), (277, 3, [channels]), (278, 4, [height]), (279, 4, [len(data)])]
    if orientation:
        tags.append((274, 3, [orientation]))
    if extra is not None:
        tags.append((338, 3, extra))
    if icc is not None:
        tags.append((34675, 7, icc))
    tags.sort()
    at = 8 + 2 + 12 * len(tags) + 4
    blob, entries = b"", b""
    total = at + sum(2 * len(v) for _, kind, v in tags if kind == 3 and len(v) > 2) + len(icc or b"")
    for tag, kind, values in tags:
        if tag == 273:
            values = [total]
        raw = values if kind == 7 else struct.pack("<%d%s" % (len(values), "H" if kind == 3 else "I"), *values)
        if len(raw) > 4:
            raw, blob = struct.pack("<I", at + len(blob)), blob + raw
        entries += struct.pack("<HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + blob + data


def names_in(name="."):
    """Everything in a folder of the test, hidden files too, but for the journal of a batch."""
    return sorted(entry for entry in os.listdir(path(name)) if entry != ".fovea-journal")
