#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The NEON kernels: cross-compiles them for 64-bit ARM and runs their unit tests under qemu-user. That NEON ran is seen
from the tests that compare it with the reference: they must have passed, not been skipped. (Of the networks only these
run, since whole frames by the definition take a minute in emulation.) Skipped where the cross compiler or qemu-user is
missing."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

NEEDED = ("aarch64-linux-gnu-gcc", "qemu-aarch64", "meson", "ninja")
PART = {"test_net": "neon"}
PROOFS = {"test_net": ["neon_equals_reference", "neon_gate_equals_reference"],
          "test_resample": ["h_is_equal_at_every_instruction_level", "v_is_equal_at_every_instruction_level"],
          "test_filter": ["kernels_and_intervals_agree", "odd_values_are_survived"]}


def must(*command, part=""):
    """Run a command that must not fail; what it says."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=dict(os.environ, CROSS_TESTS=part))
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        sys.exit("%s\nfailed: %s" % (text[-8000:], " ".join(map(str, command))))
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        print("skipped: no " + ", no ".join(missing))
        sys.exit(77)
    how = ["--cross-file", options.source / "tools" / "aarch64.ini", "-Dkernels_only=true", "-Dwerror=true"]
    again = ["--reconfigure"] if (options.build / "build.ninja").exists() else []
    must("meson", "setup", *again, *how, options.build, options.source)
    must("ninja", "-C", options.build)
    for program, proofs in PROOFS.items():
        text = must("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", options.build / "tests" / "cross" / program,
                    part=PART.get(program, ""))
        print(text)
        for name in proofs:
            if not re.search(r"^\[ +OK \] %s$" % name, text, re.M):
                sys.exit("%s: %s did not pass" % (program, name))


main()
