# SPDX-License-Identifier: BSD-2-Clause
"""The page of --report as a file: self-contained, holds what --json prints, escapes what names try; large pictures are
bounded; faults leave nothing."""
import base64
import re

from common import *

ISLAND = re.compile(r'<script type="application/json" id="(report|pictures)">(.*?)</script>', re.S)


def islands(name):
    """The JSON within a page, by id."""
    with open(path(name), encoding="utf-8") as file:
        return {key: json.loads(text) for key, text in ISLAND.findall(file.read())}


def size_of(uri):
    """Width and height of an embedded PNG, None for other pictures."""
    kind, data = uri.split(";base64,")
    data = base64.b64decode(data, validate=True)
    return struct.unpack(">II", data[16:24]) if kind == "data:image/png" else None


soft_png("a.png", 96, 80)
run = expect_ok("upscale", "a.png", "-o", "o.png", "-s", "3", "--json", "--report", "r.html")
found, text = islands("r.html"), read_file("r.html").decode()
check(found.get("report") == run.json(), "the page holds what --json prints")
check("</html>" in text and text.count("<script>") == 1, "one script, and the page is complete")
check(not re.search(r'(src|href)="(?!data:)', text), "nothing is loaded")
check("default-src 'none'" in text, "a policy forbids loading")
shown = found.get("pictures", {})
check((shown.get("width"), shown.get("height"), shown.get("whole_scale")) == (288, 240, 1), "the size of the result")
check(sorted(shown.get("layers", {})) == ["bicubic", "input", "result"], "layers: %s" % sorted(shown))
sizes = {key: size_of(layer["pieces"][0]["src"]) for key, layer in shown.get("layers", {}).items()}
check(sizes == {"bicubic": (288, 240), "result": (288, 240), "input": (96, 80)}, "small pictures whole: %s" % sizes)
result = base64.b64decode(shown["layers"]["result"]["pieces"][0]["src"].split(",")[1])
write_file("shown.png", result)
check(read_png("shown.png") == read_png("o.png"), "the page shows the samples of the result")
maps = {o["key"]: (size_of(o["src"]), o["w"], o["h"]) for o in shown.get("overlays", [])}
check(maps.get("provenance") == ((6, 5), 288, 240) and "difficulty" in maps, "a pixel a tile: %s" % maps)
for model in found["report"]["models"]:
    check(all(model.get(k) for k in ("hash", "licence", "sources")), "models: hash, terms, sources: %s" % list(model))
check("selftest" in found["report"], "without the truth there is a self-test")
check("upscale a.png -o o.png -s 3" in found["report"].get("command", ""), "the command that repeats it")

# the JSON of a page and the one of a file are the same but for what depends on time and names
expect_ok("upscale", "a.png", "-o", "o.png", "-s", "3", "--report", "r.json")
check(sorted(json.loads(read_file("r.json"))) == sorted(found["report"]), "the same keys")

# names that try to end the element they stand in
os.mkdir(path("x<"))
nasty = "x</script><!--&\"'\\u0041\xe9.png"
os.rename(soft_png("b.png", 40, 40), path(nasty))
expect_ok("upscale", nasty, "-o", "out' <i>.png", "--report", "n.html")
found, text = islands("n.html"), read_file("n.html").decode()
check(found.get("report", {}).get("input") == nasty, "a name survives: %s" % found.get("report", {}).get("input"))
check(text.count("</script>") == 3 and "<!--" not in text, "a name ends no element")
check("'out'\\'' <i>.png'" in found["report"]["command"], "the command is quoted: %s" % found["report"]["command"])
raw = os.path.join(os.fsencode(folder), b"raw\xff\xc3.png")
os.rename(path(nasty), raw)
expect_ok("upscale", os.fsdecode(raw), "-o", "u.png", "--report", "u.html", "--quiet")
check(islands("u.html").get("report", {}).get("input", "").endswith("raw\ufffd\ufffd.png"),
      "a name that is no UTF-8")

# every kind of picture: depth, alpha, grey, many bands, reduction
for name, channels, bits in (("g.png", 1, 8), ("ga.png", 2, 8), ("rgba.png", 4, 8), ("d.png", 3, 16), ("e.png", 4, 16)):
    write_png(name, 33, 21, channels, lambda x, y, c, m=257 if bits == 16 else 1: soft(x, y, c) * m, bits)
    expect_ok("upscale", name, "-o", "k.tif", "-s", "1.7", "--report", "k.html")
    layers = islands("k.html").get("pictures", {}).get("layers", {})
    check(size_of(layers["result"]["pieces"][0]["src"]) == (56, 36), "%s is shown" % name)
bands = tiff_bytes(30, 20, 6, 8, 1, bytes(range(256)) * 14 + bytes(16), [0] * 5)
write_file("m.tif", bands)
expect_ok("upscale", "m.tif", "-o", "k.tif", "--method", "bicubic", "--report", "k.html")
check(size_of(islands("k.html")["pictures"]["layers"]["result"]["pieces"][0]["src"]) == (60, 40), "six bands are shown")
expect_ok("upscale", "a.png", "-o", "k.png", "-s", "0.3", "--report", "k.html")

# large: the whole is reduced, details are not
expect_ok("upscale", "a.png", "-o", "l.ppm", "--width", "1500", "--height", "1280", "--method", "bicubic", "--report",
          "l.html")
shown = islands("l.html").get("pictures", {})
pieces = shown["layers"]["result"]["pieces"]
check(abs(shown["whole_scale"] - .884) < .001 and pieces[0]["src"].startswith("data:image/jpeg"), "a reduced whole")
check(len(pieces) == 1 + len(shown["details"]) >= 2, "details of a large picture: %d" % len(shown["details"]))
check({size_of(p["src"]) for p in pieces[1:]} == {(512, 384)}, "details are not reduced")
check(os.path.getsize(path("l.html")) < 6e6, "the page's size is bounded: %d" % os.path.getsize(path("l.html")))

# with a reference: the figures of compare, for the result and for bicubic, and the picture
expect_ok("downscale", "a.png", "-o", "small.png", "-s", "2")
expect_ok("upscale", "small.png", "-o", "plain.png", "--method", "bicubic")
run = expect_ok("upscale", "small.png", "-o", "up.png", "--reference", "a.png", "--json", "--report", "f.html")
check("selftest" not in run.json() and "reference" in run.json(), "with the truth there are its figures")
found = islands("f.html")
figures = run.json().get("reference", {})
check(found["report"].get("reference") == figures and figures.get("file") == "a.png", "the page has the figures")
for key, name in (("result", "up.png"), ("bicubic", "plain.png")):
    expected = expect_ok("compare", "a.png", name, "--border", "2", "--json").json()
    for figure in ("psnr_y", "ssim_y", "psnr", "gmsd", "fsim"):
        check(figures[key][figure] == expected[figure], "%s, %s: %s" % (name, figure, figures[key][figure]))
check(size_of(found["pictures"]["layers"]["reference"]["pieces"][0]["src"]) == (96, 80), "the reference is shown")
before = names_in()
expect(3, "96x80", "upscale", "small.png", "-o", "z.png", "-s", "3", "--reference", "a.png")
expect(3, "channels", "upscale", "g.png", "-o", "z.png", "--width", "96", "--height", "80", "--reference", "a.png")
expect(3, "missing.png", "upscale", "a.png", "-o", "z.png", "--reference", "missing.png")
expect(2, "one input", "upscale", "a.png", "small.png", "-o", "z", "--reference", "a.png")
expect(2, "--reference", "upscale", "small.png", "-o", "up.png", "--reference", "up.png")
check(names_in() == before, "something was written: %s" % names_in())

# faults
before = names_in()
expect(4, "missing", "upscale", "a.png", "-o", "z.png", "--report", "missing/r.html")
expect(2, "--report", "upscale", "a.png", "-o", "z.png", "--report", "r.htm")
check(names_in() == before, "something was written: %s" % names_in())
finish()
