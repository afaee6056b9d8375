# SPDX-License-Identifier: BSD-2-Clause
"""What was added and what error is expected: maps for the eye, maps of 16 bits, JSON, and that they agree."""
from common import *


def texture(x, y, c):
    return soft(x, y, c) if x < 40 else 60 + (x * 37 + y * 91 + x * y * 13) % 130


def figures(name):
    width, height, channels, bits, pixels = read_png(name)
    check((width, height, channels, bits) == (5, 3, 1, 16), "%s: a 16-bit pixel a tile" % name)
    return [value / 256 for value in pixels]


write_png("a.png", 72, 48, 3, texture)
up = ("upscale", "a.png", "-s", "2", "-o", "x.png")
maps = []
for kind in ("added", "uncertainty", "added16", "uncertainty16", "provenance16"):
    maps += ["--map", "%s:%s.png" % (kind, kind)]
for method in ("auto", "tiny", "filter"):
    run = expect_ok(*up, "--method", method, *maps, "--json").json()
    for key, kind, rms in (("added", "added16", "added_rms"), ("uncertainty", "uncertainty16", "predicted_rms_error")):
        values = sorted(figures(kind + ".png"))
        quantiles = run[key]
        check(abs(values[-1] - quantiles["max"]) < .01 and abs(values[7] - quantiles["p50"]) < .01,
              "%s, %s: map and JSON agree: %s, %s" % (method, key, values, quantiles))
        order = [quantiles[q] for q in ("p10", "p50", "p90", "p99", "max")]
        check(order == sorted(order), "%s, %s: quantiles rise: %s" % (method, key, order))
        total = (sum(v * v * (.5 if i % 5 == 4 else 1) for i, v in enumerate(figures(kind + ".png"))) / 13.5) ** .5
        check(abs(total - run[rms]) < .02, "%s, %s: %g over the picture, not %g" % (method, rms, total, run[rms]))
    error = figures("uncertainty16.png")
    check(error[8] > 2 * error[5], "%s: texture is less certain than a gradient: %s" % (method, error))
    paths = [round(256 * v) for v in figures("provenance16.png")]
    number = {"classic": 0, "filter": 1, "tiny": 2, "network": 3, "fallback": 4, "small": 5, "medium": 6, "large": 7}
    counted = {name: paths.count(n) for name, n in number.items()}
    check(counted == run["tiles"], "%s: paths %s, tiles %s" % (method, counted, run["tiles"]))
    for kind in ("added", "uncertainty"):
        width, height, channels, bits, pixels = read_png(kind + ".png")
        check((width, height, channels, bits) == (72, 48, 3, 8), "%s: a map of the input's size" % kind)
        heat = [pixels[3 * (40 * 72 + x)] for x in (4, 60)]
        check(heat[1] > heat[0] + 20, "%s, %s: texture glows: %s" % (method, kind, heat))

run = expect_ok(*up, "--method", "tiny", "--json").json()
check("uncertainty" not in run and "added" in run, "a fixed method expects an error only where it is asked to")
run = expect_ok(*up, "--method", "tiny", "--report", "r.json") and json.loads(read_file("r.json"))
check(run["uncertainty"]["max"] > 0, "as it is by a report")
expect(4, "leaves no map", *up, "--method", "bicubic", "--map", "added:m.png")
write_png("v.png", 72, 48, 3, lambda x, y, c: 60 + x if x < 40 else 100 + (x * 37 + y * 91 + x * y * 13) % 43)
up = ("upscale", "v.png", "-s", "2", "-o", "x.png")
run = expect_ok(*up, "--method", "tiny", "--mode", "vivid", "--map", "detail16:d.png", "--map", "detail:e.png",
                "--json").json()
detail = figures("d.png")
check(abs(max(detail) - run["detail"]["max"]) < .01 and run["detail"]["rms"] > 0, "detail: %s" % run["detail"])
check(detail[8] > 10 * detail[5], "texture gets detail, a gradient none: %s" % detail)
check(0 < run["detail"]["predicted_cost_db"] <= .22, "within the default cost: %s" % run["detail"])
check(run["settings"]["detail_cost"] == .2, "the setting is told")
more = expect_ok(*up, "--method", "tiny", "--mode", "vivid", "--detail-cost", "1", "--json").json()
check(more["detail"]["rms"] > 1.5 * run["detail"]["rms"], "a higher cost gives more: %s" % more["detail"])
check(more["consistency"]["rms"] < .5, "and the input back all the same: %s" % more["consistency"])
expect(2, "--detail-cost", *up, "--mode", "vivid", "--detail-cost", "4")
expect(4, "leaves no map", *up, "--map", "detail:m.png")
expect(2, "kind 'fear'", *up, "--map", "fear:m.png")
finish()
