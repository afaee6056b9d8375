#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# ./test.sh
#
# Installs what the tests need, then: builds with gcc (every warning an error) and runs all tests; builds with the
# address and undefined-behaviour sanitizers and runs the tests of library and program again; builds with clang (every
# warning an error). Ends with one line, "N passed, N failed", and returns non-zero if anything failed.
#
# FOVEA_TEST_DATA may name a folder with evaluation pictures (Set5, Set14, ...): the tests that need them are skipped
# without.
set -u

cd "$(dirname "$0")" || exit 1
. tools/setup.sh

: "${FOVEA_TEST_DATA:=}"
export FOVEA_TEST_DATA
export ASAN_OPTIONS=halt_on_error=1:detect_leaks=1:strict_string_checks=1:exitcode=99
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

n_broken=0
rm -f build/meson-logs/testlog.json build-asan/meson-logs/testlog.json

# stage TITLE COMMAND...: run it; a failure is remembered.
stage()
{
    title=$1
    shift
    say "== $title"
    if ! "$@"; then
        say "== FAILED: $title"
        n_broken=$((n_broken + 1))
        return 1
    fi
}

# build_with COMPILER FOLDER [OPTION...]
build_with()
{
    compiler=$1
    build_folder=$2
    shift 2
    (
        CC=$compiler
        export CC
        configure "$build_folder" "$@" && compile "$build_folder"
    )
}

[ -n "$FOVEA_TEST_DATA" ] || data_needs=
require "$build_needs $test_needs $data_needs" "$extra_needs"

if stage "build with gcc, warnings are errors" build_with gcc build -Dwerror=true; then
    stage "all tests" meson test -C build --no-rebuild -v
fi
if stage "build with sanitizers" build_with gcc build-asan -Dwerror=true -Dbuildtype=debugoptimized \
    -Db_ndebug=false -Db_sanitize=address,undefined -Dbench=false; then
    stage "tests of library and program under sanitizers" \
        meson test -C build-asan --no-rebuild -v --suite unit --suite api --suite cli --timeout-multiplier 5
fi
stage "build with clang, warnings are errors" build_with clang build-clang -Dwerror=true

python3 tools/count_tests.py --broken "$n_broken" build build-asan
