#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""This library beside others: networks (ONNX Runtime, OpenCV, oneDNN), resampling (zimg, swscale, libvips), whole
programs (ffmpeg, vips, ImageMagick), and how long its own stages take.

Every round runs each contestant of a contest once, one after the other, so that what else happens on the machine meets
all of them; ratios are taken within a round. Networks get the same layers as ONNX files, their residual is made without
the base, and its PSNR-Y stands beside the time where the contestant runs the same weights; oneDNN and int8 run the same
shapes with random weights. What is not installed is left out and named.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import tempfile

import contests
import tables

FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd")


def first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").split("\n")[0]


def machine(options):
    """The card: what the numbers were taken on."""
    lines = []
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = file.read().split("\n")
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "").split()
    peaks = subprocess.run([os.path.join(options.build, "bench", "bench_peak")], stdout=subprocess.PIPE, check=True)
    return {"processor": model, "features": " ".join(flag for flag in FEATURES if flag in flags),
            "cores": os.cpu_count(), "threads": options.threads, "compiler": first_line(os.environ.get("CC", "cc"),
                                                                                       "--version"),
            "system": "%s %s" % (platform.system(), platform.release().split("-")[0]), "load": os.getloadavg()[0],
            "peak_gops_per_core": json.loads(peaks.stdout.decode()),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}


def measure(options, old):
    """Run the contests that are asked for; the others are taken from an earlier run's result."""
    result = {"machine": machine(options), "rounds": options.rounds, "runs": options.runs, "contests": []}
    known = {contest["key"]: contest for contest in old.get("contests", [])}
    peaks = result["machine"]["peak_gops_per_core"]
    for name, peak in old.get("machine", {}).get("peak_gops_per_core", {}).items():
        peaks[name] = max(peak, peaks.get(name, 0.))
    print(tables.card(result["machine"]))
    result["kernels"] = old.get("kernels")
    if not options.only or "kernels" in options.only.split(","):
        done = subprocess.run([os.path.join(options.build, "bench", "bench_layers")], stdout=subprocess.PIPE,
                              check=True)
        result["kernels"] = json.loads(done.stdout.decode())
        print(tables.kernels_markdown(result))
    with tempfile.TemporaryDirectory() as folder:
        for contest in contests.Makers(options, folder).all():
            if options.only and not any(contest.key.startswith(key) for key in options.only.split(",")):
                if contest.key in known:
                    result["contests"].append(known[contest.key])
                continue
            result["contests"].append(contest.run(options.rounds))
            print(tables.as_text(result["contests"][-1], result["machine"]), flush=True)
    return result


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def into_page(path, text):
    """Put the tables between the marks of a Markdown page."""
    begin, end = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
    with open(path, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(begin, 1)
    write(path, before + begin + text + end + rest.split(end, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=2, help="runs of each contestant in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="only contests whose keys begin so, with commas between: kernels, net, "
                        "net-tiny, chain, resample, memory, whole; the others are kept as they stand in the JSON file")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python that has OpenCV")
    parser.add_argument("--json", help="write everything measured to this file")
    parser.add_argument("--markdown", help="write the tables to this file")
    parser.add_argument("--page", help="put the tables into this page, between its marks")
    parser.add_argument("--plot", help="write a picture (SVG) to this file")
    options = parser.parse_args()
    old = {}
    if options.only and options.json and os.path.exists(options.json):
        with open(options.json, encoding="utf-8") as file:
            old = json.load(file)
    result = measure(options, old)
    print(tables.goals_markdown(result))
    if options.json:
        write(options.json, json.dumps(result, indent=1) + "\n")
    if options.markdown:
        write(options.markdown, tables.markdown(result))
    if options.page:
        into_page(options.page, tables.markdown(result))
    if options.plot:
        write(options.plot, tables.plot(result))


main()
