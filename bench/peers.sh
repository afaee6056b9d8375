#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench/peers.sh [-b BUILD] [ARGUMENT...]
#
# Networks beside other run times, in one interleaved run. What is missing of them is put into BUILD/peers (npm's
# onnxruntime-node, for the processor only) or named (OpenCV for Python, which Debian has as python3-opencv); one that
# is not there is left out and said so. Arguments go to bench_peers.py (see its --help).
set -eu

build=build
if [ "${1:-}" = -b ]; then
    build=$2
    shift 2
fi
here=$(dirname "$0")
[ -x "$build/bench/bench_frame" ] || { echo "no $build/bench/bench_frame: build first" >&2 && exit 2; }
if ! [ -d "$build/peers/node_modules/onnxruntime-node" ]; then
    if command -v npm >/dev/null; then
        mkdir -p "$build/peers"
        echo "fetching onnxruntime-node into $build/peers" >&2
        # Its install script would fetch libraries for graphics cards.
        (cd "$build/peers" && { [ -f package.json ] || npm init -y >/dev/null; } &&
            npm install --ignore-scripts --no-audit --no-fund onnxruntime-node >&2) || echo "without ONNX Runtime" >&2
    else
        echo "without ONNX Runtime: it needs npm and node" >&2
    fi
fi
exec python3 "$here/bench_peers.py" --build "$build" "$@"
