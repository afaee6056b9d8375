#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Exported networks in ONNX Runtime: the same picture as ours within 1e-5. Needs node and onnxruntime-node, which
`bench/peers.sh` puts into the build folder (PEERS); says so and checks only the export where they are missing."""
import array
import json
import math
import os
import random
import re
import struct
import subprocess
import sys

from common import check, expect_ok, finish, path, read_file, write_file

RUN = """
const ort = require('onnxruntime-node'), fs = require('fs');
const [model, from, to, width, height] = process.argv.slice(1);
const bytes = fs.readFileSync(from);
const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
ort.InferenceSession.create(model).then(session =>
  session.run({ luma: new ort.Tensor('float32', data, [1, 1, Number(height), Number(width)]) })).then(result =>
  fs.writeFileSync(to, Buffer.from(result.output.data.buffer, result.output.data.byteOffset,
                                   result.output.data.byteLength)));
"""


def write_pfm(name, width, height, values):
    """Rows from the bottom up, as the format has them."""
    rows = [values[y * width:(y + 1) * width] for y in range(height)]
    data = array.array("f", [v for row in reversed(rows) for v in row])
    write_file(name, b"Pf\n%d %d\n-1.0\n" % (width, height) + data.tobytes())


def read_pfm(name):
    kind, size, order, data = read_file(name).split(b"\n", 3)
    width, height = map(int, size.split())
    values = array.array("f")
    values.frombytes(data[:4 * width * height])
    if float(order) > 0:
        values.byteswap()
    check(kind == b"Pf", "a grey picture comes back grey")
    return [v for y in reversed(range(height)) for v in values[y * width:(y + 1) * width]]


def have_runtime():
    try:
        return subprocess.run(["node", "-e", "require('onnxruntime-node')"], capture_output=True, timeout=120,
                              check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if os.environ.get("PEERS"):
    os.environ["NODE_PATH"] = os.environ["PEERS"]
runtime = have_runtime()
width, height = 45, 38
# Waves and an edge, well inside the range, so that nothing is cut off.
picture = [0.5 + 0.2 * math.sin(0.9 * x + 0.3 * y) * math.cos(0.05 * x * y) + (0.15 if x > 20 + y / 3 else 0)
           for y in range(height) for x in range(width)]
write_pfm("in.pfm", width, height, picture)
write_file("in.raw", array.array("f", picture).tobytes())


def compare(name, scale, method):
    """The exported network in ONNX Runtime against ours."""
    if not runtime:
        return
    expect_ok("upscale", "in.pfm", "-o", "out.pfm", "-s", str(scale), "--method", method, "--consistency", "off",
              "--precision", "f32", "--transfer", "encoded", "--force")
    ours = read_pfm("out.pfm")
    done = subprocess.run(["node", "-e", RUN, path("m.onnx"), path("in.raw"), path("out.raw"), str(width), str(height)],
                          capture_output=True, timeout=120, check=False)
    check(done.returncode == 0, "ONNX Runtime takes the file: " + done.stderr.decode()[-300:])
    theirs = array.array("f")
    theirs.frombytes(read_file("out.raw") if done.returncode == 0 else b"")
    worst = max((abs(a - b) for a, b in zip(ours, theirs)), default=1.)
    check(len(ours) == len(theirs) and worst < 1e-5, "%s: largest difference %g" % (name, worst))


def write_model(name, scale, layers):
    """A container with random weights, small ones in the last layer, so that nothing is cut off."""
    rng, tensors, data, last = random.Random(5), {}, b"", layers.count(";") - 2 - ("unshuffle" in layers)
    for number, text in enumerate(t.strip() for t in layers.split(";") if not t.strip().startswith("unshuffle")):
        conv = re.match(r"conv(\d)x\d (\d+) (\d+)( prelu)?", text)
        if not conv:
            continue
        k, c_in, c_out = int(conv[1]), int(conv[2]), int(conv[3])
        for kind, shape in [("weight", [c_out, c_in, k, k]), ("bias", [c_out])] + [("slope", [c_out])] * bool(conv[4]):
            n = math.prod(shape)
            spread = ((1.5 / (k * k * c_in)) ** 0.5 if kind == "weight" else 0.1) * (0.05 if number == last else 1)
            values = struct.pack("<%df" % n, *(rng.uniform(-spread, spread) for _ in range(n)))
            tensors["%d.%s" % (number, kind)] = {"dtype": "F32", "shape": shape,
                                                 "data_offsets": [len(data), len(data) + len(values)]}
            data += values
    tensors["__metadata__"] = {"format": "fovea", "version": "1", "method": "made", "scale": str(scale),
                               "layers": layers, "base": "bicubic", "base_hash": "", "command": "", "sources": "",
                               "licence": ""}
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    write_file(name, struct.pack("<Q", len(header)) + header + data)


for scale in (2, 3, 4):
    expect_ok("models", "--export", "tiny-x%d" % scale, "m.onnx")
    check(len(read_file("m.onnx")) > 35000, "the file holds the weights")
    compare("tiny-x%d" % scale, scale, "tiny")
expect_ok("models", "--export", "tiny-video-x2", "m.onnx")
compare("tiny-video-x2", 2, "tiny-video")
for scale, layers in ((2, "unshuffle 2; conv3x3 4 8 prelu; conv3x3 8 8 prelu; conv3x3 8 16; shuffle 4; add base"),
                      (3, "conv3x3 1 8; conv3x3 8 8 prelu; conv3x3 8 8; gate 0; conv3x3 8 8; gate 3; concat 0 3 5; "
                          "conv1x1 24 8; add 0; conv3x3 8 9; shuffle 3; add base")):
    write_model("made.safetensors", scale, layers)
    expect_ok("models", "--export", path("made.safetensors"), "m.onnx")
    compare("made.safetensors", scale, path("made.safetensors"))
if not runtime:
    print("no onnxruntime-node here: the numbers were not compared", file=sys.stderr)
finish()
