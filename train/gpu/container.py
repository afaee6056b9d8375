# SPDX-License-Identifier: BSD-2-Clause
"""Containers (safetensors) as fovea-train reads and writes them; numpy only."""
import json
import struct

import numpy as np

DTYPES = {'F32': np.float32, 'F16': np.float16, 'I8': np.int8}


def read(path):
    """Metadata and tensors, the latter as float32."""
    with open(path, 'rb') as f:
        n = struct.unpack('<Q', f.read(8))[0]
        header = json.loads(f.read(n))
        body = f.read()
    meta = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry['data_offsets']
        values = np.frombuffer(body[start:end], DTYPES[entry['dtype']])
        tensors[name] = values.reshape(entry['shape']).astype(np.float32)
    return meta, tensors


def write(path, meta, tensors):
    """Tensors as float32, in the order of their names, data aligned to 8 bytes."""
    header, body = {'__metadata__': {k: str(v) for k, v in sorted(meta.items())}}, b''
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name], '<f4')
        header[name] = {'dtype': 'F32', 'shape': list(data.shape), 'data_offsets': [len(body), len(body) + data.nbytes]}
        body += data.tobytes()
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + body)
