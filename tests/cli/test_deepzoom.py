# SPDX-License-Identifier: BSD-2-Clause
"""DeepZoom: tiles that put together are the flat result; metadata; a folder and a file that come and go together."""
import hashlib
import random
import resource
import signal
import time
import xml.etree.ElementTree

from common import *
from dressed import *

NAME = "{http://schemas.microsoft.com/deepzoom/2008}"
if not any(f["name"] == "DeepZoom" and f["write"] for f in expect_ok("version", "--json").json()["formats"]):
    print("skipped: this libvips has no dzsave")
    finish()


def describe(name):
    """Width, height, tile size, overlap, ending of the tiles."""
    image = xml.etree.ElementTree.parse(path(name)).getroot()
    size = image.find(NAME + "Size")
    return [int(v) for v in (size.get("Width"), size.get("Height"), image.get("TileSize"), image.get("Overlap"))] + [
        image.get("Format")]


def levels(name):
    """The tiles of each level: {level: {(column, row): path}}."""
    found, tiles = {}, name[:-4] + "_files"
    for level in os.listdir(path(tiles)):
        for tile in os.listdir(path(tiles + "/" + level)):
            column, row = tile.split(".")[0].split("_")
            found.setdefault(int(level), {})[int(column), int(row)] = "%s/%s/%s" % (tiles, level, tile)
    return found


def put_together(name, level):
    """Samples of a level whose tiles are PNG, checked where they overlap; width, height, samples, disagreements."""
    width, height, size, overlap, _ = describe(name)
    for _ in range(max(levels(name)) - level):
        width, height = (width + 1) // 2, (height + 1) // 2
    samples, wrong = {}, 0
    for (column, row), tile in levels(name)[level].items():
        w, h, n, _, data = read_png(tile)
        left, top = column * size - (overlap if column else 0), row * size - (overlap if row else 0)
        for y in range(h):
            for x in range(w):
                pixel = tuple(data[(y * w + x) * n:(y * w + x) * n + n])
                wrong += samples.setdefault((left + x, top + y), pixel) != pixel
    flat = [v for y in range(height) for x in range(width) for v in samples.pop((x, y))]
    return width, height, flat, wrong + len(samples)


def tree(name="."):
    """Hash of each file below a folder, the journal left out."""
    found = {}
    for top, _, files in os.walk(path(name)):
        for file in files:
            full = os.path.join(top, file)
            if ".fovea-journal" not in file:
                with open(full, "rb") as data:
                    found[os.path.relpath(full, path(name))] = hashlib.sha256(data.read()).hexdigest()
    return found


def start(*words):
    return subprocess.Popen([FOVEA, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# ---- the picture ----
soft_png("in.png", 301, 140)
expect_ok("upscale", "in.png", "-o", "flat.png", "-s", "2")
expect_ok("upscale", "in.png", "-o", "a.b.dzi", "-s", "2", "--compression", "png")
width, height, channels, _, flat = read_png("flat.png")
check(describe("a.b.dzi") == [602, 280, 254, 1, "png"], "the description: %s" % describe("a.b.dzi"))
check(sorted(levels("a.b.dzi")) == list(range(11)), "levels: %s" % sorted(levels("a.b.dzi")))
check(put_together("a.b.dzi", 10) == (width, height, flat, 0), "the deepest level is the flat result")
w, h, half, wrong = put_together("a.b.dzi", 9)
mean = [sum(flat[((2 * y + j) * width + 2 * x + i) * 3 + c] for i in (0, 1) for j in (0, 1)) / 4
        for y in range(h) for x in range(w) for c in range(3)]
check((w, h, wrong) == (301, 140, 0) and max(abs(a - b) for a, b in zip(half, mean)) <= 1, "the next level is its mean")
check(put_together("a.b.dzi", 0)[:2] == (1, 1), "the first level is one pixel")
check(sorted(os.listdir(path("a.b_files"))) == sorted(str(i) for i in range(11)), "nothing else: %s" %
      os.listdir(path("a.b_files")))

# JPEG unless there is transparency; each tile is close to the same part of the flat result
expect_ok("upscale", "in.png", "-o", "j.dzi", "-s", "2")
check(describe("j.dzi")[4] == "jpg", "JPEG is what viewers expect")
expect_ok("upscale", "in.png", "-o", "part.png", "-s", "2", "--crop", "253,0,256,255")
compared = expect_ok("compare", "part.png", levels("j.dzi")[10][1, 0], "--json").json()
check(compared.get("psnr_y", 0) > 38, "a tile of JPEG: %s dB" % compared.get("psnr_y"))
coarse = expect_ok("upscale", "in.png", "-o", "q.dzi", "-s", "2", "--quality", "30")
check(os.path.getsize(path(levels("q.dzi")[10][1, 0])) < .6 * os.path.getsize(path(levels("j.dzi")[10][1, 0])),
      "--quality counts")
soft_png("alpha.png", 50, 40, 4)
expect_ok("upscale", "alpha.png", "-o", "alpha.dzi", "-s", "6")
expect_ok("upscale", "alpha.png", "-o", "alpha-flat.png", "-s", "6")
check(put_together("alpha.dzi", 9) == (300, 240, read_png("alpha-flat.png")[4], 0), "transparency is kept, in PNG")
soft_png("grey.png", 50, 40, 1)
expect_ok("upscale", "grey.png", "-o", "grey.dzi", "--compression", "png")
check(read_png(levels("grey.dzi")[7][0, 0])[2] == 1, "grey stays grey")
for words, part in ((["--compression", "jpeg"], "compression jpeg"), (["--compression", "lzw"], "compression lzw"),
                    (["--quality", "80"], "PNG"), (["--bitdepth", "16"], "16")):
    expect(2, ["alpha.dzi", part], "upscale", "alpha.png", "-o", "alpha.dzi", *words)
write_png("deep.png", 20, 20, 3, lambda x, y, c: soft(x, y, c) * 257, bits=16)
expect(0, "8 bits", "upscale", "deep.png", "-o", "deep.dzi")

# ---- metadata: the profile in each tile, byte for byte; the rest has no place, which is said ----
soft_png("tagged.png", 301, 140)
dress("tagged.png")
expect(0, "EXIF, XMP, IPTC left out", "upscale", "tagged.png", "-o", "t.dzi", "--compression", "png", "-s", "2")
for tile in (levels("t.dzi")[10][2, 1], levels("t.dzi")[0][0, 0]):
    check(metadata_of(tile) == {"icc": profile()}, "the profile in %s: %s" % (tile, sorted(metadata_of(tile))))
check(put_together("t.dzi", 10)[2] == flat, "and the same pixels")

# ---- a file and a folder that come and go together ----
os.mkdir(path("d"))
up = ["upscale", "in.png", "-o", "d/x.dzi", "--method", "bicubic"]
expect_ok(*up, "-s", "4")
large = tree("d")
expect_ok(*up)
small = tree("d")
check(describe("d/x.dzi")[:2] == [602, 280] and sorted(levels("d/x.dzi")) == list(range(11)), "replaced as a whole")
expect(4, "exists", *up, "--no-clobber")
write_file("cut.png", read_file("in.png")[:-20])
expect(3, "cut.png", "upscale", "cut.png", *up[2:])
check(tree("d") == small and len(large) > len(small), "a failure leaves the old one as it was: %s" % names_in("d"))
os.makedirs(path("f/x_files/photos"))
expect(4, "folder beside", *[word.replace("d/x", "f/x") for word in up])
check(names_in("f") == ["x_files"] and names_in("f/x_files") == ["photos"], "a folder of other things is left alone")
expect(2, "standard output", "upscale", "in.png", "-o", "-", "--format", "dzi")
expect(2, "--reference", *up, "--reference", "flat.png")
estimate = expect_ok(*up, "--estimate", "--json").json()
check(estimate.get("seconds", 0) > 0 and tree("d") == small, "--estimate makes nothing")


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


noise = random.Random(1)
write_png("noise.png", 300, 200, 3, lambda x, y, c: noise.randrange(256))
os.mkdir(path("full"))
run = subprocess.run([FOVEA, "upscale", "noise.png", "-o", "full/x.dzi", "--method", "bicubic", "--quiet"], cwd=folder,
                     stderr=subprocess.PIPE, preexec_fn=limit_files, check=False)
check(run.returncode == 4 and names_in("full") == [], "a full disc: exit %d, %s, %s" %
      (run.returncode, run.stderr, names_in("full")))
row = bytes(x * 7 % 256 for x in range(6000))
write_file("long.ppm", b"P6\n2000 3000\n255\n" + row * 3000)
for number, left in ((signal.SIGINT, 0), (signal.SIGKILL, 1)):
    os.mkdir(path("k%d" % number))
    child = start("upscale", "long.ppm", "-o", "k%d/x.dzi" % number, "-s", "2", "--quiet", "--method", "tiny")
    for _ in range(2000):
        if any(files for _, _, files in os.walk(path("k%d" % number))) or child.poll() is not None:
            break
        time.sleep(.005)
    child.send_signal(number)
    child.communicate(timeout=60)
    names = names_in("k%d" % number)
    check(child.returncode in (6, -9) and len(names) <= left and not any("x" in n.split(".")[0] for n in names),
          "signal %d: exit %d, %s" % (number, child.returncode, names))

# ---- batches ----
os.mkdir(path("in"))
for i in range(6):
    soft_png("in/p%d.png" % i, 200 + i, 150)
batch = ["upscale", "in", "--format", "dzi", "-s", "3", "--json"]
check(expect_ok(*batch, "-o", "plain").json().get("made") == 6, "a batch")
plain = tree("plain")
check(expect_ok(*batch, "-o", "plain").json().get("up_to_date") == 6, "nothing to be done a second time")
check(tree("plain") == plain and len(plain) > 6 * 12, "and the same bytes")
victim = sorted(name for name in plain if "p3_files/10" in name)[1]
write_file("plain/" + victim, b"changed")
os.remove(path("plain/p4_files/0/0_0.jpg"))
run = expect(1, ["p3", "p4", "exists"], *batch, "-o", "plain").json()
check((run.get("up_to_date"), run.get("failed")) == (4, 2), "a tile that was changed or removed is noticed")
check(read_file("plain/" + victim) == b"changed", "nothing is overwritten without --force")
check(expect_ok(*batch, "-o", "plain", "--force").json().get("made") == 2 and tree("plain") == plain, "--force repairs")
for delay in [.15, .3, .45, .6, .9] + [1.5] * 20:
    child = start(*batch, "-o", "killed")
    try:
        child.communicate(timeout=delay)
        break
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
    now = tree("killed")
    whole = {name[:2] for name in now if name.endswith(".dzi") and "/" not in name}
    check(all(now.get(n) == plain[n] for n in plain if n[:2] in whole), "where there is a .dzi the tiles are there")
expect_ok(*batch, "-o", "killed")
check(tree("killed") == plain and not any(n.startswith(".fovea-work") for n in names_in("killed")),
      "killed and gone on: the same bytes, and nothing else: %s" % names_in("killed"))
finish()
