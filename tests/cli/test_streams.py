# SPDX-License-Identifier: BSD-2-Clause
"""Pictures by standard input and output: the bytes of files, whole or not at all."""
from common import *

soft_png("in.png")
write_file("bad.png", read_file("in.png")[:-40])
expect_ok("upscale", "in.png", "-o", "want.png")
want = read_file("want.png")


def run(code, words, *args, stdin=b"", **more):
    """Run with bytes as standard input; its standard output."""
    done = subprocess.run([FOVEA, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
                          timeout=120, check=False, **more)
    err = done.stderr.decode()
    check(done.returncode == code and all(w in err for w in words),
          "fovea %s: exit %d, %r; expected exit %d, %s" % (" ".join(args), done.returncode, err[-200:], code, words))
    return done.stdout


os.mkdir(path("tmp"))
here = dict(os.environ, TMPDIR=path("tmp"))
source = read_file("in.png")
check(run(0, [], "upscale", "-", "-o", "-", stdin=source, env=here) == want, "from a pipe to a pipe")
check(run(0, [], "upscale", "in.png", "-o", "-", env=here) == want, "from a file to a pipe")
check(run(0, [], "upscale", "-", "-o", "o.png", stdin=source, env=here) != b"" and read_file("o.png") == want,
      "from a pipe to a file, with a summary")
check(run(0, [], "upscale", "-", "-o", "-", "--format", "jpg", "-s", "1.5", stdin=source, env=here)[:2] == b"\xff\xd8",
      "--format chooses")
report = run(0, [], "upscale", "-", "-o", "o.png", "--json", stdin=source, env=here)
check(json.loads(report)["input"] == "-", "the report says -")
check(run(3, ["standard input", "truncated"], "upscale", "-", "-o", "-", stdin=read_file("bad.png"), env=here) == b"",
      "half a picture gives nothing")
check(run(3, ["standard input", "empty"], "upscale", "-", "-o", "-", env=here) == b"", "no picture gives nothing")
check(run(3, ["standard input"], "upscale", "-", "-o", "-", stdin=b"hello", env=here) == b"", "no picture at all")
run(2, ["one input"], "upscale", "-", "in.png", "-o", "tmp", stdin=source)
run(2, ["--json"], "upscale", "-", "-o", "-", "--json", stdin=source)
run(2, ["no name"], "upscale", "-", "-o", "tmp", stdin=source)
run(2, ["--crop"], "upscale", "-", "-o", "-", "--crop", "x", stdin=source)
run(4, ["temporary"], "upscale", "-", "-o", "-", stdin=source, env=dict(os.environ, TMPDIR=path("none")))
check(names_in("tmp") == [], "no temporary file is left: %s" % names_in("tmp"))
write_file("-", source)
expect_ok("upscale", "./-", "-o", "o.png", "--quiet")
check(read_file("o.png") == want, "a file with that name goes by ./-")
if os.path.exists("/dev/full"):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([FOVEA, "upscale", "in.png", "-o", "-"], stdout=full, stderr=subprocess.PIPE, cwd=folder,
                              env=here, check=False)
        check(done.returncode == 4 and b"standard output" in done.stderr, "a full device: %s" % done.stderr)
finish()
