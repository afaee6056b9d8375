# SPDX-License-Identifier: BSD-2-Clause
"""Several inputs: the folder, names that collide, files that exist, one that fails."""
from common import *

for name in ("a.png", "b.png", "c.png"):
    soft_png(name, 20, 16)
os.mkdir(path("sub"))
soft_png("sub/a.png", 20, 16)
write_file("cut.png", read_file("a.png")[:60])
write_file("file", b"x")
up = ["upscale", "--method", "bicubic"]

expect_ok(*up, "a.png", "b.png", "c.png", "-o", "out")
check(names_in("out") == ["a.png", "b.png", "c.png"], "all three: %s" % names_in("out"))
check(read_png("out/b.png")[:2] == (40, 32), "the size of one of them")

# existing files are kept without --force
first = read_file("out/a.png")
os.remove(path("out/c.png"))
expect(1, ["out/a.png", "out/b.png", "--force", "2 of 3"], *up, "a.png", "b.png", "c.png", "-o", "out", "-s", "3")
kept = read_file("out/a.png") == first
check(kept and read_png("out/c.png")[:2] == (60, 48), "what exists is kept, the rest is made")
expect_ok(*up, "a.png", "b.png", "c.png", "-o", "out", "-s", "3", "--force")
check(read_png("out/a.png")[:2] == (60, 48), "--force overwrites")

# a failing input is named and does not stop the rest
four = ["a.png", "cut.png", "absent.png", "b.png"]
run = expect(1, ["cut.png", "absent.png", "2 of 4"], *up, *four, "-o", "some", "--json")
check(names_in("some") == ["a.png", "b.png"], "the good ones are there: %s" % names_in("some"))
results = run.json().get("results", [])
check(run.json().get("failed") == 2 and len(results) == 4, "the JSON counts")
check([r.get("exit_code", 0) for r in results] == [0, 3, 3, 0], "the JSON names the codes: %s" % results)
check("cut.png" in results[1].get("error", "") and "tiles" in results[0], "the JSON holds reasons and reports")

# refused before anything starts
expect(2, "two inputs", *up, "a.png", "sub/a.png", "-o", "none")
expect(2, "two inputs", *up, "a.png", "a.png", "-o", "none")
expect(2, "input", *up, "a.png", "b.png", "-o", ".")
expect(4, "file", *up, "a.png", "b.png", "-o", "file")
expect(4, "no/none", *up, "a.png", "b.png", "-o", "no/none")
expect(2, "--map", *up, "a.png", "b.png", "-o", "none", "--map", "m.png")
check(not os.path.exists(path("none")) and not os.path.exists(path("no")), "refused before a folder is made")

# other formats keep their ending; one that cannot be written becomes PNG
write_file("p.pbm", b"P1\n2 2\n1 0 0 1\n")
expect_ok("upscale", "a.png", "-o", "j.jpg", "-s", "1", "--method", "nearest")
expect_ok(*up, "j.jpg", "p.pbm", "-o", "kinds", "--report", "report.json")
check(names_in("kinds") == ["j.jpg", "p.png"], "endings: %s" % names_in("kinds"))
check(json.loads(read_file("report.json")).get("inputs") == 2, "the report of a batch")
finish()
