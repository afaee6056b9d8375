# SPDX-License-Identifier: BSD-2-Clause
"""Convolutions of a network as an ONNX file in eight bits: a chain of QLinearConv (u8 activations, s8 weights for each
output channel), whose clamp at zero is the activation. Weights are random, skips and shuffles are left out: for timing
the same shapes."""
import random
import re
import struct

FLOAT, UINT8, INT8, INT32 = 1, 2, 3, 6


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, value):
    """One field of a protocol buffer: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, kind, dims, raw):
    return b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + field(9, raw)


def integers(name, values):
    return field(1, name) + b"".join(field(8, v) for v in values) + field(20, 7)


def node(kind, inputs, output, attributes=()):
    return (b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind) +
            b"".join(field(5, a) for a in attributes))


def value_info(name, kind, dims):
    shape = b"".join(field(1, field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def shapes(layers):
    """(edge, inputs, outputs) of each convolution."""
    return [tuple(map(int, m)) for m in re.findall(r"conv(\d+)x\d+ (\d+) (\d+)", layers)]


def write(layers, width, height, path):
    rng = random.Random(1)
    init, nodes = [], []

    def constant(name, kind, dims, raw):
        init.append(tensor(name, kind, dims, raw))
        return name

    scale = constant("scale", FLOAT, [], struct.pack("<f", 1 / 255))
    zero = constant("zero", UINT8, [], b"\0")
    nodes.append(node("QuantizeLinear", ["luma", scale, zero], "x0"))
    convolutions = shapes(layers)
    for i, (k, c_in, c_out) in enumerate(convolutions):
        weights = bytes(rng.randrange(256) for _ in range(c_out * c_in * k * k))
        inputs = ["x%d" % i, scale, zero, constant("w%d" % i, INT8, [c_out, c_in, k, k], weights),
                  constant("ws%d" % i, FLOAT, [c_out], struct.pack("<f", 1 / 127 / (k * k * c_in)) * c_out),
                  constant("wz%d" % i, INT8, [c_out], b"\0" * c_out), scale, zero,
                  constant("b%d" % i, INT32, [c_out], b"\0\0\0\0" * c_out)]
        nodes.append(node("QLinearConv", inputs, "x%d" % (i + 1),
                          [integers("kernel_shape", [k, k]), integers("pads", [k // 2] * 4)]))
    nodes.append(node("DequantizeLinear", ["x%d" % len(convolutions), scale, zero], "output"))
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "int8") + b"".join(field(5, t) for t in init) +
             field(11, value_info("luma", FLOAT, [1, 1, height, width])) +
             field(12, value_info("output", FLOAT, [1, convolutions[-1][2], height, width])))
    with open(path, "wb") as file:
        file.write(field(1, 7) + field(7, graph) + field(8, field(2, 13)))
