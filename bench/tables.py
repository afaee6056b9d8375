# SPDX-License-Identifier: BSD-2-Clause
"""What was measured, as text, as Markdown, as goals that are met or not, and as a picture."""

PEAK_OF = (("AVX2", "f32 AVX2"), ("f32", "f32 AVX-512"), ("bf16, no AMX", "bf16 AVX-512"), ("bf16", "bf16 AMX"),
           ("int8, no AMX", "int8 AVX-512"), ("int8", "int8 AMX"))


def peak_of(name, machine):
    """Operations in a nanosecond that all cores could do in a contestant's number format; 0: not known."""
    peaks = machine["peak_gops_per_core"]
    for part, key in PEAK_OF:
        if part in name:
            narrower = {"f32 AVX-512": "f32 AVX2", "bf16 AMX": "bf16 AVX-512", "int8 AMX": "int8 AVX-512"}
            return peaks.get(key, peaks.get(narrower.get(key, ""), 0.)) * machine["threads"]
    return 0.


def find(result, key, name):
    for contest in result["contests"]:
        if contest["key"] == key:
            for entry in contest["contestants"]:
                if entry["name"] == name:
                    return entry
    return None


def columns(contest, machine):
    """Headings, and a row of words for each contestant."""
    has_share = contest["gflop"] > 0.
    has_stages = any("stages_ms" in e for e in contest["contestants"])
    head = ["", "ms (range)", "processor ms", "ratio (range)"]
    head += ["GOPS", "of peak"] if has_share else []
    head += ["ms/MP", "scratch MB/MP", "longest stages"] if has_stages else []
    head += ["PSNR dB"]
    rows = []
    for e in contest["contestants"]:
        row = [e["name"], "%.1f (%.1f-%.1f)" % (e["wall_ms"], e["least_ms"], e["most_ms"]), "%.1f" % e["cpu_ms"],
               "%.2f (%.2f-%.2f)" % (e["ratio"], e["ratio_least"], e["ratio_most"])]
        if has_share:
            speed, peak = contest["gflop"] / e["least_ms"] * 1e3, peak_of(e["name"], machine)
            row += ["%.0f" % speed, "%.0f %%" % (100 * speed / peak) if peak else ""]
        if has_stages:
            stages = sorted(e.get("stages_ms", {}).items(), key=lambda s: -s[1])[:3]
            row += ["%.1f" % (e["wall_ms"] / contest["megapixels"]),
                    "%.2f" % (e["scratch_bytes"] / 1e6 / contest["megapixels"]) if "scratch_bytes" in e else "",
                    ", ".join("%s %.1f" % s for s in stages if s[1] >= 0.05)]
        row.append("%.2f" % e["psnr_db"] if "psnr_db" in e else "")
        rows.append(row)
    return head, rows


def as_text(contest, machine):
    head, rows = columns(contest, machine)
    widths = [max(len(line[i]) for line in [head] + rows) for i in range(len(head))]
    lines = [contest["title"]]
    for row in [head] + rows:
        lines.append("  ".join([row[0].ljust(widths[0])] + [w.rjust(n) for w, n in zip(row[1:], widths[1:])]).rstrip())
    return "\n".join(lines) + "\n"


def as_markdown(contest, machine):
    head, rows = columns(contest, machine)
    lines = ["| %s |" % " | ".join([contest["title"]] + head[1:]), "|" + "---|" * len(head)]
    return "\n".join(lines + ["| %s |" % " | ".join(row) for row in rows]) + "\n"


def kernels_markdown(result):
    """Layers on rows in the cache: GOPS of one core, and the share of its peak."""
    shapes = result.get("kernels") or {}
    names = sorted({name for speeds in shapes.values() for name in speeds}, key=lambda n: (n[:2] != "f3", n))
    lines = ["| 3x3 layer, GOPS of a core (of its peak) | %s |" % " | ".join(names), "|---" * (len(names) + 1) + "|"]
    for shape, speeds in shapes.items():
        words = []
        for name in names:
            peak = peak_of(name.replace("AVX2", "AVX2 only"), result["machine"]) / result["machine"]["threads"]
            words.append("%.0f%s" % (speeds[name], " (%.0f %%)" % (100 * speeds[name] / peak) if peak else "")
                         if name in speeds else "")
        lines.append("| %s | %s |" % (shape.replace("-", " to "), " | ".join(words)))
    return "\n".join(lines) + "\n" if shapes else ""


# ---- goals: by the least times, which other work on the machine disturbs least ----

ORT = ("ONNX Runtime f32, PReLU", "ONNX Runtime f32, LeakyReLU")


def times_faster(result, key, who, *others):
    """How often the fastest of the others takes who's time; None where one is missing."""
    ours, theirs = find(result, key, who), [find(result, key, other) for other in others]
    theirs = [e["least_ms"] for e in theirs if e]
    return min(theirs) / ours["least_ms"] if ours and theirs else None


def share(result, key, who, of=None):
    """Per cent of the peak of its number format, or of the instructions `of`."""
    entry, contest = find(result, key, who), next((c for c in result["contests"] if c["key"] == key), None)
    if not entry or not contest["gflop"]:
        return None
    machine = result["machine"]
    peak = machine["peak_gops_per_core"].get(of, 0.) * machine["threads"] if of else peak_of(who, machine)
    return 100 * contest["gflop"] / entry["least_ms"] * 1e3 / peak if peak else None


def value(result, key, who, what, factor):
    entry = find(result, key, who)
    return entry[what] * factor if entry and what in entry else None


def goals(result):
    """(work, goal, how to show it, measured or None, whether it is met)."""
    rows = []

    def at_least(work, bound, show, measured):
        rows.append((work, "at least " + show % bound, show, measured, measured is not None and measured >= bound))

    def at_most(work, bound, show, measured):
        rows.append((work, "at most " + show % bound, show, measured, measured is not None and measured <= bound))

    for form, bound in (("f32", 2.5), ("bf16", 5.)):
        at_least("tiny x2, 1920x1080 luma, %s, against ONNX Runtime f32" % form, bound, "%.1f times as fast",
                 times_faster(result, "net-tiny-1920", "fovea " + form, *ORT))
    at_least("small x2, 960x540, bf16, against ONNX Runtime f32", 3., "%.1f times as fast",
             times_faster(result, "net-small-960", "fovea bf16", *ORT))
    for name in ("medium", "large"):
        at_least("%s, 512x512, bf16, against ONNX Runtime f32" % name, 2.4, "%.1f times as fast",
                 times_faster(result, "net-%s-512" % name, "fovea bf16", *ORT))
    for name, key in (("tiny", "net-tiny-512"), ("small", "net-small-512"), ("medium", "net-medium-512"),
                      ("large", "net-large-512"), ("28 channels", "chain-28"), ("48 channels", "chain-48"),
                      ("64 channels", "chain-64")):
        for form in ("f32", "f32, AVX2 only", "bf16"):
            at_least("%s, 512x512, %s, share of the peak" % (name, form), 75., "%.0f %%",
                     share(result, key, "fovea " + form))
        at_least("%s, 512x512, without AMX (then in f32), share of the peak of bf16 AVX-512" % name, 75., "%.0f %%",
                 share(result, key, "fovea f32", "bf16 AVX-512"))
    for n in (28, 48, 64):
        for ours, bound, other in (("int8", 1.1, "ONNX Runtime int8"), ("int8", 1., "oneDNN int8"),
                                   ("int8, no AMX", 1., "oneDNN int8, no AMX")):
            at_least("%d channels, 512x512, %s, against %s" % (n, ours, other), bound, "%.2f times as fast",
                     times_faster(result, "chain-%d" % n, "fovea " + ours, other))
    at_most("lanczos3 1920x1080 to 3840x2160, 8-bit planes, time against zimg", 1.3, "%.2f times",
            1 / (times_faster(result, "resample-lanczos3", "fovea, RGB planes", "zimg, RGB planes") or 1e-9))
    fps = value(result, "memory-grey", "filter", "least_ms", 1e-3)
    at_least("filter x2, 1920x1080 grey, in memory", 100., "%.0f frames/s", 1 / fps if fps else None)
    fps = value(result, "memory-grey", "tiny-video", "least_ms", 1e-3)
    at_least("tiny-video x2, 1920x1080 grey, in memory", 30., "%.0f frames/s", 1 / fps if fps else None)
    at_most("tiny x2, PPM to PPM, whole program, time against ffmpeg zscale", 2., "%.2f times",
            1 / (times_faster(result, "whole", "fovea tiny", "ffmpeg zscale lanczos") or 1e-9))
    for name, bound in (("tiny", 15.), ("small", 60.)):
        at_most("%s x2, 512x512 RGB, in memory" % name, bound, "%.1f ms",
                value(result, "memory-rgb", name, "least_ms", 1.))
    at_most("tiny x2, 1920x1080 grey, scratch memory", 16., "%.1f MB",
            value(result, "memory-grey", "tiny", "scratch_bytes", 1e-6))
    return [row for row in rows if row[3] is not None and row[3] < 1e6]


def goals_markdown(result):
    lines = ["| work | goal | measured | |", "|---|---|---|---|"]
    for work, goal, show, measured, is_met in goals(result):
        lines.append("| %s | %s | %s | %s |" % (work, goal, show % measured, "met" if is_met else "missed"))
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


# ---- all of it ----

def card(machine):
    return ("%(processor)s (%(features)s), %(cores)d cores, %(threads)d threads in use; %(compiler)s; %(system)s; "
            "%(date)s; load %(load).1f.\n" % machine + "Peak of a core: " +
            ", ".join("%s %.0f" % item for item in machine["peak_gops_per_core"].items()) + " GOPS.\n")


def markdown(result):
    parts = [card(result["machine"]), goals_markdown(result)]
    parts += [kernels_markdown(result)] if result.get("kernels") else []
    parts += [as_markdown(contest, result["machine"]) for contest in result["contests"]]
    return "\n".join(parts)


def plot(result):
    """Bars of time as multiples of ours, logarithmic; SVG."""
    import math
    rows, height = [], 34
    for contest in result["contests"]:
        if len(contest["contestants"]) < 2 or contest["key"].startswith("memory"):
            continue
        rows.append('<text x="8" y="%d" font-weight="bold">%s</text>' % (height + 13, contest["title"]))
        height += 20
        for e in contest["contestants"]:
            x = [230 + 150 * math.log2(max(0.125, min(32., r)) / 0.125) / 2
                 for r in (e["ratio"], e["ratio_least"], e["ratio_most"])]
            colour = "#0a7" if e["name"].startswith("fovea") else "#9ab"
            rows.append('<text x="222" y="%d" text-anchor="end">%s</text>' % (height + 11, e["name"]))
            rows.append('<rect x="230" y="%d" width="%.1f" height="13" fill="%s"/>' % (height, x[0] - 230, colour))
            rows.append('<path d="M%.1f %dH%.1f" stroke="#345" stroke-width="2"/>' % (x[1], height + 6, x[2]))
            words = "%.2f" % e["ratio"] + (", %.2f dB" % e["psnr_db"] if "psnr_db" in e else "")
            rows.append('<text x="%.1f" y="%d">%s</text>' % (max(x) + 6, height + 11, words))
            height += 16
        height += 8
    ours = '<path d="M%d 24V%d" stroke="#0a7" stroke-dasharray="3 3"/>' % (230 + 225, height)
    head = ('<svg xmlns="http://www.w3.org/2000/svg" width="960" height="%d" font-family="sans-serif" '
            'font-size="12">') % (height + 8)
    note = ('<text x="8" y="18">time as a multiple of the first one\'s (each 75 points double it; dark line: range of '
            'the rounds)</text>')
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', note, *rows, ours, "</svg>", ""])
