#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Put pages together and write them as one C file: for each what comes before, between and after its data.

Usage: embed_pages.py OUTPUT.c FOLDER NAME=FILE.css,FILE.js...

FOLDER/page.html is the frame of every page. Its {{title}}, {{style}} and {{script}} are filled from the named files,
{{style-hash}} and {{script-hash}} with what a content security policy needs to let just these through. {{data}} is
where the program inserts what a page shows.
"""
import base64
import hashlib
import pathlib
import sys

BYTES_A_LINE = 24


def policy_hash(text):
    """The source expression of CSP 3 for an inline element with this text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def assemble(folder, name, files):
    frame = (folder / 'page.html').read_text()
    parts = {ending: '\n' + '\n'.join((folder / file).read_text() for file in files if file.endswith(ending))
             for ending in ('.css', '.js')}
    for text in parts.values():
        if '</s' in text.lower():
            sys.exit(f'embed_pages.py: {name}: a style or script would end its own element')
    for key, value in (('title', name), ('style-hash', policy_hash(parts['.css'])),
                       ('script-hash', policy_hash(parts['.js'])), ('style', parts['.css']), ('script', parts['.js'])):
        frame = frame.replace('{{' + key + '}}', value)
    return frame.split('{{data}}')


def array(name, text):
    data = text.encode()
    lines = [', '.join(str(b) for b in data[i:i + BYTES_A_LINE]) for i in range(0, len(data), BYTES_A_LINE)]
    return f'static const unsigned char {name}[{len(data)}] = {{\n    ' + ',\n    '.join(lines) + '\n};\n\n'


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    output, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text, rows = ['/* Made by tools/embed_pages.py. */\n#include "html_page.h"\n\n'], []
    for page in sys.argv[3:]:
        name, files = page.split('=')
        head, tail = assemble(folder, name, files.split(','))
        text += [array(name + '_head', head), array(name + '_tail', tail)]
        rows.append(f'const struct cli_page cli_page_{name} = {{ {name}_head, sizeof {name}_head, '
                    f'{name}_tail, sizeof {name}_tail }};\n')
    output.write_text(''.join(text + rows))


if __name__ == '__main__':
    main()
