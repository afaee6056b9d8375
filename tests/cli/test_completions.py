# SPDX-License-Identifier: BSD-2-Clause
"""Completions: each shell's file names every command and option of the help, and the shells that are installed do
complete with them."""
import re
import shutil

from common import *

OPTION = re.compile(r"^ {2,6}(?:-\w, )?--([a-z][a-z-]*)", re.M)
overview = expect_ok("--help").out
commands = re.findall(r"^  fovea ([a-z]+)", overview, re.M)
check(len(commands) >= 9, "the overview lists the commands: %s" % commands)
options = {name: OPTION.findall(expect_ok(name, "--help").out) for name in commands}
check("method" in options["upscale"], "the help of upscale has --method")
texts = {shell: expect_ok("completions", shell).out for shell in ("bash", "zsh", "fish")}
for shell, text in texts.items():
    write_file("fovea." + shell, text.encode())
expect(2, "bash, zsh and fish", "completions")
expect(2, "bash, zsh and fish", "completions", "csh")
expect(2, "bash, zsh and fish", "completions", "bash", "zsh")

for name in commands:
    named = {
        "bash": re.search(r"^        %s,-\*\) words='(.*)' ;;$" % name, texts["bash"], re.M).group(1).split(),
        "zsh": re.findall(r"--([a-z-]+)[}\[]", texts["zsh"].split("\n    %s)\n" % name)[1].split(";;")[0]),
        "fish": re.findall(r"from %s' -l ([a-z-]+)" % name, texts["fish"]),
    }
    named["bash"] = [word[2:] for word in named["bash"]]
    for shell, words in named.items():
        check(words == options[name], "%s, %s: %s, the help has %s" % (shell, name, words, options[name]))


soft_png("a b.png")


def shell_lines(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, timeout=90, check=False,
                          universal_newlines=True)
    return done.returncode, done.stdout.split("\n")


def complete_bash(*words):
    """What the function offers for the last word."""
    script = """source ./fovea.bash || exit 9
COMP_WORDS=(%s) COMP_CWORD=%d
_fovea
printf '%%s\\n' "${COMPREPLY[@]}" """
    code, lines = shell_lines("bash", "--norc", "-c", script % (" ".join("'%s'" % w for w in words), len(words) - 1))
    check(code == 0, "bash: %s gives %d %s" % (words, code, lines))
    return sorted(line for line in lines if line)


def complete_fish(*words):
    code, lines = shell_lines("fish", "--no-config", "-c", "source fovea.fish; complete -C '%s'" % " ".join(words))
    check(code == 0, "fish: %s gives %d %s" % (words, code, lines))
    return sorted(line.split("\t")[0] for line in lines if line)


def try_shell(complete):
    """The claims that every shell must meet."""
    here = complete.__name__
    check(complete("fovea", "up") == ["upscale"], here + ": a command")
    check(set(commands) <= set(complete("fovea", "")), here + ": all commands")
    check(complete("fovea", "upscale", "--met") == ["--method"], here + ": an option")
    check(complete("fovea", "compare", "--meth") == [], here + ": not an option of another command")
    check(complete("fovea", "upscale", "--preset", "ba") == ["balanced"], here + ": a choice")
    check({"lanczos2", "lanczos3", "large"} <= set(complete("fovea", "upscale", "--method", "l")), here + ": a method")
    check(complete("fovea", "completions", "z") == ["zsh"], here + ": a shell")


if shutil.which("bash"):
    try_shell(complete_bash)
    check(complete_bash("fovea", "upscale", "--preset", "=", "fa") == ["fast"], "bash: a choice behind =")
    check(complete_bash("fovea", "upscale", "--preset", "=") == ["balanced", "best", "fast"], "bash: all behind =")
    check(complete_bash("fovea", "upscale", "-o", "x") == [], "bash: files are left to the shell")
else:
    print("skipped: bash is not installed")
if shutil.which("fish"):
    try_shell(complete_fish)
    check(complete_fish("fovea", "upscale", "a") == ["a b.png"], "fish: a file")
else:
    print("skipped: fish is not installed")
if shutil.which("zsh"):
    # A zsh in a terminal of its own, with the completion system: what stands in the line behind a tab.
    script = r"""zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'autoload -Uz compinit; compinit -D -u; source ./fovea.zsh'
zpty -w z 'keep() { print -r -- "$BUFFER" >> kept; BUFFER=; }; zle -N keep; bindkey "^X" keep; : > kept'
while [[ ! -e kept ]]; do sleep .05; done
for line in "$@"; do
    zpty -w -n z "$line"$'\t\x18'
done
while (( $(wc -l < kept) < $# )); do sleep .05; done
zpty -d z
cat kept
"""
    write_file("type.zsh", script.encode())
    tries = [("fovea ups", "fovea upscale "), ("fovea upscale --met", "fovea upscale --method "),
             ("fovea upscale --preset ba", "fovea upscale --preset balanced "),
             ("fovea upscale --method mit", "fovea upscale --method mitchell "),
             ("fovea upscale -o a", "fovea upscale -o a\\ b.png "), ("fovea compare --bor", "fovea compare --border "),
             ("fovea compare --meth", "fovea compare --meth"), ("fovea completions z", "fovea completions zsh ")]
    code, lines = shell_lines("zsh", "-n", "fovea.zsh")
    check((code, lines) == (0, [""]), "zsh -n: %s" % lines)
    code, lines = shell_lines("timeout", "60", "zsh", "-f", "type.zsh", *[typed for typed, _ in tries])
    for (typed, wanted), got in zip(tries, lines + [""] * len(tries)):
        check(got == wanted, "zsh: '%s' becomes '%s'" % (typed, got))
else:
    print("skipped: zsh is not installed")
finish()
