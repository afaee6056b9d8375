#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--costs: measured costs are reported and repeat the run; files that hold none are refused."""
import json
import os

from common import check, expect, expect_ok, finish, path, soft_png

soft_png("in.png", 320, 240)
RUN = ["upscale", "in.png", "-s", "2", "--max-loss", "0.5", "--precision", "f32", "--force", "--json"]


def run(out, *more):
    return expect_ok(*RUN, "-o", out, *more).json()


def pixels(name):
    with open(path(name), "rb") as f:
        return f.read()


plain = run("plain.ppm")
check(plain["costs"]["x2"]["filter"] < plain["costs"]["x2"]["tiny"] < plain["costs"]["x2"]["small"],
      "the committed costs rise: %s" % plain["costs"])
measured = run("measured.ppm", "--costs", "measure", "--report", "measured.json")
costs = measured["costs"]
check(set(costs) == {"x2", "x3", "x4"}, "all scales are measured: %s" % list(costs))
for scale in costs:
    check(0 < costs[scale]["tiny"] < costs[scale]["small"] < 1e8, "%s: small costs more than tiny: %s" %
          (scale, costs[scale]))
again = run("again.ppm", "--costs", "measured.json")
check(again["costs"] == costs, "what is read is what was written")
check(pixels("again.ppm") == pixels("measured.ppm") and again["tiles"] == measured["tiles"], "the run is repeated")

# what is said counts: a small that costs nothing is taken, one that costs the world is not
for name, cost in (("cheap", 1e-3), ("dear", 1e8)):
    with open(path(name + ".json"), "w") as f:
        json.dump({"x2": {"filter": 10, "tiny": 100, "small": cost}}, f)
cheap, dear = (run(name + ".ppm", "--costs", name + ".json") for name in ("cheap", "dear"))
check(cheap["tiles"]["small"] > dear["tiles"]["small"], "tiles of small: %d where it is cheap, %d where it is dear" %
      (cheap["tiles"]["small"], dear["tiles"]["small"]))

for name, text, words in (("empty.json", "{}", "no costs"), ("broken.json", "{", "line 1"),
                          ("bad.json", '{"x2": {"tiny": -1}}', "tiny at x2"),
                          ("word.json", '{"costs": {"x4": {"small": "much"}}}', "small at x4")):
    with open(path(name), "w") as f:
        f.write(text)
    expect(3, [name, words], *RUN, "-o", "none.ppm", "--costs", name)
expect(3, ["nowhere.json"], *RUN, "-o", "none.ppm", "--costs", "nowhere.json")
check(not os.path.exists(path("none.ppm")), "nothing is written then")
finish()
