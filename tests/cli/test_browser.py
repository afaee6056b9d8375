# SPDX-License-Identifier: BSD-2-Clause
"""The pages in a real browser, headless: the divider by mouse, keyboard and touch, zoom, maps, no error, no request,
light and dark, a phone's width. Skipped (exit code 77) where there is no Chromium with its driver."""
from browser import *
from common import *

if missing():
    print("skipped: %s, so the pages were not tested in a browser" % missing())
    sys.exit(77)

# Contrast of every text with what lies behind it (WCAG 2: 4.5) once colours have stopped fading, and controls without a
# name.
FAULTS = """
for (const fading of document.getAnimations()) fading.finish();
const channel = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const parse = text => text.match(/[\\d.]+/g).map(Number);
const luminance = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length < 4 || color[3] === 1) return color;
  }
  return [255, 255, 255];
}
const faults = [];
for (const e of document.querySelectorAll('body *')) {
  const isText = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!isText || e.closest('script, noscript, style, .stage') || !e.getClientRects().length) continue;
  const a = luminance(parse(getComputedStyle(e)[e.namespaceURI.endsWith('svg') ? 'fill' : 'color']));
  const b = luminance(behind(e)), contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (contrast < 4.5) faults.push('contrast ' + contrast.toFixed(2) + ': ' + e.textContent.slice(0, 40));
}
for (const e of document.querySelectorAll('button, input, img, [role=slider], [role=application]'))
  if (!(e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('alt')))
    faults.push('no name: ' + e.outerHTML.slice(0, 60));
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size !== ids.length) faults.push('an id twice');
return faults;
"""
# A hash of the canvas's pixels left of, and right of, the middle.
SIDES = """
const c = document.querySelector('canvas'), w = c.width, h = c.height, x = c.getContext('2d');
return [[0, w / 2 - 4], [w / 2 + 4, w]].map(([from, to]) => {
  const d = x.getImageData(from, 0, to - from, h).data;
  let hash = 0;
  for (let i = 0; i < d.length; i += 4) hash = (hash * 31 + d[i] + 3 * d[i + 1] + 7 * d[i + 2]) % 1000000007;
  return hash;
});
"""
BOX = "const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"


def check_page(browser, what):
    """What holds for every page: no error, no request, nothing wider than a phone, readable in light and dark."""
    for scheme in ("light", "dark"):
        browser.screen(1280, 900, scheme=scheme)
        faults = browser.run(FAULTS)
        check(not faults, "%s, %s: %s" % (what, scheme, faults[:6]))
    for width in (360, 390, 768):
        browser.screen(width, 800, 2, True)
        wide = browser.run("return document.documentElement.scrollWidth")
        check(wide <= width, "%s: %d wide on a screen of %d" % (what, wide, width))
    browser.screen(1280, 900)
    errors = [entry for entry in browser.log() if entry["level"] in ("SEVERE", "WARNING")
              and "getImageData" not in entry["message"]]  # the test itself reads the canvas
    check(not errors, "%s: the console says %s" % (what, errors[:3]))
    asked = browser.requests()
    check(not asked, "%s asked a network: %s" % (what, asked[:3]))


def divider(browser):
    return int(browser.run("return document.querySelector('.divider').getAttribute('aria-valuenow')"))


def zoom(browser):
    return browser.run("return window.viewer.view.zoom")


def test_keyboard(browser):
    handle = browser.find(".divider")
    browser.keys(handle, "\ue012" * 5)
    check(divider(browser) == 40, "five times left: %d" % divider(browser))
    browser.keys(handle, "\ue010")
    browser.keys(handle, "\ue014")
    check(divider(browser) == 100, "End, and no farther: %d" % divider(browser))
    browser.keys(handle, "\ue011")
    check(divider(browser) == 0, "Home: %d" % divider(browser))
    stage = browser.find(".stage")
    browser.keys(stage, "b")
    check(divider(browser) == 100, "B flips: %d" % divider(browser))
    browser.keys(stage, "bb")
    check(divider(browser) == 100, "there and back: %d" % divider(browser))
    fitted = zoom(browser)
    browser.keys(stage, "++")
    check(abs(zoom(browser) / fitted - 2.25) < 1e-6, "plus zooms: %g" % (zoom(browser) / fitted))
    at = browser.run("return window.viewer.view.x")
    browser.keys(stage, "\ue014")
    check(browser.run("return window.viewer.view.x") > at, "arrows move")
    browser.keys(stage, "1")
    check(abs(zoom(browser) - 1) < 1e-6, "1 shows true pixels: %g" % zoom(browser))
    browser.keys(stage, "0")
    check(zoom(browser) == fitted, "0 fits")


def test_mouse(browser):
    left, top, width, height = browser.run(BOX, ".stage")
    y = top + height / 2
    start = left + width * divider(browser) / 100
    start = min(start, left + width - 3)
    browser.pointer("mouse", [("move", start, y), ("down",), ("move", left + width / 4, y), ("up",)])
    check(abs(divider(browser) - 25) <= 1, "the mouse drags the divider: %d" % divider(browser))
    browser.pointer("mouse", [("move", left + width / 2, y), ("down",), ("up",)])
    check(abs(divider(browser) - 50) <= 1, "a click moves it: %d" % divider(browser))
    fitted = zoom(browser)
    browser.wheel(left + width / 2, y, -800)
    check(zoom(browser) > 2 * fitted, "the wheel zooms: %g of %g" % (zoom(browser), fitted))
    under = "const v = window.viewer.view; return v.x + arguments[0] / v.zoom"
    before = browser.run(under, .2 * width), zoom(browser)
    browser.wheel(left + width * .7, y, -200)
    check(zoom(browser) > before[1] and abs(browser.run(under, .2 * width) - before[0]) < .5,
          "the point under the wheel stays: %g" % browser.run(under, .2 * width))
    check("%d %%" % round(100 * zoom(browser)) == browser.run("return document.querySelector('.status').textContent"),
          "the zoom is said")
    x = browser.run("return window.viewer.view.x")
    browser.pointer("mouse", [("move", left + width * .7, y), ("down",), ("move", left + width * .6, y), ("up",)])
    moved = browser.run("return window.viewer.view.x") - x
    check(abs(moved - .1 * width / zoom(browser)) < 1, "zoomed in, a drag moves the picture: %g" % moved)
    check(abs(divider(browser) - 50) <= 1, "and not the divider")
    browser.click(browser.button("Fit"))
    check(zoom(browser) == fitted, "Fit")
    click = [("down",), ("up",)]
    browser.pointer("mouse", [("move", left + width / 2, y)] + click + click)
    check(abs(zoom(browser) / fitted - 2) < 1e-6, "a double click zooms: %g" % (zoom(browser) / fitted))
    browser.click(browser.button("Fit"))
    at = browser.run("return [...document.querySelector('canvas').getContext('2d').getImageData(arguments[0], "
                     "arguments[1], 1, 1).data]", width / 2 + 6 + 85 * fitted, height / 2)
    check(at[3] == 255, "the picture fills its place: %s" % at)


def test_layers(browser):
    left, right = browser.run(SIDES)
    opacity = "return document.querySelector('input[type=range]').disabled"
    check(browser.run(opacity), "no map, no strength of it")
    browser.click(browser.button("input pixels"))
    check(browser.run(SIDES)[0] != left and browser.run(SIDES)[1] == right, "another before changes the left side only")
    browser.click(browser.button("which method made it"))
    own, mapped = browser.run(SIDES)
    check(mapped != right, "a map lies on the right side")
    check(not browser.run(opacity), "its strength can be set")
    browser.run("const range = document.querySelector('input[type=range]'); range.value = 90;"
                "range.dispatchEvent(new Event('input'))")
    browser.settle()
    stronger = browser.run(SIDES)
    check(stronger[0] == own and stronger[1] not in (right, mapped), "and changes the right side only")
    pressed = "return [...document.querySelectorAll('[aria-pressed=true]')].map(b => b.textContent)"
    check(browser.run(pressed) == ["input pixels", "which method made it"], "pressed: %s" % browser.run(pressed))
    check("%" in browser.run("return document.querySelector('.legend').textContent"), "a legend with shares")
    browser.click(browser.button("which method made it"))
    check(browser.run(SIDES)[1] == right, "and off again")
    for title in ("what was added", "expected error"):
        browser.click(browser.button(title))
        check(browser.run(SIDES)[1] != right, "the map '%s' lies on the right side" % title)
        legend = browser.run("return document.querySelector('.legend').textContent")
        check("24 levels" in legend and legend.startswith("nothing"), "its legend names the ends: %s" % legend)
        browser.click(browser.button(title))
        check(browser.run(SIDES)[1] == right, "'%s' off again" % title)
    browser.click(browser.button("1"))
    check(zoom(browser) > 3, "a detail is nearer: %g" % zoom(browser))
    browser.click(browser.button("Fit"))


def test_touch(browser):
    browser.screen(390, 844, 2, True)
    browser.run("document.querySelector('.stage').scrollIntoView({ block: 'center' })")
    left, top, width, height = browser.run(BOX, ".stage")
    y = top + height / 2
    browser.pointer("touch", [("move", left + width / 2, y), ("down",), ("move", left + width * .6, y),
                              ("move", left + width * .8, y), ("up",)])
    check(abs(divider(browser) - 80) <= 2, "a finger drags the divider: %d" % divider(browser))
    corner = browser.run("const c = document.querySelector('canvas'); return [c.width, ...c.getContext('2d')"
                         ".getImageData(c.width / 2 + 9, c.height / 2 + 9, 1, 1).data]")
    check(corner[0] == 2 * round(width) and corner[4] == 255, "two pixels of the screen for one: %s" % corner)
    fitted = zoom(browser)
    browser.pointer("touch", [("move", left + width * .45, y), ("down",), ("move", left + width * .2, y), ("up",)],
                    [("move", left + width * .55, y), ("down",), ("move", left + width * .8, y), ("up",)])
    check(zoom(browser) > 2 * fitted, "two fingers zoom: %g of %g" % (zoom(browser), fitted))
    browser.click(browser.button("Fit"))
    browser.screen(1280, 900)


def test_review(browser):
    soft_png("b.png", 40, 40)
    write_file("c.png", b"no picture")
    inputs = ["a.png", "b.png", "c.png"]
    expect(1, "c.png", "upscale", *inputs, "-o", "out", "--report", "v.html", "--review-limits", "rms=0")
    browser.open(file_url(path("v.html")))
    text = browser.run("return document.body.innerText")
    check("3 of 3 results need a look" in text and "c.png" in text, "the review counts: %s" % text[:80])
    check(browser.run("return document.querySelectorAll('figure img').length") >= 4, "the review shows pictures")
    severe = browser.run("return [...document.querySelectorAll('.entry h3')].map(h => h.textContent)")
    expected = sorted(("a.png", "b.png"), key=lambda n: -review_severity(n))
    check(severe == expected, "the worst first: %s, not %s" % (expected, severe))
    check("at most 0.000 levels of 255" in text and "at least 99.50 %" in text, "limits are least or most")
    check_page(browser, "the review")
    # The same command again makes nothing anew, and says so.
    expect(1, "c.png", "upscale", *inputs, "-o", "out", "--report", "v.html", "--review-limits", "rms=0")
    browser.open(file_url(path("v.html")))
    text = browser.run("return document.body.innerText")
    check("1 of 1 results need a look" in text and "2 results that were there before" in text,
          "what was left is named: %s" % text[:80])
    check_page(browser, "the review of nothing new")


def test_passed(browser):
    soft_png("d.png", 40, 40)
    write_png("flat.png", 40, 40, 3, lambda x, y, c: 90)
    loose = "rms=99,within2=off,energy=99,uncertainty=99,psnr=off,ssim=off"
    expect_ok("upscale", "flat.png", "d.png", "-o", "loose", "--report", "v.html", "--review-limits", loose)
    browser.open(file_url(path("v.html")))
    check("All 2 results pass" in browser.run("return document.body.innerText"), "all pass")
    rows = browser.run("return [...document.querySelectorAll('details tbody th')].map(h => h.textContent)")
    check(rows[:2] == ["d.png", "flat.png"], "those that pass stand by severity too: %s" % rows)


CARD = """const card = [...document.querySelectorAll('.card')].find(c => c.textContent.includes(arguments[0]));
return card ? [card.querySelector('.mark').className, card.textContent] : null"""


def test_verdicts(browser):
    """Cards say what is wrong; tables name the better."""
    write_png("dots.png", 48, 48, 3, lambda x, y, c: 255 if (x * 7 + y * 13) % 17 == 0 else 0)
    plant("bad.safetensors", 1e6)
    expect(0, "fell back", "upscale", "dots.png", "-o", "x.png", "--method", "bad.safetensors", "--report", "w.html")
    browser.open(file_url(path("w.html")))
    for title, words in (("Agrees with the input", "within 2 levels"), ("Tiles that failed a check", "out of range 9")):
        name, text = browser.run(CARD, title)
        check("warn" in name and words in text, "%s: %s" % (title, text))
    expect_ok("upscale", "a.png", "-o", "base.png", "--method", "bicubic")
    expect_ok("upscale", "a.png", "-o", "x.png", "--method", "tiny", "--reference", "base.png", "--report", "w.html")
    browser.open(file_url(path("w.html")))
    bold = browser.run("""return [...document.querySelectorAll('tbody tr')]
        .filter(r => r.textContent.startsWith('GMSD'))
        .map(r => [...r.querySelectorAll('td')].map(c => c.classList.contains('best')))""")
    check(bold and bold[0][:2] == [False, True], "bicubic is the better here, and bold: %s" % bold)
    expect_ok("upscale", "a.png", "-o", "x.png", "--method", "tiny", "--reference", "sharp.png", "--report", "w.html")
    browser.open(file_url(path("w.html")))
    name, text = browser.run(CARD, "Against the reference")
    worse = json.loads(read_report("w.html"))["reference"]
    is_worse = worse["result"]["psnr_y"] < worse["bicubic"]["psnr_y"]
    check(is_worse and "warn" in name and "Worse" in text, "worse than bicubic is said: %s" % text)
    bars = browser.run("return [...document.querySelectorAll('.meter span')].map(b => parseFloat(b.style.width))")
    check(max(bars) == 100 and min(bars) < 90, "bars are as long as the stages: %s" % bars)
    shares = browser.run("return [percentDown(.999993), percentDown(1)]")
    check(shares == ["99.99 %", "100.00 %"], "shares are not rounded up: %s" % shares)


def read_report(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read().split('id="report">')[1].split("</script>")[0]


def review_severity(name):
    report = json.loads(read_report("v.html"))
    return next(r["review"]["severity"] for r in report["results"] if r["input"] == name)


def test_evaluation(browser):
    os.mkdir(path("set"))
    soft_png("set/x.png", 60, 50)
    soft_png("set/y.png", 50, 60)
    methods = ("--method", "bicubic", "--method", "lanczos3")
    expect_ok("evaluate", "set", "-s", "2", *methods, "--metrics", "gmsd", "--report", "e.html")
    browser.open(file_url(path("e.html")))
    check(browser.run("return document.querySelectorAll('svg.plot circle').length") == 2, "a dot for each method")
    inside = browser.run("""const box = document.querySelector('svg.plot').getBoundingClientRect();
        const words = [...document.querySelectorAll('svg.plot text')].map(t => t.getBoundingClientRect());
        return words.every(b => b.left >= box.left - 1 && b.right <= box.right + 1 && b.top >= box.top - 1
            && b.bottom <= box.bottom + 1)""")
    check(inside, "the plot's words lie inside it")
    check(browser.run("return document.querySelectorAll('figure img').length") == 6, "originals and both methods")
    methods, bold = json.loads(read_report("e.html"))["methods"], browser.run(
        """return [...document.querySelectorAll('table')[0].querySelectorAll('tbody tr')].map(
        r => [...r.querySelectorAll('td')].slice(0, 3).map(c => c.classList.contains('best')))""")
    for i, (key, best) in enumerate((("psnr_y", max), ("ssim_y", max), ("gmsd", min))):
        values = [m[key] for m in methods.values()]
        check([row[i] for row in bold] == [v == best(values) for v in values], "the best %s is bold: %s" % (key, bold))
    dots = browser.run("return [...document.querySelectorAll('svg.plot circle')].map(c => [c.querySelector('title')"
                       ".textContent.split(':')[0], Number(c.getAttribute('cy')), c.classList.contains('other')])")
    heights = [y for _, y, _ in sorted(dots, key=lambda d: methods[d[0]]["psnr_y"])]
    check(heights == sorted(heights, reverse=True), "better is higher: %s" % dots)
    joined = browser.run("return document.querySelector('svg.plot .curve').getAttribute('points').split(' ').length")
    check(joined == sum(not other for _, _, other in dots), "the best are joined: %d of %s" % (joined, dots))
    check_page(browser, "the evaluation")


soft_png("a.png", 96, 120)
write_png("sharp.png", 192, 240, 3, lambda x, y, c: 255 * ((x + y) % 2))
expect_ok("upscale", "a.png", "-o", "o.png", "-s", "2", "--report", "r.html")
browser = Browser(file_url(path("r.html")))
try:
    browser.screen(1280, 900)
    check("o.png" in browser.run("return document.title"), "the title names the result")
    check("RMS" in browser.run("return document.body.innerText"), "the figures are shown")
    test_keyboard(browser)
    test_mouse(browser)
    test_layers(browser)
    test_touch(browser)
    check_page(browser, "the report")
    test_review(browser)
    test_passed(browser)
    test_verdicts(browser)
    test_evaluation(browser)
finally:
    browser.close()
finish()
