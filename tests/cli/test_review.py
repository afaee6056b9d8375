# SPDX-License-Identifier: BSD-2-Clause
"""--report of several inputs: which results are flagged, the worst first, and the page of it; the page of evaluate."""
import re

from common import *

ISLAND = re.compile(r'<script type="application/json" id="(report|pictures)">(.*?)</script>', re.S)


def islands(name):
    with open(path(name), encoding="utf-8") as file:
        return {key: json.loads(text) for key, text in ISLAND.findall(file.read())}


def dots(x, y, c):
    return 255 if (x * 7 + y * 13) % 17 == 0 else 0


soft_png("soft.png", 64, 48)
write_png("dots.png", 64, 48, 3, dots)
write_png("flat.png", 64, 48, 3, lambda x, y, c: 90)
write_file("bad.png", b"no picture")
inputs = ["soft.png", "dots.png", "flat.png", "bad.png"]

run = expect(1, "bad.png", "upscale", *inputs, "-o", "out", "--consistency", "on", "--json", "--report", "r.html")
found = islands("r.html")
check(found.get("report") == run.json(), "the page holds what --json prints")
results = {os.path.basename(r["input"]): r for r in found["report"].get("results", [])}
check(len(results) == 4 and "error" in results["bad.png"], "all inputs are listed")
check(all("selftest" in r for r in results.values() if "review" in r), "a report without the truth has a self-test")
judged = {name: r["review"] for name, r in results.items() if "review" in r}
check(sorted(judged) == ["dots.png", "flat.png", "soft.png"], "what was made is judged: %s" % sorted(judged))
check(judged["flat.png"]["severity"] < 1, "a flat picture: %s" % judged["flat.png"])
for name, verdict in judged.items():
    check(verdict["flagged"] == (verdict["severity"] > 1) == bool(verdict["failed"]), "%s: %s" % (name, verdict))
    rms = results[name]["consistency"]["rms"]
    check(any(f["check"] == "rms" for f in verdict["failed"]) == (rms > .5), "%s: rms %g, %s" % (name, rms, verdict))
check(judged["dots.png"]["flagged"], "lone dots cannot be given back: %s" % results["dots.png"]["consistency"])
# what docs/report.md says: the limits, and how bad a figure is by its distance from one
LIMITS = {"rms": .5, "within2": .995, "fallback": 0, "energy": 10.5, "uncertainty": 17.5, "psnr": 22.6, "ssim": .57}
LEAST = ("within2", "psnr", "ssim")


def severity(key, value, limit):
    if key in ("within2", "ssim"):
        return (1 - value) / (1 - limit)
    if key == "psnr":
        return 10 ** ((limit - value) / 20)
    if key == "fallback":
        return 1 + 10 * (value - limit) if value > limit else 0
    return value / limit


def check_verdicts(report, limits):
    said = {limit["check"]: limit for limit in report["review"]["limits"]}
    check({key: limit["limit"] for key, limit in said.items()} == limits, "the limits: %s" % said)
    check(all(limit["is_least"] == (key in LEAST) for key, limit in said.items()), "least or most: %s" % said)
    for result in report["results"]:
        if "review" not in result:
            continue
        verdict, name = result["review"], os.path.basename(result["input"])
        bad = {key: severity(key, value, limits[key]) for key, value in verdict["figures"].items() if key in limits}
        check(abs(verdict["severity"] - max(bad.values())) < 1e-6, "%s: severity %s of %s" % (name, verdict, bad))
        check({f["check"] for f in verdict["failed"]} == {key for key in bad if bad[key] > 1}, "%s: %s, %s" %
              (name, bad, verdict["failed"]))
        check(verdict["flagged"] == (max(bad.values()) > 1), "%s is flagged where a limit is broken" % name)


check_verdicts(found["report"], LIMITS)
flagged = [name for name in judged if judged[name]["flagged"]]
check(found["report"]["review"]["flagged"] == len(flagged), "the count of flagged results")
check(sorted(os.path.basename(p) for p in found["pictures"]) == sorted(flagged), "pictures of the flagged ones only")
for shown in found["pictures"].values():
    check(sorted(shown["layers"]) == ["bicubic", "result"], "both are shown: %s" % sorted(shown["layers"]))

# other limits
more = ["--force", "--consistency", "on", "--report", "r.json", "--review-limits"]
expect_ok("upscale", *inputs[:3], "-o", "out", *more, "rms=0.0001,within2=off")
report = json.loads(read_file("r.json"))
checks = [limit["check"] for limit in report["review"]["limits"]]
check("rms" in checks and "within2" not in checks, "a limit that is off: %s" % checks)
check(report["review"]["flagged"] >= 2, "a strict limit: %s" % report["review"])
check_verdicts(report, {key: limit for key, limit in dict(LIMITS, rms=.0001).items() if key != "within2"})
# just past and just within a limit, for each figure that there is
measured = json.loads(read_file("r.json"))["results"][0]["review"]["figures"]
check(set(measured) == set(LIMITS), "a figure for each limit: %s" % measured)
for key, value in measured.items():
    if value == 0 or value == 1:
        continue
    for part in (.999, 1.001):
        limits = dict.fromkeys(LIMITS, "off")
        limits[key] = "%.9f" % (value * part)
        expect_ok("upscale", *inputs[:2], "-o", "out", *more, ",".join("%s=%s" % pair for pair in limits.items()))
        report = json.loads(read_file("r.json"))
        check_verdicts(report, {key: round(value * part, 9)})
        verdict = report["results"][0]["review"]
        check(verdict["flagged"] == ((part > 1) == (key in LEAST)), "%s %g at %g: %s" % (key, value, part, verdict))
# tiles that fell back count by their share of all
plant("bad.safetensors", 0.)
write_png("half.png", 64, 48, 3, lambda x, y, c: x * 5 + y * 7 & 255 if x > 40 else 90)
expect_ok("upscale", "soft.png", "half.png", "-o", "fallen", "--method", "bad.safetensors", "--report", "r.json")
report = json.loads(read_file("r.json"))
check_verdicts(report, LIMITS)
shares = [r["review"]["figures"]["fallback"] for r in report["results"]]
check(shares[0] == 1 and .2 < shares[1] < .8, "shares of fallen tiles: %s" % shares)
expect_ok("upscale", *inputs[:3], "-o", "out", *more, "rms=255,within2=0,energy=255,uncertainty=255,psnr=off,ssim=off")
check(json.loads(read_file("r.json"))["review"]["flagged"] == 0, "loose limits flag nothing")
for wrong in ("rms", "rms=", "rms=-1", "rms=x", "sharpness=1", "rms=1,,psnr=2", "rms=1;psnr=2"):
    expect(2, "--review-limits", "upscale", *inputs[:3], "-o", "out", "--force", "--review-limits", wrong)

# one input into a new folder is a batch of one
expect_ok("upscale", "soft.png", "-o", "new/", "--report", "one.html")
check(len(islands("one.html").get("report", {}).get("results", [])) == 1, "a batch of one has a review too")

# evaluate
os.mkdir(path("set"))
for i in range(4):
    write_png("set/p%d <i>.png" % i, 70 + i, 60, 3, lambda x, y, c, m=3 + 12 * i: (x * 3 + y * 2 + x * y * 7 % m) & 255)
methods = ["--method", "bicubic", "--method", "lanczos3"]
run = expect_ok("evaluate", "set", "-s", "2,3", *methods, "--json", "--report", "e.html")
found = islands("e.html")
check(found.get("report") == run.json(), "the page of evaluate holds what --json prints")
worst = found["pictures"]["worst"]
check([w["scale"] for w in worst] == [2] * 3 + [3] * 3, "three of each scale: %s" % [w["scale"] for w in worst])
for scale in found["report"]["scales"]:
    best = max(scale["methods"], key=lambda m: scale["methods"][m]["psnr_y"])
    order = sorted(scale["methods"][best]["pictures"], key=lambda p: p["psnr_y"])
    shown = [w for w in worst if w["scale"] == scale["scale"]]
    check([w["name"] for w in shown] == [p["name"] for p in order[:3]], "the worst come first")
    for w in shown:
        check([p["title"] for p in w["pieces"]] == ["original", "bicubic", "lanczos3"], "each method is shown")
        scores = [p["psnr_y"] for p in w["pieces"][1:]]
        check(scores == [next(p["psnr_y"] for p in scale["methods"][m]["pictures"] if p["name"] == w["name"])
                         for m in ("bicubic", "lanczos3")], "with its own score")
expect_ok("evaluate", "set", "-s", "2", *methods, "--report", "e.json", "--quiet")
check("methods" in json.loads(read_file("e.json")), "JSON as a file")
expect(2, "--report", "evaluate", "set", "-s", "2", *methods, "--report", "e.txt")
expect(4, "missing", "evaluate", "set", "-s", "2", *methods, "--report", "missing/e.html")
finish()
