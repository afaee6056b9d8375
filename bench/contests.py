# SPDX-License-Identifier: BSD-2-Clause
"""What is compared, and how it is measured: contests, whose contestants run one after the other in every round.

A contestant is a command that prints its times of some runs as JSON, or a program whose whole run is timed. The first
contestant of a contest is ours, and ratios are taken within a round.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import onnx_int8

HERE = os.path.dirname(os.path.abspath(__file__))
PORTRAIT = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"


def residual_blocks():
    """The shape of medium: 32 channels, a long skip, then five blocks of two convolutions."""
    layers = ["conv3x3 1 32 prelu", *["conv3x3 32 32 prelu"] * 5, "conv3x3 32 32", "add 0"]
    for _ in range(5):
        layers += ["conv3x3 32 32 prelu", "conv3x3 32 32", "add %d" % (len(layers) - 1)]
    return "; ".join([*layers, "conv3x3 32 16", "shuffle 4", "add base"])


def attention_blocks():
    """The shape of large: 48 channels, six blocks of three convolutions and a gate, a concatenation."""
    layers, ends = ["conv3x3 1 48"], [0]
    for _ in range(6):
        layers += ["conv3x3 48 48 prelu", "conv3x3 48 48 prelu", "conv3x3 48 48", "gate %d" % ends[-1]]
        ends.append(len(layers) - 1)
    layers += ["conv3x3 48 48", "concat 0 %d %d %d" % (ends[1], ends[5], len(layers)), "conv1x1 192 48"]
    return "; ".join([*layers, "conv3x3 48 16", "shuffle 4", "add base"])


class Contestant:
    """command: prints {"wall_ms": [...], "cpu_ms": [...]}; is_whole: it does not, its own run is what is timed."""

    def __init__(self, name, command, env=None, is_whole=False, network=None):
        self.name, self.command, self.is_whole, self.network = name, command, is_whole, network
        self.env = dict(os.environ, **(env or {}))
        self.wall, self.cpu, self.ratio, self.note = [], [], [], {}

    def run(self):
        """Run once; what it told, or None where it is missing or fails (it is then left out)."""
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                  env=self.env)
        except OSError as error:
            self.note["missing"] = str(error)
            return None
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            self.note["missing"] = done.stderr.decode(errors="replace").strip().split("\n")[-1][-160:] or "it failed"
            return None
        if self.is_whole:
            cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
            return {"wall_ms": [wall * 1e3], "cpu_ms": [cpu * 1e3]}
        return json.loads(done.stdout.decode().strip().split("\n")[-1])

    def result(self):
        wall, cpu = sorted(self.wall), sorted(self.cpu)
        entry = {"name": self.name, "wall_ms": statistics.median(wall), "least_ms": wall[0], "most_ms": wall[-1],
                 "cpu_ms": statistics.median(cpu), "n": len(wall), **self.note}
        if self.ratio:
            entry.update(ratio=statistics.median(self.ratio), ratio_least=min(self.ratio), ratio_most=max(self.ratio))
        return entry


class Contest:
    """gflop: arithmetic of one run, two operations for a multiply-add; megapixels: of the input."""

    def __init__(self, key, title, contestants, gflop=0., megapixels=0., judge=None):
        self.key, self.title, self.contestants = key, title, contestants
        self.gflop, self.megapixels, self.judge = gflop, megapixels, judge

    def run(self, rounds):
        for _ in range(rounds):
            ours = None
            for c in self.contestants:
                told = None if "missing" in c.note else c.run()
                if told is None:
                    continue
                c.wall += told.pop("wall_ms")
                c.cpu += told.pop("cpu_ms")
                self.gflop = told.pop("gflop", self.gflop)
                c.note.update(told)
                latest = statistics.median(c.wall[-max(1, len(c.wall) // rounds):])
                ours = ours or latest
                c.ratio.append(latest / ours)
        if self.judge:
            self.judge(self)
        for c in self.contestants:
            if "missing" in c.note:
                print("%s, without %s: %s" % (self.title, c.name, c.note["missing"]), file=sys.stderr)
        found = [c.result() for c in self.contestants if c.wall and "missing" not in c.note]
        return {"key": self.key, "title": self.title, "gflop": self.gflop, "megapixels": self.megapixels,
                "contestants": found}


class Makers:
    """The contests of one build folder; folder: for frames and pictures."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.bench = os.path.join(options.build, "bench")
        self.threads = str(options.threads)
        self.pictures = self.find_pictures()
        self.scores = {}  # of a network and a contestant's name: PSNR-Y

    def path(self, *names):
        return os.path.join(self.folder, "-".join(map(str, names)))

    def tool(self, name):
        return os.path.join(self.bench, name)

    def ask(self, *command):
        """Words that one of our programs prints; None where it fails."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return None if done.returncode else done.stdout.decode().strip()

    def find_pictures(self):
        """Set5 where the evaluation pictures are, else the portrait that Debian has."""
        folder = os.path.join(os.environ.get("FOVEA_TEST_DATA") or "/nowhere", "Set5")
        if os.path.isdir(folder):
            return "Set5", sorted(os.path.join(folder, name) for name in os.listdir(folder))
        return ("portrait", [PORTRAIT]) if os.path.exists(PORTRAIT) else ("", [])

    # ---- networks ----

    def peers_of(self, network, layers, width, height, frame):
        """Contestants for a network on frames of one size; what cannot do its layers says so itself."""
        ends = [str(width), str(height), self.threads, str(self.options.runs), frame]
        ort_env = {"NODE_PATH": os.path.abspath(os.path.join(self.options.build, "peers", "node_modules"))}
        ort = ["node", os.path.join(HERE, "peer_ort.js")]
        files = {}
        for kind in ("prelu", "leaky"):
            files[kind] = self.path(kind, width, height, abs(hash(network)))
            self.ask(self.tool("bench_frame"), "onnx", network, str(width), str(height), files[kind], kind)
        result = [Contestant("fovea " + name, [self.tool("bench_frame"), "run", network, form, *ends],
                             network=(network, form)) for name, form in
                  (("f32", "f32"), ("f32, AVX2 only", "f32-avx2"), ("bf16", "bf16"), ("int8", "int8"),
                   ("int8, no AMX", "int8-vnni"))]
        peer_ends = [frame, *ends[:-1]]
        result.append(Contestant("ONNX Runtime f32, PReLU", [*ort, files["prelu"], *peer_ends], ort_env,
                                 network=("prelu", "ort")))
        result.append(Contestant("ONNX Runtime f32, LeakyReLU", [*ort, files["leaky"], *peer_ends], ort_env))
        files["int8"] = self.path("int8", width, height, abs(hash(network)))
        onnx_int8.write(layers, width, height, files["int8"])
        result.append(Contestant("ONNX Runtime int8", [*ort, files["int8"], *peer_ends], ort_env))
        result.append(Contestant("OpenCV DNN f32", [self.options.python, os.path.join(HERE, "peer_opencv.py"),
                                                    files["prelu"], *peer_ends], network=("prelu", "cv")))
        omp = {"OMP_NUM_THREADS": self.threads}
        for kind, isa in (("f32", ""), ("bf16", ""), ("bf16", "AVX512_CORE_BF16"), ("int8", ""),
                          ("int8", "AVX512_CORE_BF16")):
            env = dict(omp, ONEDNN_MAX_CPU_ISA=isa, DNNL_MAX_CPU_ISA=isa) if isa else omp
            result.append(Contestant("oneDNN %s%s" % (kind, ", no AMX" if isa else ""),
                                     [self.tool("peer_dnnl"), layers, str(width), str(height), kind,
                                      str(self.options.runs)], env))
        return result

    def network(self, key, title, network, width, height, without=()):
        layers = self.ask(self.tool("bench_frame"), "layers", network)
        if not layers:
            return None
        frame = self.path("frame", width, height)
        self.ask(self.tool("bench_frame"), "input", str(width), str(height), frame)
        words = {words.split()[0] for words in layers.split(";") if words.strip()}
        if any(not word.startswith("conv") and word not in ("add", "shuffle") for word in words):
            without = (*without, "oneDNN", "ONNX Runtime int8")  # their chains are of plain convolutions
        peers = [c for c in self.peers_of(network, layers, width, height, frame) if not c.name.startswith(without)]
        judge = self.judge_networks if "x" in network and " " not in network else None
        return Contest(key, "%s, %dx%d" % (title, width, height), peers, megapixels=width * height / 1e6, judge=judge)

    def judge_networks(self, contest):
        """Mean PSNR-Y of each contestant that runs this very network, from one run on each picture."""
        network = contest.contestants[0].network[0]
        names = [c.name for c in contest.contestants if c.network and "missing" not in c.note]
        if (network, names[0]) not in self.scores:
            self.score(network, names)
        for c in contest.contestants:
            if self.scores.get((network, c.name)):
                c.note["psnr_db"] = statistics.mean(self.scores[network, c.name])
                c.note["psnr_of"] = self.pictures[0]

    def score(self, network, names):
        scale, low, high, out = network[-1], self.path("low"), self.path("high"), self.path("out")
        for picture in self.pictures[1]:
            size = self.ask(self.tool("bench_frame"), "picture", picture, scale, low, high)
            if not size:
                continue
            width, height = size.split()
            for c in self.peers_of(network, "conv1x1 1 1", int(width), int(height), low):
                if c.name not in names:
                    continue
                c.command = c.command + [out]
                if c.run() is not None:
                    db = self.ask(self.tool("bench_frame"), "psnr", scale, width, height, low, high, out)
                    self.scores.setdefault((network, c.name), []).append(float(db))

    def networks(self):
        chain = "conv3x3 1 %d prelu; " + "conv3x3 %d %d prelu; " * 4 + "conv3x3 %d 4; shuffle 2; add base"
        yield self.network("net-tiny-1920", "tiny x2", "tiny-x2", 1920, 1080)
        yield self.network("net-small-960", "small x2", "small-x2", 960, 540)
        for name in ("tiny-video", "tiny", "small"):
            size = (1920, 1080) if name == "tiny-video" else (512, 512)
            yield self.network("net-%s-%d" % (name, size[0]), name + " x2", name + "-x2", *size,
                               without=("OpenCV",) if name in ("tiny", "small") else ())
        for name, shape in (("medium", residual_blocks()), ("large", attention_blocks())):
            yield (self.network("net-%s-512" % name, name + " x2", name + "-x2", 512, 512, without=("OpenCV",)) or
                   self.network("net-%s-512" % name, "the shape of %s x4, random weights" % name, shape, 512, 512,
                                without=("OpenCV", "ONNX Runtime int8")))
        for n in (28, 48, 64):
            yield self.network("chain-%d" % n, "1-%d, 4x %d-%d, %d-4" % (n, n, n, n), chain % ((n,) * 10), 512, 512,
                               without=("OpenCV", "ONNX Runtime f32, PReLU"))

    # ---- classical resampling, stages, whole programs ----

    def scale(self, who, method, layout, size, threads):
        return [self.tool("bench_scale"), who, method, layout, str(size[0]), str(size[1]), str(threads),
                str(self.options.runs)]

    def resampling(self):
        size, label = (1920, 1080), {"planes": "RGB planes", "rgb": "RGB"}
        who = [("fovea", "planes"), ("fovea", "rgb"), ("zimg", "planes"), ("swscale", "planes"), ("swscale", "rgb"),
               ("vips", "rgb")]
        for method in ("lanczos3", "bicubic"):
            yield Contest("resample-" + method, "%s, 8-bit 1920x1080 to 3840x2160, 1 thread" % method,
                          [Contestant("%s, %s" % (name, label[layout]), self.scale(name, method, layout, size, 1))
                           for name, layout in who], megapixels=size[0] * size[1] / 1e6)

    def pipelines(self):
        """This library alone: stages of whole runs in memory."""
        methods = ("bicubic", "lanczos3", "filter", "tiny-video", "tiny", "small", "medium", "large")
        known = [m for m in methods if m in methods[:3] or
                 self.ask(self.tool("bench_frame"), "layers", m + "-x2")]
        for layout, size in (("rgb", (512, 512)), ("grey", (1920, 1080))):
            yield Contest("memory-%s" % layout, "in memory, 8-bit %s %dx%d x2" % (layout, *size),
                          [Contestant(m, self.scale("fovea", m, layout, size, self.threads)) for m in known
                           if layout == "rgb" or m not in ("medium", "large")], megapixels=size[0] * size[1] / 1e6)

    def whole(self):
        low, high, out = self.path("low.ppm"), self.path("high.ppm"), self.path("out.ppm")
        self.ask(self.tool("bench_scale"), "draw", "1920", "1080", low, high)
        fovea = os.path.join(self.options.build, "fovea")
        ours = [fovea, "upscale", low, "-o", out, "-s", "2", "--force", "--quiet", "--threads", self.threads,
                "--consistency", "off", "--method"]
        ffmpeg = ["ffmpeg", "-v", "error", "-y", "-i", low, "-vf"]
        commands = {
            "fovea lanczos3": [*ours, "lanczos3"], "fovea filter": [*ours, "filter"], "fovea tiny": [*ours, "tiny"],
            "ffmpeg zscale lanczos": [*ffmpeg, "zscale=w=3840:h=2160:filter=lanczos", out],
            "ffmpeg swscale lanczos": [*ffmpeg, "scale=w=3840:h=2160:flags=lanczos", out],
            "vips resize lanczos3": ["vips", "--vips-concurrency=" + self.threads, "resize", low, out, "2"],
            "ImageMagick lanczos": ["convert", low, "-filter", "Lanczos", "-resize", "200%", out],
        }

        def judge(contest):
            for c in contest.contestants:
                if "missing" in c.note or c.run() is None:
                    continue
                told = self.ask(fovea, "compare", out, high, "--metrics", "psnr", "--json")
                if told:
                    c.note["psnr_db"] = json.loads(told)["psnr"]
                    c.note["psnr_of"] = "drawn picture"
        yield Contest("whole", "whole programs, PPM to PPM, 1920x1080 to 3840x2160",
                      [Contestant(name, command, is_whole=True) for name, command in commands.items()],
                      megapixels=1920 * 1080 / 1e6, judge=judge)

    def all(self):
        for maker in (self.networks, self.resampling, self.pipelines, self.whole):
            for contest in maker():
                if contest:
                    yield contest
