# SPDX-License-Identifier: BSD-2-Clause
"""The operation for libvips: the samples that the program makes, from the shell and from Python; errors by libvips."""
import shutil

from common import *

# An installation as libvips looks for it, below a prefix of our own; Debian's leaves "lib" out of the path.
MODULES = os.environ["VIPS_MODULES"]
for place in (MODULES.split("/lib/", 1)[-1], os.path.join("lib", MODULES.split("/lib/", 1)[-1])):
    os.makedirs(os.path.join(path("home"), place))
    os.symlink(os.environ["VIPS_PLUGIN"], os.path.join(path("home"), place, "vips-fovea.so"))
soft_png("rgb.png", 70, 50)
write_png("deep.png", 40, 30, 4, lambda x, y, c: soft(x, y, c) * 257, bits=16)
write_png("grey.png", 33, 21, 1, soft)


def call(*words):
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100, check=False,
                          env=dict(os.environ, VIPSHOME=path("home")))
    return done.returncode, done.stdout.decode()


TRIES = [("rgb.png", 2, "auto"), ("rgb.png", 1.5, "bicubic"), ("deep.png", 2, "filter"), ("grey.png", 3, "tiny")]
if shutil.which("vips"):
    for name, scale, method in TRIES:
        code, text = call("vips", "fovea", name, "v.png", "--scale", str(scale), "--method", method)
        expect_ok("upscale", name, "-o", "p.png", "-s", str(scale), "--method", method)
        check(code == 0 and read_png("v.png") == read_png("p.png"), "%s x%g %s: %s" % (name, scale, method, text))
    for words, part in ((["--method", "none"], "none"), (["--method", "a.safetensors"], "a.safetensors")):
        code, text = call("vips", "fovea", "rgb.png", "bad.png", *words)
        check(code != 0 and part in text, "%s: %s" % (words, text))
    check(not os.path.exists(path("bad.png")), "a failed call leaves no file")
else:
    print("skipped: the program vips is not installed")

IMPORT = """import gi
gi.require_version("Vips", "8.0")
from gi.repository import GObject, Vips
"""
USE = IMPORT + """Vips.init("test")
def call(name, **values):
    operation = Vips.Operation.new(name)
    for key, value in values.items():
        GObject.Object.set_property(operation, key, value)
    if operation.build():
        raise SystemExit(Vips.error_buffer())
    return operation
image = GObject.Object.get_property(call("pngload", filename="rgb.png"), "out")
larger = GObject.Object.get_property(call("fovea", **{"in": image}, scale=2.0, method="bicubic"), "out")
call("pngsave", **{"in": larger}, filename="g.png")
"""
python = next((p for p in ("/usr/bin/python3", sys.executable) if call(p, "-c", IMPORT)[0] == 0), None)
if python:
    code, text = call(python, "-c", USE)
    expect_ok("upscale", "rgb.png", "-o", "p.png", "-s", "2", "--method", "bicubic")
    check(code == 0 and read_png("g.png") == read_png("p.png"), "Python: %s" % text)
else:
    print("skipped: Python has no gi with libvips (python3-gi, gir1.2-vips-8.0)")
finish()
