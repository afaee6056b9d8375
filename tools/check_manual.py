#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does the manual page name every command and option that the program's own help names, and no others?"""
import argparse
import pathlib
import re
import subprocess
import sys

HELP_COMMAND = re.compile(r'^  (?:fovea(?:-train)? )?([a-z]+) ', re.M)
HELP_OPTION = re.compile(r'(?<![\w-])--([a-z][a-z-]+)')
PAGE_COMMAND = re.compile(r'^\*([a-z]+)\*', re.M)
PAGE_OPTION = re.compile(r'\*--([a-z][a-z-]+)\*')


def help_of(program, *words):
    done = subprocess.run([str(program.resolve()), *words, '--help'], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def section(page, name):
    """The text of one section of the page."""
    match = re.search(rf'^# {name}\n(.*?)(?=^# |\Z)', page, re.M | re.S)
    return match.group(1) if match else ''


def differences(what, program, page):
    return [f'{what} {word}: in the help, not in the page' for word in sorted(program - page)] + \
           [f'{what} {word}: in the page, not in the help' for word in sorted(page - program)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', type=pathlib.Path)
    parser.add_argument('page', type=pathlib.Path)
    options = parser.parse_args()
    page, program = options.page.read_text(), options.program.resolve()
    commands = set(HELP_COMMAND.findall(help_of(program)))
    named = set(HELP_OPTION.findall(help_of(program)))
    for command in commands:
        named |= set(HELP_OPTION.findall(help_of(program, command)))
    bad = differences('command', commands, set(PAGE_COMMAND.findall(section(page, 'COMMANDS'))))
    bad += differences('option', named, set(PAGE_OPTION.findall(page)))
    for line in bad:
        print(line)
    print(f'{len(commands)} commands, {len(named)} options, {len(bad)} differences')
    return 1 if bad or not commands else 0


if __name__ == '__main__':
    sys.exit(main())
