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
    check(divider(browser) == 100, "End: %d" % divider(browser))
    browser.keys(handle, "\ue011")
    check(divider(browser) == 0, "Home: %d" % divider(browser))
    stage = browser.find(".stage")
    browser.keys(stage, "b")
    check(divider(browser) == 100, "B flips: %d" % divider(browser))
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
    x = browser.run("return window.viewer.view.x")
    browser.pointer("mouse", [("move", left + width * .7, y), ("down",), ("move", left + width * .6, y), ("up",)])
    moved = browser.run("return window.viewer.view.x") - x
    check(abs(moved - .1 * width / zoom(browser)) < 1, "zoomed in, a drag moves the picture: %g" % moved)
    check(abs(divider(browser) - 50) <= 1, "and not the divider")
    browser.click(browser.button("Fit"))
    check(zoom(browser) == fitted, "Fit")


def test_layers(browser):
    left, right = browser.run(SIDES)
    browser.click(browser.button("input pixels"))
    check(browser.run(SIDES)[0] != left and browser.run(SIDES)[1] == right, "another before changes the left side only")
    browser.click(browser.button("which method made it"))
    check(browser.run(SIDES)[1] != right, "a map lies on the right side")
    pressed = "return [...document.querySelectorAll('[aria-pressed=true]')].map(b => b.textContent)"
    check(browser.run(pressed) == ["input pixels", "which method made it"], "pressed: %s" % browser.run(pressed))
    check("%" in browser.run("return document.querySelector('.legend').textContent"), "a legend with shares")
    browser.click(browser.button("which method made it"))
    check(browser.run(SIDES)[1] == right, "and off again")
    for title in ("what was added", "expected error"):
        browser.click(browser.button(title))
        check(browser.run(SIDES)[1] != right, "the map '%s' lies on the right side" % title)
        legend = browser.run("return document.querySelector('.legend').textContent")
        check("24 levels" in legend, "its legend names the ends: %s" % legend)
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
    check_page(browser, "the review")
    # The same command again makes nothing anew, and says so.
    expect(1, "c.png", "upscale", *inputs, "-o", "out", "--report", "v.html", "--review-limits", "rms=0")
    browser.open(file_url(path("v.html")))
    text = browser.run("return document.body.innerText")
    check("1 of 1 results need a look" in text and "2 results that were there before" in text,
          "what was left is named: %s" % text[:80])
    check_page(browser, "the review of nothing new")


def review_severity(name):
    with open(path("v.html"), encoding="utf-8") as file:
        report = json.loads(file.read().split('id="report">')[1].split("</script>")[0])
    return next(r["review"]["severity"] for r in report["results"] if r["input"] == name)


def test_evaluation(browser):
    os.mkdir(path("set"))
    soft_png("set/x.png", 60, 50)
    soft_png("set/y.png", 50, 60)
    expect_ok("evaluate", "set", "-s", "2", "--method", "bicubic", "--method", "lanczos3", "--report", "e.html")
    browser.open(file_url(path("e.html")))
    check(browser.run("return document.querySelectorAll('svg.plot circle').length") == 2, "a dot for each method")
    inside = browser.run("""const box = document.querySelector('svg.plot').getBoundingClientRect();
        const words = [...document.querySelectorAll('svg.plot text')].map(t => t.getBoundingClientRect());
        return words.every(b => b.left >= box.left - 1 && b.right <= box.right + 1 && b.top >= box.top - 1
            && b.bottom <= box.bottom + 1)""")
    check(inside, "the plot's words lie inside it")
    check(browser.run("return document.querySelectorAll('figure img').length") == 6, "originals and both methods")
    check_page(browser, "the evaluation")


soft_png("a.png", 96, 120)
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
    test_evaluation(browser)
finally:
    browser.close()
finish()
