#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Add up the test results of build folders.

Reads meson's log of the last run in each folder. A cmocka program counts as its tests, any other as one. Prints one
closing line and fails if a test failed, a folder has no results, or --broken says that a stage broke down.
"""
import argparse
import json
import pathlib
import re
import sys

CMOCKA = {'passed': re.compile(r'^\[  PASSED  \] (\d+) test', re.M),
          'failed': re.compile(r'^\[  FAILED  \] (?:\[[^]]*\] )?(\d+) test', re.M),
          'skipped': re.compile(r'^\[  SKIPPED \] (?:\[[^]]*\] )?(\d+) test', re.M)}
FINE = {'OK', 'EXPECTEDFAIL'}


def count(record):
    """(passed, failed, skipped) of one line of the log."""
    if record['result'] == 'SKIP':
        return 0, 0, 1
    text = (record.get('stdout') or '') + (record.get('stderr') or '')
    sums = {key: sum(int(n) for n in pattern.findall(text)) for key, pattern in CMOCKA.items()}
    passed, failed, skipped = sums['passed'], sums['failed'], sums['skipped']
    if record['result'] in FINE:
        return (passed, 0, skipped) if passed or skipped else (1, 0, 0)
    return passed, max(failed, 1), skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--broken', type=int, default=0, help='stages that broke down')
    parser.add_argument('folders', nargs='+')
    options = parser.parse_args()
    total, bad = [0, 0, 0], []
    for folder in options.folders:
        log = pathlib.Path(folder, 'meson-logs', 'testlog.json')
        if not log.exists():
            bad.append(f'{folder}: no results')
            continue
        for line in log.read_text(errors='replace').splitlines():
            record = json.loads(line)
            counts = count(record)
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                bad.append(f'{folder}: {record["name"]} ({record["result"]})')
    for line in bad:
        print('failed:', line)
    failed = total[1] + (options.broken if not total[1] else 0)
    print(f'{total[0]} passed, {failed} failed, {total[2]} skipped')
    return 1 if bad or options.broken else 0


if __name__ == '__main__':
    sys.exit(main())
