#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The table of quality in README.md and its curves, from the evaluation pictures, by one command.

    bench/quality.py FOLDER [--fovea build/fovea] [--sets Set5,Set14,BSD100] [--scales 2,3,4] [--plot FILE.svg]

FOLDER holds a folder for each set. Prints PSNR-Y in dB / SSIM-Y of every method by `fovea evaluate`, the mean of the
pictures, in Markdown; networks that others have released follow at x4, with their cost.
--plot draws PSNR-Y over the time for a megapixel: the fixed methods as a line, auto at several limits as another.
"""
import argparse
import json
import os
import subprocess

METHODS = ["bicubic", "filter", "tiny", "small", "auto"]
LIMITS = [0.02, 0.05, 0.1, 0.2, 0.5]
# Weights that others have released (trained on DIV2K and more), measured once by this protocol in PyTorch; x4, PSNR-Y
# on Set5, Set14, BSD100; thousand multiply-adds for an input pixel.
PUBLISHED = [("PlainUSR-U", 20, "30.77", "27.72", "27.03"), ("PlainUSR-T", 60, "31.20", "28.02", "27.20"),
             ("PlainUSR-S", 64, "31.56", "28.17", "27.30"), ("SAFMNv3", 143, "32.03", "28.46", "27.50")]


def evaluate(options, folder, scale, *more):
    run = subprocess.run([options.fovea, "evaluate", os.path.join(options.folder, folder), "-s", str(scale), "--json",
                          "--quiet", *more], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)["methods"]


def table(options):
    print("| set | scale | %s |\n|%s" % (" | ".join(METHODS), "---|" * (2 + len(METHODS))))
    for folder in options.sets.split(","):
        for scale in options.scales.split(","):
            found = evaluate(options, folder, scale, *[w for m in METHODS for w in ("--method", m)])
            print("| %s | x%s | %s |" % (folder, scale, " | ".join(
                "%.2f / %.4f" % (found[m]["psnr_y"], found[m]["ssim_y"]) for m in METHODS)), flush=True)


def points(options, folder, scale):
    """Fixed methods, and auto at several limits: (name, ms a megapixel, dB), the medians of three runs."""
    fixed, routed = {}, {}
    for _ in range(3):
        found = evaluate(options, folder, scale, "--consistency", "on",
                         *[w for m in METHODS[1:-1] for w in ("--method", m)])
        for m in METHODS[1:-1]:
            fixed.setdefault(m, []).append((found[m]["ms_per_mp"], found[m]["psnr_y"]))
        for limit in LIMITS:
            auto = evaluate(options, folder, scale, "--consistency", "on", "--method", "auto", "--max-loss",
                            str(limit))["auto"]
            routed.setdefault("%g dB" % limit, []).append((auto["ms_per_mp"], auto["psnr_y"]))
    return [[(name, *sorted(runs)[1]) for name, runs in part.items()] for part in (fixed, routed)]


def plot(options):
    width, height, left, bottom = 640, 400, 60, 50
    folder, scale = options.sets.split(",")[-1], options.scales.split(",")[0]
    parts = points(options, folder, scale)
    every = [p for part in parts for p in part]
    x1, y0, y1 = max(p[1] for p in every) * 1.1, min(p[2] for p in every) - .05, max(p[2] for p in every) + .05

    def at(p):
        y = (height - bottom - 20) * (p[2] - y0) / (y1 - y0)
        return left + (width - left - 20) * p[1] / x1, height - bottom - y
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' %
           (width, height), '<rect width="100%" height="100%" fill="#fff"/>']
    for i in range(5):
        x, y = left + (width - left - 20) * i / 4, height - bottom - (height - bottom - 20) * i / 4
        out.append('<path d="M%g 20V%g M%g %gH%g" stroke="#ddd"/>' % (x, height - bottom, left, y, width - 20))
        out.append('<text x="%g" y="%g" text-anchor="middle">%.0f</text>' % (x, height - bottom + 18, x1 * i / 4))
        out.append('<text x="%g" y="%g" text-anchor="end">%.2f</text>' % (left - 6, y + 4, y0 + (y1 - y0) * i / 4))
    for part, colour, dy in zip(parts, ("#1c5cc8", "#c8501c"), (-8, 16)):
        part.sort(key=lambda p: p[1])
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' %
                   (colour, " ".join("%g,%g" % at(p) for p in part)))
        for p in part:
            out.append('<circle cx="%g" cy="%g" r="3.5" fill="%s"/>' % (*at(p), colour))
            out.append('<text x="%g" y="%g" text-anchor="middle" fill="%s">%s</text>' %
                       (at(p)[0], at(p)[1] + dy, colour, p[0]))
    out.append('<text x="%g" y="%g" text-anchor="middle">ms for a megapixel of the result, %s x%s; blue: one method '
               'everywhere, orange: auto by --max-loss</text>' % (width / 2, height - 10, folder, scale))
    out.append('<text x="12" y="14">PSNR-Y, dB</text>\n</svg>')
    with open(options.plot, "w") as f:
        f.write("\n".join(out) + "\n")
    for name, part in zip(("everywhere", "auto"), parts):
        print("\n".join("%s %s: %.1f ms/MP, %.3f dB" % (name, *p) for p in part))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--fovea", default="build/fovea")
    parser.add_argument("--sets", default="Set5,Set14,BSD100")
    parser.add_argument("--scales", default="2,3,4")
    parser.add_argument("--plot", metavar="FILE.svg")
    options = parser.parse_args()
    if options.plot:
        plot(options)
        return
    table(options)
    print("\nReleased by others, x4, PSNR-Y on Set5 / Set14 / BSD100 (thousand multiply-adds for an input pixel):")
    for name, macs, *psnr in PUBLISHED:
        print("%s (%d): %s" % (name, macs, " / ".join(psnr)))


main()
