# SPDX-License-Identifier: BSD-2-Clause
"""Every command's JSON: one object on standard output, with the documented keys and plausible values."""
import math

from common import *

soft_png("a.png", 96, 80)
soft_png("b.png", 96, 80)
os.mkdir(path("set"))
soft_png("set/one.png", 72, 60)
soft_png("set/two.png", 61, 53)
write_file("set/notes.txt", b"no picture")


def keys(found, expected, what):
    missing = [k for k in expected.split() if k not in found]
    check(not missing, "%s lacks %s" % (what, missing))


run = expect_ok("upscale", "a.png", "-o", "o.png", "-s", "3", "--method", "bicubic", "--json", "--report", "r.json")
found = run.json()
keys(found, "input output in out scale method chain stages_ms total_ms tiles fallbacks consistency routing peak_bytes "
     "settings models version", "upscale")
check(found == json.loads(read_file("r.json")), "--report holds what --json prints")
check(found.get("in") == {"width": 96, "height": 80} and found.get("out") == {"width": 288, "height": 240}, "sizes")
check(found.get("scale") == [3, 3] and found.get("method") == "bicubic", "scale and method")
keys(found.get("tiles", {}), "classic filter tiny network fallback", "tiles")
check(sum(found.get("tiles", {}).values()) == 6 * 5, "each tile is counted once: %s" % found.get("tiles"))
keys(found.get("stages_ms", {}), "read analysis routing base filter network consistency checks write", "stages")
keys(found.get("consistency", {}), "steps rms max within_2", "consistency")
keys(found.get("routing", {}), "max_loss predicted_loss_db saved_network_share saved_ms", "routing")
keys(found.get("settings", {}), "method scale width height preset max_loss budget precision "
     "consistency threads", "settings")
check(found.get("consistency", {}).get("steps") == 0, "a classical method has no consistency by default")
check(found.get("precision", 0) is None, "without a network there is no precision")
for precision in ("f32", "bf16", "int8"):
    run = expect_ok("upscale", "a.png", "-o", "o.png", "--method", "tiny", "--precision", precision, "--json")
    check(run.json().get("precision") == precision, "precision %s: %s" % (precision, run.json().get("precision")))
run = expect_ok("upscale", "a.png", "-o", "o.png", "--method", "bicubic", "--consistency", "on", "--json")
on = run.json().get("consistency", {})
check(on.get("steps", 0) > 0 and on.get("rms") is not None, "--consistency on is measured: %s" % on)

for options, size in ((("-s", "1.5"), (144, 120)), (("--width", "50"), (50, 42)), (("--height", "33"), (40, 33)),
                      (("--width", "7", "--height", "90"), (7, 90)), (("-s", "0.25"), (24, 20)),
                      (("-s", "0.01"), None)):
    run = Run("upscale", "a.png", "-o", "s.png", "--method", "bicubic", *options)
    check(run.code == (0 if size else 2), "%s: exit %d %s" % (options, run.code, run.err))
    if size:
        check(read_png("s.png")[:2] == size, "%s: %s" % (options, read_png("s.png")[:2]))

found = expect_ok("compare", "a.png", "b.png", "--json").json()
keys(found, "psnr_y ssim_y psnr ms_ssim fsim fsimc gmsd identical", "compare")
check([found.get(k, 0) for k in ("psnr_y", "psnr", "identical")] == [None, None, True], "identical: null")
write_png("g1.png", 32, 32, 1, lambda x, y, c: 100)
write_png("g2.png", 32, 32, 1, lambda x, y, c: 110)
found = expect_ok("compare", "g1.png", "g2.png", "--json").json()
check(abs(found.get("psnr", 0) - 20 * math.log10(25.5)) < 1e-6, "a PSNR that is known: %s" % found)
check(found.get("identical") is False, "not identical")
inside = expect_ok("compare", "g1.png", "g2.png", "--border", "4", "--json").json()
check(inside.get("psnr") == found.get("psnr"), "the border of a flat picture changes nothing")

found = expect_ok("analyze", "a.png", "--json", "-o", "map.png").json()
keys(found, "input width height tiles_x tiles_y quantiles features difficulty_classes map", "analyze")
check(len(found.get("features", {})) == 10, "nine features and the difficulty: %s" % found.get("features"))
check(abs(sum(found.get("difficulty_classes", [])) - 1) < 1e-9, "the classes are shares of one")
check(read_png("map.png")[:4] == (96, 80, 3, 8), "the map has the picture's size")

found = expect_ok("evaluate", "set", "-s", "3", "--method", "bicubic", "--method", "lanczos3", "--json").json()
keys(found, "scale images methods", "evaluate")
check(found.get("scale") == 3 and found.get("images") == 2, "evaluate counts pictures")
check(sorted(found.get("methods", {})) == ["bicubic", "lanczos3"], "evaluate names methods")
for scores in found.get("methods", {}).values():
    keys(scores, "psnr_y ssim_y ms", "a method's scores")
    check(5 < scores["psnr_y"] < 60 and scores["ms"] > 0, "plausible scores: %s" % scores)
text = expect_ok("evaluate", "set", "-s", "2", "--method", "bicubic", "--consistency", "on").out
check("bicubic" in text and "steps" in text, "the table says what consistency was used")

found = expect_ok("downscale", "a.png", "-o", "d.png", "-s", "3", "--json").json()
size = found.get("width"), found.get("height")
check(size == (32, 26) and read_png("d.png")[:2] == size, "downscale crops first")
found = expect_ok("info", "a.png", "--json").json()
keys(found, "file format width height channels alpha bits orientation icc exif xmp", "info")
found = expect_ok("version", "--json").json()
keys(found, "version instruction_set threads features libraries", "version")
terms = {entry.get("name"): entry.get("licence", "") for entry in found.get("libraries", [])}
check("LGPL" in terms.get("libvips", ""), "licences: %s" % terms)
found = expect_ok("models", "--json").json()
for model in found.get("models", []):
    keys(model, "method scale hash parameters layers base sources licence command", "a model")
found = expect_ok("bench", "--method", "bicubic", "--size", "64", "--runs", "3", "--json").json()
keys(found.get("methods", {}).get("bicubic", {}), "ms least_ms most_ms stages_ms ms_per_megapixel peak_bytes "
     "bytes_per_megapixel psnr_y", "bench")

# the numbers do not change with the locale, nor the bytes with threads, instruction sets and strips
up = ["upscale", "a.png", "-s", "1.5", "--method", "bicubic", "-o"]
expect_ok(*up, "l.png", env={"LC_ALL": "de_DE.UTF-8"})
expect_ok(*up, "m.png", "--threads", "1", env={"FOVEA_CPU": "c"})
expect_ok(*up, "n.png", "--strip", "3")
check(read_file("l.png") == read_file("m.png"), "the same bytes with one thread and no vectors")
check(read_file("l.png") == read_file("n.png"), "the same bytes in other strips")
finish()
