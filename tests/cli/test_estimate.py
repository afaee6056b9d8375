# SPDX-License-Identifier: BSD-2-Clause
"""--estimate: memory as the run takes it, a time of the right order, and nothing is made."""
import random

from common import *


def draw(name, width, height):
    row = bytes((x * 5 + c * 9 + x * x // 31) % 251 for x in range(width) for c in range(3))
    write_file("t.ppm", b"P6\n%d %d\n255\n" % (width, height) + row * height)
    expect_ok("upscale", "t.ppm", "-o", name, "-s", "1")
    os.unlink(path("t.ppm"))


def run_with_peak(*args):
    """Seconds and largest resident bytes of a run, in which memory that is not used is not written to either."""
    code = ("import resource, subprocess, sys, time; start = time.time();"
            "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(code, time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    plain = {key: value for key, value in os.environ.items() if key != "MALLOC_PERTURB_"}
    done = subprocess.run([sys.executable, "-c", code, FOVEA, *args], stdout=subprocess.PIPE, cwd=folder, check=True,
                          env=plain)
    result, seconds, kilobytes = done.stdout.split()
    check(result == b"0", "fovea %s: exit %s" % (" ".join(args), result))
    return float(seconds), int(kilobytes) * 1024


sanitized = b"asan" in subprocess.run(["ldd", FOVEA], stdout=subprocess.PIPE, check=False).stdout
for width, height, options in ((300, 200, []), (1600, 1000, ["--method", "bicubic", "-s", "3"]), (2000, 1500, [])):
    draw("in.png", width, height)
    told = expect_ok("upscale", "in.png", "-o", "out.png", "--estimate", "--json", *options).json()
    check(told.get("estimate") is True and told["inputs"] == 1 and told["failed"] == 0, "the JSON: %s" % told)
    check("out.png" not in names_in(), "nothing is made")
    seconds, peak = run_with_peak("upscale", "in.png", "-o", "out.png", *options)
    if not sanitized:
        check(.75 < told["peak_bytes"] / peak < 1.25, "%dx%d: %.0f MB for %.0f MB" % (width, height,
                                                                                 told["peak_bytes"] / 1e6, peak / 1e6))
    check(seconds / 20 < told["seconds"] < seconds * 20, "%dx%d: %.2f s for %.2f s, however busy the machine is" %
          (width, height, told["seconds"], seconds))
    os.unlink(path("out.png"))

# Encoders that take the whole picture hold many times its bytes, with loss fewer; how many hangs on the picture.
writable = " ".join(f["extensions"] for f in expect_ok("version", "--json").json()["formats"] if f["write"]).split()
for ending, options in (("webp", []), ("webp", ["--quality", "90"]), ("jxl", []), ("jxl", ["--quality", "90"]),
                        ("jp2", [])):
    if ending not in writable:
        continue
    words = ["upscale", "in.png", "-o", "out." + ending, "-s", "1.5", "--method", "nearest", *options]
    told = expect_ok(*words, "--estimate", "--json").json()
    _, peak = run_with_peak(*words)
    if not sanitized:
        check(.7 < told["peak_bytes"] / peak < 1.4, "%s %s: %.0f MB for %.0f MB" % (ending, options,
                                                                                  told["peak_bytes"] / 1e6, peak / 1e6))
    os.unlink(path("out." + ending))

# The time follows what there is to be done, by factors that no other load gives: pixels, the encoder's work, a piece.
os.mkdir(path("tmp"))


def told_seconds(*args):
    run = expect_ok("upscale", *args, "--estimate", "--json", env={"TMPDIR": path("tmp")})
    return run.json().get("seconds", 0)


rng = random.Random(8)
for name, width, height in (("wide.ppm", 3200, 2400), ("narrow.ppm", 800, 600)):
    write_file(name, b"P6\n%d %d\n255\n" % (width, height) + rng.randbytes(3 * width * height))
deep = ["-s", "4", "--method", "small", "--precision", "f32"]
few, many = told_seconds("narrow.ppm", "-o", "o.ppm", *deep), told_seconds("wide.ppm", "-o", "o.ppm", *deep)
check(many > 4 * few, "16 times the pixels: %.2f s and %.2f s" % (few, many))
plain = ["-s", "1", "--method", "nearest"]
easy, hard = (told_seconds("wide.ppm", "-o", "o." + name, *plain) for name in ("ppm", "webp"))
check(hard > 3 * easy, "encoding counts: %.2f s for PPM, %.2f s for WebP" % (easy, hard))
piece = told_seconds("wide.ppm", "-o", "o.webp", *plain, "--crop", "0,0,320,240")
check(piece < .5 * hard, "a piece: %.2f s, the whole: %.2f s" % (piece, hard))
check(names_in("tmp") == [], "the sample's file is removed: %s" % names_in("tmp"))
os.rmdir(path("tmp"))
os.unlink(path("wide.ppm"))
os.unlink(path("narrow.ppm"))

# Many: some are sampled, each is told of; one that cannot be read is named.
os.mkdir(path("many"))
for i in range(9):
    shutil.copy(path("in.png"), path("many/%d.png" % i))
write_file("many/cut.png", read_file("in.png")[:-100])
run = expect(1, "cut.png", "upscale", "many", "-o", "made", "--estimate", "--json", "--method", "nearest")
told = run.json()
check(told["inputs"] == 10 and told["failed"] == 1 and len(told["items"]) == 9, "many: %s" % run.out[:300])
check(all(i["seconds"] > 0 and i["peak_bytes"] > 1e6 for i in told["items"]), "each has figures")
check(abs(sum(i["seconds"] for i in told["items"]) / told["seconds"] - 1) < .5, "together")
check(not os.path.exists(path("made")), "no folder is made")
text = expect_ok("upscale", "in.png", "-o", "o.jpg", "--estimate", "--method", "nearest").out
check("in.png" in text and " s " in text and "MB" in text, "for people: %s" % text)
expect(5, "", "upscale", "in.png", "-o", "o.jpg", "--estimate", "--max-memory", "65M")
expect(2, "", "upscale", "-", "-o", "o.jpg", "--estimate")
check(names_in() == ["in.png", "many"], "nothing else was made: %s" % names_in())
finish()
