# SPDX-License-Identifier: BSD-2-Clause
"""fovea evaluate: several scales, the figures asked for, rows of pictures, CSV."""
import csv
import io

from common import *

os.mkdir(path("set"))
soft_png("set/one.png", 48, 60)
soft_png('set/two, "2".png', 61, 40)

ALL = ["psnr_y", "ssim_y", "psnr", "ms_ssim", "fsim", "fsimc", "gmsd", "ergas", "sam", "delta_e"]
run = expect_ok("evaluate", "set", "-s", "2,3", "--method", "bicubic", "--method", "nearest", "--metrics", "all",
                "--json", "--csv", "out.csv")
found = run.json()
check([s.get("scale") for s in found.get("scales", [])] == [2, 3], "two scales: %s" % list(found))
check(found.get("images") == 2 and found.get("folder") == "set", "images and folder")
rows = list(csv.DictReader(io.StringIO(read_file("out.csv").decode())))
check(len(rows) == 2 * 2 * 2, "a row for each picture, method and scale: %d" % len(rows))
check(rows and list(rows[0]) == ["scale", "method", "picture", "width", "height"] + ALL + ["ms"], "columns")
for scale in found.get("scales", []):
    for word, method in scale["methods"].items():
        pictures = method.get("pictures", [])
        check([p["name"] for p in pictures] == ["one.png", 'two, "2".png'], "pictures by name")
        check(pictures[1]["width"] == 61 - 61 % scale["scale"], "sizes are those after the crop")
        mine = [r for r in rows if r["method"] == word and int(r["scale"]) == scale["scale"]]
        for key in ALL:
            values = [p.get(key) for p in pictures]
            check(all((v is None) == (r[key] == "") for v, r in zip(values, mine)), "CSV and JSON lack the same")
            check(key == "ms_ssim" or all(v is not None for v in values), "%s is there: %s" % (key, values))
            if None in values:
                check(method[key] is None, "a mean of nothing is null")
                continue
            check(abs(method[key] - sum(values) / 2) < 1e-9, "%s is the mean over the pictures" % key)
            check(all(abs(v - float(r[key])) < 1e-4 for v, r in zip(values, mine)), "%s in the CSV" % key)
        check(method["ms_per_mp"] > 0, "time for a megapixel")
    curve = scale.get("curve", [])
    times = [p["ms_per_mp"] for p in curve]
    check(len(curve) == 2 and times == sorted(times), "the curve runs from fast to slow: %s" % curve)
    top = -1
    for point in curve:
        check(point["best"] == (point["psnr_y"] > top), "best: no faster one scores as high: %s" % curve)
        top = max(top, point["psnr_y"])

one = expect_ok("evaluate", "set", "-s", "3", "--method", "bicubic", "--json").json()
check("scales" not in one and "fsim" not in one["methods"]["bicubic"], "one scale, nothing asked: as documented")
check(one["methods"]["bicubic"]["psnr_y"] == found["scales"][1]["methods"]["bicubic"]["psnr_y"], "the same figures")
low, high = (expect_ok("evaluate", "set", "-s", "3", "--method", "bicubic", "--json", "--jpeg", q).json()
             for q in ("20", "100"))
check(low["jpeg_quality"] == 20 and "jpeg_quality" not in one, "the quality is in the JSON: %s" % list(low))
score = [r["methods"]["bicubic"]["psnr_y"] for r in (low, high, one)]
check(score[0] < score[1] - .3 and abs(score[1] - score[2]) < .2, "compressed pictures score lower: %s" % score)
# consistency with a coarse JPEG is left out, unless it is asked for
for more, has_steps in (([], 1), (["--jpeg", "30"], 0), (["--jpeg", "30", "--consistency", "on"], 1),
                        (["--jpeg", "90"], 1)):
    run = expect_ok("evaluate", "set", "-s", "3", "--method", "auto", "--json", *more).json()
    check((run["methods"]["auto"]["consistency_steps"] > 0) == bool(has_steps),
          "%s: %s" % (more, run["methods"]["auto"]))
soft_png("soft.png", 96, 80)
for quality, has_steps in (("40", 0), ("62", 0), ("63", 1), ("90", 1)):
    expect_ok("upscale", "soft.png", "-o", "soft.jpg", "-s", "1", "--quality", quality, "--force")
    run = expect_ok("upscale", "soft.jpg", "-o", "soft-2.png", "-s", "2", "--force", "--json").json()
    check(run["settings"]["jpeg_quality"] == int(quality) and (run["consistency"]["steps"] > 0) == bool(has_steps),
          "a JPEG file of quality %s: %s, %s" % (quality, run["settings"]["jpeg_quality"], run["consistency"]))
# and of such a file auto makes no more than the filter or tiny do
for quality, method in (("40", "filter"), ("50", "tiny")):
    run = expect_ok("evaluate", "set", "-s", "3", "--method", "auto", "--method", method, "--json", "--consistency",
                    "off", "--max-loss", "0.0001", "--jpeg", quality).json()["methods"]
    check(run["auto"]["psnr_y"] == run[method]["psnr_y"], "of quality %s auto is %s: %s" % (quality, method, run))
run = expect_ok("upscale", "soft.png", "-o", "soft-2.png", "-s", "2", "--force", "--json").json()
check(run["settings"]["jpeg_quality"] is None and run["consistency"]["steps"] > 0, "a PNG is none")
text = expect_ok("evaluate", "set", "-s", "2,4", "--method", "bicubic", "--metrics", "ssim,gmsd").out
check("GMSD" in text and "FSIM" not in text and "x2" in text and "x4" in text, "the tables: %s" % text)

for scale, word in (("2,2", "twice"), ("2,,3", "not a number"), ("1", "within"), ("2,17", "within"),
                    ("4,2.5", "whole"), ("2,3,4,5,6,7,8,9,10", "more than 8")):
    expect(2, ["--scale", word], "evaluate", "set", "-s", scale)
expect(2, ["--jpeg", "within"], "evaluate", "set", "-s", "2", "--jpeg", "101")
expect(2, ["--metrics", "vmaf"], "evaluate", "set", "-s", "2", "--metrics", "fsim,vmaf")
expect(4, "nowhere", "evaluate", "set", "-s", "2", "--csv", "nowhere/out.csv")
check(not [n for n in names_in() if n.endswith(".tmp")], "no temporary file is left")
finish()
