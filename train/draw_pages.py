#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draw pictures of one kind, rendered text and windows of programs, to try fine-tuning on.

    train/draw_pages.py FOLDER [--count 48] [--seed 1] [--fovea build/fovea]

Each page is written as SVG and rendered to PNG by fovea; nothing comes from outside but the fonts.
"""
import argparse
import os
import random
import subprocess

WORDS = ("time person year way day thing man world life hand part child eye woman place work week case point "
         "company number group problem fact open file edit view insert format tools window help save close "
         "print search copy paste undo size colour value name date total sum mean error report figure table "
         "network filter picture").split()
FONTS = ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"]
WIDTH, HEIGHT = 640, 480


def text(rng, x, y, size, words, fill, font=None, weight="normal"):
    line = " ".join(rng.choice(WORDS) if rng.random() < .85 else "%.*f" % (rng.randrange(3), rng.uniform(0, 9999))
                    for _ in range(words))
    return '<text x="%g" y="%g" font-family="%s" font-size="%g" font-weight="%s" fill="%s">%s</text>' % (
        x, y, font or rng.choice(FONTS), size, weight, fill, line.capitalize())


def page(rng):
    """Paragraphs, dark on light or light on dark."""
    dark = rng.random() < .3
    paper, ink = ("#202428", "#e4e4e0") if dark else (rng.choice(["#ffffff", "#fbf8f0", "#f4f4f4"]), "#181818")
    out, y, font = ['<rect width="100%%" height="100%%" fill="%s"/>' % paper], 30, rng.choice(FONTS)
    while y < HEIGHT - 10:
        size = rng.choice([9, 10, 11, 12, 13, 14])
        if rng.random() < .3:
            out.append(text(rng, 24, y, size * 1.8, 4, ink, font, "bold"))
            y += size * 2.6
        for _ in range(rng.randrange(3, 8)):
            out.append(text(rng, 24, y, size, 14, ink, font))
            y += size * 1.45
        y += size
    return out


def window(rng):
    """Title bar, menu, buttons, a table."""
    frame, bar = rng.choice([("#f0f0f0", "#3465a4"), ("#2b2b2b", "#454545"), ("#fafafa", "#d0d0d0")])
    ink = "#e8e8e8" if frame == "#2b2b2b" else "#202020"
    out = ['<rect width="100%%" height="100%%" fill="%s"/>' % frame,
           '<rect width="100%%" height="26" fill="%s"/>' % bar, text(rng, 10, 18, 12, 3, "#ffffff", FONTS[0], "bold")]
    out += [text(rng, 10 + 70 * i, 42, 11, 1, ink, FONTS[0]) for i in range(8)]
    for i in range(rng.randrange(3, 9)):
        x, y = rng.randrange(8, WIDTH - 100), rng.randrange(52, 90)
        out.append('<rect x="%d" y="%d" width="84" height="22" rx="3" fill="%s" stroke="%s"/>' %
                   (x, y, rng.choice(["#ffffff", "#e0e0e0", "#5294e2", "#73b234"]), "#707070"))
        out.append(text(rng, x + 8, y + 15, 11, 1, "#101010", FONTS[0]))
    rows, columns = rng.randrange(12, 20), rng.randrange(3, 7)
    for r in range(rows):
        y = 124 + r * 18
        out.append('<line x1="8" y1="%d" x2="%d" y2="%d" stroke="#909090"/>' % (y, WIDTH - 8, y))
        for c in range(columns):
            out.append(text(rng, 14 + c * (WIDTH - 16) / columns, y + 13, 10, rng.randrange(1, 3), ink, FONTS[0]))
    for c in range(columns + 1):
        x = 8 + c * (WIDTH - 16) // columns
        out.append('<line x1="%d" y1="124" x2="%d" y2="%d" stroke="#909090"/>' % (x, x, 124 + rows * 18))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fovea", default="build/fovea")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    rng = random.Random(options.seed)
    for i in range(options.count):
        name = os.path.join(options.folder, "page%03d" % i)
        with open(name + ".svg", "w") as f:
            f.write('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d">\n%s\n</svg>\n' %
                    (WIDTH, HEIGHT, "\n".join((window if i % 2 else page)(rng))))
        subprocess.run([options.fovea, "upscale", name + ".svg", "-o", name + ".png", "-s", "1", "--quiet"], check=True)
        os.remove(name + ".svg")


main()
