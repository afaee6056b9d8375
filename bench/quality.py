#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/quality.md and its curves, from the evaluation pictures, by one command (make quality).

    bench/quality.py FOLDER [--fovea build/fovea] [--out docs] [--rounds 3] [--json FILE.json] [--parts "PART,..."]

FOLDER holds Set5, Set14, BSD100 and Large. PSNR-Y in dB / SSIM-Y of every method by `fovea evaluate`, beside networks
that others have released; PSNR-Y over time for methods everywhere and for routing at several limits. Times are medians
of rounds that take turns: run it on a machine that does nothing else.
--json: what was measured is kept there. --parts: only the tables, or a curve such as "Large x2 f32", whose rounds are
added to those that are there.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess

TOP = "medium"  # the largest network that a route leads to with --preset best
METHODS = ["bicubic", "filter", "tiny", "small", "medium", "auto"]
SETS = ["Set5", "Set14", "BSD100"]
LIMITS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
CURVES = [("Large", 2, "f32"), ("Large", 2, "auto"), ("BSD100", 4, "f32")]
# Weights that others have released (trained on DIV2K and more), run by the same protocol in float: name, thousand
# multiply-adds for an input pixel, PSNR-Y / SSIM-Y on Set5, Set14, BSD100.
PUBLISHED = {2: [("PlainUSR-U", 13.5, "37.10 / 0.9569", "32.75 / 0.9101", "31.56 / 0.8914"),
                 ("PlainUSR-T", 48.5, "37.46 / 0.9584", "32.97", "31.77"),
                 ("PlainUSR-S", 52.5, "37.63 / 0.9592", "33.16", "31.93")],
             4: [("PlainUSR-U", 20, "30.77 / 0.8698", "27.72 / 0.7602", "27.03 / 0.7173"),
                 ("PlainUSR-T", 60, "31.20 / 0.8786", "28.02 / 0.7669", "27.20 / 0.7228"),
                 ("PlainUSR-S", 64, "31.56 / 0.8855", "28.17 / 0.7714", "27.30 / 0.7268"),
                 ("SAFMNv3", 143, "32.03 / 0.8917", "28.46 / 0.7783", "27.50 / 0.7336"),
                 ("SPANF", 148, "31.77 / 0.8896", "28.36 / 0.7766", "27.42 / 0.7308"),
                 ("PlainUSR-M", 150, "31.79 / 0.8889", "28.38 / 0.7760", "27.43 / 0.7314"),
                 ("EFDN", 255, "32.08 / 0.8931", "28.58 / 0.7809", "27.55 / 0.7353")]}
HEAD = """# Quality

Written by `make quality` (`bench/quality.py FOLDER`, FOLDER holding Set5, Set14, BSD100 and Large). Reduction by the
exact bicubic of the benchmarks, PSNR-Y and SSIM-Y as their tables count them, means over the pictures. *auto* and the
networks are corrected until their reduction gives the input back, and run in bfloat16 where the processor has AMX.
cost: thousand multiply-adds of the network for an input pixel.
"""
OTHERS = """The others' weights were run by the same protocol, in PyTorch and float; they were trained on DIV2K and
more, ours on the thousand pictures whose sources `fovea models` names.
"""
ROUTING = """## Routing: quality over time

On %s, %d threads, medians of %d rounds, with consistency. *auto* goes up to medium
(`--preset best`). Large: photographs of 2048 pixels. BSD100: small textured pictures, where there is little to save;
auto leaves them to the top network where a decision takes longer than it saves, as it does with small in bfloat16
(the default preset).
"""


def run(options, folder, scale, words):
    command = [options.fovea, "evaluate", os.path.join(options.folder, folder), "-s", str(scale), "--json", "--quiet",
               *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["methods"]


def models(options):
    """Cost of each built-in network by (method, scale)."""
    done = subprocess.run([options.fovea, "models", "--json", "--quiet"], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    found = found["models"] if isinstance(found, dict) else found
    return {(m["method"], m["scale"]): m["kmac_per_px"] for m in found}


def measure_tables(options, costs):
    result = {}
    for scale in (2, 3, 4):
        methods = [m for m in METHODS if m in ("bicubic", "auto") or (m, scale) in costs]
        for folder in SETS:
            found = run(options, folder, scale, [w for m in methods for w in ("--method", m)])
            result["%s x%d" % (folder, scale)] = {m: [found[m]["psnr_y"], found[m]["ssim_y"]] for m in methods}
    return result


def measure_curve(options, costs, curve, folder, scale, precision):
    """Rounds are added to those that the curve has: {name: {"ms": [a megapixel of the result, ...], "db": ...}}."""
    fixed = [m for m in METHODS[1:-1] if (m, scale) in costs]
    for _ in range(options.rounds):
        for limit in [None] + LIMITS:
            for method in fixed if limit is None else ["auto"]:  # each alone, or the first one warms up for all
                words = ["--precision", precision, "--consistency", "on", "--method", method]
                words += [] if limit is None else ["--preset", "best", "--max-loss", str(limit)]
                found = run(options, folder, scale, words)[method]
                point = curve.setdefault(method if limit is None else "%g dB" % limit, {"ms": []})
                point["ms"].append(found["ms_per_mp"])
                point["db"] = found["psnr_y"]
    return curve


def points(curve):
    """[name, ms, dB] of methods everywhere and of auto."""
    every = [[name, statistics.median(p["ms"]), p["db"]] for name, p in curve.items()]
    return {"everywhere": [p for p in every if p[0] in METHODS], "auto": [p for p in every if p[0] not in METHODS]}


def beaten(curve):
    """Points of auto that one method everywhere beats: as good and 3 % faster, or as fast and 0.02 dB better."""
    return ["%s by %s" % (name, other) for name, ms, db in curve["auto"]
            for other, other_ms, other_db in curve["everywhere"]
            if (other_db >= db and other_ms < .97 * ms) or (other_ms <= ms and other_db > db + .02)]


def table(result, costs, scale):
    lines = ["| x%d | cost | %s |" % (scale, " | ".join(SETS)), "|---|---|---|---|---|"]
    for method in METHODS:
        found = [result["%s x%d" % (folder, scale)].get(method) for folder in SETS]
        if found[0]:
            cost = costs.get((method, scale))
            lines.append("| %s | %s | %s |" % (method, "%.1f" % cost if cost and cost > 1 else "",
                                               " | ".join("%.2f / %.4f" % tuple(f) for f in found)))
    for name, cost, *psnr in PUBLISHED.get(scale, ()):
        lines.append("| %s (others) | %g | %s |" % (name, cost, " | ".join(psnr)))
    return "\n".join(lines)


def draw(curve, title, path):
    width, height, left, bottom = 640, 400, 60, 50
    every = curve["everywhere"] + curve["auto"]
    x1, y0, y1 = max(p[1] for p in every) * 1.1, min(p[2] for p in every) - .05, max(p[2] for p in every) + .05

    def at(p):
        return (left + (width - left - 20) * p[1] / x1,
                height - bottom - (height - bottom - 30) * (p[2] - y0) / (y1 - y0))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' %
           (width, height), '<rect width="100%" height="100%" fill="#fff"/>']
    for i in range(5):
        x, y = left + (width - left - 20) * i / 4, height - bottom - (height - bottom - 30) * i / 4
        out.append('<path d="M%g 30V%g M%g %gH%g" stroke="#ddd"/>' % (x, height - bottom, left, y, width - 20))
        out.append('<text x="%g" y="%g" text-anchor="middle">%.0f</text>' % (x, height - bottom + 18, x1 * i / 4))
        out.append('<text x="%g" y="%g" text-anchor="end">%.2f</text>' % (left - 6, y + 4, y0 + (y1 - y0) * i / 4))
    for part, colour, dy in (("everywhere", "#1c5cc8", -8), ("auto", "#c8501c", 16)):
        points = sorted(curve[part], key=lambda p: p[1])
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' %
                   (colour, " ".join("%.1f,%.1f" % at(p) for p in points)))
        last = -100.
        for p in points:
            out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (*at(p), colour))
            if at(p)[0] - last < 42:  # no room for its name
                continue
            last = at(p)[0]
            out.append('<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>' %
                       (last, at(p)[1] + dy, colour, p[0]))
    out.append('<text x="%g" y="%g" text-anchor="middle">ms for a megapixel of the result; blue: one method '
               'everywhere, orange: auto by --max-loss</text>' % (width / 2, height - 10))
    out.append('<text x="12" y="16">PSNR-Y, dB; %s</text>\n</svg>' % title)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def curve_text(curve):
    """The routed curve beside the network that is its limit."""
    top = next(p for p in curve["everywhere"] if p[0] == TOP)
    lines = ["| --max-loss | PSNR-Y | against %s everywhere | time | of %s's |" % (top[0], top[0]),
             "|---|---|---|---|---|"]
    for name, ms, db in curve["auto"]:
        lines.append("| %s | %.3f | %+.3f dB | %.1f ms/MP | %.0f %% |" % (name, db, db - top[2], ms, 100 * ms / top[1]))
    for name, ms, db in curve["everywhere"]:
        lines.append("| %s everywhere | %.3f | %+.3f dB | %.1f ms/MP | %.0f %% |" %
                     (name, db, db - top[2], ms, 100 * ms / top[1]))
    behind = beaten(curve)
    lines.append("\nPoints of auto that one method everywhere beats by over 0.02 dB or 3 %% of time: %s." %
                 ("; ".join(behind) or "none"))
    return "\n".join(lines)


def write(options, result):
    costs = {(k.split()[0], int(k.split()[1])): v for k, v in result["costs"].items()}
    parts = [HEAD] + [table(result["tables"], costs, scale) + "\n" for scale in (2, 3, 4) if result["tables"]]
    parts.append(OTHERS)
    rounds = min([len(p["ms"]) for curve in result["curves"].values() for p in curve.values()] or [0])
    parts.append(ROUTING % (result["machine"], result["threads"], rounds))
    os.makedirs(os.path.join(options.out, "images"), exist_ok=True)
    for key, curve in sorted(result["curves"].items(), reverse=True):
        curve = points(curve)
        folder, scale, precision = key.split()
        name = "quality-%s-%s-%s.svg" % (folder.lower(), scale, precision)
        words = "f32" if precision == "f32" else "bfloat16 where the processor has AMX"
        title = "%s at %s, %s" % (folder, scale, words)
        draw(curve, title, os.path.join(options.out, "images", name))
        parts.append("### %s\n\n![%s](images/%s)\n\n%s\n" % (title, title, name, curve_text(curve)))
    with open(os.path.join(options.out, "quality.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(parts))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        names = [line.split(":")[1].strip() for line in f if line.startswith("model name")]
    return names[0] if names else platform.machine()


def measure(options, result):
    """All parts, or those that were asked for."""
    costs = models(options)
    names = {"%s x%d %s" % curve: curve for curve in CURVES}
    parts = options.parts.split(",") if options.parts else ["tables"] + list(names)
    result.update({"costs": {"%s %d" % key: cost for key, cost in costs.items()}, "machine": processor(),
                   "threads": os.cpu_count()})
    for part in parts:
        if part == "tables":
            result["tables"] = measure_tables(options, costs)
        else:
            result["curves"][part] = measure_curve(options, costs, result["curves"].get(part, {}), *names[part])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--fovea", default="build/fovea")
    parser.add_argument("--out", default="docs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE.json")
    parser.add_argument("--parts")
    options = parser.parse_args()
    result = {"tables": {}, "curves": {}}
    if options.json and os.path.exists(options.json):
        with open(options.json, encoding="utf-8") as f:
            result = json.load(f)
    measure(options, result)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
    write(options, result)


main()
