#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Networks on whole frames of luma: this library beside ONNX Runtime and OpenCV, which get the same networks as ONNX.

Every round runs each contestant once, one after the other, so that what else happens on the machine meets all of them;
what counts is the ratio within a round. Times are processor time (of all threads) and the clock's; on a machine that
is not idle only the first says something. The residual is made without the base by all. Each output is compared with
ours, so equal times would mean equal quality; LeakyReLU stands for another network, which ONNX Runtime can fuse.
"""
import argparse
import array
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = "conv3x3 1 32 prelu; " + "conv3x3 32 32 prelu; " * 6 + "add 0; conv3x3 32 4; shuffle 2; add base"
WORK = [("tiny x2", "tiny-x2", 1920, 1080), ("1-32, 6x 32-32, skip, 32-4", SMALL, 960, 540)]


def run_json(command, **more):
    """What a contestant prints; None where it is missing or fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    if done.returncode:
        return None, done.stderr.decode().strip().split("\n")[-1][-160:]
    return json.loads(done.stdout.decode().strip().split("\n")[-1]), ""


class Job:
    """One network, one size, one number of threads."""

    def __init__(self, options, folder, name, network, width, height, threads):
        self.options, self.folder, self.name, self.network = options, folder, name, network
        self.width, self.height, self.threads = width, height, threads
        self.frame = os.path.join(options.build, "bench", "bench_frame")
        size = [str(width), str(height)]
        subprocess.run([self.frame, "input", *size, self.path("in")], check=True)
        for kind in ("prelu", "leaky"):
            subprocess.run([self.frame, "onnx", network, *size, self.path(kind), kind], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def commands(self):
        tail = [str(self.width), str(self.height), str(self.threads), str(self.options.runs)]
        ort = ["node", os.path.join(HERE, "peer_ort.js")]
        cv = [self.options.python, os.path.join(HERE, "peer_opencv.py")]
        return {
            "fovea": [self.frame, "run", self.network, *tail, self.path("fovea.out")],
            "ONNX Runtime, PReLU": [*ort, self.path("prelu"), self.path("in"), *tail, self.path("peer.out")],
            "ONNX Runtime, LeakyReLU": [*ort, self.path("leaky"), self.path("in"), *tail],
            "OpenCV DNN": [*cv, self.path("prelu"), self.path("in"), *tail, self.path("peer.out")],
        }

    def difference(self):
        """The largest difference of a contestant's residual and ours, in levels of 1."""
        lists = []
        for name in ("fovea.out", "peer.out"):
            values = array.array("f")
            with open(self.path(name), "rb") as file:
                values.frombytes(file.read())
            lists.append(values)
        if len(lists[0]) != len(lists[1]):
            return float("inf")
        return max(abs(a - b) for a, b in zip(*lists))

    def measure(self):
        env = dict(os.environ, NODE_PATH=os.path.abspath(os.path.join(self.options.build, "peers", "node_modules")))
        times, notes, ratios = {}, {}, {}
        for turn in range(self.options.rounds):
            ours = None
            for who, command in self.commands().items():
                if who in notes and notes[who].get("missing"):
                    continue
                result, why = run_json(command, env=env)
                if result is None:
                    print("without %s: %s" % (who, why), file=sys.stderr)
                    notes[who] = {"missing": why}
                    continue
                if turn == 0:
                    notes[who] = {key: result[key] for key in ("version",) if key in result}
                    if command[-1].endswith("peer.out"):
                        notes[who]["largest_difference"] = self.difference()
                entry = times.setdefault(who, {"wall_ms": [], "cpu_ms": []})
                for kind, values in entry.items():
                    values.append(statistics.median(result[kind]))
                ours = result if who == "fovea" else ours
                entry_ratios = ratios.setdefault(who, {"wall_ms": [], "cpu_ms": []})
                for kind, values in entry_ratios.items():
                    values.append(statistics.median(result[kind]) / statistics.median(ours[kind]))
                self.gflop = ours["gflop"]
        return {"network": self.name, "layers": self.network, "width": self.width, "height": self.height,
                "threads": self.threads, "gflop": self.gflop, "contestants": {
                    who: dict(times_ms=times[who], ratio={
                        kind: {"median": statistics.median(v), "least": min(v), "most": max(v)}
                        for kind, v in ratios[who].items()}, **notes[who]) for who in times}}


def machine(options):
    """The card: what the numbers were taken on."""
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = file.read().split("\n")
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
        flags = next((line for line in lines if line.startswith("flags")), "").split()
        wanted = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni")
        model += " (" + " ".join(flag for flag in wanted if flag in flags) + ")"
    peak = subprocess.run([os.path.join(options.build, "bench", "bench_frame"), "peak"], stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    return {"processor": model, "cores": os.cpu_count(), "peak_avx2_gflops_per_core": float(peak),
            "load_before": os.getloadavg()[0], "system": platform.platform(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}


def print_job(job, card):
    peak = card["peak_avx2_gflops_per_core"]
    print("\n%s, %dx%d, %d thread%s" % (job["network"], job["width"], job["height"], job["threads"],
                                        "s" if job["threads"] > 1 else ""))
    print("%-26s%10s%10s%14s%9s%20s%14s" % ("", "cpu ms", "clock ms", "GFLOPS/core", "of peak", "cpu ratio (range)",
                                          "difference"))
    for who, entry in job["contestants"].items():
        cpu, wall = (statistics.median(entry["times_ms"][kind]) for kind in ("cpu_ms", "wall_ms"))
        speed, ratio = job["gflop"] / cpu * 1e3, entry["ratio"]["cpu_ms"]
        difference = entry.get("largest_difference")
        print("%-26s%10.1f%10.1f%14.1f%8.0f%%%8.2f (%.2f-%.2f)%14s" % (
            who, cpu, wall, speed, 100 * speed / peak if peak else 0, ratio["median"], ratio["least"], ratio["most"],
            "" if difference is None else "%.1e" % difference))


def plot(result, path):
    """Bars of processor time as multiples of ours."""
    rows = [(job, who, entry) for job in result["jobs"] for who, entry in job["contestants"].items()]
    most = max(entry["ratio"]["cpu_ms"]["most"] for _, _, entry in rows)
    lines, y, title = [], 24, None
    for job, who, entry in rows:
        name = "%s, %dx%d, %d thread%s" % (job["network"], job["width"], job["height"], job["threads"],
                                           "s" if job["threads"] > 1 else "")
        if name != title:
            lines.append('<text x="8" y="%d" font-weight="bold">%s</text>' % (y + 14, name))
            title, y = name, y + 24
        ratio = entry["ratio"]["cpu_ms"]
        scale = 420. / most
        lines.append('<text x="190" y="%d" text-anchor="end">%s</text>' % (y + 13, who))
        lines.append('<rect x="200" y="%d" width="%.1f" height="15" fill="%s"/>' % (
            y, ratio["median"] * scale, "#0a7" if who == "fovea" else "#9ab"))
        lines.append('<path d="M%.1f %dH%.1f" stroke="#345" stroke-width="2"/>' % (
            200 + ratio["least"] * scale, y + 7, 200 + ratio["most"] * scale))
        lines.append('<text x="%.1f" y="%d">%.2f</text>' % (206 + ratio["most"] * scale, y + 13, ratio["median"]))
        y += 20
    head = ('<svg xmlns="http://www.w3.org/2000/svg" width="700" height="%d" font-family="sans-serif" '
            'font-size="12">') % (y + 16)
    note = '<text x="8" y="16">processor time of a frame as a multiple of fovea\'s (line: range of the rounds)</text>'
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', note, *lines, "</svg>", ""]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3, help="frames of each contestant in a round")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas between")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python that has OpenCV")
    parser.add_argument("--json", help="write everything measured to this file")
    parser.add_argument("--plot", help="write a picture (SVG) to this file")
    options = parser.parse_args()
    result = {"machine": machine(options), "rounds": options.rounds, "runs": options.runs, "jobs": []}
    print("%(processor)s, %(cores)d cores, peak %(peak_avx2_gflops_per_core).1f GFLOPS a core (AVX2), "
          "load %(load_before).1f" % result["machine"])
    with tempfile.TemporaryDirectory() as folder:
        for name, network, width, height in WORK:
            for threads in map(int, options.threads.split(",")):
                result["jobs"].append(Job(options, folder, name, network, width, height, threads).measure())
                print_job(result["jobs"][-1], result["machine"])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    if options.plot:
        plot(result, options.plot)


main()
