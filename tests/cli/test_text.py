# SPDX-License-Identifier: BSD-2-Clause
"""Text of 12 pixels, enlarged by 3: every default method keeps its edges at least as well as lanczos3. Text is drawn
three times as large by vips and reduced exactly, so that the truth is known."""
from common import *

if not shutil.which("vips"):
    sys.exit(77)


def vips(*args):
    subprocess.run(["vips", *args], cwd=folder, check=True)


vips("text", "black.png", "Sphinx of black quartz, judge my vow 0123456789 The five boxing wizards jump quickly.",
     "--font", "Sans 12", "--dpi", "216", "--width", "900")
vips("invert", "black.png", "white.png")
for truth in ("black.png", "white.png"):
    expect_ok("downscale", truth, "-o", "small.png", "-s", "3")
    figures = {}
    for method in ("lanczos3", "filter", "tiny", "auto"):
        expect_ok("upscale", "small.png", "-o", "large.png", "-s", "3", "--method", method)
        width, height = read_png("large.png")[:2]
        vips("extract_area", truth, "cut.png", "0", "0", str(width), str(height))
        figures[method] = expect_ok("compare", "cut.png", "large.png", "--json", "--metrics", "psnr,gmsd").json()
        if method != "lanczos3":
            shown = "%s, %s: %s" % (truth, method, figures)
            check(figures[method]["gmsd"] <= figures["lanczos3"]["gmsd"], "edges: " + shown)
            check(figures[method]["psnr"] >= figures["lanczos3"]["psnr"], "PSNR: " + shown)
finish()
