# SPDX-License-Identifier: BSD-2-Clause
"""fovea-train net without a recipe: a built-in network fine-tuned on a folder, with a curve, and what is refused."""
import csv
import io
import random

from common import *

TRAIN = os.environ["FOVEA_TRAIN"]


def stripes(seed):
    """Hard-edged boxes, as in screenshots."""
    rng = random.Random(seed)
    boxes = [(rng.randrange(160), rng.randrange(140), rng.randrange(3, 30), rng.randrange(3, 20), rng.randrange(256))
             for _ in range(60)]

    def pixel(x, y, c):
        value = 240
        for x0, y0, w, h, v in boxes:
            if x0 <= x < x0 + w and y0 <= y < y0 + h:
                value = v
        return value
    return pixel


def train(code, words, *args):
    run = subprocess.run([TRAIN, "net", *args], capture_output=True, text=True, cwd=path("."), timeout=200)
    check(run.returncode == code and all(w in run.stderr for w in words),
          "%s: %d: %s" % (args, run.returncode, run.stderr[-300:]))


os.mkdir(path("pages"))
os.mkdir(path("few"))
for i in range(6):
    write_png("pages/%d.png" % i, 160, 140, 1, stripes(i))
write_png("few/0.png", 160, 140, 1, stripes(9))
expect_ok("models", "--export", "tiny-x2", "tiny.safetensors")

tune = ["--init", "tiny.safetensors", "--data", "pages", "-o", "tuned.safetensors", "--hold", "3", "--lr", "2e-3"]
train(0, ["held-out PSNR"], *tune, "--steps", "60", "--patience", "0", "--curve", "curve.csv", "--curve", "curve.png")
points = list(csv.DictReader(io.StringIO(read_file("curve.csv").decode())))
psnr = [float(p["psnr"]) for p in points]
check([int(p["step"]) for p in points] == list(range(0, 61, 2)), "a point every thirtieth: %s" % points[:3])
check(max(psnr) > psnr[0] + .2, "the pictures that are held out gain: %s" % psnr)
check(max(psnr) > float(points[0]["bicubic_psnr"]), "bicubic is below")
width, height, channels, _, samples = read_png("curve.png")
blue = sum(1 for i in range(0, len(samples), 3) if samples[i + 2] > 150 and samples[i] < 60)
check((width, height, channels) == (720, 420, 3) and blue > 600, "the plot has a line: %d" % blue)

scores = expect_ok("evaluate", "few", "-s", "2", "--json", "--method", "tiny", "--method",
                   path("tuned.safetensors")).json()["methods"]
before, after = (scores[k]["psnr_y"] for k in ("tiny", path("tuned.safetensors")))
check(after > before + .2, "a picture that was not seen gains: %.2f, %.2f" % (before, after))
found = expect_ok("info", "tuned.safetensors").out
check("pictures of its user" in found, "the sources say so: %s" % found)

# int8 for the fine-tuned network: it has none, then it is trained beside what there is
expect(2, "tiny cannot run in int8", "upscale", "few/0.png", "-o", "o.png", "--method",
       path("tuned.safetensors"), "--precision", "int8")
layers = expect_ok("info", "tuned.safetensors", "--json").json()["layers"]
with open(path("int8.recipe"), "w", encoding="utf-8") as file:
    file.write("method tiny\nlayers %s\nquantise 8\npatch 32\nbatch 8\nsteps 30\nlr 2e-4\nrescale 1\n" % layers)
quantise = ["--recipe", "int8.recipe", "--data", "pages", "-o", "int8.safetensors"]
train(2, ["quantise needs the one network to start from"], *quantise)
train(2, ["quantise needs the one"], *quantise, "--init", "tuned.safetensors", "--init", "tiny.safetensors")
train(0, [], *quantise, "--init", "tuned.safetensors", "--log", "int8.log")
check(read_file("int8.log").startswith(b"0 0 s"), "calibration alone is logged: %s" % read_file("int8.log"))


def psnr_of(name, precision):
    found = expect_ok("evaluate", "few", "-s", "2", "--json", "--method", path(name), "--precision", precision).json()
    return found["methods"][path(name)]["psnr_y"]


in_f32, in_int8 = psnr_of("int8.safetensors", "f32"), psnr_of("int8.safetensors", "int8")
check(in_f32 == psnr_of("tuned.safetensors", "f32"), "the network in float is as it was: %s" % in_f32)
check(abs(in_int8 - in_f32) < .5 and in_int8 != in_f32, "int8 is near: %s, %s" % (in_f32, in_int8))



# two networks to start from, and no steps: their mean
def weights(name):
    data = read_file(name)
    end = 8 + int.from_bytes(data[:8], "little")
    tensors = json.loads(data[8:end])
    return {key: struct.unpack("<%df" % ((t["data_offsets"][1] - t["data_offsets"][0]) // 4),
                               data[end + t["data_offsets"][0]:end + t["data_offsets"][1]])
            for key, t in tensors.items() if key != "__metadata__" and t["dtype"] == "F32"}


with open(path("mean.recipe"), "w", encoding="utf-8") as file:
    file.write("method tiny\nlayers %s\nsteps 0\nrescale 1\n" % layers)
train(0, ["taken from tiny", "taken from tuned"], "--recipe", "mean.recipe", "--data", "pages",
      "-o", "mean.safetensors", "--init", "tiny.safetensors", "--init", "tuned.safetensors", "--log", "mean.log")
check(read_file("mean.log").startswith(b"0 0 s"), "it is measured: %s" % read_file("mean.log"))
tiny, tuned, mean = weights("tiny.safetensors"), weights("tuned.safetensors"), weights("mean.safetensors")
check(tiny.keys() >= mean.keys() and tuned != tiny, "the same tensors: %s" % sorted(mean))
worst = max(abs((a + b) / 2 - c) for key in mean for a, b, c in zip(tiny[key], tuned[key], mean[key]))
check(worst < 1e-6, "the mean of two: %g off" % worst)

# no progress: it ends early and the start is what is written
train(0, ["at the best, after"], *tune, "--steps", "300", "--lr", "1e-7", "--patience", "2", "--log", "log")
check(len(read_file("log").split(b"\n")) < 30, "it ends early: %s" % read_file("log"))

train(2, ["Usage"], "--data", "pages", "-o", "x.safetensors")
train(2, ["Usage"], *tune, "--steps", "-5")
train(2, ["Usage"], *tune, "--hold", "1")
train(3, ["tiny"], "--init", "no-tiny.safetensors", "--data", "pages", "-o", "x.safetensors")
train(2, ["too few"], "--init", "tiny.safetensors", "--data", "few", "-o", "x.safetensors")
train(4, ["nowhere"], *tune, "--steps", "2", "--curve", "nowhere/curve.csv")
finish()
