#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write model containers as one C file: for each an array aligned to 64 bytes, and the table of all.

Usage: embed.py little|big OUTPUT.c CONTAINER...

The bytes go in as 64-bit words, which compilers read several times faster than single bytes; the order of bytes within
a word is that of the machine the library is built for.
"""
import pathlib
import struct
import sys

WORDS_A_LINE = 5


def array(number, data, endian):
    padded = data + bytes(-len(data) % 8)
    words = struct.unpack(f'{"<" if endian == "little" else ">"}{len(padded) // 8}Q', padded)
    lines = [', '.join(f'0x{w:016x}' for w in words[i:i + WORDS_A_LINE]) for i in range(0, len(words), WORDS_A_LINE)]
    body = ',\n    '.join(lines)
    return f'static const _Alignas(64) uint64_t bytes_{number}[{len(words)}] = {{\n    {body}\n}};\n'


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ('little', 'big'):
        sys.exit(__doc__)
    endian, output = sys.argv[1], pathlib.Path(sys.argv[2])
    containers = [pathlib.Path(name) for name in sys.argv[3:]]
    text = ['/* Made by tools/embed.py. */\n#include <stdint.h>\n\n#include "model/builtin.h"\n\n']
    rows = []
    for i, path in enumerate(containers):
        data = path.read_bytes()
        text.append(array(i, data, endian) + '\n')
        rows.append(f'    {{ "{path.stem}", bytes_{i}, {len(data)} }},\n')
    text.append('const struct fovi_builtin fovi_builtin_table[] = {\n')
    text += rows
    text.append('    { 0, 0, 0 },\n};\n')
    output.write_text(''.join(text))


if __name__ == '__main__':
    main()
