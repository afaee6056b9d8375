# SPDX-License-Identifier: BSD-2-Clause
"""upscale --self-test: what each method scores on the input itself, whole or by crops."""
import math

from common import *


def scene(x, y, c):
    """Flat at the left, fine texture at the right."""
    v = 120 + 40 * math.sin(0.05 * x + 0.03 * y) + 10 * c
    return int(v + (40 * math.sin(1.1 * x + 0.7 * y) * math.cos(0.9 * y) if x > 40 else 0))


write_png("a.png", 96, 72, 3, scene)
write_png("grey.png", 96, 72, 1, scene)
write_png("deep.png", 96, 72, 3, lambda x, y, c: scene(x, y, c) * 257, 16)
write_png("dot.png", 3, 3, 1, lambda x, y, c: 9)
common = ["upscale", "a.png", "-o", "o.png", "--json"]
plain = expect_ok(*common, "--method", "bicubic").json()
check("selftest" not in plain, "only when asked for")
before = read_file("o.png")
found = expect_ok(*common, "--method", "bicubic", "--self-test", "--report", "r.json").json()
test = found.get("selftest", {})
check(read_file("o.png") == before, "the result is the same")
check(json.loads(read_file("r.json")).get("selftest") == test, "the report holds it too")
check((test.get("scale"), test.get("crops"), test.get("share"), test.get("pixels")) == (2, 1, 1, 96 * 72),
      "a small picture is used whole: %s" % test)
check(test.get("method") == "bicubic" and {"bicubic", "lanczos3", "filter"} <= set(test.get("methods", {})), "methods")
methods = test["methods"]
check(test["best"] == max(methods, key=lambda m: methods[m]["psnr_y"]), "the best: %s" % test)
check(all(10 < m["psnr_y"] < 60 and 0 < m["ssim_y"] < 1 and 0 < m["fsim"] <= 1 for m in methods.values()), "figures")

# The same by hand.
expect_ok("downscale", "a.png", "-o", "small.png", "-s", "2", "--quiet")
for name in methods:
    expect_ok("upscale", "small.png", "-o", "back.png", "-s", "2", "--method", name, "--quiet")
    by_hand = expect_ok("compare", "a.png", "back.png", "--border", "2", "--json").json()
    for key in ("psnr_y", "ssim_y", "fsim"):
        check(abs(by_hand[key] - methods[name][key]) < 1e-6, "%s of %s: %s, by hand %s"
              % (key, name, methods[name][key], by_hand[key]))

for options, scale in ((("-s", "3"), 3), (("-s", "2.6"), 3), (("-s", "1.2"), 2), (("-s", "9"), 4),
                       (("--width", "290"), 3)):
    test = expect_ok(*common, *options, "--method", "nearest", "--self-test").json().get("selftest", {})
    check(test.get("scale") == scale and "nearest" in test["methods"], "%s: %s" % (options, test))
for name in ("grey.png", "deep.png"):
    test = expect_ok("upscale", name, "-o", "o.png", "--self-test", "--json", "--method", "bicubic").json()["selftest"]
    check(abs(test["methods"]["bicubic"]["psnr_y"] - methods["bicubic"]["psnr_y"]) < 4, "%s: %s" % (name, test))
test = expect_ok("upscale", "dot.png", "-o", "o.png", "--self-test", "--json", "--method", "bicubic").json()["selftest"]
check(test["crops"] == 0 and test["methods"] == {} and test["best"] is None, "too small: %s" % test)
text = expect_ok("upscale", "a.png", "-o", "o.png", "--self-test", "--method", "bicubic").out
check("self-test" in text and "* bicubic" in text and "filter" in text, "for people: %s" % text)

# A large one: flat on the left three quarters, so three quarters of the crops are flat.
row = [bytes(100 if x < 1536 else (x * 37 + y * 91 + x * y) % 251 for x in range(2048)) for y in range(64)]
write_file("large.png", png_bytes(2048, 1024, 0, 8, [row[y % 64] for y in range(1024)]))
tested = ("-s", "2", "--self-test", "--json", "--method", "bicubic")
test = expect_ok("upscale", "large.png", "-o", "l.png", *tested).json()["selftest"]
check((test["crops"], test["pixels"], test["share"]) == (16, 16 * 256 * 256, .5), "crops of half of it: %s" % test)
row = [r[1536:] for r in row]
write_file("hard.png", png_bytes(512, 512, 0, 8, [row[y % 64] for y in range(512)]))
hard = expect_ok("upscale", "hard.png", "-o", "h.png", *tested).json()["selftest"]
psnr = hard["methods"]["bicubic"]["psnr_y"] + 10 * math.log10(4)
check(abs(test["methods"]["bicubic"]["psnr_y"] - psnr) < .5, "a quarter of the error: %s, %s" % (test, psnr))
finish()
