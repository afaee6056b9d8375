# SPDX-License-Identifier: BSD-2-Clause
"""Several inputs: the folder, names that collide, files that exist, one that fails."""
import shutil
import subprocess

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

# the other answers to a file that exists
write_file("out/b.png", b"mine")
three = ["a.png", "b.png", "c.png", "-o", "out"]
run = expect_ok(*up, *three, "--skip-existing", "--json").json()
check((run["skipped"], run["made"]) == (3, 0) and read_file("out/b.png") == b"mine", "--skip-existing: %s" % run)
expect(1, ["out/b.png", "exists", "3 of 3"], *up, *three, "--no-clobber")
expect(4, "out/b.png", *up, "b.png", "-o", "out/b.png", "--no-clobber")
expect_ok(*up, "b.png", "-o", "out/b.png", "--skip-existing")
check(read_file("out/b.png") == b"mine", "it was never touched")
expect(2, "exclude", *up, *three, "--force", "--skip-existing")
table = expect_ok(*up, *three, "--force").out
check("made 3" in table and "failed 0 of 3" in table, "the summary: %s" % table)
check(".fovea-journal" in os.listdir(path("out")), "there is a journal")
expect_ok(*up, "a.png", "b.png", "-o", "bare", "--journal", "off")
check(os.listdir(path("bare")) and ".fovea-journal" not in os.listdir(path("bare")), "--journal off")

# names of outputs
template = "{{{stem}}}_{scale}x-{method}{ext}"
expect_ok(*up, "a.png", "b.png", "-o", "named", "--name", template, "--format", "tif", "-s", "1.5")
check(names_in("named") == ["{a}_1.5x-bicubic.tif", "{b}_1.5x-bicubic.tif"], "--name: %s" % names_in("named"))
for template in ("{stem", "stem}", "{size}{ext}", "x/{stem}{ext}"):
    expect(2, "--name", *up, "a.png", "b.png", "-o", "none", "--name", template)
expect(4, "ending", *up, "a.png", "b.png", "-o", "none", "--name", "{stem}.xyz")
expect(4, "ending", *up, "a.png", "b.png", "-o", "none", "--format", "xyz")
expect(2, "two inputs", *up, "a.png", "b.png", "-o", "none", "--name", "same.png")
expect(2, "{scale}", *up, "a.png", "-o", "none/", "--name", "{scale}.png", "--width", "30")

# folders, and what a dry run says
os.makedirs(path("tree/sub/.hidden"))
for name in ("tree/x.png", "tree/sub/y.png", "tree/sub/.hidden/z.png"):
    shutil.copy(path("a.png"), path(name))
os.symlink(path("tree"), path("tree/sub/loop"))
dry = expect_ok(*up, "tree", "-o", "tree/made", "--recursive", "--dry-run", "--json").json()
check([(i["output"], i["action"], i["out"]) for i in dry["items"]] ==
      [("tree/made/x.png", "make", [40, 32]), ("tree/made/sub/y.png", "make", [40, 32])], "--dry-run: %s" % dry)
check(not os.path.exists(path("tree/made")), "a dry run makes nothing")
for _ in range(2):  # the second time the output folder, which lies in the input folder, holds pictures
    expect_ok(*up, "tree", "-o", "tree/made", "--recursive")
    check(names_in("tree/made") == ["sub", "x.png"], "the tree: %s" % names_in("tree/made"))
    check(names_in("tree/made/sub") == ["y.png"], "below: %s" % names_in("tree/made/sub"))
expect_ok(*up, "tree", "-o", "flat")
check(names_in("flat") == ["x.png"], "without --recursive: %s" % names_in("flat"))
os.mkdir(path("empty"))
expect(3, ["empty", "--recursive"], *up, "empty", "-o", "flat")

# a name that is no UTF-8
odd = os.path.join(os.fsencode(folder), b"odd\xff.png")
shutil.copy(path("a.png"), odd)
for _ in range(2):
    words = [b"upscale", odd, b"a.png", b"-o", b"odd", b"--method", b"bicubic"]
    done = subprocess.run([os.fsencode(FOVEA), *words], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check(done.returncode == 0, "no UTF-8: %s" % done.stderr)
check(b"up to date 2" in done.stdout, "its line in the journal is found again: %s" % done.stdout)

# limits
expect(5, "--max-memory", *up, "a.png", "-o", "m.png", "--max-memory", "10M")
expect(2, "--max-memory", *up, "a.png", "-o", "m.png", "--max-memory", "much")
expect_ok(*up, "a.png", "-o", "m.png", "--max-memory", "0.2G")
for name in ("w1.ppm", "w2.ppm"):
    write_file(name, b"P6\n20000 16\n255\n" + bytes(range(240)) * 4000)
wide = ["upscale", "w1.ppm", "w2.ppm", "--method", "small", "--precision", "f32", "--threads", "1", "--format", "ppm",
        "--json"]
expect_ok(*wide, "-o", "wide", "--max-memory", "230M")
results = expect(1, ["w1.ppm", "memory limit"], *wide, "-o", "wide2", "--max-memory", "230M", "--jobs", "2").json()
check([r.get("exit_code") for r in results["results"]] == [5, 5], "--jobs share the memory: %s" % results)
expect(5, "w1.ppm", *wide[:2], *wide[3:], "-o", "w.ppm", "--max-memory", "100M")
write_file("bomb.png", png_bytes(20000, 20000, 0, 1, [b"\0" * 2500] * 20000))
expect(5, ["bomb.png", "bytes would unpack to 20000x20000", "--allow-huge"], *up, "bomb.png", "-o", "m.png")
write_file("claim.png", png_bytes(60000, 60000, 0, 1, [b"\0"]))
expect(5, ["claim.png", "limit", "--allow-huge"], *up, "claim.png", "-o", "m.png")
expect(5, ["claim.png", "limit", "--allow-huge"], *up, "claim.png", "-o", "m.png", "--max-memory", "2G")

# a progressive file is decoded as a whole, outside the context
if shutil.which("vips"):
    draw = ["vips", "jpegsave", path("whole.ppm"), path("whole.jpg"), "--interlace"]
    write_file("whole.ppm", b"P6\n2400 2000\n255\n" + bytes(range(240)) * 60000)
    subprocess.run(draw, check=True)
    expect_ok(*up, "whole.jpg", "-o", "m.png", "-s", ".5", "--max-memory", "150M")
    expect(5, ["whole.jpg", "decoded as a whole", "29 MB", "--max-memory"], *up, "whole.jpg", "-o", "m.png", "-s", ".5",
           "--max-memory", "90M")
    data = read_file("whole.jpg")
    at = data.index(b"\xff\xc2")
    write_file("scans.jpg", data[:at + 5] + struct.pack(">HH", 28000, 28000) + data[at + 9:])
    expect(5, ["scans.jpg", "decoded as a whole", "4.7 GB", "28000x28000", "--allow-huge"], *up, "scans.jpg", "-o",
           "m.png")
    check("whole" in expect_ok("info", "whole.jpg").out, "info says so")
os.mkfifo(path("fifo.png"))
expect(3, ["fifo.png", "regular"], *up, "fifo.png", "-o", "m.png", timeout=20)

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
