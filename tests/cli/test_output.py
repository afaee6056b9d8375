# SPDX-License-Identifier: BSD-2-Clause
"""Outputs that cannot be written (exit code 4), failed and cancelled writes: nothing is left in the folder."""
import random
import resource
import signal
import subprocess
import time

from common import *

soft_png("a.png")
write_file("file", b"x")
os.mkdir(path("d"))
before = names_in()
up = ["upscale", "a.png", "--method", "bicubic", "-o"]

for name, words in (("out.bmp", "ending"), ("out", "ending"), ("no/out.png", "does not exist"),
                    ("file/out.png", "file"), ("out.png.gz", "ending"), ("/proc/none/out.png", "/proc/none"),
                    ("no/d/", "no/d")):
    expect(4, words, *up, name)
expect(4, "PGM", *up, "colour.pgm")
expect(4, "d.png", *up, "ok.png", "--report", "no/d.png.json")
expect(4, "no/m.png", *up, "ok.png", "--map", "no/m.png")
expect(4, "m.gif", *up, "ok.png", "--map", "m.gif")
expect(4, "no/out.png", "downscale", "a.png", "-o", "no/out.png", "-s", "2")
expect(4, "no/out.png", "analyze", "a.png", "-o", "no/out.png")
if os.geteuid() != 0:
    os.mkdir(path("locked"), 0o555)
    expect(4, "locked", *up, "locked/out.png")
    os.rmdir(path("locked"))
check(names_in() == before, "something was left: %s" % names_in())

# a disc that fills up: no file may grow beyond 20 kB
def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


noise = random.Random(1)
write_png("noise.png", 100, 90, 3, lambda x, y, c: noise.randrange(256))
os.mkdir(path("full"))
for ending in ("png", "jpg", "tif", "webp", "ppm", "pfm"):
    run = subprocess.run([FOVEA, "upscale", path("noise.png"), "-o", path("full/out." + ending), "--method", "bicubic"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit_files, check=False)
    check(run.returncode == 4 and b"out." + ending.encode() in run.stderr, "full, %s: exit %d, %s" %
          (ending, run.returncode, run.stderr))
    check(names_in("full") == [], "full, %s: %s left" % (ending, names_in("full")))

# one input overwrites without asking, and a failure leaves the old file as it was
expect_ok(*up, "once.png")
old = read_file("once.png")
write_file("cut.png", read_file("a.png")[:-20])
expect(3, "cut.png", "upscale", "cut.png", "--method", "bicubic", "-o", "once.png")
check(read_file("once.png") == old, "a failed write changed the old file")
expect_ok(*up, "once.png", "-s", "3")
check(read_file("once.png") != old, "one input overwrites")

# a symbolic link stays a link, its target is replaced
os.symlink("once.png", path("link.png"))
expect_ok(*up, "link.png")
check(os.path.islink(path("link.png")) and read_file("once.png") == old, "the link's target was written")

# a folder takes the input's name; one that ends in a slash is made
expect_ok(*up, "d")
expect_ok(*up, "new/")
check(names_in("d") == ["a.png"] and names_in("new") == ["a.png"], "folders as outputs: %s" % names_in("d"))

# Ctrl-C
row = bytes(range(256)) * 12
write_file("large.ppm", b"P6\n1024 1024\n255\n" + row * 1024)
for number in (signal.SIGINT, signal.SIGTERM):
    for ending in ("png", "jpg", "tif", "ppm"):
        os.makedirs(path("c"), exist_ok=True)
        run = subprocess.Popen([FOVEA, "upscale", path("large.ppm"), "-o", path("c/out." + ending), "-s", "8",
                                "--method", "lanczos3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(400):
            if names_in("c"):
                break
            time.sleep(.05)
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
        check(run.returncode == 6, "signal %d, %s: exit %d, %s" % (number, ending, run.returncode, err))
        check(b"cancelled" in err and names_in("c") == [], "signal %d, %s: %s left" % (number, ending, names_in("c")))

# while an encoder has the whole picture, which it would keep for a long time; twice at once, as timeout(1) does it
run = subprocess.Popen([FOVEA, "upscale", path("large.ppm"), "-o", path("c/out.webp"), "-s", "8", "--method", "bicubic",
                        "--compression", "lossless", "--progress", "json"],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
lines = []
while not lines or json.loads(lines[-1])["done"] < 1:
    lines.append(run.stderr.readline())
check(all(json.loads(line)["seconds_left"] is None for line in lines), "the encoder's time is not known: %s" % lines)
run.send_signal(signal.SIGINT)
run.send_signal(signal.SIGINT)
begun = time.time()
_, err = run.communicate(timeout=60)
check(run.returncode == 6 and b"cancelled" in err, "encoding: exit %d, %s" % (run.returncode, err))
seconds = time.time() - begun
check(names_in("c") == [] and seconds < 3, "encoding: %s left, %.1f s" % (names_in("c"), seconds))
finish()
