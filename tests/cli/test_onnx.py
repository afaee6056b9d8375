#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Exported networks in ONNX Runtime: the same picture as ours within 1e-5. Needs node and onnxruntime-node, which
`bench/peers.sh` puts into the build folder (PEERS); says so and checks only the export where they are missing."""
import array
import math
import os
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
for scale in (2, 3, 4):
    expect_ok("models", "--export", "tiny-x%d" % scale, "m%d.onnx" % scale)
    check(len(read_file("m%d.onnx" % scale)) > 35000, "the file holds the weights")
    if not runtime:
        continue
    expect_ok("upscale", "in.pfm", "-o", "out.pfm", "-s", str(scale), "--method", "tiny", "--consistency", "off",
              "--force")
    ours = read_pfm("out.pfm")
    done = subprocess.run(["node", "-e", RUN, path("m%d.onnx" % scale), path("in.raw"), path("out.raw"), str(width),
                           str(height)], capture_output=True, timeout=120, check=False)
    check(done.returncode == 0, "ONNX Runtime takes the file: " + done.stderr.decode()[-300:])
    theirs = array.array("f")
    theirs.frombytes(read_file("out.raw") if done.returncode == 0 else b"")
    worst = max((abs(a - b) for a, b in zip(ours, theirs)), default=1.)
    check(len(ours) == len(theirs) and worst < 1e-5, "x%d: largest difference %g" % (scale, worst))
if not runtime:
    print("no onnxruntime-node here: the numbers were not compared", file=sys.stderr)
finish()
