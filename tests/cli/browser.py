# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium, driven over the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/) with the standard
library alone: chromedriver listens on a port of its own choice and speaks JSON over HTTP."""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--window-size=1280,900"]


def missing():
    """Why there is no browser here; "" if there is one."""
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return "chromium is not here"
    return "" if shutil.which("chromedriver") else "chromium-driver is not here"


class Browser:
    def __init__(self, url):
        self.profile = tempfile.mkdtemp(prefix="fovea-browser-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.driver.stdout:
            port = re.search(rb"started successfully on port (\d+)", line)
            if port:
                break
        self.base = "http://127.0.0.1:%s/session" % port.group(1).decode()
        binary = shutil.which("chromium") or shutil.which("chromium-browser")
        options = {"binary": binary, "args": FLAGS + ["--user-data-dir=" + self.profile]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.base += "/" + self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.call("POST", "/url", {"url": "about:blank"})
        self.log("performance")  # what the browser's own first page asked for does not count
        self.open(url)

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:600]) from error

    def open(self, url):
        self.call("POST", "/url", {"url": url})
        self.settle()

    def run(self, script, *arguments):
        """The value of a script's return."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def settle(self):
        """Wait until pictures are loaded and what was asked for is drawn."""
        self.call("POST", "/execute/async", {"args": [], "script": """
            const done = arguments[0];
            const shown = [...document.images, ...window.viewer ? window.viewer.images : []];
            Promise.all(shown.map(i => i.decode().catch(() => 0))).then(
                () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))));"""})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})

    def button(self, text):
        return self.call("POST", "/element", {"using": "xpath", "value": "//button[normalize-space()='%s']" % text})

    def click(self, element):
        self.call("POST", "/element/%s/click" % element[ELEMENT], {})
        self.settle()

    def keys(self, element, text):
        self.call("POST", "/element/%s/value" % element[ELEMENT], {"text": text})
        self.settle()

    def pointer(self, kind, *fingers):
        """Each finger is a list of actions: ("move", x, y), ("down",), ("up",), ("pause", ms)."""
        sources = []
        for i, steps in enumerate(fingers):
            actions = []
            for step in steps:
                if step[0] == "move":
                    actions.append({"type": "pointerMove", "x": int(step[1]), "y": int(step[2]), "duration": 60})
                elif step[0] == "pause":
                    actions.append({"type": "pause", "duration": step[1]})
                else:
                    actions.append({"type": "pointerDown" if step[0] == "down" else "pointerUp", "button": 0})
            sources.append({"type": "pointer", "id": "finger%d" % i, "parameters": {"pointerType": kind},
                            "actions": actions})
        self.call("POST", "/actions", {"actions": sources})
        self.call("DELETE", "/actions")
        self.settle()

    def wheel(self, x, y, delta):
        action = {"type": "scroll", "x": int(x), "y": int(y), "deltaX": 0, "deltaY": delta, "duration": 0}
        self.call("POST", "/actions", {"actions": [{"type": "wheel", "id": "wheel", "actions": [action]}]})
        self.settle()

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screen(self, width, height, ratio=1, mobile=False, scheme="light"):
        """Another screen, its preference for light or dark, and the page laid out for it."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio,
                      mobile=mobile)
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=mobile)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

    def screenshot(self, path, whole=False):
        extra = {"captureBeyondViewport": True} if whole else {}
        if whole:
            size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
            extra["clip"] = dict(x=0, y=0, width=size["width"], height=size["height"], scale=1)
        data = self.devtools("Page.captureScreenshot", format="png", **extra)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def log(self, kind="browser"):
        return self.call("POST", "/se/log", {"type": kind})

    def requests(self):
        """Addresses in a network that were asked for since the last call."""
        found = []
        for entry in self.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if url.startswith(("http:", "https:", "ws:", "wss:", "ftp:"))]

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)
            self.driver.stdout.close()
            shutil.rmtree(self.profile, ignore_errors=True)


def file_url(path):
    return "file://" + urllib.request.pathname2url(os.path.abspath(path))
