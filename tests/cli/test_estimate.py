# SPDX-License-Identifier: BSD-2-Clause
"""--estimate: memory as the run takes it, a time of the right order, and nothing is made."""
from common import *


def draw(name, width, height):
    row = bytes((x * 5 + c * 9 + x * x // 31) % 251 for x in range(width) for c in range(3))
    write_file("t.ppm", b"P6\n%d %d\n255\n" % (width, height) + row * height)
    expect_ok("upscale", "t.ppm", "-o", name, "-s", "1")
    os.unlink(path("t.ppm"))


def run_with_peak(*args):
    """Seconds and largest resident bytes of a run."""
    code = ("import resource, subprocess, sys, time; start = time.time();"
            "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(code, time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", code, FOVEA, *args], stdout=subprocess.PIPE, cwd=folder, check=True)
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
