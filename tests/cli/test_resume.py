# SPDX-License-Identifier: BSD-2-Clause
"""Batches that are ended in the middle, divided, repeated: the folder holds the same bytes, and nothing half-made."""
import hashlib
import random
import shutil
import signal
import subprocess
import time

from common import *

os.makedirs(path("in/deep/er"))
N = 50
rng = random.Random(5)
for i in range(N):
    row = bytes(rng.randrange(256) for _ in range(3 * 90))
    sub = ("", "deep/", "deep/er/")[i % 3]
    write_file("in/%sp%02d é%s.ppm" % (sub, i, "" if i % 2 else " ü"), b"P6\n90 %d\n255\n" % (60 + i) + row * (60 + i))
up = ["upscale", "in", "--recursive", "--format", "png", "-s", "3"]


def tree(name):
    """Hash of each file below a folder; hidden ones, but for the journal, too."""
    found = {}
    for top, _, files in os.walk(path(name)):
        for file in files:
            full = os.path.join(top, file)
            if ".fovea-journal" not in file:
                with open(full, "rb") as data:
                    found[os.path.relpath(full, path(name))] = hashlib.sha256(data.read()).hexdigest()
    return found


run = expect_ok(*up, "-o", "plain", "--json")
plain = tree("plain")
check(run.json().get("made") == N and len(plain) == N, "all are made: %d" % len(plain))
check(sum("deep/er/" in name for name in plain) == N // 3, "the tree is kept: %s" % sorted(plain)[:3])
again = expect_ok(*up, "-o", "plain", "--json").json()
check(again.get("up_to_date") == N and again.get("made") == 0, "a second run makes nothing: %s" % again.get("made"))

# kill -9, again and again at different moments, until the batch ends by itself
kills, progress = 0, []
for delay in [.25, .4, .55, .7, .9] + [1.2] * 40:
    child = subprocess.Popen([FOVEA, *up, "-o", "killed", "--quiet"], cwd=folder, stderr=subprocess.PIPE)
    before = {name: os.stat(path("killed/" + name)).st_mtime_ns for name in tree("killed")}
    try:
        child.communicate(timeout=delay)
        break
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        kills += 1
    now = tree("killed")
    progress.append(len(now))
    for name, digest in now.items():
        check(name.startswith(".fovea-work-") or digest == plain.get(name), "half a file: %s" % name)
    for name, when in before.items():
        check(name.startswith(".fovea-work-") or os.stat(path("killed/" + name)).st_mtime_ns == when,
              "made twice: %s" % name)
expect_ok(*up, "-o", "killed", "--quiet")
check(tree("killed") == plain, "after %d kills: the same bytes and no more files" % kills)
check(not any(name.startswith(".fovea-work") for name in names_in("killed")), "no folder left: %s" % names_in("killed"))
print("killed %d times, files after each: %s" % (kills, progress))

# a torn line in the journal is passed over; an output that was changed or removed is made again
with open(path("killed/.fovea-journal"), "ab") as journal:
    journal.write(b'{"output":"p00')
victim, gone = sorted(plain)[:2]
os.remove(path("killed/" + gone))
write_file("killed/" + victim, b"changed")
run = expect(1, [victim, "exists"], *up, "-o", "killed", "--json")
check((run.json().get("made"), run.json().get("failed")) == (1, 1), "a changed file is not overwritten: %s" % run.err)
run = expect_ok(*up, "-o", "killed", "--json", "--force")
run = run.json()
check((run.get("made"), run.get("up_to_date")) == (1, N - 1), "only it is made: %s" % run.get("made"))
check(tree("killed") == plain, "the same bytes again")
# what is made after a torn line is found again
write_file("killed/.fovea-journal", b'{"output":"p00')
check(expect_ok(*up, "-o", "killed", "--json", "--force").json().get("made") == N, "no journal: all are made")
check(expect_ok(*up, "-o", "killed", "--json").json().get("up_to_date") == N, "the first line after the torn one, too")
# other inputs and other settings are noticed
changed = "in/deep/p01 é.ppm"
original = read_file(changed)
write_file(changed, original[:-1] + bytes([original[-1] ^ 255]))
run = expect(1, ["p01", "exists"], *up, "-o", "killed", "--json").json()
check((run.get("up_to_date"), run.get("failed")) == (N - 1, 1), "another input under the same name: %s" % run)
check(tree("killed") == plain, "its old result is not overwritten")
run = expect_ok(*up, "-o", "killed", "--json", "--force").json()
check((run.get("made"), run.get("up_to_date")) == (1, N - 1), "only it is made: %s" % run.get("made"))
check([name for name, digest in tree("killed").items() if plain[name] != digest] == ["deep/p01 é.png"], "anew")
write_file(changed, original)
expect_ok(*up, "-o", "killed", "--quiet", "--force")
check(tree("killed") == plain, "and back")
run = expect(1, "exists", *up, "-o", "killed", "--json", "--consistency", "off")
check(run.json().get("failed") == N, "other settings: %s" % run.json().get("failed"))

# another model under the same name
some = ["upscale", "in", "--format", "png", "-s", "2", "-o", "modelled", "--method", "model.safetensors", "--json"]
expect_ok("models", "--export", "tiny-x2", "model.safetensors")
n_some = expect_ok(*some).json().get("made")
check(expect_ok(*some).json().get("up_to_date") == n_some == 17, "a model from a file: %s" % n_some)
expect_ok("models", "--export", "small-x2", "other.safetensors")
os.replace(path("other.safetensors"), path("model.safetensors"))
check(expect(1, "exists", *some).json().get("failed") == n_some, "other weights are noticed")

# Ctrl-C leaves nothing half-made, and the same command goes on
child = subprocess.Popen([FOVEA, *up, "-o", "stopped", "--quiet"], cwd=folder, stderr=subprocess.PIPE)
for _ in range(400):
    if os.path.isdir(path("stopped")) and any(not name.startswith(".") for name in names_in("stopped")):
        break
    time.sleep(.01)
child.send_signal(signal.SIGINT)
err = child.communicate(timeout=60)[1]
check(child.returncode == 6 and b"cancelled" in err, "SIGINT: exit %d, %s" % (child.returncode, err))
half = tree("stopped")
check(0 < len(half) and all(plain.get(name) == digest for name, digest in half.items()), "SIGINT: whole files only")
expect_ok(*up, "-o", "stopped", "--quiet")
check(tree("stopped") == plain, "SIGINT, then the same command")

# several at a time, and in parts
run = expect_ok(*up, "-o", "jobs", "--jobs", "4", "--threads", "3", "--json")
check(run.json().get("made") == N and tree("jobs") == plain, "--jobs gives the same bytes")
for i in (1, 2, 3):
    run = expect_ok(*up, "-o", "shards", "--shard", "%d/3" % i, "--json")
    check(run.json().get("shard") == [i, 3] and run.json().get("made") in (16, 17), "shard %d: %s" % (i, run.err))
check(tree("shards") == plain, "three shards give the same bytes")
run = expect_ok(*up, "-o", "shards", "--json")
check(run.json().get("up_to_date") == N, "the undivided run reads the shards' journals")
for words in ("0/3", "4/3", "1", "a/b", "1/2/3", "1.5/3", "-1/3"):
    expect(2, "--shard", *up, "-o", "none", "--shard", words)
    expect(2, "--shard", "upscale", "in/p00 é ü.ppm", "-o", "one.png", "--shard", words)
expect(2, ["--shard", "one.png", "folder"], "upscale", "in/p00 é ü.ppm", "-o", "one.png", "--shard", "1/2")
os.mkdir(path("one"))
for i, made in (("2/2", 0), ("1/2", 1)):
    run = expect_ok("upscale", "in/p00 é ü.ppm", "-o", "one", "--json", "--shard", i).json()
    check(run.get("made") == made, "one picture, shard %s: %s" % (i, run.get("made")))
expect(2, "auto", *up, "-o", "none", "--shard", "auto")
for names, ranks in ((("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), (0, 1)), (("PMI_RANK", "PMI_SIZE"), (0, 1)),
                     (("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"), (1, 2)),
                     (("SLURM_PROCID", "SLURM_NTASKS"), (0, 1))):
    shutil.rmtree(path("auto"), ignore_errors=True)
    for rank in ranks:
        env = {names[0]: str(rank), names[1]: "2", "SLURM_ARRAY_TASK_MIN": "1"}
        expect_ok(*up, "-o", "auto", "--shard", "auto", "--quiet", env=env)
    check(tree("auto") == plain, "%s: two ranks give the same bytes" % names[0])

# the examples of the manual
line = "%s upscale in --recursive --format png -s 3 -o LAUNCHED --quiet" % FOVEA
parallel = subprocess.run("parallel --version", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
if b"GNU" in parallel.stdout:
    line_of_three = "parallel -j 2 %s --shard {}/3 ::: 1 2 3" % line.replace("LAUNCHED", "gnu")
    done = subprocess.run(line_of_three, shell=True, cwd=folder, check=False)
    check(done.returncode == 0 and tree("gnu") == plain, "GNU parallel: exit %d" % done.returncode)
else:
    print("skipped: GNU parallel is not installed")
if shutil.which("mpirun"):
    line_of_three = "mpirun --allow-run-as-root --oversubscribe -n 3 %s --shard auto" % line.replace("LAUNCHED", "mpi")
    done = subprocess.run(line_of_three, shell=True, cwd=folder, stderr=subprocess.PIPE, check=False)
    same = done.returncode == 0 and tree("mpi") == plain
    check(same, "Open MPI: exit %d, %s" % (done.returncode, done.stderr[-300:]))
else:
    print("skipped: Open MPI is not installed")
finish()
