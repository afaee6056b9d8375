#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench/peers.sh [-b BUILD] [-n] [ARGUMENT...]
#
# This library beside others, in one interleaved run: installs what is missing of them (Debian packages by apt; ONNX
# Runtime by npm into BUILD/peers, for the processor only), builds, and runs bench_peers.py with the arguments (see its
# --help). -n: install nothing. What is not there is left out and named.
set -eu

build=build
install=1
while :; do
    case ${1-} in
    -b) build=${2?} && shift 2 ;;
    -n) install= && shift ;;
    *) break ;;
    esac
done
here=$(dirname "$0")
cd "$here/.."
. tools/setup.sh

if [ -n "$install" ]; then
    require "$build_needs" "$bench_needs"
    configure "$build"
    compile "$build"
    if command -v npm >/dev/null && ! [ -d "$build/peers/node_modules/onnxruntime-node" ]; then
        mkdir -p "$build/peers"
        say "Fetching onnxruntime-node into $build/peers"
        # Its install script would fetch libraries for graphics cards.
        (cd "$build/peers" && { [ -f package.json ] || npm init -y >/dev/null; } &&
            quiet npm install --ignore-scripts --no-audit --no-fund onnxruntime-node) || say "Going on without it."
    fi
fi
missing=$(unmet "$bench_needs")
[ -z "$missing" ] || say "Not installed, so left out: $missing"
exec python3 bench/bench_peers.py --build "$build" "$@"
