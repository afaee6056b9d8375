# SPDX-License-Identifier: BSD-2-Clause
"""--progress: lines of JSON whose time left is sound, a bar with and without colour, nothing."""
from common import *

row = bytes(range(256)) * 9
write_file("p.ppm", b"P6\n768 1500\n255\n" + row * 1500)
up = ["upscale", "p.ppm", "-o", "o.ppm", "-s", "4", "--threads", "1"]

run = expect_ok(*up, "--progress", "json", "--quiet")
lines = [json.loads(line) for line in run.err.splitlines()]
check(lines and all(set(line) == {"progress", "done", "seconds", "seconds_left"} for line in lines), run.err[-300:])
check([line["done"] for line in lines] == sorted(line["done"] for line in lines), "it goes on: %s" % lines)
check(lines[-1]["done"] == 1 and lines[-1]["seconds_left"] == 0, "the last line: %s" % lines[-1:])
check(all(line["seconds_left"] is None or line["seconds_left"] >= 0 for line in lines), "never negative")
check(run.out == "", "nothing on standard output under --quiet")
run = expect_ok(*up, "--progress", "json", "--json")
check(run.json().get("out", {}).get("width") == 3072, "--json beside it")

check("\033[36m[" in expect_ok(*up, "--progress", "bar", env={"NO_COLOR": ""}).err, "a bar in colour")
bar = expect_ok(*up, "--progress", "bar", env={"NO_COLOR": "1"}).err
check("%" in bar and "\033" not in bar, "NO_COLOR: %r" % bar[-200:])
for words in (["--progress", "none"], ["--progress", "bar", "--quiet"], []):  # standard error is no terminal here
    check(expect_ok(*up, *words).err == "", "no progress with %s" % words)
expect(2, "--progress", *up, "--progress", "dots")
finish()
